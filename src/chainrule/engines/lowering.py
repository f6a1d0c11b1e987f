"""From a Plan to the compiled engine's plain numbers. The codes are places in the tables of native/*.hpp."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule import rng
from chainrule.calculus.activation import Activation
from chainrule.calculus.loss import Loss
from chainrule.engines.library import OpSpec, ParamSpec, PlanSpec
from chainrule.optim.rule import Rule, Update
from chainrule.plan import Param, Plan, Step

AFFINE, ACTIVATION, LEARNED_LEAKY, DRAWN_LEAKY, SOFTMAX, MAXOUT, DROPOUT, NORMALISE, SCALE_SHIFT, CALL = range(10)
BY_CALL = -1

Constants = Callable[[dict[str, float]], tuple[float, ...]]


def _none(constants: dict[str, float]) -> tuple[float, ...]:
    return ()


def _all(constants: dict[str, float]) -> tuple[float, ...]:
    return tuple(constants.values())


# Name of the record -> code of its kernel, and the kernel's constants from the record's.
ACTIVATIONS: dict[str, tuple[int, Constants]] = {
    "identity": (0, _none), "binary_step": (1, _none), "sigmoid": (2, _none), "tanh": (3, _none), "smht": (4, _all),
    "relu": (5, _none), "leaky_relu": (6, _all), "elu": (7, lambda c: (1.0, c["alpha"])),
    "selu": (7, lambda c: (c["lam"], c["lam"] * c["alpha"])), "gelu": (8, _none), "gelu_tanh": (9, _none),
    "softplus": (10, _none), "silu": (11, _none), "mish": (12, _none), "gaussian": (13, _none), "exponential": (14, _all),
}  # fmt: skip

# Name of the loss and of its fused head -> code and constants, which may depend on the number of outputs.
LOSSES: dict[tuple[str, str | None], tuple[int, Callable[[dict[str, float], int], tuple[float, ...]]]] = {
    ("mse", None): (0, lambda c, k: (1.0,)), ("squared_error", None): (0, lambda c, k: (1.0,)),
    ("half_squared_error", None): (0, lambda c, k: (0.5,)), ("mae", None): (1, lambda c, k: ()),
    ("huber", None): (2, lambda c, k: (c["delta"],)), ("pinball", None): (3, lambda c, k: (c["quantile"],)),
    ("log_cosh", None): (4, lambda c, k: ()), ("poisson", None): (5, lambda c, k: ()),
    ("poisson", "exponential"): (6, lambda c, k: ()), ("hinge", None): (7, lambda c, k: ()),
    ("binary_crossentropy", None): (8, lambda c, k: (c["label_smoothing"],)),
    ("binary_crossentropy", "sigmoid"): (9, lambda c, k: (c["label_smoothing"],)),
    ("categorical_crossentropy", None): (10, lambda c, k: (1.0 - c["label_smoothing"], c["label_smoothing"] / k)),
    ("categorical_crossentropy", "softmax"): (11, lambda c, k: (1.0 - c["label_smoothing"], c["label_smoothing"] / k)),
    ("output", None): (12, lambda c, k: ()),
}  # fmt: skip


def _adam(c: dict[str, float]) -> tuple[float, ...]:
    moments = (c["beta_1"], 1.0 - c["beta_1"], c["beta_2"], 1.0 - c["beta_2"])
    return (*moments, c["epsilon"], c.get("weight_decay", 0.0))


# Name of the rule -> code, constants, and the columns of the step table that it reads after the learning rate.
RULES: dict[str, tuple[int, Constants, tuple[str, ...]]] = {
    "gradient_descent": (0, _none, ()), "momentum": (1, lambda c: (c["momentum"],), ()),
    "nesterov": (2, lambda c: (c["momentum"],), ()), "adagrad": (3, lambda c: (c["epsilon"],), ()),
    "rmsprop": (4, lambda c: (c["rho"], 1.0 - c["rho"], c["epsilon"]), ()),
    "adam": (5, _adam, ("correction_1", "correction_2")), "adam_classic": (6, _adam, ("correction",)),
    "adamw": (7, _adam, ("correction_1", "correction_2")),
}  # fmt: skip

_HOMES = {
    Activation: ("slope", "chainrule.calculus.activations"),
    Loss: ("slope", "chainrule.calculus.losses"),
    Rule: ("update", "chainrule.optim.rules"),
}


def is_built_in(record: Activation | Loss | Rule) -> bool:
    """Whether the record is chainrule's own, not one of the same name that somebody made."""
    function, home = _HOMES[type(record)]
    return getattr(getattr(record, function), "__module__", None) == home


@dataclass(frozen=True, eq=False)
class Lowered:
    """The structures, with the arrays that they point to."""

    spec: PlanSpec
    columns: tuple[str, ...]
    calls: bool
    kept: tuple[Any, ...]


def why_not(plan: Plan) -> str | None:
    """Why the compiled engine cannot run a plan, or None."""
    if plan.objective is None:
        return "the plan has no loss"
    if len(plan.inputs) != 1 or not plan.steps:
        return "the plan is not one chain of layers from one input"
    last = plan.inputs[0]
    for step in plan.steps:
        if step.sources != (last,):
            return f"the step to {step.target!r} does not continue the chain (this engine runs chains of layers)"
        if len(step.params) > 2:
            return f"the step to {step.target!r} has more than two parameters"
        last = step.target
    used = [name for step in plan.steps for name in step.params]
    if len(set(used)) != len(used):
        return "a parameter is shared by several steps"
    return None


