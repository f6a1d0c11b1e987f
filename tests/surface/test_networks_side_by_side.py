"""The networks of a preset are trained side by side: the same bits, one listener, one budget."""

import gc
import os
import signal
import subprocess
import sys
import threading
import time
import weakref
from dataclasses import replace

import numpy as np
import pytest

from chainrule import fit, load
from chainrule import trained as training
from chainrule.data.files import read_table
from chainrule.duration import seconds_per_epoch
from chainrule.errors import DivergedError
from chainrule.prepare import prepare, trial_of
from chainrule.trained import rounds_of, train_trial
from chainrule.tuning.trial import request_of

RNG = np.random.default_rng(3)
A, B = RNG.normal(size=90), RNG.normal(size=90)
NUMBERS = {"a": A, "b": B, "y": A * np.sign(B)}
CLASSES = {"a": A, "b": B, "y": np.where(A > 0.5, "high", np.where(B > 0, "low", "none"))}
QUICK = {"epochs": 4, "test": 0.0}


def prepared(**settings):
    table = read_table(NUMBERS)
    found = prepare(request_of(("y",), {"preset": "fast", "test": 0.0, **settings}, "fit"), table)
    return found, trial_of(found)


@pytest.mark.parametrize("data", [NUMBERS, CLASSES], ids=["numbers", "classes"])
@pytest.mark.parametrize("preset", ["fast", "default"])
def test_any_number_of_threads_gives_the_same_bits(data, preset):
    def told(n_jobs):
        model = fit(data, "y", preset=preset, n_jobs=n_jobs, **QUICK)
        history = {name: column for name, column in model.history.items() if name != "seconds"}
        return model.theta.tobytes(), model.card["algorithm"], history

    one = told(1)
    for n_jobs in (2, 3, 16):
        assert told(n_jobs) == one


def test_members_that_end_early_give_the_same_bits():
    asked = {"preset": "default", "patience": 2, "epochs": 30, "test": 0.0}
    one, two = (fit(NUMBERS, "y", n_jobs=n, **asked) for n in (1, 2))
    assert one.theta.tobytes() == two.theta.tobytes()
    assert one.card["algorithm"] == two.card["algorithm"]
    assert one.card["algorithm"]["stopped"] == "early"


@pytest.mark.parametrize("n_jobs", [1, 2, 5])
def test_callbacks_hear_every_epoch_of_every_member_once_in_the_thread_that_called_fit(n_jobs):
    heard, inside = [], []

    def listen(event):
        inside.append(1)
        time.sleep(0.0005)
        assert len(inside) == 1
        inside.pop()
        heard.append((event.epoch, event.epochs, event.member, event.row["epoch"], threading.current_thread()))

    fit(NUMBERS, "y", preset="default", callbacks=[listen], n_jobs=n_jobs, **QUICK)
    assert [epoch for epoch, *_ in heard] == list(range(1, 33))
    assert {epochs for _, epochs, *_ in heard} == {32}
    assert {thread for *_, thread in heard} == {threading.current_thread()}
    for member in range(8):
        assert [own for _, _, who, own, _ in heard if who == member] == [1, 2, 3, 4]


def test_a_callback_sees_the_weights_of_the_epoch_that_ended():
    seen = {}

    def listen(event):
        time.sleep(0.001)  # the other member goes on meanwhile, this one waits
        seen[event.member] = event.learner()
        assert seen[event.member].epoch == event.row["epoch"]

    fit(NUMBERS, "y", preset="fast", callbacks=[listen], n_jobs=2, **QUICK)
    assert sorted(seen) == [0, 1, 2, 3]
    assert len({learner.theta.tobytes() for learner in seen.values()}) == 4


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_a_callback_that_stops_leaves_the_members_that_began(n_jobs):
    model = fit(NUMBERS, "y", preset="default", callbacks=[lambda event: event.epoch >= 3], n_jobs=n_jobs, **QUICK)
    assert model.card["algorithm"]["members"] == n_jobs
    assert model.card["algorithm"]["stopped"] == "callback"
    assert np.isfinite(model.predict(NUMBERS)).all()


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_what_a_callback_raises_comes_out_of_fit(n_jobs):
    def listen(event):
        if event.epoch == 3:
            raise RuntimeError("from a callback")

    with pytest.raises(RuntimeError, match="from a callback"):
        fit(NUMBERS, "y", preset="default", callbacks=[listen], n_jobs=n_jobs, **QUICK)
    assert not any("chainrule job" in thread.name for thread in threading.enumerate())


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_a_member_that_diverges_ends_fit_with_its_reason(n_jobs):
    with pytest.raises(DivergedError, match="CR601"), np.errstate(over="ignore"):
        fit(NUMBERS, "y", preset="fast", optimizer="gradient_descent", learning_rate=1e30, n_jobs=n_jobs, **QUICK)


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_control_c_keeps_what_all_members_at_work_have_learned(n_jobs):
    def interrupt(event):
        if event.epoch == 7:
            os.kill(os.getpid(), signal.SIGINT)

    model = fit(NUMBERS, "y", preset="default", callbacks=[interrupt], n_jobs=n_jobs, epochs=500, test=0.0)
    assert model.card["algorithm"]["stopped"] == "interrupted"
    assert model.card["algorithm"]["members"] == n_jobs
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_control_c_at_the_command_line_saves_the_members_at_work(tmp_path):
    rows = "\n".join(f"{a:.4f},{b:.4f},{a * b:.4f}" for a, b in zip(A, B, strict=True))
    (tmp_path / "people.csv").write_text("a,b,y\n" + rows + "\n")
    command = [sys.executable, "-m", "chainrule", "fit", "people.csv", "-t", "y", "--preset", "default", "--jobs", "2"]
    command += ["--epochs", "1000000", "--patience", "1000000", "--test", "0", "--out", "stopped.model"]
    process = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert "90 rows" in process.stderr.readline()
    time.sleep(4.0)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert load(tmp_path / "stopped.model").card["algorithm"]["members"] == 2


