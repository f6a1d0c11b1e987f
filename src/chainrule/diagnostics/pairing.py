"""The end of the network: can its outputs say what the loss asks for?"""

from __future__ import annotations

import numpy as np

from chainrule.calculus.activations import activations
from chainrule.calculus.loss import Loss
from chainrule.diagnostics.evidence import Evidence
from chainrule.diagnostics.finding import NO_PROGRESS, RATES, UNITS, Finding, Remedy, diagnostic
from chainrule.objective import advice

OUT_OF_REACH = 0.05  # the share of targets outside the range of the outputs


@diagnostic("fit", causes=(*NO_PROGRESS, *RATES, *UNITS, "vanishing_gradients", "overfitting"))
def odd_loss(e: Evidence) -> Finding | None:
    """Do the loss and the output activation belong together?"""
    loss, output = e.network.loss, e.network.output_activation
    assert isinstance(loss, Loss)
    beyond = _beyond(e, output)
    if beyond > OUT_OF_REACH:
        function = activations.get(output)
        return Finding(
            "the output layer",
            {"loss": loss.name, "output": output, "share_out_of_reach": beyond},
            f"targets within {function.range}, the range of {output}",
            f"{output} can only give numbers in {function.range}: these targets cannot be reached, whatever the weights",
            Remedy("use the output activation 'identity' for numbers", {"output": "identity"}),
            said=f"{beyond:.0%} of the targets lie outside the range of {output}", explain="prediction",
        )  # fmt: skip
    found = advice(loss, output)
    if found is None:
        return None
    classes = e.task != "regression"
    settings = {"loss": _suited(e)} if classes or output in ("sigmoid", "softmax") else {"output": "identity"}
    return Finding(
        "the output layer", {"loss": loss.name, "output": output},
        "a loss that belongs to the output activation, whose joint slope is p − y", found,
        Remedy(f"use the loss {settings.get('loss', loss.name)!r}", settings),
        said=f"{output} outputs under the loss {loss.name}",
        explain=f"delta({e.layers[-1].net}[0])" if e.layers else None,
    )  # fmt: skip


def _suited(e: Evidence) -> str:
    if e.network.output_activation == "softmax":
        return "categorical_crossentropy"
    return "binary_crossentropy"


def _beyond(e: Evidence, output: str) -> float:
    """The share of targets that the output activation cannot come near."""
    if e.task != "regression" or output not in activations:
        return 0.0
    function = activations.get(output)
    reach = 0.02 * (function.high - function.low) if np.isfinite(function.high - function.low) else 0.05
    return float(((e.y < function.low - reach) | (e.y > function.high + reach)).mean())
