"""Gradients as chains of named factors: along a chain a product, where it branches the sum over all units downstream."""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

from chainrule.calculus.loss import Head, Loss
from chainrule.explain.digits import shown
from chainrule.explain.formula import rename
from chainrule.explain.forward import counted, loss_names
from chainrule.explain.sentences import say
from chainrule.explain.sheet import Sheet, Term
from chainrule.explain.working import Edge
from chainrule.explain.written import WRITTEN, touched
from chainrule.plan import Step


def gradient(sheet: Sheet, slot: str, unit: int, *, derive: bool = True) -> str:
    """The key of ∂loss/∂(slot, unit): derived on this sheet, or in a large network taken as recorded."""
    identity = ("gradient", slot, unit)
    if sheet.has(identity):
        return sheet.key(identity, "")
    symbol, wish = _symbol(sheet, slot, unit), f"d{loss_key(sheet)}_d{sheet.wish(slot, unit)}"
    value = sheet.working.delta(slot, unit) if slot in sheet.working.trace.deltas else 0.0
    objective = sheet.plan.objective
    assert objective is not None
    if slot == objective.source:
        return _from_loss(sheet, slot, unit, symbol, wish)
    if slot not in sheet.working.live:
        if slot == sheet.plan.output:
            return _of_output(sheet, unit, value)
        sheet.note("no_path", symbol=sheet.symbols.value(sheet.plan.slot(slot), unit), loss=sheet.symbols.loss)
        return sheet.add(sheet.backward, sheet.key(identity, wish), symbol, "0", 0.0, "product")
    if not sheet.full and not derive:
        return sheet.recorded(identity, wish, symbol, value, f"delta({slot}[{unit}])")
    edges = list(sheet.working.onward(slot, unit))
    if len(edges) == 1 and acts_alone(sheet, edges[0]):
        factors = chain(sheet, slot, unit)
        if len(factors) == 1:  # ∂f/∂z is the local derivative itself
            return sheet.same(identity, factors[0])
        key = sheet.key(identity, wish)
        return sheet.add(sheet.backward, key, symbol, "*".join(factors), None, "product")
    if not edges:
        _say_why_none(sheet, slot, unit)
    terms = [_term(sheet, edge) for edge in edges]
    return sheet.sum(sheet.backward, sheet.key(identity, wish), symbol, terms, None, "factor", inline=False)


def _say_why_none(sheet: Sheet, slot: str, unit: int) -> None:
    """Why no path leads from here to the loss: not the largest of its maxout group, or all connections missing."""
    symbol = sheet.symbols.value(sheet.plan.slot(slot), unit)
    loses = any(step.op == "maxout" for step in sheet.plan.readers[slot])
    sheet.note("loser", unit=symbol) if loses else sheet.note("no_path", symbol=symbol, loss=sheet.symbols.loss)


def chain(sheet: Sheet, slot: str, unit: int) -> list[str]:
    """The keys of the factors whose product is ∂loss/∂(slot, unit), from the loss backwards, up to where it branches."""
    objective = sheet.plan.objective
    assert objective is not None
    edges = list(sheet.working.onward(slot, unit))
    if slot == objective.source or len(edges) != 1 or not acts_alone(sheet, edges[0]):
        if is_itself(sheet, slot, unit):
            return []
        return [gradient(sheet, slot, unit)]
    edge = edges[0]
    return [*chain(sheet, edge.step.target, edge.to), local(sheet, edge)]


def is_itself(sheet: Sheet, slot: str, unit: int) -> bool:
    """Whether this is the value that is differentiated: ∂f/∂f = 1 is not written."""
    objective = sheet.plan.objective
    assert objective is not None
    is_output = slot == objective.source and objective.loss.name == "output" and sheet.working.scale == 1.0
    return is_output and (sheet.plan.slot(slot).width == 1 or sheet.working.chosen == unit)


def acts_alone(sheet: Sheet, edge: Edge) -> bool:
    """Whether the edge is the only one of its source: an elementwise step, or the winner of a maxout group."""
    return edge.step.op == "maxout" or sheet.working.is_diagonal(edge)


def _term(sheet: Sheet, edge: Edge) -> Term:
    def write() -> str:
        if is_itself(sheet, edge.step.target, edge.to):
            return slope_formula(sheet, edge)
        incoming = gradient(sheet, edge.step.target, edge.to, derive=False)
        return f"{incoming}*{bracketed(slope_formula(sheet, edge))}"

    return Term(sheet.working.delta(edge.step.target, edge.to) * edge.value, write)


def slopes(sheet: Sheet, edge: Edge) -> list[str]:
    """Formulas of a local derivative; none for an op that is not written out."""
    known = WRITTEN.get(edge.step.op)
    return known.slopes(sheet, edge.step, edge.position, edge.to, edge.source) if known else []


def slope_formula(sheet: Sheet, edge: Edge) -> str:
    """The formula of a local derivative that has its value here, or the number."""
    return next((expr for expr in slopes(sheet, edge) if sheet.gives(expr, edge.value)), repr(edge.value))


