"""From data to a trained model with an honest score, in one call."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.calculus.activation import Activation
from chainrule.calculus.loss import Loss
from chainrule.card import data_card, model_card, objective_card, verdict, versions
from chainrule.constraints import real
from chainrule.data.arrays import check_sample_weight
from chainrule.data.encode import Encoder, fit_encoder
from chainrule.data.files import read_table
from chainrule.data.frames import attach_target
from chainrule.data.schema import Schema, infer_schema
from chainrule.data.split import class_weights, folds, split
from chainrule.data.table import Table
from chainrule.engines.base import Engine, Rows
from chainrule.engines.choose import choose
from chainrule.errors import SettingError
from chainrule.layers import Dense
from chainrule.metrics import Metric
from chainrule.model import Model, rows_for, truth_and_prediction
from chainrule.network import Network, initialize
from chainrule.optim.rule import Rule, Update
from chainrule.optim.schedules import Schedule
from chainrule.request import Request, auto_batch, check
from chainrule.scoring import Score, constant_outputs, linear_outputs, score
from chainrule.shapes import read_only
from chainrule.training.loop import Callback, EpochEnd, Outcome, Settings, begin, train
from chainrule.training.solve import solve
from chainrule.training.stopping import EarlyStopping

FEW_ROWS = 500  # below these the score comes from folds, so that every row is tested on once
FOLDS = 5


@dataclass(frozen=True, eq=False)
class _Fitted:
    """One training: its encoder, network, outcome, and the rows it was given."""

    encoder: Encoder
    network: Network
    outcome: Outcome
    rows: Rows
    validation_rows: int
    batch_size: int
    engine: str


def fit(
    data: Any,
    target: str | Sequence[str] | None = None,
    *,
    network: Network | Sequence[int] | str | None = None,
    activation: Activation | str = "relu",
    loss: Loss | str | None = None,
    optimizer: Rule | Update | str = "adam",
    learning_rate: float | None = None,
    schedule: Schedule | str = "constant",
    l1: float = 0.0,
    l2: float = 0.0,
    clip_norm: float | None = None,
    metrics: Sequence[Metric | str] = (),
    validation: float = 0.1,
    test: float | None = None,
    epochs: int = 200,
    batch_size: int | str | None = "auto",
    patience: int = 20,
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
    scale: str | None = "standard",
    callbacks: Sequence[Callback] = (),
    progress: Callable[[EpochEnd], None] | None = None,
    reading: Mapping[str, Any] | None = None,
) -> Model:
    """Train a network on a table and measure it on rows it never saw.

    data: a path (.csv, .tsv, .parquet, .feather, .arrow), a DataFrame, a dict of columns, or a pair (X, y).
    target: the column, or columns, to predict; not needed with a pair.
    network: a `Network`, or the widths of hidden layers such as (64, 32) or "64-32", with `activation` between them.
    optimizer: a name or record of the catalog, an `Update` (penalties, clipping), or "lbfgs" (full batch, no schedule).
    metrics: further metrics recorded for training and validation rows after every epoch.
    validation: the share of rows that early stopping watches; after `patience` epochs without a gain training ends and
    the weights of the best epoch are kept. 0 trains for all `epochs` on all rows.
    test: the share of rows kept away for the score. None: 0.2, or five folds below 500 rows (then the model itself is
    trained on all rows). 0: no score.
    batch_size: a number, None for full batch, or "auto".
    class_weight: "balanced" or a weight per class; sample_weight: one weight per row.
    task: "regression" or "classification" where the target could be either; keep, drop: columns to insist on or leave
    out; scale: "standard", or None to leave numbers as they are. reading: options of `read_table`.

    Raises `SettingError` for settings and `DataError` for data, both before training, and `DivergedError` when a number
    is not finite.

    >>> from chainrule import fit
    >>> xor = {"a": [0, 0, 1, 1] * 5, "b": [0, 1, 0, 1] * 5, "y": [0, 1, 1, 0] * 5}
    >>> model = fit(xor, "y", network=(8,), activation="tanh", validation=0, test=0, learning_rate=0.05)
    >>> model.predict({"a": [0, 1], "b": [1, 1]}).tolist()
    [1, 0]
    """
    request = check(
        network=network, activation=activation, loss=loss, optimizer=optimizer, learning_rate=learning_rate,
        schedule=schedule, l1=l1, l2=l2, clip_norm=clip_norm, metrics=metrics, validation=validation, epochs=epochs,
        batch_size=batch_size, patience=patience, time_budget=time_budget, seed=seed, dtype=dtype, engine=engine,
        n_jobs=n_jobs, class_weight=class_weight, scale=scale, callbacks=callbacks, progress=progress,
    )  # fmt: skip
    if test is not None:
        real("test", test, low=0.0, below=1.0)
    table, targets = _read(data, target, dict(reading or {}))
    schema = infer_schema(
        table, targets, task=task, keep=keep, drop=drop, date_parts=date_parts, missing_target=missing_target
    )
    weights = _row_weights(table, schema, class_weight, sample_weight)
    few = len(schema.rows) < FEW_ROWS
    share = (0.0 if few else 0.2) if test is None else test
    parts = split(table, schema, validation=validation * (1.0 - share), test=share, seed=seed)
    fitted = _train(request, table, schema, parts.train, parts.validation, weights)
    if share:
        scores = _held_out(request, table, fitted, parts.test)
        method = {"method": "held out", "rows": len(parts.test)}
    elif test is None:
        scores = _cross_validated(request, table, schema, weights)
        method = {"method": "folds", "folds": FOLDS, "rows": len(schema.rows)}
    else:
        scores, method = [], {"method": "none", "rows": 0}
    notes = [*table.notes, *schema.notes, *parts.notes, *fitted.encoder.notes]
    card = {
        "data": data_card(table, schema, len(fitted.rows), fitted.validation_rows),
        "model": model_card(fitted.network),
        "algorithm": _algorithm(request, fitted),
        "objective": objective_card(fitted.network, request.update, request.class_weight),
        "score": {**method, "metrics": {s.metric: s.to_dict() for s in scores}, "verdict": verdict(scores)},
        "notes": [note.to_dict() for note in notes],
        "versions": versions(),
    }
    return Model(fitted.network, read_only(fitted.outcome.theta), fitted.encoder, fitted.outcome.history, card)


def _read(data: Any, target: Any, reading: dict[str, Any]) -> tuple[Table, tuple[str, ...]]:
    if isinstance(data, tuple) and len(data) == 2:
        if target is not None:
            raise SettingError(
                "CR204", "the target is given twice", where="fit", hint="pass (X, y), or a table and the target's name"
            )
        return attach_target(read_table(data[0], **reading), data[1])
    if target is None:
        raise SettingError(
            "CR202", "`target` must name the column to predict", hint='fit("passengers.csv", "survived")'
        )
    return read_table(data, **reading), (target,) if isinstance(target, str) else tuple(target)


def _row_weights(table: Table, schema: Schema, class_weight: Any, sample_weight: Any) -> NDArray[np.float64] | None:
    """One weight per row of the table, or None: sample weights times class weights."""
    weights = check_sample_weight(sample_weight, table.row_count)
    if class_weight is None:
        return weights
    if not schema.classes:
        raise SettingError("CR204", "class weights need classes", where="class_weight", got=schema.task)
    encoder = fit_encoder(table, schema)
    codes = encoder.encode_target(table, schema.rows)
    spread = np.zeros(table.row_count)
    spread[schema.rows] = class_weights(codes, class_weight, schema.classes)[codes]
    return spread if weights is None else spread * weights


def _keeps_targets(request: Request) -> bool:
    """Whether the loss gives the target's own zero a meaning, as one for counts does."""
    loss = request.network.loss if isinstance(request.network, Network) and request.loss is None else request.loss
    return isinstance(loss, Loss) and loss.targets[0] > -np.inf


