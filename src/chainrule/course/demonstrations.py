"""Statements of the lectures that can be shown: each function trains or calculates and returns a table as text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from chainrule import rng
from chainrule.calculus.activations import activations
from chainrule.course.document import load
from chainrule.course.lesson import lesson
from chainrule.course.recompute import network_of
from chainrule.course.scenes import columns
from chainrule.course.search import Problem, descend, two_valleys
from chainrule.engines.base import Rows
from chainrule.engines.reference import ReferenceEngine
from chainrule.layers import Dense, Dropout, Maxout
from chainrule.network import Network, initialize
from chainrule.optim.rule import Update
from chainrule.optim.rules import rules
from chainrule.shapes import Array
from chainrule.steps import backward, forward
from chainrule.training.loop import Outcome, Settings, begin, train
from chainrule.training.solve import solve
from chainrule.training.stopping import EarlyStopping

Data = tuple[Array, Array]


def race(
    names: Sequence[str] = ("sigmoid", "tanh", "relu", "leaky_relu", "elu", "gelu", "silu"), loss: float = 0.1
) -> str:
    """Activations against each other: the same 2-8-1 network, data, weights' seed and rule (Adam, η = 0.03); how many
    epochs to the same loss, and what value and slope cost relative to ReLU. One data set and one seed, so no law."""
    data = _rings(120)
    rows: list[list[Any]] = []
    for name in names:
        network = Network(2, [Dense(8, name), Dense(1, "sigmoid")])
        history = _train(network, data, epochs=300).history
        reached = next(
            (int(e) for e, value in zip(history["epoch"], history["loss"], strict=True) if value < loss), None
        )
        rows.append([name, "not in 300" if reached is None else float(reached), activations.get(name).cost])
    return "\n".join(columns(["activation", f"epochs to loss {loss:g}", "cost"], rows))


def approximation(widths: Sequence[int] = (1, 2, 4, 8, 16)) -> str:
    """A curve, sin 3x + ½ cos 5x on [−2, 2], by one hidden layer of tanh units: the largest error against the width.

    Any bounded continuous function can be approximated as closely as wanted (Cybenko 1989, Hornik 1989); finding the
    weights is another matter, so the best of three starts is shown."""
    x = np.linspace(-2.0, 2.0, 81)[:, None]
    y = np.sin(3 * x) + 0.5 * np.cos(5 * x)
    rows = []
    for width in widths:
        network = Network(1, [Dense(width, "tanh"), Dense(1)], "mse")
        found = [_solve(network, (x, y), seed) for seed in range(3)]
        error = min(float(np.abs(forward(network, theta, x).prediction - y).max()) for theta in found)
        rows.append([float(width), float(network.plan.size), float(f"{error:.2g}")])
    return "\n".join(columns(["hidden units", "parameters", "largest error"], rows))


def parity() -> str:
    """Is |x1 − x2| odd? The 2-3-1 network on half of the pairs of 0…7, and a wider one: what they learn, and what they can
    say about the other half. A smooth network fits pairs that it has seen; the rule for all whole numbers it cannot hold."""
    pairs = np.array([(a, b) for a in range(8) for b in range(8)], float)
    odd = (np.abs(pairs[:, 0] - pairs[:, 1]) % 2)[:, None]
    order = rng.generator(0, "course/parity").permutation(len(pairs))
    x, seen, unseen = (pairs - 3.5) / 3.5, order[:32], order[32:]
    rows = []
    for width in (3, 30):
        network = Network(2, [Dense(width, "sigmoid"), Dense(1, "sigmoid")])
        theta = _train(network, (x[seen], odd[seen]), epochs=600).theta
        right = [
            float(((forward(network, theta, x[part]).prediction >= 0.5) == odd[part]).mean()) for part in (seen, unseen)
        ]
        rows.append([f"2-{width}-1", *(f"{share:.0%}" for share in right)])
    return (
        "\n".join(columns(["network", "pairs seen: right", "pairs never seen: right"], rows))
        + "\nGuessing is right for 50%."
    )


def overfitting() -> str:
    """Sixteen noisy points and a network that is far too large, without and with each cure: the validation loss turns up
    while the training loss falls."""
    source = rng.generator(3, "course/overfitting")
    x = source.uniform(-1, 1, (16, 1))
    y = np.sin(3 * x) + source.normal(0, 0.3, x.shape)
    v = source.uniform(-1, 1, (200, 1))
    validation = (v, np.sin(3 * v) + source.normal(0, 0.3, v.shape))
    plain = Network(1, [Dense(40, "tanh"), Dense(40, "tanh"), Dense(1)], "mse")
    dropped = Network(1, [Dense(40, "tanh"), Dropout(0.2), Dense(40, "tanh"), Dropout(0.2), Dense(1)], "mse")
    cures: dict[str, tuple[Network, dict[str, Any]]] = {
        "nothing": (plain, {}),
        "early stopping": (plain, {"stopping": EarlyStopping(patience=50)}),
        "L2, λ = 0.02": (plain, {"l2": 0.02}),
        "dropout, 20%": (dropped, {}),
    }
    rows: list[list[Any]] = []
    for cure, (network, how) in cures.items():
        done = _train(network, (x, y), epochs=500, validation=validation, learning_rate=0.01, **how)
        history = done.history
        kept = done.best_epoch - 1
        lowest = int(np.argmin(history["val_loss"]))
        rows.append([cure, history["loss"][kept], history["val_loss"][kept], float(done.best_epoch), float(lowest + 1)])
    rows = [[cell if isinstance(cell, str) else float(f"{cell:.3g}") for cell in row] for row in rows]
    return "\n".join(columns(["cure", "loss", "validation loss", "weights of epoch", "lowest validation at"], rows))


def depth(layers: int = 8, units: int = 10) -> str:
    """The gradient layer by layer in a deep network at its initial weights: sigmoid against tanh and ReLU (length of ∂L/∂W,
    layer 1 divided by the last layer)."""
    source = rng.generator(0, "course/depth")
    x, y = source.normal(0, 1, (50, units)), source.normal(0, 1, (50, 1))
    rows = []
    for name in ("sigmoid", "tanh", "relu"):
        network = Network(units, [*[Dense(units, name) for _ in range(layers)], Dense(1)], "mse")
        gradient = backward(forward(network, initialize(network, seed=0), x, y))
        lengths = [float(np.linalg.norm(gradient[f"W{i}"])) for i in range(1, layers + 2)]
        shown = lengths[0], lengths[layers // 2], lengths[-1], lengths[0] / lengths[-1]
        rows.append([name, *(f"{length:.1e}" for length in shown)])
    return "\n".join(
        columns(["activation", "layer 1", f"layer {layers // 2 + 1}", f"layer {layers + 1}", "first/last"], rows)
    )


def saturation(name: str = "cap4453-2-3-1", near: float = 0.01) -> str:
    """Which sigmoid units of a worked network are saturated: their outputs and slopes, and those within `near` of 0 or 1."""
    trace = lesson(name).trace
    rows = []
    for slot in trace.plan.slots:
        for unit in range(slot.width) if slot.kind == "activation" else ():
            out = float(trace[slot.name][0, unit])
            rows.append([slot.units[unit], out, out * (1 - out), "saturated" if min(out, 1 - out) < near else ""])
    return "\n".join(columns(["unit", "output", "slope", ""], rows))


def symmetry(steps: int = 100) -> str:
    """All weights equal at the start: the two hidden units of the review exercise stay equal forever."""
    data = load("csds440-review-2-2-1").data
    network = network_of(data)
    problem = Problem(network, data["data"]["inputs"], data["data"]["targets"])
    path = descend(problem, initialize(network), learning_rate=1.0, steps=steps)
    w = network.plan.param("W1").of(path.thetas[-1])
    rows = [[f"h{i + 1}", *map(float, row)] for i, row in enumerate(w)]
    same = "equal" if (w[0] == w[1]).all() else "different"
    return "\n".join(
        [*columns(["unit", "from x1", "from x2"], rows), f"After {steps} steps the hidden units are {same}."]
    )


def outlier() -> str:
    """The best constant for 1, 2, 3, 4, 5 and for 1, 2, 3, 4, 500: MSE follows the outlier (the mean), MAE does not (the
    median). Found by gradient descent on a bias."""
    rows = []
    for values in ([1.0, 2.0, 3.0, 4.0, 5.0], [1.0, 2.0, 3.0, 4.0, 500.0]):
        y = np.array(values)[:, None]
        row: list[Any] = [", ".join(f"{v:g}" for v in values)]
        for loss, rate, steps in (("mse", 0.25, 200), ("mae", 0.05, 400)):
            network = Network(1, [Dense(1)], loss)
            path = descend(Problem(network, np.zeros((5, 1)), y), [0.0, 0.0], learning_rate=rate, steps=steps)
            row.append(float(f"{path.thetas[-1, 1]:.3g}"))
        rows.append(row)
    return "\n".join(columns(["values", "best under MSE", "best under MAE"], rows))


def optimizers(loss: float = 0.001) -> str:
    """Update rules on the two points of the sigmoid neuron, from w = b = −2: how many steps until the loss is small."""
    network = Network(1, [Dense(1, "sigmoid")], "half_squared_error", reduction="sum")
    data = np.array([[0.5], [2.5]]), np.array([[0.2], [0.9]])
    rows: list[list[Any]] = []
    for name, rate in (("gradient_descent", 1.0), ("momentum", 1.0), ("adam", 0.1)):
        settings = Settings(Update(rules.get(name, learning_rate=rate)), 500, None, shuffle=False)
        start = begin(np.array([-2.0, -2.0]), settings.update)
        history = train(network.plan, start, Rows(*data), settings, ReferenceEngine()).history
        steps = zip(history["epoch"], history["loss"], strict=True)
        rows.append([name, rate, next((epoch for epoch, value in steps if value < loss), "not in 500")])
    return "\n".join(columns(["rule", "η", f"steps to loss {loss:g}"], rows))


def valleys(orders: int = 10) -> str:
    """A loss with two valleys, the deeper one left of 0: gradient descent stays in the shallow one, online learning in a
    random order mostly leaves it. Both start at w = 1.3 with η = 0.05; online ends with ten times smaller steps."""
    problem = two_valleys()
    still = descend(problem, [1.3], learning_rate=0.05, steps=300)
    rows: list[list[Any]] = [["gradient descent", f"{still.thetas[-1, 0]:.2f}", f"{still.losses[-1]:.3f}"]]
    for number in range(orders):
        order = rng.generator(number, "course/order").integers(0, 4, 300)
        noisy = descend(problem, [1.3], learning_rate=0.05, steps=300, mode="online", order=order.tolist())
        calm = descend(problem, noisy.thetas[-1], learning_rate=0.005, steps=200)
        rows.append([f"online, order {number}", f"{calm.thetas[-1, 0]:.2f}", f"{calm.losses[-1]:.3f}"])
    return "\n".join(columns(["", "ends at w", "loss"], rows))


def structures() -> str:
    """Networks of the lectures side by side: layers of links (weights), hidden layers (one less), parameters."""
    gallery = {
        "perceptron": Network(2, [Dense(1, "binary_step")]),
        "sigmoid neuron": Network(2, [Dense(1, "sigmoid")]),
        "2-2-2, one bias per layer": Network(2, [Dense(2, "sigmoid", bias="layer"), Dense(2, "sigmoid", bias="layer")]),
        "3-2-1": Network(3, [Dense(2, "sigmoid"), Dense(1, "sigmoid")]),
        "chain of three": Network(1, [Dense(1, "sigmoid")] * 3),
        "tanh hidden, softmax output": Network(4, [Dense(5, "tanh"), Dense(3, "softmax")]),
        "partly connected": Network(3, [Dense(2, "sigmoid", mask=[[1, 1, 0], [0, 1, 1]]), Dense(1, "sigmoid")]),
        "maxout, two pieces": Network(3, [Maxout(4, 2), Dense(1)]),
    }
    rows = []
    for name, network in gallery.items():
        weights = [p for p in network.plan.params if len(p.shape) == 2]
        count = sum(p.size if p.mask is None else int(p.mask.sum()) for p in network.plan.params)
        rows.append([name, float(len(weights)), float(len(weights) - 1), float(count)])
    return "\n".join(columns(["network", "link layers", "hidden layers", "parameters"], rows))


def _rings(n: int) -> Data:
    """Points inside and around a circle."""
    source = rng.generator(0, "course/rings")
    radius = np.concatenate([source.uniform(0.0, 0.8, n // 2), source.uniform(1.2, 2.0, n // 2)])
    angle = source.uniform(0, 2 * np.pi, n)
    inside = np.repeat([1.0, 0.0], n // 2)
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1), inside[:, None]


def _train(
    network: Network, data: Data, *, epochs: int, validation: Data | None = None, learning_rate: float = 0.03,
    l2: float = 0.0, stopping: EarlyStopping | None = None,
) -> Outcome:  # fmt: skip
    """Adam over the whole batch."""
    update = Update(rules.get("adam", learning_rate=learning_rate), l2=l2)
    settings = Settings(update, epochs, None, stopping=stopping)
    start = begin(np.array(initialize(network)), update)
    held = None if validation is None else Rows(*validation)
    return train(network.plan, start, Rows(*data), settings, ReferenceEngine(), validation=held)


def _solve(network: Network, data: Data, seed: int) -> Array:
    start, update = np.array(initialize(network, seed)), Update(rules.get("gradient_descent"))
    return solve(network.plan, start, Rows(*data), update, ReferenceEngine(), iterations=1000).theta


DEMONSTRATIONS = {
    show.__name__: show
    for show in (
        structures, race, approximation, parity, overfitting, depth, saturation, symmetry, outlier, optimizers, valleys
    )
}  # fmt: skip
"""By name, as the command line calls them."""
