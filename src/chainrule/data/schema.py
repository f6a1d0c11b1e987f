"""Which columns are learned from, which is predicted, and how each is treated: found from the data, with reasons."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from chainrule.constraints import choice
from chainrule.data.findings import Codes, far_value, is_constant, rare_classes, same_information
from chainrule.data.left_out import left_out, way_back
from chainrule.data.plain import refuse_infinite
from chainrule.data.table import Column, Note, Table, listing, no_such_column
from chainrule.data.target import Label, check_classes, check_numbers, find_task, labelled_rows, labels_of
from chainrule.errors import DataError, SettingError


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
    rows = labelled_rows(table, columns, missing_target, notes)
    if len(rows) < 2:
        raise DataError(
            "CR105", "too few rows to learn from", where=table.source, expected="at least 2", got=str(len(rows))
        )
    found = find_task(columns, rows, task, notes)
    classes: tuple[Label, ...] = ()
    if found == "classification":
        classes = labels_of(columns[0].take(rows))
        check_classes(columns[0], classes, len(rows), allow_many_classes or task is not None)
        found = "binary" if len(classes) == 2 else "multiclass"
        if rare := rare_classes(columns[0], rows):
            notes.append(Note("classes", f"target {columns[0].name!r}", rare))
    others = [column for column in table.columns if column.name not in targets]
    out = left_out(others, columns, classes, rows, drop, date_parts, keep, notes)
    fields = [_field(column, targets, found, out) for column in table.columns]
    inputs = [table[field.name] for field in fields if field.role == "input"]
    if not inputs:
        reasons = "; ".join(f"{name}: {reason}" for name, reason in list(out.items())[:8]) or "there is no other column"
        raise DataError(
            "CR314",
            "no columns are left to learn from",
            where=table.source,
            got=reasons,
            hint=None if not out else way_back(out),
        )
    for column in (*columns, *inputs):
        refuse_infinite(column, table.source)
    if found == "regression":
        check_numbers(columns, rows, table.source, notes)
    _note_inputs(inputs, rows, notes)
    return Schema(tuple(fields), targets, found, classes, rows, tuple(notes), table.has_names)


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


def _field(column: Column, targets: Sequence[str], task: str, out: dict[str, str]) -> Field:
    treatment = {"text": "category"}.get(column.kind, column.kind)
    if column.name in targets:
        kind = "number" if task == "regression" else "category"
        return Field(column.name, column.kind, "target", kind, f"the target ({task})")
    if column.name in out:
        return Field(column.name, column.kind, "left out", treatment, out[column.name])
    reason = {
        "number": "numbers, brought to one scale",
        "boolean": "true or false, as 1 or 0",
        "category": "categories, an input for each frequent one",
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
