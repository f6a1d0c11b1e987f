"""How sure a score is: an interval of a metric on a test set.

Shares of counted rows (accuracy, precision, recall, ...) have Wilson's interval; everything else has the percentile
bootstrap of the rows, done by weights: drawing a row twice is giving it the weight 2.
"""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from chainrule.constraints import real, whole
from chainrule.errors import DataError
from chainrule.metrics.inputs import PREPARE, Floats, check
from chainrule.metrics.metric import Metric, catalog
from chainrule.rng import generator

# The work is capped: above this many rows the bootstrap looks at a sample of them, and its spread is scaled down.
_ROWS = 10_000
_REPLICATES = (200, 1000)
_ROWS_DRAWN = 2_000_000


def wilson(hits: float, trials: float, level: float = 0.95) -> tuple[float, float]:
    """Wilson's score interval of a share (Wilson 1927); of no trials it is (0, 1).

    >>> [round(x, 4) for x in wilson(8, 10)]
    [0.4902, 0.9433]
    """
    if trials <= 0:
        return 0.0, 1.0
    z = NormalDist().inv_cdf(0.5 + level / 2.0)
    share = hits / trials
    centre = share + z * z / (2.0 * trials)
    spread = z * math.sqrt(share * (1.0 - share) / trials + z * z / (4.0 * trials * trials))
    scale = 1.0 + z * z / trials
    # The ends touch 0 and 1 exactly when nothing, or everything, hits; rounding must not move them.
    low = 0.0 if hits <= 0 else (centre - spread) / scale
    high = 1.0 if hits >= trials else (centre + spread) / scale
    return max(low, 0.0), min(high, 1.0)


def interval(
    metric: str | Metric,
    y_true: ArrayLike,
    y_pred: ArrayLike,
    sample_weight: ArrayLike | None = None,
    level: float = 0.95,
    seed: int = 0,
    **constants: Any,
) -> tuple[float, float]:
    """(low, high) around the value of a metric, at this level of confidence (above 0, below 1).

    With weights, n rows count as (Σw)²/Σw² (Kish 1965). The bootstrap draws 200 to 1000 times (fewer for many rows);
    beyond 10 000 rows it draws from a random 10 000 of them and narrows the spread by √(10 000/n). Its interval is
    widened where needed to hold the value itself. The same seed gives the same interval.
    """
    record = catalog.get(metric, **constants)
    real("level", level, above=0.0, below=1.0)
    whole("seed", seed, low=0)
    check(y_true, y_pred, sample_weight)
    y, p, w = PREPARE[record.target_kind](y_true, y_pred, sample_weight)
    if not w.sum() > 0:
        raise DataError("CR105", "an interval needs at least one row with a weight", got=f"{len(y)} rows")
    # Pooled columns of one row are not independent trials: those shares are bootstrapped by rows.
    if record.share is not None and (y.shape[1] == 1 or record.target_kind != "binary"):
        hits, trials = record.share(record.of(y, p, w))
        counted = w.sum() / (w**2).sum()
        return wilson(float(hits * counted), float(trials * counted), level)
    return _bootstrap(record, y, p, w, level, seed)


def _bootstrap(record: Metric, y: Floats, p: Floats, w: Floats, level: float, seed: int) -> tuple[float, float]:
    value = record.result(record.of(y, p, w))
    draws = generator(seed, "bootstrap")
    rows = len(y)
    sample = draws.permutation(rows)[:_ROWS]
    sample = sample[np.argsort(p[sample, 0], kind="stable")]  # metrics that sort by score then find it nearly sorted
    y, p, w = y[sample], p[sample], w[sample]
    drawn = len(sample)
    replicates = min(max(_ROWS_DRAWN // drawn, _REPLICATES[0]), _REPLICATES[1])
    values = np.empty(replicates)
    for i in range(replicates):
        times = np.bincount(draws.integers(0, drawn, drawn), minlength=drawn)
        values[i] = record.result(record.of(y, p, w * times))
    centre = record.result(record.of(y, p, w))
    ends = value + (np.quantile(values, [0.5 - level / 2.0, 0.5 + level / 2.0]) - centre) * math.sqrt(drawn / rows)
    return max(min(float(ends[0]), value), record.low), min(max(float(ends[1]), value), record.high)
