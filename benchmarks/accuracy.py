"""How good is a model that nobody tuned, and what does it cost?

    python benchmarks/accuracy.py                                  every table of up to 10,000 rows, everybody
    python benchmarks/accuracy.py --table diabetes --table steps-10k --contender chainrule-default
    python benchmarks/accuracy.py --large                          the tables of 100,000 rows
    python benchmarks/accuracy.py --csv houses.csv --target price --drop id
    python benchmarks/accuracy.py --seed 0 --seed 1                every seed draws tables of its own
    python benchmarks/accuracy.py --held-out                       the seeds that no default was chosen on: judge, then stop
    python benchmarks/accuracy.py --ablation                       what each ingredient of the preset default brings
    python benchmarks/accuracy.py --alternatives                   what other values would bring
    python benchmarks/accuracy.py --cache measured.json --json     keep what was measured; one object per row

Same folds, seeds and metric for everyone, everyone with the defaults of their library (`accuracy_contenders.py`), each
contender with each table in a process of its own. A normalised score is 0 for the constant prediction and 1 for the
better of scikit-learn's linear model and boosted trees, which always take part; errors are the share of wrong classes
and the RMSE. Intervals are of tables drawn with replacement, each with all its seeds. A preset is "not worse" than its
peer if the lower end of the interval of their mean difference lies above the margin in `accuracy_report.py`.

Needs pandas and scikit-learn. Peers that are not installed are named and left out:
`pip install torch pytabkit catboost lightgbm`.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

import numpy as np
from accuracy_ablation import (
    ABLATIONS,
    ALTERNATIVES,
    BASE,
    by_alternative,
    by_ingredient,
    print_ablation,
    print_alternatives,
)
from accuracy_contenders import CONTENDERS, REFERENCE, threads
from accuracy_report import Measured, Results, by_table, errors, non_inferiority, overall, print_report
from accuracy_tables import DEVELOPMENT, HELD_OUT, RECIPES, SMOKE, Drawn, Recipe, from_csv, parts

EVERYBODY = {**CONTENDERS, **ABLATIONS, **ALTERNATIVES}
ALWAYS = ("constant", *REFERENCE)
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "CHAINRULE_NUM_THREADS")


def measure(name: str, recipe: Recipe, seed: int, folds: list[int]) -> Iterator[Measured]:
    """Train and test one contender on some folds of a table."""
    drawn = recipe.draw(seed)
    version = EVERYBODY[name].version() or ""
    split = parts(drawn, recipe.folds, seed)
    for fold in folds:
        train, test = split[fold]
        part = Drawn(drawn.task, drawn.x.iloc[train].reset_index(drop=True), drawn.y[train])
        x, y = drawn.x.iloc[test].reset_index(drop=True), drawn.y[test]
        constant = np.sqrt(((y - part.y.mean(axis=0)) ** 2).mean(axis=0)) if drawn.task == "regression" else None
        empty = Measured(
            contender=name, version=version, table=recipe.name, fingerprint=drawn.fingerprint(), task=drawn.task,
            seed=seed, fold=fold, rows=len(train), error=float("nan"), score=float("nan"), log_loss=None,
            seconds=0.0, cpu_seconds=0.0, peak_megabytes=0.0, threads=threads(),
        )  # fmt: skip
        wall, cpu = time.perf_counter(), time.process_time()
        try:
            told_by = EVERYBODY[name].train(part, seed)
            took = {"seconds": time.perf_counter() - wall, "cpu_seconds": time.process_time() - cpu}
            scores = errors(drawn.task, y, told_by(x), constant)
            yield replace(empty, **scores, **took, peak_megabytes=peak_megabytes())
        except Exception as reason:
            yield replace(empty, failure=f"{type(reason).__name__}: {reason}".splitlines()[0][:160])


def peak_megabytes() -> float:
    """The most memory that this process has held, of which its libraries are a part."""
    status = Path("/proc/self/status")
    if status.exists():  # a new process inherits its parent's peak in getrusage, but not here
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) / 1024
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 1024)


def serve(name: str, recipe: Recipe, seed: int, folds: list[int]) -> None:
    """A contender's process: a JSON line per fold; what libraries print goes elsewhere."""
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    for one in measure(name, recipe, seed, folds):
        out.write(json.dumps(asdict(one)) + "\n")
        out.flush()


def apart(name: str, recipe: Recipe, seed: int, folds: list[int], chosen: argparse.Namespace) -> Iterator[Measured]:
    """`measure` in a process of its own, with so many threads."""
    environment = {**os.environ, **dict.fromkeys(THREADS, str(chosen.threads))}
    files = zip(chosen.csv, chosen.target, strict=True)
    options = [part for path, target in files for part in ("--csv", path, "--target", target)]
    options += [part for name in chosen.drop for part in ("--drop", name)]
    job = [name, recipe.name, str(seed), ",".join(map(str, folds))]
    command = [sys.executable, __file__, "--serve", *job, *options]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=chosen.limit, env=environment)
        said, told, code = done.stdout, done.stderr, done.returncode
    except subprocess.TimeoutExpired as late:
        said, told, code = (late.stdout or b"").decode(), f"stopped after {chosen.limit:.0f} s", -1
    for line in said.splitlines():
        yield Measured(**json.loads(line))
    if code != 0:
        last = told.strip().splitlines()[-1:] or ["the process died"]
        print(f"{recipe.name}: {name} is left out: {last[0][:200]}", file=sys.stderr)


