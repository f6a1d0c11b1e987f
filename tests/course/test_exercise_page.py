"""The page on exercises says what happens."""

import re
from pathlib import Path

from click.testing import CliRunner

from chainrule.cli.course import exercise, mark
from chainrule.course import slips
from chainrule.course.exercises import TOPICS

PAGE = (Path(__file__).resolve().parents[2] / "docs/exercises.md").read_text("utf-8")


def test_the_sheet_of_the_page_is_marked_as_the_page_says(tmp_path):
    sheet, said = re.search(r"```toml\n(.*?)```", PAGE, re.S)[1], re.search(r"```text\n(.*?)```", PAGE, re.S)[1]
    (tmp_path / "kim.toml").write_text(sheet, "utf-8")
    assert CliRunner().invoke(mark, [str(tmp_path / "kim.toml")]).output == said


def test_the_page_lists_every_topic_and_every_slip():
    assert set(re.findall(r"^\| `([\w-]+)` \|", PAGE, re.M)) == {*TOPICS, "recap"}
    named = {re.sub(r"\s+", " ", name) for name in re.findall(r"\*([^*]+)\*", PAGE)}
    known = {value for name, value in vars(slips).items() if name.isupper() and isinstance(value, str)}
    assert named == known


def test_the_html_of_an_exercise_needs_nothing_else():
    html = CliRunner().invoke(exercise, ["--seed", "7", "--count", "2", "--format", "html", "--solutions"]).output
    assert html.startswith("<!DOCTYPE html>") and "default-src 'none'" in html and 'lang="en"' in html
    assert html.count("<h2>") == 2
    assert "http:" not in html and "https:" not in html and "<script" not in html
    for tag in ("table", "tr", "td", "section"):
        assert html.count(f"<{tag}>") == html.count(f"</{tag}>") > 0
    blank = CliRunner().invoke(exercise, ["--seed", "7", "--format", "html"]).output
    assert "σ(" not in blank


def test_one_broken_file_does_not_keep_a_class_from_being_marked(tmp_path):
    blank = CliRunner().invoke(exercise, ["--seed", "7", "--format", "toml"]).output
    (tmp_path / "anna.toml").write_text(
        blank.replace('name = ""', 'name = "Anna"').replace('net_h1 = ""', 'net_h1 = "9"')
    )
    (tmp_path / "bad.toml").write_text(
        'name = "Bad"\ntopic = "hidden-gradients"\nseed = 7\n[answers.1]\nnet_h1 = "1"\n'
    )
    done = CliRunner().invoke(mark, [str(tmp_path)])
    assert done.exit_code == 3
    assert "Anna" in done.stdout and "1 solution" in done.stdout
    assert "not marked: CR203" in done.stderr and "bad.toml" in done.stderr
