"""The training loop: what it records, when it stops, what it keeps."""

import os
import signal

import numpy as np
import pytest

from chainrule import Dense, Dropout, Network, Update, backward, forward, initialize, metrics, rules, update
from chainrule.engines.base import Rows
from chainrule.engines.reference import ReferenceEngine
from chainrule.errors import DivergedError, SettingError
from chainrule.optim.schedules import schedules
from chainrule.training.loop import Settings, begin, train
from chainrule.training.measuring import evaluate_loss
from chainrule.training.orders import watched_rows
from chainrule.training.state import load_snapshot, save_snapshot
from chainrule.training.stopping import Best, EarlyStopping

NET = Network(3, [Dense(5, "tanh"), Dropout(0.2), Dense(1, "sigmoid")])
ADAM = Update(rules.get("adam", learning_rate=0.02))
ENGINE = ReferenceEngine()


def examples(count: int, seed: int = 0, dtype: type = np.float64) -> Rows:
    source = np.random.default_rng(seed)
    x = source.normal(size=(count, 3)).astype(dtype)
    return Rows(x, (x[:, :1] * x[:, 1:2] > 0).astype(dtype), source.uniform(0.5, 2.0, count).astype(dtype))


def run(settings: Settings, rows: Rows | None = None, **more):
    rows = examples(37) if rows is None else rows
    start = begin(initialize(NET, 1, rows.x.dtype), settings.update)
    return train(NET.plan, start, rows, settings, more.pop("engine", ENGINE), **more)


def test_an_epoch_at_a_time_or_many_at_once_give_the_same_bits():
    settings = Settings(ADAM, epochs=12, batch_size=8, seed=3)
    together, one_by_one = run(settings), run(settings, callbacks=[lambda event: None])
    assert together.theta.tobytes() == one_by_one.theta.tobytes()
    assert together.history["loss"] == one_by_one.history["loss"]


def test_going_on_from_a_learner_gives_the_same_bits_as_never_stopping():
    settings = Settings(ADAM, epochs=10, batch_size=8, seed=3, schedule=schedules.get("cosine"))
    whole = run(settings)
    kept = []
    run(settings, callbacks=[lambda event: kept.append(event.learner()) or event.epoch == 4])
    rest = train(NET.plan, kept[-1], examples(37), settings, ENGINE)
    assert rest.theta.tobytes() == whole.theta.tobytes()
    assert rest.history["epoch"] == [5, 6, 7, 8, 9, 10]


@pytest.mark.parametrize("stopping", [None, EarlyStopping(patience=4)])
def test_a_snapshot_saved_and_loaded_goes_on_to_the_same_bits(stopping, tmp_path):
    settings = Settings(ADAM, epochs=30, batch_size=8, seed=3, stopping=stopping)
    validation = examples(15, seed=9)
    whole = run(settings, validation=validation)
    kept = []
    run(settings, validation=validation, callbacks=[lambda event: event.epoch == 6], keep=kept.append)
    save_snapshot(tmp_path / "last", kept[-1])
    snapshot = load_snapshot(tmp_path / "last", stopping)
    rest = train(NET.plan, snapshot, examples(37), settings, ENGINE, validation=validation)
    assert rest.theta.tobytes() == whole.theta.tobytes()
    assert (rest.stopped, rest.best_epoch) == (whole.stopped, whole.best_epoch)
    assert rest.history["val_loss"] == whole.history["val_loss"]


def test_small_gains_do_not_reset_the_patience():
    best = Best(EarlyStopping(patience=3, min_delta=0.1))
    stops = [best.see(epoch, 1.0 - 0.01 * epoch, np.zeros(1)) for epoch in range(1, 5)]
    assert stops == [False, False, False, True]
    assert best.epoch == 4


def test_the_recorded_loss_is_the_weighted_mean_over_the_batches():
    rows = examples(20)
    net = Network(3, [Dense(1, "sigmoid")])
    settings = Settings(Update(rules.get("gradient_descent", learning_rate=1e-300)), epochs=1, batch_size=7)
    start = begin(initialize(net, 0), settings.update)
    recorded = train(net.plan, start, rows, settings, ENGINE).history["loss"][0]
    assert recorded == pytest.approx(
        forward(net, start.theta, rows.x, rows.y, sample_weight=rows.weights).loss, rel=1e-12
    )


def test_one_full_batch_epoch_is_one_step_of_the_four_steps():
    rows = examples(9)
    net = Network(3, [Dense(4, "relu"), Dense(1, "sigmoid")])
    settings = Settings(Update(rules.get("nesterov")), epochs=1, batch_size=None, shuffle=False)
    theta = initialize(net, 0)
    outcome = train(net.plan, begin(theta, settings.update), rows, settings, ENGINE)
    gradient = backward(forward(net, theta, rows.x, rows.y, sample_weight=rows.weights))
    np.testing.assert_array_equal(outcome.theta, update("nesterov", theta, gradient))


