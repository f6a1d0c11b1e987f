"""Every parameter of an estimator, checked by name before any work."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.calculus.activation import Activation
from chainrule.constraints import choice, real, whole
from chainrule.errors import SettingError
from chainrule.estimators.networks import hidden_layers
from chainrule.layers import Dense, Layer
from chainrule.metrics import Metric, chosen
from chainrule.optim.rule import Rule
from chainrule.optim.rules import rules
from chainrule.presets import PRESETS

STOCHASTIC = ("sgd", "adam")


@dataclass(frozen=True, eq=False)
class Checked:
    """What a fit needs of the parameters in a form of its own; the others are used as they are.

    `drawn_as` is the activation whose bound the first weights take, or None when the layers draw their own.
    """

    hidden: list[Layer]
    output_mask: NDArray[Any] | None
    drawn_as: str | None
    metrics: tuple[Metric, ...]
    dtype: Any


def check(estimator: Any) -> Checked:
    """Refuse parameters that cannot work: `SettingError` CR201 to CR204, with the parameter's name."""
    e = estimator
    choice("solver", e.solver, ("lbfgs", *STOCHASTIC))
    choice("learning_rate", e.learning_rate, ("constant", "invscaling", "adaptive"))
    for name in ("shuffle", "warm_start", "nesterovs_momentum", "early_stopping"):
        if not isinstance(getattr(e, name), (bool, np.bool_)):
            raise SettingError("CR202", f"`{name}` must be True or False", got=repr(getattr(e, name)))
    real("alpha", e.alpha, low=0.0)
    real("learning_rate_init", e.learning_rate_init, above=0.0)
    real("power_t", e.power_t, low=0.0)
    real("tol", e.tol, low=0.0)
    real("momentum", e.momentum, low=0.0, below=1.0)
    real("validation_fraction", e.validation_fraction, low=0.0, below=1.0)
    for name in ("beta_1", "beta_2"):
        real(name, getattr(e, name), low=0.0, below=1.0)
    real("epsilon", e.epsilon, above=0.0)
    whole("max_iter", e.max_iter, low=1)
    whole("max_fun", e.max_fun, low=1)
    if e.n_iter_no_change != np.inf:
        whole("n_iter_no_change", e.n_iter_no_change, low=1)
    if isinstance(e.batch_size, str):
        choice("batch_size", e.batch_size, ("auto",))
    else:
        whole("batch_size", e.batch_size, low=1)
    if e.time_budget is not None:
        real("time_budget", e.time_budget, above=0.0)
    if e.n_jobs is not None:
        whole("n_jobs", e.n_jobs, low=-1)
    if e.dtype is not None:
        choice("dtype", getattr(e.dtype, "__name__", str(e.dtype)), ("float32", "float64"))
    if e.preset is not None:
        choice("preset", e.preset, tuple(PRESETS))
    if e.callbacks is not None and not (isinstance(e.callbacks, (list, tuple)) and all(map(callable, e.callbacks))):
        raise SettingError("CR202", "`callbacks` must be a list of functions", got=repr(e.callbacks))
    watched = e.validation_data
    if watched is not None and not (isinstance(watched, (tuple, list)) and len(watched) in (2, 3)):
        raise SettingError(
            "CR202", "`validation_data` must be (X, y) or (X, y, sample_weight)", got=repr(type(watched))
        )
    hidden, output_mask, drawn_as = _hidden(e)
    return Checked(hidden, output_mask, drawn_as, chosen(e.metrics), None if e.dtype is None else np.dtype(e.dtype))


def widths_of(hidden_layer_sizes: Any) -> list[int]:
    """The widths of the hidden layers; one number is one layer."""
    sizes = list(hidden_layer_sizes) if np.iterable(hidden_layer_sizes) else [hidden_layer_sizes]
    for size in sizes:
        if not isinstance(size, bool) and isinstance(size, (int, float, np.number)) and size <= 0:
            raise SettingError("CR201", f"hidden_layer_sizes must be > 0, got {sizes}")
        whole("hidden_layer_sizes", size, low=1)
    return [int(size) for size in sizes]


