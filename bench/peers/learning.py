"""Training: the base models, the supervised players, and the update by play (equation 4 or the released code's clipped ratio)."""

import copy

import torch

from arithmetic import COARSE, ID, opening, write_solution
from critic import MARKS, VERDICTS
from llama import padded

ROWS_SCORED_AT_ONCE = 256
# Stands between a blind critic's own step and the judged one.
BLIND_MARK = ID[">"]


def optimize(model, setting, warmup, decay, losses):
    """AdamW with linear warm-up and decay, clipped by norm; one step for each loss that `losses` gives."""
    matrices = [parameter for parameter in model.parameters() if parameter.dim() == 2]
    norms = [parameter for parameter in model.parameters() if parameter.dim() < 2]
    groups = [{"params": matrices, "weight_decay": decay}, {"params": norms, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=setting["learningRate"], betas=(0.9, 0.95), eps=1e-8, fused=True)
    steps = setting["steps"]
    rate = lambda step: step / warmup if step < warmup else max(0.0, (steps - step) / max(1, steps - warmup))
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, rate)
    for loss in losses:
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
    return model


def nll(model, rows):
    return -model.log_probabilities(*padded(rows)).mean()


def pretrain(run, setting, checks):
    def batch():
        for _ in range(setting["batch"]):
            if run.random.random() < checks:
                yield run.critic.check(COARSE)
            else:
                problem, steps = run.task.draw_from(run.random, "train")
                yield opening(problem, []), write_solution(steps)

    model = run.new_model()
    return optimize(model, setting, 100, 0.01, (nll(model, list(batch())) for _ in range(setting["steps"])))


def supervise(run, learner):
    setting = run.config["supervised"][learner]
    model, rows = copy.deepcopy(run.solver), cycle(run.random, run.library[learner])
    losses = (nll(model, [next(rows) for _ in range(setting["batch"])]) for _ in range(setting["steps"]))
    return optimize(model, setting, 10, 0.0, losses)


def cycle(random, values):
    """Endless passes over the values, each in its own order."""
    while True:
        yield from random.sample(values, len(values))


def play_update(run, learner, versions, games):
    """Played rows in balanced buckets beside as many supervised ones."""
    update = run.config["update"]
    players = run.generators if learner == "generator" else run.critics
    merged = len(versions["rounds"])
    setting = {**update[learner], "steps": update[learner]["steps"] * merged}
    model = copy.deepcopy(players[versions["from"]])
    supervised = cycle(run.random, run.library[learner])
    if learner == "critic":
        supervised = rehearsed(run, supervised, setting.get("rehearsal", 0))
    if update["learn"] == "supervised-only":
        losses = (nll(model, [next(supervised) for _ in range(setting["batch"])]) for _ in range(setting["steps"]))
        return optimize(model, setting, 10, 0.0, losses)

    credit = update.get("credit", "completion")
    of_critic = learner == "critic"
    buckets = critic_buckets(games, credit, update["balance"]) if of_critic else generator_buckets(games, update["solverReward"])
    share = setting["rows"] // len(buckets) * merged
    buckets = [run.random.sample(bucket, len(bucket))[:share] for bucket in buckets if bucket]
    if not buckets:
        return model
    equation4 = update["loss"] == "equation-4"
    baselines = class_means(buckets, update.get("baseline", "mean")) if equation4 else {}
    settled = learner == "critic" and credit == "settled"
    if not settled:
        rows = [row for bucket in buckets for row in bucket]
        score(players[0], rows, "reference")
        for version in {row["version"] for row in rows}:
            score(players[version], [row for row in rows if row["version"] == version], "old")
    draws = [cycle(run.random, bucket) for bucket in buckets]
    each = setting["batch"] // len(buckets)

    def loss():
        played = [next(draw) for draw in draws for _ in range(each)]
        texts = [row["row"] for row in played] + [next(supervised) for _ in range(setting["batch"])]
        tokens, completion = padded(texts)
        found = model.log_probabilities(tokens, completion)
        counts = completion.sum(1)
        of_play = int(counts[: len(played)].sum())
        row_of = torch.repeat_interleave(torch.arange(len(played)), counts[: len(played)])
        summed = lambda values: torch.zeros(len(played)).index_add(0, row_of, values)
        counts = counts[: len(played)]
        if settled:
            return -summed(found[:of_play]).mean() - update["supervisedWeight"] * found[of_play:].mean()
        logp, reference = found[:of_play], torch.cat([row["reference"] for row in played])
        rewards = torch.tensor([row["reward"] - baselines.get(row["class"], 0.0) for row in played])
        if equation4:
            ratio = (summed(logp - torch.cat([row["old"] for row in played]))).exp()
            advantage = rewards - update["kl"] * (summed(logp - reference) / counts).detach()
            limit = None if update["ratioLimit"] is None else update["ratioLimit"] - 1
        else:
            ratio, advantage, limit = (summed(logp - reference) / counts).exp(), rewards, update["clip"]
        gain = ratio * advantage
        if limit is not None:
            gain = torch.minimum(gain, ratio.clamp(1 - limit, 1 + limit) * advantage)
        return -gain.mean() - update["supervisedWeight"] * found[of_play:].mean()

    return optimize(model, setting, 10, 0.0, (loss() for _ in range(setting["steps"])))


