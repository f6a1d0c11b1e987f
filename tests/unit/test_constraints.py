"""Settings are checked at the border."""

from __future__ import annotations

import math

import numpy as np
import pytest

from chainrule.constraints import choice, real, whole
from chainrule.errors import SettingError


@pytest.mark.parametrize("value", [1, np.int64(3), np.uint8(7)])
def test_whole_numbers_of_every_kind_are_taken(value):
    assert whole("epochs", value, low=1) == int(value)
    assert type(whole("epochs", value)) is int


@pytest.mark.parametrize("value", [1.0, "3", True, None, [1], np.float64(2)])
def test_what_is_no_whole_number_is_refused(value):
    with pytest.raises(SettingError) as caught:
        whole("epochs", value)
    assert caught.value.code == "CR202"
    assert "epochs" in str(caught.value)


@pytest.mark.parametrize("value", [1, 0.5, np.float32(0.25), np.int64(1)])
def test_numbers_of_every_kind_are_taken(value):
    assert real("rate", value, low=0.0) == float(value)


@pytest.mark.parametrize("value", ["0.1", True, None, [0.1], 1j])
def test_what_is_no_number_is_refused(value):
    with pytest.raises(SettingError) as caught:
        real("rate", value)
    assert caught.value.code == "CR202"


def test_text_that_is_a_number_is_answered_with_the_number():
    with pytest.raises(SettingError) as caught:
        real("learning_rate", "0.1")
    assert caught.value.hint == "pass learning_rate=0.1 (a number, not text)"


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_numbers_that_are_not_finite_are_refused(value):
    with pytest.raises(SettingError) as caught:
        real("rate", value)
    assert caught.value.code == "CR201"


@pytest.mark.parametrize(
    ("bounds", "inside", "outside", "words"),
    [
        ({"low": 0.0}, 0.0, -1e-9, "at least 0"),
        ({"high": 1.0}, 1.0, 1.1, "at most 1"),
        ({"above": 0.0}, 1e-300, 0.0, "greater than 0"),
        ({"below": 1.0}, 0.999, 1.0, "less than 1"),
        ({"low": 0.0, "below": 1.0}, 0.0, 1.0, "at least 0.0 and less than 1.0"),
    ],
)
def test_bounds_are_kept_and_said(bounds, inside, outside, words):
    assert real("rate", inside, **bounds) == inside
    with pytest.raises(SettingError, match=words):
        real("rate", outside, **bounds)


def test_bounds_of_whole_numbers_are_kept_and_said():
    assert whole("units", 5, low=1, high=5) == 5
    for value in (0, 6):
        with pytest.raises(SettingError, match="at least 1 and at most 5"):
            whole("units", value, low=1, high=5)


def test_a_word_outside_the_choices_is_answered_with_them():
    assert choice("reduction", "mean", ("mean", "sum")) == "mean"
    with pytest.raises(SettingError, match="mean, sum") as caught:
        choice("reduction", "maen", ("mean", "sum"))
    assert caught.value.code == "CR203"
    assert "'mean'" in caught.value.hint
