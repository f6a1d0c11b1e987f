"""The error surface as a landscape in three dimensions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule.plots.style import axes, current, in_style
from chainrule.plots.subject import Subject
from chainrule.plots.surface import POINTS, Surface, levels_of, surface_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@in_style()
def error_surface_3d(
    subject: Subject | Surface, data: Any = None, *, of: str | Sequence[str] | None = None, ax: Axes | None = None
) -> Axes:
    """The same as a surface in three dimensions, the path lying on it; `ax` must be made with projection="3d"."""
    found = surface_of(subject, data, of=of)
    space: Any = axes(ax, size=(6.4, 5.2), projection="3d")
    look = current()
    _, norm = levels_of(found.losses)
    u, v = np.meshgrid(found.u, found.v)
    space.plot_surface(
        u, v, found.losses, cmap=look.sequential, norm=norm, alpha=0.82, rcount=POINTS, ccount=POINTS, linewidth=0.2,
        edgecolor=look.page, rasterized=True,
    )  # fmt: skip
    if len(found.path):
        inside = np.all((found.path >= [found.u[0], found.v[0]]) & (found.path <= [found.u[-1], found.v[-1]]), axis=1)
        lift = 0.01 * float(np.ptp(found.losses))
        line = found.path[inside, 0], found.path[inside, 1], found.path_losses[inside] + lift
        if found.joined:
            space.plot(*line, color=look.series[1], linewidth=2.4, zorder=10)
            space.scatter(
                *[part[-1:] for part in line], marker="*", s=160, color=look.series[1], depthshade=False, zorder=11
            )
        else:
            space.scatter(*line, color=look.series[1], s=16, depthshade=False, zorder=10)
    for axis in (space.xaxis, space.yaxis, space.zaxis):
        axis.set_pane_color((0.5, 0.5, 0.5, 0.06))
    space.view_init(elev=30, azim=-125)
    space.set_xlabel(found.labels[0])
    space.set_ylabel(found.labels[1])
    space.set_zlabel("loss")
    space.set_title("Error surface")
    drawn: Axes = space
    return drawn
