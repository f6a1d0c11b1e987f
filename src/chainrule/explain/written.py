"""How the steps of each op are written by hand. An op that is not listed is still explained, by the numbers of its Local.

For each op: the terms of its value at a unit, the formula of one entry of its local derivative, the formula of the
derivative by one of its parameters, and which units a parameter's entry touches.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from chainrule.explain.formula import rename
from chainrule.explain.sentences import say
from chainrule.explain.sheet import Sheet, Term
from chainrule.layers.dropout import factors
from chainrule.plan import Step

GREEK = {"alpha": "α", "lam": "λ", "epsilon": "ε", "beta": "β", "quantile": "q", "label_smoothing": "s", "draw": "r"}
BIG = 30.0  # beyond this net input, softmax is written with the largest net input subtracted


@dataclass(frozen=True)
class Written:
    """`value(sheet, step, unit)`: a formula over keys of the sheet, or the terms of a sum. `slopes(sheet, step, position, to,
    source)` and `partial(sheet, step, position, entry, unit)`: candidates of a formula, the first that fits is taken."""

    value: Callable[[Sheet, Step, int], str | list[Term]]
    slopes: Callable[[Sheet, Step, int, int, int], list[str]]
    partial: Callable[[Sheet, Step, int, int, int], list[str]] = lambda sheet, step, position, entry, unit: []


def _affine_value(sheet: Sheet, step: Step, unit: int) -> list[Term]:
    source, width = step.sources[0], sheet.plan.slot(step.sources[0]).width
    inputs, weights = sheet.working.trace.values[source][0], sheet.plan.param(step.params[0])
    mask = step.constants.get("mask")

    def product(j: int) -> Term:
        entry = unit * width + j
        weight = sheet.working.theta(weights, entry)
        return Term(weight * float(inputs[j]), lambda: f"{sheet.param(weights.name, entry)}*{sheet.value(source, j)}")

    terms = [product(j) for j in range(width) if mask is None or mask[unit, j]]
    if len(step.params) > 1:
        bias = sheet.plan.param(step.params[1])
        entry = 0 if bias.size == 1 else unit
        one = _bias_input(sheet, step)
        terms.append(
            Term(sheet.working.theta(bias, entry), lambda: sheet.param(bias.name, entry) + (f"*{one()}" if one else ""))
        )
    return terms


def _bias_input(sheet: Sheet, step: Step) -> Callable[[], str] | None:
    """What the bias is multiplied by in this notation: 1, or the unit 0 of the layer before; None: nothing."""
    symbol = sheet.symbols.bias_input(sheet.plan.slot(step.sources[0]))
    if symbol is None or symbol == "1":
        return None if symbol is None else lambda: "1"
    return lambda: sheet.constant("one", symbol, 1.0, ("unit 0", step.sources[0]))


def _affine_slopes(sheet: Sheet, step: Step, position: int, to: int, source: int) -> list[str]:
    return [sheet.param(step.params[0], to * sheet.plan.slot(step.sources[0]).width + source)]


def _affine_partial(sheet: Sheet, step: Step, position: int, entry: int, unit: int) -> list[str]:
    if position == 1:
        one = _bias_input(sheet, step)
        return [one() if one else "1"]
    return [sheet.value(step.sources[0], entry % sheet.plan.slot(step.sources[0]).width)]


def _record_names(sheet: Sheet, step: Step, unit: int, *, output: bool) -> dict[str, str]:
    """What the names of an activation's formulas stand for at a unit."""
    function = step.constants["activation"]
    names = {"z": sheet.value(step.sources[0], unit)}
    names |= {
        name: sheet.constant(
            name if name not in sheet.names else f"{name}_c", GREEK.get(name, name), value, (name, value)
        )
        for name, value in function.constants.items()
        if name in f"{function.expr} {function.slope_expr} {function.slope_from_output}"
    }
    for learned, param in zip(function.learned, step.params, strict=True):
        names[learned.name] = sheet.param(param, unit)
    if function.random:
        draw = sheet.working.trace.run.uniform(step.constants["stream"], sheet.plan.slot(step.target).width)[0, unit]
        names["draw"] = sheet.constant(f"draw_{unit}", "r", float(draw), ("draw", step.target, unit))
    if output and "a" not in function.constants:
        names["a"] = sheet.value(step.target, unit)
    return names


def _activation_value(sheet: Sheet, step: Step, unit: int) -> str:
    return rename(step.constants["activation"].expr, _record_names(sheet, step, unit, output=False))


def _activation_slopes(sheet: Sheet, step: Step, position: int, to: int, source: int) -> list[str]:
    function = step.constants["activation"]
    names = _record_names(sheet, step, to, output=True)
    return [rename(expr, names) for expr in (function.slope_from_output, function.slope_expr) if expr]


