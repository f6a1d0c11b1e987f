"""From columns to the inputs of a network and back, by what was learned of them: applied by name ever after."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from chainrule.data.expansions import knots_from, waves_from
from chainrule.data.inputs import DATE_PARTS, Input, InputColumn, inputs_of, slots_of, write_categories, write_numbers
from chainrule.data.match import match_columns
from chainrule.data.plain import refuse_infinite
from chainrule.data.table import Column, Note, Table, counted, listing, row_listing
from chainrule.data.target import Label
from chainrule.errors import DataError, ModelFileError
from chainrule.shapes import Ints


@dataclass(frozen=True)
class TargetColumn:
    """A target; numbers are learned as (y - shift) / scale."""

    name: str
    shift: float = 0.0
    scale: float = 1.0


@dataclass(frozen=True)
class Encoder:
    """Columns <-> inputs, classes or numbers <-> targets. Made by `fit_encoder`; plain data, saved in the model file.

    `features` are all columns but the targets as they stood at training, `columns` those that are used.
    """

    columns: tuple[InputColumn, ...]
    features: tuple[str, ...]
    targets: tuple[TargetColumn, ...]
    task: str
    classes: tuple[Label, ...] = ()
    has_names: bool = True
    notes: tuple[Note, ...] = ()

    @cached_property
    def inputs(self) -> tuple[Input, ...]:
        """The inputs in the order of the encoded array's columns."""
        return tuple(one for column in self.columns for one in inputs_of(column))

    @cached_property
    def input_names(self) -> tuple[str, ...]:
        return tuple(one.name for one in self.inputs)

    @property
    def text_columns(self) -> tuple[str, ...]:
        """Columns to be read as text (`read_table(..., text=...)`).

        Categories and classes such as 007 stay as they were, and nothing is wrong with columns that are not used.
        """
        others = {column.name for column in self.columns if column.treatment != "category"}
        labels = [target.name for target in self.targets if self.classes and isinstance(self.classes[0], str)]
        return (*(name for name in self.features if name not in others), *labels)

    def encode(self, table: Table, rows: Ints | None = None, *, dtype: npt.DTypeLike = np.float32) -> npt.NDArray[Any]:
        """The inputs of these rows (all when None), shape (rows, inputs), C-contiguous.

        Columns are matched by name. Raises CR401 (a column is missing), CR402 (an array of another width), CR403
        (another type), CR102 (infinite values), CR107 (too large for `dtype`). `notes_on` tells what was adapted.
        """
        table = table if rows is None else table.take(rows)
        matched = match_columns(self, table)[0]
        encoded = np.zeros((table.row_count, len(self.inputs)), dtype)
        position = 0
        for plan in self.columns:
            column = matched[plan.name]
            width = len(inputs_of(plan))
            place = encoded[:, position : position + width]
            if plan.is_one_hot:
                write_categories(place, plan, column)
            else:
                write_numbers(place, plan, column, table.source)
            position += width
        return encoded

    def raw(self, table: Table, rows: Ints | None = None) -> npt.NDArray[np.float64]:
        """The same inputs in the units of their columns, missing values filled: shape (rows, inputs)."""
        bare = tuple(
            replace(column, height=1.0)
            if column.is_one_hot
            else replace(column, shift=0.0, scale=1.0, clip=0.0, knots=(), waves=())
            for column in self.columns
        )
        plain = np.empty((table.row_count if rows is None else len(rows), len(self.inputs)))
        further = np.array([bool(one.number) for one in self.inputs])
        plain[:, ~further] = replace(self, columns=bare).encode(table, rows, dtype=np.float64)
        if further.any():
            shift, scale = np.array([(one.shift, one.scale) for one in self.inputs if one.number]).T
            plain[:, further] = self.encode(table, rows, dtype=np.float64)[:, further] * scale + shift
        return plain

    def notes_on(self, table: Table) -> tuple[Note, ...]:
        """What `encode` does to this table without being asked: columns ignored, values filled or unknown."""
        matched, notes = match_columns(self, table)
        last = {plan.name: plan for plan in self.columns}  # of a category's, the one that knows the most levels
        for plan in self.columns:
            column = matched[plan.name]
            if plan.treatment == "category" and last[plan.name] is plan:
                unseen = column.values >= 0
                codes = slots_of(plan, column)
                unseen &= codes < 0 if not plan.has_other else codes == len(plan.levels)
                if unseen.any():
                    notes += _unseen_note(plan, column, unseen)
            if column.missing_count and not plan.marks_missing and plan.part in ("", DATE_PARTS[0]):
                text = f"{counted(column.missing_count, 'missing value')}, though training had none: "
                text += (
                    "no category is set"
                    if plan.treatment == "category"
                    else f"filled with the {'median' if plan.clip else 'mean'} {plan.fill:.6g}"
                )
                notes.append(Note("missing", f"column {plan.name!r}", text))
        return tuple(notes)

    def encode_target(self, table: Table, rows: Ints | None = None) -> npt.NDArray[Any]:
        """The targets: standardised float64 (rows, targets) for regression, codes of `classes` int64 (rows,) otherwise.

        Raises CR313 without the column, CR114 for missing values, CR108 for a class or type that training did not have.
        """
        columns = [table[target.name] for target in self.targets]
        columns = columns if rows is None else [column.take(rows) for column in columns]
        for column in columns:
            if column.missing_count:
                raise DataError(
                    "CR114",
                    f"{counted(column.missing_count, 'row')} without a value in the target {column.name!r}",
                    where=row_listing(column.missing),
                    hint="leave these rows out",
                )
            refuse_infinite(column, table.source)
        if self.classes:
            return self._class_codes(columns[0])
        for column in columns:
            if column.kind not in ("number", "boolean"):
                raise DataError(
                    "CR108", f"the target {column.name!r} holds {column.kind}", expected="numbers, as in training"
                )
            if self.task == "multilabel" and not np.isin(column.values, (0, 1)).all():
                raise DataError("CR108", f"the label {column.name!r} holds other numbers", expected="0 and 1 alone")
        parts = [(c.values - t.shift) / t.scale for c, t in zip(columns, self.targets, strict=True)]
        return np.asarray(np.stack(parts, axis=1))

    def decode_target(self, values: npt.ArrayLike) -> npt.NDArray[Any]:
        """The way back: numbers in their own unit (rows, targets), or the labels of class codes (rows,)."""
        if self.classes:
            labels: npt.NDArray[Any] = np.array(self.classes)[np.asarray(values, dtype=np.int64)]
            return labels
        shift = np.array([target.shift for target in self.targets])
        scale = np.array([target.scale for target in self.targets])
        standard = np.asarray(values, dtype=np.float64).reshape(-1, len(self.targets))
        return np.asarray(standard * scale + shift)

    def _class_codes(self, column: Column) -> npt.NDArray[np.int64]:
        distinct, codes = np.unique(column.values, return_inverse=True)
        keys = [column.levels[int(value)] if column.kind == "text" else float(value) for value in distinct]
        known = {_label_key(label): code for code, label in enumerate(self.classes)}
        as_text = {str(label): code for code, label in enumerate(self.classes)}
        found = []
        for key in keys:
            code = known.get(key, as_text.get(f"{key:g}" if isinstance(key, float) else key))
            if code is None:
                raise DataError(
                    "CR108",
                    f"the target {column.name!r} holds {key!r}, which training did not have",
                    expected=f"one of {listing(self.classes)}",
                )
            found.append(code)
        by_row: npt.NDArray[np.int64] = np.array(found, np.int64)[codes.reshape(-1)]
        return by_row

    def to_dict(self) -> dict[str, Any]:
        """Plain data for the model file; floats survive JSON exactly."""
        return asdict(self)

    @classmethod
    def from_dict(cls, plain: dict[str, Any]) -> Encoder:
        """The encoder that `to_dict` described; CR503 when the description is none."""
        try:
            return cls(
                columns=tuple(_column_from(one) for one in plain["columns"]),
                features=tuple(plain["features"]),
                targets=tuple(TargetColumn(**one) for one in plain["targets"]),
                task=plain["task"],
                classes=tuple(plain["classes"]),
                has_names=plain["has_names"],
                notes=tuple(Note(**one) for one in plain["notes"]),
            )
        except (KeyError, TypeError) as error:
            raise ModelFileError("CR503", f"the description of the columns is not one ({error})") from None


def _column_from(plain: dict[str, Any]) -> InputColumn:
    lists = {
        "levels": tuple(plain["levels"]),
        "knots": knots_from(plain.get("knots", ())),
        "waves": waves_from(plain.get("waves", ())),
        "means": tuple(plain.get("means", ())),
    }
    column = InputColumn(**{**plain, **lists})
    if column.means and len(column.means) != len(column.levels):
        raise TypeError(f"{len(column.means)} means of {len(column.levels)} levels")
    return column


def _unseen_note(plan: InputColumn, column: Column, unseen: npt.NDArray[np.bool_]) -> list[Note]:
    values = sorted({column.levels[code] for code in np.unique(column.values[unseen])})
    fate = "the input 'other' is set" if plan.has_other else "no category is set"
    rarely = "" if plan.means else " or had rarely"
    if plan.means:
        fate = f"taken for the {plan.part.partition(' of ')[0]} of all rows"
    text = f"{counted(int(unseen.sum()), 'row')} with values that training did not have{rarely} ({listing(values, 5)}): {fate}"
    return [Note("unseen", f"column {plan.name!r}", text)]


def _label_key(label: Label) -> float | str:
    return label if isinstance(label, str) else float(label)
