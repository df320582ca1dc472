"""PyTorch's side of `npm run bench -- train`: one training step of a Llama decoder, in eager mode or compiled.

Reads lines of JSON from standard input and answers each on standard output (see bench/candidate.ts). The model is written the way
PyTorch runs it fastest on a CPU: scaled_dot_product_attention, nn.RMSNorm, fused AdamW, logits only where the loss needs them.
With "lora" in the plan the model is frozen and adapters to all linear maps are learnt, computed as PEFT does.
"""

import json
import math
import resource
import sys
import time

import torch
import torch.nn.functional as functional
from torch import nn


def rotate(x, cosine, sine):
    left, right = x.chunk(2, -1)
    return x * cosine + torch.cat((-right, left), -1) * sine


class AdaptedLinear(nn.Module):
    def __init__(self, inputs, outputs, lora):
        super().__init__()
        self.base = nn.Linear(inputs, outputs, bias=False)
        self.base.weight.requires_grad_(False)
        self.a = nn.Linear(inputs, lora["rank"], bias=False)
        self.b = nn.Linear(lora["rank"], outputs, bias=False)
        self.scale = lora["alpha"] / lora["rank"]

    def forward(self, x):
        return self.base(x) + self.b(self.a(x)) * self.scale


class Layer(nn.Module):
    def __init__(self, model, lora):
        super().__init__()
        if lora is None:
            linear = lambda inputs, outputs: nn.Linear(inputs, outputs, bias=False)
        else:
            linear = lambda inputs, outputs: AdaptedLinear(inputs, outputs, lora)
        width, hidden = model["width"], model["hidden"]
        self.size = width // model["heads"]
        self.grouped = model["keyValueHeads"] != model["heads"]
        narrow = model["keyValueHeads"] * self.size
        self.query, self.output = linear(width, width), linear(width, width)
        self.key, self.value = linear(width, narrow), linear(width, narrow)
        self.gate, self.up, self.down = linear(width, hidden), linear(width, hidden), linear(hidden, width)
        self.attention_norm = nn.RMSNorm(width, eps=model["normEpsilon"])
        self.feed_forward_norm = nn.RMSNorm(width, eps=model["normEpsilon"])

    def forward(self, x, cosine, sine):
        rows, length, width = x.shape
        heads = lambda y: y.view(rows, length, -1, self.size).transpose(1, 2)
        normalised = self.attention_norm(x)
        query = rotate(heads(self.query(normalised)), cosine, sine)
        key = rotate(heads(self.key(normalised)), cosine, sine)
        value = heads(self.value(normalised))
        mixed = functional.scaled_dot_product_attention(query, key, value, is_causal=True, enable_gqa=self.grouped)
        x = x + self.output(mixed.transpose(1, 2).reshape(rows, length, width))
        normalised = self.feed_forward_norm(x)
        return x + self.down(functional.silu(self.gate(normalised)) * self.up(normalised))


class Decoder(nn.Module):
    def __init__(self, model, lora):
        super().__init__()
        self.embedding = nn.Embedding(model["vocabulary"], model["width"])
        self.layers = nn.ModuleList(Layer(model, lora) for _ in range(model["layers"]))
        self.norm = nn.RMSNorm(model["width"], eps=model["normEpsilon"])
        half = model["width"] // model["heads"] // 2
        angles = torch.arange(model["context"])[:, None] * model["ropeTheta"] ** (-torch.arange(half) / half)
        angles = torch.cat((angles, angles), -1)
        self.register_buffer("cosine", angles.cos())
        self.register_buffer("sine", angles.sin())
        for parameter in self.parameters():
            if parameter.dim() == 2:
                nn.init.normal_(parameter, std=0.02)
        if lora is not None:
            for name, parameter in self.named_parameters():
                parameter.requires_grad_(name.endswith((".a.weight", ".b.weight")))
                if name.endswith(".b.weight"):
                    nn.init.zeros_(parameter)

    def forward(self, tokens, completion_from):
        """Logits of the predictions from `completion_from` on."""
        length = tokens.shape[1]
        x = self.embedding(tokens)
        for layer in self.layers:
            x = layer(x, self.cosine[:length], self.sine[:length])
        return self.norm(x[:, completion_from:]) @ self.embedding.weight.T


def main():
    plan = json.loads(sys.argv[1])
    torch.set_num_threads(plan["threads"])
    torch.manual_seed(0)
    model = Decoder(plan["model"], plan.get("lora"))
    learnt = [parameter for parameter in model.parameters() if parameter.requires_grad]
    rows, length, start = plan["batchRows"], plan["length"], plan["completionFrom"]
    tokens = torch.randint(0, plan["model"]["vocabulary"], (rows, length))
    optimizer = torch.optim.AdamW(learnt, lr=1e-3, betas=(0.9, 0.95), weight_decay=0.1, fused=True)
    began = time.perf_counter()
    forward = torch.compile(model) if plan["compile"] else model

    def step():
        logits = forward(tokens[:, :-1], start - 1)
        loss = functional.cross_entropy(logits.flatten(0, 1), tokens[:, start:].reshape(-1))
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(learnt, 1.0)
        optimizer.step()
        return loss.item()

    step()
    say({"ready": {"version": torch.__version__, "buildSeconds": time.perf_counter() - began}})
    for line in sys.stdin:
        steps = json.loads(line)["repeat"]
        wall, cpu = time.perf_counter(), time.process_time()
        for _ in range(steps):
            loss = step()
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        if not math.isfinite(loss):
            raise SystemExit("the loss is not finite")
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        say({"wall": wall, "cpu": cpu, "peakBytes": peak})


def say(message):
    print(json.dumps(message), flush=True)


main()
