"""A trained model: the network, its weights, and the way from columns to inputs and from outputs to answers."""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule import archive
from chainrule.archive.text import decode_json, encode_json
from chainrule.calculus.activations import logistic
from chainrule.data.arrays import check_same_index
from chainrule.data.encode import Encoder
from chainrule.data.files import read_table
from chainrule.data.frames import attach_target
from chainrule.data.table import Note, Table
from chainrule.engines.base import Rows, Session
from chainrule.engines.choose import choose
from chainrule.errors import ChainruleWarning, DataError, ModelFileError, SettingError
from chainrule.metrics import Metrics, chosen, defaults, evaluate
from chainrule.network import Network
from chainrule.optim.rule import Update
from chainrule.optim.rules import rules
from chainrule.plain import plain
from chainrule.shapes import Array, read_only
from chainrule.training.history import History

_HISTORY = "history/"


@dataclass(frozen=True, eq=False)
class Model:
    """What `fit` returns and `load` reads. Nothing in it changes.

    `card` is plain data: where the data came from, what was done to it, how the network was trained and what it scored.
    Data are given as everywhere: a path, a DataFrame, a dictionary of columns or an array. Columns are matched by name.
    """

    network: Network
    theta: Array
    encoder: Encoder
    history: History
    card: Mapping[str, Any]

    @property
    def task(self) -> str:
        """ "regression", "binary", "multiclass" or, for the indicator of several labels, "multilabel"."""
        return self.encoder.task

    @property
    def classes(self) -> tuple[Any, ...]:
        """The class labels in the order of `predict_proba`'s columns; empty for regression and for several labels."""
        return self.encoder.classes

    def table(self, data: Any, target: Any = None) -> tuple[Table, tuple[Note, ...]]:
        """The data as a table with this model's columns, and notes on what had to be adapted."""
        table = self.read(data)
        if target is not None:
            check_same_index(data, target)
            table = attach_target(table, target)[0]
        return table, self.encoder.notes_on(table)

    def _told(self, data: Any, target: Any = None) -> Table:
        """The data as a table; what had to be adapted is said in one warning."""
        table, notes = self.table(data, target)
        if notes:
            warnings.warn("; ".join(map(str, notes)), ChainruleWarning, stacklevel=3)
        return table

    def read(self, data: Any, **reading: Any) -> Table:
        """Data as a table; a file is read with the options that the training data were read with, unless told otherwise."""
        if not isinstance(data, (str, os.PathLike)):
            return read_table(data)
        given = {name: value for name, value in reading.items() if value not in (None, ())}
        options = {**self.card.get("data", {}).get("reading", {}), **given, "text": self.encoder.text_columns}
        return read_table(data, **options)

    def outputs(self, table: Table) -> Array:
        """What the network itself gives, shape (rows, outputs): standardised numbers or probabilities."""
        return self.predict_encoded(self.encoder.encode(table, dtype=self.theta.dtype))

    def predict_encoded(self, inputs: Array) -> Array:
        """The same for rows that `encoder.encode` has made into inputs, shape (rows, inputs)."""
        return (
            self._session.predict(inputs) if len(inputs) else np.empty((0, self.network.output_count), self.theta.dtype)
        )

    @cached_property
    def _session(self) -> Session:
        update = Update(rules.get("gradient_descent"))
        engine = choose("auto", self.network.plan, update, self.theta.dtype)
        return engine.open(self.network.plan, self.theta, (), update, seed=0)

    def predict(self, data: Any) -> NDArray[Any]:
        """Class labels (rows,), or numbers in the target's own unit: (rows,) for one target, (rows, targets) for several."""
        return self.answers(self.outputs(self._told(data)))

    def predict_proba(self, data: Any) -> NDArray[np.float64]:
        """The probability of every class, shape (rows, classes) in the order of `classes`; or of each of several labels."""
        return self.probabilities(self.outputs(self._told(data)))

    def answers(self, outputs: Array) -> NDArray[Any]:
        """Outputs of the network as labels, as numbers in the target's unit, or as 0 and 1 for each of several labels."""
        if self.task == "multilabel":
            return (probable(self.network, outputs) > 0.5).astype(np.int64)
        if not self.classes:
            values = self.encoder.decode_target(outputs)
            return values[:, 0] if values.shape[1] == 1 else values
        if self.task == "binary":
            return self.encoder.decode_target((probable(self.network, outputs)[:, 0] >= 0.5).astype(np.int64))
        return self.encoder.decode_target(outputs.argmax(axis=1))

    def probabilities(self, outputs: Array) -> NDArray[np.float64]:
        if self.task == "regression" or self.network.output_activation not in ("sigmoid", "softmax"):
            raise SettingError(
                "CR204", "this model gives no probabilities", expected="a classifier with sigmoid or softmax outputs",
                got=f"{self.task} with {self.network.output_activation} outputs",
            )  # fmt: skip
        p = outputs.astype(np.float64)
        return np.hstack([1.0 - p, p]) if self.task == "binary" else p

    def evaluate(self, data: Any, target: Any = None, *, metrics: Metrics = ()) -> dict[str, float]:
        """Metrics by name on rows whose target is known: the usual ones of the task unless `metrics` names others.

        `data`: as for `fit`, also a pair (X, y). `target`: the targets where they are not a column of the data. Numbers
        are in the target's own unit.
        """
        if target is None and isinstance(data, tuple) and len(data) == 2:
            data, target = data
        table = self._told(data, target)
        return self.scores(table, self.outputs(table), metrics)

    def scores(self, table: Table, outputs: Array, metrics: Metrics = ()) -> dict[str, float]:
        """Metrics by name of outputs for these rows; CR105 where there is none."""
        if not table.row_count:
            raise DataError("CR105", "there are no rows to measure on", where=table.source, expected="at least 1")
        for target in self.encoder.targets:
            if target.name not in table:
                raise DataError(
                    "CR313", f"there is no column {target.name!r}, the target", where=table.source,
                    hint="measuring needs the true values; predicting does without them",
                )  # fmt: skip
        y_true, y_pred = truth_and_prediction(self.encoder, self.network, table, outputs)
        return {metric.name: evaluate(metric, y_true, y_pred) for metric in chosen(metrics) or defaults(self.task)}

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write one file, whole or not at all; see docs/model-file.md. It holds data only, never code."""
        header = {"kind": "trained model", "network": plain(self.network.describe())}
        tensors = {"theta": np.asarray(self.theta), **_texts(encoder=self.encoder.to_dict(), card=self.card)}
        for name, column in self.history.items():
            tensors[_HISTORY + name] = np.array(column)
        archive.write(path, header, tensors)
        return Path(path)

    def __repr__(self) -> str:
        names = ", ".join(target.name for target in self.encoder.targets)
        return f"Model({self.task} of {names}; {self.network.plan.size} parameters; {self.history.epochs} epochs)"


def load(path: str | os.PathLike[str]) -> Model:
    """Read a model that `Model.save` wrote. Never runs code; refuses what it does not know (`ModelFileError`)."""
    header, tensors = archive.read(path)
    known = {name for name in tensors if not name.startswith(_HISTORY)}
    if set(header) != {"kind", "network"} or header["kind"] != "trained model" or known != {"theta", "encoder", "card"}:
        raise ModelFileError("CR503", "the parts of this file are not those of a trained model", where=str(path))
    try:
        network = Network.restore(header["network"])
        encoder = Encoder.from_dict(_text_of(tensors["encoder"], "encoder"))
        card = _text_of(tensors["card"], "card")
        history = History({n.removeprefix(_HISTORY): tensors[n].tolist() for n in tensors if n.startswith(_HISTORY)})
    except (KeyError, TypeError, ValueError, AttributeError) as reason:
        raise ModelFileError(
            "CR503", "the description of the model does not hold together", where=str(path), got=str(reason)
        ) from None
    theta = tensors["theta"]
    if theta.shape != (network.plan.size,) or theta.dtype not in (np.float32, np.float64):
        raise ModelFileError(
            "CR503", "the weights do not fit the network", where=str(path),
            expected=f"{network.plan.size} numbers", got=f"{theta.dtype} of shape {theta.shape}",
        )  # fmt: skip
    return Model(network, read_only(theta), encoder, history, card)


def _texts(**parts: Any) -> dict[str, NDArray[np.uint8]]:
    """Descriptions of any length as byte tensors; the header of a file is for short things."""
    return {name: np.frombuffer(encode_json(plain(part), name), np.uint8) for name, part in parts.items()}


def _text_of(tensor: NDArray[Any], name: str) -> Any:
    return decode_json(tensor.tobytes(), name)


def probable(network: Network, outputs: Array) -> NDArray[np.float64]:
    """Outputs of a classifier as numbers between 0 and 1; a score (of the hinge loss) goes through the logistic function,
    which keeps the order of the rows but is no calibrated probability."""
    values: NDArray[np.float64] = outputs.astype(np.float64)
    return values if network.output_activation in ("sigmoid", "softmax") else logistic(values).astype(np.float64)


def truth_and_prediction(
    encoder: Encoder, network: Network, table: Table, outputs: Array
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Targets and predictions as metrics want them: numbers in their unit (n, k), or codes (n,) and probabilities."""
    coded = encoder.encode_target(table)
    if encoder.task == "multilabel":
        return coded, probable(network, outputs)
    if not encoder.classes:
        return encoder.decode_target(coded), encoder.decode_target(outputs)
    return coded[:, None] if encoder.task == "binary" else coded, probable(network, outputs)


def rows_for(encoder: Encoder, table: Table, index: NDArray[np.int64], dtype: Any, weights: Any = None) -> Rows:
    """Examples of a table in the engines' own form."""
    coded = encoder.encode_target(table, index)
    if encoder.task == "multiclass":
        y: NDArray[Any] = coded
    else:
        y = coded.astype(dtype)
        y = y[:, None] if y.ndim == 1 else y
    weights = None if weights is None else np.ascontiguousarray(weights, dtype)
    return Rows(encoder.encode(table, index, dtype=dtype), np.ascontiguousarray(y), weights)
