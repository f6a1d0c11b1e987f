"""Draw the gallery: python docs/make_plots.py writes docs/pictures, docs/plots.md and docs/activations.md.

The same versions of matplotlib and NumPy give the same bytes.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np

from chainrule import Dense, Model, Network, activations, backward, fit, forward, initialize, plots
from chainrule.course.lesson import lesson
from chainrule.course.search import descend, guess, quadratic_toy, random_search, two_points
from chainrule.threshold.boolean import patterns
from chainrule.threshold.networks import xor_by_two_lines

DOCS = Path(__file__).resolve().parent
DATA = DOCS.parent / "examples" / "data"


@cache
def model(name: str, target: str) -> Model:
    return fit(str(DATA / f"{name}.csv"), target, network=(16,), epochs=120, seed=1)


@cache
def run() -> str:
    folder = str(Path(tempfile.mkdtemp()) / "run")
    fit(str(DATA / "wine.csv"), "cultivar", network=(8, 8, 8), activation="sigmoid", epochs=60, run=folder, seed=1)
    return folder


def wine() -> tuple[Model, str]:
    return model("wine", "cultivar"), str(DATA / "wine.csv")


def cancer() -> tuple[Model, str]:
    return model("breast_cancer", "diagnosis"), str(DATA / "breast_cancer.csv")


def diabetes() -> tuple[Model, str]:
    return model("diabetes", "progression"), str(DATA / "diabetes.csv")


def neuron(theta: tuple[float, float]) -> Any:
    """The sigmoid neuron with its two points."""
    problem = two_points()
    return backward(forward(problem.network, np.array(theta), problem.x, problem.y))


def line() -> Any:
    """A straight line through one example."""
    net = Network(1, [Dense(1)], "half_squared_error")
    return backward(forward(net, [1.0, 0.5], [[0.8]], [[2.6]]))


def two_inputs(hidden: str) -> Any:
    """A pass of 12 examples through a layer of two units of one activation."""
    net = Network(2, [Dense(2, hidden), Dense(1)])
    draws = np.random.default_rng(3)
    return backward(forward(net, initialize(net, 3), draws.normal(size=(12, 2)), draws.normal(size=12)))


@cache
def descent() -> Any:
    return descend(two_points(), [-2.0, -2.0], learning_rate=1.0, steps=300)


def toy(rate: float) -> Any:
    problem = quadratic_toy()
    path = descend(problem, [-2.0, 3.0], learning_rate=rate, steps=8)
    return plots.error_curve(forward(problem.network, path.thetas[-1], problem.x, problem.y), of="w", path=path.thetas)


def xor(of: str) -> Any:
    net = xor_by_two_lines()
    return plots.decision_regions(
        forward(net, initialize(net), np.array(patterns(2), float), [0.0, 1.0, 1.0, 0.0]), of=of
    )


GUESSES = [[0.5, 0.0], [-0.1, 0.0], [0.94, -0.94], [1.42, -1.73], [1.65, -2.08], [1.78, -2.27]]

# file -> (what it shows, how it is drawn)
GALLERY: dict[str, tuple[str, Callable[[], Any]]] = {
    "learning-curves": ("Learning curves, with a verdict drawn in", lambda: plots.learning_curves(
        wine()[0], verdict="good fit: both curves level off")),
    "gradient-norms": ("The gradient in every layer over time: sigmoids make it vanish", lambda: plots.gradient_norms(run())),
    "error-surface": ("Error surface of a sigmoid neuron over (−6, 6)², with a descent", lambda: plots.error_surface(
        plots.surface_of(neuron((0, 0)), path=descent().thetas, span=(-6, 6)))),
    "error-surface-guesses": ("… with the lecture's guesses", lambda: plots.error_surface(
        plots.surface_of(neuron((0, 0)), path=guess(two_points(), GUESSES).thetas, span=(-6, 6)))),
    "error-surface-search": ("… with a random search", lambda: plots.error_surface(
        plots.surface_of(neuron((0, 0)), path=random_search(two_points(), tries=120).thetas, span=(-6, 6), joined=False))),
    "error-surface-run": ("Error surface over the two main directions that a run took", lambda: plots.error_surface(run())),
    "error-surface-3d": ("The same surface as a landscape", lambda: plots.error_surface_3d(
        plots.surface_of(neuron((0, 0)), path=descent().thetas, span=(-6, 6)))),
    "error-curve": ("Descent on a curve, small learning rate", lambda: toy(0.02)),
    "error-curve-large": ("Descent on a curve, large learning rate", lambda: toy(0.07)),
    "activation": ("An activation and its slope", lambda: plots.activation("sigmoid")),
    "activation-pair": ("Two compared", lambda: plots.activation(("sigmoid", "tanh"))),
    "network": ("A network with names, weights, activations and deltas", lambda: plots.network(
        lesson("cis678-2-2-2-sigmoid"))),
    "network-path": ("The path of one weight", lambda: plots.network(lesson("cap4453-2-3-1"), of="w1")),
    "network-model": ("A trained model: the units that matter most", lambda: plots.network(*wine(), row=3)),
    "histograms": ("The weights of every layer", lambda: plots.histograms(*cancer())),
    "histograms-activations": ("The activations of every layer", lambda: plots.histograms(*cancer(), of="activations")),
    "weight-map": ("Hinton's drawing of a layer's weights", lambda: plots.weight_map(wine()[0])),
    "decision-regions": ("XOR by two lines: the regions of the output", lambda: xor("y")),
    "decision-regions-unit": ("… and of one hidden unit", lambda: xor("z1")),
    "decision-regions-model": ("A classifier over its two most important columns", lambda: plots.decision_regions(*wine())),
    "fitted-curve": ("A sigmoid neuron with its data", lambda: plots.fitted_curve(neuron((0.94, -0.94)))),
    "confusion-matrix": ("Confusion matrix", lambda: plots.confusion_matrix(*wine())),
    "roc": ("ROC", lambda: plots.roc(*cancer())),
    "precision-recall": ("Precision and recall", lambda: plots.precision_recall(*cancer())),
    "calibration": ("Calibration", lambda: plots.calibration(*cancer())),
    "residuals": ("Residuals", lambda: plots.residuals(*diabetes())),
    "partial-dependence": ("Partial dependence of a number", lambda: plots.partial_dependence(*diabetes())),
    "partial-dependence-classes": ("… on the probabilities of classes", lambda: plots.partial_dependence(*wine())),
    "importance": ("What drives the predictions", lambda: plots.importance(*wine())),
    "update-vectors": ("θ, Δθ and η·Δθ as vectors", lambda: plots.update_vectors(line(), learning_rate=0.4)),
    "allowed-updates": ("Activations of one sign restrict the updates", lambda: plots.allowed_updates(two_inputs("sigmoid"))),
    "allowed-updates-tanh": ("Activations around 0 do not", lambda: plots.allowed_updates(two_inputs("tanh"))),
}  # fmt: skip


def draw(folder: Path, *, style: str = "light", ending: str = "svg", only: tuple[str, ...] = ()) -> None:
    """Every picture of the gallery, and one for every activation."""
    folder.mkdir(parents=True, exist_ok=True)
    made = {name: show for name, (_, show) in GALLERY.items()}
    made |= {f"activation-{name}": lambda name=name: plots.activation(name) for name in activations.names()}
    with plots.style(style):
        for name, show in made.items():
            if only and name not in only:
                continue
            plots.save(show().get_figure(), folder / f"{name}.{ending}")
            plt.close("all")


PLOTS_PAGE = """# Pictures

