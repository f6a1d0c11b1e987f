"""Derivations of slopes, line by line, from the formula of a catalog entry: each line names the rule that it uses.

The formula is differentiated from the inside out. A line is the derivative of one part of it, so each can be checked alone.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass, field

from chainrule.calculus.activation import Activation
from chainrule.calculus.activations import activations
from chainrule.calculus.loss import Head, Loss
from chainrule.errors import SettingError
from chainrule.explain.formula import names_in, rename, tree, written
from chainrule.explain.sentences import say
from chainrule.explain.text import folded
from chainrule.explain.written import GREEK

WIDTH = 100
Tree = ast.expr

# From the quotient to the ending of the textbooks. Every line has the value of the one above it.
ENDINGS: Mapping[str, tuple[tuple[str, str], ...]] = {
    "sigmoid": (
        ("1/(1 + exp(-z))*(exp(-z)/(1 + exp(-z)))", say("rule_split_square")),
        ("1/(1 + exp(-z))*((1 + exp(-z) - 1)/(1 + exp(-z)))", say("rule_add_one")),
        ("1/(1 + exp(-z))*(1 - 1/(1 + exp(-z)))", say("rule_divide")),
    ),
}


@dataclass(frozen=True)
class Derived:
    """(of)′ = slope, both formulas; `why` names the rule. Where `of` repeats, the slope is rewritten."""

    of: str
    slope: str
    why: str


@dataclass(frozen=True)
class Derivation:
    """The lines of one derivative by `by`. `where` says what short names in them stand for: {"a": "1/(1 + exp(-z))"}.
    `symbol` is written in place of (formula)′ where it is given."""

    title: str
    by: str
    lines: tuple[Derived, ...]
    where: Mapping[str, str] = field(default_factory=dict)
    symbol: str = ""

    def text(self) -> list[str]:
        """The lines for a reader, the rule beside the formula where there is room, else below it."""
        out, last = [self.title], ""
        for line in self.lines:
            slope, left = _written(line.slope), f"  {self._left(line)}"
            if line.of != last and len(left) + len(slope) + 3 > WIDTH:
                out, last = [*out, left], line.of
            formula = folded(slope, f"{left} = " if line.of != last else "    = ", WIDTH)
            beside = f"{formula[-1]}   {line.why}"
            out += [*formula[:-1], beside] if len(beside) <= WIDTH else [*formula, f"      {line.why}"]
            last = line.of
        return out

    def _left(self, line: Derived) -> str:
        part = _written(line.of)
        return self.symbol or (f"{part}′" if part == self.by else f"({part})′")


def derivations(record: Activation | Loss) -> tuple[Derivation, ...]:
    """The slope of an activation by z (and by every learned parameter), or of a loss by p (and by z through the output
    activation it is fused with), derived by rules from the record's formula. The last line is the record's own slope.

    >>> from chainrule.calculus.activations import activations
    >>> print("\\n".join(derivations(activations.get("softplus"))[0].text()))
    softplus: a = ln(1 + e^z)
      (e^z)′ = e^z   (e^u)′ = e^u·u′
      (1 + e^z)′ = e^z   a sum: term by term
      (ln(1 + e^z))′ = e^z/(1 + e^z)   (ln u)′ = u′/u
        = 1/(1 + e^−z)   the same, rearranged
        = 1 − e^−a   with a = ln(1 + e^z)
    """
    if isinstance(record, Loss):
        own = _derivation(f"{record.name}: L = {_written(record.expr)}", record.expr, "p", record.slope_expr)
        return (own, *(_through(record, head) for head in record.heads))
    title = f"{record.name}: a = {_written(record.expr)}"
    ending = ENDINGS.get(record.name, ())
    found = [_derivation(title, record.expr, "z", record.slope_expr, ending, record.slope_from_output)]
    for learned, slope in zip(record.learned, record.learned_slope_exprs, strict=True):
        found.append(
            _derivation(f"{title}, by {GREEK.get(learned.name, learned.name)}", record.expr, learned.name, slope)
        )
    return tuple(found)


def _derivation(
    title: str, expr: str, by: str, form: str, ending: tuple[tuple[str, str], ...] = (), short: str | None = None
) -> Derivation:
    rules = _Rules(by)
    slope = ast.unparse(rules.slope(tree(expr)))
    lines = list(rules.lines) or [
        Derived(expr, slope, say("rule_itself") if by in names_in(expr) else say("rule_constant"))
    ]
    of = lines[-1].of
    if _written(form) not in {_written(line.slope) for line in lines if line.of == of}:
        lines.append(Derived(of, form, say("rule_rearranged")))
    lines += [Derived(of, formula, why) for formula, why in ending]
    if short is not None and "a" in names_in(short):
        lines.append(Derived(of, short, say("rule_output", formula=_written(expr))))
        return Derivation(title, by, tuple(lines), {"a": expr})
    return Derivation(title, by, tuple(lines))


def _through(loss: Loss, head: Head) -> Derivation:
    """∂L/∂z through the output activation: both factors, and what they shorten to."""
    shared = rename(head.slope_expr, {"k": "2"})
    if head.activation == "softmax":
        first = rename(loss.slope_expr, {"k": "2"})
        other = rename(first, {"y": "(1 - y)", "p": "q"})
        factors = f"{first}*(p*(1 - p)) + {other}*(-q*p)"
        target = ast.unparse(ast.parse(first.removeprefix("-").rpartition("/")[0], mode="eval"))
        shortened = f"-({target})*(1 - p) + (1 - ({target}))*p"
        p = "exp(z)/(exp(z) + exp(u))"
        of = f"{rename(loss.expr, {'p': p, 'k': '2'})} + {rename(loss.expr, {'y': '(1 - y)', 'p': f'(1 - {p})', 'k': '2'})}"
        lines = (
            Derived(of, factors, say("rule_softmax")),
            Derived(of, shortened, say("rule_cancel")),
            Derived(of, shared, say("rule_two_shares")),
        )
        title = say("title_softmax", loss=loss.name)
        return Derivation(title, "z", lines, {"p": p, "q": f"1 - {p}"}, "∂L/∂z")
    function = activations.get(head.activation)
    inner = rename(function.expr, {name: repr(value) for name, value in function.constants.items()})
    by = function.slope_from_output or function.slope_expr
    slope = rename(by, {"a": "p", **{name: repr(value) for name, value in function.constants.items()}})
    of = rename(loss.expr, {"p": inner})
    product = Derived(of, f"({loss.slope_expr})*({slope})", say("rule_head", activation=head.activation))
    both = (product, Derived(of, head.slope_expr, say("rule_cancel")))
    return Derivation(say("title_head", loss=loss.name, activation=head.activation), "z", both, {"p": inner}, "∂L/∂z")


def _written(expr: str) -> str:
    return written(expr, lambda name: GREEK.get(name, name))


class _Rules:
    """Differentiates a syntax tree by one name and notes a line for every part that depends on it."""

    def __init__(self, by: str) -> None:
        self.by = by
        self.lines: list[Derived] = []

    def slope(self, node: Tree) -> Tree:
        if not self._depends(node):
            return _number(0)
        if isinstance(node, ast.Name):
            return _number(1)
        found, rule = self._rule(node)
        line = Derived(ast.unparse(node), ast.unparse(found), say(f"rule_{rule}"))
        if line not in self.lines:
            self.lines.append(line)
        return found

    def _depends(self, node: Tree) -> bool:
        return self.by in names_in(ast.unparse(node))

    def _rule(self, node: Tree) -> tuple[Tree, str]:
        match node:
            case ast.UnaryOp(operand=u):
                return _negative(self.slope(u)), "factor"
            case ast.BinOp(op=ast.Add() | ast.Sub()):
                return self._sum(node), "sum"
            case ast.BinOp(left=c, op=ast.Mult(), right=u) if not self._depends(c):
                return _product(c, self.slope(u)), "factor"
            case ast.BinOp(left=u, op=ast.Mult() | ast.Div() as op, right=c) if not self._depends(c):
                slope = self.slope(u)
                return (_product(c, slope) if isinstance(op, ast.Mult) else _quotient(slope, c)), "factor"
            case ast.BinOp(left=u, op=ast.Mult(), right=v):
                left, right = self.slope(u), self.slope(v)
                return _total(_product(left, v), _product(u, right)), "product"
            case ast.BinOp(left=c, op=ast.Div(), right=v) if not self._depends(c):
                return _quotient(_negative(_product(c, self.slope(v))), _power(v, 2)), "reciprocal"
            case ast.BinOp(left=u, op=ast.Div(), right=v):
                left, right = self.slope(u), self.slope(v)
                above = _total(_product(left, v), _negative(_product(u, right)))
                return _quotient(above, _power(v, 2)), "quotient"
            case ast.BinOp(left=u, op=ast.Pow(), right=ast.Constant(value=int() | float() as n)):
                return _product(_product(_number(n), _power(u, n - 1)), self.slope(u)), "power"
            case ast.IfExp(test=test, body=u, orelse=v):
                return ast.IfExp(test, self.slope(u), self.slope(v)), "cases"
            case ast.Call(func=ast.Name(id="max" | "min" as name), args=[u, v]):
                order: ast.cmpop = ast.Gt() if name == "max" else ast.Lt()
                return ast.IfExp(ast.Compare(u, [order], [v]), self.slope(u), self.slope(v)), name
            case ast.Call(func=ast.Name(id=name), args=[u]) if name != "step":
                inner = self.slope(u)
                return _chained(name, node, u, inner), name
        raise _no_rule(node)

    def _sum(self, node: Tree) -> Tree:
        """Term by term, all terms in one line."""
        if not (isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub)):
            return self.slope(node)
        left, right = self._sum(node.left), self.slope(node.right)
        return _total(left, right if isinstance(node.op, ast.Add) else _negative(right))


def _chained(name: str, node: Tree, u: Tree, slope: Tree) -> Tree:
    """The outer function's slope, times the slope of what it is taken of."""
    one = _number(1)
    match name:
        case "exp":
            return _product(node, slope)
        case "ln":
            return _quotient(slope, u)
        case "sqrt":
            return _quotient(slope, _product(_number(2), node))
        case "tanh":
            return _product(ast.BinOp(one, ast.Sub(), _power(node, 2)), slope)
        case "sigmoid":
            return _product(_product(node, ast.BinOp(one, ast.Sub(), node)), slope)
        case "erf":
            bell = ast.parse(f"2*exp(-({ast.unparse(u)})**2)/sqrt(pi)", mode="eval").body
            return _product(bell, slope)
        case "abs":
            sign = ast.IfExp(ast.Compare(u, [ast.Gt()], [_number(0)]), one, _number(-1))
            return _product(sign, slope)
    raise _no_rule(node)


