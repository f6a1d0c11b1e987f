"""What a worked example shows besides its calculation: truth tables, proofs, regions, paths, tables of functions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from chainrule.course.document import Example
from chainrule.course.search import descend, taylor, two_points
from chainrule.explain.digits import shown
from chainrule.network import Network, initialize
from chainrule.steps import forward
from chainrule.threshold import (
    BooleanFunction,
    all_functions,
    decision_line,
    learn,
    patterns,
    regions,
    separate,
    xor_by_differences,
    xor_by_two_lines,
)

Data = Mapping[str, Any]
Scene = tuple[str, list[str]]


def columns(head: Sequence[str], rows: Sequence[Sequence[Any]]) -> list[str]:
    """A table as lines; numbers with 9 digits.

    >>> columns(["x", "y"], [[0, 0.25], [10, -1 / 3]])
    ['x   y', '0   0.25', '10  −0.333333333']
    """
    cells = [[str(h) for h in head], *([c if isinstance(c, str) else shown(float(c), 9) for c in row] for row in rows)]
    widths = [max(len(row[i]) for row in cells) for i in range(len(head))]
    return ["  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)).rstrip() for row in cells]


def scene(example: Example) -> list[Scene]:
    """The pictures and tables of an example, each with its title."""
    return list(_SCENES[example.name](example.data)) if example.name in _SCENES else []


def _mp_neurons(data: Data) -> Iterator[Scene]:
    for case in data["functions"]:
        vetoes = [f"x{i + 1}" for i, veto in enumerate(case["inhibitory"]) if veto]
        title = f"{case['function']} of {case['inputs']}: θ = {case['theta']}" + (
            f", inhibitory: {', '.join(vetoes)}" if vetoes else ""
        )
        yield title, columns(["x", "y"], [["".join(map(str, r["x"])), r["y"]] for r in case["truth_table"]])


def _or(data: Data) -> Iterator[Scene]:
    found = separate(BooleanFunction.named("OR"))
    yield "the inequalities of OR", found.lines()
    yield "its decision line", [decision_line([data["given"][w] for w in ("w0", "w1", "w2")])]


def _impossible(data: Data) -> Iterator[Scene]:
    yield "the inequalities of XOR", separate(BooleanFunction.named("XOR")).lines()
    for inputs in (1, 2, 3):
        functions = list(all_functions(inputs))
        possible = [function for function in functions if separate(function).possible]
        without = [str(f) for f in functions if f not in possible] if inputs == 2 else []
        said = f"{len(possible)} of {len(functions)} functions have a perceptron" + (
            f"; not {' and '.join(without)}" if without else ""
        )
        yield f"functions of {inputs} inputs", [said]


def _learning(data: Data) -> Iterator[Scene]:
    for name in ("OR", "AND", "XOR"):
        yield f"learning {name} from w = (0, 0, 0)", learn(BooleanFunction.named(name), passes=12).lines()


def _two_lines(network: Network, told: str) -> Callable[[Data], Iterator[Scene]]:
    def scenes(data: Data) -> Iterator[Scene]:
        theta = initialize(network)
        w, b = network.plan.param("W1").of(theta), network.plan.param("b1").of(theta)
        yield told, [f"z{i + 1}: {decision_line([b[i], *w[i]])}" for i in range(2)]
        x = np.array(patterns(2), float)
        z, y = (forward(network, theta, x).values[slot].astype(int) for slot in ("a1", "a2"))
        yield "its truth table", columns(["x1", "x2", "z1", "z2", "y"], np.hstack([x, z, y]).tolist())
        found = regions(network)  # steps of 1/8: points on a line are exactly on it
        for unit in ("z1", "z2", "y"):
            yield f"where {unit} is 1 (x1 to the right, x2 upwards, from −0.5 to 1.5)", found.text(unit).splitlines()

    return scenes


def _theorem(data: Data) -> Iterator[Scene]:
    rows = [[key, c["hidden_units"], c["functions"], c["represented"]] for key, c in data["checked"].items()]
    yield "every truth table, computed by its network", columns(["inputs", "hidden", "functions", "right"], rows)
    rows = [
        ["".join(map(str, r["x"])), "".join(map(str, r["hidden"])), r["y"]] for r in data["instance_xor"]["truth_table"]
    ]
    yield "the network for XOR", columns(["x", "hidden", "y"], rows)


def _trajectory(data: Data) -> Iterator[Scene]:
    rows = [[c[k] for k in ("epoch", "w", "b", "loss", "dw", "db")] for c in data["checkpoints"]]
    yield "gradient descent, η = 1", columns(["epoch", "w", "b", "loss", "∂L/∂w", "∂L/∂b"], rows)
    path = descend(two_points(), [-2, -2], learning_rate=1.0, steps=200)
    lengths = path.update_lengths
    rows = [[i, lengths[i]] for i in (0, 40, 70, 81, 100, 150, 199)]
    yield "slow in flat regions, quick on slopes: the length of the updates", columns(["epoch", "length"], rows)


def _taylor(data: Data) -> Iterator[Scene]:
    rows = [
        [f"{one.beta:g}°", one.first_order, one.second_order, one.actual]
        for one in taylor(two_points(), [-2.0, -2.0], lengths=[0.1])
    ]
    head = ["β", "η‖∇L‖cos β", "½η²uᵀHu", "actual change"]
    yield "a step of η = 0.1 in eight directions (β = 180° is against the gradient)", columns(head, rows)


def _surface(data: Data) -> Iterator[Scene]:
    told = data["error_surface"]
    rows = [[w, *row] for w, row in zip(told["w"], told["L"], strict=True)]
    yield "the error surface, w downwards, b to the right", columns(["w \\ b", *map(str, told["b"])], rows)


def _variants(data: Data) -> Iterator[Scene]:
    rows = [
        [
            v["mode"] + (f" ({v['reduction']})" if "reduction" in v else ""), v["learning_rate"],
            "learn" if v["biases_learn"] else "fixed", v["final"]["W"][0][0][1], v["final"]["W"][1][0][0],
            v["total_loss_after"],
        ]
        for v in data["variants"]
    ]  # fmt: skip
    yield (
        "after one pass over both examples (after batch (mean) the loss is the mean too)",
        columns(["mode", "η", "biases", "w_h1x2", "w_oh1", "loss after"], rows),
    )


def _rates(data: Data) -> Iterator[Scene]:
    told = data["learning_rate"]
    rows = [
        [r["eta"], r["factor_of_error_per_step"], r["loss_after_steps"]["20"], r["behaviour"]] for r in told["rows"]
    ]
    head = ["η", "factor per step", "loss after 20", "it"]
    yield f"learning rates on a bowl; the limit is {shown(told['limit'], 6)}", columns(head, rows)
    chain = [
        [r["neurons"], r["dL_dw_first"], r["upper_bound_of_product_of_derivatives"]]
        for r in data["vanishing_chain"]["rows"]
    ]
    yield "the vanishing gradient of a chain", columns(["neurons", "∂L/∂w1", "0.25ⁿ"], chain)
    yield (
        "the slope of the sigmoid",
        columns(["z", "σ′(z)"], [[r["x"], r["derivative"]] for r in data["sigmoid_derivative"]]),
    )


def _samples(
    key: str, value: Callable[[Data], Sequence[Any]], head: Sequence[str]
) -> Callable[[Data], Iterator[Scene]]:
    def scenes(data: Data) -> Iterator[Scene]:
        for one in data[key]:
            title = one.get("name", "")
            formula = one.get("formula") or one.get("definition") or one.get("expr", "")
            settings = list(dict.fromkeys(key for sample in one["samples"] for key in sample.get("params", ())))
            rows = [[*(s.get("params", {}).get(key, "") for key in settings), *value(s)] for s in one["samples"]]
            yield f"{title}: {formula}", columns([*settings, *head], rows)

    return scenes


def _undefined(value: float | None) -> Any:
    return "undefined" if value is None else value


def _initial(data: Data) -> Iterator[Scene]:
    short = ["fan_in", "fan_out", "xavier_uniform_limit", "xavier_normal_std", "he_normal_std", "he_uniform_limit"]
    yield "limits and standard deviations", columns(short, [[row[name] for name in short] for row in data["samples"]])
    yield "definitions", [f"{name}: {text}" for name, text in data["definitions"].items()]


_SCENES: dict[str, Callable[[Data], Iterator[Scene]]] = {
    "dse3121-mp-neuron": _mp_neurons,
    "dse3121-perceptron-or": _or,
    "dse3121-xor-impossible": _impossible,
    "dse3121-perceptron-learning": _learning,
    "dse3121-xor-mlp": _two_lines(xor_by_differences(), "two lines: x1 AND NOT x2, x2 AND NOT x1"),
    "practical-ml-xor-two-lines": _two_lines(xor_by_two_lines(), "two lines: NAND and OR"),
    "dse3121-boolean-theorem": _theorem,
    "dse3121-sigmoid-neuron-gradient-descent": _trajectory,
    "dse3121-sigmoid-neuron-loss-table": _surface,
    "dse3121-taylor-direction": _taylor,
    "csds440-review-2-2-1": _variants,
    "diagnostics": _rates,
    "activations": _samples(
        "functions", lambda s: [s["x"], s["value"], _undefined(s["derivative"])], ["z", "value", "slope"]
    ),
    "losses": _samples(
        "losses", lambda s: [str(s["y_true"]), str(s["y_pred"]), s["value"]], ["targets", "predictions", "loss"]
    ),
    "metrics": _samples(
        "metrics", lambda s: [str(s["y_true"]), str(s["y_pred"]), s["value"]], ["y_true", "y_pred", "value"]
    ),
    "initialisation": _initial,
}
