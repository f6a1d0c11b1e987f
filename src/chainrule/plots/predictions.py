"""How predictions compare with the truth: confusion, ROC, precision and recall, calibration, residuals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from chainrule.data.table import Table
from chainrule.errors import SettingError
from chainrule.explain.layout import shortened
from chainrule.metrics import catalog, evaluate
from chainrule.metrics.confusion import confusion
from chainrule.metrics.inputs import PREPARE
from chainrule.metrics.ranking import curve
from chainrule.model import Model, truth_and_prediction
from chainrule.plots.style import axes, current, in_style
from chainrule.plots.subject import spread

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Floats = NDArray[np.float64]


def said(model: Model, data: Any, y: Any = None) -> tuple[Floats, Floats]:
    """The truth and what the model says of every row, as metrics want them; CR204 without a target."""
    table = data if isinstance(data, Table) else model.table(data, y)[0]
    gone = [target.name for target in model.encoder.targets if target.name not in table]
    if gone:
        raise SettingError("CR204", "this picture needs the true values", expected=f"a column {gone[0]!r}")
    truth, predicted = truth_and_prediction(model.encoder, model.network, table, model.outputs(table))
    return np.asarray(truth, np.float64), np.asarray(predicted, np.float64)


@in_style()
def confusion_matrix(model: Model, data: Any, y: Any = None, *, ax: Axes | None = None) -> Axes:
    """How many rows of every class (down) are predicted as what (across); colour is the share of the row's class."""
    from matplotlib.colors import LinearSegmentedColormap

    _need(model, classes=True)
    counts = confusion(*PREPARE["classes"](*said(model, data, y), None))
    names = [shortened(str(label), 18) for label in model.classes]
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    side = 1.9 + 0.55 * max(len(names), 3)
    ax, look = axes(ax, size=(side + 1.2, side)), current()
    colours = LinearSegmentedColormap.from_list("share", [look.page, look.colour(0)])
    image = ax.imshow(shares, cmap=colours, vmin=0, vmax=1)
    for i, j in np.ndindex(*counts.shape):
        ink = look.page if shares[i, j] > 0.5 else look.text
        ax.text(j, i, f"{counts[i, j]:.0f}", ha="center", va="center", color=ink, fontsize=10 if len(names) < 9 else 7)
    turned = max(map(len, names)) * len(names) > 40
    ax.set_xticks(range(len(names)), names, rotation=90 if turned else 0)
    ax.set_yticks(range(len(names)), names)
    ax.grid(False)
    ax.set_xlabel("predicted class")
    ax.set_ylabel("true class")
    ax.set_title(f"{np.trace(counts):.0f} of {counts.sum():.0f} rows right")
    figure = ax.get_figure()
    if figure is not None:
        figure.colorbar(image, ax=ax, format="{x:.0%}").set_label("share of the true class")
    return ax


@in_style()
def roc(model: Model, data: Any, y: Any = None, *, ax: Axes | None = None) -> Axes:
    """The share of positives found against the share of false alarms, over all thresholds; each class against the rest."""
    ax, look = axes(ax, size=(5.0, 4.6)), current()
    ax.plot([0, 1], [0, 1], color=look.soft, linewidth=1, linestyle=(0, (2, 2)), label="by chance: area 0.5")
    for n, (name, truth, score) in enumerate(_against_rest(model, data, y)):
        true, false = _curve(truth, score)
        area = evaluate("auc", truth, score)
        ax.plot(false / false[-1], true / true[-1], label=f"{name}: area {area:.3f}", **look.line(n))
    _unit_square(ax)
    ax.set_xlabel("false positive rate")
    ax.set_ylabel("true positive rate (recall)")
    ax.set_title("ROC")
    ax.legend(loc="lower right")
    return ax


@in_style()
def precision_recall(model: Model, data: Any, y: Any = None, *, ax: Axes | None = None) -> Axes:
    """Precision against recall over all thresholds; each class against the rest. The dotted lines: always yes."""
    ax, look = axes(ax, size=(5.0, 4.6)), current()
    for n, (name, truth, score) in enumerate(_against_rest(model, data, y)):
        true, false = _curve(truth, score)
        area = evaluate("auc_pr", truth, score)
        recall, precision = true[1:] / true[-1], true[1:] / (true[1:] + false[1:])
        label = f"{name}: average precision {area:.3f}"
        ax.step(np.append(0.0, recall), np.append(precision[0], precision), where="pre", label=label, **look.line(n))
        ax.axhline(float(truth.mean()), color=look.colour(n), linewidth=0.8, linestyle=(0, (1, 3)))
    _unit_square(ax)
    ax.set_xlabel("recall")
    ax.set_ylabel("precision")
    ax.set_title("Precision and recall")
    ax.legend(loc="lower left")
    return ax


