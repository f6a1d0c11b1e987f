"""What `fit` was asked for: every setting checked before any data is looked at."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

import numpy as np

from chainrule.calculus.activation import Activation
from chainrule.calculus.activations import activations
from chainrule.calculus.loss import Loss
from chainrule.calculus.losses import losses
from chainrule.constraints import choice, real, whole
from chainrule.data.fit_encoder import SCALES
from chainrule.engines.base import Engine
from chainrule.errors import SettingError
from chainrule.layers import Dense
from chainrule.metrics import Metric, chosen
from chainrule.metrics import catalog as metric_catalog
from chainrule.network import Network
from chainrule.optim.rule import Rule, Update
from chainrule.optim.rules import rules
from chainrule.optim.schedules import Schedule, schedules
from chainrule.plain import plain
from chainrule.plan import check_trainable
from chainrule.presets import preset_of, settings_for
from chainrule.training.loop import Callback, EpochEnd

WIDTHS = (64, 32)
"""The hidden layers of the default network."""

PLAIN = {
    "activation": "relu", "optimizer": "adam", "schedule": "constant", "epochs": 200, "patience": 20, "validation": 0.1,
    "scale": "standard", "dropout": 0.0,
}  # fmt: skip
"""What is meant by a setting that was left open, where there is no preset."""

_DECIDED = (
    "network", "activation", "optimizer", "learning_rate", "schedule", "loss", "epochs", "patience", "validation",
    "batch_size", "scale", "dropout",
)  # fmt: skip
_AUTO = ("activation", "batch_size", "scale")
"""Settings that a preset decides where they are left open: None, or "auto" where None means something else."""


@dataclass(frozen=True)
class DataChoices:
    """What the table is used for: the targets, the task, the columns to insist on or leave out, the rows to test on."""

    targets: tuple[str, ...]
    task: str | None = None
    keep: tuple[str, ...] = ()
    drop: tuple[str, ...] = ()
    date_parts: tuple[str, ...] = ()
    missing_target: str = "error"
    test: float | None = None

    @classmethod
    def restore(cls, kept: Mapping[str, Any]) -> DataChoices:
        """The same from plain data, in which tuples are lists."""
        given: dict[str, Any] = {name: tuple(one) if isinstance(one, list) else one for name, one in kept.items()}
        return cls(**given)


@dataclass(frozen=True, eq=False)
class Request:
    """Settings that can work. `solver` is "steps" (a rule, batch by batch) or "lbfgs".

    `left_open` names the settings that nobody made: those that a preset decides once the data are known. `members` is the
    number of networks that are trained and merged. `level_means`: whether category columns with rare levels get means of
    the target (`chainrule.data.level_means`).
    """

    network: Network | tuple[int, ...]
    activation: Activation | str
    dropout: float
    loss: Loss | str | None
    update: Update
    l2_is_auto: bool
    solver: str
    schedule: Schedule
    metrics: tuple[Metric, ...]
    validation: float
    epochs: int
    batch_size: int | str | None
    shuffle: bool
    patience: int
    seed: int
    dtype: Any
    engine: str | Engine
    n_jobs: int | None
    time_budget: float | None
    class_weight: Any
    scale: str | None
    callbacks: tuple[Callback, ...]
    progress: Callable[[EpochEnd], None] | None
    choices: DataChoices
    preset: str | None = None
    left_open: tuple[str, ...] = ()
    members: int = 1
    level_means: bool = False  # as the requests were that older model files hold

    def decided(self, task: str, rows: int) -> Request:
        """With everything that the preset decides for this task and so many rows; what was said stays."""
        if self.preset is None or not self.left_open:
            return self
        all_of_it = settings_for(self.preset, task, rows)
        found = {name: value for name, value in all_of_it.items() if name in self.left_open}
        update = self.update
        if "optimizer" in found:
            said = None if "learning_rate" in self.left_open else update.rule.learning_rate
            update = replace(update, rule=with_rate(found.pop("optimizer"), said))
        if self.solver == "lbfgs":
            found.pop("dropout", None)  # whose steps need a loss that stays the same
        if {"network", "validation"} <= set(found) and self.solver == "steps":
            found["members"] = all_of_it["members"]
        return replace(self, update=update, l2_is_auto=False, left_open=(), **found)

    def describe(self) -> dict[str, Any]:
        """What decides the result, as plain data from which `Request.restore` makes the same request."""
        values = {one.name: getattr(self, one.name) for one in fields(self) if one.name not in _NOT_KEPT}
        described: dict[str, Any] = plain(
            {name: _CODED[name][0](value) if name in _CODED else value for name, value in values.items()}
        )
        return described

    @classmethod
    def restore(cls, description: Mapping[str, Any]) -> Request:
        """The request that `describe` described; functions (callbacks, progress, metrics of one's own) and the number of
        threads are not part of it."""
        kept = {name: _CODED[name][1](value) if name in _CODED else value for name, value in description.items()}
        return cls(**kept, **_NOT_KEPT)


_NOT_KEPT: dict[str, Any] = {"n_jobs": None, "callbacks": (), "progress": None, "left_open": ()}
"""What decides nothing about the result, or has been decided, and how a request without it begins."""

_CODED: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any]]] = {
    "network": (
        lambda network: network.describe() if isinstance(network, Network) else network,
        lambda kept: Network.restore(dict(kept)) if isinstance(kept, Mapping) else tuple(kept),
    ),
    "activation": (
        lambda one: one if isinstance(one, str) else activations.describe(one),
        lambda kept: kept if isinstance(kept, str) else activations.restore(kept),
    ),
    "loss": (
        lambda loss: losses.describe(loss) if isinstance(loss, Loss) else None,
        lambda kept: None if kept is None else losses.restore(kept),
    ),
    "update": (Update.describe, Update.restore),
    "schedule": (schedules.describe, schedules.restore),
    "metrics": (
        lambda metrics: [metric_catalog.describe(one) for one in metrics if one.name in metric_catalog],
        lambda kept: tuple(metric_catalog.restore(one) for one in kept),
    ),
    "dtype": (str, np.dtype),
    "engine": (lambda engine: engine if isinstance(engine, str) else engine.name, str),
    "choices": (asdict, DataChoices.restore),
}
"""Settings that are no plain data: how each is described, and made again from its description."""


def _preset_of(asked: Mapping[str, Any], left_open: tuple[str, ...]) -> str | None:
    """The preset that is meant: "auto" is "default" as long as nothing is said about the network or its training."""
    if asked["preset"] != "auto":
        return None if asked["preset"] is None else preset_of(asked["preset"]).name
    further = asked["l1"] or asked["l2"] != "auto" or asked["clip_norm"] is not None
    return None if further or set(left_open) != set(_DECIDED) else "default"


def _is_open(value: Any, mark: str | None) -> bool:
    return value is None if mark is None else isinstance(value, str) and value == mark


def check(**asked: Any) -> Request:
    """Every setting, before any work."""
    left_open = tuple(name for name in _DECIDED if _is_open(asked[name], "auto" if name in _AUTO else None))
    asked = {**asked, **{name: value for name, value in PLAIN.items() if name in left_open}}
    preset = _preset_of(asked, left_open)
    if preset and isinstance(asked["network"], Network):
        raise SettingError(
            "CR204", "a preset decides about the layers, and a Network holds its own", where="preset", got=preset,
            hint="give the widths of the hidden layers only, such as network=(64, 32), or leave out the preset",
        )  # fmt: skip
    solver = "lbfgs" if asked["optimizer"] == "lbfgs" else "steps"
    epochs = whole("epochs", asked["epochs"], low=1)
    batch = asked["batch_size"]
    if isinstance(batch, str):
        choice("batch_size", batch, ("auto",))
    elif batch is not None:
        whole("batch_size", batch, low=1)
    if asked["time_budget"] is not None:
        real("time_budget", asked["time_budget"], above=0.0)
    if asked["n_jobs"] is not None:
        whole("n_jobs", asked["n_jobs"], low=-1)
    if not isinstance(asked["activation"], (str, Activation)):
        raise SettingError(
            "CR202",
            "`activation` must be a name or an Activation",
            got=repr(asked["activation"]),
            hint="'identity' is none",
        )
    callbacks = asked["callbacks"]
    if not isinstance(callbacks, (list, tuple)) or not all(map(callable, callbacks)):
        raise SettingError("CR202", "`callbacks` must be a list of functions", got=repr(callbacks))
    if asked["progress"] is not None and not callable(asked["progress"]):
        raise SettingError("CR202", "`progress` must be a function", got=repr(asked["progress"]))
    return Request(
        network=_network_of(asked["network"]),
        activation=asked["activation"]
        if isinstance(asked["network"], Network)
        else Dense(1, asked["activation"]).activation,
        dropout=_dropout_of(asked),
        loss=None if asked["loss"] is None else losses.get(asked["loss"]),
        update=_update_of(asked),
        l2_is_auto=asked["l2"] == "auto" and not isinstance(asked["optimizer"], Update),
        solver=solver,
        schedule=schedules.get(asked["schedule"]),
        metrics=chosen(asked["metrics"]),
        validation=real("validation", asked["validation"], low=0.0, below=1.0),
        epochs=epochs,
        batch_size=batch,
        shuffle=bool(asked["shuffle"]),
        patience=whole("patience", asked["patience"], low=1),
        seed=whole("seed", asked["seed"], low=0, high=2**63 - 1),
        dtype=np.dtype(choice("dtype", asked["dtype"], ("float32", "float64"))),
        engine=asked["engine"],
        n_jobs=asked["n_jobs"],
        time_budget=asked["time_budget"],
        class_weight=asked["class_weight"],
        scale=None if asked["scale"] is None else choice("scale", asked["scale"], SCALES),
        callbacks=tuple(callbacks),
        progress=asked["progress"],
        choices=asked["choices"],
        preset=preset,
        left_open=left_open,
        level_means=True,
    )


def _network_of(network: Any) -> Network | tuple[int, ...]:
    if isinstance(network, Network):
        check_trainable(network.plan)
        return network
    if network is None:
        return WIDTHS
    if isinstance(network, str):
        parts = [part.strip() for part in network.split("-")] if network.strip() else []
        if not all(part.isdigit() for part in parts):
            raise SettingError("CR209", "these are no layer widths", expected='such as "64-32"', got=repr(network))
        network = [int(part) for part in parts]
    if isinstance(network, int):
        network = [network]
    return tuple(whole("the width of a hidden layer", width, low=1) for width in network)


def _dropout_of(asked: Mapping[str, Any]) -> float:
    rate = real("dropout", asked["dropout"], low=0.0, below=1.0)  # None stands for PLAIN's by now
    if rate and isinstance(asked["network"], Network):
        raise SettingError(
            "CR204", "a Network already says where its units are silenced", where="dropout", got=str(rate),
            hint="put Dropout layers into the network, or give the widths of its hidden layers only",
        )  # fmt: skip
    return rate


def _update_of(asked: Mapping[str, Any]) -> Update:
    optimizer, rate = asked["optimizer"], asked["learning_rate"]
    if isinstance(optimizer, Update):
        if rate is not None or asked["l1"] or asked["l2"] not in (0, "auto") or asked["clip_norm"] is not None:
            raise SettingError(
                "CR204", "an Update already holds the learning rate, penalties and clipping", where="optimizer"
            )
        return optimizer
    constants = {} if rate is None else {"learning_rate": rate}
    if optimizer == "lbfgs":
        if rate is not None:
            raise SettingError("CR204", "lbfgs finds its own step lengths", where="learning_rate", got=str(rate))
        rule = rules.get("gradient_descent")
    elif isinstance(optimizer, str):
        rule = rules.get(optimizer, **constants)
    else:
        rule = with_rate(optimizer, rate)
    if isinstance(asked["l2"], str):
        choice("l2", asked["l2"], ("auto",))
    return Update(rule, l1=asked["l1"], l2=0.0 if asked["l2"] == "auto" else asked["l2"], clip_norm=asked["clip_norm"])


def with_rate(rule: Rule, learning_rate: float | None) -> Rule:
    """The same rule with another learning rate."""
    if learning_rate is None:
        return rule
    return rules.get(rule.name, **{**rule.constants, "learning_rate": learning_rate})


def auto_l2(rows: int, is_regression: bool) -> float:
    """A penalty that is strong where rows are few and fades with them: what twelve (for classes four) rows would weigh."""
    return min(0.03, 12.0 / max(rows, 1)) if is_regression else min(0.01, 4.0 / max(rows, 1))


def auto_batch(rows: int) -> int:
    """A power of two near rows/50, between 16 and 256: small data take many steps, large data take wide ones."""
    return int(2 ** np.clip(np.floor(np.log2(max(rows, 1) / 50.0)), 4, 8))
