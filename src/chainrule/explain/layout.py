"""Where the units of a picture stand, for everything that draws one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from chainrule.explain.picture import Picture, Unit

WIDE, NARROW, HIGH = 124, 76, 40  # of units with two numbers and with one
GAP = 112  # between columns, where the wires run
TOP, SIDE = 48, 12
ROOMY, DENSE = 94, 78  # from unit to unit in a column, of few units and of many
FEW = 4  # so many wires between two columns, or all into one unit, carry their weights; of others, those that a step lights
LABEL = 12  # characters of a name that have room above a unit


class Place(NamedTuple):
    """Where a unit stands: its left edge, its middle height, its width."""

    x: float
    y: float
    width: float


@dataclass(frozen=True)
class Layout:
    """The places of all units; the loss ends at `end` and stands at the height `middle`; y grows downwards."""

    places: dict[Unit, Place]
    middle: float
    end: float
    height: float

    @property
    def width(self) -> float:
        return self.end + SIDE


def lay_out(picture: Picture) -> Layout:
    """Columns from left to right, the units of each one above the other around one middle line."""
    tallest = max(len(column.units) for column in picture.columns)
    pitch = ROOMY if tallest <= 4 else DENSE
    middle, x = TOP + tallest * pitch / 2, float(SIDE)
    places: dict[Unit, Place] = {}
    for column in picture.columns:
        width = WIDE if any(len(unit.slots) == 2 for unit in column.units) else NARROW
        top = middle - len(column.units) * pitch / 2
        for n, unit in enumerate(column.units):
            places[unit] = Place(x, top + (n + 0.5) * pitch, width)
        x += width + GAP
    end = x - GAP + (GAP - 28 + NARROW if picture.loss else 0)
    return Layout(places, middle, end, TOP + tallest * pitch)


def crowded(picture: Picture) -> list[bool]:
    """For every wire, whether there are too many beside it for its weight to be read."""
    into: dict[tuple[str, ...], list[int]] = {}
    for wire in picture.wires:
        into.setdefault(wire.target.slots, []).extend([wire.target.index] if wire.weight is not None else [])
    return [len(ends) > FEW and len(set(ends)) > 1 for ends in (into[wire.target.slots] for wire in picture.wires)]


def shortened(text: str, room: int = LABEL) -> str:
    """A name with room for its beginning and its end: names of columns often differ at the end.

    >>> shortened("worst concave points")
    'worst c…ints'
    """
    return text if len(text) <= room else f"{text[: room - room // 3 - 1]}…{text[-(room // 3) :]}"


def eased(t: float) -> float:
    """How far down a wire is after the part t of its way: the height of its curve, nearly."""
    return t * t * (3.0 - 2.0 * t)
