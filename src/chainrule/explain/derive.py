"""Explain any number of a pass: the public functions."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from chainrule.constraints import choice, whole
from chainrule.engines.trace import Gradient, Trace
from chainrule.errors import DivergedError, SettingError
from chainrule.explain.address import Address, check_labels, numerator, parse
from chainrule.explain.batch import explain_batch
from chainrule.explain.derivative import differentiated
from chainrule.explain.explanation import Explanation
from chainrule.explain.notation import Notation, notation
from chainrule.explain.single import Asked, explain_row
from chainrule.explain.symbols import Symbols
from chainrule.explain.working import in_float64
from chainrule.expression import Expression
from chainrule.network import Network
from chainrule.steps import forward

Form = Literal["factors", "delta", "paths"]


def explain_trace(
    trace: Trace | Gradient,
    of: str,
    *,
    row: int | None = None,
    form: Form = "factors",
    top: int | None = 8,
    digits: int = 6,
    notation: str | Notation | Path = "default",
    labels: Mapping[str, str] | None = None,
) -> Explanation:
    """Why a number of this pass is what it is.

    of: an address: a weight or bias (`W1[2,3]`, `b1[0]`: its gradient), a value (`z1[2]`, `a1[2]`, `prediction`, `loss`),
    the gradient of a value (`delta1[2]`, `delta(a1[2])`, an input), a name of your own (`w5`, `net(h1)`), or the derivative of
    one value by another (`d prediction[1] / d x[0]`, `d out(o1) / d w5`).
    row: one example of the batch (its share of the batch's gradient); by default the whole batch, for values the first.
    form: a gradient as the product of named "factors", by the "delta" recursion, or as a sum of "paths".
    top: how many terms of a long sum are shown, with the exact rest (None: all, down to inputs and weights).
    labels: names for inputs, {"x[0]": "age"}.

    Raises `SettingError` CR210 or CR207 for an address, CR204 when there are no targets, `PromiseError` CR802 when the
    explanation is not the engine's number.

    >>> from chainrule import Dense, Network, backward, forward
    >>> net = Network(2, [Dense(1, "sigmoid")], loss="half_squared_error")
    >>> gradient = backward(forward(net, [0.5, -1.0, 0.25], [1.0, 2.0], [1.0]))
    >>> explanation = explain_trace(gradient, "W1[0,1]")
    >>> [round(factor.value, 6) for factor in explanation.factors], round(explanation.value, 6)
    ([-0.7773, 0.173105, 2.0], -0.269109)
    """
    trace = trace.trace if isinstance(trace, Gradient) else trace
    choice("form", form, ("factors", "delta", "paths"))
    whole("digits", digits, low=1, high=17)
    if top is not None:
        whole("top", top, low=1)
    check_labels(trace.plan, labels or {})
    symbols = Symbols(trace.plan, _notation(notation), labels or {})
    above = numerator(symbols, of)
    if above is not None:
        trace = differentiated(trace, above.name, above.entry)
        symbols = Symbols(trace.plan, symbols.notation, symbols.labels)
        row = row or 0
    address = parse(symbols, of)
    if row is not None:
        whole("row", row, low=0, high=len(trace.x) - 1)
    if address.kind in ("parameter", "gradient", "loss"):
        _needs_targets(trace)
    whole_pass = in_float64(trace)
    _needs_finite(whole_pass, address)
    asked = Asked(trace, whole_pass, address, symbols, form, top, digits)
    if row is None and len(trace.x) > 1 and address.kind in ("parameter", "loss"):
        return explain_batch(asked)
    return explain_row(asked, row or 0)


def explain(
    network: Network | Expression,
    theta: ArrayLike,
    x: ArrayLike,
    y: ArrayLike | None = None,
    *,
    of: str,
    row: int | None = 0,
    sample_weight: ArrayLike | None = None,
    form: Form = "factors",
    top: int | None = 8,
    digits: int = 6,
    notation: str | Notation | Path = "default",
    labels: Mapping[str, str] | None = None,
) -> Explanation:
    """Why a number is what it is, for a network, its θ and data: `explain_trace` of a fresh pass.

    >>> from chainrule import Expression
    >>> f = Expression("g = w * x; f = g + b", inputs=["x"])
    >>> explain(f, f.theta(w=-2, b=3), [[5.0]], of="w").value
    5.0
    """
    trace = forward(network, theta, x, y, sample_weight=sample_weight)
    return explain_trace(trace, of, row=row, form=form, top=top, digits=digits, notation=notation, labels=labels)


_notation = notation


def _needs_targets(trace: Trace) -> None:
    if trace.y is None or trace.plan.objective is None:
        raise SettingError("CR204", "a gradient needs a loss, and a loss needs targets", hint="pass y to forward")


def _needs_finite(trace: Trace, address: Address) -> None:
    arrays = [*trace.values.values(), *(() if address.kind == "value" else trace.deltas.values())]
    if not all(np.isfinite(array).all() for array in arrays):
        raise DivergedError(
            "CR601", "this pass holds numbers that are not finite, and they have no working to show",
            hint="a smaller learning rate, or clip_norm, keeps the weights finite",
        )  # fmt: skip
