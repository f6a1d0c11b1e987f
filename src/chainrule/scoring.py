"""The honest number: how good a model is on rows it was never trained on, beside what simple methods reach there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.calculus import penalties
from chainrule.data.encode import Encoder
from chainrule.engines.base import Rows
from chainrule.engines.reference import ReferenceEngine
from chainrule.layers import Dense
from chainrule.metrics import Metric, defaults, evaluate, interval
from chainrule.network import Network, initialize
from chainrule.optim.rule import Update
from chainrule.optim.rules import rules
from chainrule.shapes import Array
from chainrule.training.lbfgs import minimise

_LINEAR_ROWS = 50_000  # beyond these a linear model gains nothing from more rows


@dataclass(frozen=True)
class Score:
    """One metric on rows never trained on, its interval at 95 %, and the same metric of the simple methods."""

    metric: str
    value: float
    low: float
    high: float
    baselines: dict[str, float]
    greater_is_better: bool

    def loses_to(self) -> list[str]:
        """The simple methods that do as well or better."""
        sign = 1.0 if self.greater_is_better else -1.0
        return [name for name, value in self.baselines.items() if sign * value >= sign * self.value]

    def to_dict(self) -> dict[str, Any]:
        return {"value": self.value, "low": float(self.low), "high": float(self.high), "baselines": self.baselines}


def score(
    task: str,
    y_true: NDArray[Any],
    y_pred: NDArray[Any],
    simple: dict[str, NDArray[Any]],
    seed: int,
    metrics: Sequence[Metric] = (),
) -> list[Score]:
    """The task's metrics of the predictions unless others are named, the headline first, each beside those of the simple
    predictions."""
    return [
        Score(
            metric.name, evaluate(metric, y_true, y_pred), *interval(metric, y_true, y_pred, seed=seed),
            {name: evaluate(metric, y_true, other) for name, other in simple.items()}, _greater(metric),
        )
        for metric in metrics or defaults(task)
    ]  # fmt: skip


def _greater(metric: Metric) -> bool:
    return bool(metric.greater_is_better)


def constant_outputs(encoder: Encoder, train: Rows, count: int) -> tuple[str, Array]:
    """What the simplest method says for `count` rows: always the mean, or always the shares of the classes."""
    assert train.y is not None
    if encoder.task == "multiclass":
        shares = np.bincount(train.y.astype(np.int64), minlength=len(encoder.classes)) / len(train)
        return "always the most frequent", np.tile(shares, (count, 1))
    name = "always the mean" if encoder.task == "regression" else "always the most frequent"
    return name, np.tile(train.y.astype(np.float64).mean(axis=0), (count, 1))


def linear_outputs(encoder: Encoder, train: Rows, x: Array) -> tuple[Network, Array]:
    """A linear model and what it says for x: least squares or logistic regression on the same inputs, ridge strength 1."""
    outputs = {"regression": "identity", "multiclass": "softmax"}.get(encoder.task, "sigmoid")
    count = len(encoder.classes) if encoder.task == "multiclass" else len(encoder.targets)
    network = Network(train.x.shape[1], [Dense(count, outputs)])
    if len(train) > _LINEAR_ROWS:
        train = train.take(np.linspace(0, len(train) - 1, _LINEAR_ROWS).astype(np.int64))
    y = train.y if train.y is None or train.y.ndim == 1 else train.y.astype(np.float64)
    weights = None if train.weights is None else train.weights.astype(np.float64)
    rows = Rows(train.x.astype(np.float64), y, weights)
    decay, strength = network.plan.per_entry("decay_factor"), 1.0 / len(train)
    engine, update = ReferenceEngine(), Update(rules.get("gradient_descent"))

    def objective(theta: Array) -> tuple[float, Array]:
        loss, gradient = engine.open(network.plan, theta, (), update, seed=0).gradient(rows)
        return loss + penalties.value(theta, decay, 0.0, strength), gradient + penalties.slope(
            theta, decay, 0.0, strength
        )

    start = np.zeros_like(initialize(network))
    found = minimise(objective, start, iterations=300)
    return network, engine.open(network.plan, found.theta, (), update, seed=0).predict(x.astype(np.float64))
