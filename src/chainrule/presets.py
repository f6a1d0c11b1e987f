"""Presets: everything that `fit` decides about a network and its training, as settings that were measured together.

The recipe is that of Holzmüller, Grinsztajn, Steinwart, Better by default (2024), TD-S: inputs robustly scaled and bent
smoothly, a learned gain per input, wide layers, Adam with β₂ = 0.95 under coslog4, smoothed labels, the best epoch kept.
Its parametrisation (NTK: z = a Wᵀ/√d + b with W ~ N(0, 1) and one learning rate η) is written here with ordinary layers:
V = W/√d is a `Dense` weight that begins with variance 1/d, and since Adam's step does not depend on the size of a
gradient, V moves by η/√d a step: a learning-rate factor of 1/√d, exactly but for Adam's ε. Biases learn 10 times slower.

"default" and "best" train several networks, each on other rows, and merge them (`members`).
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

INPUT_GAIN_RATE = 6.0
BIAS_RATE = 0.1
SMOOTHING = 0.1
FULL_LENGTH_ROWS = 25_600
"""Up to so many rows a preset trains for all its epochs; beyond, for fewer, falling with the root of the rows."""


@dataclass(frozen=True)
class Preset:
    """What is decided for a user who decides nothing: widths, epochs at most, and networks trained and merged."""

    name: str
    says: str
    widths: tuple[int, ...]
    epochs: int
    members: int

    def epochs_for(self, rows: int) -> int:
        return max(4, round(self.epochs * min(1.0, math.sqrt(FULL_LENGTH_ROWS / max(rows, 1)))))


PRESETS = {
    preset.name: preset
    for preset in (
        Preset("fast", "one network of three layers of 128, 128 epochs", (128, 128, 128), 128, 1),
        Preset(
            "default", "five such networks, each on four fifths of the rows, merged into one", (128, 128, 128), 128, 5
        ),
        Preset("best", "ten networks of three layers of 256, 256 epochs, merged into one", (256, 256, 256), 256, 10),
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
    0.07
    """
    preset, regression = preset_of(name), task == "regression"
    epochs = preset.epochs_for(rows)
    return {
        "network": preset.widths,
        "activation": activations.get("mish" if regression else "selu"),
        "optimizer": rules.get("adam", learning_rate=0.07 if regression else 0.04, beta_2=0.95),
        "schedule": schedules.get("coslog4"),
        "loss": _loss(task),
        "epochs": epochs,
        "patience": epochs,
        "batch_size": 256,
        "validation": 0.2,
        "scale": "robust",
        "members": preset.members,
    }


def _loss(task: str) -> Loss | None:
    if task == "regression":
        return None
    name = "binary_crossentropy" if task == "binary" else "categorical_crossentropy"
    return losses.get(name, label_smoothing=SMOOTHING)


def hidden_layers(inputs: int, widths: Sequence[int], activation: Activation | str, dropout: float) -> list[Layer]:
    """A preset's layers in front of the outputs: gains of the inputs, then the hidden layers."""
    layers: list[Layer] = [Scale(INPUT_GAIN_RATE)]
    for fan_in, units in zip((inputs, *widths), widths, strict=False):
        layers.append(
            _dense(
                fan_in,
                units,
                activation,
                initializer="lecun_normal",
                bias_initializer=initializers.get("normal", std=1.0),
            )
        )
        layers += [Dropout(dropout)] if dropout else []
    return layers


def output_layer(fan_in: int, units: int, activation: str) -> Layer:
    """A preset's outputs, which begin at 0."""
    return _dense(fan_in, units, activation, initializer="zeros")


def _dense(fan_in: int, units: int, activation: Activation | str, **begin: Any) -> Dense:
    root = math.sqrt(fan_in)
    return Dense(
        units, activation, learning_rate_factor=1.0 / root, bias_learning_rate_factor=BIAS_RATE * root, **begin
    )
