"""Writes tests/parity/fixtures/lora*: a LoRA adapter to the tiny Llama of dump.py in PEFT, in double precision.

    pip install torch transformers peft
    python scripts/parity/dump.py && python scripts/parity/lora.py

lora.json: losses and ten AdamW steps; lora-gradient: the gradient of every A and B; lora-trained, -m, -v: the state after the
steps; lora-peft/: the trained adapter as PEFT saves it, in single precision.

    python scripts/parity/lora.py check FOLDER MERGED

loads an adapter that Sparring wrote with PEFT and compares base + adapter with the merged weights in the file MERGED.
"""

import json
import sys

import peft
import torch
from safetensors.torch import load_file

import dump
from dump import CONFIG, FIXTURES, LOSSES, OPTIMIZER, build_model, loss_of, train, write_safetensors

SETTINGS = dict(r=3, lora_alpha=6, lora_dropout=0.0, bias="none",
                target_modules=["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"])
STEPS = 10


class Adapted:
    """What dump.py's functions need of a model: logits, and the parameters that are learnt."""

    def __init__(self, model):
        self.model = model

    def __call__(self, tokens):
        return self.model(tokens)

    def named_parameters(self):
        return [(name.replace(".default", ""), p) for name, p in self.model.named_parameters() if p.requires_grad]

    def parameters(self):
        return [p for _, p in self.named_parameters()]

    def zero_grad(self):
        self.model.zero_grad()


def base_model():
    torch.manual_seed(20)
    model = build_model()
    stored = load_file(FIXTURES / "weights.safetensors")
    model.load_state_dict({name: tensor.double() for name, tensor in stored.items()}, strict=False)
    return model


def write():
    rows = json.loads((FIXTURES / "llama.json").read_text())["rows"]
    torch.manual_seed(30)
    model = Adapted(peft.get_peft_model(base_model(), peft.LoraConfig(task_type="CAUSAL_LM", **SETTINGS)).double())
    for name, parameter in model.named_parameters():
        if "lora_B" in name:
            parameter.data = 0.1 * torch.randn(parameter.shape).double()
        parameter.data = parameter.data.float().double()
    write_safetensors("lora-start", dict(model.named_parameters()))
    spec = LOSSES["spc-code"]
    loss, measured = loss_of(model, rows, spec)
    loss.backward()
    write_safetensors("lora-gradient", {name: p.grad for name, p in model.named_parameters()})
    numbers = [[(step + 3 * index) % len(rows) for index in range(4)] for step in range(STEPS)]
    metrics, m, v = train(model, [[rows[number] for number in batch] for batch in numbers], spec)
    write_safetensors("lora-trained", dict(model.named_parameters()))
    write_safetensors("lora-trained-m", m)
    write_safetensors("lora-trained-v", v)
    with torch.no_grad():
        scores = [dump.log_probabilities(model, row).tolist() for row in rows]
    model.model.float().save_pretrained(FIXTURES / "lora-peft")
    (FIXTURES / "lora-peft" / "README.md").unlink(missing_ok=True)
    (FIXTURES / "lora.json").write_text(json.dumps(dict(
        versions=dict(torch=torch.__version__, peft=peft.__version__),
        rank=SETTINGS["r"], alpha=SETTINGS["lora_alpha"], loss=measured["loss"], scores=scores,
        training=dict(optimizer=OPTIMIZER, loss="spc-code", metrics=metrics, batches=numbers),
    ), separators=(",", ":")))


def check(folder, merged):
    ours = load_file(merged)
    theirs = peft.PeftModel.from_pretrained(base_model().float(), folder).merge_and_unload().state_dict()
    error = max(float((theirs[name] - tensor).abs().max()) for name, tensor in ours.items())
    print(json.dumps(dict(tensors=len(ours), error=error)))


if __name__ == "__main__":
    if sys.argv[1:2] == ["check"]:
        check(*sys.argv[2:])
    else:
        write()
