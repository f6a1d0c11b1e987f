"""The way back of a working in matrices: δ1 = (δ2 W2) ⊙ g′(z1), ∂L/∂W1 = δ1ᵀ x."""

from __future__ import annotations

import numpy as np

from chainrule.calculus.local import DiagonalLowRank, Linear, Selection
from chainrule.errors import SettingError
from chainrule.explain.matrix_forward import deviation, groups, kept, local_of, names_of, value
from chainrule.explain.matrix_sheet import MatrixSheet
from chainrule.explain.matrix_terms import Minus, Term, Total, by_entry, minus, plus, times, transposed
from chainrule.explain.sentences import say
from chainrule.plan import Step


def gradient(sheet: MatrixSheet, slot: str) -> Term:
    """∂loss/∂slot, a line of its own under the notation's name and sign."""
    key = f"d_{slot}"
    if key not in sheet.made:
        objective = sheet.plan.objective
        assert objective is not None
        if slot in (objective.source, sheet.plan.output):
            _from_loss(sheet, key, slot)
        else:
            parts = [
                _part(sheet, step, position)
                for step in sheet.plan.readers[slot]
                for position, source in enumerate(step.sources)
                if source == slot and step.target in sheet.trace.deltas
            ]
            zero = sheet.trace.deltas[slot]
            term = parts[0] if parts else sheet.give(f"zero_{slot}", "0", np.zeros_like(zero))
            for part in parts[1:]:
                term = plus(term, part)
            sign = sheet.symbols.sign(sheet.plan.slot(slot))
            symbol = sheet.symbols.delta(sheet.plan.slot(slot))
            sheet.add(key, symbol, term if sign > 0 else minus(term), sign * zero)
    return _signed(sheet, slot)


def _signed(sheet: MatrixSheet, slot: str) -> Term:
    """∂loss/∂slot from the notation's delta, which may be −∂loss/∂slot."""
    term = sheet.made[f"d_{slot}"]
    return term if sheet.symbols.sign(sheet.plan.slot(slot)) > 0 else minus(term)


def _part(sheet: MatrixSheet, step: Step, position: int) -> Term:
    """What one step sends back: its target's gradient through its local derivative."""
    if step.op == "affine":
        return times(gradient(sheet, step.target), sheet.param(step.params[0]))
    if step.op == "softmax":  # p ⊙ (δ − Σ δ ⊙ p): the Jacobian diag(p) − p pᵀ multiplied out
        p, delta = value(sheet, step.target), gradient(sheet, step.target)
        return by_entry(p, plus(delta, Minus(Total("sum_columns", by_entry(delta, p)))))
    if step.op == "normalise":
        (_, inverse), n = deviation(sheet, step), value(sheet, step.target)
        delta = gradient(sheet, step.target)
        along = by_entry(n, Total("mean_columns", by_entry(delta, n)))
        return by_entry(plus(plus(delta, Minus(Total("mean_columns", delta))), Minus(along)), inverse)
    if step.op == "maxout":
        spread, winners = groups(sheet, step)
        return by_entry(times(_inside(sheet, step.target), spread), winners)
    if isinstance(local_of(sheet, step, position), Linear | Selection | DiagonalLowRank):
        raise SettingError("CR204", f"{step.op} is not written in matrices", hint="ask for one entry of it")
    slope = _slope(sheet, step, position)
    return by_entry(_inside(sheet, step.target), slope)


def _inside(sheet: MatrixSheet, slot: str) -> Term:
    """∂loss/∂slot inside a formula: a product where one weighted sum reads it, else its own line."""
    readers, objective = sheet.plan.readers[slot], sheet.plan.objective
    assert objective is not None
    alone = slot not in (objective.source, sheet.plan.output) and f"d_{slot}" not in sheet.made
    return (
        _part(sheet, readers[0], 0)
        if alone and len(readers) == 1 and readers[0].op == "affine"
        else gradient(sheet, slot)
    )


def _slope(sheet: MatrixSheet, step: Step, position: int) -> Term:
    """The slope of a step that acts on each unit alone, one entry per unit: g′(z), a factor, or a number."""
    target, source = step.target, step.sources[position]
    if step.op == "scale_shift":
        return sheet.param(step.params[0])
    if step.op == "dropout":
        return kept(sheet, step)
    key = f"slope_{target}" if len(step.sources) == 1 else f"slope_{target}_{position}"
    if key in sheet.made:
        return sheet.made[key]
    recorded = local_of(sheet, step, position).pull(np.ones_like(sheet.trace.values[target]))
    above, below = (sheet.symbols.value(sheet.plan.slot(one)) for one in (target, source))
    if step.op == "activation" and not step.constants["activation"].random:
        function, names = step.constants["activation"], names_of(sheet, step)
        names |= {} if "a" in function.constants else {"a": value(sheet, target)}
        expr = function.slope_from_output or function.slope_expr
        return sheet.entries(key, f"g′({below})", expr, names, recorded)
    return sheet.give(key, f"∂{above}/∂{below}", recorded)


