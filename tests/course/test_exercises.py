"""Exercises and their marking: 200 planted slips, right solutions rounded in every way, and sheets that are not right."""

import itertools
import math
import random

import pytest
from planted_slips import PLACES, Student, slipped

from chainrule.course.answer_files import mark_file
from chainrule.course.document import load
from chainrule.course.exercises import TOPICS, Shape, Topic, exercises
from chainrule.course.judge import work
from chainrule.course.marking import FOLLOWS, RIGHT, WRONG, mark
from chainrule.course.sheets import as_text
from chainrule.errors import ChainruleError

SHAPES = {"2-2-1": (2, 2, 1), "2-3-1": (2, 3, 1), "3-2-1": (3, 2, 1), "2-2-2": (2, 2, 2)}


def test_thirty_exercises_are_thirty_different_problems_with_short_numbers():
    made = exercises("hidden-gradient", "2-2-1", seed=7, count=30)
    assert len({tuple(one.example.given.values()) for one in made}) == 30
    for one in made:
        for value in one.example.given.values():
            assert round(value, 1) == value
        weights = [v for n, v in one.example.given.items() if n.startswith("w_")]
        assert len(set(weights)) == len(weights)


def test_the_same_seed_and_number_give_the_same_exercise():
    few = exercises("update", "2-2-1", seed=7, count=3)
    many = exercises("update", "2-2-1", seed=7, count=9)
    assert [one.example.given for one in few] == [one.example.given for one in many[:3]]


@pytest.mark.parametrize("network", [*SHAPES, "2-2-2-1", "1-3-2-2"])
def test_the_solution_of_an_exercise_is_the_gradient_of_the_engine(network):
    import numpy as np

    from chainrule import Dense, Network, backward, forward

    (one,) = exercises("update", network, seed=3)
    shape, given = one.shape, one.example.given
    layers, theta = [], []
    for below, layer in itertools.pairwise(shape.layers):
        layers.append(Dense(len(layer), "sigmoid"))
        theta += [given[f"w_{u}_{s}"] for u in layer for s in below] + [given[f"b_{u}"] for u in layer]
    net = Network(shape.sizes[0], layers, "half_squared_error", reduction="sum")
    x, t = [given[u] for u in shape.layers[0]], [given[f"t_{u}"] for u in shape.layers[-1]]
    gradient = backward(forward(net, theta, [x], [t]))
    solution = {judged.quantity.name: judged.true for judged in one.solution}
    mine = []
    for below, layer in itertools.pairwise(shape.layers):
        mine += [solution[f"dE_dw_{u}_{s}"] for u in layer for s in below] + [solution[f"dE_db_{u}"] for u in layer]
    assert np.allclose(mine, gradient.vector, rtol=1e-12, atol=1e-17)
    assert solution["E"] == pytest.approx(gradient.trace.loss, rel=1e-14)


def test_the_table_of_a_topic_goes_as_far_as_it_says():
    forward = ["net_h1", "out_h1", "net_o1", "out_o1"]
    into_o1, into_h1 = ["dE_dw_o1_h1", "dE_db_o1"], ["dE_dw_h1_x1", "dE_db_h1"]
    new = ["w_h1_x1_new", "b_h1_new", "w_o1_h1_new", "b_o1_new"]
    tables = {
        "forward": [*forward, "E"],
        "output-gradient": [*forward, "delta_o1", *into_o1],
        "hidden-gradient": [*forward, "delta_o1", "delta_h1", *into_h1],
        "update": [*forward, "E", "delta_o1", "delta_h1", *into_h1, *into_o1, *new],
    }
    for topic, names in tables.items():
        assert exercises(topic, "1-1-1")[0].asked == names


