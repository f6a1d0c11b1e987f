"""Formulas over whole matrices: their value, and how they are written as NumPy, as text, as LaTeX and in shapes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from chainrule.explain.notation import latex_symbol
from chainrule.explain.sentences import say
from chainrule.shapes import Array


@dataclass(frozen=True, eq=False)
class Matrix:
    """A matrix of the working. `expr` is Python's notation over the keys of others: `@`, `.T`, `+`, `-` and `*` as in NumPy,
    `softmax` by rows, `sum_rows` and the like, or where `note` says so a formula of one entry; it is empty for a matrix that
    is given. `shapes`: those of the formula."""

    key: str
    symbol: str
    value: Array
    expr: str = ""
    formula: str = ""
    latex: str = ""
    shapes: str = ""
    note: str = ""

    @property
    def shape(self) -> str:
        return _shape(self.value)


@dataclass(frozen=True, eq=False)
class Leaf:
    """A matrix, or its transpose."""

    matrix: Matrix
    transposed: bool = False


@dataclass(frozen=True, eq=False)
class Join:
    """Two terms joined: the matrix product `@`, the product entry by entry `*`, the sum `+`."""

    sign: Literal["@", "*", "+"]
    left: Term
    right: Term


@dataclass(frozen=True, eq=False)
class Minus:
    """A term with the other sign."""

    of: Term


@dataclass(frozen=True, eq=False)
class Total:
    """Rows or columns added up or averaged: `sum_rows` leaves one row, `mean_columns` one column."""

    what: Literal["sum_rows", "sum_columns", "mean_rows", "mean_columns", "sum_all"]
    of: Term


Term = Leaf | Join | Minus | Total

_ACROSS = {
    "sum_rows": "sum_columns",
    "sum_columns": "sum_rows",
    "mean_rows": "mean_columns",
    "mean_columns": "mean_rows",
}
TOTALS: dict[str, Callable[[Array], Array]] = {
    "sum_rows": lambda m: m.sum(axis=0, keepdims=True), "sum_columns": lambda m: m.sum(axis=1, keepdims=True),
    "mean_rows": lambda m: m.mean(axis=0, keepdims=True), "mean_columns": lambda m: m.mean(axis=1, keepdims=True),
    "sum_all": lambda m: np.array([[m.sum()]]),
}  # fmt: skip
_LATEX_TOTALS = {
    "sum_rows": r"\sum_{\text{rows}}", "sum_columns": r"\sum_{\text{columns}}", "sum_all": r"\sum_{\text{all}}",
    "mean_rows": r"\operatorname*{mean}_{\text{rows}}", "mean_columns": r"\operatorname*{mean}_{\text{columns}}",
}  # fmt: skip


def times(left: Term, right: Term) -> Term:
    """The matrix product, a minus sign in front."""
    return _signed("@", left, right)


def by_entry(left: Term, right: Term) -> Term:
    """The product entry by entry, a minus sign in front; a single row or column goes with every other."""
    return _signed("*", left, right)


def plus(left: Term, right: Term) -> Term:
    """The sum."""
    return Join("+", left, right)


def minus(term: Term) -> Term:
    """The term with the other sign; two minus signs go."""
    return term.of if isinstance(term, Minus) else Minus(term)


def _signed(sign: Literal["@", "*"], left: Term, right: Term) -> Term:
    if isinstance(left, Minus):
        return minus(_signed(sign, left.of, right))
    if isinstance(right, Minus):
        return minus(_signed(sign, left, right.of))
    return Join(sign, left, right)


def transposed(term: Term) -> Term:
    """The transpose, written without a transposed product: (A B)ᵀ = Bᵀ Aᵀ."""
    match term:
        case Leaf(matrix, turned):
            return Leaf(matrix, not turned)
        case Join("@", left, right):
            return Join("@", transposed(right), transposed(left))
        case Join(sign, left, right):
            return Join(sign, transposed(left), transposed(right))
        case Minus(of):
            return Minus(transposed(of))
        case Total(what, of):
            return Total(_ACROSS.get(what, what), transposed(of))  # type: ignore[arg-type]


def value_of(term: Term) -> Array:
    """The matrix that comes out."""
    match term:
        case Leaf(matrix, turned):
            return matrix.value.T if turned else matrix.value
        case Join(sign, left, right):
            a, b = value_of(left), value_of(right)
            found: Array = a @ b if sign == "@" else a * b if sign == "*" else a + b
            return found
        case Minus(of):
            return -value_of(of)
        case Total(what, of):
            return TOTALS[what](value_of(of))


def expr_of(term: Term) -> str:
    """Python's notation over the keys."""
    match term:
        case Leaf(matrix, turned):
            return f"{matrix.key}.T" if turned else matrix.key
        case Join("+", left, Minus(of)):
            return f"{expr_of(left)} - {_held(of, expr_of, True)}"
        case Join(sign, left, right):
            return f"{_held(left, expr_of, sign != '+')} {sign} {_held(right, expr_of, sign != '+')}"
        case Minus(of):
            return f"-{_held(of, expr_of, True)}"
        case Total(what, of):
            return f"{what}({expr_of(of)})"


