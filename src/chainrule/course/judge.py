"""Printed numbers against true ones: what agrees, what is rounding, what is a mistake, and where it begins.

Two calculations run side by side: the true one, and the slide's, which goes on from what the slide has printed so far. A
print that is not the true value rounded is then

- "cut off": the true digits, the rest left out instead of rounded,
- "rounded operands": what the calculation gives with the rounded numbers printed before it,
- "carried over": the same, but one of those numbers is a mistake; the quantity where it was made is named,
- "wrong": none of these. A small change of the formula that gives the print is named where there is one.
"""

from __future__ import annotations

import ast
import copy
import itertools
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from chainrule.course.calculation import rounding_spread, value_or_nan
from chainrule.course.document import Example, Quantity
from chainrule.course.printed import Printed
from chainrule.course.symbols import symbol
from chainrule.errors import DataError
from chainrule.explain.digits import shown
from chainrule.explain.formula import names_in, rename, written

_LONGEST = 300
AGREES, CUT, ROUNDED, CARRIED, WRONG = "agrees", "cut off", "rounded operands", "carried over", "wrong"


@dataclass(frozen=True)
class Judged:
    """A quantity worked out: its true value, the numbers put in, and what is to be said about the printed number.

    verdict: one of the five words, "" where nothing is printed. first_wrong: the quantity where the mistake was made.
    """

    quantity: Quantity
    true: float
    numbers: str
    verdict: str = ""
    why: str = ""
    first_wrong: str = ""


def work(example: Example) -> list[Judged]:
    """Every quantity of an example in order, recomputed from what is given and judged.

    >>> from chainrule.course.document import load
    >>> judged = {one.quantity.name: one for one in work(load("dse3121-han-kamber-3-2-1"))}
    >>> judged["Err_6"].verdict, judged["w46_new"].verdict
    ('rounded operands', 'agrees')
    """
    true: dict[str, float] = dict(example.given)
    slide = Slide(dict(example.given))
    done: list[Judged] = []
    for quantity in example.quantities:
        value = _value(quantity, true, example)
        numbers = written(quantity.expr, lambda name: shown(true[name], 9))
        one = Judged(quantity, value, numbers)
        if quantity.printed is not None:
            verdict, why, first = _judge(quantity, quantity.printed, true, slide, value)
            one = Judged(quantity, value, numbers, verdict, why, first)
        true[quantity.name] = value
        slide.note(one)
        done.append(one)
    return done


@dataclass
class Slide:
    """The slide's own calculation so far: the numbers to go on from, and the verdicts on those printed.

    `unrounded` are what the prints come from with the prints before them: a calculator may have kept those digits.
    `inlined` are formulas of what is not printed, in names that are given or printed.
    """

    values: dict[str, float]
    unrounded: dict[str, float] = field(default_factory=dict)
    inlined: dict[str, str] = field(default_factory=dict)
    judged: dict[str, Judged] = field(default_factory=dict)

    def formula(self, quantity: Quantity) -> str:
        """Its formula in given and printed names."""
        return rename(quantity.expr, self.inlined)

    def note(self, one: Judged) -> None:
        quantity = one.quantity
        formula = self.formula(quantity)
        value = value_or_nan(formula, self.values)
        self.values[quantity.name] = value
        if quantity.printed is None:
            if len(formula) <= _LONGEST:  # formulas inside formulas grow quickly; beyond this the number itself is used
                self.inlined[quantity.name] = formula
        else:
            self.unrounded[quantity.name] = value
            self.values[quantity.name] = float(quantity.printed.value)
            self.judged[quantity.name] = one

    def worlds(self, formula: str) -> Iterator[dict[str, float]]:
        """What the slide may have calculated with: its printed numbers, and then some of them with their further digits."""
        operands = [
            name for name in names_in(formula) if self.unrounded.get(name, self.values[name]) != self.values[name]
        ]
        for kept in itertools.product((False, True), repeat=min(len(operands), 6)):
            chosen = {name: self.unrounded[name] for name, keep in zip(operands, kept, strict=False) if keep}
            yield {**self.values, **chosen}


