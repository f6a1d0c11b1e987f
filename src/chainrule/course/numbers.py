"""A number of a worked example beside the library's own."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Number:
    """What it is, its true value, what the library computes.

    scale: the size of the numbers that it is a difference of, where that is larger than itself: an error is measured by it.
    """

    what: str
    true: float
    computed: float | None
    scale: float = 0.0

    @property
    def difference(self) -> float:
        """Relative to the number or its scale; absolute below 1e-3, where the file's 15 digits end."""
        if self.computed is None or not math.isfinite(self.computed):
            return math.inf
        return abs(self.computed - self.true) / max(abs(self.true), self.scale, 1e-3)


def numbers(what: str, true: Any, computed: Any) -> Iterator[Number]:
    """Two nested lists, number by number; null entries of the first (undefined) are left out."""
    if isinstance(true, (list, tuple)):
        computed = list(computed)
        if len(true) != len(computed):
            yield Number(f"{what}: how many", float(len(true)), float(len(computed)))
            return
        for i, (one, other) in enumerate(zip(true, computed, strict=True)):
            yield from numbers(f"{what}[{i}]", one, other)
    elif true is not None:
        yield Number(what, float(true), float(computed))
