"""What a plan answers about itself."""

from __future__ import annotations

from chainrule import Dense, Expression, LayerNorm, Network

MASK = [[1, 0, 1], [1, 1, 0]]
FIRST = Dense(2, "prelu", mask=MASK, learning_rate_factor=0.5, bias_learning_rate_factor=0.1)
NET = Network(3, [FIRST, LayerNorm(), Dense(1)])


def test_layers_count_from_one_and_weights_are_to_from():
    plan = NET.plan
    assert plan.param("W1").shape == (2, 3)
    assert plan.param("W2").shape == (1, 2)
    assert [param.name for param in plan.params] == ["W1", "b1", "alpha1", "gain1", "shift1", "W2", "b2"]
    assert plan.size == 6 + 2 + 2 + 2 + 2 + 2 + 1
    assert plan.input_width == 3


def test_factors_are_spread_over_theta_and_are_zero_behind_a_mask():
    plan = NET.plan
    rates, decay = plan.per_entry("learning_rate_factor"), plan.per_entry("decay_factor")
    assert rates[plan.param("W1").where].tolist() == [0.5, 0.0, 0.5, 0.5, 0.5, 0.0]
    assert rates[plan.param("b1").where].tolist() == [0.05, 0.05]
    assert decay[plan.param("W1").where].tolist() == [1.0, 0.0, 1.0, 1.0, 1.0, 0.0]
    for name in ("b1", "alpha1", "gain1", "shift1", "b2"):
        assert (decay[plan.param(name).where] == 0).all()


def test_makers_and_readers_of_a_slot_are_found():
    plan = Expression("g = x * x; f = g + x", ["x"]).plan
    assert plan.makers["f"].op == "add"
    assert [step.target for step in plan.readers["x"]] == ["g", "f"]
    assert plan.readers["f"] == ()
    assert plan.output == "f"


def test_names_of_slots_stay_unique():
    plan = Network(2, [Dense(2), LayerNorm(), LayerNorm(), Dense(1)]).plan
    assert [slot.name for slot in plan.slots] == ["x", "z1", "a1", "n1", "s1", "n1_2", "s1_2", "z2", "a2"]
    assert plan.param("gain1_2").offset == plan.param("gain1").offset + 4
