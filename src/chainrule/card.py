"""The card of a model: what it learned from, what it is, how it was trained and what it scored."""

from __future__ import annotations

import platform
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from chainrule.calculus.loss import Loss
from chainrule.data.schema import Schema
from chainrule.data.table import Table
from chainrule.network import Network
from chainrule.objective import advice
from chainrule.optim.rule import Update
from chainrule.scoring import Score
from chainrule.version import __version__

Card = dict[str, Any]


def data_card(table: Table, schema: Schema, trained_on: int, validation_rows: int, reading: Mapping[str, Any]) -> Card:
    """Where the data came from, how it was read (so that new files are read alike) and what part every column has."""
    return {
        "source": table.source,
        "reading": {name: value for name, value in reading.items() if value not in (None, ())},
        "rows": table.row_count,
        "targets": list(schema.targets),
        "task": schema.task,
        "trained_on": trained_on,
        "validation_rows": validation_rows,
        "columns": [
            {"name": f.name, "kind": f.kind, "role": f.role, "treatment": f.treatment, "reason": f.reason}
            for f in schema.fields
        ],
    }


def model_card(network: Network) -> Card:
    """The layers, one line each, and how large the network is. `link_layers` counts the layers with weights."""
    weighted = {param.layer for param in network.plan.params if param.layer}
    return {
        "inputs": network.input_count,
        "layers": [_line(layer.describe()) for layer in network.layers],
        "link_layers": len(weighted),
        "hidden_layers": max(len(weighted) - 1, 0),
        "parameters": network.plan.size,
    }


def _line(layer: Mapping[str, Any]) -> str:
    activation = layer.get("activation", "")
    name = activation["name"] if isinstance(activation, Mapping) else activation
    numbers = [str(layer[key]) for key in ("units", "pieces", "rate") if key in layer]
    return " ".join([str(layer["kind"]), *numbers, name]).strip()


def objective_card(network: Network, update: Update, class_weight: Any) -> Card:
    """What is minimised."""
    assert isinstance(network.loss, Loss)
    if isinstance(class_weight, Mapping):
        class_weight = {str(label): float(weight) for label, weight in class_weight.items()}
    return {
        "loss": network.loss.name,
        "constants": dict(network.loss.constants),
        "reduction": network.reduction,
        "l1": update.l1,
        "l2": update.l2,
        "clip_norm": update.clip_norm,
        "class_weight": class_weight,
        "advice": advice(network.loss, network.output_activation),
    }


def versions() -> dict[str, str]:
    """What computed it."""
    return {"chainrule": __version__, "numpy": np.__version__, "python": platform.python_version()}


def verdict(scores: Sequence[Score]) -> str | None:
    """One plain line when a simple method does as well; None when the network is ahead of all."""
    if not scores:
        return None
    headline = scores[0]
    lines = []
    for name in headline.loses_to():
        other = headline.baselines[name]
        close = headline.low <= other <= headline.high
        lines.append(f"{name} {'does as well' if close else 'is better'} ({other:.4g} against {headline.value:.4g})")
    if not lines:
        return None
    return f"By {headline.metric}, {' and '.join(lines)} on these rows: the network does not earn its place yet."


def as_text(card: Mapping[str, Any]) -> str:
    """The card for a reader: set-up (data, model, algorithm, objective), columns, score, choices made. A card without one
    of them, as that of an estimator, which was given arrays and no table, is shown without it."""
    lines: list[str] = []
    for name, (title, show) in _SECTIONS.items():
        if card.get(name):
            lines += [title, *show(card[name])]
    if "data" in card:
        columns = [(c["name"], c["role"], c["reason"]) for c in card["data"]["columns"]]
        lines += ["COLUMNS", *_aligned(columns)]
    if "score" in card:
        lines += ["SCORE", *score_lines(card["score"])]
    if card["notes"]:
        lines += ["CHOICES MADE", *note_lines(card["notes"])]
    return "\n".join(lines)


def _data_lines(data: Card) -> list[str]:
    return [
        f"  {data['source']}: {data['rows']} rows; {data['task']} of {', '.join(data['targets'])}",
        f"  trained on {data['trained_on']} rows, {data['validation_rows']} more watched for early stopping",
    ]


