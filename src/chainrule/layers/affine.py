"""z = a Wᵀ + b, the weighted sum of every unit."""

from __future__ import annotations

import numpy as np

from chainrule.calculus.local import Linear
from chainrule.layers.layer import Arrays, Op, Pass
from chainrule.plan import Step
from chainrule.shapes import Array


def forward(step: Step, sources: Arrays, params: Arrays, run: Pass) -> Array:
    z: Array = sources[0] @ params[0].T
    return z + params[1] if len(params) > 1 else z  # a bias shared by the layer has shape (1,) and is spread over it


def local(step: Step, sources: Arrays, params: Arrays, target: Array, run: Pass) -> tuple[Linear, ...]:
    return (Linear(params[0]),)


def gradients(step: Step, sources: Arrays, params: Arrays, delta: Array, run: Pass) -> Arrays:
    weights = delta.T @ sources[0]
    mask = step.constants.get("mask")
    if mask is not None:
        weights = weights * mask
    if len(params) == 1:
        return (weights,)
    bias = delta.sum(axis=0)
    return weights, bias if params[1].size == bias.size else np.array([bias.sum()], bias.dtype)


OPS = (Op("affine", forward, local, gradients),)
