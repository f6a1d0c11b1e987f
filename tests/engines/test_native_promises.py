"""What the compiled engine promises beyond the numbers: the same bits, nothing written astray, nothing copied silently."""

from __future__ import annotations

import multiprocessing
import os
import warnings
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
from engine_jobs import assert_close, drawn_network, job, narrow_network, needs_library

from chainrule import Activation, Dense, Dropout, Expression, Loss, Network, Rule, activations, rules
from chainrule.calculus.loss import Head
from chainrule.engines import choose as choosing
from chainrule.engines import library as libraries
from chainrule.engines.base import Rows
from chainrule.engines.choose import choose
from chainrule.engines.library import runnable
from chainrule.engines.native import NativeEngine, thread_count
from chainrule.engines.reference import ReferenceEngine
from chainrule.errors import ChainruleError, ChainruleWarning, DataError, SettingError
from chainrule.optim.rule import Update

pytestmark = needs_library
ADAM = Update(rules.get("adam"), l2=0.01)
FUSED = [isa for isa in runnable() if isa != "baseline"]


def table_for(update, steps, first=0):
    return update.rule.table(first + 1, np.ones(steps))


def trained(task, update=ADAM, epochs=3, batch_size=7, n_jobs=1):
    session = task.open(NativeEngine(), update, n_jobs)
    steps = epochs * -(-len(task.rows) // batch_size)
    losses_ = session.train(task.rows, task.order(epochs), batch_size, table_for(update, steps), 0).losses
    theta, slots = session.export()
    return losses_, theta, *slots


def same_bits(one, other):
    return all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


def large(dtype=np.float32, **more):
    """A job large enough for several threads to be used."""
    layers = [Dense(96, "tanh"), Dropout(0.2), Dense(70, "gelu"), Dense(33, "relu"), Dense(5, "softmax")]
    return job(Network(40, layers), n=600, dtype=dtype, **more)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("threads", [2, 3, 5])
def test_any_number_of_threads_gives_the_same_bits(threads, dtype):
    task = large(dtype)
    for update in (ADAM, Update(rules.get("momentum"), clip_norm=0.1)):
        assert same_bits(trained(task, update, 4, 128), trained(task, update, 4, 128, n_jobs=threads))


def test_threads_predict_and_take_gradients_to_the_same_bits():
    task = large()
    task = replace(task, rows=task.rows.take(np.tile(np.arange(600), 9)))
    one, many = task.open(NativeEngine(), None, 1), task.open(NativeEngine(), None, 3)
    assert np.array_equal(one.predict(task.rows.x), many.predict(task.rows.x))
    assert same_bits(one.gradient(task.rows), many.gradient(task.rows))


@pytest.mark.skipif(len(FUSED) < 2, reason="only one library with fused multiply-adds runs on this CPU")
@pytest.mark.parametrize("seed", range(12))
def test_instruction_sets_with_fused_multiply_adds_give_the_same_bits(seed, monkeypatch):
    results = []
    for isa in FUSED:
        monkeypatch.setenv("CHAINRULE_ISA", isa)
        for dtype in (np.float32, np.float64):
            task = job(drawn_network(seed), dtype=dtype, seed=seed)
            trace = task.open(NativeEngine()).trace(task.rows, np.arange(5), 2)
            results.append((*trained(task), *trace.values.values(), *trace.deltas.values(), trace.gradient))
    for other in results[2::2]:
        assert same_bits(results[0], other)
    for other in results[3::2]:
        assert same_bits(results[1], other)


@pytest.mark.skipif(len(FUSED) < 2, reason="only one library with fused multiply-adds runs on this CPU")
@pytest.mark.parametrize("seed", range(12))
def test_narrow_and_tiny_networks_give_the_same_bits_on_every_instruction_set(seed, monkeypatch):
    results = []
    for isa in FUSED:
        monkeypatch.setenv("CHAINRULE_ISA", isa)
        task = job(narrow_network(seed), n=150, dtype=np.float32, seed=seed)
        results.append([x for rows in (64, 4, 1) for x in trained(task, batch_size=rows)])
    assert all(same_bits(results[0], other) for other in results[1:])


@pytest.mark.parametrize("isa", runnable())
def test_every_instruction_set_agrees_with_the_reference(isa, monkeypatch):
    monkeypatch.setenv("CHAINRULE_ISA", isa)
    for seed in range(20, 30):
        task = job(drawn_network(seed), seed=seed)
        native, reference = task.both()
        assert native.isa == isa
        got, wanted = native.trace(task.rows, np.arange(9), 0), reference.trace(task.rows, np.arange(9), 0)
        assert_close(got.gradient, wanted.gradient, 1e-11)
        for name in wanted.deltas:
            assert_close(got.deltas[name], wanted.deltas[name], 1e-11, name)


def test_an_unknown_instruction_set_is_refused(monkeypatch):
    monkeypatch.setenv("CHAINRULE_ISA", "mmx")
    task = job(Network(2, [Dense(1)]))
    with pytest.raises(SettingError, match="CR702"):
        task.open(NativeEngine())


def test_a_run_repeats_to_the_same_bits():
    assert same_bits(trained(large()), trained(large()))


@pytest.mark.parametrize("name", rules.names())
def test_a_run_cut_in_two_by_export_and_open_is_the_uninterrupted_run(name):
    update = Update(rules.get(name), l2=0.01)
    task = large()
    order, per_epoch = task.order(4), -(-600 // 128)
    whole = task.open(NativeEngine(), update)
    all_losses = whole.train(task.rows, order, 128, table_for(update, 4 * per_epoch), 0).losses
    first = task.open(NativeEngine(), update)
    early = first.train(task.rows, order[:1], 128, table_for(update, per_epoch), 0).losses
    theta, slots = first.export()
    second = NativeEngine().open(task.network.plan, theta, slots, update, seed=task.seed, n_jobs=2)
    late = second.train(task.rows, order[1:], 128, table_for(update, 3 * per_epoch, per_epoch), per_epoch).losses
    assert np.array_equal(all_losses, np.concatenate([early, late]))
    assert np.array_equal(whole.export()[0], second.export()[0])
    assert same_bits(whole.export()[1], second.export()[1])


def test_replaying_a_step_gives_the_bits_that_training_computed():
    task, update = large(), Update(rules.get("gradient_descent", learning_rate=0.5))
    session = task.open(NativeEngine(), update)
    order = task.order(1)
    session.train(task.rows, order[:, :256], 128, table_for(update, 2), 0)
    before, _ = session.export()
    index = order[0, 256:384]
    trace = session.trace(task.rows, index, 2)
    assert trace.engine == "native"
    assert np.array_equal(trace.theta, before)
    steps = session.train(task.rows, order[:, 256:384], 128, table_for(update, 1), 2)
    assert steps.losses[0] == trace.loss
    after, _ = session.export()
    # theta - rate * gradient, rounded once: in float64 the products are exact and only the last rounding remains.
    wanted = (before.astype(np.float64) - 0.5 * trace.gradient.astype(np.float64)).astype(np.float32)
    assert np.array_equal(after, wanted)


@pytest.mark.parametrize("batch", [1, 4, 7, 31, 32, 47, 59, 150])
@pytest.mark.parametrize("seed", range(8))
def test_replaying_the_last_step_of_an_epoch_of_a_small_network_gives_the_bits_of_training(seed, batch):
    """Small networks have ways of their own: layers in one vector, rows in lanes. The last batch of 47 has 9 rows, of 59 32."""
    task = job(narrow_network(seed), n=150, dtype=np.float32, seed=seed, weighted=seed % 2 == 0)
    update = Update(rules.get("gradient_descent", learning_rate=2.0**-6))
    order, steps = task.order(1), -(-150 // batch)
    most, whole = task.open(NativeEngine(), update), task.open(NativeEngine(), update)
    most.train(task.rows, np.ascontiguousarray(order[:, : (steps - 1) * batch]), batch, table_for(update, steps - 1), 0)
    before, _ = most.export()
    trace = most.trace(task.rows, np.ascontiguousarray(order[0, (steps - 1) * batch :]), steps - 1)
    done = whole.train(task.rows, order, batch, table_for(update, steps), 0)
    after, _ = whole.export()
    assert done.losses[-1] == trace.loss
    # theta - rate * gradient, rounded once: in float64 the product with a power of two is exact.
    wanted = (before.astype(np.float64) - 2.0**-6 * trace.gradient.astype(np.float64)).astype(np.float32)
    assert np.array_equal(after, wanted)


def test_a_trace_cannot_be_changed_and_is_no_view_of_the_engine():
    task = job(Network(3, [Dense(4, "tanh"), Dense(2, "softmax")]))
    session = task.open(NativeEngine(), ADAM)
    trace = session.trace(task.rows, np.arange(4), 0)
    kept = trace["a1"].copy()
    session.train(task.rows, task.order(2), 4, table_for(ADAM, 12), 0)
    assert np.array_equal(trace["a1"], kept)
    with pytest.raises(ValueError, match="read-only"):
        trace["a1"][0, 0] = 1.0


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


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_dropout_masks_and_drawn_slopes_are_those_of_the_reference(dtype):
    network = Network(6, [Dropout(0.4), Dense(50, "rrelu"), Dropout(0.25), Dense(1)], "mse")
    task = job(network, n=200, dtype=dtype)
    native, reference = task.both()
    index = np.random.default_rng(0).permutation(200)[:90]
    got, wanted = native.trace(task.rows, index, 12345), reference.trace(task.rows, index, 12345)
    for name in ("d0", "d1"):
        assert np.array_equal(got[name] == 0, wanted[name] == 0)
    assert np.array_equal(got["d0"], wanted["d0"])
    negative = wanted["z1"] < 0
    assert_close(got["a1"][negative] / got["z1"][negative], wanted["a1"][negative] / wanted["z1"][negative], 1e-6)


def test_training_stops_before_the_update_of_a_step_whose_loss_is_not_finite():
    task = job(Network(3, [Dense(4, "relu"), Dense(2)], "mse"), n=12)
    task.rows.y[7] = np.inf
    order = np.arange(12)[None]
    for threads in (1, 2):
        native, reference = task.open(NativeEngine(), ADAM, threads), task.open(ReferenceEngine(), ADAM)
        got, wanted = (s.train(task.rows, order, 3, table_for(ADAM, 4), 0) for s in (native, reference))
        assert len(got.losses) == len(wanted.losses) == 3
        assert not got.finite
        assert_close(native.export()[0], reference.export()[0], 1e-11)
        assert not np.isfinite(native.trace(task.rows, order[0, 6:9], 2).loss)


def test_a_nan_in_a_weight_reaches_the_loss():
    for name in activations.names():
        task = job(Network(2, [Dense(3, name), Dense(1)], "mse"), n=4)
        task.theta[0] = np.nan
        assert np.isnan(task.open(NativeEngine()).trace(task.rows, np.arange(4), 0).loss) or name == "binary_step", name


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


def test_auto_falls_back_with_the_reason_and_says_so_once(monkeypatch):
    monkeypatch.setattr(choosing, "_said", set())
    plan = Expression("f = w * x + b", inputs=["x"]).plan
    update = Update(rules.get("gradient_descent"))
    with pytest.warns(ChainruleWarning, match="does not continue the chain"):
        assert choose("auto", plan, update, np.dtype(float)).name == "reference"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert choose("auto", plan, update, np.dtype(float)).name == "reference"
        assert choose("auto", Network(2, [Dense(1)]).plan, update, np.dtype(float)).name == "native"
        assert choose("reference", plan, update, np.dtype(float)).name == "reference"
    with pytest.raises(SettingError, match="CR702"):
        choose("native", plan, update, np.dtype(float))
    assert "float16" in str(NativeEngine().refuses(Network(2, [Dense(1)]).plan, update, np.dtype(np.float16)))


def test_the_number_of_threads_can_be_set(monkeypatch):
    monkeypatch.setenv("CHAINRULE_NUM_THREADS", "3")
    assert thread_count() == 3
    assert thread_count(2) == 2
    assert thread_count(-1) >= 1
    for bad in ("0", "two", "-1"):
        monkeypatch.setenv("CHAINRULE_NUM_THREADS", bad)
        with pytest.raises(SettingError, match="CHAINRULE_NUM_THREADS"):
            thread_count()
    with pytest.raises(SettingError):
        thread_count(0)


def test_many_short_calls_of_the_team_lose_no_wake_up():
    task = large()
    session = task.open(NativeEngine(), ADAM, 4)
    order = task.order(1)
    for step in range(300):
        session.train(task.rows, order, 600, table_for(ADAM, 1, step), step)
    assert np.isfinite(session.export()[0]).all()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_forked_process_can_go_on_with_a_session():
    task = large()
    session = task.open(NativeEngine(), ADAM, 2)
    session.train(task.rows, task.order(4), 128, table_for(ADAM, 20), 0)
    wanted = session.predict(task.rows.x)
    context = multiprocessing.get_context("fork")
    answers = context.SimpleQueue()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Python warns of forking with threads, which is what is tried here
        child = context.Process(target=lambda: answers.put(np.array_equal(session.predict(task.rows.x), wanted)))
        child.start()
    assert answers.get()
    child.join()


def test_threads_of_python_may_share_a_session():
    task = large()
    session = task.open(NativeEngine(), ADAM, 2)
    wanted = session.predict(task.rows.x)
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: session.predict(task.rows.x), range(40)))
    assert all(np.array_equal(answer, wanted) for answer in answers)


def test_training_on_no_rows_does_nothing():
    task = job(Network(3, [Dense(4, "tanh"), Dense(2, "softmax")]))
    session = task.open(NativeEngine(), ADAM)
    done = session.train(task.rows, np.zeros((2, 0), np.int64), 4, table_for(ADAM, 0), 0)
    assert len(done.losses) == 0
    assert np.array_equal(session.export()[0], task.theta)


def test_a_library_that_does_not_load_is_no_library(monkeypatch, tmp_path):
    broken = tmp_path / "chainrule_baseline.so"
    broken.write_bytes(b"not a library")
    monkeypatch.setattr(libraries, "built", lambda: {"baseline": broken})
    libraries._open.cache_clear()
    libraries.runnable.cache_clear()
    try:
        assert libraries.runnable() == ()
        update = Update(rules.get("gradient_descent"))
        assert "not built" in str(NativeEngine().refuses(Network(2, [Dense(1)]).plan, update, np.dtype(float)))
    finally:
        libraries._open.cache_clear()
        libraries.runnable.cache_clear()


def test_predicting_no_rows_and_one_row_works():
    task = job(Network(3, [Dense(4, "tanh"), Dense(2, "softmax")]), dtype=np.float32)
    session = task.open(NativeEngine())
    assert session.predict(np.zeros((0, 3), np.float32)).shape == (0, 2)
    assert np.array_equal(session.predict(task.rows.x[:1]), session.predict(task.rows.x)[:1])
