"""Settings as they are typed: `--set learning_rate=0.01`, and what a search draws from: `--space dropout=0,0.1`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import click

from chainrule.errors import SettingError
from chainrule.tuning.space import LogUniform, Uniform

F = TypeVar("F", bound=Callable[..., Any])

_WORDS = {"none": None, "true": True, "false": False, "linear": ()}
_NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
_RANGE = re.compile(rf"({_NUMBER})\.\.({_NUMBER})")


def fixed(command: F) -> F:
    """Add `--set`; the command receives the settings as one dictionary `fixed`."""
    option = click.option(
        "--set", "fixed", multiple=True, metavar="NAME=VALUE", callback=lambda *given: settings(given[2]),
        help="A setting of `fit` by its Python name, such as learning_rate=0.01 or network=64-32; repeat for several.",
    )  # fmt: skip
    return option(command)


def settings(texts: Iterable[str]) -> dict[str, Any]:
    """Settings by name.

    >>> settings(["learning_rate=0.01", "network=64-32", "schedule=cosine", "clip_norm=none"])
    {'learning_rate': 0.01, 'network': '64-32', 'schedule': 'cosine', 'clip_norm': None}
    """
    found: dict[str, Any] = {}
    for text in texts:
        name, value = _halves(text, "--set", "learning_rate=0.01")
        if name in found:
            raise SettingError("CR204", "this setting is given twice", where=f"--set {name}")
        found[name] = _value(value)
    return found


def space(texts: Iterable[str]) -> dict[str, Any] | None:
    """What a search draws from, by setting; None where nothing is given. A range whose ends are a factor of ten or more
    apart is uniform in the logarithm.

    >>> space(["learning_rate=1e-4..1e-1", "dropout=0..0.5", "network=linear,16,64-32", "activation=relu,tanh"])
    ... # doctest: +NORMALIZE_WHITESPACE
    {'learning_rate': LogUniform(low=0.0001, high=0.1), 'dropout': Uniform(low=0.0, high=0.5),
     'network': [(), 16, '64-32'], 'activation': ['relu', 'tanh']}
    """
    found: dict[str, Any] = {}
    for text in texts:
        name, values = _halves(text, "--space", "learning_rate=1e-4..1e-1 or activation=relu,tanh")
        if name in found:
            raise SettingError("CR204", "this setting is given twice", where=f"--space {name}")
        match = _RANGE.fullmatch(values)
        if match is None:
            found[name] = [_value(value) for value in values.split(",")]
            continue
        low, high = float(match[1]), float(match[2])
        found[name] = LogUniform(low, high) if low > 0 and high >= 10 * low else Uniform(low, high)
    return found or None


def merged(asked: dict[str, Any], fixed: dict[str, Any]) -> dict[str, Any]:
    """Options and `--set` together; what has an option of its own is not set a second time."""
    for name in fixed:
        if name in asked:
            option = "--" + name.replace("_", "-")
            raise SettingError(
                "CR204", "this setting has an option of its own", where=f"--set {name}", hint=f"use {option}"
            )
    return {**asked, **fixed}


def _halves(text: str, option: str, example: str) -> tuple[str, str]:
    name, sign, value = text.partition("=")
    if not sign or not name.strip() or not value.strip():
        raise SettingError("CR202", "this is no setting with its value", where=option, expected=example, got=repr(text))
    return name.strip().replace("-", "_"), value.strip()


def _value(text: str) -> Any:
    text = text.strip()
    if text.lower() in _WORDS:
        return _WORDS[text.lower()]
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text
