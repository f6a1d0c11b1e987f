"""How numbers are printed: significant digits, exact numbers short, rounded ones with all their digits."""

from __future__ import annotations

import math
import re
from functools import lru_cache

MINUS = "−"
EXACT = 4e-15  # relative: a number this close to a short decimal is that decimal, but for the rounding of float64


@lru_cache(maxsize=4096)
def shown(x: float, digits: int = 6) -> str:
    """x with `digits` significant digits. A number that fits is printed short, a rounded one keeps its trailing zeros.

    >>> shown(0.15), shown(0.1 + 0.2), shown(0.59326999), shown(-2 / 3, 3), shown(4.38e-7)
    ('0.15', '0.3', '0.593270', '−0.667', '4.38e−7')
    """
    if not math.isfinite(x):
        return "NaN" if math.isnan(x) else ("∞" if x > 0 else MINUS + "∞")
    if x == 0:
        return "0"
    short = f"{x:.{digits}g}"
    exact = abs(float(short) - x) <= EXACT * abs(x)
    if x == int(x) and abs(x) < 1e7:
        text = str(int(x))
    elif 1e-4 <= abs(x) < 10.0 ** max(digits, 7):
        places = max(digits - 1 - math.floor(math.log10(abs(float(short)))), 0)
        text = f"{x:.{places}f}"
        text = text.rstrip("0").rstrip(".") if exact and "." in text else text
    else:
        mantissa, _, exponent = f"{x:.{digits - 1}e}".partition("e")
        mantissa = mantissa.rstrip("0").rstrip(".") if exact and "." in mantissa else mantissa
        text = f"{mantissa}e{int(exponent)}"
    return text.replace("-", MINUS)


def with_decimal(text: str, mark: str) -> str:
    """The text with another decimal mark in its numbers.

    >>> with_decimal("0.4·1.5 = 0.6, w1", ",")
    '0,4·1,5 = 0,6, w1'
    """
    return text if mark == "." else re.sub(r"(?<=\d)\.(?=\d)", mark, text)
