"""What a law is: a named promise and the function that checks it for one subject."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np

from chainrule.errors import SettingError
from chainrule.shapes import Array

STEP = 2.0**-12
"""The h of a central difference. Arguments are multiples of h, so that x ± h and x ± 2h are exact."""

TOLERANCE = 1e-7
"""Relative to max(1, |slope|). A fourth-order difference is off by h⁴/30·|f⁽⁵⁾| = 1e-16·|f⁽⁵⁾|, and by what `rounding`
says: a fifth derivative up to 1e8 is allowed for, and a slope that is wrong by 0.1 % stands out by a factor of 1e4."""


@dataclass(frozen=True)
class Law:
    """A promise about one kind of record: `check(record)` returns when it holds and raises CR208 when it is broken."""

    name: str
    says: str
    check: Callable[[Any], None]


def broken(
    law: str, subject: Any, says: str, *, where: str, expected: str, got: str, hint: str | None = None
) -> NoReturn:
    """Raise the error of a broken law: which law, of what, where, and both numbers."""
    kind = type(subject).__name__.lower()
    raise SettingError(
        "CR208", f"the {kind} {subject.name!r} breaks the law of {law}: {says}", where=where, expected=expected,
        got=got, hint=hint,
    )  # fmt: skip


def rounding(size: Array) -> Array:
    """What rounding does to a central difference of values of this size: 8 units in the last place times 3/2, over h."""
    return 8 * np.finfo(np.float64).eps * 1.5 / STEP * np.abs(size)


def difference(function: Callable[[Array], Array], x: Array, along: Array | float = 1.0) -> Array:
    """The derivative of `function` at x in the direction `along`, from the four points x ± h·along, x ± 2h·along."""
    near = function(x + STEP * along) - function(x - STEP * along)
    far = function(x + 2 * STEP * along) - function(x - 2 * STEP * along)
    return (8.0 * near - far) / (12.0 * STEP)


def worst(error: Array, allowed: Array) -> int | None:
    """The flat index where the error exceeds what is allowed by most (NaN counts as worst), or None."""
    excess = np.where(np.isnan(error), np.inf, error) - allowed
    index = int(np.argmax(excess))
    return index if excess.size and excess.flat[index] > 0 else None


def show(number: Any) -> str:
    """A number as it stands in a message."""
    return f"{float(number):.10g}"


def jumps(function: Callable[[Array], Array], around: tuple[float, ...] = ()) -> list[float]:
    """Where a function of one number jumps, in [−10, 10] and within 1 of the points `around`.

    Every cell of a fine grid is halved 40 times, always keeping the half that changes more: what a continuous function
    does over the last 1e-13 is nothing, a jump stays.
    """
    grids = [np.linspace(-10.003, 10.007, 513), *(np.linspace(point - 1.003, point + 1.007, 33) for point in around)]
    left, right = (np.concatenate(ends) for ends in ([g[:-1] for g in grids], [g[1:] for g in grids]))
    at_left, at_right = function(left), function(right)
    for _ in range(40):
        middle = 0.5 * (left + right)
        at_middle = function(middle)
        first = np.abs(at_middle - at_left) >= np.abs(at_right - at_middle)
        left, at_left = np.where(first, left, middle), np.where(first, at_left, at_middle)
        right, at_right = np.where(first, middle, right), np.where(first, at_middle, at_right)
    size = np.maximum(1.0, np.maximum(np.abs(at_left), np.abs(at_right)))
    found: list[float] = []
    for place in np.sort(right[np.abs(at_right - at_left) > 1e-6 * size]):
        if not found or place - found[-1] > 1e-6:
            found.append(float(place))
    return found