def _model_lines(model: Card) -> list[str]:
    return [
        f"  {model['inputs']} inputs → {' → '.join(model['layers'])}",
        f"  {model['link_layers']} layers of weights ({model['hidden_layers']} hidden), {model['parameters']} parameters",
    ]


def _algorithm_lines(algorithm: Card) -> list[str]:
    if "estimator" in algorithm:
        return [f"  {algorithm['estimator']}, {algorithm['epochs_trained']} epochs"]
    return [
        f"  {algorithm['optimizer']}{_constants(algorithm['constants'])}, schedule {algorithm['schedule']}, "
        f"batches of {algorithm['batch_size']}, seed {algorithm['seed']}",
        f"  stopped ({algorithm['stopped']}) after {algorithm['epochs_trained']} of {algorithm['epochs']} epochs, "
        f"{weights_line(algorithm)}; {algorithm['engine']} engine, {algorithm['dtype']}",
    ]


def _objective_lines(objective: Card) -> list[str]:
    advised = [f"  advice: {objective['advice']}"] if objective["advice"] else []
    return [
        f"  {objective['loss']}{_constants(objective['constants'])}, {objective['reduction']} over the rows of a batch; "
        f"l1 {objective['l1']:g}, l2 {objective['l2']:g}, class weights {objective['class_weight'] or 'equal'}",
        *advised,
    ]


def _tuning_lines(tuning: Card) -> list[str]:
    chosen = ", ".join(f"{name} {value}" for name, value in tuning["chosen"].items()) or "the defaults"
    return [
        f"  {len(tuning['trials'])} settings tried ({tuning['search']}), compared on {tuning['compared_on']} rows",
        f"  chosen: {chosen}; {tuning['statement']}",
    ]


_SECTIONS: dict[str, tuple[str, Callable[[Card], list[str]]]] = {
    "data": ("DATA", _data_lines),
    "model": ("MODEL", _model_lines),
    "algorithm": ("ALGORITHM", _algorithm_lines),
    "objective": ("OBJECTIVE", _objective_lines),
    "tuning": ("TUNING", _tuning_lines),
}


def weights_line(algorithm: Mapping[str, Any]) -> str:
    """Whose weights a model has; the card of an older model knows one network only."""
    if algorithm.get("members", 1) == 1:
        return f"weights of epoch {algorithm['best_epoch']}"
    epochs = ", ".join(map(str, algorithm["best_epochs"]))
    return f"{algorithm['members']} networks merged, weights of epochs {epochs}"


def score_lines(score: Mapping[str, Any]) -> list[str]:
    """The metrics with their intervals beside the simple methods, as aligned lines."""
    if not score["metrics"]:
        return ["  none: no rows were kept away"]
    where = f"{score['rows']} rows kept away from training"
    if score["method"] == "folds":
        where = f"all {score['rows']} rows, each predicted by one of {score['folds']} models that had not seen it"
    simple = list(next(iter(score["metrics"].values()))["baselines"])
    table = [("", "network", "95 % interval", *simple)]
    for name, found in score["metrics"].items():
        between = f"{found['low']:.4g} to {found['high']:.4g}"
        table.append((name, f"{found['value']:.4g}", between, *(f"{found['baselines'][one]:.4g}" for one in simple)))
    verdict = [f"  {score['verdict']}"] if score["verdict"] else []
    return [f"  measured on {where}", *_aligned(table, right=True), *verdict]


def note_lines(notes: Sequence[Mapping[str, str]]) -> list[str]:
    """One line per automatic choice."""
    return [f"  {note['where']}: {note['text']}" if note["where"] else f"  {note['text']}" for note in notes]


def _aligned(rows: Sequence[Sequence[str]], *, right: bool = False) -> list[str]:
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = []
    for row in rows:
        rest = [
            cell.rjust(width) if right else cell.ljust(width) for cell, width in zip(row[1:], widths[1:], strict=True)
        ]
        lines.append("  " + "  ".join([row[0].ljust(widths[0]), *rest]).rstrip())
    return lines


def _constants(constants: Mapping[str, float]) -> str:
    if not constants:
        return ""
    return " (" + ", ".join(f"{name} {value:g}" for name, value in constants.items()) + ")"
