"""The update of one parameter, shown as terms, is the update that is made."""

import numpy as np
import pytest
from evaluator import recompute
from lectures import load, trace_of
from networks import random_trace

from chainrule import Dense, Network, Rule, Update, backward, forward, rules, update
from chainrule.engines.trace import Gradient
from chainrule.errors import SettingError
from chainrule.explain import explain_update

AROUND = [
    {}, {"l2": 0.1}, {"l1": 0.05, "l2": 0.02}, {"clip_value": 0.01}, {"clip_norm": 0.05}, {"clip_norm": 1e6},
    {"l1": 0.01, "clip_value": 0.02, "clip_norm": 0.01},
]  # fmt: skip


@pytest.mark.parametrize("around", AROUND, ids=str)
@pytest.mark.parametrize("rule", rules.names())
def test_the_lines_of_an_update_give_the_update(rule: str, around: dict) -> None:
    trace = random_trace(21, "prelu", "mse", rows=2)
    whole = Update(rules.get(rule, learning_rate=0.05), **around)
    memory: dict = {}
    for n in range(2):
        places = [(p, (3 * n) % p.size) for p in trace.plan.params[n::3]]
        before = {"step": memory.get("step", 0), "slots": memory.get("slots")} if memory else {}
        moved = update(whole, trace.theta, Gradient(trace), memory=memory)
        for param, entry in places:
            place = np.unravel_index(entry, param.shape)
            of = f"{param.name}[{','.join(map(str, place))}]"
            explanation = explain_update(trace, whole, of, memory=before)
            assert explanation.value == pytest.approx(float(moved[param.offset + entry]), rel=1e-12)
            recompute(explanation)


def test_the_update_of_a_lecture() -> None:
    trace = trace_of(load("cis678-2-2-2-sigmoid"))
    explanation = explain_update(trace, "gradient_descent", "w5", learning_rate=0.5, notation="cis678")
    assert explanation.value == pytest.approx(0.358916479717885, rel=1e-13)
    assert explanation.line(explanation.result).formula == "w5 − η·∂E/∂w5"
    assert explanation.line(explanation.result).numbers == "0.4 − 0.5·0.0821670"
    assert "The gradient in full:" in str(explanation)


def test_the_memory_is_read_and_left_alone() -> None:
    trace = trace_of(load("cis678-2-2-2-sigmoid"))
    memory: dict = {}
    update("momentum", trace.theta, Gradient(trace), memory=memory)
    kept = memory["slots"][0].copy()
    explanation = explain_update(trace, "momentum", "w5", memory=memory)
    assert memory["step"] == 1
    assert np.array_equal(memory["slots"][0], kept)
    assert explanation.line("velocity_new").formula == "μ·v − η·∂L/∂w5"


def test_learning_rate_factors_and_missing_penalties_are_said() -> None:
    net = Network(1, [Dense(1, bias_learning_rate_factor=0.1)], loss="mse")
    trace = backward(forward(net, [2.0, 1.0], [[3.0]], [[1.0]])).trace
    explanation = explain_update(trace, Update(rules.get("gradient_descent", learning_rate=0.5), l2=0.3), "b1[0]")
    assert explanation.value == pytest.approx(1.0 - 0.05 * 12.0)
    assert any("b1 is not penalised" in note for note in explanation.notes)


def test_a_rule_of_ones_own_is_shown_by_its_result() -> None:
    rule = Rule(
        "sign", lambda theta, g, slots, s: (theta - s["learning_rate"] * np.sign(g), ()), (), "test",
        constants={"learning_rate": 0.5},
    )  # fmt: skip
    explanation = explain_update(trace_of(load("cis678-2-2-2-sigmoid")), rule, "w5")
    assert explanation.value == pytest.approx(-0.1)
    assert any("its lines are not written out" in note for note in explanation.notes)


def test_only_a_single_parameter_is_moved() -> None:
    trace = trace_of(load("cis678-2-2-2-sigmoid"))
    for of in ("b1", "z1[0]", "loss"):
        with pytest.raises(SettingError, match="CR210"):
            explain_update(trace, "gradient_descent", of)
