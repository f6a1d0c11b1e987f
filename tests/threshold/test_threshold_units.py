"""Threshold units against the worked examples, and against truth tables and searches of their own."""

import itertools
import json
from fractions import Fraction
from importlib.resources import files

import numpy as np
import pytest

from chainrule.errors import ChainruleError, SettingError
from chainrule.network import initialize
from chainrule.steps import forward
from chainrule.threshold import (
    BooleanFunction,
    McCullochPitts,
    all_functions,
    decision_line,
    every_pattern,
    gate,
    learn,
    perceptron,
    regions,
    separate,
    truth_table,
    xor_by_differences,
    xor_by_two_lines,
)
from chainrule.threshold.neurons import thresholds


def example(name):
    return json.loads(files("chainrule.course").joinpath(f"worked_examples/{name}.json").read_text("utf-8"))


def answers(network, x):
    trace = forward(network, initialize(network), np.array([x], float))
    return [[int(v) for v in trace[slot.name][0]] for slot in network.plan.slots if slot.kind == "activation"]


@pytest.mark.parametrize("case", example("dse3121-mp-neuron")["functions"], ids=lambda case: case["function"])
def test_a_mcculloch_pitts_neuron_has_the_truth_table_of_the_worked_example(case):
    neuron = McCullochPitts(case["theta"], tuple(case["inhibitory"]))
    for row in case["truth_table"]:
        assert neuron(row["x"]) == row["y"]
    assert thresholds(neuron.function, case["inhibitory"]) == case["all_integer_thetas_that_work"]
    if case["in_source"]:
        assert gate(case["function"], case["inputs"]).function == neuron.function


def test_an_inhibitory_input_vetoes_whatever_the_others_say():
    neuron = McCullochPitts(1, (True, False, False))
    assert neuron((1, 1, 1)) == 0
    assert neuron((0, 1, 0)) == 1


def test_a_mcculloch_pitts_neuron_refuses_inputs_that_are_not_0_or_1():
    with pytest.raises(ChainruleError, match="CR108"):
        gate("AND")((0, 2))


def test_the_perceptron_for_or_answers_as_the_slide_says():
    given = example("dse3121-perceptron-or")["given"]
    weights = (given["w0"], given["w1"], given["w2"])
    system = separate(BooleanFunction.named("OR")).inequalities
    for row in example("dse3121-perceptron-or")["inequalities"]:
        one = next(i for i in system if [int(v) for v in i.x] == row["x"])
        assert one.holds(weights) is row["holds"]
    assert [perceptron(weights, x) for x in [(0, 0), (1, 0), (0, 1), (1, 1)]] == [0, 1, 1, 1]


def test_a_perceptron_whose_sum_is_exactly_0_answers_1():
    assert perceptron((-1, 1), (1,)) == 1
    assert perceptron((0, 0, 0), (1, 1)) == 1
    assert perceptron((Fraction(-1, 3), Fraction(1, 3)), (1,)) == 1


def test_fourteen_of_the_sixteen_functions_of_two_inputs_have_a_perceptron():
    rows = {
        tuple(r["outputs_for_00_01_10_11"]): r for r in example("dse3121-xor-impossible")["all_two_input_functions"]
    }
    for function in all_functions(2):
        found, told = separate(function), rows[function.outputs]
        assert found.possible is told["separable"]
        if told["separable"]:
            assert [perceptron(told["w0_w1_w2"], x) for x, _ in function.rows()] == list(function.outputs)


@pytest.mark.parametrize("inputs", [1, 2, 3])
def test_the_number_of_functions_with_a_perceptron_is_that_of_the_worked_example(inputs):
    counted = sum(separate(function).possible for function in all_functions(inputs))
    assert [counted, 2 ** (2**inputs)] == example("dse3121-xor-impossible")["separable_counts"][f"n{inputs}"]


