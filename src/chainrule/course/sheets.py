"""Exercises on paper: problems with blank tables and full solutions, as text, LaTeX and HTML, and answer sheets to fill in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from html import escape

from chainrule.course.exercises import TOPICS, Exercise
from chainrule.course.judge import Judged
from chainrule.course.symbols import symbol
from chainrule.explain.digits import shown
from chainrule.explain.formula import LATEX, written
from chainrule.explain.html import html_page
from chainrule.explain.notation import latex_symbol

DIGITS = 6
BLANK = "________"


def as_text(exercises: Iterable[Exercise], *, solutions: bool = False) -> str:
    """Problems with blank tables, or with every number and how it comes about."""
    return "\n\n".join("\n".join(_text(one, solutions)) for one in exercises)


def _text(one: Exercise, solutions: bool) -> Iterator[str]:
    yield one.example.title
    yield TOPICS[one.topic].asks
    yield from _given(one)
    stage = ""
    for judged in one.solution:
        name, quantity = symbol(judged.quantity.name), judged.quantity
        if quantity.stage != stage:
            stage = quantity.stage
            yield f"  {stage}"
        if solutions:
            yield f"    {name} = {written(quantity.expr, symbol)}"
            pad = " " * len(name)
            if quantity.expr not in one.example.by_name:
                yield f"    {pad} = {_numbers(one, judged)}"
            yield f"    {pad} = {shown(judged.true, DIGITS)}"
        else:
            yield f"    {name.ljust(14)} {BLANK}"


def _given(one: Exercise) -> Iterator[str]:
    kinds = {"inputs": "x", "weights (to, from)": "w_", "biases": "b_", "targets": "t_", "learning rate": "eta"}
    for kind, start in kinds.items():
        if kind == "learning rate" and not TOPICS[one.topic].update:
            continue
        values = [f"{symbol(n)} = {shown(v)}" for n, v in one.example.given.items() if n.startswith(start)]
        yield f"  {kind}: {', '.join(values)}"


def _numbers(one: Exercise, judged: Judged) -> str:
    """The formula with the numbers above put in, at the digits in which they are printed above."""
    known = {**one.example.given, **{other.quantity.name: other.true for other in one.solution}}
    return written(judged.quantity.expr, lambda name: shown(known[name], DIGITS))


def as_latex(exercises: Iterable[Exercise], *, solutions: bool = False) -> str:
    """A complete LaTeX document (amsmath only)."""
    parts = [r"\documentclass{article}", r"\usepackage{amsmath}", r"\begin{document}"]
    for one in exercises:
        parts += [rf"\section*{{{one.example.title}}}", TOPICS[one.topic].asks, ""]
        given = {n: v for n, v in one.example.given.items() if n != "eta" or TOPICS[one.topic].update}
        values = [f"{_latex(n)} = {_plain(shown(v))}" for n, v in given.items()]
        for start in range(0, len(values), 5):
            parts.append(r"\[ " + r",\quad ".join(values[start : start + 5]) + r" \]")
        parts += _solution(one) if solutions else _blank(one)
    return "\n".join([*parts, r"\end{document}"]) + "\n"


def _blank(one: Exercise) -> list[str]:
    rows = [rf"${_latex(name)}$ & \rule{{3cm}}{{0.4pt}} \\[4pt]" for name in one.asked]
    return [r"\begin{tabular}{ll}", *rows, r"\end{tabular}"]


def _solution(one: Exercise) -> list[str]:
    known = {**one.example.given, **{judged.quantity.name: judged.true for judged in one.solution}}
    lines = []
    for judged in one.solution:
        expr = judged.quantity.expr
        numbers = written(expr, lambda name: _plain(shown(known[name], DIGITS)), LATEX)
        lines.append(
            rf"\begin{{align*}} {_latex(judged.quantity.name)} &= {written(expr, _latex, LATEX)} \\ "
            rf"&= {numbers} = {_plain(shown(judged.true, DIGITS))} \end{{align*}}"
        )
    return lines


def _plain(number: str) -> str:
    """A printed number in LaTeX; a brace keeps a minus from looking like a subtraction."""
    mantissa, power, exponent = number.replace("−", "-").partition("e")
    return rf"{mantissa}\cdot 10^{{{exponent}}}" if power else mantissa


def _latex(name: str) -> str:
    if name.endswith("_new"):
        return rf"{_latex(name[:-4])}^{{\text{{new}}}}"
    head, _, rest = symbol(name).partition("_")
    if "/" in head + rest:
        above, below = symbol(name)[1:].split("/∂")
        return rf"\frac{{\partial {_latex(above)}}}{{\partial {_latex(below)}}}"
    return latex_symbol(f"{head}_{rest.replace('_', ',')}" if rest else head)


_STYLE = (
    "body{font:16px/1.4 sans-serif;max-width:46em;margin:1em auto;padding:0 1em}section{break-after:page}"
    "table{border-collapse:collapse}td{padding:.2em .6em;border-bottom:1px solid #bbb;vertical-align:top}"
)


def as_html(exercises: Iterable[Exercise], *, solutions: bool = False) -> str:
    """A self-contained page, one problem after the other (one per sheet when printed)."""
    body = "".join(_html(one, solutions) for one in exercises)
    return html_page("Exercises", body, style=_STYLE)


def _html(one: Exercise, solutions: bool) -> str:
    rows = []
    for judged in one.solution:
        cells = [symbol(judged.quantity.name), ""]
        if solutions:
            steps = (written(judged.quantity.expr, symbol), _numbers(one, judged), shown(judged.true, DIGITS))
            cells[1] = " = ".join(dict.fromkeys(steps))
        rows.append("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in cells) + "</tr>\n")
    given = "".join(f"<p>{escape(line.strip())}</p>\n" for line in _given(one))
    return (
        f"<section>\n<h2>{escape(one.example.title)}</h2>\n<p>{escape(TOPICS[one.topic].asks)}</p>\n{given}"
        f"<table>\n{''.join(rows)}</table>\n</section>\n"
    )


def answer_sheet(exercises: list[Exercise]) -> str:
    """A blank answer file for `chainrule mark`: what is left empty is not marked."""
    first = exercises[0]
    lines = [
        'name = ""', f'topic = "{first.topic}"', f'network = "{first.shape}"', f"seed = {first.seed}",
        *(line for one in exercises for line in ("", f"[answers.{one.number}]", *(f'{name} = ""' for name in one.asked))),
    ]  # fmt: skip
    return "\n".join(lines) + "\n"
