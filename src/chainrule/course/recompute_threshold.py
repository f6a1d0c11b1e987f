"""The worked examples of threshold units, by `chainrule.threshold`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from chainrule.course.numbers import Number, numbers
from chainrule.network import Network, initialize
from chainrule.steps import forward
from chainrule.threshold import (
    BooleanFunction,
    McCullochPitts,
    all_functions,
    every_pattern,
    learn,
    perceptron,
    separate,
)
from chainrule.threshold import truth_table as table_of
from chainrule.threshold.neurons import thresholds

Data = Mapping[str, Any]


def mcculloch_pitts(data: Data) -> Iterator[Number]:
    """Truth tables and the thresholds that work."""
    for case in data["functions"]:
        neuron = McCullochPitts(case["theta"], tuple(map(bool, case["inhibitory"])))
        for row in case["truth_table"]:
            yield Number(f"{case['function']} of {tuple(row['x'])}", row["y"], neuron(row["x"]))
        found = thresholds(neuron.function, case["inhibitory"])
        yield from numbers(f"{case['function']}: thresholds", case["all_integer_thetas_that_work"], found)


def perceptron_or(data: Data) -> Iterator[Number]:
    """The inequalities of OR, with the slide's weights put in."""
    weights = [data["given"][name] for name in ("w0", "w1", "w2")]
    system = {tuple(map(int, one.x)): one for one in separate(BooleanFunction.named("OR")).inequalities}
    for row in data["inequalities"]:
        yield Number(f"{row['right']} holds", row["holds"], system[tuple(row["x"])].holds(weights))


def learning(data: Data) -> Iterator[Number]:
    """The perceptron learning algorithm, pass by pass."""
    for run in data["runs"]:
        done = learn(BooleanFunction.named(run["function"]), passes=max(len(run["history"]), 1))
        yield Number(f"{run['function']} converges", run["converges"], done.converged)
        yield from numbers(f"{run['function']}: mistakes", [h["mistakes"] for h in run["history"]], done.mistakes)
        ends = [one[-1].weights for one in done.passes]
        yield from numbers(f"{run['function']}: weights", [h["w"] for h in run["history"]], ends)


def xor_impossible(data: Data) -> Iterator[Number]:
    """Which functions have a perceptron, the contradiction of XOR, and how many functions of 1, 2, 3 inputs are possible."""
    for row in data["all_two_input_functions"]:
        function = BooleanFunction(tuple(row["outputs_for_00_01_10_11"]))
        yield Number(f"{function} is possible", row["separable"], separate(function).possible)
        if row["separable"]:
            yield from numbers(
                f"{function} by its weights",
                function.outputs,
                [perceptron(row["w0_w1_w2"], x) for x, _ in function.rows()],
            )
    found = separate(BooleanFunction.named("XOR"))
    used = [one for m, one in zip(found.multipliers, found.inequalities, strict=True) if m]  # type: ignore[union-attr]
    for side, y in (("positive_rows", 1), ("negative_rows", 0)):
        rows = sorted([1, *map(int, one.x)] for one in used if one.y == y)
        yield from numbers(f"contradiction, {side}", sorted(data["certificate"][side]), rows)
    for inputs in (1, 2, 3):
        functions = list(all_functions(inputs))
        counted = [sum(separate(function).possible for function in functions), len(functions)]
        yield from numbers(f"functions of {inputs} inputs", data["separable_counts"][f"n{inputs}"], counted)


def two_layers(data: Data, network: Network) -> Iterator[Number]:
    """The table of a network of perceptrons: hidden units and output."""
    for row in data["rows"]:
        hidden = row["z_true"] if "z_true" in row else [row["z_nand"], row["z_or"]]
        y = row["y_true"] if "y_true" in row else row["y"]
        yield from _row(network, row["x"], hidden, y)


def theorem(data: Data) -> Iterator[Number]:
    """2^n hidden perceptrons for every function of 1, 2, 3 inputs, and the network for XOR."""
    for key, told in data["checked"].items():
        inputs = int(key.removeprefix("n="))
        functions = list(all_functions(inputs))
        right = sum(table_of(every_pattern(function)) == function for function in functions)
        counts = [told["hidden_units"], told["functions"], told["represented"]]
        yield from numbers(f"{inputs} inputs", counts, [2**inputs, len(functions), right])
    network = every_pattern(BooleanFunction.named("XOR"))
    theta, told = initialize(network), data["instance_xor"]
    for i in (0, 1):
        yield from numbers(f"W{i + 1}", told["W"][i], network.plan.param(f"W{i + 1}").of(theta).tolist())
        yield from numbers(f"b{i + 1}", told["b"][i], network.plan.param(f"b{i + 1}").of(theta).tolist())
    for row in told["truth_table"]:
        yield from _row(network, row["x"], row["hidden"], row["y"])


def _row(network: Network, x: list[int], hidden: list[int], y: int) -> Iterator[Number]:
    trace = forward(network, initialize(network), np.array([x], float))
    yield from numbers(f"hidden units at {tuple(x)}", hidden, trace["a1"][0].tolist())
    yield Number(f"output at {tuple(x)}", y, float(trace["a2"][0, 0]))
