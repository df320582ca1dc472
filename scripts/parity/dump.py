"""Writes the fixtures of tests/parity: what PyTorch and transformers compute for a tiny Llama, in double precision.

    pip install torch transformers
    python scripts/parity/dump.py

Everything is computed by transformers' LlamaForCausalLM, torch.optim.AdamW, torch's clip_grad_norm_ and transformers' linear
schedule; only the losses and the sampler are written out here, straight from their equations.
"""

import array
import json
import struct
from pathlib import Path

import torch
import transformers
from transformers import LlamaConfig, LlamaForCausalLM, get_linear_schedule_with_warmup

FIXTURES = Path(__file__).parents[2] / "tests" / "parity" / "fixtures"
CONFIG = dict(vocabulary=23, width=16, layers=2, heads=4, keyValueHeads=2, hidden=24, ropeTheta=100.0, context=32,
              normEpsilon=1e-5)
OPTIMIZER = dict(learningRate=0.01, warmupSteps=3, totalSteps=12, decay="linear", beta1=0.9, beta2=0.95, epsilon=1e-8,
                 weightDecay=0.1, clipNorm=0.5)
STEPS = 10
NLL = dict(term="nll", weight=1)
LOSSES = {
    "nll": [NLL],
    "spc-code": [dict(term="policy-gradient", weight=1, ratio="sequence-mean", clip=0.2, klInAdvantage=0),
                 dict(term="nll", weight=0.15)],
    "spc-paper": [dict(term="policy-gradient", weight=1, ratio="sequence-sum", clip=None, klInAdvantage=0.1),
                  dict(term="nll", weight=0.15)],
    "token": [dict(term="policy-gradient", weight=1, ratio="token", clip=0.2, klInAdvantage=0),
              dict(term="kl", weight=0.1)],
    "reinforce": [dict(term="reinforce", weight=1), dict(term="kl", weight=0.1)],
}


def build_model():
    model = LlamaForCausalLM(LlamaConfig(
        vocab_size=CONFIG["vocabulary"], hidden_size=CONFIG["width"], num_hidden_layers=CONFIG["layers"],
        num_attention_heads=CONFIG["heads"], num_key_value_heads=CONFIG["keyValueHeads"],
        intermediate_size=CONFIG["hidden"], max_position_embeddings=CONFIG["context"], rms_norm_eps=CONFIG["normEpsilon"],
        rope_parameters=dict(rope_type="default", rope_theta=CONFIG["ropeTheta"]), tie_word_embeddings=True,
        attn_implementation="eager"))
    for parameter in model.parameters():
        noise = torch.randn(parameter.shape)
        parameter.data = 1 + 0.2 * noise if parameter.dim() == 1 else 0.3 * noise
    return model.double().eval()


def write_safetensors(name, tensors):
    header, blobs, offset = {}, [], 0
    for key, tensor in tensors.items():
        blob = array.array("f", tensor.detach().flatten().tolist()).tobytes()
        header[key] = dict(dtype="F32", shape=list(tensor.shape), data_offsets=[offset, offset + len(blob)])
        blobs.append(blob)
        offset += len(blob)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    (FIXTURES / f"{name}.safetensors").write_bytes(struct.pack("<Q", len(text)) + text + b"".join(blobs))


def log_probabilities(model, row):
    """log p of each completion token."""
    tokens = torch.tensor(row["tokens"])
    logp = model(tokens[None]).logits[0].log_softmax(-1)
    picked = logp[:-1].gather(1, tokens[1:, None])[:, 0]
    return picked[row["completionFrom"] - 1:]


def loss_of(model, rows, spec):
    supervised = [log_probabilities(model, row) for row in rows if row["kind"] == "supervised"]
    reinforced = [(row, log_probabilities(model, row)) for row in rows if row["kind"] == "reinforced"]
    mean = lambda values: sum(values) / max(1, len(values)) if values else torch.zeros(())
    total, terms, diagnostics = 0, {}, {}
    for term in spec:
        if term["term"] == "nll":
            value = -torch.cat(supervised).mean() if supervised else torch.zeros(())
        elif term["term"] == "kl":
            differences = [torch.tensor(row["reference"]).double() - logp for row, logp in reinforced]
            value = mean([(d.exp() - d - 1).mean() for d in differences])
            diagnostics["kl"] = float(value.detach())
        elif term["term"] == "reinforce":
            value = mean([-row["advantage"] * logp.sum() for row, logp in reinforced])
        else:
            losses, ratios, clipped_share = [], [], []
            for row, logp in reinforced:
                difference = logp - torch.tensor(row["old"]).double()
                if term["ratio"] == "sequence-mean":
                    difference = difference.mean(0, keepdim=True)
                elif term["ratio"] == "sequence-sum":
                    difference = difference.sum(0, keepdim=True)
                rho = difference.exp()
                divergence = (logp - torch.tensor(row["reference"]).double()).mean().detach()
                advantage = row["advantage"] - term["klInAdvantage"] * divergence
                surrogate = rho * advantage
                if term["clip"] is not None:
                    clipped = rho.clamp(1 - term["clip"], 1 + term["clip"]) * advantage
                    clipped_share.append(float((surrogate > clipped).double().mean()))
                    surrogate = torch.minimum(surrogate, clipped)
                losses.append(-surrogate.mean())
                ratios.append(float(rho.detach().mean()))
            value = mean(losses)
            diagnostics["meanRatio"] = mean(ratios)
            if clipped_share:
                diagnostics["clipFraction"] = mean(clipped_share)
        terms[term["term"]] = float(value.detach())
        total = total + term["weight"] * value
    return total, dict(loss=float(total.detach()), terms=terms, **diagnostics)


