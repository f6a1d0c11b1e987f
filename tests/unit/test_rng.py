"""Random numbers by address."""

from __future__ import annotations

import numpy as np
import pytest

from chainrule import rng


def philox_words(key, step, row, block):
    """Philox4x32-10 of one counter, in plain integers: the second, independent form."""
    x, (k0, k1) = [step, row, block, 0], key
    for _ in range(10):
        p0, p1 = 0xD2511F53 * x[0], 0xCD9E8D57 * x[2]
        x = [(p1 >> 32) ^ x[1] ^ k0, p1 & 0xFFFFFFFF, (p0 >> 32) ^ x[3] ^ k1, p0 & 0xFFFFFFFF]
        k0, k1 = (k0 + 0x9E3779B9) & 0xFFFFFFFF, (k1 + 0xBB67AE85) & 0xFFFFFFFF
    return x


def test_the_known_answer_of_philox_for_zeros():
    bits = rng.uniform_bits((0, 0), 0, np.array([0]), 4)
    assert [f"{word:08x}" for word in bits[0]] == ["6627e8d5", "e169c58d", "bc57ac4c", "9b00dbd8"]


def test_the_published_answers_hold_for_the_second_form_too():
    assert philox_words((0, 0), 0, 0, 0) == [0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8]


def test_every_address_has_its_own_block_of_four_units():
    key, rows, step = rng.layer_key(7, 2), np.array([5, 2**31, 0]), 2**32 - 1
    bits = rng.uniform_bits(key, step, rows, 11)
    for row, number in enumerate(rows.tolist()):
        words = [word for block in range(3) for word in philox_words(key, step, number, block)]
        assert bits[row].tolist() == words[:11]


def test_a_draw_does_not_depend_on_the_position_in_the_batch():
    key, rows = rng.layer_key(3, 1), np.array([9, 4, 17, 4])
    whole = rng.uniform_bits(key, 6, rows, 5)
    for position, row in enumerate(rows):
        assert (rng.uniform_bits(key, 6, np.array([row]), 5)[0] == whole[position]).all()
    assert (whole[1] == whole[3]).all()
    assert (rng.uniform_bits(key, 6, rows, 3) == whole[:, :3]).all()


def test_seed_layer_and_step_each_change_the_draws():
    rows = np.arange(4)
    draws = [
        rng.uniform_bits(rng.layer_key(*key), step, rows, 8)
        for key, step in (((0, 0), 0), ((1, 0), 0), ((0, 1), 0), ((0, 0), 1))
    ]
    for one in range(4):
        for other in range(one):
            assert (draws[one] != draws[other]).mean() > 0.9


def test_uniform_draws_fill_the_half_open_interval_and_are_exact_in_float32():
    u = rng.uniform(rng.layer_key(0, 0), 0, np.arange(2000), 10)
    assert 0 <= u.min() < 1e-3
    assert 1 - 1e-3 < u.max() < 1
    assert (u.astype(np.float32).astype(np.float64) == u).all()
    # a mean of n draws deviates by 1/√(12 n); five deviations
    assert abs(u.mean() - 0.5) < 5 / np.sqrt(12 * u.size)


def test_no_rows_give_no_draws():
    assert rng.uniform_bits((1, 2), 0, np.empty(0, np.int64), 3).shape == (0, 3)


@pytest.mark.parametrize("other", [(1, "weights", 0), (0, "order", 0), (0, "weights", 1)])
def test_a_generator_depends_on_seed_purpose_and_occasion(other):
    draw = rng.generator(0, "weights", 0).integers(2**60)
    assert draw == rng.generator(0, "weights", 0).integers(2**60)
    assert draw != rng.generator(*other).integers(2**60)
