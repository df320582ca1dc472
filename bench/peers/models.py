"""Writes one model as two GGUF files, float32.gguf and int8.gguf (matrices in Q8_0), which the sides of `npm run bench -- sample`
read. Argument: JSON with the folder to write to and either `source`, a GGUF file of any type, or `flat`, a file of float32 weights,
with the model and the parameters' names and shapes in its order."""

import json
import os
import sys

import gguf
import numpy as np
from gguf import GGMLQuantizationType as Type


def from_file(source):
    """Fields and tensors of a GGUF file. Its tensors are float32 afterwards."""
    reader = gguf.GGUFReader(source)
    fields = [
        (name, field.contents(), field.types[0], field.types[-1] if len(field.types) > 1 else None)
        for name, field in reader.fields.items()
        if not name.startswith("GGUF.") and name not in ("general.architecture", "general.file_type")
    ]
    tensors = [(tensor.name, gguf.quants.dequantize(tensor.data, tensor.tensor_type)) for tensor in reader.tensors]
    return fields, tensors


def from_flat(file, model, parameters):
    """The same of weights in the order and the layout of the library. llama.cpp wants a tokenizer, so that it gets one of letters."""
    value = gguf.GGUFValueType
    heads = {"q_proj": model["heads"], "k_proj": model["keyValueHeads"]}
    tokens = [chr(ord("0") + token) for token in range(model["vocabulary"])]
    numbers = {
        "llama.vocab_size": model["vocabulary"],
        "llama.context_length": model["context"],
        "llama.embedding_length": model["width"],
        "llama.block_count": model["layers"],
        "llama.feed_forward_length": model["hidden"],
        "llama.rope.dimension_count": model["width"] // model["heads"],
        "llama.attention.head_count": model["heads"],
        "llama.attention.head_count_kv": model["keyValueHeads"],
    }
    fields = [(name, number, value.UINT32, None) for name, number in numbers.items()]
    fields += [
        ("llama.attention.layer_norm_rms_epsilon", model["normEpsilon"], value.FLOAT32, None),
        ("llama.rope.freq_base", model["ropeTheta"], value.FLOAT32, None),
        ("tokenizer.ggml.model", "gpt2", value.STRING, None),
        ("tokenizer.ggml.pre", "smollm", value.STRING, None),
        ("tokenizer.ggml.tokens", tokens, value.ARRAY, value.STRING),
        ("tokenizer.ggml.token_type", [gguf.TokenType.NORMAL] * len(tokens), value.ARRAY, value.INT32),
        ("tokenizer.ggml.merges", ["0 1"], value.ARRAY, value.STRING),
    ]
    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.LLAMA, model["layers"])
    flat, tensors = np.fromfile(file, np.float32), []
    for name, shape in parameters:
        size = int(np.prod(shape))
        elements, flat = flat[:size].reshape(shape), flat[size:]
        # llama.cpp rotates neighbours where transformers rotates halves.
        for part, count in heads.items():
            if part in name:
                elements = elements.reshape(count, 2, -1, shape[1]).swapaxes(1, 2).reshape(shape)
        tensors.append((names.get_name(name, (".weight",)), np.ascontiguousarray(elements)))
    return fields, tensors


def write(file, fields, tensors, quantised):
    writer = gguf.GGUFWriter(file, "llama")
    for name, contents, kind, part in fields:
        writer.add_key_value(name, contents, kind, sub_type=part)
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_Q8_0 if quantised else gguf.LlamaFileType.ALL_F32)
    for name, elements in tensors:
        if quantised and elements.ndim == 2:
            writer.add_tensor(name, gguf.quants.quantize(elements, Type.Q8_0), raw_dtype=Type.Q8_0)
        else:
            writer.add_tensor(name, elements)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def main():
    plan = json.loads(sys.argv[1])
    if "source" in plan:
        fields, tensors = from_file(plan["source"])
    else:
        fields, tensors = from_flat(plan["flat"], plan["model"], plan["parameters"])
    for name, quantised in (("float32", False), ("int8", True)):
        write(os.path.join(plan["folder"], f"{name}.gguf"), fields, tensors, quantised)


main()
