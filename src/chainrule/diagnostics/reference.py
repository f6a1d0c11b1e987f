"""What there is to be learned: simple methods on the same rows, judged on rows that they did not see.

Every method is judged by one number, its skill: 1 − Σ‖y − p‖² / Σ‖y − ȳ‖², which is R² for numbers and the Brier skill
score for classes (Brier, 1950): 1 is perfect, 0 as good as always saying the mean or the shares of the classes.

The flexible method is ridge regression on random Fourier features (Rahimi, Recht, Random features for large-scale kernel
machines, 2007), its strength and width chosen by generalised cross-validation: it has no learning rate, no first weights
and no epochs, so that nothing that ails a network ails it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from chainrule.shapes import Array

FEATURES = 128
_STRENGTHS = 10.0 ** np.arange(-2.0, 4.0)
_WIDTHS = (0.3, 1.0)  # of the random frequencies, in units of 1/√inputs
_FOLDS = 3

Floats = Array


@dataclass(frozen=True, eq=False)
class Reference:
    """Skills on rows not learned from, of the flexible and of a linear method, and their predictions (rows, outputs)."""

    skill: float
    linear: float
    outputs: Floats


def skill(y: Floats, p: Floats, weights: Floats | None = None) -> float:
    """1 − Σ w‖y − p‖² / Σ w‖y − ȳ‖²; 0 where the target does not vary."""
    w = np.ones(len(y)) if weights is None else weights
    total = w.sum()
    if total <= 0:
        return 0.0
    mean = (w[:, None] * y).sum(axis=0) / total
    spread = float((w[:, None] * (y - mean) ** 2).sum())
    if spread <= 1e-300:
        return 0.0
    with np.errstate(over="ignore", invalid="ignore"):
        found = 1.0 - float((w[:, None] * (y - p) ** 2).sum()) / spread
    return found if np.isfinite(found) else -np.inf


def reference(x: Floats, y: Floats, weights: Floats | None = None, *, seed: int = 0) -> Reference:
    """Both methods by folds over the rows of x (rows, inputs) and y (rows, outputs); every row is predicted once."""
    order = np.random.default_rng(seed).permutation(len(x))
    flexible, linear = np.zeros_like(y), np.zeros_like(y)
    for fold in range(_FOLDS):
        held = order[fold::_FOLDS]
        rest = np.setdiff1d(order, held)
        plain, best = fitted(x[rest], y[rest], x[held], seed=seed)
        linear[held], flexible[held] = plain, best
    return Reference(skill(y, flexible, weights), skill(y, linear, weights), flexible)


def fitted(x: Floats, y: Floats, new: Floats, *, seed: int = 0) -> tuple[Floats, Floats]:
    """What a linear and the better of both methods say for new rows."""
    center, scale = x.mean(axis=0), x.std(axis=0)
    kept = scale > 1e-12 * np.maximum(1.0, np.abs(center))
    if not kept.any():
        constant = np.tile(y.mean(axis=0), (len(new), 1))
        return constant, constant
    z = (x[:, kept] - center[kept]) / scale[kept]
    n = np.clip((new[:, kept] - center[kept]) / scale[kept], -6.0, 6.0)
    z = np.clip(z, -6.0, 6.0)  # one wild cell must not rule the rest
    source = np.random.default_rng(seed)
    low, high = y.min(axis=0), y.max(axis=0)  # nothing is said that was never seen
    features = min(FEATURES, len(z) // 3)
    linear, error = _ridge(z, y, n)
    best = linear
    for width in _WIDTHS:
        w = source.normal(size=(z.shape[1], features)) * (width * 3.0 / np.sqrt(z.shape[1]))
        b = source.uniform(0.0, 2.0 * np.pi, features)
        said, found = _ridge(np.hstack([z, np.cos(z @ w + b)]), y, np.hstack([n, np.cos(n @ w + b)]))
        if found < error:
            best, error = said, found
    return np.clip(linear, low, high), np.clip(best, low, high)


def _ridge(x: Floats, y: Floats, new: Floats) -> tuple[Floats, float]:
    """Ridge regression with the strength of the lowest generalised cross-validation error, and that error.

    Where the columns are more than the rows, in terms of the products of rows: the same numbers from the smaller matrix.
    """
    mean, offset = y.mean(axis=0), x.mean(axis=0)
    x, y = x - offset, y - mean
    is_wide = x.shape[1] > len(x)
    squares, axes = np.linalg.eigh(x @ x.T if is_wide else x.T @ x)
    squares = np.maximum(squares, 0.0)
    along = axes.T @ (y if is_wide else x.T @ y)
    total, least, beta = float((y**2).sum()), np.inf, np.zeros((len(squares), y.shape[1]))
    for strength in _STRENGTHS:
        free = 1.0 - (float((squares / (squares + strength)).sum()) + 1.0) / len(x)
        if free <= 0.02:
            continue
        b = along / (squares + strength)[:, None]
        if is_wide:
            error = float(((strength * b) ** 2).sum()) / free**2
        else:
            error = (total - 2.0 * float((along * b).sum()) + float((squares[:, None] * b**2).sum())) / free**2
        if error < least:
            least, beta = error, axes @ b
    return (new - offset) @ (x.T @ beta if is_wide else beta) + mean, least
