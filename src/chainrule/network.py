"""A network: inputs, layers and a loss, as frozen data. Its `plan` is what the engines run."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from chainrule import layers as kinds
from chainrule import rng
from chainrule.calculus.activations import activations
from chainrule.calculus.loss import Head, Loss, Reduction
from chainrule.calculus.losses import losses
from chainrule.constraints import choice, whole
from chainrule.errors import SettingError
from chainrule.initializers import initializers
from chainrule.layers.activation import add as add_activation
from chainrule.layers.layer import Layer
from chainrule.plan import Builder, Objective, Plan, verify
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
        return _output_function(self._lowered())

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
        return _finish(self._lowered(), ("x",), self.loss, self.reduction)  # type: ignore[arg-type]

    def describe(self) -> dict[str, Any]:
        """Plain data from which `Network.restore` makes the network again."""
        return {
            "inputs": self.inputs if isinstance(self.inputs, int) else list(self.inputs),
            "layers": [layer.describe() for layer in self.layers],
            "loss": losses.describe(self.loss),  # type: ignore[arg-type]
            "reduction": self.reduction,
        }

    @classmethod
    def restore(cls, description: dict[str, Any]) -> Network:
        rest = dict(description)
        return cls(
            rest["inputs"], [kinds.restore(layer) for layer in rest["layers"]],
            losses.restore(rest["loss"]), rest["reduction"],
        )  # fmt: skip

    def with_loss(self, loss: Loss | str, reduction: Reduction | None = None) -> Network:
        """The same network under another loss."""
        return replace(self, loss=losses.get(loss), reduction=reduction or self.reduction)


@dataclass(frozen=True)
class Expression:
    """A small scalar graph: assignments in Python's notation over named inputs; every other name is a parameter.

    `+ - * /`, powers with a constant exponent, numbers and the activations of the catalog may be used.
    The last assignment is the output; its derivative is taken unless a loss is given.

    >>> from chainrule import Expression, backward, forward
    >>> f = Expression("g = w * x; f = g + b", inputs=["x"])
    >>> gradient = backward(forward(f, f.theta(w=-2, b=3), [[5.0]]))
    >>> float(gradient["w"][0]), float(gradient["b"][0])
    (5.0, 1.0)
    """

    text: str
    inputs: Sequence[str]
    loss: Loss | str = "output"
    reduction: Reduction = "sum"

    def __post_init__(self) -> None:
        object.__setattr__(self, "inputs", tuple(self.inputs))
        if not self.inputs:
            raise SettingError("CR209", "an expression needs at least one input", where=self.text)
        object.__setattr__(self, "loss", losses.get(self.loss))
        choice("Expression.reduction", self.reduction, ("mean", "sum"))
        self.plan  # noqa: B018

    @property
    def input_names(self) -> tuple[str, ...]:
        return tuple(self.inputs)

    @cached_property
    def plan(self) -> Plan:
        """The graph as a Plan; every intermediate result has a slot, named as in the text where it has a name."""
        builder = Builder()
        for name in self.inputs:
            builder.slot(name, 1, "input", (name,))
        try:
            statements = ast.parse(self.text).body
        except SyntaxError as reason:
            raise SettingError("CR209", "not an expression", where=self.text, got=str(reason.msg)) from None
        lowering = _ExpressionLowering(builder, set(self.inputs), self.text)
        for statement in statements:
            lowering.assign(statement)
        if not lowering.last:
            raise SettingError("CR209", "an expression needs at least one assignment", got=repr(self.text))
        return _finish(builder, tuple(self.inputs), self.loss, self.reduction)  # type: ignore[arg-type]

    def theta(self, **values: float) -> Array:
        """θ from the values of the parameters by name; all must be given."""
        params = {param.name: param for param in self.plan.params}
        if set(values) != set(params):
            raise SettingError(
                "CR207", "values for other parameters", expected=", ".join(params), got=", ".join(values)
            )
        return read_only(np.array([float(values[name]) for name in params]))


class _ExpressionLowering:
    """Turns the syntax tree of an `Expression` into steps. Nothing of the text is ever executed."""

    OPERATORS = {ast.Add: "add", ast.Sub: "subtract", ast.Mult: "multiply", ast.Div: "divide"}  # noqa: RUF012

    def __init__(self, builder: Builder, inputs: set[str], text: str) -> None:
        self.builder, self.text = builder, text
        self.known = {name: name for name in inputs}
        self.anchor = next(iter(inputs), "")
        self.last = ""

    def assign(self, statement: ast.stmt) -> None:
        if not (isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name)):
            raise self._refuse(statement, "assignments such as g = w * x")
        name = statement.targets[0].id
        if name in self.known:
            raise SettingError("CR207", f"{name} is assigned twice", where=self.text)
        self.last = self.known[name] = self.lower(statement.value, name)

    def lower(self, node: ast.expr, name: str = "") -> str:
        """The slot that holds this part of the expression."""
        if isinstance(node, ast.Name):
            return self._leaf(node.id)
        if isinstance(node, ast.Constant) and isinstance(node.value, (int, float)):
            return self.builder.step("number", (self.anchor,), self._slot(name), value=float(node.value))
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            return self.lower(ast.BinOp(ast.Constant(-1.0), ast.Mult(), node.operand), name)
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow) and isinstance(node.right, ast.Constant):
            source = self.lower(node.left)
            return self.builder.step("power", (source,), self._slot(name), exponent=node.right.value)
        if isinstance(node, ast.BinOp) and type(node.op) in self.OPERATORS:
            sources = (self.lower(node.left), self.lower(node.right))
            return self.builder.step(self.OPERATORS[type(node.op)], sources, self._slot(name))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and len(node.args) == 1 and not node.keywords:
            source = self.lower(node.args[0])
            return add_activation(self.builder, activations.get(node.func.id), source, self._slot(name, "activation"))
        raise self._refuse(node, "+, -, *, /, ** with a number, and activations by name")

    def _leaf(self, name: str) -> str:
        if name not in self.known:
            self.builder.param(name, (1,), initializers.get("zeros"), names=(name,))
            self.known[name] = self.builder.step("parameter", (), self._slot(name), (name,))
        return self.known[name]

    def _slot(self, name: str, kind: Any = "other") -> str:
        return self.builder.slot(name or f"t{len(self.builder.slots)}", 1, kind, (name,) if name else ())

    def _refuse(self, node: ast.AST, expected: str) -> SettingError:
        return SettingError(
            "CR209", "this expression is not supported", where=self.text, expected=expected, got=ast.unparse(node)
        )


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


def suited_loss(output: str) -> str:
    """The loss that belongs to an output function."""
    for loss in losses:
        if loss.output == output and loss.head(output):
            return loss.name
    return "mse"


def _output_function(builder: Builder) -> str:
    step = builder.steps[-1] if builder.steps else None
    if step is None:
        return "identity"
    return step.constants["activation"].name if step.op == "activation" else step.op


def _finish(builder: Builder, inputs: tuple[str, ...], loss: Loss, reduction: Reduction) -> Plan:
    output = builder.steps[-1].target if builder.steps else builder.slots[0].name
    function = _output_function(builder)
    check_pair(builder, output, function, loss)
    head = _fused_head(builder, loss, function)
    source = builder.steps[-1].sources[0] if head else output
    plan = Plan(
        tuple(builder.slots), tuple(builder.params), tuple(builder.steps), inputs, output,
        Objective(loss, source, head, reduction),
    )  # fmt: skip
    verify(plan)
    return plan


def _fused_head(builder: Builder, loss: Loss, function: str) -> Head | None:
    """The fused form, where the output function has the constants that it was derived for."""
    head = loss.head(function)
    activation = builder.steps[-1].constants.get("activation") if builder.steps else None
    return head if activation is None or activation == activations.get(function) else None


def check_pair(builder: Builder, output: str, function: str, loss: Loss) -> None:
    """Refuse an output whose values the loss cannot read (CR206), such as a linear output under cross-entropy."""
    width = builder.width(output)
    use = f"use the output activation {loss.output!r} with the loss {loss.name!r}"
    if function == "softmax" and width == 1:
        raise SettingError(
            "CR206", "softmax over one unit is always 1", where="the last layer",
            hint='use Dense(1, "sigmoid") with binary_crossentropy',
        )  # fmt: skip
    if loss.simplex and function != "softmax":
        raise SettingError("CR206", f"the loss {loss.name} needs outputs that sum to 1", got=function, hint=use)
    low, high = _range_of(builder, function)
    if low < loss.domain[0] or high > loss.domain[1]:
        raise SettingError(
            "CR206", f"the outputs of {function} leave the range that the loss {loss.name} can read",
            expected=f"within [{loss.domain[0]:g}, {loss.domain[1]:g}]", got=f"[{low:g}, {high:g}]", hint=use,
        )  # fmt: skip


def _range_of(builder: Builder, function: str) -> tuple[float, float]:
    if function == "softmax":
        return 0.0, 1.0
    step = builder.steps[-1] if builder.steps else None
    if step is not None and step.op == "activation":
        return step.constants["activation"].low, step.constants["activation"].high
    return -np.inf, np.inf


def advice(network: Network) -> str | None:
    """What to use instead where the output and the loss work together, but badly; None where they suit."""
    loss, output = network.loss, network.output_activation
    assert isinstance(loss, Loss)
    suited = suited_loss(output)
    squared = {"mse", "half_squared_error", "squared_error", "mae", "huber", "log_cosh"}
    if output in ("sigmoid", "softmax") and loss.name in squared:
        return (
            f"{output} outputs with the loss {loss.name} learn slowly where the unit saturates (its slope is a factor "
            f"of every gradient); for classes use the loss {suited!r}"
        )
    if output == "softmax" and loss.name == "binary_crossentropy":
        return "softmax outputs are one distribution; use the loss 'categorical_crossentropy'"
    if loss.name == "hinge" and output != "identity":
        return "the hinge loss is meant for a linear score; use the output activation 'identity'"
    return None
