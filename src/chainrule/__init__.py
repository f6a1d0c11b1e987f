"""chainrule: feed-forward neural networks with the working shown."""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

from chainrule.version import __version__ as __version__

if TYPE_CHECKING:
    from chainrule.calculus.activation import Activation
    from chainrule.calculus.activations import activations
    from chainrule.calculus.loss import Loss
    from chainrule.calculus.losses import losses
    from chainrule.check import check
    from chainrule.diagnostics import Diagnosis, Finding, cure, diagnose
    from chainrule.engines.trace import Gradient, Trace
    from chainrule.errors import ChainruleError, ChainruleWarning
    from chainrule.estimators import MLPClassifier, MLPRegressor
    from chainrule.explain.model import explain
    from chainrule.expression import Expression
    from chainrule.fit import fit
    from chainrule.initializers import initializers
    from chainrule.layers import Activate, Dense, Dropout, LayerNorm, Maxout, Scale, Softmax
    from chainrule.model import Model, load
    from chainrule.network import Network, initialize
    from chainrule.optim.rule import Rule, Update
    from chainrule.optim.rules import rules
    from chainrule.register import register
    from chainrule.report import report
    from chainrule.steps import backward, forward, update
    from chainrule.tuning import cross_validate, fit_ensemble, learning_rate_range, tune

_HOMES = {
    "Activate": "layers",
    "Activation": "calculus.activation",
    "ChainruleError": "errors",
    "ChainruleWarning": "errors",
    "Dense": "layers",
    "Diagnosis": "diagnostics",
    "Dropout": "layers",
    "Expression": "expression",
    "Finding": "diagnostics",
    "Gradient": "engines.trace",
    "LayerNorm": "layers",
    "Loss": "calculus.loss",
    "MLPClassifier": "estimators",
    "MLPRegressor": "estimators",
    "Maxout": "layers",
    "Model": "model",
    "Network": "network",
    "Rule": "optim.rule",
    "Scale": "layers",
    "Softmax": "layers",
    "Trace": "engines.trace",
    "Update": "optim.rule",
    "activations": "calculus.activations",
    "backward": "steps",
    "check": "check",
    "cross_validate": "tuning",
    "cure": "diagnostics",
    "diagnose": "diagnostics",
    "explain": "explain.model",
    "fit": "fit",
    "fit_ensemble": "tuning",
    "forward": "steps",
    "initialize": "network",
    "initializers": "initializers",
    "learning_rate_range": "tuning",
    "load": "model",
    "losses": "calculus.losses",
    "register": "register",
    "report": "report",
    "rules": "optim.rules",
    "tune": "tuning",
    "update": "steps",
}
"""Where each public name lives. A name is imported when it is first used, so that `import chainrule` stays quick."""

__all__ = list(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})


class _Package(ModuleType):
    """Python binds an imported submodule in its package; `chainrule.fit` stays the function although there is a fit.py."""

    def __setattr__(self, name: str, value: object) -> None:
        if not (name in _HOMES and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package
