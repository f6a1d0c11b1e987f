"""The trainings of a preset's networks: what each reads and watches."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from chainrule.data.level_means import learned_from
from chainrule.data.split import fold_numbers
from chainrule.errors import DataError
from chainrule.network import initialize
from chainrule.prepare import Prepared, Trial, encoded_by_folds, network_for, weights_of
from chainrule.presets import preset_of
from chainrule.shapes import Ints

MEMBER_FOLDS = 5


def member_trials(prepared: Prepared, trial: Trial) -> list[Callable[[], Trial]]:
    """One training for each of the networks that `members` asks for: all in the encoding of `trial`, each (or each pair,
    where every second one reads no pieces) watching another fifth of its rows, from the sixth on a fifth of another cut.
    None where there are too few different rows. Where rows to watch are given, all members train on all other rows and
    watch these.

    A training takes its rows when it is called for: only those at work hold copies."""
    count, kinds = prepared.request.members, len(readings(trial))
    if prepared.given is not None:
        return [partial(_member, prepared, trial, number) for number in range(count)]
    rest, cuts = replace(prepared.schema, rows=trial.index), []
    for cut in range(-(-count // (kinds * MEMBER_FOLDS))):
        try:
            fold, _ = fold_numbers(prepared.table, rest, MEMBER_FOLDS, seed=trial.request.seed + 1_000 * cut)
        except DataError:
            return []
        cuts.append(fold.astype(np.int8))
    return [
        partial(_member, prepared, trial, number, cuts[turn // MEMBER_FOLDS] == turn % MEMBER_FOLDS)
        for number, turn in enumerate(number // kinds for number in range(count))
    ]


def readings(trial: Trial) -> tuple[Ints | None, ...]:
    """The numbers of the inputs that the networks of a trial, in turn, read: all (None), and, where a preset has it so and
    numbers enter in pieces, all but the pieces."""
    is_piece = np.array([one.meaning == "piece" for one in trial.encoder.inputs])
    if not is_piece.any() or trial.request.preset is None or not preset_of(trial.request.preset).is_mixed:
        return (None,)
    return (None, np.flatnonzero(~is_piece))


def _member(prepared: Prepared, trial: Trial, number: int, is_watched: NDArray[np.bool_] | None = None) -> Trial:
    """The training of one of several networks; `is_watched` (rows of `trial`,), None where rows to watch are given."""
    request, encoder, table = replace(trial.request, seed=trial.request.seed + number), trial.encoder, prepared.table
    rows, validation, index = trial.rows, trial.validation, trial.index
    if is_watched is not None:
        train, watched = np.flatnonzero(~is_watched), np.flatnonzero(is_watched)
        rows, validation, index = trial.rows.take(train), trial.rows.take(watched), trial.index[train]
    if any(column.means for column in encoder.columns):  # those of its own rows
        encoder = learned_from(encoder, table, index, weights_of(prepared, index))
        rows = replace(rows, x=encoded_by_folds(prepared, encoder, index, request))
        if is_watched is not None and validation is not None:
            validation = replace(validation, x=encoder.encode(table, trial.index[is_watched], dtype=request.dtype))
    kinds = readings(trial)
    kept, network = kinds[number % len(kinds)], trial.network
    if kept is not None:
        network = network_for(request, encoder, len(kept))
        rows = replace(rows, x=rows.x.take(kept, axis=1))
        validation = None if validation is None else replace(validation, x=validation.x.take(kept, axis=1))
    theta = initialize(network, request.seed, request.dtype)
    return replace(
        trial, request=request, encoder=encoder, network=network, rows=rows, validation=validation, theta=theta,
        index=index, kept=kept,
    )  # fmt: skip
