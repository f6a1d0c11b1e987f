"""scikit-learn's `MLPClassifier` and `MLPRegressor`, fitted."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from chainrule.exchange.parts import Format, Given, Goal, Parts, Stack, goal, is_class, unreadable
from chainrule.optim.rule import Rule, Update
from chainrule.optim.rules import rules
from chainrule.shapes import Array

NAMES = ("MLPClassifier", "MLPRegressor")
_FUNCTIONS = {"logistic": "sigmoid", "exp": "exponential"}


def read(net: Any, given: Given) -> Parts:
    """Weights, output function, loss, penalty and solver; classes where they are known."""
    if not hasattr(net, "coefs_"):
        unreadable("a network that is not fitted", type(net).__name__, "one after fit(X, y)")
    if given.loss is not None or given.optimizer is not None:
        unreadable(
            "a loss or an optimizer given beside it", type(net).__name__, "nothing: the estimator carries its own"
        )
    stack, last = Stack(), len(net.coefs_) - 1
    for number, (weights, biases) in enumerate(zip(net.coefs_, net.intercepts_, strict=True)):
        stack.dense(np.ascontiguousarray(np.asarray(weights).T), np.asarray(biases))
        function = net.out_activation_ if number == last else net.activation
        stack.activate(_FUNCTIONS.get(function, function))
    several = bool(getattr(getattr(net, "_label_binarizer", None), "y_type_", "").startswith("multilabel"))
    names = tuple(str(name) for name in getattr(net, "feature_names_in_", ()))
    update, notes = _update(net)
    return stack.parts(
        names, goal=_goal(net, several), update=update, notes=notes,
        classes=() if several else tuple(np.asarray(getattr(net, "classes_", ())).tolist()),
    )  # fmt: skip


def _goal(net: Any, several: bool) -> Goal:
    from dataclasses import replace

    if is_class(net, "sklearn", "MLPClassifier"):
        found = goal("categorical_crossentropy" if net.out_activation_ == "softmax" else "binary_crossentropy")
    else:
        name = getattr(net, "loss", "squared_error")
        found = goal({"squared_error": "half_squared_error"}.get(name, name))
        several = name == "poisson"
    return replace(found, loss=replace(found.loss, over_outputs="sum")) if several else found


def _update(net: Any) -> tuple[Update | None, tuple[str, ...]]:
    if net.solver == "lbfgs":
        return None, ("trained by L-BFGS: there is no update rule",)
    rows = max(1, round(net.t_ / max(1, net.n_iter_)))
    batch = min(200, rows) if net.batch_size == "auto" else min(int(net.batch_size), rows)
    notes = () if net.learning_rate == "constant" or net.solver == "adam" else (
        f"the learning rate followed the schedule {net.learning_rate!r}",
    )  # fmt: skip
    return Update(_rule(net), l2=float(net.alpha) / batch), notes


def _rule(net: Any) -> Rule:
    rate = float(net.learning_rate_init)
    if net.solver == "adam":
        return rules.get("adam_classic", learning_rate=rate, beta_1=net.beta_1, beta_2=net.beta_2, epsilon=net.epsilon)
    return rules.get("nesterov" if net.nesterovs_momentum else "momentum", learning_rate=rate, momentum=net.momentum)


def outputs(net: Any, x: Array) -> Array:
    """Probabilities, of two classes that of the second; or predictions."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of names that plain rows do not have
        if not hasattr(net, "predict_proba"):
            found = np.asarray(net.predict(x))
            return found.reshape(len(x), -1)
        found = np.asarray(net.predict_proba(x))
    return found[:, 1:] if net.n_outputs_ == 1 else found


FORMAT = Format(
    "scikit-learn.MLPClassifier and MLPRegressor", lambda net: any(is_class(net, "sklearn", name) for name in NAMES),
    read, outputs,
)  # fmt: skip
