"""The same working with every result rounded, as in a calculation by hand, beside the true values."""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from chainrule.constraints import whole
from chainrule.errors import SettingError
from chainrule.explain.digits import shown
from chainrule.explain.explanation import Explanation
from chainrule.explain.formula import evaluate, names_in, written
from chainrule.explain.sentences import say


@dataclass(frozen=True)
class HandLine:
    """A line with rounded numbers put in: what comes out, rounded, the true value, and what the rounding costs."""

    key: str
    symbol: str
    formula: str
    numbers: str
    value: float
    true: float

    @property
    def error(self) -> float:
        return self.value - self.true


@dataclass(frozen=True)
class HandCalculation:
    """A calculation by hand: `value` is what a student gets, `true` what is right."""

    target: str
    lines: tuple[HandLine, ...]
    value: float
    true: float
    rounding: str

    @property
    def error(self) -> float:
        return self.value - self.true

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        lines = [{**vars(line), "error": line.error} for line in self.lines]
        return {
            "target": self.target,
            "rounding": self.rounding,
            "lines": lines,
            "value": self.value,
            "true": self.true,
        }

    def __str__(self) -> str:
        head = ("", "", say("by_hand"), say("true"), say("error"))
        rows = [head, *(_cells(line) for line in self.lines)]
        widths = [max(len(row[n]) for row in rows) for n in range(5)]
        out = [f"{self.target}   {self.rounding}", ""]
        for row in rows:
            symbol, numbers, value, true, error = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
            equals = "=" if row is not head else " "
            out.append(f"  {symbol} {equals} {numbers} {equals} {value}   {true}   {error}".rstrip())
        return "\n".join(out)


def _cells(line: HandLine) -> tuple[str, ...]:
    return line.symbol or "+", line.numbers, shown(line.value), shown(line.true), shown(line.error, 2)


def by_hand(explanation: Explanation, *, digits: int | None = None, decimals: int | None = None) -> HandCalculation:
    """The working of an explanation with every result rounded before it is used again.

    digits: significant digits, or decimals: places after the point; one of the two. Inputs and weights stay as given.

    Raises `SettingError` CR204 for both or neither, CR201 where rounding makes a step impossible (a division by 0).

    >>> from chainrule import Dense, Network
    >>> from chainrule.explain import explain
    >>> net = Network(1, [Dense(1, "sigmoid")], loss="half_squared_error")
    >>> rough = by_hand(explain(net, [0.5, 0.1], [[1.0]], [[1.0]], of="W1[0,0]"), decimals=2)
    >>> rough.value, round(rough.true, 6)
    (-0.08, -0.081068)
    """
    rounding = Rounding(digits=digits, decimals=decimals)
    values = {name.key: name.value for name in explanation.names.values() if name.kind != "line"}
    lines = []
    for line in explanation.lines:
        try:
            found = evaluate(line.expr, {name: values[name] for name in names_in(line.expr)})[0]
        except (ArithmeticError, ValueError):
            raise SettingError(
                "CR201", "this rounding leaves a step without a value", where=f"{line.symbol} = {line.formula}",
                hint="keep more digits",
            ) from None  # fmt: skip
        values[line.key] = rounding(found)
        numbers = written(line.expr, lambda name: shown(values[name], 12))
        lines.append(HandLine(line.key, line.symbol, line.formula, numbers, values[line.key], line.value))
    words = say(rounding.words, n=rounding.places)
    return HandCalculation(explanation.target, tuple(lines), values[explanation.result], explanation.value, words)


@dataclass(frozen=True)
class Rounding:
    """How a hand rounds: to significant `digits`, or to `decimals` after the point; halves away from 0.

    Raises `SettingError` CR204 for both or neither.

    >>> Rounding(decimals=3)(0.39249999999999996), Rounding(digits=4)(-1234.5), Rounding(decimals=2)(1e300)
    (0.393, -1235.0, 1e+300)
    """

    digits: int | None = None
    decimals: int | None = None

    def __post_init__(self) -> None:
        if (self.digits is None) == (self.decimals is None):
            raise SettingError("CR204", "round to digits or to decimals", expected="one of digits=… and decimals=…")
        whole(self.words, self.places, low=0 if self.digits is None else 1, high=17)

    @property
    def words(self) -> str:
        return "digits" if self.digits is not None else "decimals"

    @property
    def places(self) -> int:
        return self.digits if self.digits is not None else self.decimals or 0

    def __call__(self, x: float) -> float:
        """x rounded; 0.39249999999999996 counts as 0.3925."""
        if x == 0.0 or not math.isfinite(x):
            return x
        exact = Decimal(f"{x:.14g}")
        last = -self.places if self.digits is None else exact.adjusted() + 1 - self.places
        if int(exact.as_tuple().exponent) >= last:  # it has no further digits
            return x
        return float(exact.quantize(Decimal(1).scaleb(last), ROUND_HALF_UP))
