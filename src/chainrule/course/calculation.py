"""A calculation as formulas by name, of which some numbers are known and the others follow."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from chainrule.calculus.formula import evaluate
from chainrule.explain.formula import names_in

Values = Mapping[str, float]


def value_or_nan(formula: str, names: Values) -> float:
    """The value of a formula, NaN where it has no finite real one (a division by 0, the logarithm of −1, an overflow)."""
    try:
        value = evaluate(formula, names)
    except (ArithmeticError, ValueError, TypeError):
        return math.nan
    return value if math.isfinite(value) else math.nan


def rounding_spread(value: Callable[[Values], float], world: Values, units: Values) -> float:
    """How far a result may be off when numbers that it is calculated from were rounded; `units` are those of their last
    digits, by name.

    >>> rounding_spread(lambda known: 3 * known["a"], {"a": 0.5}, {"a": 0.1}) < 0.151
    True
    """
    here = value(world)
    return sum(abs(value({**world, name: world[name] + unit / 2}) - here) for name, unit in units.items())


@dataclass(frozen=True)
class Calculation:
    """Formulas by name. What is `known` is taken as it is; everything else is calculated, each number once.

    >>> twice = Calculation({"a": "x + 1", "b": "2*a"})
    >>> twice.value("b", {"x": 1.0}), twice.value("b", {"a": 5.0})
    (4.0, 10.0)
    """

    formulas: Mapping[str, str]

    def changed(self, name: str, formula: str) -> Calculation:
        """The same with one other formula."""
        return Calculation({**self.formulas, name: formula})

    def value(self, name: str, known: Values) -> float:
        """The number of that name, from its formula even where it is known; NaN where there is none."""
        numbers = {n: known[n] for n in names_in(self.formulas[name]) if n in known}
        for hidden in [*self.hidden(name, known), name]:
            formula = self.formulas[hidden]
            numbers.update({n: known[n] for n in names_in(formula) if n in known})
            numbers[hidden] = value_or_nan(formula, numbers)
        return numbers[name]

    def hidden(self, name: str, known: Values) -> list[str]:
        """What is not known on the way to a number, in the order in which it must be calculated."""
        found: dict[str, None] = {}
        self._visit(name, known, found, {})
        return [one for one in found if one != name]

    def operands(self, name: str, known: Values) -> list[str]:
        """The known numbers that it comes from, directly or through what is not known."""
        reached: dict[str, None] = {}
        self._visit(name, known, {}, reached)
        return list(reached)

    def _visit(self, name: str, known: Values, found: dict[str, None], reached: dict[str, None]) -> None:
        for inner in names_in(self.formulas[name]):
            if inner in known:
                reached[inner] = None
            elif inner not in found:
                self._visit(inner, known, found, reached)
        found[name] = None
