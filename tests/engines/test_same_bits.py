"""The compiled engine gives the same bits again: on any number of threads and instruction set, cut in two, and replayed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from engine_jobs import (
    ADAM,
    assert_close,
    drawn_network,
    job,
    large,
    narrow_network,
    needs_library,
    same_bits,
    table_for,
    trained,
)

from chainrule import rules
from chainrule.engines.library import runnable
from chainrule.engines.native import NativeEngine
from chainrule.optim.rule import Update

pytestmark = needs_library
FUSED = [isa for isa in runnable() if isa != "baseline"]
needs_two_widths = pytest.mark.skipif(
    len(FUSED) < 2, reason="only one library with fused multiply-adds runs on this CPU"
)


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


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("seed", range(20))
def test_many_rows_of_a_narrow_network_are_predicted_to_the_bits_of_few(seed, dtype):
    task = job(narrow_network(seed), n=1003, dtype=dtype, seed=seed)
    session = task.open(NativeEngine(), None, 2)
    many = session.predict(task.rows.x)
    few = [session.predict(task.rows.x[start : start + 100]) for start in range(0, 1003, 100)]
    assert np.array_equal(many, np.concatenate(few))
    assert session._functions["damaged"](session._handle) == 0


@needs_two_widths
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


@needs_two_widths
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
