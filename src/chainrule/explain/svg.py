"""A picture of a pass as SVG: every number in its place, marked so that steps can light it. Colours are the style sheet's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html import escape

from chainrule.explain.digits import MINUS, shown
from chainrule.explain.layout import HIGH, LABEL, NARROW, Place, crowded, eased, lay_out, shortened
from chainrule.explain.picture import Picture, Unit, Wire
from chainrule.explain.stepping import Step


def compact(x: float) -> str:
    """A number in the little room of a picture: four digits.

    >>> compact(0.59326999), compact(-0.00043857), compact(1.0)
    ('0.5933', '−4.386e−4', '1')
    """
    if x == 0 or abs(x) >= 1e-3:
        return shown(x, 4)
    mantissa, _, exponent = f"{x:.3e}".partition("e")
    return f"{mantissa.rstrip('0').rstrip('.')}e{int(exponent)}".replace("-", MINUS)


def draw(picture: Picture, steps: list[Step], title: str) -> str:
    """The whole `<svg>`. Numbers that a step makes carry `data-from`, the number of that step (from 1)."""
    drawing = _Drawing(picture, steps)
    width, height = drawing.layout.width, drawing.layout.height
    return (
        f'<svg viewBox="0 0 {width:g} {height:g}" style="--wide:{width:g}px" role="img" aria-label="{escape(title)}">'
        f"{''.join(drawing.parts())}</svg>"
    )


def _text(kind: str, x: float, y: float, text: str, extra: str = "", full: str = "") -> str:
    hover = f"<title>{escape(full)}</title>" if full and full != text else ""
    return f'<text class="{kind}" x="{x:g}" y="{y:g}"{extra}>{escape(text)}{hover}</text>'


class _Drawing:
    """The places of a picture's units, and the numbers that the steps give."""

    def __init__(self, picture: Picture, steps: list[Step]) -> None:
        self.picture, self.working, self.symbols = picture, picture.working, picture.symbols
        self.first: dict[str, int] = {}
        self.given: dict[str, Step] = {}
        for number, step in enumerate(steps, start=1):
            if len(step.makes) == 1 and step.phase not in ("batch", "update"):
                self.first.setdefault(step.makes[0], number)
                self.given[step.makes[0]] = step
        self.layout = lay_out(picture)
        self.places = self.layout.places

    def parts(self) -> Iterator[str]:
        """Titles, wires, the loss, units: what comes later lies above."""
        for column in self.picture.columns:
            place = self.places[column.units[0]]
            for n, text in enumerate(column.title):
                yield _text("title" if n == 0 else "function", place.x + place.width / 2, 18 + 16 * n, text)
        for wire, is_crowded in zip(self.picture.wires, crowded(self.picture), strict=True):
            yield self._wire(wire, crowded=is_crowded)
        if self.picture.loss:
            yield from self._loss()
        for unit, place in self.places.items():
            yield self._rest(unit, place) if unit.left_out else self._unit(unit, place)

    def _since(self, mark: str) -> str:
        return f' data-from="{self.first[mark]}"' if mark in self.first else ""

    def _gradient(self, mark: str, x: float, y: float, before: str = "") -> str:
        """The gradient that a step gives, where one does."""
        step = self.given.get(f"g.{mark}")
        if step is None:
            return ""
        extra = f' data-at="g.{escape(mark)}"{self._since(f"g.{mark}")}'
        full = f"{step.line.symbol} = {shown(step.line.value)}"
        return _text("gradient", x, y, before + compact(step.line.value), extra, full)

    def _unit(self, unit: Unit, place: Place) -> str:
        left, top, double = place.x, place.y - HIGH / 2, len(unit.slots) == 2
        out = [_text("name", left + 4, top - 7, shortened(unit.name, 9 if double else LABEL), full=unit.name)]
        out.append(self._bias(unit, left + place.width - 2, top - 7))
        width = place.width / len(unit.slots)
        for n, slot_name in enumerate(unit.slots):
            slot = self.symbols.plan.slot(slot_name)
            mark, value = f"{slot_name}.{unit.index}", self.working.value(slot_name, unit.index)
            hover = f"{self.symbols.value(slot, unit.index)} = {shown(value)}"
            outline = _outline(left + n * width, top, width, first=n == 0, last=n == len(unit.slots) - 1)
            middle = left + (n + 0.5) * width + (3 if double and n == 0 else -3 if double else 0)
            out.append(
                f'<path class="half" data-at="{escape(mark)}" d="{outline}"><title>{escape(hover)}</title></path>'
            )
            out.append(_text("number", middle, place.y + 4, compact(value), self._since(mark)))
            apart = (-5 if n == 0 else 5) if double else 0
            out.append(self._gradient(mark, middle + apart, top + HIGH + 15, "" if double else "∂ "))
        return f'<g class="unit{" path" if unit.on_path else ""}">{"".join(out)}</g>'

    def _bias(self, unit: Unit, x: float, y: float) -> str:
        maker = self.symbols.plan.makers.get(unit.slots[0])
        if maker is None or maker.op != "affine" or len(maker.params) < 2:
            return ""
        bias = self.symbols.plan.param(maker.params[1])
        entry = 0 if bias.size == 1 else unit.index
        name, value = self.symbols.param(bias, entry), self.working.theta(bias, entry)
        text = (
            f"{shortened(name, 4)} {compact(value)}"
            if bias.names
            else f"{'+ ' if value >= 0 else MINUS + ' '}{compact(abs(value))}"
        )
        mark = f"{bias.name}.{entry}"
        return _text("bias", x, y, text, f' data-at="{escape(mark)}"', f"{name} = {shown(value)}")

    def _rest(self, unit: Unit, place: Place) -> str:
        marks = " ".join(f"{slot}.more" for slot in unit.slots)
        box = f'x="{place.x:g}" y="{place.y - HIGH / 2:g}" width="{place.width:g}" height="{HIGH}" rx="20"'
        words = _text("number", place.x + place.width / 2, place.y + 4, f"… {unit.left_out} more")
        path = " path" if unit.on_path else ""
        return f'<g class="unit more{path}"><rect class="half" data-at="{escape(marks)}" {box}/>{words}</g>'

    def _wire(self, wire: Wire, *, crowded: bool) -> str:
        start, end = self.places[wire.source], self.places[wire.target]
        x1, x2 = start.x + start.width, end.x
        bend = (x2 - x1) * 0.42
        line = f'<path d="M{x1:g} {start.y:g}C{x1 + bend:g} {start.y:g} {x2 - bend:g} {end.y:g} {x2:g} {end.y:g}"/>'
        kind = "wire" + (" path" if wire.on_path else "") + (" crowded" if crowded else "")
        if wire.source.left_out or wire.target.left_out:
            return f'<g class="wire thin">{line}</g>'
        if wire.weight is None:
            return f'<g class="{kind}">{line}</g>'
        # The weight stands in the first part of the way, where the wires of a crossing are apart, its gradient in the last.
        (xw, yw), (xg, yg) = ((x1 + (x2 - x1) * t, start.y + (end.y - start.y) * eased(t)) for t in (0.3, 0.72))
        text = f"{shortened(wire.name, 5)} {compact(wire.weight)}" if wire.name else compact(wire.weight)
        label = _text("weight", xw, yw - 4, text, full=f"{wire.name or wire.mark} = {shown(wire.weight)}")
        gradient = self._gradient(wire.mark, xg, yg + 13)
        return f'<g class="{kind}" data-at="{escape(wire.mark)}">{line}{label}{gradient}</g>'

    def _loss(self) -> Iterator[str]:
        plan = self.symbols.plan
        place = Place(self.layout.end - NARROW, self.layout.middle, NARROW)
        outputs = [(unit, at) for unit, at in self.places.items() if plan.output in unit.slots and not unit.left_out]
        for unit, at in outputs:
            x1, bend = at.x + at.width, (place.x - at.x - at.width) * 0.42
            curve = f"M{x1:g} {at.y:g}C{x1 + bend:g} {at.y:g} {place.x - bend:g} {place.y:g} {place.x:g} {place.y:g}"
            yield f'<g class="wire{" path" if unit.on_path else ""}"><path d="{curve}"/></g>'
            target = self.working.target(unit.index)
            full = f"{self.symbols.target(unit.index)} = {shown(target)}"
            mark = f' data-at="y.{unit.index}"'
            yield _text("target", x1 + 6, at.y - HIGH / 2 - 7, f"→ {compact(target)}", mark, full)
        loss = self.working.trace.losses
        assert loss is not None
        value, top = float(loss[0]), place.y - HIGH / 2
        shape = f'x="{place.x:g}" y="{top:g}" width="{place.width:g}" height="{HIGH}" rx="8"'
        yield '<g class="unit loss">' + _text("name", place.x + 4, top - 7, shortened(self.symbols.loss), full="loss")
        yield f'<rect class="half" data-at="loss" {shape}><title>{escape(self.symbols.loss)} = {shown(value)}</title></rect>'
        yield _text("number", place.x + place.width / 2, place.y + 4, compact(value), self._since("loss")) + "</g>"


