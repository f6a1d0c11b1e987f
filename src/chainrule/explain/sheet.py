"""The sheet of paper an explanation is written on: names, and lines that use only what stands above them."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable
from typing import NamedTuple

from chainrule.explain.digits import shown
from chainrule.explain.enough import digits_to_add_up, enough_digits
from chainrule.explain.explanation import RELATIVE
from chainrule.explain.formula import evaluate, names_in, written
from chainrule.explain.lines import Kind, Line, Name, Role
from chainrule.explain.sentences import say
from chainrule.explain.symbols import Symbols
from chainrule.explain.working import Working
from chainrule.plan import Plan

INLINE_TERMS = 4
INLINE_WIDTH = 64
SMALL = 40  # a network with at most this many units is worked through from the inputs on

ValueWriter = Callable[["Sheet", str, int], str]


class Term(NamedTuple):
    """A term of a sum: its value, and how its formula is written once it is known to be shown."""

    value: float
    write: Callable[[], str]


class Sheet:
    """Collects the lines of one explanation.

    full: derive every number from inputs and parameters; otherwise numbers of the pass may be used as recorded.
    top: how many terms of a long sum are shown (None: all).
    """

    def __init__(self, working: Working, symbols: Symbols, *, top: int | None, digits: int, write: ValueWriter) -> None:
        self.working, self.symbols = working, symbols
        self.top, self.digits, self.write = top, digits, write
        self.names: dict[str, Name] = {}
        self.forward: list[Line] = []
        self.losses: list[Line] = []
        self.backward: list[Line] = []
        self.notes: list[str] = []
        self._keys: dict[Hashable, str] = {}
        self._taken: set[str] = set()
        units = sum(slot.width for slot in self.plan.slots if slot.kind != "input")
        widest = max((slot.width for slot in self.plan.slots), default=0)
        self.full = top is None or (units <= SMALL and widest <= max(top, 8))

    @property
    def plan(self) -> Plan:
        return self.working.plan

    def note(self, key: str, **values: object) -> None:
        """Add a sentence, once."""
        sentence = say(key, **values)
        if sentence not in self.notes:
            self.notes.append(sentence)

    def has(self, identity: Hashable) -> bool:
        """Whether the quantity stands on the sheet already."""
        return self._keys.get(identity) in self.names

    def key(self, identity: Hashable, wish: str) -> str:
        """The key of a quantity, made on first use from the wish."""
        if identity not in self._keys:
            key, count = wish, 2
            while key in self._taken:
                key, count = f"{wish}_v{count}", count + 1
            self._keys[identity] = key
            self._taken.add(key)
        return self._keys[identity]

    def same(self, identity: Hashable, key: str) -> str:
        """Another quantity that an existing line gives."""
        self._keys[identity] = key
        return key

    def leaf(self, identity: Hashable, wish: str, symbol: str, value: float, kind: Kind, address: str = "") -> str:
        """A number that is not derived on this sheet."""
        key = self.key(identity, wish)
        if key not in self.names:
            self.names[key] = Name(key, symbol, float(value), kind, address)
        return key

    def value(self, slot_name: str, unit: int) -> str:
        """The value of a slot's unit: derived on this sheet, or as recorded."""
        slot = self.plan.slot(slot_name)
        identity, number = ("value", slot_name, unit), self.working.value(slot_name, unit)
        wish = self.wish(slot_name, unit)
        maker = self.plan.makers.get(slot_name)
        if maker is None:
            return self.leaf(identity, wish, self.symbols.value(slot, unit), number, "input", f"{slot_name}[{unit}]")
        if maker.op == "parameter":
            return self.param(maker.params[0], unit)
        if maker.op == "number":
            return f"({number!r})" if number < 0 else f"{number:g}" if float(f"{number:g}") == number else repr(number)
        if self.full:
            return self.write(self, slot_name, unit)
        return self.recorded(identity, wish, self.symbols.value(slot, unit), number, f"{slot_name}[{unit}]")

    def wish(self, slot_name: str, unit: int) -> str:
        """The key that a unit of a slot would like to have."""
        slot = self.plan.slot(slot_name)
        return slot_name if slot.width == 1 and slot.layer == 0 else f"{slot_name}_{unit}"

    def recorded(self, identity: Hashable, wish: str, symbol: str, value: float, address: str) -> str:
        """A number of the pass that is taken as it is, unless it already stands on the sheet."""
        if self.has(identity):
            return self.key(identity, wish)
        if not any(name.kind == "recorded" for name in self.names.values()):
            self.note("recorded", example=address)
        return self.leaf(identity, wish, symbol, value, "recorded", address)

    def param(self, name: str, entry: int) -> str:
        identity = ("param", name, entry)
        if self.has(identity):
            return self.key(identity, "")
        param = self.plan.param(name)
        place = "_".join(map(str, divmod(entry, param.shape[1]))) if len(param.shape) == 2 else str(entry)
        wish = name if param.size == 1 and param.layer == 0 else f"{name}_{place}"
        address = f"{name}[{place.replace('_', ',')}]" if wish != name else name
        value = self.working.theta(param, entry)
        return self.leaf(identity, wish, self.symbols.param(param, entry), value, "parameter", address)

    def target(self, unit: int) -> str:
        symbol = self.symbols.target(unit)
        return self.leaf(("target", unit), f"y_{unit}", symbol, self.working.target(unit), "target")

    def constant(self, wish: str, symbol: str, value: float, identity: Hashable = None) -> str:
        return self.leaf(identity or ("constant", wish, value), wish, symbol, value, "constant")

    def evaluated(self, expr: str) -> float:
        return evaluate(expr, self._operands(expr))[0]

    def _operands(self, expr: str) -> dict[str, float]:
        return {name: self.names[name].value for name in names_in(expr)}

    def add(
        self,
        where: list[Line],
        key: str,
        symbol: str,
        expr: str,
        value: float | None,
        role: Role,
        note: str = "",
        digits: int = 0,
    ) -> str:
        """One line; returns its key. Without a value of the pass, the line has the value of its formula."""
        value = self.evaluated(expr) if value is None else float(value)
        self.names[key] = Name(key, symbol, value, "line")
        formula = written(expr, lambda name: self.names[name].symbol)
        needed = enough_digits(expr, self.names, digits or self.digits)
        numbers = written(expr, lambda name: shown(self.names[name].value, needed))
        where.append(Line(key, symbol, expr, formula, numbers, value, role, note, digits))
        return key

    def add_recorded_formula(
        self, where: list[Line], key: str, symbol: str, candidates: list[str], value: float, role: Role, note: str = ""
    ) -> str:
        """A line whose formula comes from a record: the first candidate that gives the value; else the number alone, as
        when the textbook's formula overflows."""
        for expr in candidates:
            if self.gives(expr, value):
                return self.add(where, key, symbol, expr, value, role, note)
        self.note("stable", symbol=symbol)
        return self.add(where, key, symbol, repr(float(value)), value, role, note)

    def gives(self, expr: str, value: float) -> bool:
        """Whether a formula has this value, within its own rounding."""
        try:
            found, error = evaluate(expr, self._operands(expr))
        except (OverflowError, ValueError, ZeroDivisionError):
            return False
        return abs(found - value) <= 32.0 * error + 0.5 * RELATIVE * abs(value)

    def sum(
        self,
        where: list[Line],
        key: str,
        symbol: str,
        terms: list[Term],
        value: float | None,
        role: Role,
        *,
        inline: bool = True,
    ) -> str:
        """A line that adds up terms: in one line when it is short, else as a table, largest first, with the exact rest.

        Only the terms that are shown are written, in their own order, so that what they need stands above them.
        """
        if len(terms) <= (INLINE_TERMS if inline else 1):
            expr = " + ".join(term.write() for term in terms) or "0"
            if len(terms) <= 1 or len(written(expr, self._symbol)) <= INLINE_WIDTH:
                return self.add(where, key, symbol, expr, value, role)
        count = len(terms) if self.top is None or len(terms) <= self.top + 1 else self.top
        ranked = sorted(range(len(terms)), key=lambda n: (-abs(terms[n].value), n))
        exprs = {n: terms[n].write() for n in sorted(ranked[:count])}
        values = [self.evaluated(exprs[n]) for n in ranked[:count]]
        if ranked[count:]:
            values.append(math.fsum(terms[n].value for n in ranked[count:]))
        digits = digits_to_add_up(values, math.fsum(values) if value is None else value, self.digits)
        parts = [
            self.add(where, self.key((key, "term", n), f"{key}_t{n}"), "", exprs[n], term, "term", digits=printed)
            for n, term, printed in zip(ranked[:count], values, digits, strict=False)
        ]
        if ranked[count:]:
            label, rest, own = say("rest", n=len(ranked) - count), values[-1], self.key((key, "rest"), f"{key}_rest")
            parts.append(self.add(where, own, label, repr(rest), rest, "rest", digits=digits[-1]))
        return self.add(where, key, symbol, " + ".join(parts), value, "sum")

    def _symbol(self, name: str) -> str:
        return self.names[name].symbol
