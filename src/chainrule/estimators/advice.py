"""One loud line where a regressor loses to a straight line on its own training rows."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.errors import ChainruleWarning
from chainrule.estimators.scores import r2

_ROWS = 5000  # rows looked at: enough to tell, and soon done
_MARGIN = 0.05  # of R²: less is no loss worth a word


class LosesToLinearModelWarning(ChainruleWarning):
    """A linear model does better on the same rows."""


def warn_if_linear_wins(x: Any, y: NDArray[Any], weights: NDArray[Any] | None, predict: Any, name: str) -> None:
    """Compare with ridge regression (strength 1 on standardised columns).

    Nothing is said of fewer than 50 rows, of fewer than 5 rows for each column (where a linear model only seems good), of
    constant targets, and where the network is no worse than by a little.
    """
    count, width = x.shape
    if count < 50 or count < 5 * width or np.ptp(y) == 0:
        return
    index = np.arange(count) if count <= _ROWS else np.linspace(0, count - 1, _ROWS).astype(np.int64)
    part = x[index] if isinstance(x, np.ndarray) else x[index].toarray()
    y, w = y[index], None if weights is None else weights[index]
    linear = r2(y, _ridge(part.astype(np.float64), y.astype(np.float64), w), w)
    ours = r2(y, predict(x[index]), w)
    if ours < linear - _MARGIN:
        warnings.warn(
            f"{name}: R² {ours:.2f} on the training rows, where a linear model reaches {linear:.2f}. The inputs or the "
            'target are not scaled, or training was too short: preset="default" takes care of both.',
            LosesToLinearModelWarning, stacklevel=5,
        )  # fmt: skip


def _ridge(x: NDArray[np.float64], y: NDArray[np.float64], weights: NDArray[Any] | None) -> NDArray[np.float64]:
    """What ridge regression says for its own training rows."""
    w = np.ones(len(x)) if weights is None else weights.astype(np.float64)
    w = w / w.sum() * len(w)
    center, mean = np.average(x, axis=0, weights=w), np.average(y, axis=0, weights=w)
    spread = x.std(axis=0)
    z = (x - center) / np.where(spread > 0, spread, 1.0)
    gram = (z * w[:, None]).T @ z + np.eye(z.shape[1])
    beta = np.linalg.solve(gram, (z * w[:, None]).T @ (y - mean))
    found: NDArray[np.float64] = z @ beta + mean
    return found
