"""The worked tables, trajectories and lists of functions, by the library's own parts."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from chainrule.calculus.activations import activations
from chainrule.calculus.loss import row_factors
from chainrule.calculus.losses import losses, softmax_of
from chainrule.course.numbers import Number, numbers
from chainrule.course.search import (
    Problem,
    descend,
    grid_search,
    quadratic_toy,
    surface,
    taylor,
    two_points,
)
from chainrule.expression import Expression
from chainrule.initializers import initializers, uniform_limit
from chainrule.layers import Dense, Maxout
from chainrule.metrics import evaluate as metric
from chainrule.network import Network
from chainrule.steps import backward, forward, update

Data = Mapping[str, Any]


def loss_table(data: Data) -> Iterator[Number]:
    """The guesses, the error surface, the best point of a grid, and the rounding of the guesses."""
    problem = two_points()
    told = data["error_surface"]
    yield from numbers("error surface", told["L"], surface(problem, told["w"], told["b"]))
    (w, b), loss = grid_search(problem, points=49).best
    best = told["best_on_grid_step_0_25"]
    yield from numbers("best of the grid", [best["w"], best["b"], best["L"]], [w, b, loss])
    for row in data["rounding_check"]["rows"]:
        near = np.arange(-10, 11) / 2000
        around = surface(problem, row["w"] + near, row["b"] + near)
        yield Number("smallest loss if rounded", row["min_if_rounded"], float(around.min()))
        yield Number("largest loss if rounded", row["max_if_rounded"], float(around.max()))
        if row["min_if_cut_off"] is not None:
            w, b = (value + (1 if value >= 0 else -1) * np.arange(20) / 2000 for value in (row["w"], row["b"]))
            further = surface(problem, w, b)
            yield Number("smallest loss if cut off", row["min_if_cut_off"], float(further.min()))
            yield Number("largest loss if cut off", row["max_if_cut_off"], float(further.max()))


def trajectory(data: Data) -> Iterator[Number]:
    """A thousand steps of gradient descent, at the checkpoints."""
    start, told = data["training"]["initial"], data["flat_and_steep"]
    path = descend(
        two_points(),
        [start["w"], start["b"]],
        learning_rate=data["training"]["learning_rate"],
        steps=data["training"]["steps"],
    )
    problem = two_points()
    for point in data["checkpoints"]:
        theta = path.thetas[point["epoch"]]
        here = [*theta, path.losses[point["epoch"]], *problem.gradient(theta)]
        yield from numbers(f"epoch {point['epoch']}", [point[k] for k in ("w", "b", "loss", "dw", "db")], here)
    lengths = path.update_lengths
    steep = [
        told["first_update"],
        told["largest_update"],
        told["largest_update_is_made_at_epoch"],
        told["update_at_epoch_999"],
    ]
    yield from numbers("length of updates", steep, [lengths[0], lengths.max(), lengths.argmax(), lengths[999]])
    yield Number("loss falls every epoch", data["loss_falls_every_epoch"], path.verdict == "falls at every step")
    for limit, epoch in data["first_epoch_with_loss_below"].items():
        yield Number(f"first epoch below {limit}", epoch, int(np.argmax(path.losses < float(limit))))


def taylor_table(data: Data) -> Iterator[Number]:
    """The change of the loss in eight directions, predicted and actual; actual is a difference of two losses."""
    problem, at = two_points(), [-2.0, -2.0]
    told = data["gradient"]
    gradient = problem.gradient(at)
    here = [*gradient, np.linalg.norm(gradient), problem.loss(at)]
    yield from numbers("gradient", [told[k] for k in ("dw", "db", "norm", "L")], here)
    for row in data["rows"]:
        (found,) = taylor(problem, at, angles=[row["beta_degrees"]], lengths=[row["eta"]])
        what = f"β = {row['beta_degrees']}°, η = {row['eta']}"
        yield Number(f"{what}: first order", row["predicted"], found.first_order)
        yield Number(f"{what}: actual", row["actual"], found.actual, told["L"])


def toy(data: Data) -> Iterator[Number]:
    """f = wx + b: the derivatives on its graph, one step of descent on the loss, and the largest learning rate."""
    given, told = data["given"], {row["name"]: row["true"] for row in data["quantities"]}
    expression = Expression("g = w * x; f = g + b", ["x"])
    gradient = backward(forward(expression, expression.theta(w=given["w"], b=given["b"]), [[given["x"]]]))
    yield Number("f", told["f"], float(gradient.trace.prediction[0, 0]))
    for name in ("w", "b"):
        yield Number(f"∂f/∂{name}", told[f"df_d{name}"], float(gradient[name][0]))
    yield Number("∂f/∂x", told["df_dx"], float(gradient.deltas["x"][0, 0]))
    for rate, end in ((given["eta"], "_new"), (0.03, "2")):
        path = descend(quadratic_toy(), [given["w"], given["b"]], learning_rate=rate, steps=1)
        w, b = (told[f"{name}_gd{end}"] for name in "wb")
        yield from numbers(f"one step, η = {rate}", [w, b, told[f"L_gd{end}"]], [*path.thetas[1], path.losses[1]])


def single_neuron(data: Data) -> Iterator[Number]:
    """One sigmoid neuron: its gradient and its update."""
    given, told = data["given"], {row["name"]: row["true"] for row in data["quantities"]}
    network = Network(["z1", "z2", "z3"], [Dense(1, "sigmoid", bias="none")], "half_squared_error")
    theta = [given[f"w{i}"] for i in (1, 2, 3)]
    gradient = backward(forward(network, theta, [given[f"z{i}"] for i in (1, 2, 3)], [given["t"]]))
    here = [gradient.trace["z1"][0, 0], gradient.trace["a1"][0, 0], gradient.trace.loss]
    yield from numbers("neuron", [told["a"], told["sigma"], told["E"]], here)
    yield from numbers("∂E/∂w", [told[f"dE_dw{i}"] for i in (1, 2, 3)], gradient["W1"][0])
    moved = update("gradient_descent", theta, gradient, learning_rate=given["eta"])
    yield from numbers("new w", [told[f"w{i}_new"] for i in (1, 2, 3)], moved)


def step_and_sigmoid(data: Data) -> Iterator[Number]:
    """A step and a sigmoid at 0.49 and 0.51."""
    told = {row["name"]: row["true"] for row in data["quantities"]}
    for unit, name in (("binary_step", "step"), ("sigmoid", "sigmoid")):
        network = Network(1, [Dense(1, unit)], "output")
        outputs = forward(network, [1.0, data["given"]["w0"]], [[0.49], [0.51]]).prediction[:, 0]
        yield from numbers(name, [told[f"{name}_049"], told[f"{name}_051"]], outputs)


def softmax_table(data: Data) -> Iterator[Number]:
    """Sigmoid, normalised and softmax columns, the cross-entropy and its gradient."""
    told = {row["name"]: row["true"] for row in data["quantities"]}
    z = np.array([data["data"]["outputs"]], float)
    t = np.array([data["data"]["t"]], float)
    sigmoid = activations.get("sigmoid").value(z)[0]
    columns = {"soft": softmax_of(z)[0], "norm": sigmoid / sigmoid.sum(), "sig": sigmoid}
    for name, column in columns.items():
        for i, value in enumerate(column, 1):
            if f"{name}{i}" in told:
                yield Number(f"{name}{i}", told[f"{name}{i}"], float(value))
    network = Network(4, [Dense(4, "softmax", weights=np.eye(4), bias="none")], "categorical_crossentropy")
    gradient = backward(forward(network, np.eye(4).ravel(), z, t))
    yield Number("H", told["H"], gradient.trace.loss)
    yield from numbers("∂H/∂z", [told[f"dH_dz{i}"] for i in range(1, 5)], gradient.deltas["z1"][0])


def activation_samples(data: Data) -> Iterator[Number]:
    """Values and slopes of every activation, minima, softmax with its Jacobian, maxout. Slopes at kinks are left out."""
    for told in data["functions"]:
        constants = {k: v for k, v in told["parameters"].items() if told["name"] != "prelu"}
        record = activations.get(told["name"], **constants)
        z = np.array([[sample["x"]] for sample in told["samples"]])
        learned = [np.array([told["parameters"].get(p.name, p.initial)]) for p in record.learned]
        a = record.value(z, *learned)
        yield from numbers(told["name"], [s["value"] for s in told["samples"]], a[:, 0])
        slopes = [s["derivative"] for s in told["samples"]]
        yield from numbers(f"slope of {told['name']}", slopes, record.slope(z, a, *learned)[:, 0])
    for low in data["minima"]:
        value = activations.get(low["activation"]).value(np.array([[low["x"]]]))
        yield Number(f"minimum of {low['activation']}", low["min"], float(value[0, 0]))
    for sample in data["softmax"]["samples"]:
        p = softmax_of(np.array([sample["z"]]))[0]
        yield from numbers("softmax", sample["value"], p)
        yield from numbers("its Jacobian", sample["jacobian"], np.diag(p) - np.outer(p, p))
    for sample in data["maxout"]["samples"]:
        network = Network(len(sample["x"]), [Maxout(1, len(sample["W"]))], "output")
        theta = np.concatenate([np.ravel(sample["W"]), sample["b"]])
        gradient = backward(forward(network, theta, [sample["x"]]))
        yield Number(sample["what"], sample["value"], float(gradient.trace.prediction[0, 0]))
        yield from numbers(f"{sample['what']}: ∂/∂x", sample["gradient_wrt_x"], gradient.deltas["x"][0])


# the file's name of a loss -> the record, and whether its samples are examples to be averaged
_LOSSES = {
    "mse": ("mse", True), "mae": ("mae", True), "huber": ("huber", True), "binary_cross_entropy": ("bce", True),
    "categorical_cross_entropy": ("cce", True), "half_squared_error": ("half_squared_error", False),
    "squared_error_sum_outputs_mean_examples": ("squared_error", True), "squared_error_single": ("squared_error", False),
}  # fmt: skip


def loss_samples(data: Data) -> Iterator[Number]:
    """Every loss and its gradient."""
    for told in data["losses"]:
        name, averaged = _LOSSES[told["name"]]
        for sample in told["samples"]:
            record = losses.get(name, **sample.get("params", {}))
            y, p = (np.array(sample[key], float) for key in ("y_true", "y_pred"))
            shape = p.shape
            flat = y.ndim == 1 and averaged
            y, p = (y[:, None], p[:, None]) if flat else (np.atleast_2d(y), np.atleast_2d(p))
            factors = row_factors(len(y), None, "mean" if averaged else "sum", np.dtype(float))
            yield Number(told["name"], sample["value"], float((factors * record.per_example(y, p)).sum()))
            slopes = record.slope(y, p) * factors[:, None] * record.share(y.shape[1])
            yield from numbers(f"gradient of {told['name']}", sample["gradient_wrt_y_pred"], slopes.reshape(shape))


def metric_samples(data: Data) -> Iterator[Number]:
    """Every metric by Keras's names."""
    for told in data["metrics"]:
        for sample in told["samples"]:
            value = metric(told["name"], sample["y_true"], sample["y_pred"], **sample.get("params", {}))
            yield Number(told["name"], sample["value"], float(value))


