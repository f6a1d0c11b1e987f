"""A fitted estimator as a `Model`: the form that is saved, explained and read by everything else."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.card import model_card, versions
from chainrule.data.encode import Encoder, TargetColumn
from chainrule.data.inputs import InputColumn
from chainrule.estimators.labels import Labels
from chainrule.model import Model
from chainrule.network import Network
from chainrule.plain import plain
from chainrule.shapes import Array, read_only
from chainrule.training.history import History


def as_model(
    network: Network,
    theta: Array,
    names: NDArray[Any] | None,
    labels: Labels | None,
    history: History,
    settings: dict[str, Any],
) -> Model:
    """A model whose encoder leaves every number as it is: the estimator was given arrays."""
    titles = [f"x{i}" for i in range(network.input_count)] if names is None else [str(name) for name in names]
    columns = tuple(InputColumn(title, "number") for title in titles)
    task = "regression" if labels is None else labels.kind
    has_classes = task in ("binary", "multiclass")
    classes = tuple(labels.classes.tolist()) if labels is not None and has_classes else ()
    outputs = 1 if has_classes else network.output_count
    targets = tuple(TargetColumn("target" if outputs == 1 else f"target {i}") for i in range(outputs))
    encoder = Encoder(columns, tuple(titles), targets, task, classes, has_names=names is not None)
    card = {"model": model_card(network), "algorithm": plain(settings), "notes": [], "versions": versions()}
    return Model(network, read_only(np.array(theta)), encoder, history, card)
