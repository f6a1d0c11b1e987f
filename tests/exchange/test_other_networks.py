"""Networks of scikit-learn, PyTorch and Keras, read into chainrule's."""

import re
from pathlib import Path

import numpy as np
import pytest

from chainrule import Update, backward, explain, forward, losses, rules, update
from chainrule.errors import ChainruleError, DataError, SettingError
from chainrule.exchange import from_other, is_foreign

pytestmark = pytest.mark.filterwarnings("ignore:.*converge")

RANDOM = np.random.default_rng(4)
X = RANDOM.normal(size=(90, 5))
THREE = np.array(["high", "low", "mid"])[np.digitize(X[:, 0] + X[:, 1], [-0.6, 0.6])]
NUMBERS = X[:, 0] ** 2 - X[:, 3]


def gradient_of(other, x, y):
    return backward(forward(other.network, other.theta.astype(np.float64), x, other.targets(y)))


class TestScikitLearn:
    @pytest.fixture(autouse=True)
    def installed(self):
        self.nets = pytest.importorskip("sklearn.neural_network")

    @pytest.mark.parametrize("activation", ["relu", "tanh", "logistic", "identity"])
    @pytest.mark.parametrize("target", ["three classes", "two classes", "several labels", "numbers", "two numbers"])
    def test_outputs_are_equal(self, activation, target):
        y = {
            "three classes": THREE, "two classes": THREE == "mid", "several labels": np.c_[THREE == "low", X[:, 2] > 0],
            "numbers": NUMBERS, "two numbers": np.c_[NUMBERS, -NUMBERS],
        }[target]  # fmt: skip
        kind = self.nets.MLPRegressor if "numbers" in target else self.nets.MLPClassifier
        net = kind(hidden_layer_sizes=(7, 4), activation=activation, solver="lbfgs", max_iter=15, random_state=0).fit(
            X, y.astype(y.dtype)
        )
        other = from_other(net, X)
        ours = forward(other.network, other.theta, X).prediction
        theirs = net.predict_proba(X) if hasattr(net, "predict_proba") else net.predict(X).reshape(90, -1)
        np.testing.assert_allclose(ours, theirs[:, 1:] if target == "two classes" else theirs, rtol=1e-12, atol=1e-14)
        assert is_foreign(net) and other.difference < 1e-12 and other.theta.dtype == np.float64

    def test_its_gradient_is_the_one_of_a_classifier_of_ours(self):
        from chainrule import MLPClassifier

        theirs = self.nets.MLPClassifier((6,), solver="lbfgs", max_iter=30, random_state=0).fit(X, THREE)
        ours = MLPClassifier((6,), max_iter=1, random_state=0, engine="reference").fit(X, THREE)
        ours.coefs_, ours.intercepts_ = theirs.coefs_, theirs.intercepts_
        gradient = gradient_of(from_other(theirs), X, THREE)
        np.testing.assert_allclose(gradient["W1"], ours.gradients(X, THREE)["W1"], rtol=1e-10, atol=1e-15)

    def test_the_solver_the_penalty_and_the_labels_come_along(self):
        adam = self.nets.MLPClassifier((3,), max_iter=2, learning_rate_init=0.02, alpha=0.3, batch_size=30).fit(
            X, THREE
        )
        other = from_other(adam)
        assert other.update.rule.name == "adam_classic" and other.update.rule.learning_rate == 0.02
        assert other.update.l2 == pytest.approx(0.01) and other.classes == ("high", "low", "mid")
        sgd = self.nets.MLPRegressor(
            hidden_layer_sizes=(3,), solver="sgd", max_iter=2, learning_rate="adaptive", alpha=0.9
        ).fit(X, NUMBERS)
        other = from_other(sgd)
        assert other.update.rule == rules.get("nesterov", learning_rate=0.001, momentum=0.9)
        assert other.update.l2 == pytest.approx(0.01) and "adaptive" in other.notes[0]

    def test_names_of_columns_come_along_and_explain_uses_them(self):
        frame = pytest.importorskip("pandas").DataFrame(X, columns=["age", "fare", "size", "mass", "time"])
        net = self.nets.MLPClassifier((3,), solver="lbfgs", max_iter=20, random_state=0).fit(frame, THREE)
        found = explain(net, frame, THREE, of="W1[1,0]", row=7)
        assert "age" in str(found)
        assert found.value == pytest.approx(gradient_of(from_other(net), X[[7]], THREE[[7]])["W1"][1, 0], rel=1e-12)
        assert explain(net, frame, of="a1[0]", row=7).value is not None
        assert explain(net, frame, THREE, of="W1", row=7, form="matrix") is not None

    def test_a_network_that_is_not_fitted_a_pipeline_and_an_unknown_label_are_refused(self):
        pipeline = pytest.importorskip("sklearn.pipeline")
        with pytest.raises(SettingError, match="not fitted") as caught:
            from_other(self.nets.MLPClassifier())
        assert caught.value.code == "CR212"
        with pytest.raises(SettingError, match="pass the network itself") as caught:
            from_other(pipeline.make_pipeline(self.nets.MLPClassifier()))
        net = self.nets.MLPClassifier((3,), solver="lbfgs", max_iter=5, random_state=0).fit(X, THREE)
        with pytest.raises(DataError, match="'none' is none of") as caught:
            from_other(net).targets(["low", "none"])
        with pytest.raises(DataError, match="5 columns"):
            from_other(net, X[:, :4])

    def test_a_network_whose_weights_do_not_make_its_outputs_is_refused_with_the_difference(self):
        class Louder(self.nets.MLPRegressor):
            def predict(self, x):
                return 1.01 * super().predict(x)

        net = Louder(hidden_layer_sizes=(3,), solver="lbfgs", max_iter=20, random_state=0).fit(X, NUMBERS)
        with pytest.raises(SettingError, match="other outputs") as caught:
            from_other(net, X)
        assert caught.value.code == "CR213" and 0.001 < float(caught.value.got.split()[0]) < 0.01