def _no_rule(node: Tree) -> SettingError:
    return SettingError(
        "CR209", "there is no rule to derive this slope", got=ast.unparse(node),
        expected="+ - * /, powers with a number, cases, exp, ln, sqrt, tanh, sigmoid, erf, abs, max and min of two",
    )  # fmt: skip


def _number(value: float) -> Tree:
    return ast.UnaryOp(ast.USub(), ast.Constant(-value)) if value < 0 else ast.Constant(value)


def _is(node: Tree, value: float) -> bool:
    return isinstance(node, ast.Constant) and node.value == value


def _negative(node: Tree) -> Tree:
    if isinstance(node, ast.UnaryOp):
        return node.operand
    if isinstance(node, ast.IfExp):
        return ast.IfExp(node.test, _negative(node.body), _negative(node.orelse))
    return node if _is(node, 0) else ast.UnaryOp(ast.USub(), node)


def _product(a: Tree, b: Tree) -> Tree:
    if _is(a, 0) or _is(b, 0):
        return _number(0)
    if _is(a, 1):
        return b
    if _is(b, 1):
        return a
    if isinstance(a, ast.UnaryOp):
        return _negative(_product(a.operand, b))
    if isinstance(b, ast.UnaryOp):
        return _negative(_product(a, b.operand))
    return ast.BinOp(a, ast.Mult(), b)


def _quotient(a: Tree, b: Tree) -> Tree:
    if isinstance(a, ast.UnaryOp):
        return _negative(_quotient(a.operand, b))
    return a if _is(a, 0) or _is(b, 1) else ast.BinOp(a, ast.Div(), b)


def _power(base: Tree, exponent: float) -> Tree:
    return base if exponent == 1 else ast.BinOp(base, ast.Pow(), _number(exponent))


def _total(a: Tree, b: Tree) -> Tree:
    if _is(a, 0):
        return b
    if _is(b, 0):
        return a
    return ast.BinOp(a, ast.Sub(), b.operand) if isinstance(b, ast.UnaryOp) else ast.BinOp(a, ast.Add(), b)
