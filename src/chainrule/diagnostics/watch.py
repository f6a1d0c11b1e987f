"""A light check while a network trains: one word per hidden layer, for at most two hundredths of the time."""

from __future__ import annotations

import time

from chainrule.diagnostics.layers import states, words
from chainrule.training.loop import EpochEnd

SHARE = 0.02  # of the time since training began


class Watch:
    """Says how the layers are at the end of an epoch: "ok", "saturated", "dead", "vanishing" or "exploding" for each.

    A look is one pass of 64 rows. It is taken when all looks so far, and one more like the last, stay below 2 % of the time;
    between two looks the last words are said again.

    >>> from chainrule import fit
    >>> said = []
    >>> watch = Watch()
    >>> rows = {"a": [i % 9 for i in range(90)], "y": [(i % 9) ** 2 / 10 for i in range(90)]}
    >>> model = fit(rows, "y", network=(4, 3), epochs=3, test=0, progress=lambda event: said.append(watch(event)))
    >>> said[0]
    'layers ok ok'
    """

    def __init__(self) -> None:
        self.began, self.spent, self.cost, self.said = time.perf_counter(), 0.0, 0.0, ""

    def __call__(self, event: EpochEnd) -> str:
        """The words, such as "layers ok dead"; nothing where there is no hidden layer."""
        now = time.perf_counter()
        if event.look is None or (self.said and self.spent + self.cost > SHARE * (now - self.began)):
            return self.said
        found = words(states(event.look()))
        self.said = " ".join(["layers", *found.values()]) if found else ""
        self.cost = time.perf_counter() - now
        self.spent += self.cost
        return self.said
