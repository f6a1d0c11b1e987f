"""Every metric beside Keras's own on random rows: plain and weighted, streamed in batches and merged out of shards.

Skipped where Keras is not installed. Keras counts in float32, so that numbers agree to about 1e-5; its metrics over all
thresholds look at 20 000 of them, ours at every score.
"""

import numpy as np
import pytest

from chainrule.metrics import catalog

keras = pytest.importorskip("keras")

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of the backends that Keras runs on

ROWS = 97
BATCHES = (slice(0, 30), slice(30, 31), slice(31, None))
GRID = {"num_thresholds": 20_000}


def rows(kind, source):
    """y_true and y_pred of a kind."""
    classes = source.random((ROWS, 6)) + 1e-3
    classes /= classes.sum(axis=1, keepdims=True)
    codes = source.integers(0, 6, ROWS)
    return {
        "binary": (source.integers(0, 2, (ROWS, 1)), source.random((ROWS, 1))),
        "several": (source.integers(0, 2, (ROWS, 4)), source.random((ROWS, 4))),
        "codes": (codes, classes),
        "one-hot": (np.eye(6)[codes], classes),
        "numbers": (source.random((ROWS, 3)) * 3 + 0.1, source.normal(1, 1, (ROWS, 3))),
        "positive": (source.random((ROWS, 3)) * 3 + 0.1, source.random((ROWS, 3)) * 3 + 0.1),
        "labels": (source.integers(0, 4, (ROWS, 1)), source.integers(0, 4, (ROWS, 1))),
        "signs": (source.choice([-1.0, 1.0], (ROWS, 1)), source.normal(size=(ROWS, 1))),
    }[kind]


CASES = [  # Keras's class and settings, our constants, the rows, the tolerance
    ("Accuracy", {}, {}, "labels", 1e-5),
    ("BinaryAccuracy", {"threshold": 0.3}, {"threshold": 0.3}, "binary", 1e-5),
    ("BinaryAccuracy", {}, {}, "several", 1e-5),
    ("CategoricalAccuracy", {}, {}, "one-hot", 1e-5),
    ("SparseCategoricalAccuracy", {}, {}, "codes", 1e-5),
    ("TopKCategoricalAccuracy", {"k": 3}, {"k": 3}, "one-hot", 1e-5),
    ("SparseTopKCategoricalAccuracy", {"k": 3}, {"k": 3}, "codes", 1e-5),
    ("TruePositives", {}, {}, "binary", 1e-5),
    ("TrueNegatives", {}, {}, "binary", 1e-5),
    ("FalsePositives", {}, {}, "binary", 1e-5),
    ("FalseNegatives", {}, {}, "several", 1e-5),
    ("Precision", {"thresholds": 0.7}, {"threshold": 0.7}, "binary", 1e-5),
    ("Recall", {}, {}, "several", 1e-5),
    ("FBetaScore", {"beta": 2.0, "threshold": 0.5, "average": "micro"}, {"beta": 2.0}, "several", 1e-5),
    ("F1Score", {"threshold": 0.5, "average": "micro"}, {}, "several", 1e-5),
    ("AUC", GRID, {}, "binary", 2e-3),
    ("PrecisionAtRecall", {"recall": 0.6, **GRID}, {"recall": 0.6}, "binary", 1e-3),
    ("RecallAtPrecision", {"precision": 0.45, **GRID}, {"precision": 0.45}, "binary", 1e-3),
    ("SensitivityAtSpecificity", {"specificity": 0.6, **GRID}, {"specificity": 0.6}, "binary", 1e-3),
    ("SpecificityAtSensitivity", {"sensitivity": 0.6, **GRID}, {"sensitivity": 0.6}, "binary", 1e-3),
    ("BinaryCrossentropy", {}, {}, "binary", 1e-5),
    ("CategoricalCrossentropy", {}, {}, "one-hot", 1e-5),
    ("SparseCategoricalCrossentropy", {}, {}, "codes", 1e-5),
    ("KLDivergence", {}, {}, "one-hot", 1e-5),
    ("Poisson", {}, {}, "positive", 1e-5),
    ("MeanSquaredError", {}, {}, "numbers", 1e-5),
    ("RootMeanSquaredError", {}, {}, "numbers", 1e-5),
    ("MeanAbsoluteError", {}, {}, "numbers", 1e-5),
    ("MeanAbsolutePercentageError", {}, {}, "numbers", 1e-5),
    ("MeanSquaredLogarithmicError", {}, {}, "positive", 1e-5),
    ("CosineSimilarity", {}, {}, "numbers", 1e-5),
    ("LogCoshError", {}, {}, "numbers", 1e-5),
    ("R2Score", {}, {}, "numbers", 1e-5),
    ("MeanIoU", {"num_classes": 6, "sparse_y_pred": False, "dtype": "float32"}, {}, "codes", 1e-5),
    ("OneHotMeanIoU", {"num_classes": 6, "dtype": "float32"}, {}, "one-hot", 1e-5),
    ("IoU", {"num_classes": 6, "target_class_ids": [2], "sparse_y_pred": False, "dtype": "float32"},
     {"target_class": 2}, "codes", 1e-5),
    ("OneHotIoU", {"num_classes": 6, "target_class_ids": [2], "dtype": "float32"}, {"target_class": 2}, "one-hot", 1e-5),
    ("BinaryIoU", {"dtype": "float32"}, {}, "binary", 1e-5),
    ("Hinge", {}, {}, "signs", 1e-5),
    ("SquaredHinge", {}, {}, "signs", 1e-5),
    ("CategoricalHinge", {}, {}, "one-hot", 1e-5),
]  # fmt: skip
BY_FUNCTION = {"PearsonCorrelation": "pearson_correlation", "ConcordanceCorrelation": "concordance_correlation"}


