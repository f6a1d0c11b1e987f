"""scikit-learn's tools that take any estimator, with ours in them."""

import warnings

import numpy as np
import pytest

pytest.importorskip("sklearn")

import joblib
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import AdaBoostClassifier, BaggingRegressor, StackingClassifier, VotingClassifier
from sklearn.feature_selection import SequentialFeatureSelector
from sklearn.inspection import partial_dependence, permutation_importance
from sklearn.model_selection import RandomizedSearchCV, cross_val_predict, cross_val_score, learning_curve
from sklearn.multioutput import ClassifierChain, MultiOutputClassifier

from chainrule import MLPClassifier, MLPRegressor

X = np.random.RandomState(0).randn(90, 3)
Y = np.digitize(X[:, 0], [-0.5, 0.5])
NUMBERS = X[:, 0] * 2
BOTH = np.c_[Y > 0, Y > 1].astype(int)


def classifier(**more):
    return MLPClassifier((4,), solver="lbfgs", max_iter=60, random_state=0, **more)


def regressor(**more):
    return MLPRegressor(hidden_layer_sizes=(4,), solver="lbfgs", max_iter=60, random_state=0, **more)


TOOLS = {
    "voting": lambda: VotingClassifier([("a", classifier()), ("b", classifier())], voting="soft").fit(X, Y).score(X, Y),
    "stacking": lambda: StackingClassifier([("a", classifier()), ("b", classifier())], cv=2).fit(X, Y).score(X, Y),
    "bagging": lambda: BaggingRegressor(regressor(), 3, random_state=0).fit(X, NUMBERS).score(X, NUMBERS),
    "boosting": lambda: AdaBoostClassifier(classifier(), n_estimators=2).fit(X, Y).score(X, Y),
    "calibration": lambda: CalibratedClassifierCV(classifier(), cv=2).fit(X, Y).score(X, Y),
    "several outputs": lambda: MultiOutputClassifier(classifier()).fit(X, BOTH).score(X, BOTH),
    "a chain": lambda: (ClassifierChain(classifier()).fit(X, BOTH).predict(X) == BOTH).mean(),
    "a transformed target": lambda: TransformedTargetRegressor(regressor(), func=np.log1p, inverse_func=np.expm1)
    .fit(X, np.exp(NUMBERS)).score(X, np.exp(NUMBERS)),
    "permutation importance": lambda: permutation_importance(classifier().fit(X, Y), X, Y).importances_mean[0] + 0.4,
    "partial dependence": lambda: np.ptp(partial_dependence(regressor().fit(X, NUMBERS), X, [0]).average),
    "selection of columns": lambda: SequentialFeatureSelector(classifier(), n_features_to_select=1, cv=2)
    .fit(X, Y).get_support()[0],
    "a random search in threads": lambda: RandomizedSearchCV(
        classifier(), {"alpha": [1e-3, 1e-1], "activation": ["tanh", ("relu",)]}, n_iter=2, n_jobs=2, cv=2
    ).fit(X, Y).best_score_,
    "predictions of folds": lambda: (cross_val_predict(classifier(), X, Y, method="predict_proba", cv=2).argmax(1) == Y).mean(),
    "a scorer": lambda: cross_val_score(classifier(), X, Y > 0, scoring="roc_auc", cv=2).mean(),
    "a learning curve by partial_fit": lambda: 1 - learning_curve(
        MLPClassifier((4,), random_state=0), X, Y, cv=2, exploit_incremental_learning=True)[1].std(),
}  # fmt: skip


@pytest.mark.parametrize("tool", TOOLS)
def test_a_tool_works_with_our_estimators(tool):
    with warnings.catch_warnings(), joblib.parallel_config("threading"):
        warnings.simplefilter("ignore")
        assert TOOLS[tool]() > 0.8