def recorded(monkeypatch, seconds=0.0, **settings):
    """What each member of a training was asked for."""
    asked, true = [], training._train

    def watch(trial, engine, run=None):
        asked.append(trial.request)
        time.sleep(seconds)
        return true(trial, engine, run)

    monkeypatch.setattr(training, "_train", watch)
    train_trial(*prepared(epochs=2, **settings))
    return sorted(asked, key=lambda request: request.seed)


def test_members_at_once_share_the_time_budget_by_rounds(monkeypatch):
    asked = recorded(monkeypatch, seconds=0.2, time_budget=100.0, n_jobs=3)
    assert [request.n_jobs for request in asked] == [1, 1, 1, 3]
    budgets = [request.time_budget for request in asked]
    assert budgets == pytest.approx([50.0, 50.0, 50.0, 100.0], abs=5.0)
    assert budgets[3] < 100.0 - 0.2  # what the first round took is gone
    one_by_one = recorded(monkeypatch, time_budget=90.0, n_jobs=1)
    assert [request.time_budget for request in one_by_one] == pytest.approx([22.5, 30.0, 45.0, 90.0], abs=5.0)


def test_the_time_is_estimated_for_members_at_once(monkeypatch):
    monkeypatch.setattr("chainrule.duration._timed", lambda trial, engine, threads: (1.0 / threads, 0.0))
    _, trial = prepared(n_jobs=3)
    trained_on = 0.8 * 90
    assert seconds_per_epoch(trial) == pytest.approx(4 / 3 * trained_on)  # three at once, the fourth with all threads
    assert seconds_per_epoch(trial, 1) == pytest.approx(1 / 3 * trained_on)
    alone = replace(trial, request=replace(trial.request, n_jobs=1))
    assert seconds_per_epoch(alone) == pytest.approx(4 * trained_on)


def test_a_time_budget_is_kept_with_members_at_once():
    many = {name: np.tile(column, 40) for name, column in NUMBERS.items()}
    began = time.perf_counter()
    model = fit(many, "y", preset="default", test=0.0, n_jobs=2, time_budget=2.0, epochs=10**6)
    assert model.card["algorithm"]["epochs_trained"] < 10**6
    assert time.perf_counter() - began < 30  # a busy machine takes its time; without a budget it would be days


def test_only_members_at_work_hold_copies_of_their_rows(monkeypatch):
    held, alive, true = [], [], training._train

    def watch(trial, engine, run=None):
        gc.collect()
        held.append(weakref.ref(trial.rows.x))
        alive.append(sum(one() is not None for one in held))
        return true(trial, engine, run)

    monkeypatch.setattr(training, "_train", watch)
    train_trial(*prepared(preset="default", epochs=2, n_jobs=1))
    assert len(alive) == 8
    assert max(alive) == 1


def own(y_true, y_pred):
    """A metric of a user's own."""
    return float(np.abs(np.asarray(y_true) - np.asarray(y_pred)).max())


def test_where_python_s_lock_is_needed_members_come_one_after_another():
    def shape(**settings):
        return [tuple(one) for one in rounds_of(prepared(n_jobs=2, **settings)[1], 3)]

    assert shape() == [(2, 1), (1, 2)]
    assert shape(engine="reference") == shape(metrics=[own]) == [(1, 2)] * 3
    assert shape(metrics=["r2"]) == [(2, 1), (1, 2)]
