"""The end of the network: can its outputs say what the loss asks for?"""

from __future__ import annotations

import numpy as np

from chainrule.calculus.activations import activations
from chainrule.calculus.loss import Loss
from chainrule.diagnostics.evidence import Evidence
from chainrule.diagnostics.finding import NO_PROGRESS, RATES, UNITS, Finding, Remedy, diagnostic
from chainrule.objective import advice
from chainrule.plan import Step

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
    if _is_twice(e):
        return Finding(
            "the output layer", {"loss": loss.name, "output": output}, f"{output} once",
            f"the outputs are probabilities already when the loss {loss.name} puts them through {output} again: the second "
            "time they cannot come near 0 and 1, and the gradient shrinks",
            Remedy(f"give the loss what comes before {output} (logits): leave the {output} at the end of the network out"),
            said=f"{output} is applied twice", explain=f"delta({e.layers[-1].net}[0])" if e.layers else None,
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


def _is_twice(e: Evidence) -> bool:
    """Whether the outputs go through softmax or sigmoid twice, one right after the other."""
    last = e.plan.steps[-1]
    before = e.plan.makers.get(last.sources[0])
    return before is not None and _squeezes(last) and _squeezes(before)


def _squeezes(step: Step) -> bool:
    function = step.constants.get("activation")
    return step.op == "softmax" or (function is not None and function.name == "sigmoid")


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
