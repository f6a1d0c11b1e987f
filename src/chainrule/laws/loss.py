"""The laws of losses: slopes, fused heads, the one reduction, weights, and predictions at their extremes."""

from __future__ import annotations

import warnings
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from chainrule.calculus.activations import activations
from chainrule.calculus.formula import evaluate
from chainrule.calculus.local import DiagonalLowRank
from chainrule.calculus.loss import Head, Loss, Reduction, row_factors
from chainrule.calculus.losses import softmax_of
from chainrule.laws.law import STEP, TOLERANCE, Law, broken, difference, jumps, rounding, show, worst
from chainrule.shapes import Array

SHAPE = (40, 3)
HEAD = 1e-10  # a head and the product of its factors round apart by some ε/p(1−p); |z| ≤ 4 keeps p(1−p) above 0.005


def examples(record: Loss) -> tuple[Array, Array]:
    """Targets and predictions inside their domains, both (n, k); the predictions keep clear of the kinks."""
    generator = np.random.default_rng(30)
    y, z = targets(record, generator, SHAPE), generator.normal(0.0, 1.5, SHAPE)
    p = _inside(record, z)
    while (near := _by_kinks(record, y, p)).any():
        p[near] = _inside(record, generator.normal(0.0, 1.5, SHAPE))[near]
    return y, p


def targets(record: Loss, generator: np.random.Generator, shape: tuple[int, int]) -> Array:
    """What this loss may be given: one-hot and soft rows, two classes, counts or numbers."""
    low, high = record.targets
    if record.target_kind == "classes":
        one_hot = np.eye(shape[1])[generator.integers(shape[1], size=shape[0])]
        soft = generator.dirichlet(np.ones(shape[1]), shape[0])
        return np.where(generator.random((shape[0], 1)) < 0.5, one_hot, soft)
    if record.target_kind == "binary":
        return generator.choice(np.unique([low, 0.0, high]), shape)
    if np.isfinite([low, high]).all():
        return generator.uniform(low, high, shape)
    counts = generator.poisson(2.0, shape).astype(float)
    return low + counts if np.isfinite(low) else high - counts if np.isfinite(high) else generator.normal(0, 2, shape)


def _inside(record: Loss, z: Array) -> Array:
    """Predictions from any numbers; away from the ends of the domain, where slopes are steep."""
    low, high = record.domain
    if record.simplex:
        p = softmax_of(z)
    elif np.isfinite([low, high]).all():
        p = low + (high - low) * (0.1 + 0.8 * activations.get("sigmoid").value(z))
    elif np.isfinite(low):
        p = low + 0.2 + np.abs(z)
    elif np.isfinite(high):
        p = high - 0.2 - np.abs(z)
    else:
        p = 2.0 * z
    return np.asarray(np.round(p / STEP) * STEP)


def _by_kinks(record: Loss, y: Array, p: Array) -> NDArray[np.bool_]:
    near: NDArray[np.bool_] = np.zeros(p.shape, bool)
    for kink in record.kinks:
        near |= np.abs(p - y - kink) < 4 * STEP
    return np.asarray(near | (p < 0.02)) if record.simplex else near


def slope_is_the_derivative(record: Loss) -> None:
    """The slope agrees with central differences of the terms in random directions."""
    y, p = examples(record)
    generator = np.random.default_rng(31)
    incoming, along = generator.normal(size=p.shape), np.round(generator.normal(size=p.shape) * 16) / 16
    terms = record.terms(y, p)
    measured = difference(lambda p: (incoming * record.terms(y, p)).sum(axis=1), p, along / 4)
    got = (incoming * record.slope(y, p) * along / 4).sum(axis=1)
    size = (np.abs(incoming) * np.maximum(1.0, np.abs(record.slope(y, p)))).sum(axis=1)
    bad = worst(np.abs(got - measured), TOLERANCE * size + rounding(np.abs(incoming * terms).sum(axis=1)))
    if bad is not None:
        broken(
            "the slope", record, "the slope is the derivative of the terms, before any reduction",
            where=f"y = {y[bad]}, p = {p[bad]}, a random direction",
            expected=f"{show(measured[bad])} (central difference)", got=show(got[bad]),
            hint="`slope` is ∂term/∂p of each output; it divides by neither rows nor outputs",
        )  # fmt: skip


