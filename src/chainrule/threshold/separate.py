"""Can one perceptron do it? Exact arithmetic: either weights, or a sum of inequalities that contradicts itself.

A boolean function is a system of linear inequalities in w0, w1, …: one per row of its truth table, w0 + Σ w_i x_i ≥ 0 where
the output is 1 and < 0 where it is 0. Weights may be multiplied by any positive number, so "< 0" may be written "≤ −1".
By Farkas' lemma exactly one of two things exists: weights that satisfy all rows, or multipliers ≥ 0 with which the rows add
up to 0 ≥ something positive. The simplex method with Bland's rule, over fractions, finds the one or the other.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from chainrule.errors import DataError
from chainrule.threshold.boolean import BooleanFunction

Point = tuple[Fraction, ...]


@dataclass(frozen=True)
class Inequality:
    """One row: w0 + Σ w_i x_i ≥ 0 (y = 1) or < 0 (y = 0)."""

    x: Point
    y: int

    @property
    def row(self) -> Point:
        """The coefficients of w0, w1, … when it is written as … ≥ `bound`."""
        sign = 1 if self.y else -1
        return (Fraction(sign), *(sign * value for value in self.x))

    @property
    def bound(self) -> int:
        return 0 if self.y else 1

    def __str__(self) -> str:
        return f"{linear((Fraction(1), *self.x))} {'≥' if self.y else '<'} 0"

    def holds(self, weights: Sequence[float | Fraction]) -> bool:
        """Whether these weights satisfy it."""
        net = weights[0] + sum(w * value for w, value in zip(weights[1:], self.x, strict=True))
        return bool(net >= 0) == bool(self.y)


@dataclass(frozen=True)
class Separation:
    """Whole-number weights (w0, w1, …) of a perceptron that gets every row right."""

    inequalities: tuple[Inequality, ...]
    weights: tuple[int, ...]
    possible = True

    def lines(self) -> list[str]:
        """The inequalities, and the weights put into each."""
        names = ", ".join(f"w{i} = {w}" for i, w in enumerate(self.weights)).replace("-", "−")
        return [*_system(self.inequalities), f"One solution of many: {names}"]


@dataclass(frozen=True)
class Contradiction:
    """The proof that no perceptron exists: `multipliers` (whole numbers ≥ 0, one per inequality) with which they add up to
    0 ≥ `total`, and total > 0."""

    inequalities: tuple[Inequality, ...]
    multipliers: tuple[int, ...]
    possible = False

    @property
    def total(self) -> int:
        return sum(m * one.bound for m, one in zip(self.multipliers, self.inequalities, strict=True))

    def lines(self) -> list[str]:
        """The inequalities, those that contradict each other, and their sum."""
        used = [(m, one) for m, one in zip(self.multipliers, self.inequalities, strict=True) if m]
        said = []
        for wanted, relation in ((1, "≥ 0"), (0, "< 0")):
            parts = [(m, one) for m, one in used if one.y == wanted]
            if parts:
                coefficients = [
                    sum((m * (Fraction(1), *one.x)[i] for m, one in parts), Fraction(0))
                    for i in range(len(parts[0][1].x) + 1)
                ]
                which = " + ".join(f"{m}·({_show(one.x)})" if m > 1 else f"({_show(one.x)})" for m, one in parts)
                said.append(f"the rows {which} add up to  {linear(coefficients)} {relation}")
        return [
            *_system(self.inequalities),
            *said,
            "Both cannot hold: no perceptron computes this."
            if len(said) == 2
            else "This cannot hold: no perceptron computes this.",
            f'(With every "< 0" written as "≤ −1" the rows add up to 0 ≥ {self.total}.)',
        ]


def separate(
    points: BooleanFunction | Sequence[Sequence[float | Fraction]], labels: Sequence[int] | None = None
) -> Separation | Contradiction:
    """Weights of a perceptron for a boolean function (or for points with labels 0 and 1), or the proof that there are none.

    Floats are taken as the exact binary fractions that they are.

    >>> separate(BooleanFunction.named("OR")).weights
    (-1, 1, 1)
    >>> separate(BooleanFunction.named("XOR")).total
    2
    """
    if isinstance(points, BooleanFunction):
        rows: list[tuple[Sequence[float | Fraction], int]] = list(points.rows())
    elif labels is None or len(labels) != len(points) or not len(points):
        raise DataError("CR104", "every point needs a label", expected=f"{len(points)} labels", got=repr(labels))
    else:
        rows = list(zip(points, labels, strict=True))
    _check(rows)
    system = tuple(Inequality(tuple(Fraction(value) for value in x), int(y)) for x, y in rows)
    multipliers, weights = _farkas([one.row for one in system], [one.bound for one in system])
    if multipliers is not None:
        return Contradiction(system, _whole(multipliers))
    assert weights is not None
    return Separation(system, _whole(weights))


def _check(rows: Sequence[tuple[Sequence[float | Fraction], int]]) -> None:
    """Points of one length, finite, with labels 0 and 1."""
    for i, (x, y) in enumerate(rows):
        if len(x) != len(rows[0][0]):
            raise DataError(
                "CR109",
                "points of different lengths",
                where=f"point {i}",
                expected=str(len(rows[0][0])),
                got=str(len(x)),
            )
        if not all(math.isfinite(value) for value in x):
            raise DataError("CR101", "coordinates must be finite numbers", where=f"point {i}", got=repr(tuple(x)))
        if y not in (0, 1):
            raise DataError("CR108", "labels must be 0 or 1", where=f"point {i}", got=repr(y))


def _farkas(rows: list[Point], bounds: list[int]) -> tuple[list[Fraction] | None, list[Fraction] | None]:
    """y ≥ 0 with Σ y·row = 0 and Σ y·bound = 1, or else w with row·w ≥ bound for every row.

    Phase one of the simplex method for y: artificial variables start as the basis, and their sum is made as small as
    possible. If it reaches 0 there is a y; if not, the prices of the equations give w.
    """
    height, width = len(rows[0]) + 1, len(rows)
    columns = [(*row, Fraction(bound)) for row, bound in zip(rows, bounds, strict=True)]
    table = [
        [
            *(column[i] for column in columns),
            *(Fraction(int(i == j)) for j in range(height)),
            Fraction(int(i == height - 1)),
        ]
        for i in range(height)
    ]
    cost = [-sum((table[i][j] for i in range(height)), Fraction(0)) for j in range(width)]
    cost += [Fraction(0)] * height + [Fraction(-1)]
    basis = list(range(width, width + height))
    while (entering := next((j for j in range(width) if cost[j] < 0), None)) is not None:  # Bland: the first one
        ratios = [(table[i][-1] / table[i][entering], basis[i], i) for i in range(height) if table[i][entering] > 0]
        _, _, leaving = min(ratios)
        pivot = table[leaving][entering]
        table[leaving] = [value / pivot for value in table[leaving]]
        for line in (*(table[i] for i in range(height) if i != leaving), cost):
            factor = line[entering]
            if factor:
                line[:] = [a - factor * b for a, b in zip(line, table[leaving], strict=True)]
        basis[leaving] = entering
    if cost[-1] == 0:  # the sum of the artificial variables is 0
        found = [Fraction(0)] * width
        for i, j in enumerate(basis):
            if j < width:
                found[j] = table[i][-1]
        return found, None
    prices = [1 - cost[width + i] for i in range(height)]
    return None, [-price / prices[-1] for price in prices[:-1]]


def _whole(values: Sequence[Fraction]) -> tuple[int, ...]:
    """The same direction in whole numbers, as small as possible."""
    scale = math.lcm(*(value.denominator for value in values))
    numbers = [int(value * scale) for value in values]
    common = math.gcd(*numbers) or 1
    return tuple(number // common for number in numbers)


def linear(coefficients: Sequence[Fraction]) -> str:
    """Σ c_i w_i as text: `2·w0 + w1 − w2`."""
    text = ""
    for i, c in enumerate(coefficients):
        if c:
            size = "" if abs(c) == 1 else f"{abs(c)}·"
            sign = ("−" if c < 0 else "") if not text else (" − " if c < 0 else " + ")
            text += f"{sign}{size}w{i}"
    return text or "0"


def _show(x: Point) -> str:
    return ",".join(str(value) for value in x)


def _system(inequalities: Sequence[Inequality]) -> list[str]:
    return [f"({_show(one.x)}) → {one.y}:  {one}" for one in inequalities]
