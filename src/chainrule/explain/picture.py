"""What is drawn of a pass: columns of units and the wires between them; of a wide layer only the units that matter most."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from chainrule.calculus.local import Diagonal
from chainrule.engines.trace import Trace
from chainrule.explain.address import Address
from chainrule.explain.forward import write_value
from chainrule.explain.sheet import Sheet
from chainrule.explain.symbols import Symbols
from chainrule.explain.working import Working
from chainrule.explain.written import touched
from chainrule.plan import Plan, Step
from chainrule.shapes import Array

ROOM = 8  # a column of up to so many units is drawn whole
FAINT = 1e-9
KEPT = 5  # of a larger one, so many units are drawn, and the rest as one


@dataclass(frozen=True)
class Unit:
    """A unit of a column: its slots (net input and output, or one), its index, its name; index −1 is all that are left out."""

    slots: tuple[str, ...]
    index: int
    name: str
    left_out: int = 0
    on_path: bool = False


@dataclass(frozen=True)
class Column:
    """Units one above the other, under a title of one or two lines."""

    title: tuple[str, ...]
    units: tuple[Unit, ...]


@dataclass(frozen=True)
class Wire:
    """A connection between two units; `mark` is that of its weight, if it has one."""

    source: Unit
    target: Unit
    mark: str = ""
    weight: float | None = None
    name: str = ""
    on_path: bool = False


@dataclass(frozen=True)
class Picture:
    """The columns from inputs to outputs, the wires, and whether a loss stands at the end."""

    columns: tuple[Column, ...]
    wires: tuple[Wire, ...]
    loss: bool
    working: Working
    symbols: Symbols

    def drawn(self, slot: str, unit: int) -> bool:
        """Whether this unit of a slot is drawn by itself."""
        return any(slot in one.slots and unit == one.index for column in self.columns for one in column.units)

    def path_values(self) -> Iterator[tuple[str, int]]:
        """The slots and units on the path that is lit, from left to right."""
        for column in self.columns:
            for unit in column.units:
                if unit.on_path and not unit.left_out:
                    yield from ((slot, unit.index) for slot in unit.slots)


def picture(one_row: Trace, symbols: Symbols, address: Address | None, *, loss: bool) -> Picture:
    """The picture of a pass of one example, with the path of `address` to the loss (None: no path)."""
    choice = _Choice(Working(one_row), symbols, address)
    groups = _groups(one_row.plan)
    units = {group: choice.units(group) for group in reversed(groups)}
    depth = _depths(one_row.plan, groups)
    columns = []
    for d in sorted(set(depth.values())):
        here = [group for group in groups if depth[group] == d]
        members = tuple(unit for group in here for unit in units[group])
        columns.append(Column(_title(one_row.plan, here), members))
    return Picture(tuple(columns), tuple(_wires(choice, units)), loss, choice.working, symbols)


Group = tuple[str, ...]


def _groups(plan: Plan) -> list[Group]:
    """The slots that are drawn as one: a net input with the output made of it, anything else alone."""
    found: list[Group] = [(name,) for name in plan.inputs]
    for step in plan.steps:
        source = step.sources[0] if step.sources else ""
        joins = (
            step.op in ("activation", "softmax")
            and (source,) in found
            and plan.slot(source).kind == "net"
            and plan.slot(source).width == plan.slot(step.target).width
        )
        if joins:
            found[found.index((source,))] = (source, step.target)
        else:
            found.append((step.target,))
    return found


def _depths(plan: Plan, groups: list[Group]) -> dict[Group, int]:
    """The column of each group: one more than that of what it is made of; a parameter stands just before its use."""
    of = {slot: group for group in groups for slot in group}
    depth = dict.fromkeys(groups, 0)
    for step in plan.steps:
        for source in step.sources:
            if of[source] != of[step.target]:
                depth[of[step.target]] = max(depth[of[step.target]], depth[of[source]] + 1)
    for step in plan.steps:
        if not step.sources and plan.readers[step.target]:
            depth[of[step.target]] = min(depth[of[reader.target]] for reader in plan.readers[step.target]) - 1
    return depth


_OPS = {"normalise": "layer norm", "scale_shift": "scale, shift", "softmax": "softmax"}


def _title(plan: Plan, groups: list[Group]) -> tuple[str, ...]:
    slot = plan.slot(groups[0][-1])
    if any(plan.slot(group[0]).kind == "input" for group in groups):
        return ("inputs",)
    if slot.layer == 0:
        return ()
    step = plan.makers[slot.name]
    function = step.constants.get("activation")
    what = function.name if function is not None else _OPS.get(step.op, "" if step.op == "affine" else step.op)
    return (f"layer {slot.layer}", what) if what else (f"layer {slot.layer}",)


class _Choice:
    """Which units matter: those on the largest paths of what is explained, before them those that add most."""

    def __init__(self, working: Working, symbols: Symbols, address: Address | None) -> None:
        self.working, self.symbols, self.address = working, symbols, address
        self.kept: dict[str, list[int]] = {}

    @cached_property
    def reached(self) -> dict[str, Array]:
        """How strongly every unit depends on what is explained: the sum of |paths| from there."""
        working, address = self.working, self.address
        plan = working.plan
        found: dict[str, Array] = {slot.name: np.zeros(slot.width) for slot in plan.slots}
        if address is None or address.kind not in ("parameter", "gradient"):
            return found
        if address.kind == "gradient":
            found[address.name][address.entry] = 1.0
        sheet = Sheet(working, self.symbols, top=1, digits=6, write=write_value)
        for step in plan.steps:
            for position, source in enumerate(step.sources):
                if found[source].any() and step.target in working.live:
                    found[step.target] += self._connection(step, position) @ found[source]
            for position, name in enumerate(step.params):
                if address.kind == "parameter" and name == address.name and step.target in working.live:
                    for entry in address.entries:
                        found[step.target][touched(sheet, step, position, entry)] += 1.0
        return found

    def _connection(self, step: Step, position: int) -> Array:
        """|∂target/∂source|; a slope of 0 still counts as a connection, so that the path through a flat side is seen."""
        moves = np.abs(self.working.matrix(step, position))
        is_diagonal = isinstance(self.working.local(step, position), Diagonal)
        return np.maximum(moves, FAINT * np.eye(len(moves))) if is_diagonal else moves

    def on_path(self, slot: str, unit: int) -> bool:
        if slot not in self.working.live and slot != self.working.plan.output:
            return False
        return bool(self.reached[slot][unit] > 0.0)

    def units(self, group: Group) -> tuple[Unit, ...]:
        """The units drawn of a group, and one that stands for the others."""
        plan, width = self.working.plan, self.working.plan.slot(group[0]).width
        indices = list(range(width))
        if width > ROOM:
            importance = sum((self._importance(slot) for slot in group), np.zeros(width))
            indices = sorted(sorted(indices, key=lambda j: (-importance[j], j))[:KEPT])
        for slot in group:
            self.kept[slot] = indices
        made = [
            Unit(group, j, self._name(group, j), on_path=any(self.on_path(slot, j) for slot in group)) for j in indices
        ]
        if len(indices) < width:
            on_path = any(self.on_path(slot, j) for slot in group for j in range(width) if j not in indices)
            made.append(Unit(group, -1, plan.slot(group[0]).name, width - len(indices), on_path))
        return tuple(made)

    def _importance(self, slot: str) -> Array:
        """First what is explained itself, then the paths through a unit, then what it adds to the units drawn after it."""
        working, plan = self.working, self.working.plan
        width = plan.slot(slot).width
        asked, added = np.zeros(width), np.zeros(width)
        through = self.reached[slot] * working.weights_of_paths[slot] if self.reached[slot].any() and (
            slot in working.weights_of_paths) else np.zeros(width)  # fmt: skip
        address = self.address
        if address is not None and address.kind in ("gradient", "value") and address.name == slot:
            asked[address.entry] = 1.0
        if address is not None and address.kind == "parameter" and slot in plan.makers:
            uses = plan.makers[slot].params
            asked += np.where(self.reached[slot] > 0.0, 1.0, 0.0) if address.name in uses else 0.0
        for step in plan.readers[slot]:
            asked += self._source_of(step, width)
            kept = self.kept.get(step.target, [])
            for position, source in enumerate(step.sources):
                if source == slot and kept:
                    moves = np.abs(working.matrix(step, position)[kept]).sum(axis=0)
                    added += moves * np.abs(working.trace.values[slot][0])
        return 4.0 * asked + 2.0 * _scaled(through) + _scaled(added)

    def _source_of(self, step: Step, width: int) -> Array:
        """1 for the unit that an explained weight comes from."""
        found, address = np.zeros(width), self.address
        if (
            address is not None
            and address.kind == "parameter"
            and step.op == "affine"
            and step.params[0] == address.name
        ):
            for entry in address.entries:
                found[entry % width] = 1.0
        return found

    def _name(self, group: Group, unit: int) -> str:
        slot = self.working.plan.slot(group[0])
        if slot.kind == "input":
            return self.symbols.input(slot, unit)
        named = self.symbols.unit_name(slot, unit)
        if named is not None:
            return named
        if len(group) == 1 or slot.layer == 0:
            return self.symbols.value(slot, unit)
        if self.symbols.notation.units == "index":
            return f"unit {unit + self.symbols.notation.first}"
        return self.symbols.unit(slot, unit)


def _scaled(x: Array) -> Array:
    largest = float(x.max(initial=0.0))
    return x / largest if largest > 0.0 else x


def _wires(choice: _Choice, units: dict[Group, tuple[Unit, ...]]) -> Iterator[Wire]:
    working = choice.working
    of = {slot: (group, members) for group, members in units.items() for slot in group}
    for step in working.plan.steps:
        group, targets = of[step.target]
        for position, source in enumerate(step.sources):
            if of[source][0] == group:
                continue
            for start in of[source][1]:
                reached = set() if start.left_out else set(working.structural(step, position, start.index))
                for end in targets:
                    if start.left_out or end.left_out:
                        if step.op == "affine" or (start.left_out and end.left_out):
                            yield Wire(start, end, on_path=False)
                    elif end.index in reached:
                        yield _wire(choice, step, source, start, end)


def _wire(choice: _Choice, step: Step, source: str, start: Unit, end: Unit) -> Wire:
    working, address = choice.working, choice.address
    on_path = choice.on_path(source, start.index) and choice.on_path(step.target, end.index)
    if step.op != "affine":
        return Wire(start, end, on_path=on_path)
    param = working.plan.param(step.params[0])
    entry = end.index * param.shape[1] + start.index
    asked = address is not None and address.kind == "parameter" and address.name == param.name
    asked = asked and address is not None and entry in address.entries
    name = param.names[entry] if param.names else ""
    return Wire(start, end, f"{param.name}.{entry}", working.theta(param, entry), name, on_path or asked)
