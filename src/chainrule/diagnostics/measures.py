"""What a remedy is measured by: the question that it answers, not always the one that the training asked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.diagnostics.evidence import Evidence


@dataclass(frozen=True)
class Measure:
    """A number that grows with how good a network is on the rows of an evidence, and how it is called."""

    name: str
    of: Callable[[Evidence], float]


def measure_for(settings: Mapping[str, Any]) -> Measure:
    """The measure for a remedy with these settings.

    Where classes are weighed, every class counts the same: a weighted loss answers another question than the share of all
    rows. Where outliers are to count less in the loss, they do so in the measure. A column that gives the target away is not
    known when it matters: both networks are asked without it.
    """
    if "class_weight" in settings:
        return Measure("mean recall", mean_recall)
    if settings.get("loss") == "huber":
        return Measure("skill by absolute errors", absolute_skill)
    if "drop" in settings:
        return Measure(f"skill where {', '.join(settings['drop'])} is not known", lambda evidence: evidence.skill)
    return Measure("skill", lambda evidence: evidence.skill)


def mean_recall(evidence: Evidence) -> float:
    """The share of every class that is found, averaged over the classes of these rows."""
    said = evidence.probable(evidence.trace.prediction)
    codes = evidence.codes
    assert codes is not None
    chosen = (said[:, 0] >= 0.5).astype(np.int64) if said.shape[1] == 1 else said.argmax(axis=1)
    return float(np.mean([(chosen[codes == code] == code).mean() for code in np.unique(codes)]))


def absolute_skill(evidence: Evidence) -> float:
    """1 − Σ|y − p| / Σ|y − the median|: few extreme rows do not decide it."""
    y = evidence.y
    around = float(np.abs(y - np.median(y, axis=0)).sum())
    return 1.0 - float(np.abs(y - evidence.probable(evidence.trace.prediction)).sum()) / max(around, 1e-300)
