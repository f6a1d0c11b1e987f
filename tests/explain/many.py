"""Many random networks × random targets: `python tests/explain/many.py 1000 --latex`.

Every explanation is taken as JSON and recomputed line by line by an evaluator that shares no code with the library; its
result must be the engine's number to 1e-12 of the sum of its |paths|. With --latex the texts of every tenth are
compiled by pdflatex.
"""

import argparse
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from evaluator import recompute
from networks import TRAINABLE, random_addresses, random_trace

from chainrule import losses
from chainrule.explain import NOTATIONS, explain_trace
from chainrule.explain.latex import PREAMBLE
from chainrule.explain.matrix import explain_matrix

LOSSES = [record.name for record in losses if record.name != "output"]
FORMS = ("factors", "delta", "paths")


@dataclass
class Found:
    """Of one network: how many lines were recomputed, the difference to the engine in units of the sum of |paths|."""

    lines: int
    difference: float
    latex: list[str]


def check(seed: int) -> Found:
    """One random network with random inputs, targets and weights: one number of each form, and one parameter in matrices."""
    activation, loss = TRAINABLE[seed % len(TRAINABLE)], LOSSES[seed // len(TRAINABLE) % len(LOSSES)]
    trace = random_trace(seed, activation, loss)
    found = Found(0, 0.0, [])
    notation = list(NOTATIONS)[seed % len(NOTATIONS)]
    for number, address in enumerate(random_addresses(seed, trace, 3)):
        form, row = FORMS[(seed + number) % 3], len(trace.x) - 1
        explanation = explain_trace(trace, address, row=row, top=None, form=form, notation=notation)
        found.lines += recompute(explanation, ("input", "parameter", "target", "constant"))
        if explanation.paths:  # the gradient of a weight, a bias or a value
            off = abs(explanation.value - explanation.engine) / explanation.paths
            assert off <= 1e-12, f"seed {seed}, {address}: {off} of the paths"
            found.difference = max(found.difference, off)
        found.latex.append(explanation.to_latex())
    param = trace.plan.params[seed % len(trace.plan.params)].name
    found.latex.append(explain_matrix(trace, param, notation=notation).to_latex())
    return found


def compiles(texts: list[str], folder: Path) -> int:
    """The pages that pdflatex makes of the texts; raises what it complains of."""
    (folder / "all.tex").write_text(PREAMBLE + "\n\n".join(texts) + "\n\\end{document}\n", "utf-8")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "-no-shell-escape", "all.tex"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, errors="replace")
    assert done.returncode == 0, done.stdout[-2000:]
    return int(done.stdout.rpartition("(")[2].split()[0])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("count", type=int, nargs="?", default=1000)
    parser.add_argument("--latex", action="store_true")
    asked = parser.parse_args()
    started, lines, largest, pages = time.perf_counter(), 0, 0.0, 0
    texts: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        for seed in range(asked.count):
            found = check(seed)
            lines, largest = lines + found.lines, max(largest, found.difference)
            if asked.latex and seed % 10 == 0:
                texts += found.latex
            if len(texts) >= 40 or (texts and seed == asked.count - 1):
                pages, texts = pages + compiles(texts, Path(folder)), []
    print(f"{asked.count} networks, {3 * asked.count} explanations, {lines} lines recomputed")
    print(f"largest difference to the engine: {largest:.1e} of the sum of |paths|")
    if asked.latex:
        print(f"{pages} pages compiled by pdflatex")
    print(f"{time.perf_counter() - started:.0f} s")


if __name__ == "__main__":
    main()
