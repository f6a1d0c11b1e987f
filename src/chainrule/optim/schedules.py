"""Learning-rate schedules, each a record: what the base learning rate is multiplied by at every step.

A run has `steps` steps, step s = 0, 1, …; the progress is t = s / steps, so 0 ≤ t < 1, and the epoch is
s / steps_per_epoch. The multiplier of a step depends on these three whole numbers alone, so that a table may be made in
pieces, and resumed anywhere, with the same bits. Cosines and powers come from Python's `math` or from multiplications:
NumPy's vector functions differ in the last bit between processors.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from chainrule.catalog import Catalog
from chainrule.constraints import real, whole
from chainrule.errors import SettingError

Floats: TypeAlias = NDArray[np.float64]
Steps: TypeAlias = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Schedule:
    """Multipliers of the learning rate over a run.

    `at(s, steps, steps_per_epoch)` gives those of the steps `s` (an int64 array, 0 ≤ s < steps), float64, from 0 to 1.
    `clock` says what they depend on: the `"progress"`, the `"epoch"`, or the `"step"` number itself.

    >>> schedules.get("cosine").multipliers(4, steps_per_epoch=2).round(3)
    array([1.   , 0.854, 0.5  , 0.146])
    >>> schedules.get("warm_up", steps=3, then="step").multipliers(5, steps_per_epoch=1)
    array([0.25, 0.5 , 0.75, 1.  , 1.  ])
    """

    name: str
    at: Callable[[Steps, int, int], Floats]
    clock: Literal["progress", "epoch", "step"]
    latex: str
    source: str
    aliases: tuple[str, ...] = ()
    constants: dict[str, Any] = field(default_factory=dict)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Schedule) and (self.name, self.constants) == (other.name, other.constants)

    def __hash__(self) -> int:
        return hash(self.name)

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore, (schedules.describe(self),)

    def multipliers(self, steps: int, steps_per_epoch: int) -> Floats:
        """The multipliers of all steps of a run, shape (steps,)."""
        whole("steps", steps, low=0)
        whole("steps_per_epoch", steps_per_epoch, low=1)
        return self.at(np.arange(steps, dtype=np.int64), steps, steps_per_epoch)


schedules: Catalog[Schedule] = Catalog("schedule")
family = schedules.family


def _restore(description: dict[str, Any]) -> Schedule:
    return schedules.restore(description)


def _of_progress(name: str, at: Callable[[float], float], latex: str, source: str, **more: Any) -> Schedule:
    """A schedule that is a function of the progress t in [0, 1)."""

    def of_steps(s: Steps, steps: int, steps_per_epoch: int) -> Floats:
        return np.fromiter(map(at, (s / steps).tolist()), np.float64, len(s))

    return Schedule(name, of_steps, "progress", latex, source, **more)


def _fall(t: float) -> float:
    """Half a cosine: 1 at t = 0, 0 at t = 1."""
    return 0.5 * (1.0 + math.cos(math.pi * t))


@family
def constant() -> Schedule:
    return Schedule("constant", lambda s, steps, per_epoch: np.ones(len(s)), "progress", r"1", "textbook")


@family
def step(every: int = 30, factor: float = 0.1) -> Schedule:
    """Times `factor` (above 0, at most 1) after `every` epochs (at least 1)."""
    whole("every", every, low=1)
    real("factor", factor, above=0.0, high=1.0)

    def at(s: Steps, steps: int, per_epoch: int) -> Floats:
        falls = s // (per_epoch * every)
        # Python's own power, once per level; a level that is not asked for is not computed.
        levels, place = np.unique(falls, return_inverse=True)
        return np.array([float(factor) ** int(level) for level in levels], np.float64)[place]

    return Schedule(
        "step", at, "epoch", r"f^{\lfloor e / k \rfloor}", "textbook; the values are those of He et al. (2016)",
        aliases=("step_decay", "piecewise_constant"), constants={"every": every, "factor": factor},
    )  # fmt: skip


@family
def exponential(factor: float = 0.95) -> Schedule:
    """Times `factor` (above 0, at most 1) over every epoch, a little at each step."""
    rate = math.log(real("factor", factor, above=0.0, high=1.0))

    def at(s: Steps, steps: int, per_epoch: int) -> Floats:
        return np.fromiter(map(math.exp, (rate * (s / per_epoch)).tolist()), np.float64, len(s))

    return Schedule(
        "exponential", at, "epoch", r"f^{\,e}", "textbook; Keras ExponentialDecay", aliases=("exponential_decay",),
        constants={"factor": factor},
    )  # fmt: skip


@family
def linear(end: float = 0.0) -> Schedule:
    """From 1 to `end` (0 to 1) in a straight line."""
    real("end", end, low=0.0, high=1.0)
    return _of_progress(
        "linear", lambda t: 1.0 - (1.0 - end) * t, r"1 - (1 - m)\,t", "textbook; Keras PolynomialDecay(power=1)",
        aliases=("linear_decay",), constants={"end": end},
    )  # fmt: skip


@family
def cosine(end: float = 0.0) -> Schedule:
    """From 1 to `end` (0 to 1) along half a cosine."""
    real("end", end, low=0.0, high=1.0)
    return _of_progress(
        "cosine", lambda t: end + (1.0 - end) * _fall(t), r"m + (1 - m)\,\tfrac12 (1 + \cos \pi t)",
        "Loshchilov, Hutter, SGDR (2017), one period", aliases=("cosine_decay", "cosine_annealing"),
        constants={"end": end},
    )  # fmt: skip


@family
def one_cycle(peak_at: float = 0.3, start: float = 0.04, end: float = 4e-6) -> Schedule:
    """Up from `start` to 1 at the progress `peak_at`, down to `end`, both along half a cosine.

    `peak_at` is greater than 0 and less than 1, `start` and `end` are from 0 to 1. The base learning rate is the
    largest; the defaults are PyTorch's OneCycleLR (1/25, and that over 10⁴).
    """
    real("peak_at", peak_at, above=0.0, below=1.0)
    real("start", start, low=0.0, high=1.0)
    real("end", end, low=0.0, high=1.0)

    def at(t: float) -> float:
        if t < peak_at:
            return 1.0 - (1.0 - start) * _fall(t / peak_at)
        return end + (1.0 - end) * _fall((t - peak_at) / (1.0 - peak_at))

    return _of_progress(
        "one_cycle", at,
        r"\begin{cases} 1 - (1 - a)\,h(t/p) & t < p\\ m + (1 - m)\,h\!\left(\frac{t - p}{1 - p}\right) & t \ge p"
        r"\end{cases}, \quad h(u) = \tfrac12 (1 + \cos \pi u)",
        "Smith, Topin, Super-convergence (2018)", aliases=("one_cycle_lr", "onecycle"),
        constants={"peak_at": peak_at, "start": start, "end": end},
    )  # fmt: skip


@family
def flat_cos(flat: float = 0.5) -> Schedule:
    """1 up to the progress `flat` (at least 0, less than 1), then half a cosine to 0."""
    real("flat", flat, low=0.0, below=1.0)
    return _of_progress(
        "flat_cos", lambda t: _fall(max(t - flat, 0.0) / (1.0 - flat)),
        r"\begin{cases} 1 & t < q\\ \tfrac12 \left(1 + \cos \pi \frac{t - q}{1 - q}\right) & t \ge q\end{cases}",
        "Holzmüller, Grinsztajn, Steinwart, Better by default (2024)", constants={"flat": flat},
    )  # fmt: skip


@family
def coslog4() -> Schedule:
    """Four waves from 0 to 1 and back, each twice as long as the one before it."""
    return _of_progress(
        "coslog4", lambda t: 0.5 * (1.0 - math.cos(2.0 * math.pi * math.log2(1.0 + 15.0 * t))),
        r"\tfrac12 \left(1 - \cos(2\pi \log_2(1 + 15 t))\right)",
        "Holzmüller, Grinsztajn, Steinwart, Better by default (2024)",
    )  # fmt: skip


@family
def warm_up(
    steps: int | None = None, fraction: float = 0.1, then: str | dict[str, Any] | Schedule = "constant"
) -> Schedule:
    """A straight rise in front of any schedule, which then runs over the steps that are left as if it began there.

    The rise takes `steps` steps (at least 0), or `fraction` (0 to 1) of the run when `steps` is not given. It begins
    above 0, so that the first step is not lost, and reaches the first multiplier of `then`: a schedule, its name or its
    description. Raises `SettingError` CR204 when that first multiplier is 0: there is nothing to rise to.
    """
    rise = None if steps is None else whole("steps", steps, low=0)
    real("fraction", fraction, low=0.0, high=1.0)
    after = schedules.restore(then) if isinstance(then, dict) else schedules.get(then)
    if after.at(np.zeros(1, np.int64), 1, 1)[0] == 0:
        raise SettingError(
            "CR204",
            f"`warm_up` cannot stand before {after.name!r}, which begins at 0",
            hint=f"use {after.name!r} alone",
        )

    def at(s: Steps, total: int, per_epoch: int) -> Floats:
        rising = min(total, round(fraction * total) if rise is None else rise)
        left = max(total - rising, 1)
        top = after.at(np.zeros(1, np.int64), left, per_epoch)
        up = top * ((s + 1) / (rising + 1))
        return np.where(s < rising, up, after.at(np.clip(s - rising, 0, left - 1), left, per_epoch))

    return Schedule(
        "warm_up", at, "step",
        r"\begin{cases} \frac{s + 1}{w + 1}\,g(0) & s < w\\ g(s - w) & s \ge w\end{cases}",
        "Goyal et al., Accurate, large minibatch SGD (2017)", aliases=("warmup",),
        constants={"steps": steps, "fraction": fraction, "then": schedules.describe(after)},
    )  # fmt: skip
