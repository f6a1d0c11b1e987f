"""The Plan: a network lowered to plain data that every engine reads, and nothing else.

A Plan is a list of steps over named slots (arrays of shape (rows, width)) and the layout of ONE flat parameter
vector θ.
Conventions: weights are W[to, from], z = a Wᵀ + b, batch first; layers count from 1, units from 0.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from chainrule.calculus.loss import Head, Loss, Reduction
from chainrule.errors import PromiseError, SettingError
from chainrule.initializers import Initializer
from chainrule.shapes import Array

SlotKind = Literal["input", "net", "activation", "other"]


@dataclass(frozen=True)
class Slot:
    """A named array of a pass, shape (rows, width): an input, a net input z, an activation a, or what a layer makes."""

    name: str
    width: int
    kind: SlotKind
    layer: int
    units: tuple[str, ...] = ()  # the user's names of the units


@dataclass(frozen=True, eq=False)
class Param:
    """A named piece of θ: θ[offset : offset + size], in row-major order of `shape`.

    `fans` are (to, from) for the initialiser. Where `mask` is False there is no parameter: value 0, no gradient, no
    update. `names` are the user's own, in θ's order; they may repeat.
    """

    name: str
    shape: tuple[int, ...]
    offset: int
    layer: int
    initial: Initializer
    fans: tuple[int, int]
    learning_rate_factor: float = 1.0
    decay_factor: float = 1.0
    mask: NDArray[np.bool_] | None = None
    names: tuple[str, ...] = ()

    @property
    def size(self) -> int:
        return math.prod(self.shape)

    @property
    def where(self) -> slice:
        return slice(self.offset, self.offset + self.size)

    def of(self, theta: Array) -> Array:
        """This parameter's view of θ (or of a gradient), in its own shape."""
        return theta[self.where].reshape(self.shape)


@dataclass(frozen=True, eq=False)
class Step:
    """target = op(sources; params, constants). A slot may be the source of several steps and is the target of one."""

    op: str
    sources: tuple[str, ...]
    target: str
    params: tuple[str, ...] = ()
    constants: Mapping[str, Any] = field(default_factory=dict)
    layer: int = 0


@dataclass(frozen=True, eq=False)
class Objective:
    """The loss, read from the slot `source`: the predictions, or the logits when a fused head is used."""

    loss: Loss
    source: str
    head: Head | None
    reduction: Reduction

    def __reduce__(self) -> tuple[Any, ...]:
        return _objective, (self.loss, self.source, self.head and self.head.activation, self.reduction)


def _objective(loss: Loss, source: str, head: str | None, reduction: Reduction) -> Objective:
    return Objective(loss, source, loss.head(head) if head else None, reduction)


@dataclass(frozen=True, eq=False)
class Plan:
    """Slots, parameters and steps in the order of the forward pass; inputs tile the columns of x in their order."""

    slots: tuple[Slot, ...]
    params: tuple[Param, ...]
    steps: tuple[Step, ...]
    inputs: tuple[str, ...]
    output: str
    objective: Objective | None

    @cached_property
    def _slots(self) -> dict[str, Slot]:
        return {slot.name: slot for slot in self.slots}

    @cached_property
    def _params(self) -> dict[str, Param]:
        return {param.name: param for param in self.params}

    def slot(self, name: str) -> Slot:
        return self._slots[name]

    def param(self, name: str) -> Param:
        return self._params[name]

    @cached_property
    def makers(self) -> dict[str, Step]:
        """The step that writes a slot, by the slot's name."""
        return {step.target: step for step in self.steps}

    @cached_property
    def readers(self) -> dict[str, tuple[Step, ...]]:
        """The steps that read a slot, by the slot's name, in forward order."""
        return {slot.name: tuple(s for s in self.steps if slot.name in s.sources) for slot in self.slots}

    @property
    def size(self) -> int:
        """The number of entries of θ."""
        return sum(param.size for param in self.params)

    @property
    def input_width(self) -> int:
        return sum(self.slot(name).width for name in self.inputs)

    def per_entry(self, of: Literal["learning_rate_factor", "decay_factor"]) -> NDArray[np.float64]:
        """A factor of the parameters, spread over θ; where a mask forbids a parameter the factor is 0."""
        spread = np.empty(self.size)
        for param in self.params:
            factor = np.full(param.shape, getattr(param, of))
            spread[param.where] = (factor if param.mask is None else factor * param.mask).ravel()
        return spread


