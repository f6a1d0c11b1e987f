"""What a search draws from: settings by name, each with its choices or its range."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from chainrule import rng
from chainrule.constraints import real
from chainrule.errors import SettingError, unknown_name
from chainrule.plain import plain

SEARCHABLE = (
    "network", "activation", "dropout", "optimizer", "learning_rate", "schedule", "l1", "l2", "clip_norm", "batch_size",
)  # fmt: skip
"""Settings of `fit` that a search may choose. Those that change what the loss measures are not among them."""


@dataclass(frozen=True)
class Uniform:
    """A number from `low` to `high`, each as likely."""

    low: float
    high: float

    def __post_init__(self) -> None:
        real("Uniform.low", self.low)
        real("Uniform.high", self.high, above=self.low)

    def at(self, share: float) -> float:
        """The number this share of the way from `low` to `high`."""
        return _rounded(self.low + share * (self.high - self.low))


@dataclass(frozen=True)
class LogUniform:
    """A number from `low` to `high`, its logarithm uniform: as likely from 0.001 to 0.01 as from 0.01 to 0.1.

    >>> LogUniform(1e-4, 1e-2).at(0.5)
    0.001
    """

    low: float
    high: float

    def __post_init__(self) -> None:
        real("LogUniform.low", self.low, above=0.0)
        real("LogUniform.high", self.high, above=self.low)

    def at(self, share: float) -> float:
        """The number this share of the way from `low` to `high`, counted in factors."""
        return _rounded(math.exp(math.log(self.low) + share * math.log(self.high / self.low)))


def _rounded(value: float) -> float:
    return float(f"{value:.4g}")  # what the table shows is what was tried


Space = Mapping[str, Uniform | LogUniform | Sequence[Any]]

SPACE: Space = {
    "network": ((), (16,), (64,), (128,), (64, 32), (128, 64), (256, 128), (64, 64, 64)),  # (): a linear model
    "activation": ("relu", "tanh", "selu", "gelu", "silu"),
    "dropout": (0.0, 0.0, 0.1, 0.25),
    "optimizer": ("adam", "adamw", "nesterov"),
    "learning_rate": LogUniform(1e-4, 1e-1),
    "l2": LogUniform(1e-6, 1e-1),
    "batch_size": (16, 32, 64, 128, 256),
}
"""What is searched unless a space is given: ranges around the defaults of `fit`, as wide as they are in common use."""


def space_for(space: Space | None, settings: Mapping[str, Any]) -> Space:
    """The space of a search whose other settings are these; what is set is not searched.

    Raises `SettingError`: CR203 (a setting that cannot be searched), CR202 (no choices), CR204 (set and searched).
    """
    if space is None:
        return {name: values for name, values in SPACE.items() if name not in settings}
    for name, values in space.items():
        where = f"space[{name!r}]"
        if name not in SEARCHABLE:
            raise unknown_name("setting to search", name, SEARCHABLE)
        if name in settings:
            raise SettingError("CR204", "this setting is given and searched at once", where=name)
        if isinstance(values, (Uniform, LogUniform)):
            continue
        if isinstance(values, str) or not isinstance(values, Sequence) or not len(values):
            raise SettingError(
                "CR202", "choices must be a list", where=where, expected="a list, Uniform(…) or LogUniform(…)",
                got=repr(values),
            )  # fmt: skip
        for value in values:
            _check_plain(value, where)
    if not space:
        raise SettingError("CR202", "a space must hold at least one setting", where="space")
    return space


def _check_plain(value: Any, where: str) -> None:
    parts = value if isinstance(value, (list, tuple)) else [value]
    if not all(part is None or isinstance(part, (str, int, float)) for part in parts):
        raise SettingError(
            "CR202", "a choice must be a name, a number, None or a list of those", where=where, got=repr(value)
        )


def draw(space: Space, seed: int, number: int) -> dict[str, Any]:
    """The settings of a trial, as plain data: a matter of the seed, the trial's number and the setting's name alone.

    Trial 0 is `fit` without a preset, with nothing drawn, so that a search never ends below the plain network unnoticed.

    >>> draw({"activation": ("relu", "tanh")}, seed=0, number=0)
    {}
    """
    if number == 0:
        return {}
    drawn: dict[str, Any] = {}
    for name, values in space.items():
        share = float(rng.generator(seed, f"trial/{name}", number).random())
        if isinstance(values, (Uniform, LogUniform)):
            drawn[name] = values.at(share)
        else:
            drawn[name] = values[int(share * len(values))]
    found: dict[str, Any] = plain(drawn)
    return found


def ends(values: Uniform | LogUniform | Sequence[Any]) -> Sequence[Any]:
    """Values that stand for all when a space is checked: the choices, or both ends of a range."""
    return (values.low, values.high) if isinstance(values, (Uniform, LogUniform)) else values


def describe(space: Space) -> dict[str, Any]:
    """A space as plain data."""
    described = {
        name: {type(values).__name__: [values.low, values.high]}
        if isinstance(values, (Uniform, LogUniform))
        else values
        for name, values in space.items()
    }
    found: dict[str, Any] = plain(described)
    return found
