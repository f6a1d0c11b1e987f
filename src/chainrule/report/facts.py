"""What a report is about: the model, the rows it is looked at on, and what was calculated of them."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from chainrule.data.table import Table
from chainrule.diagnostics.diagnosis import Diagnosis
from chainrule.diagnostics.doctor import diagnose
from chainrule.errors import ChainruleError
from chainrule.explain.model import telling, trace_of
from chainrule.explain.player import player
from chainrule.influence import Dependence, Ranking, partial_dependence, permutation_importance
from chainrule.metrics.confusion import confusion
from chainrule.metrics.inputs import PREPARE
from chainrule.model import Model, probable, truth_and_prediction
from chainrule.plots.subject import spread
from chainrule.provenance import origin
from chainrule.shapes import Ints

ENOUGH = 100  # of fewer rows kept away, nothing can be said; then all rows are looked at
LOOKED_AT = 20_000  # of larger data, so many rows evenly taken
SHOWN = 5  # rows at either end
MOVED = 2e7  # of a larger network times its rows, fewer rows are moved to see what a column does
T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class Rows:
    """The rows that a report looks at: their table, their numbers in the file, in words which they are, and the file's."""

    table: Table
    numbers: Ints
    said: str
    whole: Table
    known: bool  # whether they hold the target


