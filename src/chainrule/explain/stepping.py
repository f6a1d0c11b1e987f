"""The steps of a player: the lines of explanations in an order in which each follows from those before it, and what each lights."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from chainrule.explain.explanation import Explanation
from chainrule.explain.formula import names_in
from chainrule.explain.lines import Line, Name
from chainrule.explain.notation import Symbols
from chainrule.explain.sentences import say
from chainrule.plan import Plan

Phase = Literal["forward", "loss", "backward", "result", "batch", "update"]

# Every phrase of the player, so that it can be translated without touching code.
WORDS: dict[str, str] = {
    "forward": "Forward",
    "loss": "Loss",
    "backward": "Backward",
    "result": "Result",
    "batch": "The whole batch",
    "update": "Update",
    "net": "Net input of {unit}",
    "activation": "Output of {unit}",
    "other": "{symbol}",
    "the loss": "The loss",
    "error": "A term of the loss",
    "change": "How {above} changes when {below} changes",
    "asked": "The answer: how {above} changes when {below} changes",
    "delta": "Delta of {unit}",
    "value": "The answer: {symbol}",
    "all examples": "The sum over all examples",
    "step": "The step of {symbol}",
}


@dataclass(frozen=True)
class Step:
    """One line, with the terms it adds up where it is a sum. `uses` and `makes` are marks of what it reads and gives."""

    phase: Phase
    line: Line
    parts: tuple[Line, ...]
    names: Mapping[str, Name]
    caption: str
    uses: tuple[str, ...]
    makes: tuple[str, ...]


def steps_of(explanation: Explanation, symbols: Symbols, phase: Phase | None = None) -> list[Step]:
    """The lines of one explanation as steps; a sum and its terms are one step.

    phase: that of all lines; by default each has that of its section, and the last one gives the result.
    """
    found: list[Step] = []
    headings: dict[str, Phase] = {say("forward"): "forward", say("losses"): "loss"}
    for section in explanation.sections:
        own = phase or headings.get(section.title, "backward")
        waiting: list[Line] = []
        for line in section.lines:
            if line.role in ("term", "rest"):
                waiting.append(line)
                continue
            parts = [part for part in waiting if part.key in names_in(line.expr)]
            waiting = [part for part in waiting if part not in parts]
            is_result = phase is None and line.key == explanation.result and own == "backward"
            found.append(_step("result" if is_result else own, line, parts, explanation, symbols))
    return found


def _step(phase: Phase, line: Line, parts: Sequence[Line], explanation: Explanation, symbols: Symbols) -> Step:
    plan = symbols.plan
    keys = [key for one in (*parts, line) for key in names_in(one.expr)]
    keys = [key for key in keys if key not in {part.key for part in parts}]
    made = marks(plan, line.key)
    uses = tuple(dict.fromkeys(mark for key in keys for mark in marks(plan, key)))
    return Step(phase, line, tuple(parts), explanation.names, _caption(phase, line, made, symbols), uses, made)


def merged(steps: Iterable[Step]) -> list[Step]:
    """The steps without those that repeat an earlier one: the same quantity with the same value."""
    found: dict[tuple[str, str, float], Step] = {}
    for step in steps:
        found.setdefault((step.line.key, step.line.symbol, step.line.value), step)
    return list(found.values())


def marks(plan: Plan, key: str) -> tuple[str, ...]:
    """What the key of a line or a name stands for in the picture: "z1.0" (a value), "W1.3" (a parameter's entry), "loss",
    "y.0" (a target), each with "g." before it for the gradient.

    >>> from chainrule import Dense, Network
    >>> plan = Network(2, [Dense(2, "tanh"), Dense(1)]).plan
    >>> [marks(plan, key) for key in ("a1_1", "W1_1_0", "delta_z1_1", "dL_dW2_0_1", "dz2_0_da1_1")]
    [('a1.1',), ('W1.2',), ('g.z1.1',), ('g.W2.1',), ('z2.0', 'a1.1')]
    """
    key = re.sub(r"(_v\d+|_by_factors|_new)$", "", key)
    plain = _mark(plan, key)
    if plain:
        return (plain,)
    if key.startswith("delta_"):
        inside = _mark(plan, key.removeprefix("delta_"))
        return (f"g.{inside}",) if inside else ()
    if key.startswith("d"):
        for match in re.finditer("_d", key):
            above, below = _mark(plan, key[1 : match.start()]), _mark(plan, key[match.end() :])
            if above and below:
                differentiated = above == "loss" or above.rpartition(".")[0] == plan.output and _is_output(plan)
                return (f"g.{below}",) if differentiated else (above, below)
    return ()


def _is_output(plan: Plan) -> bool:
    """Whether a value of the pass, not a loss, is differentiated."""
    return plan.objective is not None and plan.objective.loss.name == "output"


def _mark(plan: Plan, key: str) -> str:
    if re.fullmatch(r"L|L_\d+|L_total", key):
        return "loss"
    for slot in (key, key.rpartition("_")[0]):
        if slot in plan._slots:
            unit = key[len(slot) + 1 :] or "0"
            if unit.isdigit() and int(unit) < plan.slot(slot).width:
                return f"{slot}.{unit}"
    if target := re.fullmatch(r"y_(\d+)", key):
        return f"y.{target[1]}"
    for parts in (0, 1, 2):
        name, *place = key.rsplit("_", parts)
        if name in plan._params and all(p.isdigit() for p in place):
            shape, numbers = plan.param(name).shape, [int(p) for p in place]
            return f"{name}.{numbers[0] * shape[1] + numbers[1] if len(numbers) == 2 else sum(numbers)}"
    return ""


def _caption(phase: Phase, line: Line, made: tuple[str, ...], symbols: Symbols) -> str:
    symbol = line.symbol
    if phase == "batch":
        return WORDS["all examples"]
    if phase == "update":
        return WORDS["step"].format(symbol=symbol)
    if symbol.startswith("∂") and "/∂" in symbol:
        above, _, below = symbol[1:].partition("/∂")
        return WORDS["asked" if phase == "result" else "change"].format(above=above, below=below)
    if phase == "loss":
        return WORDS["the loss" if line.key == "L" else "error"]
    slot_name, _, unit = (made[0] if made else "").removeprefix("g.").rpartition(".")
    if slot_name in symbols.plan._slots:
        slot = symbols.plan.slot(slot_name)
        kind = "delta" if made[0].startswith("g.") else slot.kind
        if kind in ("net", "activation", "delta"):
            return WORDS[kind].format(unit=_unit(symbols, slot_name, int(unit)))
    return WORDS["value" if phase == "result" else "other"].format(symbol=symbol)


def _unit(symbols: Symbols, slot_name: str, unit: int) -> str:
    slot = symbols.plan.slot(slot_name)
    named = symbols.unit_name(slot, unit)
    return named if named is not None else symbols.unit(slot, unit)
