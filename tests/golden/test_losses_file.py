"""losses.json in full: value and gradient of every sample, from the records and through a whole network."""

from __future__ import annotations

import numpy as np
import pytest
from examples import load, near

from chainrule.calculus.loss import row_factors
from chainrule.calculus.losses import losses
from chainrule.engines.base import Rows
from chainrule.engines.reference import backward_pass, forward_pass
from chainrule.layers.layer import Pass
from chainrule.plan import Objective, Plan, Slot

# the file's name -> ours, the reduction over examples, and whether a row of numbers is one example with many outputs
FORMS = {
    "mse": ("mse", "mean", False),
    "mae": ("mae", "mean", False),
    "huber": ("huber", "mean", False),
    "binary_cross_entropy": ("binary_cross_entropy", "mean", False),
    "categorical_cross_entropy": ("categorical_cross_entropy", "mean", True),
    "half_squared_error": ("half_squared_error", "sum", True),
    "squared_error_sum_outputs_mean_examples": ("squared_error", "mean", True),
    "squared_error_single": ("squared_error", "sum", True),
}
SAMPLES = [
    pytest.param(loss["name"], sample, id=f"{loss['name']}-{number}")
    for loss in load("losses")["losses"]
    for number, sample in enumerate(loss["samples"])
]


def rows_of(numbers, as_outputs):
    array = np.asarray(numbers, float)
    return array if array.ndim == 2 else array[None, :] if as_outputs else array[:, None]


@pytest.mark.parametrize(("name", "sample"), SAMPLES)
def test_value_and_gradient_are_those_of_the_file(name, sample):
    ours, reduction, as_outputs = FORMS[name]
    loss = losses.get(ours, **sample.get("params", {}))
    y, p = rows_of(sample["y_true"], as_outputs), rows_of(sample["y_pred"], as_outputs)
    plan = Plan((Slot("p", p.shape[1], "input", 0),), (), (), ("p",), "p", Objective(loss, "p", None, reduction))
    trace = backward_pass(forward_pass(plan, np.empty(0), Rows(p, y), Pass(np.arange(len(p)))))
    near(trace.loss, sample["value"])
    expected = [0.0 if entry is None else entry for entry in np.ravel(np.array(sample["gradient_wrt_y_pred"], object))]
    near(trace.deltas["p"].ravel(), expected)
    factors = row_factors(len(p), None, reduction, np.dtype(float))
    near(factors @ loss.per_example(y, p), sample["value"])
