"""Every network-step example: forward, loss, every delta, every gradient, every updated parameter, the loss after."""

from __future__ import annotations

import numpy as np
import pytest
from examples import layers_near, load, near, network_of, of_kind, parts, quantities

from chainrule import Dense, Network, backward, forward, initialize, update

NAMES = of_kind("network-step")
SINGLE = [name for name in NAMES if "expected" in load(name)]
VARIED = [name for name in NAMES if "variants" in load(name)]


def compare_pass(network, theta, example, expected, rows):
    """One pass over the given rows against `forward`, `loss` and `grad` of a step; returns the gradient."""
    x, y = (np.asarray(example["data"][key], float)[rows] for key in ("inputs", "targets"))
    trace = forward(network, theta, x, y)
    gradient = backward(trace)
    assert len(expected["forward"]) == len(rows)
    for row, one in enumerate(expected["forward"]):
        for layer, (net, out) in enumerate(zip(one["net"], one["out"], strict=True), start=1):
            near(trace[f"z{layer}"][row], net)
            near(trace[f"a{layer}"][row], out)
        near(trace.losses[row], one["loss"])
    near(trace.loss, expected["loss"])
    layers_near(parts(network, gradient), expected["grad"])
    return trace, gradient


@pytest.mark.parametrize("name", SINGLE)
def test_a_step_of_the_example_is_reproduced(name):
    example = load(name)
    expected = example["expected"]
    network, theta = network_of(example, reduction=example["loss"]["reduction_over_examples"])
    rows = list(range(len(example["data"]["inputs"])))
    trace, gradient = compare_pass(network, theta, example, expected, rows)
    for row, one in enumerate(expected["forward"]):
        for layer, delta in enumerate(one["delta"], start=1):
            near(gradient.deltas[f"z{layer}"][row], delta)
    moved = update("gradient_descent", theta, gradient, learning_rate=example["training"]["learning_rate"])
    layers_near(parts(network, moved), expected["updated"])
    near(forward(network, moved, trace.x, trace.y).loss, expected["loss_after"])


@pytest.mark.parametrize("name", SINGLE)
def test_the_parameters_carry_the_names_of_the_source(name):
    example = load(name)
    network, theta = network_of(example)
    given = example["given"]
    for param in network.plan.params:
        for own, value in zip(param.names, theta[param.where], strict=True):
            if own in given:
                near(value, given[own])


@pytest.mark.parametrize("name", [name for name in SINGLE if "dE_db1_shared" in quantities(load(name))])
def test_a_bias_drawn_as_one_number_gets_the_sum_of_the_gradients(name):
    example = load(name)
    drawn = example["network"]
    assert all(len(set(biases)) == 1 for biases in drawn["b"])
    layers = [
        Dense(len(w), activation, bias="layer", weights=w, biases=b[:1])
        for w, b, activation in zip(drawn["W"], drawn["b"], drawn["activations"], strict=True)
    ]
    network = Network(len(drawn["units"][0]), layers, loss=example["loss"]["name"], reduction="sum")
    trace = forward(network, initialize(network), example["data"]["inputs"], example["data"]["targets"])
    gradient, true = backward(trace), quantities(example)
    near(trace.loss, example["expected"]["loss"])
    for layer in range(1, len(layers) + 1):
        if f"dE_db{layer}_shared" in true:
            near(gradient[f"b{layer}"], [true[f"dE_db{layer}_shared"]])


def variants():
    return [
        pytest.param(
            name, number, id=f"{v['mode']}-{v.get('reduction', '')}-{v['learning_rate']}-biases {v['biases_learn']}"
        )
        for name in VARIED
        for number, v in enumerate(load(name)["variants"])
    ]


@pytest.mark.parametrize(("name", "number"), variants())
def test_online_and_batch_variants_are_reproduced(name, number):
    example = load(name)
    variant = example["variants"][number]
    reduction = variant.get("reduction", "sum")
    network, theta = network_of(example, reduction=reduction, biases_learn=variant["biases_learn"])
    everything = list(range(len(example["data"]["inputs"])))
    order = variant.get("order") or everything
    batches = [[row] for row in order] if variant["mode"] == "online" else [everything]
    for step, rows in zip(variant["steps"], batches, strict=True):
        trace, gradient = compare_pass(network, theta, example, step, rows)
        for row, one in enumerate(step["forward"]):
            # the file gives the delta of each example's own loss; the trace that of the reduced loss
            share = len(rows) if reduction == "mean" else 1
            for layer, delta in enumerate(one["delta"], start=1):
                near(gradient.deltas[f"z{layer}"][row] * share, delta)
        theta = update("gradient_descent", theta, gradient, learning_rate=variant["learning_rate"])
        layers_near(parts(network, theta), step["updated"])
        near(forward(network, theta, trace.x, trace.y).loss, step["loss_after"])
    layers_near(parts(network, theta), variant["final"])
    x, y = example["data"]["inputs"], example["data"]["targets"]
    near(forward(network, theta, x, y).loss, variant["total_loss_after"])


def test_eighteen_variants_are_there():
    assert len(variants()) == 18
    assert len(SINGLE) >= 5


def test_the_printed_plus_sign_makes_the_loss_grow():
    example = load("practical-ml-2-2-2-backprop")
    wrong = example["wrong_sign"]
    network, theta = network_of(example)
    trace = forward(network, theta, example["data"]["inputs"], example["data"]["targets"])
    near(trace.loss, wrong["loss_before"])
    climbed = theta - wrong["learning_rate"] * np.asarray(backward(trace))
    after = forward(network, climbed, trace.x, trace.y).loss
    near(after, wrong["loss_after"])
    assert after > trace.loss
