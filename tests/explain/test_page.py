"""The examples of the page on explanations run and print what it says."""

import doctest
import re
from pathlib import Path

import pytest

from chainrule.explain import NOTATIONS, Explanation, explain, from_toml

PAGE = Path(__file__).parents[2] / "docs" / "explanations.md"


def test_the_examples_of_the_page_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert doctest.testfile(str(PAGE), module_relative=False, optionflags=doctest.ELLIPSIS).failed == 0


def test_the_page_names_every_notation_and_field() -> None:
    from chainrule import Dense, Network

    text = PAGE.read_text(encoding="utf-8")
    assert all(f'"{name}"' in text for name in NOTATIONS if name != "default")
    explanation: Explanation = explain(Network(1, [Dense(1)]), [1.0, 0.0], [[1.0]], [[2.0]], of="W1[0,0]")
    assert all(f"`{field}`" in text for field in explanation.to_dict() if field != "schema")
    assert all(f"`{field}`" in text for field in explanation.to_dict()["sections"][0]["lines"][0])


def test_the_notation_of_the_page_can_be_used() -> None:
    toml = re.search(r"```toml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert toml is not None
    assert from_toml(toml[1]).delta == "Err_{unit}"
