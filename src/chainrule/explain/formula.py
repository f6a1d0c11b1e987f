"""Formulas in Python's notation: their value with a bound on its rounding, and how they are written as text or LaTeX.

The grammar is that of `chainrule.calculus.formula`, which gives the value alone.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from chainrule.calculus.formula import FUNCTIONS, OPERATORS
from chainrule.explain.digits import MINUS, shown

EPSILON = 2.0**-53
CONSTANTS = {"pi": math.pi}

# How much of an error of the argument x comes through to the value v; functions not listed have a slope of at most 1.
SLOPES: dict[str, Callable[[float, float], float]] = {
    "exp": lambda x, v: v,
    "ln": lambda x, v: 1.0 / x,
    "sqrt": lambda x, v: 0.5 / v if v else math.inf,
    "erf": lambda x, v: 1.13,
}


@lru_cache(maxsize=4096)
def tree(expr: str) -> ast.expr:
    """The syntax tree of a formula."""
    return ast.parse(expr, mode="eval").body


@lru_cache(maxsize=4096)
def names_in(expr: str) -> tuple[str, ...]:
    """The names a formula reads, in order of appearance, without functions and π."""
    found: dict[str, None] = {}
    waiting: list[ast.AST] = [tree(expr)]
    while waiting:  # a long sum is nested too deeply for recursion
        node = waiting.pop()
        if isinstance(node, ast.Call):
            waiting += reversed(node.args)
        elif isinstance(node, ast.Name):
            if node.id not in CONSTANTS:
                found[node.id] = None
        else:
            waiting += reversed(list(ast.iter_child_nodes(node)))
    return tuple(found)


def rename(expr: str, names: Mapping[str, str]) -> str:
    """The formula with other names; a name may become a formula of its own."""

    class Renamed(ast.NodeTransformer):
        def visit_Call(self, node: ast.Call) -> ast.AST:
            node.args = [self.visit(argument) for argument in node.args]
            return node

        def visit_Name(self, node: ast.Name) -> ast.AST:
            return ast.parse(names[node.id], mode="eval").body if node.id in names else node

    return ast.unparse(Renamed().visit(ast.parse(expr, mode="eval")))


def evaluate(expr: str, values: Mapping[str, float]) -> tuple[float, float]:
    """The value of a formula and a bound on its rounding error in float64, by running error analysis.

    Raises `OverflowError`, `ValueError` or `ZeroDivisionError` where the formula has no finite value.

    >>> value, error = evaluate("a*(1 - a)", {"a": 0.25})
    >>> value, error < 1e-15
    (0.1875, True)
    """
    value, error = _value(tree(expr), values)
    if not math.isfinite(value):
        raise OverflowError(expr)
    return value, 4.0 * EPSILON * error + 1e-300


def _value(node: ast.expr, values: Mapping[str, float]) -> tuple[float, float]:
    match node:
        case ast.Constant(value=float() | int() as number):
            return float(number), 0.0
        case ast.Name(id=name):
            value = CONSTANTS[name] if name in CONSTANTS else values[name]
            return value, abs(value)
        case ast.UnaryOp(op=op, operand=operand):
            value, error = _value(operand, values)
            return float(OPERATORS[type(op)](value)), error
        case ast.BinOp(op=ast.Add() | ast.Sub()):
            first, rest = _summands(node)
            total = _value(first, values)
            for op, summand in rest:
                total = _binary(op, total, _value(summand, values))
            return total
        case ast.BinOp(left=left, op=op, right=right):
            return _binary(op, _value(left, values), _value(right, values))
        case ast.IfExp(test=ast.Compare(left=left, ops=[op], comparators=[right]), body=body, orelse=orelse):
            a, b = _value(left, values)[0], _value(right, values)[0]
            return _value(body if _holds(op, a, b) else orelse, values)
        case ast.Call(func=ast.Name(id="max" | "min" as name), args=arguments):
            return (max if name == "max" else min)((_value(a, values) for a in arguments), key=lambda pair: pair[0])
        case ast.Call(func=ast.Name(id=name), args=[argument]):
            x, error = _value(argument, values)
            value = FUNCTIONS[name](x)
            return value, error * (SLOPES[name](x, value) if name in SLOPES else 1.0) + abs(value)
    raise ValueError(f"not a formula: {ast.unparse(node)}")


def _summands(node: ast.expr) -> tuple[ast.expr, list[tuple[ast.operator, ast.expr]]]:
    """A sum as its first summand and the signed others, in order."""
    rest: list[tuple[ast.operator, ast.expr]] = []
    while isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub):
        rest.append((node.op, node.right))
        node = node.left
    return node, rest[::-1]


def _binary(op: ast.operator, left: tuple[float, float], right: tuple[float, float]) -> tuple[float, float]:
    (a, ea), (b, eb) = left, right
    match op:
        case ast.Add():
            return a + b, ea + eb + abs(a + b)
        case ast.Sub():
            return a - b, ea + eb + abs(a - b)
        case ast.Mult():
            return a * b, abs(a) * eb + abs(b) * ea + abs(a * b)
        case ast.Div():
            value = a / b
            return value, (ea + abs(value) * eb) / abs(b) + abs(value)
        case ast.Pow():
            value = float(a**b)
            return value, (abs(b * value / a) * ea if a else 0.0) + abs(value)
    raise ValueError("not an operation of formulas")


def _holds(op: ast.cmpop, a: float, b: float) -> bool:
    return bool(OPERATORS[type(op)](a, b))


@dataclass(frozen=True)
class Style:
    """How the parts of a formula are written."""

    times: str
    minus: str
    number: Callable[[str], str]  # of what `shown` prints
    fraction: Callable[[str, str, str, str], str]  # numerator and denominator, bare and with brackets where needed
    power: Callable[[str, str], str]
    call: Callable[[str, str, bool], str]
    choice: Callable[[str, str, str], str]
    compare: Mapping[type[ast.cmpop], str]
    brackets: tuple[str, str]
    pi: str
    fraction_binds: int


_SUPERSCRIPT = str.maketrans("0123456789-−", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁻")


def _text_power(base: str, exponent: str) -> str:
    plain = exponent.lstrip("-−").isdigit()
    return base + (exponent.translate(_SUPERSCRIPT) if plain else f"^({exponent})")


def _text_call(name: str, argument: str, simple: bool) -> str:
    if name == "exp":
        return f"e^{argument}" if simple else f"e^({argument})"
    if name == "abs":
        return f"|{argument}|"
    return {"sqrt": "√", "sigmoid": "σ"}.get(name, name) + f"({argument})"


TEXT = Style(
    times="·", minus=MINUS, number=str, fraction=lambda a, b, bare_a, bare_b: f"{a}/{b}", power=_text_power, call=_text_call,
    choice=lambda then, test, other: f"{then} if {test} else {other}",
    compare={ast.Gt: ">", ast.GtE: "≥", ast.Lt: "<", ast.LtE: "≤", ast.Eq: "=", ast.NotEq: "≠"},
    brackets=("(", ")"), pi="π", fraction_binds=4,
)  # fmt: skip

_LATEX_CALLS = {
    "erf": r"\operatorname{erf}",
    "sigmoid": r"\sigma",
    **{name: "\\" + name for name in ("ln", "tanh", "max", "min")},
}


def latex_number(text: str) -> str:
    """A printed number as LaTeX writes it: a hyphen for minus, powers of ten written out."""
    mantissa, e, exponent = text.replace(MINUS, "-").replace("∞", r"\infty").partition("e")
    return rf"{mantissa} \cdot 10^{{{exponent}}}" if e else mantissa


def _latex_call(name: str, argument: str, simple: bool) -> str:
    if name == "exp":
        return f"e^{{{argument}}}"
    if name == "sqrt":
        return rf"\sqrt{{{argument}}}"
    if name == "abs":
        return rf"\left|{argument}\right|"
    return _LATEX_CALLS.get(name, rf"\operatorname{{{name}}}") + rf"\left({argument}\right)"


LATEX = Style(
    times=r" \cdot ", minus="-", number=latex_number, fraction=lambda a, b, bare_a, bare_b: rf"\frac{{{bare_a}}}{{{bare_b}}}",
    power=lambda base, exponent: f"{{{base}}}^{{{exponent}}}", call=_latex_call,
    choice=lambda then, test, other: rf"\begin{{cases}}{then} & {test}\\ {other} & \text{{else}}\end{{cases}}",
    compare={ast.Gt: ">", ast.GtE: r"\ge", ast.Lt: "<", ast.LtE: r"\le", ast.Eq: "=", ast.NotEq: r"\ne"},
    brackets=(r"\left(", r"\right)"), pi=r"\pi", fraction_binds=6,
)  # fmt: skip

_SIGNS = (MINUS, "-")

# How tightly a part binds; a product that begins with a minus sign binds less than one that does not.
_CHOICE, _COMPARE, _SUM, _SIGNED, _PRODUCT, _POWER, _ATOM = 0, 1, 2, 3, 4, 5, 6


def written(expr: str, show: Callable[[str], str], style: Style = TEXT) -> str:
    """The formula with `show(name)` for every name: symbols, or the numbers put in.

    >>> written("w*x + b", lambda name: {"w": "w5", "x": "a", "b": "−0.5"}[name])
    'w5·a − 0.5'
    """
    return _write(tree(expr), show, style)[0]


def _write(node: ast.expr, show: Callable[[str], str], style: Style) -> tuple[str, int]:
    def part(child: ast.expr, at_least: int) -> str:
        text, binds = _write(child, show, style)
        return text if binds >= at_least else f"{style.brackets[0]}{text}{style.brackets[1]}"

    match node:
        case ast.Constant(value=number):
            return (style.number(shown(number)) if isinstance(number, float) else str(number)), _ATOM
        case ast.Name(id=name):
            text = style.pi if name in CONSTANTS else show(name)
            whole = _PRODUCT if r"\cdot" in text else _ATOM  # a number written with a power of ten
            return text, _SIGNED if text.startswith(_SIGNS) else whole
        case ast.UnaryOp(operand=operand):
            return style.minus + part(operand, _PRODUCT), _SIGNED
        case ast.BinOp(op=ast.Add() | ast.Sub()):
            start, rest = _summands(node)
            text = part(start, _SUM)
            for op, summand in rest:
                plus = isinstance(op, ast.Add)
                added = part(summand, _SIGNED if plus else _PRODUCT)
                negative = plus and added.startswith(_SIGNS)  # a + (−b) is written a − b
                text += f" {style.minus} {added[1:]}" if negative else f" {'+' if plus else style.minus} {added}"
            return text, _SUM
        case ast.BinOp(left=left, op=ast.Mult(), right=ast.BinOp(left=middle, op=ast.Mult(), right=right)):
            return _write(ast.BinOp(ast.BinOp(left, ast.Mult(), middle), ast.Mult(), right), show, style)
        case ast.BinOp(left=left, op=ast.Mult(), right=right):
            text = f"{part(left, _SIGNED)}{style.times}{part(right, _PRODUCT)}"
            return text, _SIGNED if text.startswith(_SIGNS) else _PRODUCT
        case ast.BinOp(left=left, op=ast.Div(), right=right):
            bare = _write(left, show, style)[0], _write(right, show, style)[0]
            text = style.fraction(part(left, _SIGNED), part(right, _POWER), *bare)
            return text, _SIGNED if text.startswith(_SIGNS) else style.fraction_binds
        case ast.BinOp(left=left, right=right):
            return style.power(part(left, _ATOM), _write(right, show, style)[0]), _POWER
        case ast.IfExp(test=test, body=body, orelse=orelse):
            return style.choice(part(body, _COMPARE), part(test, _COMPARE), part(orelse, _COMPARE)), _CHOICE
        case ast.Compare(left=left, ops=[op], comparators=[right]):
            return f"{part(left, _SUM)} {style.compare[type(op)]} {part(right, _SUM)}", _COMPARE
        case ast.Call(func=ast.Name(id=name), args=[argument]):
            text, binds = _write(argument, show, style)
            simple = binds >= _POWER or (_is_atom(argument) and "(" not in text)
            return style.call(name, text, simple), _POWER if name == "exp" else _ATOM
        case ast.Call(func=ast.Name(id=name), args=arguments):
            inside = ", ".join(_write(argument, show, style)[0] for argument in arguments)
            return style.call(name, inside, False), _ATOM
    raise ValueError(f"not a formula: {ast.unparse(node)}")


def _is_atom(node: ast.expr) -> bool:
    inner = node.operand if isinstance(node, ast.UnaryOp) else node
    return isinstance(inner, ast.Name | ast.Constant)
