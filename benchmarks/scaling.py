"""How do time and memory grow with rows, width and depth?

    python benchmarks/scaling.py [--json]

Each case trains in a process of its own with the compiled engine and its training loop (Adam, float32, batches of 256 rows,
the losses recorded). Time: seconds an epoch, the least of three, and the nanoseconds for each row and weight, which stay
level where cost is linear. Memory: what the process grew by between holding the data and the end of training, beside what
must be there: weights, gradient and the rule's slots, twice while they are handed over, and one batch's values and deltas.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from typing import Any

INPUTS, CLASSES, BATCH = 64, 10, 256
CASES = [
    *({"grows": "rows", "rows": rows, "width": 64, "depth": 2} for rows in (1_000, 10_000, 100_000, 1_000_000)),
    *({"grows": "width", "rows": 5_120, "width": width, "depth": 2} for width in (16, 64, 256, 1024, 2048)),
    *({"grows": "depth", "rows": 10_240, "width": 64, "depth": depth} for depth in (1, 2, 5, 10, 20, 50)),
]


def peak() -> int:
    """The most memory that this process has held, bytes."""
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM"))


def measure(rows: int, width: int, depth: int) -> dict[str, Any]:
    import numpy as np

    from chainrule import Dense, Network, Update, initialize, rules
    from chainrule.engines.base import Rows
    from chainrule.engines.choose import choose
    from chainrule.training.loop import Settings, begin, train

    network = Network(INPUTS, [*(Dense(width, "relu") for _ in range(depth)), Dense(CLASSES, "softmax")])
    update = Update(rules.get("adam"))
    theta = initialize(network, 0, np.float32)
    engine = choose("auto", network.plan, update, theta.dtype)
    drawn = np.random.default_rng(0)

    def run(count: int, epochs: int) -> list[float]:
        data = Rows(x[:count], y[:count])
        return list(
            train(network.plan, begin(theta, update), data, Settings(update, epochs, BATCH), engine).history["seconds"]
        )

    x = drawn.standard_normal((rows, INPUTS), dtype=np.float32)
    y = drawn.integers(0, CLASSES, rows)
    run(min(rows, 2 * BATCH), 1)  # what is loaded once is no part of training
    before = peak()
    seconds = min(run(rows, 3))
    values = sum(slot.width for slot in network.plan.slots)
    needed = 4 * (2 * 4 * network.plan.size + 2 * BATCH * values)
    return {
        "seconds": seconds,
        "weights": network.plan.size,
        "grew": peak() - before,
        "needed": needed,
        "data": x.nbytes,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--case", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.case:
        case = json.loads(asked.case)
        case.pop("grows")
        print(json.dumps(measure(**case)))
        return
    if not asked.json:
        print(
            "| rows | width | depth | weights | seconds an epoch | ns a row and weight | grew by, MB | needed, MB | data, MB |"
        )
        print("|---|---|---|---|---|---|---|---|---|")
    for case in CASES:
        time.sleep(0.2)
        command = [sys.executable, __file__, "--case", json.dumps(case)]
        found = {**case, **json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)}
        if asked.json:
            print(json.dumps(found), flush=True)
            continue
        each = found["seconds"] / found["rows"] / found["weights"] * 1e9
        sizes = " | ".join(f"{found[part] / 1e6:.1f}" for part in ("grew", "needed", "data"))
        print(
            f"| {found['rows']:,} | {found['width']:,} | {found['depth']} | {found['weights']:,} | "
            f"{found['seconds']:.3g} | {each:.3f} | {sizes} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
