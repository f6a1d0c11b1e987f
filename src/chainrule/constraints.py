"""Checks of single settings at the border. Inside, values are trusted."""

from __future__ import annotations

import math
from collections.abc import Iterable
from numbers import Integral, Real
from typing import Any

from chainrule.errors import SettingError, unknown_name


def whole(name: str, value: Any, *, low: int | None = None, high: int | None = None) -> int:
    """A whole number within [low, high].

    >>> whole("epochs", 3, low=1)
    3
    """
    if isinstance(value, bool) or not isinstance(value, Integral):
        raise SettingError(
            "CR202", f"`{name}` must be a whole number", got=_show(value), hint=_number_hint(name, value)
        )
    number = int(value)
    if (low is not None and number < low) or (high is not None and number > high):
        raise SettingError("CR201", f"`{name}` must be {_bounds(low, high)}", got=str(value))
    return number


def real(
    name: str,
    value: Any,
    *,
    low: float | None = None,
    high: float | None = None,
    above: float | None = None,
    below: float | None = None,
) -> float:
    """A finite number with low <= value <= high and above < value < below."""
    if isinstance(value, bool) or not isinstance(value, Real):
        raise SettingError("CR202", f"`{name}` must be a number", got=_show(value), hint=_number_hint(name, value))
    number = float(value)
    fits = (
        math.isfinite(number)
        and (low is None or number >= low)
        and (high is None or number <= high)
        and (above is None or number > above)
        and (below is None or number < below)
    )
    if not fits:
        raise SettingError("CR201", f"`{name}` must be {_bounds(low, high, above, below)}", got=str(value))
    return number


def choice(name: str, value: Any, options: Iterable[str]) -> str:
    """One of the given words."""
    options = list(options)
    if value not in options:
        raise unknown_name(f"value of `{name}`", value, options)
    return str(value)


def _bounds(low: float | None, high: float | None, above: float | None = None, below: float | None = None) -> str:
    parts = [f"at least {low}"] if low is not None else []
    parts += [f"greater than {above}"] if above is not None else []
    parts += [f"at most {high}"] if high is not None else []
    parts += [f"less than {below}"] if below is not None else []
    return " and ".join(parts) or "finite"


def _show(value: Any) -> str:
    return f"{value!r} ({type(value).__name__})"


def _number_hint(name: str, value: Any) -> str | None:
    if isinstance(value, str):
        try:
            return f"pass {name}={float(value):g} (a number, not text)"
        except ValueError:
            return None
    return None