def kinks_are_as_declared(record: Loss) -> None:
    """Kinks stand where p − y has a declared value; every declared one jumps for some target."""
    y_all, _ = examples(record)
    low, high = record.domain
    seen: set[float] = set()
    for y in np.unique(y_all)[:6]:

        def at(p: Array, y: float = float(y)) -> Array:
            # The slope, held constant in the outermost part of the domain, where it grows without bound.
            inside = np.clip(p, low + 0.05, high - 0.05)[:, None]
            return record.slope(np.full_like(inside, y), inside)[:, 0]

        for place in jumps(at):
            kink = next((k for k in record.kinks if abs(place - y - k) < 1e-6), None)
            if kink is None:
                broken(
                    "kinks", record, "the slope jumps only where p − y is a declared kink", where=f"y = {y:g}",
                    expected=f"kinks {record.kinks}", got=f"a jump at p = {show(place)}",
                )  # fmt: skip
            seen.add(kink)
    if seen != set(record.kinks):
        broken(
            "kinks", record, "the slope jumps at every declared kink", where="all kinds of targets",
            expected=f"jumps at {record.kinks}", got=f"jumps at {sorted(seen)}",
        )  # fmt: skip


def heads_are_products(record: Loss) -> None:
    """The slope of a fused head is the product of the loss's slope and the Jacobian of the activation before it."""
    generator = np.random.default_rng(32)
    for head in record.heads:
        y = targets(record, generator, SHAPE)
        z = np.clip(generator.normal(size=SHAPE), -4, 4)
        p = through(head, z)
        product = pulled(head, z, p, record.slope(y, p))
        got = head.slope(y, z)
        bad = worst(np.abs(got - product), HEAD * np.maximum(1.0, np.abs(product)))
        if bad is not None:
            broken(
                "fused heads", record, f"the head with {head.activation} is the product of its two factors",
                where=f"y = {show(y.flat[bad])}, z = {show(z.flat[bad])}", expected=show(product.flat[bad]),
                got=show(got.flat[bad]),
            )  # fmt: skip
        said, computed = record.per_example(y, p), record.per_example(y, z, head)
        bad = worst(np.abs(computed - said), HEAD * np.maximum(1.0, np.abs(said)))
        if bad is not None:
            broken(
                "fused heads", record, f"the head with {head.activation} has the value of the loss",
                where=f"y = {y[bad]}, z = {z[bad]}", expected=show(said[bad]), got=show(computed[bad]),
            )  # fmt: skip


def through(head: Head, z: Array) -> Array:
    """The predictions that belong to logits."""
    return softmax_of(z) if head.activation == "softmax" else activations.get(head.activation).value(z)


def pulled(head: Head, z: Array, p: Array, slope: Array) -> Array:
    """slope · ∂p/∂z, the long way round a fused head."""
    if head.activation == "softmax":
        return DiagonalLowRank(p, -p[:, :, None], p[:, :, None]).pull(slope)
    return slope * activations.get(head.activation).slope(z, p)


def formulas_agree(record: Loss) -> None:
    """Every written formula gives the number that is computed."""
    y, p = examples(record)
    columns: list[tuple[str, str, Array, Array]] = [
        ("value", record.expr, record.terms(y, p), p), ("slope", record.slope_expr, record.slope(y, p), p),
    ]  # fmt: skip
    z = np.random.default_rng(33).normal(size=p.shape)
    columns += [
        (f"slope with {head.activation}", head.slope_expr, head.slope(y, z), through(head, z)) for head in record.heads
    ]
    for what, formula, computed, predictions in columns:
        for row, unit in np.ndindex(p.shape):
            names: dict[str, float] = {**record.constants, "y": float(y[row, unit])}
            names |= {"p": float(predictions[row, unit]), "k": float(p.shape[1])}
            said, got = evaluate(formula, names), float(computed[row, unit])
            if not abs(said - got) <= 1e-12 * max(1.0, abs(said)):
                broken(
                    "the formulas", record, f"the formula of the {what} gives what is computed",
                    where=f"{formula}, y = {show(names['y'])}, p = {show(names['p'])}", expected=show(said),
                    got=show(got),
                )  # fmt: skip


