"""A matrix of weights as squares: area is size, colour is sign (Hinton's drawing)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule.errors import SettingError
from chainrule.explain.layout import shortened
from chainrule.plan import Param
from chainrule.plots.style import axes, current, in_style
from chainrule.plots.subject import Shown, Subject, weights_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST = 60  # rows or columns that can still be told apart


@in_style()
def weight_map(subject: Subject, data: Any = None, *, of: str = "", ax: Axes | None = None) -> Axes:
    """The weights of one layer, W[to, from]: a square's area is |w|, its colour the sign. `of`: "W1" by default.

    Of more than 60 units to either side those with the largest weights are drawn. Source: Hinton, Rumelhart, McClelland,
    Distributed representations (1986).

    >>> from chainrule import Dense, Network, forward, initialize
    >>> net = Network(["a", "b"], [Dense(3, "tanh"), Dense(1)])
    >>> ax = weight_map(forward(net, initialize(net), [[1.0, 2.0]]))
    >>> ax.get_xlabel(), [label.get_text() for label in ax.get_xticklabels()]
    ('from', ['a', 'b'])
    """
    found = weights_of(subject, data)
    plan = found.trace.plan
    matrices = [param for param in plan.params if len(param.shape) == 2]
    chosen = next((param for param in matrices if param.name == of), None) if of else matrices[0]
    if chosen is None:
        raise SettingError("CR210", "no weights of this name", expected=", ".join(p.name for p in matrices), got=of)
    weights = chosen.of(found.trace.theta)
    to, source = (_largest(np.abs(weights).max(axis=1 - side)) for side in (0, 1))
    rows, columns = _names(found, chosen)
    ax = axes(ax, size=(1.9 + 0.27 * max(len(source), 8), 1.6 + 0.27 * max(len(to), 5)))
    _squares(ax, weights[np.ix_(to, source)])
    ax.set_yticks(range(len(to)), [shortened(rows[i], 16) for i in to], fontsize=8)
    turned = len(source) > 6 or max(map(len, columns)) > 6
    ax.set_xticks(
        range(len(source)), [shortened(columns[i], 18) for i in source], fontsize=8, rotation=90 if turned else 0
    )
    left_out = "" if weights.shape == (len(to), len(source)) else ", the largest"
    ax.set_xlabel("from")
    ax.set_ylabel("to")
    ax.set_title(f"{chosen.name}{left_out}: area is |w|, at most {np.abs(weights).max():.3g}")
    return ax


def _squares(ax: Axes, weights: Any) -> None:
    from matplotlib.collections import PatchCollection
    from matplotlib.patches import Patch, Rectangle

    look = current()
    sides = 0.94 * np.sqrt(np.abs(weights) / max(float(np.abs(weights).max()), 1e-300))
    for sign, colour in ((1, look.colour(0)), (-1, look.colour(1))):
        places = np.argwhere(np.sign(weights) == sign)
        squares = [Rectangle((j - sides[i, j] / 2, i - sides[i, j] / 2), sides[i, j], sides[i, j]) for i, j in places]
        inside = colour if sign > 0 else look.page
        ax.add_collection(PatchCollection(squares, edgecolor=colour, linewidth=1.3, facecolor=inside))
    kinds = [
        Patch(facecolor=look.colour(0), edgecolor=look.colour(0), label="positive"),
        Patch(facecolor=look.page, edgecolor=look.colour(1), linewidth=1.3, label="negative (hollow)"),
    ]
    ax.set_xlim(-0.7, weights.shape[1] - 0.3)
    ax.set_ylim(weights.shape[0] - 0.3, -0.7)
    ax.set_aspect("equal")
    ax.grid(False)
    ax.legend(handles=kinds, loc="upper left", bbox_to_anchor=(1.0, 1.0))


def _largest(sizes: Any) -> Any:
    kept: Any = np.sort(np.argsort(-sizes, kind="stable")[:MOST])
    return kept


def _names(found: Shown, param: Param) -> tuple[list[str], list[str]]:
    """The names of the units to which and from which a matrix leads."""
    plan, symbols = found.trace.plan, found.symbols
    step = next(step for step in plan.steps if param.name in step.params)
    target, source = plan.slot(step.target), plan.slot(step.sources[0])

    def name(slot: Any, unit: int) -> str:
        return symbols.unit_name(slot, unit) or symbols.value(slot, unit)

    rows = [name(target, unit % target.width) for unit in range(param.shape[0])]
    return rows, [
        symbols.input(source, j) if source.kind == "input" else name(source, j) for j in range(param.shape[1])
    ]
