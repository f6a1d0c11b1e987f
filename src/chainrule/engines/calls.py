"""Records that have no compiled kernel: the compiled engine calls NumPy for them, once per batch."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from chainrule.engines.library import CallFrame
from chainrule.engines.lowering import view
from chainrule.layers import OPS
from chainrule.layers.layer import Pass
from chainrule.optim.rule import Update
from chainrule.plan import Plan
from chainrule.shapes import Array

FORWARD, BACKWARD, LOSS, UPDATE = range(4)


@dataclass
class Calls:
    """Answers the engine's calls. `exchange(what)` reads and `exchange(what, array)` writes its θ (0), slots, gradient (3).

    What goes wrong in a record's code is kept in `error`, since it cannot pass through the engine.
    """

    plan: Plan
    update: Update
    dtype: np.dtype[Any]
    seed: int
    exchange: Callable[..., Array]
    table: Mapping[str, Array] = field(default_factory=dict)
    first_step: int = 0
    error: BaseException | None = None

    def __call__(self, pointer: Any) -> int:
        try:
            with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
                frame: CallFrame = pointer.contents
                (self._forward, self._backward, self._loss, self._move)[frame.what](frame)
        except BaseException as reason:  # also Ctrl-C: it is raised again when the engine returns
            self.error = reason
            return 1
        return 0

    def _array(self, address: int, rows: int, stride: int, width: int) -> Array:
        return view(address, rows, stride, width, self.dtype)

    def _pass(self, frame: CallFrame) -> Pass:
        if not frame.numbers:
            return Pass(np.arange(frame.rows), bool(frame.training), self.seed, frame.step)
        numbers = np.ctypeslib.as_array((ctypes.c_int64 * frame.rows).from_address(frame.numbers))
        return Pass(numbers, bool(frame.training), self.seed, frame.step)

    def _operands(self, frame: CallFrame) -> tuple[Any, Array, Array, tuple[Array, ...]]:
        step = self.plan.steps[frame.op]
        n = frame.rows
        source = self._array(frame.source, n, frame.source_stride, self.plan.slot(step.sources[0]).width)
        target = self._array(frame.target, n, frame.target_stride, self.plan.slot(step.target).width)
        params = tuple(
            self._array(frame.params[i], 1, self.plan.param(name).size, self.plan.param(name).size)[0].reshape(
                self.plan.param(name).shape
            )
            for i, name in enumerate(step.params)
        )
        return step, source, target, params

    def _forward(self, frame: CallFrame) -> None:
        step, source, target, params = self._operands(frame)
        target[...] = OPS[step.op].forward(step, (source,), params, self._pass(frame))

    def _backward(self, frame: CallFrame) -> None:
        step, source, target, params = self._operands(frame)
        delta = self._array(frame.delta_target, frame.rows, frame.target_stride, target.shape[1])
        run = self._pass(frame)
        (local,) = OPS[step.op].local(step, (source,), params, target, run)
        for i, gradient in enumerate(OPS[step.op].gradients(step, (source,), params, delta, run)):
            self._array(frame.gradients[i], 1, gradient.size, gradient.size)[0] = gradient.ravel()
        into = self._array(frame.delta_source, frame.rows, frame.source_stride, source.shape[1])
        into[...] = local.pull(delta)

    def _loss(self, frame: CallFrame) -> None:
        objective = self.plan.objective
        assert objective is not None
        n, k = frame.rows, self.plan.slot(self.plan.output).width
        source = self._array(frame.source, n, frame.source_stride, k)
        y = self._array(frame.y, n, k, k)
        factors = self._array(frame.factors, 1, n, n)[0]
        self._array(frame.losses, 1, n, n)[0] = objective.loss.per_example(y, source, objective.head)
        slope = objective.head.slope if objective.head else objective.loss.slope
        into = self._array(frame.delta_source, n, frame.source_stride, k)
        into[...] = factors[:, None] * self.dtype.type(objective.loss.share(k)) * slope(y, source)

    def _move(self, frame: CallFrame) -> None:
        kind = self.dtype.type
        theta, gradient = self.exchange(0), self.exchange(3)
        slots = tuple(self.exchange(1 + i) for i in range(len(self.update.rule.slots)))
        decay = self.plan.per_entry("decay_factor").astype(self.dtype)
        scalars: dict[str, Any] = {
            name: kind(column[frame.step - self.first_step]) for name, column in self.table.items()
        }
        scalars["learning_rate"] = scalars["learning_rate"] * self.plan.per_entry("learning_rate_factor").astype(
            self.dtype
        )
        scalars["decay_factor"] = decay
        direction = self.update.direction(theta, gradient, decay)
        moved, remembered = self.update.rule.update(theta, direction, slots, scalars)
        self.exchange(0, np.ascontiguousarray(moved, self.dtype))
        for i, slot in enumerate(remembered):
            self.exchange(1 + i, np.ascontiguousarray(slot, self.dtype))
