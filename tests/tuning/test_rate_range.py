"""The learning-rate range test: a sensible rate on a known problem, and no answer where there is none."""

import numpy as np
import pytest
from tuning_tables import noise, product

from chainrule import fit, learning_rate_range
from chainrule.errors import SettingError
from chainrule.training.rate_range import _verdict

QUICK = {"network": (16,), "seeds": 3, "steps": 200}


def test_the_rate_it_names_trains_better_than_ten_times_less_and_the_largest_is_above_it():
    data = product(400)
    found = learning_rate_range(data, "y", **QUICK)
    assert found.reason is None
    assert 1e-4 < found.steepest < found.largest < 1.0
    losses = [
        min(fit(data, "y", network=(16,), learning_rate=rate, epochs=15, validation=0.2, test=0).history["val_loss"])
        for rate in (found.steepest / 30, found.steepest)
    ]
    assert losses[1] < losses[0]


def test_the_answer_of_one_linear_unit_lies_below_the_bound_that_theory_gives():
    """Full-batch descent on the mean squared error diverges above 2 / the largest eigenvalue of the curvature 2 E[x xᵀ]."""
    source = np.random.default_rng(0)
    x = source.normal(size=(500, 2))
    data = {"a": x[:, 0], "b": x[:, 1], "y": x[:, 0] - 2 * x[:, 1]}
    found = learning_rate_range(
        data, "y", network=(), optimizer="gradient_descent", batch_size=None, seeds=3, steps=200, l2=0, high=10.0
    )
    assert found.steepest is not None
    assert found.steepest < found.largest < 2.0 * 1.0  # inputs and target are standardised: the curvature is about 2
    assert found.largest > 0.1


@pytest.mark.parametrize("seed", [0, 1])
def test_on_noise_it_cannot_tell(seed):
    found = learning_rate_range(noise(seed=seed), "y", **QUICK)
    assert (found.steepest, found.largest) == (None, None)
    assert str(found).startswith("cannot tell, because")


def curves(*places, points=100, drop=1.0):
    """A fall from 2 that is steepest at each of these places, then a rise."""
    k = np.arange(points)
    return np.array([2.0 - drop / (1 + np.exp((p - k) / 3)) + np.maximum(k - 85, 0) for p in places])


RATES = np.geomspace(1e-6, 10, 100)


def test_seeds_that_disagree_are_said():
    assert "the seeds disagree" in _verdict(RATES, curves(20, 60, 40), 2.0)[2]


def test_seeds_that_agree_are_answered_where_they_fall_fastest():
    steepest, largest, reason = _verdict(RATES, curves(50, 51, 49), 2.0)
    assert reason is None
    assert abs(np.log10(steepest / RATES[50])) < 0.2
    assert RATES[70] < largest < RATES[90]


def test_a_loss_that_still_falls_at_the_end_has_no_largest_rate():
    steepest, largest, reason = _verdict(RATES[:80], curves(50, 51, 49)[:, :80], 2.0)
    assert steepest is not None and largest is None and "raise `high`" in reason


def test_training_that_diverges_at_once_asks_for_lower_rates():
    broken = curves(50, 51)
    broken[0, 3:] = np.nan
    assert "lower `low`" in _verdict(RATES, broken, 2.0)[2]


def test_a_test_has_as_many_curves_as_seeds_and_is_plain_data():
    found = learning_rate_range(product(), "y", network=(4,), seeds=2, steps=100)
    assert found.losses.shape == (2, len(found.rates))
    assert set(found.to_dict()) >= {"rates", "losses", "mean", "spread", "steepest", "largest", "reason", "rule"}
    with pytest.raises(ValueError, match="read-only"):
        found.losses[0, 0] = 0.0


@pytest.mark.parametrize(
    ("settings", "code"),
    [
        ({"learning_rate": 0.1}, "CR204"),
        ({"optimizer": "lbfgs"}, "CR204"),
        ({"seeds": 1}, "CR201"),
        ({"activation": "rellu"}, "CR203"),
    ],
)
def test_settings_that_cannot_work_are_refused_before_the_data_are_read(settings, code):
    with pytest.raises(SettingError, match=code):
        learning_rate_range("there-is-no-such-file.csv", "y", **settings)


def test_a_range_that_is_no_range_is_refused():
    with pytest.raises(SettingError, match="CR204.*too narrow"):
        learning_rate_range(product(), "y", low=0.1, high=0.2)
