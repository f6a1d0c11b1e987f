"""What a remedy is measured by: the question that it answers, on rows kept away from both trainings."""

import sys
from pathlib import Path

import numpy as np
import pytest

from chainrule import MLPRegressor, cure, diagnose, fit

sys.path.insert(0, str(Path(__file__).parent))
from planted import PLANTED

pytestmark = pytest.mark.filterwarnings("ignore")


def diagnosed(name):
    model, data = PLANTED[name](None)
    return diagnose(model, data)


def test_a_column_that_gives_the_target_away_is_not_known_when_it_matters():
    tried = cure(diagnosed("leakage"))
    assert tried.measure == "skill where x3 is not known"
    assert tried.helped
    assert tried.before < 0.5 < tried.after  # the network that leans on the column has nothing without it


def test_outliers_do_not_decide_whether_their_remedy_helped():
    tried = cure(diagnosed("outliers"))
    assert tried.measure == "skill by absolute errors"
    assert tried.helped


def test_a_text_column_that_gives_the_target_away_is_left_out_as_a_whole():
    r = np.random.default_rng(0)
    x = r.normal(size=(400, 2))
    y = (np.sin(2 * x[:, 0]) + x[:, 1] + 0.6 * r.normal(size=400) > 0).astype(int)
    told = np.where(r.uniform(size=400) < 0.99, y, 1 - y)
    rows = {"a": x[:, 0], "b": x[:, 1], "told": np.array(["no", "yes"])[told], "y": np.array(["n", "p"])[y]}
    found = diagnose(fit(rows, "y", network=(8,), keep=("told",), epochs=40, learning_rate=0.01, seed=1), rows)
    assert found.first.diagnostic == "leakage", str(found)
    assert found.first.remedy.settings == {"drop": ("told",)}
    tried = cure(found)
    assert tried.before < tried.after


def wave(count):
    r = np.random.default_rng(5)
    x = r.normal(size=(count, 2))
    return x, np.sin(2 * x[:, 0]) + 0.1 * r.normal(size=count)


def test_rows_that_come_from_elsewhere_are_mixed_with_those_of_training():
    x, y = wave(800)
    here = x[:, 0] < 0
    network = MLPRegressor(hidden_layer_sizes=(16,), max_iter=150, random_state=0, learning_rate_init=0.01)
    network.set_params(validation_data=(x[~here], y[~here])).fit(x[here], y[here])
    found = network.diagnose(x[here], y[here])
    assert found.first.diagnostic == "shift", str(found)
    tried = cure(found)
    assert tried.kept_away
    assert tried.helped
    assert tried.before < tried.after < 1


def test_an_overfitted_estimator_is_asked_rows_of_its_validation_data_that_stopped_no_training():
    r = np.random.default_rng(0)
    x = r.normal(size=(500, 8))
    y = x[:, 0] + 0.7 * r.normal(size=500)
    network = MLPRegressor(hidden_layer_sizes=(128, 64), max_iter=300, alpha=0.0, n_iter_no_change=1000, random_state=0)
    network.set_params(validation_data=(x[80:], y[80:])).fit(x[:80], y[:80])
    found = network.diagnose(x[:80], y[:80])
    assert found.first.diagnostic == "overfitting", str(found)
    tried = cure(found)
    assert tried.rows == 210
    assert tried.helped
