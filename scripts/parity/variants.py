"""Writes tests/parity/fixtures/variants: relatives of the tiny Llama of dump.py, as transformers writes and computes them.

    pip install torch transformers gguf
    python scripts/parity/variants.py

llama: an untied head and Llama 3's stretched positions. qwen2: biases, in bfloat16. qwen3: norms of queries and keys, heads that do
not make up the width, YaRN, an untied head, in several files. Each is a folder as save_pretrained leaves it, and a GGUF file with the
names, the fields and the permutation of llama.cpp's convert_hf_to_gguf.py. gradient.safetensors has every gradient of a likelihood.
variants.json: logits, greedy tokens and losses, in double precision, and what transformers makes of rope_scaling for the last of
them.
"""

import json
import shutil

import gguf
import torch
import transformers
from transformers import (LlamaConfig, LlamaForCausalLM, Qwen2Config, Qwen2ForCausalLM, Qwen3Config, Qwen3ForCausalLM)
from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS

from dump import FIXTURES, log_probabilities, write_safetensors

FOLDER = FIXTURES / "variants"
SIZES = dict(vocab_size=61, intermediate_size=40, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2,
             max_position_embeddings=160, attn_implementation="eager")
LLAMA3 = dict(rope_type="llama3", rope_theta=500.0, factor=4.0, low_freq_factor=1.0, high_freq_factor=4.0,
              original_max_position_embeddings=64)
YARN = dict(rope_type="yarn", rope_theta=100.0, factor=4.0, original_max_position_embeddings=32)
QWEN3 = dict(**SIZES, hidden_size=24, head_dim=8, rms_norm_eps=1e-6)
MODELS = {
    "llama": (LlamaForCausalLM, LlamaConfig(**SIZES, hidden_size=24, rms_norm_eps=1e-5, rope_parameters=LLAMA3,
                                            tie_word_embeddings=False)),
    "qwen2": (Qwen2ForCausalLM, Qwen2Config(**SIZES, hidden_size=32, rms_norm_eps=1e-6, tie_word_embeddings=True,
                                            rope_parameters=dict(rope_type="default", rope_theta=1000.0))),
    "qwen3": (Qwen3ForCausalLM, Qwen3Config(**QWEN3, rope_parameters=YARN, tie_word_embeddings=False)),
}
STORED = {"llama": torch.float32, "qwen2": torch.bfloat16, "qwen3": torch.float32}
GGUF_TYPE = {"llama": "F32", "qwen2": "BF16", "qwen3": "F32"}
SHARD = {"llama": "1GB", "qwen2": "1GB", "qwen3": "20KB"}
# In the older form, where the type may be called so.
ROPES = {
    "linear": dict(type="linear", factor=3.0),
    "llama3": dict(rope_type="llama3", factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0,
                   original_max_position_embeddings=40),
    "yarn": dict(type="yarn", factor=4.0, original_max_position_embeddings=40),
    "yarn, its amplitude given": dict(rope_type="yarn", factor=2.0, original_max_position_embeddings=64,
                                      attention_factor=1.5),
    "yarn, other bounds": dict(rope_type="yarn", factor=3.0, original_max_position_embeddings=100, beta_fast=9.0,
                               beta_slow=0.5, truncate=False),
    "yarn, two scales": dict(rope_type="yarn", factor=5.0, original_max_position_embeddings=100, mscale=0.7,
                             mscale_all_dim=1.3),
}
GREEDY = 64


def build(name):
    kind, config = MODELS[name]
    model = kind(config)
    for key, parameter in model.named_parameters():
        noise = torch.randn(parameter.shape)
        if parameter.dim() > 1:
            parameter.data = 0.3 * noise
        else:
            parameter.data = 0.5 * noise if key.endswith("bias") else 1 + 0.2 * noise
        parameter.data = parameter.data.to(STORED[name]).float()
    folder = FOLDER / name
    shutil.rmtree(folder, ignore_errors=True)
    # Not model.to(bfloat16), which would round the frequencies of the positions too.
    stored = {key: parameter.detach().to(STORED[name]) for key, parameter in model.named_parameters()}
    model.save_pretrained(folder, state_dict=stored, max_shard_size=SHARD[name])
    (folder / "generation_config.json").unlink(missing_ok=True)
    return model.double().eval()


