"""Random networks and targets of every kind, for the tests of explanations."""

import numpy as np

from chainrule import Dense, Dropout, LayerNorm, Maxout, Network, activations, forward, initialize, losses
from chainrule.engines.trace import Trace
from chainrule.steps import backward

HEADS = {"binary_crossentropy": "sigmoid", "categorical_crossentropy": "softmax", "poisson": "exponential"}
TRAINABLE = [record.name for record in activations if record.trainable]


def output_for(loss: str, rng: np.random.Generator) -> str:
    if loss in HEADS:
        return HEADS[loss]
    return str(rng.choice(["identity", "tanh", "sigmoid", "softplus", "softmax"]))


def random_network(rng: np.random.Generator, activation: str, loss: str, output: str) -> Network:
    """One to three hidden layers of different widths, with the layer kinds mixed in."""
    inputs, layers, width = int(rng.integers(2, 5)), [], 0
    width = inputs
    for _ in range(int(rng.integers(1, 3))):
        units = int(rng.integers(2, 6))
        kind = rng.choice(["dense", "dense", "dense", "maxout", "masked"])
        if kind == "maxout":
            layers.append(Maxout(units, int(rng.integers(2, 4))))
        else:
            mask = (rng.random((units, width)) < 0.7) if kind == "masked" else None
            bias = str(rng.choice(["unit", "layer", "none"]))
            layers.append(Dense(units, activation, mask=mask, bias=bias))
        extra = rng.random()
        if extra < 0.2:
            layers.append(Dropout(0.4))
        elif extra < 0.4:
            layers.append(LayerNorm())
        width = units
    outputs = int(rng.integers(2, 5)) if output == "softmax" or rng.random() < 0.6 else 1
    layers.append(Dense(outputs, output))
    return Network(inputs, layers, loss=loss, reduction=str(rng.choice(["mean", "sum"])))


def random_targets(rng: np.random.Generator, loss: str, n: int, outputs: int) -> np.ndarray:
    record = losses.get(loss)
    if record.target_kind == "classes":
        return np.eye(outputs)[rng.integers(0, outputs, n)]
    if record.target_kind == "binary":
        return rng.integers(0, 2, (n, outputs)).astype(float)
    if loss == "poisson":
        return rng.integers(0, 4, (n, outputs)).astype(float)
    return rng.normal(size=(n, outputs))


def random_trace(seed: int, activation: str, loss: str, *, rows: int | None = None, dtype=np.float64) -> Trace:
    rng = np.random.default_rng(seed)
    network = random_network(rng, activation, loss, output_for(loss, rng))
    n = rows or int(rng.integers(1, 4))
    theta = initialize(network, seed) + 0.1 * rng.normal(size=network.plan.size)
    for param in network.plan.params:
        if param.mask is not None:
            theta[param.where] *= param.mask.ravel()
    y = random_targets(rng, loss, n, network.output_count)
    weights = rng.uniform(0.5, 2.0, n) if rng.random() < 0.5 else None
    x = rng.normal(size=(n, network.input_count))
    trace = forward(
        network, theta.astype(dtype), x, y, sample_weight=weights, training=bool(rng.random() < 0.5), seed=seed, step=3
    )
    return backward(trace).trace


def random_addresses(seed: int, trace: Trace, count: int) -> list[str]:
    """Addresses of parameters, deltas and values."""
    rng, plan, found = np.random.default_rng(seed), trace.plan, []
    for _ in range(count):
        if rng.random() < 0.6:
            param = plan.params[rng.integers(len(plan.params))]
            place = np.unravel_index(rng.integers(param.size), param.shape)
            found.append(f"{param.name}[{','.join(map(str, place))}]")
        else:
            slot = plan.slots[rng.integers(len(plan.slots))]
            inside = f"{slot.name}[{rng.integers(slot.width)}]"
            found.append(inside if rng.random() < 0.3 else f"delta({inside})")
    return found
