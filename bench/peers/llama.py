"""A small Llama decoder in PyTorch: training forward, and batched generation with a cache of keys and values."""

import torch
import torch.nn.functional as functional
from torch import nn

from arithmetic import PAD, STOP


def rotate(x, cosine, sine):
    left, right = x.chunk(2, -1)
    return x * cosine + torch.cat((-right, left), -1) * sine


class Layer(nn.Module):
    def __init__(self, model):
        super().__init__()
        linear = lambda inputs, outputs: nn.Linear(inputs, outputs, bias=False)
        width, hidden = model["width"], model["hidden"]
        self.size = width // model["heads"]
        self.grouped = model["keyValueHeads"] != model["heads"]
        narrow = model["keyValueHeads"] * self.size
        self.query, self.output = linear(width, width), linear(width, width)
        self.key, self.value = linear(width, narrow), linear(width, narrow)
        self.gate, self.up, self.down = linear(width, hidden), linear(width, hidden), linear(hidden, width)
        self.attention_norm = nn.RMSNorm(width, eps=1e-5)
        self.feed_forward_norm = nn.RMSNorm(width, eps=1e-5)

    def forward(self, x, cosine, sine, cache=None, start=0, mask=None):
        rows, length, width = x.shape
        heads = lambda y: y.view(rows, length, -1, self.size).transpose(1, 2)
        normalised = self.attention_norm(x)
        query = rotate(heads(self.query(normalised)), cosine, sine)
        key = rotate(heads(self.key(normalised)), cosine, sine)
        value = heads(self.value(normalised))
        if cache is not None:
            keys, values = cache
            keys[:, :, start : start + length] = key
            values[:, :, start : start + length] = value
            key, value = keys[:, :, : start + length], values[:, :, : start + length]
        mixed = functional.scaled_dot_product_attention(
            query, key, value, attn_mask=mask, is_causal=mask is None, enable_gqa=self.grouped
        )
        x = x + self.output(mixed.transpose(1, 2).reshape(rows, length, width))
        normalised = self.feed_forward_norm(x)
        return x + self.down(functional.silu(self.gate(normalised)) * self.up(normalised))


class Llama(nn.Module):
    def __init__(self, model, vocabulary):
        super().__init__()
        self.narrow = model["keyValueHeads"], model["width"] // model["heads"]
        self.embedding = nn.Embedding(vocabulary, model["width"])
        self.layers = nn.ModuleList(Layer(model) for _ in range(model["layers"]))
        self.norm = nn.RMSNorm(model["width"], eps=1e-5)
        half = model["width"] // model["heads"] // 2
        angles = torch.arange(model["context"])[:, None] * model["ropeTheta"] ** (-torch.arange(half) / half)
        angles = torch.cat((angles, angles), -1)
        self.register_buffer("cosine", angles.cos(), persistent=False)
        self.register_buffer("sine", angles.sin(), persistent=False)
        for name, parameter in self.named_parameters():
            if parameter.dim() == 2:
                residual = name.endswith(("output.weight", "down.weight"))
                nn.init.normal_(parameter, std=0.02 / (2 * model["layers"]) ** 0.5 if residual else 0.02)

    def forward(self, tokens):
        length = tokens.shape[1]
        x = self.embedding(tokens)
        for layer in self.layers:
            x = layer(x, self.cosine[:length], self.sine[:length])
        return self.norm(x)

    def log_probabilities(self, tokens, completion):
        """log π of each completion token (mask [rows, length - 1] of the predicted ones), as one flat vector."""
        hidden = self(tokens[:, :-1])[completion]
        logits = hidden @ self.embedding.weight.T
        return -functional.cross_entropy(logits, tokens[:, 1:][completion], reduction="none")

    @torch.inference_mode()
    def generate(self, prompts, samples, temperature, most, rows_at_once):
        """`samples` completions of every prompt, prompt-major; each ends with the stop token, or after `most` tokens."""
        order = sorted(range(len(prompts)), key=lambda index: len(prompts[index]))
        at_once = max(1, rows_at_once // samples)
        found = [None] * (len(prompts) * samples)
        for start in range(0, len(order), at_once):
            chosen = order[start : start + at_once]
            texts = self.generate_batch([prompts[index] for index in chosen], samples, temperature, most)
            for place, index in enumerate(chosen):
                found[index * samples : (index + 1) * samples] = texts[place * samples : (place + 1) * samples]
        return found

    def generate_batch(self, prompts, samples, temperature, most):
        count, length = len(prompts), max(map(len, prompts))
        tokens = torch.tensor([[PAD] * (length - len(prompt)) + prompt for prompt in prompts])
        padding = length - torch.tensor([len(prompt) for prompt in prompts])
        columns = torch.arange(length + most)
        real = columns >= padding[:, None]
        heads, size = self.narrow
        caches = [[torch.empty(count, heads, length + most, size) for _ in range(2)] for _ in self.layers]

        def step(inputs, start, padding, mask):
            place = (columns[start : start + inputs.shape[1]] - padding[:, None]).clamp(min=0)
            cosine, sine = self.cosine[place][:, None], self.sine[place][:, None]
            x = self.embedding(inputs)
            for layer, cache in zip(self.layers, caches):
                x = layer(x, cosine, sine, cache, start, mask)
            return self.norm(x[:, -1]) @ self.embedding.weight.T

        causal = columns[:length, None] >= columns[None, :length]
        prefix = causal & (real[:, None, :length] | torch.eye(length, dtype=torch.bool))
        logits = step(tokens, 0, padding, prefix[:, None])
        if samples > 1:
            logits, padding = logits.repeat_interleave(samples, 0), padding.repeat_interleave(samples, 0)
            real = real.repeat_interleave(samples, 0)
            caches = [[part.repeat_interleave(samples, 0) for part in cache] for cache in caches]
        done = torch.zeros(len(logits), dtype=torch.bool)
        said = []
        for position in range(length, length + most):
            if temperature == 0:
                token = logits.argmax(-1)
            else:
                token = torch.multinomial(functional.softmax(logits / temperature, -1), 1)[:, 0]
            said.append(token)
            done |= token == STOP
            if len(said) == most or done.all():
                break
            logits = step(token[:, None], position, padding, real[:, None, None, : position + 1])
        return [cut(row) for row in torch.stack(said, 1).tolist()]


def cut(tokens):
    return tokens[: tokens.index(STOP) + 1] if STOP in tokens else tokens


def padded(rows):
    """Rows of (prompt, completion) as tokens padded on the right, and where the completions are predicted."""
    longest = max(len(prompt) + len(completion) for prompt, completion in rows)
    tokens = torch.tensor([[*p, *c, *[PAD] * (longest - len(p) - len(c))] for p, c in rows])
    starts = torch.tensor([[len(prompt) - 1] for prompt, _ in rows])
    ends = torch.tensor([[len(prompt) + len(completion) - 1] for prompt, completion in rows])
    columns = torch.arange(longest - 1)
    return tokens, (columns >= starts) & (columns < ends)
