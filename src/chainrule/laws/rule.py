"""The laws of update rules: pure, entry by entry, of one type and shape, and steps counted by the caller alone."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from chainrule.calculus import penalties
from chainrule.errors import PromiseError
from chainrule.laws.law import STEP, TOLERANCE, Law, broken, show
from chainrule.optim.rule import Rule, Slots
from chainrule.shapes import Array

SIZE = 7
STEPS = 5


def scalars(rule: Rule, step: int, theta: Array) -> dict[str, Any]:
    """The scalars of one step, as an engine hands them over: in θ's type, the learning rate spread over θ."""
    table = rule.table(step, np.ones(1))
    s: dict[str, Any] = {name: theta.dtype.type(column[0]) for name, column in table.items()}
    s["learning_rate"] = np.full_like(theta, s["learning_rate"])
    s["decay_factor"] = np.ones_like(theta)
    return s


def start(rule: Rule, dtype: Any = np.float64, seed: int = 40) -> tuple[Array, list[Array], Slots]:
    """θ, the gradients of some steps, and slots at 0."""
    generator = np.random.default_rng(seed)
    theta = generator.normal(size=SIZE).astype(dtype)
    gradients = [generator.normal(size=SIZE).astype(dtype) for _ in range(STEPS)]
    return theta, gradients, tuple(np.zeros_like(theta) for _ in rule.slots)


def steps_depend_on_their_arguments_only(rule: Rule) -> None:
    """The same step twice gives the same bits and changes none of its arguments."""
    theta, gradients, slots = start(rule)
    for step, g in enumerate(gradients, start=1):
        before = [array.copy() for array in (theta, g, *slots)]
        first = rule.update(theta, g, slots, scalars(rule, step, theta))
        again = rule.update(theta, g, slots, scalars(rule, step, theta))
        if not _equal(first, again):
            _refuse(
                rule, "purity", "the same step twice gives the same θ", f"step {step}", first[0], again[0],
                "the step is counted by the caller; keep no memory outside the slots",
            )  # fmt: skip
        if not all(np.array_equal(a, b) for a, b in zip(before, (theta, g, *slots), strict=True)):
            broken("purity", rule, "θ, gradient and slots are left as they are", where=f"step {step}",
                   expected="new arrays", got="arguments changed in place")  # fmt: skip
        theta, slots = first


def entries_do_not_mix(rule: Rule) -> None:
    """Two parameters in one vector move as each would alone: nothing counts parameters, nothing couples them."""
    theta, gradients, slots = start(rule)
    parts = (slice(0, 3), slice(3, SIZE))
    alone = [(theta[part], tuple(slot[part] for slot in slots)) for part in parts]
    for step, g in enumerate(gradients, start=1):
        theta, slots = rule.update(theta, g, slots, scalars(rule, step, theta))
        for k, part in enumerate(parts):
            own, memory = alone[k]
            alone[k] = rule.update(own, g[part], memory, scalars(rule, step, own))
        joined = np.concatenate([own for own, _ in alone])
        if not np.array_equal(theta, joined):
            _refuse(rule, "separate entries", "parameters move as each would alone", f"step {step}", joined, theta)


def type_and_shape_are_kept(rule: Rule) -> None:
    """θ and every named slot keep the float type and the shape of θ."""
    for dtype in (np.float32, np.float64):
        theta, gradients, slots = start(rule, dtype)
        moved, kept = rule.update(theta, gradients[0], slots, scalars(rule, 1, theta))
        arrays = {"θ": moved, **dict(zip(rule.slots, kept, strict=False))}
        wrong = [n for n, array in arrays.items() if array.dtype != dtype or array.shape != theta.shape]
        if wrong or len(kept) != len(rule.slots):
            broken(
                "type and shape", rule, "θ and the named slots keep the float type and the shape of θ",
                where=", ".join(wrong) or "slots", expected=f"{np.dtype(dtype)} {theta.shape}, {len(rule.slots)} slots",
                got=", ".join(f"{array.dtype} {array.shape}" for array in arrays.values()) + f", {len(kept)} slots",
            )  # fmt: skip


