"""The compiled engine's libraries: finding them, choosing the one for this CPU, and the C structures they read."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

import chainrule.engines as package
from chainrule.errors import SettingError

FASTEST_FIRST = ("avx512", "avx2", "baseline")
INTERFACE = 2  # native/plan.hpp: INTERFACE

pointer, whole, real, word = ctypes.c_void_p, ctypes.c_int64, ctypes.c_double, ctypes.c_int32


class ParamSpec(ctypes.Structure):
    """native/plan.hpp: ParamSpec."""

    _fields_ = [
        ("offset", whole), ("to", whole), ("from_", whole), ("rate_factor", real), ("decay_factor", real), ("mask", pointer),
    ]  # fmt: skip


class OpSpec(ctypes.Structure):
    """native/plan.hpp: OpSpec."""

    _fields_ = [
        ("kind", word), ("source", word), ("target", word), ("function", word), ("params", word * 2), ("param_count", word),
        ("key", ctypes.c_uint32 * 2), ("unused", word), ("constants", real * 4),
    ]  # fmt: skip


class PlanSpec(ctypes.Structure):
    """native/plan.hpp: PlanSpec."""

    _fields_ = [
        ("slot_count", word), ("param_count", word), ("op_count", word), ("output", word), ("widths", pointer),
        ("params", ctypes.POINTER(ParamSpec)), ("ops", ctypes.POINTER(OpSpec)), ("loss", word), ("loss_source", word),
        ("outputs", word), ("mean", word), ("loss_share", real), ("loss_constants", real * 2), ("rule", word),
        ("slot_arrays", word), ("rule_constants", real * 6), ("l1", real), ("l2", real), ("clip_value", real),
        ("clip_norm", real), ("size", whole),
    ]  # fmt: skip


class CallFrame(ctypes.Structure):
    """native/plan.hpp: CallFrame."""

    _fields_ = [
        ("what", word), ("op", word), ("training", word), ("unused", word), ("rows", whole), ("step", whole),
        ("numbers", pointer), ("source", pointer), ("target", pointer), ("delta_source", pointer), ("delta_target", pointer),
        ("source_stride", whole), ("target_stride", whole), ("params", pointer * 2), ("gradients", pointer * 2),
        ("losses", pointer), ("factors", pointer), ("y", pointer),
    ]  # fmt: skip


class RowsSpec(ctypes.Structure):
    """native/engine.cpp: RowsSpec."""

    _fields_ = [("x", pointer), ("y", pointer), ("codes", pointer), ("weights", pointer), ("count", whole)]


Call = ctypes.CFUNCTYPE(word, ctypes.POINTER(CallFrame))

_ARGUMENTS: dict[str, tuple[Any, list[Any]]] = {
    "open": (pointer, [ctypes.POINTER(PlanSpec), pointer, pointer, word, Call]),
    "close": (None, [pointer]),
    "train": (
        word,
        [pointer, ctypes.POINTER(RowsSpec), pointer, whole, whole, whole, pointer, whole, pointer, pointer],
    ),
    "gradient": (word, [pointer, ctypes.POINTER(RowsSpec), pointer, pointer]),
    "predict": (word, [pointer, pointer, whole, pointer]),
    "trace": (word, [pointer, ctypes.POINTER(RowsSpec), pointer, whole, whole, *[pointer] * 6]),
    "take_out": (None, [pointer, word, pointer]),
    "put_in": (None, [pointer, word, pointer]),
    "poison": (None, [pointer]),
    "damaged": (whole, [pointer]),
}


class Library:
    """One instruction set's library; its functions by name for a float type: `library.functions(dtype)["train"]`."""

    def __init__(self, isa: str, path: Path) -> None:
        self.isa = isa
        self.handle = ctypes.CDLL(str(path))
        number = getattr(self.handle, "interface_number", None)
        if number is None or number() != INTERFACE:
            raise SettingError(
                "CR702", "the compiled engine was built from other sources than this version of chainrule", where=str(path),
                expected=f"interface {INTERFACE}", got="none" if number is None else str(number()),
                hint="install chainrule again, or build its engine again as docs/engine.md says",
            )  # fmt: skip

    @cache  # noqa: B019  libraries live as long as the process
    def functions(self, dtype: np.dtype[Any]) -> dict[str, Callable[..., Any]]:
        found = {}
        for name, (result, arguments) in _ARGUMENTS.items():
            function = getattr(self.handle, f"{name}_{dtype.name}")
            function.restype, function.argtypes = result, arguments
            found[name] = function
        return found


def built() -> dict[str, Path]:
    """The libraries that are installed, by instruction set."""
    found: dict[str, Path] = {}
    for folder in package.__path__:
        for path in sorted(Path(folder, "_native").glob("chainrule_*.*")):
            found.setdefault(path.stem.removeprefix("chainrule_"), path)
    return found


@cache
def _open(isa: str) -> Library:
    return Library(isa, built()[isa])


@cache
def runnable() -> tuple[str, ...]:
    """The instruction sets whose libraries are installed and run on this CPU, fastest first; none where they do not load."""
    here = built()
    if "baseline" not in here:
        return ()
    try:
        runs = _open("baseline").handle.machine_runs
    except OSError:  # built for another system
        return ()
    return tuple(isa for isa in (*FASTEST_FIRST, "wide") if isa in here and runs(isa.encode()))


def library(widest: int = 16) -> Library | None:
    """The fastest library for this CPU, or the one that the environment variable CHAINRULE_ISA names; None without any.

    widest: floats of four bytes in the widest layer. Where every layer fits a vector of AVX2, half of one of AVX-512 would be
    empty: AVX2 is faster then, and gives the same bits.
    """
    wanted = os.environ.get("CHAINRULE_ISA")
    if wanted is None:
        fast = [isa for isa in runnable() if isa != "avx512" or widest > 8 or "avx2" not in runnable()]
        return _open(fast[0]) if fast else None
    if wanted not in runnable():
        raise SettingError(
            "CR702", "no compiled engine for this instruction set", where="environment variable CHAINRULE_ISA",
            expected="one of " + ", ".join(runnable()) if runnable() else "no value: nothing is built", got=wanted,
        )  # fmt: skip
    return _open(wanted)
