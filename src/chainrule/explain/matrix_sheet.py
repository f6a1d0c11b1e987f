"""The lines of a working in matrices: each from matrices above it, compared with the engine's own.

Formulas are made for rows of examples and weights [to, from]; a notation that writes columns, or weights [from, to], gets the
same formula transposed.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping

import numpy as np

from chainrule.engines.trace import Trace
from chainrule.errors import PromiseError
from chainrule.explain.formula import LATEX, TEXT, Style, evaluate, names_in, rename, written
from chainrule.explain.matrix_symbols import MatrixSymbols
from chainrule.explain.matrix_terms import (
    Leaf,
    Matrix,
    Term,
    expr_of,
    formula_of,
    latex_of_term,
    matrix_symbol,
    shapes_of,
    transposed,
    value_of,
)  # fmt: skip
from chainrule.explain.sentences import say
from chainrule.plan import Param
from chainrule.shapes import Array

TOLERANCE = 1e-9  # of a line, relative to its largest entry: some rounding of sums of any length a network has


class MatrixSheet:
    """The lines, each from matrices above it and compared with the engine's own.

    A term that a method returns is written for rows of examples; `lines` hold matrices as the notation lays them.
    """

    def __init__(self, trace: Trace, symbols: MatrixSymbols) -> None:
        self.trace, self.plan, self.symbols = trace, trace.plan, symbols
        self.given: dict[str, Matrix] = {}
        self.lines: list[Matrix] = []
        self.made: dict[str, Term] = {}

    def give(self, key: str, symbol: str, value: Array, note: str = "") -> Term:
        """A matrix that is not derived, such as an input or the weights; `value` has rows of examples."""
        return self.hold(key, symbol, np.atleast_2d(value), note, turned=self.symbols.columns)

    def hold(self, key: str, symbol: str, value: Array, note: str = "", *, turned: bool = False) -> Term:
        """A matrix that is not derived, laid the other way with `turned`."""
        if key not in self.made:
            self.given[key] = Matrix(key, symbol, value.T if turned else value, note=note)
            self.made[key] = Leaf(self.given[key], turned)
        return self.made[key]

    def add(
        self, key: str, symbol: str, term: Term, engine: Array, note: str = "", *, turned: bool | None = None
    ) -> Term:
        """A line `symbol = term`; `turned`: whether it is laid the other way, by default as examples are."""
        turned = self.symbols.columns if turned is None else turned
        written_as = transposed(term) if turned else term
        found = value_of(written_as)
        line = Matrix(
            key, symbol, found, expr_of(written_as), formula_of(written_as), latex_of_term(written_as),
            f"({'×'.join(map(str, found.shape))}) = {shapes_of(written_as)}", note,
        )  # fmt: skip
        return self.line(line, np.atleast_2d(engine), turned)

    def line(self, line: Matrix, engine: Array, turned: bool) -> Term:
        """Add a line after comparing it with the engine's number, which has rows of examples."""
        compare = engine.T if turned else engine
        size = float(np.abs(compare).max(initial=0.0)) + 1e-300
        if not np.abs(line.value - compare).max(initial=0.0) <= TOLERANCE * size + 1e-12:
            raise PromiseError("CR802", f"the matrix {line.symbol} = {line.formula} is not the engine's")
        self.lines.append(line)
        self.made[line.key] = Leaf(line, turned)
        return self.made[line.key]

    def entries(self, key: str, symbol: str, expr: str, names: Mapping[str, Term | float], engine: Array) -> Term:
        """A line whose formula holds entry by entry; the engine's own number where the formula overflows."""
        used = {name: names[name] for name in names_in(expr)}
        matrices = {name: one.matrix for name, one in used.items() if isinstance(one, Leaf)}
        keys = {name: matrices[name].key if name in matrices else repr(float(one)) for name, one in used.items()}  # type: ignore[arg-type]
        full = rename(expr, {name: f"({text})" for name, text in keys.items()})
        turned = self.symbols.columns
        shape = np.atleast_2d(engine).shape[::-1] if turned else np.atleast_2d(engine).shape
        spread = {one.key: np.broadcast_to(one.value, shape) for one in matrices.values()}
        found = np.empty(shape)
        try:
            for place in itertools.product(*map(range, shape)):
                found[place] = evaluate(full, {n: float(one[place]) for n, one in spread.items()})[0]
        except (OverflowError, ZeroDivisionError, ValueError):
            found = np.array(engine.T if turned else engine)
        shown = {one.key: one.symbol for one in matrices.values()}

        def write(style: Style) -> str:
            return written(full, lambda name: shown[name] if style is TEXT else matrix_symbol(shown[name]), style)

        line = Matrix(
            key, symbol, found, full, write(TEXT), write(LATEX), f"({'×'.join(map(str, shape))})", say("entry_by_entry")
        )
        return self.line(line, np.atleast_2d(engine), turned)

    def param(self, name: str) -> Term:
        """A parameter as it is laid in the notation; a vector is a row."""
        param = self.plan.param(name)
        value = np.atleast_2d(param.of(self.trace.theta))
        return self.hold(name, self.symbols.param(param), value, turned=self.lies_turned(param))

    def lies_turned(self, param: Param) -> bool:
        return self.symbols.from_first if len(param.shape) == 2 else self.symbols.columns
