"""PyTorch's `nn.Sequential`. Weights are read as arrays; torch itself is used only where it is loaded already."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from chainrule.calculus.activation import Activation
from chainrule.calculus.activations import activations
from chainrule.calculus.loss import Loss
from chainrule.exchange.parts import Format, Given, Goal, Parts, Stack, goal, is_class, own_class, unreadable
from chainrule.optim.rule import Rule, Update
from chainrule.optim.rules import rules
from chainrule.shapes import Array

# The class of a module -> its activation; None where its constants have no counterpart.
ACTIVATIONS: dict[str, Callable[[Any], Activation | None]] = {
    "ReLU": lambda m: activations.get("relu"),
    "Tanh": lambda m: activations.get("tanh"),
    "Sigmoid": lambda m: activations.get("sigmoid"),
    "SELU": lambda m: activations.get("selu"),
    "SiLU": lambda m: activations.get("silu"),
    "Mish": lambda m: activations.get("mish"),
    "LeakyReLU": lambda m: activations.get("leaky_relu", alpha=float(m.negative_slope)),
    "ELU": lambda m: activations.get("elu", alpha=float(m.alpha)),
    "GELU": lambda m: activations.get("gelu_tanh" if m.approximate == "tanh" else "gelu"),
    "Softplus": lambda m: activations.get("softplus") if m.beta == 1 and m.threshold >= 20 else None,
    "PReLU": lambda m: activations.get("prelu"),
    "RReLU": lambda m: activations.get("rrelu", lower=float(m.lower), upper=float(m.upper)),
}

# The class of a loss -> its goal, for its reduction; None where its constants have no counterpart.
LOSSES: dict[str, Callable[[Any], Goal | None]] = {
    "MSELoss": lambda m: goal("mse", reduction=m.reduction),
    "L1Loss": lambda m: goal("mae", reduction=m.reduction),
    "HuberLoss": lambda m: goal("huber", reduction=m.reduction, delta=float(m.delta)),
    "SmoothL1Loss": lambda m: goal("huber", reduction=m.reduction, delta=1.0) if m.beta == 1 else None,
    "BCELoss": lambda m: goal("binary_crossentropy", reduction=m.reduction) if m.weight is None else None,
    "BCEWithLogitsLoss": lambda m: (
        goal("binary_crossentropy", reduction=m.reduction, logits="sigmoid")
        if m.weight is None and m.pos_weight is None else None
    ),
    "CrossEntropyLoss": lambda m: (
        goal("categorical_crossentropy", reduction=m.reduction, logits="softmax", label_smoothing=m.label_smoothing)
        if m.weight is None else None
    ),
    "NLLLoss": lambda m: goal("categorical_crossentropy", reduction=m.reduction) if m.weight is None else None,
    "PoissonNLLLoss": lambda m: (
        goal("poisson", reduction=m.reduction, logits="exponential" if m.log_input else None) if not m.full else None
    ),
}  # fmt: skip


def read(net: Any, given: Given) -> Parts:
    """Layers one by one, those of inner Sequentials too. A module carries neither loss nor optimizer: they are given."""
    stack = Stack()
    modules = list(_modules(net, ""))
    for name, module in modules:
        _add(stack, module, name, module is modules[-1][1])
    notes: list[str] = []
    update = None if given.optimizer is None else _update(given.optimizer, notes)
    found = None if given.loss is None else _goal(given.loss)
    return stack.parts(goal=found, update=update, notes=tuple(notes))


def _modules(net: Any, prefix: str) -> Iterator[tuple[str, Any]]:
    for key, module in net.named_children():
        if own_class(module, "torch") == "Sequential":
            yield from _modules(module, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", module


def _add(stack: Stack, module: Any, name: str, is_last: bool) -> None:
    kind, where = own_class(module, "torch"), f"module {name!r}"
    if getattr(module, "_forward_hooks", None) or getattr(module, "_forward_pre_hooks", None):
        unreadable(f"a {type(module).__name__} with hooks, which may change its outputs,", where)
    if kind == "Linear":
        stack.dense(_array(module.weight), None if module.bias is None else _array(module.bias))
    elif kind in ACTIVATIONS:
        function = ACTIVATIONS[kind](module)
        if function is None:
            unreadable(f"a {module!r}", where)
        stack.activate(function, *([_array(module.weight)] if kind == "PReLU" else []))
    elif _is_softmax(module) or (_is_log_softmax(module) and is_last):
        stack.activate("softmax")
    elif kind == "Dropout":
        stack.dropout(module.p)
    elif kind == "LayerNorm" and len(module.normalized_shape) == 1:
        gain, shift = (None if p is None else _array(p) for p in (module.weight, module.bias))
        dtype = np.float32 if not stack.values else stack.values[0].dtype
        stack.layer_norm(module.normalized_shape[0], module.eps, gain, shift, dtype)
    elif kind != "Identity" and not (kind == "Flatten" and module.start_dim == 1):
        unreadable(
            f"a {kind or type(module).__name__}", where,
            "Linear, Dropout, LayerNorm, Flatten, Identity, Softmax over the units, a last LogSoftmax, "
            + ", ".join(ACTIVATIONS),
        )  # fmt: skip


def _is_softmax(module: Any) -> bool:
    return own_class(module, "torch") == "Softmax" and module.dim in (1, -1)


def _is_log_softmax(module: Any) -> bool:
    """A last LogSoftmax is read as softmax: its loss, NLLLoss, is the cross-entropy of that."""
    return own_class(module, "torch") == "LogSoftmax" and module.dim in (1, -1)


def _array(tensor: Any) -> Array:
    found = tensor.detach().cpu().numpy()
    return np.array(found if found.dtype in (np.float32, np.float64) else found.astype(np.float32))


def _goal(loss: Any) -> Goal:
    if isinstance(loss, (str, Loss)):
        return Goal(goal(loss).loss if isinstance(loss, str) else loss)
    make = LOSSES.get(own_class(loss, "torch"))
    found = None if make is None or loss.reduction not in ("mean", "sum") else make(loss)
    if found is None:
        unreadable(f"the loss {loss!r}", "loss", "one of " + ", ".join(LOSSES))
    return found


def _update(optimizer: Any, notes: list[str]) -> Update:
    if isinstance(optimizer, Update):
        return optimizer
    if isinstance(optimizer, (str, Rule)):
        return Update(rules.get(optimizer))
    kind, groups = own_class(optimizer, "torch"), optimizer.param_groups
    if len(groups) > 1:
        notes.append("the settings of the optimizer's first group of parameters are taken for all")
    group = groups[0]
    rate, decay = float(group["lr"]), float(group["weight_decay"])
    if group.get("maximize") or group.get("amsgrad") or group.get("dampening") or kind not in ("SGD", "Adam", "AdamW"):
        unreadable(f"the optimizer {type(optimizer).__name__} with these settings", "optimizer", "SGD, Adam or AdamW")
    if decay:
        notes.append("weight decay is taken for weights alone; torch lets biases decay, too")
    if kind == "SGD":
        name = "nesterov" if group["nesterov"] else "momentum"
        rule = rules.get(name, learning_rate=rate, momentum=group["momentum"]) if group["momentum"] else rules.get(
            "gradient_descent", learning_rate=rate
        )  # fmt: skip
        return Update(rule, l2=decay)
    beta_1, beta_2 = group["betas"]
    adam = {"learning_rate": rate, "beta_1": beta_1, "beta_2": beta_2, "epsilon": group["eps"]}
    if kind == "AdamW":
        return Update(rules.get("adamw", **adam, weight_decay=decay))
    return Update(rules.get("adam", **adam), l2=decay)


def outputs(net: Any, x: Array) -> Array:
    """One pass as in evaluation, without gradients; the training flags are put back."""
    torch = sys.modules["torch"]
    first = next(net.parameters(), None)
    flags = [(module, module.training) for module in net.modules()]
    rows = torch.as_tensor(x)
    try:
        net.eval()
        with torch.no_grad():
            found = net(rows if first is None else rows.to(first.device, first.dtype))
    finally:
        for module, training in flags:
            module.training = training
    plain = np.asarray(found.detach().cpu().to(torch.float64).numpy())
    modules = [module for _, module in _modules(net, "")]
    return np.exp(plain) if modules and _is_log_softmax(modules[-1]) else plain


FORMAT = Format("torch.nn.Sequential", lambda net: is_class(net, "torch", "Sequential"), read, outputs)
