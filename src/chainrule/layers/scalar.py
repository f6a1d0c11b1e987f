"""Scalar arithmetic between slots, for small graphs such as g = w·x, f = g + b."""

from __future__ import annotations

import numpy as np

from chainrule.calculus.local import Diagonal
from chainrule.layers.layer import Arrays, Op, Pass
from chainrule.plan import Step
from chainrule.shapes import Array


def parameter(step: Step, sources: Arrays, params: Arrays, run: Pass) -> Array:
    return np.broadcast_to(params[0], (len(run.rows), params[0].size)).copy()


def parameter_gradients(step: Step, sources: Arrays, params: Arrays, delta: Array, run: Pass) -> Arrays:
    return (delta.sum(axis=0),)


def number(step: Step, sources: Arrays, params: Arrays, run: Pass) -> Array:
    return np.full_like(sources[0], step.constants["value"])


def _zero(step: Step, sources: Arrays, params: Arrays, target: Array, run: Pass) -> tuple[Diagonal, ...]:
    return (Diagonal(np.zeros_like(target)),)


def _ones(step: Step, sources: Arrays, params: Arrays, target: Array, run: Pass) -> tuple[Diagonal, ...]:
    return Diagonal(np.ones_like(target)), Diagonal(np.ones_like(target))


def _subtract_local(step: Step, sources: Arrays, params: Arrays, target: Array, run: Pass) -> tuple[Diagonal, ...]:
    return Diagonal(np.ones_like(target)), Diagonal(-np.ones_like(target))


def _multiply_local(step: Step, sources: Arrays, params: Arrays, target: Array, run: Pass) -> tuple[Diagonal, ...]:
    left, right = sources
    return Diagonal(right), Diagonal(left)


def _divide_local(step: Step, sources: Arrays, params: Arrays, target: Array, run: Pass) -> tuple[Diagonal, ...]:
    above, below = sources
    return Diagonal(1.0 / below), Diagonal(-above / (below * below))


def _power(step: Step, sources: Arrays, params: Arrays, run: Pass) -> Array:
    raised: Array = sources[0] ** step.constants["exponent"]
    return raised


def _power_local(step: Step, sources: Arrays, params: Arrays, target: Array, run: Pass) -> tuple[Diagonal, ...]:
    exponent = step.constants["exponent"]
    return (Diagonal(exponent * sources[0] ** (exponent - 1)),)


OPS = (
    Op("parameter", parameter, lambda *a: (), parameter_gradients),
    Op("number", number, _zero),
    Op("add", lambda step, sources, params, run: sources[0] + sources[1], _ones),
    Op("subtract", lambda step, sources, params, run: sources[0] - sources[1], _subtract_local),
    Op("multiply", lambda step, sources, params, run: sources[0] * sources[1], _multiply_local),
    Op("divide", lambda step, sources, params, run: sources[0] / sources[1], _divide_local),
    Op("power", _power, _power_local),
)
