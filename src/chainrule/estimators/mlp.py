"""What both estimators share: fit by a stochastic solver or L-BFGS, the attributes it leaves, and looking inside."""

from __future__ import annotations

import time
import warnings
from abc import abstractmethod
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from chainrule.data.arrays import check_same_index
from chainrule.engines.base import Engine, Rows
from chainrule.engines.choose import choose
from chainrule.errors import ChainruleWarning, DataError, SettingError
from chainrule.estimators import epochs, quasi_newton, stochastic, watching
from chainrule.estimators.examples import Examples
from chainrule.estimators.fitted import Fitted, Opened, Target
from chainrule.estimators.holdout import hold_out
from chainrule.estimators.inputs import check_columns, check_weights, check_x, check_y, column_names
from chainrule.estimators.networks import build, coefficients, first_weights, output_name, with_coefficients
from chainrule.estimators.settings import STOCHASTIC, Checked, check, random_of, rule_of, threads_of
from chainrule.network import Network, initialize
from chainrule.optim.rule import Update
from chainrule.plan import check_trainable
from chainrule.shapes import Array
from chainrule.training.diverged import Failure
from chainrule.training.history import History
from chainrule.training.measuring import evaluate_loss
from chainrule.training.orders import watched_part

if TYPE_CHECKING:
    from chainrule.diagnostics import Diagnosis
    from chainrule.diagnostics.evidence import Evidence
    from chainrule.model import Model

Self = TypeVar("Self", bound="MultilayerPerceptron")


