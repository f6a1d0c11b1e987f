"""How weights begin. Every distribution is uncut; its variance is what the draw uses and what the laws check."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.catalog import Catalog
from chainrule.constraints import real

Draws = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Initializer:
    """A distribution of initial weights: `draw(generator, fan_out, fan_in)` gives W[to, from], shape (fan_out, fan_in).

    `variance(fan_out, fan_in)` is the variance of one weight (None where the weights are not drawn).
    """

    name: str
    draw: Callable[[np.random.Generator, int, int], Draws]
    variance: Callable[[int, int], float] | None
    latex: str
    source: str
    aliases: tuple[str, ...] = ()
    constants: dict[str, Any] = field(default_factory=dict)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Initializer) and (self.name, self.constants) == (other.name, other.constants)

    def __hash__(self) -> int:
        return hash(self.name)

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore, (initializers.describe(self),)


initializers: Catalog[Initializer] = Catalog("initializer")
family = initializers.family


def _restore(description: dict[str, Any]) -> Initializer:
    return initializers.restore(description)


def uniform_limit(variance: float) -> float:
    """The L of U(−L, L) with this variance, L²/3."""
    return math.sqrt(3.0 * variance)


def _uniform(name: str, variance: Callable[[int, int], float], latex: str, source: str, **more: Any) -> Initializer:
    def draw(generator: np.random.Generator, fan_out: int, fan_in: int) -> Draws:
        limit = uniform_limit(variance(fan_out, fan_in))
        return generator.uniform(-limit, limit, (fan_out, fan_in))

    return Initializer(name, draw, variance, latex, source, **more)


def _normal(name: str, variance: Callable[[int, int], float], latex: str, source: str, **more: Any) -> Initializer:
    def draw(generator: np.random.Generator, fan_out: int, fan_in: int) -> Draws:
        return generator.normal(0.0, math.sqrt(variance(fan_out, fan_in)), (fan_out, fan_in))

    return Initializer(name, draw, variance, latex, source, **more)


def _glorot(fan_out: int, fan_in: int) -> float:
    return 2.0 / (fan_in + fan_out)


def _he(negative_slope: float) -> Callable[[int, int], float]:
    real("negative_slope", negative_slope, low=0.0)
    return lambda fan_out, fan_in: 2.0 / ((1.0 + negative_slope**2) * fan_in)


def _lecun(fan_out: int, fan_in: int) -> float:
    return 1.0 / fan_in


GLOROT = "Glorot, Bengio, Understanding the difficulty of training deep feedforward neural networks (2010)"
HE = "He et al., Delving deep into rectifiers (2015)"
LECUN = "LeCun et al., Efficient BackProp (1998)"


@family
def glorot_uniform() -> Initializer:
    return _uniform(
        "glorot_uniform",
        _glorot,
        r"U(-L, L),\ L=\sqrt{6/(n_{in}+n_{out})}",
        GLOROT,
        aliases=("xavier_uniform", "xavier"),
    )


@family
def glorot_normal() -> Initializer:
    return _normal(
        "glorot_normal",
        _glorot,
        r"N(0, \sigma^2),\ \sigma=\sqrt{2/(n_{in}+n_{out})}",
        GLOROT,
        aliases=("xavier_normal",),
    )


@family
def he_uniform(negative_slope: float = 0.0) -> Initializer:
    return _uniform(
        "he_uniform", _he(negative_slope), r"U(-L, L),\ L=\sqrt{6/((1+a^2)\,n_{in})}", HE,
        aliases=("kaiming_uniform",), constants={"negative_slope": negative_slope},
    )  # fmt: skip


@family
def he_normal(negative_slope: float = 0.0) -> Initializer:
    return _normal(
        "he_normal", _he(negative_slope), r"N(0, \sigma^2),\ \sigma=\sqrt{2/((1+a^2)\,n_{in})}", HE,
        aliases=("kaiming_normal", "he"), constants={"negative_slope": negative_slope},
    )  # fmt: skip


@family
def lecun_uniform() -> Initializer:
    return _uniform("lecun_uniform", _lecun, r"U(-L, L),\ L=\sqrt{3/n_{in}}", LECUN)


@family
def lecun_normal() -> Initializer:
    return _normal("lecun_normal", _lecun, r"N(0, 1/n_{in})", LECUN)


@family
def old_heuristic() -> Initializer:
    return _uniform(
        "old_heuristic", lambda fan_out, fan_in: 1.0 / (3.0 * fan_in), r"U(-1/\sqrt{n_{in}},\ 1/\sqrt{n_{in}})",
        f"the usual choice before, as quoted by {GLOROT}",
    )  # fmt: skip


@family
def uniform(limit: float = 0.05) -> Initializer:
    real("uniform.limit", limit, above=0.0)
    return _uniform("uniform", lambda o, i: limit**2 / 3.0, r"U(-L, L)", "textbook", constants={"limit": limit})


@family
def normal(std: float = 0.05) -> Initializer:
    real("normal.std", std, above=0.0)
    return _normal("normal", lambda o, i: std**2, r"N(0, \sigma^2)", "textbook", constants={"std": std})


@family
def orthogonal(gain: float = 1.0) -> Initializer:
    """Rows (or columns, whichever are fewer) are orthogonal and of length `gain`."""
    real("orthogonal.gain", gain, above=0.0)

    def draw(generator: np.random.Generator, fan_out: int, fan_in: int) -> Draws:
        tall = generator.normal(size=(max(fan_out, fan_in), min(fan_out, fan_in)))
        q, r = np.linalg.qr(tall)
        q = q * np.where(np.diag(r) < 0, -1.0, 1.0)  # makes the distribution uniform over rotations
        return gain * (q if fan_out >= fan_in else q.T)

    return Initializer(
        "orthogonal", draw, lambda o, i: gain**2 / max(o, i), r"\text{random rotation}",
        "Saxe, McClelland, Ganguli (2014)", constants={"gain": gain},
    )  # fmt: skip


@family
def constant(value: float = 0.0) -> Initializer:
    real("constant.value", value)
    return Initializer(
        "constant", lambda g, o, i: np.full((o, i), float(value)), None, r"c", "textbook", constants={"value": value}
    )


@family
def zeros() -> Initializer:
    return Initializer("zeros", lambda g, o, i: np.zeros((o, i)), None, r"0", "textbook")


@family
def given(values: Any = 0.0) -> Initializer:
    """These very values, shape (fan_out, fan_in) or anything that reshapes to it."""
    array = np.asarray(values, np.float64)
    return Initializer(
        "given", lambda g, o, i: np.broadcast_to(array.reshape(-1, 1) if i == 1 else array, (o, i)).copy(), None,
        r"\text{given}", "the user", constants={"values": array.tolist()},
    )  # fmt: skip
