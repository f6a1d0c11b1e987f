"""Which engine runs a plan."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.constraints import choice
from chainrule.engines.base import Engine
from chainrule.engines.reference import ReferenceEngine
from chainrule.optim.rule import Update
from chainrule.plan import Plan


def choose(engine: Engine | str, plan: Plan, update: Update, dtype: np.dtype[Any]) -> Engine:
    """The engine of that name; "auto" is the fastest that can run the plan. An engine passes through."""
    if not isinstance(engine, str):
        return engine
    choice("engine", engine, ("auto", "reference"))
    return ReferenceEngine()
