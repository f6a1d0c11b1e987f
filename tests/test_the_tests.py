"""Every law is shown the faults that it is there for, and must catch them."""

from __future__ import annotations

from dataclasses import replace
from itertools import count

import numpy as np
import pytest

from chainrule.calculus.activations import activations
from chainrule.calculus.local import Diagonal, DiagonalLowRank, Linear
from chainrule.calculus.losses import losses
from chainrule.engines.reference import ReferenceEngine, ReferenceSession, forward_pass
from chainrule.errors import ChainruleError, SettingError
from chainrule.laws import activation, loss, network, rule, training
from chainrule.laws.cases import cases
from chainrule.layers import OPS
from chainrule.optim.rules import rules

LAWS = {module: {law.name: law for law in module.LAWS} for module in (activation, loss, rule, network, training)}
CASES = list(cases(seed=0))


def refusal(law, *subjects):
    """The code of the error with which a law is broken, or None where it holds."""
    try:
        law(*subjects)
    except ChainruleError as error:
        return error.code
    return None


def caught(module, law, subject):
    with pytest.raises(SettingError) as error:
        LAWS[module][law].check(subject)
    assert error.value.code == "CR208"
    assert subject.name in str(error.value)
    assert error.value.expected
    assert error.value.got
    assert error.value.where


# activations


def act(name, **changes):
    return replace(activations.get(name), **changes)


def scaled(function, factor=1.001):
    return lambda *arguments: function(*arguments) * arguments[0].dtype.type(factor)


SIGMOID, TANH, RELU, PRELU = (activations.get(name) for name in ("sigmoid", "tanh", "relu", "prelu"))
ACTIVATION_FAULTS = [
    ("slope", "of the input in place of the output", act("sigmoid", slope=lambda z, a: z * (1 - z))),
    ("slope", "of the output in place of the input", act("gelu", slope=lambda z, a: activations.get("gelu").slope(a, a))),
    ("slope", "forgotten factor", act("selu", slope=lambda z, a: activations.get("elu").slope(z, a))),
    ("slope", "of another constant", act("leaky_relu", slope=activations.get("leaky_relu", alpha=0.0101).slope)),
    ("learned slopes", "0.1 % off", act("prelu", learned_slopes=lambda z, a, p: (np.minimum(z, 0) * 1.001,))),
    ("learned slopes", "of the other side", act("prelu", learned_slopes=lambda z, a, p: (np.maximum(z, 0),))),
    ("learned slopes", "none given", act("prelu", learned_slopes=None)),
    ("left side", "the slope from the right", act("relu", slope=lambda z, a: (z >= 0).astype(z.dtype))),
    ("left side", "the mean of both sides", act("relu", slope=lambda z, a: np.heaviside(z, z.dtype.type(0.5)))),
    ("left side", "the slope from the right", act("exponential", slope=lambda z, a: np.where(z < 80, a, 0).astype(z.dtype))),
    ("continuity", "an undeclared kink", act("relu", kinks=())),
    ("continuity", "a kink where there is none", act("tanh", kinks=(0.0,))),
    ("continuity", "a kink at the wrong place", act("relu", kinks=(0.001,))),
    ("continuity", "a jump called continuous", act("binary_step", continuity=0)),
    ("continuity", "a kink called smooth", act("relu", continuity=1)),
    ("continuity", "a jump of the curvature called smooth", act("elu", continuity=np.inf)),
    ("continuity", "smooth called C¹", act("silu", continuity=1)),
    ("range", "too wide", act("tanh", low=-1.1)),
    ("range", "too narrow", act("gelu", low=-0.1699)),
    ("range", "a bound reached that is only approached", act("softplus", reaches_low=True, low=-1e-3)),
    ("range", "a bound approached that is reached", act("binary_step", reaches_high=False)),
    ("range", "finite called infinite", act("sigmoid", high=np.inf)),
    ("range", "infinite called finite", act("relu", high=1e3)),
    ("monotonicity", "a bump overlooked", act("mish", monotonic=True)),
    ("monotonicity", "a bump invented", act("tanh", monotonic=False)),
    ("monotonicity", "a bump of the slope overlooked", act("tanh", slope_monotonic=True)),
    ("monotonicity", "a bump of the slope invented", act("softplus", slope_monotonic=False)),
    ("formulas", "the value's", act("smht", expr="(exp(a*z) - exp(-b*z))/(exp(c*z) + 1.001*exp(-d*z))")),
    ("formulas", "the slope's", act("elu", slope_expr="1 if z > 0 else alpha*(exp(z) - 1)")),
    ("formulas", "the slope's from the output", act("tanh", slope_from_output="1 - a")),
    ("formulas", "a slope from an output that does not tell it", act("exponential", slope_from_output="a")),
    ("formulas", "a learned slope's", act("prelu", learned_slope_exprs=("z",))),
    ("type and shape", "promoted to float64", act("sigmoid", slope=lambda z, a: a * (1 - a) * np.float64(1))),
    ("type and shape", "a value in float64", act("tanh", value=lambda z: np.tanh(z.astype(float)))),
    ("type and shape", "the draw's type", act("rrelu", value=lambda z, draw: np.where(z > 0, z, draw * z))),
    ("type and shape", "a sum", act("softplus", slope=lambda z, a: (1 - np.exp(-a)).sum(axis=1))),
    ("type and shape", "z itself", act("identity", value=lambda z: z)),
    ("single precision", "cancellation", act(
        "softplus", value=lambda z: SOFTPLUS.value(z) + z.dtype.type(1e4) - z.dtype.type(1e4))),
    ("extreme inputs", "overflow", act("sigmoid", value=lambda z: 1 / (1 + np.exp(-z)))),
    ("extreme inputs", "infinity over infinity", act(
        "tanh", value=lambda z: (np.exp(z) - np.exp(-z)) / (np.exp(z) + np.exp(-z)))),
    ("extreme inputs", "NaN without a warning", act("relu", slope=lambda z, a: np.where(z == 1e4, np.nan, RELU.slope(z, a)))),
    ("sides", "saturation overlooked", act("sigmoid", saturates=("left",))),
    ("sides", "saturation invented", act("relu", saturates=("left", "right"))),
    ("sides", "zero-centred", act("sigmoid", zero_centred=True)),
    ("sides", "not zero-centred", act("tanh", zero_centred=False)),
    ("sides", "called untrainable", act("relu", trainable=False)),
    ("sides", "called trainable", act("binary_step", trainable=True)),
]  # fmt: skip
SOFTPLUS = activations.get("softplus")


