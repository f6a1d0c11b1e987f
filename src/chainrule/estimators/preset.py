"""preset="fast", "default" or "best": chainrule's own way of training behind scikit-learn's names.

Columns of any kind are encoded, missing values filled and marked, inputs and targets scaled; the preset decides what no
parameter was changed for (docs/presets.md).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.errors import SettingError
from chainrule.estimators.settings import random_of, threads_of, widths_of
from chainrule.fit import fit
from chainrule.model import Model
from chainrule.optim.rules import rules

_KEPT = (
    "hidden_layer_sizes", "activation", "loss", "solver", "learning_rate_init", "momentum", "nesterovs_momentum",
    "batch_size", "max_iter", "shuffle", "random_state", "verbose", "early_stopping", "validation_fraction", "n_iter_no_change",
    "class_weight", "metrics", "callbacks", "time_budget", "n_jobs", "dtype", "engine", "preset", "alpha", "dropout", "beta_1",
    "beta_2", "epsilon", "validation_data",
)  # fmt: skip

_OWN_NETWORK = (
    "a preset builds its layers itself; chainrule.fit((X, y), network=Network(...), scale='robust') trains yours"
)
_INSTEAD = {
    "layers": f"say hidden_layer_sizes, activation and dropout: {_OWN_NETWORK}",
    "masks": _OWN_NETWORK,
    "warm_start": "fit again trains anew; raise max_iter instead",
    "learning_rate": "a preset has a schedule of its own; learning_rate_init is its highest rate",
}
"""What to do in place of a parameter that means nothing here."""


def fit_default(estimator: Any, x: Any, y: Any, sample_weight: Any, task: str) -> Model:
    """Train as `chainrule.fit(preset=...)` does. A parameter left at scikit-learn's default takes the preset's own; `alpha`
    stays scikit-learn's, a penalty of ½ α ‖W‖² divided by the rows of a batch.

    Raises `SettingError` CR204 for a changed parameter that means nothing here.
    """
    e = estimator
    changed = {
        name: getattr(e, name)
        for name, parameter in e._parameters().items()
        if getattr(e, name) is not parameter.default and not _equal(getattr(e, name), parameter.default)
    }
    without = [name for name in changed if name not in _KEPT]
    if without:
        raise SettingError(
            "CR204", f"`{without[0]}` has no meaning with preset={e.preset!r}",
            hint=_INSTEAD.get(without[0], "leave it out, or leave out the preset"),
        )  # fmt: skip
    asked: dict[str, Any] = {"engine": e.engine, "n_jobs": threads_of(e.n_jobs), "time_budget": e.time_budget}
    names = {
        "activation": "activation", "batch_size": "batch_size", "max_iter": "epochs", "class_weight": "class_weight",
        "validation_fraction": "validation", "n_iter_no_change": "patience", "dtype": "dtype", "loss": "loss",
        "shuffle": "shuffle", "dropout": "dropout",
    }  # fmt: skip
    asked |= {ours: changed[theirs] for theirs, ours in names.items() if theirs in changed}
    if "hidden_layer_sizes" in changed:
        asked["network"] = tuple(widths_of(e.hidden_layer_sizes))
    if "alpha" in changed:
        count = np.shape(x)[0]
        asked["l2"] = float(e.alpha) / (min(200, count) if e.batch_size == "auto" else min(int(e.batch_size), count))
    if e.validation_data is not None:
        asked["validation_data"] = tuple(e.validation_data)
    asked |= _optimizer(e, changed)
    seed = int(random_of(e.random_state).randint(2**31)) if e.random_state is not None else 0
    return fit(
        (x, y), preset=e.preset, task=task, test=0.0, seed=seed, sample_weight=sample_weight, metrics=e.metrics or (),
        callbacks=tuple(e.callbacks or ()), progress=_say if e.verbose else None, **asked,
    )  # fmt: skip


def _optimizer(e: Any, changed: dict[str, Any]) -> dict[str, Any]:
    rate = {"learning_rate": float(e.learning_rate_init)} if "learning_rate_init" in changed else {}
    if e.solver == "lbfgs":
        return {"optimizer": "lbfgs"}
    if e.solver == "sgd":
        rule = "nesterov" if e.nesterovs_momentum else "momentum"
        return {"optimizer": rules.get(rule, momentum=e.momentum, learning_rate=float(e.learning_rate_init))}
    constants = {name: float(changed[name]) for name in ("beta_1", "beta_2", "epsilon") if name in changed}
    return {"optimizer": rules.get("adam", **constants, **rate)} if constants else rate


def _equal(value: Any, default: Any) -> bool:
    return isinstance(value, (bool, int, float, str, tuple, np.generic)) and bool(np.all(value == default))


def _say(event: Any) -> None:
    print(f"Iteration {event.epoch}, loss = {event.row['loss']:.8f}")
