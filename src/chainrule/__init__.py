"""chainrule: feed-forward neural networks with the working shown."""

from chainrule.calculus.activation import Activation
from chainrule.calculus.activations import activations
from chainrule.calculus.loss import Loss
from chainrule.calculus.losses import losses
from chainrule.check import check
from chainrule.engines.trace import Gradient, Trace
from chainrule.errors import ChainruleError, ChainruleWarning
from chainrule.estimators import MLPClassifier, MLPRegressor
from chainrule.explain.model import explain
from chainrule.expression import Expression
from chainrule.fit import fit
from chainrule.initializers import initializers
from chainrule.layers import Dense, Dropout, LayerNorm, Maxout, Softmax
from chainrule.model import Model, load
from chainrule.network import Network, initialize
from chainrule.optim.rule import Rule, Update
from chainrule.optim.rules import rules
from chainrule.register import register
from chainrule.steps import backward, forward, update
from chainrule.tuning import cross_validate, fit_ensemble, learning_rate_range, tune
from chainrule.version import __version__ as __version__

__all__ = [
    "Activation", "ChainruleError", "ChainruleWarning", "Dense", "Dropout", "Expression", "Gradient", "LayerNorm",
    "Loss", "MLPClassifier", "MLPRegressor", "Maxout", "Model", "Network", "Rule", "Softmax", "Trace", "Update",
    "activations", "backward", "check", "cross_validate", "explain", "fit", "fit_ensemble", "forward", "initialize",
    "initializers", "learning_rate_range", "load", "losses", "register", "rules", "tune", "update",
]  # fmt: skip
