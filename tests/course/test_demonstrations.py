"""Derivations whose lines are all equal, rounding by hand, worked networks, and the demonstrations (run by the index)."""

import random

import pytest
from click.testing import CliRunner

from chainrule.calculus.formula import evaluate
from chainrule.cli.course import demonstrate, example
from chainrule.course import demonstrations
from chainrule.course.derivations import DERIVATIONS
from chainrule.course.document import load
from chainrule.course.lesson import explained, lesson
from chainrule.course.rounding import by_hand
from chainrule.errors import ChainruleError
from chainrule.explain.formula import names_in


@pytest.mark.parametrize("name", DERIVATIONS)
def test_every_line_of_a_derivation_has_the_same_value(name):
    source = random.Random(1)
    lines = [expr for expr, _ in DERIVATIONS[name].lines]
    symbols = sorted({symbol for expr in lines for symbol in names_in(expr)})
    for _ in range(20):
        point = {symbol: source.uniform(-2, 2) for symbol in symbols}
        values = [evaluate(expr, point) for expr in lines]
        # a few operations each, on numbers around 1
        assert values == pytest.approx([values[0]] * len(values), rel=1e-12, abs=1e-13)


@pytest.mark.parametrize(("name", "at"), [("sigmoid", 0.7), ("tanh", -0.4)])
def test_a_derived_slope_is_the_slope(name, at):
    h, last = 1e-6, DERIVATIONS[name].lines[-1][0]
    slope = (evaluate(f"{name}(z)", {"z": at + h}) - evaluate(f"{name}(z)", {"z": at - h})) / (2 * h)
    assert evaluate(last, {"z": at}) == pytest.approx(slope, abs=1e-9)


def test_rounding_by_hand_reproduces_the_slide():
    rounded = {one.name: one for one in by_hand(load("dse3121-han-kamber-3-2-1"), 3)}
    assert f"{rounded['Err_6'].calculated:.4f}" == "0.1311"
    exact = by_hand(load("dse3121-han-kamber-3-2-1"), 15)
    assert all(abs(one.written - one.true) < 1e-14 for one in exact)


def test_more_decimals_bring_less_error():
    worst = [max(abs(r.written - r.true) for r in by_hand(load("cap4453-2-3-1"), d)) for d in (2, 4, 6)]
    assert worst[0] > worst[1] > worst[2]


def test_a_worked_network_is_explained_under_the_names_of_its_lecture():
    text = str(explained("dse3121-han-kamber-3-2-1", "w14", form="delta"))
    assert "Err_4" in text and "O_6" in text
    assert lesson("cap4453-2-3-1").trace.loss == pytest.approx(0.00723590673010053, rel=1e-12)
    with pytest.raises(ChainruleError, match="no network to explain"):
        lesson("losses")


def test_the_command_lists_and_refuses_with_the_nearest_name():
    run = CliRunner()
    listed = run.invoke(demonstrate, []).output
    for name in (*demonstrations.DEMONSTRATIONS, *(f"derive-{key}" for key in DERIVATIONS)):
        assert name in listed
    assert "did you mean 'race'" in str(run.invoke(demonstrate, ["races"]).exception)
    assert run.invoke(example, ["cis678-2-2-2-sigmoid", "--of", "w5", "--latex"]).output.count("\\") > 5
    assert "0.131" in run.invoke(example, ["dse3121-han-kamber-3-2-1", "--of", "Err_6", "--decimals", "3"]).output
    assert "________" in run.invoke(example, ["cap4453-2-3-1", "--blank"]).output


def test_a_worked_number_can_be_stepped_through_in_a_page(tmp_path):
    path = tmp_path / "step.html"
    done = CliRunner().invoke(example, ["cis678-2-2-2-sigmoid", "--of", "w1", "--html", str(path)])
    assert done.exit_code == 0 and "0.000438568" in done.output
    page = path.read_text("utf-8")
    assert "<svg" in page and "src=" not in page


def test_a_network_that_saw_the_pairs_does_not_know_the_rule():
    lines = demonstrations.parity().splitlines()
    wide = lines[2].split()
    assert int(wide[1].rstrip("%")) > 90
    assert int(wide[2].rstrip("%")) < 70


def test_early_stopping_has_the_lowest_validation_loss_of_the_plain_network():
    rows = {line.split("  ")[0]: line.split()[-4:] for line in demonstrations.overfitting().splitlines()[1:]}
    plain, stopped = rows["nothing"], rows["early stopping"]
    assert float(stopped[1]) < float(plain[1])
    assert float(plain[0]) < float(stopped[0])
    assert float(plain[3]) < float(plain[2])
