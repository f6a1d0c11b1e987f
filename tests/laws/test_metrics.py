"""The laws of metrics over the whole catalog, planted faults, and each metric beside an independent definition."""

import math
import pickle
from dataclasses import replace

import numpy as np
import pytest

from chainrule.errors import DataError, SettingError
from chainrule.metrics import DEFAULTS, catalog, defaults, evaluate, interval
from chainrule.metrics.interval import wilson
from chainrule.metrics.laws import (
    LAWS,
    a_perfect_prediction_is_best,
    a_share_is_its_quotient,
    a_weight_is_a_repetition,
    nothing_is_undefined,
    parts_merge_to_the_whole,
    sample,
    the_order_of_rows_does_not_matter,
)
from chainrule.metrics.metric import mean_of, ratio

every_metric = pytest.mark.parametrize("metric", list(catalog), ids=catalog.names())


@every_metric
@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.__name__)
def test_every_metric_holds_every_law(metric, law):
    law(metric)


@every_metric
def test_a_metric_survives_its_description_and_a_pickle(metric):
    assert catalog.restore(catalog.describe(metric)) == metric
    assert pickle.loads(pickle.dumps(metric)) == metric
    assert metric.latex
    assert metric.source


# Planted faults: each law catches the metric that breaks it.


def _without_weights(metric):
    return replace(metric, of=lambda y, p, w: metric.of(y, p, np.ones(len(y))))


@every_metric
def test_a_metric_that_ignores_weights_is_caught(metric):
    with pytest.raises(SettingError, match="a weight is a repetition"):
        a_weight_is_a_repetition(_without_weights(metric))


@every_metric
def test_a_metric_with_the_wrong_direction_is_caught(metric):
    with pytest.raises(SettingError, match="CR208"):
        a_perfect_prediction_is_best(replace(metric, greater_is_better=not metric.greater_is_better))


def test_a_metric_that_averages_the_means_of_batches_is_caught():
    fault = replace(
        catalog.get("mae"), zero=(), value=lambda s: float(np.mean([m for m, _ in s])) if s else 0.0,
        of=lambda y, p, w: (np.array([ratio((w * np.abs(y - p).mean(axis=1)).sum(), w.sum()), 0.0]),),
    )  # fmt: skip
    with pytest.raises(SettingError, match="add up to the whole"):
        parts_merge_to_the_whole(fault)


def test_a_metric_that_forgets_the_first_row_is_caught():
    mae = catalog.get("mae")
    with pytest.raises(SettingError, match="CR208"):
        the_order_of_rows_does_not_matter(replace(mae, of=lambda y, p, w: mae.of(y[1:], p[1:], w[1:])))


def test_an_unguarded_logarithm_is_caught():
    fault = mean_of(
        "fault", lambda y, p: -(y * np.log(p)).sum(axis=1), target_kind="classes", latex="", source=""
    )  # fmt: skip
    with pytest.raises(SettingError, match="defined for"):
        nothing_is_undefined(fault)


def test_an_unguarded_quotient_is_caught():
    with pytest.raises(SettingError, match="defined for"):
        nothing_is_undefined(replace(catalog.get("precision"), value=lambda s: float(s[0] / (s[0] + s[2]))))


def test_a_share_of_something_else_is_caught():
    with pytest.raises(SettingError, match="hits / trials"):
        a_share_is_its_quotient(replace(catalog.get("recall"), share=catalog.get("precision").share))


# Independent definitions, row by row, in the plainest form. The rows are (y, p, w) as the record's target kind says.


def _average(rows, of_row):
    y, p, w = rows
    return sum(w[i] * of_row(y[i], p[i]) for i in range(len(y))) / sum(w)


def _count(rows, kind):
    y, p, w = rows
    return sum(w[i] for i in range(len(y)) if (y[i] == 1, p[i] > 0.5) == kind)


def _best_at(rows, wanted, given):
    """The best `wanted` rate among the thresholds whose `given` rate is at least a half."""
    y, p, w = rows
    found = 0.0
    for threshold in [-1.0, *p]:
        tp, fp, fn, tn = (
            sum(w[(y == true) & ((p > threshold) == said)]) for true, said in ((1, 1), (0, 1), (1, 0), (0, 0))
        )
        rates = {
            "precision": tp / (tp + fp) if tp + fp else 0.0,
            "recall": tp / (tp + fn),
            "specificity": tn / (tn + fp),
        }
        if rates[given] >= 0.5:
            found = max(found, rates[wanted])
    return found


