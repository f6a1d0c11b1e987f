"""A calculation as a hand does it: every number is rounded to a few decimals before it is used."""

from __future__ import annotations

from dataclasses import dataclass

from chainrule.course.calculation import value_or_nan
from chainrule.course.document import Example
from chainrule.course.scenes import columns
from chainrule.course.symbols import symbol
from chainrule.explain.by_hand import Rounding
from chainrule.explain.digits import shown


@dataclass(frozen=True)
class Rounded:
    """A quantity: as it is written down, before that rounding (from rounded numbers), and its true value."""

    name: str
    written: float
    calculated: float
    true: float


def by_hand(example: Example, decimals: int | None = None, *, digits: int | None = None) -> list[Rounded]:
    """The whole calculation with every result rounded to so many decimals, or to so many significant digits.

    >>> from chainrule.course.document import load
    >>> err = next(r for r in by_hand(load("dse3121-han-kamber-3-2-1"), 3) if r.name == "Err_6")
    >>> round(err.calculated, 4), round(err.true, 6)
    (0.1311, 0.131169)
    """
    rounding = Rounding(digits=digits, decimals=decimals)
    hand, true = dict(example.given), dict(example.given)
    done = []
    for quantity in example.quantities:
        calculated = value_or_nan(quantity.expr, hand)
        hand[quantity.name] = rounding(calculated)
        true[quantity.name] = value_or_nan(quantity.expr, true)
        done.append(Rounded(quantity.name, hand[quantity.name], calculated, true[quantity.name]))
    return done


def table(example: Example, decimals: int | None = None, *, digits: int | None = None) -> list[str]:
    """The same as lines: what is written down, what it was rounded from, the true value, and the error."""
    rows = []
    for one in by_hand(example, decimals, digits=digits):
        error = shown(round(one.written - one.true, 15), 2)
        rows.append([symbol(one.name), shown(one.written, 15), one.calculated, one.true, error])
    return columns(
        ["", f"{digits} digits" if digits else f"{decimals} decimals", "from rounded numbers", "true", "error"], rows
    )
