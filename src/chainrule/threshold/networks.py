"""Networks of perceptrons: any truth table with one hidden layer, and XOR by two lines."""

from __future__ import annotations

import numpy as np

from chainrule.layers import Dense
from chainrule.network import Network, initialize
from chainrule.steps import forward
from chainrule.threshold.boolean import BooleanFunction, patterns


def _two_layers(w1: list[list[float]], b1: list[float], w2: list[float], b2: float) -> Network:
    return Network(
        [f"x{i + 1}" for i in range(len(w1[0]))],
        [
            Dense(len(w1), "binary_step", weights=w1, biases=b1, unit_names=[f"z{i + 1}" for i in range(len(w1))]),
            Dense(1, "binary_step", weights=[w2], biases=[b2], unit_names=["y"]),
        ],
    )


def every_pattern(function: BooleanFunction) -> Network:
    """The network with 2^n hidden perceptrons that computes any boolean function of n inputs.

    The hidden perceptron of pattern p has weights 2·p_i − 1 and bias −(number of ones in p): it answers 1 at x = p alone.
    The output perceptron takes the weight f(p) from it, with bias −½. 2^n are enough, not always needed.

    >>> truth_table(every_pattern(BooleanFunction.named("XOR")))
    BooleanFunction(outputs=(0, 1, 1, 0))
    """
    rows = patterns(function.inputs)
    return _two_layers(
        [[2.0 * value - 1.0 for value in p] for p in rows], [-float(sum(p)) for p in rows],
        [float(y) for y in function.outputs], -0.5,
    )  # fmt: skip


def xor_by_two_lines() -> Network:
    """XOR as NAND and OR, joined by AND: z1 is 1 below the line x1 + x2 = 1.5, z2 above the line x1 + x2 = 0.5."""
    return _two_layers([[-1.0, -1.0], [1.0, 1.0]], [1.5, -0.5], [1.0, 1.0], -1.5)


def xor_by_differences() -> Network:
    """XOR as z1 = x1 AND NOT x2 and z2 = x2 AND NOT x1, joined by OR."""
    return _two_layers([[1.0, -1.0], [-1.0, 1.0]], [-0.5, -0.5], [1.0, 1.0], -0.5)


def truth_table(network: Network) -> BooleanFunction:
    """What a network with given weights answers to every pattern of zeros and ones (its first output, ≥ ½ counts as 1)."""
    trace = forward(network, initialize(network), np.array(patterns(network.input_count), dtype=np.float64))
    return BooleanFunction(tuple(int(value >= 0.5) for value in trace.prediction[:, 0]))
