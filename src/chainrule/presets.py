"""Presets: everything that `fit` decides about a network and its training, as settings that were measured together.

The recipe comes from that of Holzmüller, Grinsztajn, Steinwart, Better by default (2024), TD-S: inputs robustly scaled and
bent smoothly, a learned gain per input, wide layers of selu, smoothed labels, the best epoch kept; beyond it numbers enter
in pieces too, and categories less high. Its mish for numbers, its schedule, Adam with β₂ = 0.95 and its slower biases
brought nothing here: selu, a constant rate and plain Adam stand in their places.
Its parametrisation (NTK: z = a Wᵀ/√d + b with W ~ N(0, 1) and one learning rate η) is written here with ordinary layers:
V = W/√d is a `Dense` weight that begins with variance 1/d, and since Adam's step does not depend on the size of a
gradient, V moves by η/√d a step: a learning-rate factor of 1/√d, exactly but for Adam's ε. A bias has the same
factor.

All train several networks, each on other rows, and merge them (`members`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from chainrule.calculus.activation import Activation
from chainrule.calculus.activations import activations
from chainrule.calculus.loss import Loss
from chainrule.calculus.losses import losses
from chainrule.errors import unknown_name
from chainrule.initializers import initializers
from chainrule.layers import Dense, Dropout, Layer, Scale
from chainrule.optim.rules import rules
from chainrule.optim.schedules import schedules

FULL_LENGTH_ROWS = 25_600
"""Up to so many rows a preset trains for all its epochs; beyond, for fewer, falling with the root of the rows."""
LEAST_STEPS = 64
"""So many steps a network takes at least: of few rows, which are one batch, that is as many epochs."""


@dataclass(frozen=True)
class Preset:
    """What is decided for a user who decides nothing; every ingredient can be exchanged (`benchmarks/accuracy.py` does).

    `rates` are the learning rates for classes and for numbers.
    `input_gain_rate` is the learning-rate factor of the gains of the inputs (0: no gains), `ntk` whether layers learn at
    the rates of the NTK parametrisation, `watched` the share of rows by which the best epoch is chosen, `is_mixed` whether
    every second network reads the numbers without their pieces.
    """

    name: str
    says: str
    epochs: int
    members: int
    widths: tuple[int, ...] = (128, 128, 128)
    scale: str = "piecewise"
    input_gain_rate: float = 6.0
    ntk: bool = True
    bias_spread: float = 1.0
    activation: str = "selu"
    rates: tuple[float, float] = (0.02, 0.035)
    schedule: str = "constant"
    label_smoothing: float = 0.1
    batch_size: int = 256
    watched: float = 0.2
    dropout: float = 0.15
    is_calibrated: bool = True
    is_mixed: bool = True

    def epochs_for(self, rows: int) -> int:
        """The epochs for so many rows, 4 at least."""
        batches = max(1, math.ceil((1.0 - self.watched) * rows / self.batch_size))
        whole = round(self.epochs * min(1.0, math.sqrt(FULL_LENGTH_ROWS / max(rows, 1))))
        return max(4, whole, math.ceil(LEAST_STEPS / batches))


PRESETS = {
    preset.name: preset
    for preset in (
        Preset("fast", "four networks of three layers of 128, 32 epochs, merged into one", 32, members=4),
        Preset("default", "eight networks of three layers of 128, 64 epochs, merged into one", 64, members=8),
        Preset("best", "twelve networks of three layers of 128, 64 epochs, merged into one", 64, members=12),
    )
}


def preset_of(name: str) -> Preset:
    """The preset of that name; CR203 with the nearest names when there is none."""
    if name not in PRESETS:
        raise unknown_name("preset", name, PRESETS)
    return PRESETS[name]


def settings_for(name: str, task: str, rows: int) -> dict[str, Any]:
    """What a preset decides for a task and so many rows, by the names of `fit`'s settings.

    >>> settings_for("fast", "regression", 400)["optimizer"].constants["learning_rate"]
    0.035
    """
    preset, number = preset_of(name), int(task == "regression")
    epochs = preset.epochs_for(rows)
    return {
        "network": preset.widths,
        "activation": activations.get(preset.activation),
        "optimizer": rules.get("adam", learning_rate=preset.rates[number]),
        "schedule": schedules.get(preset.schedule),
        "loss": _loss(task, preset.label_smoothing),
        "epochs": epochs,
        "patience": epochs,
        "batch_size": preset.batch_size,
        "validation": preset.watched,
        "scale": preset.scale,
        "dropout": preset.dropout,
        "members": preset.members,
    }


def _loss(task: str, smoothing: float) -> Loss | None:
    if task == "regression":
        return None
    name = "categorical_crossentropy" if task == "multiclass" else "binary_crossentropy"
    return losses.get(name, label_smoothing=smoothing)


def layers_for(
    preset: Preset,
    inputs: int,
    widths: Sequence[int],
    outputs: int,
    activation: Activation | str,
    last: str,
    dropout: float,
) -> list[Layer]:
    """A preset's layers: gains of the inputs, hidden layers, outputs that begin at 0."""
    layers: list[Layer] = [Scale(preset.input_gain_rate)] if preset.input_gain_rate else []
    bias = initializers.get("normal", std=preset.bias_spread) if preset.bias_spread else None
    fans = (inputs, *widths)
    for fan_in, units in zip(fans, widths, strict=False):
        layers.append(_dense(preset, fan_in, units, activation, initializer="lecun_normal", bias_initializer=bias))
        layers += [Dropout(dropout)] if dropout else []
    return [*layers, _dense(preset, fans[-1], outputs, last, initializer="zeros")]


def _dense(preset: Preset, fan_in: int, units: int, activation: Activation | str, **begin: Any) -> Dense:
    if not preset.ntk:
        return Dense(units, activation, **begin)
    return Dense(units, activation, learning_rate_factor=1.0 / math.sqrt(fan_in), **begin)
