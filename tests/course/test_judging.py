"""Whole lectures with printed numbers: rounding is never called a mistake, and a planted mistake is found where it was made."""

import random
from dataclasses import replace

import pytest
from planted_slips import PLACES, Student, slipped

from chainrule.course.exercises import exercises
from chainrule.course.judge import AGREES, CARRIED, WRONG, work
from chainrule.course.printed import printed

SHAPES = {"2-2-1": (2, 2, 1), "2-3-1": (2, 3, 1), "3-2-1": (3, 2, 1), "2-2-2": (2, 2, 2)}


def lecture(one, sheet):
    """An exercise as a lecture that prints these numbers."""
    rows = tuple(replace(q, printed=printed(sheet[q.name])) for q in one.example.quantities)
    return replace(one.example, quantities=rows)


@pytest.mark.parametrize("network", SHAPES)
@pytest.mark.parametrize("decimals", [3, 4, 6, 9])
def test_rounding_is_never_called_a_mistake(network, decimals):
    for seed in range(6):
        (one,) = exercises("update", network, seed=seed)
        for keeps in (False, True):
            sheet = Student(SHAPES[network], one.example.given, decimals, keeps).solve(one.asked)
            judged = work(lecture(one, sheet))
            assert {j.verdict for j in judged} & {WRONG, CARRIED} == set(), [j for j in judged if j.verdict == WRONG]
            assert not keeps or {j.verdict for j in judged} == {AGREES}


def test_a_planted_mistake_is_found_where_it_was_made_and_what_follows_is_traced_to_it():
    found = total = 0
    for seed in range(1, 160):
        slip, source = sorted(PLACES)[seed % len(PLACES)], random.Random(seed)
        network = source.choice(list(SHAPES))
        (one,) = exercises("update", network, seed=seed)
        made = slipped(one.asked, SHAPES[network], one.example.given, slip, seed)
        if made is None or slip == "rounded operands":
            continue
        sheet, place = made
        judged = work(lecture(one, sheet))
        wrong = [j.quantity.name for j in judged if j.verdict == WRONG]
        total += 1
        found += wrong == [place] and all(j.first_wrong == place for j in judged if j.verdict == CARRIED)
    assert total > 80
    # a small mistake in the last digit of a product cannot always be told from rounding
    assert found / total >= 0.97


def test_a_forgotten_slope_is_named():
    (one,) = exercises("hidden-gradient", "2-2-1", seed=3)
    sheet = Student((2, 2, 1), one.example.given, 5, False, "forgot σ′", "delta_h1").solve(one.asked)
    wrong = next(j for j in work(lecture(one, sheet)) if j.verdict == WRONG)
    assert (wrong.quantity.name, "without σ′ = out_h1·(1 − out_h1)" in wrong.why) == ("delta_h1", True)
