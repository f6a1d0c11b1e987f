"""What a diagnosis of an estimator rests on: its network, the rows it is shown, and how its solver went."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import replace
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
    params = estimator.get_params()
    for epochs in range(
        (made.epoch or 1) - 1, 0, -1
    ):  # what a solver looks at after its last epoch may overflow as well
        again = estimator.__class__(**{**params, "max_iter": epochs})
        if _quietly(again, x, y, sample_weight) is None:
            break
    else:
        again = estimator.__class__(**{**params, "max_iter": 1, "learning_rate_init": 1e-300})
        _quietly(again, x, y, sample_weight)
    again.set_params(**params)
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
    """How the training of an estimator is repeated with a remedy: both score the same rows, kept away from both. These are
    half of `validation_data` where that is given (the other half may still stop a training), else a fifth of the rows."""

    def retry(remedy: Remedy) -> Tried:
        params = estimator.get_params()
        is_split = "split" in remedy.settings
        measure, score = _measure(estimator, remedy.settings)
        other = dict(params) if is_split else changed(params, remedy.settings)
        rest, watched, asked = _kept_away((x, y, sample_weight), params.get("validation_data"))
        settings = remedy.settings if is_split else _differing(params, other)
        tried = Tried(measure, None, None, True, np.shape(asked[0])[0], True, dict(settings))
        if other is None:
            return replace(tried, said=f"no parameter of the estimator says this: {remedy.text}")
        again = rest, watched
        if is_split:
            rest, watched, asked = _some_of_both(rest, watched, asked)
            again = _mixed(rest, watched)
        before = _scored(estimator, params, rest, watched, asked, score)
        after = _scored(estimator, other, *again, asked, score)
        return replace(tried, before=before, after=after, rows=np.shape(asked[0])[0])

    return retry


def _differing(params: Mapping[str, Any], other: Mapping[str, Any] | None) -> dict[str, Any]:
    return {n: value for n, value in (other or {}).items() if value is not params[n] and value != params[n]}


def _measure(estimator: Any, settings: Mapping[str, Any]) -> tuple[str, Callable[[Any, Any], float] | None]:
    """The name of what a remedy is measured by, and how; None for the estimator's own score. The same questions as those of
    `chainrule.diagnostics.measures`."""
    if settings.get("loss") == "huber":
        return "skill by absolute errors", lambda y, p: float(
            1.0 - np.abs(y - p).sum() / np.abs(y - np.median(y)).sum()
        )
    if "class_weight" in settings:
        return "mean recall", lambda y, p: float(np.mean([(p[y == label] == label).mean() for label in np.unique(y)]))
    return "accuracy" if hasattr(estimator, "predict_proba") else "R²", None


_Part = tuple[Any, Any, Any]


def _kept_away(given: _Part, validation: Any) -> tuple[_Part, _Part | None, _Part]:
    """The rows to learn from, those that may stop a training (None: the estimator's own part), and those to be asked."""
    if validation is not None and np.shape(validation[0])[0] >= 2:
        half = np.shape(validation[0])[0] // 2
        order = np.random.default_rng(0).permutation(np.shape(validation[0])[0])
        part = (validation[0], validation[1], validation[2] if len(validation) == 3 else None)
        return given, _part(part, order[half:]), _part(part, order[:half])
    order = np.random.default_rng(0).permutation(np.shape(given[0])[0])
    fifth = max(1, len(order) // 5)
    return _part(given, order[fifth:]), None, _part(given, order[:fifth])


def _some_of_both(rest: _Part, watched: _Part | None, asked: _Part) -> tuple[_Part, _Part | None, _Part]:
    """The same with rows to be asked of both kinds: a fifth of those to learn from among them."""
    order = np.random.default_rng(1).permutation(np.shape(rest[0])[0])
    fifth = len(order) // 5
    return _part(rest, order[fifth:]), watched, _joined(asked, _part(rest, order[:fifth]))


def _mixed(rest: _Part, watched: _Part | None) -> tuple[_Part, _Part | None]:
    """As many rows to learn from and to watch as before, drawn from both together."""
    if watched is None:
        return rest, None
    both, count = _joined(rest, watched), np.shape(rest[0])[0]
    order = np.random.default_rng(2).permutation(np.shape(both[0])[0])
    return _part(both, order[:count]), _part(both, order[count:])


def _joined(a: _Part, b: _Part) -> _Part:
    weights = None if a[2] is None or b[2] is None else np.concatenate([a[2], b[2]])
    return np.concatenate([_dense(a[0]), _dense(b[0])]), np.concatenate([np.asarray(a[1]), np.asarray(b[1])]), weights


def _dense(x: Any) -> Any:
    return x.toarray() if hasattr(x, "toarray") else np.asarray(x)


def _scored(
    estimator: Any, params: Mapping[str, Any], rest: _Part, watched: _Part | None, asked: _Part,
    score: Callable[[Any, Any], float] | None,
) -> float | None:  # fmt: skip
    """What a training with these parameters scores on the rows to be asked; None where it diverged."""
    if watched is not None:
        params = {**params, "validation_data": watched if watched[2] is not None else watched[:2]}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            made = estimator.__class__(**params).fit(*rest)
        except DivergedError:
            return None
        if score is None:
            return float(made.score(*asked[:2]))
        return score(np.asarray(asked[1]), np.asarray(made.predict(asked[0])))


def _part(rows: _Part, index: Ints) -> _Part:
    x, y, weights = (_take(part, np.sort(index)) for part in rows)
    return x, y, weights


def _take(rows: Any, index: Ints) -> Any:
    if rows is None:
        return None
    if hasattr(rows, "iloc"):
        return rows.iloc[index]
    return rows[index] if hasattr(rows, "tocsr") else np.asarray(rows)[index]