def _value(quantity: Quantity, names: Mapping[str, float], example: Example) -> float:
    value = value_or_nan(quantity.expr, names)
    if math.isnan(value):
        raise DataError(
            "CR209", "this has no finite value", where=f"{example.name}, {quantity.name}", got=quantity.expr
        )
    return value


def _judge(
    quantity: Quantity, text: Printed, true: Mapping[str, float], slide: Slide, value: float
) -> tuple[str, str, str]:
    if text.agrees(value):
        return AGREES, "", ""
    formula, name, digits = slide.formula(quantity), quantity.name, _digits(text)
    before = sorted((n for n in names_in(formula) if n in slide.judged), key=list(slide.judged).index)
    for world in slide.worlds(formula) if before else ():
        from_slide = value_or_nan(formula, world)
        if text.fits(from_slide):
            gives = f"{written(formula, lambda n, world=world: shown(world[n], 12))} = {shown(from_slide, digits + 2)}"  # type: ignore[misc]
            return _from_before(
                name, gives if text.agrees(from_slide) else f"{gives}, its last digits cut off", before, slide
            )
    mistakes = [other for other in before if slide.judged[other].verdict in (WRONG, CARRIED)]
    if mistakes and (nearly := _nearly(text, formula, slide)) is not None:
        numbers = written(formula, lambda n: shown(slide.values[n], 12))
        return _from_before(name, f"{numbers} = {shown(nearly, digits + 2)}, up to their rounding", before, slide)
    if text.cut_off(value):
        return CUT, f"the digits after {text.text} were left out instead of rounded", ""
    if slip := text.padded(value) or text.typing_error(value):
        return WRONG, slip, name
    own, (slip, gives) = _own_arithmetic(quantity, text), _changes(quantity, text, true, slide.values)
    if own:
        return WRONG, f"the slide calculates {own}" + (f": {slip}" if slip else ""), name
    if slip:
        return WRONG, f"it fits {slip}: {gives}", name
    return WRONG, "no rounding and no small slip explains it", name


def _from_before(name: str, gives: str, before: Sequence[str], slide: Slide) -> tuple[str, str, str]:
    """The verdict on a number that follows from numbers printed before it: a mistake among them is carried over."""
    mistakes = [other for other in before if slide.judged[other].verdict in (WRONG, CARRIED)]
    if mistakes:
        first = slide.judged[mistakes[0]].first_wrong
        return CARRIED, f"follows from what is printed before: {gives}; the mistake is at {symbol(first)}", first
    return ROUNDED, f"from rounded numbers: {gives}", ""


def _nearly(text: Printed, formula: str, slide: Slide) -> float | None:
    """What the printed numbers give, where the print is that within their rounding: the slide may have gone on with more
    digits of a wrong number than it shows."""
    units = {n: float(slide.judged[n].quantity.printed.unit) for n in names_in(formula) if n in slide.judged}  # type: ignore[union-attr]
    value = value_or_nan(formula, slide.values)
    spread = rounding_spread(lambda known: value_or_nan(formula, known), slide.values, units)
    return value if abs(value - float(text.value)) <= float(text.unit) / 2 + spread * 1.01 else None


def _own_arithmetic(quantity: Quantity, text: Printed) -> str:
    """The slide's own operands, where its print follows from them."""
    if not quantity.source_expr:
        return ""
    value = value_or_nan(quantity.source_expr, {})
    if not text.fits(value):
        return ""
    arithmetic = quantity.source_expr.replace("**2", "²").replace("*", "·").replace("-", "−")
    return f"{arithmetic} = {shown(value, _digits(text) + 2)}"


def _digits(text: Printed) -> int:
    return max(len(re.sub(r"[eE].*", "", text.text).replace(".", "").lstrip("+-0")), 2)


def _changes(
    quantity: Quantity, text: Printed, true: Mapping[str, float], slide: Mapping[str, float]
) -> tuple[str, str]:
    """The first small change of the formula with which the print comes out, in words, and its numbers; empty if none."""
    for names in (slide, true):
        for what, changed in mutations(quantity.expr, names):
            value = value_or_nan(changed, names)
            if text.agrees(value) or (text.cut_off(value) and _digits(text) > 2):
                numbers = written(changed, lambda n, world=names: shown(world[n], 12))  # type: ignore[misc]
                result = shown(value, _digits(text) + 2)
                return what, numbers if numbers == result else f"{numbers} = {result}"
    return "", ""


