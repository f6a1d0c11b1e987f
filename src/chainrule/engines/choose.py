"""Which engine runs a plan."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from chainrule.constraints import choice
from chainrule.engines.base import Engine
from chainrule.engines.native import NativeEngine
from chainrule.engines.reference import ReferenceEngine
from chainrule.errors import ChainruleWarning, SettingError
from chainrule.optim.rule import Update
from chainrule.plan import Plan

_said: set[str] = set()


def choose(engine: Engine | str, plan: Plan, update: Update, dtype: np.dtype[Any]) -> Engine:
    """The engine of that name; "auto" is the fastest that can run the plan. An engine passes through.

    Where "auto" has to fall back to the reference engine it says why, once per reason. Raises `SettingError` CR702 when
    the compiled engine is asked for by name and cannot run the plan.
    """
    if not isinstance(engine, str):
        return engine
    choice("engine", engine, ("auto", "native", "reference"))
    if engine == "reference":
        return ReferenceEngine()
    native = NativeEngine()
    reason = native.refuses(plan, update, np.dtype(dtype))
    if reason is None:
        return native
    if engine == "native":
        raise SettingError("CR702", f"the compiled engine cannot run this: {reason}", hint='use engine="reference"')
    if reason not in _said:
        _said.add(reason)
        warnings.warn(f"the reference engine is used, which is slower: {reason}", ChainruleWarning, stacklevel=2)
    return ReferenceEngine()