@pytest.mark.parametrize(("law", "fault", "record"), ACTIVATION_FAULTS, ids=lambda part: getattr(part, "name", part))
def test_a_law_of_activations_catches(law, fault, record):
    caught(activation, law, record)


@pytest.mark.parametrize("record", [r for r in activations if r.trainable], ids=lambda record: record.name)
def test_a_slope_off_by_a_thousandth_is_caught_for_every_activation(record):
    caught(activation, "slope", replace(record, slope=scaled(record.slope)))
    caught(activation, "formulas", replace(record, slope_expr=f"1.001*({record.slope_expr})"))
    caught(activation, "formulas", replace(record, expr=f"1.001*({record.expr})"))


@pytest.mark.parametrize("record", activations, ids=lambda record: record.name)
def test_float64_in_single_precision_is_caught_for_every_activation(record):
    caught(activation, "type and shape", replace(record, value=lambda *z: record.value(*z) * np.float64(1.0)))
    caught(activation, "type and shape", replace(record, slope=lambda *z: record.slope(*z).astype(float)))


# losses


def lost(name, **changes):
    return replace(losses.get(name), **changes)


def headed(name, **changes):
    record = losses.get(name)
    return replace(record, heads=(replace(record.heads[0], **changes),))


MSE, MAE, BCE, CCE = (losses.get(name) for name in ("mse", "mae", "binary_crossentropy", "categorical_crossentropy"))
LOSS_FAULTS = [
    ("slope", "the half forgotten", lost("mse", slope=lambda y, p: p - y)),
    ("slope", "the sign", lost("poisson", slope=lambda y, p: y / p - 1)),
    ("slope", "divided by the rows", lost("mse", slope=lambda y, p: 2 * (p - y) / len(p))),
    ("slope", "divided by the outputs", lost("mse", slope=lambda y, p: 2 * (p - y) / p.shape[1])),
    ("kinks", "undeclared", lost("mae", kinks=())),
    ("kinks", "invented", lost("mse", kinks=(0.0,))),
    ("kinks", "elsewhere", lost("hinge", kinks=(0.0, -1.0, 2.0))),
    ("fused heads", "a head that is not the product", headed("binary_crossentropy", slope=lambda y, z: MSE.slope(y, z))),
    ("fused heads", "the Jacobian's diagonal alone", headed(
        "categorical_crossentropy", slope=lambda y, z: -y * (1 - loss.softmax_of(z)))),
    ("fused heads", "0.1 % off", headed("categorical_crossentropy", slope=scaled(CCE.heads[0].slope))),
    ("fused heads", "another value", headed("poisson", terms=lambda y, z: np.exp(z))),
    ("formulas", "the value's", lost("huber", expr="(p - y)**2 if abs(p - y) <= delta else delta*(abs(p - y) - delta/2)")),
    ("formulas", "the slope's", lost("log_cosh", slope_expr="tanh(y - p)")),
    ("formulas", "a head's", headed("binary_crossentropy", slope_expr="y - p")),
    ("one reduction", "terms already summed", lost("mse", terms=lambda y, p: MSE.terms(y, p).sum(axis=1))),
    ("one reduction", "slope already averaged", lost("mse", slope=lambda y, p: MSE.slope(y, p).mean(axis=0))),
    ("extreme predictions", "ln 0", lost("binary_crossentropy", terms=lambda y, p: -y * np.log(p) - (1 - y) * np.log(1 - p))),
    ("extreme predictions", "overflow of logits", headed(
        "categorical_crossentropy", terms=lambda y, z: y * (np.log(np.exp(z).sum(axis=1, keepdims=True)) - z))),
    ("extreme predictions", "promoted to float64", lost("mae", slope=lambda y, p: np.sign(p - y).astype(float))),
]  # fmt: skip


