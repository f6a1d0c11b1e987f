"""Boolean functions as truth tables: rows in the order (0,0), (0,1), (1,0), (1,1), and so on for n inputs."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

from chainrule.constraints import whole
from chainrule.errors import SettingError, unknown_name

NAMED = {
    "AND": lambda x: all(x),
    "OR": lambda x: any(x),
    "NAND": lambda x: not all(x),
    "NOR": lambda x: not any(x),
    "XOR": lambda x: sum(x) % 2 == 1,
    "XNOR": lambda x: sum(x) % 2 == 0,
    "NOT": lambda x: not x[0],
}


def patterns(inputs: int) -> list[tuple[int, ...]]:
    """Every tuple of `inputs` zeros and ones, in the order of a truth table.

    >>> patterns(2)
    [(0, 0), (0, 1), (1, 0), (1, 1)]
    """
    return list(itertools.product((0, 1), repeat=whole("inputs", inputs, low=1, high=16)))


@dataclass(frozen=True)
class BooleanFunction:
    """A truth table: `outputs[i]` belongs to `patterns(inputs)[i]`. There must be 2, 4, 8, … of them, each 0 or 1.

    >>> BooleanFunction((0, 1, 1, 0))((1, 0))
    1
    """

    outputs: tuple[int, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "outputs", tuple(int(y) for y in self.outputs))
        count = len(self.outputs)
        if count < 2 or count & (count - 1) or any(y not in (0, 1) for y in self.outputs):
            raise SettingError(
                "CR201", "a truth table has 2, 4, 8, … outputs, each 0 or 1", got="".join(map(str, self.outputs)) or "none",
                hint="XOR of two inputs is 0110, for (0,0), (0,1), (1,0), (1,1)",
            )  # fmt: skip

    @property
    def inputs(self) -> int:
        return len(self.outputs).bit_length() - 1

    def __call__(self, x: tuple[int, ...]) -> int:
        return self.outputs[int("".join(map(str, x)), 2)]

    def rows(self) -> Iterator[tuple[tuple[int, ...], int]]:
        """Every input with its output."""
        return zip(patterns(self.inputs), self.outputs, strict=True)

    def __str__(self) -> str:
        return "".join(map(str, self.outputs))

    @classmethod
    def named(cls, name: str, inputs: int | None = None) -> BooleanFunction:
        """AND, OR, NAND, NOR, XOR (an odd number of ones), XNOR of some inputs (2 by default), NOT; or the outputs
        themselves as text.

        >>> str(BooleanFunction.named("XOR")), BooleanFunction.named("0111") == BooleanFunction.named("OR")
        ('0110', True)
        """
        if set(name) <= {"0", "1"} and name:
            return cls(tuple(map(int, name)))
        if name.upper() not in NAMED:
            raise unknown_name("boolean function", name, NAMED)
        count = (1 if name.upper() == "NOT" else 2) if inputs is None else inputs
        return cls(tuple(int(NAMED[name.upper()](x)) for x in patterns(count)))


def all_functions(inputs: int) -> Iterator[BooleanFunction]:
    """All 2^(2^n) boolean functions of n inputs.

    >>> sum(1 for f in all_functions(2))
    16
    """
    whole("inputs", inputs, low=1, high=4)
    return (BooleanFunction(outputs) for outputs in itertools.product((0, 1), repeat=2**inputs))
