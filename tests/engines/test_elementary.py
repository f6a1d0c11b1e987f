"""The compiled elementary functions against 60 digits, through one unit z = x: the bounds that native/elementary.hpp states."""

from __future__ import annotations

from decimal import Decimal, localcontext

import numpy as np
import pytest
from engine_jobs import needs_library

from chainrule import Dense, Network, rules
from chainrule.calculus.activations import activations
from chainrule.engines.base import Rows
from chainrule.engines.library import runnable
from chainrule.engines.native import NativeEngine
from chainrule.optim.rule import Update

pytestmark = needs_library
PI = Decimal("3.14159265358979323846264338327950288419716939937510582097494459230781640629")


def _exp(x):
    return x.exp()


def _sigmoid(x):
    return 1 / (1 + (-x).exp())


def _tanh(x):
    return 1 - 2 / ((2 * x).exp() + 1)


def _softplus(x):
    return (1 + x.exp()).ln()


def _elu(x):
    return x if x > 0 else x.exp() - 1


def _normal(x):
    """Φ(x): the series of erf near 0, the continued fraction of erfc away from it."""
    size = abs(x)
    density = (-x * x / 2).exp() / (2 * PI).sqrt()
    if size < 3:
        term = total = size
        for k in range(1, 400):
            term = term * size * size / (2 * k + 1)
            total += term
        tail = Decimal("0.5") - density * total
    else:
        fraction = size
        for k in range(600, 0, -1):
            fraction = size + k / fraction
        tail = density / fraction
    return tail if x < 0 else 1 - tail


def _gelu(x):
    return x * _normal(x)


# Function, its definition, the interval, and the bound in machine epsilons (relative to the value).
CASES = [
    ("exponential", _exp, -80, 80, 1), ("sigmoid", _sigmoid, -80, 40, 2), ("tanh", _tanh, -7, 7, 3),
    ("softplus", _softplus, -80, 60, 2), ("elu", _elu, -30, 2, 1), ("gelu", _gelu, -12, 12, 4),
]  # fmt: skip


@pytest.mark.parametrize("isa", runnable())
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("name", "define", "low", "high", "bound"), CASES)
def test_an_elementary_function_keeps_its_stated_bound(name, define, low, high, bound, dtype, isa, monkeypatch):
    drawn = np.random.default_rng(0)
    x = np.concatenate([drawn.uniform(low, high, 250), drawn.uniform(-1, 1, 150), np.geomspace(1e-6, 1, 30)]).astype(
        dtype
    )
    network = Network(1, [Dense(1, activations.get(name), bias="none")], "mse")
    monkeypatch.setenv("CHAINRULE_ISA", isa)
    if isa == "baseline" and name == "gelu":
        bound = 32  # no fused multiply-add keeps the rest of the square in e^(-x²/2)
    session = NativeEngine().open(network.plan, np.ones(1, dtype), (), Update(rules.get("gradient_descent")), seed=0)
    got = session.trace(Rows(x[:, None], np.zeros((len(x), 1), dtype)), np.arange(len(x)), 0)["a1"][:, 0]
    epsilon = Decimal(float(np.finfo(dtype).eps))
    worst = Decimal(0)
    with localcontext() as context:
        context.prec = 60
        for argument, value in zip(x.tolist(), got.tolist(), strict=True):
            wanted = define(Decimal(argument))
            worst = max(worst, abs(Decimal(value) - wanted) / abs(wanted) / epsilon)
    assert worst <= bound, f"{name}: {worst:.2f} epsilons"
