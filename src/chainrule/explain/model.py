"""Why this number? For a trained model and its data, or for a pass of any network."""

from __future__ import annotations

import os
import re
from dataclasses import replace
from typing import Any, Literal, overload

import numpy as np

from chainrule.constraints import whole
from chainrule.data.encode import Encoder
from chainrule.data.table import Table
from chainrule.engines.trace import Gradient, Trace
from chainrule.errors import DataError, SettingError
from chainrule.exchange import Foreign, from_other, is_foreign
from chainrule.explain.address import QUOTIENT
from chainrule.explain.derive import explain_trace
from chainrule.explain.explanation import Explanation
from chainrule.explain.matrix import MatrixExplanation, explain_matrix
from chainrule.explain.units import Meant, in_units, labels_in_network, meant, units_of
from chainrule.explain.update import explain_update
from chainrule.model import Model
from chainrule.run import Replayed, replay, replay_step
from chainrule.shapes import Array
from chainrule.steps import backward, forward

Subject = Model | Trace | Gradient | Foreign | str | os.PathLike[str]


@overload
def explain(
    subject: Subject | Any, data: Any = None, y: Any = None, *, of: str, form: Literal["matrix"], row: int | None = None,
    step: int | None = None, **how: Any,
) -> MatrixExplanation:  # fmt: skip
    """A whole gradient in matrices."""


@overload
def explain(
    subject: Subject | Any, data: Any = None, y: Any = None, *, of: str, form: str = "factors", row: int | None = None,
    step: int | None = None, **how: Any,
) -> Explanation:  # fmt: skip
    """One number, line by line."""


def explain(
    subject: Subject | Any,
    data: Any = None,
    y: Any = None,
    *,
    of: str,
    form: str = "factors",
    row: int | None = None,
    step: int | None = None,
    **how: Any,
) -> Explanation | MatrixExplanation:
    """Derive one number with the numbers put in: a gradient `W1[2,3]`, a delta, an activation, a prediction, the loss.

    subject: a `Model` with `data` (a path, a DataFrame, an array) of which `row` (the first) is explained, with its target
    in a column or in `y` where a gradient is asked for; or what `forward` and `backward` returned, of which the whole batch
    or one `row` of it is explained; or the folder of a run, whose training step `step` (from 1) is replayed and explained,
    its batch or one `row` of that, or "new W1[2,3]", why that weight moved as it did; or another library's network (a
    fitted scikit-learn MLP, a `torch.nn.Sequential`, a `keras.Sequential`, or what `from_other` made of one) with rows in
    `data` and targets in `y`. `form`: "factors", "delta", "paths", or "matrix" for a whole `W1`, `b2` or `z1`. `how`:
    notation, top (terms shown) and digits. "prediction" of a classifier, or the name of its target, is the probability of
    the class that it chooses (of two classes that of the second), also in "d prediction / d age".

    A model's number is derived in float64 from its weights, whatever it was trained in. Its columns are called by name
    ("d price / d age", "price", "age"): such a number ends in the units of the columns.

    >>> from chainrule import Dense, Network, backward, explain, forward
    >>> net = Network(2, [Dense(1, "sigmoid")], loss="half_squared_error")
    >>> gradient = backward(forward(net, [0.5, -1.0, 0.25], [1.0, 2.0], [1.0]))
    >>> round(explain(gradient, of="W1[0,1]").value, 6)
    -0.269109
    """
    if isinstance(subject, (str, os.PathLike)):
        if step is None:
            raise SettingError("CR202", "which step of the run?", where="step", hint="explain(run, step=1203, of=...)")
        if moved := re.fullmatch(r"\s*new\s+(.+)", of):
            return _moved(replay_step(subject, step, data), moved[1], form, row, how)
        replayed, trial = replay(subject, step, data)
        if form == "matrix":
            return _in_matrices(replayed, of, how | {"row": row})
        return _of_columns(replayed, trial.encoder, of, form, how | {"row": row})
    if isinstance(subject, Foreign) or is_foreign(subject):
        trace = foreign_trace(subject, data, y, row or 0)
        return explain(trace if trace.gradient is None else Gradient(trace), of=of, form=form, **how)
    if not isinstance(subject, Model):
        if form == "matrix":
            return _in_matrices(subject, of, how | {"row": row})
        return explain_trace(subject, of, form=form, row=row, **how)  # type: ignore[arg-type]
    table, _ = subject.table(data, y)
    trace = trace_of(subject, table, row or 0)
    if form == "matrix":
        return _in_matrices(trace, of, how)
    raw = subject.encoder.raw(table, np.array([row or 0]))[0]
    return _of_columns(trace, subject.encoder, of_class(subject, trace, of), form, how, raw)


