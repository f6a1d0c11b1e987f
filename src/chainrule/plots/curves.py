"""Learning curves: what was measured after every epoch, on the training rows and on those watched for stopping."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from chainrule.calculus.loss import Loss
from chainrule.errors import SettingError, unknown_name
from chainrule.model import Model
from chainrule.plots.style import axes, current, in_style, logarithmic
from chainrule.run import Run
from chainrule.training.history import History

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@in_style()
def learning_curves(
    subject: Model | History | str | os.PathLike[str],
    *,
    of: str = "loss",
    verdict: str | None = None,
    ax: Axes | None = None,
) -> Axes:
    """One recorded quantity over the epochs: "loss", or a metric that was recorded. `verdict`: a line of text drawn in.

    subject: a model, its history, or the folder of a run. The epoch of the lowest validation loss is marked; the scale is
    logarithmic where the loss falls by more than a factor of thirty. Raises CR203 for what was not recorded.

    >>> ax = learning_curves(History({"epoch": [1, 2, 3], "loss": [3.0, 2.0, 1.5], "val_loss": [3.1, 2.2, 2.4]}))
    >>> ax.get_xlabel(), ax.get_ylabel(), ax.get_legend_handles_labels()[1]
    ('epoch', 'loss', ['training', 'validation', 'lowest validation loss: epoch 2'])
    """
    history = history_of(subject)
    recorded = [name for name in dict.fromkeys(name.removeprefix("val_") for name in history) if name != "epoch"]
    if of not in recorded:
        raise unknown_name("recorded quantity", of, recorded)
    ax, look = axes(ax), current()
    epoch = history["epoch"]
    curves = [(name, history[key]) for name, key in (("training", of), ("validation", f"val_{of}")) if key in history]
    for n, (name, values) in enumerate(curves):
        marker = look.markers[n] if len(epoch) < 3 else ""
        ax.plot(epoch, values, label=name, marker=marker, zorder=3 - n, **look.line(n))
    best = best_epoch(subject, history)
    if best is not None:
        label = f"lowest validation loss: epoch {best}" if "val_loss" in history else f"weights of epoch {best}"
        ax.axvline(best, color=look.soft, linewidth=1, linestyle=(0, (2, 2)), label=label)
    together = np.array([value for _, values in curves for value in values if np.isfinite(value)])
    if of == "loss" and len(together) and together.min() > 0 and together.max() > 30 * together.min():
        logarithmic(ax)
    ax.set_xlabel("epoch")
    ax.set_ylabel(_unit(subject, of))
    ax.set_title("Learning curves" + (f"\n{verdict}" if verdict else ""))
    ax.legend(loc="best")
    return ax


def _unit(subject: object, of: str) -> str:
    loss = subject.network.loss if isinstance(subject, Model) else None
    name = of.replace("_", " ")
    return f"loss ({loss.name.replace('_', ' ')})" if of == "loss" and isinstance(loss, Loss) else name


def history_of(subject: Model | History | str | os.PathLike[str]) -> History:
    """The history of a model or of a run's folder."""
    if isinstance(subject, History):
        return subject
    if isinstance(subject, Model):
        return subject.history
    path = Path(subject) / "log.jsonl"
    Run(Path(subject)).read()
    rows = [json.loads(line) for line in path.read_text("utf-8").splitlines()] if path.exists() else []
    if not rows:
        raise SettingError("CR603", "this run has not finished an epoch yet", where=str(subject))
    return History({name: [float("nan") if row[name] is None else row[name] for row in rows] for name in rows[0]})


def best_epoch(subject: object, history: History) -> int | None:
    """The epoch whose weights count: that of a model's card, else the one of the lowest validation loss."""
    if isinstance(subject, Model):
        best: int = subject.card["algorithm"]["best_epoch"]
        return best if "val_loss" in history else None
    if "val_loss" not in history or not np.isfinite(history["val_loss"]).any():
        return None
    return int(history["epoch"][int(np.nanargmin(history["val_loss"]))])
