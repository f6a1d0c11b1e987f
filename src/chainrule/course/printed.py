"""Numbers as they are printed: what they say, and how they may have come about from an exact value."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from chainrule.errors import DataError

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")


@dataclass(frozen=True)
class Printed:
    """A printed number: its text, its exact value, and the size of one unit of its last digit.

    >>> printed("-5.097E-6").unit == Decimal("1e-9")
    True
    """

    text: str
    value: Decimal
    unit: Decimal

    def fits(self, true: float) -> bool:
        """Whether it is `true` rounded, or cut off, at the printed digits."""
        return self.agrees(true) or self.cut_off(true)

    def agrees(self, true: float) -> bool:
        """Whether it is `true` rounded to the printed digits; never, where `true` is not finite."""
        return math.isfinite(true) and self._distance(true) <= Fraction(self.unit) / 2 * (1 + Fraction(1, 10**9))

    def cut_off(self, true: float) -> bool:
        """Whether it is `true` with the further digits left out, not rounded."""
        if not math.isfinite(true):
            return False
        exact = Fraction(true)
        nearer_0 = abs(Fraction(self.value)) <= abs(exact) * (1 + Fraction(1, 10**15))
        same_sign = self.value == 0 or (self.value > 0) == (exact > 0)
        return nearer_0 and same_sign and self._distance(true) < Fraction(self.unit)

    def _distance(self, true: float) -> Fraction:
        return abs(Fraction(self.value) - Fraction(true))

    def padded(self, true: float) -> str | None:
        """What was rounded to fewer digits and then filled up with zeros, or None."""
        shorter = self.text.rstrip("0")
        if "." in shorter and shorter != self.text and not self.agrees(true) and printed(shorter).agrees(true):
            return f"{shorter} was filled up with zeros"
        return None

    def typing_error(self, true: float) -> str | None:
        """The slip of the pen that turns the right print into this one, or None. Short numbers could hit by chance, so
        six digits must be right."""
        if len(self.text.lstrip("+-0.")) <= 6:
            return None
        for what, right in _typings(self.text):
            if _is(right, true):
                return f"{what}: {right} is right"
        return None


def printed(text: str) -> Printed:
    """A printed number from its text; − and a decimal comma are understood. Raises `DataError` CR106 otherwise.

    >>> printed("0.1311").agrees(0.131169078), printed("0.1311").cut_off(0.131169078)
    (False, True)
    """
    plain = text.strip().replace("−", "-").replace(" ", "")
    plain = plain.replace(",", ".") if plain.count(",") == 1 and "." not in plain else plain
    if not _NUMBER.fullmatch(plain) or len(plain) > 40 or not math.isfinite(float(plain)):
        raise DataError(
            "CR106", "this is not a printed number", expected="such as 0.593 or -5.1E-6", got=repr(text[:60])
        )
    value = Decimal(plain)
    return Printed(plain, value, Decimal((0, (1,), int(value.as_tuple().exponent))))


def _typings(text: str) -> Iterator[tuple[str, str]]:
    """What was typed and what may have been meant. The last digit is left alone: rounding changes it too."""
    if re.fullmatch(r"[+-]?0\d+", text):
        yield "the point is missing", text.replace("0", "0.", 1)
    for i, character in enumerate(text):
        if character.isdigit():
            yield f"one digit {character} too many", text[:i] + text[i + 1 :]
    for i in range(len(text) - 1):
        a, b = text[i], text[i + 1]
        if a.isdigit() and b.isdigit() and a != b:
            yield "two digits exchanged", text[:i] + b + a + text[i + 2 :]
    start = text.find(".") + 1 or len(text)
    for i in range(start, len(text) - 1):
        for digit in "0123456789":
            yield f"the digit {digit} is missing", text[:i] + digit + text[i:]
    for i in range(len(text) - 1):
        for digit in "0123456789" if text[i].isdigit() else "":
            yield f"one digit wrong, {text[i]} in place of {digit}", text[:i] + digit + text[i + 1 :]


def _is(text: str, true: float) -> bool:
    try:
        number = printed(text)
    except DataError:
        return False
    return number.agrees(true)
