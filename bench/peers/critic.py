"""How a critic comes to its verdict, `seen` or `blind` (recipes/spc/critique.ts), and the labelled rows that teach it."""

from arithmetic import ID, SEPARATOR, STOP, opening, read_step, solve, write_solution, write_step

VERDICTS = {ID["=>Correct"]: True, ID["=>Incorrect"]: False}
MARKS = {verdict: token for token, verdict in VERDICTS.items()}


class Critic:
    def __init__(self, config, task, random, generate):
        self.blind = config["critique"] == "blind"
        self.task, self.random, self.generate = task, random, generate

    def judge(self, model, steps, samples, temperature):
        """(prompt, completion, verdict) of each critique, step by step; the verdict is None where it cannot be read."""
        if not self.blind:
            prompts = [[*opening(problem, done), *write_step(step), ID["?"]] for problem, done, step in steps]
            texts = self.generate(model, prompts, samples, temperature, self.task.longest["step"] + 2)
            return [(prompts[index // samples], text, verdict_of(text)) for index, text in enumerate(texts)]
        # The critic's own step is greedy, hence the same for every critique of a step.
        openings = [opening(problem, done) for problem, done, _ in steps]
        written = self.generate(model, openings, 1, 0, self.task.longest["step"])
        own = [first_step(text) for text in written]
        prompts = [
            None if step is None else [*before, *write_step(step), ID[">"], *write_step(judged), ID["?"]]
            for before, step, (_, _, judged) in zip(openings, own, steps)
        ]
        asked = [prompt for prompt in prompts if prompt is not None]
        texts = iter(self.generate(model, asked, samples, temperature, 2))
        found = []
        for before, said, prompt in zip(openings, written, prompts):
            for _ in range(samples):
                text = said if prompt is None else next(texts)
                found.append((before if prompt is None else prompt, text, None if prompt is None else verdict_of(text)))
        return found

    def rows(self, types):
        """A labelled pair, a step made wrong and the right one; a blind critic's own step is kept right by a worked problem."""
        problem, done, right, _, wrong, *_ = self.task.corrupted(self.random, "train", types)
        rows = [self.row(problem, done, right, step, verdict) for step, verdict in ((wrong, False), (right, True))]
        if self.blind:
            rows.append((opening(problem, done), write_solution(solve(problem)[len(done) :])))
        return rows

    def row(self, problem, done, right, step, verdict):
        before = opening(problem, done)
        if self.blind:
            return [*before, *write_step(right), ID[">"], *write_step(step), ID["?"]], [MARKS[verdict], STOP]
        return [*before, *write_step(step), ID["?"]], [*write_step(right), MARKS[verdict], STOP]

    def check(self, types):
        """One of a labelled pair, for the base model."""
        problem, done, right, _, wrong, *_ = self.task.corrupted(self.random, "train", types)
        verdict = self.random.random() < 0.5
        return self.row(problem, done, right, right if verdict else wrong, verdict)


def first_step(text):
    for index, token in enumerate(text):
        if token in (SEPARATOR, STOP):
            text = text[:index]
            break
    return read_step(text)


def verdict_of(text):
    """A text that ends with a verdict and holds no other."""
    if len(text) < 2 or text[-1] != STOP or sum(token in VERDICTS for token in text) != 1 or ID[">"] in text:
        return None
    return VERDICTS.get(text[-2])
