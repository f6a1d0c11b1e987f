"""The network drawn: units with their numbers, weights on the wires, deltas below the units."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chainrule.constraints import whole
from chainrule.engines.trace import Trace
from chainrule.explain.digits import MINUS
from chainrule.explain.layout import HIGH, LABEL, NARROW, Place, crowded, eased, lay_out, shortened
from chainrule.explain.picture import Picture, Unit, Wire
from chainrule.explain.picture import picture as picture_of
from chainrule.explain.svg import compact
from chainrule.explain.symbols import Symbols
from chainrule.explain.working import one_row
from chainrule.plots.style import axes, current, in_style
from chainrule.plots.subject import Subject, shown

if TYPE_CHECKING:
    from matplotlib.axes import Axes

INCH = 84.0  # units of the layout in an inch of paper


@in_style()
def network(subject: Subject, data: Any = None, *, row: int = 0, of: str | None = None, ax: Axes | None = None) -> Axes:
    """The pass of one row: in a unit its net input | its output, below them their deltas; on a wire its weight, and its
    gradient; beside a unit's name its bias. Of wide layers the units that matter most are drawn.

    of: an address whose path to the loss is drawn bold, such as "W1[0,0]".

    >>> from chainrule import Dense, Network, backward, forward, initialize
    >>> net = Network(2, [Dense(3, "tanh"), Dense(1)])
    >>> ax = network(backward(forward(net, initialize(net), [[1.0, 2.0]], [1.0])))
    >>> ax.get_title("left")
    'The network and one pass, loss 0.02762'
    """
    found = shown(subject, data)
    symbols, whole_trace = found.symbols, found.trace
    row = whole("row", row, low=0, high=len(whole_trace.x) - 1)
    one = one_row(whole_trace, row)
    objective = one.plan.objective
    has_loss = one.losses is not None and objective is not None and objective.loss.name != "output"
    drawing = picture_of(one, symbols, found.address(of) if of else None, loss=has_loss)
    layout = lay_out(drawing)
    ax = axes(ax, size=(layout.width / INCH, (layout.height + 34) / INCH))
    pen = _Pen(ax, drawing, one, symbols)
    for column in drawing.columns:
        place = layout.places[column.units[0]]
        for n, text in enumerate(column.title):
            pen.write(place.x + place.width / 2, 18 + 16 * n, text, weight="bold" if n == 0 else "normal", soft=True)
    for wire, is_crowded in zip(drawing.wires, crowded(drawing), strict=True):
        pen.wire(wire, layout.places[wire.source], layout.places[wire.target], numbers=not is_crowded)
    for unit, place in layout.places.items():
        pen.unit(unit, place)
    if has_loss:
        pen.loss(layout.places, Place(layout.end - NARROW, layout.middle, NARROW))
    ax.set_xlim(0, layout.width)
    ax.set_ylim(layout.height + 10, 0)
    ax.set_aspect("equal")
    ax.set_axis_off()
    loss = "" if one.losses is None else f", loss {compact(float(one.losses[0]))}"
    ax.set_title(f"The network and one pass{loss}")
    return ax


class _Pen:
    """Draws the parts of one picture in the coordinates of the layout."""

    def __init__(self, ax: Axes, drawing: Picture, one: Trace, symbols: Symbols) -> None:
        self.ax, self.drawing, self.one, self.symbols, self.look = ax, drawing, one, symbols, current()

    def write(self, x: float, y: float, text: str, *, soft: bool = False, halo: bool = False, **how: Any) -> None:
        look = self.look
        settings = {"ha": "center", "va": "center", "fontsize": 8, "color": look.soft if soft else look.text, **how}
        if halo:
            settings["bbox"] = {"facecolor": look.page, "edgecolor": "none", "pad": 0.6}
        self.ax.text(x, y, text, **settings)

    def unit(self, unit: Unit, place: Place) -> None:
        """Its name and bias, then its numbers, then their deltas."""
        from matplotlib.patches import FancyBboxPatch

        look, top = self.look, place.y - HIGH / 2
        edge = look.colour(1) if unit.on_path else look.soft
        box = FancyBboxPatch(
            (place.x, top), place.width, HIGH, boxstyle=f"round,pad=0,rounding_size={HIGH / 2}", facecolor=look.page,
            edgecolor=edge, linewidth=1.8 if unit.on_path else 1.1, linestyle=":" if unit.left_out else "-", zorder=3,
        )  # fmt: skip
        self.ax.add_patch(box)
        if unit.left_out:
            self.write(place.x + place.width / 2, place.y, f"… {unit.left_out} more", soft=True, zorder=4)
            return
        double = len(unit.slots) == 2
        self.write(
            place.x + 4, top - 10, shortened(unit.name, 9 if double else LABEL), ha="left", weight="bold", zorder=4
        )
        self._bias(unit, place, top)
        if double:
            self.ax.plot([place.x + place.width / 2] * 2, [top, top + HIGH], color=edge, linewidth=0.9, zorder=4)
        width = place.width / len(unit.slots)
        for n, slot in enumerate(unit.slots):
            middle = place.x + (n + 0.5) * width + ((3, -3)[n] if double else 0)
            self.write(middle, place.y, compact(float(self.one.values[slot][0, unit.index])), zorder=4)
            if slot in self.one.deltas:
                delta = compact(float(self.one.deltas[slot][0, unit.index]))
                apart = ((-5, 5)[n]) if double else 0
                self.write(
                    middle + apart, top + HIGH + 11, delta, color=look.colour(1), fontsize=7, zorder=4, halo=True
                )

    def _bias(self, unit: Unit, place: Place, top: float) -> None:
        maker = self.symbols.plan.makers.get(unit.slots[0])
        if maker is None or maker.op != "affine" or len(maker.params) < 2:
            return
        bias = self.symbols.plan.param(maker.params[1])
        value = float(self.one.theta[bias.offset + (0 if bias.size == 1 else unit.index)])
        text = f"{'+' if value >= 0 else MINUS} {compact(abs(value))}"
        self.write(place.x + place.width - 3, top - 10, text, ha="right", soft=True, fontsize=7, zorder=4)

    def wire(self, wire: Wire, start: Place, end: Place, *, numbers: bool) -> None:
        look, thin = self.look, bool(wire.source.left_out or wire.target.left_out)
        x1, x2 = start.x + start.width, end.x
        self._curve(x1, start.y, x2, end.y, bold=wire.on_path, dotted=thin)
        if thin or wire.weight is None or not (numbers or wire.on_path):
            return
        (xw, yw), (xg, yg) = ((x1 + (x2 - x1) * t, start.y + (end.y - start.y) * eased(t)) for t in (0.3, 0.72))
        name = f"{shortened(wire.name, 5)} " if wire.name else ""
        self.write(xw, yw - 7, name + compact(wire.weight), fontsize=7, halo=True, zorder=5)
        target = wire.target.slots[0]
        if target in self.one.deltas:
            slope = self._gradient(target, wire)
            self.write(xg, yg + 8, compact(slope), fontsize=7, color=look.colour(1), halo=True, zorder=5)

    def _gradient(self, target: str, wire: Wire) -> float:
        """∂L/∂W of this row: the delta of the net input it leads to, times what comes in."""
        delta = self.one.deltas[target][0, wire.target.index]
        return float(delta * self.one.values[wire.source.slots[-1]][0, wire.source.index])

    def _curve(self, x1: float, y1: float, x2: float, y2: float, *, bold: bool, dotted: bool = False) -> None:
        from matplotlib.patches import PathPatch
        from matplotlib.path import Path

        look, bend = self.look, (x2 - x1) * 0.42
        corners = [(x1, y1), (x1 + bend, y1), (x2 - bend, y2), (x2, y2)]
        curve = Path(corners, [Path.MOVETO, Path.CURVE4, Path.CURVE4, Path.CURVE4])
        how = {"edgecolor": look.colour(1) if bold else look.soft, "linewidth": 2.0 if bold else 0.9}
        self.ax.add_patch(
            PathPatch(
                curve, facecolor="none", linestyle=":" if dotted else "-", alpha=1 if bold else 0.7, zorder=1, **how
            )
        )

    def loss(self, places: dict[Unit, Place], place: Place) -> None:
        from matplotlib.patches import FancyBboxPatch

        look, output = self.look, self.symbols.plan.output
        assert self.one.losses is not None and self.one.y is not None
        for unit, at in places.items():
            if output in unit.slots and not unit.left_out:
                self._curve(at.x + at.width, at.y, place.x, place.y, bold=unit.on_path)
                goal = float(self.one.y[0, unit.index]) if self.one.y.ndim == 2 else float(self.one.y[0] == unit.index)
                self.write(
                    at.x + at.width + 6, at.y - HIGH / 2 - 10, f"→ {compact(goal)}", ha="left", soft=True, fontsize=7
                )
        shape = "round,pad=0,rounding_size=8"
        self.ax.add_patch(
            FancyBboxPatch(
                (place.x, place.y - HIGH / 2),
                NARROW,
                HIGH,
                boxstyle=shape,
                facecolor=look.page,
                edgecolor=look.soft,
                zorder=3,
            )
        )
        self.write(place.x + 4, place.y - HIGH / 2 - 10, shortened(self.symbols.loss), ha="left", weight="bold")
        self.write(place.x + NARROW / 2, place.y, compact(float(self.one.losses[0])), zorder=4)
