"""Networks over all catalogs, and data for them, drawn from a seed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from chainrule import Dense, Dropout, LayerNorm, Maxout, Network, Softmax, activations, initialize, losses, rules
from chainrule.engines.base import Rows, Session
from chainrule.engines.library import runnable
from chainrule.engines.native import NativeEngine
from chainrule.engines.reference import ReferenceEngine
from chainrule.optim.rule import Update

needs_library = pytest.mark.skipif(not runnable(), reason="the compiled engine is not built: see CMakeLists.txt")

TRAINABLE = [record.name for record in activations if record.trainable]
FUNCTIONS = [name for name in TRAINABLE if name not in ("prelu", "rrelu", "exponential")]
HEADS = [(loss.name, head.activation) for loss in losses for head in loss.heads]


@dataclass(frozen=True)
class Job:
    """A network with data, ready to be opened by any engine."""

    network: Network
    rows: Rows
    theta: np.ndarray[Any, Any]
    seed: int = 5

    def open(self, engine: Any, update: Update | None = None, n_jobs: int = 1) -> Session:
        update = update or Update(rules.get("gradient_descent"))
        slots = tuple(np.zeros_like(self.theta) for _ in update.rule.slots)
        return engine.open(self.network.plan, self.theta, slots, update, seed=self.seed, n_jobs=n_jobs)

    def both(self, update: Update | None = None) -> tuple[Session, Session]:
        return self.open(NativeEngine(), update), self.open(ReferenceEngine(), update)

    def order(self, epochs: int) -> np.ndarray[Any, Any]:
        drawn = np.random.default_rng(3)
        return np.stack([drawn.permutation(len(self.rows)) for _ in range(epochs)])


def targets_for(network: Network, n: int, dtype: Any, drawn: np.random.Generator) -> np.ndarray[Any, Any]:
    """Targets that the network's loss can read."""
    kind, k = network.loss.target_kind, network.output_count
    if kind == "classes" and drawn.random() < 0.5:
        return drawn.integers(k, size=n)
    if kind == "classes":
        return np.eye(k, dtype=dtype)[drawn.integers(k, size=n)]
    if kind == "binary":
        return drawn.integers(2, size=(n, k)).astype(dtype)
    y = drawn.normal(size=(n, k))
    return (np.floor(np.abs(y) * 3) if network.loss.targets[0] == 0 else y).astype(dtype)


def job(network: Network, *, n: int = 23, dtype: Any = np.float64, seed: int = 0, weighted: bool = False) -> Job:
    drawn = np.random.default_rng(seed)
    x = drawn.normal(size=(n, network.input_count)).astype(dtype)
    y = targets_for(network, n, dtype, drawn)
    weights = drawn.uniform(0.1, 2.0, size=n).astype(dtype) if weighted else None
    theta = initialize(network, seed).astype(dtype)
    masks = np.concatenate([np.ones(p.size) if p.mask is None else p.mask.ravel() for p in network.plan.params])
    theta = theta + 0.1 * drawn.normal(size=theta.size).astype(dtype) * masks.astype(dtype)
    return Job(network, Rows(x, y, weights), theta)