def _network_for(request: Request, encoder: Encoder) -> Network:
    outputs = len(encoder.classes) if encoder.task == "multiclass" else len(encoder.targets)
    if isinstance(request.network, Network):
        network = request.network if request.loss is None else request.network.with_loss(request.loss)
        if network.input_count != len(encoder.inputs) or network.output_count != outputs:
            raise SettingError(
                "CR209", "the network does not fit the data", expected=f"{len(encoder.inputs)} inputs and {outputs} outputs",
                got=f"{network.input_count} inputs and {network.output_count} outputs",
                hint="give the widths of the hidden layers only, such as network=(64, 32)",
            )  # fmt: skip
        return network
    last = {"regression": "identity", "binary": "sigmoid", "multiclass": "softmax"}[encoder.task]
    if isinstance(request.loss, Loss):
        _check_loss(request.loss, encoder.task)
        squared_classes = encoder.classes and request.loss.target_kind == "real"
        if not request.loss.head(last) and not squared_classes:
            last = request.loss.output
    hidden = [Dense(width, request.activation) for width in request.network]
    return Network(len(encoder.inputs), [*hidden, Dense(outputs, last)], loss=request.loss)


def _check_loss(loss: Loss, task: str) -> None:
    """Refuse a loss whose targets are not those of the task (CR206)."""
    suited = {
        "regression": loss.target_kind == "real",
        "binary": loss.target_kind == "binary" or (loss.target_kind == "real" and loss.output == "identity"),
        "multiclass": loss.target_kind == "classes" or (loss.target_kind == "real" and loss.output == "identity"),
    }
    if not suited[task]:
        usual = {"regression": "mse", "binary": "binary_crossentropy", "multiclass": "categorical_crossentropy"}[task]
        raise SettingError(
            "CR206", f"the loss {loss.name} does not fit the task", expected=f"a loss for {task}", got=loss.name,
            hint=f"use loss={usual!r}, or set task= where the target was taken for another kind",
        )  # fmt: skip


