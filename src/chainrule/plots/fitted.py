"""A function of one input with the data it was fitted to, such as a sigmoid neuron and its points."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule.errors import SettingError
from chainrule.plots.style import axes, current, in_style
from chainrule.plots.subject import Subject, shown

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@in_style()
def fitted_curve(subject: Subject, data: Any = None, *, ax: Axes | None = None) -> Axes:
    """The first output of a network with one input over that input, the examples, and what is missing to each of them.

    Of a model the input is standardised as the network sees it; its own unit: `partial_dependence`.

    >>> from chainrule import Dense, Network, forward
    >>> net = Network(1, [Dense(1, "sigmoid")], "half_squared_error", reduction="sum")
    >>> ax = fitted_curve(forward(net, [1.7918, -2.2822], [[0.5], [2.5]], [[0.2], [0.9]]))
    >>> ax.get_xlabel(), ax.get_ylabel()
    ('input x[0]', 'output')
    """
    found = shown(subject, data)
    trace = found.trace
    if trace.x.shape[1] != 1:
        raise SettingError("CR204", "a curve is drawn over one input", got=f"{trace.x.shape[1]} inputs")
    x = trace.x[:, 0]
    reach = max(0.25 * float(np.ptp(x)), 1.0 if np.ptp(x) == 0 else 0.0)
    wide = np.linspace(x.min() - reach, x.max() + reach, 301)
    ax, look = axes(ax), current()
    ax.plot(wide, found.outputs(wide[:, None]).prediction[:, 0], label="the network", **look.line(0))
    if trace.y is not None and trace.y.ndim == 2:
        said = trace.prediction[:, 0]
        ax.vlines(x, np.minimum(said, trace.y[:, 0]), np.maximum(said, trace.y[:, 0]), color=look.colour(1), linewidth=1.2,
                  label="what is missing")  # fmt: skip
        ax.scatter(x, trace.y[:, 0], s=42, color=look.colour(1), zorder=4, label="the data")
    named = found.symbols.input(trace.plan.slot(trace.plan.inputs[0]), 0)
    ax.set_xlabel(f"input {named}")
    ax.set_ylabel("output")
    loss = "" if trace.loss is None else f", loss {trace.loss:.4g}"
    ax.set_title(f"The network and its data{loss}")
    ax.legend(loc="best")
    return ax
