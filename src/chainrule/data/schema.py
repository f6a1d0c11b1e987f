"""Which columns are learned from, which is predicted, and how each is treated: found from the data, with reasons."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from chainrule.constraints import choice
from chainrule.data.findings import (
    Codes,
    class_leak,
    determines_class,
    far_value,
    identifier_reason,
    is_constant,
    number_leak,
    rare_classes,
    same_information,
)
from chainrule.data.plain import infinity_text
from chainrule.data.table import Column, Note, Table, counted, listing, no_such_column, read_only, row_listing
from chainrule.errors import DataError, SettingError

Label = bool | int | float | str
LARGEST_TARGET = 1e150


@dataclass(frozen=True)
class Field:
    """One column's part.

    `role`: "input", "target" or "left out"; `treatment`: "number", "boolean", "category" or "date".
    """

    name: str
    kind: str
    role: str
    treatment: str
    reason: str


@dataclass(frozen=True, eq=False)
class Schema:
    """The parts of all columns, the task ("regression", "binary", "multiclass", or "multilabel" for several columns of 0 and
    1), and the classes in sorted order.

    `rows` are the rows that have a target.
    """

    fields: tuple[Field, ...]
    targets: tuple[str, ...]
    task: str
    classes: tuple[Label, ...]
    rows: Codes
    notes: tuple[Note, ...] = ()
    has_names: bool = True

    @property
    def inputs(self) -> tuple[Field, ...]:
        return tuple(field for field in self.fields if field.role == "input")

    def __getitem__(self, name: str) -> Field:
        return next(field for field in self.fields if field.name == name)


def infer_schema(
    table: Table,
    target: str | Sequence[str],
    *,
    task: str | None = None,
    keep: Sequence[str] = (),
    drop: Sequence[str] = (),
    date_parts: Sequence[str] = (),
    missing_target: str = "error",
    allow_many_classes: bool = False,
) -> Schema:
    """Find what each column is good for. Everything left out is named in `notes` with its reason.

    Parameters: `target` names the column (or columns of numbers) to be predicted; `task` overrides what was found
    ("regression", "classification" or "multilabel"); `keep` insists on columns that look like identifiers or give the
    target away; `drop` leaves out more; `date_parts` are date columns to be used as year, month, weekday and elapsed days
    (others are left out); `missing_target="drop"` leaves out rows without a target instead of refusing them.

    Raises `DataError` CR102 (infinite values), CR105 (too few rows or classes), CR108 (a target that does not fit),
    CR113, CR114 (missing targets), CR313 (no such column), CR314 (no inputs left).

    >>> from chainrule.data.files import read_table
    >>> table = read_table({"age": [22, 38, 26], "sex": ["m", "f", "f"], "survived": [0, 1, 1]})
    >>> schema = infer_schema(table, "survived")
    >>> schema.task, schema.classes, [(field.name, field.treatment) for field in schema.inputs]
    ('binary', (0, 1), [('age', 'number'), ('sex', 'category')])
    """
    targets = (target,) if isinstance(target, str) else tuple(target)
    keep, drop, date_parts = (_names(names) for names in (keep, drop, date_parts))
    _check_names(table, targets, keep, drop, date_parts)
    choice("missing_target", missing_target, ("error", "drop"))
    notes: list[Note] = []
    columns = [table[name] for name in targets]
    rows = _labelled_rows(table, columns, missing_target, notes)
    if len(rows) < 2:
        raise DataError(
            "CR105", "too few rows to learn from", where=table.source, expected="at least 2", got=str(len(rows))
        )
    found = _find_task(columns, rows, task, notes)
    classes: tuple[Label, ...] = ()
    if found == "classification":
        classes = labels_of(columns[0].take(rows))
        _check_classes(columns[0], classes, len(rows), allow_many_classes or task is not None)
        found = "binary" if len(classes) == 2 else "multiclass"
        if rare := rare_classes(columns[0], rows):
            notes.append(Note("classes", f"target {columns[0].name!r}", rare))
    others = [column for column in table.columns if column.name not in targets]
    out = _left_out(others, columns, classes, rows, drop, date_parts, keep, notes)
    fields = [_field(column, targets, found, out) for column in table.columns]
    inputs = [table[field.name] for field in fields if field.role == "input"]
    if not inputs:
        reasons = "; ".join(f"{name}: {reason}" for name, reason in list(out.items())[:8]) or "there is no other column"
        raise DataError(
            "CR314",
            "no columns are left to learn from",
            where=table.source,
            got=reasons,
            hint=None if not out else _way_back(out),
        )
    for column in (*columns, *inputs):
        refuse_infinite(column, table.source)
    if found == "regression":
        _check_numbers(columns, rows, table.source, notes)
    _note_inputs(inputs, rows, notes)
    return Schema(tuple(fields), targets, found, classes, rows, tuple(notes), table.has_names)


def labels_of(column: Column) -> tuple[Label, ...]:
    """The distinct values of a column, sorted, with their own type: whole numbers, fractions, truth values or text."""
    distinct = np.unique(column.present)
    if column.kind == "text":
        return tuple(sorted(column.levels[code] for code in distinct))
    if column.kind == "boolean":
        return tuple(bool(value) for value in distinct)
    whole = column.is_whole and not column.stored.startswith("float")
    return tuple(int(value) if whole else float(value) for value in distinct)


def refuse_infinite(column: Column, where: str) -> None:
    """CR102 for infinite values in a column of numbers."""
    if column.kind == "number" and np.isinf(column.values).any():
        raise DataError(
            "CR102",
            f"column {column.name!r} holds infinite values",
            where=f"{where}; {infinity_text(column.name, column.values)}",
            hint="clip them, take a logarithm, or empty these cells",
        )


def _way_back(out: dict[str, str]) -> str | None:
    """How a column that was left out can be had after all."""
    dates = [name for name, reason in out.items() if reason == "it holds dates"]
    if dates:
        return f"date_parts=({dates[0]!r},) uses year, month, weekday and elapsed days"
    found = [name for name, reason in out.items() if reason.startswith(("it gives", "it looks"))]
    return f"keep=({found[0]!r},) insists on this column" if found else None


def _check_numbers(targets: Sequence[Column], rows: Codes, where: str, notes: list[Note]) -> None:
    """CR107 for numbers to be predicted whose squares cannot be held; a note where there is nothing to predict."""
    for column in targets:
        values = column.values[rows].astype(np.float64)
        row = int(np.argmax(np.abs(values)))
        if abs(values[row]) > LARGEST_TARGET:
            raise DataError(
                "CR107",
                f"the target {column.name!r} is too large: the square of an error could not be held",
                where=f"{where}, row {int(rows[row])}",
                expected=f"at most {LARGEST_TARGET:.0e} in size",
                got=f"{values[row]:g}",
                hint="divide the target by a power of ten, or take its logarithm",
            )
        if values.min() == values.max():
            text = f"has the value {values[0]:g} in every row: there is nothing to learn"
            notes.append(Note("constant", f"target {column.name!r}", text))
        if far := far_value(column, rows):
            text = f"{far} Squared errors hang on it: correct it, leave the row out, or predict the logarithm"
            notes.append(Note("far value", f"target {column.name!r}", text))


def _names(names: Sequence[str]) -> tuple[str, ...]:
    return (names,) if isinstance(names, str) else tuple(names)


def _check_names(
    table: Table, targets: Sequence[str], keep: Sequence[str], drop: Sequence[str], date_parts: Sequence[str]
) -> None:
    if not targets:
        raise SettingError("CR202", "`target` names no column", expected=f"one of {listing(table.names)}")
    for name in (*targets, *keep, *drop, *date_parts):
        if name not in table:
            raise no_such_column(name, table)
    for first, second, what in (
        (keep, drop, "both kept and dropped"),
        (targets, (*keep, *drop), "the target, and cannot be kept or dropped"),
    ):
        both = sorted(set(first) & set(second))
        if both:
            raise SettingError("CR204", f"column {both[0]!r} is {what}")
    for name in date_parts:
        if table[name].kind != "date":
            raise DataError("CR106", f"column {name!r} holds no dates", got=table[name].kind)


def _labelled_rows(table: Table, targets: Sequence[Column], missing_target: str, notes: list[Note]) -> Codes:
    gone = np.zeros(table.row_count, bool)
    for column in targets:
        gone |= column.missing
    if gone.any() and missing_target == "error":
        raise DataError(
            "CR114",
            f"{int(gone.sum())} of {table.row_count} rows have no value in the target",
            where=f"{listing([column.name for column in targets])}, {row_listing(gone)}",
            hint="fill them in, or pass missing_target='drop' to leave these rows out",
        )
    if gone.any():
        names = listing([column.name for column in targets])
        notes.append(
            Note(
                "rows",
                f"target {names}",
                f"{counted(int(gone.sum()), 'row')} without a target left out ({row_listing(gone)})",
            )
        )
    return read_only(np.flatnonzero(~gone))


def _find_task(targets: Sequence[Column], rows: Codes, task: str | None, notes: list[Note]) -> str:
    """ "regression", "classification" or "multilabel"."""
    if task is not None:
        choice("task", task, ("regression", "classification", "binary", "multiclass", "multilabel"))
    asked = task if task in (None, "regression", "multilabel") else "classification"
    dates = [column.name for column in targets if column.kind == "date"]
    if dates:
        raise DataError(
            "CR108", f"the target {dates[0]!r} holds dates", hint="predict a number, such as days since a date"
        )
    are_labels = all(c.kind != "text" and np.isin(c.values[rows], (0, 1)).all() for c in targets)
    if asked == "multilabel" and not (are_labels and len(targets) > 1):
        raise DataError(
            "CR108", "several labels are several columns of 0 and 1", got=listing([column.name for column in targets]),
            hint="name a column for each label, such as target=['sport', 'politics']",
        )  # fmt: skip
    if asked == "multilabel" or (asked is None and are_labels and len(targets) > 1):
        names = listing([column.name for column in targets])
        text = "columns of 0 and 1, taken as labels of which a row may have several; task='regression' overrides"
        notes.append(Note("task", f"targets {names}", text))
        return "multilabel"
    if len(targets) > 1:
        texts = [column.name for column in targets if column.kind == "text"]
        if texts or asked == "classification":
            got = f"text in {listing(texts)}" if texts else f"task={task!r}"
            raise DataError("CR108", "several targets must all be numbers", got=got, hint="name one target")
        return "regression"
    column = targets[0]
    if asked == "regression":
        if column.kind == "text":
            raise DataError("CR108", f"the target {column.name!r} holds text", expected="numbers for task='regression'")
        return asked
    if column.kind in ("text", "boolean"):
        return "classification"
    values = column.values[rows]
    distinct = np.unique(values)
    if asked == "classification":
        if not np.all(distinct == np.floor(distinct)):
            raise DataError(
                "CR108",
                f"the target {column.name!r} is not whole-numbered",
                expected="classes",
                got=listing([f"{value:g}" for value in distinct], 4),
                hint="pass task='regression', or write the classes as text",
            )
        return asked
    is_class = column.is_whole and (len(distinct) == 2 or (len(distinct) <= 20 and len(distinct) * 5 <= len(rows)))
    if column.is_whole and len(distinct) <= 100:
        kind = f"{len(distinct)} classes" if is_class else "a number to be predicted"
        other = "regression" if is_class else "classification"
        if len(distinct) > 2:
            text = f"{len(distinct)} different whole numbers, taken as {kind}; task={other!r} overrides"
            notes.append(Note("task", f"target {column.name!r}", text))
    return "classification" if is_class else "regression"


def _check_classes(column: Column, classes: tuple[Label, ...], rows: int, allow_many: bool) -> None:
    if len(classes) < 2:
        raise DataError(
            "CR105",
            f"the target {column.name!r} has one class only",
            expected="at least 2 classes",
            got=repr(classes[0]),
        )
    if len(classes) > 2 and 2 * len(classes) > rows and not allow_many:
        raise DataError(
            "CR113",
            f"the target {column.name!r} has {len(classes)} classes for {rows} rows",
            hint="is it an identifier, or a number (task='regression')? task='classification' insists",
        )


def _left_out(
    others: Sequence[Column],
    targets: Sequence[Column],
    classes: tuple[Label, ...],
    rows: Codes,
    drop: Sequence[str],
    date_parts: Sequence[str],
    keep: Sequence[str],
    notes: list[Note],
) -> dict[str, str]:
    """Columns that are not learned from, each with its reason; every one is noted."""
    out: dict[str, str] = {}
    candidates = [column for column in others if column.name not in drop]
    only = len(candidates) == 1
    target_codes, labels = _class_codes(targets[0], rows) if classes else (np.empty(0, np.int64), [])

    def leave(column: Column, topic: str, reason: str) -> None:
        insist = f"; keep=({column.name!r},) insists"
        if column.name in keep or only:
            why = "kept, as asked" if column.name in keep else "kept, being the only input"
            notes.append(Note(topic, f"column {column.name!r}", f"{why}, though {reason}"))
            return
        out[column.name] = reason
        notes.append(Note(topic, f"column {column.name!r}", f"left out: {reason}" + insist))

    for column in others:
        if column.name in drop:
            out[column.name] = "dropped, as asked"
        elif column.missing_count == len(column):
            out[column.name] = "it has no value in any row"
            notes.append(Note("empty", f"column {column.name!r}", "left out: it has no value in any row"))
        elif column.kind == "date":
            if column.name not in date_parts:
                out[column.name] = "it holds dates"
                insist = f"date_parts=({column.name!r},) uses year, month, weekday and elapsed days"
                text = f"left out: it holds dates; {insist}"
                notes.append(Note("date", f"column {column.name!r}", text))
        elif reason := _leak(column, targets, target_codes, labels, rows):
            leave(column, "leak", f"it gives the target away: {reason}")
        elif reason := identifier_reason(column, only):
            leave(column, "identifier", f"it looks like an identifier or free text: {reason}")
        elif classes and determines_class(column, target_codes, rows):
            text = (
                f"every one of its values goes with one value of {targets[0].name!r}; is it known before the target is?"
            )
            notes.append(Note("leak", f"column {column.name!r}", text))
    if drop:
        notes.append(Note("dropped", f"columns {listing(drop)}", "left out, as asked"))
    return out


def _leak(column: Column, targets: Sequence[Column], codes: Codes, labels: Sequence[str], rows: Codes) -> str | None:
    if labels:
        return class_leak(column, codes, targets[0].name, labels, rows)
    return next((reason for target in targets if (reason := number_leak(column, target, rows))), None)


def _class_codes(target: Column, rows: Codes) -> tuple[Codes, list[str]]:
    """Codes of the classes in order of first appearance, and their names in that order."""
    distinct, first, codes = np.unique(target.values[rows], return_index=True, return_inverse=True)
    rank = np.empty(len(distinct), np.int64)
    rank[np.argsort(first)] = np.arange(len(distinct))
    cells = target.take(rows[np.sort(first)]).cells()
    return rank[codes.reshape(-1)], [f"{cell:g}" if isinstance(cell, float) else str(cell) for cell in cells]


def _field(column: Column, targets: Sequence[str], task: str, out: dict[str, str]) -> Field:
    treatment = {"text": "category"}.get(column.kind, column.kind)
    if column.name in targets:
        kind = "number" if task == "regression" else "category"
        return Field(column.name, column.kind, "target", kind, f"the target ({task})")
    if column.name in out:
        return Field(column.name, column.kind, "left out", treatment, out[column.name])
    reason = {
        "number": "numbers, standardised",
        "boolean": "true or false, as 1 or 0",
        "category": "categories, one input for each",
        "date": "dates, as year, month, weekday and elapsed days",
    }[treatment]
    return Field(column.name, column.kind, "input", treatment, reason)


def _note_inputs(inputs: Sequence[Column], rows: Codes, notes: list[Note]) -> None:
    missing = [f"{column.name} ({column.missing_count})" for column in inputs if column.missing_count]
    if missing:
        text = f"values are missing: {listing(missing, 12)}; each gets an input that says so"
        notes.append(Note("missing", "inputs", text))
    if len(inputs) > len(rows):
        notes.append(Note("width", "inputs", f"more columns ({len(inputs):,}) than rows ({len(rows):,})"))
    constant = [column.name for column in inputs if is_constant(column) and not column.missing_count]
    if constant:
        notes.append(Note("constant", f"columns {listing(constant)}", "one value in every row: no information"))
    for column in inputs:
        if far := far_value(column, rows):
            notes.append(Note("far value", f"column {column.name!r}", far))
    for first, second in same_information(inputs, rows):
        text = f"carries the same information as {first!r}; both are kept"
        notes.append(Note("same information", f"column {second!r}", text))
