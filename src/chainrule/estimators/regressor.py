"""`MLPRegressor`: scikit-learn's, and what its users asked for."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.errors import SettingError
from chainrule.estimators.advice import warn_if_linear_wins
from chainrule.estimators.contract import UNCHANGED, StochasticOnly, keep
from chainrule.estimators.examples import Examples
from chainrule.estimators.fitted import Target
from chainrule.estimators.inputs import check_numbers, check_y
from chainrule.estimators.mlp import MultilayerPerceptron
from chainrule.estimators.networks import regression_loss
from chainrule.estimators.scores import r2
from chainrule.estimators.settings import check
from chainrule.shapes import Array


class MLPRegressor(MultilayerPerceptron):
    """A feed-forward network for numbers, one target or several.

    All parameters of scikit-learn's `MLPRegressor` with its defaults and meaning. `loss` is "squared_error" (half of
    it), "poisson" (with an exponential output), or any loss of chainrule: "mae", "huber", "pinball", "log_cosh", a record.
    The parameters after `max_fun` are those of `MLPClassifier`, without `class_weight`.

    With several targets the gradient is that of the sum over the targets, and the loss that is reported their mean, as in
    scikit-learn. Where the network loses to a linear model on its own training rows, one warning says so.

    >>> from chainrule import MLPRegressor
    >>> X = [[0.0], [1.0], [2.0], [3.0]]
    >>> model = MLPRegressor(hidden_layer_sizes=(4,), activation="tanh", solver="lbfgs", max_iter=1000, random_state=1)
    >>> model.fit(X, [1.0, 2.0, 5.0, 10.0]).predict(X).round(1).tolist()
    [1.0, 2.0, 5.0, 10.0]
    """

    _estimator_type = "regressor"

    def __init__(
        self,
        loss: Any = "squared_error",
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
        dropout: Any = None,
        masks: Any = None,
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
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> MLPRegressor:
        """One more epoch over these rows; the optimizer goes on where it was. Returns self."""
        checked = check(self)
        if self.preset is not None:
            raise SettingError("CR204", 'partial_fit has no meaning with preset="default"')
        return self._learn(X, y, sample_weight, checked, single=True)

    def set_partial_fit_request(self, *, sample_weight: bool | str | None = UNCHANGED) -> MLPRegressor:
        """As `set_fit_request`, for `partial_fit`."""
        return self._request("partial_fit", sample_weight=sample_weight)

    def _read_target(self, y: NDArray[Any], first: bool, single: bool, dtype: Any) -> Target:
        numbers = check_numbers(y).reshape(len(y), -1)
        target = self._shaped(numbers.shape[1], np.ascontiguousarray(numbers, dtype))
        target.loss.check_targets(numbers)
        return target

    def _read_validation(self, y: NDArray[Any], target: Target, dtype: Any) -> Target:
        return self._read_target(y, False, False, dtype)

    def _shaped(self, outputs: int, y: NDArray[Any]) -> Target:
        loss = regression_loss(self.loss, outputs)
        return Target(y, None, loss, loss.output, outputs)

    def _form(self) -> Target:
        return self._shaped(self.n_outputs_, np.zeros(0))

    def _weigh(self, target: Target, weights: NDArray[np.float64] | None) -> NDArray[np.float64] | None:
        return weights

    def _rate(self, target: Target, outputs: Array, weights: Array | None) -> float:
        return r2(target.y, outputs, weights)

    def _reported(self, losses: Array, examples: Examples, order: NDArray[np.int64], batch: int) -> Array:
        """ "squared_error" is a mean over the targets; "poisson" is the deviance, which is 0 for a perfect prediction."""
        if self.loss == "squared_error":
            per_target: Array = losses / examples.y.shape[1]
            return per_target
        if self.loss != "poisson":
            return losses
        y = examples.y[order].astype(np.float64)
        constant = (np.where(y > 0, y * np.log(np.maximum(y, 1e-300)), 0.0) - y).sum(axis=1)
        weights = np.ones(len(order)) if examples.weights is None else examples.weights[order].astype(np.float64)
        starts = np.arange(0, len(order), batch)
        total = np.add.reduceat(weights, starts)
        summed = np.add.reduceat(constant * weights, starts)
        means = np.divide(summed, total, out=np.zeros(len(total)), where=total > 0)
        found: Array = losses + means
        return found

    def _after(self, examples: Examples) -> None:
        if self.loss == "squared_error" and not self.warm_start:
            warn_if_linear_wins(
                examples.x, examples.y, examples.weights, self._told, f"{type(self).__name__}(loss={self.loss!r})"
            )

    def predict(self, X: Any) -> NDArray[Any]:
        """The predicted numbers, (rows,) for one target, (rows, targets) for several."""
        outputs = self._outputs(X)
        if self._model is not None:
            outputs = self._model.encoder.decode_target(outputs)
        return outputs[:, 0] if outputs.shape[1] == 1 else outputs

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """R²: 1 for perfect predictions, 0 for those of the mean."""
        predicted = self.predict(X)
        return r2(check_numbers(check_y(y, len(predicted), type(self).__name__)), predicted, sample_weight)
