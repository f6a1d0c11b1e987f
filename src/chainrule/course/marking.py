"""Marking: the first wrong number of a solution, and the slip that made it.

A number is right when it is the true one, rounded or cut off at its last digit, or what the answers before it give (their
rounding included). What follows from an earlier slip is said to follow, and not counted again.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from chainrule.course.calculation import Calculation, rounding_spread, value_or_nan
from chainrule.course.document import Example
from chainrule.course.exercises import TOPICS, Exercise, Shape, calculation
from chainrule.course.printed import Printed, printed
from chainrule.course.slips import OTHER, ROUNDED, SIGN, TYPING, UPDATED, Slip, of_formula, slips
from chainrule.errors import DataError, nearest
from chainrule.explain.digits import shown
from chainrule.explain.formula import rename

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
        formulas = {quantity.name: quantity.expr for quantity in example.quantities}
        if shape is not None:  # slips may name numbers that the topic does not ask for
            formulas = {**{q.name: q.expr for q in calculation(TOPICS["update"], shape)}, **formulas}
        self.right = Calculation(formulas)
        self.true: dict[str, float] = dict(example.given)
        for quantity in example.quantities:
            self.true[quantity.name] = value_or_nan(quantity.expr, self.true)
        self.slipped = False

    def run(self) -> Iterator[Mark]:
        for quantity in self.example.quantities:
            if quantity.name in self.answers:
                yield self.judge(quantity.name, self.answers[quantity.name])

    def judge(self, name: str, answer: Printed) -> Mark:
        true = self.true[name]
        made = RIGHT, "", ""
        if not answer.fits(true) and not self.is_right(name, answer):
            made = WRONG, *self.name_slip(name, answer)
            self.slipped = True
        elif self.slipped and not answer.fits(true):
            made = FOLLOWS, "", "right with the numbers before it"
        value = float(answer.value)
        from_before = self.right.value(name, self.values)
        self.kept[name] = true if answer.fits(true) else from_before if answer.fits(from_before) else value
        self.values[name] = value
        return Mark(name, answer.text, true, *made)

    def worlds(self, calculated: Calculation, name: str) -> Iterator[dict[str, float]]:
        """The numbers a student may have gone on with: the answers, or some of them before they were rounded."""
        loose = [
            n for n in calculated.operands(name, self.values) if self.kept.get(n, self.values[n]) != self.values[n]
        ]
        for keep in itertools.product((False, True), repeat=min(len(loose), 5)):
            yield {**self.values, **{n: self.kept[n] for n, yes in zip(loose, keep, strict=False) if yes}}
        if len(loose) > 5:
            yield {**self.values, **{n: self.kept[n] for n in loose}}

    def is_right(self, name: str, answer: Printed) -> bool:
        """Whether the right formula gives the answer, up to the rounding of what it was calculated from."""
        units = {n: float(self.answers[n].unit) for n in self.right.operands(name, self.values) if n in self.kept}
        for world in self.worlds(self.right, name):
            spread = rounding_spread(lambda known: self.right.value(name, known), world, units)
            if abs(self.right.value(name, world) - float(answer.value)) <= float(answer.unit) + spread * 1.01:
                return True
        return False

    def name_slip(self, name: str, answer: Printed) -> tuple[str, str]:
        """The slip whose formula gives the answer: in this number, or in one on the way that was not answered."""
        if self.shape is None and self.gives(self.updated, name, answer):
            return UPDATED, "with the weights after the update in place of the old ones"
        for where in [name, *reversed(self.right.hidden(name, self.values))]:
            for slip, what, formula in self.possible(where):
                if self.gives(self.right.changed(where, formula), name, answer):
                    return slip, what if where == name else f"{what} (in {where})"
        for what, world in self.coarse(name):
            if answer.fits(self.right.value(name, world)):
                return ROUNDED, what
        if self.gives(self.right.changed(name, f"-({self.right.formulas[name]})"), name, answer):
            return SIGN, "the sign is turned"
        best = self.right.value(name, self.values)
        for value in (best, self.true[name]):
            if typed := answer.typing_error(value):
                return TYPING, typed
        if best and (off := abs(float(answer.value) / best - 1.0)) < 0.02:
            return ROUNDED, f"{shown(off * 100, 2)} % off, as with numbers rounded on the way"
        return OTHER, f"the numbers before it give {shown(best, 6)}"

    @cached_property
    def updated(self) -> Calculation:
        """The calculation with a weight's new value wherever the update does not itself need the old one."""
        formulas = dict(self.right.formulas)
        for new in (one for one in formulas if one.endswith("_new") and one[:-4] in self.example.given):
            needs = {new, *self.right.hidden(new, self.example.given)}
            formulas |= {
                q: rename(expr, {new[:-4]: new}) for q, expr in formulas.items() if q not in needs and q[-4:] != "_new"
            }
        return Calculation(formulas)

    def possible(self, name: str) -> Iterator[Slip]:
        if self.shape is not None:
            yield from slips(self.shape, name)
        else:
            order = list(self.true)  # what comes later cannot have been confused with it
            before = {n: self.values.get(n, self.true[n]) for n in order[: order.index(name)]}
            yield from of_formula(self.right.formulas[name], before)

    def gives(self, calculated: Calculation, name: str, answer: Printed) -> bool:
        return any(answer.fits(calculated.value(name, world)) for world in self.worlds(calculated, name))

    def coarse(self, name: str) -> Iterator[tuple[str, dict[str, float]]]:
        """Worlds in which everything that was calculated is rounded to a few digits."""
        calculated = [n for n in self.right.operands(name, self.values) if n in self.kept]
        for base in (self.kept, self.true):
            for digits in (3, 2, 1):
                for how in (f".{digits}f", f".{digits}g"):
                    rounded = {n: float(format(base[n], how)) for n in calculated}
                    word = "decimals" if how.endswith("f") else "digits"
                    yield f"calculated with numbers rounded to {digits} {word}", {**self.values, **rounded}