`chainrule.plots` draws what chainrule knows: every function draws in `ax`, or in a new figure, and returns the matplotlib
Axes it drew in. It takes a model and its data, what `forward` and `backward` returned, or the folder of a run.

```python
from chainrule import fit, plots

model = fit("examples/data/wine.csv", "cultivar", network=(64, 32))
ax = plots.learning_curves(model)
ax.figure.savefig("curves.png")

with plots.style("dark"):                       # or "print", in greys and dashes
    plots.save(plots.roc(model, "examples/data/wine.csv").figure, "roc.svg")
```

The same from the command line, one name of the table below:

```
chainrule plot roc wine.model examples/data/wine.csv --out roc.png
chainrule plot error-surface runs/a --out film.gif          # the path of a kept run, as a film
chainrule plot activation --of sigmoid --of tanh --style dark --out pair.svg
```

Colours are told apart by the colour-blind, and lines by their dashes as well; text and lines stand out from the page in
all three styles, and a test holds it. Pictures need matplotlib (`pip install 'chainrule[app]'`).

| name | drawn of | `--of` |
|---|---|---|
{table}

## The gallery

`python docs/make_plots.py` draws this page.

{gallery}
"""

SHEET_PAGE = """# The cheat sheet of activation functions

Value g(z) and slope g′(z) of every activation of the catalog, made from its record by `python docs/make_plots.py`.
`chainrule activations NAME` prints the same facts, `--derive` derives the slope line by line, and
`chainrule plot activation --of NAME --of OTHER` compares.

| | g(z) | g′(z) | range | continuous derivatives |
|---|---|---|---|---|
{rows}
"""


def pages() -> None:
    """The two pages on which the pictures stand."""
    table = "\n".join(f"| `{name}` | {one.subject} | {one.of} |" for name, one in plots.PLOTS.items())
    shown = "\n\n".join(f"### {title}\n\n![{title}](pictures/{name}.svg)" for name, (title, _) in GALLERY.items())
    (DOCS / "plots.md").write_text(PLOTS_PAGE.format(table=table, gallery=shown), "utf-8")
    rows = []
    for one in activations:
        image = f"![{one.name} and its slope](pictures/activation-{one.name}.svg)"
        order = "all" if one.continuity == np.inf else "none: it jumps" if one.continuity < 0 else f"{one.continuity:g}"
        cells = [f"**{one.name}**<br>{image}", f"`{one.expr}`", f"`{one.slope_expr}`", one.range, order]
        rows.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    (DOCS / "activations.md").write_text(SHEET_PAGE.format(rows="\n".join(rows)), "utf-8")


if __name__ == "__main__":
    draw(DOCS / "pictures", only=tuple(sys.argv[1:]))
    pages()
