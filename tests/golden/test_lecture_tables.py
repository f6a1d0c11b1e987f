"""The lecture examples that are tables and trajectories, through Expression and Network."""

from __future__ import annotations

import math

import numpy as np
import pytest
from examples import load, near, quantities

from chainrule import Dense, Expression, Network, backward, forward, initialize, update


def test_the_neuron_with_three_inputs():
    example = load("practical-ml-single-neuron")
    given, true = example["given"], quantities(example)
    neuron = Expression(
        "a = w1 * z1 + w2 * z2 + w3 * z3; sigma = sigmoid(a)", ["z1", "z2", "z3"], loss="half_squared_error"
    )
    theta = neuron.theta(w1=given["w1"], w2=given["w2"], w3=given["w3"])
    trace = forward(neuron, theta, [[given["z1"], given["z2"], given["z3"]]], [[given["t"]]])
    gradient = backward(trace)
    near(trace["a"][0, 0], true["a"])
    near(trace["sigma"][0, 0], true["sigma"])
    near(trace.loss, true["E"])
    near(gradient.deltas["sigma"][0, 0], true["dE_dsigma"])
    near(gradient.deltas["a"][0, 0], true["dE_dsigma"] * true["dsigma_da"])
    moved = update("gradient_descent", theta, gradient, learning_rate=given["eta"])
    for k, name in enumerate(("w1", "w2", "w3")):
        near(gradient[name][0], true[f"dE_d{name}"])
        near(moved[k], true[f"{name}_new"])


def test_the_same_neuron_as_a_network():
    example = load("practical-ml-single-neuron")
    given, true = example["given"], quantities(example)
    weights = [[given["w1"], given["w2"], given["w3"]]]
    network = Network(
        3, [Dense(1, "sigmoid", bias="none", weights=weights)], loss="half_squared_error", reduction="sum"
    )
    trace = forward(network, initialize(network), [given["z1"], given["z2"], given["z3"]], [given["t"]])
    near(backward(trace)["W1"][0], [true["dE_dw1"], true["dE_dw2"], true["dE_dw3"]])


def test_f_is_w_times_x_plus_b():
    example = load("practical-ml-toy-f-wx-b")
    given, true = example["given"], quantities(example)
    f = Expression("g = w * x; f = g + b", ["x"])
    theta = f.theta(w=given["w"], b=given["b"])
    trace = forward(f, theta, [[given["x"]]])
    gradient = backward(trace)
    near([trace["g"][0, 0], trace["f"][0, 0]], [true["g"], true["f"]])
    near([gradient.deltas[name][0, 0] for name in ("g", "x")], [true["df_dg"], true["df_dx"]])
    near([gradient["w"][0], gradient["b"][0]], [true["df_dw"], true["df_db"]])
    climbed = np.asarray(theta) + given["eta"] * np.asarray(gradient)
    near(climbed, [true["w_printed_new"], true["b_printed_new"]])
    near(forward(f, climbed, [[given["x"]]]).prediction[0, 0], true["f_printed_new"])


@pytest.mark.parametrize(("rate", "after"), [(0.1, "gd_new"), (0.03, "gd2")])
def test_gradient_descent_on_the_error_of_f(rate, after):
    example = load("practical-ml-toy-f-wx-b")
    given, true = example["given"], quantities(example)
    f = Expression("g = w * x; f = g + b", ["x"], loss="half_squared_error")
    theta, x, y = f.theta(w=given["w"], b=given["b"]), [[given["x"]]], [[given["target"]]]
    trace = forward(f, theta, x, y)
    gradient = backward(trace)
    near(trace.loss, true["L"])
    near(
        [gradient.deltas["f"][0, 0], gradient["w"][0], gradient["b"][0]], [true["dL_df"], true["dL_dw"], true["dL_db"]]
    )
    moved = update("gradient_descent", theta, gradient, learning_rate=rate)
    near(moved, [true[f"w_{after}"], true[f"b_{after}"]])
    trace = forward(f, moved, x, y)
    near([trace.prediction[0, 0], trace.loss], [true[f"f_{after}"], true[f"L_{after}"]])


def test_a_rate_above_the_limit_makes_the_error_of_f_grow_and_one_below_does_not():
    example = load("practical-ml-toy-f-wx-b")
    given, true = example["given"], quantities(example)
    f = Expression("f = w * x + b", ["x"], loss="half_squared_error")
    x, y = [[given["x"]]], [[given["target"]]]
    for factor, grows in ((1.01, True), (0.99, False)):
        theta = f.theta(w=given["w"], b=given["b"])
        trace = forward(f, theta, x, y)
        moved = update("gradient_descent", theta, backward(trace), learning_rate=factor * true["eta_limit"])
        assert (forward(f, moved, x, y).loss > trace.loss) == grows


