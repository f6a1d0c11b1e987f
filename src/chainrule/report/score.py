"""The section on the score, beside simple methods; its headline is what the page says first."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

import numpy as np

from chainrule.metrics import defaults
from chainrule.report.charts import interval, number
from chainrule.report.facts import Facts
from chainrule.report.markup import Section, paragraph, table


def headline(facts: Facts) -> Any:
    """What the page says first."""
    found = _metrics(facts)
    if not found:
        return "Trained; no rows were kept away to measure on."
    name, first = next(iter(found.items()))
    beside = "; ".join(f"{other}: {number(value)}" for other, value in _baselines(first))
    return f"{name.replace('_', ' ')} {number(first['value'])} ({_between(first)}) on rows it never saw. {beside}."


def score(facts: Facts) -> Section:
    """The score on rows never trained on, beside simple methods."""
    found = facts.model.card.get("score")
    if found is None or not found["metrics"]:
        return "score", "The score", paragraph("No rows were kept away from training, so there is no honest score.")
    where = (
        f"on {found['rows']:,} rows kept away from training"
        if found["method"] != "folds"
        else f"on all {found['rows']:,} rows, each predicted by one of {found['folds']} models that had not seen it"
    )
    measured = _metrics(facts)
    simple = [name for name, _ in _baselines(next(iter(measured.values())))]
    rows = [
        (name.replace("_", " "), number(one["value"]), _between(one),
         *(number(one["baselines"][other]) for other in simple))
        for name, one in measured.items()
    ]  # fmt: skip
    name, first = next(iter(measured.items()))
    baselines = _baselines(first)
    beside = ", ".join(f"{other} {number(value)}" for other, value in baselines)
    said = f"{name.replace('_', ' ')} {number(first['value'])}, 95 % interval {_between(first)}; {beside}."
    out = paragraph(
        f"Measured {where}. The interval says how far chance in the choice of rows may have moved a number."
    )
    out += interval(first["value"], first["low"], first["high"], baselines, said)
    out += table(("", "network", "95 % interval", *simple), rows, caption="Metrics", numeric=2 + len(simple))
    if found["verdict"]:
        out += paragraph(found["verdict"], "verdict")
    return "score", "The score", out + _confusion(facts)


def _metrics(facts: Facts) -> dict[str, Any]:
    """The metrics of the score, the headline first: a model file keeps them by name."""
    found = facts.model.card.get("score", {}).get("metrics", {})
    usual = [one.name for one in defaults(facts.model.task)]
    return {name: found[name] for name in sorted(found, key=lambda n: usual.index(n) if n in usual else len(usual))}


def _baselines(one: Mapping[str, Any]) -> list[tuple[str, float]]:
    """The simple methods with their numbers, the simplest first."""
    return sorted(one["baselines"].items(), key=lambda pair: (not pair[0].startswith("always"), pair[0]))


def _between(one: Mapping[str, Any]) -> str:
    return f"{number(one['low'])} to {number(one['high'])}"


def _confusion(facts: Facts) -> str:
    counts = facts.confusion
    if counts is None or facts.rows is None or len(counts) > 12:
        return ""
    names = [facts.class_name(k) for k in range(len(counts))]
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1.0)
    head = "".join(f'<th scope="col" class="n">{escape(name)}</th>' for name in names)
    body = "".join(
        f'<tr><th scope="row">{escape(name)}</th>'
        + "".join(
            f'<td class="n" style="--share:{shares[i, j]:.2f}">{counts[i, j]:.0f}</td>' for j in range(len(names))
        )
        + "</tr>"
        for i, name in enumerate(names)
    )
    caption = f"The true class (down) and the predicted class (across) of {facts.rows.said}."
    return (
        f'<h3>Confusion</h3>{paragraph(caption)}<div class="scroll" tabindex="0" role="group" aria-label="Confusion matrix">'
        f'<table class="confusion"><thead><tr><td></td>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )
