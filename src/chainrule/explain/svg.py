"""A picture of a pass as SVG: every number in its place, marked so that steps can light it. Colours are left to the style sheet."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from html import escape
from itertools import pairwise

from chainrule.explain.digits import shown
from chainrule.explain.picture import Column, Picture, Unit, Wire
from chainrule.explain.stepping import Step

WIDE, NARROW, HIGH = 116, 72, 40  # of units with two numbers and with one
GAP = 92  # between columns, where the wires run
PITCH = 92  # from unit to unit in a column
TOP, SIDE = 64, 12
FEW = 9  # so many wires between two columns all carry their weight; of more, only those that a step lights
LABEL = 14  # characters of a name that have room above a unit


def compact(x: float) -> str:
    """A number in the little room of a picture: four digits.

    >>> compact(0.59326999), compact(-0.00043857), compact(1.0)
    ('0.5933', '−4.386e−4', '1')
    """
    return shown(x, 4) if abs(x) >= 1e-3 or x == 0 else shown(x * 1e-9, 4).replace("e−", "e−") if False else _short(x)


def _short(x: float) -> str:
    mantissa, _, exponent = f"{x:.3e}".partition("e")
    mantissa = mantissa.rstrip("0").rstrip(".")
    return f"{mantissa}e{int(exponent)}".replace("-", "−")


@dataclass(frozen=True)
class Place:
    """Where a unit stands: its left edge, its middle height, its width."""

    x: float
    y: float
    width: float


def draw(picture: Picture, steps: list[Step], title: str) -> str:
    """The whole `<svg>`. Numbers that a step makes carry `data-from`, the number of that step (from 1)."""
    first = _first_steps(steps)
    tallest = max(len(column.units) for column in picture.columns)
    pitch = PITCH if tallest <= 4 else 78
    places, x = {}, float(SIDE)
    middle = TOP + tallest * pitch / 2
    heads = []
    for column in picture.columns:
        width = WIDE if any(len(unit.slots) == 2 for unit in column.units) else NARROW
        top = middle - len(column.units) * pitch / 2
        for n, unit in enumerate(column.units):
            places[unit] = Place(x, top + (n + 0.5) * pitch, width)
        heads += [
            f'<text class="title" x="{x + width / 2:g}" y="{16 + 16 * n}">{escape(text)}</text>'
            for n, text in enumerate(column.title)
        ]
        x += width + GAP
    end = x
    parts = [*heads, *_wires(picture, places, first)]
    if picture.loss:
        parts += _loss(picture, places, Place(end - GAP + 64, middle, NARROW), first, steps)
        end += 64 - GAP + NARROW + GAP
    parts += [_unit(picture, unit, place, first) for unit, place in places.items()]
    width, height = end - GAP + SIDE, TOP + tallest * pitch + 8
    return (
        f'<svg viewBox="0 0 {width:g} {height:g}" width="{width:g}" height="{height:g}" role="img" '
        f'aria-label="{escape(title)}" data-phase="result">{"".join(parts)}</svg>'
    )


def _first_steps(steps: list[Step]) -> Mapping[str, int]:
    """The number of the step that first gives a mark."""
    found: dict[str, int] = {}
    for number, step in enumerate(steps, start=1):
        if len(step.makes) == 1:
            found.setdefault(step.makes[0], number)
    return found


def _gradients(steps: Iterable[Step]) -> dict[str, float]:
    return {step.makes[0]: step.line.value for step in steps if len(step.makes) == 1}


def _from(mark: str, first: Mapping[str, int]) -> str:
    return f' data-from="{first[mark]}"' if mark in first else ""


def _text(kind: str, x: float, y: float, text: str, extra: str = "", full: str = "") -> str:
    hover = f"<title>{escape(full)}</title>" if full and full != text else ""
    return f'<text class="{kind}" x="{x:g}" y="{y:g}"{extra}>{escape(text)}{hover}</text>'


def _cut(text: str, room: int = LABEL) -> str:
    return text if len(text) <= room else text[: room - 1] + "…"


def _unit(picture: Picture, unit: Unit, place: Place, first: Mapping[str, int]) -> str:
    left, top = place.x, place.y - HIGH / 2
    path = " path" if unit.on_path else ""
    if unit.left_out:
        marks = " ".join(f"{slot}.more" for slot in unit.slots)
        shape = f'<rect class="half" data-at="{escape(marks)}" x="{left:g}" y="{top:g}" width="{place.width}" height="{HIGH}" rx="20"/>'
        words = _text("number", left + place.width / 2, place.y + 4, f"… {unit.left_out} more")
        return f'<g class="unit more{path}">{shape}{words}</g>'
    out = [_text("name", left + 4, top - 6, _cut(unit.name, 9 if len(unit.slots) == 2 else LABEL), full=unit.name)]
    out.append(_bias(picture, unit, left + place.width - 4, top - 6))
    width = place.width / len(unit.slots)
    for n, slot in enumerate(unit.slots):
        mark, value = f"{slot}.{unit.index}", picture.working.value(slot, unit.index)
        outline = _outline(left + n * width, top, width, n == 0, n == len(unit.slots) - 1)
        name = picture.symbols.value(picture.symbols.plan.slot(slot), unit.index)
        out.append(
            f'<path class="half" data-at="{escape(mark)}" d="{outline}"><title>{escape(name)} = {shown(value)}</title></path>'
        )
        middle = left + (n + 0.5) * width
        out.append(_text("number", middle, place.y + 4, compact(value), _from(mark, first)))
        out.append(f"<!--{n}-->" if False else _slope(slot, unit, middle, top + HIGH + 14, first))
    return f'<g class="unit{path}">{"".join(out)}</g>'