def the_learning_rate_scales_the_move(rule: Rule) -> None:
    """Twice the rate of an entry from the same slots: twice its move; rate 0: it stays, as behind a mask."""
    theta, gradients, slots = start(rule)
    s = scalars(rule, 1, theta)
    once, _ = rule.update(theta, gradients[0], slots, s)
    factors = np.arange(SIZE) % 3.0
    scaled, _ = rule.update(theta, gradients[0], slots, {**s, "learning_rate": s["learning_rate"] * factors})
    expected = theta + factors * (once - theta)
    if not np.allclose(scaled, expected, rtol=1e-12, atol=1e-15):
        _refuse(rule, "the learning rate", "a move is proportional to its learning rate", "step 1", expected, scaled)
    if not (np.sign(once - theta) == -np.sign(gradients[0])).all():
        shrinking = rule.constants.get("weight_decay", 0.0)
        if not shrinking:
            _refuse(rule, "descent", "the first step goes against the gradient", "step 1", -gradients[0], once - theta)


def resuming_changes_nothing(rule: Rule) -> None:
    """The scalars of the steps 4, 5, 6 are the same in a table that starts at 1 and in one that starts at 4."""
    whole, part = rule.table(1, np.ones(6)), rule.table(4, np.ones(3))
    for name, column in whole.items():
        if column.shape != (6,) or not np.isfinite(column).all() or not np.array_equal(column[3:], part[name]):
            _refuse(rule, "resuming", "scalars depend on the step's number only", name, column[3:], part[name])


def extreme_gradients_are_harmless(rule: Rule) -> None:
    """From gradients of 0 to 1e4, θ and slots stay finite without a warning."""
    for dtype in (np.float64, np.float32):
        for size in (0.0, 1e-30, 1e-8, 1e4):
            theta, gradients, slots = start(rule, dtype)
            with warnings.catch_warnings(), np.errstate(all="raise", under="ignore"):
                warnings.simplefilter("error")
                for step, g in enumerate(gradients, start=1):
                    theta, slots = rule.update(theta, (g * size).astype(dtype), slots, scalars(rule, step, theta))
            if not all(np.isfinite(array).all() for array in (theta, *slots)):
                _refuse(rule, "extreme gradients", "θ and slots stay finite", f"gradients of size {size:g}", 0.0, theta)


def _equal(one: tuple[Array, Slots], other: tuple[Array, Slots]) -> bool:
    return all(np.array_equal(a, b) for a, b in zip((one[0], *one[1]), (other[0], *other[1]), strict=True))


def _refuse(rule: Rule, law: str, says: str, where: str, expected: Any, got: Any, hint: str | None = None) -> None:
    expected, got = np.broadcast_arrays(np.atleast_1d(expected), np.atleast_1d(got))
    at = int(np.argmax(np.abs(expected - got)))
    broken(
        law, rule, says, where=f"{where}, entry {at}", expected=show(expected[at]), got=show(got[at]), hint=hint
    )  # fmt: skip


LAWS = (
    Law("purity", "a step depends on its arguments alone and keeps them", steps_depend_on_their_arguments_only),
    Law("separate entries", "parameters move as each would alone", entries_do_not_mix),
    Law("type and shape", "float type and shape are kept, by the slots too", type_and_shape_are_kept),
    Law("learning rate", "a move descends, in proportion to its learning rate", the_learning_rate_scales_the_move),
    Law("resuming", "scalars depend on the number of the step only", resuming_changes_nothing),
    Law("extreme gradients", "finite, without warning", extreme_gradients_are_harmless),
)


def penalties_have_the_slope_of_their_value() -> None:
    """The slope of the penalties is the derivative of their value; raises `PromiseError` CR208."""
    generator = np.random.default_rng(41)
    theta, factors = generator.normal(size=SIZE), generator.uniform(0, 2, SIZE)
    for l1, l2 in ((0.3, 0.0), (0.0, 0.7), (0.3, 0.7)):
        slope = penalties.slope(theta, factors, l1, l2)
        for entry, along in enumerate(np.eye(SIZE)):
            near = [penalties.value(theta + sign * STEP * along, factors, l1, l2) for sign in (1, -1)]
            measured = (near[0] - near[1]) / (2 * STEP)  # exact for a square, and for |θ| away from 0
            if not abs(measured - slope[entry]) <= TOLERANCE:
                raise PromiseError(
                    "CR208", "the slope of the penalties is not the derivative of their value",
                    where=f"l1={l1}, l2={l2}, entry {entry}", expected=show(measured), got=show(slope[entry]),
                )  # fmt: skip