@pytest.mark.parametrize(("law", "fault", "record"), LOSS_FAULTS, ids=lambda part: getattr(part, "name", part))
def test_a_law_of_losses_catches(law, fault, record):
    caught(loss, law, record)


@pytest.mark.parametrize("record", losses, ids=lambda record: record.name)
def test_a_slope_off_by_a_thousandth_is_caught_for_every_loss(record):
    caught(loss, "slope", replace(record, slope=scaled(record.slope)))
    caught(loss, "formulas", replace(record, slope_expr=f"1.001*({record.slope_expr})"))
    for head in record.heads:
        caught(loss, "fused heads", replace(record, heads=(replace(head, slope=scaled(head.slope)),)))


@pytest.mark.parametrize("reduction", ["divided twice", "not divided", "divided by the rows, not by the weights"])
def test_a_reduction_that_is_wrong_by_a_factor_is_caught(monkeypatch, reduction):
    right = loss.row_factors

    def wrong(n, weights, kind, dtype):
        factors = right(n, weights, kind, dtype)
        if kind != "mean":
            return factors
        if reduction == "divided twice":
            return factors / n
        return np.ones(n) if reduction == "not divided" else right(n, weights, "sum", dtype) / n

    monkeypatch.setattr(loss, "row_factors", wrong)
    caught(loss, "one reduction", MSE)


# update rules


def ruled(name, **changes):
    return replace(rules.get(name), **changes)


def counting_adam():
    """Counts a step with every parameter it is called for, instead of being told the step."""
    right, calls = rules.get("adam"), count(1)

    def step(theta, g, slots, s):
        return right.update(
            theta, g, slots, {**s, **{n: c[0] for n, c in right.scalars(np.array([float(next(calls))])).items()}}
        )

    return replace(right, update=step)


def in_place(theta, g, slots, s):
    slots[0][:] = 0.9 * slots[0] - s["learning_rate"] * g
    return theta + slots[0], slots


GD, ADAGRAD = rules.get("gradient_descent"), rules.get("adagrad")
RULE_FAULTS = [
    ("purity", "a step counted per parameter", counting_adam()),
    ("purity", "slots changed in place", ruled("momentum", update=in_place)),
    ("separate entries", "the length of the whole gradient", ruled(
        "gradient_descent", update=lambda t, g, slots, s: (t - s["learning_rate"] * g / np.linalg.norm(g), ()))),
    ("type and shape", "promoted to float64", ruled("adam", update=lambda t, g, slots, s: (
        rules.get("adam").update(t, g, slots, s)[0].astype(float), slots))),
    ("type and shape", "a slot too few", ruled("adam", update=lambda t, g, slots, s: (t, slots[:1]))),
    ("learning rate", "ignored", ruled("gradient_descent", update=lambda t, g, slots, s: (t - 0.1 * g, ()))),
    ("learning rate", "uphill", ruled("gradient_descent", update=lambda t, g, slots, s: (t + s["learning_rate"] * g, ()))),
    ("resuming", "scalars of the place in the table", ruled("adam", scalars=lambda t: {
        "correction_1": np.arange(1.0, len(t) + 1), "correction_2": np.ones_like(t)})),
    ("extreme gradients", "0 over 0", ruled("adagrad", update=lambda t, g, slots, s: (
        t - s["learning_rate"] * g / np.sqrt(slots[0] + g * g), (slots[0] + g * g,)))),
]  # fmt: skip


