"""A remedy tried: the same rows, the same seed, other settings."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from chainrule.calculus.losses import losses
from chainrule.data.split import Split
from chainrule.diagnostics.diagnosis import Retry, Tried
from chainrule.diagnostics.evidence import Evidence
from chainrule.diagnostics.finding import Remedy
from chainrule.diagnostics.gather import Case
from chainrule.diagnostics.measures import Measure, measure_for
from chainrule.diagnostics.variants import remade, suited
from chainrule.engines.base import Rows
from chainrule.errors import DivergedError
from chainrule.fit import model_from
from chainrule.layers import Dense, Dropout, Layer
from chainrule.model import rows_for
from chainrule.network import Network
from chainrule.optim.rules import rules
from chainrule.prepare import Prepared, prepare
from chainrule.request import Request, with_rate
from chainrule.shapes import Ints


def changed(request: Request, settings: Mapping[str, Any]) -> Request:
    """The request with a remedy's settings; what it leaves open stays as it was asked for."""
    request = replace(request, left_open=type(request.left_open)(n for n in request.left_open if n not in settings))
    for name, value in settings.items():
        request = _CHANGES.get(name, _plainly(name))(request, value)
    return request


def _plainly(name: str) -> Any:
    return lambda request, value: replace(request, **{name: value})


def _layers(request: Request, change: Callable[[Dense, bool], Layer]) -> Request:
    """Every Dense layer of a network of one's own changed; widths alone have nothing to change."""
    network = request.network
    if not isinstance(network, Network):
        return request
    dense = [i for i, layer in enumerate(network.layers) if isinstance(layer, Dense)]
    end = network.layers[dense[-1]] if dense else None
    made = remade(network, lambda one, _: change(one, one is end) if isinstance(one, Dense) else one)
    return replace(request, network=made)


def _initial(request: Request, value: Any) -> Request:
    return replace(request, network=suited(request.network)) if isinstance(request.network, Network) else request


def _hidden(request: Request, value: Any) -> Request:
    request = _layers(request, lambda layer, last: layer if last else replace(layer, activation=value))
    return request if isinstance(request.network, Network) else replace(request, activation=value)


def _equal_rates(request: Request, value: Any) -> Request:
    return _layers(request, lambda layer, last: replace(layer, learning_rate_factor=1.0))


def _output(request: Request, value: Any) -> Request:
    if not isinstance(request.network, Network):
        return request
    return _layers(request, lambda layer, last: replace(layer, activation=value) if last else layer)


def _loss(request: Request, value: Any) -> Request:
    return replace(request, loss=losses.get(value))


def _network(request: Request, value: Any) -> Request:
    return replace(request, network=tuple(value), activation="relu")


def _dropout(request: Request, value: Any) -> Request:
    if isinstance(request.network, Network):
        without = remade(request.network, lambda one, _: None if isinstance(one, Dropout) else one)
        return request if value else replace(request, network=without)
    return replace(request, dropout=value)


def _rate(request: Request, value: Any) -> Request:
    return replace(request, update=replace(request.update, rule=with_rate(request.update.rule, value)))


def _l2(request: Request, value: Any) -> Request:
    return replace(request, update=replace(request.update, l2=value), l2_is_auto=False)


def _l1(request: Request, value: Any) -> Request:
    return replace(request, update=replace(request.update, l1=value))


def _clip(request: Request, value: Any) -> Request:
    return replace(request, update=replace(request.update, clip_norm=value))


def _optimizer(request: Request, value: Any) -> Request:
    return replace(request, update=replace(request.update, rule=rules.get(value)), solver="steps")


def _drop(request: Request, value: Any) -> Request:
    choices = request.choices
    kept = tuple(name for name in choices.keep if name not in value)
    network = request.network
    if isinstance(network, Network):
        fewer = network.input_count - len(value)
        request = replace(request, network=Network(fewer, network.layers, network.loss, network.reduction))
    return replace(request, choices=replace(choices, drop=(*choices.drop, *value), keep=kept))


def _as_it_is(request: Request, value: Any) -> Request:
    return request


_CHANGES = {
    "initial": _initial, "hidden_activation": _hidden, "equal_rates": _equal_rates, "output": _output, "loss": _loss,
    "network": _network, "dropout": _dropout, "learning_rate": _rate, "l1": _l1, "l2": _l2, "clip_norm": _clip,
    "optimizer": _optimizer, "drop": _drop, "preset": _as_it_is,
    "split": _as_it_is,
}  # fmt: skip


def retry_of(case: Case) -> Retry:
    """How the training of this case is repeated with a remedy."""
    assert case.prepared is not None
    prepared, evidence = case.prepared, case.evidence

    def retry(remedy: Remedy) -> Tried:
        request = changed(prepared.request, remedy.settings)
        request = replace(request, choices=replace(request.choices, test=0.0), callbacks=(), progress=None)
        again = replace(prepare(request, prepared.table), weights=_weights(request, prepared))
        parts = prepared.parts
        kept_away = np.concatenate([parts.test, parts.validation])
        index = kept_away if len(kept_away) else parts.train
        measure = measure_for(remedy.settings)
        before = None
        if evidence.failure is None:
            then = evidence.watched if evidence.watched is not None else evidence.rows
            if "drop" in remedy.settings:
                then = _without(then, [i for i, one in enumerate(evidence.sources) if one in remedy.settings["drop"]])
            before = measure.of(replace(evidence, rows=then, watched=None))
        after = _after(replace(again, parts=_for_cure(parts, request)), index, measure)
        return Tried(measure.name, before, after, True, len(index), bool(len(kept_away)), dict(remedy.settings))

    return retry


def _after(prepared: Prepared, index: Ints, measure: Measure) -> float | None:
    """How well a training does on these rows of its table; None where it diverged."""
    try:
        model = model_from(prepared, None)
    except DivergedError:
        return None
    rows = rows_for(model.encoder, prepared.table, index, model.theta.dtype)
    return measure.of(Evidence(model.network, model.theta, rows, None, model.encoder.input_names, model.task))


def _without(rows: Rows, columns: list[int]) -> Rows:
    """The rows as they are when these inputs are not known: each has the value of another row."""
    x = rows.x.copy()
    x[:, columns] = x[np.random.default_rng(0).permutation(len(x))][:, columns]
    return Rows(x, rows.y, rows.weights)


def _weights(request: Request, prepared: Prepared) -> Any:
    if request.class_weight != prepared.request.class_weight:
        return prepare(replace(request, choices=replace(request.choices, test=0.0)), prepared.table).weights
    return prepared.weights


def _for_cure(parts: Split, request: Request) -> Split:
    """The same rows to learn from; the rows kept away stay so, those of the test part also from early stopping."""
    if len(parts.validation) or not request.validation:
        return Split(parts.train, parts.validation, np.empty(0, np.int64))
    order = np.random.default_rng(request.seed).permutation(parts.train)
    held = max(1, round(0.2 * len(order)))
    return Split(np.sort(order[held:]), np.sort(order[:held]), np.empty(0, np.int64))