def bracketed(expr: str) -> str:
    """A formula as a factor of a product."""
    return expr if expr.isidentifier() or expr.isdigit() else f"({expr})"


def local(sheet: Sheet, edge: Edge) -> str:
    """The line of a local derivative, such as ∂out/∂net."""
    step, source = edge.step, edge.step.sources[edge.position]
    identity = ("local", step.target, edge.position, edge.to, edge.source)
    if sheet.has(identity):
        return sheet.key(identity, "")
    above = sheet.symbols.value(sheet.plan.slot(step.target), edge.to)
    below = sheet.symbols.value(sheet.plan.slot(source), edge.source)
    candidates = slopes(sheet, edge)
    key = sheet.key(identity, f"d{sheet.wish(step.target, edge.to)}_d{sheet.wish(source, edge.source)}")
    remark(sheet, edge)
    return sheet.add_recorded_formula(sheet.backward, key, f"∂{above}/∂{below}", candidates, edge.value, "factor")


def remark(sheet: Sheet, edge: Edge) -> None:
    """Say in words what a slope of 0 or a choice means."""
    step = edge.step
    above = sheet.symbols.value(sheet.plan.slot(step.target), edge.to)
    below = sheet.symbols.value(sheet.plan.slot(step.sources[edge.position]), edge.source)
    if step.op == "maxout":
        sheet.note("winner", unit=below)
    elif step.op == "dropout" and edge.value == 0.0:
        sheet.note("dropped", unit=above)
    elif step.op == "activation":
        function, z = step.constants["activation"], sheet.working.value(step.sources[0], edge.source)
        if z in function.kinks:
            sheet.note("kink", net=below, function=function.name)
        if edge.value == 0.0:
            sheet.note("flat", unit=above, function=function.name, net=below, value=shown(z, sheet.digits))


def _from_loss(sheet: Sheet, slot: str, unit: int, symbol: str, wish: str) -> str:
    """∂loss/∂(slot, unit) where the loss reads the slot: its slope, or the fused head with both its forms."""
    objective, trace = sheet.plan.objective, sheet.working.trace
    assert objective is not None and trace.y is not None
    loss, head = objective.loss, objective.head
    value = sheet.working.delta(slot, unit)
    key = sheet.key(("gradient", slot, unit), wish)
    if head is None:
        formula = counted(sheet, rename(loss.slope_expr, loss_names(sheet, loss, unit)))
        return sheet.add_recorded_formula(sheet.backward, key, symbol, [formula], value, "factor")
    if sheet.full:
        _both_factors(sheet, loss, head, slot, unit, symbol, value)
    formula = counted(sheet, rename(head.slope_expr, loss_names(sheet, loss, unit)))
    note = say("shortcut") if sheet.full else ""
    return sheet.add_recorded_formula(sheet.backward, key, symbol, [formula], value, "factor", note)


def _both_factors(sheet: Sheet, loss: Loss, head: Head, slot: str, unit: int, symbol: str, value: float) -> None:
    """The output's Jacobian and the loss's slope, written out before they are shortened."""
    trace, step = sheet.working.trace, sheet.plan.makers[sheet.plan.output]
    slopes_ = loss.slope(trace.y, trace.values[sheet.plan.output])[0] * sheet.working.scale  # type: ignore[arg-type]
    terms, parts = [], []
    for to in range(sheet.plan.slot(step.target).width):
        edge = Edge(step, 0, to, unit, sheet.working.slope(step, 0, to, unit))
        if slopes_[to] == 0.0 or (sheet.working.is_diagonal(edge) and to != unit):
            continue
        terms.append(f"{_of_output(sheet, to, float(slopes_[to]))}*{local(sheet, edge)}")
        parts.append(abs(float(slopes_[to]) * edge.value))
    if not terms:
        return
    key = sheet.key(("by factors", slot, unit), f"d{loss_key(sheet)}_d{sheet.wish(slot, unit)}_by_factors")
    sheet.add(sheet.backward, key, symbol, " + ".join(terms), None, "product")
    product = sheet.names[key].value
    sheet.note("fused", activation=head.activation, loss=loss.name)
    if abs(product - value) > 1e-9 * max(abs(value), sum(parts)):
        sheet.note("fused_lost")


def _of_output(sheet: Sheet, unit: int, value: float) -> str:
    """∂loss/∂(an output), also where a fused head does not need it."""
    objective, slot = sheet.plan.objective, sheet.plan.output
    assert objective is not None
    identity, symbol = ("gradient", slot, unit), _symbol(sheet, slot, unit)
    if sheet.has(identity):
        return sheet.key(identity, "")
    formula = counted(sheet, rename(objective.loss.slope_expr, loss_names(sheet, objective.loss, unit)))
    key = sheet.key(identity, f"d{loss_key(sheet)}_d{sheet.wish(slot, unit)}")
    return sheet.add_recorded_formula(sheet.backward, key, symbol, [formula], value, "factor")


def _symbol(sheet: Sheet, slot: str, unit: int) -> str:
    return f"∂{sheet.symbols.loss}/∂{sheet.symbols.value(sheet.plan.slot(slot), unit)}"


