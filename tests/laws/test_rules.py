"""Every law for every update rule, and every rule against its formula written a second time, number by number."""

from __future__ import annotations

import math

import numpy as np
import pytest
from variants import laws_times_records, with_other_constants

from chainrule import Dense, Network, Update, backward, forward, initialize, update
from chainrule.laws.rule import LAWS, penalties_have_the_slope_of_their_value, scalars, start
from chainrule.optim.rules import rules


@pytest.mark.parametrize(("law", "record"), laws_times_records(LAWS, rules))
def test_every_law_holds_for_every_rule(law, record):
    law.check(record)


def test_the_slope_of_the_penalties_is_the_derivative_of_their_value():
    penalties_have_the_slope_of_their_value()


def gradient_descent(w, gradients, learning_rate):
    for g in gradients:
        w -= learning_rate * g
    return w


def momentum(w, gradients, learning_rate, momentum):
    v = 0.0
    for g in gradients:
        v = momentum * v - learning_rate * g
        w += v
    return w


def nesterov(w, gradients, learning_rate, momentum):
    v = 0.0
    for g in gradients:
        v = momentum * v - learning_rate * g
        w += momentum * v - learning_rate * g
    return w


def adagrad(w, gradients, learning_rate, epsilon):
    total = 0.0
    for g in gradients:
        total += g * g
        w -= learning_rate * g / (math.sqrt(total) + epsilon)
    return w


def rmsprop(w, gradients, learning_rate, rho, epsilon):
    mean = 0.0
    for g in gradients:
        mean = rho * mean + (1 - rho) * g * g
        w -= learning_rate * g / (math.sqrt(mean) + epsilon)
    return w


def adam(w, gradients, learning_rate, beta_1, beta_2, epsilon, weight_decay=0.0):
    m = v = 0.0
    for t, g in enumerate(gradients, start=1):
        m = beta_1 * m + (1 - beta_1) * g
        v = beta_2 * v + (1 - beta_2) * g * g
        step = (m / (1 - beta_1**t)) / (math.sqrt(v / (1 - beta_2**t)) + epsilon)
        w -= learning_rate * (step + weight_decay * w)
    return w


def adam_classic(w, gradients, learning_rate, beta_1, beta_2, epsilon):
    m = v = 0.0
    for t, g in enumerate(gradients, start=1):
        m = beta_1 * m + (1 - beta_1) * g
        v = beta_2 * v + (1 - beta_2) * g * g
        w -= learning_rate * math.sqrt(1 - beta_2**t) / (1 - beta_1**t) * m / (math.sqrt(v) + epsilon)
    return w


FORMULAS = {
    function.__name__: function
    for function in (gradient_descent, momentum, nesterov, adagrad, rmsprop, adam, adam_classic)
} | {"adamw": adam}