@dataclass(frozen=True)
class Extreme:
    """One row of the most or least certain: its number, what is true, what is said, how sure or how far off."""

    number: int
    truth: str
    said: str
    measure: float
    cells: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Facts:
    """A model with its data, and whether values of the data may be shown."""

    model: Model
    rows: Rows | None
    shows_rows: bool
    command: str | None = None

    @cached_property
    def ranking(self) -> Ranking | None:
        """The columns by importance; None without targets."""
        rows = self.rows
        if rows is None or not rows.known:
            return None
        return attempt(lambda: permutation_importance(self.model, rows.table))

    @cached_property
    def dependences(self) -> list[Dependence]:
        """Of the three most important columns."""
        rows = self.rows
        if rows is None or self.ranking is None:
            return []
        names = [one.column for one in self.ranking.columns[:3] if one.mean > 0]
        few = int(np.clip(MOVED / self.model.network.plan.size, 40, 200))
        found = [attempt(partial(partial_dependence, self.model, rows.table, name, rows=few)) for name in names]
        return [one for one in found if one is not None]

    @cached_property
    def diagnosis(self) -> Diagnosis | None:
        """What ails the network; None without targets."""
        rows = self.rows
        if rows is None or not rows.known:
            return None
        return attempt(lambda: diagnose(self.model, rows.whole))

    @cached_property
    def compared(self) -> tuple[NDArray[Any], NDArray[Any]] | None:
        """Truth and prediction as metrics want them; None without targets."""
        rows = self.rows
        if rows is None or not rows.known:
            return None
        model = self.model
        return attempt(
            lambda: truth_and_prediction(model.encoder, model.network, rows.table, model.outputs(rows.table))
        )

    @cached_property
    def confusion(self) -> NDArray[np.float64] | None:
        """Rows by true class and predicted class."""
        if self.compared is None or not self.model.classes:
            return None
        return confusion(*PREPARE["classes"](*self.compared, None))

    @cached_property
    def extremes(self) -> tuple[list[Extreme], list[Extreme]] | None:
        """The rows told most surely and least surely; of numbers, those told best and worst. None where they are not shown."""
        if not self.shows_rows or self.rows is None or self.compared is None or self.model.task == "multilabel":
            return None
        truth, predicted = self.compared
        if self.model.classes:
            p = probable(self.model.network, self.model.outputs(self.rows.table))
            measure = np.maximum(p, 1 - p)[:, 0] if self.model.task == "binary" else p.max(axis=1)
            order = np.argsort(-measure, kind="stable")
            answers = self.model.answers(self.model.outputs(self.rows.table))
            true = self.model.encoder.decode_target(np.asarray(truth).ravel().astype(np.int64))
        else:
            measure = np.abs(truth - predicted)[:, 0]
            order = np.argsort(measure, kind="stable")
            answers, true = predicted[:, 0], np.asarray(truth)[:, 0]
        columns = [self.rows.table[one.column] for one in (self.ranking.columns[:4] if self.ranking else ())]
        cells = {column.name: column.cells() for column in columns}

        def row(k: int) -> Extreme:
            assert self.rows is not None
            shown = tuple(_cell(cells[column.name][k]) for column in columns)
            return Extreme(int(self.rows.numbers[k]), _cell(true[k]), _cell(answers[k]), float(measure[k]), shown)

        count = min(SHOWN, len(order) // 2)
        return [row(int(k)) for k in order[:count]], [row(int(k)) for k in order[::-1][:count]]

    @cached_property
    def walk(self) -> tuple[int, str, str] | None:
        """One gradient with the step player: the row's number, the address, and the player's page."""
        rows = self.rows
        if not self.shows_rows or rows is None or not rows.known:
            return None

        def make() -> tuple[int, str, str]:
            row, of = telling(self.model, rows.table)
            raw = self.model.encoder.raw(rows.table, np.array([row]))[0]
            page = player(trace_of(self.model, rows.table, row), of, encoder=self.model.encoder, raw=raw)
            return int(rows.numbers[row]), of, page

        return attempt(make)

    def class_name(self, k: int) -> str:
        """The label of a class, or a number where values are not shown."""
        return str(self.model.classes[k]) if self.shows_rows else f"class {k + 1}"

    @cached_property
    def _values(self) -> re.Pattern[str] | None:
        """The texts that a report without rows must not hold: categories and labels."""
        encoder = self.model.encoder
        texts = {str(label) for label in encoder.classes} | {level for one in encoder.columns for level in one.levels}
        if self.rows is not None:
            texts |= {level for column in self.rows.table.columns for level in column.levels}
        words = sorted((re.escape(text) for text in texts if text.strip()), key=len, reverse=True)
        return re.compile(rf"(?<!\w)(?:{'|'.join(words)})(?!\w)") if words else None

    def kept(self, text: str) -> str:
        """A text as it is, or without it where it names values of the data that must not be shown."""
        if self.shows_rows or self._values is None or not self._values.search(text):
            return text
        return "(not shown: it names values of the data)"


def attempt(calculate: Callable[[], T]) -> T | None:
    """What was calculated, or None where the model or the data do not allow it: a report then goes without."""
    try:
        return calculate()
    except ChainruleError:
        return None


def _cell(value: Any) -> str:
    if value is None:
        return "missing"
    return f"{value:.6g}" if isinstance(value, (float, np.floating)) else str(value)


def rows_of(model: Model, data: Any) -> Rows | None:
    """The rows to look at: those kept away from training where these are the data it was trained on and they are enough."""
    if data is None and "data" in model.card:
        source = Path(str(model.card["data"]["source"]))
        data = source if source.is_file() else None
    if data is None:
        return None
    found = origin(model, data)
    table = found.table if found is not None else model.table(data)[0]
    numbers = np.arange(table.row_count)
    if found is None:
        said = f"the rows of {Path(table.source).name}; whether the network was trained on them is not known"
    elif len(found.parts.test) >= ENOUGH:
        numbers, said = found.parts.test, "the test rows, kept away from training"
    elif len(found.fresh) >= ENOUGH:
        numbers, said = found.fresh, "the rows watched for stopping, kept away from training"
    else:
        said = "all rows, most of which the network was trained on: too few were kept away"
    numbers = numbers[spread(len(numbers), LOOKED_AT)]
    known = all(target.name in table for target in model.encoder.targets)
    if known:  # rows without a target are not looked at
        missing = np.any([table[target.name].missing[numbers] for target in model.encoder.targets], axis=0)
        numbers = numbers[~missing]
    return Rows(table.take(numbers), numbers, f"{len(numbers):,} rows: {said}", table, known) if len(numbers) else None
