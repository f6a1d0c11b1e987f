"""What each ingredient of the preset "default" brings: the preset with that ingredient switched off.

An ingredient that a setting of `fit` decides is switched off by the setting, any other by its constant in
`chainrule.presets`. What brings nothing should not be there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any
from unittest import mock

import numpy as np
from accuracy_contenders import CONTENDERS, Contender, Predict, chainrule
from accuracy_report import Results, interval
from accuracy_tables import Drawn

BASE = "chainrule-default"


@dataclass(frozen=True)
class Without:
    """`settings`: given to `fit`, by whether it is a regression; `constants`: of chainrule.presets, by name."""

    settings: Callable[[bool], Mapping[str, Any]] = lambda regression: {}
    constants: Mapping[str, Callable[[Any], Any]] = field(default_factory=dict)


def _one_network(presets: Mapping[str, Any]) -> dict[str, Any]:
    return {name: replace(preset, members=1) for name, preset in presets.items()}


def _plain_dense(units: int, activation: Any, begin: Mapping[str, Any]) -> Any:
    from chainrule.layers import Dense

    return Dense(units, activation, **begin)


def _adam(regression: bool) -> dict[str, Any]:
    from chainrule.optim.rules import rules

    return {"optimizer": rules.get("adam", learning_rate=0.07 if regression else 0.04, beta_2=0.999)}


WITHOUT = {
    "robust scaling and smooth clipping (standardised instead)": Without(lambda _: {"scale": "standard"}),
    "learned gains of the inputs": Without(constants={"INPUT_GAIN_RATE": lambda _: 0.0}),
    "mish and selu (relu instead)": Without(lambda _: {"activation": "relu"}),
    "rates by layer width (one rate of 0.003 instead)": Without(
        lambda _: {"learning_rate": 0.003},
        {"_dense": lambda _: lambda fan_in, units, activation, **begin: _plain_dense(units, activation, begin)},
    ),
    "slower biases": Without(constants={"BIAS_RATE": lambda _: 1.0}),
    "β₂ = 0.95 (0.999 instead)": Without(_adam),
    "coslog4 (constant rate instead)": Without(lambda _: {"schedule": "constant"}),
    "coslog4 (one cosine instead)": Without(lambda _: {"schedule": "cosine"}),
    "smoothed labels": Without(constants={"SMOOTHING": lambda _: 0.0}),
    "wide layers (64-32 instead)": Without(lambda _: {"network": (64, 32)}),
    "several networks (one instead)": Without(constants={"PRESETS": _one_network}),
}


def _train(without: Without, drawn: Drawn, seed: int) -> Predict:
    import chainrule.presets as presets

    with ExitStack() as changed:
        for name, change in without.constants.items():
            changed.enter_context(mock.patch.object(presets, name, change(getattr(presets, name))))
        return chainrule("default", drawn, seed, **without.settings(drawn.task == "regression"))


ABLATIONS = {
    f"default without {name}": Contender("chainrule", partial(_train, without), CONTENDERS["chainrule-fast"].present)
    for name, without in WITHOUT.items()
}


def by_ingredient(results: Results) -> list[dict[str, Any]]:
    """What the normalised score and the log-loss lose without it, over the tables; positive: it brings something."""
    scored = {t: n for t in results.tables if (n := results.normalised(t)) and BASE in n}
    rows = []
    for name in ABLATIONS:
        where = [t for t in scored if name in scored[t]]
        if not where:
            continue
        gain = np.array([scored[t][BASE] - scored[t][name] for t in where])
        losses = [_log_loss(results, t, name) - _log_loss(results, t, BASE) for t in where if _classes(results, t)]
        low, high = interval(gain)
        rows.append({
            "ingredient": name.removeprefix("default without "), "tables": len(where), "brings": float(gain.mean()),
            "low": low, "high": high, "helps_on": int((gain > 0).sum()), "hurts_on": int((gain < 0).sum()),
            "log_loss": float(np.mean(losses)) if losses else None,
        })  # fmt: skip
    return sorted(rows, key=lambda row: -row["brings"])


def _classes(results: Results, table: str) -> bool:
    return results.tables[table][BASE][0].task == "classification"


def _log_loss(results: Results, table: str, name: str) -> float:
    return float(np.mean([one.log_loss for one in results.tables[table][name] if one.log_loss is not None]))


def print_ablation(results: Results) -> None:
    print("\n### What each ingredient of the preset default brings\n")
    print("| ingredient | normalised | 95% interval | helps on | hurts on | log-loss |\n|---|---|---|---|---|---|")
    for row in by_ingredient(results):
        loss = "" if row["log_loss"] is None else f"{row['log_loss']:+.3f}"
        print(
            f"| {row['ingredient']} | {row['brings']:+.4f} | {row['low']:+.4f} to {row['high']:+.4f} "
            f"| {row['helps_on']} of {row['tables']} | {row['hurts_on']} | {loss} |"
        )
