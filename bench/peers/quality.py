"""What transformers computes, in float32, from the weights of a GGUF file: logits along a few texts, and greedy tokens after their
beginnings. Argument: JSON with the file, where logits go, how many tokens are a prompt and how many follow. Prints JSON."""

import json
import os
import sys

os.environ["TQDM_DISABLE"] = "1"

import torch
import transformers
from transformers import AutoModelForCausalLM, AutoTokenizer

TEXTS = [
    # Plain prose.
    """The lighthouse at the end of the bay was built in the winter of 1871, after three ships had been lost on the same rocks
within a month. Its first keeper, a widow from the fishing village across the water, carried oil up the one hundred and twelve
steps every evening and wrote the weather into a book before she slept. Most of what we know about the storms of those years comes
from her handwriting. When electric light arrived, the council thanked her son with a clock, closed the oil store, and forgot the
books in a cupboard, where a school class found them sixty years later during a visit on a rainy afternoon. Two of them are now in the museum of the county, open at the night of the great flood.""",
    # Step-by-step arithmetic.
    """Question: A baker makes 24 rolls in each of 5 trays. She sells 87 rolls before noon and gives 9 away. How many rolls are left?
Answer: Let us solve this step by step.
Step 1: The baker makes 24 * 5 = 120 rolls in total.
Step 2: After selling 87 rolls, she has 120 - 87 = 33 rolls.
Step 3: After giving 9 rolls away, she has 33 - 9 = 24 rolls.
So the answer is 24.
Question: A bus has 48 seats. At the first stop 19 people get on, at the second stop 14 more get on and 6 get off. How many seats are free?
Answer: Let us solve this step by step.
Step 1: After the first stop there are 19 people on the bus.
Step 2: After the second stop there are 19 + 14 - 6 = 27 people on the bus.
Step 3: There are 48 - 27 = 21 free seats.
So the answer is 21.""",
    # A program.
    '''def merge_intervals(intervals):
    """Merge overlapping intervals, each a pair of numbers (start, end), into the fewest that cover the same points."""
    merged = []
    for start, end in sorted(intervals):
        if merged and start <= merged[-1][1]:
            merged[-1][1] = max(merged[-1][1], end)
        else:
            merged.append([start, end])
    return merged


def test_merge_intervals():
    assert merge_intervals([]) == []
    assert merge_intervals([(1, 3), (2, 5)]) == [[1, 5]]
    assert merge_intervals([(6, 8), (1, 2)]) == [[1, 2], [6, 8]]
    assert merge_intervals([(1, 10), (2, 3)]) == [[1, 10]]
    assert merge_intervals([(4, 5), (1, 4), (9, 12), (11, 14)]) == [[1, 5], [9, 14]]
''',
    # The model's own format of a conversation.
    """<|im_start|>system
You are a helpful assistant who answers briefly.<|im_end|>
<|im_start|>user
Why does bread rise, and why does it stop rising in the oven after a few minutes?<|im_end|>
<|im_start|>assistant
Bread rises because yeast eats the sugars in the dough and gives off carbon dioxide. The gas is caught in a net of gluten, which
stretches like a balloon. In the oven the gas first expands with the heat, so the loaf grows quickly. Then the yeast dies at about
sixty degrees, the starch sets, the gluten becomes firm, and the crust hardens, so the loaf keeps the size it has.<|im_end|>
<|im_start|>user
Can I let it rise in the fridge?<|im_end|>
<|im_start|>assistant
Yes, the dough rises slowly there, and it gains flavour. Cover it well, so that it does not dry out, and use it within two days.""",
]


@torch.inference_mode()
def main():
    plan = json.loads(sys.argv[1])
    prompt, decoded = plan["prompt"], plan["decoded"]
    torch.set_num_threads(plan["threads"])
    folder, name = os.path.split(plan["model"])
    tokenizer = AutoTokenizer.from_pretrained(folder, gguf_file=name)
    model = AutoModelForCausalLM.from_pretrained(folder, gguf_file=name, dtype=torch.float32).eval()
    texts = []
    with open(plan["logits"], "wb") as file:
        for text in TEXTS:
            tokens = tokenizer(text, add_special_tokens=False)["input_ids"][: prompt + decoded]
            if len(tokens) < prompt + decoded:
                raise SystemExit(f"a text has {len(tokens)} tokens, too few for {prompt} and {decoded} more")
            logits = model(torch.tensor([tokens[:-1]])).logits[0, prompt - 1 :]
            file.write(logits.contiguous().numpy().tobytes())
            texts.append({"tokens": tokens, "greedy": greedy(model, tokens[:prompt], decoded)})
    print(json.dumps({"versions": {"torch": torch.__version__, "transformers": transformers.__version__}, "texts": texts}))


def greedy(model, prompt, count):
    """The most likely token, `count` times; the end of a text is a token like any other."""
    said, cache, inputs = [], None, prompt
    for _ in range(count):
        output = model(torch.tensor([inputs]), past_key_values=cache, use_cache=True)
        cache = output.past_key_values
        inputs = [output.logits[0, -1].argmax().item()]
        said += inputs
    return said


main()
