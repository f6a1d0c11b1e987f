"""Activations that are all of one sign, so that the weights behind them can only move together."""

from __future__ import annotations

from chainrule.diagnostics.evidence import Evidence
from chainrule.diagnostics.finding import Finding, Remedy, diagnostic
from chainrule.diagnostics.layers import LayerState

ONE_SIDED = 1.0  # |mean| over spread of a layer's activations: beyond it nearly all have one sign


@diagnostic("gradients", needs=("own",), causes=("linear_as_good",))
def not_zero_centred(e: Evidence) -> Finding | None:
    """Can the weights into a unit move in any direction?"""
    found = []
    for one in e.layers:
        if one.is_output or one.function in ("identity", "relu") or one.spread <= 0:
            continue
        if abs(one.mean) / one.spread > ONE_SIDED and one.mean != 0 and _never_crosses(e, one):
            found.append(one)
    if not found:
        return None
    where = found[0]
    after = next((one for one in e.layers if one.layer == where.layer + 1), where)
    return Finding(
        ", ".join(f"layer {one.layer}" for one in found),
        {"mean": [one.mean for one in found], "spread": [one.spread for one in found], "one_sign": after.one_sign},
        "activations around 0",
        f"all outputs of {where.function} have one sign, so that for one example the gradients of all weights into a unit "
        "have one sign too: they can only grow together or shrink together, and the way down zigzags",
        Remedy("use tanh in the hidden layers: it is zero-centred", {"hidden_activation": "tanh"}),
        is_ill=False,
        said=f"the activations of layer {where.layer} are {where.mean:.3g} ± {where.spread:.2g}, never of the other sign",
        explain=f"{after.param}[0,0]",
    )  # fmt: skip


def _never_crosses(e: Evidence, one: LayerState) -> bool:
    values = e.trace.values[one.activation]
    return bool((values >= 0).all() or (values <= 0).all())
