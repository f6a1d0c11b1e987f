"""What the compiled engine promises beyond the numbers: the draws of the reference, an early stop, processes and threads."""

from __future__ import annotations

import multiprocessing
import os
import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from engine_jobs import ADAM, assert_close, job, large, needs_library, table_for

from chainrule import Dense, Dropout, Network, activations
from chainrule.engines.native import NativeEngine
from chainrule.engines.reference import ReferenceEngine

pytestmark = needs_library


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
