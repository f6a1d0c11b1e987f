"""The compiled engine: whole epochs in C++ without the GIL, from the same Plan as the reference engine.

The same bits for any number of threads, on AVX-512 and AVX2, from run to run and after export and open. Its sources are in
`native/`; `docs/engine.md` says how it works, what its error bounds are and how to build it.
"""

from __future__ import annotations

import ctypes
import os
import weakref
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.constraints import whole
from chainrule.engines.base import Rows, Session, Steps
from chainrule.engines.calls import Calls
from chainrule.engines.library import Call, Library, RowsSpec, library
from chainrule.engines.lowering import Lowered, address, lower, why_not
from chainrule.engines.reference import frozen, targets
from chainrule.engines.trace import Trace
from chainrule.errors import DataError, SettingError
from chainrule.layers.layer import Pass
from chainrule.optim.rule import Update
from chainrule.plan import Plan
from chainrule.shapes import Array, Ints


def thread_count(n_jobs: int | None = None) -> int:
    """How many threads may be used: n_jobs (−1: every core), else CHAINRULE_NUM_THREADS, else the cores given to us."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if n_jobs is None:
        text = os.environ.get("CHAINRULE_NUM_THREADS", "")
        if not text:
            return cores
        if not text.isdigit() or int(text) == 0:
            raise SettingError(
                "CR202", "the number of threads must be a whole number of at least 1",
                where="environment variable CHAINRULE_NUM_THREADS", got=repr(text),
            )  # fmt: skip
        return int(text)
    if n_jobs == -1:
        return cores
    return whole("n_jobs", n_jobs, low=1)


class NativeEngine:
    """Compiled, float64 or float32, chains of layers; records without a kernel are called in NumPy once per batch."""

    name = "native"

    def refuses(self, plan: Plan, update: Update, dtype: np.dtype[Any]) -> str | None:
        if library() is None:
            return "the compiled engine is not built here (no C++ compiler was found when chainrule was installed)"
        if np.dtype(dtype) not in (np.float32, np.float64):
            return f"numbers of type {np.dtype(dtype)} (this engine computes in float32 and float64)"
        if len(update.rule.slots) > 2:
            return f"the rule {update.rule.name!r} remembers more than two arrays"
        return why_not(plan)

    def is_all_compiled(self, plan: Plan, update: Update) -> bool:
        """Whether every record of the plan has a kernel, so that Python's lock is free while it trains."""
        return not lower(plan, update, 0).calls

    def open(
        self,
        plan: Plan,
        theta: Array,
        slots: tuple[Array, ...],
        update: Update,
        *,
        seed: int,
        n_jobs: int | None = None,
    ) -> Session:
        reason = self.refuses(plan, update, theta.dtype)
        if reason is not None:
            raise SettingError("CR702", f"the compiled engine cannot run this: {reason}", hint='use engine="reference"')
        found = library(max(slot.width for slot in plan.slots) * theta.itemsize // 4)
        assert found is not None
        return NativeSession(found, plan, theta, slots, update, seed, thread_count(n_jobs))


class NativeSession:
    """A network being trained by the compiled engine."""

    def __init__(
        self,
        found: Library,
        plan: Plan,
        theta: Array,
        slots: tuple[Array, ...],
        update: Update,
        seed: int,
        threads: int,
    ) -> None:
        self.plan, self.update, self.seed, self.dtype = plan, update, seed, theta.dtype
        self.isa, self.threads = found.isa, threads
        _check("theta", theta, theta.dtype, (plan.size,))
        rule = update.rule
        if len(slots) != len(rule.slots):
            raise DataError("CR104", f"the rule {rule.name!r} remembers {len(rule.slots)} arrays", got=str(len(slots)))
        for name, slot in zip(rule.slots, slots, strict=True):
            _check(f"slot {name!r}", slot, theta.dtype, (plan.size,))
        self._functions = found.functions(np.dtype(theta.dtype.name))
        self._lowered: Lowered = lower(plan, update, seed)
        self._calls = Calls(plan, update, self.dtype, seed, self._exchange)
        self._call = Call(self._calls) if self._lowered.calls else Call()
        where = (ctypes.c_void_p * 2)(*[address(slot) for slot in slots])
        self._handle = self._functions["open"](
            ctypes.byref(self._lowered.spec), address(theta), where, threads, self._call
        )
        if not self._handle:
            raise MemoryError("not enough memory for the network")
        self._close = weakref.finalize(self, self._functions["close"], self._handle)
        self._width, self._outputs = plan.input_width, plan.slot(plan.output).width

    def train(self, rows: Rows, order: Ints, batch_size: int, table: Mapping[str, Array], first_step: int) -> Steps:
        spec = self._rows(rows, needs_targets=True)
        if order.ndim != 2:
            raise DataError("CR103", "`order` has two dimensions", expected="(epochs, rows)", got=str(order.shape))
        epochs, m = order.shape
        _check("order", order, np.dtype(np.int64), (epochs, m))
        _within("order", order, len(rows))
        whole("batch_size", batch_size, low=1)
        whole("first_step", first_step, low=0)
        steps = epochs * -(-m // batch_size)
        columns = []
        for name in ("learning_rate", *self._lowered.columns):
            if name not in table:
                raise DataError("CR104", f"the step table has no column {name!r}", got=", ".join(table) or "nothing")
        for name, column in table.items():
            _check(f"table[{name!r}]", column, np.dtype(np.float64), (steps,))
        columns = [address(table[name]) for name in ("learning_rate", *self._lowered.columns)]
        losses, done = np.zeros(steps), ctypes.c_int64(0)
        self._calls.table, self._calls.first_step = table, first_step
        self._run(
            "train", ctypes.byref(spec), address(order), epochs, m, batch_size, (ctypes.c_void_p * 3)(*columns), first_step,
            address(losses), ctypes.byref(done),
        )  # fmt: skip
        return Steps(losses[: done.value])

    def gradient(self, rows: Rows) -> tuple[float, Array]:
        spec = self._rows(rows, needs_targets=True)
        loss, gradient = ctypes.c_double(0.0), np.empty(self.plan.size, self.dtype)
        self._run("gradient", ctypes.byref(spec), ctypes.byref(loss), address(gradient))
        return loss.value, gradient

    def predict(self, x: Array) -> Array:
        # The one call that may be made for a single row: its checks are the cheap ones.
        if x.dtype != self.dtype or x.ndim != 2 or x.shape[1] != self._width or not x.flags.c_contiguous:
            _check("x", x, self.dtype, (len(x) if x.ndim else 0, self._width))
        outputs = np.empty((len(x), self._outputs), self.dtype)
        status = self._functions["predict"](self._handle, address(x), len(x), address(outputs))
        if status:
            self._raise(status)
        return outputs

    def trace(self, rows: Rows, index: Ints, step: int) -> Trace:
        spec = self._rows(rows, needs_targets=True)
        _check("index", index, np.dtype(np.int64), (len(index),))
        _within("index", index, len(rows))
        whole("step", step, low=0)
        plan, n, objective = self.plan, len(index), self.plan.objective
        assert objective is not None and rows.y is not None
        values = {slot.name: np.empty((n, slot.width), self.dtype) for slot in plan.slots}
        reached = [slot.name for slot in plan.slots[: 1 + [s.name for s in plan.slots].index(objective.source)]]
        deltas = {name: np.empty_like(values[name]) for name in reached}
        losses, factors, gradient = (np.empty(size, self.dtype) for size in (n, n, plan.size))
        loss = ctypes.c_double(0.0)
        places = len(plan.slots)
        self._run(
            "trace", ctypes.byref(spec), address(index), n, step,
            (ctypes.c_void_p * places)(*[address(values[slot.name]) for slot in plan.slots]),
            (ctypes.c_void_p * places)(*[address(deltas.get(slot.name)) for slot in plan.slots]),
            address(losses), address(factors), ctypes.byref(loss), address(gradient),
        )  # fmt: skip
        part = rows.take(index)
        assert part.y is not None
        y = targets(plan, part.y, self.dtype)
        if plan.output not in deltas:  # shown beside the fused head, which does not need it
            scale = factors[:, None] * self.dtype.type(objective.loss.share(y.shape[1]))
            with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
                deltas[plan.output] = scale * objective.loss.slope(y, values[plan.output])
        run = Pass(index, True, self.seed, step)
        theta, _ = self.export()
        return frozen(
            Trace(
                plan,
                theta,
                part.x,
                y,
                part.weights,
                values,
                losses,
                factors,
                loss.value,
                run,
                "native",
                deltas,
                gradient,
            )
        )

    def export(self) -> tuple[Array, tuple[Array, ...]]:
        return self._exchange(0), tuple(self._exchange(1 + i) for i in range(len(self.update.rule.slots)))

    def load(self, theta: Array, slots: tuple[Array, ...]) -> None:
        for what, array in enumerate((theta, *slots)):
            _check("theta" if not what else f"slot {what - 1}", array, self.dtype, (self.plan.size,))
            self._exchange(what, array)

    def _exchange(self, what: int, array: Array | None = None) -> Array:
        if array is None:
            array = np.empty(self.plan.size, self.dtype)
            self._functions["take_out"](self._handle, what, address(array))
        else:
            self._functions["put_in"](self._handle, what, address(array))
        return array

    def _rows(self, rows: Rows, *, needs_targets: bool) -> RowsSpec:
        n = len(rows)
        _check("rows.x", rows.x, self.dtype, (n, self._width))
        y, codes = rows.y, None
        if y is None:
            if needs_targets:
                raise DataError("CR114", "training needs targets", where="rows.y", got="None")
        elif y.ndim == 1 and np.issubdtype(y.dtype, np.integer):
            _check("rows.y", y, np.dtype(np.int64), (n,))
            _within("rows.y", y, self._outputs)
            y, codes = None, y
        else:
            _check("rows.y", y, self.dtype, (n, self._outputs))
        if rows.weights is not None:
            _check("rows.weights", rows.weights, self.dtype, (n,))
        return RowsSpec(address(rows.x), address(y), address(codes), address(rows.weights), n)

    def _run(self, name: str, *arguments: Any) -> None:
        self._calls.error = None
        status = self._functions[name](self._handle, *arguments)
        if status:
            self._raise(status)

    def _raise(self, status: int) -> None:
        if status == 2:
            raise MemoryError("not enough memory for a batch of this size")
        error, self._calls.error = self._calls.error, None
        assert error is not None
        raise error


def _check(name: str, array: Any, dtype: np.dtype[Any], shape: tuple[int, ...]) -> None:
    """Refuse an array of another type, shape or order: nothing is copied silently."""
    if not isinstance(array, np.ndarray) or array.dtype != dtype:
        got = str(array.dtype) if isinstance(array, np.ndarray) else type(array).__name__
        raise DataError("CR106", f"`{name}` has the wrong type", expected=str(dtype), got=got)
    if array.shape != shape:
        raise DataError("CR115", f"`{name}` has the wrong shape", expected=str(shape), got=str(array.shape))
    if not array.flags.c_contiguous or not array.flags.aligned or not array.dtype.isnative:
        raise DataError(
            "CR115", f"`{name}` does not lie in memory row by row", expected="a C-contiguous array",
            got=f"strides {array.strides}", hint="use numpy.ascontiguousarray",
        )  # fmt: skip


def _within(name: str, numbers: NDArray[Any], count: int) -> None:
    if numbers.size and (numbers.min() < 0 or numbers.max() >= count):
        got = f"{numbers.min()} to {numbers.max()}"
        raise DataError("CR115", f"`{name}` holds numbers out of range", expected=f"0 to {count - 1}", got=got)
