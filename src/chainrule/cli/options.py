"""Options that several commands share."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, TypeVar

import click

from chainrule.errors import SettingError

F = TypeVar("F", bound=Callable[..., Any])

as_json = click.option("--json", "as_json", is_flag=True, help="Print the result as JSON on stdout.")
_READING = (
    click.option("--delimiter", help="What separates the fields, where it is not found right."),
    click.option("--decimal", type=click.Choice([".", ","]), help="The decimal mark, where it is not found right."),
    click.option("--encoding", help="The encoding of a text file that is not UTF-8, such as latin-1."),
    click.option("--missing", multiple=True, metavar="TEXT", help="A further cell that means 'no value', such as '?'."),
    click.option("--day-first/--month-first", "day_first", default=None, help="How to read dates such as 01/02/2024."),
)


def reading(command: F) -> F:
    """Add the options of reading a file; the command receives them as keyword arguments named in `read_table`."""
    for option in reversed(_READING):
        command = option(command)
    return command


def number(name: str, text: str) -> float:
    """A number typed where a word may stand too."""
    try:
        return float(text)
    except ValueError:
        raise SettingError("CR202", f"`{name}` must be a number or 'auto'", got=repr(text)) from None


def seconds(text: str | None) -> float | None:
    """A time such as 90, 90s, 2m or 1h in seconds.

    >>> seconds("2m")
    120.0
    """
    if text is None:
        return None
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(s|m|min|h|)", text.strip())
    if not found:
        raise SettingError(
            "CR202", "this is not a time", where="--time", expected="such as 90s, 2m or 1h", got=repr(text)
        )
    return float(found[1]) * {"": 1, "s": 1, "m": 60, "min": 60, "h": 3600}[found[2]]
