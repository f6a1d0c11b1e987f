"""The forward half of a working in matrices: z = x Wᵀ + b, and what every other kind of step makes of its source."""

from __future__ import annotations

import numpy as np

from chainrule.calculus.local import Local, Selection
from chainrule.explain.matrix_sheet import MatrixSheet
from chainrule.explain.matrix_terms import (
    Leaf,
    Matrix,
    Minus,
    Term,
    Total,
    by_entry,
    matrix_symbol,
    plus,
    times,
    transposed,
    value_of,
)  # fmt: skip
from chainrule.explain.sentences import say
from chainrule.layers import OPS
from chainrule.layers.dropout import factors
from chainrule.plan import Step
from chainrule.shapes import Array


def value(sheet: MatrixSheet, slot: str) -> Term:
    """A slot's values, derived where its step can be written in matrices."""
    if slot in sheet.made:
        return sheet.made[slot]
    step, recorded = sheet.plan.makers.get(slot), sheet.trace.values[slot]
    symbol = sheet.symbols.value(sheet.plan.slot(slot))
    if step is not None:
        if step.op == "affine":
            return sheet.add(slot, symbol, _weighted(sheet, step), recorded)
        if step.op == "activation" and not step.constants["activation"].random:
            return sheet.entries(slot, symbol, step.constants["activation"].expr, names_of(sheet, step), recorded)
        if step.op == "softmax":
            return _softmax(sheet, slot, symbol, value(sheet, step.sources[0]), recorded)
        if step.op == "scale_shift":
            gain, shift = map(sheet.param, step.params)
            return sheet.add(slot, symbol, plus(by_entry(value(sheet, step.sources[0]), gain), shift), recorded)
        if step.op == "dropout":
            return sheet.add(slot, symbol, by_entry(value(sheet, step.sources[0]), kept(sheet, step)), recorded)
        if step.op == "normalise":
            return _normalised(sheet, step, symbol, recorded)
        if step.op == "maxout":
            spread, winners = groups(sheet, step)
            chosen = by_entry(value(sheet, step.sources[0]), winners)
            return sheet.add(slot, symbol, times(chosen, transposed(spread)), recorded)
    return sheet.give(slot, symbol, recorded)


def _weighted(sheet: MatrixSheet, step: Step) -> Term:
    product = times(value(sheet, step.sources[0]), transposed(sheet.param(step.params[0])))
    return plus(product, sheet.param(step.params[1])) if len(step.params) > 1 else product


def _softmax(sheet: MatrixSheet, slot: str, symbol: str, source: Term, recorded: Array) -> Term:
    assert isinstance(source, Leaf)
    one, turned = source.matrix, sheet.symbols.columns
    line = Matrix(
        slot, symbol, recorded.T if turned else recorded, f"softmax({one.key}.T).T" if turned else f"softmax({one.key})",
        f"softmax({one.symbol})", rf"\operatorname{{softmax}}({matrix_symbol(one.symbol)})", f"({one.shape})",
        say("column_by_column" if turned else "row_by_row"),
    )  # fmt: skip
    shifted = np.exp(value_of(source) - value_of(source).max(axis=1, keepdims=True))
    return sheet.line(line, shifted / shifted.sum(axis=1, keepdims=True), turned)


def _normalised(sheet: MatrixSheet, step: Step, symbol: str, recorded: Array) -> Term:
    """n = (a − mean)/√(variance + ε), the deviation's reciprocal in a line of its own."""
    centred, inverse = deviation(sheet, step)
    return sheet.add(step.target, symbol, by_entry(centred, inverse), recorded)


def deviation(sheet: MatrixSheet, step: Step) -> tuple[Term, Term]:
    """The centred values c and 1/√(mean of c² + ε), each a line."""
    of, a = step.target, sheet.trace.values[step.sources[0]]
    if f"inv_{of}" not in sheet.made:
        centre = a - a.mean(axis=1, keepdims=True)
        source = value(sheet, step.sources[0])
        centred = sheet.add(f"c_{of}", f"c_{of}", plus(source, Minus(Total("mean_columns", source))), centre)
        variance = (centre * centre).mean(axis=1, keepdims=True)
        spread = sheet.add(f"v_{of}", f"v_{of}", Total("mean_columns", by_entry(centred, centred)), variance)
        epsilon = step.constants["epsilon"]
        names: dict[str, Term | float] = {"v": spread, "epsilon": epsilon}
        sheet.entries(f"inv_{of}", f"i_{of}", "1/sqrt(v + epsilon)", names, 1.0 / np.sqrt(variance + epsilon))
    return sheet.made[f"c_{of}"], sheet.made[f"inv_{of}"]


def groups(sheet: MatrixSheet, step: Step) -> tuple[Term, Term]:
    """Of maxout: which pieces belong to which unit (units × pieces), and which piece won in each example."""
    local = local_of(sheet, step, 0)
    assert isinstance(local, Selection)
    units, of = sheet.plan.slot(step.target).width, step.target
    spread = np.repeat(np.eye(units), step.constants["pieces"], axis=1)
    winners = local.pull(np.ones_like(sheet.trace.values[of]))
    return (
        sheet.hold(f"S_{of}", f"S_{of}", spread, say("pieces")),
        sheet.give(f"M_{of}", f"M_{of}", winners, say("winners")),
    )


def names_of(sheet: MatrixSheet, step: Step) -> dict[str, Term | float]:
    """What the names of an activation's formula stand for: matrices, and constants as numbers."""
    function = step.constants["activation"]
    learned = {one.name: sheet.param(name) for one, name in zip(function.learned, step.params, strict=True)}
    return {**function.constants, **learned, "z": value(sheet, step.sources[0])}


def local_of(sheet: MatrixSheet, step: Step, position: int) -> Local:
    """The local derivative of a step, as its op states it."""
    sources = tuple(sheet.trace.values[source] for source in step.sources)
    params = tuple(sheet.plan.param(name).of(sheet.trace.theta) for name in step.params)
    local: Local = OPS[step.op].local(step, sources, params, sheet.trace.values[step.target], sheet.trace.run)[position]
    return local


def kept(sheet: MatrixSheet, step: Step) -> Term:
    """What dropout multiplies every unit by."""
    above, below = (sheet.symbols.value(sheet.plan.slot(one)) for one in (step.target, step.sources[0]))
    drawn = factors(step, sheet.trace.values[step.sources[0]], sheet.trace.run)
    return sheet.give(f"slope_{step.target}", f"∂{above}/∂{below}", drawn, say("kept"))
