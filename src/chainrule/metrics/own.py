"""Metrics as a user names them: names, records, and functions of one's own."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np

from chainrule.errors import SettingError
from chainrule.metrics.inputs import Floats
from chainrule.metrics.metric import Metric, State, catalog

One: TypeAlias = str | Metric | Callable[..., float]
Metrics: TypeAlias = One | Sequence[One]


def chosen(given: Metrics | None) -> tuple[Metric, ...]:
    """One metric or a list of them, each a name, a record or a function, as records; None is none.

    Raises `SettingError` CR203 for an unknown name, CR202 for anything else.

    >>> [metric.name for metric in chosen(["mae", lambda y_true, y_pred: 0.0])]
    ['mae', 'lambda']
    """
    if given is None:
        return ()
    listed = given if isinstance(given, (list, tuple)) else (given,)
    return tuple(_record(one) for one in listed)


def _record(one: Any) -> Metric:
    if isinstance(one, (str, Metric)):
        return catalog.get(one)
    if callable(one):
        return of_function(one)
    raise SettingError(
        "CR202", "a metric must be a name, a record or a function f(y_true, y_pred)", where="metrics", got=repr(one)
    )


def of_function(function: Callable[..., float]) -> Metric:
    """A function f(y_true, y_pred), or f(y_true, y_pred, sample_weight), as a metric by the function's name.

    It is given all rows at once: y_true (n,) numbers or class codes, y_pred (n,) numbers or probabilities of class 1, both
    (n, k) for several outputs or classes. Without an argument `sample_weight` it is not weighted. Since it is code, it is
    in no model file: `chainrule.register` takes a `Metric` that has a name everywhere.

    >>> half = of_function(lambda y_true, y_pred: float(abs(y_true - y_pred).max()) / 2)
    >>> half.result(half.add(half.start(), [1.0, 5.0], [1.0, 3.0]))
    1.0
    """
    name = getattr(function, "__name__", type(function).__name__).strip("<>")
    try:
        is_weighted = "sample_weight" in inspect.signature(function).parameters
    except ValueError:  # a function without a signature, as some built-in ones
        is_weighted = False

    def of(y: Floats, p: Floats, w: Floats) -> State:
        return (y, p, w)

    def value(state: tuple[Floats, ...]) -> float:
        y, p, w = (np.concatenate(state[part::3]) for part in range(3))
        y, p = (one[:, 0] if one.shape[1] == 1 else one for one in (y, p))
        found = function(y, p, sample_weight=w) if is_weighted else function(y, p)
        try:
            return float(found)
        except (TypeError, ValueError):
            raise SettingError(
                "CR202", f"the metric {name!r} must give a number", where="metrics", got=repr(found)
            ) from None

    return Metric(
        name=name, target_kind="any", of=of, value=value, latex=name, source="your own function", zero=(),
        low=-np.inf, high=np.inf, exact_state=True,
    )  # fmt: skip