def _calibration_gap(rows):
    y, p, w = rows
    gap = 0.0
    for b in range(15):
        inside = [i for i in range(len(y)) if b / 15 < p[i].max() <= (b + 1) / 15]
        hits = sum(w[i] for i in inside if p[i].argmax() == y[i])
        gap += abs(hits - sum(w[i] * p[i].max() for i in inside))
    return gap / sum(w)


def _ious(rows):
    y, p, w = rows
    said = p.argmax(axis=1)
    return [w[(y == k) & (said == k)].sum() / w[(y == k) | (said == k)].sum() for k in range(p.shape[1])]


def _concordance(rows):
    y, p, w = rows
    found = []
    for column in range(y.shape[1]):
        c = np.cov(y[:, column], p[:, column], aweights=w, ddof=0)
        gap = np.average(y[:, column], weights=w) - np.average(p[:, column], weights=w)
        found.append(2 * c[0, 1] / (c[0, 0] + c[1, 1] + gap**2))
    return np.mean(found)


def _pearson(rows):
    y, p, w = rows
    columns = range(y.shape[1])
    c = [np.cov(y[:, j], p[:, j], aweights=w) for j in columns]
    return np.mean([c[j][0, 1] / math.sqrt(c[j][0, 0] * c[j][1, 1]) for j in columns])


PLAIN = {
    "rmse": lambda rows: math.sqrt(_average(rows, lambda y, p: ((y - p) ** 2).mean())),
    "mape": lambda rows: _average(rows, lambda y, p: 100 * np.mean(np.abs((y - p) / y))),
    "msle": lambda rows: _average(
        rows,
        lambda y, p: np.mean([(math.log(a + 1) - math.log(max(b, 0) + 1)) ** 2 for a, b in zip(y, p, strict=True)]),
    ),
    "log_cosh": lambda rows: _average(rows, lambda y, p: np.log(np.cosh(y - p)).mean()),
    "poisson": lambda rows: _average(
        rows, lambda y, p: np.mean([b - a * math.log(max(b, 2.0**-52)) for a, b in zip(y, p, strict=True)])
    ),
    "cosine_similarity": lambda rows: _average(rows, lambda y, p: y @ p / (math.hypot(*y) * math.hypot(*p))),
    "pearson_correlation": _pearson,
    "concordance_correlation": _concordance,
    "binary_crossentropy": lambda rows: _average(rows, lambda y, p: -math.log(p if y else 1 - p)),
    "kl_divergence": lambda rows: _average(rows, lambda y, p: -math.log(p[int(y)])),
    "expected_calibration_error": _calibration_gap,
    "squared_hinge": lambda rows: _average(rows, lambda y, p: np.mean(np.maximum(0, 1 - p) ** 2)),
    "hinge": lambda rows: _average(rows, lambda y, p: np.mean(np.maximum(0, 1 - p))),
    "categorical_hinge": lambda rows: _average(
        rows, lambda y, p: max(0, 1 + max(v for j, v in enumerate(p) if j != y) - p[int(y)])
    ),
    "binary_accuracy": lambda rows: _average(rows, lambda y, p: y == (p > 0.5)),
    "categorical_accuracy": lambda rows: _average(rows, lambda y, p: y == p.argmax()),
    "true_positives": lambda rows: _count(rows, (True, True)),
    "true_negatives": lambda rows: _count(rows, (False, False)),
    "false_positives": lambda rows: _count(rows, (False, True)),
    "false_negatives": lambda rows: _count(rows, (True, False)),
    "mean_iou": lambda rows: np.mean(_ious(rows)),
    "iou": lambda rows: _ious(rows)[1],
    "precision_at_recall": lambda rows: _best_at(rows, "precision", "recall"),
    "recall_at_precision": lambda rows: _best_at(rows, "recall", "precision"),
    "sensitivity_at_specificity": lambda rows: _best_at(rows, "recall", "specificity"),
    "specificity_at_sensitivity": lambda rows: _best_at(rows, "specificity", "recall"),
}


