"""The explanation of one example of a pass."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.engines.reference import backward_pass
from chainrule.engines.trace import Trace
from chainrule.explain import chain, delta, paths, places
from chainrule.explain.address import Address, canonical
from chainrule.explain.digits import shown
from chainrule.explain.explanation import RELATIVE, Explanation
from chainrule.explain.finite_difference import finite_difference
from chainrule.explain.forward import write_loss, write_value, write_value_itself
from chainrule.explain.lines import FiniteDifference, Section
from chainrule.explain.sentences import say
from chainrule.explain.sheet import Sheet
from chainrule.explain.symbols import Symbols
from chainrule.explain.working import Working, one_row

FORMS: dict[str, Any] = {"factors": chain, "delta": delta, "paths": paths}


@dataclass(frozen=True)
class Asked:
    """What was asked: an address in a pass, and how the answer is to be written. `whole` is the pass in float64."""

    trace: Trace
    whole: Trace
    address: Address
    symbols: Symbols
    form: str
    top: int | None
    digits: int


def explain_row(asked: Asked, row: int) -> Explanation:
    """The explanation of one example."""
    trace, address, symbols, n = asked.trace, asked.address, asked.symbols, len(asked.trace.x)
    working = Working(one_row(asked.whole, row), n, trace.weights is not None)
    sheet = Sheet(working, symbols, top=asked.top, digits=asked.digits, write=write_value)
    size: float | None = None
    if address.kind == "parameter":
        key = FORMS[asked.form].parameter(sheet, address.name, address.entries)
        size = chain.paths_of(sheet, chain.uses_of(sheet, address.name, address.entries))
    elif address.kind == "gradient":
        key = FORMS[asked.form].gradient(sheet, address.name, address.entry)
        size = float(working.weights_of_paths.get(address.name, np.zeros(address.entry + 1))[address.entry])
    elif address.kind == "loss":
        key = write_loss(sheet)
    else:
        key = write_value_itself(sheet, address.name, address.entry)
    sign = symbols.sign(symbols.plan.slot(address.name)) if address.kind == "gradient" and asked.form == "delta" else 1
    engine, tolerance = _engine(trace, address, row, size, sign * sheet.names[key].value)
    engine *= sign
    places.remark(sheet, address)
    if n > 1 and address.kind == "parameter" and symbols.plan.objective.loss.name != "output":  # type: ignore[union-attr]
        sheet.notes.insert(0, say("one_share", row=row, n=n))
    if trace.dtype != np.float64:
        sheet.note("float32", difference=shown(abs(sheet.names[key].value - engine), 2))
    return Explanation(
        target=sheet.names[key].symbol, address=canonical(symbols.plan, address),
        statement=places.statement(symbols, address), value=sheet.names[key].value,
        sections=sections_of(sheet), names=sheet.names, result=key, engine=engine, engine_name=trace.engine,
        tolerance=tolerance, paths=size, finite_difference=difference_of(working.trace, symbols, address),
        notes=tuple(sheet.notes), form=asked.form, row=row, notation=symbols.notation.name,
        decimal=symbols.notation.decimal, columns=frozenset(symbols.labels.values()), dtype=str(trace.dtype),
        digits=asked.digits,
    )  # fmt: skip


def sections_of(sheet: Sheet) -> tuple[Section, ...]:
    """The lines of a sheet under their headings."""
    found = (("forward", sheet.forward), ("losses", sheet.losses), ("backward", sheet.backward))
    return tuple(Section(say(title), tuple(lines)) for title, lines in found if lines)


def difference_of(trace: Trace, symbols: Symbols, address: Address) -> FiniteDifference | None:
    """The finite difference of the trace's loss by a parameter or an input; None for anything else."""
    if address.kind == "parameter":
        param = symbols.plan.param(address.name)
        return finite_difference(trace, [param.offset + entry for entry in address.entries])
    if address.kind == "gradient" and address.name in symbols.plan.inputs:
        before = symbols.plan.inputs[: symbols.plan.inputs.index(address.name)]
        return finite_difference(trace, [sum(symbols.plan.slot(s).width for s in before) + address.entry], inputs=True)
    return None


def _engine(trace: Trace, address: Address, row: int, measure: float | None, value: float) -> tuple[float, float]:
    """The engine's own number in its own precision, and how far the explanation may be from it."""
    recorded = trace if trace.gradient is not None or address.kind in ("value", "loss") else backward_pass(trace)
    found = _recorded(recorded, address, row)
    size = abs(value) if measure is None else measure
    if trace.dtype == np.float64:
        return found, RELATIVE * size
    # In another precision the reference engine's own pass tells what rounding does; the engine must agree with that.
    again = found if address.kind in ("value", "loss") else _recorded(backward_pass(trace), address, row)
    return found, abs(again - value) + 64.0 * float(np.finfo(trace.dtype).eps) * size


def _recorded(trace: Trace, address: Address, row: int) -> float:
    if address.kind == "value":
        return float(trace.values[address.name][row, address.entry])
    if address.kind == "gradient":
        deltas = trace.deltas if address.name in trace.deltas else backward_pass(trace).deltas
        return float(deltas[address.name][row, address.entry]) if address.name in deltas else 0.0
    if address.kind == "loss":
        assert trace.losses is not None
        return float(trace.losses[row])
    if len(trace.x) == 1:
        assert trace.gradient is not None
        return float(sum(trace.plan.param(address.name).of(trace.gradient).ravel()[e] for e in address.entries))
    working = Working(one_row(trace, row))
    return sum(working.share(address.name, entry) for entry in address.entries)
