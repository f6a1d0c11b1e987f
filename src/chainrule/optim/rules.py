"""Every update rule, each a record. g is the gradient, η the learning rate, t the step counted from 1.

Momentum keeps the learning rate inside the velocity, v ← μv − ηg (the convention of scikit-learn and Keras). Adam adds
ε after the bias correction, as its paper's algorithm 1 does; `adam_classic` adds it before (the paper's faster form,
scikit-learn's).
"""

from __future__ import annotations

from functools import lru_cache
from math import log

import numpy as np

from chainrule.constraints import real
from chainrule.optim.rule import Rule, Scalars, Slots
from chainrule.optim.rule import rules as rules
from chainrule.shapes import Array, Ints

family = rules.family
Updated = tuple[Array, Slots]


def power(base: float, t: Array) -> Array:
    """base^t for whole t, as base^(256 h) · base^l with t = 256 h + l: the same bits on every machine, unlike a library's pow,
    and whatever other t are asked for with it."""
    if not len(t):
        return np.ones(0)
    first, last = int(t.min()), int(t.max())
    to_the_256th = base
    for _ in range(8):
        to_the_256th *= to_the_256th
    large = _squared(to_the_256th, np.arange(first >> 8, (last >> 8) + 1))
    every: Array = (large[:, None] * _small_powers(base)).ravel()[first & 255 :][: last - first + 1]
    consecutive = len(every) == len(t) and bool((t[1:] > t[:-1]).all())
    return every if consecutive else every[t.astype(np.int64) - first]


@lru_cache(maxsize=16)
def _small_powers(base: float) -> Array:
    return _squared(base, np.arange(256))


def _squared(base: float, left: Ints) -> Array:
    """base^left by repeated squaring."""
    result, square = np.ones(len(left)), np.full(len(left), base)
    while left.any():
        result = np.where(left & 1, result * square, result)
        square, left = square * square, left >> 1
    return result


def _rate(learning_rate: float) -> float:
    return real("learning_rate", learning_rate, above=0.0)


def _share(name: str, value: float) -> float:
    return real(name, value, low=0.0, below=1.0)


@family
def gradient_descent(learning_rate: float = 0.1) -> Rule:
    def update(theta: Array, g: Array, slots: Slots, s: Scalars) -> Updated:
        return theta - s["learning_rate"] * g, ()

    return Rule(
        "gradient_descent", update, (r"\theta \leftarrow \theta - \eta g",), "Cauchy (1847)", aliases=("gd",),
        constants={"learning_rate": _rate(learning_rate)},
    )  # fmt: skip


@family
def momentum(learning_rate: float = 0.01, momentum: float = 0.9) -> Rule:
    _share("momentum", momentum)

    def update(theta: Array, g: Array, slots: Slots, s: Scalars) -> Updated:
        velocity = momentum * slots[0] - s["learning_rate"] * g
        return theta + velocity, (velocity,)

    return Rule(
        "momentum", update, (r"v \leftarrow \mu v - \eta g", r"\theta \leftarrow \theta + v"), "Polyak (1964)",
        ("velocity",),
        aliases=("sgd",), constants={"learning_rate": _rate(learning_rate), "momentum": momentum},
    )  # fmt: skip


@family
def nesterov(learning_rate: float = 0.01, momentum: float = 0.9) -> Rule:
    _share("momentum", momentum)

    def update(theta: Array, g: Array, slots: Slots, s: Scalars) -> Updated:
        velocity = momentum * slots[0] - s["learning_rate"] * g
        return theta + momentum * velocity - s["learning_rate"] * g, (velocity,)

    return Rule(
        "nesterov", update, (r"v \leftarrow \mu v - \eta g", r"\theta \leftarrow \theta + \mu v - \eta g"),
        "Nesterov (1983), in the form of Sutskever et al. (2013)", ("velocity",),
        constants={"learning_rate": _rate(learning_rate), "momentum": momentum},
    )  # fmt: skip


@family
def adagrad(learning_rate: float = 0.01, epsilon: float = 1e-8) -> Rule:
    real("epsilon", epsilon, above=0.0)

    def update(theta: Array, g: Array, slots: Slots, s: Scalars) -> Updated:
        total = slots[0] + g * g
        return theta - s["learning_rate"] * g / (np.sqrt(total) + epsilon), (total,)

    return Rule(
        "adagrad", update, (r"G \leftarrow G + g^2", r"\theta \leftarrow \theta - \eta g/(\sqrt G + \varepsilon)"),
        "Duchi, Hazan, Singer (2011)", ("total_square",),
        constants={"learning_rate": _rate(learning_rate), "epsilon": epsilon},
    )  # fmt: skip


@family
def rmsprop(learning_rate: float = 0.001, rho: float = 0.9, epsilon: float = 1e-8) -> Rule:
    _share("rho", rho)
    real("epsilon", epsilon, above=0.0)

    def update(theta: Array, g: Array, slots: Slots, s: Scalars) -> Updated:
        mean_square = rho * slots[0] + (1.0 - rho) * (g * g)
        return theta - s["learning_rate"] * g / (np.sqrt(mean_square) + epsilon), (mean_square,)

    return Rule(
        "rmsprop", update,
        (r"v \leftarrow \rho v + (1-\rho) g^2", r"\theta \leftarrow \theta - \eta g/(\sqrt v + \varepsilon)"),
        "Tieleman, Hinton, lecture 6.5 (2012)", ("mean_square",),
        constants={"learning_rate": _rate(learning_rate), "rho": rho, "epsilon": epsilon},
    )  # fmt: skip


