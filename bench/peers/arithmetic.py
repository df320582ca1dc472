"""Arithmetic chains, as tasks/arithmetic.ts has them: problems, reference solutions, an exact checker, five ways to go wrong.

A problem is (values, operators), a step (left, operator, right, result). Texts are lists of token ids: every number from 0 to 99
is one token, so that a step is always five.
"""

import zlib

LARGEST = 99
ERRORS = ("calculation", "logic", "condition", "rule", "approach")
COARSE = ERRORS[1:]
TOKENS = ["<pad>", *map(str, range(LARGEST + 1)), *"+-*=;:#?>.", *(f"{name}!" for name in ERRORS), "=>Correct", "=>Incorrect"]
ID = {token: index for index, token in enumerate(TOKENS)}
PAD, STOP, SEPARATOR, EQUALS, COLON = 0, ID["."], ID[";"], ID["="], ID[":"]
OPERATORS = {ID["+"]: "+", ID["-"]: "-", ID["*"]: "*"}


def apply(left, operator, right):
    return left + right if operator == "+" else left - right if operator == "-" else left * right


def in_range(value):
    return 0 <= value <= LARGEST


def first_operation(operators):
    return operators.index("*") if "*" in operators else 0 if operators else -1


def equation_at(problem, index):
    values, operators = problem
    left, operator, right = values[index], operators[index], values[index + 1]
    return left, operator, right, apply(left, operator, right)


def replace(problem, index, value):
    values, operators = problem
    return (*values[:index], value, *values[index + 2 :]), (*operators[:index], *operators[index + 1 :])


def evaluate(problem):
    while problem[1]:
        index = first_operation(problem[1])
        problem = replace(problem, index, equation_at(problem, index)[3])
    return problem[0][0]


def solve(problem):
    """The steps of the reference solution; None when a value leaves 0..99 on the way."""
    steps = []
    while problem[1]:
        index = first_operation(problem[1])
        step = equation_at(problem, index)
        if not in_range(step[3]):
            return None
        steps.append(step)
        problem = replace(problem, index, step[3])
    return steps


def advance(problem, step):
    """The problem after a right step; None after a wrong one."""
    if apply(*step[:3]) != step[3]:
        return None
    value = evaluate(problem)
    for index in range(len(problem[1])):
        if equation_at(problem, index)[:3] == step[:3]:
            after = replace(problem, index, step[3])
            if evaluate(after) == value:
                return after
    return None


def after(problem, done):
    for step in done:
        if problem is not None:
            problem = advance(problem, step)
    return problem


def is_right(problem, done, step):
    rest = after(problem, done)
    return rest is not None and advance(rest, step) is not None


def split_of(problem):
    place = zlib.crc32(repr(problem).encode()) % 10
    return "train" if place < 8 else "validation" if place < 9 else "test"


class Arithmetic:
    def __init__(self, task):
        self.task = task
        most = task["operands"][1]
        self.longest = {"problem": 2 * most - 1, "steps": most - 1, "step": 5, "replaced": 1}

    def draw(self, random):
        """A random problem with its reference solution."""
        task = self.task
        while True:
            count = random.randint(*task["operands"])
            operators = [random.choice("+-") for _ in range(count - 1)]
            for _ in range(task["multiplications"]):
                if random.random() < 0.6:
                    operators[random.randrange(count - 1)] = "*"
            factor = [
                (index < count - 1 and operators[index] == "*") or (index > 0 and operators[index - 1] == "*")
                for index in range(count)
            ]
            values = [random.randint(2, task["largestFactor" if f else "largestOperand"]) for f in factor]
            problem = tuple(values), tuple(operators)
            steps = solve(problem)
            if steps is not None:
                return problem, steps

    def draw_from(self, random, split):
        while True:
            problem, steps = self.draw(random)
            if split_of(problem) == split:
                return problem, steps

    def corrupted(self, random, split, types):
        """(problem, done, right, error type, wrong step, what was replaced, by what)."""
        while True:
            problem, steps = self.draw_from(random, split)
            chosen = random.randrange(len(steps))
            kind = random.choice(types)
            found = corrupt(problem, steps[:chosen], steps[chosen], kind, random)
            if found is not None:
                return problem, steps[:chosen], steps[chosen], kind, *found


