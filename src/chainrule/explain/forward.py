"""The forward pass and the loss, term by term."""

from __future__ import annotations

import numpy as np

from chainrule.calculus.loss import Loss
from chainrule.explain.formula import rename
from chainrule.explain.sentences import say
from chainrule.explain.sheet import Sheet, Term
from chainrule.explain.written import GREEK, WRITTEN

MANY_OUTPUTS = 6  # from this many outputs on, those whose target is 0 are left out where they add nothing


def write_value(sheet: Sheet, slot: str, unit: int) -> str:
    """The line of a slot's value at a unit, with the lines it needs above it; returns its key."""
    identity = ("value", slot, unit)
    if sheet.has(identity):
        return sheet.key(identity, "")
    step = sheet.plan.makers[slot]
    value, symbol = sheet.working.value(slot, unit), sheet.symbols.value(sheet.plan.slot(slot), unit)
    known = WRITTEN.get(step.op)
    made = known.value(sheet, step, unit) if known else []
    key = sheet.key(identity, sheet.wish(slot, unit))
    if isinstance(made, list) and known:
        return sheet.sum(sheet.forward, key, symbol, made, value, "forward")
    candidates = [made] if isinstance(made, str) else []
    return sheet.add_recorded_formula(sheet.forward, key, symbol, candidates, value, "forward")


def write_value_itself(sheet: Sheet, slot: str, unit: int) -> str:
    """The same for the quantity that is asked for: in a large network too, it is derived back to its weighted sum."""
    step = sheet.plan.makers.get(slot)
    if step is None:
        return sheet.value(slot, unit)
    if not sheet.full and step.op != "affine":
        for source in step.sources:
            if sheet.plan.slot(source).width == sheet.plan.slot(slot).width and source in sheet.plan.makers:
                write_value_itself(sheet, source, unit)
    return write_value(sheet, slot, unit)


def loss_names(sheet: Sheet, loss: Loss, unit: int) -> dict[str, str]:
    """What the names of a loss's formulas stand for at an output."""
    formulas = " ".join([loss.expr, loss.slope_expr, *(head.slope_expr for head in loss.heads)])
    names = {
        name: sheet.constant(name, GREEK.get(name, name), value, ("loss", name))
        for name, value in loss.constants.items()
        if name in formulas
    }
    names["k"] = str(sheet.plan.slot(sheet.plan.output).width)
    return names | {"y": sheet.target(unit), "p": sheet.value(sheet.plan.output, unit)}


def write_loss(sheet: Sheet) -> str:
    """The loss of this example: the term of every output, and how they are put together. Returns the key."""
    objective, trace = sheet.plan.objective, sheet.working.trace
    assert objective is not None and trace.y is not None and trace.losses is not None
    loss, outputs = objective.loss, sheet.plan.slot(sheet.plan.output).width
    values = (objective.head or loss).terms(trace.y, trace.values[objective.source])[0]
    alone = outputs == 1
    symbol, key = sheet.symbols.loss, sheet.key(("loss",), "L")

    def term(unit: int) -> str:
        candidates = [rename(loss.expr, loss_names(sheet, loss, unit))]
        own = key if alone else sheet.key(("term", unit), f"L_{unit}")
        own_symbol = symbol if alone else sheet.symbols.term(unit)
        return sheet.add_recorded_formula(sheet.losses, own, own_symbol, candidates, float(values[unit]), "loss")

    if alone:
        return term(0)
    terms = [Term(float(value), lambda k=k: term(k)) for k, value in enumerate(values)]  # type: ignore[misc]
    if outputs >= MANY_OUTPUTS and any(term_.value == 0.0 for term_ in terms):
        sheet.note("zero_targets")
        terms = [term_ for term_ in terms if term_.value != 0.0]
    total = float(np.sum(values))
    if loss.share(outputs) == 1.0:
        return sheet.sum(sheet.losses, key, symbol, terms, float(trace.losses[0]), "loss")
    whole = sheet.key(("loss", "total"), "L_total")
    sheet.sum(sheet.losses, whole, "Σ" + symbol, terms, total, "loss")
    sheet.note("output_share", n=outputs)
    return sheet.add(sheet.losses, key, symbol, f"{whole}/{outputs}", float(trace.losses[0]), "loss")


def counted(sheet: Sheet, formula: str) -> str:
    """The formula of a term's slope, times what this example and this output count in the loss."""
    objective, trace = sheet.plan.objective, sheet.working.trace
    assert objective is not None and trace.factors is not None
    outputs, count, weighted = sheet.plan.slot(sheet.plan.output).width, sheet.working.batch, sheet.working.weighted
    factor = float(trace.factors[0])
    simple = formula.isidentifier() or formula.replace(".", "").isdigit()
    if factor != 1.0:
        weight = "" if trace.weights is None else say("weighted", weight=f"{float(trace.weights[0]):g}")
        sheet.note("row_factor", factor=f"{factor:.6g}", reduction=objective.reduction, n=count, weighted=weight)
    divisors = [str(outputs)] if objective.loss.share(outputs) != 1.0 else []
    if factor != 1.0 and not weighted:
        divisors.append(str(count))
    if divisors:
        formula = f"{formula if simple else f'({formula})'}/{divisors[0]}" + "".join(f"/{d}" for d in divisors[1:])
        simple = True
    if factor != 1.0 and weighted:
        formula = f"{sheet.constant('r', 'r', factor, ('row factor',))}*{formula if simple else f'({formula})'}"
    return formula