class TestTorch:
    @pytest.fixture(autouse=True)
    def installed(self):
        self.torch = pytest.importorskip("torch")
        self.torch.manual_seed(0)

    def test_every_activation_is_read(self):
        nn = self.torch.nn
        functions = [
            nn.ReLU(), nn.Tanh(), nn.Sigmoid(), nn.SELU(), nn.SiLU(), nn.Mish(), nn.LeakyReLU(0.2), nn.ELU(0.7), nn.GELU(),
            nn.GELU("tanh"), nn.Softplus(), nn.PReLU(), nn.PReLU(6), nn.RReLU(), nn.Softmax(dim=1), nn.Softmax(-1),
        ]  # fmt: skip
        for function in functions:
            other = from_other(nn.Sequential(nn.Linear(5, 6), function, nn.Linear(6, 2)), X)
            assert other.difference < 1e-6, function
            other = from_other(nn.Sequential(nn.Linear(5, 6), nn.LayerNorm(6), function, nn.Linear(6, 2)), X)
            assert other.difference < 1e-6, function

    def test_dropout_norms_flatten_inner_sequentials_and_missing_biases_are_read(self):
        nn = self.torch.nn
        net = nn.Sequential(
            nn.Flatten(), nn.Linear(5, 8, bias=False), nn.LayerNorm(8, eps=1e-3), nn.Dropout(0.4), nn.ReLU(),
            nn.Sequential(nn.Linear(8, 6), nn.LayerNorm(6, elementwise_affine=False), nn.Tanh(), nn.Identity()),
            nn.Dropout(0.1), nn.Linear(6, 3),
        ).double()  # fmt: skip
        net.train()
        net[3].eval()
        other = from_other(net, self.torch.as_tensor(X))
        assert other.difference < 1e-13 and other.theta.dtype == np.float64
        assert net.training and not net[3].training and net[6].training  # as it was found

    def test_a_loss_and_an_optimizer_given_beside_it_give_torchs_own_gradient(self):
        torch, nn = self.torch, self.torch.nn
        net = nn.Sequential(nn.Linear(5, 7), nn.LayerNorm(7), nn.GELU(), nn.Linear(7, 3)).double()
        codes = np.unique(THREE, return_inverse=True)[1]
        for loss, y in [
            (nn.CrossEntropyLoss(), codes), (nn.CrossEntropyLoss(label_smoothing=0.1), codes),
            (nn.CrossEntropyLoss(reduction="sum"), codes), (nn.MSELoss(), X[:, :3]), (nn.L1Loss(reduction="sum"), X[:, :3]),
            (nn.HuberLoss(delta=0.5), X[:, :3]), (nn.SmoothL1Loss(), X[:, :3]),
            (nn.BCEWithLogitsLoss(), (X[:, :3] > 0).astype(float)), (nn.PoissonNLLLoss(), np.abs(X[:, :3]).round()),
        ]:  # fmt: skip
            net.zero_grad()
            value = loss(net(torch.as_tensor(X)), torch.as_tensor(y))
            value.backward()
            other = from_other(net, X, loss=loss)
            gradient = gradient_of(other, X, y)
            np.testing.assert_allclose(
                gradient["W1"], net[0].weight.grad.numpy(), rtol=1e-9, atol=1e-14, err_msg=str(loss)
            )
            np.testing.assert_allclose(
                gradient["b2"], net[3].bias.grad.numpy(), rtol=1e-9, atol=1e-14, err_msg=str(loss)
            )

    def test_one_step_of_every_optimizer_is_torchs_own(self):
        torch, nn = self.torch, self.torch.nn
        for make in (
            lambda p: torch.optim.SGD(p, lr=0.05), lambda p: torch.optim.SGD(p, lr=0.05, momentum=0.8),
            lambda p: torch.optim.SGD(p, lr=0.05, momentum=0.8, nesterov=True), lambda p: torch.optim.Adam(p, lr=0.01),
            lambda p: torch.optim.AdamW(p, lr=0.01, weight_decay=0.1), lambda p: torch.optim.Adam(p, weight_decay=0.1),
        ):  # fmt: skip
            net = nn.Sequential(nn.Linear(5, 4, bias=False), nn.Tanh(), nn.Linear(4, 2, bias=False)).double()
            optimizer = make(net.parameters())
            other = from_other(net, X, loss=nn.MSELoss(), optimizer=optimizer)
            theta, memory = other.theta, {}
            for _ in range(3):
                theta = update(other.update, theta, gradient_of_theta(other, theta, X, X[:, :2]), memory=memory)
                optimizer.zero_grad()
                nn.functional.mse_loss(net(torch.as_tensor(X)), torch.as_tensor(X[:, :2])).backward()
                optimizer.step()
            weights = other.network.plan.param("W1").of(theta)
            np.testing.assert_allclose(weights, net[0].weight.detach().numpy(), rtol=1e-8, err_msg=str(optimizer))

    def test_what_cannot_be_read_is_named_with_its_place(self):
        torch, nn = self.torch, self.torch.nn

        class Own(nn.Linear):
            pass

        hooked = nn.Linear(5, 4)
        hooked.register_forward_hook(lambda *seen: None)
        for bad in (nn.BatchNorm1d(4), nn.ReLU6(), nn.LogSoftmax(0), Own(4, 4), nn.Softplus(beta=2.0), hooked):
            with pytest.raises(SettingError, match=f"{type(bad).__name__}.*cannot be read") as caught:
                from_other(nn.Sequential(nn.Linear(5, 4), bad))
            assert caught.value.code == "CR212" and caught.value.where == "module '1'"
        for loss in (nn.KLDivLoss(), nn.CrossEntropyLoss(weight=torch.ones(4)), nn.MSELoss(reduction="none")):
            with pytest.raises(SettingError, match="the loss"):
                from_other(nn.Sequential(nn.Linear(5, 4)), loss=loss)
        net = nn.Sequential(nn.Linear(5, 4))
        assert (
            "biases decay, too"
            in from_other(net, optimizer=torch.optim.SGD(net.parameters(), weight_decay=0.1)).notes[0]
        )
        with pytest.raises(SettingError, match="RMSprop"):
            from_other(net, optimizer=torch.optim.RMSprop(net.parameters()))

    def test_without_a_loss_the_one_of_the_outputs_is_taken_and_said(self):
        nn = self.torch.nn
        net = nn.Sequential(nn.Linear(5, 3), nn.Softmax(1))
        other = from_other(net)
        assert other.network.loss.name == "categorical_crossentropy" and "carries no loss" in other.notes[0]
        found = explain(other, X, np.zeros(90, int), of="W1[1,0]", row=3)
        assert found.value == pytest.approx(explain(net, X, np.zeros(90, int), of="W1[1,0]", row=3).value)


