"""Writes tests/parity/fixtures/operations.json: every operation, networks, losses and a two-optimizer training in PyTorch.

    python scripts/parity/operations.py

Everything is computed in double precision from inputs that are exact in float32. Each case holds its inputs, the output of an
expression of PyTorch and the gradients of Σ weights · output.
"""

import json
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import distributions as D

from cases import case, draw, draw_positive, integers, number_list
from table import table

FIXTURE = Path(__file__).parents[2] / "tests" / "parity" / "fixtures" / "operations.json"
WIDTH = 2 / 255


def gaussian_mixture(x, logits, location, logScale):
    components = D.Independent(D.Normal(location, logScale.exp()), 1)
    return D.MixtureSameFamily(D.Categorical(logits=logits), components).log_prob(x)


def logistic_mixture(x, logits, location, logScale):
    """Bin by bin. PixelCNN++ takes the density where the probability is small; double precision needs no such help."""
    rows = []
    for row in range(len(x)):
        components = []
        for k in range(logits.shape[1]):
            total = logits[row].log_softmax(-1)[k]
            for d in range(x.shape[1]):
                value, mu, s = x[row, d], location[row, k, d], logScale[row, k, d].exp()
                upper, lower = (value - mu + WIDTH / 2) / s, (value - mu - WIDTH / 2) / s
                if value < -0.999:
                    total = total + F.logsigmoid(upper)
                elif value > 0.999:
                    total = total + F.logsigmoid(-lower)
                else:
                    total = total + F.logsigmoid(upper) + F.logsigmoid(-lower) + (-torch.expm1(lower - upper)).log()
            components.append(total)
        rows.append(torch.stack(components).logsumexp(0))
    return torch.stack(rows)


def gru(backwards):
    module = torch.nn.GRU(3, 4, batch_first=True, bidirectional=True).double()
    suffix = "_l0_reverse" if backwards else "_l0"
    names = ["weight_ih", "weight_hh", "bias_ih", "bias_hh"]

    def compute(x, **parameters):
        values = {name: value.detach() for name, value in module.named_parameters()}
        values |= {f"{name}{suffix}": parameters[name] for name in names}
        output, _ = torch.func.functional_call(module, values, (x,))
        return output[..., 4:] if backwards else output[..., :4]

    return case(compute, dict(x=draw(2, 5, 3), **{name: getattr(module, name + suffix).detach() for name in names}))


def denoising(clean, noise, sigma, weight):
    data = 0.5
    x = clean + sigma * noise
    skip, out = data**2 / (sigma**2 + data**2), sigma * data / (sigma**2 + data**2).sqrt()
    network = lambda value: value @ weight
    target = (clean - skip * x) / out
    return ((network(x / (sigma**2 + data**2).sqrt()) - target) ** 2).mean()


def temporal_difference(q, reward, discount, following):
    goal = reward + discount * following
    return F.mse_loss(q, goal) + F.huber_loss(q, goal, delta=0.7)


def clipped(ratio, advantage):
    return torch.minimum(ratio * advantage, ratio.clamp(0.8, 1.2) * advantage)


def composed():
    kl = lambda a, b, c, d: D.kl_divergence(D.Normal(a, b.exp()), D.Normal(c, d.exp())).sum(-1)
    unit = lambda x: x / (x.square().sum(-1, keepdim=True) + 1e-6).sqrt()
    x = draw(6, 2).clamp(-0.9, 0.9)
    x[0], x[1], x[2] = torch.tensor([-1.0, 1.0]), torch.tensor([1.0, -1.0]), torch.tensor([0.9, -0.9])
    mixture = dict(x=x, logits=draw(6, 3), location=0.5 * draw(6, 3, 2), logScale=-1.5 + 0.5 * draw(6, 3, 2))
    mixture["logScale"][2] = -4  # So narrow that the probability of the bin is below 1e-10.
    return {
        "convolve dilated": case(lambda x, w: F.conv2d(x, w, dilation=2), dict(x=draw(2, 2, 7, 6), w=draw(3, 2, 3, 2))),
        "convolve 1-D": case(lambda x, w: F.conv1d(x, w, stride=3), dict(x=draw(2, 3, 9), w=draw(2, 3, 2))),
        "logSumExp": case(lambda x: x.logsumexp(1), dict(x=40 * draw(3, 4))),
        "matmul transposed": case(lambda a, b: 0.7 * a.T @ b.T, dict(a=draw(4, 3), b=draw(2, 4))),
        "gru": gru(False),
        "gru backwards": gru(True),
        "gaussian mixture": case(gaussian_mixture, mixture),
        "logistic mixture": case(logistic_mixture, mixture),
        "gaussian likelihood": case(lambda x, m, s: D.Normal(m, s.exp()).log_prob(x).sum(-1),
                                    dict(x=draw(3, 2), m=draw(3, 2), s=draw(3, 2))),
        "gaussian kl": case(kl, dict(a=draw(3, 2), b=draw(3, 2), c=draw(3, 2), d=draw(3, 2))),
        "cosine distance": case(lambda a, b: (unit(a) - unit(b)).square().sum(-1), dict(a=draw(3, 4), b=draw(3, 4))),
        "cross-entropy": case(lambda logits, w, label: (w * F.cross_entropy(logits, label, reduction="none")).sum() / w.sum(),
                              dict(logits=draw(4, 3), w=draw_positive(4)), dict(label=integers([2, 0, 1, 1]))),
        "logistic cross-entropy": case(lambda s, p: F.binary_cross_entropy_with_logits(s, p, reduction="none"),
                                       dict(s=5 * draw(6), p=draw(6).sigmoid())),
        "temporal difference": case(temporal_difference, dict(q=2 * draw(5)), constants=dict(
            reward=draw(5), discount=torch.tensor([0.9, 0.9, 0, 0.9, 0]), following=draw(5))),
        "denoising": case(denoising, dict(clean=draw(4, 2), noise=draw(4, 2), sigma=draw(4, 1).abs() + 0.1,
                                          weight=draw(2, 2))),
        "clipped objective": case(clipped, dict(ratio=(0.4 * draw(8)).exp(), advantage=draw(8))),
        "logistic preference": case(lambda m: -F.logsigmoid(0.3 * m), dict(m=20 * draw(6))),
        "squared preference": case(lambda m: (m - 1 / 0.8) ** 2, dict(m=draw(6))),
    }


