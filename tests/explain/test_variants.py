"""The review question with its 18 variants (online or batch, sum or mean, biases that learn or not, three rates): every step
explained, its gradients and its new weights those of the file."""

import numpy as np
import pytest
from evaluator import recompute
from lectures import load

from chainrule.course.recompute import network_of
from chainrule.explain import explain_trace, explain_update
from chainrule.network import initialize
from chainrule.steps import backward, forward, update

FILE = load("csds440-review-2-2-1")
X, Y = np.array(FILE["data"]["inputs"], float), np.array(FILE["data"]["targets"], float)


def told(step: dict, kind: str) -> list[float]:
    return [float(value) for layer in step[kind] for value in np.ravel(layer)]


def addresses(plan, kind: str) -> list[str]:
    params = [param for param in plan.params if param.name[0] == kind]
    return [
        f"{p.name}[{i // p.shape[-1]},{i % p.shape[-1]}]" if kind == "W" else f"{p.name}[{i}]"
        for p in params for i in range(p.size)
    ]  # fmt: skip


@pytest.mark.parametrize("number", range(len(FILE["variants"])))
def test_every_step_of_a_variant_is_explained_with_the_numbers_of_the_file(number: int) -> None:
    variant = FILE["variants"][number]
    rate = variant["learning_rate"]
    network = network_of(FILE, biases_learn=variant["biases_learn"], reduction=variant.get("reduction", "sum"))
    theta = initialize(network)
    batches = [[k] for k in variant["order"]] if variant["mode"] == "online" else [list(range(len(X)))]
    for rows, step in zip(batches, variant["steps"], strict=True):
        gradient = backward(forward(network, theta, X[rows], Y[rows]))
        loss = explain_trace(gradient, "loss", notation="csds440")
        assert loss.value == pytest.approx(step["loss"], rel=1e-12)
        for kind in "Wb":
            names = addresses(network.plan, kind)
            pairs = zip(names, told(step["grad"], kind), told(step["updated"], kind), strict=True)
            for address, slope, new in pairs:
                found = explain_trace(
                    gradient, address, notation="csds440", form=("factors", "delta", "paths")[number % 3]
                )
                recompute(found)
                assert found.value == pytest.approx(slope, rel=1e-12, abs=1e-15)
                moved = explain_update(gradient, "gradient_descent", address, notation="csds440", learning_rate=rate)
                recompute(moved)
                assert moved.value == pytest.approx(new, rel=1e-12, abs=1e-15), (address, variant["biases_learn"])
        theta = update("gradient_descent", theta, gradient, learning_rate=rate)


def test_there_are_eighteen_variants() -> None:
    assert len(FILE["variants"]) == 18
