"""Real solutions: the numbers of published retellings of two textbook examples, wrong and right ones.

Their numbers stand in tests/course/published; none was changed, and none was made up for these tests.
"""

from pathlib import Path

import pytest

from chainrule.course.answer_files import mark_file
from chainrule.course.marking import FOLLOWS

FOLDER = Path(__file__).parent / "published"
FOUND = {
    "transposed-weights": ("net_h1", "wrong index"),
    "weights-of-the-other-unit": ("net_h2", "wrong index"),
    "updated-weights": ("w1_new", "used the updated weight"),
    "a-digit-wrong": ("w4_new", "typing error"),
    "a-digit-left-out": ("w7_new", "typing error"),
    "a-digit-changed-on-the-way": ("dEo1_dout_h1", "typing error"),
    "the-point-is-missing": ("delta_o1", "sign"),
    "two-decimals": ("dE_dw1", "sign"),
    "right": None,
    "hand-calculation-of-han-kamber": None,
}


def test_every_published_solution_is_judged():
    assert {path.stem for path in FOLDER.glob("*.toml")} == set(FOUND)


@pytest.mark.parametrize("name", FOUND)
def test_the_first_wrong_number_of_a_published_solution_is_found_and_its_slip_named(name):
    (marked,) = mark_file(FOLDER / f"{name}.toml")
    first = marked.first
    assert (first and (first.name, first.slip)) == FOUND[name]


def marks(name):
    (marked,) = mark_file(FOLDER / f"{name}.toml")
    return {mark.name: mark for mark in marked.marks}


def test_a_retelling_with_transposed_weights_shows_it_at_every_unit():
    found = marks("transposed-weights")
    assert found["net_h1"].what == "w3 in place of w2"
    assert found["out_h1"].verdict == found["out_h2"].verdict == FOLLOWS
    assert found["net_o1"].what == "without the term b2·1, and w7 in place of w6"
    assert found["net_o1"].slip == found["net_o2"].slip == "forgot the bias"


def test_all_four_weights_moved_by_the_updated_ones_are_told_so():
    found = marks("updated-weights")
    assert {found[f"w{i}_new"].slip for i in (1, 2, 3, 4)} == {"used the updated weight"}
    assert {found[f"w{i}_new"].verdict for i in (5, 6, 7, 8)} == {"right"}


def test_slips_of_the_pen_say_what_was_meant():
    assert marks("a-digit-wrong")["w4_new"].what == "one digit wrong, 9 in place of 2: 0.29950229 is right"
    assert marks("a-digit-left-out")["w7_new"].what == "the digit 1 is missing: 0.511301270 is right"
    assert marks("the-point-is-missing")["w1_new"].what == "the point is missing: 0.149780716 is right"


def test_what_is_right_after_a_slip_of_the_pen_stays_right():
    found = marks("a-digit-changed-on-the-way")
    assert found["dE_dout_h1"].verdict == "right"