@pytest.mark.parametrize("rule", list(with_other_constants(rules)), ids=lambda rule: f"{rule.name}-{rule.constants}")
def test_steps_of_a_rule_are_its_formula(rule):
    formula = FORMULAS[rule.name]  # a rule without a second formula fails here
    theta, gradients, slots = start(rule)
    expected = [formula(w, [float(g[k]) for g in gradients], **rule.constants) for k, w in enumerate(theta.tolist())]
    for step, g in enumerate(gradients, start=1):
        theta, slots = rule.update(theta, g, slots, scalars(rule, step, theta))
    np.testing.assert_allclose(theta, expected, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("rule", rules, ids=lambda rule: rule.name)
def test_update_counts_one_step_per_call_and_obeys_the_factors_of_parameters(rule):
    network = Network(3, [Dense(2, "tanh", bias_learning_rate_factor=0.0, learning_rate_factor=2.0), Dense(1)])
    x, y = np.random.default_rng(0).normal(size=(4, 3)), np.ones((4, 1))
    theta, memory, path = initialize(network, 0), {}, []
    for _ in range(3):
        gradient = backward(forward(network, theta, x, y))
        theta = update(rule, theta, gradient, memory=memory)
        path.append(np.asarray(gradient))
    assert memory["step"] == 3
    begin = initialize(network, 0)
    params = {param.name: param for param in network.plan.params}
    np.testing.assert_array_equal(params["b1"].of(theta), params["b1"].of(begin))
    weights = rules.get(rule.name, **{**rule.constants, "learning_rate": 2 * rule.learning_rate}).constants
    where = params["W1"].where.start
    expected = FORMULAS[rule.name](float(begin[where]), [float(g[where]) for g in path], **weights)
    assert float(theta[where]) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("rule", rules, ids=lambda rule: rule.name)
def test_no_rule_moves_a_weight_behind_a_mask(rule):
    network = Network(3, [Dense(2, "tanh", mask=[[1, 0, 1], [0, 1, 1]]), Dense(1)])
    x, y = np.random.default_rng(1).normal(size=(5, 3)), np.ones((5, 1))
    theta, memory = initialize(network, 0), {}
    for _ in range(3):
        change = Update(rule, l1=0.1, l2=0.1)
        theta = update(change, theta, backward(forward(network, theta, x, y)), memory=memory)
    weights = network.plan.params[0].of(theta)
    assert weights[0, 1] == weights[1, 0] == 0.0
    assert (weights[[0, 0, 1, 1], [0, 2, 1, 2]] != 0).all()


def test_penalties_come_before_clipping_and_spare_biases():
    theta, gradient, decay = np.array([2.0, -2.0]), np.array([0.5, 0.5]), np.array([1.0, 0.0])
    gd = rules.get("gradient_descent")
    assert Update(gd, l1=0.1, l2=1.0).direction(theta, gradient, decay).tolist() == [2.6, 0.5]
    assert Update(gd, l2=1.0, clip_value=1.0).direction(theta, gradient, decay).tolist() == [1.0, 0.5]
    clipped = Update(gd, clip_norm=0.25).direction(theta, gradient, decay)
    assert np.linalg.norm(clipped) == pytest.approx(0.25, rel=1e-12)
    assert Update(gd, clip_norm=1.0).direction(theta, gradient, decay).tolist() == [0.5, 0.5]


def test_single_precision_stays_single_through_every_term_of_an_update():
    theta, gradient = np.ones(3, np.float32), np.full(3, 2.0, np.float32)
    for rule in rules:
        change = Update(rule, l1=0.1, l2=0.1, clip_value=1.0, clip_norm=0.5)
        assert change.direction(theta, gradient, np.ones(3)).dtype == np.float32
        memory: dict = {}
        assert update(change, theta, gradient, memory=memory).dtype == np.float32
        assert all(slot.dtype == np.float32 for slot in memory["slots"])


@pytest.mark.parametrize("name", ["adam", "adam_classic", "adamw"])
def test_the_table_of_a_step_is_the_same_whichever_steps_are_asked_for_with_it(name):
    rule = rules.get(name)
    steps = 45_000  # beyond 40,000 the second correction of Adam is 1
    whole = rule.table(1, np.ones(steps))
    for first, count in ((1, 1), (255, 3), (300, 200), (379, 4), (39_900, 200), (steps, 1)):
        part = rule.table(first, np.ones(count))
        assert all(np.array_equal(part[column], whole[column][first - 1 : first - 1 + count]) for column in whole)
    at = np.array([7.0, 300.0, 7.0])
    assert all(
        np.array_equal(rule.scalars(at)[column], whole[column][at.astype(int) - 1]) for column in rule.scalars(at)
    )


def test_a_bias_correction_is_its_formula():
    corrections = rules.get("adam").table(1, np.ones(500))
    for t in (1, 2, 100, 256, 257, 380, 500):
        assert math.isclose(corrections["correction_1"][t - 1], 1 / (1 - 0.9**t), rel_tol=1e-14)
        assert math.isclose(corrections["correction_2"][t - 1], 1 / (1 - 0.999**t), rel_tol=1e-12)
