"""The gradient's size in every layer, over the epochs of a run or the passes given."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule.engines.trace import Gradient
from chainrule.errors import SettingError
from chainrule.plan import Plan
from chainrule.plots.recording import recorded
from chainrule.plots.style import axes, current, in_style, logarithmic
from chainrule.shapes import Array

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def layer_norms(plan: Plan, gradients: Array) -> dict[int, Array]:
    """‖∂L/∂W‖ of every layer with weights: layer -> (n,), from gradients of shape (n, p)."""
    weights = [param for param in plan.params if param.layer and len(param.shape) == 2]
    layers = dict.fromkeys(param.layer for param in weights)
    return {
        layer: np.linalg.norm(
            np.concatenate([gradients[:, p.where] for p in weights if p.layer == layer], axis=1), axis=1
        )
        for layer in layers
    }


@in_style()
def gradient_norms(
    subject: str | os.PathLike[str] | Sequence[Gradient], data: Any = None, *, ax: Axes | None = None
) -> Axes:
    """The norm of ∂L/∂W of every layer, on a logarithmic scale: layers far below the others learn slowly, or not at all.

    subject: the folder of a run, which is trained again and looked at after every epoch, or gradients in their order.

    >>> from chainrule import Dense, Network, backward, forward, initialize
    >>> net = Network(2, [Dense(3, "tanh"), Dense(1)])
    >>> steps = [backward(forward(net, initialize(net, seed), [[1.0, 2.0]], [1.0])) for seed in range(3)]
    >>> ax = gradient_norms(steps)
    >>> ax.get_ylabel(), ax.get_legend_handles_labels()[1]
    ('norm of ∂L/∂W', ['layer 1', 'layer 2'])
    """
    if isinstance(subject, (str, os.PathLike)):
        found = recorded(subject, data)
        plan, steps, vectors, what = found.plan, found.epochs, found.gradients, "epoch"
    elif not subject:
        raise SettingError("CR204", "there is no gradient to draw", expected="one for every step")
    else:
        plan, what = subject[0].trace.plan, "step"
        steps, vectors = tuple(range(1, len(subject) + 1)), np.stack([gradient.vector for gradient in subject])
    ax, look = axes(ax), current()
    for n, (layer, norms) in enumerate(layer_norms(plan, vectors).items()):
        ax.plot(steps, np.where(norms > 0, norms, np.nan), label=f"layer {layer}", **look.line(n))
    logarithmic(ax)
    ax.set_xlabel(what)
    ax.set_ylabel("norm of ∂L/∂W")
    ax.set_title("The gradient in every layer")
    ax.legend(loc="best")
    return ax