def _from_loss(sheet: MatrixSheet, key: str, slot: str) -> None:
    """The loss's slope at the outputs, times what each example and output counts."""
    objective, trace = sheet.plan.objective, sheet.trace
    assert objective is not None and trace.factors is not None and trace.y is not None
    loss, output = objective.loss, sheet.plan.output
    width = sheet.plan.slot(output).width
    names: dict[str, Term | float] = {
        **loss.constants, "y": sheet.give("y", sheet.symbols.target, trace.y), "p": value(sheet, output), "k": float(width),
    }  # fmt: skip
    fused = objective.head is not None and slot == objective.source
    expr = objective.head.slope_expr if fused and objective.head else loss.slope_expr
    counts = np.asarray(trace.factors, np.float64)[:, None] * loss.share(width)
    if not np.all(counts == 1.0):
        names["r"] = sheet.give("r", "r", np.broadcast_to(counts, trace.y.shape), say("counted"))
        expr = f"r*({expr})"
    sign = sheet.symbols.sign(sheet.plan.slot(slot))
    expr = expr if sign > 0 else f"-({expr})"
    sheet.entries(key, sheet.symbols.delta(sheet.plan.slot(slot)), expr, names, sign * trace.deltas[slot])


def parameter(sheet: MatrixSheet, name: str) -> None:
    """∂loss/∂parameter: one term for every step that uses it."""
    param, gradient = sheet.plan.param(name), sheet.trace.gradient
    assert gradient is not None
    terms = [
        _use(sheet, step, position)
        for step in sheet.plan.steps
        for position, used in enumerate(step.params)
        if used == name and step.target in sheet.trace.deltas
    ]
    zero = np.atleast_2d(param.of(gradient))
    term = terms[0] if terms else sheet.give(f"zero_{name}", "0", np.zeros_like(zero))
    for other in terms[1:]:
        term = plus(term, other)
    symbol = f"∂{sheet.symbols.loss}/∂{sheet.symbols.param(param)}"
    sheet.add(f"d_{name}", symbol, term, zero, turned=sheet.lies_turned(param))


def _use(sheet: MatrixSheet, step: Step, position: int) -> Term:
    """What one step adds to the gradient of the parameter at `position` among its own."""
    if step.op == "affine" and position == 0:
        source = value(sheet, step.sources[0])
        product = times(transposed(gradient(sheet, step.target)), source)
        mask = step.constants.get("mask")
        if mask is None:
            return product
        there = sheet.hold(
            f"M_{step.params[0]}", "M", np.asarray(mask, np.float64), say("connections"), turned=sheet.symbols.from_first,
        )  # fmt: skip
        return by_entry(product, there)
    if step.op == "affine" and sheet.plan.param(step.params[1]).size < sheet.plan.slot(step.target).width:
        return _summed("sum_all", gradient(sheet, step.target))
    if step.op == "scale_shift" and position == 0:
        source = value(sheet, step.sources[0])
        return _over_examples(sheet, by_entry(gradient(sheet, step.target), source))
    if step.op == "activation":
        return _over_examples(sheet, by_entry(gradient(sheet, step.target), _learned_slope(sheet, step, position)))
    return _over_examples(sheet, gradient(sheet, step.target))  # a bias, a shift, a parameter of an expression


def _over_examples(sheet: MatrixSheet, term: Term) -> Term:
    return term if len(sheet.trace.x) == 1 else _summed("sum_rows", term)


def _learned_slope(sheet: MatrixSheet, step: Step, position: int) -> Term:
    """∂a/∂α of an activation's learned parameter, entry by entry."""
    function, param = step.constants["activation"], sheet.plan.param(step.params[position])
    alone = np.ones_like(sheet.trace.values[step.target])
    sources = tuple(sheet.trace.values[source] for source in step.sources)
    params = tuple(sheet.plan.param(name).of(sheet.trace.theta) for name in step.params)
    z = sources[0]
    recorded = function.learned_slopes(z, function.value(z, *params), *params)[position] * alone
    above = sheet.symbols.value(sheet.plan.slot(step.target))
    symbol = f"∂{above}/∂{sheet.symbols.param(param)}"
    names = names_of(sheet, step)
    return sheet.entries(f"slope_{param.name}", symbol, function.learned_slope_exprs[position], names, recorded)


def _summed(what: str, term: Term) -> Term:
    """Added up, the minus sign in front."""
    return Minus(Total(what, term.of)) if isinstance(term, Minus) else Total(what, term)  # type: ignore[arg-type]
