"""Models of every format version load for ever, and predict what they predicted."""

from pathlib import Path

import numpy as np
import pytest

from chainrule import load
from chainrule.errors import ChainruleWarning

FIXTURES = Path(__file__).parent / "fixtures"
NEW = {"length": [0.5, None, -1.25], "colour": ["red", "green", "white"], "is_new": [True, False, True]}

PREDICTED = ["a", "a", "a"]
PROBABLE = [[0.5236725, 0.2409651, 0.2353624], [0.4418273, 0.2468334, 0.3113393], [0.4766199, 0.4206756, 0.1027045]]


def test_a_classifier_of_format_1_predicts_what_it_predicted():
    model = load(FIXTURES / "format-1-classifier.model")
    assert model.classes == ("a", "b", "c")
    with pytest.warns(ChainruleWarning, match="green"):
        assert model.predict(NEW).tolist() == PREDICTED
    with pytest.warns(ChainruleWarning, match="green"):
        probabilities = model.predict_proba(NEW)
    np.testing.assert_allclose(probabilities, PROBABLE, rtol=1e-5)
    assert model.history.epochs == 3
    assert model.card["algorithm"]["engine"] == "reference"
