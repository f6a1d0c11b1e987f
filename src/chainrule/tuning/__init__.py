"""Choosing settings, and knowing how good the choice is: search, cross-validation, the learning-rate range test."""

from chainrule.tuning.rates import learning_rate_range
from chainrule.tuning.search import Progress, Tuned, tune
from chainrule.tuning.space import SPACE, LogUniform, Uniform
from chainrule.tuning.validation import CrossValidation, cross_validate

__all__ = [
    "SPACE", "CrossValidation", "LogUniform", "Progress", "Tuned", "Uniform", "cross_validate", "learning_rate_range",
    "tune",
]  # fmt: skip
