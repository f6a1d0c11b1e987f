"""What may be asked for, and what is said when nothing is called so."""

import pytest
from lectures import load, trace_of

import chainrule
from chainrule import Dense, LayerNorm, Network, backward, forward
from chainrule.errors import SettingError
from chainrule.explain import explain, explain_trace
from chainrule.explain.address import canonical, parse
from chainrule.explain.notation import from_toml, notation
from chainrule.explain.symbols import Symbols

LECTURE = trace_of(load("cis678-2-2-2-sigmoid")).plan


def meaning(text: str, plan=LECTURE, name: str = "default") -> str:
    return canonical(plan, parse(Symbols(plan, notation(name)), text))


@pytest.mark.parametrize(
    ("text", "means"),
    [
        ("W1[1,0]", "W1[1,0]"), (" W1[ 1 , 0 ] ", "W1[1,0]"), ("b2[1]", "b2[1]"), ("w5", "W2[0,0]"), ("b1", "b1[0] + b1[1]"),
        ("a2[0]", "a2[0]"), ("h1", "a1[0]"), ("out(h1)", "a1[0]"), ("net(h1)", "z1[0]"), ("net_o2", "z2[1]"),
        ("out_h2", "a1[1]"), ("delta1[1]", "delta(z1[1])"), ("delta(z1[1])", "delta(z1[1])"), ("delta(h2)", "delta(z1[1])"),
        ("dL/d out(h2)", "delta(a1[1])"), ("∂L/∂a1[0]", "delta(a1[0])"), ("∂L/∂w5", "W2[0,0]"), ("i1", "delta(x[0])"),
        ("x[1]", "delta(x[1])"), ("loss", "loss"), ("prediction[1]", "a2[1]"), ("δ_h1", "delta(z1[0])"), ("z_h1", "z1[0]"),
    ],
)  # fmt: skip
def test_addresses(text: str, means: str) -> None:
    assert meaning(text) == means


def test_what_a_notation_prints_may_be_asked_for() -> None:
    assert meaning("Err_h1", name="han-kamber") == "delta(z1[0])"
    assert meaning("E", name="cis678") == "loss"


@pytest.mark.parametrize(
    "text", ["W3[0,0]", "W1[2,0]", "W1[0]", "W1", "z9[1]", "w55", "", "W1[-1,0]", "a1", "hello", "net(q)"]
)
def test_an_unknown_address_is_refused_with_what_there_is(text: str) -> None:
    with pytest.raises(SettingError, match="CR210") as caught:
        meaning(text)
    assert caught.value.expected


def test_the_ranges_and_the_nearest_name_are_told() -> None:
    with pytest.raises(SettingError, match=r"W1\[0,0\] to W1\[1,1\]"):
        meaning("W1[5,0]")
    with pytest.raises(SettingError, match="did you mean w5"):
        meaning("w55")
    with pytest.raises(SettingError, match=r"prediction\[0\] to prediction\[1\]"):
        meaning("prediction")


def test_a_name_of_several_things_lists_them() -> None:
    net = Network(["s"], [Dense(1, "tanh", unit_names=["q"]), Dense(1, unit_names=["q"])])
    with pytest.raises(SettingError, match=r"CR207.*a1\[0\], a2\[0\]"):
        meaning("q", net.plan)


def test_labels_name_inputs_in_the_text() -> None:
    net = Network(2, [Dense(1)], loss="mse")
    explanation = explain(
        net, [0.5, -1.0, 0.25], [[1.0, 2.0]], [[1.0]], of="W1[0,1]", labels={"x[1]": "age (standardised)"}
    )
    assert "∂z1[0]/∂W1[0,1] = age (standardised)" in str(explanation)
    assert explain(
        net, [0.5, -1.0, 0.25], [[1.0, 2.0]], [[1.0]], of="age (standardised)", labels={"x[1]": "age (standardised)"}
    )
    with pytest.raises(SettingError, match="CR210"):
        explain(net, [0.5, -1.0, 0.25], [[1.0, 2.0]], [[1.0]], of="loss", labels={"x[7]": "no"})


def test_learned_numbers_of_every_kind_have_addresses() -> None:
    net = Network(2, [Dense(3, "prelu"), LayerNorm(), Dense(2)], loss="mse")
    theta = [0.1 * (i % 7 - 3) for i in range(net.plan.size)]
    for of in ("alpha1[2]", "gain1[0]", "shift1[1]", "n1[0]", "s1[2]", "delta(n1[1])"):
        assert explain(net, theta, [[1.0, -2.0]], [[1.0, 0.0]], of=of).address == of


def test_a_row_that_does_not_exist_is_refused() -> None:
    net = Network(1, [Dense(1)], loss="mse")
    with pytest.raises(SettingError, match="CR201"):
        explain_trace(forward(net, [1.0, 0.0], [[1.0], [2.0]], [[1.0], [2.0]]), "loss", row=2)


def test_one_row_of_a_batch_may_be_asked_for_in_every_form() -> None:
    net = Network(1, [Dense(1)], loss="squared_error", reduction="sum")
    gradient = backward(forward(net, [1.0, 0.0], [[1.0], [2.0]], [[3.0], [5.0]]))
    for row, share in ((0, -4.0), (1, -12.0), (None, -16.0)):
        assert chainrule.explain(gradient, of="W1[0,0]", row=row).value == share
        assert chainrule.explain(gradient, of="W1", form="matrix", row=row).value == share


def test_the_unit_zero_of_a_bias_is_never_written_like_a_number() -> None:
    zero = from_toml('based_on = "cis678"\nbias_form = "times unit 0"')
    net = Network(2, [Dense(2, "tanh"), Dense(1)], loss="mse")
    text = str(explain(net, [0.1 * n for n in range(9)], [[1.0, 2.0]], [[1.0]], of="loss", notation=zero))
    assert "b_h1·i0" in text and "b_o1·out_h0" in text


def test_the_bias_of_a_single_output_has_the_symbol_of_the_notation() -> None:
    net = Network(2, [Dense(2, "tanh"), Dense(1)], loss="mse")
    trace = forward(net, [0.1 * n for n in range(9)], [[1.0, 2.0]], [[1.0]])
    symbols = {name: explain_trace(trace, "b2", notation=name).target for name in ("default", "cis678", "han-kamber")}
    assert symbols == {"default": "∂L/∂b2", "cis678": "∂E/∂b_o1", "han-kamber": "∂E/∂θ_5"}
