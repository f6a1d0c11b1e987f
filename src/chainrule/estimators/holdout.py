"""Rows set aside for early stopping, drawn as scikit-learn's `train_test_split` draws them from the same RandomState."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.errors import DataError
from chainrule.shapes import Ints


def hold_out(count: int, share: float, random: np.random.RandomState, strata: NDArray[Any] | None) -> tuple[Ints, Ints]:
    """Row numbers for training and for validation; with `strata` every class keeps its share in both."""
    validation = math.ceil(share * count)
    if strata is not None:
        _refuse_single(strata)
    if validation < 2 or count - validation < 1:
        raise DataError(
            "CR105", "The validation set is too small", expected="at least 2 rows", got=str(validation),
            hint="Increase 'validation_fraction' or the size of your dataset",
        )  # fmt: skip
    if strata is not None:
        return _stratified(count - validation, validation, random, strata)
    drawn = random.permutation(count)
    return drawn[validation:], drawn[:validation]


def _stratified(train: int, validation: int, random: np.random.RandomState, strata: NDArray[Any]) -> tuple[Ints, Ints]:
    classes, codes, counts = np.unique(strata, return_inverse=True, return_counts=True)
    if min(train, validation) < len(classes):
        raise DataError(
            "CR105", "The validation set is too small to hold every class", expected=f"at least {len(classes)} rows",
            got=str(validation), hint="Increase 'validation_fraction' or the size of your dataset",
        )  # fmt: skip
    members = np.split(np.argsort(codes.reshape(-1), kind="stable"), np.cumsum(counts)[:-1])
    in_train = _shares(counts, train, random)
    in_validation = _shares(counts - in_train, validation, random)
    parts: tuple[list[Ints], list[Ints]] = ([], [])
    for rows, first, second in zip(members, in_train, in_validation, strict=True):
        drawn = rows[random.permutation(len(rows))]
        parts[0].append(drawn[:first])
        parts[1].append(drawn[first : first + second])
    return random.permutation(np.concatenate(parts[0])), random.permutation(np.concatenate(parts[1]))


def _refuse_single(strata: NDArray[Any]) -> None:
    classes, counts = np.unique(strata, return_counts=True)
    if counts.min() < 2:
        raise DataError(
            "CR105", "The least populated classes in y have only 1 member, which is too few to be in training and in "
            f"validation. Classes with too few members are: {classes[counts < 2].tolist()}",
            hint="leave these rows out, or early_stopping=False",
        )  # fmt: skip


def _shares(counts: Ints, draws: int, random: np.random.RandomState) -> Ints:
    """The most likely numbers of a draw without replacement; ties of the remainders are broken at random."""
    expected = counts / counts.sum() * draws
    whole = np.floor(expected)
    missing = int(draws - whole.sum())
    remainder = expected - whole
    for value in np.unique(remainder)[::-1]:
        if missing <= 0:
            break
        (tied,) = np.nonzero(remainder == value)
        chosen = random.choice(tied, size=min(len(tied), missing), replace=False)
        whole[chosen] += 1
        missing -= len(chosen)
    found: Ints = whole.astype(np.int64)
    return found
