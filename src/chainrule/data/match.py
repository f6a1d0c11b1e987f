"""The columns of a table to predict on, matched with those that an encoder was fitted on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

import numpy as np

from chainrule.data.table import Column, Note, Table, category_column, date_column, listing, number_column
from chainrule.errors import DataError, nearest


class Named(Protocol):
    """Something with a name."""

    @property
    def name(self) -> str: ...


class Planned(Named, Protocol):
    """A source column and its treatment."""

    @property
    def treatment(self) -> str: ...
    @property
    def levels(self) -> tuple[str, ...]: ...


class Fitted(Protocol):
    """What matching needs to know of an encoder."""

    @property
    def columns(self) -> Sequence[Planned]: ...
    @property
    def features(self) -> tuple[str, ...]: ...
    @property
    def targets(self) -> Sequence[Named]: ...
    @property
    def has_names(self) -> bool: ...


def match_columns(fitted: Fitted, table: Table) -> tuple[dict[str, Column], list[Note]]:
    """The used columns by their name at training, each of the kind it had, and notes of what was adapted."""
    notes: list[Note] = []
    table = table.without([target.name for target in fitted.targets])
    needed = list(dict.fromkeys(plan.name for plan in fitted.columns))
    found = _by_position(fitted, table, needed, notes) if table.has_names != fitted.has_names else None
    if found is None:
        found = _by_name(fitted, table, needed, notes)
    plans = {plan.name: plan for plan in fitted.columns}
    return {name: _as_fitted(plans[name], column, table.source, notes) for name, column in found.items()}, notes


def _by_position(fitted: Fitted, table: Table, needed: list[str], notes: list[Note]) -> dict[str, Column]:
    for names in (list(fitted.features), needed):
        if len(names) == len(table.columns):
            pairs = dict(zip(names, table.columns, strict=True))
            text = "columns matched by position, for their names cannot be checked"
            notes.append(Note("names", table.source, text))
            return {name: replace(pairs[name], name=name) for name in needed}
    width = len(fitted.features)
    also = f" (or {len(needed)}, those that are used)" if len(needed) < width else ""
    raise DataError(
        "CR402",
        "another number of columns than the model was fitted on",
        where=table.source,
        expected=f"{width}{also}: {listing(fitted.features)}",
        got=str(len(table.columns)),
    )


def _by_name(fitted: Fitted, table: Table, needed: list[str], notes: list[Note]) -> dict[str, Column]:
    if not table.has_names and len(table.columns) != len(fitted.features):
        return _by_position(fitted, table, needed, notes)
    missing = [name for name in needed if name not in table]
    if missing:
        close = {name: nearest(name, table.names, limit=1) for name in missing}
        hints = [f"{found[0]!r} may be {name!r}" for name, found in close.items() if found and found[0] not in needed]
        if len(missing) == len(needed) > len(hints):
            hints = ["this is another table than the one that the model was trained on"]
        raise DataError(
            "CR401",
            f"{len(missing)} of {len(needed)} columns that the model needs are missing: {listing(missing)}",
            where=table.source,
            got=f"columns {listing(table.names)}",
            hint="; ".join(hints[:3]) or None,
        )
    known = {*fitted.features, *(target.name for target in fitted.targets)}
    extra = [name for name in table.names if name not in known]
    if extra:
        notes.append(Note("names", f"columns {listing(extra)}", "not known to the model and ignored"))
    common = [name for name in table.names if name in set(needed)]
    if common != needed:
        notes.append(Note("names", table.source, "columns stand in another order than at training; matched by name"))
    return {name: table[name] for name in needed}


def _as_fitted(plan: Planned, column: Column, where: str, notes: list[Note]) -> Column:
    if column.missing_count == len(column):
        return _all_missing(plan, column)
    if plan.treatment == "category" and column.kind in ("number", "boolean"):
        as_text = _numbers_as_text(plan, column)
        if as_text is not None:
            notes.append(Note("type", f"column {plan.name!r}", "numbers matched with categories of the same digits"))
            return as_text
    elif (
        (plan.treatment == "category" and column.kind == "text")
        or (plan.treatment == "number" and column.kind in ("number", "boolean"))
        or (plan.treatment == column.kind)
        or (plan.treatment == "boolean" and column.kind == "number" and np.isin(column.present, (0.0, 1.0)).all())
    ):
        return column
    expected = {"category": "text", "boolean": "true or false"}.get(plan.treatment, f"{plan.treatment}s")
    row = int(np.argmin(column.missing))
    raise DataError(
        "CR403",
        f"column {plan.name!r} is of another type than at training",
        where=f"{where}, row {row}",
        expected=expected + (f" such as {listing(map(repr, plan.levels), 3)}" if plan.levels else ""),
        got=f"{column.kind} ({column.take(np.array([row])).cells()[0]!r})",
    )


def _all_missing(plan: Planned, column: Column) -> Column:
    if plan.treatment == "category":
        return category_column(plan.name, (), np.full(len(column), -1))
    if plan.treatment == "date":
        return date_column(plan.name, np.full(len(column), "NaT", "datetime64[us]"))
    return number_column(plan.name, np.full(len(column), np.nan))


def _numbers_as_text(plan: Planned, column: Column) -> Column | None:
    """Numbers as the text they would have been read as, when training knows at least one of them."""
    distinct, codes = np.unique(column.present, return_inverse=True)
    levels = [str(int(value)) if value == np.floor(value) else repr(float(value)) for value in distinct]
    if column.kind == "boolean" or not set(levels) & set(plan.levels):
        return None
    all_codes = np.full(len(column), -1)
    all_codes[~column.missing] = codes.reshape(-1)
    return category_column(plan.name, levels, all_codes)
