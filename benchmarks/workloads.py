"""The eight workloads of the peer benchmark: networks, data, starting weights and row orders, the same for everybody."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

LEARNING_RATE = {"sgd": 0.01, "adam": 1e-3}
MOMENTUM, BETA_1, BETA_2, EPSILON = 0.9, 0.9, 0.999, 1e-8


@dataclass(frozen=True)
class Workload:
    """A training job. Rows are a whole number of batches, so that every contender does the same steps.

    loss: "ce", softmax with cross-entropy, or "mse", a sigmoid output with the mean squared error.
    """

    name: str
    sizes: tuple[int, ...]
    rows: int
    batch: int
    epochs: int = 1
    activation: str = "relu"
    loss: str = "ce"
    shuffle: bool = True
    data: str = "synthetic"

    @property
    def steps(self) -> int:
        """Steps of one epoch."""
        return self.rows // self.batch


WORKLOADS = {
    workload.name: workload
    for workload in (
        Workload("xor", (2, 2, 1), 4, 1, 5000, "sigmoid", "mse", shuffle=False, data="xor"),
        Workload("tabular-small", (30, 64, 32, 2), 544, 32, 20),
        Workload("tabular-large", (54, 256, 128, 7), 99_840, 256),
        Workload("mnist-shape", (784, 128, 10), 59_904, 128),
        Workload("wide", (784, 1024, 1024, 10), 19_968, 256),
        Workload("deep-thin", (64, *(64,) * 20, 10), 19_968, 64, 1, "tanh"),
        Workload("gelu", (100, 512, 512, 10), 49_920, 128, 1, "gelu_tanh"),
        Workload("iris-full-batch", (4, 16, 3), 150, 150, 2000, shuffle=False),
    )
}


def data(work: Workload) -> tuple[Any, Any]:
    """x, float32 of shape (rows, inputs), and class codes; random numbers with learnable classes (the time of a step does
    not depend on them)."""
    if work.data == "xor":
        return np.array([[0, 0], [0, 1], [1, 0], [1, 1]], np.float32), np.array([0, 1, 1, 0])
    drawn = np.random.default_rng(0)
    x = drawn.standard_normal((work.rows, work.sizes[0]), dtype=np.float32)
    seen = min(16, work.sizes[0])
    y = (x[:, :seen] @ drawn.standard_normal((seen, work.sizes[-1]), dtype=np.float32)).argmax(1)
    return x, y.astype(np.int64)


def weights(work: Workload) -> list[tuple[Any, Any]]:
    """The starting weights (from, to) and biases of every layer."""
    drawn = np.random.default_rng(1)
    layers = []
    for source, to in zip(work.sizes, work.sizes[1:], strict=False):
        limit = (6 / (source + to)) ** 0.5
        layers.append((drawn.uniform(-limit, limit, (source, to)).astype(np.float32), np.zeros(to, np.float32)))
    return layers


def orders(work: Workload, epochs: int) -> Any:
    """The row orders of some epochs, shape (epochs, rows)."""
    drawn = np.random.default_rng(2)
    plain = np.arange(work.rows)
    return np.stack([drawn.permutation(work.rows) if work.shuffle else plain for _ in range(epochs)])


def flops(work: Workload) -> float:
    """Operations of the matrix products of one step: forward, weights, and deltas of all layers but the first."""
    pairs = list(zip(work.sizes, work.sizes[1:], strict=False))
    return float(sum((6 if i else 4) * work.batch * a * b for i, (a, b) in enumerate(pairs)))
