"""How a law is shown a fault, and must refuse it."""

from __future__ import annotations

import pytest

from chainrule.errors import ChainruleError, SettingError
from chainrule.laws import activation, loss, network, rule, training
from chainrule.laws.cases import cases

LAWS = {module: {law.name: law for law in module.LAWS} for module in (activation, loss, rule, network, training)}
CASES = list(cases(seed=0))


def refusal(law, *subjects):
    """The code of the error with which a law is broken, or None where it holds."""
    try:
        law(*subjects)
    except ChainruleError as error:
        return error.code
    return None


def caught(module, law, subject):
    with pytest.raises(SettingError) as error:
        LAWS[module][law].check(subject)
    assert error.value.code == "CR208"
    assert subject.name in str(error.value)
    assert error.value.expected
    assert error.value.got
    assert error.value.where


def scaled(function, factor=1.001):
    return lambda *arguments: function(*arguments) * arguments[0].dtype.type(factor)
