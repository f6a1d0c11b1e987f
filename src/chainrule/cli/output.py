"""What the command line says and where: data on stdout, messages and progress on stderr."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from chainrule.plain import plain
from chainrule.training.loop import EpochEnd


def say(text: str = "") -> None:
    """A message for the person in front of the terminal."""
    click.echo(text, err=True)


def data(value: Any) -> None:
    """A result for a program: JSON on stdout; numbers that JSON does not know become null."""
    click.echo(json.dumps(plain(value), indent=2, ensure_ascii=False))


@contextmanager
def progress_bar(quiet: bool) -> Iterator[Callable[[EpochEnd], None] | None]:
    """A bar on stderr with the epoch, the losses and the time left; one line in ten seconds where stderr is no terminal."""
    if quiet:
        yield None
        return
    from chainrule.diagnostics.watch import Watch

    watch, console = Watch(), Console(stderr=True)
    if not console.is_terminal:
        yield _lines(watch)
        return
    bar_width = min(28, console.width - 72)  # the words come first where the terminal is narrow
    columns = (
        TextColumn("{task.description}"), *([BarColumn(bar_width=bar_width)] if bar_width > 3 else []),
        TextColumn("{task.fields[losses]}"), TextColumn("{task.fields[left]}"),
    )  # fmt: skip
    began = time.monotonic()
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("training", total=None, losses="", left="")

        def show(event: EpochEnd) -> None:
            done = time.monotonic() - began
            left = done / event.epoch * (event.epochs - event.epoch)
            bar.update(
                task, total=event.epochs, completed=event.epoch, description=f"epoch {event.epoch}/{event.epochs}",
                losses=_losses(event, watch), left=f"≤ {duration(left)} left",
            )  # fmt: skip

        yield show


def _lines(watch: Callable[[EpochEnd], str]) -> Callable[[EpochEnd], None]:
    last = [time.monotonic()]

    def show(event: EpochEnd) -> None:
        now = time.monotonic()
        if now - last[0] >= 10:
            last[0] = now
            say(f"epoch {event.epoch}/{event.epochs}  {_losses(event, watch)}")

    return show


def _losses(event: EpochEnd, watch: Callable[[EpochEnd], str]) -> str:
    layers = watch(event)
    validation = f"  validation {event.row['val_loss']:.4g}" if "val_loss" in event.row else ""
    return f"loss {event.row['loss']:.4g}{validation}" + (f"  {layers}" if layers else "")


def duration(seconds: float) -> str:
    """A time for a reader."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
