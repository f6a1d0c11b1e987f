"""The learning-rate range test: which learning rates make the loss fall, and from where on it turns up.

The rate grows exponentially over a few hundred steps, several times with other first weights and row orders, and the
loss is measured on rows that are not trained on, the same ones every time: so neither the batches' noise nor what a
network merely memorises is mistaken for progress. Where the curves do not answer, the test says so.

Source: Smith, Cyclical learning rates for training neural networks (2017), section 3.3.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.constraints import real, whole
from chainrule.engines.base import Engine, Rows
from chainrule.errors import SettingError
from chainrule.optim.rule import Update
from chainrule.plan import Plan, check_trainable
from chainrule.shapes import Array, read_only
from chainrule.training.measuring import evaluate_loss
from chainrule.training.orders import row_orders
from chainrule.training.state import begin

Floats = NDArray[np.float64]

_POINTS = 100  # how often the loss is measured on the way
_SMOOTH = 7  # measurements that are averaged, centred, so that the curve is not shifted along the rates
_FAR = 4.0  # a curve is followed up to this multiple of where it began
_APART = 10.0  # seeds whose steepest descents lie further apart than this factor disagree
_CERTAIN = 2.0  # standard errors by which the loss must fall


@dataclass(frozen=True, eq=False)
class RangeTest:
    """What the range test found.

    `rates` (points,) are the learning rates, `losses` (seeds, points) the smoothed loss of each seed just after them
    (nan where it had diverged), `constant` the loss of a constant prediction. `steepest` is the rate at which the mean
    loss, once below that of a constant, falls fastest per factor of the rate: the usual choice. `largest` is the last
    rate before it turns up. Where they are None, `reason` says why; it may also say what is to be kept in mind.
    """

    rule: str
    rates: Floats
    losses: Floats
    constant: float
    steepest: float | None
    largest: float | None
    reason: str | None

    @property
    def mean(self) -> Floats:
        """The mean over the seeds, up to where the first of them diverged (nan from there on)."""
        return np.asarray(self.losses.mean(axis=0))

    @property
    def spread(self) -> Floats:
        """The standard deviation over the seeds."""
        return np.asarray(self.losses.std(axis=0, ddof=1))

    def to_dict(self) -> dict[str, Any]:
        """Everything as plain data."""
        curves = {name: getattr(self, name).tolist() for name in ("rates", "losses", "mean", "spread")}
        said = {name: getattr(self, name) for name in ("rule", "steepest", "largest", "reason", "constant")}
        return {**said, **curves}

    def __str__(self) -> str:
        if self.steepest is None:
            return f"cannot tell, because {self.reason}"
        end = f", the largest before the loss turns up {self.largest:.2g}" if self.largest is not None else ""
        note = f" ({self.reason})" if self.reason else ""
        return f"learning rate {self.steepest:.2g} for {self.rule}: the steepest descent{end}{note}"


def range_test(
    plan: Plan,
    starts: Sequence[Array],
    rows: Rows,
    watched: Rows,
    update: Update,
    engine: Engine,
    *,
    batch_size: int | None = 32,
    low: float = 1e-6,
    high: float = 10.0,
    steps: int = 300,
    seed: int = 0,
) -> RangeTest:
    """Run the test once from each of the first weights `starts` (two at least), with a row order of its own.

    `rows` are trained on, `watched` are not; the rate grows from `low` to `high` in `steps` steps (100 at least).
    The rule's own learning rate plays no part. Raises `SettingError` CR201 and CR204.
    """
    check_trainable(plan)
    real("low", low, above=0.0)
    real("high", high, above=0.0)
    whole("steps", steps, low=_POINTS)
    whole("seeds", len(starts), low=2)
    if high < 10.0 * low:
        raise SettingError(
            "CR204", "the range is too narrow", expected="`high` at least 10 times `low`", got=f"{low} to {high}"
        )
    per_point = -(-steps // _POINTS)
    rates = low * (high / low) ** (np.arange(1, _POINTS + 1) / _POINTS)
    curves = [
        _curve(plan, theta, rows, watched, update, engine, batch_size, rates, low, per_point, seed + number)
        for number, theta in enumerate(starts)
    ]
    constant = _constant_loss(plan, rows, watched)
    return _judged(update.rule.name, rates, np.array(curves), constant)


def _curve(
    plan: Plan, theta: Array, rows: Rows, watched: Rows, update: Update, engine: Engine, batch_size: int | None,
    rates: Floats, low: float, per_point: int, seed: int,
) -> Floats:  # fmt: skip
    """The loss of the watched rows after every `per_point` steps; nan from where it is not finite."""
    count = len(rows)
    batch = min(batch_size or count, count)
    per_epoch = -(-count // batch)
    session = engine.open(plan, theta, begin(theta, update).slots, update, seed=seed, n_jobs=1)
    found = np.full(len(rates), np.nan)
    growth = (rates[-1] / low) ** (1.0 / (len(rates) * per_point))
    step = 0
    for point in range(len(rates)):
        for _ in range(per_point):
            epoch, position = divmod(step, per_epoch)
            order = row_orders(seed, epoch, 1, count)[:, position * batch : (position + 1) * batch]
            rate = low * growth ** (step + 1)
            table = update.rule.table(step + 1, np.array([rate / update.rule.learning_rate]))
            if not session.train(rows, np.ascontiguousarray(order), batch, table, step).finite:
                return found
            step += 1
        with np.errstate(all="ignore"):  # a network that has just blown up
            value = evaluate_loss(plan, session.predict(watched.x), watched)
        if not np.isfinite(value):
            return found
        found[point] = value
    return found


def _constant_loss(plan: Plan, rows: Rows, watched: Rows) -> float:
    """The loss of always saying the mean, or the shares of the classes."""
    assert rows.y is not None
    if rows.y.ndim == 1:
        width = plan.slot(plan.output).width
        said = np.bincount(rows.y.astype(np.int64), minlength=width) / len(rows)
    else:
        said = rows.y.astype(np.float64).mean(axis=0)
    return evaluate_loss(plan, np.tile(said, (len(watched), 1)).astype(rows.x.dtype), watched)


def _judged(rule: str, rates: Floats, losses: Floats, constant: float) -> RangeTest:
    """What the curves say."""
    smooth = np.array([_smoothed(curve) for curve in losses])
    steepest, largest, reason = _verdict(rates, smooth, constant)
    return RangeTest(rule, read_only(rates), read_only(smooth), constant, steepest, largest, reason)


def _verdict(rates: Floats, smooth: Floats, constant: float) -> tuple[float | None, float | None, str | None]:
    together = int(np.isfinite(smooth).all(axis=0).sum())
    if together < _SMOOTH:
        return None, None, f"training diverges at the lowest rates already (about {rates[together]:.2g}): lower `low`"
    curves = smooth[:, :together]
    mean = curves.mean(axis=0)
    best = int(mean.argmin())
    error = float(curves[:, best].std(ddof=1)) / np.sqrt(len(curves))
    if mean[0] - mean[best] <= _CERTAIN * error or best == 0:
        return (
            None,
            None,
            f"the loss falls at no rate from {rates[0]:.2g} to {rates[-1]:.2g} by more than the seeds differ",
        )
    if mean[best] > constant - _CERTAIN * error:
        return None, None, (
            f"in so few steps no rate leads below the loss of a constant prediction ({mean[best]:.4g} against "
            f"{constant:.4g}): there is nothing to be learned from these columns, or more steps are needed"
        )  # fmt: skip
    each = [_steepest(curve, constant) for curve in curves]
    apart = rates[max(each)] / rates[min(each)]
    if apart > _APART:
        return None, None, (
            f"the seeds disagree: the loss falls fastest at {rates[min(each)]:.2g} for one and at "
            f"{rates[max(each)]:.2g} for another; more rows, more seeds or larger batches may help"
        )  # fmt: skip
    steepest = float(rates[_steepest(mean, constant)])
    if best == len(rates) - 1:
        return steepest, None, "the loss still falls at the highest rate tried: raise `high`"
    return steepest, float(rates[best]), None


def _steepest(curve: Floats, constant: float) -> int:
    """Where the curve falls fastest before its lowest point (the rates grow by one factor, so per step is per factor).
    Above the loss of a constant prediction a fall only puts the first weights right, and does not count."""
    end = max(int(curve.argmin()), 1)
    return int(np.diff(np.minimum(curve[: end + 1], constant)).argmin()) + 1


def _smoothed(curve: Floats) -> Floats:
    """The centred mean of neighbouring measurements; shorter at both ends. Losses far above the start are cut off, so
    that the explosion at the end does not reach back."""
    finite = np.isfinite(curve)
    count = int(finite.sum())
    if not count:
        return curve
    top = max(_FAR * abs(curve[0]), curve[0] + 1.0)
    known = np.minimum(curve[:count], top)
    result = curve.copy()
    for i in range(count):
        half = min(_SMOOTH // 2, i, count - 1 - i)
        result[i] = known[i - half : i + half + 1].mean()
    return result
