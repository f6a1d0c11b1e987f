"""How explanations are written: as text, LaTeX and JSON, in any notation."""

import json
import re

import numpy as np
import pytest
from evaluator import recompute
from lectures import NAMES, load, trace_of
from networks import TRAINABLE, random_addresses, random_trace

from chainrule import Dense, Network, backward, forward, initialize
from chainrule.errors import DataError, SettingError
from chainrule.explain import NOTATIONS, explain_trace, from_toml, notation
from chainrule.explain.digits import shown
from chainrule.explain.notation import latex_symbol

LOSSES = ["categorical_crossentropy", "huber", "hinge", "binary_crossentropy", "poisson"]


def check_latex(text: str) -> None:
    """What LaTeX needs: only ASCII, brackets and environments that close, no stray special character."""
    assert text.isascii(), sorted({c for c in text if not c.isascii()})
    depth = 0
    for brace in re.findall(r"(?<!\\)[{}]", text):
        depth += 1 if brace == "{" else -1
        assert depth >= 0
    assert depth == 0
    assert text.count(r"\left(") == text.count(r"\right)")
    for environment in ("align*", "cases"):
        assert text.count(rf"\begin{{{environment}}}") == text.count(rf"\end{{{environment}}}")
    assert not re.search(r"(?<!\\)[#%~]", text)


@pytest.mark.parametrize("name", list(NOTATIONS))
def test_every_notation_writes_every_form(name: str) -> None:
    for lecture in NAMES:
        trace = trace_of(load(lecture))
        for form in ("factors", "delta", "paths"):
            explanation = explain_trace(trace, "W1[0,0]", form=form, notation=name)
            recompute(explanation)
            check_latex(explanation.to_latex(document=True))
            assert max(map(len, explanation.to_text().splitlines())) <= 100


@pytest.mark.parametrize("seed", range(20))
def test_latex_of_random_networks_is_well_formed(seed: int) -> None:
    trace = random_trace(seed, TRAINABLE[seed % len(TRAINABLE)], LOSSES[seed % len(LOSSES)])
    for form, address in zip(("factors", "delta", "paths"), random_addresses(seed, trace, 3), strict=True):
        check_latex(
            explain_trace(trace, address, form=form, notation=list(NOTATIONS)[seed % len(NOTATIONS)]).to_latex()
        )


def test_a_large_network_stays_on_about_one_screen() -> None:
    net = Network(784, [Dense(128, "relu"), Dense(10, "softmax")])
    rng = np.random.default_rng(0)
    trace = backward(forward(net, initialize(net, 3), rng.random((3, 784)), np.array([3, 1, 2])))
    for of in ("W1[4,300]", "b1[7]", "W2[3,100]", "delta(a1[5])", "x[17]", "prediction[3]", "z1[9]", "loss"):
        explanation = explain_trace(trace, of, row=1)
        recompute(explanation)
        lines = explanation.to_text().splitlines()
        assert len(lines) <= 45, of
        assert max(map(len, lines)) <= 100
    assert "… and 777 more, together" in str(explain_trace(trace, "z1[9]", row=1))
    paths = explain_trace(trace, "W1[4,300]", row=1, form="paths", top=3)
    recompute(paths)
    assert "… and 7 more, together" in str(paths)
    assert "10 paths lead from here to the loss" in str(paths)


def test_the_largest_paths_are_the_largest() -> None:
    net = Network(2, [Dense(4, "tanh"), Dense(3, "tanh"), Dense(2)], loss="mse")
    trace = backward(forward(net, initialize(net, 5), [[1.0, -2.0]], [[1.0, 0.5]]))
    whole = explain_trace(trace, "W1[0,0]", form="paths", top=None)
    few = explain_trace(trace, "W1[0,0]", form="paths", top=2)
    sizes = sorted((abs(line.value) for line in whole.terms), reverse=True)
    assert [abs(line.value) for line in few.terms if line.role == "term"] == pytest.approx(sizes[:2])
    assert len(sizes) == 6
    assert few.value == pytest.approx(whole.value, rel=1e-12)


def test_the_json_is_plain_and_complete() -> None:
    plain = explain_trace(trace_of(load("cis678-2-2-2-sigmoid")), "w5").to_dict()
    assert json.loads(json.dumps(plain)) == plain
    assert plain["schema"] == "chainrule-explanation/1"
    assert plain["engine"]["value"] == pytest.approx(plain["value"])
    assert set(plain["sections"][0]["lines"][0]) == {
        "key", "symbol", "expr", "formula", "numbers", "value", "role", "operands",
    }  # fmt: skip


def test_html_escapes_names() -> None:
    net = Network(["<b>"], [Dense(1)], loss="mse")
    explanation = explain_trace(backward(forward(net, [1.0, 0.0], [[2.0]], [[1.0]])), "W1[0,0]")
    assert "&lt;b&gt;" in explanation._repr_html_()
    check_latex(explanation.to_latex())


