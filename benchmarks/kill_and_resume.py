"""Kill a training at random moments, resume it each time, and compare the end with a run that was never stopped.

    python benchmarks/kill_and_resume.py --kills 200

Prints how many kills hit a training that was under way, and whether the weights and the history are the same bits.
"""

from __future__ import annotations

import argparse
import json
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from chainrule import load


def write_table(path: Path, rows: int = 2000) -> None:
    """Three numbers and a class that depends on the product of two of them."""
    source = np.random.default_rng(0)
    x = source.normal(size=(rows, 3)).round(4)
    y = (x[:, 0] * x[:, 1] + 0.3 * source.normal(size=rows) > 0).astype(int)
    path.write_text("a,b,c,y\n" + "\n".join(f"{a},{b},{c},{t}" for (a, b, c), t in zip(x, y, strict=True)))


def command(folder: Path, epochs: int, name: str, engine: str) -> list[str]:
    """The training, as a user would type it."""
    return [
        sys.executable, "-m", "chainrule", "fit", str(folder / "table.csv"), "--target", "y", "--epochs", str(epochs),
        "--patience", str(epochs), "--test", "0", "--quiet", "--engine", engine, "--run", str(folder / name), "--resume",
        "--out", str(folder / f"{name}.model"),
    ]  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--epochs", type=int, default=20_000)
    parser.add_argument("--engine", default="auto")
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    moments = random.Random(asked.seed)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_table(folder / "table.csv")
        hit = 0
        for _ in range(asked.kills):
            process = subprocess.Popen(command(folder, asked.epochs, "killed", asked.engine), stderr=subprocess.DEVNULL)
            time.sleep(moments.uniform(0.2, 5.0))
            hit += process.poll() is None
            process.send_signal(signal.SIGKILL)
            process.wait()
        for run in ("killed", "whole"):
            subprocess.run(command(folder, asked.epochs, run, asked.engine), check=True)
        killed, whole = load(folder / "killed.model"), load(folder / "whole.model")
    found = {
        "kills": asked.kills,
        "kills_that_hit_a_running_process": hit,
        "epochs": killed.history.epochs,
        "same_weights": killed.theta.tobytes() == whole.theta.tobytes(),
        "same_history": all(killed.history[c] == whole.history[c] for c in whole.history if c != "seconds"),
    }
    print(json.dumps(found, indent=1))
    return 0 if found["same_weights"] and found["same_history"] else 1


if __name__ == "__main__":
    sys.exit(main())
