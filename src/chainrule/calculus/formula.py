"""Formulas in plain symbols, evaluated number by number: the second, independent reading of every record.

A formula is Python's notation with + − * / **, comparisons, `a if c else b`, pi and the functions below. Its syntax
tree is walked; nothing of the text is ever executed.
"""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from chainrule.errors import SettingError, unknown_name


def sigmoid(z: float) -> float:
    """1/(1 + e^−z), from e^−|z|, which cannot overflow."""
    e = math.exp(-abs(z))
    return 1.0 / (1.0 + e) if z >= 0 else e / (1.0 + e)


FUNCTIONS: dict[str, Callable[..., float]] = {
    "sigmoid": sigmoid, "tanh": math.tanh, "exp": math.exp, "ln": math.log, "sqrt": math.sqrt, "erf": math.erf,
    "abs": abs, "max": max, "min": min, "step": lambda z: 1.0 if z >= 0 else 0.0,
}  # fmt: skip
OPERATORS: dict[type, Callable[..., Any]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv,
    ast.Pow: operator.pow, ast.USub: operator.neg, ast.UAdd: operator.pos, ast.Gt: operator.gt, ast.GtE: operator.ge,
    ast.Lt: operator.lt, ast.LtE: operator.le, ast.Eq: operator.eq, ast.NotEq: operator.ne,
}  # fmt: skip


def evaluate(formula: str, names: Mapping[str, float]) -> float:
    """The value of a formula with these numbers put in.

    Raises `SettingError` CR203 for an unknown name and CR209 for anything that is not arithmetic.

    >>> evaluate("z if z > 0 else alpha*z", {"z": -2.0, "alpha": 0.25})
    -0.5
    """
    return float(_value(_tree(formula), {"pi": math.pi, **names}))


@lru_cache(maxsize=4096)
def _tree(formula: str) -> ast.expr:
    try:
        return ast.parse(formula, mode="eval").body
    except SyntaxError as reason:
        raise SettingError("CR209", "not a formula", where=formula, got=str(reason.msg)) from None


def _value(node: ast.expr, names: Mapping[str, float]) -> Any:
    match node:
        case ast.Constant(value=int() | float() as number):
            return float(number)
        case ast.Name(id=name) if name in names:
            return float(names[name])
        case ast.Name(id=name):
            raise unknown_name("name in a formula", name, names)
        case ast.UnaryOp(op=op, operand=operand) if type(op) in OPERATORS:
            return OPERATORS[type(op)](_value(operand, names))
        case ast.BinOp(left=left, op=op, right=right) if type(op) in OPERATORS:
            return OPERATORS[type(op)](_value(left, names), _value(right, names))
        case ast.Compare(left=left, ops=[op], comparators=[right]) if type(op) in OPERATORS:
            return OPERATORS[type(op)](_value(left, names), _value(right, names))
        case ast.IfExp(test=test, body=body, orelse=otherwise):
            return _value(body if _value(test, names) else otherwise, names)
        case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]) if name in FUNCTIONS:
            return FUNCTIONS[name](*(_value(argument, names) for argument in arguments))
    allowed = f"+ - * / ** and {', '.join(FUNCTIONS)}"
    raise SettingError("CR209", "not arithmetic", got=ast.unparse(node), expected=allowed)
