"""The laws of whole networks are shown the chain rule with a fault planted in it, and must catch it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from planting import CASES, LAWS, refusal

from chainrule.calculus.local import Diagonal, DiagonalLowRank, Linear
from chainrule.engines.reference import forward_pass
from chainrule.laws import network
from chainrule.layers import OPS


def backward_with(
    *,
    add=lambda old, new: old + new,
    pull=lambda local, delta, step: local.pull(delta),
    scale=lambda trace, scale: scale,
    local=lambda step, *operands: OPS[step.op].local(step, *operands),
    gradients=lambda step, *operands: OPS[step.op].gradients(step, *operands),
    where=lambda param: param.where,
):
    """The backward pass of the reference engine, with places to plant faults in."""

    def backward(trace):
        plan, objective, y = trace.plan, trace.plan.objective, trace.y
        factors = scale(trace, trace.factors[:, None] * trace.dtype.type(objective.loss.share(y.shape[1])))
        slope = objective.head.slope if objective.head else objective.loss.slope
        deltas = {objective.source: factors * slope(y, trace.values[objective.source])}
        gradient = np.zeros_like(trace.theta)
        for step in reversed(plan.steps):
            delta = deltas.get(step.target)
            if delta is None:
                continue
            sources = tuple(trace.values[name] for name in step.sources)
            params = tuple(plan.param(name).of(trace.theta) for name in step.params)
            for name, share in zip(step.params, gradients(step, sources, params, delta, trace.run), strict=True):
                gradient[where(plan.param(name))] += share.ravel()
            for source, part in zip(
                step.sources, local(step, sources, params, trace.values[step.target], trace.run), strict=True
            ):
                pulled = pull(part, delta, step)
                deltas[source] = add(deltas[source], pulled) if source in deltas else pulled
        if plan.output not in deltas:
            deltas[plan.output] = factors * objective.loss.slope(y, trace.values[plan.output])
        return replace(trace, deltas=deltas, gradient=gradient)

    return network.Passes(forward_pass, backward)


def of_op(name, wrong):
    """The local derivatives of one operation replaced."""
    return lambda step, *operands: (wrong if step.op == name else OPS[step.op].local)(step, *operands)


def gradients_of(name, wrong):
    return lambda step, *operands: (wrong if step.op == name else OPS[step.op].gradients)(step, *operands)


def transposed_gradient(step, sources, params, delta, run):
    return ((sources[0].T @ delta).ravel(), *OPS["affine"].gradients(step, sources, params, delta, run)[1:])


def unmasked(step, sources, params, delta, run):
    return (delta.T @ sources[0], *OPS["affine"].gradients(step, sources, params, delta, run)[1:])


def mean_of_shared(step, sources, params, delta, run):
    weights, *bias = OPS["affine"].gradients(step, sources, params, delta, run)
    return (weights, *(b / delta.shape[1] if b.size == 1 else b for b in bias))


def row_sums_for_incoming_ones(local, delta, step):
    if isinstance(local, Linear):
        return local.pull(np.ones_like(delta)) * delta.mean(axis=1, keepdims=True)
    return local.pull(delta)


def slope_at_the_activation(step, sources, params, target, run):
    return OPS["activation"].local(step, (target,), params, target, run)


def without_the_deviation(step, sources, params, target, run):
    whole = OPS["normalise"].local(step, sources, params, target, run)[0]
    return (DiagonalLowRank(whole.diagonal, whole.left[:, :, :1], whole.right[:, :, :1]),)


def softmax_diagonal(step, sources, params, target, run):
    return (Diagonal(target * (1 - target)),)


def drawn_again(step, sources, params, target, run):
    return OPS["dropout"].local(step, sources, params, target, replace(run, step=run.step + 1))


def scaled_once_more(trace, scale):
    return scale * trace.factors[:, None] if trace.plan.objective.reduction == "mean" else scale


NETWORK_FAULTS = {
    "= in place of +=": ("gradient", {"add": lambda old, new: new}),
    "= in place of += (a delta)": ("deltas", {"add": lambda old, new: new}),
    "the incoming gradient dropped": ("gradient", {"pull": lambda local, delta, step: local.pull(np.ones_like(delta))}),
    "the incoming gradient dropped by one operation": (
        "functional",
        {"pull": lambda local, delta, step: local.pull(np.ones_like(delta) if step.op == "maxout" else delta)},
    ),
    "right for incoming ones only": ("functional", {"pull": row_sums_for_incoming_ones}),
    "the input in place of the pre-activation": ("gradient", {"local": of_op("activation", slope_at_the_activation)}),
    "a transposed gradient of the weights": ("gradient", {"gradients": gradients_of("affine", transposed_gradient)}),
    "the reduction applied twice": ("gradient", {"scale": scaled_once_more}),
    "the outputs reduced twice": ("gradient", {"scale": lambda trace, scale: scale / trace.y.shape[1]}),
    "the weights of rows forgotten": ("rows", {"scale": lambda trace, scale: np.full_like(scale, scale.mean())}),
    "a mask that leaks": ("masks", {"gradients": gradients_of("affine", unmasked)}),
    "the mean for a shared bias": ("gradient", {"gradients": gradients_of("affine", mean_of_shared)}),
    "layer norm without its deviation": ("gradient", {"local": of_op("normalise", without_the_deviation)}),
    "softmax without its other outputs": ("functional", {"local": of_op("softmax", softmax_diagonal)}),
    "dropout drawn again": ("gradient", {"local": of_op("dropout", drawn_again)}),
    "a step to the wrong offset": ("gradient", {"where": lambda p: slice(max(0, p.offset - 1), max(0, p.offset - 1) + p.size)}),
    "promoted to float64": ("float type", {"scale": lambda trace, scale: scale.astype(float)}),
}  # fmt: skip


@pytest.mark.parametrize("fault", NETWORK_FAULTS)
def test_a_law_of_networks_catches(fault):
    law, changes = NETWORK_FAULTS[fault]
    passes = backward_with(**changes)

    assert {"CR208"} <= {refusal(LAWS[network][law].check, case, passes) for case in CASES} <= {"CR208", None}


def test_transposed_weights_fit_no_shape():
    passes = backward_with(local=of_op("affine", lambda step, s, params, t, run: (Linear(params[0].T),)))
    with pytest.raises(ValueError, match="mismatch|matmul"):
        network.gradient_of_the_loss(CASES[0], passes)


@pytest.mark.parametrize("law", network.LAWS, ids=lambda law: law.name)
def test_the_pass_without_a_fault_is_passed(law):
    for case in CASES:
        law.check(case, backward_with())
