"""Keras's `Sequential`, with the optimizer and the loss that it was compiled with. Keras is used only where it is loaded."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule.calculus.activation import Activation
from chainrule.calculus.activations import activations
from chainrule.calculus.loss import Loss
from chainrule.calculus.losses import losses
from chainrule.exchange.parts import Format, Given, Goal, Parts, Stack, goal, is_class, own_class, unreadable
from chainrule.optim.rule import Rule, Update
from chainrule.optim.rules import rules
from chainrule.shapes import Array

# The name of Keras's function -> ours with its constants.
ACTIVATIONS: dict[str, Activation | str] = {
    **{name: activations.get(name) for name in ("relu", "tanh", "sigmoid", "selu", "gelu", "softplus", "silu", "mish")},
    "linear": activations.get("identity"), "elu": activations.get("elu"), "softmax": "softmax",
    "leaky_relu": activations.get("leaky_relu", alpha=0.2), "exponential": activations.get("exponential"),
}  # fmt: skip

# The class of an activation layer -> ours; None where its constants have no counterpart.
LAYERS: dict[str, Callable[[Any], Activation | str | None]] = {
    "ReLU": lambda m: _relu(m),
    "LeakyReLU": lambda m: activations.get("leaky_relu", alpha=float(m.negative_slope)),
    "ELU": lambda m: activations.get("elu", alpha=float(m.alpha)),
    "Softmax": lambda m: "softmax" if m.axis in (-1, 1) else None,
    "PReLU": lambda m: activations.get("prelu"),
}

LOSSES = {
    "MeanSquaredError": "mse", "MeanAbsoluteError": "mae", "Huber": "huber", "LogCosh": "log_cosh", "Poisson": "poisson",
    "Hinge": "hinge", "BinaryCrossentropy": "binary_crossentropy", "CategoricalCrossentropy": "categorical_crossentropy",
    "SparseCategoricalCrossentropy": "categorical_crossentropy",
}  # fmt: skip


def _relu(layer: Any) -> Activation | None:
    if layer.max_value is not None or layer.threshold:
        return None
    slope = float(layer.negative_slope or 0.0)
    return activations.get("leaky_relu", alpha=slope) if slope else activations.get("relu")


def read(net: Any, given: Given) -> Parts:
    """Layers one by one; loss and optimizer from `compile`, unless others are given."""
    stack = Stack()
    for layer in net.layers:
        _add(stack, layer)
    notes: list[str] = []
    compiled = bool(getattr(net, "compiled", False))
    optimizer = given.optimizer if given.optimizer is not None else (net.optimizer if compiled else None)
    loss = given.loss if given.loss is not None else (net.loss if compiled else None)
    update = None if optimizer is None else _update(optimizer, notes)
    found = None if loss is None else _goal(loss, notes, insist=given.loss is not None)
    return stack.parts(goal=found, update=update, notes=tuple(notes))


def _add(stack: Stack, layer: Any) -> None:
    kind, where = own_class(layer, "keras"), f"layer {layer.name!r}"
    values = [_plain(value) for value in layer.weights] if kind else []
    if kind == "Dense":
        if getattr(layer, "lora_rank", None) or getattr(layer, "quantization_mode", None):
            unreadable("a Dense layer in another form", where)
        stack.dense(np.ascontiguousarray(values[0].T), values[1] if layer.use_bias else None)
        stack.activate(_function(layer.activation, where))
    elif kind == "Activation":
        stack.activate(_function(layer.activation, where))
    elif kind in LAYERS:
        function = LAYERS[kind](layer)
        if function is None:
            unreadable(f"a {kind} layer with these settings", where)
        stack.activate(function, *([values[0]] if kind == "PReLU" else []))
    elif kind == "Dropout":
        stack.dropout(layer.rate)
    elif kind == "LayerNormalization" and not getattr(layer, "rms_scaling", False):
        width = stack.width or int(layer.input.shape[-1])
        gain = values[0] if layer.scale else None
        shift = values[-1] if layer.center else None
        dtype = np.float32 if not stack.values else stack.values[0].dtype
        stack.layer_norm(width, layer.epsilon, gain, shift, dtype)
    elif kind not in ("InputLayer", "Identity", "Flatten"):
        unreadable(
            f"a {type(layer).__name__}", where,
            "Dense, Activation, Dropout, LayerNormalization, Flatten, Identity, " + ", ".join(LAYERS),
        )  # fmt: skip


def _plain(value: Any) -> Array:
    """A variable or tensor of whatever backend as an array."""
    return np.array(sys.modules["keras"].ops.convert_to_numpy(getattr(value, "value", value)))


def _function(function: Any, where: str) -> Activation | str:
    name = getattr(function, "__name__", type(function).__name__)
    if name not in ACTIVATIONS or not getattr(function, "__module__", "").startswith("keras."):
        unreadable(f"the activation {name}", where, "one of " + ", ".join(ACTIVATIONS))
    return ACTIVATIONS[name]


def _goal(loss: Any, notes: list[str], *, insist: bool) -> Goal | None:
    """A loss by name, function or object; one that cannot be read is a note, or an error where it was given."""
    if isinstance(loss, Loss):
        return Goal(loss)
    name = loss if isinstance(loss, str) else getattr(loss, "__name__", None)
    if name is not None and name in losses:
        return goal(name)
    kind = own_class(loss, "keras")
    if name is not None and name in LOSSES:
        return goal(LOSSES[name])
    if kind in LOSSES:
        config = loss.get_config()
        constants = {key: config[key] for key in ("delta", "label_smoothing") if config.get(key)}
        logits = None
        if config.get("from_logits"):
            logits = "sigmoid" if kind == "BinaryCrossentropy" else "softmax"
        if loss.reduction in ("sum", "sum_over_batch_size", "mean"):
            return goal(LOSSES[kind], reduction=loss.reduction.split("_over")[0] if loss.reduction == "sum" else "mean",
                        logits=logits, **constants)  # fmt: skip
    if insist:
        unreadable(f"the loss {name or type(loss).__name__}", "loss", "one of " + ", ".join(LOSSES))
    notes.append(f"the loss {name or type(loss).__name__} has no counterpart here")
    return None


def _update(optimizer: Any, notes: list[str]) -> Update | None:
    if isinstance(optimizer, Update):
        return optimizer
    if isinstance(optimizer, (str, Rule)):
        return Update(rules.get(optimizer))
    kind, config = own_class(optimizer, "keras"), optimizer.get_config()
    rate = config["learning_rate"]
    if not isinstance(rate, (int, float)):
        notes.append("the learning rate follows a schedule; its present value is taken")
        rate = float(_plain(optimizer.learning_rate))
    rate = float(f"{rate:.7g}")  # as it was written: Keras keeps it in float32
    clip = {"clip_norm": config.get("global_clipnorm"), "clip_value": config.get("clipvalue")}
    adam = {name: config[name] for name in ("beta_1", "beta_2", "epsilon") if name in config}
    if kind == "SGD":
        rule = rules.get("gradient_descent", learning_rate=rate)
        if config["momentum"]:
            name = "nesterov" if config["nesterov"] else "momentum"
            rule = rules.get(name, learning_rate=rate, momentum=config["momentum"])
    elif kind == "Adam" and not config.get("amsgrad"):
        rule = rules.get("adam_classic", learning_rate=rate, **adam)
    elif kind == "AdamW" and not config.get("amsgrad"):
        notes.append("ε of Keras's AdamW stands before the bias correction, here behind it")
        rule = rules.get("adamw", learning_rate=rate, weight_decay=config["weight_decay"] or 0.0, **adam)
    elif kind == "RMSprop" and not config.get("centered") and not config.get("momentum"):
        notes.append("ε of Keras's RMSprop stands inside the root, here outside")
        rule = rules.get("rmsprop", learning_rate=rate, rho=config["rho"], epsilon=config["epsilon"])
    else:
        notes.append(f"the optimizer {type(optimizer).__name__} with these settings has no counterpart here")
        return None
    if config.get("clipnorm"):
        notes.append(
            "Keras clips the gradient of every array by itself; here the whole gradient would be clipped: left out"
        )
    return Update(rule, **clip)


def outputs(net: Any, x: Array) -> Array:
    """One pass as in evaluation."""
    return _plain(net(x, training=False)).astype(np.float64)


FORMAT = Format("keras.Sequential", lambda net: is_class(net, "keras", "Sequential"), read, outputs)
