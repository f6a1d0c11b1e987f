"""From data to a trained model with an honest score, in one call."""

from __future__ import annotations

import contextlib
import inspect
import os
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from chainrule.calculus.activation import Activation
from chainrule.calculus.loss import Loss
from chainrule.card import data_card, model_card, objective_card, verdict, versions
from chainrule.constraints import choice, real
from chainrule.data.arrays import check_same_index, check_sample_weight
from chainrule.data.files import read_table
from chainrule.data.frames import attach_target
from chainrule.data.reading import Reading
from chainrule.data.split import folds
from chainrule.data.table import Table
from chainrule.duration import seconds_for, within
from chainrule.engines.base import Engine
from chainrule.engines.choose import choose
from chainrule.errors import ChainruleWarning, DataError, SettingError, callers_level
from chainrule.metrics import Metrics
from chainrule.model import Model, truth_and_prediction
from chainrule.network import Network
from chainrule.optim.rule import Rule, Update
from chainrule.optim.schedules import Schedule
from chainrule.prepare import SCORE_FOLDS, Given, Prepared, Trial, fold_trial, prepare, trial_of
from chainrule.request import DataChoices, check
from chainrule.run import epochs_of, fingerprint, open_run
from chainrule.scoring import Score, constant_outputs, linear_outputs, score
from chainrule.shapes import Ints, read_only
from chainrule.trained import Trained, train_trial
from chainrule.training.loop import Callback, EpochEnd, begin

READING = tuple(field.name for field in fields(Reading))

Predictions: TypeAlias = tuple[NDArray[Any], NDArray[Any], dict[str, NDArray[Any]]]
"""The truth of some rows, the network's predictions, and those of simple methods by name."""


