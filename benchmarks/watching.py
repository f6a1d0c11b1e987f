"""What do metrics, history and checkpoints cost on top of the training itself?

    python benchmarks/watching.py                 the workload tabular-large, 9 pairs of 12 epochs
    python benchmarks/watching.py --pairs 15 --metric accuracy --metric f1_macro --json

Trains the same network on the same rows bare, with the training loop of `fit` and nobody looking, and watched: a tenth as
many validation rows, metrics on training and validation rows after every epoch, the best weights kept, and a run folder
with its log and snapshots. The two take turns, A B, B A, …; the ratio is that of each pair, and its interval that of the
median (by signs). `--one-core` pins to one core and takes the processor's time instead of the clock's, which a busy
neighbour disturbs far less; what is measured runs on one core anyway, so that on two cores it weighs twice as much.
One pass over the validation rows an epoch is what validation is, whoever does it: its time, taken within every pair, is
shown on a line of its own and is not part of the cost.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))
from workloads import LEARNING_RATE, WORKLOADS, data, weights

from chainrule import Dense, Network, Update, rules
from chainrule.engines.base import Rows
from chainrule.engines.choose import choose
from chainrule.metrics import catalog
from chainrule.run import Run
from chainrule.training.loop import Settings, begin, train
from chainrule.training.stopping import EarlyStopping


def timed(work: Callable[[], Any], clock: Callable[[], float]) -> float:
    began = clock()
    work()
    return clock() - began


def median_interval(values: list[float]) -> tuple[float, float, float]:
    """The median and its interval at about 95 %, by the signs of the differences (no assumption about their law)."""
    ordered, n = sorted(values), len(values)
    below, chance = 0, 0.5**n
    while chance + math.comb(n, below + 1) * 0.5**n <= 0.025:
        below += 1
        chance += math.comb(n, below) * 0.5**n
    return float(np.median(ordered)), ordered[below], ordered[n - 1 - below]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--workload", choices=[n for n, w in WORKLOADS.items() if w.loss == "ce"], default="tabular-large"
    )
    parser.add_argument("--metric", action="append", help="accuracy and f1_macro unless named")
    parser.add_argument("--pairs", type=int, default=9)
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--one-core", action="store_true", help="one core, processor time")
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    clock = time.process_time if asked.one_core else time.perf_counter
    if asked.one_core:
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    work = WORKLOADS[asked.workload]
    x, y = data(work)
    layers = [Dense(width, work.activation) for width in work.sizes[1:-1]]
    plan = Network(work.sizes[0], [*layers, Dense(work.sizes[-1], "softmax")]).plan
    update = Update(rules.get("adam", learning_rate=LEARNING_RATE["adam"]))
    theta = np.concatenate([part for w, b in weights(work) for part in (w.T.ravel(), b)])
    engine = choose("native", plan, update, theta.dtype)
    start, rows = begin(theta, update), Rows(x, y)
    validation = rows.take(np.random.default_rng(3).permutation(len(rows))[: len(rows) // 10])
    metrics = tuple(catalog.get(name) for name in asked.metric or ("accuracy", "f1_macro"))
    bare = Settings(update, asked.epochs, work.batch, shuffle=work.shuffle)
    watched = Settings(
        update, asked.epochs, work.batch, shuffle=work.shuffle, metrics=metrics, stopping=EarlyStopping(asked.epochs)
    )
    session = engine.open(plan, start.theta, start.slots, update, seed=0)

    def train_bare() -> None:
        train(plan, start, rows, bare, engine)

    def train_watched() -> None:
        with tempfile.TemporaryDirectory() as folder:
            train(plan, start, rows, watched, engine, validation=validation, keep=Run(Path(folder)).keep)

    def validate() -> None:
        for _ in range(asked.epochs):
            session.predict(validation.x)

    train_bare()
    train_watched()
    costs, passes, seconds = [], [], []
    for pair in range(asked.pairs):
        turns = [train_bare, train_watched]
        taken = {turn: timed(turn, clock) for turn in (turns if pair % 2 == 0 else turns[::-1])}
        validating = timed(validate, clock)
        costs.append((taken[train_watched] - validating) / taken[train_bare] - 1)
        passes.append(validating / taken[train_bare])
        seconds.append(taken[train_bare] / asked.epochs)
    cost, low, high = median_interval(costs)
    found = {
        "workload": work.name, "rows": len(rows), "validation_rows": len(validation),
        "metrics": [metric.name for metric in metrics], "seconds_per_epoch": float(np.median(seconds)),
        "validation_pass": float(np.median(passes)), "cost": cost, "low": low, "high": high, "pairs": asked.pairs,
    }  # fmt: skip
    if asked.json:
        print(json.dumps(found))
    else:
        print(f"{work.name}: {len(rows)} rows, {len(validation)} validation rows, {', '.join(found['metrics'])}")
        print(f"  one epoch, bare                                  {found['seconds_per_epoch']:.3f} s")
        print(f"  the pass over the validation rows                {found['validation_pass']:+.1%}")
        print(f"  metrics, history, best weights and checkpoints   {cost:+.1%}  ({low:+.1%} to {high:+.1%})")
    return 0 if cost < 0.05 else 1


if __name__ == "__main__":
    sys.exit(main())
