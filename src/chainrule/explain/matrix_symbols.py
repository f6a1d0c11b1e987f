"""The symbols of whole layers and parameters in a notation: z1, net^(1), a1, W^(1)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from chainrule.explain.notation import Notation
from chainrule.plan import Param, Plan, Slot


@dataclass(frozen=True, eq=False)
class MatrixSymbols:
    """What whole matrices are called, and how they lie: the notation's templates without their units.

    >>> from chainrule import Dense, Network
    >>> from chainrule.explain.notation import notation
    >>> plan = Network(2, [Dense(3, "sigmoid"), Dense(1)]).plan
    >>> for name in ("default", "cis678", "han-kamber", "dse3121", "csds440"):
    ...     of = MatrixSymbols(plan, notation(name))
    ...     print(of.value(plan.slot("z1")), of.value(plan.slot("a1")), of.delta(plan.slot("z1")), of.param(plan.param("W1")))
    z1 a1 δ1 W1
    net^(1) out^(1) δ^(1) W^(1)
    I^(1) O^(1) Err^(1) W^(1)
    a1 h1 ∇a1 W_1
    n^(1) h(n^(1)) ∂L/∂n^(1) W^(1)
    """

    plan: Plan
    notation: Notation

    @property
    def columns(self) -> bool:
        """Whether an example is a column (a = W x + b) and not a row (z = x Wᵀ + b)."""
        return self.notation.vectors == "columns"

    @property
    def from_first(self) -> bool:
        """Whether the weights are w_from,to and so their matrix has a row for every source."""
        weight = self.notation.weight
        return "{from}" in weight and "{to}" in weight and weight.index("{from}") < weight.index("{to}")

    @property
    def loss(self) -> str:
        return self.notation.loss

    @property
    def target(self) -> str:
        return self._whole(self.notation.target, self.plan.slot(self.plan.output), "") or "y"

    def value(self, slot: Slot) -> str:
        """The symbol of a layer's net inputs or outputs, or of the inputs; other slots keep their names."""
        if self._is_plain(slot):
            if slot.kind == "net":
                return self._whole(self.notation.net, slot, f"^({slot.layer})")
            if slot.kind == "activation":
                text = self._whole(self.notation.out, slot, f"^({slot.layer})")
                return slot.name[0] + text if text.startswith("^") else text
            if slot.kind == "input":
                return self._whole(self.notation.input, slot, "") or slot.name
        return slot.name

    def delta(self, slot: Slot) -> str:
        """The notation's delta of a layer's net inputs, ∂L/∂ anything else."""
        if slot.kind == "net" and self._is_plain(slot):
            return self._whole(self.notation.delta, slot, f"^({slot.layer})")
        return f"∂{self.loss}/∂{self.value(slot)}"

    def sign(self, slot: Slot) -> int:
        """−1 where `delta` is −∂loss/∂slot."""
        return self.notation.sign if slot.kind == "net" and self._is_plain(slot) else 1

    def param(self, param: Param) -> str:
        """W^(1) for the weights called w_to,from; other parameters keep their names."""
        template = {"W": self.notation.weight, "b": self.notation.bias}.get(param.name.rstrip("0123456789"))
        if template is None or not re.fullmatch(r"[Wb]\d+", param.name):
            return param.name
        step = next(step for step in self.plan.steps if param.name in step.params)
        layer = self.plan.slot(step.target).layer
        symbol = self._whole(template, self.plan.slot(step.target), f"^({layer})")
        if "{layer}" not in template and "(" not in symbol:
            symbol += f"^({layer})"
        return symbol[0].upper() + symbol[1:] if param.name[0] == "W" else symbol

    def _is_plain(self, slot: Slot) -> bool:
        """Whether the slot is the one that its layer has of its kind: z1, a1, x."""
        if slot.kind == "input":
            return len(self.plan.inputs) == 1 and slot.name == "x"
        return slot.name == f"{'z' if slot.kind == 'net' else 'a'}{slot.layer}"

    def _whole(self, template: str, slot: Slot, layer_mark: str) -> str:
        """A template with the layer in place of the unit; the signs around a missing index go with it."""
        mark = "" if "{layer}" in template else layer_mark
        fields = dict.fromkeys(("target_at", "to", "from", "index", "unit_index"), "")
        text = template.format_map(
            {
                **fields,
                "unit": mark,
                "at": str(slot.layer),
                "slot": slot.name[0],
                "layer": str(slot.layer),
                "loss": self.loss,
                "name": slot.name,
            }
        )
        text = re.sub(r"\[[,\s]*\]", "", text)
        return re.sub(r"[_,\s]+(?=$|\^|\))", "", text)
