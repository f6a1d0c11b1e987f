"""The search for weights, beyond the worked examples (those are recomputed in test_examples)."""

import numpy as np
import pytest

from chainrule import rng
from chainrule.course.document import load
from chainrule.course.recompute import network_of
from chainrule.course.search import (
    Problem,
    descend,
    exact_solution,
    grid_search,
    guess,
    largest_rate,
    quadratic_toy,
    random_search,
    taylor,
    two_points,
    two_valleys,
)
from chainrule.errors import ChainruleError
from chainrule.network import initialize


def test_two_points_and_two_parameters_have_an_exact_fit():
    assert exact_solution() == pytest.approx((1.79175946922806, -2.28217409573392), rel=1e-12)
    assert two_points().loss(exact_solution()) < 1e-30


def test_random_search_finds_less_than_descent_with_as_many_evaluations():
    tried = random_search(two_points(), tries=500, seed=3)
    path = descend(two_points(), [-2.0, -2.0], learning_rate=1.0, steps=500)
    assert path.losses[-1] < tried.best[1]
    assert (np.diff(tried.best_so_far) <= 0).all()
    assert np.abs(tried.thetas).max() <= 6


def test_random_search_is_repeatable():
    assert np.array_equal(random_search(two_points(), seed=1).thetas, random_search(two_points(), seed=1).thetas)


def test_a_grid_over_many_parameters_is_refused_with_its_size():
    network = network_of(load("cis678-2-2-2-sigmoid").data)
    with pytest.raises(ChainruleError, match=r"49\^12"):
        grid_search(Problem(network, [[0.0, 0.0]], [[0.0, 0.0]]))


def test_online_descent_differs_from_batch_descent():
    start = [-2.0, -2.0]
    batch = descend(two_points(), start, learning_rate=1.0, steps=2)
    online = descend(two_points(), start, learning_rate=1.0, steps=2, mode="online")
    turned = descend(two_points(), start, learning_rate=1.0, steps=2, mode="online", order=[1, 0])
    assert not np.allclose(batch.thetas[1], online.thetas[2])
    assert not np.allclose(online.thetas[2], turned.thetas[2], rtol=1e-9, atol=0)


def test_a_wrong_sign_climbs():
    path = descend(two_points(), [-2.0, -2.0], learning_rate=-1.0, steps=50)
    assert path.verdict == "rises at every step"
    data = load("practical-ml-2-2-2-backprop").data
    network = network_of(data)
    problem = Problem(network, data["data"]["inputs"], data["data"]["targets"])
    climbed = descend(problem, initialize(network), learning_rate=-0.5, steps=1)
    assert climbed.losses == pytest.approx(
        [data["wrong_sign"]["loss_before"], data["wrong_sign"]["loss_after"]], rel=1e-12
    )


def test_the_largest_rate_of_a_bowl_divides_convergence_from_divergence():
    limit = largest_rate(quadratic_toy(), [-2.0, 3.0])
    assert limit == pytest.approx(2 / 26, rel=1e-8)
    assert descend(quadratic_toy(), [-2.0, 3.0], learning_rate=0.99 * limit, steps=20).verdict == "falls at every step"
    assert descend(quadratic_toy(), [-2.0, 3.0], learning_rate=1.3 * limit, steps=20).verdict == "diverges"


def test_online_learning_leaves_the_shallow_valley_where_gradient_descent_stays():
    stays = descend(two_valleys(), [1.3], learning_rate=0.05, steps=300)
    assert stays.thetas.min() > 0.5
    deep = 0
    for seed in range(10):
        order = rng.generator(seed, "course/order").integers(0, 4, 300)
        noisy = descend(two_valleys(), [1.3], learning_rate=0.05, steps=300, mode="online", order=order)
        deep += noisy.thetas[-1, 0] < 0
    assert deep >= 6


def test_no_direction_lowers_the_loss_more_than_the_one_against_the_gradient():
    for length in (0.1, 0.001):
        rows = taylor(two_points(), [-2.0, -2.0], angles=range(0, 360, 15), lengths=[length])
        assert min(rows, key=lambda row: row.first_order).beta == 180
    rows = taylor(two_points(), [-2.0, -2.0], lengths=[0.01])
    for row in rows:  # what both orders leave is of third order
        assert abs(row.actual - row.first_order - row.second_order) < 0.01**3


def test_a_loss_that_turns_to_infinity_ends_the_path():
    path = descend(quadratic_toy(), [-2.0, 3.0], learning_rate=1e200, steps=10)
    assert path.verdict == "diverges"
    assert len(path.losses) <= 11


def test_an_order_that_names_no_example_is_refused():
    with pytest.raises(ChainruleError, match=r"CR201.*0 to 1"):
        descend(two_points(), [0.0, 0.0], learning_rate=1.0, steps=1, mode="online", order=[2])


def test_guesses_are_read_only():
    with pytest.raises(ValueError, match="read-only"):
        guess(two_points(), [[0.0, 0.0]]).losses[0] = 1
