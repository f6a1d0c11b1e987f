"""The simple methods that say what there is to be learned."""

import numpy as np
import pytest

from chainrule.diagnostics.reference import _STRENGTHS, _ridge


@pytest.mark.parametrize("shape", [(40, 7), (30, 90)], ids=["tall", "wide"])
def test_ridge_is_that_of_the_best_strength_for_tall_and_wide_tables(shape):
    r = np.random.default_rng(0)
    x, new = r.normal(size=shape), r.normal(size=(5, shape[1]))
    y = x[:, :1] - x[:, 1:2] + 0.3 * r.normal(size=(shape[0], 2))
    said, error = _ridge(x, y, new)
    z, t = x - x.mean(axis=0), y - y.mean(axis=0)
    errors, lines = [], []
    for strength in _STRENGTHS:
        inverse = np.linalg.inv(z.T @ z + strength * np.eye(shape[1]))
        free = 1 - (np.trace(z @ inverse @ z.T) + 1) / len(z)
        beta = inverse @ z.T @ t
        errors.append(((t - z @ beta) ** 2).sum() / free**2 if free > 0.02 else np.inf)
        lines.append((new - x.mean(axis=0)) @ beta + y.mean(axis=0))
    assert error == pytest.approx(min(errors), rel=1e-6)
    np.testing.assert_allclose(said, lines[int(np.argmin(errors))], rtol=1e-6, atol=1e-9)
