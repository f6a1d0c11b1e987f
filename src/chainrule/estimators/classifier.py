"""`MLPClassifier`: scikit-learn's, and what its users asked for."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.data.split import class_weights
from chainrule.errors import DataError, SettingError
from chainrule.estimators.contract import UNCHANGED, StochasticOnly, keep
from chainrule.estimators.examples import Examples
from chainrule.estimators.fitted import Target
from chainrule.estimators.inputs import check_y
from chainrule.estimators.labels import Labels, check_labels, find_labels
from chainrule.estimators.mlp import MultilayerPerceptron
from chainrule.estimators.networks import class_loss, class_output
from chainrule.estimators.scores import accuracy
from chainrule.estimators.settings import check
from chainrule.shapes import Array


class MLPClassifier(MultilayerPerceptron):
    """A feed-forward network for classes, for one label a row or several (an indicator matrix).

    All parameters of scikit-learn's `MLPClassifier` with its defaults and meaning, and these, by keyword only:

    activation: also any activation of chainrule, or one for each hidden layer, such as ("relu", "tanh").
    layers: the hidden layers themselves, `[Dense(8, "tanh"), Maxout(4), Dropout(0.1)]`, in place of `hidden_layer_sizes`.
    loss: "log_loss" (None), or a loss of chainrule. class_weight: "balanced" or a weight for each class.
    dropout: a rate, or one for each hidden layer. masks: for each layer None or an array shaped as in `coefs_`, 0 where
    there is no connection. validation_data: (X, y) or (X, y, sample_weight) measured after every epoch, and watched by
    `early_stopping` and by presets. metrics: names, records or functions f(y_true, y_pred) measured after every epoch.
    callbacks: functions of an `EpochEnd`; True stops. time_budget: seconds. n_jobs: threads. dtype: "float32" or
    "float64" (None: that of X). engine: "auto", "native" or "reference". preset: "fast", "default" or "best" train in
    chainrule's own way: any column encoded, missing values filled, inputs scaled, the best epoch kept.

    >>> from chainrule import MLPClassifier
    >>> X, y = [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], ["no", "yes", "yes", "no"]
    >>> model = MLPClassifier((8,), "tanh", solver="lbfgs", random_state=1).fit(X, y)
    >>> model.predict(X).tolist(), model.classes_.tolist()
    (['no', 'yes', 'yes', 'no'], ['no', 'yes'])
    """

    _estimator_type = "classifier"

    def __init__(
        self,
        hidden_layer_sizes: Any = (100,),
        activation: Any = "relu",
        *,
        solver: str = "adam",
        alpha: float = 0.0001,
        batch_size: int | str = "auto",
        learning_rate: str = "constant",
        learning_rate_init: float = 0.001,
        power_t: float = 0.5,
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: Any = None,
        tol: float = 1e-4,
        verbose: Any = False,
        warm_start: bool = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: float = 10,
        max_fun: int = 15000,
        layers: Any = None,
        loss: Any = "log_loss",
        dropout: Any = None,
        masks: Any = None,
        class_weight: Any = None,
        validation_data: Any = None,
        metrics: Any = None,
        callbacks: Any = None,
        time_budget: float | None = None,
        n_jobs: int | None = None,
        dtype: Any = None,
        engine: Any = "auto",
        preset: str | None = None,
    ) -> None:
        keep(self, locals())

    @StochasticOnly
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None, classes: Any = None) -> MLPClassifier:
        """One more epoch over these rows; the optimizer goes on where it was.

        classes: all classes of all calls, needed at the first one. Returns self.
        """
        checked = check(self)
        if self.preset is not None:
            raise SettingError("CR204", 'partial_fit has no meaning with preset="default"')
        if isinstance(self.class_weight, str):
            raise SettingError(
                "CR204", "partial_fit cannot balance classes whose numbers it does not know", where="class_weight",
                hint="give the weights: class_weight={label: weight, ...}",
            )  # fmt: skip
        self._take_classes(y, classes)
        return self._learn(X, y, sample_weight, checked, single=True)

    def set_partial_fit_request(
        self, *, classes: bool | str | None = UNCHANGED, sample_weight: bool | str | None = UNCHANGED
    ) -> MLPClassifier:
        """As `set_fit_request`, for `partial_fit`, which also takes `classes`."""
        return self._request("partial_fit", classes=classes, sample_weight=sample_weight)

    def _take_classes(self, y: Any, classes: Any) -> None:
        known = getattr(self, "classes_", None)
        if known is None and classes is None:
            raise DataError("CR105", "classes must be passed on the first call to partial_fit.")
        if classes is None:
            return
        found = np.unique(np.asarray(classes))
        if known is not None:
            if not np.array_equal(known, found):
                raise DataError(
                    "CR108",
                    f"`classes={classes!r}` is not the same as on last call to partial_fit",
                    got=str(list(known)),
                )
            return
        several = np.ndim(y) == 2 and np.shape(y)[1] > 1
        self._labels = Labels("multilabel" if several else "binary" if len(found) <= 2 else "multiclass", found)
        self.classes_ = found

    def _read_target(self, y: NDArray[Any], first: bool, single: bool, dtype: Any) -> Target:
        y = check_labels(y)
        if not hasattr(self, "classes_") or (not self.warm_start and not single):
            labels = find_labels(y)
        else:
            labels = self._labels
            self._check_known(y, labels)
        self._labels, self.classes_ = labels, labels.classes
        return self._shaped(labels, labels.targets(y, dtype))

    def _check_known(self, y: NDArray[Any], labels: Labels) -> None:
        classes = np.arange(y.shape[1]) if y.ndim == 2 else np.unique(y)
        if self.warm_start and set(classes.tolist()) != set(labels.classes.tolist()):
            raise DataError(
                "CR108", "warm_start can only be used where `y` has the same classes as in the previous call to fit. "
                f"Previously got {labels.classes}, `y` has {classes}",
            )  # fmt: skip
        self._check_among(classes, labels)

    def _check_among(self, classes: NDArray[Any], labels: Labels) -> None:
        if not np.isin(classes, labels.classes).all() or (
            labels.kind == "multilabel" and len(classes) != labels.outputs
        ):
            raise DataError(
                "CR108",
                f"`y` has classes not in `self.classes_`. `self.classes_` has {labels.classes}. 'y' has {classes}",
            )

    def _read_validation(self, y: NDArray[Any], target: Target, dtype: Any) -> Target:
        assert target.labels is not None
        y = check_labels(y)
        self._check_among(np.arange(y.shape[1]) if y.ndim == 2 else np.unique(y), target.labels)
        return self._shaped(target.labels, target.labels.targets(y, dtype))

    def _shaped(self, labels: Labels, y: NDArray[Any]) -> Target:
        loss = class_loss(self.loss, labels.kind)
        return Target(y, labels, loss, class_output(loss, labels.kind), labels.outputs)

    def _form(self) -> Target:
        return self._shaped(self._labels, np.zeros(0))

    def _weigh(self, target: Target, weights: NDArray[np.float64] | None) -> NDArray[np.float64] | None:
        if self.class_weight is None:
            return weights
        assert target.labels is not None
        if target.labels.kind == "multilabel":
            raise SettingError(
                "CR204", "class weights need one label for each row", where="class_weight",
                hint="weigh rows: fit(X, y, sample_weight=...)",
            )  # fmt: skip
        codes = (target.y if target.y.ndim == 1 else target.y[:, 0]).astype(np.int64)
        spread = class_weights(codes, self.class_weight, target.labels.classes.tolist())[codes]
        return spread if weights is None else spread * weights

    def _rate(self, target: Target, outputs: Array, weights: Array | None) -> float:
        assert target.labels is not None
        truth = target.y[:, 0] if target.labels.kind == "binary" else target.y
        codes = Labels(target.labels.kind, np.arange(len(target.labels.classes)))
        return accuracy(truth, codes.decode(outputs, self._threshold(target.output)), weights)

    def _reported(self, losses: Array, examples: Examples, order: NDArray[np.int64], batch: int) -> Array:
        return losses

    def _after(self, examples: Examples) -> None:
        return

    @staticmethod
    def _threshold(output: str) -> float:
        return 0.0 if output in ("identity", "tanh") else 0.5

    def predict(self, X: Any) -> NDArray[Any]:
        """The class of each row, or the indicator of 0 and 1 (rows, labels)."""
        outputs = self._outputs(X)
        return self._labels.decode(outputs, self._threshold(self.out_activation_))

    def predict_proba(self, X: Any) -> NDArray[Any]:
        """The probability of every class, (rows, classes) in the order of `classes_`; of every label for several."""
        outputs = self._outputs(X)
        if self.out_activation_ not in ("logistic", "softmax"):
            raise SettingError(
                "CR204", "this classifier gives no probabilities", expected='loss="log_loss"',
                got=f"{self.out_activation_} outputs",
            )  # fmt: skip
        return np.hstack([1 - outputs, outputs]) if self._labels.kind == "binary" else outputs

    def predict_log_proba(self, X: Any) -> NDArray[Any]:
        """ln of `predict_proba`; -inf where a probability is 0."""
        with np.errstate(divide="ignore"):
            found: NDArray[Any] = np.log(self.predict_proba(X))
        return found

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """The (weighted) share of rows that are told right; of several labels all have to be."""
        predicted = self.predict(X)
        return accuracy(check_y(y, len(predicted), type(self).__name__), predicted, sample_weight)