def lower(plan: Plan, update: Update, seed: int) -> Lowered:
    """The plan's numbers as the compiled engine reads them."""
    assert plan.objective is not None
    slots = {slot.name: i for i, slot in enumerate(plan.slots)}
    params = {param.name: i for i, param in enumerate(plan.params)}
    kinds = [_kind(step) for step in plan.steps]
    matrices = {
        step.params[0] for step, (kind, _, _) in zip(plan.steps, kinds, strict=True) if kind == AFFINE and step.params
    }
    widths = np.array([slot.width for slot in plan.slots], np.int64)
    masks = [None if p.mask is None else np.ascontiguousarray(p.mask, np.uint8) for p in plan.params]
    param_specs = (ParamSpec * max(1, len(plan.params)))(
        *(_param(p, mask, p.name in matrices) for p, mask in zip(plan.params, masks, strict=True))
    )
    op_specs = (OpSpec * len(plan.steps))()
    for i, (step, (kind, function, constants)) in enumerate(zip(plan.steps, kinds, strict=True)):
        op = op_specs[i]
        op.kind, op.function, op.source, op.target = kind, function, slots[step.sources[0]], slots[step.target]
        op.params[: len(step.params)] = [params[name] for name in step.params]
        op.param_count = len(step.params)
        op.constants[: len(constants)] = constants
        if "stream" in step.constants:
            op.key[:] = rng.layer_key(seed, step.constants["stream"])
    objective = plan.objective
    outputs = plan.slot(plan.output).width
    loss, loss_constants = _loss(objective.loss, None if objective.head is None else objective.head.activation, outputs)
    rule, rule_constants, columns = _rule(update.rule)
    spec = PlanSpec(
        slot_count=len(plan.slots), param_count=len(plan.params), op_count=len(plan.steps), output=slots[plan.output],
        widths=widths.ctypes.data, params=param_specs, ops=op_specs, loss=loss, loss_source=slots[objective.source],
        outputs=outputs, mean=objective.reduction == "mean", loss_share=objective.loss.share(outputs), rule=rule,
        slot_arrays=len(update.rule.slots), l1=update.l1, l2=update.l2, clip_value=update.clip_value or 0.0,
        clip_norm=update.clip_norm or 0.0, size=plan.size,
    )  # fmt: skip
    spec.loss_constants[: len(loss_constants)] = loss_constants
    spec.rule_constants[: len(rule_constants)] = rule_constants
    calls = any(kind == CALL for kind, _, _ in kinds) or loss == BY_CALL or rule == BY_CALL
    return Lowered(spec, columns, calls, (widths, masks, param_specs, op_specs))


def _param(param: Param, mask: Any, matrix: bool) -> ParamSpec:
    to, source = param.shape if matrix else (param.size, 0)
    where = None if mask is None else mask.ctypes.data
    return ParamSpec(param.offset, to, source, param.learning_rate_factor, param.decay_factor, where)


def _kind(step: Step) -> tuple[int, int, tuple[float, ...]]:
    """Kind of operation, its function code, its constants."""
    constants = step.constants
    if step.op == "activation":
        return _activation(constants["activation"])
    if step.op == "maxout":
        return MAXOUT, constants["pieces"], ()
    if step.op == "dropout":
        return DROPOUT, 0, (constants["rate"],)
    if step.op == "normalise":
        return NORMALISE, 0, (constants["epsilon"],)
    return (
        {"affine": AFFINE, "softmax": SOFTMAX, "scale_shift": SCALE_SHIFT, "scale": SCALE_SHIFT}.get(step.op, CALL),
        0,
        (),
    )


def _activation(record: Activation) -> tuple[int, int, tuple[float, ...]]:
    if is_built_in(record):
        if record.name in ACTIVATIONS:
            code, constants = ACTIVATIONS[record.name]
            return ACTIVATION, code, constants(record.constants)
        if record.name == "prelu":
            return LEARNED_LEAKY, 0, ()
        if record.name == "rrelu":
            return DRAWN_LEAKY, 0, (record.constants["lower"], record.constants["upper"])
    return CALL, 0, ()


def _loss(loss: Loss, head: str | None, outputs: int) -> tuple[int, tuple[float, ...]]:
    if not is_built_in(loss) or (loss.name, head) not in LOSSES:
        return BY_CALL, ()
    code, constants = LOSSES[loss.name, head]
    return code, constants(loss.constants, outputs)


def _rule(rule: Rule) -> tuple[int, tuple[float, ...], tuple[str, ...]]:
    if not is_built_in(rule) or rule.name not in RULES:
        return BY_CALL, (), ()
    code, constants, columns = RULES[rule.name]
    return code, constants(rule.constants), columns


def address(array: np.ndarray[Any, Any] | None) -> int | None:
    """Where an array begins."""
    return None if array is None else int(array.__array_interface__["data"][0])


def view(pointer: int, rows: int, stride: int, width: int, dtype: np.dtype[Any]) -> np.ndarray[Any, Any]:
    """The engine's own memory as an array of shape (rows, width)."""
    kind = ctypes.c_float if dtype == np.float32 else ctypes.c_double
    flat = np.ctypeslib.as_array((kind * (rows * stride)).from_address(pointer))
    return flat.reshape(rows, stride)[:, :width]
