"""Scale: each unit times a gain of its own, learned. In front of a network it finds which inputs matter."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from chainrule.calculus.local import Diagonal
from chainrule.constraints import real
from chainrule.initializers import initializers
from chainrule.layers.layer import Arrays, Op, Pass
from chainrule.plan import Builder, Step
from chainrule.shapes import Array


@dataclass(frozen=True)
class Scale:
    """s = gain ⊙ a, one gain per unit, 1 at first. `learning_rate_factor` multiplies the learning rate of the gains.

    Source: Holzmüller, Grinsztajn, Steinwart, Better by default (2024), whose gains of the inputs learn 6 times faster.

    >>> from chainrule import Dense, Network
    >>> [param.name for param in Network(3, [Scale(6.0), Dense(1)]).plan.params]
    ['gain0', 'W1', 'b1']
    """

    learning_rate_factor: float = 1.0
    kind: ClassVar[str] = "scale"

    def __post_init__(self) -> None:
        real("Scale.learning_rate_factor", self.learning_rate_factor, low=0.0)

    def lower(self, builder: Builder, source: str) -> str:
        number, width = builder.layer, builder.width(source)
        gain = builder.param(
            f"gain{number}", (width,), initializers.get("constant", value=1.0), decay_factor=0.0,
            learning_rate_factor=float(self.learning_rate_factor),
        )  # fmt: skip
        return builder.step("scale", (source,), builder.slot(f"s{number}", width), (gain,))

    def describe(self) -> dict[str, Any]:
        return {"kind": self.kind, "learning_rate_factor": self.learning_rate_factor}

    @classmethod
    def restore(cls, description: dict[str, Any]) -> Scale:
        return cls(**description)


def forward(step: Step, sources: Arrays, params: Arrays, run: Pass) -> Array:
    return params[0] * sources[0]


def local(step: Step, sources: Arrays, params: Arrays, target: Array, run: Pass) -> tuple[Diagonal, ...]:
    return (Diagonal(np.broadcast_to(params[0], target.shape)),)


def gradients(step: Step, sources: Arrays, params: Arrays, delta: Array, run: Pass) -> Arrays:
    return ((delta * sources[0]).sum(axis=0),)


LAYERS = (Scale,)
OPS = (Op("scale", forward, local, gradients),)