class Builder:
    """Collects slots, parameters and steps while layers are lowered. Offsets into θ are computed here only."""

    def __init__(self) -> None:
        self.slots: list[Slot] = []
        self.params: list[Param] = []
        self.steps: list[Step] = []
        self.layer = 0
        self._size = 0
        self._streams = 0

    def _fresh(self, name: str, taken: set[str]) -> str:
        count = 2
        candidate = name
        while candidate in taken:
            candidate, count = f"{name}_{count}", count + 1
        return candidate

    def slot(self, name: str, width: int, kind: SlotKind = "other", units: tuple[str, ...] = ()) -> str:
        """A new slot in the current layer; returns its name, made unique."""
        name = self._fresh(name, {slot.name for slot in self.slots})
        self.slots.append(Slot(name, width, kind, self.layer, units))
        return name

    def width(self, slot: str) -> int:
        return next(s.width for s in self.slots if s.name == slot)

    def param(self, name: str, shape: tuple[int, ...], initial: Initializer, **details: Any) -> str:
        """A new parameter at the end of θ; returns its name, made unique."""
        name = self._fresh(name, {param.name for param in self.params})
        fans = details.pop("fans", (shape[0], shape[1] if len(shape) > 1 else 1))
        param = Param(name, shape, self._size, self.layer, initial, fans, **details)
        self.params.append(param)
        self._size += param.size
        return name

    def step(
        self, op: str, sources: tuple[str, ...], target: str, params: tuple[str, ...] = (), **constants: Any
    ) -> str:
        """A new step; returns its target."""
        self.steps.append(Step(op, sources, target, params, constants, self.layer))
        return target

    def stream(self) -> int:
        """The number of the next source of random draws in this network."""
        self._streams += 1
        return self._streams - 1


def verify(plan: Plan) -> None:
    """Prove that the parameters tile θ exactly and every slot is written once before it is read; CR801 otherwise."""
    offset = 0
    for param in plan.params:
        if param.offset != offset:
            raise PromiseError("CR801", f"the parameter {param.name} starts at {param.offset}, not at {offset}")
        if param.mask is not None and param.mask.shape != param.shape:
            raise PromiseError("CR801", f"the mask of {param.name} has shape {param.mask.shape}, not {param.shape}")
        if param.names and len(param.names) != param.size:
            raise PromiseError("CR801", f"{param.name} has {len(param.names)} names for {param.size} entries")
        offset += param.size
    for what, names in (("slot", [s.name for s in plan.slots]), ("parameter", [p.name for p in plan.params])):
        if len(set(names)) != len(names):
            raise PromiseError("CR801", f"two {what}s have the same name")
    written = set(plan.inputs)
    for step in plan.steps:
        for source in step.sources:
            if source not in written:
                raise PromiseError("CR801", f"{step.target} reads {source} before it is written")
        for param_name in step.params:
            if param_name not in plan._params:
                raise PromiseError("CR801", f"{step.target} reads the parameter {param_name}, which does not exist")
        if step.target in written:
            raise PromiseError("CR801", f"{step.target} is written twice")
        written.add(step.target)
    unread = {param.name for param in plan.params} - {name for step in plan.steps for name in step.params}
    if unread:
        raise PromiseError("CR801", f"never read: {', '.join(sorted(unread))}")
    unwritten = {slot.name for slot in plan.slots} - written
    if unwritten or plan.output not in written or (plan.objective and plan.objective.source not in written):
        raise PromiseError("CR801", f"never written: {', '.join(sorted(unwritten)) or plan.output}")


def check_trainable(plan: Plan) -> None:
    """Refuse gradient descent through a function whose slope is 0 everywhere (CR205)."""
    for step in plan.steps:
        function = step.constants.get("activation")
        if function is not None and not function.trainable:
            raise SettingError(
                "CR205", f"gradient descent cannot train through {function.name}", where=f"layer {step.layer}",
                expected="a function with a slope", got=f"{function.name}, whose slope is 0 wherever it has one",
                hint="use sigmoid (a smooth step), or the perceptron's own learning rule",
            )  # fmt: skip
