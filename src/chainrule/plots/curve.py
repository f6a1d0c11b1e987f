"""The loss along one weight, with the steps of a descent on it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from chainrule.plots.style import axes, current, in_style
from chainrule.plots.subject import Subject, asked, shown
from chainrule.plots.surface import name_of, range_of, usual

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@in_style()
def error_curve(
    subject: Subject,
    data: Any = None,
    *,
    of: str | Sequence[str] | None = None,
    path: ArrayLike | None = None,
    span: tuple[float, float] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """The loss over one weight, with the steps of a descent on the curve: small ones creep, large ones leap over the valley.

    of: the weight; by default the one that the path moved most, or that of the largest gradient. `path`: the θs, (k, p).
    """
    found = shown(subject, data)
    thetas = None if path is None else np.atleast_2d(np.asarray(path, np.float64))
    theta = found.trace.theta if thetas is None else thetas[-1]
    names = asked(of)
    if names:
        entry = found.entry(names[0])
    elif thetas is not None:
        entry = int(np.ptp(thetas, axis=0).argmax())
    else:
        entry = usual(found)[0]
    unit = np.zeros(theta.size)
    unit[entry] = 1.0
    at = np.array([]) if thetas is None else thetas[:, entry]
    low, high = range_of(at, float(theta[entry]), span)[[0, -1]].tolist()
    w = np.linspace(low, high, 201)
    ax, look = axes(ax), current()
    ax.plot(w, [found.loss(theta * (1.0 - unit) + one * unit) for one in w], label="loss", **look.line(0))
    if thetas is not None:
        on_curve = [found.loss(theta * (1.0 - unit) + one * unit) for one in at]
        ax.plot(at, on_curve, color=look.colour(1), linewidth=1.0, marker="o", markersize=5, label="steps")
        ax.scatter(at[-1:], on_curve[-1:], marker="*", s=190, color=look.colour(1), zorder=4, label="end")
    else:
        ax.scatter([theta[entry]], [found.loss(theta)], marker="*", s=190, color=look.colour(1), zorder=4, label="here")
    ax.set_xlabel(name_of(found, entry))
    ax.set_ylabel("loss")
    ax.set_title("The loss along one weight")
    ax.legend(loc="best")
    return ax
