"""What every engine promises. Only plain data passes between a training loop and an engine: Plan, arrays, tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from chainrule.engines.trace import Trace
from chainrule.optim.rule import Update
from chainrule.plan import Plan
from chainrule.shapes import Array, Ints


@dataclass(frozen=True, eq=False)
class Rows:
    """Examples in the engine's own form: C-contiguous, one float type.

    x: (n, inputs). y: (n, outputs) of the same float type, or class codes (n,) of int64, or None.
    weights: (n,) of the float type, or None for equal weights.
    """

    x: Array
    y: Array | Ints | None
    weights: Array | None = None

    def __len__(self) -> int:
        return len(self.x)

    def take(self, index: Ints) -> Rows:
        """The examples with these numbers, in this order."""
        y = None if self.y is None else self.y[index]
        return Rows(self.x[index], y, None if self.weights is None else self.weights[index])


@dataclass(frozen=True, eq=False)
class Steps:
    """What a stretch of training did: the reduced loss of every step's batch, before its update.

    When a loss was not finite, it is the last one, its update was not made and θ is still what that step began with.
    """

    losses: np.ndarray[Any, np.dtype[np.float64]]

    @property
    def finite(self) -> bool:
        return bool(len(self.losses) == 0 or np.isfinite(self.losses[-1]))


class Session(Protocol):
    """A network being trained: holds θ and the rule's slots in the engine's own form."""

    def train(self, rows: Rows, order: Ints, batch_size: int, table: Mapping[str, Array], first_step: int) -> Steps:
        """Run whole epochs. `order`, shape (epochs, m), holds row numbers; each epoch is cut into batches of
        `batch_size`, the last one smaller. `table` has one entry per step and column (float64). `first_step`
        counts the steps done before, and is the address of the first step's random draws."""
        ...

    def gradient(self, rows: Rows) -> tuple[float, Array]:
        """The reduced loss of all rows as one batch, outside training, and its gradient in θ's order."""
        ...

    def predict(self, x: Array) -> Array:
        """The outputs for x, outside training, shape (n, outputs)."""
        ...

    def trace(self, rows: Rows, index: Ints, step: int) -> Trace:
        """Replay the pass of a training step over the rows `index` with the present θ, to the same bits."""
        ...

    def export(self) -> tuple[Array, tuple[Array, ...]]:
        """θ and the slots in Plan order (copies)."""
        ...

    def load(self, theta: Array, slots: tuple[Array, ...]) -> None:
        """Go on from this θ and these slots, as a session opened with them would."""
        ...


class Engine(Protocol):
    """Something that runs Plans."""

    name: str

    def refuses(self, plan: Plan, update: Update, dtype: np.dtype[Any]) -> str | None:
        """Why this engine cannot run this, or None when it can."""
        ...

    def open(
        self,
        plan: Plan,
        theta: Array,
        slots: tuple[Array, ...],
        update: Update,
        *,
        seed: int,
        n_jobs: int | None = None,
    ) -> Session:
        """A session that starts from θ and the slots; their float type is the session's."""
        ...
