"""Layer norm: each example's units are brought to mean 0 and variance 1, then scaled and shifted by learned numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from chainrule.calculus.local import Diagonal, DiagonalLowRank
from chainrule.constraints import real
from chainrule.initializers import initializers
from chainrule.layers.layer import Arrays, Op, Pass
from chainrule.plan import Builder, Step
from chainrule.shapes import Array


@dataclass(frozen=True)
class LayerNorm:
    """n = (a − mean)/√(variance + ε) per example, then gain·n + shift per unit. Source: Ba, Kiros, Hinton (2016)."""

    epsilon: float = 1e-5
    kind: ClassVar[str] = "layer_norm"

    def __post_init__(self) -> None:
        real("LayerNorm.epsilon", self.epsilon, above=0.0)

    def lower(self, builder: Builder, source: str) -> str:
        number, width = builder.layer, builder.width(source)
        normal = builder.step("normalise", (source,), builder.slot(f"n{number}", width), epsilon=float(self.epsilon))
        gain = builder.param(f"gain{number}", (width,), initializers.get("constant", value=1.0), decay_factor=0.0)
        shift = builder.param(f"shift{number}", (width,), initializers.get("zeros"), decay_factor=0.0)
        return builder.step("scale_shift", (normal,), builder.slot(f"s{number}", width), (gain, shift))

    def describe(self) -> dict[str, Any]:
        return {"kind": self.kind, "epsilon": self.epsilon}

    @classmethod
    def restore(cls, description: dict[str, Any]) -> LayerNorm:
        return cls(**description)


def _deviation(step: Step, a: Array) -> Array:
    variance = a.var(axis=1, keepdims=True)
    deviation: Array = np.sqrt(variance + a.dtype.type(step.constants["epsilon"]))
    return deviation


def normalise(step: Step, sources: Arrays, params: Arrays, run: Pass) -> Array:
    (a,) = sources
    normal: Array = (a - a.mean(axis=1, keepdims=True)) / _deviation(step, a)
    return normal


def normalise_local(
    step: Step, sources: Arrays, params: Arrays, target: Array, run: Pass
) -> tuple[DiagonalLowRank, ...]:
    # ∂n_i/∂a_j = (δ_ij − 1/k − n_i n_j/k)/deviation
    (a,) = sources
    inverse = 1.0 / _deviation(step, a)
    share = inverse / a.shape[1]
    left = np.stack([-np.broadcast_to(share, a.shape), -target * share], axis=2)
    right = np.stack([np.ones_like(a), target], axis=2)
    return (DiagonalLowRank(np.broadcast_to(inverse, a.shape), left, right),)


def scale_shift(step: Step, sources: Arrays, params: Arrays, run: Pass) -> Array:
    return params[0] * sources[0] + params[1]


def scale_shift_local(step: Step, sources: Arrays, params: Arrays, target: Array, run: Pass) -> tuple[Diagonal, ...]:
    return (Diagonal(np.broadcast_to(params[0], target.shape)),)


def scale_shift_gradients(step: Step, sources: Arrays, params: Arrays, delta: Array, run: Pass) -> Arrays:
    return (delta * sources[0]).sum(axis=0), delta.sum(axis=0)


LAYERS = (LayerNorm,)
OPS = (
    Op("normalise", normalise, normalise_local),
    Op("scale_shift", scale_shift, scale_shift_local, scale_shift_gradients),
)
