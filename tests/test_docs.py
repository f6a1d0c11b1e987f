"""Every example in a docstring runs and prints what it says."""

from __future__ import annotations

import doctest
import warnings
from importlib import import_module
from pathlib import Path

import pytest

import chainrule

ROOT = Path(chainrule.__file__).parent
MODULES = [
    ".".join(["chainrule", *path.relative_to(ROOT).with_suffix("").parts]).removesuffix(".__init__")
    for path in sorted(ROOT.rglob("*.py"))
    if path.name != "__main__.py"
]


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_of_a_module_run(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        module = import_module(name)
        tests = doctest.DocTestFinder(exclude_empty=True).find(module, name)
        said: list[str] = []
        failed = sum(
            doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(test, out=said.append).failed for test in tests
        )
    assert failed == 0, "".join(said)


def test_there_are_examples():
    finder = doctest.DocTestFinder()
    assert sum(len(test.examples) for name in MODULES for test in finder.find(import_module(name), name)) > 50
