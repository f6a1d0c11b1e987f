"""Every number of the worked example `metrics`, by Keras's names."""

import json
from importlib.resources import files

import pytest

from chainrule.metrics import catalog, evaluate

EXAMPLE = json.loads(files("chainrule.course").joinpath("worked_examples/metrics.json").read_text("utf-8"))
SAMPLES = [(metric["name"], sample) for metric in EXAMPLE["metrics"] for sample in metric["samples"]]


@pytest.mark.parametrize(("name", "sample"), SAMPLES, ids=[f"{name}-{i}" for i, (name, _) in enumerate(SAMPLES)])
def test_a_metric_has_the_value_of_the_worked_example(name, sample):
    value = evaluate(name, sample["y_true"], sample["y_pred"], **sample.get("params", {}))
    # The file has 15 significant digits.
    assert value == pytest.approx(sample["value"], rel=1e-12, abs=1e-15)


def test_the_worked_example_is_not_empty():
    assert len(SAMPLES) >= 30
    assert all(metric["name"] in catalog for metric in EXAMPLE["metrics"])
