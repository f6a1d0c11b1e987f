"""Exercises by the dozen: small sigmoid networks with numbers that a hand can calculate with, and their full solutions.

An exercise is an `Example` whose quantities are the whole calculation; the topic says how far it goes. The same topic,
network, seed and number give the same exercise everywhere, so an answer sheet needs to name nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import count as numbers_from
from itertools import pairwise

from chainrule import rng
from chainrule.constraints import choice, whole
from chainrule.course.document import Example, Quantity
from chainrule.course.judge import Judged, work
from chainrule.errors import SettingError


@dataclass(frozen=True)
class Topic:
    """What is asked, and how far the calculation goes: every topic begins with the forward pass.

    `error`: the error is calculated too. `gradients`: of the weights and biases into which layers, by Python's slice of the
    layers (0 the inputs, -1 the outputs), or of none; the deltas go back as far as these layers. `update`: the new weights
    and biases of these layers.
    """

    asks: str
    error: bool = False
    gradients: slice | None = None
    update: bool = False


TOPICS = {
    "forward": Topic("Calculate the net input and the output of every unit, and the error.", error=True),
    "output-gradient": Topic(
        "Calculate the gradient of every weight and bias into the output units.", gradients=slice(-1, None)
    ),
    "hidden-gradient": Topic(
        "Calculate the gradient of every weight and bias into the first hidden layer.", gradients=slice(1, 2)
    ),
    "update": Topic(
        "Calculate every weight and bias after one step of gradient descent.",
        error=True, gradients=slice(1, None), update=True,
    ),
}  # fmt: skip
_HIDDEN = "hgk"  # the letters of the hidden layers' units


@dataclass(frozen=True)
class Shape:
    """The units of a layered network by name: `2-2-1` has inputs x1, x2, hidden units h1, h2 and the output o1."""

    sizes: tuple[int, ...]

    @classmethod
    def parse(cls, text: str) -> Shape:
        """From text such as "2-3-1": at least one hidden layer, at most three, at most six units each."""
        parts = text.split("-")
        if not 3 <= len(parts) <= 5 or not all(re.fullmatch("[1-6]", part) for part in parts):
            raise SettingError(
                "CR209", "not a network for exercises", expected="such as 2-2-1: inputs, up to three hidden layers, outputs, "
                "each of 1 to 6 units", got=repr(text),
            )  # fmt: skip
        return cls(tuple(map(int, parts)))

    def __str__(self) -> str:
        return "-".join(map(str, self.sizes))

    @cached_property
    def layers(self) -> tuple[tuple[str, ...], ...]:
        letters = ["x", *_HIDDEN[: len(self.sizes) - 2], "o"]
        return tuple(tuple(f"{letter}{i + 1}" for i in range(n)) for letter, n in zip(letters, self.sizes, strict=True))

    @cached_property
    def weights(self) -> tuple[tuple[str, str], ...]:
        """(to, from) of every weight, layer by layer."""
        return tuple((to, source) for before, after in pairwise(self.layers) for to in after for source in before)

    def before(self, unit: str) -> tuple[str, ...]:
        """The units that feed a unit."""
        return next(below for below, layer in pairwise(self.layers) if unit in layer)

    def after(self, unit: str) -> tuple[str, ...]:
        """The units that a unit feeds."""
        return next((above for layer, above in pairwise(self.layers) if unit in layer), ())


def value_of(unit: str) -> str:
    """The name of what a unit passes on: an input itself, or the output of a unit."""
    return unit if unit.startswith("x") else f"out_{unit}"


@dataclass(frozen=True, eq=False)
class Exercise:
    """One problem: its address (topic, network, seed, number), the whole calculation, and the names that are asked for."""

    topic: str
    shape: Shape
    seed: int
    number: int
    example: Example

    @cached_property
    def solution(self) -> list[Judged]:
        return work(self.example)

    @property
    def asked(self) -> list[str]:
        """The quantities of the blank table, in the order of the calculation."""
        return [quantity.name for quantity in self.example.quantities]


def exercises(topic: str, network: str = "2-2-1", *, seed: int = 0, count: int = 1) -> list[Exercise]:
    """`count` distinct problems; the first n of more are the same n.

    >>> [one.number for one in exercises("hidden-gradient", "2-2-1", seed=7, count=3)]
    [1, 2, 3]
    """
    choice("topic", topic, TOPICS)
    shape = Shape.parse(network)
    whole("count", count, low=1, high=1000)
    whole("seed", seed, low=0)
    made: list[Exercise] = []
    seen = set()
    for attempt in numbers_from():
        given = _draw(shape, seed, attempt)
        key = tuple(given.values())
        if key in seen:
            continue
        seen.add(key)
        number = len(made) + 1
        made.append(Exercise(topic, shape, seed, number, _example(topic, shape, number, given)))
        if len(made) == count:
            return made
    raise AssertionError("unreachable")


def _draw(shape: Shape, seed: int, attempt: int) -> dict[str, float]:
    """Tenths, as distinct as possible, so that a number taken from the wrong place shows."""
    source = rng.generator(seed, f"exercise/{shape}", attempt)

    def tenths(n: int, low: int, high: int, signed: bool) -> list[float]:
        values = [k / 10 * sign for k in range(low, high + 1) for sign in ((1, -1) if signed else (1,))]
        drawn: list[float] = []
        while len(drawn) < n:
            drawn += [values[i] for i in source.permutation(len(values))]
        return drawn[:n]

    inputs, outputs = shape.layers[0], shape.layers[-1]
    units = [unit for layer in shape.layers[1:] for unit in layer]
    given = dict(zip(inputs, tenths(len(inputs), 2, 10, False), strict=True))
    given.update(
        zip([f"w_{to}_{one}" for to, one in shape.weights], tenths(len(shape.weights), 1, 9, True), strict=True)
    )
    given.update(zip([f"b_{unit}" for unit in units], tenths(len(units), 1, 6, True), strict=True))
    given.update({f"t_{unit}": float(source.integers(0, 2)) for unit in outputs})
    given["eta"] = (0.1, 0.5, 1.0)[source.integers(0, 3)]
    return given


def _example(topic: str, shape: Shape, number: int, given: dict[str, float]) -> Example:
    return Example(
        f"{topic}-{number}", f"Exercise {number}: a {shape} network of sigmoid units", "exercise", "", TOPICS[topic].asks,
        given, tuple(calculation(TOPICS[topic], shape)),
    )  # fmt: skip


def calculation(topic: Topic, shape: Shape) -> list[Quantity]:
    """The quantities from the inputs to what the topic asks for."""
    rows: list[Quantity] = []

    def add(name: str, expr: str, stage: str) -> None:
        rows.append(Quantity(name, expr, stage=stage))

    for layer in shape.layers[1:]:
        for unit in layer:
            add(
                f"net_{unit}",
                " + ".join([f"w_{unit}_{one}*{value_of(one)}" for one in shape.before(unit)] + [f"b_{unit}"]),
                "forward",
            )
            add(f"out_{unit}", f"sigmoid(net_{unit})", "forward")
    outputs = shape.layers[-1]
    if topic.error:
        add("E", " + ".join(f"(t_{unit} - out_{unit})**2/2" for unit in outputs), "error")
    wanted: tuple[tuple[str, ...], ...] = () if topic.gradients is None else shape.layers[topic.gradients]
    for layer in reversed(shape.layers[shape.layers.index(wanted[0]) :] if wanted else ()):
        for unit in layer:
            came = f"out_{unit} - t_{unit}" if layer is outputs else back(shape, unit)
            add(f"delta_{unit}", f"({came})*out_{unit}*(1 - out_{unit})", "deltas (∂E/∂net)")
    units = [unit for layer in wanted for unit in layer]
    for unit in units:
        for one in shape.before(unit):
            add(f"dE_dw_{unit}_{one}", f"delta_{unit}*{value_of(one)}", "gradients")
        add(f"dE_db_{unit}", f"delta_{unit}", "gradients")
    for unit in units if topic.update else ():
        for name in [*(f"w_{unit}_{one}" for one in shape.before(unit)), f"b_{unit}"]:
            add(f"{name}_new", f"{name} - eta*dE_d{name}", "update")
    return rows


def back(shape: Shape, unit: str, left_out: Sequence[str] = ()) -> str:
    """Σ δ_k w_k over the units that a unit feeds: what comes back to its output."""
    return " + ".join(f"delta_{k}*w_{k}_{unit}" for k in shape.after(unit) if k not in left_out) or "0"