def test_softmax_against_normalised_sigmoids():
    example = load("practical-ml-softmax-table")
    true, z, t = quantities(example), example["data"]["outputs"], example["data"]["t"]
    eye = {"weights": np.eye(4), "bias": "none"}
    sigmoids = Network(4, [Dense(4, "sigmoid", **eye)])
    sig = forward(sigmoids, initialize(sigmoids), z).prediction[0]
    near(sig, [true[f"sig{k}"] for k in range(1, 5)])
    near([sig.sum(), *(sig / sig.sum())], [true["sig_sum"], *(true[f"norm{k}"] for k in range(1, 5))])
    network = Network(4, [Dense(4, "softmax", **eye)])
    trace = forward(network, initialize(network), z, [t])
    near(trace.prediction[0], [true[f"soft{k}"] for k in range(1, 5)])
    near([trace.loss, trace.loss / math.log(2)], [true["H"], true["H_in_bits"]])
    near(backward(trace).deltas["z1"][0], [true[f"dH_dz{k}"] for k in range(1, 5)])


def neuron(example, w=0.0, b=0.0):
    network = Network(1, [Dense(1, "sigmoid", weights=[[w]], biases=[b])], loss="half_squared_error", reduction="sum")
    return network, np.asarray(initialize(network)), example["data"]["inputs"], example["data"]["targets"]


def test_a_thousand_epochs_of_gradient_descent():
    example = load("dse3121-sigmoid-neuron-gradient-descent")
    checkpoints = {point["epoch"]: point for point in example["checkpoints"]}
    training = example["training"]
    network, theta, x, y = neuron(example, **training["initial"])
    losses, moves = [], []
    for epoch in range(training["steps"] + 1):
        trace = forward(network, theta, x, y)
        gradient = backward(trace)
        losses.append(trace.loss)
        if epoch in checkpoints:
            point = checkpoints[epoch]
            near(theta, [point["w"], point["b"]])
            near([trace.loss, *np.asarray(gradient)], [point["loss"], point["dw"], point["db"]])
        moved = update("gradient_descent", theta, gradient, learning_rate=training["learning_rate"])
        moves.append(float(np.linalg.norm(moved - theta)))
        theta = moved
    assert example["loss_falls_every_epoch"] == bool((np.diff(losses) < 0).all())
    for bound, first in example["first_epoch_with_loss_below"].items():
        assert next(epoch for epoch, loss in enumerate(losses) if loss < float(bound)) == first
    flat = example["flat_and_steep"]
    assert int(np.argmax(moves)) == flat["largest_update_is_made_at_epoch"]
    near(
        [moves[0], max(moves), moves[999]], [flat[k] for k in ("first_update", "largest_update", "update_at_epoch_999")]
    )


def test_guessed_weights_and_the_error_surface():
    example = load("dse3121-sigmoid-neuron-loss-table")

    def loss(w, b):
        network, theta, x, y = neuron(example, w, b)
        return forward(network, theta, x, y).loss

    rows = [row for row in example["quantities"] if row.get("label", "").startswith("w=")]
    assert rows
    for row in rows:
        w, b = (float(part.split("=")[1]) for part in row["label"].split(", "))
        near(loss(w, b), row["true"])
    surface = example["error_surface"]
    near([[loss(w, b) for b in surface["b"]] for w in surface["w"]], surface["L"])
    best = surface["best_on_grid_step_0_25"]
    near(loss(best["w"], best["b"]), best["L"])
    points = np.asarray(example["data"]["inputs"])[:, 0], np.asarray(example["data"]["targets"])[:, 0]
    logits = np.log(points[1] / (1 - points[1]))
    w = (logits[1] - logits[0]) / (points[0][1] - points[0][0])
    near(loss(w, logits[0] - w * points[0][0]), example["loss_at_exact_solution"])


def test_the_change_of_the_loss_in_eight_directions():
    example = load("dse3121-taylor-direction")
    network, theta, x, y = neuron(example, -2.0, -2.0)
    trace = forward(network, theta, x, y)
    gradient = np.asarray(backward(trace))
    true = example["gradient"]
    near([*gradient, np.linalg.norm(gradient), trace.loss], [true[k] for k in ("dw", "db", "norm", "L")])
    angle = math.atan2(gradient[1], gradient[0])
    for row in example["rows"]:
        turned = angle + math.radians(row["beta_degrees"])
        u = np.array([math.cos(turned), math.sin(turned)])
        actual = forward(network, theta + row["eta"] * u, x, y).loss - trace.loss
        near([row["eta"] * u @ gradient, actual], [row["predicted"], row["actual"]])
