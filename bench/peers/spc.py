"""PyTorch's side of `npm run bench -- score`: SPC on arithmetic chains as one plain script, without services and without a database.

Same algorithm, sizes and seed as a run (its configuration is the argument, as `sparring run --dry-run --json` prints it), with random
numbers of its own. Prints one line of JSON for each round, and one at the end.
"""

import time

BEGAN = time.perf_counter()

import json
import random as randomness
import resource
import sys

import torch

import arithmetic
from arithmetic import COARSE, ERRORS, ID, SEPARATOR, STOP, Arithmetic, is_right, opening, pieces, read_step
from arithmetic import reaches, write_step
from critic import Critic
from learning import play_update, pretrain, supervise
from llama import Llama


class Run:
    def __init__(self, config, rows_at_once):
        self.config, self.rows_at_once = config, rows_at_once
        self.random = randomness.Random(config["seed"])
        torch.manual_seed(config["seed"])
        self.task = Arithmetic(config["task"])
        self.critic = Critic(config, self.task, self.random, self.generate)
        self.phases, self.suites = [], {}
        self.generators, self.critics, self.games, self.attacks = [], [], [], []

    def phase(self, name, work, *args):
        began = time.perf_counter()
        result = work(*args)
        self.phases.append({"phase": name, "seconds": time.perf_counter() - began})
        return result

    def generate(self, model, prompts, samples, temperature, most):
        return model.generate(prompts, samples, temperature, most, self.rows_at_once) if prompts else []

    def new_model(self):
        return Llama(self.config["model"], len(arithmetic.TOKENS))

    # Round 0: one base model, from which both players are fine-tuned on labelled steps.

    def first(self):
        config = self.config
        self.solver = self.phase("update solver", pretrain, self, config["base"], config["base"]["checks"])
        weak = self.phase("update weak-solver", pretrain, self, config["weakSolver"], 0)
        pairs = config["supervised"]
        deceptions = [self.generator_row() for _ in range(pairs["generator"]["pairs"])]
        critiques = [row for _ in range(pairs["critic"]["pairs"]) for row in self.critic.rows(COARSE)]
        self.library = {"generator": deceptions, "critic": critiques}
        self.generators.append(self.phase("update generator", supervise, self, "generator"))
        self.critics.append(self.phase("update critic", supervise, self, "critic"))
        for split in ("validation", "test"):
            self.suites[f"natural/{split}"] = self.phase("natural", self.natural, weak, split)
            self.suites[f"synthetic/{split}"] = self.phase("synthetic", self.synthetic, split)
        self.arena_steps = [self.right_step(*self.task.draw_from(self.random, "test")) for _ in range(config["evaluation"]["arena"])]
        return self.judge(0)

    def right_step(self, problem, steps):
        chosen = self.random.randrange(len(steps))
        return problem, steps[:chosen], steps[chosen]

    def generator_row(self):
        problem, done, right, kind, wrong, before, after = self.task.corrupted(self.random, "train", ERRORS)
        completion = [ID[f"{kind}!"], ID[before], ID[">"], ID[after], ID[":"], *write_step(wrong), STOP]
        return self.generator_prompt(problem, done, right), completion

    def generator_prompt(self, problem, done, right):
        return [*opening(problem, done), *write_step(right), ID["#"]]

    def natural(self, weak, split):
        """The weak solver's first wrong step, or a random step of a solution without one."""
        problems = [self.task.draw_from(self.random, split)[0] for _ in range(self.config["evaluation"]["natural"])]
        prompts = [opening(problem, []) for problem in problems]
        suite = []
        for problem, text in zip(problems, self.generate(weak, prompts, 1, 1, self.solution_tokens())):
            parts = pieces(text)
            if parts is None:
                continue
            done, rest, wrong = [], problem, None
            for part in parts:
                step = read_step(part)
                rest = None if step is None else arithmetic.advance(rest, step)
                if rest is None:
                    wrong = step
                    break
                done.append(step)
            else:
                chosen = self.random.randrange(len(done))
                suite.append((problem, done[:chosen], done[chosen], True))
                continue
            if wrong is not None:
                suite.append((problem, done, wrong, False))
        return suite

    def synthetic(self, split):
        suite = []
        for index in range(self.config["evaluation"]["synthetic"]):
            kind = ERRORS[index // 2 % len(ERRORS)]
            problem, done, right, _, wrong, *_ = self.task.corrupted(self.random, split, [kind])
            suite.append((problem, done, right, True) if index % 2 else (problem, done, wrong, False))
        return suite

    def solution_tokens(self):
        return self.task.longest["steps"] * (self.task.longest["step"] + 1)

    # A round of play: presolve, solve, deceive, validate, criticise, reward, update both, evaluate.

    def next(self, number):
        config, versions = self.config, self.opponents(number)
        if config["update"]["learn"] == "play":
            problems = [self.task.draw_from(self.random, "train")[0] for _ in range(config["play"]["problems"])]
            solutions = self.phase("presolve", self.presolve, problems)
            games = self.phase("solve", self.solve, problems, solutions)
            self.phase("deceive", self.deceive, self.generators[versions["generator"]], games)
            self.phase("validate", self.validate, games)
            self.phase("criticise", self.criticise, self.critics[versions["critic"]], games)
            for game in games:
                game["players"] = versions
                reward(game)
            self.games.append(games)
        learners = ["generator", "critic"] if config["play"]["generator"] == "learned" else ["critic"]
        played = [game for past in versions["rounds"] for game in self.games[past - 1]] if self.games else []
        for learner in learners:
            players = self.generators if learner == "generator" else self.critics
            players.append(self.phase(f"update {learner}", play_update, self, learner, versions, played))
        return self.judge(number)

    def opponents(self, number):
        newest, learned = number - 1, self.config["play"]["generator"] == "learned"
        generator = newest if learned else 0
        if self.config["schedule"] == "paper":
            rounds = list(range(1, number + 1))
            return {"generator": generator, "critic": max(0, number - 2), "from": 0, "rounds": rounds}
        return {"generator": generator, "critic": newest, "from": newest, "rounds": [number]}

    def presolve(self, problems):
        play = self.config["play"]
        prompts = [opening(problem, []) for problem in problems]
        texts = self.generate(self.solver, prompts, play["presolutions"], play["temperature"], self.solution_tokens())
        return [texts[start : start + play["presolutions"]] for start in range(0, len(texts), play["presolutions"])]

    def solve(self, problems, solutions):
        """More solutions of the medium problems; every correct one gives one random step to a game."""
        play = self.config["play"]
        graded = [[grade(problem, text) for text in texts] for problem, texts in zip(problems, solutions)]
        solved = [sum(map(bool, found)) for found in graded]
        medium = [index for index, count in enumerate(solved) if 0 < count <= play["presolutions"] / 2]
        extra = max(1, play["mediumSolutions"] - play["presolutions"])
        if play["mediumSolutions"] > play["presolutions"]:
            prompts = [opening(problems[index], []) for index in medium]
            texts = self.generate(self.solver, prompts, extra, play["temperature"], self.solution_tokens())
            for place, index in enumerate(medium):
                graded[index] += [grade(problems[index], text) for text in texts[place * extra : (place + 1) * extra]]
        easy = {index for index, count in enumerate(solved) if count > play["presolutions"] / 2}
        kept = {index for index in easy if self.random.random() < play["easyKept"]} | set(medium)
        games = []
        for index in sorted(kept):
            for steps in filter(None, graded[index]):
                problem, done, right = self.right_step(problems[index], steps)
                games.append({"problem": problem, "done": done, "right": right, "sneaky": None, "outcome": None})
        return games

    def deceive(self, generator, games):
        longest, play = self.task.longest, self.config["play"]
        prompts = [self.generator_prompt(game["problem"], game["done"], game["right"]) for game in games]
        texts = self.generate(generator, prompts, 1, play["temperature"], longest["step"] + 2 * longest["replaced"] + 4)
        for game, prompt, text in zip(games, prompts, texts):
            game["deception"], game["sneaky"] = (prompt, text), read_deception(text)

    def validate(self, games):
        play, longest = self.config["play"], self.task.longest
        tried = [game for game in games if game["sneaky"] is not None]
        prompts = [
            [*opening(game["problem"], game["done"]), *write_step(game[side])] for game in tried for side in ("right", "sneaky")
        ]
        most = 1 + (longest["steps"] - 1) * (longest["step"] + 1)
        texts = iter(self.generate(self.solver, prompts, play["rollouts"], play["rolloutTemperature"], most))
        for game in games:
            game["outcome"] = "invalid"
        for game in tried:
            right, sneaky = [
                sum(finishes(game["problem"], game[side], next(texts)) for _ in range(play["rollouts"])) for side in ("right", "sneaky")
            ]
            holds, breaks = right >= 0.75 * play["rollouts"], sneaky == 0
            if play["validity"] == "oracle":
                holds = is_right(game["problem"], game["done"], game["right"])
                breaks = not is_right(game["problem"], game["done"], game["sneaky"])
            if game["sneaky"] != game["right"] and holds and breaks:
                game["outcome"] = None

    def criticise(self, critic, games):
        play = self.config["play"]
        valid = [game for game in games if game["outcome"] is None]
        steps = [(game["problem"], game["done"], game[side]) for game in valid for side in ("right", "sneaky")]
        judged = iter(self.critic.judge(critic, steps, play["critiques"], play["temperature"]))
        for game in valid:
            game["critiques"] = {side: [next(judged) for _ in range(play["critiques"])] for side in ("right", "sneaky")}

    # Evaluation: recalls on errors that the generator did not make, then the cross table of versions.

    def judge(self, number):
        critic, generator = self.critics[number], self.generators[-1]
        scores = {name: self.phase(f"evaluate {name.split('/')[0]}", self.score, critic, suite) for name, suite in self.suites.items()}
        if number == 0 or self.config["play"]["generator"] == "learned":
            self.attacks.append(self.phase("arena", self.attack, generator))
        pairs = [(suite, critic) for suite in self.attacks] + [(self.attacks[-1], old) for old in self.critics[:number]]
        for suite, judge in pairs:
            self.phase("evaluate arena", self.score, judge, suite)
        return scores

    def attack(self, generator):
        longest = self.task.longest
        prompts = [self.generator_prompt(*step) for step in self.arena_steps]
        most = longest["step"] + 2 * longest["replaced"] + 4
        texts = self.generate(generator, prompts, 1, self.config["play"]["temperature"], most)
        found = [(problem, done, read_deception(text)) for (problem, done, _), text in zip(self.arena_steps, texts)]
        return [(*step, False) for step in found if step[2] is not None and not is_right(*step)]

    def score(self, critic, suite):
        verdicts = [verdict for _, _, verdict in self.critic.judge(critic, [step[:3] for step in suite], 1, 0)]
        recall = lambda label: mean([verdict is label for verdict, step in zip(verdicts, suite) if step[3] is label])
        correct, wrong = recall(True), recall(False)
        harmonic = 2 * correct * wrong / (correct + wrong) if correct + wrong else 0.0
        return {"correct": correct, "wrong": wrong, "harmonic": harmonic}


def mean(values):
    return sum(values) / max(1, len(values))


def grade(problem, text):
    """The steps of a solution that reaches the right outcome and is made of nothing else; None for any other text."""
    parts = pieces(text)
    steps = None if parts is None else [read_step(part) for part in parts]
    return steps if steps and None not in steps and reaches(problem, parts[-1]) else None


def finishes(problem, step, text):
    """Whether a completion from this step on reaches the right outcome."""
    if text == [STOP]:
        return step[3] == arithmetic.evaluate(problem)
    parts = pieces(text[1:]) if text and text[0] == SEPARATOR else None
    return parts is not None and reaches(problem, parts[-1])


ERROR_MARKS = {ID[f"{name}!"] for name in ERRORS}


def read_deception(text):
    """The wrong step of `type!from>to:step.`; None where the format is broken."""
    whole = len(text) == 11 and text[0] in ERROR_MARKS and text[2] == ID[">"] and text[4] == ID[":"] and text[-1] == STOP
    return read_step(text[5:10]) if whole else None


def reward(game):
    """Winner +1, loser -1; the critic is fooled when most critiques of the sneaky step say Correct, a tie goes by the first."""
    if game["outcome"] is None:
        verdicts = [verdict for _, _, verdict in game["critiques"]["sneaky"]]
        passed = sum(verdict is True for verdict in verdicts)
        fooled = passed * 2 > len(verdicts) or (passed * 2 == len(verdicts) and verdicts[0] is True)
        game["outcome"] = "fooling" if fooled else "detected"
    game["reward"] = 1 if game["outcome"] == "fooling" else -1


def main():
    plan = json.loads(sys.argv[1])
    torch.set_num_threads(plan["threads"])
    run = Run(plan["config"], plan["rowsAtOnce"])
    imported = time.perf_counter() - BEGAN
    for number in range(plan["config"]["rounds"] + 1):
        scores = run.first() if number == 0 else run.next(number)
        natural = scores["natural/test"]
        say({"round": number, **natural, "elapsed": time.perf_counter() - BEGAN, "phases": run.phases})
        run.phases = []
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    say({"version": torch.__version__, "importSeconds": imported, "peakBytes": peak})


def say(message):
    print(json.dumps(message), flush=True)


if __name__ == "__main__":
    main()
