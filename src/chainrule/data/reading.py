"""How a table is read: the options, with their defaults in one place."""

from __future__ import annotations

from dataclasses import dataclass
from types import ModuleType
from typing import Any

from chainrule.constraints import choice, whole
from chainrule.errors import SettingError

# Cells that mean "no value". Anything else is text; see `Reading.missing` for more.
MISSING = ("", "NA", "N/A", "NaN", "null", "None", "#N/A")
MEBIBYTE = 1 << 20


@dataclass(frozen=True)
class Reading:
    """Options of `read_table`; None means found from the data and said in a note.

    `missing`: further cells that mean "no value"; `text`: columns kept as text whatever they look like;
    `day_first`: how to read dates such as 01/02/2024; `max_cell` and `max_expanded` in bytes.
    """

    encoding: str | None = None
    delimiter: str | None = None
    decimal: str | None = None
    trailing_comma: bool = False
    day_first: bool | None = None
    missing: tuple[str, ...] = ()
    text: tuple[str, ...] = ()
    max_columns: int = 10_000
    max_cell: int = MEBIBYTE
    max_expanded: int = 4096 * MEBIBYTE

    def __post_init__(self) -> None:
        if self.delimiter is not None and (len(self.delimiter) != 1 or self.delimiter in '"\r\n'):
            raise SettingError("CR202", "`delimiter` must be one character", got=repr(self.delimiter))
        if self.decimal is not None:
            choice("decimal", self.decimal, (".", ","))
            if self.decimal == self.delimiter:
                raise SettingError("CR204", "`decimal` and `delimiter` are the same character", got=repr(self.decimal))
        for name in ("max_columns", "max_cell", "max_expanded"):
            whole(name, getattr(self, name), low=1)

    @property
    def missing_cells(self) -> frozenset[str]:
        return frozenset((*MISSING, *self.missing))


def arrow(*parts: str) -> tuple[ModuleType | Any, ...]:
    """The named parts of pyarrow ("" is pyarrow itself), or CR701 saying how to install it."""
    try:
        from importlib import import_module

        return tuple(import_module(f"pyarrow.{part}" if part else "pyarrow") for part in parts)
    except ImportError:
        raise SettingError("CR701", "reading files needs pyarrow", hint="pip install 'chainrule[app]'") from None