def mutations(expr: str, names: Mapping[str, float]) -> Iterator[tuple[str, str]]:
    """Small changes of a formula, the likeliest slips first: (what was done, the changed formula).

    >>> next(mutations("w - eta*g", {"w": 1.0, "eta": 0.5, "g": 0.2}))
    ('a plus where a minus belongs', 'w + eta * g')
    """
    tree = ast.parse(expr, mode="eval").body
    used = sorted(names_in(expr), key=list(names).index, reverse=True)  # what was calculated last is confused first
    for path, node in _nodes(tree):
        if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Add, ast.Sub)):
            turned = ast.BinOp(node.left, ast.Sub() if isinstance(node.op, ast.Add) else ast.Add(), node.right)
            sign = "a plus where a minus belongs" if isinstance(node.op, ast.Sub) else "a minus where a plus belongs"
            yield sign, _replaced(tree, path, turned)
    yield "the opposite sign", ast.unparse(ast.UnaryOp(ast.USub(), tree))
    for i, other in enumerate(used):
        for one in used[i + 1 :]:
            if names[one] != names[other]:
                yield f"{symbol(one)} and {symbol(other)} exchanged", _renamed(tree, {one: other, other: one})
    for path, node in _nodes(tree):
        match node:  # … · g · (1 − g)
            case ast.BinOp(
                left=ast.BinOp(left=rest, op=ast.Mult(), right=ast.Name(id=g)), op=ast.Mult(),
                right=ast.BinOp(left=ast.Constant(value=1), op=ast.Sub(), right=ast.Name(id=same)),
            ) if g == same:  # fmt: skip
                yield f"without σ′ = {symbol(g)}·(1 − {symbol(g)})", _replaced(tree, path, rest)
    for path, node in _nodes(tree):
        if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Mult, ast.Div)):
            yield f"without the factor {_plain(node.right)}", _replaced(tree, path, node.left)
            if isinstance(node.op, ast.Mult):
                yield f"without the factor {_plain(node.left)}", _replaced(tree, path, node.right)
        if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Add, ast.Sub)):
            yield f"without the term {_plain(node.right)}", _replaced(tree, path, node.left)
            if not isinstance(node.left, ast.Constant):
                yield f"without the term {_plain(node.left)}", _replaced(tree, path, node.right)
    for name in used:
        for other in names:
            if other not in used and _stem(other) == _stem(name) and names[other] != names[name]:
                yield f"{symbol(other)} in place of {symbol(name)}", _renamed(tree, {name: other})


def _nodes(tree: ast.expr, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], ast.expr]]:
    """Every operation of a formula with the way to it from the top."""
    if isinstance(tree, ast.BinOp):
        yield path, tree
        yield from _nodes(tree.left, (*path, "left"))
        yield from _nodes(tree.right, (*path, "right"))
    elif isinstance(tree, ast.UnaryOp):
        yield from _nodes(tree.operand, (*path, "operand"))
    elif isinstance(tree, ast.Call) and len(tree.args) == 1:
        yield from _nodes(tree.args[0], (*path, "args"))


def _replaced(tree: ast.expr, path: tuple[str, ...], new: ast.expr) -> str:
    if not path:
        return ast.unparse(new)
    changed = copy.deepcopy(tree)
    node: ast.expr = changed
    for step in path[:-1]:
        node = node.args[0] if step == "args" else getattr(node, step)  # type: ignore[attr-defined]
    if path[-1] == "args":
        node.args[0] = new  # type: ignore[attr-defined]
    else:
        setattr(node, path[-1], new)
    return ast.unparse(changed)


def _renamed(tree: ast.expr, names: Mapping[str, str]) -> str:
    changed = copy.deepcopy(tree)
    for node in ast.walk(changed):
        if isinstance(node, ast.Name) and node.id in names:
            node.id = names[node.id]
    return ast.unparse(changed)


def _plain(node: ast.expr) -> str:
    return written(ast.unparse(node), symbol)


def _stem(name: str) -> str:
    return re.sub(r"[\d_]+.*$", "", name) or name
