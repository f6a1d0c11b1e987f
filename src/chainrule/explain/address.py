"""Addresses: what a user may ask about, such as `W1[2,3]`, `delta(h1)`, `w5`, `out(o1)`, `loss`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from chainrule.errors import SettingError, nearest
from chainrule.explain.symbols import Symbols
from chainrule.plan import Param, Plan, Slot

Kind = Literal["parameter", "value", "gradient", "loss"]


@dataclass(frozen=True)
class Address:
    """Something to explain: the gradient of a parameter, a value, the gradient of a value, or the loss.

    `name` is a parameter or slot; `entries` are places in it (several where one name stands for several parameters).
    """

    kind: Kind
    name: str = ""
    entries: tuple[int, ...] = ()

    @property
    def entry(self) -> int:
        return self.entries[0]


def canonical(plan: Plan, address: Address) -> str:
    """The address in its built-in form: `W1[2,3]`, `a1[0]`, `delta(z1[2])`, `loss`."""
    if address.kind == "loss":
        return "loss"
    if address.kind == "parameter":
        return " + ".join(_place(plan.param(address.name).shape, address.name, entry) for entry in address.entries)
    inside = f"{address.name}[{address.entry}]"
    return inside if address.kind == "value" else f"delta({inside})"


def _place(shape: tuple[int, ...], name: str, entry: int) -> str:
    return f"{name}[{entry // shape[1]},{entry % shape[1]}]" if len(shape) == 2 else f"{name}[{entry}]"


def parse(symbols: Symbols, text: str) -> Address:
    """What an address means in this network.

    Raises `SettingError` CR210 with the nearest addresses and the ranges where it means nothing, CR207 with the candidates
    where a name means several things.

    >>> from chainrule import Dense, Network
    >>> from chainrule.explain.notation import notation
    >>> from chainrule.explain.symbols import Symbols
    >>> plan = Network(["age"], [Dense(2, "tanh", unit_names=["h1", "h2"]), Dense(1)]).plan
    >>> symbols = Symbols(plan, notation("default"))
    >>> [canonical(plan, parse(symbols, text)) for text in ("W2[0,1]", "out(h2)", "dL/d net(h1)", "age")]
    ['W2[0,1]', 'a1[1]', 'delta(z1[0])', 'delta(x[0])']
    """
    plan, asked = symbols.plan, text.strip()
    inner = _gradient_of(asked)
    if inner is not None:
        found = _plain(symbols, inner, text)
        if QUOTIENT.fullmatch(asked):
            return Address("gradient", found.name, found.entries) if found.kind == "value" else found
        return _net_of(plan, found, inner)
    found = _plain(symbols, asked, text)
    if found.kind == "value" and plan.slot(found.name).kind == "input":
        return Address("gradient", found.name, found.entries)
    return found


QUOTIENT = re.compile(r"[d∂]\s*(.+?)\s*/\s*[d∂]\s*(.+?)\s*")


def numerator(symbols: Symbols, text: str) -> Address | None:
    """What is differentiated in `d prediction / d age`; None where it is the loss, written or not."""
    match = QUOTIENT.fullmatch(text.strip())
    if match is None or match[1] in ("L", "E", "loss", "𝓛", symbols.loss):
        return None
    found = _plain(symbols, match[1], text)
    if found.kind != "value":
        raise _nothing(symbols, text)
    return found


def _net_of(plan: Plan, found: Address, inner: str) -> Address:
    """δ of a unit called by its name is that of its net input."""
    if found.kind != "value":
        return found
    slot = plan.slot(found.name)
    if slot.kind == "activation" and slot.units and slot.units[found.entry] == inner:
        for other in plan.slots:
            if other.layer == slot.layer and other.kind == "net" and other.width == slot.width:
                return Address("gradient", other.name, found.entries)
    return Address("gradient", found.name, found.entries)


def _gradient_of(text: str) -> str | None:
    """What stands inside `delta(…)`, `δ(…)`, `dL/d…` or `∂L/∂…`; `delta1[2]` is short for `delta(z1[2])`."""
    if match := re.fullmatch(r"(?:delta|δ|Err)\s*\((.+)\)", text):
        return match[1].strip()
    if match := QUOTIENT.fullmatch(text):
        return match[2]
    if match := re.fullmatch(r"(?:delta|δ)(\d+(?:_\d+)?)\s*(\[.+\])", text):
        return f"z{match[1]}{match[2]}"
    return None


def _plain(symbols: Symbols, asked: str, text: str) -> Address:
    plan = symbols.plan
    own = _user_names(symbols, asked)
    if len(own) == 1:
        return own[0]
    if len(own) > 1:
        raise SettingError(
            "CR207", f"{asked!r} names several things", expected="one of " + ", ".join(canonical(plan, a) for a in own),
            got=repr(text), hint=f"write for example {canonical(plan, own[0])}",
        )  # fmt: skip
    if asked == "loss":
        return Address("loss")
    if match := re.fullmatch(r"prediction(?:\s*\[\s*(\d+)\s*\])?", asked):
        return _prediction(plan, match[1], text)
    if match := re.fullmatch(r"(net|out)[(_](.+?)\)?", asked):
        return _of_unit(symbols, match[2], match[1], text)
    if match := re.fullmatch(r"(\w+)\s*(?:\[\s*([\d,\s-]+?)\s*\])?", asked):
        name, index = match[1], match[2]
        if name in plan._params and not (name in plan._slots and index):
            return Address("parameter", name, (_entry(plan.param(name), index, text),))
        if name in plan._slots:
            return Address("value", name, (_unit(plan.slot(name), index, text),))
    by_symbol = _by_symbol(symbols, asked)
    if by_symbol is not None:
        return by_symbol
    raise _nothing(symbols, text, asked)


def _user_names(symbols: Symbols, asked: str) -> list[Address]:
    """Everything the user's own names may mean: parameters (a repeated name means all of them), units, inputs."""
    plan = symbols.plan
    found = []
    for param in plan.params:
        entries = tuple(i for i, name in enumerate(param.names) if name == asked)
        if entries:
            found.append(Address("parameter", param.name, entries))
    if found:
        return found
    for slot in plan.slots:
        inputs = slot.kind == "input"
        for unit in range(slot.width) if inputs or slot.units else ():
            named = bool(slot.units) and slot.units[unit] == asked
            if (inputs and (named or symbols.input(slot, unit) == asked)) or (named and slot.kind == "activation"):
                found.append(Address("value", slot.name, (unit,)))
    return found