def drawn_network(seed: int) -> Network:
    """Any network: kinds of layers, widths, activations, bias, masks, loss and reduction drawn from the seed."""
    drawn = np.random.default_rng([1, seed])
    width = inputs = int(drawn.integers(1, 40))
    layers: list[Any] = [LayerNorm()] if drawn.random() < 0.1 else []
    for _ in range(int(drawn.integers(0, 4))):
        units = int(drawn.choice([1, 2, 3, 7, 8, 16, 17, 33, 70]))
        kind = drawn.random()
        if kind < 0.1:
            layers.append(Maxout(units, int(drawn.integers(1, 4))))
        else:
            mask = drawn.random((units, width)) < 0.7 if drawn.random() < 0.3 else None
            bias = str(drawn.choice(["unit", "layer", "none"]))
            layers.append(
                Dense(units, str(drawn.choice([*TRAINABLE, "softmax"])) if units > 1 else "tanh", bias=bias, mask=mask)
            )
        width = units
        if drawn.random() < 0.3:
            layers.append(Dropout(float(drawn.uniform(0, 0.8))))
        if drawn.random() < 0.3 and units > 2:
            layers.append(LayerNorm())
    loss = losses.get(str(drawn.choice([name for name in losses.names() if name != "output"])))
    outputs = int(drawn.integers(2, 12)) if loss.simplex else int(drawn.integers(1, 6))
    layers.append(Dense(outputs, loss.output))
    if loss.simplex and drawn.random() < 0.3:
        layers[-1:] = [Dense(outputs, "tanh"), Softmax()]
    return Network(inputs, layers, loss, str(drawn.choice(["mean", "sum"])))


def narrow_network(seed: int) -> Network:
    """A chain of dense layers of at most 32 units, which the engine trains with the rows of the batch in lanes."""
    drawn = np.random.default_rng([2, seed])
    width = inputs = int(drawn.integers(1, 20))
    layers = []
    for _ in range(int(drawn.integers(0, 4))):
        units = int(drawn.choice([1, 2, 3, 7, 12, 13, 16, 17, 32]))
        mask = drawn.random((units, width)) < 0.7 if drawn.random() < 0.3 else None
        function = str(drawn.choice(["relu", "tanh", "sigmoid", "identity", *FUNCTIONS]))
        layers.append(Dense(units, function, bias=str(drawn.choice(["unit", "unit", "none"])), mask=mask))
        width = units
    loss = losses.get(str(drawn.choice([name for name in losses.names() if name != "output"])))
    outputs = int(drawn.integers(2, 6)) if loss.simplex else int(drawn.integers(1, 4))
    return Network(inputs, [*layers, Dense(outputs, loss.output)], loss, str(drawn.choice(["mean", "sum"])))


def rounding(network: Network, dtype: Any) -> float:
    """What two ways of rounding may differ by, relative to the largest entry of an array.

    A sum of K products errs by at most K ε of the sum of their sizes; errors of the layers add up, elementary functions and
    divisions add a few ε each, and the way back doubles it. In float64 the promise is 1e-11.
    """
    if np.dtype(dtype) == np.float64:
        return 1e-11
    plan = network.plan
    terms = sum(plan.slot(step.sources[0]).width + 20 for step in plan.steps)
    return 2 * terms * float(np.finfo(dtype).eps)


def assert_close(got: Any, wanted: Any, bound: float, what: str = "") -> None:
    got, wanted = np.asarray(got, np.float64), np.asarray(wanted, np.float64)
    assert got.shape == wanted.shape, what
    size = max(1e-30, float(np.abs(wanted).max(initial=0.0)))
    off = float(np.abs(got - wanted).max(initial=0.0))
    assert off <= bound * max(1.0, size), f"{what}: off by {off:.3g} of {size:.3g}, allowed {bound:.3g}"


ADAM = Update(rules.get("adam"), l2=0.01)


def table_for(update, steps, first=0):
    return update.rule.table(first + 1, np.ones(steps))


def trained(task, update=ADAM, epochs=3, batch_size=7, n_jobs=1):
    session = task.open(NativeEngine(), update, n_jobs)
    steps = epochs * -(-len(task.rows) // batch_size)
    losses_ = session.train(task.rows, task.order(epochs), batch_size, table_for(update, steps), 0).losses
    theta, slots = session.export()
    return losses_, theta, *slots


def same_bits(one, other):
    return all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


def large(dtype=np.float32, **more):
    """A job large enough for several threads to be used."""
    layers = [Dense(96, "tanh"), Dropout(0.2), Dense(70, "gelu"), Dense(33, "relu"), Dense(5, "softmax")]
    return job(Network(40, layers), n=600, dtype=dtype, **more)
