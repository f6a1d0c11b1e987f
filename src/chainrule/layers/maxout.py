"""Maxout: every unit is the largest of several weighted sums, a learned piecewise linear activation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from chainrule.calculus.local import Selection
from chainrule.constraints import whole
from chainrule.initializers import initializers
from chainrule.layers.layer import Arrays, Op, Pass
from chainrule.plan import Builder, Step
from chainrule.shapes import Array


@dataclass(frozen=True)
class Maxout:
    """h_i = max over `pieces` of (w_ik · x + b_ik); the gradient goes to the winner only, the first of equals.

    Piece k of unit i is row i·pieces + k of the weights. Source: Goodfellow et al., Maxout networks (2013).
    """

    units: int
    pieces: int = 2
    unit_names: tuple[str, ...] = ()
    kind: ClassVar[str] = "maxout"

    def __post_init__(self) -> None:
        whole("Maxout.units", self.units, low=1)
        whole("Maxout.pieces", self.pieces, low=1)
        object.__setattr__(self, "unit_names", tuple(self.unit_names))

    def lower(self, builder: Builder, source: str) -> str:
        builder.layer += 1
        number, rows = builder.layer, self.units * self.pieces
        fan_in = builder.width(source)
        # Each unit sees one of its pieces at a time, so a piece is drawn as one layer of `units` would be.
        weights = builder.param(
            f"W{number}", (rows, fan_in), initializers.get("glorot_uniform"), fans=(self.units, fan_in)
        )
        bias = builder.param(f"b{number}", (rows,), initializers.get("zeros"), decay_factor=0.0)
        z = builder.step("affine", (source,), builder.slot(f"z{number}", rows, "net"), (weights, bias))
        target = builder.slot(f"a{number}", self.units, "activation", self.unit_names)
        return builder.step("maxout", (z,), target, pieces=self.pieces)

    def describe(self) -> dict[str, Any]:
        return {"kind": self.kind, "units": self.units, "pieces": self.pieces, "unit_names": list(self.unit_names)}

    @classmethod
    def restore(cls, description: dict[str, Any]) -> Maxout:
        return cls(**description)


def _grouped(step: Step, z: Array) -> Array:
    return z.reshape(len(z), -1, step.constants["pieces"])


def forward(step: Step, sources: Arrays, params: Arrays, run: Pass) -> Array:
    largest: Array = _grouped(step, sources[0]).max(axis=2)
    return largest


def local(step: Step, sources: Arrays, params: Arrays, target: Array, run: Pass) -> tuple[Selection, ...]:
    pieces = step.constants["pieces"]
    winner = _grouped(step, sources[0]).argmax(axis=2)
    return (Selection(winner + pieces * np.arange(winner.shape[1]), sources[0].shape[1]),)


LAYERS = (Maxout,)
OPS = (Op("maxout", forward, local),)
