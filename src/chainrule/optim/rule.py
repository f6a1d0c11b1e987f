"""What an update rule is: one frozen record; and the update around it, with its named terms."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from chainrule.calculus import penalties
from chainrule.catalog import Catalog
from chainrule.constraints import real
from chainrule.shapes import Array

Scalars = Mapping[str, Any]
Slots = tuple[Array, ...]


@dataclass(frozen=True, eq=False)
class Rule:
    """How θ moves along a gradient: `update(theta, gradient, slots, s) -> (theta, slots)`, all of θ's shape.

    `slots` names the arrays that the rule remembers (they start at 0). `s` holds the scalars of this step by name: the
    `learning_rate` (an array of θ's shape when factors of parameters differ) and what `scalars(t)` gives for the step
    counts t = 1, 2, …; the caller counts the steps, once per step, never per parameter.
    """

    name: str
    update: Callable[[Array, Array, Slots, Scalars], tuple[Array, Slots]]
    latex: tuple[str, ...]
    source: str
    slots: tuple[str, ...] = ()
    scalars: Callable[[Array], dict[str, Array]] = lambda t: {}
    aliases: tuple[str, ...] = ()
    constants: dict[str, float] = field(default_factory=dict)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Rule) and (self.name, self.constants) == (other.name, other.constants)

    def __hash__(self) -> int:
        return hash((self.name, *sorted(self.constants.items())))

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore, (rules.describe(self),)

    @property
    def learning_rate(self) -> float:
        return self.constants["learning_rate"]

    def table(self, first: int, multipliers: Array) -> dict[str, Array]:
        """The scalars of the steps `first`, `first` + 1, … (counted from 1), float64 columns of the same length.

        `multipliers` are the schedule's factors of the learning rate.
        """
        t = np.arange(first, first + len(multipliers), dtype=np.float64)
        return {"learning_rate": self.learning_rate * multipliers, **self.scalars(t)}


rules: Catalog[Rule] = Catalog("optimizer")


def _restore(description: dict[str, Any]) -> Rule:
    return rules.restore(description)


@dataclass(frozen=True)
class Update:
    """A rule with the terms around it, in this order: penalties are added to the data's gradient, the sum is clipped,
    the rule moves θ.

    l1, l2: strengths λ of the penalties λ₁ Σ|w| + ½ λ₂ Σ w². clip_value cuts every entry to [−c, c]; clip_norm shrinks
    the whole gradient to this length when it is longer.
    """

    rule: Rule
    l1: float = 0.0
    l2: float = 0.0
    clip_value: float | None = None
    clip_norm: float | None = None

    def __post_init__(self) -> None:
        real("l1", self.l1, low=0.0)
        real("l2", self.l2, low=0.0)
        for name in ("clip_value", "clip_norm"):
            if getattr(self, name) is not None:
                real(name, getattr(self, name), above=0.0)

    def direction(self, theta: Array, gradient: Array, decay: Array) -> Array:
        """The gradient that the rule is handed: data, plus penalties, clipped. `decay` are the decay factors over θ."""
        if self.l1 or self.l2:
            gradient = gradient + penalties.slope(theta, decay.astype(theta.dtype, copy=False), self.l1, self.l2)
        if self.clip_value is not None:
            gradient = np.clip(gradient, -self.clip_value, self.clip_value)
        if self.clip_norm is not None:
            length = float(np.sqrt((gradient.astype(np.float64) ** 2).sum()))
            if length > self.clip_norm:
                gradient = gradient * gradient.dtype.type(self.clip_norm / length)
        return gradient

    def describe(self) -> dict[str, Any]:
        return {
            **{name: getattr(self, name) for name in ("l1", "l2", "clip_value", "clip_norm")},
            "rule": rules.describe(self.rule),
        }

    @classmethod
    def restore(cls, description: dict[str, Any]) -> Update:
        return cls(**{**description, "rule": rules.restore(description["rule"])})
