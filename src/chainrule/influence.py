"""What drives a model's predictions: columns shuffled, and columns moved while all else stays."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule import rng
from chainrule.data.table import Column, Table, no_such_column
from chainrule.errors import DataError
from chainrule.metrics import defaults, evaluate
from chainrule.model import Model, probable, truth_and_prediction

ROWS = 1000  # of larger data, so many rows evenly taken are enough
REPEATS = 5
_WORK = 4e9  # multiplications that shuffling may cost; fewer rows are taken of wide tables and large networks
MOST_LEVELS = 12


@dataclass(frozen=True)
class Importance:
    """How much worse the score gets when a column is shuffled: the mean over the shuffles, and the smallest and largest."""

    column: str
    mean: float
    low: float
    high: float


@dataclass(frozen=True)
class Ranking:
    """The columns, the most important first, by what metric, and on how many rows it was measured."""

    metric: str
    score: float
    rows: int
    columns: tuple[Importance, ...]


def permutation_importance(model: Model, data: Any, *, seed: int = 0) -> Ranking:
    """Shuffle one column after the other and see how much the model's headline metric suffers (Breiman 2001).

    Columns that say the same share their importance: with one shuffled, the other still tells. Raises CR105 without rows.

    >>> from chainrule import fit
    >>> table = {"a": [i % 7 for i in range(80)], "b": [i % 3 for i in range(80)], "y": [i % 7 for i in range(80)]}
    >>> model = fit(table, "y", network=(8,), test=0, task="regression", keep=["a"])
    >>> [one.column for one in permutation_importance(model, table).columns]
    ['a', 'b']
    """
    table = data if isinstance(data, Table) else model.table(data)[0]
    encoder, network = model.encoder, model.network
    names = list(dict.fromkeys(one.column for one in encoder.inputs))
    affordable = int(_WORK / (REPEATS * len(names) * network.plan.size))
    table = sample(table, int(np.clip(affordable, 100, ROWS)))
    x = encoder.encode(table, dtype=model.theta.dtype)
    metric = defaults(model.task)[0]

    def score(outputs: NDArray[Any]) -> float:
        predicted = probable(network, outputs) if encoder.classes else encoder.decode_target(outputs)
        sign = 1.0 if metric.greater_is_better else -1.0
        return sign * evaluate(metric, truth, predicted)

    truth, _ = truth_and_prediction(encoder, network, table, model.predict_encoded(x))
    base = score(model.predict_encoded(x))
    draws = rng.generator(seed, "permutation importance")
    orders = [draws.permutation(len(x)) for _ in range(REPEATS)]
    found = []
    for name in names:
        own = [j for j, one in enumerate(encoder.inputs) if one.column == name]
        drops = []
        for order in orders:
            shuffled = x.copy()
            shuffled[:, own] = x[order][:, own]
            drops.append(base - score(model.predict_encoded(shuffled)))
        found.append(Importance(name, float(np.mean(drops)), min(drops), max(drops)))
    found.sort(key=lambda one: -one.mean)
    return Ranking(metric.name, base if metric.greater_is_better else -base, len(x), tuple(found))


@dataclass(frozen=True, eq=False)
class Dependence:
    """The mean prediction while a column is moved: values (k,) in the column's unit (numbers, or labels), outputs (k, m).

    `outputs` are in the target's unit, or probabilities of the classes that `names` names. `present`: the column's own
    values, numbers (n,), for a rug; empty for labels.
    """

    column: str
    values: tuple[Any, ...]
    outputs: NDArray[np.float64]
    names: tuple[str, ...]
    present: NDArray[np.float64]

    @property
    def is_numeric(self) -> bool:
        return not isinstance(self.values[0], str)


def partial_dependence(model: Model, data: Any, column: str, *, points: int = 24, rows: int = 400) -> Dependence:
    """What the model says on average when every row has the same value in one column and keeps all others (Friedman 2001).

    Numbers go from the 2nd to the 98th percentile; of categories, the 12 most frequent. Columns that move together in the
    data are taken apart by this: read it with care where they do.
    """
    table = data if isinstance(data, Table) else model.table(data)[0]
    if column not in {one.column for one in model.encoder.inputs} or column not in table:
        raise no_such_column(column, replace(table, columns=tuple(table[n] for n in _used(model, table))))
    table = sample(table, rows)
    own = table[column]
    if not len(own.present):
        raise DataError("CR105", "the column holds no value", where=column, expected="at least 1")
    stored, shown = _grid(own, points)
    outputs = [_mean_answer(model, _with(table, own, value)) for value in stored]
    targets = tuple(target.name for target in model.encoder.targets)
    names = targets if not model.classes else tuple(map(str, model.classes))
    present = own.present.astype(np.float64) if own.kind == "number" else np.empty(0)
    return Dependence(column, tuple(shown), np.stack(outputs), names, present)


def _used(model: Model, table: Table) -> list[str]:
    return [name for name in dict.fromkeys(one.column for one in model.encoder.inputs) if name in table]


def _with(table: Table, own: Column, value: Any) -> Table:
    moved = replace(own, values=np.full(len(own), value, own.values.dtype))
    return replace(table, columns=tuple(moved if one.name == own.name else one for one in table.columns))


def _mean_answer(model: Model, table: Table) -> NDArray[np.float64]:
    outputs = model.outputs(table)
    if not model.classes:
        values = model.encoder.decode_target(outputs)
    elif model.task == "binary":
        p = probable(model.network, outputs)
        values = np.hstack([1.0 - p, p])
    else:
        values = probable(model.network, outputs)
    mean: NDArray[np.float64] = values.mean(axis=0)
    return mean


def _grid(own: Column, points: int) -> tuple[Any, list[Any]]:
    """The values to try, as they are stored and as they are shown."""
    if own.kind == "text":
        counts = np.bincount(own.present, minlength=len(own.levels))
        codes = [int(code) for code in np.argsort(-counts, kind="stable")[:MOST_LEVELS] if counts[code]]
        return codes, [own.levels[code] for code in codes]
    if own.kind == "boolean":
        return [0.0, 1.0], ["false", "true"]
    distinct = np.unique(own.present)
    if own.kind == "date":
        chosen = distinct[np.unique(np.linspace(0, len(distinct) - 1, min(points, len(distinct))).round().astype(int))]
        return chosen, [str(value.astype("datetime64[D]")) for value in chosen]
    if len(distinct) > points:
        low, high = np.percentile(own.present, [2, 98])
        distinct = np.linspace(low, high, points) if high > low else distinct[:: len(distinct) // points]
    return distinct, [float(value) for value in distinct]


def sample(table: Table, rows: int) -> Table:
    """The table, or so many of its rows, evenly taken."""
    if table.row_count <= rows:
        return table
    return table.take(np.unique(np.linspace(0, table.row_count - 1, rows).round().astype(np.int64)))