@in_style()
def calibration(model: Model, data: Any, y: Any = None, *, bins: int = 10, ax: Axes | None = None) -> Axes:
    """How often the predicted class is right, where the model says how sure it is; on the diagonal it says so rightly."""
    _need(model, classes=True)
    metric = catalog.get("expected_calibration_error", bins=bins)
    weight, confidence, hits = metric.of(*PREPARE["classes"](*said(model, data, y), None))
    there = weight > 0
    sure, right, count = confidence[there] / weight[there], hits[there] / weight[there], weight[there]
    ax, look = axes(ax, size=(5.0, 4.6)), current()
    ax.plot([0, 1], [0, 1], color=look.soft, linewidth=1, linestyle=(0, (2, 2)), label="as sure as right")
    spread_ = 1.96 * np.sqrt(np.maximum(right * (1 - right), 0.25 / count) / count)
    ax.errorbar(
        sure, right, yerr=[np.minimum(spread_, right), np.minimum(spread_, 1 - right)], color=look.colour(0), capsize=2.5,
        linewidth=1, elinewidth=1, marker="o", markersize=4, label="measured, with its 95 % spread",
    )  # fmt: skip
    error = metric.result(np.stack([weight, confidence, hits]))
    _unit_square(ax)
    ax.set_xlim(max(0.0, float(sure.min()) - 0.08), 1.02)
    ax.set_xlabel("how sure: probability of the predicted class")
    ax.set_ylabel("how often right")
    ax.set_title(f"Calibration, expected error {error:.3f}")
    ax.legend(loc="lower right")
    return ax


@in_style()
def residuals(model: Model, data: Any, y: Any = None, *, of: str = "", ax: Axes | None = None) -> Axes:
    """Truth minus prediction against the prediction, in the target's own unit; `of`: the target where there are several."""
    _need(model, classes=False)
    truth, predicted = said(model, data, y)
    names = [target.name for target in model.encoder.targets]
    if of and of not in names:
        raise SettingError("CR203", "unknown target", expected=", ".join(names), got=of)
    k = names.index(of) if of else 0
    rows = spread(len(truth), 3000)
    at, rest = predicted[rows, k], (truth - predicted)[rows, k]
    ax, look = axes(ax), current()
    ax.scatter(at, rest, s=14, color=look.colour(0), alpha=0.55, linewidths=0)
    ax.axhline(0, color=look.soft, linewidth=1)
    order = np.argsort(at, kind="stable")
    parts = [part for part in np.array_split(order, min(10, max(len(order) // 8, 1))) if len(part)]
    middle = [np.median(rest[part]) for part in parts]
    ax.plot(
        [np.median(at[part]) for part in parts], middle, color=look.colour(1), marker="o", markersize=4, label="median"
    )
    ax.set_xlabel(f"predicted {names[k]}")
    ax.set_ylabel(f"true − predicted {names[k]}")
    ax.set_title(f"Residuals, standard deviation {rest.std():.4g}")
    ax.legend(loc="best")
    return ax


def _need(model: Model, *, classes: bool) -> None:
    if bool(model.classes) != classes:
        wanted = "a classifier" if classes else "a model of numbers"
        raise SettingError("CR204", "this picture does not apply to the model", expected=wanted, got=model.task)


def _against_rest(model: Model, data: Any, y: Any) -> list[tuple[str, Floats, Floats]]:
    """(name, 0/1, score) of the second of two classes, or of every class against the rest, of those that occur."""
    _need(model, classes=True)
    truth, predicted = said(model, data, y)
    if model.task == "binary":
        found = [(str(model.classes[1]), truth.ravel(), predicted[:, 0])]
    else:
        found = [(str(name), (truth == k).astype(np.float64), predicted[:, k]) for k, name in enumerate(model.classes)]
    both = [one for one in found if 0 < one[1].mean() < 1]
    if not both:
        raise SettingError("CR204", "these rows are all of one class", expected="two classes at least")
    return both


def _curve(truth: Floats, score: Floats) -> tuple[Floats, Floats]:
    return curve((np.stack([truth > 0.5, score, np.ones(len(truth))]),))


def _unit_square(ax: Axes) -> None:
    ax.set_xlim(-0.02, 1.02)
    ax.set_ylim(-0.02, 1.04)
