"""A calculation with rounded numbers, beside the true one."""

import pytest
from lectures import load, trace_of

from chainrule import Dense, Network
from chainrule.errors import SettingError
from chainrule.explain import by_hand, explain, explain_trace
from chainrule.explain.by_hand import Rounding


def test_the_rounded_numbers_of_a_slide_are_reproduced() -> None:
    trace = trace_of(load("dse3121-han-kamber-3-2-1"))
    error = by_hand(explain_trace(trace, "delta(6)", form="delta", notation="han-kamber"), decimals=3)
    last = error.lines[-1]
    assert last.numbers == "0.474·(1 − 0.474)·(1 − 0.474)"
    assert error.value == 0.131
    assert error.true == pytest.approx(0.131169078214345, rel=1e-12)
    assert error.error == pytest.approx(0.131 - 0.131169078214345)
    assert {line.symbol: line.value for line in error.lines}["O_6"] == 0.474
    assert "every result rounded to 3 decimals" in str(error)
    assert error.to_dict()["lines"][-1]["error"] == last.error


def test_many_digits_change_nothing() -> None:
    explanation = explain_trace(trace_of(load("cis678-2-2-2-sigmoid")), "w1")
    assert by_hand(explanation, digits=15).value == pytest.approx(explanation.value, rel=1e-12)
    assert by_hand(explanation, digits=2).value != pytest.approx(explanation.value, rel=1e-4)


def test_one_way_of_rounding_is_chosen() -> None:
    explanation = explain_trace(trace_of(load("cis678-2-2-2-sigmoid")), "w1")
    for wrong in ({}, {"digits": 3, "decimals": 3}):
        with pytest.raises(SettingError, match="CR204"):
            by_hand(explanation, **wrong)
    with pytest.raises(SettingError, match="CR201"):
        by_hand(explanation, digits=0)


def test_a_rounding_that_divides_by_0_is_refused() -> None:
    net = Network(1, [Dense(1, "exponential")], loss="poisson")
    explanation = explain(net, [1.0, -9.0], [[0.0]], [[1.0]], of="loss")
    with pytest.raises(SettingError, match="CR201.*keep more digits"):
        by_hand(explanation, decimals=2)


@pytest.mark.parametrize("x", [1e300, -1.5e299, 1.7976931348623157e308, 1e-300, 5e-324, 123456789012345.6, 0.1 + 0.2])
@pytest.mark.parametrize("places", [0, 3, 17])
def test_numbers_of_any_size_are_rounded(x: float, places: int) -> None:
    assert abs(Rounding(decimals=places)(x) - x) <= 0.5000001 * 10.0**-places + 1e-13 * abs(x)
    assert Rounding(digits=places or 1)(x) == pytest.approx(float(f"{x:.{places or 1}g}"), rel=1e-13)


def test_a_calculation_by_hand_with_huge_numbers_comes_to_its_end() -> None:
    net = Network(1, [Dense(1)], loss="output")
    found = by_hand(explain(net, [1e150, 0.0], [[1e150]], of="prediction"), decimals=3)
    assert found.value == pytest.approx(1e300)
