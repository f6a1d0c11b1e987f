"""An explanation as aligned lines for a terminal."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

from chainrule.explain.digits import shown
from chainrule.explain.formula import names_in
from chainrule.explain.lines import Line, Shown, adds_terms
from chainrule.explain.sentences import say

INDENT = "  "


@dataclass(frozen=True)
class Row:
    """What one line shows: symbol = formula = numbers = value; parts that repeat another are left out."""

    symbol: str
    parts: tuple[str, ...]
    value: str
    kind: str
    note: str = ""


def to_text(explanation: Shown, width: int = 100) -> str:
    """The whole explanation: what is asked, the sections, the result with its checks, the notes, the largest child."""
    out = textwrap.wrap(
        f"{explanation.target}   {explanation.statement}", width, subsequent_indent=INDENT, drop_whitespace=True
    )
    result: list[Line] = []
    for section in explanation.sections:
        lines = list(section.lines)
        if any(line.key == explanation.result for line in lines):
            lines, result = _split(lines, explanation.result)
        if lines:
            out += ["", section.title, *_table(lines, explanation.digits, width)]
    if result:
        out += ["", *_result(result, explanation, width)]
    for note in explanation.notes:
        out += ["", *textwrap.wrap(note, width)] if note is explanation.notes[0] else textwrap.wrap(note, width)
    if explanation.children:
        child = explanation.children[0]
        title = say("gradient_child") if explanation.form == "update" else say("largest_child", row=child.row)
        out += ["", title, ""]
        out += textwrap.indent(to_text(child, width - len(INDENT)), INDENT).splitlines()
    return "\n".join(line.rstrip() for line in out)


def _split(lines: list[Line], key: str) -> tuple[list[Line], list[Line]]:
    """The lines before the result, and the result with its own terms."""
    line = next(line for line in lines if line.key == key)
    own = {*names_in(line.expr)} if line.role == "sum" else set()
    parts = [other for other in lines if other.key in own and other.role in ("term", "rest")]
    return [other for other in lines if other is not line and other not in parts], [*parts, line]


def _row(line: Line, lines: Sequence[Line], digits: int) -> Row:
    value = shown(line.value, line.digits or digits)
    if line.role == "rest":
        return Row(line.symbol, (), value, "rest")
    if adds_terms(line, lines):
        return Row(line.symbol, (), value, "sum")
    symbol = f"{line.symbol}:  " if line.role == "term" and line.symbol else line.symbol
    parts = [symbol + line.formula if line.role == "term" else line.formula] if line.formula != value else []
    parts += [line.numbers] if line.numbers not in (value, line.formula) else []
    kind = "plain" if line.role == "sum" else line.role
    return Row(line.symbol, tuple(parts), value, kind, f"   ({line.note})" if line.note else "")


def _table(lines: Sequence[Line], digits: int, width: int) -> list[str]:
    """The lines in columns; a line too long for them is broken at its equals signs."""
    rows = [_row(line, lines, digits) for line in lines]
    plain = [row for row in rows if row.kind not in ("term", "rest", "sum")]
    symbol = max((len(row.symbol) for row in plain), default=0)
    value = max((len(row.value) for row in rows), default=0)
    room = width - len(INDENT) - symbol - value - 9 - max((len(row.note) for row in rows), default=0)
    fitting = sorted((row for row in plain), key=lambda row: sum(map(len, row.parts)))
    while fitting and _span(fitting) > room:
        fitting.pop()
    columns = [max((len(row.parts[n]) for row in fitting if len(row.parts) > n), default=0) for n in range(2)]
    out: list[str] = []
    for n, row in enumerate(rows):
        if row.kind in ("term", "rest", "sum"):
            if n == 0 or rows[n - 1].kind not in ("term", "rest"):
                block = rows[n:]
                end = next(i for i, other in enumerate(block) if other.kind == "sum")
                out += _sum(block[: end + 1], width)
            continue
        if any(row is other for other in fitting):
            cells = [f"= {part:<{columns[i]}} " for i, part in enumerate(row.parts)]
            cells += [" " * (columns[i] + 3) if columns[i] else "" for i in range(len(row.parts), 2)]
            out.append(f"{INDENT}{row.symbol:<{symbol}} {''.join(cells)}= {row.value}{row.note}")
        else:
            out += _broken(row, symbol, width)
    return out


def _span(rows: Sequence[Row]) -> int:
    return sum(max((len(row.parts[n]) for row in rows if len(row.parts) > n), default=0) for n in range(2))


def _broken(row: Row, symbol: int, width: int) -> list[str]:
    out = []
    for n, part in enumerate((*row.parts, row.value + row.note)):
        head = f"{INDENT}{row.symbol if n == 0 else '':<{symbol}} = "
        out += folded(part, head, width)
    return out


def folded(part: str, head: str, width: int) -> list[str]:
    """A long formula folded before a plus, minus or times sign."""
    out, room = [], width - len(head)
    while len(part) > room:
        cut = max(part.rfind(" + ", 0, room), part.rfind(" − ", 0, room))
        if cut <= 0:
            cut = part.rfind("·", 0, room)
        if cut <= 0:
            break
        out.append(head + part[:cut])
        head, part = " " * len(head) + "  ", part[cut:].lstrip()
        room = width - len(head)
    return [*out, head + part]


def _sum(rows: Sequence[Row], width: int) -> list[str]:
    """A table of terms under the symbol they add up to; a term too long for the columns takes two lines."""
    *terms, total = rows
    inner = INDENT * 2
    room = width - len(inner) - 3 - max(len(row.value) for row in rows)
    fitting = sorted((row for row in terms if row.kind == "term"), key=lambda row: sum(map(len, row.parts)))
    while fitting and _span(fitting) + 3 > room:
        fitting.pop()
    columns = [max((len(row.parts[n]) for row in fitting if len(row.parts) > n), default=0) for n in range(2)]
    between = 3 if columns[1] else 0
    labels = [len(row.symbol) for row in terms if row.kind == "rest"] + [len(say("sum"))]
    filled = max(columns[0] + between + columns[1], *labels)
    columns[0] = filled - between - columns[1]
    out = [f"{INDENT}{total.symbol} = {say('sum_of')}"]
    for row in terms:
        if row.kind == "rest":
            out.append(f"{inner}{row.symbol:<{filled}} = {row.value}")
        elif any(row is other for other in fitting):
            first = f"{row.parts[0] if row.parts else '':<{columns[0]}}"
            second = f" = {row.parts[1]:<{columns[1]}}" if len(row.parts) > 1 else " " * (filled - columns[0])
            out.append(f"{inner}{first}{second} = {row.value}")
        else:
            out += folded(row.parts[0], inner, width)
            out += folded(" = ".join((*row.parts[1:], row.value)), f"{inner}  = ", width)
    out.append(f"{inner}{say('sum'):<{filled}} = {total.value}")
    return out


def _result(lines: Sequence[Line], explanation: Shown, width: int) -> list[str]:
    rows = [_row(line, lines, explanation.digits) for line in lines]
    if rows[-1].kind == "sum":
        out = _sum(rows, width)
    else:
        out = _broken(rows[-1], len(rows[-1].symbol), width)
    checks = checks_of(explanation)
    if checks and len(out[-1]) + 3 + len(checks) <= width:
        out[-1] += "   " + checks
    elif checks:
        out.append(INDENT + checks)
    return out


def checks_of(explanation: Shown) -> str:
    """The engine's number and the finite difference, beside the result."""
    parts = []
    if explanation.engine is not None:
        name = say("engine") if explanation.dtype == "float64" else f"{say('engine')} ({explanation.dtype})"
        parts.append(f"{name} {shown(explanation.engine, explanation.digits)}")
    estimate = explanation.finite_difference
    if estimate is not None:
        accuracy = shown(estimate.accuracy, 1)
        parts.append(f"{say('finite_difference')} {shown(estimate.value, explanation.digits)} ± {accuracy}")
    return "   ".join(parts)