class MultilayerPerceptron(Fitted):
    """The base of `MLPClassifier` and `MLPRegressor`; not to be used alone."""

    # The parameters, set by the `__init__` of both.
    hidden_layer_sizes: Any
    activation: Any
    solver: str
    alpha: float
    batch_size: int | str
    learning_rate: str
    learning_rate_init: float
    power_t: float
    max_iter: int
    loss: Any
    shuffle: bool
    random_state: Any
    tol: float
    verbose: Any
    warm_start: bool
    early_stopping: bool
    validation_fraction: float
    n_iter_no_change: float
    max_fun: int
    class_weight: Any
    validation_data: Any
    callbacks: Any
    time_budget: float | None
    n_jobs: int | None
    engine: Engine | str
    preset: str | None

    @abstractmethod
    def _read_target(self, y: NDArray[Any], first: bool, single: bool, dtype: Any) -> Target:
        """The target, checked; labels are found at the first fit and must be known after it."""

    @abstractmethod
    def _weigh(self, target: Target, weights: NDArray[np.float64] | None) -> NDArray[np.float64] | None:
        """Sample weights times class weights."""

    @abstractmethod
    def _rate(self, target: Target, outputs: Array, weights: Array | None) -> float:
        """The score of outputs for rows of this target."""

    @abstractmethod
    def _reported(self, losses: Array, examples: Examples, order: NDArray[np.int64], batch: int) -> Array:
        """The data's losses of the batches as scikit-learn reports them."""

    @abstractmethod
    def _after(self, examples: Examples) -> None:
        """A last look at a finished fit."""

    def fit(self: Self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train on X (rows, features), an array, a DataFrame or a sparse matrix, and y (rows,) or (rows, outputs).

        sample_weight: one weight of at least 0 for each row. Returns self.
        """
        checked = check(self)
        if self.preset is not None:
            return self._fit_preset(X, y, sample_weight)
        return self._learn(X, y, sample_weight, checked, single=False)

    def _learn(self: Self, X: Any, y: Any, sample_weight: Any, checked: Checked, *, single: bool) -> Self:
        name = type(self).__name__
        first = not hasattr(self, "coefs_") or (not self.warm_start and not single)
        if single and self.early_stopping:
            raise SettingError("CR204", "partial_fit does not support early_stopping=True")
        check_same_index(X, y)
        dtype = checked.dtype if first or not hasattr(self, "_theta") else self._theta.dtype
        x = check_x(X, dtype, min_rows=1)
        if not first:
            check_columns(X, x.shape[1], self._names(), self.n_features_in_, name)
        names = column_names(X) if first else self._names()
        target = self._read_target(check_y(y, x.shape[0], name), first, single, x.dtype)
        weights = self._weigh(target, check_weights(sample_weight, x.shape[0]))
        examples = Examples(x, target.y, None if weights is None else weights.astype(x.dtype))
        network = build(x.shape[1], checked.hidden, target.outputs, target.output, target.loss, checked.output_mask)
        check_trainable(network.plan)
        random = random_of(self.random_state)
        if first:
            theta = self._first_theta(network, checked, random, x.dtype)
        else:
            base = getattr(self, "_theta", np.zeros(network.plan.size, x.dtype))
            theta = with_coefficients(network.plan, base, self.coefs_, self.intercepts_)
        engine = choose(self.engine, network.plan, Update(rule_of(self)), x.dtype)
        before = self._state(theta, first, single)
        if self.solver in STOCHASTIC:
            state = self._step(checked, network, engine, examples, target, random, before, single, names)
            self._optimizer = state.optimizer
        else:
            state = self._solve(checked, network, engine, examples, target, before, names)
        self._settle(network, target, x.shape[1], names, state)
        if not single:
            self._after(examples)
        return self

    def _first_theta(self, network: Network, checked: Checked, random: np.random.RandomState, dtype: Any) -> Array:
        if checked.drawn_as is None:
            return initialize(network, int(random.randint(2**31)), dtype).copy()
        return first_weights(network, random, checked.drawn_as, dtype)

    def _state(self, theta: Array, first: bool, single: bool) -> epochs.State:
        """Where training begins: anew, or where the fitted attributes say that the last call ended."""
        slots = tuple(np.zeros_like(theta) for _ in rule_of(self).slots)
        optimizer = epochs.Optimizer(float(self.learning_rate_init), 0, slots)
        kept = getattr(self, "_optimizer", None)
        if single and kept is not None and not first and len(kept.slots) == len(slots):
            optimizer = epochs.Optimizer(kept.learning_rate, kept.step, kept.slots)
        watched = self.early_stopping
        if first or not hasattr(self, "t_"):
            return epochs.State(
                theta, optimizer, best_loss=None if watched else np.inf, scores=[] if watched else None,
                best_score=-np.inf if watched else None, best_theta=theta.copy() if watched else None,
            )  # fmt: skip
        best_loss = getattr(self, "best_loss_", None)
        best_score = getattr(self, "best_validation_score_", None)
        return epochs.State(
            theta, optimizer, rows_seen=self.t_, curve=list(getattr(self, "loss_curve_", [])),
            best_loss=None if watched else (np.inf if best_loss is None else best_loss),
            scores=list(getattr(self, "validation_scores_", None) or []) if watched else None,
            best_score=(-np.inf if best_score is None else best_score) if watched else None,
            best_theta=getattr(self, "_best_theta", None), waited=getattr(self, "_no_improvement_count", 0),
            history=History(getattr(self, "history_", None)),
        )  # fmt: skip

    def _step(
        self, checked: Checked, network: Network, engine: Engine, examples: Examples, target: Target,
        random: np.random.RandomState, before: epochs.State, single: bool, names: NDArray[Any] | None,
    ) -> epochs.State:  # fmt: skip
        validation, validation_target = self._given_validation(target, examples.x.dtype, examples.x.shape[1], names)
        if self.early_stopping and validation is None:
            strata = None
            if target.labels is not None and target.labels.kind == "binary":
                strata = target.labels.classes[target.y[:, 0].astype(np.int64)]
            train, held = hold_out(len(examples), self.validation_fraction, random, strata)
            validation, examples = examples.take(held), examples.take(train)
            validation_target = Target(validation.y, target.labels, target.loss, target.output, target.outputs)
        if validation is not None and validation.weights is not None and not validation.weights.any():
            raise DataError("CR112", "all validation rows have the weight 0", hint="give them weights, or other rows")
        count = len(examples)
        size = min(200, count) if isinstance(self.batch_size, str) else int(self.batch_size)
        if size > count:
            warnings.warn(
                "Got `batch_size` larger than sample size. It is going to be clipped", ChainruleWarning, stacklevel=4
            )
        draws = any("stream" in step.constants for step in network.plan.steps)
        job = epochs.Job(
            plan=network.plan, rule=rule_of(self), engine=engine, examples=examples, batch_size=min(size, count),
            alpha=float(self.alpha), max_iter=int(self.max_iter), tol=float(self.tol),
            patience=float(self.n_iter_no_change), schedule=self.learning_rate if self.solver == "sgd" else "constant",
            power_t=float(self.power_t), shuffle=bool(self.shuffle), random=random,
            seed=int(random.randint(2**31)) if draws else 0, validation=validation,
            reported=lambda losses, order: self._reported(losses, examples, order, min(size, count)),
            score=None if validation is None or validation_target is None else
            lambda outputs: self._rate(validation_target, outputs, validation.weights),
            stops_by_score=self.early_stopping, single=single, verbose=bool(self.verbose), metrics=checked.metrics,
            measure=self._measuring(checked, network),
            callbacks=tuple(self.callbacks or ()), time_budget=self.time_budget, n_jobs=threads_of(self.n_jobs),
        )  # fmt: skip
        return stochastic.run(job, before)

    def _measuring(self, checked: Checked, network: Network) -> watching.Measure | None:
        """How rows are measured by their outputs, where anybody asked: the loss as scikit-learn reports it, the metrics."""
        if not checked.metrics and self.validation_data is None:
            return None

        def measure(some: Examples, outputs: Array) -> dict[str, float]:
            loss = evaluate_loss(network.plan, outputs, Rows(outputs, some.y, some.weights))
            found = {"loss": float(self._reported(np.array([loss]), some, np.arange(len(some)), len(some))[0])}
            for metric in checked.metrics:
                found[metric.name] = metric.result(metric.add(metric.start(), some.y, outputs, some.weights))
            return found

        return measure

    def _given_validation(
        self, target: Target, dtype: Any, width: int, names: NDArray[Any] | None
    ) -> tuple[Examples | None, Target | None]:
        """The rows of `validation_data`, a pair (X, y) or a triple with weights."""
        given = self.validation_data
        if given is None:
            return None, None
        x = check_x(given[0], dtype, min_rows=1)
        check_columns(given[0], x.shape[1], names, width, type(self).__name__)
        read = self._read_validation(check_y(given[1], x.shape[0], type(self).__name__), target, x.dtype)
        weights = check_weights(given[2] if len(given) == 3 else None, x.shape[0])
        return Examples(x, read.y, None if weights is None else weights.astype(x.dtype)), read

    def _solve(
        self, checked: Checked, network: Network, engine: Engine, examples: Examples, target: Target,
        before: epochs.State, names: NDArray[Any] | None,
    ) -> epochs.State:  # fmt: skip
        began, budget = time.perf_counter(), self.time_budget
        validation = self._given_validation(target, examples.x.dtype, examples.x.shape[1], names)[0]
        measure = self._measuring(checked, network)
        training = watched_part(examples, validation, 0, has_metrics=bool(checked.metrics))
        solved = quasi_newton.solve(
            network.plan, before.theta, examples, engine, alpha=float(self.alpha), max_iter=int(self.max_iter),
            max_fun=int(self.max_fun), tol=float(self.tol), n_jobs=threads_of(self.n_jobs), verbose=bool(self.verbose),
            callbacks=tuple(self.callbacks or ()),
            stop=lambda: budget is not None and time.perf_counter() - began >= budget,
            measure=None if measure is None else lambda session: watching.measured(session, measure, training, validation),
        )  # fmt: skip
        loss = self._reported(
            np.array([solved.value - solved.penalty]), examples, np.arange(len(examples)), len(examples)
        )
        before.theta, before.epochs, before.history = solved.theta, solved.iterations, solved.history
        before.rows_seen, before.curve = 0, [float(loss[0]) + solved.penalty]
        return before

    def _settle(
        self, network: Network, target: Target, width: int, names: NDArray[Any] | None, state: epochs.State
    ) -> None:
        """The fitted attributes."""
        self.n_features_in_ = width
        if names is not None:
            self.feature_names_in_ = names
        elif hasattr(self, "feature_names_in_"):
            del self.feature_names_in_
        self._theta = state.theta
        self.coefs_, self.intercepts_ = coefficients(network.plan, state.theta)
        self.n_layers_, self.n_outputs_ = len(self.coefs_) + 1, target.outputs
        self.out_activation_ = output_name(network)
        self.n_iter_, self.t_, self.loss_ = state.epochs, state.rows_seen, state.curve[-1]
        self.history_ = state.history
        if self.solver in STOCHASTIC:
            self.loss_curve_, self.best_loss_ = state.curve, state.best_loss
            self.validation_scores_, self.best_validation_score_ = state.scores, state.best_score
            self._best_theta, self._no_improvement_count = state.best_theta, state.waited
        self._opened = Opened(network)
        self._model: Model | None = None

    def diagnose(self, X: Any, y: Any, sample_weight: Any = None) -> Diagnosis:
        """What ails this network, judged on the rows X, y that it was trained on: see `chainrule.diagnose`.

        An estimator that is not fitted, since its training diverged, is trained again and followed to where it does.
        First weights are known, and a remedy can be judged against them, where `random_state` is a whole number.
        """
        from chainrule.diagnostics import diagnose
        from chainrule.diagnostics.diagnosis import examine
        from chainrule.estimators.doctor import follow, retry_of

        if getattr(self, "_model", None) is not None:
            return diagnose(self._model, (X, y))
        if hasattr(self, "coefs_"):
            return examine(self._evidence(X, y, sample_weight, None), retry_of(self, X, y, sample_weight))
        again, failure = follow(self, X, y, sample_weight)
        return examine(again._evidence(X, y, sample_weight, failure), retry_of(self, X, y, sample_weight))

    def _evidence(self, X: Any, y: Any, sample_weight: Any, failure: Failure | None) -> Evidence:
        """What a diagnosis rests on."""
        from chainrule.diagnostics.evidence import Evidence
        from chainrule.estimators.doctor import chosen, rows_of, stopped_by, training_of

        checked, name = check(self), type(self).__name__
        x = self._checked(X)
        dtype = self._theta.dtype
        target = self._read_validation(check_y(y, x.shape[0], name), self._form(), dtype)
        weights = self._weigh(target, check_weights(sample_weight, x.shape[0]))
        network, index = self._network(), chosen(x.shape[0])
        first = None
        if isinstance(self.random_state, (int, np.integer)) and not self.warm_start:
            first = self._first_theta(network, checked, random_of(self.random_state), dtype)
        watched, given = None, self._given_validation(target, dtype, x.shape[1], self._names())[0]
        if given is not None:
            watched = rows_of(given.x, given.y, given.weights, chosen(len(given)), dtype)
        stopped = stopped_by(self) if failure is None else "diverged"
        training = training_of(self, x.shape[0], self.n_iter_, self.history_, stopped)
        kind = "regression" if target.labels is None else target.labels.kind
        names = self._names()
        return Evidence(
            network, self._parameters_now(), rows_of(x, target.y, weights, index, dtype), watched,
            tuple(f"x{i}" for i in range(x.shape[1])) if names is None else tuple(map(str, names)),
            kind, () if target.labels is None else tuple(target.labels.classes.tolist()), self.history_, training, first,
            failure,
        )  # fmt: skip

    def _fit_preset(self: Self, X: Any, y: Any, sample_weight: Any) -> Self:
        from chainrule.estimators.preset import fit_default

        name = type(self).__name__
        check_same_index(X, y)
        count, width = np.shape(X)
        target = self._read_target(check_y(y, count, name), True, False, np.float64)
        task = "regression" if target.labels is None else "classification"
        if target.labels is not None and target.labels.kind == "multilabel":
            task, y = "multilabel", target.y
        model = fit_default(self, X, y, sample_weight, task)
        history = model.history
        state = epochs.State(
            np.array(model.theta), epochs.Optimizer(float(self.learning_rate_init), 0, ()), history.epochs * count,
            list(history["loss"]), min(history["loss"]), epochs=history.epochs, history=history,
        )  # fmt: skip
        self._settle(model.network, target, width, column_names(X), state)
        self._model = model
        return self
