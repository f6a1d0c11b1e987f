"""The mean of the target for each level of a category column, shrunk: what a level without an input of its own says.

A level seen n times says (n · its mean + m · mean of all) / (n + m): levels seen rarely stay near the mean of all. m is the
variance within levels by the variance between them, both estimated from the rows (one-way analysis of variance: Searle,
Casella, McCulloch, Variance components, 1992, ch. 3), so that the less the levels differ, the more is shrunk.
Source of the encoding: Micci-Barreca, A preprocessing scheme for high-cardinality categorical attributes (2001).

The rows that a network learns from are encoded by folds, each row by the rows of the other folds: by its own target it would
give that target away, and the network would trust an input that new rows do not have.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from chainrule.data.encode import Encoder
from chainrule.data.expansions import Floats
from chainrule.data.inputs import slots_of
from chainrule.data.table import Table
from chainrule.shapes import Ints

CHANCE = 2.0
"""The ratio of the variances between and within levels is to exceed 1 by so many of its standard deviations under chance."""


@dataclass(frozen=True, eq=False)
class LevelMeans:
    """The shrunk means (levels, targets), the mean of all rows (targets,), by how many rows of it was shrunk (targets,;
    infinity: wholly), and whether the levels differ by more than chance makes them (targets,)."""

    values: Floats
    prior: Floats
    strength: Floats
    is_evident: npt.NDArray[np.bool_]


def shrunk_means(slots: Ints, y: Floats, weights: Floats | None, count: int, *, together: bool = False) -> LevelMeans:
    """The means of y (rows, targets) in the levels `slots` (rows,), numbers below `count`; -1 is no level and left out.

    `together`: one m for all targets, as shares of classes need, whose sums stay 1.

    >>> found = shrunk_means(np.array([0, 0, 0, 1, 1, 1]), np.array([[1.0], [2], [3], [6], [7], [8]]), None, 3)
    >>> found.prior.tolist(), found.strength.round(3).tolist(), found.values[:, 0].round(3).tolist()
    ([4.5], [0.082], [2.067, 6.933, 4.5])
    """
    w = np.ones(len(slots)) if weights is None else weights.astype(np.float64)
    there = (slots >= 0) & (w > 0)
    if not there.any():  # no row says anything of a level
        mean, none = y.mean(axis=0), np.zeros(y.shape[1], bool)
        return LevelMeans(np.tile(mean, (count, 1)), mean, np.full(len(mean), np.inf), none)
    slots, y, w = slots[there], y[there], w[there]
    w = w * (len(w) / w.sum())
    prior = np.average(y, axis=0, weights=w)
    unit = np.maximum(np.abs(y - prior).max(axis=0), np.finfo(float).tiny)  # squares of large targets would overflow
    d = (y - prior) / unit
    rows = np.bincount(slots, w, count).astype(np.float64)
    sums = np.stack([np.bincount(slots, w * d[:, k], count) for k in range(d.shape[1])], axis=1)
    seen = rows > 0
    between, whole = (sums[seen] ** 2 / rows[seen, None]).sum(axis=0), (w[:, None] * d**2).sum(axis=0)
    if together:
        between, whole = (np.full(len(prior), (part * (unit / unit.max()) ** 2).sum()) for part in (between, whole))
    strength, is_evident = _strength(rows[seen], between, np.maximum(whole - between, 0.0))
    with np.errstate(invalid="ignore"):
        moved = np.where(np.isinf(strength), 0.0, sums / np.maximum(rows[:, None] + strength, np.finfo(float).tiny))
    return LevelMeans(prior + unit * moved, prior, strength, is_evident)


def _strength(rows: Floats, between: Floats, within: Floats) -> tuple[Floats, npt.NDArray[np.bool_]]:
    """m, and whether the levels differ by more than chance, from the sums of squares of each target."""
    total, levels = rows.sum(), len(rows)
    if levels < 2 or total - levels < 1:  # nothing varies between them, or nothing within
        return np.full(len(between), np.inf), np.zeros(len(between), bool)
    between, within = between / (levels - 1), within / (total - levels)
    size = (total - (rows**2).sum() / total) / (levels - 1)  # the usual number of rows in a level
    variance = (between - within) / size
    with np.errstate(divide="ignore", invalid="ignore"):
        strength = np.where(variance > 0, within / variance, np.inf)
    limit = 1.0 + CHANCE * math.sqrt(2.0 / (levels - 1) + 2.0 / (total - levels))
    return strength, between > limit * within


def means_named(encoder: Encoder) -> tuple[str, ...]:
    """What the means of an encoder's targets are called, in the order of `targets_of`."""
    names = [target.name for target in encoder.targets]
    if encoder.classes:
        told = encoder.classes[1:] if encoder.task == "binary" else encoder.classes
        found = [f"share of {names[0]}={label}" for label in told]
    else:
        found = [f"{'share' if encoder.task == 'multilabel' else 'mean'} of {name}" for name in names]
    return tuple(found)


def targets_of(encoder: Encoder, table: Table, rows: Ints) -> Floats:
    """What is averaged (rows, means): numbers in their own unit, or 0 and 1 for labels and classes."""
    if not encoder.classes:
        return np.stack([table[target.name].values[rows].astype(np.float64) for target in encoder.targets], axis=1)
    codes = encoder.encode_target(table, rows)
    first = 1 if encoder.task == "binary" else 0
    return np.stack([(codes == code).astype(np.float64) for code in range(first, len(encoder.classes))], axis=1)


def learned_from(encoder: Encoder, table: Table, rows: Ints, weights: Floats | None) -> Encoder:
    """The same encoder, its means of levels taken from these rows alone; `weights` (rows,)."""
    found: dict[str, LevelMeans] = {}
    columns, names = [], means_named(encoder)
    for plan in encoder.columns:
        if plan.means:
            if plan.name not in found:
                slots = slots_of(plan, table[plan.name].take(rows))
                y = targets_of(encoder, table, rows)
                found[plan.name] = shrunk_means(slots, y, weights, len(plan.levels), together=bool(encoder.classes))
            means, k = found[plan.name], names.index(plan.part)
            plan = replace(plan, means=tuple(means.values[:, k].tolist()), fill=float(means.prior[k]))
        columns.append(plan)
    return replace(encoder, columns=tuple(columns)) if found else encoder


def encode_by_folds(
    encoder: Encoder, table: Table, folds: Sequence[tuple[Ints, Ints]], weights: Floats | None, dtype: npt.DTypeLike
) -> npt.NDArray[Any]:
    """The inputs of rows to learn from, each encoded without its own target. Of each fold (other rows, own rows), numbers
    of rows of the table; the own rows of all folds together, in ascending order, are the result's; `weights` are the
    table's."""
    every = np.sort(np.concatenate([own for _, own in folds]))
    encoded = np.empty((len(every), len(encoder.inputs)), dtype)
    for others, own in folds:
        from_others = learned_from(encoder, table, others, None if weights is None else weights[others])
        encoded[np.searchsorted(every, own)] = from_others.encode(table, own, dtype=dtype)
    return encoded
