"""How many digits a line needs, so that who recomputes it from the numbers printed in it finds its value."""

from __future__ import annotations

from collections.abc import Mapping

from chainrule.explain.formula import evaluate, names_in
from chainrule.explain.lines import Name

MOST = 15
MANY = 40  # a sum of more terms is printed as a table, its numbers in lines of their own


def enough_digits(expr: str, names: Mapping[str, Name], digits: int) -> int:
    """`digits`, or more where so few would not do: 1 − 0.999547 is 0.000453, but 1 − 0.9995475 is 0.0004525.

    >>> names = {"a": Name("a", "a", 0.9995474767, "line")}
    >>> enough_digits("a*(1 - a)", names, 6), enough_digits("2*a", names, 6)
    (8, 6)
    """
    values = {name: names[name].value for name in names_in(expr)}
    if len(values) > MANY:
        return digits
    try:
        value = evaluate(expr, values)[0]
        for needed in range(digits, MOST):
            found = evaluate(expr, {name: float(f"{x:.{needed}g}") for name, x in values.items()})[0]
            if abs(found - value) <= 0.5 * 10.0 ** (2 - digits) * abs(value):
                return needed
    except (ArithmeticError, ValueError):  # rounded so far, it has no value
        return digits
    return digits if value == 0.0 else MOST
