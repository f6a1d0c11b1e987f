"""Networks merged into one: the weighted mean of what they say before the output function, as one chain of layers.

Networks of equal layers lie side by side in every layer: the first reads the same inputs with all units, those behind it are
in groups that do not see each other, the last one adds the groups up. The merged network is a network like any other: it
is explained, saved and exported as one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from chainrule.engines.base import Engine, Rows
from chainrule.layers import Dense, Dropout, Layer, Scale
from chainrule.network import Network
from chainrule.optim.rule import Update
from chainrule.optim.rules import rules
from chainrule.shapes import Array, Ints, read_only


def merged(network: Network, thetas: Sequence[Array], shares: Sequence[float] | None = None) -> tuple[Network, Array]:
    """The network whose output is g(Σ share · z of the members), and its θ; without `shares` the mean. `thetas` are those of
    the members, which share `network`: gains of the inputs (or none), then dense layers; a gain goes into the weights
    behind it.

    >>> from chainrule import forward, initialize
    >>> net = Network(2, [Scale(), Dense(3, "tanh"), Dense(1)])
    >>> both, theta = merged(net, [initialize(net, seed) for seed in (0, 1)])
    >>> apart = [forward(net, initialize(net, seed), [0.5, -1.0]).prediction for seed in (0, 1)]
    >>> bool(np.allclose(forward(both, theta, [0.5, -1.0]).prediction, np.mean(apart, axis=0)))
    True
    """
    count, plan = len(thetas), network.plan
    parts = np.full(count, 1.0 / count) if shares is None else np.asarray(shares)
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
        if last:
            w, b = ([part * one for part, one in zip(parts, of, strict=True)] for of in (w, b))
        only = last and number == 1  # without hidden layers all read the same inputs
        weights.append(
            np.sum(w, axis=0) if only else np.hstack(w) if last else np.vstack(w) if number == 1 else _diagonal(w)
        )
        biases.append(np.sum(b, axis=0) if last else np.concatenate(b))
        groups = 1 if number == 1 or last else count
        layers.append(Dense(layer.units if last else count * layer.units, layer.activation, groups=groups))
    whole = Network(network.inputs, layers, loss=network.loss, reduction=network.reduction)
    theta = np.zeros(whole.plan.size, thetas[0].dtype)
    for number, (w_all, b_all) in enumerate(zip(weights, biases, strict=True), start=1):
        whole.plan.param(f"W{number}").of(theta)[...] = w_all
        whole.plan.param(f"b{number}").of(theta)[...] = b_all
    return whole, read_only(theta)


def _diagonal(blocks: Sequence[Array]) -> Array:
    to, source = blocks[0].shape
    whole = np.zeros((len(blocks) * to, len(blocks) * source), blocks[0].dtype)
    for i, block in enumerate(blocks):
        whole[i * to : (i + 1) * to, i * source : (i + 1) * source] = block
    return whole


def widened(network: Network, few: Network, theta: Array, kept: Ints) -> Array:
    """θ of `network` that lets it say what `few` says with `theta`, whose inputs are those of the numbers `kept`."""
    whole = np.zeros(network.plan.size, theta.dtype)
    for param in few.plan.params:
        place = network.plan.param(param.name).of(whole)
        place[..., kept if param.name in ("gain0", "W1") else slice(None)] = param.of(theta)
    return read_only(whole)


def blend(one: Rows, other: Rows, *, classes: bool) -> float:
    """The share s of `one`, from 0 to 1, with which s · z + (1 − s) · z of `other` has the smallest loss on rows that neither
    was trained on: cross-entropy for `classes`, else the squared error.

    Both hold the same rows, in place of inputs what they say before the output function (rows, outputs).
    Source: Wolpert, Stacked generalization (1992); Breiman, Stacked regressions (1996), for shares that are not negative.
    """
    loss = _cross_entropy if classes else _squared_error
    return _valley(lambda s: loss(blended(one, other, s)), 0.0, 1.0)


def blended(one: Rows, other: Rows, share: float) -> Rows:
    """What the weighted mean of two says about the rows that both hold."""
    return replace(one, x=share * one.x + (1.0 - share) * other.x)


def _valley(value: Callable[[float], float], low: float, high: float) -> float:
    """Where a function with a single valley is smallest: thirds close in on it."""
    for _ in range(40):
        left, right = low + (high - low) / 3, high - (high - low) / 3
        if value(left) <= value(right):
            high = right
        else:
            low = left
    return float((low + high) / 2)


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
    # The cross-entropy is convex in 1/T.
    return float(
        np.exp(_valley(lambda t: _cross_entropy(replace(rows, x=rows.x / np.exp(t))), np.log(0.2), np.log(5.0)))
    )


def _squared_error(rows: Rows) -> float:
    assert rows.y is not None
    return float(np.average(((rows.x - rows.y) ** 2).mean(axis=1), weights=rows.weights))


def _cross_entropy(rows: Rows) -> float:
    assert rows.y is not None
    z = rows.x
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
