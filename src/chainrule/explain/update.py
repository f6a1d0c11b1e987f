"""Why a weight moved: one parameter's step of an update rule, term by term."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from chainrule.constraints import whole
from chainrule.engines.reference import backward_pass
from chainrule.engines.trace import Gradient, Trace
from chainrule.errors import SettingError
from chainrule.explain import places
from chainrule.explain.address import canonical, parse
from chainrule.explain.derive import explain_trace
from chainrule.explain.digits import shown
from chainrule.explain.explanation import RELATIVE, Explanation
from chainrule.explain.forward import write_value
from chainrule.explain.lines import Section
from chainrule.explain.notation import Notation, notation
from chainrule.explain.rules import WRITTEN_RULES
from chainrule.explain.sentences import say
from chainrule.explain.sheet import Sheet
from chainrule.explain.symbols import Symbols
from chainrule.explain.working import Working, one_row
from chainrule.optim.rule import Rule, Update
from chainrule.optim.rules import rules
from chainrule.plan import Param

_notation = notation


def explain_update(
    trace: Trace | Gradient,
    rule: str | Rule | Update,
    of: str,
    *,
    memory: Mapping[str, Any] | None = None,
    digits: int = 6,
    notation: str | Notation | Path = "default",
    top: int | None = 8,
    **constants: float,
) -> Explanation:
    """Why one parameter moves as it does: the data's gradient, penalties, clipping, the rule's memory, old and new value.

    trace: of a backward pass, with the θ that is about to be moved. rule, constants and memory: as for
    `chainrule.update`, with the memory as it stands *before* this step; it is not changed. In it, "multiplier" is what a
    schedule multiplies the learning rate by. of: a weight or bias. The
    gradient itself is explained by the only child.

    Raises `SettingError` CR210 when `of` is not a single parameter, `PromiseError` CR802 when the lines do not give what
    `chainrule.update` gives.

    >>> from chainrule import Dense, Network, backward, forward
    >>> net = Network(2, [Dense(1, "sigmoid")], loss="half_squared_error")
    >>> gradient = backward(forward(net, [0.5, -1.0, 0.25], [1.0, 2.0], [1.0]))
    >>> step = explain_update(gradient, "gradient_descent", "W1[0,1]", learning_rate=0.5)
    >>> step.line(step.result).numbers
    '−1 − 0.5·(−0.269109)'
    """
    trace = trace.trace if isinstance(trace, Gradient) else trace
    trace = trace if trace.gradient is not None else backward_pass(trace)
    whole("digits", digits, low=1, high=17)
    symbols = Symbols(trace.plan, _notation(notation))
    address = parse(symbols, of)
    if address.kind != "parameter" or len(address.entries) != 1:
        raise SettingError(
            "CR210", "an update moves a parameter", expected="one weight or bias, such as W1[0,0]", got=repr(of)
        )
    if not isinstance(rule, Update):
        rule = Update(rules.get(rule, **constants) if isinstance(rule, str) else rule)
    step = _Step(trace, rule, trace.plan.param(address.name), address.entry, memory or {})
    sheet = Sheet(Working(one_row(trace, 0)), symbols, top=top, digits=digits, write=write_value)
    direction = _direction(sheet, step)
    key, moved = _move(sheet, step, direction)
    value = sheet.names[key].value
    size = abs(float(trace.theta[step.place])) + abs(value)
    slack = RELATIVE if trace.dtype == np.float64 else 64.0 * float(np.finfo(trace.dtype).eps)
    symbol = symbols.param(step.param, step.entry)
    return Explanation(
        target=sheet.names[key].symbol, address=canonical(trace.plan, address),
        statement=say("update", symbol=symbol, place=places.of_parameter(symbols, address)), value=value,
        sections=(Section(say("update_lines", rule=rule.rule.name, step=step.count), tuple(sheet.backward)),),
        names=sheet.names, result=key, engine=moved, engine_name=trace.engine, tolerance=slack * size,
        notes=tuple(sheet.notes), children=(explain_trace(trace, of, top=top, digits=digits, notation=notation),),
        form="update", notation=symbols.notation.name, decimal=symbols.notation.decimal, dtype=str(trace.dtype), digits=digits,
    )  # fmt: skip


class _Step:
    """The numbers of one step: what `chainrule.update` would be handed for this θ."""

    def __init__(self, trace: Trace, update: Update, param: Param, entry: int, memory: Mapping[str, Any]) -> None:
        self.trace, self.update, self.param, self.entry = trace, update, param, entry
        self.place = param.offset + entry
        self.count = int(memory.get("step", 0)) + 1
        self.slots = tuple(memory.get("slots") or (np.zeros_like(trace.theta) for _ in update.rule.slots))
        table = update.rule.table(self.count, np.full(1, float(memory.get("multiplier", 1.0))))
        self.scalars = {name: float(column[0]) for name, column in table.items()}
        self.decay = trace.plan.per_entry("decay_factor").astype(trace.dtype)
        self.rates = trace.plan.per_entry("learning_rate_factor").astype(trace.dtype)

    def moved(self) -> float:
        """The parameter after the step, by the rule itself."""
        kind = self.trace.dtype.type
        scalars: dict[str, Any] = {name: kind(value) for name, value in self.scalars.items()}
        scalars["learning_rate"] = scalars["learning_rate"] * self.rates
        scalars["decay_factor"] = self.decay
        assert self.trace.gradient is not None
        direction = self.update.direction(self.trace.theta, self.trace.gradient, self.decay)
        theta, _ = self.update.rule.update(self.trace.theta, direction, self.slots, scalars)
        return float(theta[self.place])


def _direction(sheet: Sheet, step: _Step) -> str:
    """The gradient that the rule is handed: the data's, plus penalties, clipped. Returns its key."""
    update, where, trace = step.update, sheet.backward, step.trace
    assert trace.gradient is not None
    gradient = f"∂{sheet.symbols.loss}/∂{sheet.symbols.param(step.param, step.entry)}"
    key = sheet.leaf(("data",), "g_data", gradient, float(trace.gradient[step.place]), "recorded", step.param.name)
    weight, decay = sheet.param(step.param.name, step.entry), float(step.decay[step.place])
    if (update.l1 or update.l2) and decay == 0.0:
        sheet.note("frozen", symbol=sheet.names[weight].symbol)
    elif update.l1 or update.l2:
        factor = "" if decay == 1.0 else f"*{sheet.constant('decay', 'decay', decay)}"
        terms = [key]
        if update.l1:
            l1 = sheet.constant("l1", "λ₁", update.l1)
            sign = f"(1 if {weight} > 0 else -1)" if sheet.names[weight].value else "0"
            terms.append(
                sheet.add(
                    where, sheet.key(("l1",), "penalty_1"), say("penalty_1"), f"{l1}*{sign}{factor}", None, "step"
                )
            )
        if update.l2:
            l2 = sheet.constant("l2", "λ₂", update.l2)
            terms.append(
                sheet.add(
                    where, sheet.key(("l2",), "penalty_2"), say("penalty_2"), f"{l2}*{weight}{factor}", None, "step"
                )
            )
        key = sheet.add(where, sheet.key(("penalised",), "g_penalised"), "g", " + ".join(terms), None, "step")
    if update.clip_value is not None:
        limit = sheet.constant("c", "c", update.clip_value)
        expr = f"max(-{limit}, min({limit}, {key}))"
        key = sheet.add(where, sheet.key(("cut",), "g_cut"), "g′", expr, None, "step")
    if update.clip_norm is not None:
        key = _shortened(sheet, step, key, update.clip_norm)
    return key


