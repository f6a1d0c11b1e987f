"""L-BFGS: a quasi-Newton solver around the gradient of all rows, for small problems.

Sources: Liu, Nocedal (1989) for the two-loop recursion; Nocedal, Wright, Numerical Optimization (2006), algorithms 3.5
and 3.6, for the line search that keeps the strong Wolfe conditions.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from chainrule.shapes import Array

Objective = Callable[[Array], tuple[float, Array]]
_DECREASE, _CURVATURE = 1e-4, 0.9


@dataclass(frozen=True, eq=False)
class Minimum:
    """Where the solver ended: `reason` is "gradient", "decrease", "line search", "iterations" or "stopped"."""

    theta: Array
    value: float
    iterations: int
    reason: str

    @property
    def converged(self) -> bool:
        return self.reason in ("gradient", "decrease")


def minimise(
    objective: Objective,
    theta: Array,
    *,
    iterations: int = 200,
    gradient_tolerance: float = 1e-5,
    decrease_tolerance: float = 1e-9,
    memory: int = 10,
    watch: Callable[[int, float, Array], bool | None] = lambda iteration, value, theta: None,
) -> Minimum:
    """Minimise `objective(theta) -> (value, gradient)` from θ in float64.

    It has converged when the largest entry of the gradient is below `gradient_tolerance` or a step lowers the value by
    less than `decrease_tolerance` of its size. `watch(iteration, value, theta)` is called after every step; True stops.

    >>> import numpy as np
    >>> found = minimise(lambda t: (float(((t - 3) ** 2).sum()), 2 * (t - 3)), np.zeros(2))
    >>> found.theta.round(6).tolist(), found.converged
    ([3.0, 3.0], True)
    """
    theta = np.array(theta, np.float64)
    value, gradient = objective(theta)
    pairs: deque[tuple[Array, Array]] = deque(maxlen=memory)
    for iteration in range(iterations):
        if np.abs(gradient).max(initial=0.0) <= gradient_tolerance:
            return Minimum(theta, value, iteration, "gradient")
        direction = -_inverse_hessian_times(gradient, pairs)
        if direction @ gradient >= 0:  # curvature information went bad: start again from the gradient
            pairs.clear()
            direction = -gradient
        first = 1.0 if pairs else min(1.0, 1.0 / float(np.abs(gradient).sum()))
        found = _line_search(objective, theta, value, gradient, direction, first)
        if found is None:
            if not pairs:
                return Minimum(theta, value, iteration, "line search")
            pairs.clear()
            continue
        length, new_value, new_gradient = found
        step, change = length * direction, new_gradient - gradient
        if step @ change > 1e-10 * (change @ change):
            pairs.append((step, change))
        before, theta, value, gradient = value, theta + step, new_value, new_gradient
        if watch(iteration + 1, value, theta):
            return Minimum(theta, value, iteration + 1, "stopped")
        if before - value <= decrease_tolerance * max(abs(before), abs(value), 1.0):
            return Minimum(theta, value, iteration + 1, "decrease")
    return Minimum(theta, value, iterations, "iterations")


def _inverse_hessian_times(gradient: Array, pairs: deque[tuple[Array, Array]]) -> Array:
    """The two-loop recursion."""
    q = gradient.copy()
    weights: list[float] = []
    for step, change in reversed(pairs):
        weight = float(step @ q) / float(step @ change)
        weights.append(weight)
        q -= weight * change
    if pairs:
        step, change = pairs[-1]
        q *= float(step @ change) / float(change @ change)
    for (step, change), weight in zip(pairs, reversed(weights), strict=True):
        q += (weight - float(change @ q) / float(step @ change)) * step
    return q


def _line_search(
    objective: Objective, theta: Array, value: float, gradient: Array, direction: Array, first: float
) -> tuple[float, float, Array] | None:
    """A step length that satisfies the strong Wolfe conditions, with its value and gradient; None when none is found."""
    slope = float(gradient @ direction)

    def at(length: float) -> tuple[float, float, Array]:
        new_value, new_gradient = objective(theta + length * direction)
        return new_value, float(new_gradient @ direction), new_gradient

    low, low_value, low_slope, low_gradient = 0.0, value, slope, gradient
    high: tuple[float, float, float] | None = None
    length = first
    for _ in range(30):
        new_value, new_slope, new_gradient = at(length)
        too_high = (
            not np.isfinite(new_value) or new_value > value + _DECREASE * length * slope or new_value >= low_value
        )
        if too_high:
            high = (length, new_value, new_slope)
        elif abs(new_slope) <= -_CURVATURE * slope:
            return length, new_value, new_gradient
        else:
            if new_slope * ((high[0] if high else np.inf) - low) >= 0:
                high = (low, low_value, low_slope)
            low, low_value, low_slope, low_gradient = length, new_value, new_slope, new_gradient
        length = 2.0 * length if high is None else _between(low, low_value, low_slope, *high)
        if high is not None and abs(high[0] - low) * np.abs(direction).max() < 1e-14:
            break
    # At a kink, as ReLU has them, the slope never gets small: a step that lowers the value enough is good enough.
    return (low, low_value, low_gradient) if low > 0 else None


def _between(
    low: float, low_value: float, low_slope: float, high: float, high_value: float, high_slope: float
) -> float:
    """The minimum of the cubic through both ends, kept away from them; the middle where there is none."""
    middle = 0.5 * (low + high)
    if not (np.isfinite(high_value) and np.isfinite(high_slope)):
        return middle
    d1 = low_slope + high_slope - 3.0 * (low_value - high_value) / (low - high)
    inside = d1 * d1 - low_slope * high_slope
    if inside < 0:
        return middle
    d2 = np.copysign(np.sqrt(inside), high - low)
    below = high_slope - low_slope + 2.0 * d2
    if below == 0:
        return middle
    length = high - (high - low) * (high_slope + d2 - d1) / below
    margin = 0.1 * abs(high - low)
    return float(np.clip(length, min(low, high) + margin, max(low, high) - margin))
