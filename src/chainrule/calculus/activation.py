"""What an activation function is: one frozen record that holds all that anybody wants to know about it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from chainrule.catalog import Catalog
from chainrule.shapes import Array


@dataclass(frozen=True)
class Learned:
    """A parameter of an activation that is trained, one per unit: its name, its symbol and its initial value."""

    name: str
    latex: str
    initial: float


@dataclass(frozen=True, eq=False)
class Activation:
    """An elementwise function a = g(z) with its derivative.

    `value(z, *p)` and `slope(z, a, *p)` take arrays of shape (n, units), keep their float type and never overflow or
    return NaN for |z| up to 1e4. `p` are the learned parameters, shape (units,), and last, where `random` is set,
    a draw from [0, 1) per element. At a kink the slope is that from the left.

    `expr` and `slope_expr` are the same formulas in plain symbols (z, the constants, the learned names, `draw`), and
    `slope_from_output` is one in the output a and the constants, all in the notation of `calculus.formula`. Where a
    learned parameter has the name of a constant, the learned one is meant.

    >>> from chainrule.calculus.activations import activations
    >>> relu = activations.get("relu")
    >>> relu.slope_expr, relu.monotonic, relu.kinks
    ('1 if z > 0 else 0', True, (0.0,))
    """

    name: str
    value: Callable[..., Array]
    slope: Callable[..., Array]
    expr: str
    slope_expr: str
    latex: str
    latex_slope: str
    low: float
    high: float
    source: str
    aliases: tuple[str, ...] = ()
    constants: dict[str, float] = field(default_factory=dict)
    reaches_low: bool = False
    reaches_high: bool = False
    monotonic: bool = True
    slope_monotonic: bool = False
    continuity: float = math.inf  # how many derivatives are continuous; −1 for a jump
    kinks: tuple[float, ...] = ()
    slope_from_output: str | None = None
    zero_centred: bool = False  # g(−z) = −g(z): symmetric inputs give outputs around 0
    saturates: tuple[str, ...] = ()  # "left", "right": where the slope goes to 0
    cost: float = 1.0  # time of value and slope relative to relu, in the NumPy engine
    gain: float = 1.0  # factor on the standard deviation of initial weights that keeps the variance of a layer
    initializer: str = "glorot_uniform"
    learned: tuple[Learned, ...] = ()
    learned_slopes: Callable[..., tuple[Array, ...]] | None = None
    learned_slope_exprs: tuple[str, ...] = ()
    random: bool = False
    trainable: bool = True  # False: its slope is 0 wherever it has one, gradient descent learns nothing through it

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Activation) and (self.name, self.constants) == (other.name, other.constants)

    def __hash__(self) -> int:
        return hash((self.name, *sorted(self.constants.items())))

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore, (activations.describe(self),)

    @property
    def range(self) -> str:
        """The range as an interval, closed where the bound is reached: `[0, ∞)`; of a step its two values: `{0, 1}`."""

        def bound(x: float) -> str:
            return "−∞" if x == -math.inf else "∞" if x == math.inf else f"{x:.6g}".replace("-", "−")

        if not self.trainable:
            return f"{{{bound(self.low)}, {bound(self.high)}}}"
        left, right = "[" if self.reaches_low else "(", "]" if self.reaches_high else ")"
        return f"{left}{bound(self.low)}, {bound(self.high)}{right}"


activations: Catalog[Activation] = Catalog("activation")


def _restore(description: dict[str, Any]) -> Activation:
    return activations.restore(description)
