"""What a diagnosis rests on: the network, its rows, its training. Whatever is computed from them is computed once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from chainrule.calculus.activations import logistic
from chainrule.diagnostics import probes
from chainrule.diagnostics.layers import LayerState, states
from chainrule.diagnostics.reference import Reference, reference, skill
from chainrule.engines.base import Rows
from chainrule.engines.reference import backward_pass, forward_pass, frozen, targets
from chainrule.engines.trace import Trace
from chainrule.layers.layer import Pass
from chainrule.members import tempered
from chainrule.network import Network, initialize
from chainrule.optim.rule import Update
from chainrule.plan import Plan
from chainrule.shapes import Array, Ints
from chainrule.training.again import Failure
from chainrule.training.history import History

SHORT = 0.05  # skill: less is not told from the spread between seeds
GAIN = 0.05  # of the loss of a constant prediction: by less no training is better than another
SAMPLE = 2000  # rows looked at: shares are known to about ±1 %, and a pass takes milliseconds
_REFERENCE_ROWS = 1500
_FEW = 30  # rows below which nothing is said of how well something is learned

Floats = Array


@dataclass(frozen=True, eq=False)
class Training:
    """How the network was trained. `stopped` as in `Outcome`; `steps` is how many updates were made; `is_annealed` whether
    the schedule had brought the learning rate to nearly nothing by the end."""

    update: Update
    solver: str
    batch_size: int
    epochs: int
    epochs_made: int
    steps: int
    best_epoch: int
    stopped: str
    seed: int = 0
    is_weighted: bool = False
    is_annealed: bool = False


@dataclass(frozen=True, eq=False)
class Evidence:
    """A network with the weights θ, a sample of the rows it learned from and of rows kept away from it.

    `rows` and `watched` are in the network's own inputs and targets. `first` is θ₀, `failure` the first number that was not
    finite, `path` gives (step, θ) pairs of the training, replayed as far as time allows. `new` are rows of other data than
    the network was trained on, where such were given; `is_foreign` says that all rows at hand are. `standardised`: the inputs
    that had mean 0 and spread 1 in training. `columns`: the column of the table that every input was made from, where that is
    not its name. `members` networks were merged into this one, whose logits were divided by `temperature` after the training.
    What is not known is None.
    """

    network: Network
    theta: Array
    rows: Rows
    watched: Rows | None
    names: tuple[str, ...]
    task: str
    classes: tuple[object, ...] = ()
    history: History = field(default_factory=History)
    training: Training | None = None
    first: Array | None = None
    failure: Failure | None = None
    replay: Callable[[], Sequence[tuple[int, Array]]] | None = None
    new: Rows | None = None
    is_foreign: bool = False
    standardised: tuple[bool, ...] | None = None
    columns: tuple[str, ...] = ()
    members: int = 1
    temperature: float = 1.0

    @property
    def plan(self) -> Plan:
        return self.network.plan

    @property
    def own(self) -> bool | None:
        """True where the rows are those of the training, None where they are others."""
        return None if self.is_foreign else True

    @property
    def sources(self) -> tuple[str, ...]:
        """The column that every input was made from: several are made from one of categories."""
        return self.columns or self.names

    @cached_property
    def sample(self) -> Rows:
        """The rows learned from, in float64."""
        return in_float64(self.rows)

    @cached_property
    def trace(self) -> Trace:
        """The pass of the sample with the present weights, with every delta and gradient."""
        return traced(self.plan, self.theta, self.sample)

    @cached_property
    def first_trace(self) -> Trace | None:
        """The same with the first weights."""
        return None if self.first is None else traced(self.plan, self.first, self.sample)

    @cached_property
    def layers(self) -> tuple[LayerState, ...]:
        return states(self.trace)

    @cached_property
    def first_layers(self) -> tuple[LayerState, ...] | None:
        return None if self.first_trace is None else states(self.first_trace)

    @cached_property
    def path(self) -> Sequence[tuple[int, Array]]:
        """(steps made, θ) along the training; empty where it cannot be replayed."""
        return () if self.replay is None else self.replay()

    @cached_property
    def y(self) -> Floats:
        """The targets of the sample as numbers, shape (rows, outputs)."""
        return self._targets(self.sample)

    def _targets(self, rows: Rows) -> Floats:
        assert rows.y is not None
        return targets(self.plan, rows.y, np.dtype(np.float64)).astype(np.float64)

    def probable(self, outputs: Array) -> Floats:
        """Outputs as numbers to compare with the targets: probabilities for classes."""
        p = outputs.astype(np.float64)
        if self.task == "regression" or self.network.output_activation in ("sigmoid", "softmax"):
            return p
        assert self.network.loss is not None
        return logistic(p).astype(np.float64) if getattr(self.network.loss, "name", "") == "hinge" else p

    @cached_property
    def skill(self) -> float:
        """The network's skill on the rows it learned from."""
        return skill(self.y, self.probable(self.trace.prediction), self.sample.weights)

    @cached_property
    def watched_trace(self) -> Trace | None:
        """The pass of the rows kept away, without gradients."""
        if self.watched is None:
            return None
        rows = in_float64(self.watched)
        with np.errstate(all="ignore"):
            return forward_pass(self.plan, self.theta.astype(np.float64), rows, Pass(np.arange(len(rows))))

    @cached_property
    def watched_skill(self) -> float | None:
        """The network's skill on rows kept away from it."""
        trace = self.watched_trace
        if trace is None or self.watched is None or len(self.watched) < 10:
            return None
        rows = in_float64(self.watched)
        return skill(self._targets(rows), self.probable(trace.prediction), rows.weights)

    def skill_of(self, outputs: Floats) -> float:
        """The skill of somebody else's outputs for the rows kept away."""
        assert self.watched is not None
        rows = in_float64(self.watched)
        return skill(self._targets(rows), outputs, rows.weights)

    @cached_property
    def reference(self) -> Reference | None:
        """Simple methods on the same sample; None where rows are too few to tell."""
        count = len(self.sample)
        if count < _FEW:
            return None
        part = self.sample.take(np.arange(min(count, _REFERENCE_ROWS)))
        return reference(part.x.astype(np.float64), self._targets(part), part.weights)

    @cached_property
    def shortfall(self) -> float:
        """By how much the network's skill on its own training rows stays behind what the reference reaches on rows it did
        not see: something is there to be learned, and was not. 0 where that is not known."""
        return 0.0 if self.reference is None else max(0.0, self.reference.skill - self.skill)

    @cached_property
    def codes(self) -> Ints | None:
        """The class of every row of the sample; None for numbers and for several labels a row."""
        if self.task == "regression":
            return None
        if self.y.shape[1] == 1:
            return (self.y[:, 0] >= 0.5).astype(np.int64)
        if not np.allclose(self.y.sum(axis=1), 1.0):
            return None
        found: Ints = self.y.argmax(axis=1).astype(np.int64)
        return found

    @cached_property
    def constant_loss(self) -> float:
        """The loss of always saying the mean, or the shares of the classes, on the sample."""
        y = self.y
        w = np.ones(len(y)) if self.sample.weights is None else self.sample.weights
        mean = (w[:, None] * y).sum(axis=0) / max(float(w.sum()), 1e-300)
        return probes.loss_of(self.plan, np.tile(mean, (len(y), 1)), self.sample)

    @cached_property
    def loss(self) -> float:
        """The loss of the sample with the weights that the training made: what a calibration divided the last layer by is
        taken back, for it may raise the very loss that was trained (of smoothed labels, say)."""
        if self.temperature == 1.0:
            assert self.trace.loss is not None
            return self.trace.loss
        made = tempered(self.network, self.theta, 1.0 / self.temperature).astype(np.float64)
        with np.errstate(all="ignore"):
            trace = forward_pass(self.plan, made, self.sample, Pass(np.arange(len(self.sample))))
        return probes.loss_of(self.plan, trace.prediction, self.sample)

    @cached_property
    def curvature(self) -> float:
        """λ: the largest eigenvalue of the loss's Hessian at the present weights, on the sample."""
        return probes.sharpness(self.plan, self.theta, self.sample)

    @cached_property
    def first_curvature(self) -> float | None:
        """The same at the first weights."""
        return None if self.first is None else probes.sharpness(self.plan, self.first, self.sample)

    @cached_property
    def lower_rates(self) -> Mapping[float, float]:
        """The loss of the sample after a short training from θ₀, for fractions of the learning rate."""
        return self._tried(probes.LOWER)

    @cached_property
    def higher_rates(self) -> Mapping[float, float]:
        """The same for multiples of it."""
        return self._tried(probes.HIGHER)

    def _tried(self, multiples: Sequence[float]) -> Mapping[float, float]:
        if self.training is None or self.first is None or self.training.solver == "lbfgs":
            return {}
        steps = 0 if self.failure is not None else self.training.steps
        return probes.try_rates(
            self.plan, self.first, self.rows, self.training.update, self.training.batch_size, steps, self.training.seed,
            multiples,
        )  # fmt: skip

    def tried(
        self, network: Network | None = None, update: Update | None = None, *, steps: int | None = None
    ) -> float | None:
        """The loss of the sample after a training with another network or update, from first weights of the same seed, for
        `steps` (at most 1000, and no more than were made, where that is not said). None where there is nothing to change,
        or how it was trained is not known."""
        made = self.training
        changed = network is not None or update is not None or steps is not None
        if not changed or made is None or self.first is None or made.solver == "lbfgs":
            return None
        start = self.first if network is None else initialize(network, made.seed, self.first.dtype)
        plan = self.plan if network is None else network.plan
        count = max(1, min(made.steps, probes.TRIED)) if steps is None else steps
        return probes.descend(plan, start, self.rows, update or made.update, made.batch_size, count, made.seed)

    @cached_property
    def updates(self) -> Mapping[str, float]:
        """‖Δθ‖/‖θ‖ of the weights of every layer for one step at the present weights, by the rule itself."""
        if self.training is None or self.training.solver == "lbfgs" or self.trace.gradient is None:
            return {}
        return probes.update_ratios(self.plan, self.theta, self.rows, self.training.update, self.training.batch_size)

    @cached_property
    def first_updates(self) -> Mapping[str, float]:
        """The same at the first weights."""
        if self.training is None or self.first is None or self.training.solver == "lbfgs":
            return {}
        return probes.update_ratios(self.plan, self.first, self.rows, self.training.update, self.training.batch_size)


def in_float64(rows: Rows) -> Rows:
    """The same rows in double precision."""
    y = rows.y
    if y is not None and np.issubdtype(y.dtype, np.floating):
        y = y.astype(np.float64)
    return Rows(rows.x.astype(np.float64), y, None if rows.weights is None else rows.weights.astype(np.float64))


def traced(plan: Plan, theta: Array, rows: Rows) -> Trace:
    """A pass outside training with every delta and gradient, in float64."""
    with np.errstate(all="ignore"):
        return frozen(backward_pass(forward_pass(plan, theta.astype(np.float64), rows, Pass(np.arange(len(rows))))))


def sampled(rows: Rows, limit: int = SAMPLE, seed: int = 0) -> Rows:
    """At most `limit` of the rows, drawn by the seed."""
    if len(rows) <= limit:
        return rows
    return rows.take(np.sort(np.random.default_rng(seed).permutation(len(rows))[:limit]))
