"""How columns become inputs is learned from the training rows alone: means and spreads, pieces of numbers, categories."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from chainrule.constraints import choice
from chainrule.data.encode import Encoder, TargetColumn
from chainrule.data.expansions import Floats, knots_of, waves_of
from chainrule.data.inputs import DATE_PARTS, InputColumn, inputs_of, means_of, numbers_of, slots_of
from chainrule.data.level_means import means_named, shrunk_means, targets_of
from chainrule.data.plain import too_large
from chainrule.data.schema import Schema
from chainrule.data.table import Column, Note, Table, listing
from chainrule.errors import DataError
from chainrule.shapes import Ints

MAX_CATEGORIES, FEW_CATEGORIES, CATEGORY_CELLS = 256, 64, 64_000_000
"""A column gets so many inputs for its categories at most, of many rows fewer: so many numbers, but 64 inputs anyhow."""
RARE_SHARE, RARE_ROWS = 0.001, 50
MOST_MEANS = 64
"""A target of more classes gets no means of levels: so many inputs of one column would drown the others."""
MOST_FURTHER = {"piecewise": (16, 0), "periodic": (0, 8)}
"""How many pieces and waves a number gets at most, by the scale that has them."""
SCALES = ("standard", "robust", *MOST_FURTHER)
CLIP = 3.0  # of robust scaling: Holzmüller, Grinsztajn, Steinwart, Better by default (2024)
PIECE_ROWS, PIECE_INPUTS, PIECE_CELLS = 100, 1024, 64_000_000
"""Each piece holds so many rows at least; the pieces of all numbers together are so many inputs at most, and of many rows as
many as make so many numbers. The same limits hold for waves."""
WAVE_SPREAD = 1.0
"""Of the frequencies of waves, in cycles for one spread of the number. Holzmüller, Grinsztajn, Steinwart begin at 0.1 and
learn them; waves that stay as drawn hardly turn at 0.1 and find no swing in few rows (`swings-1k` of `accuracy.py`)."""
HEIGHT = 0.25
"""Of the inputs of pieces, waves and categories beside a number bent into (-3, 3); measured by `accuracy.py --alternatives`."""


def fit_encoder(
    table: Table,
    schema: Schema,
    rows: Ints | None = None,
    *,
    scale: str | None = "standard",
    scale_target: bool = True,
    level_means: bool = False,
    weights: Floats | None = None,
    dtype: npt.DTypeLike = np.float32,
    seed: int = 0,
) -> Encoder:
    """Learn the encoding from the training rows alone (all rows with a target when None).

    `scale="standard"`: numbers and regression targets get mean 0 and standard deviation 1, in float64. "robust": numbers
    get median 0 and a middle half of width 1, and are bent smoothly into (-3, 3), so that no outlier outweighs the rest;
    targets as before. "piecewise": the same, and beside each number one input for each of up to 16 pieces between
    quantiles, which rises from 0 to 1 (less a half, times 0.25) within its piece; categories are 0.25 high too. "periodic":
    the same with up to 8 cosines of each number, 0.25 high, in place of pieces, whose frequencies and phases are drawn by
    `seed` (`chainrule.data.expansions`). None leaves numbers and targets.
    `scale_target=False` leaves the targets alone (for losses that need them positive).
    `level_means`: a category column with levels too rare, or too many, for inputs of their own gets the mean of the target
    for each level as a further number (`chainrule.data.level_means`), where the levels differ; `weights` (training rows,)
    weigh them. Training rows are then to be encoded by `encode_by_folds`.
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
    target_scale = scale if scale_target and schema.task == "regression" else None
    targets = [
        _fit_target(table[name].take(rows), schema, target_scale, dtype, table.source) for name in schema.targets
    ]
    features = tuple(name for name in table.names if name not in schema.targets)
    encoder = Encoder((), features, tuple(targets), schema.task, schema.classes, schema.has_names)
    categories = [table[field.name].take(rows) for field in schema.inputs if field.treatment == "category"]
    means = {c.name: _fit_means(c, encoder, table, rows, weights, notes) for c in categories} if level_means else {}
    columns: list[InputColumn] = []
    numbers = _numbers(scale, schema, sum(map(len, means.values())), len(rows), seed)
    for field in schema.inputs:
        column, training = table[field.name], table[field.name].take(rows)
        _refuse_large(column, dtype, table.source)
        if field.treatment == "category":
            own = means.get(field.name, [])
            columns.append(_fit_category(training, notes, HEIGHT if scale in MOST_FURTHER else 1.0))
            columns += [_scaled(plan, means_of(plan, training), numbers) for plan in own]
        elif field.treatment == "date":
            columns += [_fit_numbers(training, part, numbers) for part in DATE_PARTS]
        else:
            columns.append(_fit_numbers(training, "", numbers))
    if scale is None:
        _note_scales(table, columns, rows, notes)
    encoder = replace(encoder, columns=tuple(columns), notes=tuple(notes))
    _refuse_equal_names(encoder)
    if not encoder.inputs:
        raise DataError("CR314", "no column gives an input", where=table.source, got="; ".join(map(str, notes)))
    return encoder


@dataclass(frozen=True)
class _Numbers:
    """How numbers, and means of levels, are brought to one scale, and how many further inputs each of them gets."""

    scale: str | None
    pieces: int
    waves: int
    seed: int


