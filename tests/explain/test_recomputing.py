"""Every printed line can be recomputed from what stands above it, and the result is the engine's gradient."""

import zlib

import numpy as np
import pytest
from evaluator import recompute
from networks import HEADS, TRAINABLE, random_addresses, random_trace

from chainrule import losses
from chainrule.explain import explain_trace

PRIMITIVE = ("input", "parameter", "target", "constant")
LOSSES = [record.name for record in losses if record.name != "output"]


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("activation", TRAINABLE)
def test_every_line_is_recomputed_from_inputs_weights_targets_and_constants(activation: str, loss: str) -> None:
    seed = zlib.crc32(f"{activation} {loss}".encode()) % 100_000
    trace = random_trace(seed, activation, loss)
    for address in random_addresses(seed, trace, 3):
        explanation = explain_trace(trace, address, row=len(trace.x) - 1, top=None)
        assert explanation.engine is not None
        assert abs(explanation.value - explanation.engine) <= explanation.tolerance
        assert recompute(explanation, PRIMITIVE) >= 0
        assert str(explanation)


@pytest.mark.parametrize("seed", range(60))
def test_a_batch_is_the_sum_of_its_examples(seed: int) -> None:
    trace = random_trace(seed, TRAINABLE[seed % len(TRAINABLE)], LOSSES[seed % len(LOSSES)], rows=5)
    for address in [*[a for a in random_addresses(seed, trace, 6) if a[0] in "Wb"][:2], "loss"]:
        explanation = explain_trace(trace, address)
        recompute(explanation)
        assert len(explanation.terms) == 5
        if address != "loss":
            name = address.partition("[")[0]
            entries = trace.plan.param(name).of(trace.gradient)
            place = tuple(int(i) for i in address.partition("[")[2].rstrip("]").split(","))
            assert explanation.value == pytest.approx(entries[place], rel=1e-12, abs=1e-14)


def test_all_heads_are_tried() -> None:
    assert set(HEADS) <= set(LOSSES)
    assert np.isfinite(explain_trace(random_trace(1, "tanh", LOSSES[0]), "loss", row=0).value)
