"""The laws of activation functions: what a record says about itself is measured.

They hold for |z| up to 1e4. Orders of continuity are measured up to the curvature: 2 and ∞ are not told apart.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule.calculus.activation import Activation
from chainrule.calculus.formula import evaluate
from chainrule.laws.law import STEP, TOLERANCE, Law, broken, difference, jumps, rounding, show, worst
from chainrule.shapes import Array

SIDE = 1e-9  # how far from a kink its sides are looked at
APPROACHED = 1e-3  # how near a bound is come to at |z| = 1e4; 1 − 1/|z|, the slowest in use, is 1e-4 away there
SATURATED = 1e-6  # a slope below this at |z| = 1e4 has gone to 0; 1/(1+|z|)², the slowest in use, is 1e-8 there
CLOSE = 1e-12  # two formulas of one function, evaluated for |z| ≤ 6, differ by some rounding of terms up to e¹²


def extra(record: Activation, z: Array, dtype: Any = np.float64) -> tuple[Array, ...]:
    """What `value` takes besides z: learned parameters near where they start, different in every unit, and one draw."""
    units = np.arange(1, z.shape[1] + 1)
    learned = [(p.initial * (1 + 0.05 * units) if p.initial else 0.1 * units).astype(dtype) for p in record.learned]
    return (*learned, np.full(z.shape, 0.375)) if record.random else tuple(learned)


def on_line(record: Activation) -> tuple[Callable[[Array], Array], Callable[[Array], Array]]:
    """Value and slope as functions of a vector of numbers."""

    def value(z: Array) -> Array:
        column = z[:, None]
        return record.value(column, *extra(record, column))[:, 0]

    def slope(z: Array) -> Array:
        column = z[:, None]
        more = extra(record, column)
        return record.slope(column, record.value(column, *more), *more)[:, 0]

    return value, slope


def samples(record: Activation, *, reach: float = 30.0) -> Array:
    """(n, 3) multiples of h from many scales, none so near a kink that a difference would straddle it."""
    generator = np.random.default_rng(20)
    scales = (1.0, 4.0, reach)
    z = np.concatenate([generator.uniform(-scale, scale, 200) for scale in scales])
    z = np.concatenate([z, *(generator.uniform(kink - 1, kink + 1, 30) for kink in record.kinks)])
    z = np.round(z / STEP) * STEP
    for kink in record.kinks:
        z = z[np.abs(z - kink) > 4 * STEP]
    return z[: len(z) // 3 * 3].reshape(-1, 3)


def slope_is_the_derivative(record: Activation) -> None:
    """The slope agrees with a central difference of the value, away from kinks."""
    z = samples(record)
    more = extra(record, z)
    if record.random:
        more = (*more[:-1], np.random.default_rng(21).random(z.shape))
    value, kept = record.value(z, *more), z.copy()
    slope = record.slope(z, value, *more)
    measured = difference(lambda z: record.value(z, *more), z)
    allowed = TOLERANCE * np.maximum(1.0, np.abs(measured)) + rounding(value)
    bad = worst(np.abs(slope - measured), allowed)
    if bad is not None:
        broken(
            "the slope", record, "the slope is the derivative of the value", where=f"z = {show(kept.flat[bad])}",
            expected=f"{show(measured.flat[bad])} (central difference)", got=show(slope.flat[bad]),
            hint="declare a kink where there is one; otherwise check the derivative",
        )  # fmt: skip


def learned_slopes_are_derivatives(record: Activation) -> None:
    """So do the slopes for the learned parameters."""
    if not record.learned:
        return
    z = samples(record)
    p = extra(record, z)[: len(record.learned)]
    drawn = extra(record, z)[len(record.learned) :]
    if record.learned_slopes is None or len(record.learned_slope_exprs) != len(record.learned):
        broken(
            "learned slopes", record, "every learned parameter has a slope and its formula", where="the record",
            expected=f"{len(record.learned)} slopes", got=f"{len(record.learned_slope_exprs)} formulas",
        )  # fmt: skip
    value = record.value(z, *p, *drawn)
    for k, slope in enumerate(record.learned_slopes(z, value, *p, *drawn)):

        def moved(q: Array, k: int = k) -> Array:
            return record.value(z, *p[:k], q, *p[k + 1 :], *drawn)

        measured = difference(moved, p[k])
        bad = worst(np.abs(slope - measured), TOLERANCE * np.maximum(1.0, np.abs(measured)) + rounding(value))
        if bad is not None:
            broken(
                "learned slopes", record, f"the slope for {record.learned[k].name} is the derivative of the value",
                where=f"z = {show(z.flat[bad])}", expected=f"{show(measured.flat[bad])} (central difference)",
                got=show(slope.flat[bad]),
            )  # fmt: skip


def the_slope_at_a_kink_is_from_the_left(record: Activation) -> None:
    """At a kink the slope is that beside it on the left."""
    _, slope = on_line(record)
    for kink in record.kinks:
        there, left = slope(np.array([kink, kink - SIDE * max(1.0, abs(kink))]))
        if not abs(there - left) <= 1e-6 * max(1.0, abs(left)):
            broken(
                "the left side", record, "the slope taken at a kink is the one from the left",
                where=f"z = {show(kink)}", expected=show(left), got=show(there),
            )  # fmt: skip


def continuity_is_as_declared(record: Activation) -> None:
    """Value and slope jump at the declared kinks and nowhere else; the order of continuity is the one declared."""
    value, slope = on_line(record)
    in_value, in_slope = jumps(value, record.kinks), jumps(slope, record.kinks)
    found = sorted({*in_value, *(place for place in in_slope if not _near(place, in_value))})
    for place in found:
        if not _near(place, record.kinks):
            broken(
                "continuity", record, "every place where value or slope jumps is a declared kink",
                where=f"z = {show(place)}", expected=f"kinks {record.kinks}", got="a jump",
            )  # fmt: skip
    for kink in record.kinks:
        if not _near(kink, found):
            broken(
                "continuity", record, "value or slope jumps at every declared kink", where=f"z = {show(kink)}",
                expected="a jump", got="none",
            )  # fmt: skip
    measured = -1 if in_value else 0 if in_slope else 1 if _curvature_jumps(slope) else math.inf
    if measured != min(record.continuity, math.inf if record.continuity >= 2 else 1):
        broken(
            "continuity", record, "as many derivatives are continuous as declared", where="z from −10 to 10",
            expected=f"continuity {record.continuity}", got=f"{measured}" if measured < 2 else "at least 2",
        )  # fmt: skip


def _near(place: float, places: Any) -> bool:
    return any(abs(place - other) <= 1e-6 * max(1.0, abs(other)) for other in places)


def _curvature_jumps(slope: Callable[[Array], Array]) -> bool:
    """Whether the one-sided curvatures differ somewhere by over 5 %: over 1e-3 a smooth one changes by about 0.1 %."""
    width = 1e-3
    z = np.arange(-10.0, 10.0, width)
    s = slope(z)
    left, right = (s[1:-1] - s[:-2]) / width, (s[2:] - s[1:-1]) / width
    return bool((np.abs(right - left) > 0.05 * np.maximum(1.0, np.maximum(np.abs(left), np.abs(right)))).any())


def range_is_as_declared(record: Activation) -> None:
    """No value leaves the range; finite bounds are reached or approached as declared, infinite ones are too."""
    value, _ = on_line(record)
    far = np.array([-1e4, -1e3, -100.0, -50.0, 50.0, 100.0, 1e3, 1e4])
    z = np.sort(np.concatenate([np.linspace(-12, 12, 4801), far, record.kinks]))
    a = value(z)
    for side, bound, reached in ((1.0, record.low, record.reaches_low), (-1.0, record.high, record.reaches_high)):
        over = side * (a - bound)  # how far inside the range; the lower bound, and the upper one mirrored
        slack = 4 * np.finfo(np.float64).eps * max(1.0, abs(bound)) if math.isfinite(bound) else 0.0
        at = int(np.argmin(side * a))
        word = "lower" if side > 0 else "upper"
        if not (over >= -slack).all() or (not reached and not (over[np.abs(z) <= 1] > 0).all()):
            broken(
                "the range", record, f"no value passes the {word} bound of the range", where=f"z = {show(z[at])}",
                expected=record.range, got=show(a[at]),
            )  # fmt: skip
        if not math.isfinite(bound):
            if side * a[at] >= (side * a[np.abs(z) <= 100]).min():
                broken(
                    "the range", record, f"an infinite {word} bound is approached", where=f"z = {show(z[at])}",
                    expected=record.range, got=f"nothing beyond {show(a[at])}",
                )  # fmt: skip
            continue
        nearest = side * _smallest(lambda z, side=side: side * value(z), z, at)  # type: ignore[misc]
        if abs(nearest - bound) > (1e-9 if reached else APPROACHED) * max(1.0, abs(bound)):
            broken(
                "the range", record, f"the {word} bound is {'reached' if reached else 'approached'}",
                where=f"z = {show(z[at])}", expected=show(bound), got=f"nothing nearer than {show(nearest)}",
            )  # fmt: skip


def _smallest(function: Callable[[Array], Array], z: Array, at: int) -> float:
    """The smallest value between the neighbours of z[at], by thirds."""
    low, high = z[max(0, at - 1)], z[min(len(z) - 1, at + 1)]
    best = float(function(z[at : at + 1])[0])
    for _ in range(80):
        thirds = low + (high - low) * np.array([1, 2]) / 3
        left, right = function(thirds)
        best = min(best, float(left), float(right))
        low, high = (low, thirds[1]) if left <= right else (thirds[0], high)
    return best


def monotonicity_is_as_declared(record: Activation) -> None:
    """Value and slope go one way where they are called monotonic, and turn where they are not."""
    near = [kink + np.linspace(-1, 1, 201) for kink in record.kinks]
    z = np.sort(np.concatenate([np.linspace(-12, 12, 4801), *near]))
    for what, function, declared in zip(
        ("value", "slope"), on_line(record), (record.monotonic, record.slope_monotonic), strict=True
    ):
        y = function(z)
        step = np.diff(y)
        allowed = 4 * np.finfo(np.float64).eps * np.maximum(1.0, np.abs(y[1:]))
        falls, rises = step < -allowed, step > allowed
        if bool(falls.any() and rises.any()) == declared:
            at = int(np.argmax(falls))
            broken(
                "monotonicity", record, f"the {what} is {'' if declared else 'not '}monotonic",
                where=f"z = {show(z[at])}", expected="one direction" if declared else "a turn",
                got="a rise and a fall" if declared else "one direction",
            )  # fmt: skip


def formulas_agree(record: Activation) -> None:
    """Every written formula gives the number that is computed."""
    z = samples(record, reach=6.0)
    more = extra(record, z)
    a = record.value(z, *more)
    columns = {"value": (record.expr, a), "slope": (record.slope_expr, record.slope(z, a, *more))}
    if record.slope_from_output is not None:
        columns["slope from the output"] = (record.slope_from_output, columns["slope"][1])
    if record.learned and record.learned_slopes is not None:
        for learned, formula, slope in zip(
            record.learned, record.learned_slope_exprs, record.learned_slopes(z, a, *more), strict=True
        ):
            columns[f"slope for {learned.name}"] = (formula, slope)
    for what, (formula, computed) in columns.items():
        for row, unit in np.ndindex(z.shape):
            names: dict[str, float] = {**record.constants, "z": float(z[row, unit])}
            names |= {learned.name: float(p[unit]) for learned, p in zip(record.learned, more, strict=False)}
            if what == "slope from the output":
                names["a"] = float(a[row, unit])
            if record.random:
                names["draw"] = float(more[-1][row, unit])
            said, got = evaluate(formula, names), float(computed[row, unit])
            if not abs(said - got) <= CLOSE * max(1.0, abs(said)):
                broken(
                    "the formulas", record, f"the formula of the {what} gives what is computed",
                    where=f"{formula}, z = {show(z[row, unit])}", expected=show(said), got=show(got),
                )  # fmt: skip


def type_and_shape_are_kept(record: Activation) -> None:
    """Results have the float type and the shape of z, and z is neither changed nor handed back."""
    whole = samples(record)[:14]
    for dtype in (np.float32, np.float64):
        batches: tuple[Array, ...] = (whole.astype(dtype), whole[:0].astype(dtype), whole[:, :1].astype(dtype))
        for z in batches:
            kept, more = z.copy(), extra(record, z, dtype)
            a = record.value(z, *more)
            results = {"value": a, "slope": record.slope(z, a, *more)}
            if record.learned_slopes is not None:
                results |= dict(enumerate(record.learned_slopes(z, a, *more)))  # type: ignore[arg-type]
            for what, result in results.items():
                if result.dtype != dtype or result.shape != z.shape:
                    broken(
                        "type and shape", record, f"{what} keeps the float type and the shape of z",
                        where=f"z of shape {z.shape}", expected=f"{np.dtype(dtype)} {z.shape}",
                        got=f"{result.dtype} {result.shape}", hint="cast constants and draws: `.astype(z.dtype)`",
                    )  # fmt: skip
            if np.shares_memory(a, z) or not np.array_equal(z, kept):
                broken(
                    "type and shape", record, "the input is left as it is", where="value", expected="a new array",
                    got="z itself",
                )  # fmt: skip


def single_precision_is_close(record: Activation) -> None:
    """float32 agrees with float64 to some units in the last place."""
    z = samples(record).astype(np.float32)
    more = extra(record, z, np.float32)
    exact = tuple(array.astype(np.float64) for array in more)
    a32, a64 = record.value(z, *more), record.value(z.astype(np.float64), *exact)
    slope32, slope64 = record.slope(z, a32, *more), record.slope(z.astype(np.float64), a64, *exact)
    for what, got, said in (("value", a32, a64), ("slope", slope32, slope64)):
        # 64 units in the last place: a dozen operations, some of them on terms several times the result
        bad = worst(np.abs(got - said), 64 * np.finfo(np.float32).eps * np.maximum(1.0, np.abs(said)))
        if bad is not None:
            broken(
                "single precision", record, f"the {what} in float32 is close to that in float64",
                where=f"z = {show(z.flat[bad])}", expected=show(said.flat[bad]), got=show(got.flat[bad]),
            )  # fmt: skip


def extreme_inputs_are_harmless(record: Activation) -> None:
    """Up to |z| = 1e4 everything is finite and nothing warns."""
    sizes = [0.0, 5e-324, 1e-310, 1e-45, 1e-40, 1e-8, 20.0, 88.0, 89.0, 104.0, 709.0, 710.0, 745.0, 1e3, 1e4]
    for dtype in (np.float64, np.float32):
        with warnings.catch_warnings(), np.errstate(all="raise", under="ignore"):
            warnings.simplefilter("error")
            z: Array = np.array([[sign * size] for size in sizes for sign in (1.0, -1.0)]).astype(dtype)
            more = extra(record, z, dtype)
            results = []
            try:
                a = record.value(z, *more)
                results = [("value", a), ("slope", record.slope(z, a, *more))]
                if record.learned_slopes is not None:
                    results += [("learned slope", s) for s in record.learned_slopes(z, a, *more)]
            except (FloatingPointError, OverflowError, RuntimeWarning) as reason:
                broken(
                    "extreme inputs", record, "no overflow or invalid operation for |z| up to 1e4",
                    where=np.dtype(dtype).name, expected="no warning", got=str(reason),
                    hint="use a form that cannot overflow, such as e^−|z|",
                )  # fmt: skip
        for what, result in results:
            if not np.isfinite(result).all():
                at = int(np.argmin(np.isfinite(result)))
                broken(
                    "extreme inputs", record, f"the {what} is finite for |z| up to 1e4",
                    where=f"z = {show(z.flat[at])} ({np.dtype(dtype).name})", expected="a finite number",
                    got=str(result.flat[at]),
                )  # fmt: skip


def sides_are_as_declared(record: Activation) -> None:
    """Saturation, symmetry and trainability are what the record says."""
    value, slope = on_line(record)
    ends = np.abs(slope(np.array([-1e4, 1e4])))
    for side, size in zip(("left", "right"), ends, strict=True):
        if (size <= SATURATED) != (side in record.saturates):
            broken(
                "saturation", record, "the slope goes to 0 on the declared sides and on no other",
                where=f"z = {'-' if side == 'left' else ''}1e4", got=f"slope {show(size)}",
                expected=f"saturates {record.saturates}",
            )  # fmt: skip
    z = np.linspace(0.01, 9.0, 900)
    odd = bool((np.abs(value(z) + value(-z)) <= CLOSE * np.maximum(1.0, np.abs(value(z)))).all())
    if odd != record.zero_centred:
        broken(
            "zero-centred", record, "g(−z) = −g(z) where it is called zero-centred, and nowhere else",
            where="z up to 9", expected=f"zero_centred={record.zero_centred}", got=f"odd: {odd}",
        )  # fmt: skip
    flat = bool((slope(np.linspace(-9.0, 9.0, 901)) == 0).all())
    if flat == record.trainable:
        broken(
            "trainability", record, "trainable=False where the slope is 0 everywhere, and nowhere else",
            where="z from −9 to 9", expected=f"trainable={record.trainable}", got=f"slope 0 everywhere: {flat}",
        )  # fmt: skip


LAWS = (
    Law("slope", "the slope is the derivative of the value", slope_is_the_derivative),
    Law("learned slopes", "the slope of every learned parameter is a derivative", learned_slopes_are_derivatives),
    Law("left side", "the slope at a kink is that from the left", the_slope_at_a_kink_is_from_the_left),
    Law("continuity", "kinks and the order of continuity are as declared", continuity_is_as_declared),
    Law("range", "the range is as declared, and its bounds are reached or approached", range_is_as_declared),
    Law("monotonicity", "value and slope are monotonic where declared, and nowhere else", monotonicity_is_as_declared),
    Law("formulas", "the written formulas give what is computed", formulas_agree),
    Law("type and shape", "float type and shape are kept, the input is left alone", type_and_shape_are_kept),
    Law("single precision", "float32 agrees with float64", single_precision_is_close),
    Law("extreme inputs", "finite and without warning for |z| up to 1e4", extreme_inputs_are_harmless),
    Law("sides", "saturation, zero-centring and trainability are as declared", sides_are_as_declared),
)