def corrupt(problem, done, right, kind, random):
    rest = after(problem, done)
    found = None if rest is None else CORRUPTIONS[kind](rest, right, random)
    return None if found is None or advance(rest, found[0]) is not None else found


def other(value, candidates, random):
    choices = [candidate for candidate in candidates if candidate != value and in_range(candidate)]
    return random.choice(choices) if choices else None


def calculation(_problem, step, random):
    result, luck = step[3], random.random()
    if luck < 0.6:
        changed = other(result, (result - 2, result - 1, result + 1, result + 2), random)
    elif luck < 0.9:
        changed = other(result, (result - 10, result + 10), random)
    else:
        changed = other(result, (result % 10 * 10 + result // 10,), random)
    return None if changed is None else ((*step[:3], changed), str(result), str(changed))


def logic(_problem, step, random):
    left, operator, right, _ = step
    choices = [sign for sign in "+-*" if sign != operator and in_range(apply(left, sign, right))]
    if not choices:
        return None
    sign = random.choice(choices)
    return (left, sign, right, apply(left, sign, right)), operator, sign


def condition(_problem, step, random):
    side = random.choice((0, 2))
    value = step[side]
    changed = other(value, (value - 10, value - 2, value - 1, value + 1, value + 2, value + 10), random)
    if changed is None:
        return None
    left, operator, right = (changed, *step[1:3]) if side == 0 else (*step[:2], changed)
    result = apply(left, operator, right)
    return ((left, operator, right, result), str(value), str(changed)) if in_range(result) else None


def rule(problem, step, random):
    equations = (equation_at(problem, index) for index in range(len(problem[1])))
    early = [equation for equation in equations if in_range(equation[3]) and advance(problem, equation) is None]
    if not early:
        return None
    chosen = random.choice(early)
    return chosen, step[1], chosen[1]


def approach(problem, step, random):
    values, operators = problem
    skipping = []
    for index in range(len(values) - 2):
        left, operator, right = values[index], operators[index + 1], values[index + 2]
        result = apply(left, operator, right)
        if in_range(result):
            skipping.append((left, operator, right, result))
    if not skipping:
        return None
    chosen = random.choice(skipping)
    return chosen, str(step[2]), str(chosen[2])


CORRUPTIONS = {"calculation": calculation, "logic": logic, "condition": condition, "rule": rule, "approach": approach}


def number(value):
    return value + 1


def write_step(step):
    return [number(step[0]), ID[step[1]], number(step[2]), EQUALS, number(step[3])]


def write_problem(problem):
    values, operators = problem
    tokens = [number(values[0])]
    for operator, value in zip(operators, values[1:]):
        tokens += [ID[operator], number(value)]
    return tokens


def opening(problem, done):
    """`problem:step;step;`: what stands before the next step."""
    tokens = [*write_problem(problem), COLON]
    for step in done:
        tokens += [*write_step(step), SEPARATOR]
    return tokens


def write_solution(steps):
    tokens = []
    for step in steps:
        tokens += [*write_step(step), SEPARATOR]
    return [*tokens[:-1], STOP]


def read_step(tokens):
    """The step that five tokens make; None for anything else."""
    if len(tokens) != 5 or tokens[3] != EQUALS or tokens[1] not in OPERATORS:
        return None
    left, right, result = tokens[0] - 1, tokens[2] - 1, tokens[4] - 1
    return (left, OPERATORS[tokens[1]], right, result) if all(map(in_range, (left, right, result))) else None


def pieces(tokens):
    """The texts between separators of one that ends; None when it does not."""
    if not tokens or tokens[-1] != STOP:
        return None
    parts, part = [], []
    for token in tokens[:-1]:
        if token == SEPARATOR:
            parts.append(part)
            part = []
        else:
            part.append(token)
    return [*parts, part]


def reaches(problem, last):
    """Whether a solution with this last step states the right outcome."""
    step = read_step(last)
    return step is not None and step[3] == evaluate(problem)
