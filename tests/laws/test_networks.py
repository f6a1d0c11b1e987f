"""Every law for random networks in which all of the catalogs occur, and the reference engine against the four steps."""

from __future__ import annotations

import numpy as np
import pytest

from chainrule import check
from chainrule.calculus.activations import activations
from chainrule.calculus.losses import losses
from chainrule.engines.reference import ReferenceEngine
from chainrule.laws.cases import ROWS, cases, example
from chainrule.laws.network import LAWS
from chainrule.laws.training import gradients_are_those_of_the_definition, training_is_the_four_steps
from chainrule.layers import KINDS, OPS
from chainrule.optim.rules import rules

CASES = list(cases(seed=0))
TRAINED = [case for case in CASES if case.plan is case.network.plan]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.name)
def test_every_law_holds_for_every_network(law, case):
    law.check(case)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("number", range(len(TRAINED)), ids=lambda number: TRAINED[number].name)
def test_the_reference_engine_trains_by_the_four_steps(number, dtype):
    case, engine, every = TRAINED[number], ReferenceEngine(), list(rules)
    gradients_are_those_of_the_definition(case, engine, dtype)
    training_is_the_four_steps(case, engine, every[number % len(every)], dtype)


def test_the_networks_hold_everything_that_the_catalogs_hold():
    steps = [step for case in CASES for step in case.plan.steps]
    used = {step.constants["activation"].name for step in steps if step.op == "activation"}
    assert used >= {record.name for record in activations if record.trainable}
    assert {step.op for step in steps} == set(OPS)
    assert {case.plan.objective.loss.name for case in CASES} >= set(losses.names())
    heads = {case.plan.objective.head.activation for case in CASES if case.plan.objective.head}
    assert heads == {head.activation for loss in losses for head in loss.heads}
    assert {case.plan.objective.reduction for case in CASES} == {"mean", "sum"}
    assert {case.run.training for case in CASES} == {True, False}
    assert any(param.mask is not None for case in CASES for param in case.plan.params)
    assert any(param.name.startswith("b") and param.size == 1 for case in CASES for param in case.plan.params)
    assert {example(kind, units=3).kind for kind in KINDS} == set(KINDS)


def test_no_shape_is_square():
    for case in CASES:
        shapes = [param.shape for param in case.plan.params if len(param.shape) == 2]
        assert all(to != of for to, of in shapes), (case.name, shapes)
        assert ROWS not in {slot.width for slot in case.plan.slots}


def test_the_check_of_an_installation_reports_every_law_as_plain_data():
    report = check(seed=5)
    assert [entry for entry in report if not entry["passed"]] == []
    assert {tuple(entry) for entry in report} == {("law", "subject", "passed", "seconds", "message")}
    assert any("adam" in entry["subject"] for entry in report)
