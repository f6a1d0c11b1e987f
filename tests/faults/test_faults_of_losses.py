"""The laws of losses are shown the faults that they are there for, and must catch them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from planting import caught, scaled

from chainrule.calculus.losses import losses
from chainrule.laws import loss


def lost(name, **changes):
    return replace(losses.get(name), **changes)


def headed(name, **changes):
    record = losses.get(name)
    return replace(record, heads=(replace(record.heads[0], **changes),))


MSE, MAE, BCE, CCE = (losses.get(name) for name in ("mse", "mae", "binary_crossentropy", "categorical_crossentropy"))
LOSS_FAULTS = [
    ("slope", "the half forgotten", lost("mse", slope=lambda y, p: p - y)),
    ("slope", "the sign", lost("poisson", slope=lambda y, p: y / p - 1)),
    ("slope", "divided by the rows", lost("mse", slope=lambda y, p: 2 * (p - y) / len(p))),
    ("slope", "divided by the outputs", lost("mse", slope=lambda y, p: 2 * (p - y) / p.shape[1])),
    ("kinks", "undeclared", lost("mae", kinks=())),
    ("kinks", "invented", lost("mse", kinks=(0.0,))),
    ("kinks", "elsewhere", lost("hinge", kinks=(0.0, -1.0, 2.0))),
    ("fused heads", "a head that is not the product", headed("binary_crossentropy", slope=lambda y, z: MSE.slope(y, z))),
    ("fused heads", "the Jacobian's diagonal alone", headed(
        "categorical_crossentropy", slope=lambda y, z: -y * (1 - loss.softmax_of(z)))),
    ("fused heads", "0.1 % off", headed("categorical_crossentropy", slope=scaled(CCE.heads[0].slope))),
    ("fused heads", "another value", headed("poisson", terms=lambda y, z: np.exp(z))),
    ("formulas", "the value's", lost("huber", expr="(p - y)**2 if abs(p - y) <= delta else delta*(abs(p - y) - delta/2)")),
    ("formulas", "the slope's", lost("log_cosh", slope_expr="tanh(y - p)")),
    ("formulas", "a head's", headed("binary_crossentropy", slope_expr="y - p")),
    ("one reduction", "terms already summed", lost("mse", terms=lambda y, p: MSE.terms(y, p).sum(axis=1))),
    ("one reduction", "slope already averaged", lost("mse", slope=lambda y, p: MSE.slope(y, p).mean(axis=0))),
    ("extreme predictions", "ln 0", lost("binary_crossentropy", terms=lambda y, p: -y * np.log(p) - (1 - y) * np.log(1 - p))),
    ("extreme predictions", "overflow of logits", headed(
        "categorical_crossentropy", terms=lambda y, z: y * (np.log(np.exp(z).sum(axis=1, keepdims=True)) - z))),
    ("extreme predictions", "promoted to float64", lost("mae", slope=lambda y, p: np.sign(p - y).astype(float))),
]  # fmt: skip


@pytest.mark.parametrize(("law", "fault", "record"), LOSS_FAULTS, ids=lambda part: getattr(part, "name", part))
def test_a_law_of_losses_catches(law, fault, record):
    caught(loss, law, record)


@pytest.mark.parametrize("record", losses, ids=lambda record: record.name)
def test_a_slope_off_by_a_thousandth_is_caught_for_every_loss(record):
    caught(loss, "slope", replace(record, slope=scaled(record.slope)))
    caught(loss, "formulas", replace(record, slope_expr=f"1.001*({record.slope_expr})"))
    for head in record.heads:
        caught(loss, "fused heads", replace(record, heads=(replace(head, slope=scaled(head.slope)),)))


@pytest.mark.parametrize("reduction", ["divided twice", "not divided", "divided by the rows, not by the weights"])
def test_a_reduction_that_is_wrong_by_a_factor_is_caught(monkeypatch, reduction):
    right = loss.row_factors

    def wrong(n, weights, kind, dtype):
        factors = right(n, weights, kind, dtype)
        if kind != "mean":
            return factors
        if reduction == "divided twice":
            return factors / n
        return np.ones(n) if reduction == "not divided" else right(n, weights, "sum", dtype) / n

    monkeypatch.setattr(loss, "row_factors", wrong)
    caught(loss, "one reduction", MSE)
