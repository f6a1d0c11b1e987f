"""What each ingredient of the preset "default" brings: the preset with that ingredient switched off.

What brings nothing should not be there.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any
from unittest import mock

import numpy as np
from accuracy_contenders import CONTENDERS, Contender, Predict, chainrule
from accuracy_report import Results, interval
from accuracy_tables import Drawn

BASE = "chainrule-default"


WITHOUT: dict[str, dict[str, Any]] = {
    "numbers in pieces, categories a quarter high (robust scaling instead)": {"scale": "robust"},
    "all of the inputs' scaling (standardised instead)": {"scale": "standard"},
    "learned gains of the inputs": {"input_gain_rate": 0.0},
    "selu and mish (relu instead)": {"activations": ("relu", "relu")},
    "rates by the layer's width (one rate of 0.003 instead)": {"ntk": False, "rates": (0.003, 0.003)},
    "slower biases": {"bias_rate": 1.0},
    "random first biases (0 instead)": {"bias_spread": 0.0},
    "β₂ = 0.95 (0.999 instead)": {"beta_2": 0.999},
    "coslog4 (one cosine instead)": {"schedule": "cosine"},
    "coslog4 (a constant rate instead)": {"schedule": "constant"},
    "smoothed labels": {"label_smoothing": 0.0},
    "dropout": {"dropout": 0.0},
    "128-128-128 (64-32 instead)": {"widths": (64, 32)},
    "several networks (one instead)": {"members": 1},
    "calibration": {"is_calibrated": False},
}
"""Ingredient to what stands in its place, by the fields of `chainrule.presets.Preset`."""


def _train(instead: dict[str, Any], drawn: Drawn, seed: int) -> Predict:
    from chainrule.presets import PRESETS

    with mock.patch.dict(PRESETS, {"default": replace(PRESETS["default"], **instead)}):
        return chainrule("default", drawn, seed)


ABLATIONS = {
    f"default without {name}": Contender("chainrule", partial(_train, instead), CONTENDERS["chainrule-fast"].present)
    for name, instead in WITHOUT.items()
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
