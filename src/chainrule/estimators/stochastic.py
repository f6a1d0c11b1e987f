"""The solvers "sgd" and "adam": epoch after epoch until scikit-learn's rules of convergence say stop."""

from __future__ import annotations

import time
import warnings

import numpy as np

from chainrule.errors import ChainruleWarning
from chainrule.estimators.contract import ConvergenceWarning, both
from chainrule.estimators.epochs import Job, State, Trainer
from chainrule.estimators.examples import outputs_of
from chainrule.estimators.watching import measured
from chainrule.shapes import Array, Ints
from chainrule.training.diverged import check_finite
from chainrule.training.loop import EpochEnd, Learner

_LEAST_RATE = 1e-6  # below this an adaptive learning rate is not divided any further


def run(job: Job, state: State) -> State:
    """Train until it converged, `max_iter` epochs are done, or one is asked for (`single`).

    Raises `DivergedError` CR601 at the first number that is not finite.
    """
    began = time.perf_counter()
    trainer = Trainer(job, state)
    order = np.arange(len(job.examples))
    state.epochs = 0
    try:
        while state.epochs < job.max_iter:
            if job.shuffle:
                drawn = np.arange(len(order))
                job.random.shuffle(drawn)
                order = order[drawn]
            asked = _one_epoch(job, state, trainer, order)
            if _has_converged(job, state) or asked or job.single:
                break
            if state.epochs == job.max_iter:
                warnings.warn(
                    f"Stochastic Optimizer: Maximum iterations ({job.max_iter}) reached and the optimization hasn't "
                    "converged yet.", both(ConvergenceWarning), stacklevel=5,
                )  # fmt: skip
            if job.time_budget is not None and time.perf_counter() - began >= job.time_budget:
                break
    except KeyboardInterrupt:
        warnings.warn("Training interrupted by user.", ChainruleWarning, stacklevel=5)
    state.theta, state.optimizer.slots = trainer.export()
    check_finite(job.plan, state.theta, state.optimizer.step, state.epochs)
    if job.stops_by_score and state.best_theta is not None:
        state.theta = state.best_theta.copy()
    return state


def _one_epoch(job: Job, state: State, trainer: Trainer, order: Ints) -> bool:
    """Train and record one epoch; True when a callback asks to stop."""
    began = time.perf_counter()
    losses = trainer.epoch(order)
    state.epochs += 1
    state.rows_seen += len(order)
    sizes = np.diff(np.append(np.arange(0, len(order), job.batch_size), len(order)))
    loss = float((losses * sizes).sum() / len(order))
    state.curve.append(loss)
    rate = state.optimizer.learning_rate
    if job.verbose:
        print(f"Iteration {state.epochs}, loss = {loss:.8f}")
    validated = None if job.validation is None else outputs_of(trainer.session, job.validation.x)
    row = {"epoch": float(state.history.epochs + 1), "loss": loss}
    if job.measure is not None:
        row |= measured(trainer.session, job.measure, trainer.watched, job.validation, validated)
    _watch(job, state, trainer, validated)
    row |= {"learning_rate": rate, "seconds": time.perf_counter() - began}
    state.history.append(row)
    if job.schedule == "invscaling":
        state.optimizer.learning_rate = job.rule.learning_rate / (state.rows_seen + 1) ** job.power_t
    if not job.callbacks:
        return False

    def learner() -> Learner:
        theta, slots = trainer.export()
        return Learner(theta, slots, state.optimizer.step, state.epochs)

    event = EpochEnd(state.epochs, job.max_iter, row, learner)
    asked = [callback(event) for callback in job.callbacks]  # all of them are told
    return any(asked)


def _watch(job: Job, state: State, trainer: Trainer, validated: Array | None) -> None:
    """Count the epochs without a gain worth `tol`, and keep the best."""
    if not job.stops_by_score:
        assert state.best_loss is not None
        state.waited = state.waited + 1 if state.curve[-1] > state.best_loss - job.tol else 0
        state.best_loss = min(state.best_loss, state.curve[-1])
        return
    assert job.score is not None and validated is not None
    assert state.scores is not None and state.best_score is not None
    score = job.score(validated)
    state.scores.append(score)
    if job.verbose:
        print(f"Validation score: {score:f}")
    state.waited = state.waited + 1 if score < state.best_score + job.tol else 0
    if score > state.best_score:
        state.best_score, state.best_theta = score, trainer.export()[0]


def _has_converged(job: Job, state: State) -> bool:
    if state.waited <= job.patience:
        return False
    what = "Validation score" if job.stops_by_score else "Training loss"
    text = f"{what} did not improve more than tol={job.tol:f} for {job.patience:g} consecutive epochs."
    if job.schedule != "adaptive" or state.optimizer.learning_rate <= _LEAST_RATE:
        if job.verbose:
            print(text + (" Learning rate too small." if job.schedule == "adaptive" else "") + " Stopping.")
        return True
    state.optimizer.learning_rate /= 5.0
    state.waited = 0
    if job.verbose:
        print(f"{text} Setting learning rate to {state.optimizer.learning_rate:f}")
    return False
