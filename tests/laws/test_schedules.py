"""The laws of schedules over the whole catalog, planted faults, and the numbers of each formula."""

import math
import pickle
from dataclasses import replace

import numpy as np
import pytest

from chainrule.errors import PromiseError, SettingError
from chainrule.optim.schedules import schedules

# steps, steps per epoch: a whole number of epochs, a broken last epoch, one step, one epoch longer than the run
RUNS = ((60, 5), (101, 7), (1, 1), (9, 20))
VARIANTS = [
    *schedules,
    schedules.get("step", every=2, factor=0.5),
    schedules.get("flat_cos", flat=0.0),
    schedules.get("one_cycle", peak_at=0.5, start=0.0, end=0.1),
    schedules.get("warm_up", fraction=0.0),
    schedules.get("warm_up", fraction=1.0),
    schedules.get("warm_up", steps=7, then="cosine"),
    schedules.get("warm_up", steps=1000, then=schedules.get("exponential", factor=0.5)),
]
every_schedule = pytest.mark.parametrize("schedule", VARIANTS, ids=lambda s: f"{s.name}-{s.constants}")


def _require(schedule, law, holds):
    if not holds:
        raise PromiseError("CR208", f"the schedule {schedule.name!r} breaks a law: {law}")


def keeps_its_bounds(schedule):
    """A float64 multiplier for every step, from 0 to 1; the base learning rate is never exceeded and mostly in use."""
    for steps, per_epoch in RUNS:
        table = schedule.multipliers(steps, per_epoch)
        _require(schedule, "one float64 number a step", table.shape == (steps,) and table.dtype == np.float64)
        _require(schedule, "multipliers from 0 to 1", np.all((table >= 0) & (table <= 1)))
    _require(schedule, "the base learning rate is reached", schedule.multipliers(1000, 10).max() > 0.9)


def does_not_depend_on_pieces(schedule):
    """Any piece, in any order, has the bits of the whole table."""
    for steps, per_epoch in RUNS:
        table = schedule.multipliers(steps, per_epoch)
        numbers = np.arange(steps)
        for piece in (*np.array_split(numbers, 4), numbers[::-1], numbers[::3]):
            same = schedule.at(piece, steps, per_epoch).tobytes() == table[piece].tobytes()
            _require(schedule, "a piece has the bits of the whole", same)


def does_not_depend_on_fineness(schedule):
    """With steps half as long, every second multiplier is that of the coarse run (t and the epoch are the same)."""
    if schedule.clock == "step":
        return
    for steps, per_epoch in RUNS:
        coarse = schedule.multipliers(steps, per_epoch)
        fine = schedule.multipliers(2 * steps, 2 * per_epoch)
        _require(schedule, "every second step of a finer run is the same", fine[::2].tobytes() == coarse.tobytes())


LAWS = (keeps_its_bounds, does_not_depend_on_pieces, does_not_depend_on_fineness)


@every_schedule
@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.__name__)
def test_every_schedule_holds_every_law(schedule, law):
    law(schedule)


@every_schedule
def test_a_schedule_survives_its_description_and_a_pickle(schedule):
    assert schedules.restore(schedules.describe(schedule)) == schedule
    again = pickle.loads(pickle.dumps(schedule))
    assert again == schedule
    assert again.multipliers(50, 5).tobytes() == schedule.multipliers(50, 5).tobytes()
    assert schedule.latex
    assert schedule.source


# Planted faults


@pytest.mark.parametrize("name", [s.name for s in schedules if s.clock != "step" and s.name != "constant"])
def test_a_schedule_that_is_one_step_late_is_caught(name):
    right = schedules.get(name) if name != "step" else schedules.get("step", every=1)
    late = replace(right, at=lambda s, steps, per_epoch: right.at(s + 1, steps, per_epoch))
    with pytest.raises(PromiseError, match="finer run"):
        does_not_depend_on_fineness(late)


def test_a_schedule_that_counts_from_the_start_of_its_piece_is_caught():
    right = schedules.get("cosine")
    fault = replace(right, at=lambda s, steps, per_epoch: right.at(np.arange(len(s)), steps, per_epoch))
    with pytest.raises(PromiseError, match="bits of the whole"):
        does_not_depend_on_pieces(fault)


