"""The sections on how the network came about: its data, its shape, its learning curves, and how to repeat it."""

from __future__ import annotations

import json
from html import escape

import numpy as np

from chainrule.calculus.loss import Loss
from chainrule.explain.notation import notation
from chainrule.explain.picture import picture
from chainrule.explain.svg import draw
from chainrule.explain.symbols import Symbols
from chainrule.explain.units import labels_in_network
from chainrule.explain.working import one_row
from chainrule.metrics import catalog as metrics
from chainrule.plain import plain
from chainrule.report.charts import Line, lines, number
from chainrule.report.facts import Facts
from chainrule.report.markup import Section, paragraph, table
from chainrule.steps import forward


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
        elif name.startswith(f"{one.column}: share of "):
            for k, label in enumerate(facts.model.classes):
                name = name.replace(f"={label}", f"={facts.class_name(k)}", 1)
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
