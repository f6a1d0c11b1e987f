"""The perceptron learning algorithm (Rosenblatt 1958), example by example, in an order that is said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from chainrule.constraints import whole
from chainrule.errors import DataError, SettingError
from chainrule.threshold.boolean import BooleanFunction
from chainrule.threshold.neurons import perceptron

Weights = tuple[float, ...]


@dataclass(frozen=True)
class Step:
    """One example: what the perceptron said, what was right, and the weights after it (unchanged where it was right)."""

    example: int
    x: tuple[float, ...]
    output: int
    target: int
    weights: Weights


@dataclass(frozen=True)
class Learning:
    """A run: its steps pass by pass, whether it ended (a whole pass without a mistake), and the cycle it is caught in.

    `cycle` holds the weights after every pass of the cycle: the same weights before the same examples in the same order
    give the same pass again, so the algorithm never ends. None where none was seen.
    """

    passes: tuple[tuple[Step, ...], ...]
    converged: bool
    cycle: tuple[Weights, ...] | None

    @property
    def weights(self) -> Weights:
        """(w0, w1, …) at the end."""
        return self.passes[-1][-1].weights

    @property
    def mistakes(self) -> tuple[int, ...]:
        """The number of mistakes in every pass."""
        return tuple(sum(step.output != step.target for step in one) for one in self.passes)

    def lines(self, most: int = 20) -> list[str]:
        """One line per pass, at most `most` of them, and how it ended."""
        said = [
            f"pass {number}: {mistakes} mistake{'s' if mistakes != 1 else ''}, then w = ({_show(one[-1].weights)})"
            for number, (one, mistakes) in enumerate(zip(self.passes, self.mistakes, strict=True), 1)
        ][:most]
        if self.converged:
            return [*said, f"A whole pass without a mistake: it ends with w = ({_show(self.weights)})."]
        if self.cycle is None:
            return [*said, f"Not ended after {len(self.passes)} passes."]
        inside = "; ".join(
            f"({_show(step.x)}) wants {step.target}, gets {step.output} → ({_show(step.weights)})"
            for step in self.passes[-1]
        )
        return [
            *said,
            f"It never ends: after every {f'{len(self.cycle)} passes' if len(self.cycle) > 1 else 'pass'} the weights are "
            f"({_show(self.cycle[0])}) again.",
            f"The last pass, step by step: {inside}.",
        ]


def learn(
    examples: BooleanFunction | Sequence[Sequence[float]],
    targets: Sequence[int] | None = None,
    *,
    order: Sequence[int] | None = None,
    start: Sequence[float] | None = None,
    passes: int = 100,
) -> Learning:
    """w ← w + (target − output)·(1, x) for one example after the other, until a whole pass makes no mistake.

    examples: a boolean function, or points with `targets` 0 and 1. order: the numbers of the examples in the order in which
    every pass takes them (as they stand by default). start: (w0, w1, …), zeros by default.

    >>> run = learn(BooleanFunction.named("AND"))
    >>> run.converged, run.weights, len(run.passes)
    (True, (-3, 2, 1), 6)
    >>> learn(BooleanFunction.named("XOR")).cycle
    ((0, -1, 0),)
    """
    if isinstance(examples, BooleanFunction):
        rows: list[tuple[Sequence[float], int]] = list(examples.rows())
    elif targets is None or len(targets) != len(examples) or not len(examples):
        raise DataError("CR104", "every example needs a target", expected=f"{len(examples)} targets", got=repr(targets))
    else:
        rows = list(zip(examples, targets, strict=True))
    whole("passes", passes, low=1)
    sequence = list(range(len(rows)) if order is None else order)
    if not sequence or any(not 0 <= number < len(rows) for number in sequence):
        raise SettingError(
            "CR201", "`order` must name examples", expected=f"numbers from 0 to {len(rows) - 1}", got=repr(order)
        )
    w: Weights = tuple(start) if start is not None else (0,) * (len(rows[0][0]) + 1)
    done: list[tuple[Step, ...]] = []
    ends = [w]
    cycle: tuple[Weights, ...] | None = None
    for _ in range(passes):
        steps = []
        for number in sequence:
            x, target = rows[number]
            output = perceptron(w, x)
            error = target - output
            if error:
                w = (w[0] + error, *(weight + error * value for weight, value in zip(w[1:], x, strict=True)))
            steps.append(Step(number, tuple(x), output, target, w))
        done.append(tuple(steps))
        if all(step.output == step.target for step in steps):
            return Learning(tuple(done), True, None)
        if cycle is None and w in ends:
            cycle = (*ends[ends.index(w) + 1 :], w)
        ends.append(w)
    return Learning(tuple(done), False, cycle)


def _show(values: Sequence[float]) -> str:
    return ", ".join(f"{value:g}".replace("-", "−") for value in values)
