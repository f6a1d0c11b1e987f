"""Where a network ends and the loss begins: which outputs a loss can read, and the fused form of the two."""

from __future__ import annotations

import numpy as np

from chainrule.calculus.activations import activations
from chainrule.calculus.loss import Head, Loss, Reduction
from chainrule.calculus.losses import losses
from chainrule.errors import SettingError
from chainrule.plan import Builder, Objective, Plan, verify


def suited_loss(output: str) -> str:
    """The loss that belongs to an output function."""
    for loss in losses:
        if loss.output == output and loss.head(output):
            return loss.name
    return "mse"


def output_function(builder: Builder) -> str:
    """The name of the function that the outputs come from: an activation, softmax or maxout."""
    step = builder.steps[-1] if builder.steps else None
    if step is None:
        return "identity"
    return step.constants["activation"].name if step.op == "activation" else step.op


def finish(builder: Builder, inputs: tuple[str, ...], loss: Loss, reduction: Reduction) -> Plan:
    """The plan of what was lowered, ended by its objective, and verified."""
    output = builder.steps[-1].target if builder.steps else builder.slots[0].name
    function = output_function(builder)
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
    if head is None:
        return None
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


def advice(loss: Loss, output: str) -> str | None:
    """What to use instead where the output and the loss work together, but badly; None where they suit."""
    suited = suited_loss(output)
    if output in ("sigmoid", "softmax") and loss.growth is not None:
        return (
            f"{output} outputs with the loss {loss.name} learn slowly where the unit saturates (its slope is a factor "
            f"of every gradient); for classes use the loss {suited!r}"
        )
    if output == "softmax" and loss.name == "binary_crossentropy":
        return "softmax outputs are one distribution; use the loss 'categorical_crossentropy'"
    if loss.name == "hinge" and output != "identity":
        return "the hinge loss is meant for a linear score; use the output activation 'identity'"
    return None
