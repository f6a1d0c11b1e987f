"""Options that several commands share."""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import click

from chainrule.errors import SettingError

F = TypeVar("F", bound=Callable[..., Any])

targets = click.option(
    "--target", "-t", "targets", multiple=True, required=True, help="The column to predict; repeat for several."
)
as_json = click.option("--json", "as_json", is_flag=True, help="Print the result as JSON on stdout.")


class Listed(click.Option):
    """An option that `--help` lists under a heading of its own."""

    def __init__(self, *names: Any, section: str, **settings: Any) -> None:
        super().__init__(*names, **settings)
        self.section = section


class Command(click.Command):
    """A command whose `--help` lists its options by what they are about."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        sections: dict[str, list[tuple[str, str]]] = {}
        for param in self.get_params(ctx):
            record = param.get_help_record(ctx) if isinstance(param, click.Option) else None
            if record is not None:
                sections.setdefault(getattr(param, "section", "Options"), []).append(record)
        for section, records in sections.items():
            with formatter.section(section):
                formatter.write_dl(records)


def under(section: str) -> Callable[..., Callable[[F], F]]:
    """`click.option` for options that `--help` lists under this heading."""
    return partial(click.option, cls=Listed, section=section)


reading_file = under("Reading the file")
READING = {
    "delimiter": reading_file("--delimiter", help="What separates the fields, where it is not found right."),
    "decimal": reading_file(
        "--decimal", type=click.Choice([".", ","]), help="The decimal mark, where it is not found right."
    ),
    "encoding": reading_file("--encoding", help="The encoding of a text file that is not UTF-8, such as latin-1."),
    "missing": reading_file(
        "--missing", multiple=True, metavar="TEXT", help="A further cell that means 'no value', such as '?'."
    ),
    "text": reading_file(
        "--text", multiple=True, metavar="COLUMN", help="A column kept as text, whatever it looks like."
    ),
    "trailing_comma": reading_file(
        "--trailing-comma", is_flag=True, default=None, help="Every row ends in a separator."
    ),
    "day_first": reading_file(
        "--day-first/--month-first", "day_first", default=None, help="How to read dates such as 01/02/2024."
    ),
}
"""The options of reading a file, by the names that `read_table` knows them by."""


def reading(command: F) -> F:
    """Add the options of reading a file; the command receives them as keyword arguments named in `read_table`."""
    for option in reversed(READING.values()):
        command = option(command)
    return command


def reading_of(asked: dict[str, Any]) -> dict[str, Any]:
    """The options of reading a file that were given, taken out of what was asked."""
    given = {name: asked.pop(name) for name in READING}
    return {name: value for name, value in given.items() if value not in (None, ())}


def one_or_more(names: tuple[str, ...]) -> Any:
    """A single name as it is, several as a tuple."""
    return names[0] if len(names) == 1 else names


_IN_PYTHON = re.compile(r"\b([a-z]\w*)=(\((?:'[^']*',?\s?)*\)|'[^']*'|\"[^\"]*\"|\.\.\.|\d[\d.]*\b|True|False)")


def as_options(text: str, command: click.Command | None = None) -> str:
    """A message with the settings it names written as they are typed after a command, by default the one that runs.

    What this command has no option for stays as it is.

    >>> from chainrule.cli.fit import fit
    >>> as_options("pass missing=('-', '?') or day_first=False", fit)
    "pass --missing=- --missing='?' or --month-first"
    >>> from chainrule.cli.use import predict
    >>> as_options("pass delimiter=';' or task='regression'", predict)
    "pass --delimiter=';' or task='regression'"
    >>> as_options("name its folder: run=...", fit)
    'name its folder: --run=PATH'
    """
    command = command or click.get_current_context().command
    known = {str(param.name): param for param in command.params if isinstance(param, click.Option)}

    def typed(found: re.Match[str]) -> str:
        option, value = known.get(found[1]), ast.literal_eval(found[2])
        if option is None:
            return found[0]
        if value is ...:
            value = option.metavar or option.type.name.upper()
        if value is False:
            return option.secondary_opts[0] if option.secondary_opts else found[0]
        name = max(option.opts, key=len)
        values = value if isinstance(value, tuple) else (value,)
        return name if value is True else " ".join(f"{name}={shlex.quote(str(part))}" for part in values)

    return _IN_PYTHON.sub(typed, text)


def typed() -> str:
    """The command that is running, as it was typed."""
    context = click.get_current_context()
    parts = ["chainrule", str(context.info_name)]
    for param in context.command.params:
        value = context.params.get(str(param.name))
        if context.get_parameter_source(str(param.name)) is not click.core.ParameterSource.COMMANDLINE:
            continue
        several = value if isinstance(value, tuple) else (value,)
        if isinstance(param, click.Argument):
            parts += [shlex.quote(str(one)) for one in several]
        elif value is False:
            parts.append(param.secondary_opts[0])
        else:
            name = max(param.opts, key=len)
            parts += [name if one is True else f"{name} {shlex.quote(str(one))}" for one in several]
    return " ".join(parts)


TEXTS = (".csv", ".tsv", ".tab", ".txt", ".gz")
BINARIES = (".parquet", ".pq", ".feather", ".arrow", ".arrows", ".xlsx")


def check_out(out: Path, sources: tuple[str, ...], *, refused: tuple[str, ...], usual: str) -> None:
    """Refuse to write over a file that the command reads, and a name that says something else than what is written."""
    if any(out.resolve() == Path(source).resolve() for source in sources):
        raise SettingError(
            "CR204", "the result would replace the file it is made from", where=f"--out {out}", hint="give another name"
        )
    if out.suffix.lower() in refused:
        raise SettingError(
            "CR204", f"what is written is not what a name in {out.suffix} says", where=f"--out {out}",
            hint=f"--out {out.with_suffix(usual)}",
        )  # fmt: skip


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
