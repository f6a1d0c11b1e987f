"""The steps of a player: lines of explanations, each following from those before it, and what each lights in the picture."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from chainrule.explain.explanation import Explanation
from chainrule.explain.formula import names_in
from chainrule.explain.lines import Line, Name
from chainrule.explain.sentences import say
from chainrule.explain.symbols import Symbols
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
    "step": "The update: {symbol}",
    "unit": "unit {number} of layer {layer}",
    "sum": "the sum of the {count} lines above",
    "given": "Given",
    "legend backward": "backward: ∂ of {what}",
    "legend unit": "in a unit: net input | output, below them their gradients",
    "legend wire": "on a wire: its weight; beside a unit's name: its bias",
    "legend target": "→ the target",
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
    headings: dict[str, Phase] = {
        say("standardised"): "forward", say("forward"): "forward", say("losses"): "loss", say("own_units"): "result",
    }  # fmt: skip
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
    made = marks(plan, line.key)
    step = Step(phase, line, tuple(parts), explanation.names, _caption(phase, line, made, symbols), (), made)
    return replace(step, uses=tuple(dict.fromkeys(mark for key in _operands(step) for mark in marks(plan, key))))


def merged(steps: Iterable[Step]) -> list[Step]:
    """The steps of several explanations of one pass as one walk: what repeats an earlier step is left out, and what one of
    them takes as recorded while another derives it comes after its derivation."""
    makers: dict[tuple[str, float], Step] = {}
    found: dict[tuple[str, str, float], Step] = {}
    for step in steps:
        found.setdefault((step.line.key, step.line.symbol, step.line.value), step)
        makers.setdefault((step.line.key, step.line.value), step)
    placed: dict[int, Step] = {}
    for step in found.values():
        _place(step, makers, placed, set())
    return list(placed.values())


def _place(step: Step, makers: Mapping[tuple[str, float], Step], placed: dict[int, Step], above: set[int]) -> None:
    """Put a step after those that make what it uses."""
    if id(step) in placed or id(step) in above:
        return
    for key in _operands(step):
        maker = makers.get((key, step.names[key].value))
        if maker is not None:
            _place(maker, makers, placed, above | {id(step)})
    placed[id(step)] = step


def _operands(step: Step) -> list[str]:
    """The keys a step reads, without those of its own terms."""
    own = {part.key for part in step.parts}
    return [key for line in (*step.parts, step.line) for key in names_in(line.expr) if key not in own]


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
                differentiated = above == "loss" or (above.rpartition(".")[0] == plan.output and _is_output(plan))
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
    if symbols.unit_name(slot, unit) is not None or symbols.notation.units != "index":
        return symbols.unit(slot, unit)
    return WORDS["unit"].format(number=unit + symbols.notation.first, layer=slot.layer)
