"""What the light checks cost: the same training with and without them, in turns, and the share of time that they took.

python benchmarks/watch_overhead.py [pairs]
"""

from __future__ import annotations

import sys
import time

import numpy as np

from chainrule import fit
from chainrule.diagnostics.watch import Watch

SIZES = ((300, (16,), 300), (2000, (64, 32), 60), (20000, (128, 64), 8))
"""Rows, hidden layers, epochs."""


def once(rows: int, network: tuple[int, ...], epochs: int, watched: bool) -> tuple[float, float]:
    """Seconds of a training, and the share of them that the checks took."""
    source = np.random.default_rng(0)
    x = source.normal(size=(rows, 10))
    y = np.sin(x[:, 0]) + x[:, 1] * x[:, 2]
    watch = Watch()
    began = time.perf_counter()
    fit((x, y), network=network, epochs=epochs, test=0.1, patience=epochs, n_jobs=1,
        progress=watch if watched else lambda event: None)  # fmt: skip
    seconds = time.perf_counter() - began
    return seconds, watch.spent / seconds


def main(pairs: int) -> None:
    """One line per size: medians over the pairs."""
    print(f"{'rows':>6}  {'network':>9}  {'without':>8}  {'with':>8}  {'ratio':>6}  {'in checks':>9}")
    for rows, network, epochs in SIZES:
        times = np.array(
            [[*once(rows, network, epochs, False)[:1], *once(rows, network, epochs, True)] for _ in range(pairs)]
        )
        plain, watched, share = np.median(times, axis=0)
        ratio = np.median(times[:, 1] / times[:, 0])
        name = "-".join(map(str, network))
        print(f"{rows:>6}  {name:>9}  {plain:>7.3f}s  {watched:>7.3f}s  {ratio:>6.3f}  {share:>8.2%}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 7)
