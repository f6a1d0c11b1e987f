"""Errors have stable codes and say what, where, expected, got and what to do."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import chainrule
from chainrule import errors
from chainrule.errors import CODES, ChainruleError, SettingError, nearest, unknown_name

SOURCES = sorted(Path(chainrule.__file__).parent.rglob("*.py"))


def test_every_code_is_listed_once():
    tree = ast.parse(Path(errors.__file__).read_text(encoding="utf-8"))
    table = next(n for n in ast.walk(tree) if isinstance(n, ast.AnnAssign) and n.target.id == "CODES")
    codes = [key.value for key in table.value.keys]
    assert len(codes) == len(set(codes))
    assert all(re.fullmatch(r"CR[1-8]\d\d", code) for code in codes)
    assert codes == sorted(codes)
    assert len(set(CODES.values())) == len(CODES)


def test_every_code_in_the_sources_is_listed():
    used = {code for path in SOURCES for code in re.findall(r'"(CR\d{3})"', path.read_text(encoding="utf-8"))}
    assert used <= set(CODES)


def test_an_unlisted_code_cannot_be_raised():
    with pytest.raises(KeyError, match="CR999"):
        ChainruleError("CR999", "nothing")


def test_the_parts_make_one_sentence_and_stay_readable():
    error = SettingError(
        "CR201", "`Dense.units` must be at least 1", where="layer 2", expected="1 or more", got="0", hint="add a unit"
    )
    assert str(error) == (
        "CR201: `Dense.units` must be at least 1 (layer 2): expected 1 or more, got 0. Hint: add a unit"
    )
    assert error.to_dict() == {
        "code": "CR201", "what": "`Dense.units` must be at least 1", "where": "layer 2", "expected": "1 or more",
        "got": "0", "hint": "add a unit",
    }  # fmt: skip
    assert str(SettingError("CR201", "too small")) == "CR201: too small."


def test_every_family_of_errors_is_a_value_error_with_its_exit_code():
    families = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, ChainruleError)]
    assert len(families) >= 6
    for family in families:
        assert issubclass(family, ValueError)
        assert 1 <= family.exit_code <= 5


def test_the_nearest_names_come_first_and_nothing_is_guessed_from_afar():
    assert nearest("Relu", ["selu", "relu", "tanh"])[0] == "relu"
    assert nearest("xyzzy", ["relu", "tanh"]) == []
    assert unknown_name("activation", "xyzzy", ["relu"]).hint is None
    assert "'relu'" in unknown_name("activation", "rellu", ["relu", "tanh"]).hint
