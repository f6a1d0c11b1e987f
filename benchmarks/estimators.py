"""How fast are the estimators, beside scikit-learn's own, at the same work?

    python benchmarks/estimators.py                      every job, 5 pairs
    python benchmarks/estimators.py --job digits --pairs 11 --one-core

Both train the same network on the same rows from the same `random_state` for the same epochs, so that their weights end
equal (the column "weights differ by" is the largest difference in units of the largest weight), in float64 as scikit-learn
does by default. They take turns in one process, A B, B A, …; medians are reported, the ratio is that of the pairs with the
smallest and the largest. `--one-core` pins to one core and takes the processor's time. Needs scikit-learn.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

import chainrule


@dataclass(frozen=True)
class Work:
    """A training as users do it: a network of scikit-learn's parameters on a table of this size."""

    name: str
    kind: str
    rows: int
    inputs: int
    classes: int
    hidden: tuple[int, ...]
    epochs: int
    settings: dict[str, Any]


JOBS = (
    Work("iris", "MLPClassifier", 150, 4, 3, (100,), 200, {}),
    Work("cancer", "MLPClassifier", 569, 30, 2, (100,), 100, {}),
    Work("digits", "MLPClassifier", 1797, 64, 10, (100,), 50, {}),
    Work("digits, early stopping", "MLPClassifier", 1797, 64, 10, (100,), 50, {"early_stopping": True}),
    Work("wide table", "MLPClassifier", 20_000, 50, 7, (256, 128), 2, {}),
    Work("large table", "MLPClassifier", 100_000, 54, 7, (100,), 2, {}),
    Work("regression", "MLPRegressor", 20_000, 20, 0, (100,), 10, {}),
    Work("regression, sgd", "MLPRegressor", 20_000, 20, 0, (64, 32), 10, {"solver": "sgd"}),
    Work("small steps", "MLPRegressor", 2000, 10, 0, (20,), 20, {"batch_size": 16}),
    Work("regression, lbfgs", "MLPRegressor", 2000, 10, 0, (50,), 50, {"solver": "lbfgs"}),
)


def data(work: Work) -> tuple[Any, Any]:
    """Random inputs and a target that can be learned; the time of a step does not depend on them."""
    drawn = np.random.default_rng(0)
    x = drawn.standard_normal((work.rows, work.inputs))
    signal = x @ drawn.standard_normal((work.inputs, max(1, work.classes)))
    y = signal.argmax(axis=1) if work.classes else signal[:, 0] + x[:, 0] * x[:, 1]
    return x, y


def estimator(library: Any, work: Work) -> Any:
    patience = {} if work.settings.get("solver") == "lbfgs" else {"n_iter_no_change": work.epochs}
    return getattr(library, work.kind)(
        hidden_layer_sizes=work.hidden, max_iter=work.epochs, tol=0.0, random_state=0, **patience, **work.settings
    )


def main() -> None:
    import sklearn
    import threadpoolctl
    from sklearn import neural_network

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--job", action="append", choices=[work.name for work in JOBS])
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--one-core", action="store_true", help="one core, processor time")
    asked = parser.parse_args()
    clock: Callable[[], float] = time.process_time if asked.one_core else time.perf_counter
    if asked.one_core:
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
        threadpoolctl.threadpool_limits(1)  # two threads of BLAS on one core would wait for each other
    warnings.simplefilter("ignore")
    print(
        f"scikit-learn {sklearn.__version__}, {'one core' if asked.one_core else f'{os.cpu_count()} cores'}, float64\n"
    )
    print(
        "| job | rows × inputs, hidden, epochs | scikit-learn s | chainrule s | faster by | score | weights differ by |"
    )
    print("|---|---|---|---|---|---|---|")
    for work in JOBS:
        if asked.job is None or work.name in asked.job:
            print(line(work, neural_network, asked.pairs, clock), flush=True)


def line(work: Work, theirs: Any, pairs: int, clock: Callable[[], float]) -> str:
    """One row of the table."""
    x, y = data(work)
    fitted = {library: estimator(library, work).fit(x, y) for library in (theirs, chainrule)}
    taken: dict[Any, list[float]] = {theirs: [], chainrule: []}
    for pair in range(pairs):
        for library in (theirs, chainrule) if pair % 2 == 0 else (chainrule, theirs):
            fresh = estimator(library, work)
            began = clock()
            fresh.fit(x, y)
            taken[library].append(clock() - began)
    ratios = sorted(a / b for a, b in zip(taken[theirs], taken[chainrule], strict=True))
    scores = [fitted[library].score(x, y) for library in (theirs, chainrule)]
    sizes = [np.concatenate([w.ravel() for w in fitted[library].coefs_]) for library in (theirs, chainrule)]
    off = float(np.abs(sizes[0] - sizes[1]).max() / np.abs(sizes[0]).max())
    seconds = [statistics.median(taken[library]) for library in (theirs, chainrule)]
    return (
        f"| {work.name} | {work.rows} × {work.inputs}, {'-'.join(map(str, work.hidden))}, {work.epochs} | {seconds[0]:.3g} "
        f"| {seconds[1]:.3g} | {statistics.median(ratios):.1f} ({ratios[0]:.1f}–{ratios[-1]:.1f}) "
        f"| {scores[0]:.4f} / {scores[1]:.4f} | {off:.1g} |"
    )


if __name__ == "__main__":
    main()
