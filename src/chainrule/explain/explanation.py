"""The record of an explanation: lines that each follow from what stands above them, checked when it is made."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from html import escape
from typing import Any

from chainrule.errors import PromiseError
from chainrule.explain.digits import with_decimal
from chainrule.explain.formula import evaluate, names_in
from chainrule.explain.latex import to_latex
from chainrule.explain.lines import FiniteDifference, Line, Name, Section
from chainrule.explain.text import to_text

SCHEMA = "chainrule-explanation/1"
# 1e-12 relative to the sum of |paths|: some 4500 roundings of float64, far more than any printed line has.
RELATIVE = 1e-12


@dataclass(frozen=True)
class Explanation:
    """Why a number is what it is. `print` it, or take `to_dict()`, `to_latex()`, `to_html()`.

    `factors` and `terms` are the lines that make up the result; `engine` is the engine's own number and `finite_difference`
    an estimate that knows nothing of the chain rule. `paths` is the sum of the absolute values of all paths, the measure
    of what rounding may do. `columns` are names of columns, which are no symbols with subscripts.

    Raises `PromiseError` CR802 when a line does not follow from its operands or the result is not the engine's.
    """

    target: str
    address: str
    statement: str
    value: float
    sections: tuple[Section, ...]
    names: Mapping[str, Name]
    result: str
    engine: float | None = None
    engine_name: str = "reference"
    tolerance: float = 0.0
    paths: float | None = None
    finite_difference: FiniteDifference | None = None
    notes: tuple[str, ...] = ()
    children: tuple[Explanation, ...] = ()
    form: str = "factors"
    row: int | None = None
    notation: str = "default"
    dtype: str = "float64"
    digits: int = 6
    decimal: str = "."
    columns: frozenset[str] = frozenset()
    extra: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check(self)

    @property
    def lines(self) -> Iterator[Line]:
        """Every line, in order."""
        return (line for section in self.sections for line in section.lines)

    def line(self, key: str) -> Line:
        """The line that gives the name `key`."""
        return next(line for line in self.lines if line.key == key)

    @property
    def factors(self) -> tuple[Line, ...]:
        """The lines whose product is the result; empty when the result is no product."""
        made = {line.key: line for line in self.lines}
        result = made.get(self.result)
        if result is None or result.role != "product":
            return ()
        return tuple(made[name] for name in names_in(result.expr) if name in made)

    @property
    def terms(self) -> tuple[Line, ...]:
        """The lines of which the result is the sum, largest first; empty when the result is no sum of lines."""
        made = {line.key: line for line in self.lines}
        result = made.get(self.result)
        if result is None or result.role != "sum":
            return ()
        return tuple(made[name] for name in names_in(result.expr) if name in made)

    def to_text(self, width: int = 100) -> str:
        """The working as aligned lines for a terminal, no wider than `width` columns where words allow."""
        return with_decimal(to_text(self, width), self.decimal)

    def to_latex(self, *, document: bool = False) -> str:
        """The working as LaTeX with amsmath; with `document`, a whole file that compiles alone."""
        return with_decimal(to_latex(self, document=document), "{,}" if self.decimal == "," else ".")

    def __str__(self) -> str:
        return self.to_text()

    def _repr_html_(self) -> str:
        return f"<pre>{escape(self.to_text())}</pre>"

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON, schema "chainrule-explanation/1".

        `names`: key -> {symbol, value, kind, address?}; kinds are those of `Name`. `sections`: [{title, lines}]; a line is
        {key, symbol, expr, formula, numbers, value, role, operands, note?}. `expr` is in Python's notation, with + - * / **,
        comparisons, `x if condition else y` and exp, ln, sqrt, tanh, erf, abs, max, min, pi; `operands` are the values of its
        names, each of which is a leaf of `names` or the key of an earlier line. Roles: "forward", "loss", "factor", "term",
        "rest" (what is not shown of a sum, a constant), "sum", "product", "step" (of an update).
        `result` is the key of the line that gives `value`. `engine`, `finite_difference` {value, step, accuracy}, `paths`
        (the sum of |paths|), `notes` and `children` (explanations of the parts of a batch) may be null or empty.
        """
        return {
            "schema": SCHEMA,
            "target": self.target,
            "address": self.address,
            "statement": self.statement,
            "value": self.value,
            "form": self.form,
            "row": self.row,
            "notation": self.notation,
            "dtype": self.dtype,
            "names": {name.key: _name_dict(name) for name in self.names.values()},
            "sections": [
                {"title": section.title, "lines": [self._line_dict(line) for line in section.lines]}
                for section in self.sections
            ],
            "result": self.result,
            "engine": {"name": self.engine_name, "value": self.engine},
            "paths": self.paths,
            "finite_difference": None if self.finite_difference is None else vars(self.finite_difference).copy(),
            "notes": list(self.notes),
            "children": [child.to_dict() for child in self.children],
            **self.extra,
        }

    def _line_dict(self, line: Line) -> dict[str, Any]:
        plain: dict[str, Any] = {
            "key": line.key, "symbol": line.symbol, "expr": line.expr, "formula": line.formula, "numbers": line.numbers,
            "value": line.value, "role": line.role,
            "operands": {name: self.names[name].value for name in names_in(line.expr)},
        }  # fmt: skip
        return {**plain, "note": line.note} if line.note else plain


def _name_dict(name: Name) -> dict[str, Any]:
    plain: dict[str, Any] = {"symbol": name.symbol, "value": name.value, "kind": name.kind}
    return {**plain, "address": name.address} if name.address else plain


def check(explanation: Explanation) -> None:
    """Raise CR802 unless every line follows from its operands and the result is the engine's number."""
    known = {key for key, name in explanation.names.items() if name.kind != "line"}
    result = None
    for line in explanation.lines:
        missing = [name for name in names_in(line.expr) if name not in known]
        if missing:
            raise PromiseError("CR802", f"{line.symbol} uses {missing[0]}, which stands nowhere above it")
        value, error = evaluate(line.expr, {name: explanation.names[name].value for name in names_in(line.expr)})
        # 64 times the bound of one evaluation: the engine adds up in another order and has other exp and tanh.
        if not abs(value - line.value) <= 64.0 * error + RELATIVE * abs(line.value):
            raise PromiseError(
                "CR802", f"the line {line.symbol} = {line.formula} does not add up",
                expected=repr(line.value), got=repr(value),
            )  # fmt: skip
        if line.key in explanation.names and explanation.names[line.key].value != line.value:
            raise PromiseError("CR802", f"{line.symbol} is used with another value than it has")
        known.add(line.key)
        result = line.value if line.key == explanation.result else result
    if explanation.result in explanation.names and result is None:
        result = explanation.names[explanation.result].value
    if result is None or result != explanation.value:
        raise PromiseError("CR802", f"nothing above gives {explanation.target}", got=repr(result))
    engine = explanation.engine
    if engine is not None and not abs(explanation.value - engine) <= explanation.tolerance and not (
        math.isnan(engine) and math.isnan(explanation.value)
    ):  # fmt: skip
        raise PromiseError(
            "CR802", f"the explanation of {explanation.target} is not the engine's number",
            expected=repr(engine), got=repr(explanation.value),
        )  # fmt: skip