def _moments(g: Array, slots: Slots, beta_1: float, beta_2: float) -> tuple[Array, Array]:
    return beta_1 * slots[0] + (1.0 - beta_1) * g, beta_2 * slots[1] + (1.0 - beta_2) * (g * g)


MOMENTS = (r"m \leftarrow \beta_1 m + (1-\beta_1) g", r"v \leftarrow \beta_2 v + (1-\beta_2) g^2")
ADAM_STEP = r"\frac{m/(1-\beta_1^t)}{\sqrt{v/(1-\beta_2^t)}+\varepsilon}"


def _adam_constants(learning_rate: float, beta_1: float, beta_2: float, epsilon: float) -> dict[str, float]:
    real("epsilon", epsilon, above=0.0)
    return {
        "learning_rate": _rate(learning_rate), "beta_1": _share("beta_1", beta_1),
        "beta_2": _share("beta_2", beta_2), "epsilon": epsilon,
    }  # fmt: skip


def _corrections(beta_1: float, beta_2: float, t: Array) -> dict[str, Array]:
    return {"correction_1": _correction(beta_1, t), "correction_2": _correction(beta_2, t)}


def _correction(beta: float, t: Array) -> Array:
    """1/(1 − βᵗ), computed in one array. A βᵗ below e⁻⁴⁰ is lost in the difference, and the correction is 1: on small
    networks a table costs as much as the steps."""
    if not len(t) or beta == 0.0 or t.min() * -log(beta) > 40.0:
        return np.ones(len(t))
    result = power(beta, t)
    np.subtract(1.0, result, out=result)
    return np.divide(1.0, result, out=result)


@family
def adam(learning_rate: float = 0.001, beta_1: float = 0.9, beta_2: float = 0.999, epsilon: float = 1e-8) -> Rule:
    def update(theta: Array, g: Array, slots: Slots, s: Scalars) -> Updated:
        m, v = _moments(g, slots, beta_1, beta_2)
        step = m * s["correction_1"] / (np.sqrt(v * s["correction_2"]) + epsilon)
        return theta - s["learning_rate"] * step, (m, v)

    return Rule(
        "adam", update, (*MOMENTS, rf"\theta \leftarrow \theta - \eta\,{ADAM_STEP}"),
        "Kingma, Ba (2015), algorithm 1", ("mean", "mean_square"),
        scalars=lambda t: _corrections(beta_1, beta_2, t),
        constants=_adam_constants(learning_rate, beta_1, beta_2, epsilon),
    )  # fmt: skip


@family
def adam_classic(
    learning_rate: float = 0.001, beta_1: float = 0.9, beta_2: float = 0.999, epsilon: float = 1e-8
) -> Rule:
    """Adam with ε added to √v before the bias correction."""

    def update(theta: Array, g: Array, slots: Slots, s: Scalars) -> Updated:
        m, v = _moments(g, slots, beta_1, beta_2)
        return theta - s["learning_rate"] * (s["correction"] * m / (np.sqrt(v) + epsilon)), (m, v)

    return Rule(
        "adam_classic", update,
        (
            *MOMENTS,
            r"\theta \leftarrow \theta - \eta\,\frac{\sqrt{1-\beta_2^t}}{1-\beta_1^t}\,\frac{m}{\sqrt v+\varepsilon}",
        ),
        "Kingma, Ba (2015), end of section 2; scikit-learn", ("mean", "mean_square"),
        scalars=lambda t: {"correction": np.sqrt(1.0 - power(beta_2, t)) / (1.0 - power(beta_1, t))},
        constants=_adam_constants(learning_rate, beta_1, beta_2, epsilon),
    )  # fmt: skip


@family
def adamw(
    learning_rate: float = 0.001, beta_1: float = 0.9, beta_2: float = 0.999, epsilon: float = 1e-8,
    weight_decay: float = 0.01,
) -> Rule:  # fmt: skip
    """Adam with weight decay apart from the gradient: θ also loses η·λ·θ (weights only, by their decay factors)."""
    real("weight_decay", weight_decay, low=0.0)

    def update(theta: Array, g: Array, slots: Slots, s: Scalars) -> Updated:
        m, v = _moments(g, slots, beta_1, beta_2)
        step = m * s["correction_1"] / (np.sqrt(v * s["correction_2"]) + epsilon)
        return theta - s["learning_rate"] * (step + weight_decay * s["decay_factor"] * theta), (m, v)

    return Rule(
        "adamw", update,
        (*MOMENTS, rf"\theta \leftarrow \theta - \eta\left({ADAM_STEP} + \lambda\theta\right)"),
        "Loshchilov, Hutter (2019)", ("mean", "mean_square"),
        scalars=lambda t: _corrections(beta_1, beta_2, t),
        constants={**_adam_constants(learning_rate, beta_1, beta_2, epsilon), "weight_decay": weight_decay},
    )  # fmt: skip
