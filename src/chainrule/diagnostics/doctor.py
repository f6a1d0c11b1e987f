"""`diagnose`: what is wrong with this network, why, and what to do."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from chainrule.diagnostics.curing import retry_of
from chainrule.diagnostics.diagnosis import Diagnosis, Tried, examine
from chainrule.diagnostics.gather import Case, from_model, from_net, from_run
from chainrule.errors import SettingError
from chainrule.exchange import is_foreign
from chainrule.model import Model, load


def diagnose(
    subject: Model | str | os.PathLike[str] | Any,
    data: Any = None,
    y: Any = None,
    *,
    validation: Any = None,
    loss: Any = None,
) -> Diagnosis:
    """Find what ails a network: a verdict, the findings that lead to it, ranked, each with a remedy.

    subject: a `Model` or its file, with the `data` it was trained on (a path, a DataFrame, or X with its target `y`); or the
    folder of a run, also of one that diverged; or a fitted estimator, or a network of another library that
    `chainrule.exchange` reads, with the X and y it was trained on. validation: further rows to be held against those of
    training. loss: what a network of another library was trained with, where it does not carry it (a torch module never
    does), as that library's object or by chainrule's name. Data that the model was not trained on are taken as new rows:
    then nothing is said of the training.

    The findings are ranked by cause: the first is the one to treat. "cannot_tell" is a possible verdict.

    >>> from chainrule import Dense, Network, diagnose, fit
    >>> rows = {"a": [i % 13 for i in range(200)], "b": [i % 7 for i in range(200)]}
    >>> rows["y"] = [a * 1.5 + (b - 3.0) ** 2 for a, b in zip(rows["a"], rows["b"])]
    >>> net = Network(2, [Dense(8, "tanh", initializer="zeros"), Dense(1, initializer="zeros")])
    >>> found = diagnose(fit(rows, "y", network=net, task="regression", epochs=5, test=0), rows)
    >>> found.verdict, found.first.diagnostic
    ('ill', 'symmetric_units')
    """
    if is_foreign(subject):
        return examine(from_net(subject, data, y, validation=validation, loss=loss).evidence)
    if not isinstance(subject, (Model, str, os.PathLike)):
        own = getattr(subject, "diagnose", None)
        if own is None:
            raise SettingError(
                "CR202", "this cannot be diagnosed", expected="a Model, its file, the folder of a run or a fitted estimator",
                got=type(subject).__name__,
            )  # fmt: skip
        if y is None and isinstance(data, tuple) and len(data) == 2:
            data, y = data
        found: Diagnosis = own(data, y)
        return found
    case = case_of(subject, data, y, validation)
    return examine(case.evidence, None if case.prepared is None else retry_of(case))


def case_of(subject: Model | str | os.PathLike[str], data: Any, y: Any, validation: Any = None) -> Case:
    """The evidence on a model, its file, or a run."""
    if isinstance(subject, Model):
        return from_model(subject, data, y, validation=validation)
    if Path(subject).is_dir():
        return from_run(subject, data, y)
    model = load(subject)
    source = model.card.get("data", {}).get("source") if data is None else data
    return from_model(model, source, y, validation=validation)


def cure(diagnosis: Diagnosis) -> Tried | None:
    """Train again from the beginning with the remedy of the first finding, on the same rows with the same seed, and measure
    both on the same rows kept away. None where there is nothing to treat, or no settings that could.

    `tried.helped` says whether it got better; `print(tried)` is the whole sentence.
    """
    first = diagnosis.first
    if first is None or not first.is_ill or diagnosis.retry is None or not first.remedy.settings:
        return None
    return diagnosis.retry(first.remedy)
