"""A worked example as a document: what is given, and the quantities of the calculation in their order.

The examples of the package are JSON; a teacher's own is a short TOML file (`docs/lecture-file.md`).
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from importlib.resources import files
from pathlib import Path
from typing import Any

from chainrule.calculus.formula import FUNCTIONS
from chainrule.course.printed import Printed, printed
from chainrule.errors import ChainruleError, DataError, unknown_name
from chainrule.explain.formula import names_in

_LONGEST = 500
_FOLDER = files("chainrule.course") / "worked_examples"


@dataclass(frozen=True)
class Quantity:
    """One number of a calculation: `expr` in the given names and earlier quantities, and what the slide prints for it."""

    name: str
    expr: str
    printed: Printed | None = None
    also: tuple[tuple[Printed, str], ...] = ()  # other prints of the same number, and where they stand
    label: str = ""
    stage: str = ""
    note: str = ""
    source_expr: str = ""  # what the slide itself calculates, in numbers
    true: float | None = None  # the value to 15 digits, where it is known from elsewhere


@dataclass(frozen=True, eq=False)
class Example:
    """A worked example: `given` numbers by name, `quantities` in order, and everything else of its file in `data`."""

    name: str
    title: str
    kind: str
    document: str
    section: str
    given: Mapping[str, float] = field(default_factory=dict)
    quantities: tuple[Quantity, ...] = ()
    data: Mapping[str, Any] = field(default_factory=dict)

    @cached_property
    def by_name(self) -> dict[str, Quantity]:
        return {quantity.name: quantity for quantity in self.quantities}


def names() -> list[str]:
    """The names of all worked examples of the package."""
    return sorted(entry.name[:-5] for entry in _FOLDER.iterdir() if entry.name.endswith(".json"))


def load(name: str) -> Example:
    """A worked example by name.

    >>> load("dse3121-han-kamber-3-2-1").quantities[7].printed.text
    '0.1311'
    """
    if name not in names():
        raise unknown_name("worked example", name, names())
    data = json.loads((_FOLDER / f"{name}.json").read_text("utf-8"))
    return _example(name, data, name)


def load_toml(path: str | Path) -> Example:
    """A lecture file: `title`, a table `given` and a list of `quantity`, each with `name`, `expr` and, where the slide shows
    it, `printed` (text, so that its digits count).

    Raises `DataError` with the file and the quantity where something is missing or wrong.
    """
    path = Path(path)
    if not path.is_file():
        raise DataError("CR301", "this file is not there", where=str(path))
    try:
        data = tomllib.loads(path.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as reason:
        raise DataError("CR309", "this is not TOML", where=str(path), got=str(reason)) from None
    known = {"title", "document", "section", "given", "quantity"}
    for key in data:
        if key not in known:
            raise DataError(
                "CR203", f"unknown entry {key!r}", where=str(path), expected=", ".join(sorted(known)),
                hint="a quantity begins with a line [[quantity]]",
            )  # fmt: skip
    rows = data.get("quantity", [])
    if not isinstance(rows, list) or not rows:
        raise DataError("CR302", "a lecture file needs at least one [[quantity]]", where=str(path))
    data["quantities"] = [_from_toml(row, i, path) for i, row in enumerate(rows)]
    data.setdefault("title", path.stem)
    data["kind"] = "lecture"
    data["source"] = {"document": data.get("document", path.name), "section": data.get("section", "")}
    return _example(path.stem, data, str(path))


_ROW = {"name", "expr", "printed", "label", "stage", "note", "source"}


def _from_toml(row: Any, index: int, path: Path) -> dict[str, Any]:
    where = f"{path}, quantity {index + 1}"
    if not isinstance(row, dict) or not {"name", "expr"} <= set(row):
        raise DataError("CR305", "a quantity needs `name` and `expr`", where=where)
    for key, value in row.items():
        if key not in _ROW:
            raise DataError("CR203", f"unknown entry {key!r}", where=where, expected=", ".join(sorted(_ROW)))
        if not isinstance(value, str):
            raise DataError(
                "CR202",
                f"`{key}` must be text",
                where=where,
                got=repr(value),
                hint=f'write {key} = "{value}", its digits count',
            )
    made = {key: value for key, value in row.items() if key != "source"}
    if "source" in row:
        made["source_arithmetic"] = {"expr": row["source"]}
    return made


def _example(name: str, data: dict[str, Any], where: str) -> Example:
    given: dict[str, float] = {}
    for key, value in data.get("given", {}).items():
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise DataError("CR106", f"the given {key!r} must be a number", where=where, got=repr(value))
        _check_name(key, given, where)
        given[key] = float(value)
    quantities: list[Quantity] = []
    taken = set(given)
    for row in data.get("quantities", []):
        _check_name(row["name"], taken, where)
        quantities.append(_quantity(row, taken, where))
        taken.add(row["name"])
    source = data.get("source", {})
    return Example(
        name, data["title"], data["kind"], source.get("document", ""), source.get("section", ""), given, tuple(quantities),
        {**data, "errata": data.get("errata", ())},
    )  # fmt: skip


def _check_name(name: Any, taken: Any, where: str) -> None:
    if not isinstance(name, str) or not re.fullmatch(r"[A-Za-z_]\w*", name) or name in FUNCTIONS:
        raise DataError("CR207", "a name is a letter followed by letters, digits and _", where=where, got=repr(name))
    if name in taken:
        raise DataError("CR207", f"the name {name!r} is used twice", where=where)


def _quantity(row: dict[str, Any], known: set[str], where: str) -> Quantity:
    where = f"{where}, {row['name']}"
    if len(row["expr"]) > _LONGEST:
        raise DataError(
            "CR209", "this formula is too long to read", where=where, expected=f"at most {_LONGEST} characters"
        )
    try:
        used = names_in(row["expr"])
        text = row.get("printed")
        number = None if text is None else printed(text)
    except SyntaxError as reason:
        raise DataError("CR209", "not a formula", where=where, got=f"{row['expr']} ({reason.msg})") from None
    except ChainruleError as reason:
        raise DataError(reason.code, reason.what, where=where, expected=reason.expected, got=reason.got) from None
    for name in used:
        if name not in known:
            unknown = unknown_name("name in a formula", name, known)
            raise DataError(
                unknown.code, unknown.what, where=where, got=repr(name), hint=unknown.hint or "it must stand above"
            )
    return Quantity(
        row["name"], row["expr"], number, tuple((printed(a["text"]), a["where"]) for a in row.get("also_printed", ())),
        row.get("label", ""), row.get("stage", ""), row.get("note", ""), row.get("source_arithmetic", {}).get("expr", ""),
        row.get("true"),
    )  # fmt: skip