def make_rows(model):
    rows = []
    for index in range(10):
        length = int(torch.randint(4, 11, ()))
        tokens = torch.randint(1, CONFIG["vocabulary"], (length,)).tolist()
        row = dict(tokens=tokens, completionFrom=int(torch.randint(1, length - 1, ())),
                   kind="reinforced" if index % 2 else "supervised", advantage=0.0)
        if row["kind"] == "reinforced":
            logp = log_probabilities(model, row).detach()
            row["advantage"] = float(torch.randn(()))
            row["old"] = (logp + 0.4 * torch.randn(()) + 0.2 * torch.randn(logp.shape)).float().tolist()
            row["reference"] = (logp + 0.4 * torch.randn(logp.shape)).float().tolist()
        rows.append(row)
    return rows


def train(model, batches, spec):
    decayed = [parameter for parameter in model.parameters() if parameter.dim() > 1]
    kept = [parameter for parameter in model.parameters() if parameter.dim() == 1]
    optimizer = torch.optim.AdamW(
        [dict(params=decayed, weight_decay=OPTIMIZER["weightDecay"]), dict(params=kept, weight_decay=0.0)],
        lr=OPTIMIZER["learningRate"], betas=(OPTIMIZER["beta1"], OPTIMIZER["beta2"]), eps=OPTIMIZER["epsilon"])
    schedule = get_linear_schedule_with_warmup(optimizer, OPTIMIZER["warmupSteps"], OPTIMIZER["totalSteps"])
    metrics = []
    for batch in batches:
        optimizer.zero_grad()
        loss, measured = loss_of(model, batch, spec)
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(model.parameters(), OPTIMIZER["clipNorm"])
        metrics.append(dict(**measured, gradientNorm=float(norm), learningRate=schedule.get_last_lr()[0]))
        optimizer.step()
        schedule.step()
    moment = lambda key: {name: optimizer.state[p][key] for name, p in model.named_parameters()}
    return metrics, moment("exp_avg"), moment("exp_avg_sq")


def generate(model, prompt, choose, maximum, stop):
    tokens = list(prompt)
    for step in range(maximum):
        tokens.append(choose(model(torch.tensor([tokens])).logits[0, -1], step))
        if tokens[-1] == stop:
            break
    return tokens[len(prompt):]


def inverse_cdf(logits, temperature, uniform):
    cumulative = (logits / temperature).softmax(-1).cumsum(-1)
    return min(int((cumulative <= uniform * cumulative[-1]).sum()), len(cumulative) - 1)


def main():
    torch.manual_seed(20)
    FIXTURES.mkdir(parents=True, exist_ok=True)
    model = build_model()
    start = {name: parameter.detach().clone() for name, parameter in model.named_parameters()}
    write_safetensors("weights", start)
    rows = make_rows(model)
    losses = {}
    for name, spec in LOSSES.items():
        model.zero_grad()
        loss, measured = loss_of(model, rows, spec)
        loss.backward()
        losses[name] = dict(spec=spec, **measured)
        write_safetensors(f"gradient-{name}", {key: p.grad for key, p in model.named_parameters()})

    with torch.no_grad():
        scores = [log_probabilities(model, row).tolist() for row in rows]
        logits = model(torch.tensor([rows[0]["tokens"]])).logits[0].tolist()
        prompts = [torch.randint(1, CONFIG["vocabulary"], (length,)).tolist() for length in (1, 3, 7, 5, 2)]
        samples, maximum, stop, temperature = 3, 9, 4, 0.8
        uniforms = torch.rand(len(prompts), samples, maximum)
        greedy = [generate(model, prompt, lambda logits, _: int(logits.argmax()), maximum, stop) for prompt in prompts]
        sampled = [
            generate(model, prompt, lambda logits, step: inverse_cdf(logits, temperature, float(u[step])), maximum, stop)
            for prompt, per_prompt in zip(prompts, uniforms) for u in per_prompt]

    batches = [[rows[(step + 3 * index) % len(rows)] for index in range(4)] for step in range(STEPS)]
    metrics, m, v = train(model, batches, LOSSES["spc-code"])
    write_safetensors("trained-weights", dict(model.named_parameters()))
    write_safetensors("trained-m", m)
    write_safetensors("trained-v", v)
    (FIXTURES / "llama.json").write_text(json.dumps(dict(
        versions=dict(torch=torch.__version__, transformers=transformers.__version__),
        config=CONFIG, rows=rows, losses=losses, scores=scores, logits=logits,
        generation=dict(prompts=prompts, samplesPerPrompt=samples, maximumNewTokens=maximum, stopToken=stop,
                        temperature=temperature, uniforms=uniforms.flatten().tolist(), greedy=greedy, sampled=sampled),
        training=dict(optimizer=OPTIMIZER, loss="spc-code", metrics=metrics,
                      batches=[[rows.index(row) for row in batch] for batch in batches]),
    ), separators=(",", ":")))


if __name__ == "__main__":
    main()
