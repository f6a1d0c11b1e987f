"""Matrices as text and as LaTeX: aligned, large ones with … in place of what is left out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from chainrule.explain.digits import shown
from chainrule.explain.latex import PREAMBLE, number
from chainrule.explain.matrix_terms import Matrix, matrix_symbol
from chainrule.explain.notation import plain_latex
from chainrule.explain.sentences import say
from chainrule.shapes import Array

MOST = 6  # rows or columns of a matrix that are shown whole
KEPT = 3  # of a larger one, the first of these and the last


def text_of(given: Sequence[Matrix], lines: Sequence[Matrix], digits: int) -> str:
    """The given matrices, then every line with its matrix below it."""
    out = [say("given")]
    for one in given:
        note = f"   {one.note}" if one.note else ""
        out += [f"  {one.symbol}   ({one.shape}){note}", *_rows(one.value, digits)]
    out += ["", say("working")]
    for one in lines:
        note = f"   {one.note}" if one.note else ""
        out += [f"  {one.symbol} = {one.formula}   {one.shapes}{note}", *_rows(one.value, digits)]
    return "\n".join(out)


def latex_of(given: Sequence[Matrix], lines: Sequence[Matrix], digits: int, *, document: bool) -> str:
    """The same as `align*`, with `document` as a file that compiles alone."""
    rows = [
        rf"{matrix_symbol(one.symbol)} &= {_pmatrix(one.value, digits)} && {_latex_shapes(one.shape)}" for one in given
    ]
    for one in lines:
        note = rf"\ \text{{{plain_latex(one.note)}}}" if one.note else ""
        rows.append(
            rf"{matrix_symbol(one.symbol)} &= {one.latex} = {_pmatrix(one.value, digits)}"
            rf" && {_latex_shapes(one.shapes)}{note}"
        )
    body = "\\begin{align*}\n" + " \\\\\n".join(rows) + "\n\\end{align*}"
    return f"{PREAMBLE}{body}\n\\end{{document}}\n" if document else body


def _latex_shapes(shapes: str) -> str:
    return shapes.replace("×", r" \times ").replace("⊙", r"\odot")


def _places(count: int) -> list[int | None]:
    """Which rows or columns are shown; None stands for those left out."""
    return list(range(count)) if count <= MOST else [*range(KEPT), None, count - 1]


def _rows(value: Array, digits: int) -> list[str]:
    table = _cells(np.atleast_2d(value), digits, "…")
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    cells = ["  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in table]
    return [f"    [ {row} ]" for row in cells]


def _cells(value: Array, digits: int, left_out: str) -> list[list[str]]:
    return [
        [left_out if i is None or j is None else shown(float(value[i, j]), digits) for j in _places(value.shape[1])]
        for i in _places(value.shape[0])
    ]


def _pmatrix(value: Array, digits: int) -> str:
    array = np.atleast_2d(value)
    rows = [
        " & ".join(
            r"\ddots" if i is None and j is None else r"\vdots" if i is None else r"\cdots" if j is None
            else number(float(array[i, j]), digits) for j in _places(array.shape[1])
        )
        for i in _places(array.shape[0])
    ]  # fmt: skip
    return r"\begin{pmatrix}" + r" \\ ".join(rows) + r"\end{pmatrix}"
