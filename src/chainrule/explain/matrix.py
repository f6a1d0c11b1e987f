"""The same step in matrices: z1 = x W1ᵀ + b1, δ1 = (δ2 W2) ⊙ g′(z1), ∂L/∂W1 = δ1ᵀ x, with shapes and numbers."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from chainrule.constraints import whole
from chainrule.engines.reference import backward_pass
from chainrule.engines.trace import Gradient, Trace
from chainrule.errors import SettingError
from chainrule.explain.digits import with_decimal
from chainrule.explain.matrix_backward import gradient, parameter
from chainrule.explain.matrix_sheet import MatrixSheet
from chainrule.explain.matrix_symbols import MatrixSymbols
from chainrule.explain.matrix_terms import Matrix
from chainrule.explain.matrix_writing import latex_of, text_of
from chainrule.explain.notation import Notation, notation
from chainrule.explain.working import in_float64, one_row
from chainrule.shapes import Array

SCHEMA = "chainrule-matrices/1"


@dataclass(frozen=True, eq=False)
class MatrixExplanation:
    """The gradient of a whole parameter or the delta of a whole slot, in matrices. `result` is the last line."""

    target: str
    address: str
    given: tuple[Matrix, ...]
    lines: tuple[Matrix, ...]
    engine: Array
    engine_name: str
    row: int | None
    digits: int
    notation: str = "default"
    decimal: str = "."

    @property
    def result(self) -> Matrix:
        return self.lines[-1]

    @property
    def value(self) -> Array:
        """The matrix asked for, as the notation lays it; by default a bias is a row, a delta has a row for every example."""
        return self.result.value

    def to_text(self) -> str:
        """Every matrix under its formula and its shapes; large ones with … in place of what is left out."""
        return with_decimal(text_of(self.given, self.lines, self.digits), self.decimal)

    def to_latex(self, *, document: bool = False) -> str:
        """The same as LaTeX with amsmath; with `document`, a file that compiles alone."""
        text = latex_of(self.given, self.lines, self.digits, document=document)
        return with_decimal(text, "{,}" if self.decimal == "," else ".")

    def __str__(self) -> str:
        return self.to_text()

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON, schema "chainrule-matrices/1": `given` and `lines`, every matrix whole."""
        return {
            "schema": SCHEMA, "target": self.target, "address": self.address, "row": self.row, "form": "matrix",
            "notation": self.notation,
            "given": {one.key: {"symbol": one.symbol, "value": one.value.tolist()} for one in self.given},
            "lines": [
                {
                    "key": one.key, "symbol": one.symbol, "expr": one.expr, "formula": one.formula, "shapes": one.shapes,
                    "value": one.value.tolist(), "note": one.note,
                }
                for one in self.lines
            ],
            "result": self.result.key, "engine": {"name": self.engine_name, "value": self.engine.tolist()},
        }  # fmt: skip


def explain_matrix(
    trace: Trace | Gradient,
    of: str,
    *,
    row: int | None = None,
    digits: int = 6,
    notation: str | Notation | Path = "default",
) -> MatrixExplanation:
    """The gradient of a whole parameter ("W1", "b2", "alpha1") or of a whole slot ("z1", "a1", "x") in matrices.

    row: one example (its share of a batch's gradient); by default the whole batch, an example to every row, or to every
    column in a notation that writes W x + b. notation: the symbols, whether examples are rows or columns, whether weights
    are w_to,from or w_from,to, and the sign of delta.
    Raises `SettingError` CR210 for anything else, CR204 without targets, `PromiseError` CR802 when a line is not the
    engine's number.

    >>> from chainrule import Dense, Network, backward, forward
    >>> net = Network(2, [Dense(1, "sigmoid")], loss="half_squared_error")
    >>> gradient = backward(forward(net, [0.5, -1.0, 0.25], [1.0, 2.0], [1.0]))
    >>> found = explain_matrix(gradient, "W1")
    >>> found.result.formula, found.result.shapes, found.value.round(6).tolist()
    ('δ1ᵀ x', '(1×2) = (1×1)(1×2)', [[-0.134554, -0.269109]])
    >>> explain_matrix(gradient, "W1", notation="han-kamber").result.formula
    '−xᵀ Err^(1)'
    """
    recorded = trace.trace if isinstance(trace, Gradient) else trace
    whole("digits", digits, low=1, high=17)
    if recorded.y is None or recorded.plan.objective is None:
        raise SettingError("CR204", "a gradient needs a loss, and a loss needs targets", hint="pass y to forward")
    plan, written_in = recorded.plan, _notation(notation)
    symbols = MatrixSymbols(plan, written_in)
    name = _name(symbols, of)
    pass_ = in_float64(recorded)
    if row is not None:
        whole("row", row, low=0, high=len(pass_.x) - 1)
        pass_ = one_row(pass_, row)
    if pass_.gradient is None or any(slot not in pass_.deltas for slot in plan.inputs):
        pass_ = backward_pass(pass_)
    sheet = MatrixSheet(pass_, symbols)
    if name in plan._params:
        parameter(sheet, name)
        assert pass_.gradient is not None
        param = plan.param(name)
        engine, turned = np.atleast_2d(param.of(pass_.gradient)), sheet.lies_turned(param)
    else:
        gradient(sheet, name)
        engine, turned = symbols.sign(plan.slot(name)) * pass_.deltas[name], symbols.columns
    return MatrixExplanation(
        sheet.lines[-1].symbol, name, tuple(sheet.given.values()), tuple(sheet.lines), engine.T if turned else engine,
        recorded.engine, row, digits, written_in.name, written_in.decimal,
    )  # fmt: skip


_notation = notation


def _name(symbols: MatrixSymbols, of: str) -> str:
    """The parameter or slot that is meant: its own name, the notation's symbol, its delta or its gradient."""
    plan, asked = symbols.plan, of.strip()
    named = {symbols.value(slot): slot.name for slot in plan.slots} | {symbols.param(p): p.name for p in plan.params}
    called = {symbols.delta(slot): slot.name for slot in plan.slots}
    called |= {f"∂{symbols.loss}/∂{symbol}": name for symbol, name in named.items()} | named
    inside = re.sub(r"^(?:delta|δ)\((.+)\)$", r"\1", re.sub(r"^delta(\d\w*)$", r"z\1", asked))
    for text in (asked, inside):
        if text in plan._params or text in plan._slots:
            return text
        if text in called:
            return called[text]
    raise SettingError(
        "CR210", f"there is no whole parameter or layer called {of!r}", expected=", ".join([*plan._params, *plan._slots]),
        got=repr(of), hint="matrices are shown whole: W1, not W1[0,0]",
    )  # fmt: skip