def _of_unit(symbols: Symbols, unit: str, what: str, text: str) -> Address:
    kind = "net" if what == "net" else "activation"
    plan = symbols.plan
    for slot in plan.slots:
        for index in range(slot.width):
            if slot.kind == kind and symbols.unit(slot, index) == unit:
                return Address("value", slot.name, (index,))
    for slot in plan.slots:  # net(a1[2]): the net input behind an activation
        if re.fullmatch(rf"{slot.name}\[\d+\]", unit):
            index = int(unit[len(slot.name) + 1 : -1])
            for other in plan.slots:
                if other.layer == slot.layer and other.kind == kind and index < other.width:
                    return Address("value", other.name, (index,))
    raise _nothing(symbols, text)


def _prediction(plan: Plan, index: str | None, text: str) -> Address:
    slot = plan.slot(plan.output)
    if index is None and slot.width > 1:
        raise SettingError(
            "CR210", f"there are {slot.width} predictions", expected=f"prediction[0] to prediction[{slot.width - 1}]",
            got=repr(text),
        )  # fmt: skip
    return Address("value", plan.output, (_unit(slot, index, text),))


def _entry(param: Param, index: str | None, text: str) -> int:
    if index is None and param.size == 1:
        return 0
    places = _numbers(index)
    if len(places) != len(param.shape) or any(not 0 <= p < n for p, n in zip(places, param.shape, strict=True)):
        raise SettingError(
            "CR210", f"{param.name} has no such place", expected=_range(param.name, param.shape), got=repr(text),
            hint="the first number is the unit it leads to, the second the unit it comes from; both count from 0"
            if len(param.shape) == 2 else "units are counted from 0",
        )  # fmt: skip
    return places[0] * param.shape[1] + places[1] if len(places) == 2 else places[0]


