"""The matrix form: every line recomputed from its operands, the last one the engine's gradient."""

import json
import re
from dataclasses import replace

import numpy as np
import pytest
from networks import TRAINABLE, random_trace
from test_writing import check_latex

from chainrule import Dense, Dropout, Expression, LayerNorm, Maxout, Network, backward, fit, forward, initialize
from chainrule import explain as explain_any
from chainrule.calculus.formula import evaluate
from chainrule.engines.base import Rows
from chainrule.engines.reference import backward_pass, forward_pass
from chainrule.errors import PromiseError, SettingError
from chainrule.explain import NOTATIONS, explain_trace, from_toml, matrix_backward, matrix_terms
from chainrule.explain.matrix import explain_matrix
from chainrule.explain.matrix_terms import formula_of
from chainrule.layers.layer import Pass


def softmax(z):
    return np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)


def recompute(found) -> None:
    """Every line from what stands above it, by NumPy alone (entry by entry where the line says so)."""
    plain = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    known = {key: np.array(one["value"], float) for key, one in plain["given"].items()}
    functions = {
        "softmax": softmax, "sum_rows": lambda d: d.sum(axis=0, keepdims=True), "sum_all": lambda d: np.array([[d.sum()]]),
        "sum_columns": lambda d: d.sum(axis=1, keepdims=True), "mean_rows": lambda d: d.mean(axis=0, keepdims=True),
        "mean_columns": lambda d: d.mean(axis=1, keepdims=True),
    }  # fmt: skip
    for line in plain["lines"]:
        value = np.array(line["value"], float)
        if line["note"] == "entry by entry":
            spread = {key: np.broadcast_to(m, value.shape) for key, m in known.items() if m.shape[1] in (1, value.shape[1])
                      and m.shape[0] in (1, value.shape[0])}  # fmt: skip
            again = np.array([
                [evaluate(line["expr"], {k: m[i, j] for k, m in spread.items()}) for j in range(value.shape[1])]
                for i in range(value.shape[0])
            ])  # fmt: skip
        else:
            again = eval(line["expr"], {"__builtins__": {}}, {**functions, **known})
        assert again.shape == value.shape
        assert line["shapes"].startswith(f"({value.shape[0]}×{value.shape[1]})")
        np.testing.assert_allclose(again, value, rtol=1e-9, atol=1e-12)
        known[line["key"]] = value
    np.testing.assert_allclose(known[plain["result"]], np.array(plain["engine"]["value"]), rtol=1e-9, atol=1e-12)


def small(layers, n: int = 1, loss: str = "half_squared_error", outputs: int = 2):
    net = Network(2, layers, loss=loss)
    rng = np.random.default_rng(3)
    x, y = rng.normal(size=(n, 2)), rng.random((n, outputs))
    return backward(forward(net, initialize(net, 1) + 0.1, x, y))


def test_the_steps_of_the_textbook_with_their_shapes() -> None:
    gradient = small([Dense(3, "sigmoid"), Dense(2, "sigmoid")])
    lines = {line.symbol: (line.formula, line.shapes) for line in explain_matrix(gradient, "W1").lines}
    assert lines["z1"] == ("x W1ᵀ + b1", "(1×3) = (1×2)(2×3) + (1×3)")
    assert lines["g′(z1)"] == ("a1·(1 − a1)", "(1×3)")
    assert lines["δ1"] == ("(δ2 W2) ⊙ g′(z1)", "(1×3) = (1×2)(2×3) ⊙ (1×3)")
    assert lines["∂L/∂W1"] == ("δ1ᵀ x", "(3×2) = (3×1)(1×2)")
    assert list(lines)[-1] == "∂L/∂W1"


