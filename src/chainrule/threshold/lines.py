"""Decision lines of units with two inputs, and the regions of every unit of a network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from chainrule.constraints import whole
from chainrule.errors import SettingError
from chainrule.network import Network, initialize
from chainrule.shapes import Array, read_only
from chainrule.steps import forward


def decision_line(weights: Sequence[float]) -> str:
    """The line w0 + w1·x1 + w2·x2 = 0 as text, and the side on which the unit answers 1.

    >>> decision_line((-0.5, 1, 1))
    'x2 = −x1 + 0.5; 1 on it and above'
    """
    if len(weights) != 3:
        raise SettingError("CR204", "a line needs the weights w0, w1, w2", got=f"{len(weights)} weights")
    w0, w1, w2 = (float(w) for w in weights)
    if w2:
        slope, offset = -w1 / w2, -w0 / w2
        side = "above" if w2 > 0 else "below"
        return f"x2 = {_sum(slope, offset)}; 1 on it and {side}"
    if w1:
        return f"x1 = {_number(-w0 / w1)}; 1 on it and to the {'right' if w1 > 0 else 'left'}"
    return f"no line: {int(w0 >= 0)} everywhere"


@dataclass(frozen=True, eq=False)
class Regions:
    """The answers of every hidden unit and output on a grid over the plane.

    x1, x2: the grid, shapes (n,) and (m,). answers: name of the unit -> (m, n), row by row of x2 from the lowest.
    """

    x1: Array
    x2: Array
    answers: dict[str, Array]

    def text(self, unit: str) -> str:
        """A picture in characters: `#` where the unit answers 1 (at least ½), `.` where 0; x1 to the right, x2 upwards."""
        rows = self.answers[unit][::-1] >= 0.5
        return "\n".join("".join("#" if one else "." for one in row) for row in rows)


def regions(
    network: Network, theta: Array | None = None, *, low: float = -0.5, high: float = 1.5, points: int = 17
) -> Regions:
    """The regions of every unit of a network with two inputs over [low, high]², on a grid of `points` per side.

    theta: the parameters; by default those that the network was given.

    >>> from chainrule.threshold.networks import xor_by_two_lines
    >>> print(regions(xor_by_two_lines(), points=9).text("y"))
    ###......
    ####.....
    #####....
    .#####...
    ..#####..
    ...#####.
    ....#####
    .....####
    ......###
    """
    if network.input_count != 2:
        raise SettingError("CR204", "regions are drawn for two inputs", got=str(network.input_count))
    grid = np.linspace(low, high, whole("points", points, low=2))
    x1, x2 = np.meshgrid(grid, grid)
    trace = forward(
        network, initialize(network) if theta is None else theta, np.stack([x1.ravel(), x2.ravel()], axis=1)
    )
    answers = {}
    for slot in network.plan.slots:
        if slot.kind == "activation":
            for unit in range(slot.width):
                name = slot.units[unit] if slot.units else f"{slot.name}[{unit}]"
                answers[name] = read_only(trace[slot.name][:, unit].reshape(x1.shape))
    return Regions(read_only(grid), read_only(grid), answers)


def _number(value: float) -> str:
    return f"{value + 0.0:.6g}".replace("-", "−")


def _sum(slope: float, offset: float) -> str:
    first = "" if slope == 0 else {1.0: "x1", -1.0: "−x1"}.get(slope, f"{_number(slope)}·x1")
    if not first:
        return _number(offset)
    return first if offset == 0 else f"{first} {'−' if offset < 0 else '+'} {_number(abs(offset))}"
