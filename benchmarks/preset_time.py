"""How long does a preset take, from the table to the model, and how much memory?

    python benchmarks/preset_time.py                                     fast and default on 1,000 to 100,000 rows
    python benchmarks/preset_time.py --rows 5000000 --preset fast
    python benchmarks/preset_time.py --rows 10000 --jobs 1 --jobs 2 --repeats 5 --json

Friedman's first function of 10 numbers, with noise, a fifth of the rows kept away for the score. Each case trains in a
process of its own; cases take turns, so that a busy neighbour disturbs all of them. Shown is the least of the repeats:
seconds by the clock and of the processor, the seconds that were said before training began, and the most memory that the
process held, beside what it held with the table alone.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from typing import Any


def memory(what: str) -> float:
    """Megabytes that this process holds (VmRSS), or the most that it has held (VmHWM)."""
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) / 1024 for line in status if line.startswith(what))


def measure(rows: int, preset: str, jobs: int | None) -> dict[str, Any]:
    """One fit in this process."""
    import numpy as np

    from chainrule import fit

    rng = np.random.default_rng(0)
    table = {f"x{i}": rng.random(rows) for i in range(10)}
    a, b, c, d, e = (table[f"x{i}"] for i in range(5))
    table["y"] = 10 * np.sin(np.pi * a * b) + 20 * (c - 0.5) ** 2 + 10 * d + 5 * e + rng.standard_normal(rows)
    said: list[float] = []
    held, clock, processor = memory("VmRSS"), time.perf_counter(), time.process_time()
    model = fit(table, "y", preset=preset, test=0.2, n_jobs=jobs, expect=said.append)
    return {
        "rows": rows, "preset": preset, "jobs": jobs, "seconds": time.perf_counter() - clock,
        "of_processor": time.process_time() - processor, "said": said[0], "peak_mb": memory("VmHWM"), "table_mb": held,
        "r2": model.card["score"]["metrics"]["r2"]["value"],
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, action="append", help="default 1000, 10000 and 100000")
    parser.add_argument("--preset", action="append", help="default fast and default")
    parser.add_argument("--jobs", type=int, action="append", help="threads; default every core")
    parser.add_argument("--repeats", type=int, default=1)
    parser.add_argument("--json", action="store_true", help="one JSON object per turn")
    parser.add_argument("--case", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.case:
        print(json.dumps(measure(*json.loads(chosen.case))))
        return
    cases = [
        [rows, preset, jobs]
        for rows in chosen.rows or (1_000, 10_000, 100_000)
        for preset in chosen.preset or ("fast", "default")
        for jobs in chosen.jobs or (None,)
    ]
    turns: list[list[dict[str, Any]]] = [[] for _ in cases]
    for _ in range(chosen.repeats):
        for found, case in zip(turns, cases, strict=True):
            command = [sys.executable, __file__, "--case", json.dumps(case)]
            found.append(json.loads(subprocess.run(command, check=True, capture_output=True).stdout))
            if chosen.json:
                print(json.dumps(found[-1]), flush=True)
    if not chosen.json:
        print(
            f"{'rows':>9} {'preset':8} {'jobs':>4} {'seconds':>8} {'of processor':>12} {'said':>7} {'R²':>6} {'peak MB':>8}"
        )
        for found in turns:
            best = min(found, key=lambda one: one["seconds"])
            print(
                f"{best['rows']:9} {best['preset']:8} {best['jobs'] or 'all':>4} {best['seconds']:8.1f} "
                f"{best['of_processor']:12.1f} {best['said']:7.1f} {best['r2']:6.3f} "
                f"{best['peak_mb']:8.0f} ({best['table_mb']:.0f} before)"
            )


if __name__ == "__main__":
    main()