@pytest.mark.parametrize("inputs", [1, 2, 3])
def test_every_answer_of_separate_is_a_proof(inputs):
    for function in all_functions(inputs):
        found = separate(function)
        if found.possible:
            assert [perceptron(found.weights, x) for x, _ in function.rows()] == list(function.outputs)
        else:
            sums = [
                sum(m * one.row[i] for m, one in zip(found.multipliers, found.inequalities, strict=True))
                for i in range(inputs + 1)
            ]
            assert all(m >= 0 for m in found.multipliers)
            assert sums == [0] * (inputs + 1)
            assert found.total > 0


def test_the_contradiction_of_xor_is_the_one_of_the_slide():
    found = separate(BooleanFunction.named("XOR"))
    certificate = example("dse3121-xor-impossible")["certificate"]
    used = [([1, *map(int, one.x)], one.y) for m, one in zip(found.multipliers, found.inequalities, strict=True) if m]
    assert sorted(row for row, y in used if y) == sorted(certificate["positive_rows"])
    assert sorted(row for row, y in used if not y) == sorted(certificate["negative_rows"])
    text = "\n".join(found.lines())
    assert "2·w0 + w1 + w2 ≥ 0" in text and "2·w0 + w1 + w2 < 0" in text and "0 ≥ 2" in text


def test_points_with_real_coordinates_are_separated_exactly():
    found = separate([(0.1, 0.2), (0.3, 0.1), (0.9, 0.8)], [0, 0, 1])
    assert found.possible
    assert [one.holds(found.weights) for one in found.inequalities] == [True] * 3
    assert not separate([(0.0,), (0.5,), (1.0,)], [1, 0, 1]).possible


@pytest.mark.parametrize("run", example("dse3121-perceptron-learning")["runs"], ids=lambda run: run["function"])
def test_the_perceptron_learns_pass_by_pass_as_in_the_worked_example(run):
    done = learn(BooleanFunction.named(run["function"]), passes=12)
    assert done.converged is run["converges"]
    history = [
        {"passes": n, "mistakes": m, "w": list(one[-1].weights)}
        for n, (one, m) in enumerate(zip(done.passes, done.mistakes, strict=True), 1)
    ]
    assert history == run["history"]
    assert (done.cycle is None) is run["converges"]


def test_the_cycle_of_xor_is_shown():
    text = "\n".join(learn(BooleanFunction.named("XOR")).lines())
    assert "never ends" in text and "(0, −1, 0) again" in text


def test_another_order_of_the_examples_is_another_run():
    given = learn(BooleanFunction.named("AND"))
    turned = learn(BooleanFunction.named("AND"), order=[3, 2, 1, 0])
    assert turned.converged
    assert [step.example for step in turned.passes[0]] == [3, 2, 1, 0]
    assert given.weights != turned.weights or given.mistakes != turned.mistakes


@pytest.mark.parametrize("inputs", [1, 2, 3])
def test_one_hidden_layer_computes_every_boolean_function(inputs):
    told = example("dse3121-boolean-theorem")["checked"][f"n={inputs}"]
    functions = list(all_functions(inputs))
    assert (2**inputs, len(functions)) == (told["hidden_units"], told["functions"])
    assert sum(truth_table(every_pattern(function)) == function for function in functions) == told["represented"]


def test_the_network_of_the_theorem_for_xor_has_the_weights_of_the_worked_example():
    told = example("dse3121-boolean-theorem")["instance_xor"]
    network = every_pattern(BooleanFunction.named("XOR"))
    theta = initialize(network)
    for name, values in (("W1", told["W"][0]), ("W2", told["W"][1]), ("b1", told["b"][0]), ("b2", told["b"][1])):
        assert network.plan.param(name).of(theta).tolist() == values
    for row in told["truth_table"]:
        assert answers(network, row["x"]) == [row["hidden"], [row["y"]]]


