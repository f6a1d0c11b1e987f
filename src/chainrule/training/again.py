"""Making the steps of a training again: row orders, tables and draws are addressed by the step, so they come out the same."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np

from chainrule.engines.base import Rows, Session
from chainrule.shapes import Array, Ints
from chainrule.training.diverged import Failure as Failure
from chainrule.training.diverged import first_not_finite
from chainrule.training.loop import Settings
from chainrule.training.orders import row_orders


@dataclass(frozen=True, eq=False)
class Advanced:
    """How far it went: the steps made in all, and the rows of the batch whose loss was not finite (None where all were)."""

    done: int
    failed: Ints | None


def steps_per_epoch(count: int, settings: Settings) -> tuple[int, int]:
    """The rows of a batch, and the steps of an epoch."""
    batch = min(settings.batch_size or count, count)
    return batch, -(-count // batch)


def order_of(settings: Settings, epoch: int, count: int) -> Ints:
    """The order of the rows in an epoch (from 0)."""
    batch, _ = steps_per_epoch(count, settings)
    order: Ints = row_orders(settings.seed if settings.shuffle and batch < count else None, epoch, 1, count)[0]
    return order


def batch_of(settings: Settings, step: int, count: int) -> Ints:
    """The rows of a step (from 0)."""
    batch, per_epoch = steps_per_epoch(count, settings)
    epoch, position = divmod(step, per_epoch)
    return order_of(settings, epoch, count)[position * batch : (position + 1) * batch]


def multiplier_of(settings: Settings, step: int, rows: Rows) -> float:
    """What the schedule multiplies the learning rate by in a step, counted from 0."""
    _, per_epoch = steps_per_epoch(len(rows), settings)
    return float(settings.schedule.at(np.array([step]), settings.epochs * per_epoch, per_epoch)[0])


def advance(session: Session, rows: Rows, settings: Settings, done: int, until: int) -> Advanced:
    """Make the steps from `done` (made before) up to `until`, or up to the first whose loss is not finite."""
    count = len(rows)
    batch, per_epoch = steps_per_epoch(count, settings)
    while done < until:
        epoch, position = divmod(done, per_epoch)
        order = order_of(settings, epoch, count)[position * batch :]
        part = order[: min(per_epoch - position, until - done) * batch]
        steps = -(-len(part) // batch)
        multipliers = settings.schedule.at(np.arange(done, done + steps), settings.epochs * per_epoch, per_epoch)
        made = session.train(rows, part[None, :], batch, settings.update.rule.table(done + 1, multipliers), done)
        if not made.finite:
            failed = len(made.losses) - 1
            return Advanced(done + failed, part[failed * batch : (failed + 1) * batch])
        done += steps
    return Advanced(done, None)


def walk(
    session: Session, rows: Rows, settings: Settings, last: int, seconds: float
) -> tuple[list[tuple[int, Array]], Failure | None]:
    """(steps made, θ) after 0, 1, 2, 4, 8, … steps, at most up to the step `last` or until the time is over, and the first
    number that was not finite on the way."""
    began = time.perf_counter()
    found = [(0, session.export()[0])]
    done, until = 0, 1
    while done < last and time.perf_counter() - began < seconds:
        until = min(until, last)
        made = advance(session, rows, settings, done, until)
        done = made.done
        if made.failed is not None:
            return found, failure(session, rows, settings, done, made.failed)
        theta = session.export()[0]
        found.append((done, theta))
        until = done * 2
    return found, None


def failure(session: Session, rows: Rows, settings: Settings, step: int, index: Ints) -> Failure:
    """What was not finite in a step (from 0) over the rows `index`, from its replay with the weights it began with."""
    _, per_epoch = steps_per_epoch(len(rows), settings)
    return Failure(step + 1, step // per_epoch + 1, first_not_finite(session.trace(rows, index, step)))
