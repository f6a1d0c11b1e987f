"""An explanation as LaTeX (amsmath)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from chainrule.explain.digits import shown
from chainrule.explain.enough import enough_digits
from chainrule.explain.formula import LATEX, latex_number, names_in, written
from chainrule.explain.lines import Line, Shown, adds_terms
from chainrule.explain.notation import latex_symbol, plain_latex
from chainrule.explain.sentences import say

PREAMBLE = r"""\documentclass{article}
\usepackage[T1]{fontenc}
\usepackage{amsmath,amssymb}
\usepackage[margin=2cm]{geometry}
\setlength{\parindent}{0pt}
\allowdisplaybreaks
\begin{document}
"""
ROOM = 76  # characters of a line beyond which an equation is broken at its equals signs


def to_latex(explanation: Shown, *, document: bool = False) -> str:
    """The working as `align*` environments with the sentences between them; with `document`, a file that compiles alone."""
    parts = [
        f"${latex_symbol(explanation.target, explanation.columns)}$: {plain_latex(explanation.statement)}",
        *_sections(explanation),
    ]
    parts += [plain_latex(note) + r"\par" for note in explanation.notes]
    for child in explanation.children[:1]:
        title = say("gradient_child") if explanation.form == "update" else say("largest_child", row=child.row)
        parts += [plain_latex(title), to_latex(child)]
    body = "\n\n".join(parts)
    return f"{PREAMBLE}{body}\n\\end{{document}}\n" if document else body


def _sections(explanation: Shown) -> Iterator[str]:
    for section in explanation.sections:
        rows = [row for line in section.lines for row in _rows(line, section.lines, explanation)]
        if rows:
            yield plain_latex(section.title) + "\n\\begin{align*}\n" + " \\\\\n".join(rows) + "\n\\end{align*}"
    checks = [(say("engine"), explanation.engine)]
    if explanation.finite_difference is not None:
        checks.append((say("finite_difference"), explanation.finite_difference.value))
    told = [f"{plain_latex(what)} ${number(x, explanation.digits)}$" for what, x in checks if x is not None]
    if told:
        yield ", ".join(told) + r"\par"


def _rows(line: Line, lines: Sequence[Line], explanation: Shown) -> Sequence[str]:
    names, columns = explanation.names, explanation.columns
    digits = line.digits or explanation.digits
    value = number(line.value, digits)
    if line.role == "rest":
        return [rf"&\quad \text{{{plain_latex(line.symbol)}}} = {value}"]
    formula = written(line.expr, lambda key: latex_symbol(names[key].symbol, columns), LATEX)
    needed = enough_digits(line.expr, names, digits)
    numbers = written(line.expr, lambda key: number(names[key].value, needed), LATEX)
    if line.role == "term":
        steps = [formula, *([numbers] if numbers not in (formula, value) else []), value]
        return [r"&\quad " + " = ".join(steps)]
    if adds_terms(line, lines):
        shown_terms = sum(1 for name in names_in(line.expr) if names[name].kind == "line")
        sum_of = rf"\text{{{plain_latex(say('sum_above', n=shown_terms))}}}"
        return [f"{latex_symbol(line.symbol, columns)} &= {sum_of} = {value}"]
    steps = [formula] if formula != value else []
    steps += [numbers] if numbers not in (formula, value) else []
    steps.append(value)
    if len(line.symbol) + len(line.formula) + len(line.numbers) <= ROOM:
        return [f"{latex_symbol(line.symbol, columns)} &= {' = '.join(steps)}"]
    return [f"{latex_symbol(line.symbol, columns)} &= {steps[0]}", *(f"&= {step}" for step in steps[1:])]


def number(x: float, digits: int) -> str:
    """A number as LaTeX writes it: a hyphen for minus, powers of ten written out.

    >>> number(-4.38e-7, 3)
    '-4.38 \\\\cdot 10^{-7}'
    """
    return latex_number(shown(x, digits))
