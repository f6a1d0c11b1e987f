"""Reading learning curves: are they still falling, flat, or turning up, and since when?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from chainrule.shapes import Array
from chainrule.training.history import History

FALLING = 0.05  # of the loss of a constant prediction, over the last fifth of the epochs: a loss that still falls

Floats = Array


@dataclass(frozen=True)
class Curve:
    """A loss per epoch, and what can be read from it. All differences are in units of the loss."""

    values: tuple[float, ...]

    @property
    def last(self) -> float:
        return self.values[-1]

    @property
    def best(self) -> float:
        return min(self.values)

    @property
    def turning_epoch(self) -> int:
        """The epoch (from 1) with the lowest value of the smoothed curve."""
        return int(np.argmin(_smooth(np.array(self.values)))) + 1

    @property
    def rise(self) -> float:
        """By how much the smoothed curve ends above its lowest point."""
        smooth = _smooth(np.array(self.values))
        return float(smooth[-1] - smooth.min())

    @property
    def drop(self) -> float:
        """By how much it fell over its last fifth (an epoch at least)."""
        smooth = _smooth(np.array(self.values))
        back = max(1, len(smooth) // 5)
        return float(smooth[max(0, len(smooth) - 1 - back)] - smooth[-1])

    @property
    def noise(self) -> float:
        """The typical change from one epoch to the next in the second half, beside the trend."""
        half = np.diff(np.array(self.values)[len(self.values) // 2 :])
        return float(np.median(np.abs(half - np.median(half)))) if len(half) > 2 else 0.0


def curve(history: History, name: str) -> Curve | None:
    """A column of the history with two finite epochs at least; None otherwise."""
    if name not in history:
        return None
    values = history[name]
    if len(values) < 2 or not np.isfinite(values).all():
        return None
    return Curve(tuple(values))


def train_curve(history: History) -> Curve | None:
    """The training loss: measured at the end of every epoch where that was recorded, else while the weights moved."""
    return curve(history, "loss_at_end") or curve(history, "loss")


def _smooth(values: Floats) -> Floats:
    """The centred mean of about a twentieth of the epochs, shorter at both ends."""
    half = len(values) // 40
    if not half:
        return values
    sums = np.concatenate([[0.0], np.cumsum(values)])
    i = np.arange(len(values))
    reach = np.minimum(half, np.minimum(i, len(values) - 1 - i))
    found: Floats = (sums[i + reach + 1] - sums[i - reach]) / (2 * reach + 1)
    return found
