"""Partial dependence: what a model says on average while one column is moved, in the column's own unit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule.data.table import Table
from chainrule.explain.layout import shortened
from chainrule.influence import partial_dependence as calculate
from chainrule.influence import permutation_importance
from chainrule.model import Model
from chainrule.plots.style import axes, current, in_style

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@in_style()
def partial_dependence(model: Model, data: Any, *, of: str = "", ax: Axes | None = None) -> Axes:
    """The mean prediction over the rows while all have one value in the column `of`; the marks below are the rows' own.

    By default the most important column. Numbers are a line, categories points. Classes: their probabilities (of two, that
    of the second).

    >>> from chainrule import fit
    >>> table = {"size": [i % 9 for i in range(90)], "price": [i % 9 + i % 4 for i in range(90)]}
    >>> ax = partial_dependence(fit(table, "price", network=(4,), epochs=20, test=0, task="regression"), table)
    >>> ax.get_xlabel(), ax.get_ylabel()
    ('size', 'mean predicted price')
    """
    table = data if isinstance(data, Table) else model.table(data)[0]
    column = of or permutation_importance(model, table).columns[0].column
    found = calculate(model, table, column)
    shown = [1] if model.task == "binary" else range(min(len(found.names), 6))
    ax, look = axes(ax), current()
    for n, k in enumerate(shown):
        at = list(found.values) if found.is_numeric else range(len(found.values))
        how = dict(look.line(n)) if found.is_numeric else {"color": look.colour(n), "linestyle": "", "markersize": 7}
        marker = look.markers[n] if not found.is_numeric or len(found.values) < 8 else ""
        ax.plot(at, found.outputs[:, k], marker=marker, label=found.names[k], **how)
    if found.is_numeric and len(found.present):
        ax.plot(found.present, np.full(len(found.present), 0.015), "|", color=look.soft, alpha=0.35, markersize=9,
                transform=ax.get_xaxis_transform())  # fmt: skip
        ax.set_xlim(float(min(found.values)), float(max(found.values)))
    elif not found.is_numeric:
        names = [shortened(str(value), 18) for value in found.values]
        ax.set_xticks(range(len(names)), names, rotation=90 if max(map(len, names)) * len(names) > 60 else 0)
        ax.set_xlim(-0.5, len(names) - 0.5)
    ax.set_xlabel(column)
    if model.classes:
        ax.set_ylabel(f"mean probability of {found.names[1]}" if model.task == "binary" else "mean probability")
    else:
        ax.set_ylabel("mean predicted " + (found.names[0] if len(found.names) == 1 else "value"))
    ax.set_title("Partial dependence")
    if len(shown) > 1:
        ax.legend(loc="best")
    return ax


@in_style()
def importance(model: Model, data: Any, *, ax: Axes | None = None) -> Axes:
    """How much worse the score gets when a column is shuffled: mean (bar), smallest and largest of five shuffles (line)."""
    table = data if isinstance(data, Table) else model.table(data)[0]
    found = permutation_importance(model, table)
    columns = found.columns[:15][::-1]
    ax, look = axes(ax, size=(6.2, 1.4 + 0.3 * len(columns))), current()
    mean = np.array([one.mean for one in columns])
    reach = np.array([[one.mean - one.low for one in columns], [one.high - one.mean for one in columns]])
    ax.barh(range(len(columns)), mean, color=look.colour(0), alpha=0.85)
    ax.errorbar(
        mean, range(len(columns)), xerr=np.maximum(reach, 0), fmt="none", ecolor=look.text, elinewidth=1.1, capsize=2.5
    )
    ax.set_yticks(range(len(columns)), [shortened(one.column, 24) for one in columns])
    ax.axvline(0, color=look.soft, linewidth=0.8)
    ax.grid(False, axis="y")
    ax.set_xlabel(f"loss of {found.metric.replace('_', ' ')} when the column is shuffled")
    ax.set_ylabel("column")
    ax.set_title(f"What drives the predictions ({found.metric.replace('_', ' ')} {found.score:.4g})")
    return ax
