"""transformers' side of `npm run bench -- sample`: generate() for a batch padded on the left, greedily, with its cache of keys and
values. Reads lines of JSON from standard input and answers each on standard output (see bench/candidate.ts)."""

import json
import os
import resource
import sys
import time

os.environ["TQDM_DISABLE"] = "1"

import torch
import transformers
from transformers import AutoModelForCausalLM


def padded(prompts):
    longest = max(map(len, prompts))
    tokens = torch.tensor([[0] * (longest - len(prompt)) + prompt for prompt in prompts])
    mask = torch.tensor([[0] * (longest - len(prompt)) + [1] * len(prompt) for prompt in prompts])
    return tokens, mask


@torch.inference_mode()
def main():
    plan = json.loads(sys.argv[1])
    torch.set_num_threads(plan["threads"])
    began = time.perf_counter()
    folder, name = os.path.split(plan["file"])
    model = AutoModelForCausalLM.from_pretrained(folder, gguf_file=name, dtype=torch.float32).eval()
    # Nothing ends a text early, and the choice is greedy whatever the model's own settings are.
    model.generation_config = transformers.GenerationConfig(do_sample=False, pad_token_id=0)

    def generate(prompts, count):
        tokens, mask = padded(prompts)
        output = model.generate(input_ids=tokens, attention_mask=mask, max_new_tokens=count)
        made = output[:, tokens.shape[1] :]
        if made.shape != (len(prompts), count):
            raise SystemExit(f"{list(made.shape)} tokens in the place of {[len(prompts), count]}")
        return made.tolist()

    generate([[1, 2, 3]], 2)
    say({"ready": {"version": transformers.__version__, "buildSeconds": time.perf_counter() - began}})
    for line in sys.stdin:
        asked = json.loads(line)
        wall, cpu = time.perf_counter(), time.process_time()
        made = [generate(prompts, asked["newTokens"]) for prompts in asked["batches"]]
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        say({"wall": wall, "cpu": cpu, "peakBytes": peak, "tokens": made})


def say(message):
    print(json.dumps(message), flush=True)


main()
