"""The laws of update rules and penalties are shown the faults that they are there for, and must catch them."""

from __future__ import annotations

from dataclasses import replace
from itertools import count

import numpy as np
import pytest
from planting import LAWS, caught

from chainrule.errors import ChainruleError, SettingError
from chainrule.laws import rule
from chainrule.optim.rules import rules


def ruled(name, **changes):
    return replace(rules.get(name), **changes)


def counting_adam():
    """Counts a step with every parameter it is called for, instead of being told the step."""
    right, calls = rules.get("adam"), count(1)

    def step(theta, g, slots, s):
        return right.update(
            theta, g, slots, {**s, **{n: c[0] for n, c in right.scalars(np.array([float(next(calls))])).items()}}
        )

    return replace(right, update=step)


def in_place(theta, g, slots, s):
    slots[0][:] = 0.9 * slots[0] - s["learning_rate"] * g
    return theta + slots[0], slots


GD, ADAGRAD = rules.get("gradient_descent"), rules.get("adagrad")
RULE_FAULTS = [
    ("purity", "a step counted per parameter", counting_adam()),
    ("purity", "slots changed in place", ruled("momentum", update=in_place)),
    ("separate entries", "the length of the whole gradient", ruled(
        "gradient_descent", update=lambda t, g, slots, s: (t - s["learning_rate"] * g / np.linalg.norm(g), ()))),
    ("type and shape", "promoted to float64", ruled("adam", update=lambda t, g, slots, s: (
        rules.get("adam").update(t, g, slots, s)[0].astype(float), slots))),
    ("type and shape", "a slot too few", ruled("adam", update=lambda t, g, slots, s: (t, slots[:1]))),
    ("learning rate", "ignored", ruled("gradient_descent", update=lambda t, g, slots, s: (t - 0.1 * g, ()))),
    ("learning rate", "uphill", ruled("gradient_descent", update=lambda t, g, slots, s: (t + s["learning_rate"] * g, ()))),
    ("resuming", "scalars of the place in the table", ruled("adam", scalars=lambda t: {
        "correction_1": np.arange(1.0, len(t) + 1), "correction_2": np.ones_like(t)})),
    ("extreme gradients", "0 over 0", ruled("adagrad", update=lambda t, g, slots, s: (
        t - s["learning_rate"] * g / np.sqrt(slots[0] + g * g), (slots[0] + g * g,)))),
]  # fmt: skip


@pytest.mark.parametrize(("law", "fault", "record"), RULE_FAULTS, ids=lambda part: getattr(part, "name", part))
def test_a_law_of_rules_catches(law, fault, record):
    if law == "extreme gradients":
        with pytest.raises((SettingError, FloatingPointError)):
            LAWS[rule][law].check(record)
        return
    caught(rule, law, record)


def test_a_penalty_with_the_wrong_slope_is_caught(monkeypatch):
    right = rule.penalties.slope
    monkeypatch.setattr(rule.penalties, "slope", lambda theta, factors, l1, l2: right(theta, factors, l1, 2 * l2))
    with pytest.raises(ChainruleError, match="CR208"):
        rule.penalties_have_the_slope_of_their_value()
