"""Networks: built, described, refused with the reason, initialised from a seed."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from chainrule import (
    Dense,
    Dropout,
    Expression,
    LayerNorm,
    Maxout,
    Network,
    Softmax,
    backward,
    forward,
    initialize,
    losses,
)
from chainrule.errors import SettingError
from chainrule.laws.cases import cases
from chainrule.objective import advice, suited_loss
from chainrule.plan import check_trainable

NETWORKS = [case.network for case in cases(seed=1) if isinstance(case.network, Network)]
FULL = Network(
    ["age", "fare"],
    [
        Dense(
            3, "leaky_relu", mask=[[1, 0], [1, 1], [0, 1]], bias="layer", weights=[[1, 0], [2, 3], [0, 4]], biases=[0.5],
            unit_names=["a", "b", "c"], weight_names=[["w1", "w2"], ["w3", "w4"], ["w5", "w6"]], bias_names=["θ"],
            learning_rate_factor=2.0, bias_learning_rate_factor=0.5,
        ),
        LayerNorm(1e-3), Maxout(2, pieces=3, unit_names=("m", "n")), Dropout(0.25), Dense(4, "prelu", initializer="he"),
        Dense(3), Softmax(),
    ],
    reduction="sum",
)  # fmt: skip


@pytest.mark.parametrize("network", [FULL, *NETWORKS])
def test_a_description_makes_the_same_network_again(network):
    again = Network.restore(network.describe())
    assert again == network
    assert again.describe() == network.describe()
    assert (initialize(again, 3) == initialize(network, 3)).all()


def test_a_description_is_plain_data():
    def plain(value):
        if isinstance(value, dict):
            return all(isinstance(key, str) and plain(entry) for key, entry in value.items())
        return (
            all(map(plain, value))
            if isinstance(value, list)
            else isinstance(value, (str, int, float, bool, type(None)))
        )

    assert plain(FULL.describe())


def test_a_network_and_its_traces_can_be_pickled():
    network = Network(2, [Dense(3, "gelu"), Dense(2, "softmax")])
    trace = forward(network, initialize(network), [[1.0, 2.0]], [1])
    again = pickle.loads(pickle.dumps((network, trace)))
    assert again[0] == network
    assert backward(again[1]).vector.tolist() == backward(trace).vector.tolist()


@pytest.mark.parametrize(
    ("last", "loss"),
    [
        ("sigmoid", "binary_crossentropy"),
        ("softmax", "categorical_crossentropy"),
        ("exponential", "poisson"),
        ("tanh", "mse"),
    ],
)
def test_the_loss_that_belongs_to_the_output_is_chosen(last, loss):
    network = Network(3, [Dense(2, last)])
    assert network.loss == losses.get(loss)
    assert suited_loss(last) == loss
    assert advice(network.loss, network.output_activation) is None


REFUSED = {
    "a linear output under binary cross-entropy": (lambda: Network(2, [Dense(1)], "binary_crossentropy"), "CR206"),
    "tanh under binary cross-entropy": (lambda: Network(2, [Dense(1, "tanh")], "bce"), "CR206"),
    "sigmoids under categorical cross-entropy": (lambda: Network(2, [Dense(3, "sigmoid")], "cce"), "CR206"),
    "relu under categorical cross-entropy": (lambda: Network(2, [Dense(3, "relu")], "cce"), "CR206"),
    "softmax over one unit": (lambda: Network(2, [Dense(1, "softmax")]), "CR206"),
    "a linear output under poisson": (lambda: Network(2, [Dense(1)], "poisson"), "CR206"),
    "maxout under binary cross-entropy": (lambda: Network(2, [Maxout(1)], "bce"), "CR206"),
    "no inputs": (lambda: Network(0, [Dense(1)]), "CR201"),
    "inputs as text": (lambda: Network("4", [Dense(1)]), "CR202"),
    "half an input": (lambda: Network(2.5, [Dense(1)]), "CR202"),
    "two inputs of one name": (lambda: Network(["a", "a"], [Dense(1)]), "CR207"),
    "a layer that is none": (lambda: Network(2, [Dense(2), "relu"]), "CR209"),
    "a layer in place of a list": (lambda: Network(2, Dense(2)), "CR202"),
    "an unknown reduction": (lambda: Network(2, [Dense(1)], reduction="average"), "CR203"),
    "an unknown loss": (lambda: Network(2, [Dense(1)], "mean_sqared_error"), "CR203"),
    "an unknown activation": (lambda: Dense(2, "rellu"), "CR203"),
    "no units": (lambda: Dense(0), "CR201"),
    "units as text": (lambda: Dense("3"), "CR202"),
    "an unknown kind of bias": (lambda: Dense(2, bias="both"), "CR203"),
    "a mask of another shape": (lambda: Network(2, [Dense(3, mask=[[1, 0]])]), "CR209"),
    "weights of another shape": (lambda: Network(2, [Dense(3, weights=[[1.0, 2.0, 3.0]])]), "CR209"),
    "weights that are no numbers": (lambda: Dense(1, weights=[["a"]]), "CR202"),
    "weights that are not finite": (lambda: Dense(1, weights=[[np.nan]]), "CR201"),
    "biases of another shape": (lambda: Network(2, [Dense(3, biases=[1.0])]), "CR209"),
    "too few names": (lambda: Network(2, [Dense(3, unit_names=["a"])]), "CR209"),
    "dropout of everything": (lambda: Dropout(1.0), "CR201"),
    "a negative epsilon": (lambda: LayerNorm(-1e-5), "CR201"),
    "a negative rate": (lambda: Dense(1, learning_rate_factor=-1.0), "CR201"),
    "an unknown layer of a description": (lambda: Network.restore({**FULL.describe(), "layers": [{"kind": "dens"}]}), "CR203"),
}  # fmt: skip


@pytest.mark.parametrize("fault", REFUSED)
def test_is_refused(fault):
    make, code = REFUSED[fault]
    with pytest.raises(SettingError) as caught:
        make()
    assert caught.value.code == code


def test_a_refused_pair_names_the_one_to_use():
    with pytest.raises(SettingError, match="'sigmoid'"):
        Network(2, [Dense(1)], "binary_crossentropy")
    with pytest.raises(SettingError, match="'softmax'"):
        Network(2, [Dense(3, "sigmoid")], "categorical_crossentropy")


def test_unknown_names_are_answered_with_the_nearest():
    for make, close in ((lambda: Dense(2, "rellu"), "relu"), (lambda: Dense(2, "sofmax"), "softmax")):
        with pytest.raises(SettingError) as caught:
            make()
        assert f"'{close}'" in caught.value.hint


@pytest.mark.parametrize(
    ("layers", "loss", "words"),
    [
        ([Dense(2, "softmax")], "mse", "categorical_crossentropy"),
        ([Dense(1, "sigmoid")], "mse", "binary_crossentropy"),
        ([Dense(3, "softmax")], "binary_crossentropy", "categorical_crossentropy"),
        ([Dense(1, "tanh")], "hinge", "identity"),
    ],
)
def test_an_odd_pair_works_with_advice(layers, loss, words):
    network = Network(2, layers, loss)
    assert words in advice(network.loss, network.output_activation)


def test_a_step_cannot_be_trained_and_the_reason_is_said():
    network = Network(2, [Dense(2, "binary_step"), Dense(1)])
    with pytest.raises(SettingError, match="slope is 0") as caught:
        check_trainable(network.plan)
    assert caught.value.code == "CR205"
    assert "layer 1" in caught.value.where


def test_a_fused_head_is_used_only_with_the_constants_it_was_derived_for():
    from chainrule import activations

    def head(limit):
        return Network(1, [Dense(1, activations.get("exponential", limit=limit))], "poisson").plan.objective.head

    assert head(80.0) is not None
    assert head(20.0) is None


def test_the_same_seed_gives_the_same_bits_and_another_seed_others():
    assert initialize(FULL, 5).tobytes() == initialize(FULL, 5).tobytes()
    free = Network(2, [Dense(3, "relu"), Dense(1)])
    assert (initialize(free, 0) != initialize(free, 1)).any()
    single = initialize(free, 0, np.float32)
    assert single.dtype == np.float32
    assert single.tobytes() == initialize(free, 0).astype(np.float32).tobytes()


def test_a_further_layer_does_not_change_the_weights_of_the_others():
    short, long = (Network(2, layers) for layers in ([Dense(3, "relu")], [Dense(3, "relu"), Dense(4), Dense(1)]))
    assert (initialize(short, 2) == initialize(long, 2)[: short.plan.size]).all()


def test_what_is_handed_out_refuses_writes():
    theta = initialize(FULL)
    trace = forward(FULL, theta, [[1.0, 2.0]], [1])
    arrays = [theta, trace.theta, trace.x, trace.losses, *trace.values.values(), *backward(trace).deltas.values()]
    for array in (*arrays, backward(trace).vector, trace["W1"]):
        assert not array.flags.writeable
        with pytest.raises(ValueError, match="read-only"):
            array[...] = 0


def test_a_trace_does_not_change_when_its_inputs_do():
    network = Network(2, [Dense(2, "identity"), Dense(1)])
    theta, x = np.array(initialize(network)), np.array([[1.0, 2.0]])
    trace = forward(network, theta, x)
    before = trace.prediction.copy()
    theta[:], x[:] = 7.0, 7.0
    assert (trace.prediction == before).all()
    assert trace.x.tolist() == [[1.0, 2.0]]


@pytest.mark.parametrize("seed", [-1, 1.5, "0", 2**64])
def test_a_seed_that_is_none_is_refused(seed):
    with pytest.raises(SettingError, match="seed"):
        initialize(FULL, seed)


@pytest.mark.parametrize(
    ("text", "inputs", "code"),
    [
        ("f = ", ["x"], "CR209"),
        ("", ["x"], "CR209"),
        ("f = x % 2", ["x"], "CR209"),
        ("f = x ** w", ["x"], "CR209"),
        ("f = x; f = x", ["x"], "CR207"),
        ("x = 3", ["x"], "CR207"),
        ("f = tahn(x)", ["x"], "CR203"),
        ("f = x.real", ["x"], "CR209"),
        ("f = __import__('os')", ["x"], "CR209"),
        ("print(x)", ["x"], "CR209"),
        ("f = x if x > 0 else 0", ["x"], "CR209"),
        ("f = 2 * w", [], "CR209"),
    ],
)
def test_an_expression_that_is_none_is_refused(text, inputs, code):
    with pytest.raises(SettingError) as caught:
        Expression(text, inputs)
    assert caught.value.code == code


def test_the_parameters_of_an_expression_are_all_given_by_name():
    f = Expression("f = w * x + b", ["x"])
    assert f.theta(b=2, w=1).tolist() == [1.0, 2.0]
    for values in ({"w": 1.0}, {"w": 1.0, "b": 1.0, "c": 1.0}):
        with pytest.raises(SettingError, match="w, b"):
            f.theta(**values)
