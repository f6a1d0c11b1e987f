"""The loss over two directions of θ, with the points that a descent, a guess or a search tried: the numbers."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from chainrule.errors import SettingError
from chainrule.plots.recording import recorded
from chainrule.plots.subject import Shown, Subject, asked, shown
from chainrule.shapes import Array

POINTS = 41  # of the grid, in each direction
LEVELS = 14


@dataclass(frozen=True, eq=False)
class Surface:
    """The loss over a grid: θ = centre + u·first + v·second.

    u, v: (n,). losses: (n, n), row by row of v. labels: of the two directions. path: the points tried, (k, 2) in u and v,
    and their own losses (k,), which are those of the whole θ; `joined` is False for points that no path joins.
    """

    u: Array
    v: Array
    losses: Array
    labels: tuple[str, str]
    path: Array
    path_losses: Array
    joined: bool = True

    def upto(self, count: int) -> Surface:
        """The same with the first points of the path alone."""
        cut = self.path[:count], self.path_losses[:count]
        return Surface(self.u, self.v, self.losses, self.labels, *cut, self.joined)


def surface_of(
    subject: Subject | Surface,
    data: Any = None,
    *,
    of: str | Sequence[str] | None = None,
    path: ArrayLike | None = None,
    span: tuple[float, float] | None = None,
    joined: bool = True,
) -> Surface:
    """Calculate the loss of a batch around its θ.

    of: two weights or biases by their addresses (a neuron's: "W1[0,0]", "b1[0]"). By default the only two there are, the
    two main directions of the path, or the first output's largest weight and its bias.
    path: the θs tried, (k, p), such as `descend(...).thetas`; of a run those after its epochs. span: the same range for
    both weights. joined: False for guesses or a search, which are single points and no path.
    """
    if isinstance(subject, Surface):
        return subject
    thetas: Array | None = None if path is None else np.atleast_2d(np.asarray(path, np.float64))
    if isinstance(subject, (str, os.PathLike)) and path is None:
        recording = recorded(subject, data)
        found, thetas = recording.last, recording.thetas
    else:
        found = shown(subject, data)
    if found.trace.loss is None:
        raise SettingError("CR204", "an error surface needs a loss, and a loss needs targets")
    centre, first, second, labels = _directions(found, asked(of), thetas)
    at = np.empty((0, 2)) if thetas is None else (thetas - centre) @ np.stack([first, second], axis=1)
    here = np.stack([first, second]) @ (found.trace.theta - centre)
    u, v = (range_of(at[:, k], here[k], span) for k in range(2))
    losses = np.array([[found.loss(centre + a * first + b * second) for a in u] for b in v])
    own = np.array([] if thetas is None else [found.loss(theta) for theta in thetas])
    return Surface(u, v, losses, labels, at, own, joined)


def _directions(found: Shown, of: tuple[str, ...], thetas: Array | None) -> tuple[Array, Array, Array, tuple[str, str]]:
    """Where u = v = 0 is, and the two directions: unit vectors of θ."""
    theta = found.trace.theta
    if not of and thetas is not None and theta.size > 2:
        moved = thetas - thetas[-1]
        _, sizes, rows = np.linalg.svd(moved, full_matrices=False)
        shares = sizes**2 / max(float((sizes**2).sum()), 1e-300)
        if len(rows) < 2:
            raise SettingError("CR204", "a path of one point has no directions", hint="name two weights in `of`")
        rows = rows * np.where((moved[0] @ rows.T) > 0, -1.0, 1.0)[:, None]
        labels = [f"main direction {k + 1} of the path ({shares[k]:.0%} of its movement)" for k in range(2)]
        return thetas[-1], rows[0], rows[1], (labels[0], labels[1])
    entries = [found.entry(name) for name in of] or usual(found)
    if len(entries) != 2:
        raise SettingError("CR204", "a surface stands over two weights", where="of", got=f"{len(entries)}")
    first, second = np.eye(theta.size)[entries] if theta.size <= 10_000 else _units(theta.size, entries)
    centre = theta * (1.0 - first) * (1.0 - second)
    names = [name_of(found, entry) for entry in entries]
    return centre, first, second, (names[0], names[1])


def _units(size: int, entries: list[int]) -> Array:
    units = np.zeros((2, size))
    units[[0, 1], entries] = 1.0
    return units


def usual(found: Shown) -> list[int]:
    """The two weights there are, or a neuron's: the first output's largest weight and its bias."""
    trace = found.trace
    if trace.theta.size == 2:
        return [0, 1]
    plan = trace.plan
    weights = [param for param in plan.params if len(param.shape) == 2][-1]
    bias = [param for param in plan.params if len(param.shape) == 1 and param.layer == weights.layer]
    largest = weights.offset + int(np.abs(weights.of(trace.theta)[0]).argmax())
    return [largest, bias[0].offset if bias else weights.offset + (largest == weights.offset)]


def name_of(found: Shown, entry: int) -> str:
    """The symbol of one entry of θ."""
    param = next(p for p in found.trace.plan.params if p.offset <= entry < p.offset + p.size)
    return found.symbols.param(param, entry - param.offset)


def range_of(path: Array, here: float, span: tuple[float, float] | None) -> Array:
    """Around the path, or around θ where there is none."""
    if span is not None:
        return np.linspace(span[0], span[1], POINTS)
    path = path[np.isfinite(path)]
    if len(path) and np.ptp(path) > 0:
        margin = 0.35 * float(np.ptp(path))
        return np.linspace(path.min() - margin, path.max() + margin, POINTS)
    reach = max(3.0, 2.0 * abs(here))
    return np.linspace(here - reach, here + reach, POINTS)


def levels_of(losses: Array) -> tuple[Array, Any]:
    """Contour levels, even or in powers where the loss spans more than a factor of a hundred, and how colours follow."""
    from matplotlib.colors import LogNorm, Normalize
    from matplotlib.ticker import MaxNLocator

    finite = losses[np.isfinite(losses)]
    low, high = float(finite.min()), float(finite.max())
    if low > 0 and high > 100 * low:
        powers = 10.0 ** np.arange(np.floor(np.log10(low)), np.ceil(np.log10(high)) + 1)
        levels = (powers[:, None] * [1.0, 2.0, 5.0]).ravel() if len(powers) < 8 else powers
        inside = levels[(levels > low) & (levels < high)]
        levels = np.concatenate([[levels[levels <= low].max()], inside, [levels[levels >= high].min()]])
        return levels, LogNorm(levels[0], levels[-1])
    levels = np.asarray(MaxNLocator(LEVELS).tick_values(low, high if high > low else low + 1.0))
    return levels, Normalize(levels[0], levels[-1])
