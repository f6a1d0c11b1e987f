"""In which order an epoch goes through the rows: a matter of the seed and the epoch's number, and of nothing else."""

from __future__ import annotations

from functools import lru_cache
from typing import Protocol, TypeVar

import numpy as np

from chainrule import rng
from chainrule.shapes import Ints

WATCHED_ROWS = 5000
"""How many training rows are measured at the end of an epoch: a share of 5000 rows is known to ±0.014 at worst, and a
pass over all rows of a large table would cost a quarter of its training."""

_DRAWN_TOGETHER = 4096  # row numbers; orders of small data are drawn for many epochs at once, which costs little more


def row_orders(seed: int | None, first: int, epochs: int, count: int) -> Ints:
    """The orders of the epochs `first`, `first` + 1, … (from 0), shape (epochs, count); 0, 1, 2, … where the seed is None.

    >>> bool((row_orders(7, 0, 3, 5)[2] == row_orders(7, 2, 1, 5)[0]).all())
    True
    """
    if seed is None:
        return np.ascontiguousarray(np.broadcast_to(np.arange(count), (epochs, count)))
    together = max(1, _DRAWN_TOGETHER // count)
    blocks = range(first // together, (first + epochs - 1) // together + 1)
    draw = _small_block if together > 1 else _large_block
    drawn = np.concatenate([draw(seed, block, together, count) for block in blocks])
    skip = first - blocks.start * together
    return np.ascontiguousarray(drawn[skip : skip + epochs])


def watched_rows(seed: int, count: int, validation: int | None, has_metrics: bool) -> Ints | None:
    """The training rows that are measured after every epoch, the same ones each time; None where all of them are.

    Where metrics are asked for, 5000 at most; where only losses are compared, no more than the `validation` rows, which tell
    no more than they do. Without both there is nothing to compare, and the loss while the weights move is enough.

    >>> watched_rows(0, 500, None, True) is None, len(watched_rows(0, 50_000, 100, True)), len(watched_rows(0, 500, 100, False))
    (True, 5000, 100)
    """
    most = watched_count(count, validation, has_metrics)
    if count <= most:
        return None
    return np.sort(rng.generator(seed, "watched").choice(count, most, replace=False))


def watched_count(count: int, validation: int | None, has_metrics: bool) -> int:
    """How many of `count` training rows are measured after every epoch; see `watched_rows`."""
    return min(count, WATCHED_ROWS if has_metrics else min(WATCHED_ROWS, validation or 0))


class _Taken(Protocol):
    def __len__(self) -> int: ...
    def take(self: E, index: Ints, /) -> E: ...


E = TypeVar("E", bound=_Taken)


def watched_part(examples: E, validation: E | None, seed: int, *, has_metrics: bool) -> E | None:
    """The training examples that are measured after every epoch (`watched_rows`); None where nothing is watched."""
    if validation is None and not has_metrics:
        return None
    index = watched_rows(seed, len(examples), None if validation is None else len(validation), has_metrics)
    return examples if index is None else examples.take(index)


def _block(seed: int, block: int, epochs: int, count: int) -> Ints:
    source = rng.generator(seed, "order", block)
    if epochs == 1:
        return source.permutation(count)[None, :]
    return source.permuted(np.tile(np.arange(count), (epochs, 1)), axis=1)


_large_block = lru_cache(maxsize=2)(_block)
_small_block = lru_cache(maxsize=64)(_block)
"""32 KiB each, for networks that are trained side by side."""