def _moved(replayed: Replayed, of: str, form: str, row: int | None, how: dict[str, Any]) -> Explanation:
    """Why a weight moved as it did in a step of a run."""
    if form != "factors" or row is not None:
        raise SettingError(
            "CR204", "an update has one form and is that of the whole batch", got=f"form={form!r}, row={row}"
        )
    return explain_update(replayed.trace, replayed.trial.settings.update, of, memory=replayed.memory, **how)


def _of_columns(
    trace: Trace, encoder: Encoder, of: str, form: str, how: dict[str, Any], raw: Array | None = None
) -> Explanation:
    """An explanation that calls the columns by name and ends in their units; `raw` are the inputs of its one row in them."""
    asked, output = meant(encoder, of), trace.plan.output
    found = explain_trace(trace, asked.of, form=form, labels=labels_in_network(encoder), **how)  # type: ignore[arg-type]

    def of_row(one: Explanation, what: Meant) -> Explanation:
        return in_units(one, encoder, what, output, units_of(encoder, trace.x[one.row or 0]) if raw is None else raw)

    children = tuple(of_row(child, Meant(child.address)) for child in found.children)
    return of_row(replace(found, children=children), asked)


def of_class(model: Model, trace: Trace, of: str) -> str:
    """What is asked of a classifier: "prediction", or the name of its target, is the probability of the class that it
    chooses, of two classes that of the second, also in "d prediction / d age"."""
    match = QUOTIENT.fullmatch(of.strip())
    asked = match[1] if match else of.strip()
    targets = model.encoder.targets
    if not model.classes or len(targets) > 1 or asked == "loss" or asked not in ("prediction", targets[0].name):
        return of
    chosen = f"prediction[{int(trace.prediction[0].argmax())}]"
    return f"d {chosen} / d {match[2]}" if match else chosen


def _in_matrices(trace: Trace | Gradient, of: str, how: dict[str, Any]) -> MatrixExplanation:
    other = sorted(set(how) - {"digits", "notation", "labels", "row"})
    if other:
        raise SettingError(
            "CR204", f"matrices are not written with `{other[0]}`", expected="digits, notation, row", got=other[0]
        )
    return explain_matrix(trace, of, **{name: value for name, value in how.items() if name != "labels"})


def trace_of(model: Model, table: Table, row: int) -> Trace:
    """The pass of one row in float64, with every delta and gradient where the table knows the row's target."""
    whole("row", row, low=0)
    if row >= table.row_count:
        raise DataError(
            "CR105", f"there is no row {row}", where=table.source, expected=f"0 to {table.row_count - 1}", got=str(row)
        )
    index = np.array([row])
    theta = model.theta.astype(np.float64)
    x = model.encoder.encode(table, index, dtype=np.float64)
    known = all(target.name in table for target in model.encoder.targets)
    y = model.encoder.encode_target(table, index) if known else None
    trace = forward(model.network, theta, x, y, rows=index)
    return backward(trace).trace if known else trace


def foreign_trace(net: Any, data: Any, y: Any, row: int) -> Trace:
    """The pass of one row of another library's network in float64, with every gradient where the target is given."""
    foreign = net if isinstance(net, Foreign) else from_other(net, data)
    x = foreign.inputs(data)
    whole("row", row, low=0)
    if row >= len(x):
        raise DataError("CR105", f"there is no row {row}", expected=f"0 to {len(x) - 1}", got=str(row))
    target = None if y is None else foreign.targets(y)[[row]]
    trace = forward(foreign.network, foreign.theta.astype(np.float64), x[[row]], target, rows=[row])
    return trace if target is None else backward(trace).trace


def telling(model: Model, table: Table) -> tuple[int, str]:
    """A row and an address to begin with: of the first 200 rows the one that is told wrong or least surely, and the weight of
    the last layer that pulls hardest on it."""
    index = np.arange(min(table.row_count, 200))
    x = model.encoder.encode(table, index, dtype=np.float64)
    losses = forward(model.network, model.theta.astype(np.float64), x, model.encoder.encode_target(table, index)).losses
    assert losses is not None
    row = int(np.argmax(losses))
    param = [p for p in model.network.plan.params if p.name.startswith("W")][-1]
    gradient = trace_of(model, table, row).gradient
    assert gradient is not None
    pull = np.abs(param.of(gradient))
    to_unit, from_unit = np.unravel_index(int(pull.argmax()), pull.shape)
    return row, f"{param.name}[{to_unit},{from_unit}]"


def explain_one(model: Model, table: Table) -> tuple[Explanation, str]:
    """An explanation to begin with (see `telling`), and the options that ask for it."""
    row, of = telling(model, table)
    return explain(model, table, of=of, row=row), f"--row {row} --of '{of}'"
