"""The worked examples that ship with the package, and how a network of theirs is written here."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

import numpy as np

from chainrule import Dense, Network, initialize

FOLDER = files("chainrule.course").joinpath("worked_examples")
TOLERANCE = 1e-12  # the files hold 15 digits; plain float64 stays within 9e-14 of 50 digits here


def load(name: str) -> dict[str, Any]:
    return json.loads(FOLDER.joinpath(f"{name}.json").read_text(encoding="utf-8"))


def of_kind(kind: str) -> list[str]:
    names = sorted(path.name.removesuffix(".json") for path in FOLDER.iterdir() if path.name.endswith(".json"))
    return [name for name in names if load(name)["kind"] == kind]


def quantities(example: dict[str, Any]) -> dict[str, float]:
    return {row["name"]: row["true"] for row in example["quantities"]}


def network_of(
    example: dict[str, Any], *, reduction: str = "sum", biases_learn: bool = True
) -> tuple[Network, np.ndarray]:
    """The network of an example with its given weights, and its θ."""
    drawn = example["network"]
    layers = [
        Dense(
            len(weights), activation, weights=weights, biases=biases, unit_names=units, weight_names=names,
            bias_names=bias_names, bias_learning_rate_factor=1.0 if biases_learn else 0.0,
        )
        for weights, biases, activation, units, names, bias_names in zip(
            drawn["W"], drawn["b"], drawn["activations"], drawn["units"][1:], drawn["W_names"], drawn["b_names"],
            strict=True,
        )
    ]  # fmt: skip
    network = Network(drawn["units"][0], layers, loss=example["loss"]["name"], reduction=reduction)  # type: ignore[arg-type]
    return network, np.asarray(initialize(network))


def parts(network: Network, vector: Any) -> dict[str, list[np.ndarray]]:
    """W and b, layer by layer, out of a vector in θ's order."""
    params = {param.name: param for param in network.plan.params}
    count = len(network.layers)
    return {kind: [params[f"{kind}{k}"].of(np.asarray(vector)) for k in range(1, count + 1)] for kind in "Wb"}


def near(got: Any, true: Any) -> None:
    np.testing.assert_allclose(np.asarray(got, float), np.asarray(true, float), rtol=TOLERANCE, atol=TOLERANCE)


def layers_near(got: dict[str, list[np.ndarray]], true: dict[str, Any]) -> None:
    for kind in "Wb":
        for ours, theirs in zip(got[kind], true[kind], strict=True):
            near(ours, theirs)
