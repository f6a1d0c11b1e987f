"""The four steps of learning, callable one by one: initialise, forward, backward, update."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from chainrule.constraints import whole
from chainrule.engines.base import Rows
from chainrule.engines.reference import backward_pass, forward_pass, frozen
from chainrule.engines.trace import Gradient, Trace
from chainrule.errors import DataError, SettingError
from chainrule.expression import Expression
from chainrule.layers.layer import Pass
from chainrule.network import Network
from chainrule.optim.rule import Rule, Update
from chainrule.optim.rules import rules
from chainrule.plan import Plan
from chainrule.shapes import Array, Ints, read_only


def forward(
    network: Network | Expression,
    theta: ArrayLike,
    x: ArrayLike,
    y: ArrayLike | None = None,
    *,
    sample_weight: ArrayLike | None = None,
    training: bool = False,
    seed: int = 0,
    step: int = 0,
    rows: ArrayLike | None = None,
) -> Trace:
    """Run the network on examples and record every net input and activation.

    theta: (network.plan.size,); its float type is the one computed in. x: (n, inputs), or one example (inputs,).
    y: (n, outputs), (n,) for one output, or class codes (n,). sample_weight: (n,).
    training=True draws dropout masks and the like, from `seed` at `step` for the examples' row numbers `rows`.

    >>> from chainrule import Dense, Network, forward
    >>> net = Network(2, [Dense(1, "sigmoid")], loss="half_squared_error")
    >>> trace = forward(net, [0.5, -1.0, 0.25], [1.0, 2.0], [1.0])
    >>> float(trace["z1"][0, 0]), round(trace.loss, 6)
    (-1.25, 0.302098)
    """
    plan = network.plan
    parameters = np.asarray(theta)
    if parameters.dtype not in (np.float32, np.float64):
        parameters = parameters.astype(np.float64)
    if parameters.shape != (plan.size,):
        raise SettingError("CR115", "θ has the wrong shape", expected=str((plan.size,)), got=str(parameters.shape))
    _check_masks(plan, parameters)
    inputs = _matrix(x, plan.input_width, "x", parameters.dtype)
    targets = None if y is None else _targets(y, len(inputs), plan.slot(plan.output).width, parameters.dtype)
    if targets is None and plan.objective is not None and plan.objective.loss.name == "output":
        targets = np.zeros((len(inputs), plan.slot(plan.output).width), parameters.dtype)
    if targets is not None and np.issubdtype(targets.dtype, np.floating) and plan.objective is not None:
        plan.objective.loss.check_targets(targets)  # type: ignore[arg-type]
    weights = None if sample_weight is None else _weights(sample_weight, len(inputs), parameters.dtype)
    numbers: Ints = np.arange(len(inputs)) if rows is None else np.asarray(rows, np.int64)
    if numbers.shape != (len(inputs),):
        raise DataError("CR104", "one row number per example", expected=str((len(inputs),)), got=str(numbers.shape))
    run = Pass(numbers, training, whole("seed", seed, low=0), whole("step", step, low=0))
    return frozen(forward_pass(plan, parameters.copy(), Rows(inputs, targets, weights), run))


def backward(trace: Trace) -> Gradient:
    """The gradient of the trace's loss: of every slot (`.deltas`) and of every parameter, by the chain rule.

    The trace must hold targets. `gradient["W1"]` has the shape of the weights, `numpy.asarray(gradient)` that of θ.
    """
    if trace.loss is None:
        raise SettingError("CR204", "a gradient needs a loss, and a loss needs targets", hint="pass y to forward")
    return Gradient(frozen(backward_pass(trace)))


def update(
    rule: str | Rule | Update,
    theta: ArrayLike,
    gradient: ArrayLike | Gradient,
    *,
    memory: dict[str, Any] | None = None,
    **constants: float,
) -> Array:
    """One step of an update rule: the new θ, read-only. `constants` are those of the rule, such as `learning_rate`.

    Rules with a memory (momentum, Adam) keep it in `memory`, a dict that you pass again at the next step; it also
    counts the steps. Penalties and clipping are given by an `Update`.

    >>> from chainrule import update
    >>> update("gradient_descent", [1.0, 2.0], [0.5, -0.5], learning_rate=0.1).tolist()
    [0.95, 2.05]
    """
    if isinstance(rule, Update):
        whole_update = rule
    else:
        whole_update = Update(rules.get(rule, **constants) if isinstance(rule, str) else rule)
    plan = gradient.trace.plan if isinstance(gradient, Gradient) else None
    parameters = np.asarray(theta)
    parameters = parameters if parameters.dtype == np.float32 else parameters.astype(np.float64)
    slope = np.asarray(gradient, dtype=parameters.dtype)
    if slope.shape != parameters.shape:
        raise SettingError(
            "CR115", "θ and its gradient differ in shape", expected=str(parameters.shape), got=str(slope.shape)
        )
    memory = {} if memory is None else memory
    count = memory.get("step", 0) + 1
    slots = memory.get("slots") or tuple(np.zeros_like(parameters) for _ in whole_update.rule.slots)
    ones = np.ones(parameters.size)
    rates = plan.per_entry("learning_rate_factor") if plan else ones
    decay = (plan.per_entry("decay_factor") if plan else ones).astype(parameters.dtype)
    table = whole_update.rule.table(count, np.ones(1))
    scalars: dict[str, Any] = {name: parameters.dtype.type(column[0]) for name, column in table.items()}
    scalars["learning_rate"] = scalars["learning_rate"] * rates.astype(parameters.dtype)
    scalars["decay_factor"] = decay
    direction = whole_update.direction(parameters, slope, decay)
    moved, slots = whole_update.rule.update(parameters, direction, slots, scalars)
    memory.update(step=count, slots=slots)
    return read_only(moved)


def _check_masks(plan: Plan, theta: Array) -> None:
    for param in plan.params:
        if param.mask is not None and param.of(theta)[~param.mask].any():
            raise SettingError(
                "CR204", f"θ has weights in {param.name} where its mask allows no connection", expected="0 there",
                hint="begin with initialize(network), which keeps them at 0",
            )  # fmt: skip


def _check_finite(array: Array, name: str, missing_code: str = "CR101") -> None:
    bad = np.argwhere(~np.isfinite(array))
    if len(bad):
        row, column = bad[0]
        missing = bool(np.isnan(array[row, column]))
        raise DataError(
            missing_code if missing else "CR102", f"{name} holds {'missing' if missing else 'infinite'} values",
            where=f"row {row}, column {column}", expected="finite numbers", got=str(array[row, column]),
        )  # fmt: skip


def _matrix(x: ArrayLike, width: int, name: str, dtype: Any) -> Array:
    try:
        array = np.asarray(x, dtype)
    except (TypeError, ValueError) as reason:
        raise DataError("CR106", f"{name} must be numbers", got=str(reason)) from None
    if array.ndim == 1 and array.shape[0] == width:
        array = array[None, :]
    if array.ndim != 2 or array.shape[1] != width:
        raise DataError("CR115", f"{name} has the wrong shape", expected=f"(rows, {width})", got=str(array.shape))
    _check_finite(array, name)
    return np.array(array, dtype, order="C")


def _targets(y: ArrayLike, n: int, outputs: int, dtype: Any) -> Array | Ints:
    array = np.asarray(y)
    if array.ndim == 1 and outputs > 1 and len(array) == n and np.issubdtype(array.dtype, np.integer):
        if array.min(initial=0) < 0 or array.max(initial=0) >= outputs:
            bad = array.min() if array.min() < 0 else array.max()
            raise DataError("CR108", "a class code outside the outputs", expected=f"0 to {outputs - 1}", got=str(bad))
        return array.astype(np.int64)
    try:
        array = array.astype(dtype)
    except (TypeError, ValueError) as reason:
        raise DataError("CR106", "y must be numbers", got=str(reason), hint="encode classes as 0, 1, 2, …") from None
    if array.ndim <= 1:
        array = array.reshape(n, -1) if array.size == n * outputs else array
    if array.shape != (n, outputs):
        raise DataError("CR104", "y does not fit x and the outputs", expected=str((n, outputs)), got=str(np.shape(y)))
    _check_finite(array, "y", "CR114")
    return np.array(array, dtype, order="C")


def _weights(weights: ArrayLike, n: int, dtype: Any) -> Array:
    try:
        array = np.asarray(weights, dtype)
    except (TypeError, ValueError) as reason:
        raise DataError("CR106", "weights must be numbers", got=str(reason)) from None
    if array.shape != (n,):
        raise DataError("CR104", "one weight per example is needed", expected=str((n,)), got=str(array.shape))
    bad = np.flatnonzero(~(array >= 0) | ~np.isfinite(array))
    if bad.size:
        raise DataError(
            "CR112", "weights must be finite and not negative", where=f"row {bad[0]}", got=str(array[bad[0]])
        )
    return array
