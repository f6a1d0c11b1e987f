"""The sections of a report: each a heading, what it shows, and what it says of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from html import escape
from typing import Any

import numpy as np

from chainrule.calculus.loss import Loss
from chainrule.data.table import counted
from chainrule.explain.notation import notation
from chainrule.explain.picture import picture
from chainrule.explain.svg import draw
from chainrule.explain.symbols import Symbols
from chainrule.explain.units import labels_in_network
from chainrule.explain.working import one_row
from chainrule.influence import Dependence
from chainrule.metrics import catalog as metrics
from chainrule.metrics import defaults
from chainrule.plain import plain
from chainrule.report.charts import Line, interval, lines, number
from chainrule.report.facts import Extreme, Facts
from chainrule.steps import forward

Section = tuple[str, str, str]
"""An id, a heading, and the HTML below it."""

LONGEST_PLAYER = 500_000  # characters; beyond these the report would not stay below 1 MB


def table(head: Sequence[str], rows: Sequence[Sequence[str]], *, caption: str = "", numeric: int = 0) -> str:
    """A table that scrolls by itself; cells are text. The last `numeric` columns stand at the right."""
    plain_columns = len(head) - numeric
    ends = [' class="n"' if k >= plain_columns else "" for k in range(len(head))]
    top = "".join(f'<th scope="col"{end}>{escape(cell)}</th>' for cell, end in zip(head, ends, strict=True))
    body = "".join(
        "<tr>"
        + f'<th scope="row">{escape(row[0])}</th>'
        + "".join(f"<td{end}>{escape(cell)}</td>" for cell, end in zip(row[1:], ends[1:], strict=True))
        + "</tr>"
        for row in rows
    )
    named = f"<caption>{escape(caption)}</caption>" if caption else ""
    label = escape(caption or head[0] or "table")
    return (
        f'<div class="scroll" tabindex="0" role="group" aria-label="{label}"><table>{named}<thead><tr>{top}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def paragraph(text: str, kind: str = "") -> str:
    """A paragraph of plain text."""
    return f"<p{f' class={chr(34)}{kind}{chr(34)}' if kind else ''}>{escape(text)}</p>"


def data(facts: Facts) -> Section | None:
    """The data and what was done to it; None for a model that was given arrays."""
    card = facts.model.card.get("data")
    if card is None:
        return None
    what = (
        f"{card['source']}: {card['rows']:,} rows, {len(card['columns'])} columns. To be predicted ({card['task']}): "
    )
    parts = f"Trained on {card['trained_on']:,} rows; {card['validation_rows']:,} more were watched for stopping."
    head = ("column", "kind", "part", "used as", *(["because"] if facts.shows_rows else []))
    keys = ("name", "kind", "role", "treatment", "reason")[: len(head)]
    rows = [tuple(one[key] for key in keys) for one in card["columns"]]
    shown = rows if len(rows) <= 200 else rows[:200]
    out = paragraph(what + ", ".join(card["targets"]) + ".") + paragraph(parts)
    out += table(head, shown, caption="Columns")
    if len(shown) < len(rows):
        out += paragraph(f"… and {len(rows) - len(shown):,} columns more: chainrule show lists them all.")
    notes = facts.model.card["notes"]
    if notes:
        said = [f"{one['where']}: {one['text']}" if one["where"] else one["text"] for one in notes]
        items = "".join(f"<li>{escape(facts.kept(text) if facts.shows_rows else _about(one))}</li>"
                        for one, text in zip(notes, said, strict=True))  # fmt: skip
        out += f"<h3>Choices made</h3><ul>{items}</ul>"
    return "data", "The data and what was done to it", out


def _about(note: dict[str, str]) -> str:
    return f"{note['where'] or 'the table'}: a choice about {note['topic'].replace('_', ' ')}"


def network(facts: Facts) -> Section:
    """The network, drawn for an average row."""
    model = facts.model
    card = model.card["model"]
    said = f"{card['inputs']} inputs → {' → '.join(card['layers'])}: {card['parameters']:,} weights and biases."
    algorithm = model.card["algorithm"]
    how = (
        f"Trained by {algorithm['estimator']}, {algorithm['epochs_trained']} epochs."
        if "estimator" in algorithm
        else f"Trained by {algorithm['optimizer']} on {_loss(facts)}, {algorithm['epochs_trained']} epochs of batches of "
        f"{algorithm['batch_size']}; it ended: {algorithm['stopped']}."
    )
    average = forward(model.network, model.theta.astype(np.float64), np.zeros((1, model.network.input_count)))
    labels = labels_in_network(model.encoder) if facts.shows_rows else _nameless(facts)
    drawing = picture(one_row(average, 0), Symbols(model.network.plan, notation("default"), labels), None, loss=False)
    title = f"The network, with the numbers of an average row: {said}"
    legend = "In a unit: net input | output, for a row whose every input is average; beside its name its bias. "
    legend += "Of wide layers the units that matter most are drawn."
    svg = draw(drawing, [], title)
    figure = (
        f'<figure class="network"><div class="scroll" tabindex="0" role="group" aria-label="The drawing of the network">'
        f"{svg}</div><figcaption>{escape(legend)}</figcaption></figure>"
    )
    return "network", "The network", paragraph(said) + paragraph(how) + figure


def _loss(facts: Facts) -> str:
    loss = facts.model.network.loss
    return loss.name.replace("_", " ") if isinstance(loss, Loss) else str(loss)


def _nameless(facts: Facts) -> dict[str, str]:
    """Names of the inputs without the categories in them."""
    counts: dict[str, int] = {}
    labels = {}
    for i, one in enumerate(facts.model.encoder.inputs):
        name = one.name
        if one.meaning in ("category", "other"):
            counts[one.column] = counts.get(one.column, 0) + 1
            name = f"{one.column} #{counts[one.column]}"
        labels[f"x[{i}]"] = name
    return labels


def curves(facts: Facts) -> Section:
    """The loss over the epochs."""
    history, algorithm = facts.model.history, facts.model.card["algorithm"]
    epochs = history["epoch"]
    drawn = [
        Line(name, epochs, history[key])
        for name, key in (("training", "loss"), ("validation", "val_loss"))
        if key in history
    ]
    best = algorithm.get("best_epoch")
    mark = (float(best), f"weights kept: epoch {best}") if "val_loss" in history and best else None
    at = sorted({0, len(epochs) // 2, len(epochs) - 1, *([epochs.index(best)] if best in epochs else [])})
    said = "; ".join(
        f"epoch {epochs[k]:.0f}: " + ", ".join(f"{one.name} {number(one.y[k])}" for one in drawn) for k in at
    )
    out = lines(drawn, "epoch", f"loss ({_loss(facts)})", f"Learning curves. {said}.", mark=mark)
    others = [name for name in dict.fromkeys(n.removeprefix("val_") for n in history) if name in metrics]
    for name in others[:3]:
        found = [
            Line(part, epochs, history[key])
            for part, key in (("training", name), ("validation", f"val_{name}"))
            if key in history
        ]
        ends = ", ".join(f"{one.name} {number(one.y[-1])}" for one in found)
        out += lines(found, "epoch", name.replace("_", " "), f"{name} over the epochs, at the end {ends}.")
    return "curves", "Learning curves", f'<div class="charts">{out}</div>' + paragraph(f"Loss by {said}.", "soft")


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


VERDICTS = {"ill": "Something ails it", "healthy": "Healthy", "cannot_tell": "It cannot be told"}


def findings(facts: Facts) -> Section | None:
    """The doctor's verdict and its findings, the first being the cause to treat."""
    found = facts.diagnosis
    if found is None:
        return None
    out = paragraph(f"{VERDICTS[found.verdict]}: {facts.kept(found.because)}.", "" if found.is_healthy else "verdict")
    for one in found.findings:
        kind = "" if one.severity == "illness" else " (worth knowing)"
        said = [
            ("measured", one.said),
            ("expected", one.expected),
            ("because", one.because),
            ("remedy", one.remedy.text),
        ]
        items = "".join(f"<dt>{name}</dt><dd>{escape(facts.kept(text))}</dd>" for name, text in said if text)
        heading = f"{one.rank}. {one.diagnostic.replace('_', ' ')}{kind}: {facts.kept(one.where)}"
        out += f"<h3>{escape(heading)}</h3><dl>{items}</dl>"
    if found.layers:
        words = found.measured.get("words", {})
        rows = [
            (f"{state.layer}", str(len(state.units)), state.function, number(state.gradient), number(state.weight),
             str(words.get(state.layer, words.get(str(state.layer), ""))))
            for state in found.layers
        ]  # fmt: skip
        head = ("layer", "units", "activation", "norm of ∂L/∂W", "norm of W", "in a word")
        out += table(head, rows, caption="Layers")
    return "findings", "What ails it", out


