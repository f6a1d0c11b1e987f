"""A batch's gradient and loss as the sum over its examples, the largest share worked through."""

from __future__ import annotations

from functools import partial

import numpy as np

from chainrule.engines.reference import backward_pass
from chainrule.engines.trace import Trace
from chainrule.explain import places
from chainrule.explain.address import Address, canonical
from chainrule.explain.digits import shown
from chainrule.explain.explanation import RELATIVE, Explanation
from chainrule.explain.forward import write_value
from chainrule.explain.lines import Line, Section
from chainrule.explain.sentences import say
from chainrule.explain.sheet import Sheet, Term
from chainrule.explain.single import Asked, difference_of, explain_row
from chainrule.explain.working import Working, one_row
from chainrule.plan import Param, Step
from chainrule.shapes import Array


def explain_batch(asked: Asked) -> Explanation:
    """The sum over the examples, largest first. `children` are the shares worked through: all of a small batch's shown
    examples, else the largest alone."""
    trace, whole, address, symbols = asked.trace, asked.whole, asked.address, asked.symbols
    n, plan = len(trace.x), symbols.plan
    shares, size = _losses(whole) if address.kind == "loss" else shares_of(whole, address)
    sheet = Sheet(
        Working(one_row(whole, 0), n, trace.weights is not None),
        symbols,
        top=asked.top,
        digits=asked.digits,
        write=write_value,
    )
    symbol = symbols.loss
    if address.kind == "parameter":
        symbol = f"∂{symbols.loss}/∂{symbols.param(plan.param(address.name), address.entry)}"
    lines: list[Line] = []
    write = partial(_loss, sheet, whole) if address.kind == "loss" else partial(_share, sheet, shares)
    terms = [Term(float(value), partial(write, r)) for r, value in enumerate(shares)]
    key = sheet.key(("batch",), "total")
    sheet.sum(lines, key, symbol, terms, None, "sum", inline=False)
    engine, value = _engine(trace, address), sheet.names[key].value
    places.remark(sheet, address)
    tolerance = RELATIVE * size
    if trace.dtype != np.float64:
        again = _engine(backward_pass(trace) if address.kind == "parameter" else trace, address)
        tolerance = abs(again - value) + 64.0 * float(np.finfo(trace.dtype).eps) * size
        sheet.note("float32", difference=shown(abs(value - engine), 2))
    shown_rows = [
        int(name.address.removeprefix("row=")) for name in sheet.names.values() if name.address.startswith("row=")
    ]
    order = sorted(shown_rows, key=lambda r: (-abs(float(shares[r])), r))
    children = tuple(explain_row(asked, r) for r in (order if sheet.full else order[:1]))
    statement = places.statement(symbols, address)
    if address.kind == "loss":
        statement = say("loss_batch", symbol=symbols.loss, n=n)
    return Explanation(
        target=symbol, address=canonical(plan, address), statement=statement, value=value,
        sections=(Section(say("examples" if address.kind == "parameter" else "examples_loss", n=n), tuple(lines)),),
        names=sheet.names, result=key, engine=engine, engine_name=trace.engine, tolerance=tolerance,
        finite_difference=difference_of(whole, symbols, address), notes=tuple(sheet.notes), children=children,
        form=asked.form, notation=symbols.notation.name, decimal=symbols.notation.decimal,
        dtype=str(trace.dtype), digits=asked.digits,
    )  # fmt: skip


def _share(sheet: Sheet, shares: Array, row: int) -> str:
    return sheet.leaf(
        ("share", row), f"share_{row}", say("example", row=row), float(shares[row]), "recorded", f"row={row}"
    )


def _loss(sheet: Sheet, whole: Trace, row: int) -> str:
    """What an example counts, times its loss."""
    assert whole.losses is not None and whole.factors is not None
    own = sheet.leaf(
        ("loss", row), f"L_{row}", say("example", row=row), float(whole.losses[row]), "recorded", f"row={row}"
    )
    factor = float(whole.factors[row])
    return own if factor == 1.0 else f"{factor!r}*{own}"


def _losses(trace: Trace) -> tuple[Array, float]:
    assert trace.factors is not None and trace.losses is not None
    shares = np.asarray(trace.factors * trace.losses)
    return shares, float(np.abs(shares).sum())


def _engine(trace: Trace, address: Address) -> float:
    if address.kind == "loss":
        assert trace.loss is not None
        return trace.loss
    gradient = trace.gradient if trace.gradient is not None else backward_pass(trace).gradient
    assert gradient is not None
    return float(sum(float(trace.plan.param(address.name).of(gradient).ravel()[entry]) for entry in address.entries))


def shares_of(trace: Trace, address: Address) -> tuple[Array, float]:
    """Every example's share of the gradient of a parameter's entries, shape (n,), and the sum of the absolute values of
    what was added up."""
    plan, param = trace.plan, trace.plan.param(address.name)
    affine = [step for step in plan.steps if param.name in step.params and step.op == "affine"]
    if len(affine) != sum(param.name in step.params for step in plan.steps):
        rows = (Working(one_row(trace, row)) for row in range(len(trace.x)))
        shares = np.array([sum(working.share(param.name, entry) for entry in address.entries) for working in rows])
        return shares, float(np.abs(shares).sum())
    parts = [_parts(trace, step, param, entry) for step in affine for entry in address.entries]
    together = np.concatenate(parts, axis=1)
    return together.sum(axis=1), float(np.abs(together).sum())


def _parts(trace: Trace, step: Step, param: Param, entry: int) -> Array:
    """The shares through one weighted sum, all examples at once, shape (n, units that use the entry)."""
    delta, source = trace.deltas[step.target], trace.values[step.sources[0]]
    if len(param.shape) == 1:
        return delta if param.size < delta.shape[1] else delta[:, entry : entry + 1]
    to, column = divmod(entry, param.shape[1])
    linked = param.mask is None or bool(param.mask[to, column])
    return delta[:, to : to + 1] * source[:, column : column + 1] * linked