def _outline(x: float, y: float, width: float, *, first: bool, last: bool) -> str:
    """A box of the height of a unit, round at its free ends."""
    r, h = HIGH / 2, HIGH
    left = f"M{x + r:g} {y + h:g}a{r:g} {r:g} 0 0 1 0 {-h}" if first else f"M{x:g} {y + h:g}v{-h}"
    right = f"H{x + width - r:g}a{r:g} {r:g} 0 0 1 0 {h}" if last else f"H{x + width:g}v{h}"
    return f"{left}{right}z"


def undrawn(picture: Picture, mark: str) -> str:
    """The mark of what stands in the picture for a unit that is not drawn by itself."""
    slot, _, unit = mark.rpartition(".")
    if slot in picture.symbols.plan._slots and unit.isdigit() and not picture.drawn(slot, int(unit)):
        return f"{slot}.more"
    return mark


def numbers(picture: Picture) -> Mapping[str, list[tuple[str, ...]]]:
    """Every number of the picture in words: rows (unit, net input, output) and (from, to, weight)."""
    units: list[tuple[str, ...]] = [
        (unit.name, *(shown(picture.working.value(slot, unit.index)) for slot in unit.slots))
        for column in picture.columns for unit in column.units if not unit.left_out
    ]  # fmt: skip
    wires: list[tuple[str, ...]] = [
        (wire.source.name, wire.target.name, shown(wire.weight))
        for wire in picture.wires if wire.weight is not None
    ]  # fmt: skip
    return {"units": units, "wires": wires}