def fit(
    data: Any,
    target: str | Sequence[str] | None = None,
    *,
    network: Network | Sequence[int] | str | None = None,
    preset: str | None = "auto",
    activation: Activation | str = "auto",
    dropout: float | None = None,
    loss: Loss | str | None = None,
    optimizer: Rule | Update | str | None = None,
    learning_rate: float | None = None,
    schedule: Schedule | str | None = None,
    l1: float = 0.0,
    l2: float | str = "auto",
    clip_norm: float | None = None,
    metrics: Metrics = (),
    validation: float | None = None,
    validation_data: Any = None,
    test: float | None = None,
    epochs: int | None = None,
    batch_size: int | str | None = "auto",
    shuffle: bool = True,
    patience: int | None = None,
    time_budget: float | None = None,
    seed: int = 0,
    dtype: str = "float32",
    engine: Engine | str = "auto",
    n_jobs: int | None = None,
    class_weight: str | Mapping[Any, float] | None = None,
    sample_weight: Any = None,
    task: str | None = None,
    keep: Sequence[str] = (),
    drop: Sequence[str] = (),
    date_parts: Sequence[str] = (),
    missing_target: str = "error",
    scale: str | None = "auto",
    callbacks: Sequence[Callback] = (),
    progress: Callable[[EpochEnd], None] | None = None,
    expect: Callable[[float], None] | None = None,
    run: str | os.PathLike[str] | None = None,
    resume: bool = False,
    reading: Mapping[str, Any] | None = None,
) -> Model:
    """Train a network on a table and measure it on rows it never saw.

    data: a path (.csv, .tsv, .parquet, .feather, .arrow), a DataFrame, a dict of columns, or a pair (X, y).
    target: the column, or columns, to predict; not needed with a pair.
    preset: "fast", "default" or "best": every setting that is left open decided by measurement (docs/presets.md); several
    networks may be trained and merged into one, and probabilities are calibrated. None: the plain values named below.
    "auto": "default" as long as nothing is said about the network or its training, else None.
    network: a `Network`, or the widths of hidden layers such as (64, 32) or "64-32", with `activation` between them.
    dropout: the share of a hidden layer's units that are silenced in every training step; None: 0, or what a preset says.
    optimizer: a name or record of the catalog, an `Update` (penalties, clipping), or "lbfgs" (full batch, no schedule).
    l1, l2: strengths λ of the penalties λ₁ Σ|w| + ½ λ₂ Σ w² on the weights; l2="auto" is stronger where rows are few.
    metrics: further metrics recorded for training and validation rows after every epoch: names, records, or functions
    f(y_true, y_pred) of your own.
    validation: the share of rows that early stopping watches; after `patience` epochs without a gain training ends and
    the weights of the best epoch are kept. 0 trains for all `epochs` on all rows.
    validation_data: rows of your own to be watched in place of a share: a table with the target, a pair (X, y), or with
    weights (X, y, sample_weight).
    test: the share of rows kept away for the score. None: 0.2, or five folds below 500 rows (then the model itself is
    trained on all rows). 0: no score.
    batch_size: a number, None for full batch, or "auto"; shuffle: a new order of the rows in every epoch.
    class_weight: "balanced" or a weight per class; sample_weight: one weight per row.
    task: "regression", "classification" or "multilabel" (several columns of 0 and 1) where the target could be either; keep,
    drop: columns to insist on or leave out; scale: "standard", "robust" (median and middle half, bent into (-3, 3)),
    "piecewise" (robust, and further inputs for pieces of each number), "periodic" (robust, and cosines of each number,
    drawn by `seed`), or None to leave numbers as they are. A category
    column has an input for each frequent value; where it has rare ones, too, each value's mean of the target, shrunk, is an
    input more (docs/presets.md).
    reading: options of `read_table`.
    time_budget: seconds after which training ends; with a preset the epochs are made to fit, so that the schedule is run
    to its end. expect: called with the seconds that the training will take, before it begins.
    run: a folder that keeps what is needed to go on after an interruption (`resume=True`, to the same bits as a run never
    stopped) and to explain any step later.

    Raises `SettingError` for settings and `DataError` for data, both before training, and `DivergedError` when a number
    is not finite.

    >>> from chainrule import fit
    >>> xor = {"a": [0, 0, 1, 1] * 5, "b": [0, 1, 0, 1] * 5, "y": [0, 1, 1, 0] * 5}
    >>> model = fit(xor, "y", network=(8,), activation="tanh", validation=0, test=0, learning_rate=0.05, l2=0)
    >>> model.predict({"a": [0, 1], "b": [1, 1]}).tolist()
    [1, 0]
    """
    if test is not None:
        real("test", test, low=0.0, below=1.0)
    if resume and not run:
        raise SettingError("CR204", "there is no run to resume", where="resume", hint="name its folder: run=...")
    request = check(
        network=network, preset=preset, activation=activation, dropout=dropout, loss=loss, optimizer=optimizer,
        learning_rate=learning_rate, schedule=schedule, l1=l1, l2=l2, clip_norm=clip_norm, metrics=metrics,
        validation=validation, epochs=epochs, batch_size=batch_size, shuffle=shuffle, patience=patience,
        time_budget=time_budget, seed=seed, dtype=dtype, engine=engine, n_jobs=n_jobs, class_weight=class_weight,
        scale=scale, callbacks=callbacks, progress=progress,
        choices=DataChoices((), task, _names(keep), _names(drop), _names(date_parts), missing_target, test),
    )  # fmt: skip
    if validation_data is not None and validation is not None:
        raise SettingError(
            "CR204", "`validation` and `validation_data` are both given", got=f"validation={validation!r}",
            hint="a share of the rows is watched, or rows of your own",
        )  # fmt: skip
    table, targets = read_examples(data, target, reading)
    request = replace(request, choices=replace(request.choices, targets=targets))
    given = None if validation_data is None else _read_given(validation_data, targets, reading)
    model = model_from(
        prepare(request, table, sample_weight, one_network=bool(run), given=given),
        reading,
        run=run or None,
        resume=resume,
        expect=expect,
    )
    left_out = [note for note in model.card["notes"] if note["text"].startswith("left out: ")]
    if left_out:
        said = "; ".join(f"{note['where']} {note['text']}" for note in left_out)
        warnings.warn(f"{said} (all choices: model.card['notes'])", ChainruleWarning, stacklevel=callers_level())
    return model


