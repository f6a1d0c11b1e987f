"""Networks of other libraries are diagnosed as chainrule's own are."""

import pytest

from chainrule import diagnose
from chainrule.errors import SettingError

datasets = pytest.importorskip("sklearn.datasets")
neural = pytest.importorskip("sklearn.neural_network")
pytestmark = pytest.mark.filterwarnings("ignore:Stochastic Optimizer")


def test_why_scikit_learns_default_regressor_is_worse_than_the_mean_on_diabetes():
    x, y = datasets.load_diabetes(return_X_y=True, as_frame=True)
    found = diagnose(neural.MLPRegressor(random_state=0).fit(x, y), x, y)
    assert (found.verdict, found.first.diagnostic) == ("ill", "unscaled_target")


def test_raw_columns_of_a_saturated_classifier_come_before_its_saturation():
    x, y = datasets.load_breast_cancer(return_X_y=True)
    found = diagnose(neural.MLPClassifier(activation="logistic", random_state=0).fit(x, y), x, y)
    assert [one.diagnostic for one in found.findings][:2] == ["unscaled_inputs", "saturated_units"]


def test_a_sound_network_is_healthy():
    x, y = datasets.load_iris(return_X_y=True)
    x = (x - x.mean(0)) / x.std(0)
    found = diagnose(neural.MLPClassifier((16,), max_iter=2000, random_state=0).fit(x, y), x, y)
    assert found.verdict == "healthy"


def test_without_the_targets_nothing_can_be_said():
    x, y = datasets.load_iris(return_X_y=True)
    with pytest.raises(SettingError, match="their targets"):
        diagnose(neural.MLPClassifier((4,), max_iter=5).fit(x, y), x)
