"""The laws of engines are shown training that counts or reduces wrongly, and must catch it."""

from __future__ import annotations

import numpy as np
import pytest
from planting import CASES, refusal

from chainrule.engines.reference import ReferenceEngine, ReferenceSession
from chainrule.laws import training
from chainrule.optim.rules import rules


class Faulty(ReferenceSession):
    """A session in which something is counted or reduced wrongly."""

    fault = ""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.calls = 0

    def _move(self, gradient, scalars):
        if self.fault == "a step counted per parameter":
            for param in self.plan.params:
                self.calls += 1
                own = {n: c[0] for n, c in self.update.rule.table(self.calls, np.ones(1)).items()}
                before, slots = self.theta.copy(), [slot.copy() for slot in self.slots]
                super()._move(gradient, {**scalars, **own})
                after, moved = self.theta, self.slots
                before[param.where] = after[param.where]
                for slot, new in zip(slots, moved, strict=True):
                    slot[param.where] = new[param.where]
                self.theta, self.slots = before, tuple(slots)
            return
        if self.fault == "the penalty applied twice":
            gradient = gradient + 0.01 * self.theta * self.decay
        super()._move(gradient, scalars)

    def train(self, rows, order, batch_size, table, first_step):
        if self.fault == "draws of the place in the batch":
            first_step += 1
        if self.fault == "the last batch left out":
            order = order[:, : len(order[0]) // batch_size * batch_size]
        return super().train(rows, order, batch_size, table, first_step)

    def gradient(self, rows):
        value, slope = super().gradient(rows)
        return (value, slope / len(rows)) if self.fault == "the reduction applied twice" else (value, slope)

    def predict(self, x):
        return super().predict(x) * 1.001 if self.fault == "predictions off by a thousandth" else super().predict(x)


class FaultyEngine(ReferenceEngine):
    def __init__(self, fault):
        self.session = type("Session", (Faulty,), {"fault": fault})

    def open(self, plan, theta, slots, update, *, seed, n_jobs=None):
        return self.session(plan, theta, slots, update, seed)


ENGINE_FAULTS = {
    "a step counted per parameter": "four steps",
    "the penalty applied twice": "four steps",
    "draws of the place in the batch": "four steps",
    "the last batch left out": "four steps",
    "the reduction applied twice": "definition",
    "predictions off by a thousandth": "definition",
}


@pytest.mark.parametrize("fault", [*ENGINE_FAULTS, ""])
def test_a_law_of_engines_catches(fault):
    engine, adam = FaultyEngine(fault), rules.get("adam")
    trained = [case for case in CASES if case.plan is case.network.plan]

    four_steps = {refusal(training.training_is_the_four_steps, case, engine, adam) for case in trained}
    definition = {refusal(training.gradients_are_those_of_the_definition, case, engine) for case in trained}
    assert ("CR208" in four_steps) == (ENGINE_FAULTS.get(fault) == "four steps")
    assert ("CR208" in definition) == (ENGINE_FAULTS.get(fault) == "definition")
