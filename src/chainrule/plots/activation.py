"""Activation functions and their derivatives, alone or compared."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from chainrule.calculus.activation import Activation
from chainrule.calculus.activations import activations
from chainrule.plots.style import axes, current, in_style
from chainrule.plots.subject import asked
from chainrule.shapes import Array

if TYPE_CHECKING:
    from matplotlib.axes import Axes

REACH = 4.0  # to both sides of 0
_ASIDE = 1e-9  # right of a kink, where the other slope holds


@in_style()
def activation(of: str | Activation | Sequence[str | Activation] = "sigmoid", *, ax: Axes | None = None) -> Axes:
    """g(z) and its slope g′(z) (thin and dashed) of one activation, or of several compared.

    Learned parameters have their initial value; a random slope its middle. At a jump or kink the curves break.

    >>> ax = activation(("relu", "leaky_relu"))
    >>> ax.get_xlabel(), [text.get_text() for text in ax.get_legend().get_texts()]
    ('net input z', ['relu g(z)', 'relu g′(z)', 'leaky_relu g(z)', 'leaky_relu g′(z)'])
    """
    names = (of,) if isinstance(of, Activation) else asked(of) if isinstance(of, str) else tuple(of)
    records = [activations.get(name) for name in names]
    ax, look = axes(ax, size=(5.2, 3.9)), current()
    several = len(records) > 1
    highest, lowest = 1.0, 0.0
    for n, record in enumerate(records):
        z, value, slope = curves(record)
        head = f"{record.name} " if several else ""
        # One function: value and slope are two series. Several: a colour each, the slope thin and dotted.
        second = {"color": look.colour(n), "linestyle": look.dashes[2]} if several else look.line(n + 1)
        ax.plot(*_broken(z, value), label=f"{head}g(z)", color=look.colour(n), linewidth=2.2)
        ax.plot(*_broken(z, slope), label=f"{head}g′(z)", linewidth=1.6, **second)
        highest, lowest = max(highest, value.max(), slope.max()), min(lowest, value.min(), slope.min())
    ax.axhline(0, color=look.soft, linewidth=0.8)
    ax.axvline(0, color=look.soft, linewidth=0.8)
    ax.set_ylim(max(lowest, -2.2) - 0.15, min(highest, 3.2) + 0.15)
    ax.set_xlim(-REACH, REACH)
    ax.set_xlabel("net input z")
    ax.set_ylabel("activation g(z), slope g′(z)")
    ax.set_title(" and ".join(record.name for record in records) + " with " + ("slopes" if several else "its slope"))
    ax.legend(loc="upper left")
    return ax


def curves(record: Activation, points: int = 401) -> tuple[Array, Array, Array]:
    """z over [−4, 4] with both sides of every kink, g(z) and g′(z)."""
    kinks = [kink + side for kink in record.kinks if abs(kink) < REACH for side in (0.0, _ASIDE)]
    z = np.unique(np.concatenate([np.linspace(-REACH, REACH, points), kinks]))
    extra = [np.full(1, one.initial) for one in record.learned] + ([np.full((len(z), 1), 0.5)] if record.random else [])
    value = record.value(z[:, None], *extra)
    return z, value[:, 0], record.slope(z[:, None], value, *extra)[:, 0]


def _broken(z: Array, y: Array) -> tuple[Array, Array]:
    """A curve with a gap where it jumps, so that no line joins the two sides."""
    jumps = np.flatnonzero((np.diff(z) <= 1.5 * _ASIDE) & (np.abs(np.diff(y)) > 1e-3)) + 1
    return np.insert(z, jumps, np.nan), np.insert(y, jumps, np.nan)
