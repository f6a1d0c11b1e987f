"""The search for weights: guesses, grids, chance, and steps along the gradient, each with its path over the loss.

A problem is a network (or an expression) with its examples. Everything here is computed in float64 by the four steps of
`chainrule.steps`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from chainrule import rng
from chainrule.constraints import choice, real, whole
from chainrule.errors import SettingError
from chainrule.expression import Expression
from chainrule.layers import Dense
from chainrule.network import Network
from chainrule.shapes import Array, read_only
from chainrule.steps import backward, forward


@dataclass(frozen=True, eq=False)
class Problem:
    """A network or expression and the examples it is to fit: x of shape (n, inputs), y of shape (n, outputs) or None."""

    network: Network | Expression
    x: ArrayLike
    y: ArrayLike | None = None

    def loss(self, theta: ArrayLike) -> float:
        """The loss of all examples."""
        trace = forward(self.network, np.asarray(theta, np.float64), self.x, self.y)
        assert trace.loss is not None
        return trace.loss

    def gradient(self, theta: ArrayLike, rows: Sequence[int] | None = None) -> Array:
        """Its gradient, or that of some examples alone, shape of θ."""
        x, y = np.asarray(self.x), None if self.y is None else np.asarray(self.y)
        if rows is not None:
            x, y = x[list(rows)], None if y is None else y[list(rows)]
        return backward(forward(self.network, np.asarray(theta, np.float64), x, y)).vector

    def hessian(self, theta: ArrayLike, step: float = 1e-5) -> Array:
        """The second derivatives, shape (p, p), by central differences of the gradient; accurate to about 1e-10."""
        at = np.asarray(theta, np.float64)
        ends = [at + step * unit for unit in np.eye(at.size)], [at - step * unit for unit in np.eye(at.size)]
        rows = [(self.gradient(up) - self.gradient(down)) / (2 * step) for up, down in zip(*ends, strict=True)]
        square = np.stack(rows)
        return read_only((square + square.T) / 2)

    @property
    def parameters(self) -> int:
        return self.network.plan.size


def two_points() -> Problem:
    """The sigmoid neuron f(x) = σ(wx + b) with the points (0.5, 0.2) and (2.5, 0.9), ½ Σ (f − y)², θ = (w, b).

    Two points and two parameters: it has an exact solution, `exact_solution()`.
    """
    network = Network(
        1, [Dense(1, "sigmoid", weight_names=[["w"]], bias_names=["b"])], "half_squared_error", reduction="sum"
    )
    return Problem(network, [[0.5], [2.5]], [[0.2], [0.9]])


def exact_solution() -> tuple[float, float]:
    """w* and b* of `two_points`: the logits ln(y/(1−y)) of the targets lie on a line over x.

    >>> two_points().loss(exact_solution()) < 1e-30
    True
    """
    low, high = np.log(0.2 / 0.8), np.log(0.9 / 0.1)
    w = (high - low) / 2.0
    return float(w), float(low - w * 0.5)


def quadratic_toy() -> Problem:
    """f = wx + b with x = 5 and the wish f = 3, ½(f − 3)²: a bowl on which the largest rate is known, 2/26."""
    return Problem(Expression("g = w * x; f = g + b", ["x"], "half_squared_error"), [[5.0]], [[3.0]])


def two_valleys() -> Problem:
    """One weight and a loss with two valleys, the mean over four examples of (w² − 1)² + k·w with k = 4, 4, −3, −3.

    The deeper valley is at w = −1.06, the other at w = 0.93. A single example tilts the curve much more than their mean:
    online learning in a random order leaves the shallow valley, gradient descent never does.

    >>> order = rng.generator(0, "course/order").integers(0, 4, 300)
    >>> float(descend(two_valleys(), [1.3], learning_rate=0.05, steps=300).thetas[-1, 0].round(2))
    0.93
    >>> float(descend(two_valleys(), [1.3], learning_rate=0.05, steps=300, mode="online", order=order).thetas.min()) < -1
    True
    """
    tilts = [[4.0], [4.0], [-3.0], [-3.0]]
    return Problem(Expression("e = (w**2 - 1)**2 + k * w", ["k"], reduction="mean"), tilts)


@dataclass(frozen=True, eq=False)
class Tried:
    """Points that were tried, shape (n, p), their losses (n,), and the best of them."""

    thetas: Array
    losses: Array

    @property
    def best(self) -> tuple[Array, float]:
        """θ of the smallest loss, and that loss."""
        winner = int(self.losses.argmin())
        return self.thetas[winner], float(self.losses[winner])

    @property
    def best_so_far(self) -> Array:
        """The smallest loss after every try, shape (n,)."""
        return read_only(np.minimum.accumulate(self.losses))


def guess(problem: Problem, thetas: ArrayLike) -> Tried:
    """The loss of every guess, shape (n, p).

    >>> guess(two_points(), [[0.5, 0.0], [-0.1, 0.0]]).losses.round(4).tolist()
    [0.0731, 0.1481]
    """
    points = np.atleast_2d(np.asarray(thetas, np.float64))
    return Tried(read_only(points), read_only(np.array([problem.loss(theta) for theta in points])))


def grid_search(problem: Problem, *, low: float = -6.0, high: float = 6.0, points: int = 49) -> Tried:
    """Every point of a grid over [low, high]^p. There are points^p of them: one more parameter costs `points` times as much.

    Raises `SettingError` CR201 above a million points.
    """
    whole("points", points, low=2)
    if points**problem.parameters > 1_000_000:
        raise SettingError(
            "CR201", "a grid over so many parameters has too many points", expected="at most 1000000",
            got=f"{points}^{problem.parameters}", hint="use random_search, or better gradient descent",
        )  # fmt: skip
    axes = np.meshgrid(*[np.linspace(low, high, points)] * problem.parameters, indexing="ij")
    return guess(problem, np.stack([axis.ravel() for axis in axes], axis=1))


def random_search(problem: Problem, *, tries: int = 200, low: float = -6.0, high: float = 6.0, seed: int = 0) -> Tried:
    """Points drawn evenly from [low, high]^p."""
    draws = rng.generator(seed, "course/random_search").uniform(
        low, high, (whole("tries", tries, low=1), problem.parameters)
    )
    return guess(problem, draws)


def surface(problem: Problem, w: ArrayLike, b: ArrayLike) -> Array:
    """The loss over a grid of the two parameters, shape (len(w), len(b)).

    >>> surface(two_points(), [-2.0, 0.0], [-2.0, 0.0]).round(4).tolist()
    [[0.4158, 0.4014], [0.3081, 0.125]]
    """
    _two(problem)
    return read_only(np.array([[problem.loss([one, other]) for other in np.asarray(b)] for one in np.asarray(w)]))


@dataclass(frozen=True, eq=False)
class Path:
    """Where a descent went: θ before the first and after every update, shape (n + 1, p), with the loss of all examples there.

    gradients: what every update followed, shape (n, p).
    """

    thetas: Array
    losses: Array
    gradients: Array

    @property
    def verdict(self) -> str:
        """What the losses did, in words."""
        if not np.isfinite(self.losses).all() or self.losses[-1] > 1e3 * (1.0 + abs(self.losses[0])):
            return "diverges"
        steps = np.diff(self.losses)
        if (steps < 0).all():
            return "falls at every step"
        if (steps > 0).all():
            return "rises at every step"
        return "ends lower than it began" if self.losses[-1] < self.losses[0] else "ends higher than it began"

    @property
    def update_lengths(self) -> Array:
        """How far every update moved θ, shape (n,): short in flat regions, long on slopes."""
        return read_only(np.linalg.norm(np.diff(self.thetas, axis=0), axis=1))


def descend(
    problem: Problem,
    start: ArrayLike,
    *,
    learning_rate: float,
    steps: int,
    mode: Literal["batch", "online"] = "batch",
    order: Sequence[int] | None = None,
) -> Path:
    """θ ← θ − η ∂L/∂θ, `steps` times: over all examples ("batch"), or one example after the other in `order` ("online").

    Online, the gradient is that of the one example's own loss; `order` is repeated (0, 1, … by default). A negative
    learning rate climbs: that is what the wrong sign in an update does.

    >>> path = descend(two_points(), [-2.0, -2.0], learning_rate=1.0, steps=200)
    >>> path.verdict, round(float(path.losses[-1]), 6)
    ('falls at every step', 0.00062)
    """
    real("learning_rate", learning_rate)
    choice("mode", mode, ("batch", "online"))
    count = len(np.asarray(problem.x))
    sequence = list(range(count)) if order is None else [int(number) for number in order]
    if any(not 0 <= number < count for number in sequence) or not sequence:
        raise SettingError(
            "CR201", "`order` must name examples", expected=f"numbers from 0 to {count - 1}", got=repr(order)
        )
    factors = problem.network.plan.per_entry("learning_rate_factor")
    theta = np.array(start, np.float64)
    thetas, losses, gradients = [theta], [problem.loss(theta)], []
    with np.errstate(over="ignore", invalid="ignore"):  # a rate that is too large may run to infinity: that is shown
        for step in range(whole("steps", steps, low=1)):
            gradient = problem.gradient(theta, None if mode == "batch" else [sequence[step % len(sequence)]])
            theta = theta - learning_rate * factors * gradient
            gradients.append(gradient)
            thetas.append(theta)
            losses.append(problem.loss(theta))
            if not np.isfinite(losses[-1]):
                break
    return Path(read_only(np.array(thetas)), read_only(np.array(losses)), read_only(np.array(gradients)))


def largest_rate(problem: Problem, theta: ArrayLike) -> float:
    """2/λ, λ the largest curvature at θ: on a bowl, gradient descent with a larger learning rate diverges.

    >>> round(largest_rate(quadratic_toy(), [-2.0, 3.0]), 8)
    0.07692308
    """
    curvature = float(np.linalg.eigvalsh(problem.hessian(theta))[-1])
    return 2.0 / curvature if curvature > 0 else float("inf")


@dataclass(frozen=True)
class Direction:
    """A step of length `length` at the angle `beta` (degrees, anticlockwise) from the gradient: what Taylor's series says of
    the change of the loss, η‖∇L‖cos β and ½η²uᵀHu, and what it is."""

    beta: float
    length: float
    first_order: float
    second_order: float
    actual: float


def taylor(
    problem: Problem,
    theta: ArrayLike,
    *,
    angles: Sequence[float] = tuple(range(0, 360, 45)),
    lengths: Sequence[float] = (0.1,),
) -> list[Direction]:
    """The Taylor argument: of all directions, the one against the gradient (β = 180°) lowers the loss most, at first order.

    >>> rows = taylor(two_points(), [-2.0, -2.0])
    >>> min(rows, key=lambda row: row.first_order).beta
    180
    """
    _two(problem)
    at = np.asarray(theta, np.float64)
    gradient, hessian, loss = problem.gradient(at), problem.hessian(at), problem.loss(at)
    size = float(np.linalg.norm(gradient))
    found = []
    for beta in angles:
        cosine, sine = _turn(beta)
        u = np.array([cosine * gradient[0] - sine * gradient[1], sine * gradient[0] + cosine * gradient[1]]) / size
        for length in lengths:
            change = problem.loss(at + length * u) - loss
            second = 0.5 * length**2 * float(u @ hessian @ u)
            found.append(Direction(beta, length, length * size * cosine, second, change))
    return found


def _turn(degrees: float) -> tuple[float, float]:
    """Cosine and sine, exactly 0 and ±1 at right angles."""
    if degrees % 90 == 0:
        return ((1.0, 0.0), (0.0, 1.0), (-1.0, 0.0), (0.0, -1.0))[int(degrees // 90) % 4]
    angle = np.deg2rad(degrees)
    return float(np.cos(angle)), float(np.sin(angle))


def _two(problem: Problem) -> None:
    if problem.parameters != 2:
        raise SettingError("CR204", "this is drawn over two parameters", got=f"{problem.parameters} parameters")
