"""Writes tests/parity/fixtures/adapters: LoRA adapters to the models of variants.py, and what PEFT makes of them.

    pip install torch transformers peft
    python scripts/parity/variants.py && python scripts/parity/adapters.py

sparring/NAME: as Sparring writes it (tests/parity/adapters.ts). peft/NAME: as PEFT saves it. adapters.json: the logits of the models
with each of them, as PEFT computes them, in double precision.
"""

import json
import shutil
import subprocess

import peft
import torch
import transformers

from dump import FIXTURES

FOLDER = FIXTURES / "adapters"
ROOT = FIXTURES.parent.parent.parent
ALL = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
SPECS = {
    "llama": dict(r=3, lora_alpha=6, target_modules=ALL),
    "qwen2": dict(r=2, lora_alpha=5, target_modules=["q_proj", "v_proj"]),
    "qwen3": dict(r=2, lora_alpha=1, target_modules=["q_proj", "k_proj", "o_proj", "down_proj"]),
}


def base(name):
    return transformers.AutoModelForCausalLM.from_pretrained(FIXTURES / "variants" / name, dtype=torch.float32,
                                                             attn_implementation="eager")


def write_peft(name, folder):
    model = peft.get_peft_model(base(name), peft.LoraConfig(task_type="CAUSAL_LM", lora_dropout=0.1, **SPECS[name]))
    for key, parameter in model.named_parameters():
        if "lora_" in key:
            parameter.data = 0.2 * torch.randn(parameter.shape)
    model.save_pretrained(folder)
    (folder / "README.md").unlink(missing_ok=True)
    # The order of a set: it differs from one writing to the next, and the base's place from one machine to the next.
    config = json.loads((folder / "adapter_config.json").read_text())
    config.update(target_modules=sorted(config["target_modules"]), base_model_name_or_path=None)
    (folder / "adapter_config.json").write_text(json.dumps(config, indent=2) + "\n")


def logits_with(name, folder, tokens):
    """Of the last positions. The numbers of both files are single precision; what is done with them is double."""
    model = peft.PeftModel.from_pretrained(base(name), folder).double().eval()
    with torch.no_grad():
        logits = model(torch.tensor([tokens])).logits[0, -8:]
    return [[float(f"{value:.8g}") for value in row] for row in logits.tolist()]


def main():
    torch.manual_seed(50)
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir()
    subprocess.run(["node", "--import", "tsx", "tests/parity/adapters.ts", FOLDER / "sparring"], cwd=ROOT, check=True)
    variants = json.loads((FIXTURES / "variants" / "variants.json").read_text())["models"]
    logits = {"peft": {}, "sparring": {}}
    for name in SPECS:
        write_peft(name, FOLDER / "peft" / name)
        for writer, found in logits.items():
            found[name] = logits_with(name, FOLDER / writer / name, variants[name]["tokens"])
    (FOLDER / "adapters.json").write_text(json.dumps(dict(
        versions=dict(torch=torch.__version__, transformers=transformers.__version__, peft=peft.__version__),
        logits=logits,
    ), separators=(",", ":")))


if __name__ == "__main__":
    main()
