"""What a metric is: a frozen record whose states add up, so that it streams over batches and merges over shards."""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from chainrule.catalog import Catalog
from chainrule.metrics.inputs import PREPARE, Floats

State: TypeAlias = Floats | tuple[Floats, ...]
"""An array of sums (they add), or a tuple of one array per batch (they join): both merge by `+`."""


@dataclass(frozen=True, eq=False)
class Metric:
    """A number that says how good predictions are.

    `start`, `add` and `result` stream over batches; `merge` joins the states of two parts. Sums merge exactly up to
    rounding. The metrics that need the order of all scores (`exact_state` is True: `auc`, `precision_at_recall`, ...)
    keep every score, label and weight, so that they are exact and not read off a grid of thresholds.

    `target_kind` says what y_true and y_pred are:

    - `"real"`: both (n, k) numbers
    - `"binary"`: y_true 0 or 1, y_pred probabilities, both (n, k); several columns are pooled
    - `"classes"`: y_true codes (n,) or one-hot (n, k), y_pred probabilities (n, k)
    - `"labels"`: labels, or probabilities to be turned into labels
    - `"any"`: both as they are, (n, j) and (n, k)

    An array (n,) is read as (n, 1). Two classes may be one column (the probability of class 1) or two.
    `low` and `high` bound the value; `share` gives (hits, trials) where the value is a share of counted things.

    >>> from chainrule.metrics import catalog
    >>> mae = catalog.get("mae")
    >>> state = mae.add(mae.start(), [1.0, 2.0], [1.5, 2.0])
    >>> state = mae.merge(state, mae.add(mae.start(), [3.0], [1.0]))
    >>> round(mae.result(state), 4)
    0.8333
    """

    name: str
    target_kind: str
    of: Callable[[Floats, Floats, Floats], State]  # the state of one batch: y_true (n, k), y_pred (n, k), weights (n,)
    value: Callable[[Any], float]
    latex: str
    source: str
    aliases: tuple[str, ...] = ()
    constants: dict[str, float] = field(default_factory=dict)
    greater_is_better: bool = True
    low: float = 0.0
    high: float = 1.0
    share: Callable[[Any], tuple[float, float]] | None = None
    exact_state: bool = False
    zero: State = field(default_factory=lambda: np.zeros(()))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Metric) and (self.name, self.constants) == (other.name, other.constants)

    def __hash__(self) -> int:
        return hash((self.name, *sorted(self.constants.items())))

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore, (catalog.describe(self),)

    def start(self) -> State:
        """The state before any row."""
        return self.zero

    def add(self, state: State, y_true: ArrayLike, y_pred: ArrayLike, sample_weight: ArrayLike | None = None) -> State:
        """The state after these rows too. Raises `DataError` when the shapes do not fit together."""
        return self.merge(state, self.of(*PREPARE[self.target_kind](y_true, y_pred, sample_weight)))

    def merge(self, a: State, b: State) -> State:
        """The state of the rows of both."""
        merged: State = operator.add(a, b)
        return merged

    def result(self, state: State) -> float:
        """The value so far; what stands for an empty denominator is said by the formula's family."""
        return float(self.value(state))

    @property
    def best(self) -> float:
        """The value that nothing beats (may be infinite)."""
        return self.high if self.greater_is_better else self.low


catalog: Catalog[Metric] = Catalog("metric")


def _restore(description: dict[str, Any]) -> Metric:
    return catalog.restore(description)


def ratio(numerator: float, denominator: float, empty: float = 0.0) -> float:
    """numerator / denominator, or `empty` where nothing was counted."""
    return float(numerator / denominator) if denominator > 0 else empty


def ratios(numerators: Floats, denominators: Floats) -> Floats:
    """Elementwise quotients, 0 where nothing was counted."""
    return np.divide(numerators, denominators, out=np.zeros(np.shape(denominators)), where=denominators > 0)


def weighted(of_row: Callable[[Floats, Floats], NDArray[Any]]) -> Callable[[Floats, Floats, Floats], Floats]:
    """The state (Σ w·v, Σ w) of a value per row; several columns are averaged first."""

    def state(y: Floats, p: Floats, w: Floats) -> Floats:
        v = of_row(y, p)
        v = v.mean(axis=1) if v.ndim == 2 else v
        return np.array([(w * v).sum(), w.sum()])

    return state


def mean(state: Floats) -> float:
    """Σ w·v / Σ w; 0 when no row has weight."""
    return ratio(state[0], state[1])


def mean_of(name: str, of_row: Callable[[Floats, Floats], NDArray[Any]], **facts: Any) -> Metric:
    """A metric that is the weighted mean of a value per row."""
    facts = {"greater_is_better": False, "high": np.inf, "value": mean, **facts}
    return Metric(name=name, of=weighted(of_row), zero=np.zeros(2), **facts)


def hit_rate(name: str, of_row: Callable[[Floats, Floats], NDArray[Any]], **facts: Any) -> Metric:
    """A metric that is the weighted share of rows that are hit."""
    return mean_of(name, of_row, greater_is_better=True, high=1.0, share=lambda s: (s[0], s[1]), **facts)
