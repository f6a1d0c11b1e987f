"""What a reader finds in another library's network, layer by layer, and how it becomes a `Network` with its θ."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, NoReturn

import numpy as np

from chainrule.calculus.activation import Activation
from chainrule.calculus.loss import Loss, Reduction
from chainrule.calculus.losses import losses
from chainrule.errors import SettingError
from chainrule.layers import Activate, Dense, Dropout, Layer, LayerNorm, Softmax
from chainrule.network import Network
from chainrule.objective import suited_loss
from chainrule.optim.rule import Update
from chainrule.shapes import Array, read_only


def unreadable(what: str, where: str, expected: str | None = None) -> NoReturn:
    """Raise CR212: this part of the network has no counterpart here."""
    raise SettingError("CR212", f"{what} cannot be read", where=where, expected=expected)


@dataclass(frozen=True)
class Goal:
    """A loss with its reduction over a batch. `logits`: the function that it applies to the outputs itself, if any."""

    loss: Loss
    reduction: Reduction = "mean"
    logits: str | None = None


@dataclass(frozen=True, eq=False)
class Parts:
    """A network as it was read: how many inputs (or their names), layers, and the values of their parameters in order."""

    inputs: int | tuple[str, ...]
    layers: tuple[Layer, ...]
    values: tuple[Array, ...]
    goal: Goal | None = None
    update: Update | None = None
    classes: tuple[Any, ...] = ()
    notes: tuple[str, ...] = ()

    def network(self) -> Network:
        """The network under its loss; where none was carried, under the one that belongs to its outputs."""
        if self.goal is None:
            return Network(self.inputs, self.layers)
        layers = self.layers if self.goal.logits is None else _with_output(self.layers, self.goal.logits)
        return Network(self.inputs, layers, self.goal.loss, self.goal.reduction)

    def theta(self, network: Network) -> Array:
        """θ, each value at its place; a value of another shape is an error of the reader."""
        theta = np.empty(network.plan.size, np.result_type(*self.values) if self.values else np.float64)
        for param, value in zip(network.plan.params, self.values, strict=True):
            if value.shape != param.shape:
                unreadable(f"{param.name} of shape {value.shape}", "the network", str(param.shape))
            theta[param.where] = value.ravel()
        return read_only(theta)


def _with_output(layers: tuple[Layer, ...], function: str) -> tuple[Layer, ...]:
    """The layers with the output function that their loss applies by itself."""
    last = layers[-1] if layers else None
    if isinstance(last, Dense) and _is_linear(last):
        return (*layers[:-1], replace(last, activation=function))
    return (*layers, Softmax() if function == "softmax" else Activate(function))


def _is_linear(layer: Dense) -> bool:
    return isinstance(layer.activation, Activation) and layer.activation.name == "identity"


@dataclass
class Stack:
    """Layers and values while they are collected (one of the few things that change)."""

    layers: list[Layer] = field(default_factory=list)
    values: list[Array] = field(default_factory=list)
    inputs: int = 0
    width: int = 0

    def dense(self, weights: Array, biases: Array | None) -> None:
        """weights: (units, inputs); biases: (units,) or None."""
        units, width = weights.shape
        self._open(width)
        self.layers.append(Dense(units, bias="none" if biases is None else "unit"))
        self.values += [weights] if biases is None else [weights, biases]
        self.width = units

    def _open(self, width: int) -> None:
        self.inputs = self.inputs or width
        self.width = self.width or width

    def activate(self, function: Activation | str, *learned: Array) -> None:
        """An elementwise activation, or "softmax". `learned`: its learned parameters, one value or one for each unit."""
        last = self.layers[-1] if self.layers else None
        if isinstance(last, Dense) and _is_linear(last):
            self.layers[-1] = replace(last, activation=function)
        elif function == "softmax":
            self.layers.append(Softmax())
        else:
            self.layers.append(Activate(function))
        self.values += [np.broadcast_to(value, (self.width,)) for value in learned]

    def dropout(self, rate: float) -> None:
        self.layers.append(Dropout(float(rate)))

    def layer_norm(self, width: int, epsilon: float, gain: Array | None, shift: Array | None, dtype: Any) -> None:
        """gain, shift: (width,), or None where there is none: ones and zeros take their place."""
        self._open(width)
        self.layers.append(LayerNorm(float(epsilon)))
        self.values.append(np.ones(width, dtype) if gain is None else gain)
        self.values.append(np.zeros(width, dtype) if shift is None else shift)

    def parts(self, names: tuple[str, ...] = (), **rest: Any) -> Parts:
        if not self.inputs:
            unreadable("a network without weights", "the network")
        inputs = names if len(names) == self.inputs else self.inputs
        return Parts(inputs, tuple(self.layers), tuple(self.values), **rest)


def goal(loss: str, *, reduction: str = "mean", logits: str | None = None, **constants: Any) -> Goal:
    """A loss of the catalog; summed over a batch it is summed over the outputs, too, as the other libraries do it."""
    record = losses.get(loss, **constants)
    if reduction == "sum":
        return Goal(replace(record, over_outputs="sum"), "sum", logits)
    return Goal(record, "mean", logits)


def guessed(parts: Parts) -> str:
    """What is said where no loss was carried."""
    output = Network(parts.inputs, parts.layers).output_activation
    return f"it carries no loss: {suited_loss(output)}, which belongs to {output} outputs, is taken"


@dataclass(frozen=True)
class Given:
    """What the user gave beside the network: a loss and an optimizer of that library (or names of ours), or None."""

    loss: Any = None
    optimizer: Any = None


@dataclass(frozen=True)
class Format:
    """A kind of network that can be read: what it is called, whether an object is one, how it is read, and its own
    outputs, shape (rows, outputs), for the check (the only thing of it that is ever executed)."""

    name: str
    accepts: Callable[[Any], bool]
    read: Callable[[Any, Given], Parts]
    outputs: Callable[[Any, Array], Array]


def is_class(thing: Any, module: str, name: str) -> bool:
    """Whether a thing is of this class or one derived from it, without importing the library."""
    return any(
        kind.__module__.split(".")[0] == module and kind.__qualname__ == name for kind in type(thing).__mro__
    )  # fmt: skip


def own_class(thing: Any, module: str) -> str:
    """The name of a thing's class where the library itself made it, "" otherwise: a derived class may compute anything."""
    kind = type(thing)
    return kind.__name__ if kind.__module__.split(".")[0] == module else ""
