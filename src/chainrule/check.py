"""All laws over all catalogs, on this machine: is this installation right?"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import partial
from itertools import product
from typing import Any

import numpy as np

from chainrule.constraints import choice
from chainrule.engines.base import Engine
from chainrule.engines.native import NativeEngine
from chainrule.engines.reference import ReferenceEngine
from chainrule.laws import SUBJECTS, network, rule, training
from chainrule.laws.cases import cases
from chainrule.optim.rule import Update
from chainrule.optim.rules import rules
from chainrule.plan import verify

DTYPES: tuple[np.dtype[Any], ...] = (np.dtype(np.float64), np.dtype(np.float32))


def check(engine: Engine | str = "auto", seed: int = 0) -> list[dict[str, Any]]:
    """Hold every law to every record of the catalogs and to random networks, and the engine to the definition.

    One entry per law and subject: `law`, `subject`, `passed`, `seconds`, and the `message` of what was broken or None.
    engine: "reference", "native", "auto" for both, or an engine; what an engine refuses to run is left out.
    The seed draws the networks' numbers. Nothing is raised for a broken law: it is reported.

    >>> report = check("reference")
    >>> all(entry["passed"] for entry in report), len(report) > 500
    (True, True)
    """
    return [_held(*job) for job in _jobs(engine, seed)]


def _engines(engine: Engine | str) -> tuple[Engine, ...]:
    if not isinstance(engine, str):
        return (engine,)
    known: dict[str, tuple[Engine, ...]] = {"reference": (ReferenceEngine(),), "native": (NativeEngine(),)}
    known["auto"] = known["reference"] + known["native"]
    return known[choice("engine", engine, known)]


def _held(law: str, subject: str, promise: Callable[[], None]) -> dict[str, Any]:
    start = time.perf_counter()
    message = None
    try:
        promise()
    except Exception as reason:  # a law that cannot even be evaluated is broken too
        message = f"{type(reason).__name__}: {reason}"
    seconds = time.perf_counter() - start
    return {"law": law, "subject": subject, "passed": message is None, "seconds": seconds, "message": message}


def _jobs(engine: Engine | str, seed: int) -> Iterator[tuple[str, str, Callable[[], None]]]:
    for subject in SUBJECTS.values():
        for record in subject.catalog:
            for law in subject.laws:
                yield law.name, f"{subject.catalog.kind} {record.name}", partial(law.check, record)
    yield "slope", "penalties", rule.penalties_have_the_slope_of_their_value
    every_rule = list(rules)
    for number, case in enumerate(cases(seed)):
        yield "layout", case.name, partial(verify, case.plan)
        for held in network.LAWS:
            yield held.name, case.name, partial(held.check, case)
        if case.plan is not case.network.plan:
            continue
        by = every_rule[number % len(every_rule)]
        for runs, dtype in product(_engines(engine), DTYPES):
            if runs.refuses(case.plan, Update(by), dtype) is not None:
                continue
            kind = f"{case.name}, {runs.name} engine, {dtype}"
            yield "definition", kind, partial(training.gradients_are_those_of_the_definition, case, runs, dtype)
            yield (
                "four steps",
                f"{kind}, {by.name}",
                partial(training.training_is_the_four_steps, case, runs, by, dtype),
            )
