"""Which engine, which instruction set and how many threads are used."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from engine_jobs import job, needs_library

from chainrule import Dense, Expression, Network, rules
from chainrule.engines import choose as choosing
from chainrule.engines.choose import choose
from chainrule.engines.native import NativeEngine, thread_count
from chainrule.errors import ChainruleWarning, SettingError
from chainrule.optim.rule import Update

pytestmark = needs_library


def test_auto_falls_back_with_the_reason_and_says_so_once(monkeypatch):
    monkeypatch.setattr(choosing, "_said", set())
    plan = Expression("f = w * x + b", inputs=["x"]).plan
    update = Update(rules.get("gradient_descent"))
    with pytest.warns(ChainruleWarning, match="does not continue the chain"):
        assert choose("auto", plan, update, np.dtype(float)).name == "reference"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert choose("auto", plan, update, np.dtype(float)).name == "reference"
        assert choose("auto", Network(2, [Dense(1)]).plan, update, np.dtype(float)).name == "native"
        assert choose("reference", plan, update, np.dtype(float)).name == "reference"
    with pytest.raises(SettingError, match="CR702"):
        choose("native", plan, update, np.dtype(float))
    assert "float16" in str(NativeEngine().refuses(Network(2, [Dense(1)]).plan, update, np.dtype(np.float16)))


def test_an_unknown_instruction_set_is_refused(monkeypatch):
    monkeypatch.setenv("CHAINRULE_ISA", "mmx")
    task = job(Network(2, [Dense(1)]))
    with pytest.raises(SettingError, match="CR702"):
        task.open(NativeEngine())


def test_the_number_of_threads_can_be_set(monkeypatch):
    monkeypatch.setenv("CHAINRULE_NUM_THREADS", "3")
    assert thread_count() == 3
    assert thread_count(2) == 2
    assert thread_count(-1) >= 1
    for bad in ("0", "two", "-1"):
        monkeypatch.setenv("CHAINRULE_NUM_THREADS", bad)
        with pytest.raises(SettingError, match="CHAINRULE_NUM_THREADS"):
            thread_count()
    with pytest.raises(SettingError):
        thread_count(0)
