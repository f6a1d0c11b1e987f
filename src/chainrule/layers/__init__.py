"""The kinds of layers. Each file holds one: how it is written, how it is lowered to steps, and what its steps do."""

from __future__ import annotations

from typing import Any

from chainrule.errors import unknown_name
from chainrule.layers.activation import Activate
from chainrule.layers.dense import Dense
from chainrule.layers.dropout import Dropout
from chainrule.layers.layer import Layer, Op
from chainrule.layers.layer_norm import LayerNorm
from chainrule.layers.maxout import Maxout
from chainrule.layers.scale import Scale
from chainrule.layers.softmax import Softmax

from chainrule.layers import activation, affine, dense, dropout, layer_norm, maxout, scalar, scale, softmax  # isort: skip

_FILES = (activation, affine, dense, dropout, layer_norm, maxout, scalar, scale, softmax)

KINDS: dict[str, type[Layer]] = {layer.kind: layer for file in _FILES for layer in getattr(file, "LAYERS", ())}
OPS: dict[str, Op] = {op.name: op for file in _FILES for op in getattr(file, "OPS", ())}


def restore(description: dict[str, Any]) -> Layer:
    """The layer that `describe` described."""
    rest = dict(description)
    kind = rest.pop("kind")
    if kind not in KINDS:
        raise unknown_name("layer", kind, KINDS)
    return KINDS[kind].restore(rest)


__all__ = [
    "KINDS",
    "OPS",
    "Activate",
    "Dense",
    "Dropout",
    "Layer",
    "LayerNorm",
    "Maxout",
    "Op",
    "Scale",
    "Softmax",
    "restore",
]
