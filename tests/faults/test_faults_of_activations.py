"""The laws of activations are shown the faults that they are there for, and must catch them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from planting import caught, scaled

from chainrule.calculus.activations import activations
from chainrule.laws import activation


def act(name, **changes):
    return replace(activations.get(name), **changes)


SIGMOID, TANH, RELU, PRELU = (activations.get(name) for name in ("sigmoid", "tanh", "relu", "prelu"))
ACTIVATION_FAULTS = [
    ("slope", "of the input in place of the output", act("sigmoid", slope=lambda z, a: z * (1 - z))),
    ("slope", "of the output in place of the input", act("gelu", slope=lambda z, a: activations.get("gelu").slope(a, a))),
    ("slope", "forgotten factor", act("selu", slope=lambda z, a: activations.get("elu").slope(z, a))),
    ("slope", "of another constant", act("leaky_relu", slope=activations.get("leaky_relu", alpha=0.0101).slope)),
    ("learned slopes", "0.1 % off", act("prelu", learned_slopes=lambda z, a, p: (np.minimum(z, 0) * 1.001,))),
    ("learned slopes", "of the other side", act("prelu", learned_slopes=lambda z, a, p: (np.maximum(z, 0),))),
    ("learned slopes", "none given", act("prelu", learned_slopes=None)),
    ("left side", "the slope from the right", act("relu", slope=lambda z, a: (z >= 0).astype(z.dtype))),
    ("left side", "the mean of both sides", act("relu", slope=lambda z, a: np.heaviside(z, z.dtype.type(0.5)))),
    ("left side", "the slope from the right", act("exponential", slope=lambda z, a: np.where(z < 80, a, 0).astype(z.dtype))),
    ("continuity", "an undeclared kink", act("relu", kinks=())),
    ("continuity", "a kink where there is none", act("tanh", kinks=(0.0,))),
    ("continuity", "a kink at the wrong place", act("relu", kinks=(0.001,))),
    ("continuity", "a jump called continuous", act("binary_step", continuity=0)),
    ("continuity", "a kink called smooth", act("relu", continuity=1)),
    ("continuity", "a jump of the curvature called smooth", act("elu", continuity=np.inf)),
    ("continuity", "smooth called C¹", act("silu", continuity=1)),
    ("range", "too wide", act("tanh", low=-1.1)),
    ("range", "too narrow", act("gelu", low=-0.1699)),
    ("range", "a bound reached that is only approached", act("softplus", reaches_low=True, low=-1e-3)),
    ("range", "a bound approached that is reached", act("binary_step", reaches_high=False)),
    ("range", "finite called infinite", act("sigmoid", high=np.inf)),
    ("range", "infinite called finite", act("relu", high=1e3)),
    ("monotonicity", "a bump overlooked", act("mish", monotonic=True)),
    ("monotonicity", "a bump invented", act("tanh", monotonic=False)),
    ("monotonicity", "a bump of the slope overlooked", act("tanh", slope_monotonic=True)),
    ("monotonicity", "a bump of the slope invented", act("softplus", slope_monotonic=False)),
    ("formulas", "the value's", act("smht", expr="(exp(a*z) - exp(-b*z))/(exp(c*z) + 1.001*exp(-d*z))")),
    ("formulas", "the slope's", act("elu", slope_expr="1 if z > 0 else alpha*(exp(z) - 1)")),
    ("formulas", "the slope's from the output", act("tanh", slope_from_output="1 - a")),
    ("formulas", "a slope from an output that does not tell it", act("exponential", slope_from_output="a")),
    ("formulas", "a learned slope's", act("prelu", learned_slope_exprs=("z",))),
    ("type and shape", "promoted to float64", act("sigmoid", slope=lambda z, a: a * (1 - a) * np.float64(1))),
    ("type and shape", "a value in float64", act("tanh", value=lambda z: np.tanh(z.astype(float)))),
    ("type and shape", "the draw's type", act("rrelu", value=lambda z, draw: np.where(z > 0, z, draw * z))),
    ("type and shape", "a sum", act("softplus", slope=lambda z, a: (1 - np.exp(-a)).sum(axis=1))),
    ("type and shape", "z itself", act("identity", value=lambda z: z)),
    ("single precision", "cancellation", act(
        "softplus", value=lambda z: SOFTPLUS.value(z) + z.dtype.type(1e4) - z.dtype.type(1e4))),
    ("extreme inputs", "overflow", act("sigmoid", value=lambda z: 1 / (1 + np.exp(-z)))),
    ("extreme inputs", "infinity over infinity", act(
        "tanh", value=lambda z: (np.exp(z) - np.exp(-z)) / (np.exp(z) + np.exp(-z)))),
    ("extreme inputs", "NaN without a warning", act("relu", slope=lambda z, a: np.where(z == 1e4, np.nan, RELU.slope(z, a)))),
    ("sides", "saturation overlooked", act("sigmoid", saturates=("left",))),
    ("sides", "saturation invented", act("relu", saturates=("left", "right"))),
    ("sides", "zero-centred", act("sigmoid", zero_centred=True)),
    ("sides", "not zero-centred", act("tanh", zero_centred=False)),
    ("sides", "called untrainable", act("relu", trainable=False)),
    ("sides", "called trainable", act("binary_step", trainable=True)),
]  # fmt: skip
SOFTPLUS = activations.get("softplus")


@pytest.mark.parametrize(("law", "fault", "record"), ACTIVATION_FAULTS, ids=lambda part: getattr(part, "name", part))
def test_a_law_of_activations_catches(law, fault, record):
    caught(activation, law, record)


@pytest.mark.parametrize("record", [r for r in activations if r.trainable], ids=lambda record: record.name)
def test_a_slope_off_by_a_thousandth_is_caught_for_every_activation(record):
    caught(activation, "slope", replace(record, slope=scaled(record.slope)))
    caught(activation, "formulas", replace(record, slope_expr=f"1.001*({record.slope_expr})"))
    caught(activation, "formulas", replace(record, expr=f"1.001*({record.expr})"))


@pytest.mark.parametrize("record", activations, ids=lambda record: record.name)
def test_float64_in_single_precision_is_caught_for_every_activation(record):
    caught(activation, "type and shape", replace(record, value=lambda *z: record.value(*z) * np.float64(1.0)))
    caught(activation, "type and shape", replace(record, slope=lambda *z: record.slope(*z).astype(float)))
