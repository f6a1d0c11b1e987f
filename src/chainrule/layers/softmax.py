"""Softmax over the units of a layer: a distribution over classes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from chainrule.calculus.local import DiagonalLowRank
from chainrule.calculus.losses import softmax_of
from chainrule.layers.layer import Arrays, Op, Pass
from chainrule.plan import Builder, Step
from chainrule.shapes import Array


@dataclass(frozen=True)
class Softmax:
    """p = e^z / Σ e^z over the units; `Dense(k, "softmax")` is `Dense(k)` followed by it."""

    kind: ClassVar[str] = "softmax"

    def lower(self, builder: Builder, source: str) -> str:
        target = builder.slot(f"p{builder.layer}", builder.width(source), "activation")
        return builder.step("softmax", (source,), target)

    def describe(self) -> dict[str, Any]:
        return {"kind": self.kind}

    @classmethod
    def restore(cls, description: dict[str, Any]) -> Softmax:
        return cls(**description)


def forward(step: Step, sources: Arrays, params: Arrays, run: Pass) -> Array:
    return softmax_of(sources[0])


def local(step: Step, sources: Arrays, params: Arrays, target: Array, run: Pass) -> tuple[DiagonalLowRank, ...]:
    return (DiagonalLowRank(target, -target[:, :, None], target[:, :, None]),)  # diag(p) − p pᵀ


LAYERS = (Softmax,)
OPS = (Op("softmax", forward, local),)
