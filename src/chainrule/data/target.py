"""What is to be predicted: the rows that have it, the task that its values make, and its classes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from chainrule.constraints import choice
from chainrule.data.findings import Codes, far_value
from chainrule.data.table import Column, Note, Table, counted, listing, read_only, row_listing
from chainrule.errors import DataError

Label = bool | int | float | str
LARGEST_TARGET = 1e150


def labelled_rows(table: Table, targets: Sequence[Column], missing_target: str, notes: list[Note]) -> Codes:
    """The rows in which every target has a value. CR114 where some have none, unless `missing_target` is "drop"."""
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


def find_task(targets: Sequence[Column], rows: Codes, task: str | None, notes: list[Note]) -> str:
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


def labels_of(column: Column) -> tuple[Label, ...]:
    """The distinct values of a column, sorted, with their own type: whole numbers, fractions, truth values or text."""
    distinct = np.unique(column.present)
    if column.kind == "text":
        return tuple(sorted(column.levels[code] for code in distinct))
    if column.kind == "boolean":
        return tuple(bool(value) for value in distinct)
    whole = column.is_whole and not column.stored.startswith("float")
    return tuple(int(value) if whole else float(value) for value in distinct)


def check_classes(column: Column, classes: tuple[Label, ...], rows: int, allow_many: bool) -> None:
    """CR105 for a single class, CR113 for so many that most of them have one row (unless `allow_many`)."""
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


def check_numbers(targets: Sequence[Column], rows: Codes, where: str, notes: list[Note]) -> None:
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
