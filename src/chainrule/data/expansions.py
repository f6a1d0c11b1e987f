"""Further inputs beside a number: functions of it that a network would otherwise have to bend itself.

Gorishniy, Rubachev, Babenko, On embeddings for numerical features in tabular deep learning (2022): pieces are their
piecewise-linear encoding, waves their periodic one, with frequencies that stay as they were drawn (Rahimi, Recht, Random
features for large-scale kernel machines, 2007) as in the embedding of Holzmüller, Grinsztajn, Steinwart, Better by default
(2024).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from chainrule.rng import generator

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Wave:
    """cos(2π · frequency · x + phase) of a number x on its scale: `frequency` in cycles for one spread, `phase` in radians."""

    frequency: float
    phase: float

    def __call__(self, x: Floats) -> Floats:
        return np.cos(2.0 * np.pi * self.frequency * x + self.phase)


@dataclass(frozen=True)
class Expansion:
    """One further input of a number: (`of` - shift) / scale.

    `label` tells it apart from the number's others, `meaning` is "piece" or "wave"; `of` makes what it stands for, in its
    own unit, from the values in the column's unit and on their scale, both (rows,).
    """

    label: str
    meaning: str
    of: Callable[[Floats, Floats], Floats]
    shift: float
    scale: float

    def __call__(self, values: Floats, scaled: Floats) -> Floats:
        return (self.of(values, scaled) - self.shift) / self.scale


def expansions_of(knots: Sequence[float], waves: Sequence[Wave], height: float) -> list[Expansion]:
    """A piece between each two neighbours a < b of `knots`, which rises by `height` from a to b and stays level outside;
    then the waves, which go from -height to height.

    >>> [one.label for one in expansions_of((20.0, 31.0, 80.0), (Wave(0.3137, 1.5),), 0.25)]
    ['20 to 31', '31 to 80', 'cos 0.314']
    """
    ends, turns = told_apart(knots), told_apart([wave.frequency for wave in waves])
    pieces = [
        Expansion(
            f"{ends[i]} to {ends[i + 1]}", "piece", _cut(low, high), low + (high - low) / 2, (high - low) / height
        )
        for i, (low, high) in enumerate(pairwise(knots))
    ]
    return pieces + [
        Expansion(f"cos {turn}", "wave", _waved(wave), 0.0, 1.0 / height)
        for turn, wave in zip(turns, waves, strict=True)
    ]


def _cut(low: float, high: float) -> Callable[[Floats, Floats], Floats]:
    return lambda values, scaled: np.clip(values, low, high)


def _waved(wave: Wave) -> Callable[[Floats, Floats], Floats]:
    return lambda values, scaled: wave(scaled)


def told_apart(numbers: Sequence[float]) -> list[str]:
    """The numbers with as few digits as keep them different."""
    for digits in range(3, 18):
        texts = [f"{number:.{digits}g}" for number in numbers]
        if len(set(texts)) == len(numbers):
            break
    return texts


def knots_of(values: Floats, pieces: int) -> tuple[float, ...]:
    """The ends of pieces that hold equally many values; none where a single piece is left, which the number itself is."""
    if pieces < 2 or not len(values) or not np.isfinite(np.ptp(values)):
        return ()
    ends = np.unique(np.quantile(values, np.linspace(0.0, 1.0, pieces + 1), method="lower"))
    return tuple(ends.tolist()) if len(ends) > 2 else ()


def waves_of(values: Floats, count: int, spread: float, seed: int, name: str) -> tuple[Wave, ...]:
    """So many waves for the number called `name`, whatever other columns there are: frequencies |N(0, spread²)|, phases
    U(-π, π). None for a number with fewer than three values, which the number itself tells apart."""
    if count < 1 or len(np.unique(values)) < 3:
        return ()
    draw = generator(seed, f"waves of {name}")
    frequencies = np.sort(np.abs(draw.normal(0.0, spread, count)))
    return tuple(map(Wave, frequencies.tolist(), draw.uniform(-np.pi, np.pi, count).tolist()))


def waves_from(plain: Sequence[dict[str, Any]]) -> tuple[Wave, ...]:
    """Waves as a model file holds them; TypeError for anything but finite numbers and different frequencies."""
    waves = tuple(Wave(**one) for one in plain)
    if not all(_is_finite(wave.frequency) and _is_finite(wave.phase) for wave in waves):
        raise TypeError("a wave is two finite numbers")
    if len({wave.frequency for wave in waves}) < len(waves):
        raise TypeError("two waves of one frequency")
    return waves


def knots_from(plain: Sequence[float]) -> tuple[float, ...]:
    """The ends of pieces as a model file holds them; TypeError for anything but finite numbers that rise."""
    if not all(map(_is_finite, plain)) or any(low >= high for low, high in pairwise(plain)):
        raise TypeError("the ends of pieces are finite numbers that rise")
    return tuple(plain)


def _is_finite(number: object) -> bool:
    return isinstance(number, float) and math.isfinite(number)
