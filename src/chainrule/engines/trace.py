"""The record of one pass through a network: every array by name, read-only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from chainrule.errors import SettingError, nearest
from chainrule.layers.layer import Pass
from chainrule.plan import Plan
from chainrule.shapes import Array


@dataclass(frozen=True, eq=False)
class Trace:
    """What a pass computed: `trace["z1"]`, `trace["a1"]` of shape (rows, units), `trace["W1"]` of shape (to, from).

    `loss` is the reduced, weighted loss of the batch and `losses` those of the examples (None without targets).
    After the backward pass `deltas[name]` is ∂loss/∂slot, shape (rows, units), and `gradient` is ∂loss/∂θ, the
    data's alone.
    """

    plan: Plan
    theta: Array
    x: Array
    y: Array | None
    weights: Array | None
    values: Mapping[str, Array]
    losses: Array | None
    factors: Array | None
    loss: float | None
    run: Pass
    engine: str
    deltas: Mapping[str, Array] = field(default_factory=dict)
    gradient: Array | None = None

    @property
    def dtype(self) -> np.dtype[np.floating]:
        return self.theta.dtype

    @property
    def prediction(self) -> Array:
        """The outputs, shape (rows, outputs)."""
        return self.values[self.plan.output]

    def __getitem__(self, name: str) -> Array:
        if name in self.values:
            return self.values[name]
        if name in self.plan._params:
            return self.plan.param(name).of(self.theta)
        known = [*self.values, *self.plan._params]
        close = nearest(name, known)
        raise SettingError(
            "CR210", f"nothing is called {name!r} here", expected="one of " + ", ".join(known),
            hint=f"did you mean {' or '.join(close)}?" if close else None,
        )  # fmt: skip


@dataclass(frozen=True, eq=False)
class Gradient:
    """∂loss/∂θ: an array in θ's order (`numpy.asarray(gradient)`) or by name (`gradient["W1"]`), and its `trace`."""

    trace: Trace

    @property
    def vector(self) -> Array:
        assert self.trace.gradient is not None
        return self.trace.gradient

    @property
    def deltas(self) -> Mapping[str, Array]:
        """∂loss/∂slot by the slot's name."""
        return self.trace.deltas

    def __getitem__(self, name: str) -> Array:
        self.trace[name]  # names the nearest when it does not exist
        return self.trace.plan.param(name).of(self.vector)

    def __array__(self, dtype: object = None, copy: bool | None = None) -> Array:
        return np.array(self.vector, dtype=dtype, copy=copy)  # type: ignore[call-overload, no-any-return]

    def __len__(self) -> int:
        return len(self.vector)