def gradient_of_theta(other, theta, x, y):
    return backward(forward(other.network, theta, x, y))


@pytest.mark.filterwarnings("ignore:__array__:DeprecationWarning")  # Keras with PyTorch and NumPy 2
class TestKeras:
    @pytest.fixture(autouse=True)
    def installed(self, monkeypatch):
        pytest.importorskip("torch")
        monkeypatch.setenv("KERAS_BACKEND", "torch")
        self.keras = pytest.importorskip("keras")
        self.keras.utils.set_random_seed(0)

    def test_layers_and_activations_are_read(self):
        layers, Input = self.keras.layers, self.keras.Input
        functions = [
            "relu", "tanh", "sigmoid", "selu", "gelu", "softplus", "silu", "mish", "linear", "elu", "softmax", "leaky_relu",
            "exponential", layers.ReLU(), layers.ReLU(negative_slope=0.1), layers.LeakyReLU(), layers.ELU(0.5),
            layers.Softmax(), layers.PReLU(), layers.Activation("tanh"),
        ]  # fmt: skip
        for function in functions:
            hidden = (
                [layers.Dense(6, activation=function)] if isinstance(function, str) else [layers.Dense(6), function]
            )
            net = self.keras.Sequential([
                Input((5,)), *hidden, layers.LayerNormalization(), layers.Dropout(0.3), layers.Flatten(),
                layers.Activation("tanh"), layers.Dense(2, use_bias=False),
            ])  # fmt: skip
            other = from_other(net, X)
            assert other.difference < 1e-6 and other.update is None, function
        for options in ({"center": False}, {"scale": False}, {"center": False, "scale": False}):
            net = self.keras.Sequential([Input((5,)), layers.LayerNormalization(**options), layers.Dense(2)])
            for weight in net.layers[0].weights:
                weight.assign(weight + 0.3)
            assert from_other(net, X).difference < 1e-6

    def test_loss_and_optimizer_come_along_from_compile(self):
        layers, keras = self.keras.layers, self.keras
        net = keras.Sequential([keras.Input((5,)), layers.Dense(4, activation="relu"), layers.Dense(3)])
        net.compile(keras.optimizers.Adam(0.02), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
        other = from_other(net, X)
        assert other.network.output_activation == "softmax" and other.network.loss.name == "categorical_crossentropy"
        assert other.update == Update(rules.get("adam_classic", learning_rate=0.02, epsilon=1e-7))
        for loss, name in {
            "mse": "mse",
            "mean_absolute_error": "mae",
            "huber": "huber",
            "log_cosh": "log_cosh",
        }.items():
            net.compile(keras.optimizers.SGD(0.1, momentum=0.9, clipvalue=1.0), loss)
            other = from_other(net)
            assert other.network.loss.name == name
            assert other.update == Update(rules.get("momentum", learning_rate=0.1, momentum=0.9), clip_value=1.0)
        net.compile(keras.optimizers.Ftrl(), keras.losses.CosineSimilarity())
        other = from_other(net)
        assert other.update is None and ["Ftrl" in note or "CosineSimilarity" in note for note in other.notes[:2]]
        assert other.network.loss.name == "mse"
        assert from_other(net, loss=losses.get("mae")).network.loss.name == "mae"

    def test_three_steps_of_its_training_are_ours(self):
        layers, keras = self.keras.layers, self.keras
        for optimizer in (
            keras.optimizers.SGD(0.05, momentum=0.9, nesterov=True), keras.optimizers.Adam(0.01, epsilon=1e-4)
        ):  # fmt: skip
            net = keras.Sequential([keras.Input((5,)), layers.Dense(4, activation="tanh"), layers.Dense(1)])
            net.compile(optimizer, "mse")
            other = from_other(net)
            theta, memory = other.theta.astype(np.float64), {}
            for _ in range(3):
                theta = update(other.update, theta, gradient_of_theta(other, theta, X, NUMBERS[:, None]), memory=memory)
                net.train_on_batch(X.astype(np.float32), NUMBERS[:, None].astype(np.float32))
            kernel = keras.ops.convert_to_numpy(net.layers[0].kernel)
            np.testing.assert_allclose(other.network.plan.param("W1").of(theta).T, kernel, rtol=2e-4, atol=2e-6)

    def test_what_cannot_be_read_is_named_with_its_place(self):
        layers, keras = self.keras.layers, self.keras

        def own(z):
            return z * z

        for bad in (
            layers.BatchNormalization(),
            layers.Dense(3, activation=own),
            layers.Dense(3, activation="hard_sigmoid"),
        ):
            net = keras.Sequential([keras.Input((5,)), layers.Dense(4), bad])
            with pytest.raises(SettingError, match="cannot be read") as caught:
                from_other(net)
            assert caught.value.code == "CR212" and bad.name in caught.value.where


def test_anything_else_is_no_network_of_others():
    assert not is_foreign("model.chainrule") and not is_foreign(np.zeros(3)) and not is_foreign(None)
    with pytest.raises(ChainruleError, match="CR212"):
        from_other(object())


def test_the_page_on_other_libraries_runs(capsys):
    pytest.importorskip("sklearn")
    pytest.importorskip("torch")
    page = (Path(__file__).parents[2] / "docs/other-libraries.md").read_text("utf-8")
    names: dict[str, object] = {}
    for block in re.findall(r"```python\n(.*?)```", page, re.DOTALL):
        exec(compile(block, "docs/other-libraries.md", "exec"), names)
    assert "∂L/∂W1[0,3]" in capsys.readouterr().out
