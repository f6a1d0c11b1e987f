"""A network: inputs, layers and a loss, as frozen data. Its `plan` is what the engines run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from chainrule import layers as kinds
from chainrule import rng
from chainrule.calculus.loss import Loss, Reduction
from chainrule.calculus.losses import losses
from chainrule.constraints import choice, whole
from chainrule.errors import SettingError
from chainrule.expression import Expression
from chainrule.layers.layer import Layer
from chainrule.objective import finish, output_function, suited_loss
from chainrule.plan import Builder, Plan
from chainrule.shapes import Array, read_only


@dataclass(frozen=True)
class Network:
    """`Network(4, [Dense(16, "relu"), Dense(3, "softmax")], loss="categorical_crossentropy")`.

    inputs: how many, or their names. loss: a name or a record; by default the one that belongs to the output
    activation. reduction: how the losses of a batch become one number, "mean" (weighted: divided by the sum of the
    weights) or "sum".

    Raises `SettingError` CR206 for an output that does not fit the loss, CR209 for a network that cannot be built.

    >>> from chainrule import Dense, Network
    >>> net = Network(2, [Dense(3, "tanh"), Dense(1, "sigmoid")])
    >>> net.loss.name, net.plan.size
    ('binary_crossentropy', 13)
    """

    inputs: int | Sequence[str]
    layers: Sequence[Layer]
    loss: Loss | str | None = None
    reduction: Reduction = "mean"

    def __post_init__(self) -> None:
        if not isinstance(self.inputs, int) or isinstance(self.inputs, bool):
            if isinstance(self.inputs, (str, float, bool)):
                raise SettingError(
                    "CR202", "`Network.inputs` must be a count or a list of names", got=repr(self.inputs)
                )
            names = tuple(str(name) for name in self.inputs)
            if len(set(names)) != len(names):
                raise SettingError("CR207", "two inputs have the same name", where="Network.inputs")
            object.__setattr__(self, "inputs", names)
        whole("Network.inputs", self.input_count, low=1)
        if not isinstance(self.layers, Sequence) or isinstance(self.layers, str):
            raise SettingError("CR202", "`Network.layers` must be a list of layers", got=repr(self.layers))
        object.__setattr__(self, "layers", tuple(self.layers))
        for position, layer in enumerate(self.layers):
            if type(layer) not in kinds.KINDS.values():
                raise SettingError(
                    "CR209", "not a layer", where=f"Network.layers[{position}]",
                    expected=", ".join(sorted(kind.__name__ for kind in kinds.KINDS.values())), got=repr(layer),
                )  # fmt: skip
        choice("Network.reduction", self.reduction, ("mean", "sum"))
        loss = self.loss if self.loss is not None else suited_loss(self.output_activation)
        object.__setattr__(self, "loss", losses.get(loss))
        self.plan  # noqa: B018  lowering finds every mistake in the layers

    @property
    def input_count(self) -> int:
        return self.inputs if isinstance(self.inputs, int) else len(self.inputs)

    @property
    def input_names(self) -> tuple[str, ...]:
        """The names of the inputs, `x0`, `x1`, … where none were given."""
        return tuple(f"x{i}" for i in range(self.inputs)) if isinstance(self.inputs, int) else tuple(self.inputs)

    @property
    def output_count(self) -> int:
        return self.plan.slot(self.plan.output).width

    @cached_property
    def output_activation(self) -> str:
        """The name of the function the outputs come from: an activation, softmax or maxout."""
        return output_function(self._lowered())

    def _lowered(self) -> Builder:
        builder = Builder()
        names = () if isinstance(self.inputs, int) else tuple(self.inputs)
        source = builder.slot("x", self.input_count, "input", names)
        for layer in self.layers:
            source = layer.lower(builder, source)
        return builder

    @cached_property
    def plan(self) -> Plan:
        """The steps, slots and parameters that the engines run."""
        return finish(self._lowered(), ("x",), self.loss, self.reduction)  # type: ignore[arg-type]

    def describe(self) -> dict[str, Any]:
        """Plain data from which `Network.restore` makes the network again."""
        assert isinstance(self.loss, Loss)
        usual = losses.get(self.loss.name) if self.loss.name in losses else self.loss
        return {
            **({} if self.loss.over_outputs == usual.over_outputs else {"over_outputs": self.loss.over_outputs}),
            "inputs": self.inputs if isinstance(self.inputs, int) else list(self.inputs),
            "layers": [layer.describe() for layer in self.layers],
            "loss": losses.describe(self.loss),
            "reduction": self.reduction,
        }

    @classmethod
    def restore(cls, description: dict[str, Any]) -> Network:
        rest = dict(description)
        loss = losses.restore(rest["loss"])
        if "over_outputs" in rest:  # otherwise than its catalog has it
            loss = replace(loss, over_outputs=choice("over_outputs", rest["over_outputs"], ("mean", "sum")))  # type: ignore[arg-type]
        return cls(rest["inputs"], [kinds.restore(layer) for layer in rest["layers"]], loss, rest["reduction"])

    def with_loss(self, loss: Loss | str, reduction: Reduction | None = None) -> Network:
        """The same network under another loss."""
        return replace(self, loss=losses.get(loss), reduction=reduction or self.reduction)


def initialize(network: Network | Expression, seed: int = 0, dtype: Any = np.float64) -> Array:
    """θ₀: every parameter drawn by its initialiser from the seed, in θ's order; shape (network.plan.size,), read-only.

    Each parameter has a stream of its own, so that a further layer does not change the weights of the others.
    """
    plan = network.plan
    whole("seed", seed, low=0, high=2**64 - 1)
    theta = np.empty(plan.size, dtype)
    for param in plan.params:
        drawn = _draw(param, seed)
        theta[param.where] = (drawn if param.mask is None else drawn * param.mask).ravel()
    return read_only(theta)


def _draw(param: Any, seed: int) -> np.ndarray[Any, np.dtype[np.float64]]:
    fan_out, fan_in = param.fans
    source = rng.generator(seed, f"initial/{param.name}")
    if (fan_out, fan_in) == (param.shape[0], param.size // param.shape[0]):
        return param.initial.draw(source, fan_out, fan_in).reshape(param.shape)  # type: ignore[no-any-return]
    blocks = [param.initial.draw(source, fan_out, fan_in) for _ in range(param.shape[0] // fan_out)]
    return np.stack(blocks, axis=1).reshape(param.shape)
