"""Choosing settings, and knowing how good the choice is: search, cross-validation, ensembles, the learning-rate range test."""

from chainrule.tuning.ensemble import Ensemble, fit_ensemble, load_ensemble
from chainrule.tuning.rates import learning_rate_range
from chainrule.tuning.search import Progress, Tuned, tune
from chainrule.tuning.space import SPACE, LogUniform, Uniform
from chainrule.tuning.validation import CrossValidation, cross_validate

__all__ = [
    "SPACE", "CrossValidation", "Ensemble", "LogUniform", "Progress", "Tuned", "Uniform", "cross_validate",
    "fit_ensemble", "learning_rate_range", "load_ensemble", "tune",
]  # fmt: skip
