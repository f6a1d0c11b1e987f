"""The numbers of the lectures are found in the explanations, with the lectures' own symbols."""

import pytest
from evaluator import recompute
from lectures import NAMES, load, trace_of

from chainrule.explain import Explanation, explain_trace

STAGES = ("forward", "loss", "backward")


def addresses(trace) -> list[str]:
    plan = trace.plan
    return [f"{p.name}[{i // p.shape[-1]},{i % p.shape[-1]}]" if len(p.shape) == 2 else f"{p.name}[{i}]"
            for p in plan.params for i in range(p.size)]  # fmt: skip


def values_of(explanation: Explanation) -> list[float]:
    return [*(line.value for line in explanation.lines), *(name.value for name in explanation.names.values())]


@pytest.mark.parametrize("name", NAMES)
def test_every_number_of_a_lecture_stands_in_an_explanation(name: str) -> None:
    file = load(name)
    trace = trace_of(file)
    found: set[float] = set()
    for form in ("factors", "delta", "paths"):
        for address in [*addresses(trace), "loss"]:
            explanation = explain_trace(trace, address, form=form)
            recompute(explanation, ("input", "parameter", "target", "constant"))
            found.update(values_of(explanation))
    for repeated in {n for p in trace.plan.params for n in p.names if p.names.count(n) > 1}:
        found.update(values_of(explain_trace(trace, repeated)))
    for row in file["quantities"]:
        if row["stage"].startswith(STAGES):
            close = min(abs(abs(value) - abs(row["true"])) for value in found)
            assert close <= 1e-12 * max(1.0, abs(row["true"])), f"{row['name']} = {row['true']} stands nowhere"


def test_the_gradient_of_w5_reads_as_in_the_lecture() -> None:
    explanation = explain_trace(trace_of(load("cis678-2-2-2-sigmoid")), "w5", notation="cis678")
    assert [factor.symbol for factor in explanation.factors] == ["∂E/∂out_o1", "∂out_o1/∂net_o1", "∂net_o1/∂w5"]
    assert explanation.factors[1].formula == "out_o1·(1 − out_o1)"
    assert explanation.factors[1].numbers == "0.751365·(1 − 0.751365)"
    assert explanation.line("z1_0").numbers == "0.15·0.05 + 0.2·0.1 + 0.35·1"  # as it is printed
    assert explanation.value == pytest.approx(0.0821670405642308, rel=1e-13)
    text = str(explanation)
    assert "net_h1 = w1·i1 + w2·i2 + b1·1         = 0.15·0.05 + 0.2·0.1 + 0.35·1         = 0.3775" in text
    assert "engine 0.0821670   finite difference 0.0821670" in text
    assert max(map(len, text.splitlines())) <= 100


def test_han_and_kamber_s_error_has_their_sign_and_their_formula() -> None:
    trace = trace_of(load("dse3121-han-kamber-3-2-1"))
    error = explain_trace(trace, "delta(5)", form="delta", notation="han-kamber")
    assert error.target == "Err_5"
    assert error.value == pytest.approx(-0.00654208506416899, rel=1e-12)
    assert error.line("delta_z2_0").formula == "O_6·(1 − O_6)·(T_6 − O_6)"
    assert error.line(error.result).formula == "O_5·(1 − O_5)·Err_6·w56"
    weight = explain_trace(trace, "w46", form="delta", notation="han-kamber")
    assert weight.line(weight.result).formula == "−Err_6·O_4"


def test_a_weight_from_an_input_of_0_is_explained_in_words() -> None:
    explanation = explain_trace(trace_of(load("dse3121-han-kamber-3-2-1")), "w24")
    assert explanation.value == 0.0
    assert any(note.startswith("The input x2 is 0, so ∂L/∂w24 is 0") for note in explanation.notes)


def test_a_bias_drawn_as_one_number_is_the_sum_over_its_units() -> None:
    explanation = explain_trace(trace_of(load("cis678-2-2-2-sigmoid")), "b1")
    assert explanation.value == pytest.approx(0.00877135468948693 + 0.0099542547052172, rel=1e-12)
    assert any("2 parameters are called b1 (b1[0], b1[1])" in note for note in explanation.notes)


def test_a_scalar_graph_multiplies_its_edges() -> None:
    from chainrule import Expression
    from chainrule.explain import explain

    graph = Expression("g = w * x; f = g + b", inputs=["x"])
    explanation = explain(graph, graph.theta(w=-2.0, b=3.0), [[5.0]], of="w")
    assert [(factor.symbol, factor.value) for factor in explanation.factors] == [("∂f/∂g", 1.0), ("∂g/∂w", 5.0)]
    assert explanation.value == 5.0
