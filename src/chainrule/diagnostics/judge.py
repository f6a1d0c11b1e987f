"""A judge of labels: a small network of sound settings, asked about rows that it has not seen."""

from __future__ import annotations

import numpy as np

from chainrule.diagnostics import probes
from chainrule.engines.base import Rows
from chainrule.layers import Dense
from chainrule.network import Network, initialize
from chainrule.optim.rule import Update
from chainrule.optim.rules import rules
from chainrule.shapes import Array, Ints

_WIDTHS, _FOLDS, _EPOCHS, _BATCH = (24, 24), 5, 30, 32
_WORK = 2e8  # weights times rows times epochs: fewer epochs where the columns are many, for a second at most


def judged(x: Array, codes: Ints) -> Array:
    """The probability of every class for every row of x (rows, inputs), each said by a network that did not learn from it;
    shape (rows, classes).

    A penalty keeps it from learning single rows by heart: what it is sure of, many rows say.
    """
    count, classes = len(x), int(codes.max()) + 1
    spread = x.std(axis=0)
    z = np.clip((x - x.mean(axis=0)) / np.where(spread > 0, spread, 1.0), -6.0, 6.0).astype(np.float32)
    layers = [*(Dense(width, "tanh") for width in _WIDTHS), Dense(classes, "softmax")]
    network = Network(x.shape[1], layers, "categorical_crossentropy")
    update = Update(rules.get("adam", learning_rate=0.005), l2=0.003)
    epochs = int(np.clip(_WORK / (network.plan.size * count), 10, _EPOCHS))
    order = np.random.default_rng(0).permutation(count)
    said = np.zeros((count, classes))
    for fold in range(_FOLDS):
        held = order[fold::_FOLDS]
        rest = np.setdiff1d(order, held)
        rows = Rows(np.ascontiguousarray(z[rest]), np.ascontiguousarray(codes[rest]))
        theta = initialize(network, fold, np.float32)
        steps = epochs * -(-len(rest) // _BATCH)
        learned = probes.descended(network.plan, theta, rows, update, _BATCH, steps, fold)
        if learned is not None:
            said[held] = learned.predict(np.ascontiguousarray(z[held]))
    return said