def _shortened(sheet: Sheet, step: _Step, key: str, limit: float) -> str:
    """Clipping by the length of the whole gradient."""
    assert step.trace.gradient is not None
    unclipped = Update(step.update.rule, step.update.l1, step.update.l2, step.update.clip_value)
    whole_gradient = unclipped.direction(step.trace.theta, step.trace.gradient, step.decay).astype(np.float64)
    length = float(np.sqrt((whole_gradient**2).sum()))
    if length <= limit:
        sheet.note("no_clip", length=shown(length, sheet.digits), limit=shown(limit, sheet.digits))
        return key
    sheet.note("clip", length=shown(length, sheet.digits), limit=shown(limit, sheet.digits))
    size = sheet.leaf(("length",), "length", "‖g‖", length, "recorded", "the whole gradient")
    allowed = sheet.constant("clip_norm", "c", limit)
    return sheet.add(
        sheet.backward, sheet.key(("shortened",), "g_short"), "g″", f"{key}*{allowed}/{size}", None, "step"
    )


def _move(sheet: Sheet, step: _Step, direction: str) -> tuple[str, float]:
    """The rule's own lines; returns the key of the new value, and that value by the rule itself."""
    moved = step.moved()
    rule, where = step.update.rule, sheet.backward
    weight = sheet.param(step.param.name, step.entry)
    new = sheet.key(("new",), f"{weight}_new")
    symbol = say("new", symbol=sheet.names[weight].symbol)
    lines = WRITTEN_RULES.get(rule.name)
    if lines is None:
        sheet.note("not_written", rule=rule.name)
        change = sheet.leaf(("change",), "change", "Δ", moved - sheet.names[weight].value, "recorded", rule.name)
        return sheet.add(where, new, symbol, f"{weight} + {change}", None, "step"), moved
    names = {"w": weight, "g": direction, "t": str(step.count)}
    rate = step.scalars["learning_rate"] * float(step.rates[step.place])
    names["rate"] = sheet.constant("rate", sheet.symbols.notation.rate, rate)
    for name, value in rule.constants.items():
        if name != "learning_rate":
            names[name] = sheet.constant(name, lines.symbols.get(name, name), value)
    for name, slot in zip(rule.slots, step.slots, strict=True):
        names[name] = sheet.leaf(("slot", name), name, lines.symbols[name], float(slot[step.place]), "recorded", name)
    if step.count == 1 and rule.slots:
        sheet.note("first_step")
    names["decay"] = sheet.constant("decay", "decay", float(step.decay[step.place]))
    return lines.write(sheet, names, new, symbol), moved
