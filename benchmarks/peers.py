"""How fast does each library train a multi-layer perceptron on this CPU?

    python benchmarks/peers.py                                  every workload and contender, SGD with momentum and Adam
    python benchmarks/peers.py --workload wide --contender chainrule --contender jax --optimizer adam --repeats 7
    python benchmarks/peers.py --json                           one object per row
    python benchmarks/peers.py --check                          the weights after three steps, against float64

Each contender lives in a process of its own; they take turns, A B C A B C …, and the others wait meanwhile. A turn trains
a stretch of epochs that takes about a second, from the same weights and row orders. Medians are reported, with the
spread (smallest and largest turn over the median). Building and compiling is not counted, gathering the rows is. The
interval of a ratio is that of the paired turns. `--one-core` pins everybody to one core and takes the processor's time
instead of the clock's, which a busy neighbour disturbs far less. Peers that are not installed are left out:
`pip install jax torch keras scikit-learn`.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from contenders import CONTENDERS, EXACT, ONE_THREAD
from workloads import WORKLOADS, Workload, data, flops, orders, weights

_REST = 0.5  # seconds between two turns: the threads of some libraries spin on for 0.2 s after their work
"""Without it whoever comes next would pay for them."""


def serve(name: str, *, one_core: bool) -> None:
    """A contender's process: a JSON command per line, a JSON answer per line."""
    clock = time.process_time if one_core else time.perf_counter
    if one_core:
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    kind = CONTENDERS[name][0]
    net: Any = None
    drawn: Any = None
    for line in sys.stdin:
        command = json.loads(line)
        try:
            work = WORKLOADS[command["workload"]]
            if command["do"] == "begin":
                net, drawn = _begin(kind, work, command["optimizer"])
                answer: dict[str, Any] = {}
            elif command["do"] == "run":
                start = clock()
                own = net.run(drawn)  # `fit` counts its own seconds: only the training
                answer = {"seconds": (own or clock() - start) / (len(drawn) * work.steps)}
            else:
                answer = {"weights": _three_steps(kind, work, command["optimizer"])}
        except Exception as reason:
            answer = {"error": f"{type(reason).__name__}: {reason}"[:200]}
        out.write(json.dumps(answer) + "\n")
        out.flush()


def _begin(kind: type, work: Workload, optimizer: str) -> tuple[Any, Any]:
    """The contender, warmed up, and the row orders of a turn of about a second at most."""
    net = kind(work, optimizer, weights(work), *data(work))
    whole = getattr(kind, "whole_job", False)
    drawn = orders(work, work.epochs if whole else 1)
    net.run(drawn)
    if not whole:
        start = time.perf_counter()
        net.run(drawn)
        drawn = orders(work, max(1, min(work.epochs, int(1.0 / (time.perf_counter() - start)))))
    return net, drawn