@pytest.mark.parametrize("n", [1, 4])
@pytest.mark.parametrize("of", ["W1", "b1", "W2", "b2", "z1", "delta1", "a1", "x", "delta(z2)"])
def test_whole_parameters_and_slots_are_the_engine_s(of: str, n: int) -> None:
    gradient = small([Dense(3, "sigmoid"), Dense(2, "tanh")], n)
    found = explain_matrix(gradient, of)
    recompute(found)
    name = {"delta1": "z1", "delta(z2)": "z2"}.get(of, of)
    engine = gradient[name] if name[0] in "Wb" else gradient.deltas[name]
    np.testing.assert_allclose(found.value, np.atleast_2d(engine), rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("seed", range(36))
def test_random_networks_of_every_layer_and_loss_in_every_notation(seed: int) -> None:
    losses = ["mse", "huber", "binary_crossentropy", "categorical_crossentropy", "poisson", "hinge"]
    trace = random_trace(seed, TRAINABLE[seed % len(TRAINABLE)], losses[seed % len(losses)])
    row = len(trace.x) - 1
    for param in trace.plan.params:  # weights, biases, gain and shift of a layer norm, learned slopes
        for number, how in enumerate(({"row": row}, {})):
            name = list(NOTATIONS)[(seed + number) % len(NOTATIONS)]
            found = explain_matrix(trace, param.name, notation=name, **how)
            recompute(found)
            check_latex(found.to_latex(document=True))
            entry = ",".join("0" for _ in param.shape)
            assert found.value[0, 0] == pytest.approx(
                explain_trace(trace, f"{param.name}[{entry}]", **how).value, rel=1e-9, abs=1e-12
            )


def test_each_notation_writes_its_own_symbols_order_and_sign() -> None:
    gradient = small([Dense(3, "sigmoid"), Dense(2, "sigmoid")])

    def lines(name: str) -> dict[str, tuple[str, str]]:
        return {one.symbol: (one.formula, one.shapes) for one in explain_matrix(gradient, "W1", notation=name).lines}

    columns = lines("dse3121")  # the deck's a_1 = W_1 x + b_1
    assert columns["a1"] == ("W_1 x + b_1", "(3×1) = (3×2)(2×1) + (3×1)")
    assert columns["∇a1"] == ("(W_2ᵀ ∇a2) ⊙ g′(a1)", "(3×1) = (3×2)(2×1) ⊙ (3×1)")
    assert columns["∂𝓛/∂W_1"] == ("∇a1 xᵀ", "(3×2) = (3×1)(1×2)")
    other = lines("han-kamber")  # w_ij leads from i to j, and Err is −∂E/∂I
    assert other["I^(1)"] == ("x W^(1) + θ^(1)", "(1×3) = (1×2)(2×3) + (1×3)")
    assert other["Err^(1)"] == ("(Err^(2) (W^(2))ᵀ) ⊙ g′(I^(1))", "(1×3) = (1×2)(2×3) ⊙ (1×3)")
    assert other["∂E/∂W^(1)"] == ("−xᵀ Err^(1)", "(2×3) = (2×1)(1×3)")
    assert lines("cis678")["net^(1)"][0] == "x (W^(1))ᵀ + b^(1)"
    assert list(lines("csds440"))[1] == "h(n^(1))"


def test_whatever_is_printed_may_be_asked_for() -> None:
    gradient = small([Dense(3, "sigmoid"), Dense(2, "sigmoid")], 2)
    for asked in ("Err^(1)", "z1", "delta(z1)", "delta(I^(1))", "delta1"):
        found = explain_matrix(gradient, asked, notation="han-kamber")
        np.testing.assert_allclose(found.value, -gradient.deltas["z1"], rtol=1e-12)
    for asked in ("W^(1)", "∂E/∂W^(1)", "W1"):
        found = explain_matrix(gradient, asked, notation="han-kamber")
        np.testing.assert_allclose(found.value, gradient["W1"].T, rtol=1e-12)


def test_a_teacher_s_own_notation_reaches_the_matrices() -> None:
    own = from_toml('net = "s_{unit}"\nweight = "v_{from},{to}"\nvectors = "columns"\ndecimal = ","\nloss = "J"')
    found = explain_matrix(small([Dense(3, "sigmoid"), Dense(2)], 2), "W1", notation=own)
    recompute(found)
    assert found.lines[0].symbol == "s^(1)" and found.lines[0].formula == "(V^(1))ᵀ x + b1"
    assert found.result.symbol == "∂J/∂V^(1)"
    assert "," in str(found) and not re.search(r"\d\.\d", str(found))


def test_a_parameter_that_several_layers_use_has_the_sum_of_their_gradients() -> None:
    net = Network(3, [Dense(3, "tanh", bias="none"), Dense(3, "tanh", bias="none")], loss="mse")
    plan = net.plan
    steps = tuple(replace(step, params=("W1",)) if step.op == "affine" else step for step in plan.steps)
    shared = replace(plan, steps=steps, params=plan.params[:1])
    rng = np.random.default_rng(0)
    x, y, theta = rng.normal(size=(2, 3)), rng.normal(size=(2, 3)), rng.normal(size=9)
    trace = backward_pass(forward_pass(shared, theta, Rows(x, y), Pass(np.arange(2))))
    found = explain_matrix(trace, "W1")
    recompute(found)
    assert found.result.formula == "δ1ᵀ x + δ2ᵀ a1"
    assert found.value[1, 2] == pytest.approx(explain_trace(trace, "W1[1,2]").value, rel=1e-12)


def test_softmax_learned_slopes_masks_and_dropout() -> None:
    mask = np.array([[1, 0], [1, 1], [0, 1]], bool)
    net = Network(2, [Dense(3, "prelu", mask=mask, bias="layer"), Dropout(0.4), Dense(3, "softmax")])
    trace = forward(net, initialize(net, 2), [[1.0, -2.0], [0.5, 1.0]], [2, 0], training=True, seed=1, step=4)
    gradient = backward(trace)
    for of in ("W1", "b1", "W2"):
        found = explain_matrix(gradient, of)
        recompute(found)
        np.testing.assert_allclose(found.value.ravel(), gradient[of].ravel(), rtol=1e-12, atol=1e-15)
    assert "softmax(z2)" in str(found)


def test_large_matrices_are_elided_with_their_shape() -> None:
    net = Network(50, [Dense(20, "relu"), Dense(10, "softmax")])
    found = explain_matrix(backward(forward(net, initialize(net, 1), np.ones((1, 50)), [3])), "W1")
    text = str(found)
    assert "∂L/∂W1 = δ1ᵀ x   (20×50) = (20×1)(1×50)" in text
    assert "…" in text and max(map(len, text.splitlines())) <= 100
    assert len(found.to_dict()["lines"][-1]["value"]) == 20
    check_latex(found.to_latex(document=True))


def test_columns_are_aligned() -> None:
    rows = [line for line in str(explain_matrix(small([Dense(3, "tanh"), Dense(2)]), "W1")).splitlines() if "[" in line]
    assert len({len(line) for line in rows[-3:]}) == 1


def test_a_model_and_a_pass_are_explained_in_matrices() -> None:
    table = {"a": [1.0, 2.0, 3.0, 4.0], "b": [2.0, 1.0, 0.0, 1.0], "y": [1.0, 2.0, 2.5, 4.0]}
    model = fit(table, "y", network=(3,), epochs=2, validation=0, test=0)
    recompute(explain_any(model, table, of="W1", row=2, form="matrix"))
    gradient = small([Dense(3, "sigmoid"), Dense(2)], 3)
    found = explain_any(gradient, of="W1", form="matrix")
    np.testing.assert_allclose(found.value, gradient["W1"], rtol=1e-12)


def test_layers_that_mix_units_or_choose_among_them_have_matrices_for_a_whole_batch() -> None:
    gradient = small([Maxout(3, 2), LayerNorm(), Dense(2, "softmax")], 3)
    for of in ("W1", "b1", "gain1", "shift1", "W2", "x", "a1"):
        for notation in ("default", "dse3121"):
            recompute(explain_matrix(gradient, of, notation=notation))
    engine = explain_matrix(gradient, "gain1")
    assert engine.result.formula == "the rows of ∂L/∂s1 ⊙ n1 added up"
    np.testing.assert_allclose(engine.value[0], gradient["gain1"], rtol=1e-12)


def test_a_learned_slope_has_its_gradient_in_matrices() -> None:
    gradient = small([Dense(3, "prelu"), Dense(2)], 4)
    found = explain_matrix(gradient, "alpha1")
    recompute(found)
    assert found.result.formula == "the rows of ∂L/∂a1 ⊙ ∂a1/∂alpha1 added up"
    np.testing.assert_allclose(found.value[0], gradient["alpha1"], rtol=1e-12)


def test_a_computation_graph_has_matrices_of_one_entry() -> None:
    f = Expression("g = w * x; f = g + b", inputs=["x"])
    found = explain_matrix(backward(forward(f, f.theta(w=-2, b=3), [[5.0]])), "w")
    recompute(found)
    assert found.value.tolist() == [[5.0]]


def test_what_has_no_matrices_is_refused() -> None:
    gradient = small([Dense(3, "sigmoid"), Dense(2)], 3)
    for of in ("W1[0,0]", "W9", "", "loss"):
        with pytest.raises(SettingError, match="CR210"):
            explain_matrix(gradient, of)
    net = Network(2, [Dense(2, "softmax")])
    fused = backward(forward(net, initialize(net, 1), [[1.0, 2.0]], [1]))
    recompute(explain_matrix(fused, "a1"))
    with pytest.raises(SettingError, match="CR204"):
        explain_any(fused, of="W1", form="matrix", top=3)
    with pytest.raises(SettingError, match="CR204"):
        explain_matrix(forward(net, initialize(net, 1), [[1.0, 2.0]]), "W1")


def test_a_wrong_matrix_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    gradient = small([Dense(3, "sigmoid"), Dense(2)], 3)

    def forgetful(left, right):
        return left if "W2" in formula_of(left) else matrix_terms.by_entry(left, right)

    monkeypatch.setattr(matrix_backward, "by_entry", forgetful)
    with pytest.raises(PromiseError, match="CR802"):
        explain_matrix(gradient, "W1")