def streamed(metric, y, p, w):
    """The value batch by batch; the merged shards must give the same."""
    state, shards = metric.start(), []
    for part in BATCHES:
        weights = None if w is None else w[part]
        state = metric.add(state, y[part], p[part], weights)
        shards.append(metric.add(metric.start(), y[part], p[part], weights))
    merged = metric.merge(shards[2], metric.merge(shards[0], shards[1]))
    assert metric.result(merged) == pytest.approx(metric.result(state), rel=1e-12)
    return metric.result(state)


@pytest.mark.parametrize("is_weighted", [False, True], ids=["plain", "weighted"])
@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case[0]}-{case[3]}")
def test_a_metric_equals_keras(case, is_weighted):
    name, settings, constants, kind, tolerance = case
    for seed in range(4):
        source = np.random.default_rng(seed)
        y, p = rows(kind, source)
        w = source.random(ROWS) if is_weighted else None
        theirs = getattr(keras.metrics, name)(**settings)
        for part in BATCHES:
            theirs.update_state(
                y[part].astype("float32"), p[part].astype("float32"), None if w is None else w[part].astype("float32")
            )
        expected = float(np.ravel(keras.ops.convert_to_numpy(theirs.result()))[0])
        found = streamed(catalog.get(name, **constants), y, p.astype("float32"), w)
        assert found == pytest.approx(expected, rel=tolerance, abs=tolerance)


@pytest.mark.parametrize("name", BY_FUNCTION)
def test_a_correlation_over_the_rows_equals_that_of_keras_over_the_same_axis(name):
    y, p = rows("numbers", np.random.default_rng(0))
    function = getattr(keras.metrics, BY_FUNCTION[name])
    expected = keras.ops.convert_to_numpy(function(y.astype("float32"), p.astype("float32"), axis=0))
    assert streamed(catalog.get(name), y, p, None) == pytest.approx(float(np.mean(expected)), rel=1e-4, abs=1e-5)


def test_every_metric_of_keras_is_here_by_its_name():
    theirs = {n for n, one in vars(keras.metrics).items() if isinstance(one, type) and issubclass(one, keras.Metric)}
    assert theirs - {"Metric", "Mean", "Sum", "MeanMetricWrapper"} == {case[0] for case in CASES} | set(BY_FUNCTION)
    assert all(name in catalog for name in theirs - {"Metric", "Mean", "Sum", "MeanMetricWrapper"})
