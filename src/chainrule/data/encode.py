"""From columns to the inputs of a network and back: learned on the training rows, applied by name ever after."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from chainrule.constraints import choice
from chainrule.data.inputs import (
    DATE_PARTS,
    Floats,
    Input,
    InputColumn,
    inputs_of,
    numbers_of,
    slots_of,
    write_categories,
    write_numbers,
)
from chainrule.data.match import match_columns
from chainrule.data.plain import too_large
from chainrule.data.schema import Label, Schema, refuse_infinite
from chainrule.data.table import Column, Note, Table, counted, listing, row_listing
from chainrule.errors import DataError, ModelFileError

MAX_CATEGORIES, FEW_CATEGORIES, CATEGORY_CELLS = 256, 64, 64_000_000
"""A column gets so many inputs for its categories at most, of many rows fewer: so many numbers, but 64 inputs anyhow."""
RARE_SHARE, RARE_ROWS = 0.001, 50
SCALES = ("standard", "robust", "piecewise")
CLIP = 3.0  # of robust scaling: Holzmüller, Grinsztajn, Steinwart, Better by default (2024)
MAX_PIECES, PIECE_ROWS, PIECE_INPUTS, PIECE_CELLS = 8, 100, 1024, 64_000_000
"""A number is cut into so many pieces at most, each of so many rows at least; all numbers together get so many inputs for
them, and of many rows as many as make so many numbers."""
HEIGHT = 0.25
"""Of the inputs of pieces and of categories beside a number bent into (-3, 3); measured in docs/accuracy.md."""
Rows = npt.NDArray[np.int64]


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

    def encode(self, table: Table, rows: Rows | None = None, *, dtype: npt.DTypeLike = np.float32) -> npt.NDArray[Any]:
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
            if plan.treatment == "category":
                write_categories(place, plan, column)
            else:
                write_numbers(place, plan, column, table.source)
            position += width
        return encoded

    def raw(self, table: Table, rows: Rows | None = None) -> npt.NDArray[np.float64]:
        """The same inputs in the units of their columns, missing values filled: shape (rows, inputs)."""
        columns = tuple(
            replace(column, height=1.0) if column.treatment == "category" else replace(column, shift=0.0, scale=1.0, clip=0.0)
            for column in self.columns
        )  # fmt: skip
        plain: npt.NDArray[np.float64] = replace(self, columns=columns).encode(table, rows, dtype=np.float64)
        for i, one in enumerate(self.inputs):
            if one.meaning == "piece":
                plain[:, i] = plain[:, i] * one.scale + one.shift
        return plain

    def notes_on(self, table: Table) -> tuple[Note, ...]:
        """What `encode` does to this table without being asked: columns ignored, values filled or unknown."""
        matched, notes = match_columns(self, table)
        for plan in self.columns:
            column = matched[plan.name]
            if plan.treatment == "category":
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

    def encode_target(self, table: Table, rows: Rows | None = None) -> npt.NDArray[Any]:
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
                columns=tuple(
                    InputColumn(**{**one, "levels": tuple(one["levels"]), "knots": tuple(one.get("knots", ()))})
                    for one in plain["columns"]
                ),
                features=tuple(plain["features"]),
                targets=tuple(TargetColumn(**one) for one in plain["targets"]),
                task=plain["task"],
                classes=tuple(plain["classes"]),
                has_names=plain["has_names"],
                notes=tuple(Note(**one) for one in plain["notes"]),
            )
        except (KeyError, TypeError) as error:
            raise ModelFileError("CR503", f"the description of the columns is not one ({error})") from None


def fit_encoder(
    table: Table,
    schema: Schema,
    rows: Rows | None = None,
    *,
    scale: str | None = "standard",
    scale_target: bool = True,
    dtype: npt.DTypeLike = np.float32,
) -> Encoder:
    """Learn the encoding from the training rows alone (all rows with a target when None).

    `scale="standard"`: numbers and regression targets get mean 0 and standard deviation 1, in float64. "robust": numbers
    get median 0 and a middle half of width 1, and are bent smoothly into (-3, 3), so that no outlier outweighs the rest;
    targets as before. "piecewise": the same, and beside each number one input for each of up to 8 pieces between
    quantiles, which rises from 0 to 1 (less a half, times 0.25) within its piece; categories are 0.25 high too. None
    leaves numbers and targets. `scale_target=False` leaves the targets alone (for losses that need them positive).
    Values are checked against the range of `dtype` (CR107) in all rows.

    >>> from chainrule.data.files import read_table
    >>> from chainrule.data.schema import infer_schema
    >>> table = read_table({"age": [20, None, 40], "sex": ["m", "f", "f"], "fare": [1.5, 2.5, 3.7]})
    >>> encoder = fit_encoder(table, infer_schema(table, "fare"))
    >>> encoder.input_names
    ('age', 'age is missing', 'sex=f', 'sex=other')
    >>> encoder.encode(table).tolist()
    [[-1.0, 0.0, 0.0, 1.0], [0.0, 1.0, 1.0, 0.0], [1.0, 0.0, 1.0, 0.0]]
    """
    if scale is not None:
        choice("scale", scale, SCALES)
    rows = schema.rows if rows is None else np.asarray(rows)
    if not len(rows):
        raise DataError("CR105", "there are no training rows", expected="at least 1")
    notes: list[Note] = []
    columns: list[InputColumn] = []
    pieces = _pieces(schema, len(rows)) if scale == "piecewise" else 0
    for field in schema.inputs:
        column, training = table[field.name], table[field.name].take(rows)
        _refuse_large(column, dtype, table.source)
        if field.treatment == "category":
            columns.append(_fit_category(training, notes, HEIGHT if scale == "piecewise" else 1.0))
        elif field.treatment == "date":
            columns += [_fit_numbers(training, part, scale, pieces) for part in DATE_PARTS]
        else:
            columns.append(_fit_numbers(training, "", scale, pieces))
    if scale is None:
        _note_scales(table, columns, rows, notes)
    target_scale = scale if scale_target and schema.task == "regression" else None
    targets = [
        _fit_target(table[name].take(rows), schema, target_scale, dtype, table.source) for name in schema.targets
    ]
    features = tuple(name for name in table.names if name not in schema.targets)
    encoder = Encoder(
        tuple(columns), features, tuple(targets), schema.task, schema.classes, schema.has_names, tuple(notes)
    )
    _refuse_equal_names(encoder)
    if not encoder.inputs:
        raise DataError("CR314", "no column gives an input", where=table.source, got="; ".join(map(str, notes)))
    return encoder


def _pieces(schema: Schema, rows: int) -> int:
    """How many pieces a number is cut into."""
    numbers = sum(
        {"category": 0, "boolean": 0, "date": len(DATE_PARTS)}.get(field.treatment, 1) for field in schema.inputs
    )
    return min(MAX_PIECES, rows // PIECE_ROWS, PIECE_INPUTS // max(numbers, 1), PIECE_CELLS // max(numbers * rows, 1))


def _knots(values: Floats, pieces: int) -> tuple[float, ...]:
    """The ends of pieces that hold equally many values; none where a single piece is left, which the number itself is."""
    if pieces < 2 or not len(values) or not np.isfinite(np.ptp(values)):
        return ()
    ends = np.unique(np.quantile(values, np.linspace(0.0, 1.0, pieces + 1), method="lower"))
    return tuple(ends.tolist()) if len(ends) > 2 else ()


def _fit_numbers(column: Column, part: str, scale: str | None, pieces: int) -> InputColumn:
    treatment = "date" if part else column.kind
    values = numbers_of(column, part)
    present = values[~np.isnan(values)]
    mean, deviation = _mean_and_deviation(present)
    marks = bool(column.missing_count) and part in ("", DATE_PARTS[0])
    if scale in ("robust", "piecewise") and treatment != "boolean":
        median, spread = _median_and_spread(present)
        return InputColumn(
            column.name, treatment, part, median, spread, median, marks_missing=marks, clip=CLIP,
            knots=_knots(present, pieces), height=HEIGHT,
        )  # fmt: skip
    if treatment == "boolean" or scale is None:
        return InputColumn(column.name, treatment, part, fill=mean, marks_missing=marks)
    return InputColumn(column.name, treatment, part, mean, deviation, mean, marks_missing=marks)


def _mean_and_deviation(values: Floats) -> tuple[float, float]:
    """Mean and standard deviation (of the population); the deviation of a constant counts as 1."""
    if not len(values):
        return 0.0, 1.0
    largest = float(np.abs(values).max())
    if largest == 0 or values.min() == values.max():
        return float(values[0]), 1.0
    # Scaled first: squares of numbers near the ends of the float64 range would overflow or vanish.
    unit = values / largest
    mean = unit.mean()
    deviation = np.sqrt(np.mean((unit - mean) ** 2))
    return float(mean * largest), float(deviation * largest) or 1.0


def _median_and_spread(values: Floats) -> tuple[float, float]:
    """Median and the width of the middle half; where most values are one, half the whole width; of a constant 1."""
    if not len(values):
        return 0.0, 1.0
    largest = float(np.abs(values).max())
    if largest == 0 or values.min() == values.max():
        return float(values[0]), 1.0
    # Scaled first: differences of numbers near the ends of the float64 range would overflow.
    unit = values / largest
    low, median, high = np.percentile(unit, (25, 50, 75))
    spread = float(high - low) or float(unit.max() - unit.min()) / 2
    return float(median) * largest, spread * largest or 1.0


def _fit_category(column: Column, notes: list[Note], height: float) -> InputColumn:
    counts = np.bincount(column.present, minlength=len(column.levels))
    enough = max(2.0, min(RARE_SHARE * len(column), RARE_ROWS))
    order = np.argsort(-counts, kind="stable")
    common = order[counts[order] >= enough]
    used = order[counts[order] > 0]
    # A few categories of one row each are worth an input each; thousands of them are worth none.
    most = min(MAX_CATEGORIES, max(FEW_CATEGORIES, CATEGORY_CELLS // max(len(column), 1)))
    kept = common[:most] if len(common) else used[: len(used) if len(used) <= FEW_CATEGORIES else 0]
    own = set(kept.tolist())
    pooled = [column.levels[code] for code in used.tolist() if code not in own]
    if pooled:
        reason = "rare" if len(common) <= most else f"rare or beyond the {most} most frequent"
        text = f"the input 'other' stands for {len(pooled)} {reason} of them: {listing(pooled, 5)}"
        if not len(kept):
            text = f"no input, for each of its {len(pooled)} values is rare: {listing(pooled, 5)}"
        notes.append(Note("categories", f"column {column.name!r}", text))
    levels = tuple(sorted(column.levels[code] for code in own))
    marks = bool(column.missing_count)
    return InputColumn(
        column.name, "category", levels=levels, has_other=bool(pooled and levels), marks_missing=marks, height=height
    )


def _fit_target(column: Column, schema: Schema, scale: str | None, dtype: npt.DTypeLike, where: str) -> TargetColumn:
    if schema.classes or scale is None:
        _refuse_large(column, dtype, where)
        return TargetColumn(column.name)
    return TargetColumn(column.name, *_mean_and_deviation(column.values))


def _note_scales(table: Table, columns: Sequence[InputColumn], rows: Rows, notes: list[Note]) -> None:
    sizes = {}
    for plan in columns:
        if plan.treatment == "number":
            size = _mean_and_deviation(table[plan.name].take(rows).present)[1]
            sizes[plan.name] = size
    if sizes and max(sizes.values()) > 1000 * min(sizes.values()):
        large, small = max(sizes, key=sizes.__getitem__), min(sizes, key=sizes.__getitem__)
        text = f"its spread is {sizes[large] / sizes[small]:.3g} times that of {small!r}, and scale=None leaves it so"
        notes.append(Note("scale", f"column {large!r}", text))


def _refuse_large(column: Column, dtype: npt.DTypeLike, where: str) -> None:
    if column.kind != "number" or not len(column.present):
        return
    limit = float(np.finfo(dtype).max)
    with np.errstate(invalid="ignore"):
        bad = np.abs(column.values) > limit
    if bad.any():
        row = int(np.argmax(bad))
        raise too_large(column.name, row, float(column.values[row]), dtype, where)


def _refuse_equal_names(encoder: Encoder) -> None:
    names = encoder.input_names
    if len(set(names)) < len(names):
        name = next(name for position, name in enumerate(names) if name in names[:position])
        raise DataError("CR404", f"two inputs would be called {name!r}", hint="rename one of the columns")


def _unseen_note(plan: InputColumn, column: Column, unseen: npt.NDArray[np.bool_]) -> list[Note]:
    values = sorted({column.levels[code] for code in np.unique(column.values[unseen])})
    fate = "the input 'other' is set" if plan.has_other else "no category is set"
    text = (
        f"{counted(int(unseen.sum()), 'row')} with values that training did not have or had rarely "
        f"({listing(values, 5)}): {fate}"
    )
    return [Note("unseen", f"column {plan.name!r}", text)]


def _label_key(label: Label) -> float | str:
    return label if isinstance(label, str) else float(label)
