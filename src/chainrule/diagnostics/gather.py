"""Where the evidence comes from: a trained model and its table, or the folder of a run."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from chainrule.calculus.loss import Loss
from chainrule.data.encode import Encoder
from chainrule.data.inputs import inputs_of
from chainrule.data.table import Table
from chainrule.diagnostics.evidence import SAMPLE, Evidence, Training, sampled
from chainrule.diagnostics.reference import skill
from chainrule.engines.base import Rows, Session
from chainrule.engines.choose import choose
from chainrule.errors import ChainruleError, DataError, SettingError
from chainrule.exchange import Foreign, from_other
from chainrule.fit import read_examples
from chainrule.layers import Dense
from chainrule.model import Model, rows_for
from chainrule.prepare import Prepared, Trial, prepare, trial_of
from chainrule.request import Request
from chainrule.run import Run, fingerprint
from chainrule.shapes import Array
from chainrule.steps import forward
from chainrule.training.again import Failure, advance, failure, multiplier_of, steps_per_epoch, walk
from chainrule.training.diverged import not_finite_parameter
from chainrule.training.history import History
from chainrule.training.state import Snapshot, begin, load_snapshot

REPLAY_SECONDS = 1.5
RUN_SECONDS = 120.0
ANNEALED = 0.05  # of the learning rate, in the last step: the loss falls because the steps shrink, and cannot fall on
_STRETCH = 500  # steps between two looks at a run that is made again


@dataclass(frozen=True, eq=False)
class Case:
    """The evidence, and what a cure needs: the prepared table of the training (None where it is not known)."""

    evidence: Evidence
    prepared: Prepared | None


def from_model(model: Model, data: Any, target: Any = None, *, validation: Any = None) -> Case:
    """Evidence on a model: its own training made known again where `data` are the table it was trained on, else the data as
    new rows."""
    table = _table(model, data, target)
    prepared = _prepared(model, table)
    names = model.encoder.input_names
    first, training, replay = None, None, None
    if prepared is None:
        index = np.arange(table.row_count)
        rows = sampled(rows_for(model.encoder, table, index[:: max(1, len(index) // SAMPLE)], model.theta.dtype))
        evidence = Evidence(
            model.network, model.theta, rows, None, names, model.task, model.classes, model.history,
            is_foreign=_is_model_of_table(model), standardised=_standardised(model),
        )  # fmt: skip
        if evidence.is_foreign:
            evidence = replace(evidence, new=rows)
    else:
        trial = trial_of(prepared)
        training = training_of(trial, model)
        if trial.theta.shape == model.theta.shape:  # else several networks were merged into one, which began nowhere
            first, replay = trial.theta, _replay(trial, training.steps)
        trial = _read_by(model.encoder, trial, prepared)
        evidence = Evidence(
            model.network, model.theta, sampled(trial.rows), _kept_away(trial, prepared), names, model.task,
            model.classes, model.history, training, first, None, replay, columns=_columns(model.encoder),
        )  # fmt: skip
    made = model.card.get("algorithm", {})
    evidence = replace(evidence, members=int(made.get("members", 1)), temperature=float(made.get("temperature") or 1.0))
    if validation is not None:
        other = _table(model, validation, None)
        evidence = replace(evidence, new=rows_for(model.encoder, other, np.arange(other.row_count), model.theta.dtype))
    return Case(evidence, prepared)


def from_run(folder: str | os.PathLike[str], data: Any = None, target: Any = None) -> Case:
    """Evidence on the folder of a run, finished, going on or diverged: its training is made again up to where it came."""
    run = Run(Path(folder))
    kept = run.read()
    request = Request.restore(kept["request"])
    source = kept["data"]["source"] if data is None else data
    table = source if isinstance(source, Table) else read_examples(
        source, None if isinstance(source, tuple) else request.choices.targets if target is None else target
    )[0]  # fmt: skip
    prepared = prepare(request, table)
    if fingerprint(prepared) != kept["data"]["fingerprint"]:
        raise DataError("CR603", "the data are not those of the run", where=str(folder), expected=str(source))
    trial = trial_of(prepared)
    snapshot = load_snapshot(run.snapshot, trial.settings.stopping) if run.snapshot.exists() else None
    failed: Failure | None = None
    if snapshot is None or _goes_on(snapshot, trial):
        theta, steps, failed = _make_again(trial, snapshot)
        history = History() if snapshot is None else snapshot.history
    else:
        theta, steps, history = snapshot.learner.theta, snapshot.learner.step, snapshot.history
    if snapshot is not None and failed is None and snapshot.best is not None and snapshot.best.theta is not None:
        theta = snapshot.best.theta
    best = None if snapshot is None else snapshot.best
    caught = best is not None and best.waited >= best.rule.patience
    training = _training(
        trial, steps, history, "diverged" if failed else "early" if caught else "epochs",
        history.epochs if best is None or best.theta is None else best.epoch,
    )  # fmt: skip
    encoder = trial.encoder
    evidence = Evidence(
        trial.network, theta, sampled(trial.rows), _kept_away(trial, prepared), encoder.input_names, encoder.task,
        encoder.classes, history, training, trial.theta, failed, _replay(trial, steps), columns=_columns(encoder),
    )  # fmt: skip
    return Case(evidence, prepared)


def from_net(net: Any, data: Any, target: Any, *, validation: Any = None, loss: Any = None) -> Case:
    """Evidence on a network of another library and the rows it was trained on; how it was trained is not known. `loss`: the
    one it was trained with, where it does not carry it."""
    if data is None or target is None:
        raise SettingError(
            "CR202", "a diagnosis needs the rows that the network was trained on, and their targets", where="data",
            hint="diagnose(net, X, y)",
        )  # fmt: skip
    other = _by_targets(from_other(net, data, loss=loss), data, target)
    network, goal, theta = other.network, other.network.loss, other.theta
    assert isinstance(goal, Loss)
    found = not_finite_parameter(network.plan, theta)
    failed = None if found is None else Failure(None, None, found)
    rows = _rows_of(other, data, target)
    named = [str(name) for name in getattr(data, "columns", ())]
    task = {"real": "regression", "binary": "binary", "classes": "multiclass"}[goal.target_kind]
    return Case(
        Evidence(
            network, theta if failed is None else np.where(np.isfinite(theta), theta, 0.0), sampled(rows), None,
            tuple(named) or tuple(f"x{i}" for i in range(network.input_count)),
            task, other.classes, failure=failed, new=None if validation is None else _rows_of(other, *validation),
        ),
        None,
    )  # fmt: skip


def _by_targets(other: Foreign, data: Any, target: Any) -> Foreign:
    """The network under the loss that its targets ask for, where it carried none: numbers beside labels of classes are
    logits, where they say more about the labels so than as they are."""
    network, labels = other.network, np.asarray(target)
    last = network.layers[-1] if network.layers else None
    is_open = other.is_guessed and isinstance(last, Dense) and network.output_activation == "identity"
    if not is_open or labels.dtype.kind not in "biu" or labels.size != len(labels):
        return other
    assert isinstance(last, Dense)
    codes = labels.reshape(-1).astype(np.int64)
    if codes.min() < 0 or codes.max() >= max(2, network.output_count):
        return other
    function = "sigmoid" if network.output_count == 1 else "softmax"
    made = replace(network, layers=(*network.layers[:-1], replace(last, activation=function)), loss=None)
    y = codes[:, None].astype(np.float64) if network.output_count == 1 else np.eye(network.output_count)[codes]
    x, theta = other.inputs(data), other.theta.astype(np.float64)
    with np.errstate(all="ignore"):
        plain, squeezed = (skill(y, forward(one, theta, x).prediction) for one in (network, made))
    return other if plain > squeezed else replace(other, network=made)


def _rows_of(other: Foreign, data: Any, target: Any) -> Rows:
    x, y = other.inputs(data).astype(other.theta.dtype), other.targets(target)
    if len(x) != len(y):
        raise DataError(
            "CR105", "X and y have different lengths", expected=f"{len(x)} targets", got=f"{len(y)} targets"
        )
    if y.dtype.kind not in "biuf":
        raise DataError(
            "CR108", "the labels of this network must be whole numbers", where="y",
            expected="0, 1, … in the order of its outputs",
            got=f"{y.reshape(-1)[0]!r}", hint="np.unique(y, return_inverse=True)[1] numbers labels by the alphabet",
        )  # fmt: skip
    if np.issubdtype(y.dtype, np.floating) or other.network.output_count == 1:
        y = np.asarray(y, other.theta.dtype).reshape(len(y), -1)
    return Rows(np.ascontiguousarray(x), np.ascontiguousarray(y))


def _table(model: Model, data: Any, target: Any) -> Table:
    """The data as `fit` reads them where the card says how, else as the model reads new data."""
    if isinstance(data, Table):
        return data
    if data is None:
        raise SettingError(
            "CR202", "a diagnosis needs the rows that the model was trained on", where="data",
            hint='diagnose(model, "train.csv")',
        )  # fmt: skip
    if target is not None and not isinstance(target, (str, list, tuple)):
        data = (data, target)
    reading = model.card.get("data", {}).get("reading", {})
    names = tuple(one.name for one in model.encoder.targets)
    return read_examples(data, None if isinstance(data, tuple) and len(data) == 2 else names, reading)[0]


def _prepared(model: Model, table: Table) -> Prepared | None:
    """The table as it was prepared for the training; None where these are other rows, or the card does not know."""
    card = model.card
    if "request" not in card or "fingerprint" not in card.get("data", {}):
        return None
    try:
        prepared = prepare(Request.restore(card["request"]), table)
    except ChainruleError:
        return None
    return prepared if fingerprint(prepared) == card["data"]["fingerprint"] else None


def _read_by(encoder: Encoder, trial: Trial, prepared: Prepared) -> Trial:
    """The trial with its rows as a model reads them: another version may have made other inputs of the same columns."""
    if trial.encoder.input_names == encoder.input_names:
        return trial
    weights = None if prepared.weights is None else prepared.weights[trial.index]
    rows = rows_for(encoder, prepared.table, trial.index, trial.request.dtype, weights)
    return replace(trial, encoder=encoder, rows=rows)


def _kept_away(trial: Trial, prepared: Prepared) -> Rows | None:
    """Rows that no weight was fitted to: those of the test and of the validation part together."""
    index = np.setdiff1d(np.concatenate([prepared.parts.test, prepared.parts.validation]), trial.index)
    if not len(index):
        return None
    index = index[:: max(1, len(index) // SAMPLE)]
    weights = None if prepared.weights is None else prepared.weights[index]
    return rows_for(trial.encoder, prepared.table, index, trial.request.dtype, weights)


def training_of(trial: Trial, model: Model) -> Training:
    """How a model was trained, from its card."""
    said = model.card["algorithm"]
    _, per_epoch = steps_per_epoch(len(trial.rows), trial.settings)
    steps = int(said["epochs_trained"]) * per_epoch
    best = min(said.get("best_epochs") or [said["best_epoch"]])  # of several networks, that which turned first
    return _training(trial, steps, model.history, str(said["stopped"]), int(best))


def _training(trial: Trial, steps: int, history: History, stopped: str, best_epoch: int) -> Training:
    request = trial.request
    batch, _ = steps_per_epoch(len(trial.rows), trial.settings)
    is_annealed = steps > 0 and request.solver != "lbfgs" and (
        multiplier_of(trial.settings, steps - 1, trial.rows) < ANNEALED
    )  # fmt: skip
    return Training(
        request.update, request.solver, batch, request.epochs, history.epochs, steps, best_epoch, stopped, request.seed,
        request.class_weight is not None, is_annealed,
    )  # fmt: skip


def _is_model_of_table(model: Model) -> bool:
    """Whether the card says which table the model was trained on, so that another can be told from it."""
    return "fingerprint" in model.card.get("data", {})


def _standardised(model: Model) -> tuple[bool, ...]:
    """The inputs that were standardised by their training rows."""
    return tuple(
        column.treatment == "number" and (column.scale != 1.0 or column.shift != 0.0)
        for column in model.encoder.columns for _ in inputs_of(column)
    )  # fmt: skip


def _columns(encoder: Encoder) -> tuple[str, ...]:
    """The column of every input."""
    return tuple(column.name for column in encoder.columns for _ in inputs_of(column))


def _open(trial: Trial) -> Session:
    request, plan = trial.request, trial.network.plan
    engine = choose(request.engine, plan, request.update, request.dtype)
    return engine.open(plan, trial.theta, begin(trial.theta, request.update).slots, request.update, seed=request.seed)


def _replay(trial: Trial, steps: int) -> Any:
    if trial.request.solver == "lbfgs":
        return None

    def replay() -> Sequence[tuple[int, Array]]:
        return walk(_open(trial), trial.rows, trial.settings, steps, REPLAY_SECONDS)[0]

    return replay


def _goes_on(snapshot: Snapshot, trial: Trial) -> bool:
    """Whether the last snapshot is not the end of the training: it may have ended in numbers that are not finite."""
    best = snapshot.best
    over = snapshot.learner.epoch >= trial.settings.epochs
    return not over and not (best is not None and best.waited >= best.rule.patience)


def _make_again(trial: Trial, snapshot: Snapshot | None) -> tuple[Array, int, Failure | None]:
    """Make the steps of a run from the beginning: θ before the first number that is not finite, the steps made, and that
    number. A run that was only interrupted is followed to its last snapshot and a little further."""
    settings, rows = trial.settings, trial.rows
    _, per_epoch = steps_per_epoch(len(rows), settings)
    last = settings.epochs * per_epoch
    session, done, began = _open(trial), 0, time.perf_counter()
    while done < last and time.perf_counter() - began < RUN_SECONDS:
        made = advance(session, rows, settings, done, min(last, done + _STRETCH))
        done = made.done
        if made.failed is not None:
            return session.export()[0], done, failure(session, rows, settings, done, made.failed)
        if snapshot is not None and done > snapshot.learner.step + 20 * per_epoch + _STRETCH:
            break
    return session.export()[0], done, None
