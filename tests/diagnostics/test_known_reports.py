"""Situations that users of other libraries reported as faults, each a network that says the same for every row or blows up:
the cause is named, and what follows from it stands behind it."""

import numpy as np
import pytest

from chainrule import Dense, MLPClassifier, MLPRegressor, Network, Update, cure, diagnose, fit, initializers, rules
from chainrule.errors import DivergedError
from chainrule.estimators.contract import ConvergenceWarning

pytestmark = pytest.mark.filterwarnings("ignore")


def named(found):
    return [one.diagnostic for one in found.findings]


def test_a_logistic_network_that_predicts_a_constant():
    """scikit-learn 31235: two logistic layers of 20, all defaults: the loss stays where it began, and training is called
    converged. The reporter took it for a wrong activation function."""
    r = np.random.RandomState(1)
    x = r.random_sample((500, 2))
    y = np.array([int(a + ((2 * (b - 0.5)) ** 2 - 0.75) >= 0) for a, b in x])
    network = MLPClassifier(hidden_layer_sizes=(20, 20), activation="logistic", random_state=42).fit(x, y)
    assert len(set(network.predict(x))) == 1
    found = network.diagnose(x, y)
    assert found.verdict == "ill"
    assert found.first.diagnostic == "plateau"
    assert "not_zero_centred" in named(found)
    tried = cure(found)
    assert tried.helped
    assert tried.after > tried.before + 0.1


def test_a_regression_that_explodes_under_early_stopping():
    """scikit-learn 29504: gradient descent on numbers in the hundreds; there it ended in "Input contains NaN"."""
    r = np.random.default_rng(0)
    x = r.uniform(0.0, 1000.0, (300, 3))
    y = x @ [150.0, -100.0, 50.0]
    network = MLPRegressor(
        hidden_layer_sizes=(20, 20), activation="identity", solver="sgd", early_stopping=True, random_state=0
    )
    with pytest.raises(DivergedError):
        network.fit(x, y)
    found = network.diagnose(x, y)
    assert found.verdict == "ill"
    assert found.first.diagnostic in ("unscaled_target", "unscaled_inputs")
    failed = next(one for one in found.findings if one.diagnostic == "diverged")
    assert failed.measured["step"] >= 1
    assert failed.measured["factor"]
    assert "layer" in failed.where or "output" in failed.where
    tried = cure(found)
    assert tried.before is None
    assert tried.after > 0.9


def test_a_regression_on_iris_that_explodes_within_a_few_epochs():
    """scikit-learn 29504, the script that its repair is tested with there: steps of 1 on numbers from 0.1 to 7.9."""
    x, y = pytest.importorskip("sklearn.datasets").load_iris(return_X_y=True)
    network = MLPRegressor(
        hidden_layer_sizes=100, activation="identity", solver="sgd", learning_rate_init=1, max_iter=20,
        early_stopping=True, random_state=0,
    )  # fmt: skip
    with pytest.raises(DivergedError):
        network.fit(x, y)
    found = network.diagnose(x, y)
    assert found.first.diagnostic == "learning_rate_too_large", str(found)
    assert "diverged" in named(found)
    tried = cure(found)
    assert tried.before is None
    assert tried.after > 0.8


def test_a_few_relu_units_before_the_output_that_all_die():
    """Keras 13891: regression with a layer of few relu units before the output: the same number for every row, while a
    linear layer or tanh works."""
    r = np.random.default_rng(3)
    x = r.normal(size=(400, 5))
    y = np.sin(x[:, 0]) + x[:, 1]
    network = MLPRegressor(hidden_layer_sizes=(3,), learning_rate_init=3.0, max_iter=60, random_state=2).fit(x, y)
    assert np.ptp(network.predict(x)) < 1e-6
    found = network.diagnose(x, y)
    assert found.first.diagnostic == "learning_rate_too_large"
    assert "dead_units" in named(found)
    tried = cure(found)
    assert tried.helped


def test_three_layers_of_tiny_first_weights_predict_one_price_for_every_day():
    """Keras 2051: prices from the seven before, divided by the largest; three layers whose first weights are within ±0.05,
    two epochs row by row in order. (The reporter's file is not public: prices are drawn here.)"""
    r = np.random.default_rng(1)
    walk = np.abs(100.0 + np.cumsum(r.normal(size=608)))
    prices = np.stack([walk[7 - i : 607 - i] for i in range(8)], axis=1)
    prices /= prices.max()
    tiny = initializers.get("uniform", limit=0.05)
    layers = [Dense(7, initializer=tiny), Dense(4, "tanh", initializer=tiny), Dense(1, initializer=tiny)]
    data = (prices[:, 1:], prices[:, 0])
    model = fit(
        data, network=Network(7, layers), optimizer=Update(rules.get("momentum", learning_rate=0.06, momentum=0.5)),
        epochs=2, batch_size=1, shuffle=False, l2=0, validation=0, test=0, scale=None, keep=[f"x{i}" for i in range(7)],
    )  # fmt: skip
    assert np.ptp(model.predict(data[0])) < 0.01 * np.ptp(prices)
    found = diagnose(model, data)
    assert found.first.diagnostic == "vanishing_gradients", str(found)
    assert "weights of every layer" in found.first.because
    assert (
        len([one for one in named(found) if one.startswith("learning_rate")]) < 2
    )  # too small and too large exclude it
    tried = cure(found)
    assert tried.after > 0.5 > tried.before


def test_sigmoid_units_under_inputs_in_the_thousands():
    """The same report as it is often met: every row gets the same prediction, since large inputs leave every unit flat."""
    r = np.random.default_rng(4)
    x = r.uniform(0.0, 5000.0, (400, 4))
    y = (x[:, 0] + x[:, 1] > 5000.0).astype(int)
    network = MLPClassifier((16, 8), "logistic", max_iter=60, random_state=0).fit(x, y)
    found = network.diagnose(x, y)
    assert found.verdict == "ill"
    assert found.first.diagnostic == "unscaled_inputs"
    assert cure(found).helped


def test_warnings_of_the_training_are_left_as_they_are():
    x = np.random.default_rng(0).normal(size=(60, 2))
    with pytest.warns(ConvergenceWarning):
        MLPRegressor(hidden_layer_sizes=(4,), max_iter=3, random_state=0).fit(x, x[:, 0])