def _unit(slot: Slot, index: str | None, text: str) -> int:
    if index is None and slot.width == 1:
        return 0
    places = _numbers(index)
    if len(places) != 1 or not 0 <= places[0] < slot.width:
        raise SettingError(
            "CR210", f"{slot.name} has no such unit", expected=_range(slot.name, (slot.width,)), got=repr(text),
            hint="units are counted from 0",
        )  # fmt: skip
    return places[0]


def _numbers(index: str | None) -> list[int]:
    return [int(part) for part in index.split(",") if re.fullmatch(r"-?\d+", part.strip())] if index else []


def _range(name: str, shape: tuple[int, ...]) -> str:
    first, last = ",".join("0" for _ in shape), ",".join(str(n - 1) for n in shape)
    return f"{name}[{first}] to {name}[{last}]" if first != last else f"{name}[{first}]"


def _by_symbol(symbols: Symbols, asked: str) -> Address | None:
    """Whatever is printed may be asked for: the symbols of the notation."""
    plan = symbols.plan
    if asked == symbols.loss:
        return Address("loss")
    for slot in plan.slots:
        for unit in range(slot.width):
            if symbols.value(slot, unit) == asked:
                return Address("value", slot.name, (unit,))
            if slot.kind == "net" and symbols.delta(slot, unit) == asked:
                return Address("gradient", slot.name, (unit,))
    for param in plan.params:
        if not param.names:
            for entry in range(param.size):
                if symbols.param(param, entry) == asked:
                    return Address("parameter", param.name, (entry,))
    return None


def _nothing(symbols: Symbols, text: str, part: str | None = None) -> SettingError:
    """Nothing is called like this, or this `part` of it."""
    asked = (part or text).strip()
    plan = symbols.plan
    ranges = [_range(p.name, p.shape) for p in plan.params] + [_range(s.name, (s.width,)) for s in plan.slots]
    own = [*_all_names(plan), *symbols.labels.values()]
    heads = [*(p.name for p in plan.params), *(s.name for s in plan.slots), "loss", "prediction"]
    close = nearest(asked, own) or nearest(f"x_{asked}", own) or nearest(asked.partition("[")[0].strip(), heads)
    shown = ranges if len(ranges) <= 16 else [*ranges[:15], "…"]
    return SettingError(
        "CR210", f"nothing is called {asked!r} in this network",
        expected=", ".join([*shown, "delta(…)", "prediction", "loss"]) + (f", or a name such as {own[0]}" if own else ""),
        got=repr(text), hint=f"did you mean {' or '.join(close)}?" if close else None,
    )  # fmt: skip


def _all_names(plan: Plan) -> Iterable[str]:
    for param in plan.params:
        yield from param.names
    for slot in plan.slots:
        yield from slot.units


def check_labels(plan: Plan, labels: Mapping[str, str]) -> None:
    """Refuse labels for inputs that do not exist (CR210)."""
    known = {f"{name}[{unit}]" for name in plan.inputs for unit in range(plan.slot(name).width)}
    known |= {unit for name in plan.inputs for unit in plan.slot(name).units}
    for key in labels:
        if key not in known:
            close = nearest(key, known)
            raise SettingError(
                "CR210", "a label for an input that does not exist", expected="for example " + sorted(known)[0], got=repr(key),
                hint=f"did you mean {' or '.join(close)}?" if close else None,
            )  # fmt: skip