def write_gguf(name, model):
    config, rope = model.config, model.config.rope_parameters
    writer = gguf.GGUFWriter(FOLDER / f"{name}.gguf", name)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_rope_freq_base(rope["rope_theta"])
    if name == "qwen3":
        writer.add_key_length(config.head_dim)
        writer.add_value_length(config.head_dim)
    if rope["rope_type"] == "yarn":
        writer.add_rope_scaling_type(gguf.RopeScalingType.YARN)
        writer.add_rope_scaling_factor(rope["factor"])
        writer.add_rope_scaling_orig_ctx_len(rope["original_max_position_embeddings"])
    if rope["rope_type"] == "llama3":
        plain = rope["rope_theta"] ** (-torch.arange(0, config.head_dim, 2) / config.head_dim)
        writer.add_tensor("rope_freqs.weight", (plain / ROPE_INIT_FUNCTIONS["llama3"](config, "cpu")[0]).numpy())
    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH[name.upper()], config.num_hidden_layers)
    for key, parameter in model.named_parameters():
        data = parameter.detach().float().numpy()
        if name == "llama" and key.endswith(("q_proj.weight", "k_proj.weight")):
            heads = config.num_attention_heads if "q_proj" in key else config.num_key_value_heads
            pairs = data.reshape(heads, 2, data.shape[0] // heads // 2, data.shape[1])
            data = pairs.swapaxes(1, 2).reshape(data.shape).copy()
        kind = gguf.GGMLQuantizationType[GGUF_TYPE[name] if data.ndim > 1 else "F32"]
        writer.add_tensor(names.get_name(key, try_suffixes=(".weight", ".bias")), gguf.quants.quantize(data, kind),
                          raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def greedy(model, prompt):
    """The tokens, and by how much the closest of them was ahead of the second."""
    tokens, margin = list(prompt), float("inf")
    for _ in range(GREEDY):
        best = model(torch.tensor([tokens])).logits[0, -1].topk(2)
        margin = min(margin, float(best.values[0] - best.values[1]))
        tokens.append(int(best.indices[0]))
    return tokens[len(prompt):], margin


def measure(name):
    model = build(name)
    write_gguf(name, model)
    draw = lambda length: torch.randint(0, SIZES["vocab_size"], (length,)).tolist()
    rows = [dict(tokens=draw(length), completionFrom=start, kind="supervised", advantage=0)
            for length, start in ((24, 3), (9, 1), (16, 8))]
    loss = -torch.cat([log_probabilities(model, row) for row in rows]).mean()
    loss.backward()
    write_safetensors(f"variants/{name}/gradient", {key: p.grad for key, p in model.named_parameters()})
    with torch.no_grad():
        tokens = draw(100)
        logits = model(torch.tensor([tokens])).logits[0, -8:]
        prompts = [draw(length) for length in (1, 7, 20, 70)]
        completions, margins = zip(*(greedy(model, prompt) for prompt in prompts))
    print(name, "smallest margin", min(margins), "distinct tokens", [len(set(tokens)) for tokens in completions])
    assert min(margins) > 2e-4, "take another seed: float32 may choose another token"
    return dict(rows=rows, loss=float(loss.detach()), tokens=tokens,
                logits=[[float(f"{value:.8g}") for value in row] for row in logits.tolist()],
                prompts=prompts, greedy=completions)


def rope(parameters):
    kind = parameters.get("rope_type") or parameters["type"]
    config = Qwen3Config(**QWEN3, rope_parameters=dict(**parameters, rope_theta=100.0))
    frequencies, amplitude = ROPE_INIT_FUNCTIONS[kind](config, "cpu")
    return dict(rope_scaling=parameters, frequencies=frequencies.tolist(), amplitude=amplitude)


def main():
    torch.manual_seed(40)
    models = {name: measure(name) for name in MODELS}
    ropes = {name: rope(parameters) for name, parameters in ROPES.items()}
    (FOLDER / "variants.json").write_text(json.dumps(dict(
        versions=dict(torch=torch.__version__, transformers=transformers.__version__), models=models, ropes=ropes,
    ), separators=(",", ":")))


if __name__ == "__main__":
    main()