def test_a_notation_is_a_few_lines_of_toml(tmp_path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text('name = "mine"\nbased_on = "cis678"\nnet = "s_{unit}"\nloss = "J"\n', encoding="utf-8")
    explanation = explain_trace(trace_of(load("cis678-2-2-2-sigmoid")), "w5", notation=path)
    assert explanation.notation == "mine"
    assert [factor.symbol for factor in explanation.factors] == ["∂J/∂out_o1", "∂out_o1/∂s_o1", "∂s_o1/∂w5"]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("nett = 'x'", "CR203"), ("net = 3", "CR202"), ("net = 'n_{who}'", "CR203"), ("sign = 2", "CR201"),
        ("units = 'roman'", "CR203"), ("name = ", "CR209"), ("based_on = 'nobody'", "CR203"),
    ],
)  # fmt: skip
def test_a_notation_that_cannot_be_used_is_refused(text: str, code: str) -> None:
    with pytest.raises(SettingError, match=code):
        from_toml(text)


def test_a_decimal_comma_on_request() -> None:
    comma = from_toml('based_on = "cis678"\ndecimal = ","')
    explanation = explain_trace(trace_of(load("cis678-2-2-2-sigmoid")), "w5", notation=comma)
    assert "0,15·0,05 + 0,2·0,1 + 0,35" in str(explanation)
    assert "= 0,0821670   engine 0,0821670" in str(explanation)
    assert r"0{,}15 \cdot 0{,}05" in explanation.to_latex()
    recompute(explanation)
    with pytest.raises(SettingError, match="CR203"):
        from_toml('decimal = ";"')


def test_an_unknown_notation_names_the_nearest() -> None:
    with pytest.raises(SettingError, match="han-kamber"):
        notation("han_kamber")


def test_unnamed_units_follow_the_notation() -> None:
    net = Network(3, [Dense(2, "sigmoid"), Dense(1, "sigmoid")], loss="half_squared_error")
    trace = backward(forward(net, initialize(net, 1), [[1.0, 0.0, 1.0]], [[1.0]]))
    text = str(explain_trace(trace, "W1[0,0]", notation="han-kamber", form="delta"))
    assert "I_4 = w_1,4·x_1 + w_2,4·x_2 + w_3,4·x_3 + θ_4" in text
    assert "Err_4 = O_4·(1 − O_4)·Err_6·w_4,6" in text
    text = str(explain_trace(trace, "W1[0,0]", notation="cis678"))
    assert "∂E/∂out_o1·∂out_o1/∂net_o1" in text


def test_numbers_are_short_when_exact_and_full_when_rounded() -> None:
    assert [shown(x) for x in (0.35, 0.3775000000000001, 2 / 3, -1e-9, 123456.789, 1e22)] == [
        "0.35", "0.3775", "0.666667", "−1e−9", "123457", "1e22",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("symbol", "latex"),
    [
        ("w_14", "w_{14}"), ("θ_4", r"\theta_{4}"), ("W1[2,3]", "W^{(1)}_{2,3}"), ("β₁", r"\beta_{1}"), ("m_hat", r"\hat{m}"),
        ("z^(2)_3", "z^{(2)}_{3}"), ("50 % off", r"\text{50 \% off}"), ("h(n_o1)", r"h\left(n_{o1}\right)"), ("v′", "v'"),
    ],
)  # fmt: skip
def test_symbols_as_latex(symbol: str, latex: str) -> None:
    assert latex_symbol(symbol) == latex


def test_the_sum_over_a_shared_bias_shows_what_it_adds_up() -> None:
    net = Network(2, [Dense(2, "sigmoid", bias="layer"), Dense(1, "sigmoid")], loss="half_squared_error")
    gradient = backward(forward(net, initialize(net, 1), [[0.05, 0.1]], [[1.0]]))
    explanation = explain_trace(gradient, "b1")
    first, second = (explanation.line(f"dL_dz1_{n}") for n in (0, 1))
    text = str(explanation)
    assert "∂L/∂b1 = ∂L/∂z1[0] + ∂L/∂z1[1]" in text
    assert f"= {shown(first.value)} " in text and shown(second.value) in text
    assert "lines above" not in explanation.to_latex()
    assert "the sum of" not in text.split("\n\n")[-2]


def test_a_bias_stands_alone_times_one_or_times_the_unit_zero() -> None:
    gradient = trace_of(load("practical-ml-2-2-2-backprop"))
    lines = {
        name: explain_trace(gradient, "W1[0,0]", notation=name).line("z2_0")
        for name in ("csds440", "cis678", "practical-ml")
    }
    ends = {name: line.formula.rpartition(" + ")[2] for name, line in lines.items()}
    assert ends == {"csds440": "w2_01", "cis678": "w2_01·1", "practical-ml": "w2_01·z^(1)_0"}
    assert len({line.value for line in lines.values()}) == 1
    bias = explain_trace(gradient, "b2[0]", notation="practical-ml")
    assert bias.factors[-1].formula == "z^(1)_0" and bias.factors[-1].value == 1.0


def test_the_units_downstream_and_the_sign_of_delta_are_said_where_the_textbook_has_a_word_for_them() -> None:
    gradient = trace_of(load("practical-ml-2-2-2-backprop"))
    assert "Downstream(z1) = y1, y2." in explain_trace(gradient, "W1[0,0]", form="delta", notation="csds440").notes
    assert "Err_z1 is −∂E/∂I_z1" in str(explain_trace(gradient, "W1[0,0]", form="delta", notation="han-kamber"))
    assert not explain_trace(gradient, "W1[0,0]", form="delta").notes


def test_a_notation_file_that_is_not_there_is_named() -> None:
    with pytest.raises(DataError, match="CR301.*mine.toml"):
        notation("mine.toml")
