"""A run that is killed and resumed ends in the same bits, and any of its steps can be looked at again."""

import json
import random
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from chainrule import explain, fit, load
from chainrule.errors import ChainruleError, DataError, SettingError
from chainrule.run import replay


def write_table(path, rows=300):
    source = np.random.default_rng(0)
    x = source.normal(size=(rows, 3)).round(4)
    y = (x[:, 0] * x[:, 1] + 0.3 * source.normal(size=rows) > 0).astype(int)
    path.write_text("a,b,c,y\n" + "\n".join(f"{a},{b},{c},{t}" for (a, b, c), t in zip(x, y, strict=True)))
    return path


@pytest.fixture
def table(tmp_path):
    return write_table(tmp_path / "table.csv")


SETTINGS = {"network": (6,), "epochs": 12, "test": 0, "patience": 50, "batch_size": 16}


def test_a_run_that_is_over_gives_its_result_again(table, tmp_path):
    once = fit(table, "y", run=tmp_path / "run", **SETTINGS)
    again = fit(table, "y", run=tmp_path / "run", resume=True, **SETTINGS)
    assert once.theta.tobytes() == again.theta.tobytes()
    log = [json.loads(line) for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    assert [row["epoch"] for row in log] == list(range(1, 13))


def test_an_interrupted_run_goes_on_to_the_same_bits(table, tmp_path):
    whole = fit(table, "y", **SETTINGS)
    fit(table, "y", run=tmp_path / "run", callbacks=[lambda event: event.epoch == 5], **SETTINGS)
    resumed = fit(table, "y", run=tmp_path / "run", resume=True, **SETTINGS)
    assert resumed.theta.tobytes() == whole.theta.tobytes()
    assert resumed.history["val_loss"] == whole.history["val_loss"]


def test_a_folder_with_a_run_is_not_overwritten(table, tmp_path):
    fit(table, "y", run=tmp_path / "run", **SETTINGS)
    with pytest.raises(SettingError, match="CR603.*resume"):
        fit(table, "y", run=tmp_path / "run", **SETTINGS)


def test_resuming_with_other_settings_or_other_data_is_refused(table, tmp_path):
    fit(table, "y", run=tmp_path / "run", **SETTINGS)
    with pytest.raises(SettingError, match="CR603.*batch_size"):
        fit(table, "y", run=tmp_path / "run", resume=True, **{**SETTINGS, "batch_size": 8})
    write_table(table, rows=299)
    with pytest.raises(DataError, match="CR603.*data"):
        fit(table, "y", run=tmp_path / "run", resume=True, **SETTINGS)


@pytest.mark.parametrize("step", [1, 5, 18, 19, 100, 204])
def test_any_step_is_replayed_to_the_same_bits(table, tmp_path, step):
    """17 steps make an epoch here (270 rows in batches of 16, the last one smaller)."""
    fit(table, "y", run=tmp_path / "run", **SETTINGS)
    trace, trial = replay(tmp_path / "run", step)
    assert len(trace.x) in (16, len(trial.rows) % 16)
    assert trace.gradient is not None
    assert trace.run.step == step - 1
    expected = []
    settings = trial.settings

    def remember(event):
        expected.append(event.learner().theta)

    fit(table, "y", callbacks=[remember], **SETTINGS)
    per_epoch = -(-len(trial.rows) // settings.batch_size)
    if (
        step % per_epoch == 1 and step > 1
    ):  # the first step of an epoch begins with the weights that the last one ended with
        assert trace.theta.tobytes() == expected[step // per_epoch - 1].tobytes()


@pytest.mark.parametrize("step", [1, 6, 17, 18, 40])
def test_a_step_within_an_epoch_begins_where_the_update_of_the_one_before_ended(table, tmp_path, step):
    settings = {**SETTINGS, "optimizer": "gradient_descent", "learning_rate": 0.1, "l2": 0, "dtype": "float64"}
    fit(table, "y", run=tmp_path / "run", **settings)
    before, after = (replay(tmp_path / "run", s)[0] for s in (step, step + 1))
    np.testing.assert_allclose(after.theta, before.theta - 0.1 * before.gradient, rtol=1e-12, atol=1e-15)


def test_a_step_of_a_run_is_explained(table, tmp_path):
    fit(table, "y", run=tmp_path / "run", **SETTINGS)
    explanation = explain(tmp_path / "run", step=7, of="W1[0,1]")
    assert "a" in str(explanation)
    assert explanation.value == pytest.approx(replay(tmp_path / "run", 7)[0].gradient[1], rel=1e-4, abs=1e-7)


@pytest.mark.parametrize("rule", ["adam", "momentum", "adamw"])
def test_why_a_weight_moved_in_a_step_of_a_run_ends_in_the_weight_of_the_next_step(table, tmp_path, rule):
    settings = {**SETTINGS, "optimizer": rule, "schedule": "cosine", "clip_norm": 0.1, "dtype": "float64"}
    fit(table, "y", run=tmp_path / "run", **settings)
    after, _ = replay(tmp_path / "run", 31)
    moved = explain(tmp_path / "run", step=30, of="new W1[0,1]")
    assert moved.value == pytest.approx(float(after.plan.param("W1").of(after.theta)[0, 1]), rel=1e-12)
    with pytest.raises(SettingError, match="CR204.*whole batch"):
        explain(tmp_path / "run", step=30, of="new W1[0,1]", row=0)


def test_a_step_that_was_not_made_is_refused(table, tmp_path):
    fit(table, "y", run=tmp_path / "run", **SETTINGS)
    with pytest.raises(SettingError, match="CR201.*1 to"):
        replay(tmp_path / "run", 10**6)


def kill_and_resume(folder, table, kills, seed):
    """Train on the command line, killed `kills` times at random moments; the model it ends with."""
    arguments = [sys.executable, "-m", "chainrule", "fit", str(table), "-t", "y", "--network", "6", "--epochs", "400"]
    arguments += ["--patience", "400", "--test", "0", "--batch-size", "16", "-q", "--engine", "reference"]
    arguments += ["--run", str(folder / "run"), "--resume", "--out", str(folder / "killed.model")]
    moments = random.Random(seed)
    for _ in range(kills):
        process = subprocess.Popen(arguments, stderr=subprocess.DEVNULL)
        time.sleep(moments.uniform(0.1, 4.0))
        process.send_signal(signal.SIGKILL)
        process.wait()
    subprocess.run(arguments, check=True, capture_output=True)
    return load(folder / "killed.model")


def test_killed_at_random_moments_and_resumed_it_ends_in_the_same_bits(table, tmp_path):
    settings = {"network": (6,), "epochs": 400, "patience": 400, "test": 0, "batch_size": 16, "engine": "reference"}
    whole = fit(table, "y", **settings)
    killed = kill_and_resume(tmp_path, table, kills=3, seed=1)
    assert killed.theta.tobytes() == whole.theta.tobytes()
    assert killed.history["loss"] == whole.history["loss"]


def test_a_folder_that_holds_no_run_is_named(tmp_path):
    with pytest.raises(ChainruleError, match="CR603"):
        replay(tmp_path, 1)


def test_a_run_of_a_pair_with_rows_to_watch_is_resumed_and_its_steps_are_explained(tmp_path):
    source = np.random.default_rng(0)
    x, y = source.normal(size=(90, 3)), source.normal(size=90)
    settings = {"network": (4,), "epochs": 6, "test": 0, "run": tmp_path / "run"}
    model = fit((x[:60], y[:60]), validation_data=(x[60:], y[60:]), **settings)
    again = fit((x[:60], y[:60]), validation_data=(x[60:], y[60:]), resume=True, **settings)
    np.testing.assert_array_equal(again.theta, model.theta)
    with pytest.raises(DataError, match="not those that the run began with"):
        fit((x[:60], y[:60]), validation_data=(x[61:], y[61:]), resume=True, **settings)
    assert explain(tmp_path / "run", (x[:60], y[:60]), step=3, of="W1[0,0]").value != 0
