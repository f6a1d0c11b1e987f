"""Every printed line can be recomputed from what stands above it, and the result is the engine's gradient."""

import re
import zlib
from decimal import Decimal

import numpy as np
import pytest
from evaluator import recompute
from networks import TRAINABLE, random_addresses, random_trace

from chainrule import Dense, Network, backward, forward, initialize, losses
from chainrule.explain import explain_trace
from chainrule.explain.digits import shown
from chainrule.explain.formula import evaluate

PRIMITIVE = ("input", "parameter", "target", "constant")
LOSSES = [record.name for record in losses if record.name != "output"]
FORMS = ("factors", "delta", "paths")


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("activation", TRAINABLE)
def test_every_line_is_recomputed_from_inputs_weights_targets_and_constants(activation: str, loss: str) -> None:
    seed = zlib.crc32(f"{activation} {loss}".encode()) % 100_000
    trace = random_trace(seed, activation, loss)
    for n, address in enumerate(random_addresses(seed, trace, 2)):
        form = FORMS[(seed + n) % 3]
        explanation = explain_trace(trace, address, row=len(trace.x) - 1, top=None, form=form)
        assert explanation.engine is not None
        assert abs(explanation.value - explanation.engine) <= explanation.tolerance
        recompute(explanation, PRIMITIVE)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("seed", range(12))
def test_a_shortened_explanation_adds_up_too(form: str, seed: int) -> None:
    trace = random_trace(seed, TRAINABLE[seed % len(TRAINABLE)], LOSSES[seed % len(LOSSES)])
    for address in random_addresses(seed, trace, 3):
        for notation in ("default", "han-kamber"):
            explanation = explain_trace(trace, address, row=0, top=2, form=form, notation=notation)
            recompute(explanation)
            assert max(map(len, str(explanation).splitlines())) < 180


@pytest.mark.parametrize("seed", range(20))
def test_a_batch_is_the_sum_of_its_examples(seed: int) -> None:
    trace = random_trace(seed, TRAINABLE[seed % len(TRAINABLE)], LOSSES[seed % len(LOSSES)], rows=5)
    assert trace.gradient is not None
    for address in [*[a for a in random_addresses(seed, trace, 6) if a[0] in "Wb"][:1], "loss"]:
        explanation = explain_trace(trace, address)
        recompute(explanation)
        assert len(explanation.terms) == 5
        if address != "loss":
            name = address.partition("[")[0]
            entries = trace.plan.param(name).of(trace.gradient)
            place = tuple(int(i) for i in address.partition("[")[2].rstrip("]").split(","))
            assert explanation.value == pytest.approx(float(entries[place]), rel=1e-12, abs=1e-14)


@pytest.mark.parametrize("seed", range(12))
def test_a_float32_pass_is_explained_in_float64_and_the_difference_is_said(seed: int) -> None:
    trace = random_trace(seed, "gelu", LOSSES[seed % len(LOSSES)], dtype=np.float32)
    address = next(a for a in random_addresses(seed, trace, 50) if a.startswith("W"))
    explanation = explain_trace(trace, address, row=0)
    recompute(explanation)
    assert explanation.dtype == "float32"
    assert any("float32" in note for note in explanation.notes)
    assert explanation.engine == pytest.approx(explanation.value, rel=1e-3, abs=1e-4)


def numbers_and_value(line) -> tuple[str, float]:
    """The numbers of a line as formula for Python, from what is printed; its value as printed with six digits."""
    plain = (
        line.numbers.replace("·", "*").replace("−", "-").replace("²", "**2").replace("³", "**3").replace("√", "sqrt")
    )
    plain = re.sub(r"e\^\(", "exp(", plain)
    plain = re.sub(r"e\^(-?[\d.]+(?:e-?\d+)?)", r"exp(\1)", plain)
    return plain, float(shown(line.value).replace("−", "-"))


@pytest.mark.parametrize("seed", range(40))
def test_a_line_is_recomputed_from_its_printed_digits(seed: int) -> None:
    trace = random_trace(seed, ("sigmoid", "tanh", "softplus", "elu")[seed % 4], LOSSES[seed % len(LOSSES)])
    for address in random_addresses(seed, trace, 3):
        for line in explain_trace(trace, address, row=0, top=None).lines:
            text, printed = numbers_and_value(line)
            if line.role == "sum" or "if" in text or "|" in text or "^" in text or "σ" in text:
                continue
            assert evaluate(text, {})[0] == pytest.approx(printed, rel=1.1e-5, abs=1e-300), (
                line
            )  # half a unit of the fifth digit, and half of the printed sixth


def test_an_almost_saturated_unit_is_shown_with_the_digits_its_slope_needs() -> None:
    net = Network(1, [Dense(1, "sigmoid")], loss="half_squared_error")
    trace = backward(forward(net, [7.7, 0.0], [[1.0]], [[0.5]])).trace
    line = explain_trace(trace, "W1[0,0]").line("da1_0_dz1_0")
    assert line.numbers == "0.99954738·(1 − 0.99954738)"
    assert evaluate("0.99954738*(1 - 0.99954738)", {})[0] == pytest.approx(line.value, rel=1e-5)


@pytest.mark.parametrize("seed", range(30))
def test_a_printed_table_of_terms_adds_up_to_the_last_digit_of_its_sum(seed: int) -> None:
    rng = np.random.default_rng(seed)
    net = Network(6, [Dense(int(rng.integers(20, 60)), "tanh"), Dense(int(rng.integers(9, 40)), "tanh"), Dense(2)])
    trace = backward(
        forward(net, initialize(net, seed), rng.normal(size=(1 + seed % 4, 6)), rng.normal(size=(1 + seed % 4, 2)))
    ).trace
    tables = 0
    for of in ("W1[3,2]", "delta(a1[7])", "loss", "prediction[1]"):
        form = "paths" if of == "W1[3,2]" and seed % 2 else "factors"
        text = explain_trace(trace, of, top=(3, 8, 11)[seed % 3], form=form).to_text()
        for table in re.findall(r"= the sum of\n((?: .*\n)+? +sum +=.*)", text):
            *terms, total = [row for row in table.splitlines() if re.search(r"= [−0-9.e]+(?: |$)", row)]
            values = [Decimal(row.rpartition(" = ")[2].split()[0].replace("−", "-")) for row in terms]
            printed = Decimal(re.search(r"sum +?= ([−0-9.e]+)", total)[1].replace("−", "-"))
            assert round(sum(values), -printed.as_tuple().exponent) == printed, table
            tables += 1
    assert tables
