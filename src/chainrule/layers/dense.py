"""The dense layer: weighted sums followed by an activation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from chainrule.calculus.activation import Activation, activations
from chainrule.constraints import choice, real, whole
from chainrule.errors import SettingError, unknown_name
from chainrule.initializers import Initializer, initializers
from chainrule.layers.activation import add as add_activation
from chainrule.plan import Builder

Bias = Literal["unit", "layer", "none"]


@dataclass(frozen=True)
class Dense:
    """z = a Wᵀ + b, then the activation: `Dense(16, "relu")`, `Dense(3, "softmax")`.

    bias: one per "unit", one shared by the "layer" (as some textbooks draw it) or "none".
    mask: shape (units, inputs), False or 0 where there is no connection: no weight, no gradient, no update.
    groups: units and inputs in so many groups of neighbours; a unit is connected to the inputs of its own group only.
    initializer: a name of the catalog or a record; by default the one that suits the activation, and zeros for the
    biases (`bias_initializer`). Given values: arrays `weights` of shape (units, inputs) and `biases` of shape (units,)
    (or (1,) when shared).
    unit_names, weight_names (shape of the weights) and bias_names are your own names; parameter names may repeat.
    learning_rate_factor multiplies the learning rate of this layer, bias_learning_rate_factor that of its biases again.

    >>> Dense(2, "tanh").activation.name
    'tanh'
    """

    units: int
    activation: Activation | str = "identity"
    bias: Bias = "unit"
    mask: Any = None
    initializer: Initializer | str | None = None
    weights: Any = None
    biases: Any = None
    unit_names: Sequence[str] = ()
    weight_names: Any = ()
    bias_names: Sequence[str] = ()
    learning_rate_factor: float = 1.0
    bias_learning_rate_factor: float = 1.0
    groups: int = 1
    bias_initializer: Initializer | str | None = None
    kind: ClassVar[str] = "dense"

    def __post_init__(self) -> None:
        whole("Dense.units", self.units, low=1)
        choice("Dense.bias", self.bias, ("unit", "layer", "none"))
        real("Dense.learning_rate_factor", self.learning_rate_factor, low=0.0)
        real("Dense.bias_learning_rate_factor", self.bias_learning_rate_factor, low=0.0)
        if self.activation != "softmax":
            if isinstance(self.activation, str) and self.activation not in activations:
                raise unknown_name("activation", self.activation, [*activations.names(), "softmax"])
            self._set("activation", activations.get(self.activation))
        if self.initializer is not None:
            self._set("initializer", initializers.get(self.initializer))
        if self.bias_initializer is not None:
            self._set("bias_initializer", initializers.get(self.bias_initializer))
        if whole("Dense.groups", self.groups, low=1) > 1 and self.mask is not None:
            raise SettingError("CR204", "a mask and groups both say what is connected", where="Dense.groups")
        self._set("mask", _nested(self.mask, "mask", bool))
        self._set("weights", _nested(self.weights, "weights", float))
        self._set("biases", _nested(self.biases, "biases", float))
        self._set("unit_names", tuple(str(name) for name in self.unit_names))
        self._set("weight_names", tuple(tuple(str(name) for name in row) for row in self.weight_names))
        self._set("bias_names", tuple(str(name) for name in self.bias_names))

    def _set(self, name: str, value: Any) -> None:
        object.__setattr__(self, name, value)

    def lower(self, builder: Builder, source: str) -> str:
        builder.layer += 1
        number, fan_in = builder.layer, builder.width(source)
        shape = (self.units, fan_in)
        mask = None if self.mask is None else _shaped(self.mask, shape, f"layer {number}: Dense.mask", bool)
        if self.groups > 1:
            mask = _blocks(shape, self.groups, number)
        names = tuple(name for row in self.weight_names for name in row)
        _check_count("weight_names", len(names), self.units * fan_in, number)
        _check_count("unit_names", len(self.unit_names), self.units, number)
        weights = builder.param(
            f"W{number}", shape, self._weight_initializer(shape, number), mask=mask, names=names,
            learning_rate_factor=self.learning_rate_factor,
        )  # fmt: skip
        params: tuple[str, ...] = (weights,)
        if self.bias != "none":
            count = self.units if self.bias == "unit" else 1
            _check_count("bias_names", len(self.bias_names), count, number)
            bias_initial = initializers.get(self.bias_initializer or "zeros")
            if self.biases is not None:
                bias_initial = initializers.get(
                    "given", values=_shaped(self.biases, (count,), f"layer {number}: Dense.biases")
                )
            bias = builder.param(
                f"b{number}", (count,), bias_initial, names=self.bias_names, decay_factor=0.0,
                learning_rate_factor=self.learning_rate_factor * self.bias_learning_rate_factor,
            )  # fmt: skip
            params += (bias,)
        units = tuple(self.unit_names)
        z = builder.slot(f"z{number}", self.units, "net", units)
        builder.step("affine", (source,), z, params, **({} if mask is None else {"mask": mask}))
        target = builder.slot(f"a{number}", self.units, "activation", units)
        if isinstance(self.activation, str):
            return builder.step("softmax", (z,), target)
        return add_activation(builder, self.activation, z, target)

    def _weight_initializer(self, shape: tuple[int, int], number: int) -> Initializer:
        if self.weights is not None:
            return initializers.get("given", values=_shaped(self.weights, shape, f"layer {number}: Dense.weights"))
        suited = "glorot_uniform" if isinstance(self.activation, str) else self.activation.initializer
        return initializers.get(self.initializer or suited)

    def describe(self) -> dict[str, Any]:
        softmax = isinstance(self.activation, str)
        return {
            "kind": self.kind,
            "units": self.units,
            "activation": "softmax" if softmax else activations.describe(self.activation),  # type: ignore[arg-type]
            "bias": self.bias,
            "mask": _listed(self.mask),
            "initializer": None if self.initializer is None else initializers.describe(self.initializer),  # type: ignore[arg-type]
            "weights": _listed(self.weights),
            "biases": _listed(self.biases),
            "unit_names": list(self.unit_names),
            "weight_names": [list(row) for row in self.weight_names],
            "bias_names": list(self.bias_names),
            "learning_rate_factor": self.learning_rate_factor,
            "bias_learning_rate_factor": self.bias_learning_rate_factor,
            "groups": self.groups,
            "bias_initializer": None if self.bias_initializer is None else initializers.describe(self.bias_initializer),  # type: ignore[arg-type]
        }

    @classmethod
    def restore(cls, description: dict[str, Any]) -> Dense:
        rest = dict(description)
        if rest["activation"] != "softmax":
            rest["activation"] = activations.restore(rest["activation"])
        for name in ("initializer", "bias_initializer"):  # a model of an older version has no `bias_initializer`
            if rest.get(name) is not None:
                rest[name] = initializers.restore(rest[name])
        return cls(**rest)


def _nested(values: ArrayLike | None, name: str, kind: type) -> Any:
    """Arrays as nested tuples, so that layers can be compared."""
    if values is None:
        return None
    try:
        array: NDArray[Any] = np.asarray(values, dtype=kind)
    except (TypeError, ValueError) as reason:
        raise SettingError("CR202", f"`Dense.{name}` must be an array of numbers", got=str(reason)) from None
    if not np.isfinite(array).all():
        raise SettingError("CR201", f"`Dense.{name}` must be finite")
    return tuple(map(tuple, array.tolist())) if array.ndim == 2 else tuple(np.atleast_1d(array).tolist())


def _listed(values: Any) -> Any:
    return None if values is None else np.asarray(values).tolist()


def _shaped(values: Any, shape: tuple[int, ...], where: str, kind: type = float) -> NDArray[Any]:
    array: NDArray[Any] = np.asarray(values, dtype=kind)
    if array.shape != shape:
        raise SettingError(
            "CR209", "an array of the wrong shape", where=where, expected=str(shape), got=str(array.shape)
        )
    return array


def _blocks(shape: tuple[int, int], groups: int, layer: int) -> NDArray[np.bool_]:
    """The connections of a layer whose units and inputs fall into groups: blocks along the diagonal."""
    if shape[0] % groups or shape[1] % groups:
        raise SettingError(
            "CR209", f"{shape[0]} units and {shape[1]} inputs do not fall into {groups} equal groups",
            where=f"layer {layer}: Dense.groups",
        )  # fmt: skip
    to, source = (np.arange(count) // (count // groups) for count in shape)
    mask: NDArray[np.bool_] = to[:, None] == source[None, :]
    return mask


def _check_count(name: str, got: int, expected: int, layer: int) -> None:
    if got not in (0, expected):
        raise SettingError(
            "CR209", f"the wrong number of `{name}`", where=f"layer {layer}", expected=str(expected), got=str(got)
        )


LAYERS = (Dense,)