def test_early_stopping_returns_the_weights_of_the_best_epoch():
    seen = {}
    settings = Settings(ADAM, epochs=60, batch_size=8, stopping=EarlyStopping(patience=5))
    outcome = run(
        settings, validation=examples(15, seed=9), callbacks=[lambda e: seen.update({e.epoch: e.learner().theta})]
    )
    values = outcome.history["val_loss"]
    assert outcome.best_epoch == int(np.argmin(values)) + 1
    assert outcome.theta.tobytes() == seen[outcome.best_epoch].tobytes()
    if outcome.stopped == "early":
        assert outcome.history.epochs == outcome.best_epoch + 5


def test_metrics_are_recorded_for_training_and_validation_rows():
    settings = Settings(ADAM, epochs=2, metrics=(metrics.catalog.get("accuracy"),))
    history = run(settings, validation=examples(11, seed=5)).history
    assert list(history) == [
        "epoch",
        "loss",
        "loss_at_end",
        "accuracy",
        "val_loss",
        "val_accuracy",
        "learning_rate",
        "seconds",
    ]


def test_the_training_loss_at_the_end_of_an_epoch_stands_beside_that_of_the_validation_rows():
    rows = examples(60)
    outcome = run(Settings(ADAM, epochs=3, seed=4), rows, validation=examples(20, seed=5))
    assert list(outcome.history) == ["epoch", "loss", "loss_at_end", "val_loss", "learning_rate", "seconds"]
    part = rows.take(watched_rows(4, 60, 20, False))
    expected = evaluate_loss(NET.plan, forward(NET, outcome.theta, part.x).prediction, part)
    assert len(part) == 20 and outcome.history["loss_at_end"][-1] == pytest.approx(expected, rel=1e-12)


def test_of_many_training_rows_the_same_5000_are_measured_after_every_epoch():
    rows, accuracy = examples(5200), metrics.catalog.get("accuracy")
    seen = {}
    settings = Settings(ADAM, epochs=3, batch_size=256, seed=4, metrics=(accuracy,))
    found = run(settings, rows, callbacks=[lambda event: seen.update({event.epoch: event.learner().theta})])
    part = rows.take(watched_rows(4, 5200, None, True))
    assert len(part) == 5000 and watched_rows(4, 5000, None, True) is None
    for epoch, theta in seen.items():
        outputs = forward(NET, theta, part.x).prediction
        expected = accuracy.result(accuracy.add(accuracy.start(), part.y, outputs, part.weights))
        assert found.history["accuracy"][epoch - 1] == pytest.approx(expected, abs=1e-12)


def test_early_stopping_without_validation_rows_is_refused():
    with pytest.raises(SettingError, match="CR204"):
        run(Settings(ADAM, epochs=2, stopping=EarlyStopping()))


def test_a_loss_that_is_not_finite_names_step_layer_and_unit():
    rows = examples(16)
    net = Network(3, [Dense(4, "relu"), Dense(1)])
    settings = Settings(Update(rules.get("gradient_descent", learning_rate=1e12)), epochs=50, batch_size=16)
    with pytest.raises(DivergedError, match=r"step \d+, epoch \d+, .*layer \d") as caught, np.errstate(all="ignore"):
        train(net.plan, begin(initialize(net, 0), settings.update), rows, settings, ENGINE)
    assert caught.value.code == "CR601"
    assert caught.value.exit_code == 5
    assert "learning rate" in str(caught.value.hint)


def test_binary_step_is_refused_by_gradient_descent_with_the_reason():
    net = Network(3, [Dense(4, "binary_step"), Dense(1, "sigmoid")])
    with pytest.raises(SettingError, match="CR205.*binary_step"):
        train(net.plan, begin(initialize(net, 0), ADAM), examples(8), Settings(ADAM, epochs=1), ENGINE)


def test_control_c_ends_the_training_and_keeps_what_was_learned():
    def interrupt(event):
        if event.epoch == 3:
            os.kill(os.getpid(), signal.SIGINT)

    outcome = run(Settings(ADAM, epochs=1000, batch_size=8), callbacks=[interrupt])
    assert outcome.stopped == "interrupted"
    assert outcome.history.epochs in (3, 4)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_time_budget_ends_the_training():
    outcome = run(Settings(ADAM, epochs=10**7, batch_size=8, time_budget=0.05))
    assert outcome.stopped == "time"
    assert 0 < outcome.history.epochs < 10**6


def test_float32_stays_float32():
    outcome = run(Settings(ADAM, epochs=2), examples(20, dtype=np.float32))
    assert outcome.theta.dtype == np.float32
    assert all(slot.dtype == np.float32 for slot in outcome.learner.slots)