@pytest.mark.parametrize(("law", "fault", "record"), RULE_FAULTS, ids=lambda part: getattr(part, "name", part))
def test_a_law_of_rules_catches(law, fault, record):
    if law == "extreme gradients":
        with pytest.raises((SettingError, FloatingPointError)):
            LAWS[rule][law].check(record)
        return
    caught(rule, law, record)


def test_a_penalty_with_the_wrong_slope_is_caught(monkeypatch):
    right = rule.penalties.slope
    monkeypatch.setattr(rule.penalties, "slope", lambda theta, factors, l1, l2: right(theta, factors, l1, 2 * l2))
    with pytest.raises(ChainruleError, match="CR208"):
        rule.penalties_have_the_slope_of_their_value()


# whole networks: the chain rule with a fault planted in it


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


# engines


class Faulty(ReferenceSession):
    """A session in which something is counted or reduced wrongly."""

    fault = ""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.calls = 0

    def _move(self, gradient, scalars):
        if self.fault == "a step counted per parameter":
            for param in self.plan.params:
                self.calls += 1
                own = {n: c[0] for n, c in self.update.rule.table(self.calls, np.ones(1)).items()}
                before, slots = self.theta.copy(), [slot.copy() for slot in self.slots]
                super()._move(gradient, {**scalars, **own})
                after, moved = self.theta, self.slots
                before[param.where] = after[param.where]
                for slot, new in zip(slots, moved, strict=True):
                    slot[param.where] = new[param.where]
                self.theta, self.slots = before, tuple(slots)
            return
        if self.fault == "the penalty applied twice":
            gradient = gradient + 0.01 * self.theta * self.decay
        super()._move(gradient, scalars)

    def train(self, rows, order, batch_size, table, first_step):
        if self.fault == "draws of the place in the batch":
            first_step += 1
        if self.fault == "the last batch left out":
            order = order[:, : len(order[0]) // batch_size * batch_size]
        return super().train(rows, order, batch_size, table, first_step)

    def gradient(self, rows):
        value, slope = super().gradient(rows)
        return (value, slope / len(rows)) if self.fault == "the reduction applied twice" else (value, slope)

    def predict(self, x):
        return super().predict(x) * 1.001 if self.fault == "predictions off by a thousandth" else super().predict(x)


class FaultyEngine(ReferenceEngine):
    def __init__(self, fault):
        self.session = type("Session", (Faulty,), {"fault": fault})

    def open(self, plan, theta, slots, update, *, seed, n_jobs=None):
        return self.session(plan, theta, slots, update, seed)


ENGINE_FAULTS = {
    "a step counted per parameter": "four steps",
    "the penalty applied twice": "four steps",
    "draws of the place in the batch": "four steps",
    "the last batch left out": "four steps",
    "the reduction applied twice": "definition",
    "predictions off by a thousandth": "definition",
}


@pytest.mark.parametrize("fault", [*ENGINE_FAULTS, ""])
def test_a_law_of_engines_catches(fault):
    engine, adam = FaultyEngine(fault), rules.get("adam")
    trained = [case for case in CASES if case.plan is case.network.plan]

    four_steps = {refusal(training.training_is_the_four_steps, case, engine, adam) for case in trained}
    definition = {refusal(training.gradients_are_those_of_the_definition, case, engine) for case in trained}
    assert ("CR208" in four_steps) == (ENGINE_FAULTS.get(fault) == "four steps")
    assert ("CR208" in definition) == (ENGINE_FAULTS.get(fault) == "definition")


def test_every_law_has_a_planted_fault():
    shown = {
        activation: {law for law, *_ in ACTIVATION_FAULTS}, loss: {law for law, *_ in LOSS_FAULTS},
        rule: {law for law, *_ in RULE_FAULTS}, network: {law for law, _ in NETWORK_FAULTS.values()},
        training: set(ENGINE_FAULTS.values()),
    }  # fmt: skip
    assert shown == {module: set(laws) for module, laws in LAWS.items()}
