"""Where a quantity stands, in words."""

from __future__ import annotations

from chainrule.explain.address import Address
from chainrule.explain.sentences import say
from chainrule.explain.sheet import Sheet
from chainrule.explain.symbols import Symbols
from chainrule.plan import Slot


def statement(symbols: Symbols, address: Address) -> str:
    """The first line of an explanation: what is asked."""
    if address.kind == "loss":
        return say("loss", symbol=symbols.loss)
    if address.kind == "parameter":
        symbol = symbols.param(symbols.plan.param(address.name), address.entry)
        return say("gradient_weight", loss=symbols.loss, symbol=symbol, place=of_parameter(symbols, address))
    slot = symbols.plan.slot(address.name)
    symbol, place = symbols.value(slot, address.entry), _of_slot(symbols, slot, address.entry)
    key = "value" if address.kind == "value" else "gradient_value"
    return say(key, loss=symbols.loss, symbol=symbol, place=place)


def unit_name(symbols: Symbols, slot: Slot, unit: int) -> str:
    """A unit in a sentence: its name, or "unit 2"."""
    if slot.kind == "input":
        return symbols.input(slot, unit)
    named = symbols.unit_name(slot, unit) is not None or symbols.notation.units != "index"
    return symbols.unit(slot, unit) if named else say("unit", number=unit + symbols.notation.first)


def of_parameter(symbols: Symbols, address: Address) -> str:
    """Where a parameter stands: "layer 2: the weight to o1 from h1"."""
    param, plan = symbols.plan.param(address.name), symbols.plan
    if len(address.entries) > 1:
        return say("several", n=len(address.entries))
    step = next(step for step in plan.steps if param.name in step.params)
    target = plan.slot(step.target)
    if step.op == "parameter":
        return say("scalar_parameter")
    if len(param.shape) == 2:
        to, source = divmod(address.entry, param.shape[1])
        names = unit_name(symbols, target, to), unit_name(symbols, plan.slot(step.sources[0]), source)
        return say("weight", layer=param.layer, to=names[0], source=names[1])
    if step.op == "affine":
        if param.size == 1 and target.width > 1:
            return say("shared_bias", layer=param.layer, n=target.width)
        return say("bias", layer=param.layer, to=unit_name(symbols, target, address.entry))
    letter = param.name.rstrip("0123456789_")
    return say("parameter", layer=param.layer, name=letter, to=unit_name(symbols, target, address.entry))


def _of_slot(symbols: Symbols, slot: Slot, unit: int) -> str:
    if slot.kind == "input":
        return say("input")
    if slot.layer == 0:
        return say("node")
    return say(slot.kind, layer=slot.layer, to=unit_name(symbols, slot, unit), name=slot.name)


def remark(sheet: Sheet, address: Address) -> None:
    """Notes about the parameter itself: shared names, shared biases, the draws of a training pass."""
    plan, symbols = sheet.plan, sheet.symbols
    if address.kind == "parameter":
        param = plan.param(address.name)
        step = next(step for step in plan.steps if param.name in step.params)
        if len(address.entries) > 1:
            which = ", ".join(f"{param.name}[{entry}]" for entry in address.entries)
            name = symbols.param(param, address.entry)
            sheet.note("shared_names", name=name, n=len(address.entries), which=which)
        elif step.op == "affine" and len(param.shape) == 1 and param.size == 1 < plan.slot(step.target).width:
            sheet.note("shared_bias_note", name=symbols.param(param, 0), n=plan.slot(step.target).width)
    run = sheet.working.trace.run
    random = any(
        step.op == "dropout" or getattr(step.constants.get("activation"), "random", False) for step in plan.steps
    )
    if run.training and random:
        sheet.note("training", seed=run.seed, step=run.step)
