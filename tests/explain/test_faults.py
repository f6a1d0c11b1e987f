"""An explanation that does not add up cannot be made."""

from dataclasses import replace

import numpy as np
import pytest
from lectures import load, trace_of
from networks import random_trace

from chainrule import Activation, Dense, Network, activations, backward, forward
from chainrule.errors import DivergedError, PromiseError, SettingError
from chainrule.explain import Explanation, explain, explain_trace


def explained(of: str = "w1", form: str = "factors") -> Explanation:
    return explain_trace(trace_of(load("cis678-2-2-2-sigmoid")), of, form=form)


def altered(explanation: Explanation, key: str, **changes) -> Explanation:
    sections = tuple(
        replace(s, lines=tuple(replace(line, **changes) if line.key == key else line for line in s.lines))
        for s in explanation.sections
    )
    return replace(explanation, sections=sections)


def raises_802():
    return pytest.raises(PromiseError, match="CR802")


def test_a_dropped_factor_is_caught() -> None:
    explanation = explained()
    result = explanation.line(explanation.result)
    with raises_802():
        altered(explanation, result.key, expr="*".join(result.expr.split("*")[:-1]))


def test_a_missing_path_is_caught() -> None:
    for form in ("factors", "paths"):
        explanation = explained(form=form)
        total = next(line for line in explanation.lines if line.role == "sum")
        with raises_802():
            altered(explanation, total.key, expr=total.expr.split(" + ")[0])


def test_a_consistent_explanation_of_another_number_is_caught() -> None:
    explanation = explained()
    with raises_802():
        replace(explanation, engine=explanation.engine * (1 + 1e-11))


def test_a_line_that_uses_what_stands_below_it_is_caught() -> None:
    explanation = explained()
    first, *others = explanation.sections
    with raises_802():
        replace(explanation, sections=(replace(first, lines=tuple(reversed(first.lines))), *others))


def test_an_engine_with_a_wrong_gradient_is_caught() -> None:
    for dtype in (np.float64, np.float32):
        trace = random_trace(5, "tanh", "mse", rows=1, dtype=dtype)
        wrong = np.array(trace.gradient)
        wrong[:] *= 1.001
        with raises_802():
            explain_trace(replace(trace, gradient=wrong), "b1[0]")


def test_a_pass_that_is_not_finite_has_no_working() -> None:
    net = Network(1, [Dense(1)], loss="mse")
    with np.errstate(all="ignore"), pytest.raises(DivergedError, match="CR601"):
        explain(net, [1e308, 1e308], [[1e10]], [[0.0]], of="W1[0,0]")


def test_a_gradient_without_targets_is_refused() -> None:
    net = Network(1, [Dense(1)], loss="mse")
    trace = forward(net, [1.0, 0.0], [[2.0]])
    assert explain_trace(trace, "z1[0]").value == 2.0
    with pytest.raises(SettingError, match="CR204"):
        explain_trace(trace, "W1[0,0]")


def test_a_users_own_activation_is_explained_by_its_formula() -> None:
    @activations.family
    def bent() -> Activation:
        return Activation(
            name="bent", value=lambda z: z + 0.5 * np.tanh(z), slope=lambda z, a: 1.5 - 0.5 * np.tanh(z) ** 2,
            expr="z + tanh(z)/2", slope_expr="1.5 - tanh(z)**2/2", latex="", latex_slope="",
            low=-np.inf, high=np.inf, source="test",
        )  # fmt: skip

    try:
        net = Network(1, [Dense(1, "bent"), Dense(1)], loss="mse")
        explanation = explain(net, [1.0, 0.5, 2.0, 0.0], [[0.25]], [[1.0]], of="W1[0,0]")
    finally:
        activations.forget("bent")
    assert "1.5 − tanh(z1[0])²/2" in str(explanation)


@pytest.mark.parametrize("z", [-900.0, 900.0, 40.0, 1e-9])
def test_formulas_that_overflow_are_replaced_by_their_stable_value(z: float) -> None:
    for record in activations:
        if record.trainable and not record.learned:
            net = Network(1, [Dense(1, record), Dense(1)], loss="log_cosh")
            explanation = explain(net, [1.0, 0.0, 0.5, 0.0], [[z]], [[0.1]], of="W1[0,0]")
            assert np.isfinite(explanation.value)
            assert str(explanation.to_latex())


@pytest.mark.parametrize("gap", [30.0, 800.0])
def test_a_saturated_softmax_keeps_its_shortcut(gap: float) -> None:
    net = Network(1, [Dense(3, "softmax")])
    trace = backward(forward(net, [gap, 0.0, -gap, 0.0, 0.0, 0.0], [[1.0]], [[0.0, 1.0, 0.0]]))
    explanation = explain_trace(trace, "W1[1,0]")
    assert explanation.value == pytest.approx(-1.0)


def test_words_for_dead_units_dropped_units_and_missing_connections() -> None:
    net = Network(2, [Dense(2, "relu", mask=[[1, 0], [1, 1]]), Dense(1)], loss="mse")
    theta = [-1.0, 0.0, 1.0, 1.0, 0.0, 0.0, 1.0, 1.0, 0.0]
    masked = explain(net, theta, [[1.0, 2.0]], [[0.0]], of="W1[0,1]")
    assert masked.value == 0.0
    assert any("There is no connection" in note for note in masked.notes)
    dead = explain(net, theta, [[1.0, 2.0]], [[0.0]], of="W1[0,0]")
    assert any("a1[0] is on a flat side of relu" in note for note in dead.notes)
    assert explain(net, theta, [[1.0, 2.0]], [[0.0]], of="W1[1,1]").value != 0.0
