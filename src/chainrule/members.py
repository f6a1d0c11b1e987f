"""Networks merged into one: the mean of what they say before the output function, written as one chain of layers.

Networks of equal layers lie side by side in every layer: the first reads the same inputs with all units, those behind it are
in groups that do not see each other, the last one adds the groups up. The merged network is a network like any other: it
is explained, saved and exported as one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from chainrule.engines.base import Engine, Rows
from chainrule.layers import Dense, Dropout, Layer, Scale
from chainrule.network import Network
from chainrule.optim.rule import Update
from chainrule.optim.rules import rules
from chainrule.shapes import Array, read_only


def merged(network: Network, thetas: Sequence[Array]) -> tuple[Network, Array]:
    """The network whose output is g(mean of the members' z), and its θ. `thetas` are those of the members, which share
    `network`: gains of the inputs (or none), then dense layers; a gain goes into the weights behind it.

    >>> from chainrule import forward, initialize
    >>> net = Network(2, [Scale(), Dense(3, "tanh"), Dense(1)])
    >>> both, theta = merged(net, [initialize(net, seed) for seed in (0, 1)])
    >>> apart = [forward(net, initialize(net, seed), [0.5, -1.0]).prediction for seed in (0, 1)]
    >>> bool(np.allclose(forward(both, theta, [0.5, -1.0]).prediction, np.mean(apart, axis=0)))
    True
    """
    count, plan = len(thetas), network.plan
    dense = [layer for layer in network.layers if isinstance(layer, Dense)]
    assert all(isinstance(layer, (Dense, Dropout, Scale)) for layer in network.layers)
    gains = [param for param in plan.params if param.name == "gain0"]
    layers: list[Layer] = []
    weights: list[Array] = []
    biases: list[Array] = []
    for number, layer in enumerate(dense, start=1):
        w = [plan.param(f"W{number}").of(theta) for theta in thetas]
        b = [plan.param(f"b{number}").of(theta) for theta in thetas]
        if number == 1 and gains:
            w = [one * gains[0].of(theta) for one, theta in zip(w, thetas, strict=True)]
        last = number == len(dense)
        weights.append(_sum(w, count, first=number == 1) if last else np.vstack(w) if number == 1 else _diagonal(w))
        biases.append(np.sum(b, axis=0) / count if last else np.concatenate(b))
        groups = 1 if number == 1 or last else count
        layers.append(Dense(layer.units if last else count * layer.units, layer.activation, groups=groups))
    whole = Network(network.inputs, layers, loss=network.loss, reduction=network.reduction)
    theta = np.zeros(whole.plan.size, thetas[0].dtype)
    for number, (w_all, b_all) in enumerate(zip(weights, biases, strict=True), start=1):
        whole.plan.param(f"W{number}").of(theta)[...] = w_all
        whole.plan.param(f"b{number}").of(theta)[...] = b_all
    return whole, read_only(theta)


def _sum(weights: Sequence[Array], count: int, *, first: bool) -> Array:
    """The last layer: the groups' shares side by side; without hidden layers they read the same inputs."""
    summed: Array = np.sum(weights, axis=0) / count if first else np.hstack(weights) / count
    return summed


def _diagonal(blocks: Sequence[Array]) -> Array:
    to, source = blocks[0].shape
    whole = np.zeros((len(blocks) * to, len(blocks) * source), blocks[0].dtype)
    for i, block in enumerate(blocks):
        whole[i * to : (i + 1) * to, i * source : (i + 1) * source] = block
    return whole


def logits(network: Network, theta: Array, x: Array, engine: Engine, n_jobs: int | None = None) -> Array:
    """What the last layer says before its output function, float64 (rows, outputs)."""
    last = network.layers[-1]
    assert isinstance(last, Dense)
    bare = Network(network.inputs, [*network.layers[:-1], replace(last, activation="identity")], loss="mse")
    session = engine.open(bare.plan, theta, (), Update(rules.get("gradient_descent")), seed=0, n_jobs=n_jobs)
    return session.predict(x).astype(np.float64)


def temperature(rows: Rows) -> float:
    """The T that makes the probabilities of z/T best by their mean cross-entropy on rows not trained on, from 1/5 to 5.

    rows: in place of inputs the logits z, (n, 1) of two classes or (n, labels) with y of the same shape, or (n, classes) with
    codes (n,).
    Source: Guo et al., On calibration of modern neural networks (2017).
    """
    low, high = np.log(0.2), np.log(5.0)
    for _ in range(40):  # the cross-entropy is convex in 1/T: thirds close in on its only valley
        left, right = low + (high - low) / 3, high - (high - low) / 3
        if _cross_entropy(rows, np.exp(left)) <= _cross_entropy(rows, np.exp(right)):
            high = right
        else:
            low = left
    return float(np.exp((low + high) / 2))


def _cross_entropy(rows: Rows, t: float) -> float:
    assert rows.y is not None
    z = rows.x / t
    if rows.y.ndim == 2:
        y = rows.y.astype(np.float64)
        losses = (np.maximum(z, 0.0) - y * z + np.log1p(np.exp(-np.abs(z)))).mean(axis=1)
    else:
        top = z.max(axis=1, keepdims=True)
        chosen = np.take_along_axis(z, rows.y[:, None].astype(np.int64), axis=1)
        losses = (top + np.log(np.exp(z - top).sum(axis=1, keepdims=True)) - chosen)[:, 0]
    return float(np.average(losses, weights=rows.weights))


def tempered(network: Network, theta: Array, t: float) -> Array:
    """θ with the last layer divided by T, so that the network itself gives the calibrated probabilities."""
    last = max(param.layer for param in network.plan.params)
    changed = theta.copy()
    for param in network.plan.params:
        if param.layer == last:
            changed[param.where] = theta[param.where] / theta.dtype.type(t)
    return read_only(changed)
