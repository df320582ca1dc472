"""What the fixtures of operations are made of: one case is an expression of PyTorch, its inputs, its value and its gradients."""

import torch


def number_list(tensor):
    return [float(f"{value:.9g}") for value in tensor.detach().double().flatten().tolist()]


def draw(*shape):
    return torch.randn(shape).float().double()


def draw_positive(*shape):
    return 0.5 + draw(*shape).abs()


def integers(values):
    return torch.tensor(values)


def case(compute, inputs, indices=None, constants=None):
    """The gradients of Σ weights · compute(…) in `inputs`; `indices` (integers) and `constants` are not differentiated."""
    exact = lambda values: {name: value.float().double() for name, value in (values or {}).items()}
    inputs, indices, constants = exact(inputs), indices or {}, exact(constants)
    leaves = {name: value.clone().requires_grad_() for name, value in inputs.items()}
    output = compute(**leaves, **indices, **constants)
    weights = draw(*output.shape)
    (output * weights).sum().backward()
    tensor = lambda value: dict(shape=list(value.shape), data=number_list(value))
    tensors = lambda values: {name: tensor(value) for name, value in values.items()}
    return dict(inputs=tensors(inputs), indices=tensors(indices), constants=tensors(constants), weights=number_list(weights),
                output=tensor(output), gradients={name: number_list(leaf.grad) for name, leaf in leaves.items()})
