"""A fitted estimator: its network against `coefs_`, what it says, what goes on inside, and how it is kept."""

from __future__ import annotations

import os
import threading
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from chainrule.calculus.loss import Loss
from chainrule.constraints import whole
from chainrule.engines.base import Engine, Session
from chainrule.engines.choose import choose
from chainrule.engines.trace import Gradient
from chainrule.errors import DataError
from chainrule.estimators.contract import Estimator
from chainrule.estimators.examples import outputs_of
from chainrule.estimators.inputs import check_columns, check_weights, check_x, check_y
from chainrule.estimators.labels import Labels
from chainrule.estimators.networks import build, with_coefficients
from chainrule.estimators.settings import check, threads_of
from chainrule.network import Network
from chainrule.optim.rule import Update
from chainrule.optim.rules import rules
from chainrule.shapes import Array
from chainrule.steps import backward, forward
from chainrule.training.history import History

if TYPE_CHECKING:  # read where they are used: most fits neither explain nor save, and starting should be quick
    from chainrule.explain.explanation import Explanation
    from chainrule.explain.matrix import MatrixExplanation
    from chainrule.model import Model

_MODEL = ("network", "theta", "encoder", "history", "card")


@dataclass(frozen=True, eq=False)
class Target:
    """A target as a network learns it: y as in `Rows`, its labels (None for numbers), the loss and the output function."""

    y: NDArray[Any]
    labels: Labels | None
    loss: Loss
    output: str
    outputs: int


@dataclass
class Opened:
    """The session that answers `predict`, and the θ it was opened with."""

    network: Network | None = None
    theta: Array | None = None
    session: Session | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)  # a session serves one thread at a time


