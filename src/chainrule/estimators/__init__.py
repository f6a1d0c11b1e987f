"""scikit-learn's estimators as it would have them: `MLPClassifier` and `MLPRegressor`."""

from chainrule.estimators.classifier import MLPClassifier
from chainrule.estimators.contract import ConvergenceWarning
from chainrule.estimators.regressor import MLPRegressor

__all__ = ["ConvergenceWarning", "MLPClassifier", "MLPRegressor"]
