"""What a layer promises, what an operation states, and what a pass may draw."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import numpy as np

from chainrule import rng
from chainrule.calculus.local import Local
from chainrule.plan import Builder, Step
from chainrule.shapes import Array, Ints


class Layer(Protocol):
    """A frozen description of one kind of layer."""

    kind: ClassVar[str]

    def lower(self, builder: Builder, source: str) -> str:
        """Add this layer's slots, parameters and steps behind the slot `source`; return the slot it ends in."""
        ...

    def describe(self) -> dict[str, Any]:
        """Plain data from which `restore` makes the layer again."""
        ...

    @classmethod
    def restore(cls, description: dict[str, Any]) -> Layer: ...


@dataclass(frozen=True)
class Pass:
    """One pass over a batch: whether it trains, and the address of its random draws (`rows` in the data set, step)."""

    rows: Ints
    training: bool = False
    seed: int = 0
    step: int = 0

    def bits(self, stream: int, units: int) -> np.ndarray[Any, np.dtype[np.uint32]]:
        """32 random bits per (row, unit) of a layer's stream."""
        return rng.uniform_bits(rng.layer_key(self.seed, stream), self.step, self.rows, units)

    def uniform(self, stream: int, units: int) -> Array:
        """Draws from [0, 1); 0.5, their mean, outside training."""
        if not self.training:
            return np.full((len(self.rows), units), 0.5)
        return rng.uniform(rng.layer_key(self.seed, stream), self.step, self.rows, units)


Arrays = tuple[Array, ...]


@dataclass(frozen=True)
class Op:
    """One operation: its value, its *local* derivatives, and the gradients of its own parameters.

    `forward(step, sources, params, pass) -> target`
    `local(step, sources, params, target, pass) -> one Local per source`
    `gradients(step, sources, params, delta, pass) -> one gradient per parameter`, delta = ∂L/∂target

    None of them multiplies by what comes from downstream except `gradients`, which is handed it: the chain rule itself
    is written once, in the engine.
    """

    name: str
    forward: Callable[[Step, Arrays, Arrays, Pass], Array]
    local: Callable[[Step, Arrays, Arrays, Array, Pass], tuple[Local, ...]]
    gradients: Callable[[Step, Arrays, Arrays, Array, Pass], Arrays] = lambda step, sources, params, delta, run: ()
