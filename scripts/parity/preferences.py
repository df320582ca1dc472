"""Writes tests/parity/fixtures/preferences.json: regression and pair losses of a tiny Llama in PyTorch, in double precision.

    python scripts/parity/dump.py && python scripts/parity/preferences.py

The model and its weights are those of dump.py; the losses are written straight from their equations, the pairs are taken as
tensors of chosen and of rejected rows. The gradients go to gradient-<loss>.safetensors.
"""

import json

import torch
from torch.nn.functional import logsigmoid

from dump import CONFIG, FIXTURES, build_model, log_probabilities, write_safetensors

LOSSES = {
    "sppo": [dict(term="log-ratio-regression", weight=1)],
    "dpo": [dict(term="pair-logistic", weight=1, beta=0.3)],
    "ipo": [dict(term="pair-squared", weight=1, beta=0.4)],
    "mixed": [dict(term="nll", weight=0.5), dict(term="log-ratio-regression", weight=0.2),
              dict(term="pair-logistic", weight=2, beta=0.1), dict(term="pair-squared", weight=0.05, beta=1),
              dict(term="kl", weight=0.1)],
}


def make_row(model, **fields):
    length = int(torch.randint(4, 11, ()))
    row = dict(tokens=torch.randint(1, CONFIG["vocabulary"], (length,)).tolist(),
               completionFrom=int(torch.randint(1, length - 1, ())), advantage=0, **fields)
    if row["kind"] != "supervised":
        logp = log_probabilities(model, row).detach()
        row["reference"] = (logp + 0.5 * torch.randn(logp.shape)).float().tolist()
    return row


def make_rows(model):
    """The rows of a pair do not stand side by side."""
    pairs = [make_row(model, kind="compared", pair=dict(id=name, side=side))
             for side, names in (("chosen", "abc"), ("rejected", "cab")) for name in names]
    others = [make_row(model, kind="regressed", target=float(torch.randn(()))) for _ in range(3)]
    others += [make_row(model, kind="supervised") for _ in range(2)]
    rows = [row for couple in zip(pairs, others) for row in couple] + pairs[len(others):]
    for index, row in enumerate(rows):
        if row["kind"] != "supervised" and index % 4 > 0:
            row["klWeight"] = [0, 2.5, 0.2][index % 4 - 1]
    return rows


def loss_of(model, rows, spec):
    logp = [log_probabilities(model, row) for row in rows]
    reference = [torch.tensor(row.get("reference", [])).double() for row in rows]
    of_kind = lambda kind: [index for index, row in enumerate(rows) if row["kind"] == kind]
    log_ratio = {index: (logp[index] - reference[index]).sum()
                 for index in range(len(rows)) if rows[index]["kind"] != "supervised"}
    sides = {side: {rows[index]["pair"]["id"]: log_ratio[index] for index in of_kind("compared")
                    if rows[index]["pair"]["side"] == side} for side in ("chosen", "rejected")}
    chosen = torch.stack([sides["chosen"][name] for name in "abc"])
    margin = chosen - torch.stack([sides["rejected"][name] for name in "abc"])
    regressed = torch.stack([log_ratio[index] for index in of_kind("regressed")])
    target = torch.tensor([rows[index]["target"] for index in of_kind("regressed")]).double()
    total, terms, diagnostics = 0, {}, {}
    for term in spec:
        if term["term"] == "nll":
            value = -torch.cat([logp[index] for index in of_kind("supervised")]).mean()
        elif term["term"] == "kl":
            differences = [reference[index] - logp[index] for index in log_ratio]
            divergence = torch.stack([(d.exp() - d - 1).mean() for d in differences])
            value = (torch.tensor([rows[index].get("klWeight", 1) for index in log_ratio]).double() * divergence).mean()
            diagnostics["kl"] = float(divergence.detach().mean())
        elif term["term"] == "log-ratio-regression":
            value = ((regressed - target) ** 2).mean()
            diagnostics["logRatio"] = float(regressed.detach().mean())
        else:
            beta = term["beta"]
            per_pair = -logsigmoid(beta * margin) if term["term"] == "pair-logistic" else (margin - 1 / (2 * beta)) ** 2
            value = per_pair.mean()
            diagnostics |= dict(margin=float(margin.detach().mean()), chosenLogRatio=float(chosen.detach().mean()),
                                pairAccuracy=float((margin > 0).double().mean()))
        terms[term["term"]] = float(value.detach())
        total = total + term["weight"] * value
    return total, dict(loss=float(total.detach()), terms=terms, **diagnostics)


def main():
    torch.manual_seed(20)
    model = build_model()
    rows = make_rows(model)
    losses = {}
    for name, spec in LOSSES.items():
        model.zero_grad()
        loss, measured = loss_of(model, rows, spec)
        loss.backward()
        losses[name] = dict(spec=spec, **measured)
        write_safetensors(f"gradient-{name}", {key: p.grad for key, p in model.named_parameters()})
    (FIXTURES / "preferences.json").write_text(json.dumps(
        dict(versions=dict(torch=torch.__version__), rows=rows, losses=losses), separators=(",", ":")))


if __name__ == "__main__":
    main()
