"""The learning-rate range test on a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from chainrule.constraints import whole
from chainrule.engines.base import Rows
from chainrule.engines.choose import choose
from chainrule.errors import SettingError
from chainrule.fit import read_examples
from chainrule.network import initialize
from chainrule.prepare import prepare, trial_of
from chainrule.training.rate_range import RangeTest, range_test
from chainrule.tuning.trial import request_of

_WATCHED = 2000  # more rows make the curve no smoother


def learning_rate_range(
    data: Any,
    target: str | Sequence[str] | None = None,
    *,
    low: float = 1e-6,
    high: float = 10.0,
    steps: int = 300,
    seeds: int = 5,
    seed: int = 0,
    validation: float = 0.2,
    sample_weight: Any = None,
    reading: Mapping[str, Any] | None = None,
    **settings: Any,
) -> RangeTest:
    """Which learning rates suit a table and a network: the range test of Smith (2017), from several first weights.

    The rate grows from `low` to `high` within `steps` steps; the loss is measured on the share `validation` of the rows.
    settings: those of `fit`. Where the answer is not clear, `steepest` is None and `reason` says why.

    Raises as `fit`, and CR204 for settings that already hold a learning rate.
    """
    for name in ("learning_rate", "schedule", "callbacks", "progress", "time_budget", "epochs"):
        if name in settings:
            raise SettingError("CR204", "this setting has no part in a range test", where=name)
    if settings.get("optimizer") == "lbfgs":
        raise SettingError("CR204", "lbfgs finds its own step lengths", where="optimizer")
    whole("seeds", seeds, low=2)
    asked = {**settings, "seed": seed, "validation": validation, "test": 0.0}
    request_of((), asked, "learning_rate_range")
    table, targets = read_examples(data, target, reading)
    trial = trial_of(prepare(request_of(targets, asked, "learning_rate_range"), table, sample_weight, one_network=True))
    request, plan = trial.request, trial.network.plan
    if trial.validation is None:
        raise SettingError("CR201", "`validation` must be greater than 0", got=str(validation))
    engine = choose(request.engine, plan, request.update, request.dtype)
    starts = [initialize(trial.network, seed + number, request.dtype) for number in range(seeds)]
    return range_test(
        plan, starts, trial.rows, _some(trial.validation), request.update, engine, batch_size=trial.batch_size, low=low,
        high=high, steps=steps, seed=seed,
    )  # fmt: skip


def _some(rows: Rows) -> Rows:
    """All rows, or as many as are enough, evenly spread."""
    if len(rows) <= _WATCHED:
        return rows
    return rows.take(np.linspace(0, len(rows) - 1, _WATCHED).astype(np.int64))
