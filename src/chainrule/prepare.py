"""From a table and a request to what an engine trains on: columns encoded, rows split, a network with its first weights."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.calculus.loss import Loss
from chainrule.data.arrays import check_sample_weight
from chainrule.data.encode import Encoder
from chainrule.data.fit_encoder import fit_encoder
from chainrule.data.level_means import encode_by_folds
from chainrule.data.schema import Schema, infer_schema
from chainrule.data.split import Split, class_weights, folds, split
from chainrule.data.table import Note, Table
from chainrule.engines.base import Rows
from chainrule.errors import DataError, SettingError
from chainrule.layers import Dense, Dropout, Layer
from chainrule.model import rows_for
from chainrule.network import Network, initialize
from chainrule.presets import layers_for, preset_of
from chainrule.request import Request, auto_batch, auto_l2
from chainrule.shapes import Array, Ints
from chainrule.training.loop import Settings
from chainrule.training.stopping import EarlyStopping

SCORE_FOLDS = 5
MEANS_FOLDS = 5  # of those by which training rows get means of levels without their own target
FEW_ROWS = 500  # below these the score comes from folds, so that every row is tested on once


@dataclass(frozen=True, eq=False)
class Given:
    """Rows of a user's own that are watched in place of a part of the table; `weights` (rows,) or None."""

    table: Table
    weights: NDArray[np.float64] | None = None


@dataclass(frozen=True, eq=False)
class Prepared:
    """A table whose columns and rows have their parts. `weights` has one entry per row of the table, or is None; `given`
    are rows to watch that are no part of the table."""

    request: Request
    table: Table
    schema: Schema
    weights: NDArray[np.float64] | None
    parts: Split
    notes: tuple[Note, ...]
    given: Given | None = None


@dataclass(frozen=True, eq=False)
class Trial:
    """One training about to begin: what it learns from, the network, θ₀, and how many rows a step takes.

    `request` is what was asked for with everything that was left to chainrule ("auto") decided. `index` are the numbers of
    `rows` in the table. `kept` are the numbers of the encoder's inputs that these rows have; None: all.
    """

    request: Request
    encoder: Encoder
    network: Network
    rows: Rows
    validation: Rows | None
    theta: Array
    batch_size: int | None
    index: Ints
    kept: Ints | None = None

    @property
    def settings(self) -> Settings:
        """How the training loop is to go about it."""
        request = self.request
        stopping = EarlyStopping(request.patience) if self.validation is not None else None
        return Settings(
            request.update, request.epochs, self.batch_size, request.seed, request.shuffle, request.schedule, stopping,
            metrics=request.metrics, time_budget=request.time_budget,
            in_units=self.encoder.decode_target if self.encoder.task == "regression" else None,
        )  # fmt: skip


def prepare(
    request: Request,
    table: Table,
    sample_weight: Any = None,
    *,
    one_network: bool = False,
    given: Given | None = None,
) -> Prepared:
    """Find the columns' parts and split the rows. `one_network`: also where a preset would train several."""
    choices = request.choices
    schema = infer_schema(
        table, choices.targets, task=choices.task, keep=choices.keep, drop=choices.drop, date_parts=choices.date_parts,
        missing_target=choices.missing_target,
    )  # fmt: skip
    request = request.decided(schema.task, len(schema.rows))
    request = replace(request, members=1) if one_network else request
    request = replace(request, validation=0.0) if given is not None else request
    weights = _row_weights(table, schema, request.class_weight, sample_weight)
    share = (0.0 if len(schema.rows) < FEW_ROWS else 0.2) if choices.test is None else choices.test
    if choices.test is None and not share:
        folds(table, schema, seed=request.seed)  # before any training: can the rows be measured on in folds?
    parts = split(table, schema, validation=request.validation * (1.0 - share), test=share, seed=request.seed)
    return Prepared(request, table, schema, weights, parts, (*table.notes, *schema.notes, *parts.notes), given)


def trial_of(prepared: Prepared) -> Trial:
    """The training that leads to the model."""
    return _trial(prepared, prepared.parts)


def fold_trial(prepared: Prepared, train: Ints, seed: int) -> Trial:
    """A training on some of the rows, with a validation part of its own."""
    rest = replace(prepared.schema, rows=train)
    parts = split(prepared.table, rest, validation=prepared.request.validation, test=0.0, seed=seed)
    return _trial(prepared, parts)


def encoded_by_folds(prepared: Prepared, encoder: Encoder, index: Ints, request: Request) -> Array:
    """The inputs of rows to learn from, where some are means of the target."""
    cut = folds(prepared.table, replace(prepared.schema, rows=index), MEANS_FOLDS, seed=request.seed)
    pairs = [(part.train, part.test) for part in cut]
    return encode_by_folds(encoder, prepared.table, pairs, prepared.weights, request.dtype)


