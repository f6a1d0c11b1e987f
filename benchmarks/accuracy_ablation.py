"""What each ingredient of the preset "default" brings, and what other values would: the preset with one thing changed.

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
    "means of the target for rare categories": {"MOST_MEANS": 0},
    "all of the inputs' scaling (standardised instead)": {"scale": "standard"},
    "learned gains of the inputs": {"input_gain_rate": 0.0},
    "rates by the layer's width (one rate of 0.003 instead)": {"ntk": False, "rates": (0.003, 0.003)},
    "random first biases (0 instead)": {"bias_spread": 0.0},
    "smoothed labels": {"label_smoothing": 0.0},
    "dropout": {"dropout": 0.0},
    "128-128-128 (64-32 instead)": {"widths": (64, 32)},
    "every second network without pieces (all with them instead)": {"is_mixed": False},
    "several networks (one instead)": {"members": 1},
    "calibration": {"is_calibrated": False},
}
"""Ingredient to what stands in its place: fields of `chainrule.presets.Preset`, constants of `chainrule.data.fit_encoder`."""

OTHERWISE: dict[str, dict[str, Any]] = {
    "12 networks instead of 8": {"members": 12},
    "5 networks of 128 epochs instead of 8 of 64": {"members": 5, "epochs": 128},
    "3 networks of 40 epochs": {"members": 3, "epochs": 40},
    "4 networks of 32 epochs": {"members": 4, "epochs": 32},
    "1 network of 128 epochs": {"members": 1, "epochs": 128},
    "8 pieces instead of 16": {"MOST_FURTHER": {"piecewise": (8, 0)}},
    "32 pieces instead of 16": {"MOST_FURTHER": {"piecewise": (32, 0)}},
    "pieces of 50 rows at least instead of 100": {"PIECE_ROWS": 50},
    "8 waves instead of pieces": {"scale": "periodic"},
    "8 waves instead of pieces, frequencies spread by 0.1 instead of 1": {"scale": "periodic", "WAVE_SPREAD": 0.1},
    "8 waves beside the pieces": {"MOST_FURTHER": {"piecewise": (16, 8)}},
    "8 waves beside the pieces, frequencies spread by 0.1 instead of 1": {
        "MOST_FURTHER": {"piecewise": (16, 8)},
        "WAVE_SPREAD": 0.1,
    },
    "pieces and categories 1 high instead of 0.25": {"HEIGHT": 1.0},
    "1,024 inputs of categories at most, of 10 rows each": {"MAX_CATEGORIES": 1024, "RARE_ROWS": 10},
    "dropout of 0.3 instead of 0.15": {"dropout": 0.3},
    "mish instead of selu": {"activation": "mish"},
    "relu instead of selu": {"activation": "relu"},
    "coslog4 instead of a constant rate": {"schedule": "coslog4"},
    "one cosine instead of a constant rate": {"schedule": "cosine"},
    "twice the rates": {"rates": (0.04, 0.07)},
}
"""Another value to what says it: fields of `Preset`, and constants (capitals) of `chainrule.data.fit_encoder`."""


def _train(instead: dict[str, Any], drawn: Drawn, seed: int) -> Predict:
    from chainrule.data import fit_encoder
    from chainrule.presets import PRESETS

    constants = {"HEIGHT": fit_encoder.HEIGHT, **{name: value for name, value in instead.items() if name.isupper()}}
    preset = replace(PRESETS["default"], **{name: value for name, value in instead.items() if not name.isupper()})
    with mock.patch.dict(PRESETS, {"default": preset}), mock.patch.multiple(fit_encoder, **constants):
        return chainrule("default", drawn, seed)


def _contenders(prefix: str, changes: dict[str, dict[str, Any]]) -> dict[str, Contender]:
    present = CONTENDERS["chainrule-fast"].present
    return {
        prefix + name: Contender("chainrule", partial(_train, instead), present) for name, instead in changes.items()
    }


ABLATIONS = _contenders("default without ", WITHOUT)
ALTERNATIVES = _contenders("default with ", OTHERWISE)


def by_ingredient(results: Results) -> list[dict[str, Any]]:
    """What the normalised score and the log-loss lose without it, over the tables; positive: it brings something."""
    return _compared(results, "ingredient", "default without ", list(ABLATIONS), -1)


def by_alternative(results: Results) -> list[dict[str, Any]]:
    """What the normalised score and the log-loss gain with another value; positive: it would bring something."""
    return _compared(results, "alternative", "default with ", list(ALTERNATIVES), 1)


def _compared(results: Results, kind: str, prefix: str, names: list[str], sign: int) -> list[dict[str, Any]]:
    """Each changed preset against "default", as `sign` times (changed - default); the log-loss the other way round."""
    scored = {t: n for t in results.tables if (n := results.normalised(t)) and BASE in n}
    rows = []
    for name in names:
        where = [t for t in scored if name in scored[t]]
        if not where:
            continue
        gain = sign * np.array([scored[t][name] - scored[t][BASE] for t in where])
        losses = [_log_loss(results, t, BASE) - _log_loss(results, t, name) for t in where if _classes(results, t)]
        low, high = interval(dict(zip(where, gain.tolist(), strict=True)))
        rows.append({
            kind: name.removeprefix(prefix), "tables": len(where), "brings": float(gain.mean()),
            "low": low, "high": high, "helps_on": int((gain > 0).sum()), "hurts_on": int((gain < 0).sum()),
            "log_loss": sign * float(np.mean(losses)) if losses else None,
            "times_processor": float(np.mean([_seconds(results, t, name) / _seconds(results, t, BASE) for t in where])),
        })  # fmt: skip
    return sorted(rows, key=lambda row: -row["brings"])


def _classes(results: Results, table: str) -> bool:
    return results.tables[table][BASE][0].task == "classification"


def _log_loss(results: Results, table: str, name: str) -> float:
    return float(np.mean([one.log_loss for one in results.tables[table][name] if one.log_loss is not None]))


def _seconds(results: Results, table: str, name: str) -> float:
    return float(np.mean([one.cpu_seconds for one in results.tables[table][name]]))


def print_ablation(results: Results) -> None:
    print("\n### What each ingredient of the preset default brings\n")
    _print(by_ingredient(results), "ingredient")


def print_alternatives(results: Results) -> None:
    print("\n### What another value would bring to the preset default\n")
    _print(by_alternative(results), "alternative")


def _print(rows: list[dict[str, Any]], kind: str) -> None:
    """The log-loss stands as a gain (positive: less of it), the time as that of the changed preset over that of default."""
    print(f"| {kind} | normalised | 95% interval | helps on | hurts on | log-loss | processor time of the changed |")
    print("|---|---|---|---|---|---|---|")
    for row in rows:
        loss = "" if row["log_loss"] is None else f"{row['log_loss']:+.3f}"
        print(
            f"| {row[kind]} | {row['brings']:+.4f} | {row['low']:+.4f} to {row['high']:+.4f} "
            f"| {row['helps_on']} of {row['tables']} | {row['hurts_on']} | {loss} | × {row['times_processor']:.2f} |"
        )