def check_settings(**settings: Any) -> None:
    """Refuse settings that `fit` would refuse, without any data."""
    defaults = {p.name: p.default for p in inspect.signature(fit).parameters.values() if p.kind is p.KEYWORD_ONLY}
    check(**{**defaults, **settings}, choices=DataChoices(()))


def model_from(
    prepared: Prepared,
    reading: Mapping[str, Any] | None,
    *,
    run: str | os.PathLike[str] | None = None,
    resume: bool = False,
    expect: Callable[[float], None] | None = None,
) -> Model:
    """The model that a prepared table leads to, and its score on the rows kept away."""
    trial = trial_of(prepared)
    if prepared.request.preset and prepared.request.time_budget:
        prepared = within(prepared, trial, epochs_of(run) if run is not None and resume else None)
        trial = trial_of(prepared)
    if expect is not None and prepared.request.solver == "steps":
        expect(seconds_for(prepared, trial))
    request = prepared.request
    with open_run(run, prepared, resume) if run is not None else contextlib.nullcontext() as folder:
        trained = train_trial(prepared, trial, folder)
    scores, method = _score(prepared, trial, trained)
    card = {
        "data": {
            **data_card(
                prepared.table, prepared.schema, len(trial.rows), len(trial.validation or ()), dict(reading or {})
            ),
            "fingerprint": fingerprint(prepared),
        },
        "model": model_card(trained.network),
        "algorithm": _algorithm(trial, trained),
        "objective": objective_card(trial.network, trial.request.update, request.class_weight),
        "score": {**method, "metrics": {s.metric: s.to_dict() for s in scores}, "verdict": verdict(scores)},
        "notes": [note.to_dict() for note in (*prepared.notes, *trial.encoder.notes)],
        "versions": versions(),
        "request": request.describe(),
    }
    return Model(trained.network, read_only(trained.theta), trial.encoder, trained.history, card)


def _names(names: Sequence[str]) -> tuple[str, ...]:
    return (names,) if isinstance(names, str) else tuple(names)


def read_examples(
    data: Any, target: str | Sequence[str] | None, reading: Mapping[str, Any] | None = None
) -> tuple[Table, tuple[str, ...]]:
    """Data in any form that `fit` takes as a table, and the names of its target columns."""
    reading = dict(reading or {})
    for name in reading:
        choice("reading", name, READING)
    if isinstance(data, tuple) and len(data) == 2:
        if target is not None:
            raise SettingError(
                "CR204", "the target is given twice", where="fit", hint="pass (X, y), or a table and the target's name"
            )
        check_same_index(data[0], data[1])
        return attach_target(read_table(data[0], **reading), data[1])
    if target is None:
        raise SettingError(
            "CR202", "`target` must name the column to predict", hint='fit("passengers.csv", "survived")'
        )
    if isinstance(target, int):  # a DataFrame's column may be called 3; names are text in a table
        target = str(target)
    try:
        table = read_table(data, **reading)
    except DataError as error:
        if not any(f"{name}=" in (error.hint or "") for name in READING):
            raise
        raise DataError(**{**error.to_dict(), "hint": f"{error.hint}; fit takes this in reading={{...}}"}) from None  # type: ignore[arg-type]
    return table, (target,) if isinstance(target, str) else tuple(target)


def _read_given(data: Any, targets: tuple[str, ...], reading: Mapping[str, Any] | None) -> Given:
    """Rows to be watched; the targets of a pair get the names that those of training have."""
    weights = None
    if isinstance(data, tuple):
        if len(data) not in (2, 3):
            raise SettingError(
                "CR202",
                "`validation_data` must be (X, y) or (X, y, sample_weight), or a table",
                got=f"{len(data)} parts",
            )
        if len(data) == 3:
            weights = check_sample_weight(data[2], len(data[1]))
        check_same_index(data[0], data[1])
        table, names = attach_target(read_table(data[0], **(reading or {})), data[1])
        if len(names) != len(targets):
            raise DataError(
                "CR115",
                "the validation data have another number of targets",
                expected=str(len(targets)),
                got=str(len(names)),
            )
        known = dict(zip(names, targets, strict=True))
        columns = tuple(replace(column, name=known.get(column.name, column.name)) for column in table.columns)
        table = replace(table, columns=columns)
    else:
        table = read_examples(data, targets, reading)[0]
    if not table.row_count:
        raise DataError("CR105", "there are no rows to watch", where="validation_data", expected="at least 1")
    return Given(table, weights)