class Fitted(Estimator):
    """What an estimator can do after `fit`."""

    solver: str
    alpha: float
    n_jobs: int | None
    engine: Engine | str
    coefs_: list[Any]
    intercepts_: list[Any]
    n_features_in_: int
    n_iter_: int
    history_: History
    _theta: Array  # in Plan order; where `coefs_` and `intercepts_` differ, they count
    _opened: Opened
    _model: Model | None

    @abstractmethod
    def _form(self) -> Target:
        """The target's form without its rows."""

    @abstractmethod
    def _read_validation(self, y: NDArray[Any], target: Target, dtype: Any) -> Target:
        """Validation targets, whose labels must be those of training."""

    def _names(self) -> NDArray[Any] | None:
        return getattr(self, "feature_names_in_", None)

    def _outputs(self, X: Any) -> Array:
        """What the network says for X, shape (rows, outputs)."""
        self._check_fitted()
        if self._model is not None:
            table, _ = self._model.table(X)
            with self._opened.lock:
                return self._model.outputs(table)
        return self._told(self._checked(X))

    def _told(self, x: Any) -> Array:
        """The network's outputs for checked inputs."""
        network = self._network()
        with self._opened.lock:
            return outputs_of(self._session(network), x)

    def _network(self) -> Network:
        """The network as fitted; after unpickling it is built again from the parameters and the labels."""
        if self._opened.network is None:
            checked = check(self)
            target = self._form()
            self._opened.network = build(
                self.n_features_in_, checked.hidden, target.outputs, target.output, target.loss, checked.output_mask
            )
        return self._opened.network

    def _session(self, network: Network) -> Session:
        """A session for the present `coefs_` and `intercepts_`, which may have been changed by hand."""
        theta = with_coefficients(network.plan, self._theta, self.coefs_, self.intercepts_)
        opened = self._opened
        if opened.session is None or opened.theta is None or not np.array_equal(theta, opened.theta):
            update = Update(rules.get("gradient_descent"))
            engine = choose(self.engine, network.plan, update, theta.dtype)
            opened.session = engine.open(network.plan, theta, (), update, seed=0, n_jobs=threads_of(self.n_jobs))
            opened.theta = theta
        return opened.session

    def activations(self, X: Any) -> Mapping[str, Array]:
        """Every net input and activation for X by name: "z1", "a1", ..., each (rows, units); read-only.

        The names count layers from 1; the last "a" is the output.
        """
        self._check_fitted()
        return dict(forward(self._network(), self._parameters_now(), self._inputs(X)).values)

    def gradients(self, X: Any, y: Any, sample_weight: Any = None) -> Gradient:
        """The gradient of the mean loss of these rows, without the penalty: `["W1"]` of shape (units, inputs), `["b1"]`.

        `.deltas` holds the gradient of every net input and activation, `.trace` the whole pass.
        """
        self._check_fitted()
        x = self._inputs(X)
        name = type(self).__name__
        if self._model is not None:
            table, _ = self._model.table(X, y)
            coded = self._model.encoder.encode_target(table)
        else:
            target = self._read_validation(check_y(y, len(x), name), self._form(), x.dtype)
            coded = target.y
        weights = check_weights(sample_weight, len(x))
        return backward(forward(self._network(), self._parameters_now(), x, coded, sample_weight=weights))

    def explain(self, X: Any, y: Any = None, *, of: str, row: int = 0, **how: Any) -> Explanation | MatrixExplanation:
        """Derive one number of one row with the numbers put in: `of="W1[2,3]"`, `"a1[0]"`, `"delta2[1]"`, `"loss"`.

        y is needed for the loss and for gradients. `how`: see `chainrule.explain`.
        """
        from chainrule.explain.model import explain

        self._check_fitted()
        if self._model is not None:
            found: Explanation | MatrixExplanation = explain(self._model, X, y, of=of, row=row, **how)
            return found
        x = self._checked(X)
        whole("row", row, low=0)
        if row >= x.shape[0]:
            raise DataError("CR105", f"there is no row {row}", expected=f"0 to {x.shape[0] - 1}", got=str(row))
        target = None
        if y is not None:
            read = self._read_validation(check_y(y, x.shape[0], type(self).__name__), self._form(), np.float64)
            target = read.y[[row]]
        theta = self._parameters_now().astype(np.float64)
        trace = forward(self._network(), theta, _dense(x[[row]]).astype(np.float64), target, rows=[row])
        names = self._names()
        labels = None if names is None else {f"x[{i}]": str(name) for i, name in enumerate(names)}
        subject = trace if target is None else backward(trace)
        working: Explanation | MatrixExplanation = explain(subject, of=of, labels=labels, **how)
        return working

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write one model file, whole or not at all; `chainrule.load(path)` reads it. It holds data only, no code."""
        self._check_fitted()
        return self._as_model().save(path)

    def _as_model(self) -> Model:
        from chainrule.estimators.saving import as_model

        if self._model is not None:
            return self._model
        settings = {"estimator": repr(self), "epochs_trained": self.n_iter_}
        theta = self._parameters_now()
        return as_model(self._network(), theta, self._names(), self._form().labels, self.history_, settings)

    def _parameters_now(self) -> Array:
        return with_coefficients(self._network().plan, self._theta, self.coefs_, self.intercepts_)

    def _inputs(self, X: Any) -> Array:
        """X as the network reads it."""
        if self._model is not None:
            table, _ = self._model.table(X)
            return self._model.encoder.encode(table, dtype=self._theta.dtype)
        return _dense(self._checked(X))

    def _checked(self, X: Any) -> Any:
        x = check_x(X, self._theta.dtype)
        check_columns(X, x.shape[1], self._names(), self.n_features_in_, type(self).__name__)
        return x

    def __getstate__(self) -> dict[str, Any]:
        state = dict(self.__dict__)
        state.pop("_opened", None)
        model = state.get("_model")
        if model is not None:
            state["_model"] = {name: getattr(model, name) for name in _MODEL}
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        described = state.get("_model")
        if described is not None:
            from chainrule.model import Model

            self._model = Model(**described)
        if "n_features_in_" in state:
            self._opened = Opened(None if self._model is None else self._model.network)


def _dense(x: Any) -> Array:
    dense: Array = x if isinstance(x, np.ndarray) else np.ascontiguousarray(x.toarray())
    return dense