def drivers(facts: Facts) -> Section | None:
    """Permutation importance, and how the prediction moves with the three most important columns."""
    ranking, rows = facts.ranking, facts.rows
    if ranking is None or rows is None:
        return None
    most = max([one.high for one in ranking.columns] + [1e-12])
    shown = ranking.columns[:12]
    metric = ranking.metric.replace("_", " ")
    body = "".join(
        f'<tr><th scope="row">{escape(one.column)}</th>'
        f'<td class="bar"><span style="width:{100 * max(one.mean, 0) / most:.1f}%"></span></td>'
        f'<td class="n">{number(one.mean)}</td><td class="n">{number(one.low)} to {number(one.high)}</td></tr>'
        for one in shown
    )
    named = [("column", ""), ("", ""), (f"loss of {metric}", ' class="n"'), ("five shuffles", ' class="n"')]
    head = "".join(f'<th scope="col"{kind}>{escape(name)}</th>' if name else "<td></td>" for name, kind in named)
    out = paragraph(
        f"How much worse the {metric} ({number(ranking.score)}) gets when one column is shuffled, "
        f"on {ranking.rows:,} of {rows.said}. "
        "Columns that say the same share their importance."
    )
    out += (
        '<div class="scroll" tabindex="0" role="group" aria-label="Importance of the columns"><table class="bars">'
        f"<caption>Permutation importance</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )
    if len(ranking.columns) > len(shown):
        out += paragraph(f"… and {counted(len(ranking.columns) - len(shown), 'column')} with less.")
    if facts.dependences:
        out += "<h3>How predictions move with a column</h3>"
        out += paragraph("The mean prediction while every row has the same value in one column and keeps all others.")
        out += f'<div class="charts">{"".join(_dependence(facts, one) for one in facts.dependences)}</div>'
    return "drivers", "What drives the predictions", out


def _dependence(facts: Facts, one: Dependence) -> str:
    model = facts.model
    chosen = [1] if model.task == "binary" else list(range(min(one.outputs.shape[1], 6)))
    names = [facts.class_name(k) if model.classes else one.names[k] for k in chosen]
    if model.task == "binary":
        y_label = f"mean probability of {model.encoder.targets[0].name} = {names[0]}"
    elif model.classes:
        y_label = "mean probability"
    else:
        y_label = f"mean predicted {names[0]}" if len(names) == 1 else "mean prediction"
    if one.is_numeric:
        drawn = [Line(name, one.values, one.outputs[:, k].tolist()) for name, k in zip(names, chosen, strict=True)]
        ends = "; ".join(
            f"{line.name}: {number(line.y[0])} at {number(line.x[0])}, {number(line.y[-1])} at {number(line.x[-1])}"
            for line in drawn
        )
        return lines(drawn, one.column, y_label, f"{y_label} over {one.column}. {ends}.")
    labels = [str(v) if facts.shows_rows else f"value {n + 1}" for n, v in enumerate(one.values)]
    rows = [(label, *(number(one.outputs[n, k]) for k in chosen)) for n, label in enumerate(labels)]
    return f'<div class="chart">{paragraph(y_label, "strong")}{table((one.column, *names), rows, numeric=len(names))}</div>'


def extremes(facts: Facts) -> Section | None:
    """The rows told most and least surely."""
    if not facts.shows_rows:
        return (
            "rows",
            "Single rows",
            paragraph("Left out, as asked: this report holds no row and no category of the data."),
        )
    if facts.extremes is None or facts.rows is None:
        return None
    sure, unsure = facts.extremes
    columns = [one.column for one in facts.ranking.columns[:4]] if facts.ranking else []
    of_class = bool(facts.model.classes)
    words = ("Most certain", "Least certain") if of_class else ("Told best", "Told worst")
    head = ("row", "true", "predicted", "probability" if of_class else "off by", *columns)
    out = paragraph(f"Of {facts.rows.said}. Rows count from 0, as in the file.")
    for name, found in zip(words, (sure, unsure), strict=True):
        out += table(head, [_extreme(one) for one in found], caption=name)
    return "rows", "Single rows", out


def _extreme(one: Extreme) -> tuple[str, ...]:
    return str(one.number), one.truth, one.said, number(one.measure), *one.cells


def walk(facts: Facts) -> Section | None:
    """One gradient, step by step."""
    if facts.walk is None:
        return None
    row, of, page = facts.walk
    if len(page) > LONGEST_PLAYER:
        return None
    said = f"Of the rows looked at, row {row} is the one told worst or least surely. This is how the loss of that row changes "
    said += f"with {of}, the weight of the last layer that pulls hardest on it: forward, then backward, step by step."
    frame = (
        f'<iframe title="The derivative of the loss by {escape(of)}, step by step" srcdoc="{escape(page)}"></iframe>'
    )
    return "why", "One gradient, step by step", paragraph(said) + frame


def repeat(facts: Facts) -> Section:
    """Everything needed to repeat the run."""
    card = facts.model.card
    versions = ", ".join(f"{name} {value}" for name, value in card["versions"].items())
    algorithm, rows = card["algorithm"], [("versions", versions)]
    if "estimator" in algorithm:
        rows = [("estimator", str(algorithm["estimator"])), *rows]
    else:
        rows = [
            ("seed", str(algorithm["seed"])), ("engine", f"{algorithm['engine']}, {algorithm['dtype']}"), *rows,
            ("data", f"{card['data']['source']}, {card['data']['rows']:,} rows"),
        ]  # fmt: skip
    out = f"<pre tabindex='0'>{escape(facts.kept(facts.command))}</pre>" if facts.command else ""
    out += table(("", "what"), rows, caption="What the result depends on")
    if "fingerprint" in card.get("data", {}):
        out += paragraph("The data's fingerprint, the SHA-256 of all names and values as they were read:")
        out += f'<p class="long">{escape(card["data"]["fingerprint"])}</p>'
    if "request" in card and facts.shows_rows:
        request = json.dumps(plain(card["request"]), indent=1, ensure_ascii=False)
        if len(request) < 50_000:
            out += f"<details><summary>All settings</summary><pre tabindex='0'>{escape(request)}</pre></details>"
    return "repeat", "To repeat this", out


SECTIONS: tuple[Callable[[Facts], Section | None], ...] = (
    score, data, network, curves, findings, drivers, extremes, walk, repeat,
)  # fmt: skip
"""In their order on the page; a section that the model or the data do not allow is None."""


def headline(facts: Facts) -> Any:
    """What the page says first."""
    found = _metrics(facts)
    if not found:
        return "Trained; no rows were kept away to measure on."
    name, first = next(iter(found.items()))
    beside = "; ".join(f"{other}: {number(value)}" for other, value in _baselines(first))
    return f"{name.replace('_', ' ')} {number(first['value'])} ({_between(first)}) on rows it never saw. {beside}."