def _three_steps(kind: type, work: Workload, optimizer: str) -> list[list[float]]:
    x, y = data(work)
    n = min(work.rows, 3 * work.batch)
    part = replace(work, rows=n, epochs=max(1, 3 * work.batch // n), shuffle=False)
    net = kind(part, optimizer, weights(work), np.ascontiguousarray(x[:n]), y[:n])
    net.run(orders(part, part.epochs))
    return [np.asarray(a).ravel().tolist() for layer in net.weights() for a in layer]


class Contender:
    """The parent's end of a contender's process."""

    def __init__(self, name: str, *, one_core: bool = False) -> None:
        command = [sys.executable, __file__, "--serve", name, *(["--one-core"] if one_core else [])]
        environment = {**os.environ, **CONTENDERS[name][1], **(ONE_THREAD if one_core else {})}
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=environment,
        )

    def ask(self, **command: Any) -> dict[str, Any]:
        assert self.process.stdin and self.process.stdout
        self.process.stdin.write(json.dumps(command) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        return json.loads(line) if line else {"error": "the process died"}

    def close(self) -> None:
        assert self.process.stdin
        self.process.stdin.close()
        self.process.wait(30)


def race(work: Workload, optimizer: str, names: list[str], repeats: int, *, one_core: bool) -> dict[str, list[float]]:
    """Seconds a step of every turn, by contender."""
    live = {}
    for name in names:
        contender = Contender(name, one_core=one_core)
        answer = contender.ask(do="begin", workload=work.name, optimizer=optimizer)
        if "error" in answer:
            print(f"{work.name} {optimizer}: {name} is left out: {answer['error']}", file=sys.stderr)
            contender.close()
        else:
            live[name] = contender
    turns: dict[str, list[float]] = {name: [] for name in live}
    for _ in range(repeats):
        for name, contender in live.items():
            time.sleep(_REST)
            turns[name].append(contender.ask(do="run", workload=work.name, optimizer=optimizer)["seconds"])
    for contender in live.values():
        contender.close()
    return turns


def report(work: Workload, optimizer: str, turns: dict[str, list[float]], *, as_json: bool) -> None:
    ours = turns.get("chainrule")
    if not as_json:
        print(f"\n### {work.name}, {optimizer}: batch {work.batch}, {flops(work) / 1e6:.3g} MFLOP a step\n")
        print("| contender | µs a step | spread | chainrule is faster by | GFLOP/s |\n|---|---|---|---|---|")
    for name in sorted(turns, key=lambda name: statistics.median(turns[name])):
        times = turns[name]
        middle = statistics.median(times)
        spread = [min(times) / middle, max(times) / middle]
        ratios = sorted(t / o for t, o in zip(times, ours, strict=True)) if ours else []
        if as_json:
            row = {
                "workload": work.name, "optimizer": optimizer, "contender": name,
                "microseconds_per_step": middle * 1e6, "spread": spread,
                "chainrule_faster_by": [ratios[0], statistics.median(ratios), ratios[-1]] if ratios else None,
            }  # fmt: skip
            print(json.dumps(row), flush=True)
            continue
        faster = f"{statistics.median(ratios):.2f} ({ratios[0]:.2f}–{ratios[-1]:.2f})" if ratios else ""
        print(
            f"| {name} | {middle * 1e6:.4g} | {spread[0]:.2f}–{spread[1]:.2f} | {faster} "
            f"| {flops(work) / middle / 1e9:.3g} |",
            flush=True,
        )


def check(work: Workload, optimizer: str, names: list[str]) -> None:
    """Print how far every contender's weights are from those of three steps in float64."""
    exact: Any = None
    for name in dict.fromkeys([EXACT, *names]):
        if getattr(CONTENDERS[name][0], "own_order", False):
            continue
        contender = Contender(name)
        answer = contender.ask(do="check", workload=work.name, optimizer=optimizer)
        contender.close()
        if "error" in answer:
            print(f"| {work.name} | {optimizer} | {name} | {answer['error']} |")
            continue
        found = np.concatenate([np.asarray(part) for part in answer["weights"]])
        if name == EXACT:
            exact = found
            continue
        off = np.abs(found - exact)
        print(
            f"| {work.name} | {optimizer} | {name} | {off.max():.2g} | {(off > 1e-4).sum():,} of {off.size:,} |",
            flush=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workload", action="append", choices=list(WORKLOADS))
    parser.add_argument("--contender", action="append", choices=list(CONTENDERS))
    parser.add_argument("--optimizer", action="append", choices=["sgd", "adam"])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--json", action="store_true", help="one JSON object per row")
    parser.add_argument("--one-core", action="store_true", help="one core for everybody, processor time")
    parser.add_argument("--check", action="store_true", help="compare the weights after three steps")
    parser.add_argument("--serve", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.serve:
        serve(chosen.serve, one_core=chosen.one_core)
        return
    names = chosen.contender or [name for name in CONTENDERS if name != EXACT]
    if chosen.check:
        print(
            "| workload | optimizer | contender | largest difference from float64 | more than 0.0001 |\n|---|---|---|---|---|"
        )
    for workload in chosen.workload or WORKLOADS:
        for optimizer in chosen.optimizer or ("sgd", "adam"):
            work = WORKLOADS[workload]
            if chosen.check:
                check(work, optimizer, names)
            else:
                report(
                    work,
                    optimizer,
                    race(work, optimizer, names, chosen.repeats, one_core=chosen.one_core),
                    as_json=chosen.json,
                )


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent))
    main()
