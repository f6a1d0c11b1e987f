"""What a network with two inputs answers everywhere in their plane, with its decision lines and the examples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule.data.table import Table
from chainrule.errors import SettingError
from chainrule.influence import permutation_importance
from chainrule.model import Model, probable
from chainrule.plots.style import axes, current, in_style
from chainrule.plots.subject import Shown, Subject, asked, shown, spread
from chainrule.shapes import Array

if TYPE_CHECKING:
    from matplotlib.axes import Axes

POINTS = 121


@in_style()
def decision_regions(
    subject: Subject, data: Any = None, *, of: str | Sequence[str] | None = None, ax: Axes | None = None
) -> Axes:
    """The regions over two inputs, and the examples in them.

    A pass of a network with two inputs: where a unit (`of`, by default the first output) answers at least ½, with the
    decision lines of the first layer's units, numbered; the examples are filled where their target is 1. A model: over two
    columns of numbers (`of`, by default the two most important), all other columns at their median or most frequent
    value.

    >>> from chainrule import forward, initialize
    >>> from chainrule.threshold.networks import xor_by_two_lines
    >>> net = xor_by_two_lines()
    >>> ax = decision_regions(forward(net, initialize(net), [[0, 0], [0, 1], [1, 0], [1, 1]], [0, 1, 1, 0]))
    >>> ax.get_xlabel(), ax.get_ylabel(), ax.get_title("left")
    ('x1', 'x2', 'Where y is at least ½')
    """
    if isinstance(subject, Model):
        return _of_model(subject, data, asked(of), ax)
    found = shown(subject, data)
    if found.trace.x.shape[1] != 2:
        raise SettingError("CR204", "regions are drawn over two inputs", got=str(found.trace.x.shape[1]))
    return _of_pass(found, asked(of), ax)


def _of_pass(found: Shown, of: tuple[str, ...], ax: Axes | None) -> Axes:
    trace, symbols, plan = found.trace, found.symbols, found.trace.plan
    slot, unit = plan.slot(plan.output), 0
    if of:
        address = found.address(of[0])
        if address.kind != "value":
            raise SettingError("CR210", "this is no unit", expected="such as a1[0], or its name", got=of[0])
        slot, unit = plan.slot(address.name), address.entry
    x1, x2 = (_around(trace.x[:, k]) for k in range(2))
    grid = np.stack([part.ravel() for part in np.meshgrid(x1, x2)], axis=1)
    values = found.outputs(grid)[slot.name][:, unit].reshape(len(x2), len(x1))
    ax = axes(ax, size=(5.4, 4.8))
    name = symbols.unit_name(slot, unit) or symbols.value(slot, unit)
    _shade(ax, x1, x2, (values >= 0.5).astype(int), 2)  # on it, the decision lines of the units
    _lines(ax, found, x1, x2)
    targets = trace.y
    if targets is not None:
        ones = (targets[:, 0] if targets.ndim == 2 else targets) > 0.5
        _points(ax, trace.x, ones.astype(int), ["target 0", "target 1"])
    ax.set_xlim(x1[0], x1[-1])
    ax.set_ylim(x2[0], x2[-1])
    inputs = plan.slot(plan.inputs[0])
    ax.set_xlabel(symbols.input(inputs, 0))
    ax.set_ylabel(symbols.input(plan.slot(plan.inputs[-1]), plan.slot(plan.inputs[-1]).width - 1))
    ax.set_title(f"Where {name} is at least ½")
    _legend(ax)
    return ax


def _of_model(model: Model, data: Any, of: tuple[str, ...], ax: Axes | None) -> Axes:
    if data is None:
        raise SettingError("CR204", "this picture needs data", hint="give a file or a DataFrame with the columns")
    table = data if isinstance(data, Table) else model.table(data)[0]
    numbers = [
        one.name for one in model.encoder.columns if one.treatment == "number" and table[one.name].kind == "number"
    ]
    if not of and len(numbers) > 2:
        ranking = [one.column for one in permutation_importance(model, table).columns]
        numbers = sorted(numbers, key=ranking.index)[:2]
    first, second = _pair(of or tuple(numbers), numbers)
    x1, x2 = (_around(table[name].present) for name in (first, second))
    grid = np.stack([part.ravel() for part in np.meshgrid(x1, x2)], axis=1)
    outputs = model.outputs(_moved(table, {first: grid[:, 0], second: grid[:, 1]}))
    ax = axes(ax, size=(5.8, 4.8))
    rows = spread(table.row_count, 500)
    at = np.stack([table[first].values[rows], table[second].values[rows]], axis=1)
    if model.classes:
        p = probable(model.network, outputs)
        codes = p.argmax(axis=1) if model.task == "multiclass" else (p[:, 0] >= 0.5).astype(int)
        _shade(ax, x1, x2, codes.reshape(len(x2), len(x1)), len(model.classes))
        for k in range(len(model.classes) - 1):
            levels = [k + 0.5]
            ax.contour(x1, x2, codes.reshape(len(x2), len(x1)), levels=levels, colors=current().soft, linewidths=0.7)
        known = model.encoder.targets[0].name in table
        truth = model.encoder.encode_target(table, rows) if known else np.zeros(len(rows), int)
        _points(ax, at, truth.astype(int), [str(label) for label in model.classes] if known else ["rows"])
        ax.set_title(f"The predicted {model.encoder.targets[0].name}")
    else:
        values = model.encoder.decode_target(outputs)[:, 0].reshape(len(x2), len(x1))
        filled = ax.contourf(x1, x2, values, levels=14, cmap=current().sequential)
        figure = ax.get_figure()
        if figure is not None:
            figure.colorbar(filled, ax=ax).set_label(f"predicted {model.encoder.targets[0].name}")
        _points(ax, at, np.zeros(len(at), int), ["rows"])
        ax.set_title(f"The predicted {model.encoder.targets[0].name}")
    ax.set_xlim(x1[0], x1[-1])
    ax.set_ylim(x2[0], x2[-1])
    ax.set_xlabel(first)
    ax.set_ylabel(second)
    _legend(ax)
    return ax


def _pair(of: tuple[str, ...], numbers: list[str]) -> tuple[str, str]:
    if len(of) != 2 or any(name not in numbers for name in of):
        expected = f"two of {', '.join(numbers)}" if len(numbers) > 1 else "a model of at least two columns of numbers"
        raise SettingError(
            "CR204", "regions are drawn over two columns of numbers", expected=expected, got=", ".join(of)
        )
    return of[0], of[1]


def _moved(table: Table, moved: dict[str, Array]) -> Table:
    """A table of the median (or most frequent) row, with these columns moved."""
    count = len(next(iter(moved.values())))
    columns = []
    for column in table.columns:
        if column.name in moved:
            columns.append(replace(column, values=moved[column.name]))
            continue
        present = column.present
        if column.kind == "text":
            typical = np.bincount(present).argmax() if len(present) else -1
        else:
            typical = np.sort(present)[len(present) // 2] if len(present) else column.values[0]
        columns.append(replace(column, values=np.full(count, typical, column.values.dtype)))
    return replace(table, columns=tuple(columns), row_count=count)


def _around(values: Array) -> Array:
    values = values[np.isfinite(values)]
    low, high = float(values.min()), float(values.max())
    margin = 0.12 * (high - low) if high > low else 1.0
    if {low, high} <= {0.0, 1.0}:  # a truth table: the lines need room around its corners
        margin = 0.5
    return np.linspace(low - margin, high + margin, POINTS)


def _shade(ax: Axes, x1: Array, x2: Array, codes: Any, count: int) -> None:
    from matplotlib.colors import BoundaryNorm, ListedColormap

    look = current()
    colours = ListedColormap([look.colour(k) for k in range(count)])
    edges = (x1[0], x1[-1], x2[0], x2[-1])
    norm = BoundaryNorm(np.arange(count + 1) - 0.5, count)
    ax.imshow(
        codes, origin="lower", extent=edges, cmap=colours, norm=norm, alpha=0.25, aspect="auto", interpolation="nearest"
    )
    ax.grid(False)


def _lines(ax: Axes, found: Shown, x1: Array, x2: Array) -> None:
    """w1·x1 + w2·x2 + b = 0 of the first layer's units, where they are few."""
    plan, look = found.trace.plan, current()
    step = plan.steps[0]
    if step.op != "affine" or plan.param(step.params[0]).shape[0] > 6:
        return
    slot = plan.slot(step.target)
    for unit in range(slot.width):
        z = found.trace.plan.param(step.params[0]).of(found.trace.theta)[unit]
        bias = plan.param(step.params[1]).of(found.trace.theta) if len(step.params) > 1 else np.zeros(1)
        heights = z[0] * x1[None, :] + z[1] * x2[:, None] + bias[unit if len(bias) > 1 else 0]
        name = found.symbols.unit_name(slot, unit) or found.symbols.value(slot, unit)
        if heights.min() < 0 < heights.max():
            dash = look.dashes[unit % len(look.dashes)]
            ax.contour(x1, x2, heights, levels=[0.0], colors=look.text, linewidths=1.4, linestyles=[dash])
            ax.plot([], [], color=look.text, linewidth=1.4, linestyle=dash, label=f"{name}: net input 0")


def _points(ax: Axes, at: Array, kind: Any, names: list[str]) -> None:
    look, many = current(), len(at) > 50
    for k, name in enumerate(names):
        chosen = at[kind == k]
        if len(chosen):
            ax.scatter(chosen[:, 0], chosen[:, 1], s=16 if many else 60, marker=look.markers[k % 6], color=look.colour(k),
                       edgecolors=look.page, linewidths=0.5, label=name, zorder=4)  # fmt: skip


def _legend(ax: Axes) -> None:
    if ax.get_legend_handles_labels()[0]:
        ax.legend(loc="upper left", bbox_to_anchor=(0.0, -0.14), ncols=3)
