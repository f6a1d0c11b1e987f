"""A verdict on planted illnesses, and on networks that nothing ails."""

import dataclasses
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import numpy as np
import pytest

from chainrule import Dense, Network, cure, diagnose, fit
from chainrule.diagnostics import diagnostics
from chainrule.diagnostics.finding import UNITS
from chainrule.diagnostics.ranking import WHILE_TRAINING
from chainrule.errors import ChainruleError

sys.path.insert(0, str(Path(__file__).parent))
from planted import HEALTHY, PLANTED

pytestmark = pytest.mark.filterwarnings("ignore")
NOTES = ("not_zero_centred", "linear_as_good")


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """Diagnoses by name, each made once."""
    known = {}

    def of(name):
        if name not in known:
            made = HEALTHY[name]() if name in HEALTHY else PLANTED[name](tmp_path_factory.mktemp(name))
            known[name] = diagnose(made[0], *made[1] if hasattr(made[0], "predict") and not hasattr(made[0], "card")
                                   else (made[1],))  # fmt: skip
        return known[name]

    return of


def test_every_diagnostic_has_a_planted_case():
    assert sorted(PLANTED) == sorted(diagnostics.names())


def test_every_diagnostic_is_described_where_its_limits_are():
    page = (Path(__file__).parents[2] / "docs/diagnose.md").read_text(encoding="utf-8")
    assert [name for name in diagnostics.names() if f"\n| `{name}` |" not in page] == []
    assert all(one.question.endswith("?") for one in diagnostics)


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_illness_is_found_first(name, found):
    diagnosis = found(name)
    first = diagnosis.first
    assert first is not None, str(diagnosis)
    assert first.diagnostic == name, str(diagnosis)
    assert diagnosis.verdict == ("healthy" if name in NOTES else "ill")
    assert first.rank == 1
    assert first.said and first.because and first.expected and first.remedy.text
    assert str(diagnosis).count(name.replace("_", " ")) >= 1


@pytest.mark.parametrize("case", HEALTHY)
@pytest.mark.parametrize("name", PLANTED)
def test_a_healthy_network_does_not_have_it(name, case, found):
    diagnosis = found(case)
    assert diagnosis.verdict == "healthy", str(diagnosis)
    assert name not in [one.diagnostic for one in diagnosis.findings if one.severity == "illness"]


def test_causes_do_not_run_in_circles_but_for_steps_and_units():
    """Steps may silence units, and silent units may make every step wrong: which of the two it was is measured."""
    graph = {one.name: set(one.causes) for one in diagnostics}
    for name in WHILE_TRAINING:
        graph[name] -= set(UNITS)
    assert list(TopologicalSorter(graph).static_order())
    assert {effect for one in diagnostics for effect in one.causes} <= set(diagnostics.names())


def test_a_cure_is_tried_and_its_gain_is_measured_on_rows_kept_away(found):
    tried = cure(found("learning_rate_too_small"))
    assert tried.helped
    assert tried.kept_away
    assert tried.after > 0.5 > tried.before
    assert "it helped" in str(tried)


def test_the_cure_of_a_rare_class_is_measured_by_what_is_found_of_every_class(found):
    tried = cure(found("class_imbalance"))
    assert tried.measure == "mean recall"
    assert tried.helped


def test_nothing_is_tried_on_a_healthy_network(found):
    assert cure(found("classes")) is None


def test_a_diagnosis_as_plain_data_holds_all_that_is_printed(found):
    plain = found("dead_units").to_dict()
    assert plain["schema"] == "chainrule-diagnosis/1"
    assert plain["findings"][0]["measured"]["units"] == 10
    assert plain["findings"][0]["remedy"]["settings"]["hidden_activation"] == "leaky_relu"
    assert "a1[0]" in plain["findings"][0]["measured"]["names"]
    assert plain["layers"][0]["dead"] == 10


def test_few_rows_are_not_judged():
    from chainrule import fit

    rows = {"x": [float(i) for i in range(20)], "y": [2.0 * i for i in range(20)]}
    verdict = diagnose(fit(rows, "y", network=(4,), test=0, learning_rate=0.01, epochs=200), rows)
    assert verdict.verdict == "cannot_tell"
    assert "too few" in verdict.because


def test_what_cannot_be_diagnosed_is_named():
    with pytest.raises(ChainruleError, match="cannot be diagnosed"):
        diagnose(3.0)


def test_a_column_that_gives_the_target_away_is_left_out_of_a_network_of_ones_own():
    drawn = np.random.default_rng(3)
    x = drawn.normal(size=(400, 4))
    y = np.sin(2 * x[:, 0]) + x[:, 1] * x[:, 2] + 0.5 * drawn.normal(size=400)
    x = np.column_stack([x, y + 0.15 * drawn.normal(size=400)])
    model = fit(
        (x, y), network=Network(5, [Dense(16, "tanh"), Dense(1)]), keep=["x4"], epochs=60, learning_rate=0.01, seed=1
    )
    found = diagnose(model, (x, y))
    assert (found.first.diagnostic, found.first.remedy.settings) == ("leakage", {"drop": ("x4",)})
    assert cure(found) is not None  # trained again with four inputs


def test_a_model_of_a_version_that_made_other_inputs_of_its_columns_is_diagnosed(monkeypatch):
    from chainrule.diagnostics import gather

    source = np.random.default_rng(0)
    data = {"u": source.normal(size=600), "v": source.normal(size=600)}
    data["y"] = data["u"] ** 2 + data["v"]
    model = fit(data, "y", network=(8,), epochs=20, scale="piecewise", test=0)
    assert model.network.input_count > 2
    now = gather.prepare
    monkeypatch.setattr(
        gather, "prepare", lambda request, table: now(dataclasses.replace(request, scale="standard"), table)
    )
    assert diagnose(model, data).verdict in ("ill", "healthy")
