"""Random networks in which every activation, loss, layer kind and kind of connection of the catalogs occurs.

No two neighbouring sizes are equal, and none equals the number of rows: a transposed matrix cannot pass unseen.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from chainrule.calculus.activations import activations
from chainrule.calculus.losses import losses
from chainrule.engines.base import Rows
from chainrule.engines.reference import backward_pass, forward_pass
from chainrule.engines.trace import Trace
from chainrule.expression import Expression
from chainrule.laws.loss import targets
from chainrule.layers import KINDS, Activate, Dense, Dropout, Layer, LayerNorm, Maxout, Scale, Softmax
from chainrule.layers.layer import Pass
from chainrule.network import Network, initialize
from chainrule.plan import Plan
from chainrule.shapes import Array

CLEAR = 1e-3
"""How far every net input must be from a kink."""

STEEP = 100.0
"""No delta is longer than this, so that a difference with h = 2⁻¹⁷ moves net inputs by less than `CLEAR`."""

ROWS = 7


@dataclass(frozen=True, eq=False)
class Case:
    """A plan with numbers in it, away from kinks: what a network law is checked on."""

    name: str
    plan: Plan
    theta: Array
    rows: Rows
    run: Pass
    network: Network | Expression


def cases(seed: int = 0) -> Iterator[Case]:
    """Enough networks that everything in the catalogs occurs, in and outside training, with weights, by both reductions.

    Every network is given with its fused head and, where it has one, without.
    """
    functions = [record for record in activations if record.trainable]
    number = max(len(functions), len(losses), 2 * len(KINDS))
    for index in range(number):
        network = _network(index, functions)
        case = settle(f"network {index}", network, seed + 1000 * index, training=index % 3 > 0)
        yield case
        objective = case.plan.objective
        if objective is not None and objective.head is not None:
            unfused = replace(case.plan, objective=replace(objective, head=None, source=case.plan.output))
            yield replace(case, name=f"{case.name} without its fused head", plan=unfused)
    yield settle("x² + x·w, where x and w are read twice", Expression("f = x * x + x * w + w * w", ["x"]), seed)
    text = "n = (u * v - 2) / (3 + v ** 2); f = tanh(n) * w + n"
    yield settle("a quotient read twice", Expression(text, ["u", "v"], loss="mse", reduction="mean"), seed + 1)


def _network(index: int, functions: list[Any]) -> Network:
    first, second = functions[index % len(functions)], functions[(index * 7 + 3) % len(functions)]
    loss = list(losses)[index % len(losses)]
    kinds = sorted(KINDS)
    generator = np.random.default_rng(index)
    mask = generator.random((5, 4)) < 0.7
    between = [example(kinds[(index + shift) % len(kinds)], units=3 + shift) for shift in (0, 1)]
    return Network(
        4,
        [
            Dense(5, first, mask=mask if index % 2 == 0 else None, bias=("unit", "layer", "none")[index % 3]),
            *between,
            Dense(6, second, bias=("layer", "unit")[index % 2]),
            Dense(3, loss.output),
        ],
        loss=loss,
        reduction=("mean", "sum")[index % 2],
    )


def example(kind: str, *, units: int) -> Layer:
    """A layer of this kind."""
    examples: dict[str, Layer] = {
        "dense": Dense(units, "tanh"), "dropout": Dropout(0.3), "layer_norm": LayerNorm(), "softmax": Softmax(),
        "maxout": Maxout(units, pieces=3), "activate": Activate("tanh"), "scale": Scale(2.0),
    }  # fmt: skip
    return examples[kind]


def settle(name: str, network: Network | Expression, seed: int, *, training: bool = True) -> Case:
    """Parameters, rows, targets and weights for a network, drawn until all is away from kinks."""
    plan = network.plan
    assert plan.objective is not None
    for attempt in range(seed, seed + 500):
        generator = np.random.default_rng([attempt, 50])
        allowed = np.concatenate([np.ones(p.size) if p.mask is None else p.mask.ravel() for p in plan.params])
        theta = (initialize(network, attempt) + 0.3 * generator.normal(size=plan.size)) * allowed
        x = generator.normal(size=(ROWS, plan.input_width))
        y = targets(plan.objective.loss, generator, (ROWS, plan.slot(plan.output).width))
        weights = generator.integers(0, 4, ROWS).astype(float)
        run = Pass(generator.permutation(50)[:ROWS], training, attempt, 3)
        case = Case(name, plan, theta, Rows(x, y, weights), run, network)
        trace = backward_pass(forward_pass(plan, theta, case.rows, run))
        steepest = max(float(np.linalg.norm(delta)) for delta in trace.deltas.values())
        if weights.any() and steepest < STEEP and clear_of_kinks(trace):
            return case
    raise AssertionError(f"no numbers away from kinks found for {name}")


def clear_of_kinks(trace: Trace) -> bool:
    """Whether every net input, every maxout and every error stands away from where a slope jumps."""
    for step in trace.plan.steps:
        source = trace.values[step.sources[0]] if step.sources else np.empty(0)
        if step.op == "activation":
            for kink in step.constants["activation"].kinks:
                if (np.abs(source - kink) < CLEAR).any():
                    return False
        if step.op == "maxout":
            pieces = np.sort(source.reshape(len(source), -1, step.constants["pieces"]), axis=2)
            if pieces.shape[2] > 1 and (pieces[:, :, -1] - pieces[:, :, -2] < CLEAR).any():
                return False
    objective = trace.plan.objective
    assert objective is not None and trace.y is not None
    error = trace.prediction - trace.y
    return not any((np.abs(error - kink) < CLEAR).any() for kink in objective.loss.kinks)
