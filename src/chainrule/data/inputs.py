"""One source column as inputs of a network: their names, their numbers, and the way back to the column's unit."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from chainrule.data.expansions import Expansion, Floats, Wave, expansions_of
from chainrule.data.plain import refuse_infinite, too_large
from chainrule.data.table import Column

DATE_PARTS = ("year", "month", "weekday", "elapsed days")


@dataclass(frozen=True)
class InputColumn:
    """How one source column (or one part of its dates) becomes inputs.

    Numbers: x -> (x - shift) / scale, `fill` where missing; where `clip` is set, r = (x - shift) / scale is then bent
    smoothly into (-clip, clip): r / sqrt(1 + (r / clip)²). `knots` and `waves` give further inputs of that number, `height`
    high (`chainrule.data.expansions`). Categories: one input of that `height` for each of `levels`,
    and one for all other values if training had rare ones (otherwise its weights would never have been trained, and an
    unseen value sets no category). `marks_missing`: an input that is 1 where the value is missing. Where `means` are set
    (one for each of `levels`; `part` says of what), a category stands for its number, any other value for `fill`, and this
    number is treated as numbers are.
    """

    name: str
    treatment: str
    part: str = ""
    shift: float = 0.0
    scale: float = 1.0
    fill: float = 0.0
    levels: tuple[str, ...] = ()
    has_other: bool = False
    marks_missing: bool = False
    clip: float = 0.0
    knots: tuple[float, ...] = ()
    height: float = 1.0
    means: tuple[float, ...] = ()
    waves: tuple[Wave, ...] = ()

    @property
    def is_one_hot(self) -> bool:
        return self.treatment == "category" and not self.means

    @property
    def expansions(self) -> list[Expansion]:
        """The further inputs of the number."""
        return expansions_of(self.knots, self.waves, self.height)

    @cached_property
    def position(self) -> dict[str, int]:
        """Where each level stands among `levels`."""
        return {level: position for position, level in enumerate(self.levels)}


@dataclass(frozen=True)
class Input:
    """One input of the network: its readable name, its source column, and the way back to the column's unit.

    `meaning`: "value", "piece" (of a number: its `column` cut off at the ends of the piece), "wave" (a cosine of it),
    "category", "other", "missing". `number`: of a piece or a wave, the name of the input that is the number itself.
    """

    name: str
    column: str
    meaning: str
    shift: float = 0.0
    scale: float = 1.0
    clip: float = 0.0
    number: str = ""

    def to_unit(self, value: float) -> float:
        """The value in the unit of the source column; near the ends of a bent scale few of its digits are left."""
        straight = value / math.sqrt(max(1.0 - (value / self.clip) ** 2, 1e-300)) if self.clip else value
        return straight * self.scale + self.shift


def inputs_of(plan: InputColumn) -> list[Input]:
    """The network inputs that a column becomes, in order."""
    inputs: list[Input] = []
    if plan.is_one_hot:
        unit = 1.0 / plan.height
        inputs += [Input(f"{plan.name}={level}", plan.name, "category", scale=unit) for level in plan.levels]
        if plan.has_other:
            other = "other" if "other" not in plan.levels else "(other)"
            inputs.append(Input(f"{plan.name}={other}", plan.name, "other", scale=unit))
    else:
        name = f"{plan.name}: {plan.part}" if plan.part else plan.name
        inputs.append(Input(name, plan.name, "value", plan.shift, plan.scale, plan.clip))
        inputs += [
            Input(f"{name} {one.label}", plan.name, one.meaning, one.shift, one.scale, number=name)
            for one in plan.expansions
        ]
    if plan.marks_missing:
        inputs.append(Input(f"{plan.name} is missing", plan.name, "missing"))
    return inputs


def numbers_of(column: Column, part: str) -> Floats:
    """The column as float64, or one part of its dates; NaN where missing."""
    numbers: Floats
    if not part:
        return column.values
    if column.kind != "date":
        return np.full(len(column), np.nan)
    days = column.values.astype("datetime64[D]")
    if part == "elapsed days":
        numbers = column.values.astype(np.float64) / 86_400e6
    elif part == "year":
        numbers = days.astype("datetime64[Y]").astype(np.float64) + 1970
    elif part == "month":
        numbers = days.astype("datetime64[M]").astype(np.float64) % 12 + 1
    else:
        numbers = (days.astype(np.float64) + 3) % 7  # Monday is 0: 1970-01-01 was a Thursday.
    return np.where(column.missing, np.nan, numbers)


def write_numbers(place: npt.NDArray[Any], plan: InputColumn, column: Column, where: str) -> None:
    """Write a numeric column, filled and standardised, into its place among the inputs."""
    refuse_infinite(column, where)
    values = means_of(plan, column) if plan.means else numbers_of(column, plan.part)
    if column.missing_count and not plan.means:
        values = np.where(np.isnan(values), plan.fill, values)
    scaled = (values - plan.shift) / plan.scale
    if plan.clip:
        scaled /= np.hypot(1.0, scaled / plan.clip)  # which cannot overflow where the square would
    limit = np.finfo(place.dtype).max
    if len(scaled) and np.abs(scaled).max() > limit:
        row = int(np.argmax(np.abs(scaled)))
        raise too_large(plan.name, row, float(values[row]), place.dtype, where)
    place[:, 0] = scaled
    for i, further in enumerate(plan.expansions, start=1):
        place[:, i] = further(values, scaled)
    if plan.marks_missing:
        place[:, -1] = column.missing


def slots_of(plan: InputColumn, column: Column) -> npt.NDArray[np.int64]:
    """The input that each row sets: a category, the other one, or -1 for none."""
    index = plan.position
    other = len(plan.levels) if plan.has_other else -1
    slots: npt.NDArray[np.int64] = np.array([*(index.get(level, other) for level in column.levels), -1], np.int64)
    found: npt.NDArray[np.int64] = slots[column.values]
    return found


def means_of(plan: InputColumn, column: Column) -> Floats:
    """The number that each row's category stands for."""
    numbers: Floats = np.array([*plan.means, plan.fill])[slots_of(plan, column)]
    return numbers


def write_categories(place: npt.NDArray[Any], plan: InputColumn, column: Column) -> None:
    """Write a category column, one-hot, into its place among the inputs."""
    slots = slots_of(plan, column)
    set_rows = np.flatnonzero(slots >= 0)
    place[set_rows, slots[set_rows]] = plan.height
    if plan.marks_missing:
        place[:, -1] = column.missing
