"""How many digits a line or a table of terms needs, so that who recomputes it from the printed numbers finds its value."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from chainrule.explain.formula import evaluate, names_in
from chainrule.explain.lines import Name

MOST = 15
MANY = 40  # a sum of more terms is printed as a table, its numbers in lines of their own


def enough_digits(expr: str, names: Mapping[str, Name], digits: int) -> int:
    """`digits`, or more where so few would not do: 1 − 0.999547 is 0.000453, but 1 − 0.99954748 is 0.00045252.

    >>> names = {"a": Name("a", "a", 0.9995474767, "line")}
    >>> enough_digits("a*(1 - a)", names, 6), enough_digits("2*a", names, 6)
    (9, 6)
    """
    values = {name: names[name].value for name in names_in(expr)}
    if len(values) > MANY:
        return digits
    try:
        value = evaluate(expr, values)[0]
        for needed in range(digits, MOST):
            found = evaluate(expr, {name: float(f"{x:.{needed}g}") for name, x in values.items()})[0]
            if abs(found - value) <= 0.5 * 10.0 ** (1 - digits) * abs(value):
                return needed
    except (ArithmeticError, ValueError):  # rounded so far, it has no value
        return digits
    return digits if value == 0.0 else MOST


def digits_to_add_up(terms: Sequence[float], total: float, digits: int) -> list[int]:
    """How many digits each term is printed with, so that the printed terms add up to the printed total, to its last digit.

    >>> digits_to_add_up([0.0295743666, -0.0272573033], 0.0023170633, 6)
    [8, 8]
    """
    printed, half = float(f"{total:.{digits - 1}e}"), 0.5 * 10.0 ** (_adjusted(total) + 1 - digits)
    each = [digits] * len(terms)
    for places in range(digits, MOST) if total else ():
        last = _adjusted(total) + 1 - places  # the power of ten of the last decimal
        each = [min(max(digits, _adjusted(term) + 1 - last), MOST) for term in terms]
        found = math.fsum(float(f"{term:.{n - 1}e}") for term, n in zip(terms, each, strict=True))
        if abs(found - printed) < half * (1.0 - 1e-6):  # not where the last digit hangs on a tie
            break
    return each


def _adjusted(x: float) -> int:
    return math.floor(math.log10(abs(x))) if x else -400
