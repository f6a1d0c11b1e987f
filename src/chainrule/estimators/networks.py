"""The network that an estimator's parameters describe, its first weights, and `coefs_` against θ."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.calculus.activation import Activation
from chainrule.calculus.loss import Loss
from chainrule.calculus.losses import losses
from chainrule.errors import SettingError
from chainrule.layers import Dense, Dropout, Layer
from chainrule.network import Network, initialize
from chainrule.plan import Param, Plan
from chainrule.shapes import Array

_SKLEARN_LOSSES = {"squared_error": "half_squared_error", "poisson": "poisson"}
_SKLEARN_OUTPUTS = {"sigmoid": "logistic", "exponential": "exp"}


def regression_loss(name: Loss | str, outputs: int) -> Loss:
    """The loss of a regressor. scikit-learn's "squared_error" is half the squared error, summed over the outputs."""
    if isinstance(name, Loss):
        return name
    _refuse_no_name(name)
    record = losses.get(_SKLEARN_LOSSES.get(name, name))
    return replace(record, over_outputs="sum") if name == "poisson" and outputs > 1 else record


def _refuse_no_name(name: Any) -> None:
    if not isinstance(name, str):
        raise SettingError(
            "CR202", "`loss` must be the name of a loss, or its record", got=repr(name),
            hint="the first parameter of MLPRegressor is the loss: write hidden_layer_sizes=(64, 32)",
        )  # fmt: skip


def class_loss(name: Loss | str | None, kind: str) -> Loss:
    """The loss of a classifier; "log_loss" (None) is the cross-entropy of its kind, summed over the labels."""
    if name is None or (isinstance(name, str) and name == "log_loss"):
        record = losses.get("categorical_crossentropy" if kind == "multiclass" else "binary_crossentropy")
        return replace(record, over_outputs="sum") if kind == "multilabel" else record
    if not isinstance(name, Loss):
        _refuse_no_name(name)
    record = losses.get(name)
    if record.output == "exponential" or record.name == "output":
        raise SettingError("CR206", f"the loss {record.name} is not for classes", expected="a loss such as 'log_loss'")
    return record


def class_output(loss: Loss, kind: str) -> str:
    """The output function that goes with a classifier's loss."""
    if loss.name == "hinge":
        if kind == "multiclass":
            raise SettingError("CR206", "the loss hinge is for two classes or for labels", expected="'log_loss'")
        return "identity"
    return "softmax" if kind == "multiclass" else "sigmoid"


def build(
    inputs: int,
    hidden: Sequence[Layer],
    outputs: int,
    output: str,
    loss: Loss,
    mask: NDArray[Any] | None = None,
) -> Network:
    """Hidden layers and the output layer under a loss."""
    return Network(inputs, [*hidden, Dense(outputs, output, mask=mask)], loss=loss)


def hidden_layers(
    widths: Sequence[int],
    activations: Sequence[Activation | str],
    dropout: Sequence[float],
    masks: Sequence[NDArray[Any] | None],
) -> list[Layer]:
    """Dense layers of these widths, each with its activation, its mask (shape as in `coefs_`) and its dropout."""
    layers: list[Layer] = []
    for width, activation, rate, mask in zip(widths, activations, dropout, masks, strict=True):
        layers.append(Dense(width, activation, mask=None if mask is None else np.asarray(mask).T))
        layers += [Dropout(rate)] if rate else []
    return layers


def output_name(network: Network) -> str:
    """The output function by scikit-learn's name."""
    return _SKLEARN_OUTPUTS.get(network.output_activation, network.output_activation)


def _of_kind(plan: Plan, letter: str) -> list[Param]:
    return [param for param in plan.params if param.name[0] == letter and param.name[1].isdigit()]


def coefficients(plan: Plan, theta: Array) -> tuple[list[Array], list[Array]]:
    """`coefs_` (inputs, units) and `intercepts_` (units,) of every layer, as arrays of their own."""
    coefs = [np.ascontiguousarray(param.of(theta).T) for param in _of_kind(plan, "W")]
    return coefs, [param.of(theta).copy() for param in _of_kind(plan, "b")]


def with_coefficients(plan: Plan, theta: Array, coefs: Sequence[Any], intercepts: Sequence[Any]) -> Array:
    """θ with the weights and biases of `coefs_` and `intercepts_` in it (they may have been changed by hand)."""
    filled = theta.copy()
    for letter, arrays in (("W", coefs), ("b", intercepts)):
        params = _of_kind(plan, letter)
        shapes = [p.shape[::-1] for p in params]
        if [np.shape(array) for array in arrays] != shapes:
            raise SettingError(
                "CR115", "coefs_ or intercepts_ do not fit the network", expected=str(shapes),
                got=str([np.shape(array) for array in arrays]),
            )  # fmt: skip
        for param, array in zip(params, arrays, strict=True):
            filled[param.where] = np.asarray(array).T.ravel()
    return filled


def first_weights(network: Network, random: np.random.RandomState, hidden_activation: str, dtype: Any) -> Array:
    """θ₀ of dense layers as scikit-learn draws it: Glorot's uniform bound, for weights and biases alike.

    The factor under the root is 2 for the logistic activation and 6 for every other (Glorot, Bengio 2010, eq. 16).
    """
    factor = 2.0 if hidden_activation == "sigmoid" else 6.0
    theta = initialize(network, 0, dtype).copy()  # learned slopes of activations begin where their records say
    for weights, bias in zip(_of_kind(network.plan, "W"), _of_kind(network.plan, "b"), strict=True):
        units, inputs = weights.shape
        bound = np.sqrt(factor / (inputs + units))
        drawn = random.uniform(-bound, bound, (inputs, units)).T
        theta[weights.where] = (drawn if weights.mask is None else drawn * weights.mask).ravel()
        theta[bias.where] = random.uniform(-bound, bound, units)
    return theta