@pytest.mark.parametrize("name", PLAIN)
def test_a_metric_equals_its_definition_written_out_row_by_row(name):
    rows = sample(catalog.get(name).target_kind, seed=3)
    assert evaluate(name, *rows) == pytest.approx(PLAIN[name](rows), rel=1e-12)


def _said(p):
    return p.argmax(axis=1)


# our name -> (scikit-learn's function, what it is given in place of y_pred, its settings)
SKLEARN = {
    "mse": ("mean_squared_error", None, {}),
    "mae": ("mean_absolute_error", None, {}),
    "r2": ("r2_score", None, {}),
    "accuracy": ("accuracy_score", _said, {}),
    "top_k_categorical_accuracy": ("top_k_accuracy_score", None, {"k": 5}),
    "precision": ("precision_score", lambda p: p > 0.5, {}),
    "recall": ("recall_score", lambda p: p > 0.5, {}),
    "f1": ("f1_score", lambda p: p > 0.5, {}),
    "f_beta": ("fbeta_score", lambda p: p > 0.5, {"beta": 1.0}),
    "f1_macro": ("f1_score", _said, {"average": "macro"}),
    "balanced_accuracy": ("balanced_accuracy_score", _said, {}),
    "mcc": ("matthews_corrcoef", _said, {}),
    "auc": ("roc_auc_score", None, {}),
    "auc_pr": ("average_precision_score", None, {}),
    "categorical_crossentropy": ("log_loss", None, {}),
    "brier": ("brier_score_loss", None, {"labels": list(range(7))}),
}


@pytest.mark.parametrize("name", SKLEARN)
@pytest.mark.parametrize("seed", [3, 4])
def test_a_metric_equals_scikit_learn(name, seed):
    theirs = pytest.importorskip("sklearn.metrics")
    function, prepare, settings = SKLEARN[name]
    y, p, w = sample(catalog.get(name).target_kind, seed)
    expected = getattr(theirs, function)(y, prepare(p) if prepare else p, sample_weight=w, **settings)
    assert evaluate(name, y, p, w) == pytest.approx(expected, rel=1e-12)


def test_scores_that_tie_count_as_scikit_learn_counts_them():
    theirs = pytest.importorskip("sklearn.metrics")
    y, p, w = sample("binary")
    p = np.round(p * 4) / 4
    assert evaluate("auc", y, p, w) == pytest.approx(theirs.roc_auc_score(y, p, sample_weight=w), rel=1e-12)
    expected = theirs.average_precision_score(y, p, sample_weight=w)
    assert evaluate("auc_pr", y, p, w) == pytest.approx(expected, rel=1e-12)


def test_every_metric_stands_beside_an_independent_definition():
    assert set(catalog.names()) == set(PLAIN) | set(SKLEARN)


# Shapes


@pytest.mark.parametrize("name", [metric.name for metric in catalog if metric.target_kind == "classes"])
def test_codes_and_one_hot_rows_are_the_same_target(name):
    y, p, w = sample("classes")
    assert evaluate(name, np.eye(7)[y.astype(int)], p, w) == evaluate(name, y, p, w) == evaluate(name, y[:, None], p, w)


@pytest.mark.parametrize("name", [metric.name for metric in catalog if metric.target_kind != "real"])
def test_two_classes_are_one_column_or_two(name):
    y, p, w = sample("binary")
    assert evaluate(name, y, p[:, None], w) == pytest.approx(evaluate(name, y, np.stack([1 - p, p], 1), w), rel=1e-12)


def test_accuracy_understands_labels_probabilities_and_one_hot_rows():
    assert evaluate("accuracy", [1, 0, 1], [0.6, 0.4, 0.3]) == pytest.approx(2 / 3)
    assert evaluate("accuracy", [2, 0, 1], [2, 1, 1]) == pytest.approx(2 / 3)
    assert evaluate("accuracy", [[0, 1], [1, 0]], [[0.2, 0.8], [0.1, 0.9]]) == 0.5