class Network(torch.nn.Module):
    """Named as ours: <layer>.weight, <layer>.bias, <layer>.norm.weight …"""

    def __init__(self, widths, activation, normed):
        super().__init__()
        self.activation = activation
        for index, (before, after) in enumerate(zip(widths, widths[1:])):
            layer = torch.nn.Linear(before, after)
            if normed and index < len(widths) - 2:
                layer.norm = torch.nn.LayerNorm(after)
            setattr(self, str(index), layer)

    def forward(self, x):
        layers = list(self.children())
        for layer in layers[:-1]:
            x = F.linear(x, layer.weight, layer.bias)
            x = self.activation(layer.norm(x) if hasattr(layer, "norm") else x)
        return layers[-1](x)


def adamw(module, settings):
    matrices = [p for p in module.parameters() if p.dim() > 1]
    vectors = [p for p in module.parameters() if p.dim() == 1]
    return torch.optim.AdamW([dict(params=matrices), dict(params=vectors, weight_decay=0.0)], lr=settings["learningRate"],
                             betas=(0.9, 0.999), eps=1e-8, weight_decay=settings["weightDecay"])


def actor_critic():
    """One step of both from the same parameters: the actor's loss goes through the critic, the critic's through an average."""
    settings = dict(critic=dict(learningRate=0.02, weightDecay=0.1, clipNorm=0.5),
                    actor=dict(learningRate=0.005, weightDecay=0.0, clipNorm=0), decay=0.8, discount=0.9)
    actor, critic = Network([3, 8, 2], F.relu, False).double(), Network([5, 8, 8, 1], torch.tanh, True).double()
    for module in (actor, critic):
        for parameter in module.parameters():
            parameter.data = (parameter.data + 0.1 * torch.randn(parameter.shape)).float().double()
    named = lambda module: {name: dict(shape=list(p.shape), data=number_list(p)) for name, p in module.named_parameters()}
    start = dict(actor=named(actor), critic=named(critic))
    target = Network([5, 8, 8, 1], torch.tanh, True).double()
    target.load_state_dict(critic.state_dict())
    optimizers = {"actor": adamw(actor, settings["actor"]), "critic": adamw(critic, settings["critic"])}
    value = lambda net, state, action: net(torch.cat([state, action], 1))
    act = lambda state: actor(state).tanh()
    batches, metrics = [], []
    for _ in range(5):
        batch = dict(state=draw(4, 3), action=draw(4, 2), reward=draw(4, 1), next=draw(4, 3))
        batches.append({name: number_list(tensor) for name, tensor in batch.items()})
        with torch.no_grad():
            goal = batch["reward"] + settings["discount"] * value(target, batch["next"], act(batch["next"]))
        losses = dict(critic=((value(critic, batch["state"], batch["action"]) - goal) ** 2).mean(),
                      actor=-value(critic, batch["state"], act(batch["state"])).mean())
        gradients = {name: torch.autograd.grad(losses[name], list(module.parameters()), retain_graph=True)
                     for name, module in (("actor", actor), ("critic", critic))}
        norms = {}
        for name, module in (("actor", actor), ("critic", critic)):
            for parameter, gradient in zip(module.parameters(), gradients[name]):
                parameter.grad = gradient.clone()
            limit = settings[name]["clipNorm"] or float("inf")
            norms[name] = float(torch.nn.utils.clip_grad_norm_(module.parameters(), limit))
        for optimizer in optimizers.values():
            optimizer.step()
        for old, fresh in zip(target.parameters(), critic.parameters()):
            old.data = settings["decay"] * old.data + (1 - settings["decay"]) * fresh.data
        metrics.append(dict(losses={name: float(loss.detach()) for name, loss in losses.items()}, norms=norms))
    return dict(settings=settings, start=start, batches=batches, metrics=metrics,
                end=dict(actor=named(actor), critic=named(critic), target=named(target)))


if __name__ == "__main__":
    torch.manual_seed(7)
    fixture = dict(versions=dict(torch=torch.__version__), table=table(), composed=composed(), actorCritic=actor_critic())
    FIXTURE.write_text(json.dumps(fixture, separators=(",", ":")))
