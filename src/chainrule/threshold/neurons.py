"""The two threshold units: the neuron of McCulloch and Pitts (1943) and the perceptron of Rosenblatt (1958)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from chainrule.constraints import whole
from chainrule.errors import DataError, SettingError, unknown_name
from chainrule.threshold.boolean import BooleanFunction, patterns


@dataclass(frozen=True)
class McCullochPitts:
    """Inputs 0 or 1, a threshold, and inputs that may veto: any inhibitory input that is 1 makes the output 0; else the
    output is 1 where the sum of all inputs reaches the threshold.

    inhibitory: one truth value per input.

    >>> nor = McCullochPitts(threshold=0, inhibitory=(True, True))
    >>> [nor(x) for x in [(0, 0), (0, 1), (1, 0), (1, 1)]]
    [1, 0, 0, 0]
    """

    threshold: int
    inhibitory: tuple[bool, ...]

    def __post_init__(self) -> None:
        whole("McCullochPitts.threshold", self.threshold)
        object.__setattr__(self, "inhibitory", tuple(bool(veto) for veto in self.inhibitory))
        if not self.inhibitory:
            raise SettingError("CR201", "a McCulloch-Pitts neuron needs at least one input", got="inhibitory=()")

    @property
    def inputs(self) -> int:
        return len(self.inhibitory)

    def __call__(self, x: Sequence[int]) -> int:
        """The output for one tuple of inputs, each 0 or 1."""
        if len(x) != self.inputs or any(value not in (0, 1) for value in x):
            raise DataError("CR108", "the inputs must be 0 or 1", expected=f"{self.inputs} of them", got=repr(tuple(x)))
        vetoed = any(value and veto for value, veto in zip(x, self.inhibitory, strict=True))
        return 0 if vetoed else int(sum(x) >= self.threshold)

    @property
    def function(self) -> BooleanFunction:
        """The boolean function that it computes."""
        return BooleanFunction(tuple(self(x) for x in patterns(self.inputs)))


# name -> whether the threshold is the number of inputs (else the second number), and whether all inputs veto
_GATES: dict[str, tuple[bool, int, bool]] = {
    "AND": (True, 0, False),
    "OR": (False, 1, False),
    "NOR": (False, 0, True),
    "NOT": (False, 0, True),
}


def gate(name: str, inputs: int | None = None) -> McCullochPitts:
    """The McCulloch-Pitts neuron of a gate: AND, OR, NOR of some inputs (2 by default), NOT of one.

    >>> gate("AND", 3)
    McCullochPitts(threshold=3, inhibitory=(False, False, False))
    """
    if name.upper() not in _GATES:
        raise unknown_name("gate", name, _GATES)
    count = whole("inputs", (1 if name.upper() == "NOT" else 2) if inputs is None else inputs, low=1)
    if name.upper() == "NOT" and count != 1:
        raise SettingError("CR204", "NOT has one input", got=str(count))
    counts_inputs, threshold, vetoes = _GATES[name.upper()]
    return McCullochPitts(count if counts_inputs else threshold, (vetoes,) * count)


def thresholds(function: BooleanFunction, inhibitory: Sequence[bool]) -> list[int]:
    """Every threshold from 0 to n + 1 with which a McCulloch-Pitts neuron computes the function; [] where none does.

    >>> thresholds(BooleanFunction.named("OR"), (False, False))
    [1]
    """
    vetoes = tuple(bool(veto) for veto in inhibitory)
    return [t for t in range(function.inputs + 2) if McCullochPitts(t, vetoes).function == function]


def perceptron(weights: Sequence[float | Fraction], x: Sequence[float | Fraction]) -> int:
    """1 where w0·1 + w1·x1 + … + wn·xn ≥ 0, exactly 0 included, else 0. The bias is w0 = −threshold, for x0 = 1.

    Whole numbers and fractions are added exactly, floats as floats.

    >>> [perceptron((-1, 1.1, 1.1), x) for x in [(0, 0), (0, 1), (1, 0), (1, 1)]]
    [0, 1, 1, 1]
    """
    if len(weights) != len(x) + 1:
        raise DataError(
            "CR104", "a perceptron has one weight more than inputs", expected=str(len(x) + 1), got=str(len(weights))
        )
    return int(weights[0] + sum(w * value for w, value in zip(weights[1:], x, strict=True)) >= 0)