def formula_of(term: Term) -> str:
    """As it is written on a board: `(δ2 W2) ⊙ g′(z1)`."""
    match term:
        case Leaf(matrix, turned):
            return f"{_atom(matrix.symbol)}ᵀ" if turned else matrix.symbol
        case Join("+", left, Minus(of)):
            return f"{_worded(left)} − {_worded(of)}"
        case Join("+", left, right):
            return f"{_worded(left)} + {_worded(right)}"
        case Join(sign, left, right):
            between = " " if sign == "@" else " ⊙ "
            return _held(left, formula_of, True) + between + _held(right, formula_of, True)
        case Minus(of):
            return f"−{_held(of, formula_of, not _is_product(of))}"
        case Total(what, of):
            return say(what, matrix=formula_of(of))


def latex_of_term(term: Term) -> str:
    """As LaTeX writes it."""
    match term:
        case Leaf(matrix, turned):
            symbol = matrix_symbol(matrix.symbol)
            if not turned:
                return symbol
            return rf"\left({symbol}\right)^\top" if symbol.startswith(r"\frac") else rf"{{{symbol}}}^\top"
        case Join("+", left, Minus(of)):
            return f"{latex_of_term(left)} - {latex_of_term(of)}"
        case Join("+", left, right):
            return f"{latex_of_term(left)} + {latex_of_term(right)}"
        case Join(sign, left, right):
            between = r"\, " if sign == "@" else r" \odot "
            return _latex_held(left) + between + _latex_held(right)
        case Minus(of):
            return f"-{_latex_held(of) if not _is_product(of) else latex_of_term(of)}"
        case Total(what, of):
            return rf"{_LATEX_TOTALS[what]} {_latex_held(of)}"


def shapes_of(term: Term) -> str:
    """The shapes in the places of the matrices: `(1×2)(2×3) ⊙ (1×3)`."""
    match term:
        case Leaf():
            return f"({_shape(value_of(term))})"
        case Join("@", left, right):
            return shapes_of(left) + shapes_of(right)
        case Join(sign, left, right):
            return f"{shapes_of(left)} {'⊙' if sign == '*' else '+'} {shapes_of(right)}"
        case Minus(of):
            return shapes_of(of)
        case Total(_, of):
            return shapes_of(of)


def matrix_symbol(symbol: str) -> str:
    """LaTeX of a matrix's symbol.

    >>> matrix_symbol("δ1"), matrix_symbol("g′(z1)")
    ('\\\\delta_{1}', "g'(z_{1})")
    """
    if symbol.startswith("g′("):
        return f"g'({latex_symbol(symbol[3:-1])})"
    return latex_symbol(symbol)


def _shape(value: Array) -> str:
    return "×".join(map(str, value.shape))


def _is_product(term: Term) -> bool:
    return isinstance(term, Leaf) or (isinstance(term, Join) and term.sign != "+")


def _held(term: Term, write: Callable[[Term], str], inside: bool) -> str:
    """A term as part of another, in brackets where it is no single matrix."""
    return f"({write(term)})" if inside and not isinstance(term, Leaf) else write(term)


def _worded(term: Term) -> str:
    """A summand: words and products of brackets stand in brackets of their own."""
    return f"({formula_of(term)})" if isinstance(term, Total) else formula_of(term)


def _latex_held(term: Term) -> str:
    return latex_of_term(term) if isinstance(term, Leaf) else rf"\left({latex_of_term(term)}\right)"


def _atom(symbol: str) -> str:
    return f"({symbol})" if any(c in symbol for c in "/ ^(") else symbol