def _activation_partial(sheet: Sheet, step: Step, position: int, entry: int, unit: int) -> list[str]:
    names = _record_names(sheet, step, unit, output=True)
    return [rename(expr, names) for expr in step.constants["activation"].learned_slope_exprs[position : position + 1]]


def _softmax_value(sheet: Sheet, step: Step, unit: int) -> str:
    z = sheet.working.trace.values[step.sources[0]][0]
    largest = int(z.argmax())
    shifted, denominator = ("largest", step.target), ("denominator", step.target)
    big = float(np.abs(z).max()) > BIG
    if big and not sheet.has(shifted):
        key = sheet.key(shifted, f"m_{step.target}")
        sheet.add(
            sheet.forward,
            key,
            "m",
            sheet.value(step.sources[0], largest),
            float(z[largest]),
            "forward",
            say("largest"),
        )

    def exponential(k: int) -> str:
        return f"exp({sheet.value(step.sources[0], k)}" + (f" - {sheet.key(shifted, '')})" if big else ")")

    if not sheet.has(denominator):
        exponents = np.exp(z - z[largest] if big else z)
        terms = [Term(float(e), partial(exponential, k)) for k, e in enumerate(exponents)]
        sheet.sum(
            sheet.forward, sheet.key(denominator, f"S_{step.target}"), "S", terms, float(exponents.sum()), "forward"
        )
    return f"{exponential(unit)}/{sheet.key(denominator, '')}"


def _softmax_slopes(sheet: Sheet, step: Step, position: int, to: int, source: int) -> list[str]:
    p, q = sheet.value(step.target, to), sheet.value(step.target, source)
    return [f"{p}*(1 - {p})"] if to == source else [f"-{p}*{q}"]


def _mask(sheet: Sheet, step: Step, unit: int) -> str:
    factor = float(factors(step, sheet.working.trace.values[step.sources[0]], sheet.working.trace.run)[0, unit])
    return sheet.constant(
        f"m_{step.target}_{unit}", f"m[{unit + sheet.symbols.notation.first}]", factor, ("mask", step.target, unit)
    )


def _dropout_value(sheet: Sheet, step: Step, unit: int) -> str:
    source = sheet.value(step.sources[0], unit)
    return f"{_mask(sheet, step, unit)}*{source}" if sheet.working.trace.run.training else source


def _dropout_slopes(sheet: Sheet, step: Step, position: int, to: int, source: int) -> list[str]:
    return [_mask(sheet, step, to)] if sheet.working.trace.run.training else ["1"]


def _spread(sheet: Sheet, step: Step) -> tuple[str, str]:
    """The keys of a layer norm's mean and standard deviation; writes their lines on first use."""
    source, where = step.sources[0], sheet.forward
    a = sheet.working.trace.values[source][0]
    mean, deviation = ("mean", step.target), ("deviation", step.target)
    if not sheet.has(mean):
        count = _count(sheet, step)
        total = sheet.key(("total", step.target), f"sum_{step.target}")
        terms = [Term(float(x), partial(sheet.value, source, k)) for k, x in enumerate(a)]
        sheet.sum(where, total, "Σa", terms, float(a.sum()), "forward")
        mu = sheet.key(mean, f"mu_{step.target}")
        sheet.add(where, mu, "μ", f"{total}/{count}", sheet.evaluated(f"{total}/{count}"), "forward")
        centre = sheet.names[mu].value
        terms = [
            Term((float(x) - centre) ** 2, lambda k=k: f"({sheet.value(source, k)} - {mu})**2")  # type: ignore[misc]
            for k, x in enumerate(a)
        ]
        squares = sheet.key(("squares", step.target), f"squares_{step.target}")
        sheet.sum(where, squares, "Σ(a − μ)²", terms, math.fsum(term.value for term in terms), "forward")
        expr = f"sqrt({squares}/{count} + {sheet.constant('epsilon', 'ε', step.constants['epsilon'])})"
        sheet.add(where, sheet.key(deviation, f"sd_{step.target}"), "s", expr, sheet.evaluated(expr), "forward")
    return sheet.key(mean, ""), sheet.key(deviation, "")


def _count(sheet: Sheet, step: Step) -> str:
    return sheet.constant(f"k_{step.target}", "k", float(sheet.plan.slot(step.target).width))


def _normalise_value(sheet: Sheet, step: Step, unit: int) -> str:
    mean, deviation = _spread(sheet, step)
    return f"({sheet.value(step.sources[0], unit)} - {mean})/{deviation}"


def _normalise_slopes(sheet: Sheet, step: Step, position: int, to: int, source: int) -> list[str]:
    n, other = sheet.value(step.target, to), sheet.value(step.target, source)
    _, deviation = _spread(sheet, step)
    count = _count(sheet, step)
    if to == source:
        return [f"(1 - 1/{count} - {n}**2/{count})/{deviation}"]
    return [f"-(1 + {n}*{other})/({count}*{deviation})"]


