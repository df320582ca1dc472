"""One case for each entry of the engine's table of gradients (OperationName in engine/graph/operation.ts), under its name."""

import torch
import torch.nn.functional as F

from cases import case, draw, draw_positive, integers


def rotate(x, positions, cosine, sine):
    """Halves of a head are real and imaginary parts, a rotation is a product with cos + i·sin."""
    real, imaginary = x.unflatten(-1, (-1, 2, cosine.shape[1])).unbind(-2)
    turned = torch.complex(real, imaginary) * torch.complex(cosine, sine)[positions].unsqueeze(2)
    return torch.stack([turned.real, turned.imag], -2).flatten(2)


def attention(q, k, v, mask):
    return F.scaled_dot_product_attention(q, k, v, attn_mask=mask, scale=0.6)


def split(x):
    """The first part is not used: its gradient is 0."""
    _, second, third = x.split([1, 2, 2], 1)
    return second * third


def rearrange(x, forward, backward):
    """The row -1 is one of zeros; PyTorch finds the way back by itself."""
    return torch.cat([x, torch.zeros_like(x[:1])])[forward]


def elementwise():
    # 0 is a kink of both, at which the gradient is 0.
    kinked = torch.cat([draw(7), torch.zeros(1)])
    pair = lambda: dict(a=draw(3, 4), b=draw(4))
    return {
        "add": case(torch.add, dict(input=draw(3, 4), other=draw(4))),
        "sub": case(torch.sub, dict(input=draw(3, 1), other=draw(3, 4))),
        "mul": case(torch.mul, dict(input=draw(3, 4), other=draw(3, 1))),
        "div": case(torch.div, dict(input=draw(4), other=draw_positive(3, 4))),
        "minimum": case(torch.minimum, dict(input=draw(3, 4), other=draw(4))),
        "maximum": case(torch.maximum, dict(input=draw(3, 4), other=draw(4))),
        "where": case(lambda a, b, condition: torch.where(condition.bool(), a, b), pair(),
                      dict(condition=integers([[1], [0], [1]]))),
        "stopGradient": case(lambda input: input * input.exp().detach(), dict(input=draw(6))),
        "neg": case(torch.neg, dict(input=draw(6))),
        "abs": case(torch.abs, dict(input=kinked)),
        "exp": case(torch.exp, dict(input=2 * draw(6))),
        "log": case(torch.log, dict(input=draw_positive(6))),
        "sqrt": case(torch.sqrt, dict(input=draw_positive(6))),
        "sin": case(torch.sin, dict(input=4 * draw(6))),
        "cos": case(torch.cos, dict(input=4 * draw(6))),
        "erf": case(torch.erf, dict(input=draw(8))),
        "tanh": case(torch.tanh, dict(input=3 * draw(8))),
        "sigmoid": case(torch.sigmoid, dict(input=5 * draw(8))),
        "softplus": case(F.softplus, dict(input=10 * draw(8))),
        "relu": case(F.relu, dict(input=kinked)),
        "gelu": case(F.gelu, dict(input=3 * draw(12))),
        "silu": case(F.silu, dict(input=5 * draw(8))),
    }


def reductions():
    ties = torch.tensor([[1.0, 3, 3], [2, 2, 2], [0, -1, -4]])
    return {
        "sum": case(lambda x: x.sum((0, 2)), dict(x=draw(2, 3, 4))),
        "largest": case(lambda x: x.amax(1), dict(x=ties)),
        "smallest": case(lambda x: x.amin(0), dict(x=ties)),
        "cumulativeSum": case(lambda x: x.cumsum(-1), dict(x=draw(2, 5))),
    }


def neural():
    labels = integers([2, 0, 4, 2])
    # Each query sees one key more than the one before it, the last sees all.
    mask = 0.3 * draw(3, 4) + torch.full((3, 4), -1e9).triu(2)
    angles = torch.arange(6).unsqueeze(1) / torch.tensor([1.0, 10])
    return {
        "softmax": case(lambda x: x.softmax(-1), dict(x=3 * draw(3, 5))),
        "logSoftmax": case(lambda x: x.log_softmax(-1), dict(x=30 * draw(3, 5))),
        "tokenLogProbability": case(lambda logits, label: -F.cross_entropy(logits, label, reduction="none"),
                                    dict(logits=3 * draw(4, 5)), dict(label=labels)),
        "headLogProbability": case(lambda hidden, table, label: -F.cross_entropy(hidden @ table.T, label, reduction="none"),
                                   dict(hidden=draw(4, 3), table=draw(5, 3)), dict(label=labels)),
        "swiglu": case(lambda gate, up: F.silu(gate) * up, dict(gate=3 * draw(3, 4), up=draw(3, 4))),
        "rmsNorm": case(lambda x, w: F.rms_norm(x, (5,), w, 1e-5), dict(x=draw(2, 3, 5), w=draw(5))),
        "layerNorm": case(lambda x, w, b: F.layer_norm(x, (5,), w, b, 1e-5), dict(x=draw(2, 3, 5), w=draw(5), b=draw(5))),
        "rotate": case(rotate, dict(x=draw(2, 3, 8)), dict(positions=integers([[0, 1, 2], [5, 3, 4]])),
                       dict(cosine=angles.cos(), sine=angles.sin())),
        "matmul": case(torch.matmul, dict(input=draw(2, 1, 3, 4), other=draw(5, 4, 2))),
        "attention": case(attention, dict(q=draw(2, 3, 4), k=draw(2, 4, 4), v=draw(2, 4, 4)), constants=dict(mask=mask)),
        "convolve": case(lambda x, w: F.conv2d(x, w, stride=2, padding=1), dict(x=draw(2, 3, 6, 7), w=draw(4, 3, 3, 2))),
    }


def movements():
    return {
        "reshape": case(lambda x: x.reshape(4, 3), dict(x=draw(2, 6))),
        "transpose": case(lambda x: x.permute(2, 0, 1), dict(x=draw(2, 3, 4))),
        "concat": case(lambda a, b, c: torch.cat([a, b, c], 1), dict(a=draw(2, 1), b=draw(2, 3), c=draw(2, 2))),
        "split": case(split, dict(x=draw(3, 5))),
        "expand": case(lambda x: x.expand(2, 3, 4), dict(x=draw(3, 1))),
        "slice": case(lambda x: x[:, 1:3], dict(x=draw(2, 5))),
        "pad": case(lambda x: F.pad(x, (1, 2)), dict(x=draw(2, 3))),
        "gatherRows": case(lambda table, index: F.embedding(index, table), dict(table=draw(4, 3)),
                           dict(index=integers([[3, 0, 3], [1, 1, 3]]))),
        "rearrange": case(rearrange, dict(x=draw(4, 2)),
                          dict(forward=integers([2, -1, 0, 1, -1]), backward=integers([2, 3, 0, -1]))),
        "takeAlong": case(lambda x, index: x.gather(1, index), dict(x=draw(3, 4)),
                          dict(index=integers([[1, 1], [0, 3], [2, 2]]))),
        "scatterAdd": case(lambda x, u, index: x.scatter_add(0, index, u), dict(x=draw(3, 2), u=draw(4, 2)),
                           dict(index=integers([[0, 2], [0, 1], [0, 2], [1, 1]]))),
    }


def table():
    return elementwise() | reductions() | neural() | movements()