def test_xor_by_differences_has_the_corrected_table():
    for row in example("dse3121-xor-mlp")["rows"]:
        assert answers(xor_by_differences(), row["x"]) == [row["z_true"], [row["y_true"]]]


def test_xor_by_two_lines_has_the_table_of_the_worked_example():
    for row in example("practical-ml-xor-two-lines")["rows"]:
        assert answers(xor_by_two_lines(), row["x"]) == [[row["z_nand"], row["z_or"]], [row["y"]]]


def test_the_region_of_the_output_is_where_both_hidden_units_say_1():
    found = regions(xor_by_two_lines(), points=15).answers
    assert set(found) == {"z1", "z2", "y"}
    assert np.array_equal(found["y"] >= 0.5, (found["z1"] >= 0.5) & (found["z2"] >= 0.5))
    for x1, x2 in itertools.product(range(15), repeat=2):
        grid = np.linspace(-0.5, 1.5, 15)
        assert (found["z1"][x2, x1] == 1) == (grid[x1] + grid[x2] <= 1.5)


def test_a_decision_line_says_on_which_side_the_unit_answers_1():
    assert decision_line((1.5, -1, -1)) == "x2 = −x1 + 1.5; 1 on it and below"
    assert decision_line((-1, 2, 0)) == "x1 = 0.5; 1 on it and to the right"
    assert decision_line((-1, 0, 0)) == "no line: 0 everywhere"


@pytest.mark.parametrize("table", ["", "012", "011", "01101"])
def test_a_truth_table_of_the_wrong_size_is_refused(table):
    with pytest.raises(ChainruleError, match=r"CR20[13]"):
        BooleanFunction.named(table)


@pytest.mark.parametrize("seed", range(40))
def test_points_anywhere_are_separated_or_proved_inseparable(seed):
    source = np.random.default_rng(seed)
    dimension, count = int(source.integers(1, 4)), int(source.integers(2, 10))
    points = source.normal(0, 1, (count, dimension)).round(int(source.integers(0, 3))).tolist()
    labels = source.integers(0, 2, count).tolist()
    found = separate(points, labels)
    if found.possible:
        assert all(one.holds(found.weights) for one in found.inequalities)
    else:
        sums = [
            sum(m * one.row[i] for m, one in zip(found.multipliers, found.inequalities, strict=True))
            for i in range(dimension + 1)
        ]
        assert sums == [0] * (dimension + 1)
        assert found.total > 0
        assert min(found.multipliers) >= 0
        assert "cannot hold" in found.lines()[-2]


@pytest.mark.parametrize(
    ("call", "code"),
    [
        (lambda: separate([(0.0, 1.0), (1.0,)], [0, 1]), "CR109"),
        (lambda: separate([(float("nan"),)], [1]), "CR101"),
        (lambda: separate([(0.0,)], [2]), "CR108"),
        (lambda: separate([(0.0,)]), "CR104"),
        (lambda: learn(BooleanFunction.named("OR"), order=[7]), "CR201"),
        (lambda: learn([(0.0,)]), "CR104"),
        (lambda: perceptron((1, 2), (1, 1)), "CR104"),
        (lambda: decision_line((1, 2)), "CR204"),
        (lambda: regions(every_pattern(BooleanFunction.named("NOT"))), "CR204"),
        (lambda: gate("XOR"), "CR203"),
        (lambda: gate("NOT", 2), "CR204"),
        (lambda: McCullochPitts(1, ()), "CR201"),
    ],
)
def test_what_makes_no_sense_is_refused_with_a_code(call, code):
    with pytest.raises(ChainruleError, match=code):
        call()


@pytest.mark.parametrize(("outputs", "told"), [((0, 1, 1), "got 011"), ((0, 2), "got 02"), ((), "got none")])
def test_what_is_no_truth_table_is_shown_as_it_was_given(outputs, told):
    with pytest.raises(SettingError, match=told):
        BooleanFunction(outputs)
