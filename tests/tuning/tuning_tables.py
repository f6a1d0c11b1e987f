"""Small tables for the tests of tuning."""

import numpy as np


def product(rows: int = 160, seed: int = 0) -> dict:
    """A target that no linear model finds: the product of two columns, a shift by town, a little noise."""
    source = np.random.default_rng(seed)
    a, b = source.normal(size=(2, rows))
    town = source.choice(["Ulm", "Bonn"], rows)
    return {"a": a, "b": b, "town": town.tolist(), "y": a * b + (town == "Ulm") + 0.1 * source.normal(size=rows)}


def noise(rows: int = 400, seed: int = 0) -> dict:
    """A target that has nothing to do with the columns."""
    source = np.random.default_rng(seed)
    a, b, y = source.normal(size=(3, rows))
    return {"a": a, "b": b, "y": y}
