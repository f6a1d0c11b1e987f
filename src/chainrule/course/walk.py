"""A worked example worked through, as text and as plain data: the calculation, the slide's numbers beside the true ones."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from chainrule.course import scenes
from chainrule.course.document import Example
from chainrule.course.errata import Erratum, of_example
from chainrule.course.judge import AGREES, CARRIED, CUT, ROUNDED, WRONG, Judged, work
from chainrule.course.numbers import Number
from chainrule.course.recompute import TOLERANCE, recompute, report
from chainrule.course.symbols import symbol
from chainrule.explain.digits import MINUS, shown
from chainrule.explain.formula import written

# verdict -> how several and how one of them are told
_SAID = {
    AGREES: ("agree", "agrees"),
    ROUNDED: ("come from rounded operands", "comes from rounded operands"),
    CUT: ("are cut off", "is cut off"),
    CARRIED: ("carry a mistake on", "carries a mistake on"),
    WRONG: ("are wrong", "is wrong"),
}


@dataclass(frozen=True, eq=False)
class Walk:
    """An example, its quantities judged, and what belongs to it."""

    example: Example

    @cached_property
    def judged(self) -> list[Judged]:
        return work(self.example)

    @cached_property
    def numbers(self) -> list[Number]:
        """The library's own numbers beside the file's; none for a teacher's file."""
        return recompute(self.example)

    @property
    def errata(self) -> list[Erratum]:
        return of_example(self.example.name)

    @property
    def mistakes(self) -> list[Judged]:
        """The quantities whose print is wrong or carries a mistake on, in order."""
        return [one for one in self.judged if one.verdict in (WRONG, CARRIED)]

    def lines(self) -> Iterator[str]:
        """The walk-through for a terminal."""
        example = self.example
        yield example.title
        yield "  " + ": ".join(part for part in (example.document, example.section) if part)
        if example.given:
            yield ""
            yield "given"
            yield from _wrapped([f"{symbol(name)} = {shown(value, 12)}" for name, value in example.given.items()])
        yield from self._calculation()
        for title, said in scenes.scene(example):
            yield ""
            yield title
            yield from (f"  {line}".rstrip() for line in said)
        yield from self._closing()

    def _calculation(self) -> Iterator[str]:
        stage = None
        for one in self.judged:
            quantity = one.quantity
            if quantity.stage != stage:
                stage = quantity.stage
                yield ""
                yield stage or "calculation"
            left = symbol(quantity.name)
            pad = " " * len(left)
            note = f"    ({quantity.label})" if quantity.label else ""
            formula = written(quantity.expr, symbol)
            yield f"  {left} = {formula}{note}"
            if one.numbers != formula and one.numbers != shown(one.true, 9):
                yield f"  {pad} = {one.numbers}"
            value = shown(one.true, 9)
            if quantity.printed is None:
                if value != formula:
                    yield f"  {pad} = {value}"
                continue
            yield f"  {pad} = {value.ljust(16)}  slide: {quantity.printed.text.replace('-', MINUS).ljust(14)}  {one.verdict}"
            for line in (one.why, quantity.note):
                if line:
                    yield f"  {pad}   {line}"
            for print_, where in quantity.also:
                told = "agrees" if print_.agrees(one.true) else "does not agree"
                yield f"  {pad}   also printed: {print_.text} ({told}; {where})"

    def _closing(self) -> Iterator[str]:
        yield ""
        if said := self.summary():
            yield said
        if self.numbers:
            found = report(self.numbers)
            yield (
                f"chainrule's own parts give {found.count - len(found.differing)} of {found.count} numbers of this example "
                f"to 1e-12 (largest difference {found.largest:.0e})."
            )
        for key in ("remark", "remarks", "statement", "reading", "meaning", "construction"):
            told = self.example.data.get(key, ())
            for line in [told] if isinstance(told, str) else told:
                yield f"Remark: {line}"
        if self.errata:
            yield ""
            yield "about the slides"
            for erratum in self.errata:
                yield from (f"  {line}" for line in erratum.lines())

    def blank(self) -> Iterator[str]:
        """The calculation as a table to fill in: what is given, and every number left empty."""
        yield self.example.title
        yield from _wrapped([f"{symbol(name)} = {shown(value, 12)}" for name, value in self.example.given.items()])
        stage = None
        for quantity in self.example.quantities:
            if quantity.stage != stage:
                stage = quantity.stage
                yield stage or "calculation"
            yield f"  {symbol(quantity.name).ljust(16)} ________"

    def summary(self) -> str:
        """What the printed numbers are, in one sentence; "" where nothing is printed."""
        counts = Counter(one.verdict for one in self.judged if one.verdict)
        if not counts:
            return ""
        parts = [f"{counts[kind]} {_SAID[kind][counts[kind] == 1]}" for kind in _SAID if counts[kind]]
        first = self.mistakes[0] if self.mistakes else None
        return f"{counts.total()} printed numbers: {', '.join(parts)}." + (
            f" The first mistake is {symbol(first.quantity.name)}: {first.why}." if first else " No mistake, only rounding."
            if counts[AGREES] < counts.total() else ""
        )  # fmt: skip

    def to_dict(self) -> dict[str, Any]:
        """The same as plain data."""
        return {
            "example": self.example.name,
            "title": self.example.title,
            "document": self.example.document,
            "section": self.example.section,
            "given": dict(self.example.given),
            "quantities": [
                {
                    "name": one.quantity.name, "symbol": symbol(one.quantity.name), "label": one.quantity.label,
                    "stage": one.quantity.stage, "expr": one.quantity.expr, "numbers": one.numbers, "true": one.true,
                    "printed": one.quantity.printed and one.quantity.printed.text, "verdict": one.verdict or None,
                    "why": one.why, "first_wrong": one.first_wrong or None, "note": one.quantity.note,
                }
                for one in self.judged
            ],
            "summary": self.summary(),
            "recomputed": [{"what": n.what, "true": n.true, "chainrule": n.computed} for n in self.numbers],
            "tolerance": TOLERANCE,
            "scenes": [{"title": title, "lines": said} for title, said in scenes.scene(self.example)],
            "errata": [
                {"id": e.id, "kind": e.kind, "where": e.where, "printed": e.printed, "right": e.right, "why": e.why}
                for e in self.errata
            ],
        }  # fmt: skip


def _wrapped(parts: list[str], width: int = 100) -> Iterator[str]:
    line = ""
    for part in parts:
        if line and len(line) + len(part) > width:
            yield "  " + line
            line = ""
        line += ("" if not line else ", ") + part
    yield "  " + line
