"""A teacher's own lecture as a TOML file: what is checked, and what is said about a file that is not right."""

import json
import random
import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from chainrule.cli.course import boolean, example
from chainrule.course.document import load_toml
from chainrule.course.judge import work
from chainrule.course.printed import printed
from chainrule.course.rounding import table
from chainrule.course.walk import Walk
from chainrule.errors import ChainruleError

ROOT = Path(__file__).resolve().parents[2]
LECTURE = ROOT / "examples/lectures/one-neuron.toml"


def write(tmp_path, text):
    path = tmp_path / "mine.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_example_in_the_docs_is_the_file_and_ends_as_the_docs_say():
    page = (ROOT / "docs/lecture-file.md").read_text("utf-8")
    block = re.search(r"```toml\n(.*?)```", page, re.S)[1]
    assert block == LECTURE.read_text("utf-8")
    told = re.search(r"```text\n(.*?)\n```", page, re.S)[1]
    assert told in list(Walk(load_toml(LECTURE)).lines())


def test_the_first_mistake_of_a_lecture_is_named():
    walk = Walk(load_toml(LECTURE))
    assert walk.mistakes[0].quantity.name == "dE_dw1"
    assert "without the factor ∂out/∂net" in walk.mistakes[0].why
    assert walk.mistakes[1].first_wrong == "dE_dw1"
    told = {one["name"]: one["first_wrong"] for one in walk.to_dict()["quantities"]}
    assert told[walk.mistakes[1].quantity.name] == "dE_dw1" and None in told.values()


def test_a_lecture_without_mistakes_says_so(tmp_path):
    path = write(tmp_path, '[given]\nx = 0.3\n[[quantity]]\nname = "a"\nexpr = "1/x"\nprinted = "3.3333"\n')
    assert Walk(load_toml(path)).summary() == "1 printed numbers: 1 agrees."


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("title = ", "CR309"),
        ('title = "nothing"', r"CR302.*at least one"),
        ('[[quantity]]\nname = "a"', r"CR305.*quantity 1"),
        ('[[quantity]]\nname = "a"\nexpr = "1+"', r"CR209.*mine.toml, a"),
        ('[[quantity]]\nname = "a"\nexpr = "b + 1"', r"CR203.*'b'"),
        ('[[quantity]]\nname = "a"\nexpr = "1"\nprinted = 1.0', r"CR202.*its digits count"),
        ('[[quantity]]\nname = "a"\nexpr = "1"\nprinted = "one"', r"CR106"),
        ('[[quantity]]\nname = "a"\nexpr = "1/0"', r"CR209.*no finite value"),
        ('[[quantity]]\nname = "a"\nexpr = "__import__(1)"', "CR"),
        ('[given]\nx = "1"\n[[quantity]]\nname = "a"\nexpr = "x"', r"CR106.*'x'"),
        ('[given]\nx = 1\n[[quantity]]\nname = "x"\nexpr = "1"', r"CR207.*twice"),
        ('colour = 1\n[[quantity]]\nname = "x"\nexpr = "1"', r"CR203.*colour"),
    ],
)
def test_a_lecture_file_that_is_not_right_is_refused_with_the_place(tmp_path, text, message):
    path = write(tmp_path, text)
    with pytest.raises(ChainruleError, match=message):
        work(load_toml(path))


@pytest.mark.parametrize(
    ("text", "true", "agrees", "cut"),
    [("0.3775", 0.3775, True, True), ("0.38", 0.3775, True, False), ("0.37", 0.3775, False, True),
     ("-5.1E-6", -5.097e-6, True, False), ("1", 0.96, True, False), ("−0,5", -0.5, True, True), ("0.5", -0.5, False, False)],
)  # fmt: skip
def test_a_printed_number_agrees_or_is_cut_off(text, true, agrees, cut):
    assert (printed(text).agrees(true), printed(text).cut_off(true)) == (agrees, cut)


def test_the_command_lists_works_and_checks():
    run = CliRunner()
    assert "cis678-2-2-2-sigmoid" in run.invoke(example, []).output
    assert "0.082167041" in run.invoke(example, ["cis678-2-2-2-sigmoid"]).output
    data = json.loads(run.invoke(example, ["check", str(LECTURE), "--json"]).output)
    assert [row["verdict"] for row in data["quantities"]].count("wrong") == 1
    assert "B18" in run.invoke(example, ["errata"]).output
    assert "0 ≥ 2" in run.invoke(boolean, ["XOR"]).output
    assert json.loads(run.invoke(boolean, ["0111", "--json"]).output)["weights"] == [-1, 1, 1]


def hostile(source):
    """A lecture file of odd formulas and odd prints."""
    formulas = [
        "x*y",
        "x/y",
        "q0*x",
        "q0**2",
        "ln(x)",
        "sqrt(q0)",
        "exp(y*99)",
        "x**y",
        "q0*(1 - q0)",
        "1 if x > y else q0",
    ]
    pieces = ["x", "q0", "1e308", "-1", "(", ")", "**", "/", "exp(", "max(", ",", " if ", "else", "lambda", "[", "."]
    prints = ["0", "-0", "1e300", "1E-320", "0.1", "−3", "1,5", "5.", "1e999", "nan", "", "9" * 50]
    lines = ["[given]", f"x = {source.choice([1, 0, -2.5, 1e308])}", f"y = {source.choice([0.3, 0, 7, 1e-300])}"]
    for i in range(source.randint(1, 5)):
        wild = source.random() < 0.2
        text = "".join(source.choices(pieces, k=6)) if wild else source.choice(formulas)
        lines += ["[[quantity]]", f'name = "q{i}"', f"expr = '{text}'"]
        lines += [f'printed = "{source.choice(prints)}"'] if source.random() < 0.6 else []
    return "\n".join(lines)


def test_any_lecture_file_ends_in_a_report_or_in_an_error_with_a_code(tmp_path):
    source, reports, refused = random.Random(0), 0, 0
    for _ in range(300):
        path = write(tmp_path, hostile(source))
        try:
            walk = Walk(load_toml(path))
            assert list(walk.lines()) and walk.to_dict() and list(walk.blank()) and table(walk.example, 3)
            reports += 1
        except ChainruleError:
            refused += 1
    assert reports > 10
    assert refused > 10


def test_a_formula_that_is_too_long_is_refused(tmp_path):
    path = write(tmp_path, f'[[quantity]]\nname = "a"\nexpr = "{"1+" * 5000}1"')
    with pytest.raises(ChainruleError, match="too long"):
        load_toml(path)


def test_a_long_chain_of_quantities_that_are_not_printed_stays_quick(tmp_path):
    rows = [f'[[quantity]]\nname = "q{i}"\nexpr = "q{i - 1}*(1 - q{i - 1})"' for i in range(1, 60)]
    path = write(tmp_path, "[given]\nq0 = 0.4\n" + "\n".join(rows) + '\nprinted = "0.5"')
    assert Walk(load_toml(path)).judged[-1].verdict == "wrong"