def _trial(prepared: Prepared, parts: Split) -> Trial:
    request, table = prepared.request, prepared.table
    if request.members > 1:  # every member watches a part of its own
        parts = replace(
            parts, train=np.sort(np.concatenate([parts.train, parts.validation])), validation=parts.validation[:0]
        )
    encoder = _encoder_for(prepared, parts.train)
    network = network_for(request, encoder, len(encoder.inputs))
    rows, validation = (
        rows_for(encoder, table, index, request.dtype, weights_of(prepared, index))
        for index in (parts.train, parts.validation)
    )
    if any(column.means for column in encoder.columns):
        rows = replace(rows, x=encoded_by_folds(prepared, encoder, parts.train, request))
    if prepared.given is not None:
        watched = prepared.given.table
        validation = rows_for(encoder, watched, np.arange(watched.row_count), request.dtype, prepared.given.weights)
    _check_targets(network, rows, validation)
    if request.l2_is_auto:
        request = replace(request, update=replace(request.update, l2=auto_l2(len(rows), encoder.task == "regression")))
    batch = auto_batch(len(rows)) if request.batch_size == "auto" else request.batch_size
    if request.solver == "lbfgs":
        batch = None
    theta = initialize(network, request.seed, request.dtype)
    return Trial(
        request, encoder, network, rows, validation if len(validation) else None, theta, _count(batch), parts.train
    )


def _encoder_for(prepared: Prepared, train: Ints) -> Encoder:
    """How the columns are to become inputs, learned from these rows. A `Network` that has inputs only for what is not the
    mean of a level is given no more; with rows too few for folds nothing has one."""
    request, table, schema = prepared.request, prepared.table, prepared.schema

    def learn(level_means: bool) -> Encoder:
        return fit_encoder(
            table, schema, train, scale=request.scale, scale_target=not _keeps_targets(request), level_means=level_means,
            weights=weights_of(prepared, train), dtype=request.dtype, seed=request.seed,
        )  # fmt: skip

    encoder = learn(request.level_means)
    if any(column.means for column in encoder.columns):
        try:
            # As many again, so that the rows of one of several networks have folds too.
            folds(table, replace(schema, rows=train), 2 * MEANS_FOLDS, seed=request.seed)
        except DataError:
            return learn(False)
        own = request.network.input_count if isinstance(request.network, Network) else len(encoder.inputs)
        if own != len(encoder.inputs) and own == len((without := learn(False)).inputs):
            return without
    return encoder


def weights_of(prepared: Prepared, index: Ints) -> NDArray[np.float64] | None:
    """The weights of rows of the table, or None."""
    return None if prepared.weights is None else prepared.weights[index]


def _count(batch: int | str | None) -> int | None:
    return None if batch is None else int(batch)


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


def network_for(request: Request, encoder: Encoder, inputs: int) -> Network:
    """The network that was asked for, with so many inputs."""
    outputs = len(encoder.classes) if encoder.task == "multiclass" else len(encoder.targets)
    if isinstance(request.network, Network):
        network = request.network if request.loss is None else request.network.with_loss(request.loss)
        if network.input_count != inputs or network.output_count != outputs:
            raise SettingError(
                "CR209", "the network does not fit the data", expected=f"{inputs} inputs and {outputs} outputs",
                got=f"{network.input_count} inputs and {network.output_count} outputs",
                hint="give the widths of the hidden layers only, such as network=(64, 32)",
            )  # fmt: skip
        return network
    last = {"regression": "identity", "binary": "sigmoid", "multiclass": "softmax", "multilabel": "sigmoid"}[
        encoder.task
    ]
    if isinstance(request.loss, Loss):
        _check_loss(request.loss, encoder.task)
        squared_classes = encoder.classes and request.loss.target_kind == "real"
        if not request.loss.head(last) and not squared_classes:
            last = request.loss.output
    widths = request.network
    if request.preset:
        preset = preset_of(request.preset)
        if not request.update.rule.name.startswith("adam"):  # whose steps do not depend on the size of the gradient
            preset = replace(preset, ntk=False, input_gain_rate=min(1.0, preset.input_gain_rate))
        layers = layers_for(preset, inputs, widths, outputs, request.activation, last, request.dropout)
        return Network(inputs, layers, loss=request.loss)
    hidden: list[Layer] = []
    for width in widths:
        hidden += [Dense(width, request.activation), *([Dropout(request.dropout)] if request.dropout else [])]
    return Network(inputs, [*hidden, Dense(outputs, last)], loss=request.loss)


def _check_loss(loss: Loss, task: str) -> None:
    """Refuse a loss whose targets are not those of the task (CR206)."""
    of_two = loss.target_kind == "binary" or (loss.target_kind == "real" and loss.output == "identity")
    suited = {
        "regression": loss.target_kind == "real",
        "binary": of_two,
        "multilabel": of_two,
        "multiclass": loss.target_kind == "classes" or (loss.target_kind == "real" and loss.output == "identity"),
    }
    if not suited[task]:
        usual = {"regression": "mse", "multiclass": "categorical_crossentropy"}.get(task, "binary_crossentropy")
        raise SettingError(
            "CR206", f"the loss {loss.name} does not fit the task", expected=f"a loss for {task}", got=loss.name,
            hint=f"use loss={usual!r}, or set task= where the target was taken for another kind",
        )  # fmt: skip


def _check_targets(network: Network, *parts: Rows | None) -> None:
    for rows in parts:
        if rows is not None and rows.y is not None and rows.y.ndim == 2:
            assert isinstance(network.loss, Loss)
            network.loss.check_targets(rows.y)  # type: ignore[arg-type]
