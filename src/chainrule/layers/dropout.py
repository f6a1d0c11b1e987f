"""Dropout: in training every unit is silenced with probability `rate`, the others are scaled up to keep the mean."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from chainrule.calculus.local import Diagonal
from chainrule.constraints import real
from chainrule.layers.layer import Arrays, Op, Pass
from chainrule.plan import Builder, Step
from chainrule.shapes import Array


@dataclass(frozen=True)
class Dropout:
    """Silences a unit where its 32 random bits are below rate·2³²; a prediction is left as it is.

    Source: Srivastava et al. (2014), in the "inverted" form that scales during training.
    """

    rate: float
    kind: ClassVar[str] = "dropout"

    def __post_init__(self) -> None:
        real("Dropout.rate", self.rate, low=0.0, below=1.0)

    def lower(self, builder: Builder, source: str) -> str:
        target = builder.slot(f"d{builder.layer}", builder.width(source))
        return builder.step("dropout", (source,), target, rate=float(self.rate), stream=builder.stream())

    def describe(self) -> dict[str, Any]:
        return {"kind": self.kind, "rate": self.rate}

    @classmethod
    def restore(cls, description: dict[str, Any]) -> Dropout:
        return cls(**description)


def factors(step: Step, source: Array, run: Pass) -> Array:
    """What every unit is multiplied by: 0 or 1/(1 − rate) in training, 1 otherwise."""
    if not run.training:
        return np.ones_like(source)
    rate = step.constants["rate"]
    kept = run.bits(step.constants["stream"], source.shape[1]) >= np.uint32(rate * 2.0**32)
    return np.where(kept, source.dtype.type(1.0 / (1.0 - rate)), source.dtype.type(0.0))


def forward(step: Step, sources: Arrays, params: Arrays, run: Pass) -> Array:
    return sources[0] * factors(step, sources[0], run)


def local(step: Step, sources: Arrays, params: Arrays, target: Array, run: Pass) -> tuple[Diagonal, ...]:
    return (Diagonal(factors(step, sources[0], run)),)


LAYERS = (Dropout,)
OPS = (Op("dropout", forward, local),)
