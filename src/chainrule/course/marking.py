"""Marking: the first wrong number of a solution, and the slip that made it.

A number is right when it is the true one, rounded or cut off at its last digit, or what the answers before it give (their
rounding included). What follows from an earlier slip is said to follow, and not counted again.
"""

from __future__ import annotations

import itertools
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chainrule.calculus.formula import evaluate
from chainrule.constraints import whole
from chainrule.course.document import Example, load
from chainrule.course.exercises import Exercise, Shape, exercises
from chainrule.course.printed import Printed, printed
from chainrule.course.slips import OTHER, ROUNDED, SIGN, TYPING, Slip, of_formula, slips
from chainrule.errors import ChainruleError, DataError, nearest
from chainrule.explain.digits import shown
from chainrule.explain.formula import names_in, rename

RIGHT, FOLLOWS, WRONG = "right", "follows", "slip"


@dataclass(frozen=True)
class Mark:
    """One answer: right, following from an earlier slip, or a slip, with its name and what happened."""

    name: str
    answer: str
    true: float
    verdict: str
    slip: str = ""
    what: str = ""


@dataclass(frozen=True)
class Marked:
    """A marked solution: who, which problem, every answer in the order of the calculation."""

    who: str
    problem: str
    marks: tuple[Mark, ...]

    @property
    def first(self) -> Mark | None:
        """The first wrong number."""
        return next((mark for mark in self.marks if mark.verdict == WRONG), None)


def mark(problem: Exercise | Example, answers: Mapping[str, str], who: str = "") -> Marked:
    """Mark the answers (name of a quantity -> printed number) to an exercise or a worked example. Not all need be given.

    Raises `DataError` for names that the problem does not have and for answers that are not numbers.
    """
    example = problem.example if isinstance(problem, Exercise) else problem
    shape = problem.shape if isinstance(problem, Exercise) else None
    for name in answers:
        if name not in example.by_name:
            close = nearest(name, example.by_name)
            raise DataError(
                "CR203", f"this problem has no quantity {name!r}", where=who or None,
                hint=f"did you mean {' or '.join(close)}?" if close else None,
            )  # fmt: skip
    marker = _Marker(example, shape, {name: printed(str(text)) for name, text in answers.items()})
    return Marked(who, example.name, tuple(marker.run()))


class _Marker:
    """One solution being marked; `values` are the numbers that the student goes on from."""

    def __init__(self, example: Example, shape: Shape | None, answers: Mapping[str, Printed]) -> None:
        self.example, self.shape, self.answers = example, shape, answers
        self.values: dict[str, float] = dict(example.given)
        self.kept: dict[str, float] = {}  # an answer before it was rounded, where the student may have gone on with it
        self.true: dict[str, float] = dict(example.given)
        self.formulas = {quantity.name: quantity.expr for quantity in example.quantities}
        self.slipped = False
        for quantity in example.quantities:
            self.true[quantity.name] = evaluate(quantity.expr, self.true)
        if shape is not None:  # slips may name numbers that the topic does not ask for
            from_all = exercises("update", str(shape))[0].example
            self.formulas = {**{q.name: q.expr for q in from_all.quantities}, **self.formulas}

    def run(self) -> Iterator[Mark]:
        for quantity in self.example.quantities:
            if quantity.name in self.answers:
                yield self.judge(quantity.name, self.answers[quantity.name])

    def judge(self, name: str, answer: Printed) -> Mark:
        true = self.true[name]
        formula = self.inlined(name)
        made = RIGHT, "", ""
        if not self.fits(answer, true) and not self.is_right(formula, answer):
            made = WRONG, *self.name_slip(name, formula, answer)
            self.slipped = True
        elif self.slipped and not self.fits(answer, true):
            made = FOLLOWS, "", "right with the numbers before it"
        value = float(answer.value)
        from_before = evaluate(formula, self.values)
        self.kept[name] = true if self.fits(answer, true) else from_before if self.fits(answer, from_before) else value
        self.values[name] = value
        return Mark(name, answer.text, true, *made)

    def inlined(self, name: str, changed: Mapping[str, str] | None = None) -> str:
        """The formula of a quantity in given and answered names; `changed` formulas replace the right ones on the way."""
        formula = (changed or {}).get(name, self.formulas[name])
        inner = {n: self.inlined(n, changed) for n in names_in(formula) if n not in self.values}
        return rename(formula, inner) if inner else formula

    def hidden(self, name: str, formulas: Mapping[str, str]) -> list[str]:
        """The quantities on the way to this one that were not answered."""
        found: dict[str, None] = {}
        for inner in names_in(formulas[name]):
            if inner not in self.values:
                found.update(dict.fromkeys([*self.hidden(inner, formulas), inner]))
        return list(found)

    def worlds(self, formula: str) -> Iterator[dict[str, float]]:
        """The numbers a student may have gone on with: the answers, or some of them before they were rounded."""
        loose = [n for n in names_in(formula) if n in self.kept and self.kept[n] != self.values[n]]
        for keep in itertools.product((False, True), repeat=min(len(loose), 5)):
            yield {**self.values, **{n: self.kept[n] for n, yes in zip(loose, keep, strict=False) if yes}}
        yield {**self.values, **{n: self.kept[n] for n in loose}}

    def fits(self, answer: Printed, value: float) -> bool:
        return answer.agrees(value) or answer.cut_off(value)

    def is_right(self, formula: str, answer: Printed) -> bool:
        """Whether the right formula gives the answer, up to the rounding of what it was calculated from."""
        for world in self.worlds(formula):
            value = evaluate(formula, world)
            spread = sum(
                abs(evaluate(formula, {**world, n: world[n] + float(self.answers[n].unit) / 2}) - value)
                for n in names_in(formula) if n in self.kept
            )  # fmt: skip
            if abs(value - float(answer.value)) <= float(answer.unit) + spread * 1.01:
                return True
        return False

    def name_slip(self, name: str, formula: str, answer: Printed) -> tuple[str, str]:
        """The slip whose formula gives the answer: in this number, or in one on the way that was not answered."""
        for where in [name, *reversed(self.hidden(name, self.formulas))]:
            for slip, what, changed in self.possible(where):
                told = what if where == name else f"{what} (in {where})"
                if self.gives(self.inlined(name, {where: changed}), answer):
                    return slip, told
        for what, world in self.coarse(formula):
            if self.fits(answer, evaluate(formula, world)):
                return ROUNDED, what
        if self.gives(f"-({formula})", answer):
            return SIGN, "the sign is turned"
        best = evaluate(formula, self.values)
        for value in (best, self.true[name]):
            if typed := answer.typing_error(value):
                return TYPING, typed
        if best and abs(float(answer.value) / best - 1.0) < 0.02:
            return (
                ROUNDED,
                f"{shown(abs(float(answer.value) / best - 1.0) * 100, 2)} % off, as with numbers rounded on the way",
            )
        return OTHER, f"the numbers before it give {shown(best, 6)}"

    def possible(self, name: str) -> Iterator[Slip]:
        if self.shape is not None:
            yield from slips(self.shape, name)
        else:
            order = list(self.true)  # what comes later cannot have been confused with it
            before = {n: self.values.get(n, self.true[n]) for n in order[: order.index(name)]}
            yield from of_formula(self.formulas[name], before)

    def gives(self, formula: str, answer: Printed) -> bool:
        try:
            return any(self.fits(answer, evaluate(formula, world)) for world in self.worlds(formula))
        except (ArithmeticError, ValueError):
            return False

    def coarse(self, formula: str) -> Iterator[tuple[str, dict[str, float]]]:
        """Worlds in which everything that was calculated is rounded to a few digits."""
        calculated = [n for n in names_in(formula) if n in self.kept]
        for base in (self.kept, self.true):
            for digits in (3, 2, 1):
                for how in (f".{digits}f", f".{digits}g"):
                    rounded = {n: float(format(base[n], how)) for n in calculated}
                    word = "decimals" if how.endswith("f") else "digits"
                    yield f"calculated with numbers rounded to {digits} {word}", {**self.values, **rounded}