def _score(prepared: Prepared, trial: Trial, trained: Trained) -> tuple[list[Score], dict[str, Any]]:
    """The task's metrics on rows the network was not trained on, and how they were kept away."""
    request, test = prepared.request, prepared.parts.test
    if len(test):
        truth, predicted, simple = _predictions(trial, trained, prepared.table.take(test))
        scores = score(trial.encoder.task, truth, predicted, simple, request.seed)
        return scores, {"method": "held out", "rows": len(test)}
    if request.choices.test is not None:
        return [], {"method": "none", "rows": 0}
    truth, predicted, simple = pooled([fold.said for fold in fold_predictions(prepared, SCORE_FOLDS)])
    scores = score(trial.encoder.task, truth, predicted, simple, request.seed)
    return scores, {"method": "folds", "folds": SCORE_FOLDS, "rows": len(prepared.schema.rows)}


@dataclass(frozen=True, eq=False)
class FoldPredictions:
    """One fold: the rows that were predicted (numbers in the table), and what was said of them."""

    rows: Ints
    task: str
    said: Predictions


def fold_predictions(prepared: Prepared, count: int) -> Iterator[FoldPredictions]:
    """Every row predicted by a network that was trained on the other folds; one fold after the other."""
    request = prepared.request
    quiet = replace(prepared, request=replace(request, progress=None, callbacks=()))
    for number, fold in enumerate(folds(prepared.table, prepared.schema, count, seed=request.seed)):
        inner = fold_trial(quiet, fold.train, request.seed + number)
        said = _predictions(inner, train_trial(quiet, inner), prepared.table.take(fold.test))
        yield FoldPredictions(fold.test, inner.encoder.task, said)


def pooled(parts: Sequence[Predictions]) -> Predictions:
    """Several parts of the rows as one."""
    truths, predictions, simples = zip(*parts, strict=True)
    joined = {name: np.concatenate([part[name] for part in simples]) for name in simples[0]}
    return np.concatenate(truths), np.concatenate(predictions), joined


def _predictions(trial: Trial, trained: Trained, part: Table) -> Predictions:
    """The truth of a table's rows, the network's predictions, and those of simple methods trained on the same rows."""
    request, encoder, network, theta = trial.request, trial.encoder, trained.network, trained.theta
    x = encoder.encode(part, dtype=request.dtype)
    engine = choose(request.engine, network.plan, request.update, request.dtype)
    slots = begin(theta, request.update).slots
    session = engine.open(network.plan, theta, slots, request.update, seed=request.seed, n_jobs=request.n_jobs)
    y_true, y_pred = truth_and_prediction(encoder, network, part, session.predict(x))
    name, constant = constant_outputs(encoder, trial.rows, len(x))
    linear, outputs = linear_outputs(encoder, trial.rows, x)
    simple = {
        name: truth_and_prediction(encoder, linear, part, constant)[1],
        "a linear model": truth_and_prediction(encoder, linear, part, outputs)[1],
    }
    return y_true, y_pred, simple


def _algorithm(trial: Trial, trained: Trained) -> dict[str, Any]:
    """How the network was trained, for the card. No clock and no host: the same seed, the same card."""
    request, is_solver = trial.request, trial.request.solver == "lbfgs"
    return {
        "optimizer": "lbfgs" if is_solver else request.update.rule.name,
        "constants": {} if is_solver else dict(request.update.rule.constants),
        "schedule": request.schedule.name, "epochs": request.epochs,
        "batch_size": min(trial.batch_size or len(trial.rows), len(trial.rows)), "patience": request.patience,
        "seed": request.seed, "engine": trained.engine, "dtype": str(request.dtype), "stopped": trained.stopped,
        "epochs_trained": trained.epochs, "best_epoch": trained.best_epochs[0], "preset": request.preset,
        "members": len(trained.best_epochs), "best_epochs": list(trained.best_epochs), "temperature": trained.temperature,
        "pieces_share": trained.pieces_share,
    }  # fmt: skip
