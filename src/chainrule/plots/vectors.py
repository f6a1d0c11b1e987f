"""One step of gradient descent as vectors: θ, the change Δθ = −∂L/∂θ, its part η·Δθ, and where it leads."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule.constraints import real
from chainrule.errors import SettingError
from chainrule.plots.style import axes, current, in_style
from chainrule.plots.subject import Subject, asked, shown, with_gradient
from chainrule.plots.surface import name_of, usual

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@in_style()
def update_vectors(
    subject: Subject,
    data: Any = None,
    *,
    of: str | Sequence[str] | None = None,
    learning_rate: float = 0.5,
    ax: Axes | None = None,
) -> Axes:
    """θ, Δθ and η·Δθ in the plane of two weights: η shortens the change, so that the step stays where the slope holds.

    of: two weights; by default the only two there are, or the first output's largest weight and its bias. Where Δθ is tiny
    or huge beside θ the picture shows the step alone, from θ.

    >>> from chainrule import Dense, Network, backward, forward
    >>> net = Network(1, [Dense(1)], "half_squared_error")
    >>> ax = update_vectors(backward(forward(net, [1.0, 0.5], [[1.0]], [[2.5]])), learning_rate=0.5)
    >>> ax.get_legend_handles_labels()[1]
    ['θ = (1, 0.5)', 'Δθ = −∂L/∂θ = (1, 1)', 'η·Δθ, η = 0.5', 'new θ = (1.5, 1)']
    """
    real("learning_rate", learning_rate)
    found = shown(subject, data)
    trace = with_gradient(found)
    entries = [found.entry(name) for name in asked(of)] or usual(found)
    if len(entries) != 2:
        raise SettingError("CR204", "vectors are drawn in the plane of two weights", where="of", got=f"{len(entries)}")
    assert trace.gradient is not None
    theta, change = trace.theta[entries], -trace.gradient[entries]
    step = learning_rate * change
    from_origin = 0.02 < np.linalg.norm(change) / max(float(np.linalg.norm(theta)), 1e-12) < 50
    ax, look = axes(ax, size=(5.6, 4.8)), current()
    if from_origin:
        _arrow(ax, np.zeros(2), theta, f"θ = {_pair(theta)}", color=look.colour(0))
    else:
        ax.plot(*theta, marker="o", linestyle="", color=look.colour(0), label=f"θ = {_pair(theta)}")
    _arrow(ax, theta, change, f"Δθ = −∂L/∂θ = {_pair(change)}", color=look.colour(1), alpha=0.55)
    _arrow(ax, theta, step, f"η·Δθ, η = {learning_rate:g}", color=look.colour(1), width=0.016)
    if from_origin:
        _arrow(ax, np.zeros(2), theta + step, f"new θ = {_pair(theta + step)}", color=look.colour(2))
    else:
        ax.plot(*(theta + step), marker="*", markersize=11, linestyle="", color=look.colour(2),
                label=f"new θ = {_pair(theta + step)}")  # fmt: skip
    corners = np.stack([*([np.zeros(2)] if from_origin else []), theta, theta + change, theta + step])
    low, high = corners.min(axis=0), corners.max(axis=0)
    margin = 0.15 * max(float((high - low).max()), 1e-9)
    ax.set_xlim(low[0] - margin, high[0] + margin)
    ax.set_ylim(low[1] - margin, high[1] + margin)
    ax.set_aspect("equal")
    ax.set_xlabel(name_of(found, entries[0]))
    ax.set_ylabel(name_of(found, entries[1]))
    ax.set_title("One step of gradient descent")
    ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.14), ncols=2)
    return ax


def _arrow(ax: Axes, start: Any, step: Any, label: str, *, width: float = 0.008, **how: Any) -> None:
    ax.quiver(
        *start, *step, angles="xy", scale_units="xy", scale=1, width=width, label=label, zorder=3, headwidth=3.5,
        headlength=4.5, **how,
    )  # fmt: skip


def _pair(vector: Any) -> str:
    return "(" + ", ".join(f"{value:.3g}".replace("-", "−") for value in vector) + ")"