def test_r2_of_a_large_offset_keeps_its_digits():
    y, p, w = sample("real")
    # A sum of squares would keep no digit: (1e8)² has its last place at 2. Here 1e8 costs 8 of 16 digits of each value.
    assert evaluate("r2", y + 1e8, p + 1e8, w) == pytest.approx(evaluate("r2", y, p, w), rel=1e-6)


def test_r2_of_a_constant_target_is_that_of_scikit_learn():
    target = np.full(11, 0.1)
    assert evaluate("r2", target, target) == 1.0
    assert evaluate("r2", target, target + 1.0) == 0.0


def test_a_certain_wrong_prediction_costs_36_and_not_infinity():
    assert evaluate("binary_crossentropy", [1.0], [0.0]) == pytest.approx(52 * math.log(2))


@pytest.mark.parametrize(
    ("rows", "code"),
    [
        (([1.0, 2.0], [1.0]), "CR104"),
        (([1.0, 2.0], [1.0, 2.0], [1.0]), "CR104"),
        (([1.0, 2.0], [[1.0, 2.0], [3.0, 4.0]]), "CR115"),
        (([1.0, math.nan], [1.0, 2.0]), "CR101"),
        (([1.0, 2.0], [1.0, math.inf]), "CR102"),
        (([1.0, 2.0], [1.0, 2.0], [1.0, -1.0]), "CR112"),
        ((np.zeros((2, 2, 2)), np.zeros((2, 2, 2))), "CR103"),
    ],
)
def test_rows_that_do_not_fit_are_refused_with_a_code(rows, code):
    with pytest.raises(DataError, match=code):
        evaluate("mse", *rows)


def test_a_class_code_that_no_column_stands_for_is_refused():
    with pytest.raises(DataError, match="CR108"):
        evaluate("categorical_accuracy", [0, 3], [[0.5, 0.3, 0.2], [0.1, 0.1, 0.8]])


def test_an_unknown_metric_names_its_neighbours():
    with pytest.raises(SettingError, match="accuracy"):
        evaluate("acuracy", [1], [1])


@pytest.mark.parametrize("task", DEFAULTS)
def test_every_task_has_metrics_to_report(task):
    assert all(metric in list(catalog) for metric in defaults(task))


# Intervals


@every_metric
def test_an_interval_holds_its_value_and_repeats(metric):
    y, p, w = sample(metric.target_kind)
    low, high = interval(metric, y, p, w)
    assert metric.low <= low <= evaluate(metric, y, p, w) <= high <= metric.high
    assert low < high
    assert (low, high) == interval(metric, y, p, w)


@pytest.mark.parametrize("name", ["mae", "accuracy"])
def test_more_confidence_is_a_wider_interval(name):
    y, p, w = sample(catalog.get(name).target_kind)
    (low, high), (lower, higher) = (interval(name, y, p, w, level=level) for level in (0.9, 0.99))
    assert lower < low < high < higher


def test_wilson_is_the_published_interval():
    # Newcombe, Two-sided confidence intervals for the single proportion (1998), table I: 15/148, 0/20, 81/263.
    for hits, trials, low, high in ((81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611)):
        assert wilson(hits, trials) == pytest.approx((low, high), abs=5e-5)
    assert wilson(0, 0) == (0.0, 1.0)
    assert wilson(20, 20)[1] == 1.0


def test_the_bootstrap_of_a_mean_has_the_width_of_the_normal_interval():
    draws = np.random.default_rng(5)
    errors = draws.normal(size=400)
    low, high = interval("mse", np.zeros(400), errors)
    expected = 2 * 1.96 * (errors**2).std() / math.sqrt(400)
    # 1000 replicates: the two ends each stray by about 0.013 of the width (quantile noise); four times that, doubled.
    assert high - low == pytest.approx(expected, rel=0.1)


def test_an_interval_of_many_rows_is_that_of_a_sample_narrowed():
    draws = np.random.default_rng(6)
    errors = draws.normal(size=100_000)
    low, high = interval("mse", np.zeros(100_000), errors)
    # 200 replicates: quantile noise of about 0.06 of the width; three times that.
    assert high - low == pytest.approx(2 * 1.96 * math.sqrt(2 / 100_000), rel=0.2)


def test_an_interval_of_no_rows_is_refused():
    with pytest.raises(DataError, match="CR105"):
        interval("mse", [], [])