def loss_key(sheet: Sheet) -> str:
    """What stands for the loss in keys: L, or the output's own name where the output itself is differentiated."""
    objective = sheet.plan.objective
    assert objective is not None
    return sheet.wish(sheet.plan.output, 0) if objective.loss.name == "output" and sheet.symbols.loss != "L" else "L"


class Use(NamedTuple):
    """One way a parameter's entry enters: ∂(step's target, unit)/∂(entry) = `partial`."""

    step: Step
    position: int
    entry: int
    unit: int
    partial: float


def uses_of(sheet: Sheet, name: str, entries: tuple[int, ...]) -> list[Use]:
    """Every way the entries of a parameter enter the network."""
    return [
        Use(step, position, entry, unit, sheet.working.partial(step, position, entry, unit))
        for step, position in sheet.working.users(name)
        for entry in entries
        for unit in touched(sheet, step, position, entry)
    ]


def paths_of(sheet: Sheet, uses: list[Use]) -> float:
    """The sum of |product of factors| over all paths from a parameter to the loss."""
    sums = sheet.working.weights_of_paths
    return sum(abs(use.partial) * float(sums[use.step.target][use.unit]) for use in uses)


def result_key(sheet: Sheet, name: str, entries: tuple[int, ...]) -> tuple[str, str]:
    """The key and the symbol of ∂loss/∂(entries of a parameter)."""
    symbol = f"∂{sheet.symbols.loss}/∂{sheet.symbols.param(sheet.plan.param(name), entries[0])}"
    wish = "_".join(sheet.param(name, entry) for entry in entries[:3])
    return sheet.key(("gradient of", name, entries), f"d{loss_key(sheet)}_d{wish}"), symbol


def parameter(sheet: Sheet, name: str, entries: tuple[int, ...]) -> str:
    """The key of ∂loss/∂(entries of a parameter), taken together where there are several."""
    uses = uses_of(sheet, name, entries)
    key, symbol = result_key(sheet, name, entries)
    if not uses or masked(sheet, name, entries):
        return sheet.add(sheet.backward, key, symbol, "0", 0.0, "product")
    if len(uses) == 1:
        factors = chain(sheet, uses[0].step.target, uses[0].unit)
        if uses[0].step.op != "parameter" or not factors:
            factors.append(_partial(sheet, uses[0]))
        return sheet.add(sheet.backward, key, symbol, "*".join(factors), None, "product")
    terms = [
        Term(sheet.working.delta(use.step.target, use.unit) * use.partial, partial(_term_of, sheet, use))
        for use in uses
    ]
    return sheet.sum(sheet.backward, key, symbol, terms, None, "sum")


def _term_of(sheet: Sheet, use: Use) -> str:
    incoming = gradient(sheet, use.step.target, use.unit, derive=False)
    return incoming if use.partial == 1.0 else f"{incoming}*{_partial(sheet, use)}"


def partial_formulas(sheet: Sheet, use: Use) -> list[str]:
    """Formulas of ∂net/∂weight; a source that is 0 is said in words."""
    step = use.step
    if use.partial == 0.0 and step.op == "affine" and use.position == 0:
        slot = sheet.plan.slot(step.sources[0])
        what = sheet.symbols.value(slot, use.entry % slot.width)
        weight = sheet.symbols.param(sheet.plan.param(step.params[0]), use.entry)
        words = "zero_input" if slot.kind == "input" else "zero_source"
        sheet.note(words, source=what, target=f"∂{sheet.symbols.loss}/∂{weight}")
    known = WRITTEN.get(step.op)
    return known.partial(sheet, step, use.position, use.entry, use.unit) if known else []


def _partial(sheet: Sheet, use: Use) -> str:
    """The line of ∂net/∂weight: what a step's value changes by its parameter."""
    param = sheet.plan.param(use.step.params[use.position])
    above = sheet.symbols.value(sheet.plan.slot(use.step.target), use.unit)
    candidates = partial_formulas(sheet, use)
    key = sheet.key(
        ("partial", use.step.target, use.unit, use.position, use.entry),
        f"d{sheet.wish(use.step.target, use.unit)}_d{sheet.param(param.name, use.entry)}",
    )
    symbol = f"∂{above}/∂{sheet.symbols.param(param, use.entry)}"
    return sheet.add_recorded_formula(sheet.backward, key, symbol, candidates, use.partial, "factor")


def masked(sheet: Sheet, name: str, entries: tuple[int, ...]) -> bool:
    """Whether there is no connection there; said in words."""
    mask: Any = sheet.plan.param(name).mask
    if mask is None or mask.ravel()[list(entries)].any():
        return False
    step = next(step for step in sheet.plan.steps if name in step.params)
    to, source = divmod(entries[0], mask.shape[1])
    target_slot, source_slot = sheet.plan.slot(step.target), sheet.plan.slot(step.sources[0])
    sheet.note("masked", source=sheet.symbols.unit(source_slot, source), to=sheet.symbols.unit(target_slot, to))
    return True
