"""Small trainings, each with one illness planted, and two that nothing ails."""

import numpy as np
import pytest

from chainrule import Dense, MLPRegressor, Network, fit, initializers
from chainrule.errors import DivergedError

OUT = Dense(1, "sigmoid")


def rings(count=400, seed=0):
    """Two classes, one around the other."""
    r = np.random.default_rng(seed)
    x = r.normal(size=(count, 2))
    return x, np.array(["in", "out"])[((x**2).sum(axis=1) > 1.4).astype(int)]


def waves(count=400, seed=0):
    """A number that a straight line does not say."""
    r = np.random.default_rng(seed)
    x = r.normal(size=(count, 3))
    return x, np.sin(2 * x[:, 0]) + x[:, 1] + 0.1 * r.normal(size=count)


def trained(data, network=None, **settings):
    given = {"network": network, "epochs": 60, "test": 0.2, "seed": 3, "l2": 0.0001, "learning_rate": 0.003, **settings}
    return fit(data, **given), data


def blown(folder, data, **settings):
    """The folder of a run that met a number that is not finite, and its data."""
    with pytest.raises(DivergedError):
        trained(data, run=folder / "run", **settings)
    return folder / "run", data


def flipped(data, share, seed=5):
    x, y = data
    wrong = np.random.default_rng(seed).uniform(size=len(y)) < share
    names = np.unique(y)
    return x, np.where(wrong, np.where(y == names[0], names[1], names[0]), y)


def with_leak():
    x, y = waves()
    return np.c_[x, y + 0.01 * np.random.default_rng(1).normal(size=len(y))], y


def rare():
    r = np.random.default_rng(2)
    x = r.normal(size=(800, 3))
    return x, np.where(x[:, 0] + r.normal(size=800) > 2.6, "rare", "usual")


def strayed():
    x, y = waves()
    y = y.copy()
    y[::45] += 60.0
    return x, y


def shifted():
    model, (x, y) = trained(waves())
    return model, (x[:150] + 1.5, y[:150])


def scale_of_target():
    x, y = waves()
    y = 5000.0 + 300.0 * y
    return MLPRegressor(hidden_layer_sizes=(20,), max_iter=40, random_state=0).fit(x, y), (x, y)


def hidden(function, count, width=10, **more):
    return [Dense(width, function, **more) for _ in range(count)]


WIDE = initializers.get("normal", std=1.5)
WILD = initializers.get("normal", std=12.0)
EQUAL = initializers.get("constant", value=0.3)

PLANTED = {
    "odd_loss": lambda folder: trained(rings(), Network(2, [*hidden("tanh", 1), OUT], loss="mse")),
    "unscaled_inputs": lambda folder: trained((rings()[0] * [4000.0, 0.01] + 9000.0, rings()[1]), scale=None),
    "leakage": lambda folder: trained(with_leak(), keep=("x3",)),
    "shift": lambda folder: shifted(),
    "unscaled_target": lambda folder: scale_of_target(),
    "class_imbalance": lambda folder: trained(rare(), l2=0.01),
    "label_noise": lambda folder: trained(flipped(rings(700), 0.22)),
    "outliers": lambda folder: trained(strayed()),
    "saturated_units": lambda folder: trained(rings(), Network(2, [*hidden("tanh", 2, initializer=WILD), OUT])),
    "dead_units": lambda folder: trained(rings(), Network(2, [*hidden("relu", 1, biases=[-20.0] * 10), OUT])),
    "symmetric_units": lambda folder: trained(
        rings(), Network(2, [*hidden("tanh", 1, initializer=EQUAL), Dense(1, "sigmoid", initializer=EQUAL)])
    ),
    "vanishing_gradients": lambda folder: trained(rings(), Network(2, [*hidden("sigmoid", 9), OUT])),
    "exploding_gradients": lambda folder: blown(
        folder, waves(), network=Network(3, [*hidden("relu", 6, 24, initializer=WIDE), Dense(1)]), optimizer="momentum"
    ),
    "learning_rate_too_small": lambda folder: trained(rings(), learning_rate=1e-6),
    "learning_rate_too_large": lambda folder: trained(rings(), learning_rate=3.0),
    "diverged": lambda folder: blown(
        folder, waves(), network=Network(3, [Dense(1)]), task="regression",
        learning_rate=1e300, dtype="float64",
    ),
    "update_ratio": lambda folder: trained(rings(), Network(2, [Dense(24, "relu", learning_rate_factor=1e-5), OUT])),
    "stopped_too_early": lambda folder: trained(rings(), epochs=3, learning_rate=0.001),
    "plateau": lambda folder: trained(
        rings(), Network(2, [*hidden("sigmoid", 2, 8), OUT]), optimizer="gradient_descent", learning_rate=0.02
    ),
    "not_zero_centred": lambda folder: trained(rings(), Network(2, [*hidden("sigmoid", 1, 20), OUT]), learning_rate=0.03),
    "underfitting": lambda folder: trained(waves(), (1,)),
    "overfitting": lambda folder: trained(
        flipped((np.random.default_rng(1).normal(size=(120, 12)), rings(120)[1]), 0.0), (96, 96), epochs=150, patience=150,
        validation=0.3, test=0, l2=0,
    ),
    "linear_as_good": lambda folder: trained((waves()[0], waves()[0] @ [1.0, -2.0, 0.5] + waves(seed=8)[0][:, 0])),
}  # fmt: skip
"""A model (or run, or estimator) and its data, by the diagnostic that has to come first."""

HEALTHY = {
    "classes": lambda: trained(rings(), activation="tanh", learning_rate=0.01),
    "numbers": lambda: trained(waves(), activation="tanh", learning_rate=0.01),
}
