"""Every number of the worked examples once more, by chainrule's own engine, catalogs and threshold units.

A worked example's numbers come from elsewhere (50 digits); here each stands beside what the library computes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.calculus.loss import Reduction
from chainrule.course import recompute_tables as tables
from chainrule.course import recompute_threshold as threshold
from chainrule.course.document import Example
from chainrule.course.numbers import Number, numbers
from chainrule.layers import Dense
from chainrule.network import Network, initialize
from chainrule.shapes import Array
from chainrule.steps import backward, forward, update

TOLERANCE = 1e-12  # the files have 15 digits; float64 loses up to three of them in the longest sums


@dataclass(frozen=True)
class Report:
    """How many numbers were recomputed, the largest difference (relative to the number, or to its scale), and those that
    differ by more than the tolerance."""

    count: int
    largest: float
    differing: tuple[Number, ...]


def network_of(data: Mapping[str, Any], *, biases_learn: bool = True, reduction: Reduction | None = None) -> Network:
    """The network of a worked example, under the lecture's names, with its weights."""
    net = data["network"]
    layers = [
        Dense(
            len(w), net["activations"][i], weights=w, biases=net["b"][i], unit_names=net.get("units", [()] * 9)[i + 1],
            weight_names=net.get("W_names", [()] * 9)[i], bias_names=net.get("b_names", [()] * 9)[i],
            bias_learning_rate_factor=1.0 if biases_learn else 0.0,
        )
        for i, w in enumerate(net["W"])
    ]  # fmt: skip
    inputs = net["units"][0] if "units" in net else net["layer_sizes"][0]
    loss = data.get("loss", {"name": None})
    return Network(inputs, layers, loss["name"], reduction or loss.get("reduction_over_examples", "sum"))


def network_step(data: Mapping[str, Any]) -> Iterator[Number]:
    """One update (or each variant's updates): net inputs, outputs, loss, deltas, gradients, new parameters, new loss."""
    x, y = np.array(data["data"]["inputs"], float), np.array(data["data"]["targets"], float)
    if "expected" in data:
        network = network_of(data)
        theta = initialize(network)
        yield from _one_update(network, theta, x, y, data["training"]["learning_rate"], data["expected"])[1]
    for i, variant in enumerate(data.get("variants", ())):
        network = network_of(data, biases_learn=variant["biases_learn"], reduction=variant.get("reduction", "sum"))
        theta = initialize(network)
        batches = [[k] for k in variant["order"]] if variant["mode"] == "online" else [list(range(len(x)))]
        for rows, step in zip(batches, variant["steps"], strict=True):
            theta, found = _one_update(network, theta, x[rows], y[rows], variant["learning_rate"], step)
            for one in found:
                yield Number(f"variant {i + 1}, {one.what}", one.true, one.computed, one.scale)
        yield from numbers(f"variant {i + 1}, final W", variant["final"]["W"], _params(network, theta, "W"))
        yield from numbers(f"variant {i + 1}, final b", variant["final"]["b"], _params(network, theta, "b"))
        yield Number(f"variant {i + 1}, loss", variant["total_loss_after"], forward(network, theta, x, y).loss)
    if "wrong_sign" in data:
        wrong, network = data["wrong_sign"], network_of(data)
        gradient = backward(forward(network, initialize(network), x, y))
        climbed = initialize(network) - wrong["learning_rate"] * gradient.vector
        yield Number("wrong sign: loss before", wrong["loss_before"], gradient.trace.loss)
        yield Number("wrong sign: loss after", wrong["loss_after"], forward(network, climbed, x, y).loss)


def _one_update(
    network: Network, theta: Array, x: Array, y: Array, rate: float, expected: Mapping[str, Any]
) -> tuple[Array, list[Number]]:
    gradient = backward(forward(network, theta, x, y))
    trace = gradient.trace
    moved = update("gradient_descent", theta, gradient, learning_rate=rate)
    count = len(network.layers)
    assert trace.losses is not None
    found: list[Number] = []
    for row, told in enumerate(expected["forward"]):
        alone = backward(forward(network, theta, x[row : row + 1], y[row : row + 1])).trace
        for what, slots, source in (("net", "z", trace.values), ("out", "a", trace.values)):
            found += numbers(what, told[what], [source[f"{slots}{i + 1}"][row].tolist() for i in range(count)])
        found += numbers("delta", told["delta"], [alone.deltas[f"z{i + 1}"][0].tolist() for i in range(count)])
        found.append(Number("loss of an example", told["loss"], float(trace.losses[row])))
    found.append(Number("loss", expected["loss"], trace.loss))
    for kind in "Wb":
        found += numbers(f"gradient of {kind}", expected["grad"][kind], _params(network, gradient.vector, kind))
        found += numbers(f"new {kind}", expected["updated"][kind], _params(network, moved, kind))
    found.append(Number("loss after the update", expected["loss_after"], forward(network, moved, x, y).loss))
    return moved, found


def _params(network: Network, theta: Array, kind: str) -> list[Any]:
    return [network.plan.param(f"{kind}{i + 1}").of(theta).tolist() for i in range(len(network.layers))]


_BY_NAME: dict[str, Callable[[Mapping[str, Any]], Iterator[Number]]] = {
    "dse3121-mp-neuron": threshold.mcculloch_pitts,
    "dse3121-perceptron-or": threshold.perceptron_or,
    "dse3121-perceptron-learning": threshold.learning,
    "dse3121-xor-impossible": threshold.xor_impossible,
    "dse3121-xor-mlp": lambda data: threshold.two_layers(data, network_of(data)),
    "practical-ml-xor-two-lines": lambda data: threshold.two_layers(data, network_of(data)),
    "dse3121-boolean-theorem": threshold.theorem,
    "dse3121-sigmoid-neuron-loss-table": tables.loss_table,
    "dse3121-sigmoid-neuron-gradient-descent": tables.trajectory,
    "dse3121-taylor-direction": tables.taylor_table,
    "dse3121-threshold-vs-sigmoid": tables.step_and_sigmoid,
    "practical-ml-single-neuron": tables.single_neuron,
    "practical-ml-toy-f-wx-b": tables.toy,
    "practical-ml-softmax-table": tables.softmax_table,
    "activations": tables.activation_samples,
    "losses": tables.loss_samples,
    "metrics": tables.metric_samples,
    "initialisation": tables.initial_distributions,
    "diagnostics": tables.diagnostics,
}


def recompute(example: Example) -> list[Number]:
    """Every number that the library's own parts can give, beside the file's."""
    found: list[Number] = []
    if example.kind == "network-step":
        found += network_step(example.data)
    if example.name in _BY_NAME:
        found += _BY_NAME[example.name](example.data)
    return found


def report(found: Sequence[Number]) -> Report:
    """The differences in short."""
    return Report(
        len(found), max((one.difference for one in found), default=0.0),
        tuple(one for one in found if not one.difference <= TOLERANCE),
    )  # fmt: skip