_INITIAL: dict[str, tuple[str, dict[str, float], Any]] = {
    "xavier_uniform_limit": ("xavier_uniform", {}, uniform_limit),
    "xavier_normal_std": ("xavier_normal", {}, math.sqrt),
    "xavier_variance": ("glorot_normal", {}, float),
    "he_normal_std": ("he_normal", {}, math.sqrt),
    "he_uniform_limit": ("he_uniform", {}, uniform_limit),
    "he_variance": ("he_uniform", {}, float),
    "he_normal_std_leaky_0_01": ("he_normal", {"negative_slope": 0.01}, math.sqrt),
    "old_heuristic_uniform_limit": ("old_heuristic", {}, uniform_limit),
}


def initial_distributions(data: Data) -> Iterator[Number]:
    """Limits, deviations and variances of the initial weights."""
    for sample in data["samples"]:
        for fact, (name, constants, read) in _INITIAL.items():
            variance = initializers.get(name, **constants).variance
            assert variance is not None
            yield Number(fact, sample[fact], read(variance(sample["fan_out"], sample["fan_in"])))


def diagnostics(data: Data) -> Iterator[Number]:
    """The slope of the sigmoid, the vanishing chain, the dead ReLU, learning rates, signs of gradients."""
    sigmoid = activations.get("sigmoid")
    for row in data["sigmoid_derivative"]:
        z = np.array([[row["x"]]])
        yield Number(f"σ′({row['x']:g})", row["derivative"], float(sigmoid.slope(z, sigmoid.value(z))[0, 0]))
    edge = data["sigmoid_saturation_float64"]["x"]
    for x, saturated in ((edge + 1e-9, True), (edge - 1e-9, False)):
        yield Number(f"σ({x:.9f}) is 1 in float64", saturated, bool(sigmoid.value(np.array([[x]]))[0, 0] == 1.0))
    for row in data["vanishing_chain"]["rows"]:
        chain = Network(1, [Dense(1, "sigmoid", weights=[[1.0]], biases=[0.0])] * row["neurons"], "half_squared_error")
        theta = np.array([1.0, 0.0] * row["neurons"])
        gradient = backward(forward(chain, theta, [[1.0]], [[0.0]]))
        here = [float(gradient.trace.prediction[0, 0]), float(gradient["W1"][0, 0])]
        yield from numbers(f"chain of {row['neurons']}", [row["output"], row["dL_dw_first"]], here)
    dead = data["dead_relu"]
    for name, told in (("relu", dead["relu_output"]), ("leaky_relu", dead["leaky_output"])):
        unit = Network(2, [Dense(1, name)], "output")
        gradient = backward(forward(unit, [*dead["w"], dead["b"]], dead["inputs"]))
        yield from numbers(f"{name} outputs", told, gradient.trace.prediction[:, 0])
        slope = dead["relu_derivative" if name == "relu" else "leaky_derivative"]
        n = len(dead["inputs"])
        yield from numbers(f"{name} slopes", [slope] * n, gradient.deltas["z1"][:, 0] * n)
    problem: Problem = quadratic_toy()
    for row in data["learning_rate"]["rows"]:
        path = descend(problem, [-2.0, 3.0], learning_rate=row["eta"], steps=20)
        for step, loss in row["loss_after_steps"].items():
            yield Number(f"η = {row['eta']}: loss after {step}", loss, float(path.losses[int(step)]))
    same = data["same_sign_gradients"]
    for outputs, told in ((same["h_sigmoid"], same["grad_sigmoid"]), (same["h_tanh"], same["grad_tanh"])):
        expression = Expression("y = w1 * h1 + w2 * h2", ["h1", "h2"], loss="half_squared_error")
        theta = expression.theta(w1=0.0, w2=0.0)
        gradient = backward(forward(expression, theta, [outputs], [[-same["delta"]]]))
        yield from numbers("gradients into one neuron", told, [gradient["w1"][0], gradient["w2"][0]])