def rehearsed(run, labelled, share):
    """Among the labelled rows so many new worked problems."""
    owed = 0.0
    while True:
        owed += share
        if owed >= 1:
            owed -= 1
            problem, steps = run.task.draw_from(run.random, "train")
            yield opening(problem, []), write_solution(steps)
        else:
            yield next(labelled)


def class_means(buckets, baseline):
    """The mean reward in a batch, to which every bucket gives equally: of all rows, or of those about right and sneaky steps apart."""
    totals = {}
    for bucket in buckets:
        for row in bucket:
            row["class"] = row["side"] if baseline == "class" else "all"
            weight, total = totals.get(row["class"], (0.0, 0.0))
            totals[row["class"]] = weight + 1 / len(bucket), total + row["reward"] / len(bucket)
    return {name: total / weight for name, (weight, total) in totals.items()}


def critic_buckets(games, credit, balance):
    """Winning and losing critiques, those of right and of sneaky steps, or all four kinds."""
    rows = []
    for game in games:
        for side, critiques in game.get("critiques", {}).items():
            for prompt, text, verdict in critiques:
                reward = 1 if verdict is (side == "right") else -1
                if credit != "completion" and verdict is not None:
                    mark = next(index for index, token in enumerate(text) if token in VERDICTS)
                    prompt, text = [*prompt, *text[:mark]], [text[mark]]
                if credit == "settled":
                    if verdict is None and BLIND_MARK not in prompt:
                        continue
                    text = [MARKS[side == "right"]]
                rows.append(played(prompt, text, reward, game["players"]["critic"], side))
    rewards = [(sign,) for sign in (1, -1)] if balance in ("reward", "both") else [(1, -1)]
    sides = [(side,) for side in ("right", "sneaky")] if balance in ("side", "both") else [("right", "sneaky")]
    kind = lambda signs, about: [row for row in rows if row["reward"] in signs and row["side"] in about]
    return [kind(signs, about) for about in sides for signs in rewards]


def generator_buckets(games, solver_reward):
    """Invalid, detected and fooling steps."""
    outcomes = (["invalid"] if solver_reward else []) + ["detected", "fooling"]
    return [
        [
            played(*game["deception"], game["reward"], game["players"]["generator"], "deceive")
            for game in games
            if game["outcome"] == outcome
        ]
        for outcome in outcomes
    ]


def played(prompt, text, reward, version, side):
    return {"row": (prompt, text), "reward": reward, "version": version, "side": side, "class": "all"}


@torch.inference_mode()
def score(model, rows, name):
    """log π of each row's completion, before training starts."""
    for start in range(0, len(rows), ROWS_SCORED_AT_ONCE):
        part = rows[start : start + ROWS_SCORED_AT_ONCE]
        tokens, completion = padded([row["row"] for row in part])
        found = model.log_probabilities(tokens, completion).split(completion.sum(1).tolist())
        for row, values in zip(part, found):
            row[name] = values.clone()
