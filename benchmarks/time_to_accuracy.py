"""How long until a network is right on 97 % of digits that it never saw?

    python benchmarks/time_to_accuracy.py [--accuracy 0.97] [--repeats 5] [--json]

scikit-learn's digits (1,797 images of 8 x 8), the last 357 kept for the test; 64-128-64-10, ReLU, Adam, batches of 32, the
same starting weights and row orders for everybody but scikit-learn, which draws its own. After every epoch the test
accuracy is looked at. The seconds are those of building, compiling and training until it is reached; importing the library
and looking are not counted. Contenders take turns, A B C A B C …, each turn in a new process.
Peers that are not installed are left out: `pip install jax torch scikit-learn`.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from typing import Any

import numpy as np
from contenders import CONTENDERS
from workloads import Workload, orders, weights

WORK = Workload("digits", (64, 128, 64, 10), 1440, 32)
CHOSEN = ("chainrule", "jax", "torch", "sklearn")
MOST = 60  # epochs


def accuracy(layers: Any, x: Any, y: Any) -> float:
    for w, b in layers[:-1]:
        x = np.maximum(x @ w + b, 0)
    return float((np.argmax(x @ layers[-1][0] + layers[-1][1], axis=1) == y).mean())


def one_turn(name: str, wanted: float) -> dict[str, float]:
    from sklearn.datasets import load_digits

    x, y = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(x))
    x, y = (x[order] / 16).astype(np.float32), y[order].astype(np.int64)
    drawn = orders(WORK, MOST)
    __import__(name)
    start = time.perf_counter()
    net = CONTENDERS[name][0](WORK, "adam", weights(WORK), x[: WORK.rows], y[: WORK.rows])
    took, reached = time.perf_counter() - start, 0.0
    for epoch in range(MOST):
        start = time.perf_counter()
        net.run(drawn[epoch : epoch + 1])
        took += time.perf_counter() - start
        layers = net.weights() if name != "sklearn" else list(zip(net.net.coefs_, net.net.intercepts_, strict=True))
        reached = accuracy(layers, x[WORK.rows :], y[WORK.rows :])
        if reached >= wanted:
            break
    return {"seconds": took, "epochs": epoch + 1, "accuracy": reached}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--accuracy", type=float, default=0.97)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--turn", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.turn:
        print(json.dumps(one_turn(asked.turn, asked.accuracy)))
        return
    turns: dict[str, list[dict[str, float]]] = {name: [] for name in CHOSEN}
    for _ in range(asked.repeats):
        for name in CHOSEN:
            command = [sys.executable, __file__, "--turn", name, "--accuracy", str(asked.accuracy)]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode == 0:
                turns[name].append(json.loads(done.stdout.splitlines()[-1]))
    if not asked.json:
        print(
            "| contender | epochs | accuracy | seconds to build and train | chainrule is faster by |\n|---|---|---|---|---|"
        )
    for name, found in turns.items():
        if not found:
            print(f"{name} is left out: it did not run here", file=sys.stderr)
            continue
        ratios = sorted(b["seconds"] / a["seconds"] for a, b in zip(turns["chainrule"], found, strict=True))
        row: dict[str, Any] = {
            "contender": name,
            "epochs": found[0]["epochs"],
            "accuracy": round(found[0]["accuracy"], 4),
        }
        row |= {"seconds": statistics.median(turn["seconds"] for turn in found), "ratio": statistics.median(ratios)}
        if asked.json:
            print(json.dumps({**row, "smallest": ratios[0], "largest": ratios[-1]}))
        else:
            print(
                f"| {name} | {row['epochs']} | {row['accuracy']:.3f} | {row['seconds']:.4f} | "
                f"{row['ratio']:.1f} ({ratios[0]:.1f}–{ratios[-1]:.1f}) |"
            )


if __name__ == "__main__":
    main()