def _maxout_value(sheet: Sheet, step: Step, unit: int) -> str:
    pieces = step.constants["pieces"]
    group = range(unit * pieces, (unit + 1) * pieces)
    if pieces == 1 or not sheet.full:
        winner = max(group, key=lambda k: sheet.working.value(step.sources[0], k))
        return sheet.value(step.sources[0], winner)
    return "max(" + ", ".join(sheet.value(step.sources[0], k) for k in group) + ")"


def _scale_shift_value(sheet: Sheet, step: Step, unit: int) -> str:
    gain, shift = (sheet.param(name, unit) for name in step.params)
    return f"{gain}*{sheet.value(step.sources[0], unit)} + {shift}"


def _binary(text: str) -> Callable[[Sheet, Step, int], str]:
    def value(sheet: Sheet, step: Step, unit: int) -> str:
        left, right = (sheet.value(source, unit) for source in step.sources)
        return text.format(left=left, right=right)

    return value


def _multiply_slopes(sheet: Sheet, step: Step, position: int, to: int, source: int) -> list[str]:
    return [sheet.value(step.sources[1 - position], to)]


def _divide_slopes(sheet: Sheet, step: Step, position: int, to: int, source: int) -> list[str]:
    above, below = (sheet.value(source, to) for source in step.sources)
    return [f"1/{below}" if position == 0 else f"-{above}/{below}**2"]


def _power(x: str, exponent: float) -> str:
    number = int(exponent) if float(exponent).is_integer() else exponent
    return "1" if number == 0 else x if number == 1 else f"{x}**{number}" if number > 0 else f"{x}**({number})"


def _power_slopes(sheet: Sheet, step: Step, position: int, to: int, source: int) -> list[str]:
    exponent, x = step.constants["exponent"], sheet.value(step.sources[0], to)
    number = int(exponent) if float(exponent).is_integer() else exponent
    rest = _power(x, exponent - 1)
    return [f"{number}" if rest == "1" else f"{number}*{rest}"]


def _fixed(*texts: str) -> Callable[[Sheet, Step, int, int, int], list[str]]:
    return lambda sheet, step, position, to, source: [texts[position]]


WRITTEN: dict[str, Written] = {
    "affine": Written(_affine_value, _affine_slopes, _affine_partial),
    "activation": Written(_activation_value, _activation_slopes, _activation_partial),
    "softmax": Written(_softmax_value, _softmax_slopes),
    "dropout": Written(_dropout_value, _dropout_slopes),
    "normalise": Written(_normalise_value, _normalise_slopes),
    "scale_shift": Written(
        _scale_shift_value,
        lambda sheet, step, position, to, source: [sheet.param(step.params[0], to)],
        lambda sheet, step, position, entry, unit: [sheet.value(step.sources[0], unit)] if position == 0 else ["1"],
    ),
    "scale": Written(
        lambda sheet, step, unit: f"{sheet.param(step.params[0], unit)}*{sheet.value(step.sources[0], unit)}",
        lambda sheet, step, position, to, source: [sheet.param(step.params[0], to)],
        lambda sheet, step, position, entry, unit: [sheet.value(step.sources[0], unit)],
    ),
    "maxout": Written(_maxout_value, _fixed("1")),
    "parameter": Written(
        lambda sheet, step, unit: sheet.param(step.params[0], unit), _fixed("1"),
        lambda sheet, step, position, entry, unit: ["1"],
    ),
    "number": Written(lambda sheet, step, unit: repr(step.constants["value"]), _fixed("0")),
    "add": Written(_binary("{left} + {right}"), _fixed("1", "1")),
    "subtract": Written(_binary("{left} - {right}"), _fixed("1", "-1")),
    "multiply": Written(_binary("{left}*{right}"), _multiply_slopes),
    "divide": Written(_binary("{left}/{right}"), _divide_slopes),
    "power": Written(
        lambda sheet, step, unit: _power(sheet.value(step.sources[0], unit), step.constants["exponent"]), _power_slopes
    ),
}  # fmt: skip


def touched(sheet: Sheet, step: Step, position: int, entry: int) -> list[int]:
    """The units of the step's target that depend on an entry of its parameter."""
    param, width = sheet.plan.param(step.params[position]), sheet.plan.slot(step.target).width
    if step.op == "affine":
        if len(param.shape) == 2:
            return [entry // param.shape[1]]
        return [entry] if param.size == width else list(range(width))
    if step.op in WRITTEN:
        return [entry]
    return [unit for unit in range(width) if sheet.working.partial(step, position, entry, unit) != 0.0]