def _numbers(scale: str | None, schema: Schema, means: int, rows: int, seed: int) -> _Numbers:
    count = means + sum(
        {"category": 0, "boolean": 0, "date": len(DATE_PARTS)}.get(field.treatment, 1) for field in schema.inputs
    )
    room = min(rows // PIECE_ROWS, PIECE_INPUTS // max(count, 1), PIECE_CELLS // max(count * rows, 1))
    pieces, waves = MOST_FURTHER.get(scale or "", (0, 0))
    return _Numbers(scale, min(pieces, room), min(waves, room), seed)


def _fit_numbers(column: Column, part: str, numbers: _Numbers) -> InputColumn:
    treatment = "date" if part else column.kind
    values = numbers_of(column, part)
    present = values[~np.isnan(values)]
    marks = bool(column.missing_count) and part in ("", DATE_PARTS[0])
    plan = InputColumn(column.name, treatment, part, fill=_mean_and_deviation(present)[0], marks_missing=marks)
    if treatment == "boolean" or numbers.scale is None:
        return plan
    plan = _scaled(plan, present, numbers)
    return replace(plan, fill=plan.shift)


def _scaled(plan: InputColumn, values: Floats, numbers: _Numbers) -> InputColumn:
    """The plan with its numbers brought to one scale, as these values need it."""
    if numbers.scale in (None, "standard"):
        mean, deviation = _mean_and_deviation(values)
        return replace(plan, shift=mean, scale=deviation)
    median, spread = _median_and_spread(values)
    knots = knots_of(values, numbers.pieces)
    waves = waves_of(values, numbers.waves, WAVE_SPREAD, numbers.seed, inputs_of(plan)[0].name)
    return replace(plan, shift=median, scale=spread, clip=CLIP, knots=knots, waves=waves, height=HEIGHT)


def _fit_means(
    column: Column, encoder: Encoder, table: Table, rows: Ints, weights: Floats | None, notes: list[Note]
) -> list[InputColumn]:
    """A plan for each mean of the target that the column's levels differ in; none where every level has its own input."""
    counts = np.bincount(column.present, minlength=len(column.levels))
    names, used = means_named(encoder), np.flatnonzero(counts)
    if len(names) > MOST_MEANS or len(_kept(counts, len(column))) == len(used):
        return []
    every = InputColumn(column.name, "category", levels=tuple(sorted(column.levels[code] for code in used)))
    slots = slots_of(every, column)
    y = targets_of(encoder, table, rows)
    found = shrunk_means(slots, y, weights, len(every.levels), together=bool(encoder.classes))
    plans = [
        replace(every, part=name, means=tuple(found.values[:, k].tolist()), fill=float(found.prior[k]))
        for k, name in enumerate(names)
        if found.is_evident[k]
    ]
    text = (
        "its values differ in the target no more than by chance: no input says what the target is on average for each"
    )
    if plans:
        told = listing([plan.part for plan in plans], 3)
        m = sorted({f"{one:.3g}" for one in found.strength[found.is_evident]}, key=float)
        added = " to ".join(dict.fromkeys((m[0], m[-1])))
        text = (
            f"{told} among the training rows with the same value ({len(used):,} values), shrunk to the mean of all rows as "
            f"if {added} such rows were added; a training row is given that of other training rows"
        )
    notes.append(Note("means", f"column {column.name!r}", text))
    return plans


def _mean_and_deviation(values: Floats) -> tuple[float, float]:
    """Mean and standard deviation (of the population); the deviation of a constant counts as 1."""
    return _of_any_size(values, lambda unit: (float(unit.mean()), float(np.sqrt(np.mean((unit - unit.mean()) ** 2)))))


def _median_and_spread(values: Floats) -> tuple[float, float]:
    """Median and the width of the middle half; where most values are one, half the whole width; of a constant 1."""
    return _of_any_size(values, _quartiles)


def _quartiles(values: Floats) -> tuple[float, float]:
    low, median, high = np.percentile(values, (25, 50, 75))
    return float(median), float(high - low) or float(values.max() - values.min()) / 2


def _of_any_size(values: Floats, measure: Callable[[Floats], tuple[float, float]]) -> tuple[float, float]:
    """The middle and the width of numbers, measured once they are at most 1 in size: squares and differences of numbers
    near the ends of the float64 range would overflow or vanish."""
    if not len(values):
        return 0.0, 1.0
    largest = float(np.abs(values).max())
    if largest == 0 or values.min() == values.max():
        return float(values[0]), 1.0
    middle, width = measure(values / largest)
    return middle * largest, width * largest or 1.0


def _most(rows: int) -> int:
    """How many inputs a column's categories get at most."""
    return min(MAX_CATEGORIES, max(FEW_CATEGORIES, CATEGORY_CELLS // max(rows, 1)))


def _kept(counts: Ints, rows: int) -> Ints:
    """The categories that get an input of their own, by how often each of them stands in so many rows."""
    enough = max(2.0, min(RARE_SHARE * rows, RARE_ROWS))
    order = np.argsort(-counts, kind="stable")
    common = order[counts[order] >= enough]
    if len(common):
        return common[: _most(rows)]
    # A few categories of one row each are worth an input each; thousands of them are worth none.
    used = order[counts[order] > 0]
    return used if len(used) <= FEW_CATEGORIES else used[:0]


def _fit_category(column: Column, notes: list[Note], height: float) -> InputColumn:
    counts = np.bincount(column.present, minlength=len(column.levels))
    kept = _kept(counts, len(column))
    own = set(kept.tolist())
    pooled = [
        column.levels[code] for code in np.argsort(-counts, kind="stable").tolist() if counts[code] and code not in own
    ]
    if pooled:
        most = _most(len(column))
        reason = f"rare or beyond the {most} most frequent" if len(kept) == most else "rare"
        text = f"the input 'other' stands for {len(pooled)} {reason} of them: {listing(pooled, 5)}"
        if not len(kept):
            text = f"no input of its own, for each of its {len(pooled)} values is rare: {listing(pooled, 5)}"
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


def _note_scales(table: Table, columns: Sequence[InputColumn], rows: Ints, notes: list[Note]) -> None:
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
