"""The error surface as contours, with the path over it, as one picture or as the frames of a film."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule.errors import SettingError
from chainrule.plots.style import axes, current, in_style
from chainrule.plots.subject import Subject
from chainrule.plots.surface import Surface, levels_of, surface_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@in_style()
def error_surface(
    subject: Subject | Surface, data: Any = None, *, of: str | Sequence[str] | None = None, ax: Axes | None = None
) -> Axes:
    """The loss as contours over two weights, with the path from its start (circle) to its end (star).

    subject: a model with data, a run, a pass, or a `Surface`: `surface_of` chooses the path, the range and the weights.

    >>> from chainrule import Dense, Network, forward
    >>> net = Network(1, [Dense(1, "sigmoid")], "half_squared_error")
    >>> ax = error_surface(surface_of(forward(net, [0.0, 0.0], [[0.5], [2.5]], [[0.2], [0.9]]), span=(-6, 6)))
    >>> ax.get_xlabel(), ax.get_ylabel()
    ('W1[0,0]', 'b1')
    """
    found = surface_of(subject, data, of=of)
    ax = axes(ax, size=(6.2, 4.8))
    _draw(found, ax)
    _draw_path(found, ax)
    return ax


def _draw(found: Surface, ax: Axes) -> None:
    look = current()
    levels, norm = levels_of(found.losses)
    filled = ax.contourf(found.u, found.v, found.losses, levels=levels, norm=norm, cmap=look.sequential)
    ax.contour(found.u, found.v, found.losses, levels=levels, colors=look.page, linewidths=0.4, alpha=0.6)
    figure = ax.get_figure()
    if figure is not None:
        bar = figure.colorbar(filled, ax=ax, format="%.3g")
        bar.set_label("loss")
        bar.minorticks_off()
        bar.outline.set_visible(False)
    ax.set_xlim(found.u[0], found.u[-1])
    ax.set_ylim(found.v[0], found.v[-1])
    ax.grid(False)
    ax.set_xlabel(found.labels[0])
    ax.set_ylabel(found.labels[1])
    ax.set_title("Error surface")


def _draw_path(found: Surface, ax: Axes) -> list[Any]:
    """The points tried, in white with a dark edge, so that they are seen on every colour."""
    if not len(found.path):
        return []
    from matplotlib.patheffects import Normal, Stroke

    u, v = found.path[:, 0], found.path[:, 1]
    edge = [Stroke(linewidth=3.4, foreground="#000000"), Normal()]
    drawn: list[Any] = []
    if found.joined:
        marks: dict[str, Any] = {"marker": "o", "markersize": 3} if len(u) <= 60 else {}
        drawn += ax.plot(u, v, color="#ffffff", linewidth=1.6, path_effects=edge, **marks)
    else:
        drawn.append(ax.scatter(u, v, s=18, color="#ffffff", edgecolors="#000000", linewidths=0.7, label="tried"))
    lowest = len(u) - 1 if found.joined else int(np.argmin(found.path_losses))
    ends = [("o", 0, "start")] if found.joined else []
    ends.append(("*", lowest, "end" if found.joined else "best"))
    for marker, n, name in ends:
        size = 60 if marker == "o" else 190
        label = f"{name}: loss {found.path_losses[n]:.3g}"
        drawn.append(
            ax.scatter(u[n], v[n], s=size, marker=marker, color="#ffffff", edgecolors="#000000", zorder=5, label=label)
        )
    legend = ax.legend(loc="upper right", facecolor="#3a3a3a", labelcolor="#ffffff", framealpha=0.85)
    return [*drawn, legend]


def descent_frames(
    subject: Subject | Surface,
    data: Any = None,
    *,
    of: str | Sequence[str] | None = None,
    frames: int = 40,
    ax: Axes | None = None,
) -> Iterator[Axes]:
    """The contours with the path as far as it has come, picture by picture: at most `frames`, the surface computed once.

    Every frame is drawn in the same Axes, which is to be saved before the next one is asked for.
    """
    found = surface_of(subject, data, of=of)
    if not len(found.path):
        hint = "give surface_of(…, path=descend(…).thetas), or the folder of a run"
        raise SettingError("CR204", "frames need a path", hint=hint)
    with in_style():
        ax = axes(ax, size=(6.2, 4.8))
        _draw(found, ax)
    for count in np.unique(np.linspace(1, len(found.path), min(frames, len(found.path))).round().astype(int)):
        with in_style():
            drawn = _draw_path(found.upto(int(count)), ax)
            ax.set_title(f"Error surface, point {count} of {len(found.path)}")
        yield ax
        for one in drawn:
            one.remove()
