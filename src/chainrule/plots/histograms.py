"""How weights, activations or gradients are spread in every layer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule.constraints import choice
from chainrule.plots.style import axes, current, in_style
from chainrule.plots.subject import Shown, Subject, shown, weights_of, with_gradient
from chainrule.shapes import Array

if TYPE_CHECKING:
    from matplotlib.axes import Axes

KINDS = {
    "weights": "weight",
    "activations": "activation",
    "net inputs": "net input",
    "gradients": "∂L/∂W",
    "deltas": "delta of the net input",
}
"""What can be drawn, and the label of its axis."""


@in_style()
def histograms(subject: Subject, data: Any = None, *, of: str = "weights", ax: Axes | None = None) -> Axes:
    """One histogram per layer, one above the other, each to its own height: "weights", "activations", "net inputs",
    "gradients" (of the batch) or "deltas". The marks are median and the middle half of the values.

    >>> from chainrule import Dense, Network, forward, initialize
    >>> net = Network(2, [Dense(30, "tanh"), Dense(1)])
    >>> ax = histograms(forward(net, initialize(net), [[1.0, 2.0]]))
    >>> ax.get_xlabel(), [label.get_text() for label in ax.get_yticklabels()]
    ('weight', ['W1: 60 values', 'W2: 30 values'])
    """
    choice("of", of, KINDS)
    source = weights_of(subject, data) if of == "weights" else shown(subject, data)
    found = [(name, values[np.isfinite(values)]) for name, values in _values(source, of)]
    ax, look = axes(ax, size=(6.4, 1.8 + 0.85 * len(found))), current()
    together = np.concatenate([values for _, values in found])
    low, high = np.percentile(together, [0.1, 99.9]) if together.size > 1000 else (together.min(), together.max())
    edges = np.linspace(low, high if high > low else low + 1.0, 61)
    for n, (_, values) in enumerate(found):
        base = len(found) - 1 - n
        counts = np.histogram(np.clip(values, low, high), edges)[0]
        heights = base + 0.82 * counts / max(counts.max(), 1)
        ax.stairs(heights, edges, baseline=base, fill=True, color=look.colour(0), alpha=0.75)
        quarter, median, three = np.percentile(values, [25, 50, 75])
        ax.plot([quarter, three], [base - 0.05] * 2, color=look.colour(1), linewidth=2.2, solid_capstyle="butt")
        ax.plot([median], [base - 0.05], marker="|", markersize=9, markeredgewidth=2.2, color=look.colour(1))
    ax.set_yticks(range(len(found))[::-1], [f"{name}: {values.size:,} values" for name, values in found])
    ax.set_ylim(-0.25, len(found))
    ax.grid(False, axis="y")
    ax.set_xlabel(KINDS[of])
    ax.set_ylabel("layer")
    ax.set_title(f"The {of} of every layer")
    return ax


def _values(found: Shown, of: str) -> list[tuple[str, Array]]:
    plan = found.trace.plan
    if of in ("weights", "gradients"):
        vector = found.trace.theta if of == "weights" else with_gradient(found).gradient
        assert vector is not None
        return [
            (p.name, vector[p.where] if p.mask is None else p.of(vector)[p.mask])
            for p in plan.params
            if len(p.shape) == 2
        ]
    kind = "activation" if of == "activations" else "net"
    source = with_gradient(found).deltas if of == "deltas" else found.trace.values
    return [(slot.name, source[slot.name].ravel()) for slot in plan.slots if slot.kind == kind and slot.name in source]
