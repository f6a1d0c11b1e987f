"""Gradients by the delta recursion: δ of a unit from the δ of the units downstream of it."""

from __future__ import annotations

import ast
from functools import partial

from chainrule.explain import chain
from chainrule.explain.formula import rename
from chainrule.explain.forward import counted, loss_names
from chainrule.explain.sentences import say
from chainrule.explain.sheet import INLINE_TERMS, Sheet, Term
from chainrule.explain.working import Edge

LISTED = 8  # units named in a sentence


def gradient(sheet: Sheet, slot: str, unit: int) -> str:
    """The key of δ of a unit (in the notation's sign for a net input)."""
    _remark_sign(sheet, slot, unit)
    return _delta(sheet, slot, unit, derive=True)


def parameter(sheet: Sheet, name: str, entries: tuple[int, ...]) -> str:
    """The key of ∂loss/∂(entries of a parameter) = δ · what the weight is multiplied by."""
    uses = chain.uses_of(sheet, name, entries)
    for use in uses[:1]:
        _remark_sign(sheet, use.step.target, use.unit)
    key, symbol = chain.result_key(sheet, name, entries)
    if not uses or chain.masked(sheet, name, entries):
        return sheet.add(sheet.backward, key, symbol, "0", 0.0, "product")
    terms = [
        Term(sheet.working.delta(use.step.target, use.unit) * use.partial, partial(_use, sheet, use, len(uses) == 1))
        for use in uses
    ]
    if len(uses) == 1:
        return sheet.add(sheet.backward, key, symbol, terms[0].write(), None, "product")
    return sheet.sum(sheet.backward, key, symbol, terms, None, "sum")


def _remark_sign(sheet: Sheet, slot: str, unit: int) -> None:
    """A sentence where the notation's delta is not ∂loss/∂net itself."""
    owner, symbols = sheet.plan.slot(slot), sheet.symbols
    if symbols.sign(owner) < 0:
        sheet.note("sign", delta=symbols.delta(owner, unit), loss=symbols.loss, net=symbols.value(owner, unit))


def _remark_downstream(sheet: Sheet, slot: str, unit: int, edges: list[Edge]) -> None:
    """Which units the sum runs over, where the notation has a name for them."""
    template, symbols = sheet.symbols.notation.downstream, sheet.symbols
    targets = [(sheet.plan.slot(edge.step.target), edge.to) for edge in edges]
    if template and all(target.kind == "net" for target, _ in targets):
        names = [symbols.unit(*target) for target in targets[:LISTED]]
        more = [say("rest", n=len(edges) - LISTED)] if len(edges) > LISTED else []
        what = template.format_map(symbols._fields(sheet.plan.slot(slot), unit))
        sheet.note("downstream", what=what, units=", ".join(names + more))


def _use(sheet: Sheet, use: chain.Use, alone: bool) -> str:
    owner = sheet.plan.slot(use.step.target)
    if owner.kind == "net":
        _delta(sheet, owner.name, use.unit, derive=alone)
    incoming = _operand(sheet, owner.name, use.unit, 1)
    formulas = chain.partial_formulas(sheet, use)
    by = next((expr for expr in formulas if sheet.gives(expr, use.partial)), repr(use.partial))
    return incoming if by == "1" else f"{incoming}*{chain.bracketed(by)}"


def _delta(sheet: Sheet, slot: str, unit: int, *, derive: bool) -> str:
    identity = ("delta", slot, unit)
    if sheet.has(identity):
        return sheet.key(identity, "")
    owner = sheet.plan.slot(slot)
    sign = sheet.symbols.sign(owner)
    symbol = sheet.symbols.delta(owner, unit) if owner.kind == "net" else (
        f"∂{sheet.symbols.loss}/∂{sheet.symbols.value(owner, unit)}"
    )  # fmt: skip
    wish = f"delta_{sheet.wish(slot, unit)}"
    assert sheet.plan.objective is not None
    if slot not in sheet.working.live:
        return chain.gradient(sheet, slot, unit)
    if not sheet.full and not derive and slot != sheet.plan.objective.source:
        value = sign * sheet.working.delta(slot, unit)
        return sheet.recorded(identity, wish, symbol, value, f"delta({slot}[{unit}])")
    expr = _body(sheet, slot, unit, sign)
    return sheet.add(sheet.backward, sheet.key(identity, wish), symbol, expr, None, "factor")


def _operand(sheet: Sheet, slot: str, unit: int, sign: int) -> str:
    """sign · ∂loss/∂(slot, unit): the key of a delta, or the formula of a slot that has none of its own."""
    owner = sheet.plan.slot(slot)
    if owner.kind != "net":
        return chain.bracketed(_body(sheet, slot, unit, sign))
    key = _delta(sheet, slot, unit, derive=False)
    return key if sheet.symbols.sign(owner) == sign else f"(-{key})"


def _body(sheet: Sheet, slot: str, unit: int, sign: int) -> str:
    """The formula of sign · ∂loss/∂(slot, unit) over deltas downstream."""
    assert sheet.plan.objective is not None
    if slot == sheet.plan.objective.source:
        return str(sign) if chain.is_itself(sheet, slot, unit) else _seed(sheet, slot, unit, sign)
    edges = list(sheet.working.onward(slot, unit))
    if not edges:
        return "0"
    _remark_downstream(sheet, slot, unit, edges)
    terms = [Term(_value(sheet, edge) * sign, partial(_product, sheet, edge, sign)) for edge in edges]
    if len(edges) == 1:
        return terms[0].write()
    if len(edges) <= INLINE_TERMS:
        return " + ".join(term.write() for term in terms)
    symbol = f"Σ({sheet.symbols.value(sheet.plan.slot(slot), unit)})"
    key = sheet.key(("downstream", slot, unit), f"downstream_{sheet.wish(slot, unit)}")
    return sheet.sum(sheet.backward, key, symbol, terms, None, "factor")


def _value(sheet: Sheet, edge: Edge) -> float:
    return sheet.working.delta(edge.step.target, edge.to) * edge.value


def _product(sheet: Sheet, edge: Edge, sign: int) -> str:
    incoming = _operand(sheet, edge.step.target, edge.to, sign)
    slope = chain.slope_formula(sheet, edge)
    chain.remark(sheet, edge)
    if slope == "1":
        return incoming
    if incoming == "1":
        return chain.bracketed(slope)
    linear = not chain.acts_alone(sheet, edge)  # textbooks write w·δ, but g′(z)·(…) with the slope in front
    return f"{incoming}*{chain.bracketed(slope)}" if linear else f"{chain.bracketed(slope)}*{incoming}"


def _seed(sheet: Sheet, slot: str, unit: int, sign: int) -> str:
    objective = sheet.plan.objective
    assert objective is not None
    slope = objective.head.slope_expr if objective.head else objective.loss.slope_expr
    expr = rename(slope, loss_names(sheet, objective.loss, unit))
    expr = counted(sheet, _negated(expr) if sign < 0 else expr)
    value = sign * sheet.working.delta(slot, unit)
    return expr if sheet.gives(expr, value) else repr(value)


def _negated(expr: str) -> str:
    """−(p − y) is y − p."""
    node = ast.parse(expr, mode="eval").body
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Sub):
        return ast.unparse(ast.BinOp(node.right, node.op, node.left))
    return f"-({expr})"