def reduced_exactly_once(record: Loss) -> None:
    """Over outputs by the loss, over rows by their factors; weights are multiples of rows; value and slope alike."""
    y, p = examples(record)
    k = p.shape[1]
    terms, slope = record.terms(y, p), record.slope(y, p)
    if terms.shape != p.shape or slope.shape != p.shape:
        broken(
            "one reduction", record, "terms and slope have one entry per output", where=f"p of shape {p.shape}",
            expected=str(p.shape), got=f"{terms.shape} and {slope.shape}", hint="leave the reduction to chainrule",
        )  # fmt: skip
    expected = terms.sum(axis=1) / (k if record.over_outputs == "mean" else 1)
    _same(record, "outputs", record.per_example(y, p), expected)
    weights = np.random.default_rng(34).integers(0, 4, len(p)).astype(float)
    repeated = np.repeat(np.arange(len(p)), weights.astype(int))
    for reduction in get_args(Reduction):
        factors = row_factors(len(p), weights, reduction, np.dtype(np.float64))
        plain = row_factors(len(repeated), None, reduction, np.dtype(np.float64))
        value = record.per_example(y[repeated], p[repeated]).mean() if reduction == "mean" else expected[repeated].sum()
        _same(record, f"{reduction} of rows", factors @ record.per_example(y, p), value)
        _same(record, f"{reduction} of rows", plain @ record.per_example(y[repeated], p[repeated]), value)


def _same(record: Loss, what: str, got: Any, said: Any) -> None:
    bad = worst(np.abs(np.atleast_1d(got - said)), 1e-12 * np.maximum(1.0, np.abs(np.atleast_1d(said))))
    if bad is not None:
        broken(
            "one reduction", record, "a loss is reduced exactly once", where=what,
            expected=show(np.atleast_1d(said)[bad]), got=show(np.atleast_1d(got)[bad]),
        )  # fmt: skip


def extreme_predictions_are_harmless(record: Loss) -> None:
    """p at the ends of its domain and logits up to ±1e4: finite values and slopes, without a warning."""
    low, high = record.domain
    far = [low if np.isfinite(low) else -1e4, high if np.isfinite(high) else 1e4]
    for dtype in (np.float64, np.float32):
        tiny = np.finfo(dtype).smallest_subnormal
        for end in (*far, (low if np.isfinite(low) else 0.0) + float(tiny)):
            p = np.full((6, 3), end, dtype)
            if record.simplex:
                p = np.zeros((6, 3), dtype)
                p[:, 0] = 1.0
            _finite(record, record.terms, record.slope, p, f"p = {end:g}")
        for head in record.heads:
            for end in (-1e4, -1e3, -90.0, 0.0, 90.0, 1e3, 1e4):
                z = np.zeros((6, 3), dtype)
                z[:, 0], z[1::2, 1] = end, -end
                _finite(record, head.terms, head.slope, z, f"logit {end:g} before {head.activation}")


def _finite(record: Loss, terms: Any, slope: Any, p: Array, where: str) -> None:
    y = targets(record, np.random.default_rng(35), p.shape).astype(p.dtype)
    where = f"{where} ({p.dtype})"
    with warnings.catch_warnings(), np.errstate(all="raise", under="ignore"):
        warnings.simplefilter("error")
        try:
            results = {"value": terms(y, p), "slope": slope(y, p)}
        except (FloatingPointError, RuntimeWarning) as reason:
            broken(
                "extreme predictions", record, "no overflow and no division by 0", where=where, expected="no warning",
                got=str(reason), hint="cut probabilities to [ε, 1 − ε], or use logits",
            )  # fmt: skip
    for what, result in results.items():
        if not np.isfinite(result).all():
            broken(
                "extreme predictions", record, f"the {what} is finite", where=where, expected="finite",
                got=str(result[0]),
            )  # fmt: skip
        if result.dtype != p.dtype:
            broken(
                "extreme predictions", record, f"the {what} keeps the float type", where=where, expected=str(p.dtype),
                got=str(result.dtype),
            )  # fmt: skip


LAWS = (
    Law("slope", "the slope is the derivative of the terms", slope_is_the_derivative),
    Law("kinks", "the slope jumps at the declared kinks and nowhere else", kinks_are_as_declared),
    Law("fused heads", "a head is the product of its two factors", heads_are_products),
    Law("formulas", "the written formulas give what is computed", formulas_agree),
    Law("one reduction", "outputs and rows are reduced exactly once, weights count rows", reduced_exactly_once),
    Law("extreme predictions", "finite, without warning, in the float type", extreme_predictions_are_harmless),
)
