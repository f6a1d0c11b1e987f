"""How fast are predictions? One row, and as many as a table of some 100 MB holds, beside what memory can do.

    python benchmarks/prediction.py [--json]

Times the engine's session, which `predict` of a model calls after it has read and scaled the table. The networks are those of
the peer benchmark. "Memory" is a copy of a large array on one core, counted as bytes read and written.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import workloads
from contenders import Chainrule

NETWORKS = ("iris-full-batch", "tabular-small", "tabular-large", "mnist-shape", "gelu", "wide")
BYTES, OPERATIONS = 100e6, 2e10  # of a table: whichever is reached first


def seconds(call: Callable[[], Any], repeats: int) -> float:
    """The median time of a call, after one that is not counted."""
    call()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return float(np.median(times))


def measure(name: str) -> dict[str, Any]:
    work = workloads.WORKLOADS[name]
    x, y = workloads.data(work)
    session = Chainrule(work, "sgd", workloads.weights(work), x, y).session
    operations = 2 * sum(a * b for a, b in zip(work.sizes, work.sizes[1:], strict=False))
    rows = int(min(BYTES / (4 * work.sizes[0]), OPERATIONS / operations))
    table = np.random.default_rng(0).standard_normal((rows, work.sizes[0]), dtype=np.float32)
    one = table[:1].copy()
    many = seconds(lambda: session.predict(table), 5)
    return {
        "network": name, "rows": rows, "rows_per_second": rows / many, "gigabytes_per_second": table.nbytes / many / 1e9,
        "gflops": operations * rows / many / 1e9, "microseconds_one_row": 1e6 * seconds(lambda: session.predict(one), 2001),
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="one JSON object per network")
    as_json = parser.parse_args().json
    source = np.ones(50_000_000, np.float32)
    target = np.empty_like(source)
    memory = 2 * source.nbytes / seconds(lambda: np.copyto(target, source), 5) / 1e9
    if not as_json:
        print(f"memory: {memory:.0f} GB/s\n")
        print("| network | one row, µs | rows | million rows a second | GB of inputs a second | GFLOP/s |")
        print("|---|---|---|---|---|---|")
    for name in NETWORKS:
        row = measure(name)
        if as_json:
            print(json.dumps(row))
        else:
            print(
                f"| {name} | {row['microseconds_one_row']:.1f} | {row['rows']:,} | {row['rows_per_second'] / 1e6:.3g} "
                f"| {row['gigabytes_per_second']:.2g} | {row['gflops']:.0f} |"
            )


if __name__ == "__main__":
    main()