def _train(
    request: Request, table: Table, schema: Schema, train_index: Any, validation_index: Any, weights: Any
) -> _Fitted:
    encoder = fit_encoder(
        table, schema, train_index, scale=request.scale, scale_target=not _keeps_targets(request), dtype=request.dtype
    )
    network = _network_for(request, encoder)
    rows = rows_for(encoder, table, train_index, request.dtype, None if weights is None else weights[train_index])
    validation = None
    if len(validation_index):
        part = None if weights is None else weights[validation_index]
        validation = rows_for(encoder, table, validation_index, request.dtype, part)
    _check_targets(network, rows, validation)
    batch = auto_batch(len(rows)) if request.batch_size == "auto" else request.batch_size
    theta = initialize(network, request.seed, request.dtype)
    chosen = choose(request.engine, network.plan, request.update, request.dtype)
    if request.solver == "lbfgs":
        outcome = solve(
            network.plan, theta, rows, request.update, chosen, iterations=request.epochs, seed=request.seed,
            n_jobs=request.n_jobs, callbacks=request.callbacks, progress=request.progress,
        )  # fmt: skip
        batch = None
    else:
        settings = Settings(
            request.update, request.epochs, batch, request.seed,  # type: ignore[arg-type]
            schedule=request.schedule, stopping=EarlyStopping(request.patience) if validation is not None else None,
            metrics=request.metrics, time_budget=request.time_budget,
        )  # fmt: skip
        outcome = train(
            network.plan, begin(theta, request.update), rows, settings, chosen, validation=validation,
            callbacks=request.callbacks, progress=request.progress, n_jobs=request.n_jobs,
        )  # fmt: skip
    size = len(rows) if batch is None else min(int(batch), len(rows))
    return _Fitted(encoder, network, outcome, rows, len(validation_index), size, chosen.name)


def _check_targets(network: Network, *parts: Rows | None) -> None:
    for rows in parts:
        if rows is not None and rows.y is not None and rows.y.ndim == 2:
            assert isinstance(network.loss, Loss)
            network.loss.check_targets(rows.y)  # type: ignore[arg-type]


def _held_out(request: Request, table: Table, fitted: _Fitted, index: NDArray[np.int64]) -> list[Score]:
    """The task's metrics on rows kept away."""
    y_true, y_pred, simple = _predictions(request, fitted, table.take(index))
    return score(fitted.encoder.task, y_true, y_pred, simple, request.seed)


def _cross_validated(request: Request, table: Table, schema: Schema, weights: Any) -> list[Score]:
    """Every row predicted by a model that was trained without it, and the metrics of all of them together."""
    quiet = replace(request, progress=None, callbacks=())
    parts = []
    for number, fold in enumerate(folds(table, schema, FOLDS, seed=request.seed)):
        rest = replace(schema, rows=fold.train)
        inner = split(table, rest, validation=request.validation, test=0.0, seed=request.seed + number)
        fitted = _train(quiet, table, schema, inner.train, inner.validation, weights)
        parts.append(_predictions(request, fitted, table.take(fold.test)))
    truths, predictions, simple = zip(*parts, strict=True)
    joined = {name: np.concatenate([part[name] for part in simple]) for name in simple[0]}
    return score(schema.task, np.concatenate(truths), np.concatenate(predictions), joined, request.seed)


def _predictions(
    request: Request, fitted: _Fitted, part: Table
) -> tuple[NDArray[Any], NDArray[Any], dict[str, NDArray[Any]]]:
    """The truth of a table's rows, the network's predictions, and those of simple methods trained on the same rows."""
    encoder, network, theta = fitted.encoder, fitted.network, fitted.outcome.theta
    x = encoder.encode(part, dtype=request.dtype)
    engine = choose(request.engine, network.plan, request.update, request.dtype)
    slots = tuple(np.zeros_like(theta) for _ in request.update.rule.slots)
    session = engine.open(network.plan, theta, slots, request.update, seed=request.seed, n_jobs=request.n_jobs)
    y_true, y_pred = truth_and_prediction(encoder, network, part, session.predict(x))
    name, constant = constant_outputs(encoder, fitted.rows, len(x))
    linear, outputs = linear_outputs(encoder, fitted.rows, x)
    simple = {
        name: truth_and_prediction(encoder, linear, part, constant)[1],
        "a linear model": truth_and_prediction(encoder, linear, part, outputs)[1],
    }
    return y_true, y_pred, simple


def _algorithm(request: Request, fitted: _Fitted) -> dict[str, Any]:
    """How the network was trained, for the card. No clock and no host: the same seed, the same card."""
    outcome, is_solver = fitted.outcome, request.solver == "lbfgs"
    return {
        "optimizer": "lbfgs" if is_solver else request.update.rule.name,
        "constants": {} if is_solver else dict(request.update.rule.constants),
        "schedule": request.schedule.name, "epochs": request.epochs, "batch_size": fitted.batch_size,
        "patience": request.patience, "seed": request.seed, "engine": fitted.engine, "dtype": str(request.dtype),
        "stopped": outcome.stopped, "epochs_trained": outcome.learner.epoch, "best_epoch": outcome.best_epoch,
    }  # fmt: skip
