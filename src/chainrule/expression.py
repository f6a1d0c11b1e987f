"""Small scalar graphs written as assignments: f = w·x + b. They are Plans like any network's, and explained alike."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from chainrule.calculus.activations import activations
from chainrule.calculus.loss import Loss, Reduction
from chainrule.calculus.losses import losses
from chainrule.constraints import choice
from chainrule.errors import SettingError
from chainrule.initializers import initializers
from chainrule.layers.activation import add as add_activation
from chainrule.objective import finish
from chainrule.plan import Builder, Plan
from chainrule.shapes import Array, read_only


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
        return finish(builder, tuple(self.inputs), self.loss, self.reduction)  # type: ignore[arg-type]

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
