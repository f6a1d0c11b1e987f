"""What a diagnosis of an estimator rests on: its network, the rows it is shown, and how its solver went."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np

from chainrule.diagnostics.diagnosis import Retry, Tried
from chainrule.diagnostics.evidence import SAMPLE, Training
from chainrule.diagnostics.finding import Remedy
from chainrule.engines.base import Rows
from chainrule.errors import DivergedError
from chainrule.estimators.settings import STOCHASTIC, rule_of
from chainrule.optim.rule import Update
from chainrule.shapes import Ints
from chainrule.training.diverged import Failure
from chainrule.training.history import History


def training_of(estimator: Any, count: int, epochs_made: int, history: History, stopped: str) -> Training:
    """The estimator's solver and how far it came, for `count` training rows."""
    e = estimator
    stochastic = e.solver in STOCHASTIC
    batch = count if not stochastic else min(200, count) if isinstance(e.batch_size, str) else min(e.batch_size, count)
    if e.early_stopping and e.validation_data is None:
        count = max(1, round(count * (1.0 - e.validation_fraction)))
    steps = epochs_made * -(-count // max(1, min(batch, count)))
    return Training(
        Update(rule_of(e), l2=float(e.alpha) / max(1, batch)), "steps" if stochastic else "lbfgs", int(batch),
        int(e.max_iter), epochs_made, steps, epochs_made, stopped, 0, getattr(e, "class_weight", None) is not None,
    )  # fmt: skip


def stopped_by(estimator: Any) -> str:
    """Why a fitted estimator stopped, in the words of `Outcome`; "converged" is scikit-learn's rule on the training loss."""
    if estimator.n_iter_ >= estimator.max_iter:
        return "epochs"
    return "early" if estimator.early_stopping else "converged"


def chosen(count: int) -> Ints:
    """Which rows are looked at."""
    if count <= SAMPLE:
        return np.arange(count)
    return np.sort(np.random.default_rng(0).permutation(count)[:SAMPLE])


def rows_of(x: Any, y: Any, weights: Any, index: Ints, dtype: Any) -> Rows:
    """Some rows of a dense or sparse matrix and its coded target in the engines' form."""
    part = x[index]
    dense = part if isinstance(part, np.ndarray) else part.toarray()
    chosen_y = np.ascontiguousarray(y[index])
    if np.issubdtype(chosen_y.dtype, np.floating):
        chosen_y = chosen_y.astype(dtype)
    w = None if weights is None else np.ascontiguousarray(weights[index], dtype)
    return Rows(np.ascontiguousarray(dense, dtype), chosen_y, w)


def follow(estimator: Any, x: Any, y: Any, sample_weight: Any) -> tuple[Any, Failure | None]:
    """A copy of an estimator, trained again: as it was after the last epoch before it diverged, and the number that was not
    finite (None where it did not diverge)."""
    again = estimator.__class__(**estimator.get_params())
    made = _quietly(again, x, y, sample_weight)
    if made is None:
        return again, None
    epochs = max(0, made.epoch - 1)
    again = estimator.__class__(**{**estimator.get_params(), "max_iter": max(1, epochs), "learning_rate_init": 1e-300})
    if epochs:
        again.learning_rate_init = estimator.learning_rate_init
    _quietly(again, x, y, sample_weight)
    again.set_params(**estimator.get_params())
    return again, made


def _quietly(estimator: Any, x: Any, y: Any, sample_weight: Any) -> Failure | None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            estimator.fit(x, y, sample_weight)
        except DivergedError as error:
            found: Failure | None = error.failure
            return found
    return None


def changed(params: Mapping[str, Any], settings: Mapping[str, Any]) -> dict[str, Any] | None:
    """The parameters with a remedy's settings; None where a parameter cannot say it."""
    names = {"learning_rate": "learning_rate_init", "epochs": "max_iter", "hidden_activation": "activation",
             "network": "hidden_layer_sizes", "validation": "validation_fraction", "patience": "n_iter_no_change",
             "dropout": "dropout", "class_weight": "class_weight", "loss": "loss", "optimizer": "solver"}  # fmt: skip
    made = dict(params)
    for name, value in settings.items():
        if name in ("scale", "preset"):
            made["preset"] = "default"
        elif name == "l2":
            made["alpha"] = value * 200.0
        elif name in names and names[name] in made:
            made[names[name]] = value
            if name == "validation":
                made["early_stopping"] = True
    return None if made == dict(params) else made


def retry_of(estimator: Any, x: Any, y: Any, sample_weight: Any) -> Retry:
    """How the training of an estimator is repeated with a remedy: both score the same fifth of the rows, kept away."""

    def retry(remedy: Remedy) -> Tried:
        params = estimator.get_params()
        other = changed(params, remedy.settings)
        count = np.shape(x)[0]
        order = np.random.default_rng(0).permutation(count)
        held, rest = np.sort(order[: max(1, count // 5)]), np.sort(order[max(1, count // 5) :])
        measure = "accuracy" if hasattr(estimator, "predict_proba") else "R²"
        if other is None:
            return Tried(measure, None, None, True, len(held), True, dict(remedy.settings),
                         f"no parameter of the estimator says this: {remedy.text}")  # fmt: skip
        before, after = (_scored(estimator, p, x, y, sample_weight, rest, held) for p in (params, other))
        settings = {name: value for name, value in other.items() if value is not params[name] and value != params[name]}
        return Tried(measure, before, after, True, len(held), True, settings)

    return retry


def _scored(
    estimator: Any, params: Mapping[str, Any], x: Any, y: Any, weights: Any, rest: Ints, held: Ints
) -> float | None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            made = estimator.__class__(**params).fit(_take(x, rest), _take(y, rest), _take(weights, rest))
        except DivergedError:
            return None
        return float(made.score(_take(x, held), _take(y, held)))


def _take(rows: Any, index: Ints) -> Any:
    if rows is None:
        return None
    return (
        rows.iloc[index]
        if hasattr(rows, "iloc")
        else np.asarray(rows)[index]
        if not hasattr(rows, "tocsr")
        else rows[index]
    )
