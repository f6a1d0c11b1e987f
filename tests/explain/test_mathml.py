"""MathML of every formula that the catalogs hold, of symbols and of numbers."""

import ast
import math
import xml.etree.ElementTree as ET
from html import unescape

import numpy as np
import pytest
from networks import TRAINABLE, random_addresses, random_trace

from chainrule import activations, losses
from chainrule.calculus.formula import FUNCTIONS
from chainrule.explain import NOTATIONS, explain_trace
from chainrule.explain.mathml import formula, number, pieces, symbol

ALLOWED = {
    "math", "mrow", "mi", "mn", "mo", "mtext", "mfrac", "msup", "msub", "msubsup", "msqrt", "mover", "mtable", "mtr", "mtd",
}  # fmt: skip
CHILDREN = {"mfrac": 2, "msup": 2, "msub": 2, "msubsup": 3, "mover": 2}


def read(mathml: str) -> ET.Element:
    """The MathML as a tree, with only elements that browsers know and the right number of children."""
    root = ET.fromstring(f"<math>{mathml}</math>")
    for element in root.iter():
        assert element.tag in ALLOWED, element.tag
        assert len(element) == CHILDREN.get(element.tag, len(element)), mathml
        if element.tag in ("mi", "mn", "mo", "mtext"):
            assert len(element) == 0 and element.text
    return root


EXPRS = [
    *(
        (record.name, expr)
        for record in activations
        for expr in (record.expr, record.slope_expr, record.slope_from_output, *record.learned_slope_exprs)
    ),
    *((record.name, expr) for record in losses for expr in (record.expr, record.slope_expr)),
    *((record.name, head.slope_expr) for record in losses for head in record.heads),
]
EXPRS = [(name, expr) for name, expr in EXPRS if expr]


@pytest.mark.parametrize(("name", "expr"), EXPRS)
def test_every_formula_of_the_catalogs_is_mathml(name: str, expr: str) -> None:
    whole = read(formula(expr, symbol))
    read("".join(pieces(expr, symbol)))
    tree = ast.parse(expr, mode="eval")
    divisions = sum(isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div) for node in ast.walk(tree))
    assert sum(element.tag == "mfrac" for element in whole.iter()) == divisions


def python_of(element: ET.Element) -> str:
    """Python again from the MathML of a formula over single letters: the reader's own understanding, not the writer's."""
    parts = [python_of(child) for child in element]
    match element.tag:
        case "mfrac":
            return f"(({parts[0]})/({parts[1]}))"
        case "msup" if element[0].tag == "mi" and element[0].text == "e":
            return f"exp({parts[1]})"
        case "msup":
            return f"(({parts[0]})**({parts[1]}))"
        case "msqrt":
            return f"sqrt({''.join(parts)})"
        case "mtable":
            rows = [(python_of(row[0]), python_of(row[1])) for row in element]
            return (
                "".join(f"({value}) if {test.removeprefix('if ')} else " for value, test in rows[:-1])
                + f"({rows[-1][0]})"
            )
        case "mo":
            return {"·": "*", "−": "-", "≥": ">=", "≤": "<=", "=": "==", "≠": "!="}.get(element.text, element.text)
        case "mrow" if len(element) == 2 and element[0].text == "{":
            return f"({parts[1]})"
        case "mrow" if len(element) == 3 and element[0].text == "|":
            return f"abs({parts[1]})"
        case "mi" | "mn" | "mtext":
            return {"σ": "sigmoid", "π": "pi"}.get(element.text, unescape(element.text).replace("\xa0", " "))
    return "".join(parts)


@pytest.mark.parametrize(("name", "expr"), EXPRS)
def test_the_mathml_reads_back_to_the_same_number(name: str, expr: str) -> None:
    names = sorted({node.id for node in ast.walk(ast.parse(expr)) if isinstance(node, ast.Name)} - {*FUNCTIONS, "pi"})
    letters = {key: "abcdfghjkl"[n] for n, key in enumerate(names)}
    again = python_of(read(formula(expr, lambda key: symbol(letters[key]))))
    rng = np.random.default_rng(len(expr))
    for _ in range(6):
        values = {key: float(rng.uniform(0.1, 0.9)) * (1 if rng.random() < 0.5 or key != "z" else -1) for key in names}
        scope = {**FUNCTIONS, "pi": math.pi, "__builtins__": {}}
        expected = eval(expr, scope, values)
        found = eval(again, scope, {letters[key]: value for key, value in values.items()})
        assert found == pytest.approx(expected, rel=1e-9), again


@pytest.mark.parametrize(
    "expr", ["a - (b - c)", "-(a + b)", "a*(-b)", "(-a)**2", "a/(b/c)", "a - b*c", "a + -b", "-a*b", "(a*b)**2"]
)
def test_brackets_stand_where_they_change_the_number(expr: str) -> None:
    values = {"a": 0.3, "b": 0.7, "c": 1.9}
    assert eval(python_of(read(formula(expr, symbol))), {}, values) == pytest.approx(eval(expr, {}, values))
    negative = {key: -value for key, value in values.items()}
    with_numbers = python_of(read(formula(expr, lambda key: number(negative[key], 6))))
    assert eval(with_numbers) == pytest.approx(eval(expr, {}, negative))
    in_pieces = python_of(read("".join(pieces(expr, lambda key: number(negative[key], 6)))))
    assert eval(in_pieces) == pytest.approx(eval(expr, {}, negative))


def test_conditions_are_cases() -> None:
    root = read(formula("z if z > 0 else alpha*z", symbol))
    assert [len(row) for row in root.iter("mtr")] == [2, 2]


@pytest.mark.parametrize("notation", list(NOTATIONS))
def test_every_symbol_of_every_notation_is_mathml(notation: str) -> None:
    for seed in range(4):
        trace = random_trace(seed, TRAINABLE[seed], "huber")
        for address in random_addresses(seed, trace, 3):
            for name in explain_trace(trace, address, notation=notation).names.values():
                if name.symbol:  # the terms of a sum have none
                    read(str(symbol(name.symbol)))


@pytest.mark.parametrize("text", ["<script>", "a & b", "∂L/∂<b>", "x_<i>", "z1[<]", "−<x>", "new <x>", "h(<x>)"])
def test_a_symbol_cannot_become_markup(text: str) -> None:
    read(str(symbol(text)))
    assert "<script" not in str(symbol(text)) and "<b>" not in str(symbol(text))


def test_a_subscript_is_written_as_one() -> None:
    assert str(symbol("out_h1")) == "<msub><mi>out</mi><mtext>h1</mtext></msub>"
    assert str(symbol("z1[2]")) == "<msubsup><mi>z</mi><mn>2</mn><mtext>(1)</mtext></msubsup>"


def test_what_is_no_formula_is_refused() -> None:
    with pytest.raises(ValueError, match="not a formula"):
        formula("[a for a in b]", symbol)