def test_a_schedule_that_exceeds_the_base_learning_rate_is_caught():
    right = schedules.get("linear")
    fault = replace(right, at=lambda s, steps, per_epoch: 1.001 * right.at(s, steps, per_epoch))
    with pytest.raises(PromiseError, match="from 0 to 1"):
        keeps_its_bounds(fault)


# The numbers


@pytest.mark.parametrize(
    ("name", "constants", "at_quarters"),
    [
        ("constant", {}, [1, 1, 1, 1]),
        ("linear", {"end": 0.2}, [1, 0.8, 0.6, 0.4]),
        ("cosine", {}, [1, 0.5 + math.sqrt(2) / 4, 0.5, 0.5 - math.sqrt(2) / 4]),
        ("cosine", {"end": 0.5}, [1, 0.75 + math.sqrt(2) / 8, 0.75, 0.75 - math.sqrt(2) / 8]),
        ("flat_cos", {}, [1, 1, 1, 0.5]),
        ("one_cycle", {"peak_at": 0.5, "start": 0.04, "end": 0.0}, [0.04, 0.52, 1, 0.5]),
        ("step", {"every": 1, "factor": 0.1}, [1, 0.1, 0.01, 0.001]),
        ("exponential", {"factor": 0.5}, [1, 0.5, 0.25, 0.125]),
    ],
)
def test_a_schedule_has_the_numbers_of_its_formula(name, constants, at_quarters):
    table = schedules.get(name, **constants).multipliers(4, steps_per_epoch=1)
    # Each is a cosine and a few operations: some units in the last place.
    assert table == pytest.approx(at_quarters, rel=1e-14, abs=1e-16)


def test_coslog4_has_four_waves_each_twice_as_long():
    table = schedules.get("coslog4").multipliers(15, steps_per_epoch=1)
    # log2(1 + 15 t) is whole at t = 0, 1/15, 3/15, 7/15: a wave begins.
    assert table[[0, 1, 3, 7]] == pytest.approx([0, 0, 0, 0], abs=1e-25)
    peaks = schedules.get("coslog4").multipliers(150_000, 1)
    inner = (peaks[1:-1] > peaks[:-2]) & (peaks[1:-1] >= peaks[2:])
    assert inner.sum() == 4


def test_a_step_falls_at_the_first_step_of_its_epoch():
    table = schedules.get("step", every=2, factor=0.5).multipliers(9, steps_per_epoch=2)
    assert table.tolist() == [1, 1, 1, 1, 0.5, 0.5, 0.5, 0.5, 0.25]


def test_a_warm_up_rises_in_a_straight_line_and_then_starts_the_schedule_at_its_beginning():
    table = schedules.get("warm_up", steps=3, then="cosine").multipliers(7, steps_per_epoch=1)
    assert table[:3].tolist() == [0.25, 0.5, 0.75]
    assert table[3:].tobytes() == schedules.get("cosine").multipliers(4, steps_per_epoch=1).tobytes()


def test_a_warm_up_of_a_share_of_the_run():
    table = schedules.get("warm_up", fraction=0.2).multipliers(20, steps_per_epoch=1)
    assert table == pytest.approx([0.2, 0.4, 0.6, 0.8, *[1.0] * 16])


def test_a_warm_up_before_a_schedule_that_begins_at_0_is_refused():
    with pytest.raises(SettingError, match="CR204"):
        schedules.get("warm_up", then="coslog4")


@pytest.mark.parametrize(
    ("name", "constants"),
    [
        ("step", {"every": 0}),
        ("step", {"factor": 1.5}),
        ("exponential", {"factor": 0.0}),
        ("cosine", {"end": -0.1}),
        ("flat_cos", {"flat": 1.0}),
        ("one_cycle", {"peak_at": 0.0}),
        ("warm_up", {"steps": -1}),
        ("warm_up", {"fraction": 1.1}),
    ],
)
def test_a_constant_outside_its_bounds_is_refused(name, constants):
    with pytest.raises(SettingError, match="CR201"):
        schedules.get(name, **constants)


def test_a_long_table_is_made_in_pieces_far_from_its_start():
    schedule, steps = schedules.get("cosine"), 10**12
    piece = schedule.at(np.arange(steps // 2, steps // 2 + 3), steps, 1000)
    assert piece == pytest.approx([0.5, 0.5, 0.5], abs=1e-11)
