"""Which of several findings is the cause, and what is no illness: each case was once named wrongly."""

import numpy as np
import pytest

from chainrule import Dense, Network, cure, diagnose, fit, losses
from chainrule.diagnostics import Finding, Remedy
from chainrule.diagnostics.ranking import ranked

pytestmark = pytest.mark.filterwarnings("ignore")


def moons(count, seed):
    r = np.random.default_rng(seed)
    y = r.integers(0, 2, count)
    angle = r.uniform(0, np.pi, count)
    x = np.stack([np.cos(angle) + y, np.sin(angle) * (1 - 2 * y) + 0.4 * y], 1) + 0.15 * r.normal(size=(count, 2))
    return x, y


def hidden(widths, function="relu"):
    return Network(2, [*(Dense(width, function) for width in widths), Dense(1, "sigmoid")])


def first(found):
    return found.first.diagnostic if found.first else found.verdict


def test_a_penalty_that_silences_the_units_is_the_cause_and_not_the_silent_units():
    x, y = moons(400, 0)
    found = diagnose(fit((x, y), network=hidden((16, 8)), l2=2.0, learning_rate=0.01, epochs=40, test=0.2), (x, y))
    assert first(found) == "underfitting", str(found)
    assert found.first.measured["loss_without"] < found.first.measured["loss"]
    assert {one.diagnostic for one in found.findings} & {"plateau", "dead_units"}
    found = diagnose(fit((x, y), network=hidden((16, 8)), l1=0.5, learning_rate=0.01, epochs=40, test=0.2), (x, y))
    assert first(found) == "underfitting", str(found)
    assert cure(found).helped


def test_a_network_of_one_unit_is_too_small_and_not_on_a_plateau():
    r = np.random.default_rng(2)
    x = r.normal(size=(500, 2))
    y = (np.hypot(x[:, 0], x[:, 1]) > 1.2).astype(int)
    found = diagnose(fit((x, y), network=hidden((1,), "tanh"), learning_rate=0.02, epochs=60, test=0.2), (x, y))
    assert first(found) == "underfitting", str(found)


def test_a_copy_of_the_target_is_found_beside_columns_that_tell_nearly_as_much():
    x, y = moons(500, 1)
    r = np.random.default_rng(3)
    wrong = r.uniform(size=len(y)) < 0.02
    x = np.column_stack([x, np.where(wrong, 1 - y, y) + 0.05 * r.normal(size=len(y))])
    network = Network(3, [Dense(16, "tanh"), Dense(1, "sigmoid")])
    found = diagnose(fit((x, y), network=network, keep=["x2"], learning_rate=0.01, epochs=40, test=0.2), (x, y))
    assert first(found) == "leakage", str(found)
    assert found.first.measured["is_copy"]
    assert found.first.where == "column x2"


def test_a_training_that_had_not_begun_to_fall_was_stopped_too_early():
    r = np.random.default_rng(4)
    x = r.normal(size=(600, 2))
    y = (x[:, 0] * x[:, 1] > 0).astype(int)
    found = diagnose(fit((x, y), network=hidden((16, 8)), learning_rate=3e-4, epochs=2, test=0.2), (x, y))
    assert first(found) == "stopped_too_early", str(found)


def test_a_run_that_kept_the_weights_from_before_the_turn_is_not_overfitted(tmp_path):
    r = np.random.default_rng(5)
    x = r.normal(size=(500, 6))
    y = (np.hypot(x[:, 0], x[:, 1]) + 0.3 * r.normal(size=500) > 1.2).astype(int)
    network = Network(6, [Dense(64, "relu"), Dense(32, "relu"), Dense(1, "sigmoid")])
    fit((x, y), network=network, learning_rate=0.005, epochs=300, patience=20, l2=0.0, validation=0.25, test=0.0,
        run=tmp_path / "run")  # fmt: skip
    found = diagnose(tmp_path / "run", (x, y))
    turned = [one for one in found.findings if one.diagnostic == "overfitting"]
    assert turned, str(found)
    assert not turned[0].is_ill, str(found)
    assert "before the turn" in turned[0].because


def test_a_table_whose_columns_do_not_tell_all_has_no_mixed_up_labels():
    """The rows of one group differ in something that no column says, those of the other do not: some rows look certain."""
    r = np.random.default_rng(6)
    x = r.normal(size=(700, 4))
    share = np.select([x[:, 0] > 0.7, x[:, 0] < -0.7], [0.98, 0.03], 0.5)
    y = (r.uniform(size=700) < share).astype(int)
    network = Network(4, [Dense(8, "tanh"), Dense(1, "sigmoid")])
    found = diagnose(fit((x, y), network=network, learning_rate=0.01, epochs=30, test=0.2), (x, y))
    assert "label_noise" not in [one.diagnostic for one in found.findings if one.is_ill], str(found)


def test_dead_units_of_a_narrow_network_are_the_cause_where_nothing_was_tried():
    found = ranked(
        [
            Finding("the network", {"loss_without": None}, "", "", Remedy(""), diagnostic="underfitting"),
            Finding("layer 1", {"from_start": False}, "", "", Remedy(""), diagnostic="dead_units"),
        ]
    )
    assert [one.diagnostic for one in found] == ["dead_units", "underfitting"]


def test_which_losses_are_squared_follows_from_their_formulas():
    growth = {loss.name: loss.growth for loss in losses}
    assert {name for name, power in growth.items() if power == 2} == {"mse", "half_squared_error", "squared_error"}
    assert {name for name, power in growth.items() if power == 1} == {"mae", "huber", "log_cosh", "pinball"}
    assert growth["binary_crossentropy"] is growth["poisson"] is growth["output"] is None