def test_a_new_topic_is_one_record(monkeypatch):
    monkeypatch.setitem(TOPICS, "every-gradient", Topic("Calculate every gradient.", gradients=slice(1, None)))
    (one,) = exercises("every-gradient", "2-3-1", seed=4)
    assert one.asked[-2:] == ["dE_dw_o1_h3", "dE_db_o1"] and "dE_dw_h1_x1" in one.asked and "E" not in one.asked
    assert "Calculate every gradient." in as_text([one])
    sheet = Student((2, 3, 1), one.example.given).solve(one.asked)
    assert mark(one, sheet).first is None and len(sheet) == len(one.asked)


@pytest.mark.parametrize("network", SHAPES)
@pytest.mark.parametrize("topic", TOPICS)
def test_no_right_solution_is_accused(topic, network):
    for seed, (decimals, keeps) in enumerate([(3, True), (3, False), (4, True), (4, False), (6, False), (8, True)] * 2):
        (one,) = exercises(topic, network, seed=seed)
        sheet = Student(SHAPES[network], one.example.given, decimals, keeps).solve(one.asked)
        assert set(sheet) == set(one.asked)
        marked = mark(one, sheet)
        assert marked.first is None, (decimals, keeps, marked.first)
        assert len(marked.marks) == len(sheet)


def test_a_right_solution_of_final_answers_alone_is_not_accused():
    for seed in range(20):
        (one,) = exercises("hidden-gradient", "2-3-1", seed=seed)
        sheet = Student((2, 3, 1), one.example.given, 5, True).solve(one.asked)
        marked = mark(one, {name: text for name, text in sheet.items() if name.startswith("dE")})
        assert marked.first is None


def planted(count):
    """(topic, network, slip, exercise, sheet, place), every kind of slip again and again."""
    wheel = itertools.cycle(PLACES)
    found, seed = [], 0
    while len(found) < count:
        seed += 1
        slip, rng = next(wheel), random.Random(seed)
        network, topic = rng.choice(list(SHAPES)), rng.choice(["hidden-gradient", "update", "output-gradient"])
        (one,) = exercises(topic, network, seed=seed)
        made = slipped(one.asked, SHAPES[network], one.example.given, slip, seed)
        if made:
            found.append((slip, one, *made))
    return found


def test_the_marker_finds_and_names_at_least_95_percent_of_200_planted_slips():
    cases = planted(200)
    assert {slip for slip, *_ in cases} == set(PLACES)
    found = named = 0
    missed = []
    for slip, one, sheet, place in cases:
        first = mark(one, sheet).first
        found += first is not None and first.name == place
        named += first is not None and first.name == place and first.slip == slip
        if first is None or (first.name, first.slip) != (place, slip):
            missed.append((slip, place, first))
    assert found / len(cases) >= 0.97, missed
    assert named / len(cases) >= 0.95, missed


def test_what_follows_from_a_slip_is_not_counted_again():
    for slip, one, sheet, _ in planted(60):
        marks = mark(one, sheet).marks
        assert sum(m.verdict == WRONG for m in marks) <= 1, (slip, [m for m in marks if m.verdict == WRONG])
        assert {m.verdict for m in marks} <= {RIGHT, FOLLOWS, WRONG}


def test_a_slip_in_a_number_that_was_not_written_down_is_found():
    (one,) = exercises("hidden-gradient", "2-2-1", seed=5)
    right = {j.quantity.name: j.true for j in one.solution}
    without = right["dE_dw_h1_x1"] / (right["out_h1"] * (1 - right["out_h1"]))
    first = mark(one, {"dE_dw_h1_x1": f"{without:.6f}"}).first
    assert (first.slip, "delta_h1" in first.what) == ("forgot σ′", True)


def test_a_nonsense_number_is_another_slip():
    (one,) = exercises("forward", "2-2-1", seed=1)
    first = mark(one, {"net_h1": "17.3"}).first
    assert first.slip == "another slip"
    assert "the numbers before it give" in first.what


