"""Examples as the training loop hands them to an engine: a dense array whole, a sparse matrix block by block."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.engines.base import Rows, Session
from chainrule.shapes import Array, Ints

_CELLS = 2**22
"""A sparse matrix is made dense in blocks of at most this many numbers (32 MiB of float64)."""


@dataclass(frozen=True, eq=False)
class Examples:
    """x: (n, inputs), an array or a CSR matrix; y and weights as in `Rows`."""

    x: Any
    y: Array | Ints
    weights: Array | None = None

    def __len__(self) -> int:
        return int(self.x.shape[0])

    @property
    def is_sparse(self) -> bool:
        return not isinstance(self.x, np.ndarray)

    def take(self, index: Ints) -> Examples:
        return Examples(self.x[index], self.y[index], None if self.weights is None else self.weights[index])

    @property
    def block(self) -> int:
        """How many rows are handed over at once."""
        return max(1, _CELLS // self.x.shape[1]) if self.is_sparse else max(1, len(self))

    def at(self, index: Ints) -> tuple[Rows, Ints]:
        """Rows for an engine, and the numbers that these examples have in them."""
        if not self.is_sparse:
            return Rows(self.x, self.y, self.weights), index
        part = self.take(index)
        return Rows(np.ascontiguousarray(part.x.toarray()), part.y, part.weights), np.arange(len(index))

    def blocks(self) -> Iterator[Rows]:
        """All rows in their order."""
        for start in range(0, len(self), self.block):
            index = np.arange(start, min(start + self.block, len(self)))
            yield self.at(index)[0]


def outputs_of(session: Session, x: Any) -> Array:
    """The network's outputs for a dense array or a CSR matrix."""
    if isinstance(x, np.ndarray):
        return session.predict(x)
    block = max(1, _CELLS // x.shape[1])
    parts = [
        session.predict(np.ascontiguousarray(x[start : start + block].toarray()))
        for start in range(0, x.shape[0], block)
    ]
    return np.concatenate(parts)


def loss_and_gradient(session: Session, examples: Examples) -> tuple[float, Array]:
    """The mean loss of all examples and its gradient, summed up over the blocks."""
    loss, total = 0.0, 0.0
    gradient: Array = np.zeros(0)
    for rows in examples.blocks():
        share = float(len(rows) if rows.weights is None else rows.weights.sum(dtype=np.float64))
        value, slope = session.gradient(rows)
        loss += share * value
        gradient = gradient + share * slope if total else share * slope
        total += share
    return (loss / total, gradient / total) if total else (loss, gradient)