class Cache:
    """What was measured before, a JSON object per line: by contender, version, table and its content, seed and fold.

    Lines are only ever appended, so that several runs may share a file.
    """

    def __init__(self, path: str | None) -> None:
        self.path = Path(path) if path else None
        lines = self.path.read_text().splitlines() if self.path and self.path.exists() else []
        self.held = {self.key(one): one for one in (Measured(**json.loads(line)) for line in lines)}

    @staticmethod
    def key(one: Measured) -> tuple[Any, ...]:
        return one.contender, one.version, one.table, one.fingerprint, one.seed, one.fold

    def add(self, one: Measured) -> None:
        if self.path and not one.failure:  # what failed is tried again next time
            with self.path.open("a") as file:
                file.write(json.dumps(asdict(one)) + "\n")


def run(recipes: list[Recipe], names: list[str], seeds: list[int], chosen: argparse.Namespace) -> list[Measured]:
    """Every fold of every table and contender, from the cache where it is there."""
    cache = Cache(chosen.cache)
    measured = []
    for recipe in recipes:
        for seed in seeds:
            fingerprint = recipe.draw(seed).fingerprint()
            for name in names:
                version = EVERYBODY[name].version()
                keys = [(name, version, recipe.name, fingerprint, seed, fold) for fold in range(recipe.folds)]
                measured += [cache.held[key] for key in keys if key in cache.held]
                wanting = [fold for fold, key in enumerate(keys) if key not in cache.held]
                if not wanting or chosen.cached:
                    continue
                found = (
                    measure(name, recipe, seed, wanting) if chosen.smoke else apart(name, recipe, seed, wanting, chosen)
                )
                for one in found:
                    cache.add(one)
                    measured.append(one)
                    told = one.failure or f"{one.score:.4f} in {one.seconds:.1f} s"
                    print(f"{recipe.name} seed {seed} fold {one.fold}: {name} {told}", file=sys.stderr, flush=True)
    return measured


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--table", action="append", choices=list(RECIPES))
    parser.add_argument(
        "--contender",
        action="append",
        choices=list(EVERYBODY),
        metavar="NAME",
        help=f"with the reference, always there: {', '.join(CONTENDERS)}, or an ablation or alternative by its whole name",
    )
    parser.add_argument("--large", action="store_true", help="the tables of 100,000 rows instead of the smaller ones")
    parser.add_argument("--csv", action="append", default=[], help="a table of your own, instead or with --table")
    parser.add_argument("--target", action="append", default=[], help="its column to predict")
    parser.add_argument("--drop", action="append", default=[], help="a column to leave out")
    parser.add_argument("--seed", type=int, action="append", help="this seed, or these (default 0)")
    parser.add_argument("--held-out", action="store_true", help="the seeds that no default was chosen on")
    parser.add_argument("--ablation", action="store_true", help="the preset default without each of its ingredients")
    parser.add_argument("--alternatives", action="store_true", help="the preset default with other values")
    parser.add_argument("--cache", help="a file that keeps what was measured")
    parser.add_argument("--cached", action="store_true", help="only report what the cache holds")
    parser.add_argument("--limit", type=float, default=3600, help="seconds for one contender on one table and seed")
    parser.add_argument("--threads", type=int, default=os.cpu_count(), help="for everyone (default: every core)")
    parser.add_argument("--json", action="store_true", help="one JSON object per row")
    parser.add_argument("--smoke", action="store_true", help="120 rows in this process: does it run at all?")
    parser.add_argument("--serve", nargs=4, help=argparse.SUPPRESS)
    chosen = parser.parse_args(arguments)
    if len(chosen.csv) != len(chosen.target):
        parser.error("every --csv needs a --target")
    files = zip(chosen.csv, chosen.target, strict=True)
    own = {one.name: one for one in (from_csv(path, target, tuple(chosen.drop)) for path, target in files)}
    if chosen.serve:
        name, table, seed, folds = chosen.serve
        serve(name, {**RECIPES, **own}[table], int(seed), [int(fold) for fold in folds.split(",")])
        return
    asked = chosen.contender or [name for name in CONTENDERS if not chosen.smoke or name.startswith("chainrule")]
    if chosen.ablation or chosen.alternatives:
        asked = [BASE, *(ABLATIONS if chosen.ablation else ()), *(ALTERNATIVES if chosen.alternatives else ())]
    names = [name for name in EVERYBODY if name in (*ALWAYS, *asked)]
    absent = [name for name in names if EVERYBODY[name].version() is None]
    if absent:
        print(f"not installed, left out: {', '.join(absent)}", file=sys.stderr)
    names = [name for name in names if name not in absent]
    usual = [recipe for name, recipe in RECIPES.items() if name.endswith("-100k") == chosen.large]
    recipes = [SMOKE] if chosen.smoke else [*(RECIPES[name] for name in chosen.table or ()), *own.values()] or usual
    seeds = chosen.seed or list(HELD_OUT if chosen.held_out else DEVELOPMENT[:1])
    for seed in seeds:
        kind = "HELD OUT" if seed in HELD_OUT else "development" if seed in DEVELOPMENT else "neither kept nor held out"
        print(f"seed {seed}: {kind}", file=sys.stderr)
    results = Results(run(recipes, names, seeds, chosen))
    if not chosen.json:
        if chosen.ablation:
            print_ablation(results)
        if chosen.alternatives:
            print_alternatives(results)
        if not chosen.ablation and not chosen.alternatives:
            print_report(results)
        return
    kinds = (
        ("table", by_table),
        ("overall", overall),
        ("non-inferiority", non_inferiority),
        ("ablation", by_ingredient),
        ("alternatives", by_alternative),
    )
    for kind, rows in kinds:
        for row in rows(results):
            print(json.dumps({"kind": kind, **row}), flush=True)


if __name__ == "__main__":
    main()
