"""The layout of θ is proved for every network, and every way to get it wrong is noticed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from chainrule import Dense, LayerNorm, Network
from chainrule.errors import PromiseError
from chainrule.laws.cases import cases
from chainrule.plan import Step, verify

CASES = list(cases(seed=3))
PLAN = Network(4, [Dense(3, "prelu"), LayerNorm(), Dense(2, "softmax")]).plan


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_parameters_tile_theta_exactly(case):
    verify(case.plan)
    owners = np.zeros(case.plan.size, int)
    for param in case.plan.params:
        owners[param.where] += 1
        assert param.of(case.theta).shape == param.shape
        assert np.shares_memory(param.of(case.theta), case.theta)
    assert (owners == 1).all()


def moved(name, by):
    params = tuple(replace(p, offset=p.offset + by) if p.name == name else p for p in PLAN.params)
    return replace(PLAN, params=params)


def steps_without(target):
    return replace(PLAN, steps=tuple(step for step in PLAN.steps if step.target != target))


FAULTS = {
    "an offset one too far leaves a gap": (lambda: moved("W2", 1), "W2 starts at"),
    "an offset one too near overlaps its neighbour": (lambda: moved("b1", -1), "b1 starts at"),
    "two parameters swapped": (lambda: replace(PLAN, params=PLAN.params[::-1]), "starts at"),
    "a parameter left out": (lambda: replace(PLAN, params=PLAN.params[1:]), "starts at"),
    "a parameter nobody reads": (lambda: steps_without("z2"), "never read|before it is written"),
    "a parameter that does not exist": (lambda: replace(PLAN, params=PLAN.params[:-1]), "does not exist"),
    "a slot written twice": (lambda: replace(PLAN, steps=(*PLAN.steps, PLAN.steps[-1])), "written twice"),
    "a slot never written": (
        lambda: replace(PLAN, slots=(*PLAN.slots, replace(PLAN.slots[-1], name="ghost"))),
        "ghost",
    ),
    "a slot read before it is written": (lambda: replace(PLAN, steps=PLAN.steps[::-1]), "before it is written"),
    "a source that does not exist": (
        lambda: replace(PLAN, steps=(*PLAN.steps, Step("softmax", ("nowhere",), "there"))),
        "nowhere",
    ),
    "two slots of one name": (lambda: replace(PLAN, slots=(*PLAN.slots, PLAN.slots[-1])), "same name"),
    "a mask of another shape": (
        lambda: replace(PLAN, params=(replace(PLAN.params[0], mask=np.ones((4, 3), bool)), *PLAN.params[1:])),
        "mask",
    ),
    "too few names": (lambda: replace(PLAN, params=(replace(PLAN.params[0], names=("w",)), *PLAN.params[1:])), "names"),
    "an output nobody writes": (lambda: replace(PLAN, output="y"), "never written"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_verify_notices(fault):
    plan, words = FAULTS[fault]
    with pytest.raises(PromiseError, match=words) as caught:
        verify(plan())
    assert caught.value.code == "CR801"