def _hidden(e: Any) -> tuple[list[Layer], NDArray[Any] | None, str | None]:
    if e.layers is not None:
        for name in ("dropout", "masks"):
            if getattr(e, name) is not None:
                raise SettingError("CR204", f"`{name}` and `layers` are both given", hint="write it into the layers")
        return list(e.layers), None, None
    widths = widths_of(e.hidden_layer_sizes)
    activations = _activations(e.activation, len(widths))
    masks = _per_layer("masks", e.masks, len(widths) + 1, optional_last=True)
    layers = hidden_layers(widths, activations, _dropout(e.dropout, len(widths)), masks[: len(widths)])
    last = Dense(1, activations[-1] if activations else e.activation).activation
    output_mask = None if masks[-1] is None else np.asarray(masks[-1]).T
    return layers, output_mask, last if isinstance(last, str) else last.name


def _activations(activation: Any, count: int) -> list[Activation | str]:
    if activation == "maxout":
        raise SettingError(
            "CR203", "maxout is a layer, not a function of one number", where="activation", hint="layers=[Maxout(16)]"
        )
    if isinstance(activation, (str, Activation)):
        Dense(1, activation)
        return [activation] * count
    if callable(activation):
        raise SettingError(
            "CR202", "`activation` must be a name, an Activation or a list of those", got=repr(activation),
            hint="a function of your own becomes one with its slope: chainrule.register(chainrule.Activation(...))",
        )  # fmt: skip
    return _per_layer("activation", activation, count)


def _dropout(dropout: Any, count: int) -> list[float]:
    if dropout is None or not np.iterable(dropout):
        return [real("dropout", dropout or 0.0, low=0.0, below=1.0)] * count
    return [real("dropout", rate, low=0.0, below=1.0) for rate in _per_layer("dropout", dropout, count)]


def _per_layer(name: str, given: Any, count: int, *, optional_last: bool = False) -> list[Any]:
    if given is None:
        return [None] * count
    if isinstance(given, str) or not isinstance(given, Sequence):
        raise SettingError("CR202", f"`{name}` must be a list with one entry for each layer", got=repr(given))
    found = list(given)
    found += [None] if optional_last and len(found) == count - 1 else []
    if len(found) != count:
        raise SettingError(
            "CR204", f"`{name}` does not fit the number of layers", expected=f"{count} entries", got=str(len(found))
        )
    return found


def rule_of(estimator: Any) -> Rule:
    """The update rule of a stochastic solver: scikit-learn's Adam adds ε before the bias correction."""
    e = estimator
    rate = float(e.learning_rate_init)
    if e.solver == "adam":
        return rules.get(
            "adam_classic", learning_rate=rate, beta_1=float(e.beta_1), beta_2=float(e.beta_2), epsilon=float(e.epsilon)
        )
    return rules.get("nesterov" if e.nesterovs_momentum else "momentum", learning_rate=rate, momentum=float(e.momentum))


def threads_of(n_jobs: int | None) -> int | None:
    """How many threads an engine may use. Workers of joblib, as in `GridSearchCV(n_jobs=8)`, are given OMP_NUM_THREADS
    so that together they do not ask for more than the machine has."""
    given = os.environ.get("OMP_NUM_THREADS", "")
    if n_jobs is None and given.isdigit() and int(given) > 0 and "CHAINRULE_NUM_THREADS" not in os.environ:
        return int(given)
    return n_jobs


def random_of(random_state: Any) -> np.random.RandomState:
    """NumPy's RandomState: a new one from a whole number, the global one for None, itself otherwise."""
    if random_state is None:
        return np.random.mtrand._rand
    if isinstance(random_state, np.random.RandomState):
        return random_state
    return np.random.RandomState(whole("random_state", random_state, low=0, high=2**32 - 1))