def test_a_worked_example_can_be_marked():
    example = load("dse3121-han-kamber-3-2-1")
    true = {judged.quantity.name: judged.true for judged in work(example)}
    assert mark(example, {name: f"{value:.4f}" for name, value in true.items()}).first is None
    wrong = mark(example, {"O_6": "0.474", "Err_6": "0.1311", "w46_new": "-0.3392"})
    assert [m.verdict for m in wrong.marks] == [RIGHT, RIGHT, WRONG]
    assert wrong.first.slip == "sign"


@pytest.mark.parametrize(
    ("name", "slips"),
    [
        ("cap4453-2-3-1", []),
        ("dse3121-han-kamber-3-2-1", []),
        ("practical-ml-softmax-table", []),
        ("cis678-2-2-2-sigmoid", [("net_o1", "typing error")]),
        ("practical-ml-2-2-2-backprop", [
            ("y1_in", "wrong index"), ("y2_in", "wrong index"), ("dy1in_dw2_11", "wrong index"),
            ("dz1_dz1in", "wrong index"), ("w2_11_new", "sign"), ("w1_11_new", "sign"),
        ]),
    ],
)  # fmt: skip
def test_the_numbers_of_a_slide_are_marked_like_a_students(name, slips):
    example = load(name)
    marks = mark(example, {q.name: q.printed.text for q in example.quantities if q.printed}).marks
    assert [(m.name, m.slip) for m in marks if m.verdict == WRONG] == slips


def sheet_text(one, answers):
    lines = [
        f'name = "Kim"\ntopic = "{one.topic}"\nnetwork = "{one.shape}"\nseed = {one.seed}',
        f"[answers.{one.number}]",
    ]
    return "\n".join([*lines, *(f'{name} = "{text}"' for name, text in answers.items())])


def test_a_folder_of_sheets_is_marked_as_a_class(tmp_path):
    for i, slip in enumerate(["forgot σ′", None]):
        one = exercises("hidden-gradient", "2-2-1", seed=7, count=2)[1]
        place = "delta_h2" if slip else None
        sheet = Student((2, 2, 1), one.example.given, 5, False, slip, place).solve(one.asked)
        (tmp_path / f"{i}.toml").write_text(sheet_text(one, {**sheet, "net_h1": ""}), encoding="utf-8")
    first, second = mark_file(tmp_path)
    assert (first.who, first.first.name, first.first.slip) == ("Kim", "delta_h2", "forgot σ′")
    assert second.first is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("topic = 1 =", "CR309"),
        ('topic = "forward"', r"CR302.*answers"),
        ('topic = "forward"\n[answers.one]\nx = "1"', "CR309"),
        ('topic = "forwards"\n[answers.1]\nE = "1"', r"CR203.*forward"),
        ('topic = "forward"\n[answers.1]\nnet_h9 = "1"', r"CR203.*net_h1"),
        ('topic = "forward"\n[answers.1]\nnet_h1 = 1.0', r"CR202.*digits count"),
        ('topic = "forward"\n[answers.1]\nnet_h1 = "about 1"', "CR106"),
        ('topic = "forward"\nnetwork = "2-9-1"\n[answers.1]\nnet_h1 = "1"', "CR209"),
    ],
)
def test_an_answer_sheet_that_is_not_right_is_refused_with_its_name(tmp_path, text, message):
    path = tmp_path / "sheet.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ChainruleError, match=message) as caught:
        mark_file(path)
    assert "sheet.toml" in str(caught.value)


def test_a_shape_that_is_not_a_network_is_refused():
    for text in ("2-1", "2-2-0", "a-b-c", "2-2-2-2-2-2"):
        with pytest.raises(ChainruleError, match="CR209"):
            Shape.parse(text)


def test_planted_students_calculate_like_the_solution():
    (one,) = exercises("update", "2-2-2", seed=11)
    sheet = Student((2, 2, 2), one.example.given, 9, True).solve(one.asked)
    for judged in one.solution:
        assert math.isclose(float(sheet[judged.quantity.name]), judged.true, abs_tol=1e-9)
