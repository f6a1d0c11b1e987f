"""What the compiled engine reads and writes: every array is checked, and nothing else is touched."""

from __future__ import annotations

import numpy as np
import pytest
from engine_jobs import ADAM, drawn_network, job, needs_library, same_bits, table_for, trained

from chainrule import Dense, Network
from chainrule.engines.base import Rows
from chainrule.engines.native import NativeEngine
from chainrule.errors import ChainruleError, DataError

pytestmark = needs_library


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_every_slot_is_written_and_nothing_else(seed, dtype):
    task = job(drawn_network(seed), n=37, dtype=dtype, seed=seed)
    plain = trained(task)
    session = task.open(NativeEngine(), ADAM, 2)
    functions, handle = session._functions, session._handle
    order, parts = task.order(3), []
    steps = -(-37 // 7)
    session.predict(task.rows.x)
    for epoch in range(3):
        functions["poison"](handle)  # the workspace is full of NaN before every epoch
        parts.append(
            session.train(
                task.rows, order[epoch : epoch + 1], 7, table_for(ADAM, steps, epoch * steps), epoch * steps
            ).losses
        )
    theta, slots = session.export()
    assert same_bits(plain, (np.concatenate(parts), theta, *slots))
    functions["poison"](handle)
    assert np.isfinite(session.predict(task.rows.x)).all()
    assert np.isfinite(session.gradient(task.rows)[1]).all()
    assert functions["damaged"](handle) == 0


def test_only_the_callers_arrays_are_written():
    task = job(Network(3, [Dense(17, "tanh"), Dense(5, "softmax")]), n=29, dtype=np.float32)
    session = task.open(NativeEngine())
    around = np.full((40, 5), 7.0, np.float32)
    status = session._functions["predict"](session._handle, task.rows.x.ctypes.data, 29, around[3:].ctypes.data)
    assert status == 0
    assert (around[:3] == 7).all()
    assert (around[32:] == 7).all()
    assert np.array_equal(around[3:32], session.predict(task.rows.x))


def test_a_trace_cannot_be_changed_and_is_no_view_of_the_engine():
    task = job(Network(3, [Dense(4, "tanh"), Dense(2, "softmax")]))
    session = task.open(NativeEngine(), ADAM)
    trace = session.trace(task.rows, np.arange(4), 0)
    kept = trace["a1"].copy()
    session.train(task.rows, task.order(2), 4, table_for(ADAM, 12), 0)
    assert np.array_equal(trace["a1"], kept)
    with pytest.raises(ValueError, match="read-only"):
        trace["a1"][0, 0] = 1.0


def borders():
    order = np.arange(6)[None]
    good = {"order": order, "batch_size": 3, "first_step": 0}
    wide = np.zeros((6, 3), np.float32)
    yield "x of another type", {"x": np.zeros((6, 3))}, "CR106"
    yield "x of another width", {"x": np.zeros((6, 4), np.float32)}, "CR115"
    yield "x column by column", {"x": np.asfortranarray(wide + np.arange(3, dtype=np.float32))}, "CR115"
    yield "x every second row", {"x": np.zeros((12, 3), np.float32)[::2]}, "CR115"
    yield "x a list", {"x": [[1.0, 2.0, 3.0]] * 6}, "CR106"
    yield "y of another type", {"y": np.zeros((6, 2))}, "CR106"
    yield "y of another width", {"y": np.zeros((6, 3), np.float32)}, "CR115"
    yield "y of another length", {"y": np.zeros((5, 2), np.float32)}, "CR115"
    yield "y column by column", {"y": np.asfortranarray(np.zeros((6, 2), np.float32))}, "CR115"
    yield "no y", {"y": None}, "CR114"
    yield "codes of another type", {"y": np.zeros(6, np.int32)}, "CR106"
    yield "codes out of range", {"y": np.full(6, 2)}, "CR115"
    yield "weights of another type", {"weights": np.ones(6)}, "CR106"
    yield "weights of another length", {"weights": np.ones(5, np.float32)}, "CR115"
    yield "order of another type", {**good, "order": order.astype(np.int32)}, "CR106"
    yield "order of one dimension", {**good, "order": order[0]}, "CR103"
    yield "order column by column", {**good, "order": np.asfortranarray(np.tile(order, (2, 1)))}, "CR115"
    yield "order out of range", {**good, "order": order + 1}, "CR115"
    yield "order below 0", {**good, "order": order - 1}, "CR115"
    yield "batch_size 0", {"batch_size": 0}, "CR201"
    yield "first_step below 0", {"first_step": -1}, "CR201"
    yield "a table of another type", {"table": {"learning_rate": np.ones(2, np.float32)}}, "CR106"
    yield "a table of another length", {"table": {"learning_rate": np.ones(3)}}, "CR115"
    yield "a table without the rate", {"table": {}}, "CR104"


@pytest.mark.parametrize(("change", "code"), [pytest.param(c, code, id=name) for name, c, code in borders()])
def test_an_array_that_does_not_fit_is_refused(change, code):
    task = job(Network(3, [Dense(2)], "mse"), n=6, dtype=np.float32)
    session = task.open(NativeEngine())
    x, y, weights = (change.get(name, getattr(task.rows, name)) for name in ("x", "y", "weights"))
    arguments = {"order": np.arange(6)[None], "batch_size": 3, "table": {"learning_rate": np.ones(2)}, "first_step": 0}
    arguments.update({name: value for name, value in change.items() if name in arguments})
    before, _ = session.export()
    with pytest.raises(ChainruleError, match=code):
        session.train(Rows(x, y, weights), **arguments)
    assert np.array_equal(session.export()[0], before)
    if "x" in change and not isinstance(x, list):
        with pytest.raises(DataError, match=code):
            session.predict(x)


def test_theta_and_slots_that_do_not_fit_are_refused():
    plan = Network(3, [Dense(2)], "mse").plan
    theta = np.zeros(plan.size, np.float32)
    for bad in (theta[:-1], np.zeros(2 * plan.size, np.float32)[::2], theta.astype(np.float16)):
        with pytest.raises(ChainruleError):
            NativeEngine().open(plan, bad, (np.zeros_like(bad),) * 2, ADAM, seed=0)
    for slots in ((), (theta,), (theta, theta[:-1]), (theta, theta.astype(np.float64))):
        with pytest.raises(DataError):
            NativeEngine().open(plan, theta, slots, ADAM, seed=0)


def test_trace_refuses_rows_that_do_not_exist():
    task = job(Network(3, [Dense(2)], "mse"), n=6)
    session = task.open(NativeEngine())
    for index in (np.array([6]), np.array([-1]), np.arange(3, dtype=np.int32)):
        with pytest.raises(DataError):
            session.trace(task.rows, index, 0)


def test_training_on_no_rows_does_nothing():
    task = job(Network(3, [Dense(4, "tanh"), Dense(2, "softmax")]))
    session = task.open(NativeEngine(), ADAM)
    done = session.train(task.rows, np.zeros((2, 0), np.int64), 4, table_for(ADAM, 0), 0)
    assert len(done.losses) == 0
    assert np.array_equal(session.export()[0], task.theta)


def test_predicting_no_rows_and_one_row_works():
    task = job(Network(3, [Dense(4, "tanh"), Dense(2, "softmax")]), dtype=np.float32)
    session = task.open(NativeEngine())
    assert session.predict(np.zeros((0, 3), np.float32)).shape == (0, 2)
    assert np.array_equal(session.predict(task.rows.x[:1]), session.predict(task.rows.x)[:1])
