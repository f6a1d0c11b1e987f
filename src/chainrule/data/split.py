"""Rows into training, validation and test parts, or into folds: stratified by class, equal rows kept together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from chainrule import rng
from chainrule.constraints import choice, real, whole
from chainrule.data.schema import Schema
from chainrule.data.table import Column, Note, Table, counted, listing, read_only
from chainrule.errors import DataError, SettingError

Rows = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Split:
    """Row numbers of the three parts, each sorted and read-only."""

    train: Rows
    validation: Rows
    test: Rows
    notes: tuple[Note, ...] = ()


@dataclass(frozen=True, eq=False)
class _Groups:
    """Equal rows as groups, in random order within their class: `of_row` (rows,), the others (groups,)."""

    of_row: Rows
    sizes: Rows
    strata: Rows
    notes: tuple[Note, ...]


def split(table: Table, schema: Schema, *, validation: float = 0.1, test: float = 0.2, seed: int = 0) -> Split:
    """Split the rows with a target. Fractions are of all of them; every class keeps at least one row in training.

    Rows that are equal in all inputs and targets stay in one part, so that no test row was trained on. The same seed
    gives the same split. Raises CR105 when a part that was asked for would be empty.

    >>> from chainrule.data.files import read_table
    >>> from chainrule.data.schema import infer_schema
    >>> table = read_table({"x": [i / 2 for i in range(20)], "y": ["a", "b"] * 10})
    >>> parts = split(table, infer_schema(table, "y"), validation=0.1, test=0.2, seed=0)
    >>> len(parts.train), len(parts.validation), len(parts.test)
    (14, 2, 4)
    """
    real("validation", validation, low=0, below=1)
    real("test", test, low=0, below=1)
    if validation + test >= 1:
        raise SettingError("CR204", "`validation` and `test` leave nothing to train on", got=f"{validation} + {test}")
    groups = _group(table, schema, seed, "split")
    parts = np.zeros(len(groups.sizes), np.int64)
    for part, share, name in ((2, test, "test"), (1, validation, "validation")):
        if share:
            chosen = _choose(groups, parts == 0, share)
            if not len(chosen):
                raise _too_few(table, schema, len(groups.sizes), name, share)
            parts[chosen] = part
    by_row = parts[groups.of_row]
    train, validating, testing = (read_only(schema.rows[by_row == part]) for part in range(3))
    if len(train) < 2:
        raise _too_few(table, schema, len(groups.sizes), "training", 1 - validation - test)
    return Split(train, validating, testing, groups.notes)


def folds(table: Table, schema: Schema, count: int = 5, *, seed: int = 0) -> tuple[Split, ...]:
    """`count` splits whose test parts are all rows with a target, each row once (validation parts are empty)."""
    fold, notes = fold_numbers(table, schema, count, seed=seed)
    none = read_only(np.empty(0, np.int64))
    return tuple(
        Split(read_only(schema.rows[fold != k]), none, read_only(schema.rows[fold == k]), notes) for k in range(count)
    )


def fold_numbers(table: Table, schema: Schema, count: int, *, seed: int = 0) -> tuple[Rows, tuple[Note, ...]]:
    """The fold of each row of `schema.rows`, from 0 (rows,), and what there is to say about it. CR105 with fewer different
    rows than folds."""
    whole("count", count, low=2)
    groups = _group(table, schema, seed, "folds")
    if len(groups.sizes) < count:
        raise DataError(
            "CR105",
            f"too few rows for {count} folds",
            where=table.source,
            expected=f"at least {count} different rows",
            got=f"{len(groups.sizes)} different in {len(schema.rows)} rows",
            hint="give more rows, or pass test=0 for a model without a score",
        )
    return (np.arange(len(groups.sizes)) % count)[groups.of_row], groups.notes


def class_weights(
    codes: npt.ArrayLike, spec: str | Mapping[Any, float] | None, labels: Sequence[Any]
) -> npt.NDArray[np.float64]:
    """One weight for each class: all 1 (None), n / (classes * count) ("balanced"), or those of a dict of labels.

    "balanced" is that of King and Zeng (2001), as in scikit-learn. Labels that a dict does not name weigh 1.

    >>> class_weights([0, 0, 0, 1], "balanced", ["no", "yes"]).tolist()
    [0.6666666666666666, 2.0]
    """
    if spec is None:
        return np.ones(len(labels))
    if isinstance(spec, str):
        choice("class_weight", spec, ("balanced",))
        counts = np.bincount(np.asarray(codes, dtype=np.int64), minlength=len(labels))
        # A class without a row in training has nothing to be weighed.
        return np.where(counts > 0, counts.sum() / (len(labels) * np.maximum(counts, 1)), 1.0)
    if not isinstance(spec, Mapping):
        raise SettingError("CR202", "`class_weight` must be None, 'balanced' or a dict", got=repr(spec))
    known = list(labels)
    weights = np.ones(len(known))
    for label, weight in spec.items():
        if label not in known:
            raise SettingError(
                "CR203", f"class_weight names the unknown class {label!r}", expected=listing(map(repr, known))
            )
        try:
            weights[known.index(label)] = real(f"class_weight[{label!r}]", weight, low=0)
        except SettingError as error:
            raise DataError("CR112", error.what, expected="a finite weight of at least 0", got=repr(weight)) from None
    if not weights.any():
        raise DataError("CR112", "all class weights are 0", expected="at least one above 0")
    return weights


def _choose(groups: _Groups, is_free: npt.NDArray[np.bool_], share: float) -> Rows:
    """Groups of about `share` of all rows, class by class in proportion; the first of each class stays in training."""
    total = int(groups.sizes.sum())
    wanted = max(1, round(share * total))
    starts = np.flatnonzero(np.diff(groups.strata, prepend=-1))
    is_free = is_free.copy()
    is_free[starts] = False
    chosen: list[Rows] = []
    taken = done = 0
    for start, end in zip(starts, [*starts[1:], len(groups.strata)], strict=True):
        done += int(groups.sizes[start:end].sum())
        candidates = start + np.flatnonzero(is_free[start:end])
        # The share of all classes so far, less what they gave: small classes hand their fractions on.
        quota = round(wanted * done / total) - taken
        while quota > 0:
            candidates = candidates[groups.sizes[candidates] <= quota]
            fitting = candidates[np.cumsum(groups.sizes[candidates]) <= quota]
            if not len(fitting):
                break
            chosen.append(fitting)
            gained = int(groups.sizes[fitting].sum())
            taken, quota = taken + gained, quota - gained
            candidates = candidates[len(fitting) :]
    free = np.flatnonzero(is_free)
    if not chosen and len(free):
        return free[[np.argmin(groups.sizes[free])]]
    return np.concatenate(chosen) if chosen else free


def _group(table: Table, schema: Schema, seed: int, stream: str) -> _Groups:
    """Rows that are equal in every input and target as groups, shuffled and then sorted by class."""
    columns = [table[name] for name in (*(field.name for field in schema.inputs), *schema.targets)]
    hashes = np.zeros(len(schema.rows), np.uint64)
    for column in columns:
        hashes = _mix(hashes, _bits(column.take(schema.rows)))
    _, first, group, sizes = np.unique(hashes, return_index=True, return_inverse=True, return_counts=True)
    target = table[schema.targets[0]]
    strata = np.zeros(len(first), np.int64)
    if schema.classes:
        strata = np.unique(target.values[schema.rows], return_inverse=True)[1].reshape(-1)[first]
    shuffled = rng.generator(seed, stream).permutation(len(first))
    order = shuffled[np.argsort(strata[shuffled], kind="stable")]
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    extra = len(schema.rows) - len(first)
    text = f"{counted(extra, 'row')} equal to another in every input and the target; equal rows stay in the same part"
    notes = (Note("duplicate rows", "rows", text),) if extra else ()
    return _Groups(place[group.reshape(-1)], sizes[order], strata[order], notes)


def _bits(column: Column) -> npt.NDArray[np.uint64]:
    if column.kind == "text":
        return column.values.astype(np.int64).view(np.uint64)
    if column.kind == "date":
        return column.values.astype(np.int64).view(np.uint64)
    # Adding 0 turns -0.0 into 0.0; every NaN becomes the same.
    floats: npt.NDArray[np.float64] = np.where(np.isnan(column.values), np.nan, column.values + 0.0)
    return floats.view(np.uint64)


def _mix(hashes: npt.NDArray[np.uint64], bits: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """The finaliser of splitmix64 (Steele, Lea, Flood 2014); two different rows agree with probability 2**-64."""
    z = (hashes * np.uint64(31)) ^ (bits + np.uint64(0x9E3779B97F4A7C15))
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(z ^ (z >> np.uint64(31)))


def _too_few(table: Table, schema: Schema, different: int, name: str, share: float) -> DataError:
    rows = len(schema.rows)
    return DataError(
        "CR105",
        f"too few rows for a {name} part",
        where=table.source,
        expected=f"at least {max(len(schema.classes), 1) + 3} different rows for {name} = {share:g}",
        got=f"{different} different in {rows} rows" + (f" of {len(schema.classes)} classes" if schema.classes else ""),
        hint="give more rows, or pass test=0 and validation=0 to train on all of them without a score",
    )
