"""L-BFGS on functions whose minimum is known."""

import numpy as np
import pytest

from chainrule import Dense, Network, Update, initialize, rules
from chainrule.engines.base import Rows
from chainrule.engines.reference import ReferenceEngine
from chainrule.training.lbfgs import minimise
from chainrule.training.solve import solve


def rosenbrock(x):
    value = np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)
    slope = np.zeros_like(x)
    slope[1:] += 200 * (x[1:] - x[:-1] ** 2)
    slope[:-1] += -400 * x[:-1] * (x[1:] - x[:-1] ** 2) - 2 * (1 - x[:-1])
    return float(value), slope


@pytest.mark.parametrize("size", [2, 5, 20])
def test_it_finds_the_bottom_of_rosenbrocks_valley(size):
    found = minimise(rosenbrock, np.full(size, -1.2), iterations=1000, gradient_tolerance=1e-8, decrease_tolerance=0.0)
    assert found.converged
    np.testing.assert_allclose(found.theta, 1.0, atol=1e-6)


def test_every_iteration_lowers_the_value():
    values = []
    minimise(rosenbrock, np.full(4, 2.0), watch=lambda i, value, theta: values.append(value))
    assert len(values) > 5
    assert np.all(np.diff(values) < 0)


def test_a_flat_start_is_converged_at_once():
    assert minimise(lambda x: (1.0, np.zeros_like(x)), np.ones(3)).reason == "gradient"


def test_a_value_that_is_not_finite_is_stepped_back_from():
    def cliff(x):
        return (float(x[0] ** 2), 2 * x) if x[0] < 3 else (np.inf, np.full_like(x, np.nan))

    assert abs(minimise(cliff, np.array([2.9])).theta[0]) < 1e-4


def test_ridge_regression_equals_the_normal_equations():
    source = np.random.default_rng(0)
    x, y = source.normal(size=(40, 3)), source.normal(size=(40, 1))
    net = Network(3, [Dense(1, bias="none")], loss="half_squared_error")
    update = Update(rules.get("gradient_descent"), l2=0.3)
    outcome = solve(net.plan, initialize(net), Rows(x, y), update, ReferenceEngine(), iterations=200)
    expected = np.linalg.solve(x.T @ x / 40 + 0.3 * np.eye(3), x.T @ y / 40)
    np.testing.assert_allclose(outcome.theta, expected[:, 0], atol=1e-5)
