"""How often is the doctor right? Sick and healthy training runs, diagnosed without being told what is wrong with them.

    python benchmarks/clinic.py [--seeds 15] [--first 2000] [--healthy 300] [--cure] [--json]

`patients.py` makes the runs and shares no code with the detectors. Seeds from 2000 on were set aside: no threshold was chosen
by looking at them. Found: the first finding is the illness that was put in (or, where the fault has two names, the other
one). False alarm: a healthy run that is called ill. Cured: with `--cure`, the remedy was tried and the network gained on the
validation rows. Intervals are Wilson's, at 95 %.
"""

from __future__ import annotations

import argparse
import collections
import contextlib
import json
import sys
import tempfile
import time
import warnings
from pathlib import Path
from typing import Any

from patients import Case, healthy, sick

from chainrule import diagnose
from chainrule.errors import ChainruleError


def interval(hits: int, count: int) -> str:
    """A share with its interval, in percent."""
    if not count:
        return "none"
    z, p = 1.96, hits / count
    middle, spread = p + z * z / 2 / count, z * (p * (1 - p) / count + z * z / 4 / count**2) ** 0.5
    low, high = (max(0.0, 100 * (middle + sign * spread) / (1 + z * z / count)) for sign in (-1, 1))
    return f"{hits}/{count} = {100 * p:.1f} % ({low:.1f}–{high:.1f})"


def examine(case: Case, folder: Path, *, cure: bool) -> dict[str, Any]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        subject: Any = folder
        with contextlib.suppress(ChainruleError):  # a run that ended badly is diagnosed all the same
            trained = case.train(folder)
            subject = folder if (folder / "run.json").exists() else trained
        start = time.perf_counter()
        found = diagnose(subject, case.data) if subject is folder else diagnose(subject, *case.data)
        seconds = time.perf_counter() - start
        ill = [one.diagnostic for one in found.findings if one.severity == "illness"]
        notes = [one.diagnostic for one in found.findings if one.severity == "note"]
        first = (ill or [*(name for name in notes if name == case.illness), "healthy"])[0]
        row = {
            "case": case.name,
            "illness": case.illness,
            "first": first,
            "ill": ill,
            "notes": notes,
            "seconds": seconds,
        }
        row["found"] = first == case.illness or first in case.accepted
        if cure and ill:
            from chainrule import cure as treat

            start = time.perf_counter()
            row["cured"] = bool((tried := treat(found)) and tried.helped)
            row["cure"], row["cure_seconds"] = str(tried), time.perf_counter() - start
    return row


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=15)
    parser.add_argument("--first", type=int, default=2000, help="the first seed; those below 2000 may be looked at")
    parser.add_argument("--healthy", type=int, default=300)
    parser.add_argument("--only", default="", help="only cases whose name holds this")
    parser.add_argument("--cure", action="store_true")
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)

        def see(cases: list[Case], part: str) -> None:
            for number, case in enumerate(cases):
                if asked.only in case.name:
                    rows.append(examine(case, folder / f"{part}-{number}", cure=asked.cure))
                    if asked.json:
                        print(json.dumps(rows[-1]), flush=True)

        for seed in range(asked.first, asked.first + asked.seeds):
            see(sick(seed, folder / f"made-{seed}"), f"sick-{seed}")
            print(f"\rseed {seed}", end="", file=sys.stderr, flush=True)
        see(healthy(asked.first, asked.healthy), "healthy")
    if asked.json:
        return
    table: dict[str, collections.Counter[str]] = collections.defaultdict(collections.Counter)
    for row in rows:
        table[row["illness"]][row["first"]] += 1
    print("\n| put in | found first (times) | right | cured of those |\n|---|---|---|---|")
    for illness, firsts in sorted(table.items()):
        right = sum(row["found"] for row in rows if row["illness"] == illness)
        said = ", ".join(f"{first} {times}" for first, times in firsts.most_common())
        tried = [row["cured"] for row in rows if row["illness"] == illness and row["found"] and "cured" in row]
        cured = f"{sum(tried)} of {len(tried)}" if tried else ""
        print(f"| {illness} | {said} | {right} of {sum(firsts.values())} | {cured} |")
    ill, well = ([row for row in rows if (row["illness"] != "healthy") is sick_ones] for sick_ones in (True, False))
    print(f"\nfound: {interval(sum(row['found'] for row in ill), len(ill))}")
    print(f"false alarms: {interval(sum(not row['found'] for row in well), len(well))}")
    tried = [row for row in ill if "cured" in row and row["found"]]
    print(
        f"cured of those found: {interval(sum(row['cured'] for row in tried), len(tried))}"
        if tried
        else "no cure was tried"
    )
    for name, what in (("seconds", "a diagnosis"), ("cure_seconds", "a cure")):
        if seconds := sorted(row[name] for row in rows if name in row):
            middle, late = seconds[len(seconds) // 2], seconds[int(0.95 * len(seconds))]
            print(f"{what} took {middle:.2f} s (median), {late:.2f} s (95th percentile), {seconds[-1]:.2f} s at most")


if __name__ == "__main__":
    main()
