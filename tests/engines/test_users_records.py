"""Records without a kernel of their own run through NumPy in the compiled engine."""

from __future__ import annotations

import numpy as np
import pytest
from engine_jobs import assert_close, job, needs_library, table_for

from chainrule import Activation, Dense, Dropout, Loss, Network, Rule, rules
from chainrule.calculus.loss import Head
from chainrule.engines.native import NativeEngine
from chainrule.optim.rule import Update

pytestmark = needs_library


def softsign():
    return Activation(
        name="my_softsign", value=lambda z: z / (1 + np.abs(z)), slope=lambda z, a: (1 - np.abs(a)) ** 2, expr="z/(1 + abs(z))",
        slope_expr="1/(1 + abs(z))**2", latex="", latex_slope="", low=-1.0, high=1.0, source="Elliott (1993)",
    )  # fmt: skip


def fourth_power():
    return Loss(
        name="fourth", terms=lambda y, p: (p - y) ** 4, slope=lambda y, p: 4 * (p - y) ** 3, expr="", slope_expr="", latex="",
        latex_slope="", source="a test",
    )  # fmt: skip


def signed():
    def update(theta, g, slots, s):
        kept = 0.9 * slots[0] + g
        return theta - s["learning_rate"] * np.sign(kept) - 0.01 * s["decay_factor"] * theta, (kept,)

    return Rule("signed", update, ("",), "a test", ("kept",), constants={"learning_rate": 0.01})


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_records_without_a_kernel_run_through_numpy(dtype):
    network = Network(5, [Dense(7, softsign()), Dropout(0.1), Dense(4, "prelu"), Dense(2, "tanh")], fourth_power())
    task = job(network, dtype=dtype, weighted=True)
    update = Update(signed(), l1=0.01, clip_norm=0.5)
    sessions = task.both(update)
    order = task.order(3)
    steps = 3 * -(-23 // 4)
    losses_ = [s.train(task.rows, order, 4, update.rule.table(1, np.ones(steps)), 0).losses for s in sessions]
    bound = 1e-10 if dtype == np.float64 else 1e-3
    assert_close(losses_[0], losses_[1], bound)
    assert_close(sessions[0].export()[0], sessions[1].export()[0], bound)
    assert_close(sessions[0].export()[1][0], sessions[1].export()[1][0], bound)
    assert_close(sessions[0].predict(task.rows.x), sessions[1].predict(task.rows.x), bound)
    one, other = (s.trace(task.rows, np.arange(9), 3) for s in sessions)
    for name in other.deltas:
        assert_close(one.deltas[name], other.deltas[name], bound, name)


def test_a_record_of_the_same_name_as_a_built_in_one_is_not_mistaken_for_it():
    halved = Activation(
        name="relu", value=lambda z: 0.5 * z, slope=lambda z, a: np.full_like(z, 0.5), expr="z/2", slope_expr="1/2", latex="",
        latex_slope="", low=-np.inf, high=np.inf, source="a test",
    )  # fmt: skip
    task = job(Network(2, [Dense(3, halved), Dense(1)], "mse"))
    native, reference = task.both()
    assert_close(native.predict(task.rows.x), reference.predict(task.rows.x), 1e-12)


def test_a_users_loss_with_a_head_and_random_activation_runs_through_numpy():
    head = Head("sigmoid", lambda y, z: np.logaddexp(0, z) - y * z, lambda y, z: 1 / (1 + np.exp(-z)) - y, "", "")
    loss = Loss(
        name="mine", terms=lambda y, p: -y * np.log(p), slope=lambda y, p: -y / p, heads=(head,), expr="", slope_expr="",
        latex="", latex_slope="", source="a test", domain=(0.0, 1.0),
    )  # fmt: skip
    noisy = Activation(
        name="noisy", value=lambda z, draw: z * draw, slope=lambda z, a, draw: draw, expr="", slope_expr="", latex="",
        latex_slope="", low=-np.inf, high=np.inf, source="a test", random=True,
    )  # fmt: skip
    task = job(Network(4, [Dense(6, noisy), Dense(2, "sigmoid")], loss), n=11)
    native, reference = task.both()
    got, wanted = native.trace(task.rows, np.arange(3, 9), 4), reference.trace(task.rows, np.arange(3, 9), 4)
    for name in wanted.deltas:
        assert_close(got.deltas[name], wanted.deltas[name], 1e-11, name)


def test_an_error_in_a_users_record_is_raised_as_it_was():
    class Broken(Exception):
        pass

    def value(z):
        raise Broken("by the record")

    record = Activation(
        name="broken", value=value, slope=lambda z, a: z, expr="", slope_expr="", latex="", latex_slope="", low=0.0, high=1.0,
        source="a test",
    )  # fmt: skip
    task = job(Network(2, [Dense(3, record), Dense(1)], "mse"))
    session = task.open(NativeEngine())
    with pytest.raises(Broken, match="by the record"):
        session.train(task.rows, task.order(1), 4, table_for(Update(rules.get("gradient_descent")), 6), 0)
    with pytest.raises(Broken, match="by the record"):
        session.predict(task.rows.x)
