"""The README says what is true: its Python runs, and its commands are those of the command line."""

import re
import subprocess
import sys
from pathlib import Path

from chainrule.cli.main import COMMANDS

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text("utf-8")


def test_the_python_of_the_readme_runs_and_prints_what_it_shows(monkeypatch, tmp_path, capsys):
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    for block in re.findall(r"```python\n(.*?)```", README, re.DOTALL):
        exec(compile(block, "README.md", "exec"), names)
    printed = capsys.readouterr().out
    shown = README[README.index("∂L/∂W2[0,0]   how L changes") :]
    for line in shown[shown.index("backward") : shown.index("```")].splitlines():
        assert line in printed


def test_the_ill_network_of_the_readme_is_made_found_and_cured_as_it_says(tmp_path):
    story = README[README.index("$ chainrule fit examples/data/wine.csv --target cultivar --learning-rate") :]
    shown = [line.split() for line in story[: story.index("```")].splitlines()]
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    said = []
    for command in (line for line in shown if line[0] == "$"):
        run = [sys.executable, "-m", *command[1:]]
        told = subprocess.run(run, cwd=tmp_path, capture_output=True, text=True, check=True)
        said += told.stdout.split()
    for line in shown:
        if line[0] not in ("$", "…"):
            assert " ".join(line) in " ".join(said)


def test_every_command_of_the_readme_exists():
    for name in re.findall(r"^(?:\$ )?chainrule ([a-z-]+)", README, re.MULTILINE):
        assert name in COMMANDS


def test_every_page_that_the_readme_names_is_there():
    for path in re.findall(r"\]\(([^)#]+)\)", README):
        assert (ROOT / path).exists(), path


def test_the_readme_names_every_page():
    for page in (ROOT / "docs").glob("*.md"):
        assert f"(docs/{page.name})" in README, page.name


def test_the_story_that_the_readme_tells_is_the_one_that_is_told(tmp_path):
    story = README[README.index("$ chainrule fit examples/data/wine.csv") :]
    shown = story[: story.index("```")].splitlines()[1:]
    command = [sys.executable, "-m", "chainrule", "fit", "examples/data/wine.csv", "--target", "cultivar"]
    command += ["--out", str(tmp_path / "wine.model")]
    told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stderr
    lines = [
        line.split() for line in told.splitlines()
    ]  # a column is as wide as its numbers, which end otherwise elsewhere
    for line in shown:
        if line and line.split()[0] not in ("accuracy", "adam,", "…", "Saved"):
            assert line.split() in lines
    accuracy = next(float(line.split()[1]) for line in told.splitlines() if line.startswith("  accuracy"))
    assert abs(accuracy - next(float(line.split()[1]) for line in shown if line.startswith("  accuracy"))) < 0.02
