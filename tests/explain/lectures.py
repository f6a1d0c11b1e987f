"""The network-step files of the worked examples as networks."""

import json
from importlib.resources import files

import numpy as np

from chainrule import Dense, Network
from chainrule.engines.trace import Trace
from chainrule.steps import backward, forward

FOLDER = files("chainrule.course") / "worked_examples"
NAMES = (
    "cis678-2-2-2-sigmoid", "dse3121-han-kamber-3-2-1", "cap4453-2-3-1", "practical-ml-2-2-2-backprop", "dse3121-single-chain",
)  # fmt: skip


def load(name: str) -> dict:
    return json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))


def network_of(file: dict) -> tuple[Network, np.ndarray]:
    """The network with the source's names, and its θ."""
    given = file["network"]
    layers, theta = [], []
    for n, activation in enumerate(given["activations"]):
        weights, biases = given["W"][n], given["b"][n]
        layers.append(
            Dense(
                len(weights), activation, unit_names=given["units"][n + 1], weight_names=given["W_names"][n],
                bias_names=given["b_names"][n],
            )
        )  # fmt: skip
        theta += [*np.ravel(weights), *np.ravel(biases)]
    network = Network(given["units"][0], layers, loss=file["loss"]["name"], reduction="sum")
    return network, np.array(theta, float)


def trace_of(file: dict) -> Trace:
    network, theta = network_of(file)
    trace = forward(network, theta, file["data"]["inputs"][:1], file["data"]["targets"][:1])
    return backward(trace).trace
