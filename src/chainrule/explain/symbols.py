"""The symbols of one network's quantities in a notation, with the user's own names where there are any."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from chainrule.explain.notation import Notation
from chainrule.plan import Param, Plan, Slot


@dataclass(frozen=True, eq=False)
class Symbols:
    """The symbols of one plan's quantities in a notation. `labels` are names for inputs: {"x[0]": "age"}."""

    plan: Plan
    notation: Notation
    labels: Mapping[str, str] = field(default_factory=dict)

    def unit_name(self, slot: Slot, unit: int) -> str | None:
        """The user's name of a unit; slots of the same layer and width share it."""
        if slot.units:
            return slot.units[unit]
        for other in self.plan.slots:
            if other.layer == slot.layer and other.units and other.width == slot.width and other.kind != "input":
                return other.units[unit] if slot.kind != "input" else None
        return None

    def unit(self, slot: Slot, unit: int) -> str:
        """What a unit is called in sentences and in templates."""
        name = self.unit_name(slot, unit)
        if name is not None:
            return name
        first = self.notation.first
        if self.notation.units == "index":
            return f"{slot.layer}[{unit + first}]"
        if self.notation.units == "consecutive":
            return str(unit + first + sum(width for layer, width in self._widths.items() if layer < slot.layer))
        if slot.kind == "input":
            return f"i{unit + first}"
        if slot.layer == self.plan.slot(self.plan.output).layer:
            return f"o{unit + first}"
        hidden = [layer for layer in self._widths if layer > 0]
        return f"h{unit + first}" if len(hidden) <= 2 else f"h{slot.layer}.{unit + first}"

    @property
    def _widths(self) -> dict[int, int]:
        widths: dict[int, int] = {}
        for slot in self.plan.slots:
            widths[slot.layer] = slot.width if slot.kind != "net" or slot.layer not in widths else widths[slot.layer]
        return widths

    def value(self, slot: Slot, unit: int) -> str:
        """The symbol of a slot's value at a unit: net input, activation, input, or the slot's own name."""
        if slot.kind == "input":
            return self.input(slot, unit)
        if self._is_scalar_graph:
            return slot.name
        if slot.kind == "other" or (slot.kind == "activation" and not self._is_first_out(slot)):
            return f"{slot.name}[{unit + self.notation.first}]" if not self.unit_name(slot, unit) else (
                f"{slot.name}_{self.unit_name(slot, unit)}"
            )  # fmt: skip
        template = self.notation.net if slot.kind == "net" else self.notation.out
        return template.format_map(self._fields(slot, unit))

    def input(self, slot: Slot, unit: int) -> str:
        address = f"{slot.name}[{unit}]"
        named = slot.units[unit] if slot.units else None
        for key in (address, named):
            if key is not None and key in self.labels:
                return self.labels[key]
        return named if named is not None else self.notation.input.format_map(self._fields(slot, unit))

    def delta(self, slot: Slot, unit: int) -> str:
        """δ, or the textbook's own name of an error, of a net input."""
        if self._is_scalar_graph:
            return f"∂{self.loss}/∂{slot.name}"
        return self.notation.delta.format_map(self._fields(slot, unit) | {"loss": self.loss})

    def bias_input(self, source: Slot) -> str | None:
        """The symbol of the 1 that a bias is multiplied by; None where the bias stands alone."""
        if self.notation.bias_form == "times unit 0":
            template = self.notation.input if source.kind == "input" else self.notation.out
            letter = {"letters": "i" if source.kind == "input" else "h"}.get(self.notation.units, "")
            zero = dict.fromkeys(("at", "index", "unit_index"), "0") | {"unit": f"{letter}0"}
            return template.format_map(self._fields(source, 0) | zero)
        return "1" if self.notation.bias_form == "times 1" else None

    def sign(self, slot: Slot) -> int:
        """−1 where the notation's delta of this slot is −∂loss/∂slot."""
        return self.notation.sign if slot.kind == "net" else 1

    def target(self, unit: int) -> str:
        return self.notation.target.format_map(self._fields(self.plan.slot(self.plan.output), unit))

    def term(self, unit: int) -> str:
        return self.notation.term.format_map(self._fields(self.plan.slot(self.plan.output), unit))

    @property
    def loss(self) -> str:
        """The symbol of what is differentiated: the loss, or the output itself where there is no loss."""
        objective = self.plan.objective
        if objective is not None and objective.loss.name == "output":
            slot, unit = self.plan.slot(self.plan.output), int(objective.loss.constants.get("unit", 0))
            if slot.width == 1 or "unit" in objective.loss.constants:
                return self.value(slot, unit)
        return self.notation.loss

    def param(self, param: Param, entry: int) -> str:
        """The user's name of a parameter's entry, or the notation's."""
        if param.names:
            return param.names[entry]
        first = self.notation.first
        if len(param.shape) == 2:
            to, source = divmod(entry, param.shape[1])
            if re.fullmatch(r"W\d+", param.name):
                target_slot, source_slot = self._ends(param)
                fields_ = self._fields(target_slot, to)
                fields_ |= {"to": self._short(target_slot, to), "from": self._short(source_slot, source)}
                return self.notation.weight.format_map(fields_)
            return f"{param.name}[{to + first},{source + first}]"
        is_bias = re.fullmatch(r"b\d+", param.name) is not None
        if param.size == 1 and not (is_bias and self._is_only_bias(param)):
            return param.name
        if is_bias:
            target_slot, _ = self._ends(param)
            fields_ = self._fields(target_slot, entry) | {"to": self._short(target_slot, entry)}
            return self.notation.bias.format_map(fields_)
        return f"{param.name}[{entry + first}]"

    def _ends(self, param: Param) -> tuple[Slot, Slot]:
        step = next(step for step in self.plan.steps if param.name in step.params)
        return self.plan.slot(step.target), self.plan.slot(step.sources[0])

    def _is_only_bias(self, param: Param) -> bool:
        """Whether a bias of one number belongs to one unit, and the notation has a symbol of its own for it."""
        return self._ends(param)[0].width == 1 and self.notation.bias != Notation.bias

    def _short(self, slot: Slot, unit: int) -> str:
        if self.notation.units == "index":
            return str(unit + self.notation.first)
        return self.unit(slot, unit)

    def _fields(self, slot: Slot, unit: int) -> dict[str, str]:
        name, index = self.unit_name(slot, unit), str(unit + self.notation.first)
        return {
            "unit": self.unit(slot, unit),
            "at": f"_{name}" if name is not None else f"{slot.layer}[{index}]",
            "target_at": f"_{name}" if name is not None else f"[{index}]",
            "slot": slot.name.rstrip("0123456789_"),
            "layer": str(slot.layer), "index": index, "unit_index": name or index, "to": index, "from": index,
            "name": slot.name,
        }  # fmt: skip

    def _is_first_out(self, slot: Slot) -> bool:
        """Whether this is the layer's activation proper: the notation's name is given to one slot a layer."""
        own = [s for s in self.plan.slots if s.layer == slot.layer and s.kind == "activation"]
        return own[0].name == slot.name

    @property
    def _is_scalar_graph(self) -> bool:
        return all(slot.layer == 0 for slot in self.plan.slots)
