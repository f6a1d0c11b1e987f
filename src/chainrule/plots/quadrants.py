"""Where two weights of a unit may move: with inputs of one sign only, into two of the four quadrants."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule.errors import SettingError
from chainrule.plots.style import axes, current, in_style
from chainrule.plots.subject import Shown, Subject, asked, shown, with_gradient
from chainrule.shapes import Array

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@in_style()
def allowed_updates(
    subject: Subject, data: Any = None, *, of: str | Sequence[str] | None = None, ax: Axes | None = None
) -> Axes:
    """The updates −∂L/∂w of two weights into one unit, an arrow per example, over the quadrants that the signs of their
    inputs allow.

    ∂L/∂w = δ·a: both weights share δ, so where all activations a are positive (sigmoid, ReLU) both move up or both move
    down; with activations around 0 (tanh) every direction is open. of: two weights of one unit; by default the first two
    of the last layer that has two.

    >>> from chainrule import Dense, Network, backward, forward, initialize
    >>> net = Network(2, [Dense(2, "sigmoid"), Dense(1)])
    >>> ax = allowed_updates(backward(forward(net, initialize(net), [[1.0, -2.0], [0.5, 1.0]], [1.0, -1.0])))
    >>> ax.get_title("left")
    'Inputs of one sign: only two quadrants are allowed'
    """
    found = shown(subject, data)
    labels, inputs, deltas = _two(found, asked(of))
    moves = -deltas[:, None] * inputs
    signs = np.unique(np.sign(inputs[np.all(inputs != 0, axis=1)]), axis=0)
    open_ = {(float(s * a), float(s * b)) for a, b in signs for s in (1.0, -1.0)}
    ax, look = axes(ax, size=(5.0, 4.8)), current()
    reach = float(np.abs(moves).max()) or 1.0
    moves, reach = moves / reach, 1.25
    for a, b in open_:
        ax.fill_between([0.0, a * reach], 0.0, b * reach, color=look.colour(2), alpha=0.18, linewidth=0)
    for a, b in {(1.0, 1.0), (-1.0, 1.0), (-1.0, -1.0), (1.0, -1.0)} - open_:
        ax.text(a * 0.62 * reach, b * 0.62 * reach, "never", ha="center", va="center", color=look.soft, fontsize=13)
    ax.quiver(
        np.zeros(len(moves)), np.zeros(len(moves)), moves[:, 0], moves[:, 1], angles="xy", scale_units="xy", scale=1,
        width=0.006, color=look.colour(0), alpha=0.8 if len(moves) <= 30 else 0.25, zorder=3,
    )  # fmt: skip
    ax.axhline(0, color=look.soft, linewidth=1)
    ax.axvline(0, color=look.soft, linewidth=1)
    ax.set_xlim(-reach, reach)
    ax.set_ylim(-reach, reach)
    ax.set_aspect("equal")
    ax.set_xlabel(f"change of {labels[0]}, −∂L/∂{labels[0]} (largest = 1)")
    ax.set_ylabel(f"change of {labels[1]}")
    few = "only two quadrants are allowed"
    ax.set_title(f"Inputs of one sign: {few}" if len(open_) <= 2 else "Inputs of both signs: every quadrant is allowed")
    return ax


def _two(found: Shown, of: tuple[str, ...]) -> tuple[list[str], Array, Array]:
    """The names of two weights of one unit, what comes in through them (n, 2), and the unit's deltas (n,)."""
    trace = with_gradient(found)
    plan = trace.plan
    if of:
        places = [found.address(name) for name in of]
    else:
        wide = [param for param in plan.params if len(param.shape) == 2 and param.shape[1] >= 2]
        if not wide:
            raise SettingError("CR204", "no unit here has two inputs")
        places = [found.address(f"{wide[-1].name}[0,{j}]") for j in (0, 1)]
    if len(places) != 2 or any(place.kind != "parameter" for place in places) or places[0].name != places[1].name:
        raise SettingError("CR204", "two weights of one unit are needed", where="of", got=", ".join(of))
    param = plan.param(places[0].name)
    (unit, first), (other, second) = (divmod(place.entry, param.shape[1]) for place in places)
    if unit != other:
        raise SettingError("CR204", "the two weights lead to different units", where="of", got=", ".join(of))
    step = next(step for step in plan.steps if param.name in step.params)
    names = [found.symbols.param(param, place.entry) for place in places]
    return names, trace.values[step.sources[0]][:, [first, second]], trace.deltas[step.target][:, unit]
