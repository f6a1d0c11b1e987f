"""What a class gets on paper, what comes back, and the recap questions."""

import json
import re
import shutil
import subprocess
import tomllib

import pytest
from click.testing import CliRunner

from chainrule.calculus.formula import evaluate
from chainrule.cli.course import exercise, mark
from chainrule.course.exercises import TOPICS, exercises
from chainrule.course.recap import QUESTIONS, as_text
from chainrule.course.sheets import answer_sheet, as_latex
from chainrule.course.sheets import as_text as sheet_text


@pytest.mark.parametrize("topic", TOPICS)
def test_a_blank_table_names_every_number_and_shows_none(topic):
    made = exercises(topic, "2-3-1", seed=7, count=2)
    text = sheet_text(made)
    assert text.count("________") == sum(len(one.asked) for one in made)
    assert not re.search(r"= .*σ", text)


def test_every_line_of_a_solution_can_be_recomputed_from_what_is_printed():
    text = sheet_text(exercises("update", "2-2-2", seed=3), solutions=True)
    blocks = re.findall(r"^ +(= .*)\n +(= .*)$", text, re.M)
    assert len(blocks) > 30
    for numbers, value in blocks:
        formula = numbers[2:].replace("·", "*").replace("−", "-").replace("²", "**2").replace("σ", "sigmoid")
        shown = value[2:].replace("−", "-")
        # six digits of every operand: a difference of two loses one or two of them
        assert evaluate(formula, {}) == pytest.approx(float(shown), rel=3e-5, abs=2e-6)


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="no LaTeX here")
@pytest.mark.parametrize("solutions", [False, True])
def test_the_latex_of_an_exercise_compiles(tmp_path, solutions):
    (tmp_path / "sheet.tex").write_text(as_latex(exercises("update", "2-2-2", seed=1), solutions=solutions), "utf-8")
    done = subprocess.run(
        ["pdflatex", "-halt-on-error", "-interaction=nonstopmode", "sheet.tex"], cwd=tmp_path, capture_output=True,
        timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-2000:].decode("utf-8", "replace")


def test_a_blank_answer_sheet_filled_with_the_solution_is_right(tmp_path):
    made = exercises("hidden-gradient", "3-2-1", seed=7, count=3)
    text = answer_sheet(made)
    assert set(tomllib.loads(text)["answers"]) == {"1", "2", "3"}
    filled = []
    number = 0
    for line in text.splitlines():
        if match := re.fullmatch(r"\[answers\.(\d+)\]", line):
            number = int(match[1])
        name = line.partition(" = ")[0]
        if number and line.endswith('""'):
            value = next(j.true for j in made[number - 1].solution if j.quantity.name == name)
            line = f'{name} = "{value:.5f}"'
        filled.append(line)
    (tmp_path / "kim.toml").write_text("\n".join(filled), "utf-8")
    result = CliRunner().invoke(mark, [str(tmp_path)])
    assert result.exit_code == 0
    assert "3 solutions, 3 without a slip" in result.output


def test_the_table_of_a_class_names_the_slips(tmp_path):
    (one,) = exercises("forward", "2-2-1", seed=4)
    right = {j.quantity.name: f"{j.true:.5f}" for j in one.solution}
    right["net_h1"] = f"{float(right['net_h1']) - one.example.given['b_h1']:.5f}"
    lines = ['name = "Kim"', 'topic = "forward"', "seed = 4", "[answers.1]", f'net_h1 = "{right["net_h1"]}"']
    (tmp_path / "kim.toml").write_text("\n".join(lines), "utf-8")
    run = CliRunner()
    output = run.invoke(mark, [str(tmp_path / "kim.toml")]).output
    assert "forgot the bias" in output and "Kim" in output
    data = json.loads(run.invoke(mark, [str(tmp_path), "--json"]).output)
    assert (data[0]["first_wrong"], data[0]["slip"]) == ("net_h1", "forgot the bias")


def test_a_sheet_that_was_handed_in_blank_is_not_called_right(tmp_path):
    run = CliRunner()
    (tmp_path / "blank.toml").write_text(run.invoke(exercise, ["--format", "toml"]).output, "utf-8")
    assert "1 solution, 0 without a slip, 1 blank" in run.invoke(mark, [str(tmp_path)]).output


def test_the_exercise_command_prints_text_latex_toml_and_json():
    run = CliRunner()
    asked = ["--topic", "hidden-gradient", "--network", "2-2-1", "--seed", "7", "--count", "30"]
    assert run.invoke(exercise, asked).output.count("Exercise ") == 30
    assert "documentclass" in run.invoke(exercise, [*asked, "--format", "latex"]).output
    assert "[answers.30]" in run.invoke(exercise, [*asked, "--format", "toml"]).output
    assert len(json.loads(run.invoke(exercise, [*asked, "--json"]).output)) == 30


def test_the_recap_has_twelve_questions_with_gaps_answers_and_reasons():
    assert len(QUESTIONS) == 12
    for question in QUESTIONS:
        assert question.answers and question.reason.endswith(".")
        assert "____" in question.blank and "{" not in question.blank + question.filled
        for answer in question.answers:
            assert answer in question.filled
    assert "XOR" not in as_text()
    assert "XOR" in as_text(solutions=True)
    run = CliRunner()
    assert run.invoke(exercise, ["--topic", "recap"]).output.startswith("1. To estimate")