def mark_file(path: str | Path) -> list[Marked]:
    """Mark an answer file, or every .toml file of a folder: one `Marked` per solved problem.

    The file names the problems (`topic`, `network`, `seed`, or `example`) and holds a table `[answers.1]` per number.
    """
    path = Path(path)
    if path.is_dir():
        found = sorted(path.glob("*.toml"))
        if not found:
            raise DataError("CR301", "no .toml file in this folder", where=str(path))
        return [one for file in found for one in mark_file(file)]
    if not path.is_file():
        raise DataError("CR301", "this file is not there", where=str(path))
    try:
        data = tomllib.loads(path.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as reason:
        raise DataError("CR309", "this is not TOML", where=str(path), got=str(reason)) from None
    try:
        return list(_solutions(data, str(data.get("name", path.stem))))
    except DataError as reason:
        raise DataError(reason.code, reason.what, where=f"{path}: {reason.where}" if reason.where else str(path),
                        expected=reason.expected, got=reason.got, hint=reason.hint) from None  # fmt: skip
    except ChainruleError as reason:
        raise DataError(
            reason.code, reason.what, where=str(path), expected=reason.expected, got=reason.got, hint=reason.hint
        ) from None


def _solutions(data: Mapping[str, Any], who: str) -> Iterator[Marked]:
    answers = data.get("answers")
    if not isinstance(answers, dict) or not answers:
        raise DataError(
            "CR302", "an answer file needs a table [answers.1]", hint="chainrule exercise --format toml prints one"
        )
    if "example" in data:
        flat = {key: value for key, value in answers.items() if not isinstance(value, dict)}
        yield mark(load(str(data["example"])), _filled(flat), who)
        return
    for key, table in answers.items():
        if not isinstance(table, dict) or not key.isdigit():
            raise DataError("CR309", "answers stand in tables such as [answers.1]", got=f"answers.{key}")
        number = whole("number", int(key), low=1)
        made = exercises(
            str(data.get("topic", "")), str(data.get("network", "2-2-1")), seed=data.get("seed", 0), count=number
        )
        yield mark(made[-1], _filled(table), who)


def _filled(table: Mapping[str, Any]) -> dict[str, str]:
    """The answers that were given: empty ones are left out."""
    for name, value in table.items():
        if not isinstance(value, str):
            raise DataError(
                "CR202",
                "answers are text, so that their digits count",
                got=f"{name} = {value}",
                hint=f'write {name} = "{value}"',
            )
    return {name: value for name, value in table.items() if value.strip()}
