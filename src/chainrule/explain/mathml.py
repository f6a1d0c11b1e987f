"""MathML of formulas in Python's notation and of symbols: what browsers draw and screen readers speak."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Collection, Iterable
from html import escape
from typing import NamedTuple

from chainrule.explain.digits import MINUS, shown
from chainrule.explain.formula import CONSTANTS, tree

Show = Callable[[str], "Part"]

# How tightly a part binds; a fraction, a root and |x| hold together by themselves.
CHOICE, COMPARE, SUM, SIGNED, PRODUCT, POWER, ATOM = 0, 1, 2, 3, 4, 5, 6

_COMPARE = {ast.Gt: "&gt;", ast.GtE: "≥", ast.Lt: "&lt;", ast.LtE: "≤", ast.Eq: "=", ast.NotEq: "≠"}
_CALLS = {"sigmoid": "σ"}
_LOWERED = str.maketrans("₀₁₂₃₄₅₆₇₈₉", "0123456789")


class Part(NamedTuple):
    """A piece of MathML, how tightly it binds, and whether a minus sign stands before it."""

    body: str
    binds: int = ATOM
    negative: bool = False

    def __str__(self) -> str:
        return _operator(MINUS, ' form="prefix"') + self.body if self.negative else self.body


def math(body: str | Part) -> str:
    """A whole `<math>` element."""
    return f"<math>{body}</math>"


def _operator(sign: str, extra: str = "") -> str:
    return f"<mo{extra}>{sign}</mo>"


_TIMES = _operator("·")
_OPEN, _CLOSE = _operator("("), _operator(")")


def _row(*parts: object) -> str:
    return f"<mrow>{''.join(map(str, parts))}</mrow>"


def symbol(text: str, columns: Collection[str] = ()) -> Part:
    """A symbol of a notation: the name with its subscript and superscript, a derivative as a fraction. Names of columns are
    written as they are.

    >>> str(symbol("w5"))
    '<msub><mi>w</mi><mn>5</mn></msub>'
    >>> str(symbol("∂E/∂w5"))
    '<mfrac><mrow><mo>∂</mo><mi>E</mi></mrow><mrow><mo>∂</mo><msub><mi>w</mi><mn>5</mn></msub></mrow></mfrac>'
    >>> str(symbol("bill_length_mm", {"bill_length_mm"}))
    '<mtext>bill_length_mm</mtext>'
    """
    if text in columns:
        return Part(f"<mtext>{escape(text)}</mtext>")
    text = text.translate(_LOWERED)
    if text.startswith("∂") and "/∂" in text:
        above, below = (_row(_operator("∂"), symbol(side, columns)) for side in text[1:].split("/∂", 1))
        return Part(f"<mfrac>{above}{below}</mfrac>")
    if text.startswith(MINUS):
        return symbol(text[1:], columns)._replace(negative=True, binds=SIGNED)
    if text.startswith("new "):
        return Part(_row("<mtext>new&#160;</mtext>", symbol(text[4:], columns)))
    if hat := re.fullmatch(r"(\w)_hat", text):
        return Part(f"<mover><mi>{hat[1]}</mi><mo>^</mo></mover>")
    if called := re.fullmatch(r"h\((.+)\)", text):
        return Part(_row("<mi>h</mi>", _OPEN, symbol(called[1], columns), _CLOSE))
    if indexed := re.fullmatch(r"([^\W\d_]+)(\d*)\[([\w,. ]+)\]", text):
        return Part(_scripts(indexed[1], indexed[3], indexed[2]))
    if layered := re.fullmatch(r"([^\W\d_]+)\^\((\w+)\)_(.+)", text):
        return Part(_scripts(layered[1], layered[3], layered[2]))
    if lower := re.fullmatch(r"(∇?[^\W\d_]+)_(.+)", text):
        return Part(_scripts(lower[1], lower[2]))
    if numbered := re.fullmatch(r"(Σ?[^\W\d_]+)(\d*)([′″]*)", text):
        return Part(_scripts(numbered[1] + numbered[3], numbered[2]))
    return Part(f"<mtext>{escape(text)}</mtext>")


def _scripts(name: str, lower: str, layer: str = "") -> str:
    base = f"<mi>{escape(name)}</mi>"
    if layer:
        return f"<msubsup>{base}{_index(lower)}<mtext>({escape(layer)})</mtext></msubsup>"
    return f"<msub>{base}{_index(lower)}</msub>" if lower else base


def _index(text: str) -> str:
    return f"<mn>{text}</mn>" if text.isdigit() else f"<mtext>{escape(text)}</mtext>"


def number(x: float, digits: int) -> Part:
    """A number as it is printed elsewhere, powers of ten written out.

    >>> str(number(-4.38e-7, 3))
    '<mo form="prefix">−</mo><mn>4.38</mn><mo>·</mo><msup><mn>10</mn><mrow><mo>−</mo><mn>7</mn></mrow></msup>'
    """
    text = shown(x, digits)
    negative = text.startswith(MINUS)
    mantissa, e, exponent = text.removeprefix(MINUS).partition("e")
    if not e:
        return Part(f"<mn>{mantissa}</mn>", SIGNED if negative else ATOM, negative)
    power = exponent.removeprefix(MINUS)
    raised = _row(_operator(MINUS), f"<mn>{power}</mn>") if exponent.startswith(MINUS) else f"<mn>{power}</mn>"
    body = f"<mn>{mantissa}</mn>{_TIMES}<msup><mn>10</mn>{raised}</msup>"
    return Part(body, SIGNED if negative else PRODUCT, negative)


def formula(expr: str, show: Show) -> str:
    """A formula in Python's notation as MathML, with `show(name)` for every name: symbols, or the numbers put in.

    >>> formula("1/(1 + exp(-z))", symbol).count("mfrac")
    2
    """
    return str(_part(tree(expr), show))


def pieces(expr: str, show: Show) -> list[str]:
    """The same in pieces that stand one after the other, so that a narrow page may break a long sum or product between them.

    >>> [piece[:18] for piece in pieces("w*x - b", symbol)]
    ['<mi>w</mi><mo>·</m', '<mo form="infix">−']
    """
    node = tree(expr)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub):
        first, *rest = _summands(node, show)
        return [str(first), *(_operator(sign, ' form="infix"') + part.body for sign, part in _signed(rest))]
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
        start, *others = (_part(factor, show) for factor in _factors(node))
        infix = _operator("·", ' form="infix"')
        return [_bracketed(start, SIGNED), *(infix + _bracketed(other, PRODUCT) for other in others)]
    return [str(_part(node, show))]


def _factors(node: ast.expr) -> list[ast.expr]:
    """The factors of a product, in order."""
    found: list[ast.expr] = []
    while isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
        found.append(node.right)
        node = node.left
    return [node, *reversed(found)]


def _summands(node: ast.expr, show: Show) -> list[Part]:
    """The terms of a sum, with the sign that they have there."""
    found: list[Part] = []
    while isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub):
        part = _part(node.right, show)
        if isinstance(node.op, ast.Sub):
            part = Part(_bracketed(part, PRODUCT), PRODUCT, True)
        elif part.binds < SIGNED:
            part = Part(_bracketed(part, SIGNED))
        found.append(part)
        node = node.left
    first = _part(node, show)
    return [first if first.binds >= SUM else Part(_bracketed(first, SUM)), *reversed(found)]


def _signed(parts: Iterable[Part]) -> Iterable[tuple[str, Part]]:
    return ((MINUS if part.negative else "+", part) for part in parts)


def _bracketed(part: Part, at_least: int) -> str:
    return str(part) if part.binds >= at_least else _row(_OPEN, part, _CLOSE)


def _part(node: ast.expr, show: Show) -> Part:
    match node:
        case ast.Constant(value=bool()):
            raise ValueError("not a formula: a truth value")
        case ast.Constant(value=int() | float() as value):
            return number(float(value), 6) if isinstance(value, float) else Part(f"<mn>{value}</mn>")
        case ast.Name(id=name):
            return Part("<mi>π</mi>") if name in CONSTANTS else show(name)
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return Part(_bracketed(_part(operand, show), PRODUCT), SIGNED, True)
        case ast.UnaryOp(op=ast.UAdd(), operand=operand):
            return _part(operand, show)
        case ast.BinOp(op=ast.Add() | ast.Sub()):
            first, *rest = _summands(node, show)
            return Part(_row(first, *(_operator(sign) + part.body for sign, part in _signed(rest))), SUM)
        case ast.BinOp(op=ast.Mult()):
            first, *others = (_part(factor, show) for factor in _factors(node))
            start = first.body if first.binds >= SIGNED else _bracketed(first, SIGNED)
            body = _TIMES.join([start, *(_bracketed(other, PRODUCT) for other in others)])
            return Part(body, SIGNED if first.negative else PRODUCT, first.negative and first.binds >= SIGNED)
        case ast.BinOp(left=left, op=ast.Div(), right=right):
            above, below = _part(left, show), _part(right, show)
            minus = above.negative and above.binds >= SIGNED
            body = f"<mfrac>{_row(above.body if minus else above)}{_row(below)}</mfrac>"
            return Part(body, SIGNED if minus else ATOM, minus)
        case ast.BinOp(left=left, op=ast.Pow(), right=right):
            base = _part(left, show)
            held = base if base.binds >= ATOM and "<mfrac>" not in base.body else Part(_row(_OPEN, base, _CLOSE))
            return Part(f"<msup>{_row(held)}{_row(_part(right, show))}</msup>", POWER)
        case ast.IfExp():
            return Part(_cases(node, show), CHOICE)
        case ast.Compare(left=left, ops=[op], comparators=[right]) if type(op) in _COMPARE:
            sides = [_bracketed(_part(side, show), SUM) for side in (left, right)]
            return Part(_row(sides[0], _operator(_COMPARE[type(op)]), sides[1]), COMPARE)
        case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]):
            return _call(name, [_part(argument, show) for argument in arguments])
    raise ValueError(f"not a formula: {ast.unparse(node)}")


def _cases(node: ast.expr, show: Show) -> str:
    """`a if c else b if d else e` as one brace with its lines."""
    lines = []
    while isinstance(node, ast.IfExp):
        test = f"<mtext>if&#160;</mtext>{_part(node.test, show)}"
        lines.append((str(_part(node.body, show)), test))
        node = node.orelse
    lines.append((str(_part(node, show)), "<mtext>otherwise</mtext>"))
    rows = "".join(f"<mtr><mtd>{_row(value)}</mtd><mtd>{_row(test)}</mtd></mtr>" for value, test in lines)
    return _row(_operator("{", ' stretchy="true" form="prefix"'), f'<mtable class="cases">{rows}</mtable>')


def _call(name: str, arguments: list[Part]) -> Part:
    inside = _operator(",").join(map(str, arguments))
    if name == "exp":
        return Part(f"<msup><mi>e</mi>{_row(inside)}</msup>", POWER)
    if name == "sqrt":
        return Part(f"<msqrt>{inside}</msqrt>")
    if name == "abs":
        fence = ' stretchy="true" fence="true" form="{}"'
        return Part(_row(_operator("|", fence.format("prefix")), inside, _operator("|", fence.format("postfix"))))
    return Part(_row(f"<mi>{_CALLS.get(name, name)}</mi>", _OPEN, inside, _CLOSE))
