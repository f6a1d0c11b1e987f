"""activations.json in full: values, derivatives, properties, minima, softmax, maxout."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest
from examples import TOLERANCE, load, near

from chainrule import Dense, Maxout, Network, backward, forward
from chainrule.calculus.activations import activations
from chainrule.calculus.formula import evaluate
from chainrule.calculus.local import DiagonalLowRank
from chainrule.calculus.losses import softmax_of

FILE = load("activations")
FUNCTIONS = [
    pytest.param(function, id=f"{function['name']} {function.get('variant', '')}".strip())
    for function in FILE["functions"]
]


def record_of(function):
    return activations.get(function["name"], **function["parameters"])


def column(record, xs):
    z = np.asarray(xs, float)[:, None]
    learned = [np.array([p.initial]) for p in record.learned]
    a = record.value(z, *learned)
    return a[:, 0], record.slope(z, a, *learned)[:, 0]


@pytest.mark.parametrize("function", FUNCTIONS)
def test_values_and_derivatives_are_those_of_the_samples(function):
    samples = function["samples"]
    value, slope = column(record_of(function), [sample["x"] for sample in samples])
    np.testing.assert_allclose(value, [sample["value"] for sample in samples], rtol=TOLERANCE, atol=1e-15)
    for got, sample in zip(slope, samples, strict=True):
        if sample["derivative"] is not None:
            np.testing.assert_allclose(got, sample["derivative"], rtol=TOLERANCE, atol=1e-15)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_the_formulas_of_the_file_and_of_the_record_are_the_same_function(function):
    record = record_of(function)
    learned = {p.name: p.initial for p in record.learned}
    for sample in function["samples"]:
        names = {**record.constants, **learned, "z": sample["x"]}
        near(evaluate(record.expr, names), sample["value"])
        if sample["derivative"] is not None:
            near(evaluate(record.slope_expr, names), sample["derivative"])


@pytest.mark.parametrize("function", [case for case in FUNCTIONS if "derivative_at_0" in case.values[0]])
def test_at_a_kink_the_derivative_is_the_one_from_the_left(function):
    record, sides = record_of(function), function["derivative_at_0"]
    assert record.kinks == (0.0,)
    _, slope = column(record, [0.0])
    left = sides["left"] if sides["left"] is not None else 0.0  # the step's is infinite: its slope beside 0 is taken
    near(slope[0], left)
    if "torch" in sides:
        near(slope[0], sides["torch"])


@pytest.mark.parametrize("function", FUNCTIONS)
def test_declared_properties_are_those_of_the_file(function):
    record = record_of(function)
    assert (_said(function["monotonic"], record), _said(function["derivative_monotonic"], record)) == (
        record.monotonic,
        record.slope_monotonic,
    )
    order = {"C^inf": math.inf, "C^0": 0, "C^-1": -1, "C^1 if alpha = 1, else C^0": 1}[function["continuity"]]
    assert record.continuity == order
    if "derivative_by_value" in function:
        for a in (0.1, 0.37, 0.9):
            assert record.slope_from_output is not None
            near(evaluate(record.slope_from_output, {"a": a}), evaluate(function["derivative_by_value"], {"g": a}))


def _said(said, record):
    """The file's word on monotonicity where it depends on the constants."""
    if isinstance(said, bool):
        return said
    c = record.constants
    return {
        "only for some a, b, c, d (a = c and b = d: yes, it is tanh((a+b)x/2))": lambda: (
            c["a"] == c["c"] and c["b"] == c["d"]
        ),
        "yes for 0 <= alpha <= 1, no for alpha > 1": lambda: c["alpha"] <= 1,
        "yes for alpha >= 0": lambda: c["alpha"] >= 0,
        "yes for alpha <= 1": lambda: c["alpha"] <= 1,
    }[said]()


@pytest.mark.parametrize("function", FUNCTIONS)
def test_the_range_is_that_of_the_file(function):
    record, text = record_of(function), function["range"]
    if text == "{0, 1}":
        assert (record.low, record.high, record.reaches_low, record.reaches_high) == (0.0, 1.0, True, True)
        return
    if "inside (-1, 1)" in text:
        assert -1 < record.low < record.high < 1
        return
    left, low, high, right = re.search(r"([\[(])([^,]+), ([^)\]]+)([)\]])", text).groups()
    assert (record.reaches_low, record.reaches_high) == (left == "[", right == "]")
    for bound, said in ((record.low, low), (record.high, high)):
        if said.endswith("..."):
            assert abs(bound - float(said[:-3])) < 1e-6
        else:
            words = {"-inf": -math.inf, "inf": math.inf}
            c = record.constants
            words |= {"-alpha": -c.get("alpha", 0), "-lambda*alpha": -c.get("lam", 0) * c.get("alpha", 0)}
            near(bound, words[said] if said in words else float(said))


@pytest.mark.parametrize("minimum", FILE["minima"], ids=lambda minimum: minimum["activation"])
def test_the_minima_are_those_of_the_file(minimum):
    record = activations.get(minimum["activation"])
    value, slope = column(record, [minimum["x"]])
    near([value[0], slope[0]], [minimum["min"], 0.0])
    near(record.low, minimum["min"])


def test_every_function_of_the_file_is_in_the_catalog_by_its_other_names_too():
    for function in FILE["functions"]:
        assert function["name"] in activations


@pytest.mark.parametrize("sample", FILE["softmax"]["samples"], ids=lambda sample: str(sample["z"]))
def test_softmax_and_its_jacobian(sample):
    p = softmax_of(np.array([sample["z"]]))
    near(p[0], sample["value"])
    near(DiagonalLowRank(p, -p[:, :, None], p[:, :, None]).matrix(0), sample["jacobian"])
    if len(sample["z"]) > 1:
        network = Network(len(sample["z"]), [Dense(len(sample["z"]), "softmax", weights=np.eye(len(sample["z"])))])
        theta = np.concatenate([np.eye(len(sample["z"])).ravel(), np.zeros(len(sample["z"]))])
        near(forward(network, theta, sample["z"]).prediction[0], sample["value"])


@pytest.mark.parametrize("sample", FILE["maxout"]["samples"], ids=lambda sample: f"{sample['what']} {sample['x']}")
def test_maxout_takes_the_largest_and_its_gradient_goes_to_the_winner(sample):
    network = Network(len(sample["x"]), [Maxout(1, pieces=len(sample["b"]))], loss="output")
    theta = np.concatenate([np.ravel(sample["W"]), sample["b"]])
    trace = forward(network, theta, [sample["x"]])
    near(trace.prediction[0, 0], sample["value"])
    gradient = backward(trace)
    near(gradient.deltas["x"][0], sample["gradient_wrt_x"])
    assert int(np.argmax(gradient.deltas["z1"][0])) == sample["winner"]
