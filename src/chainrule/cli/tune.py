"""`chainrule tune` and `chainrule learning-rate`: finding settings from the command line."""

from __future__ import annotations

import time as clock
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from chainrule import archive
from chainrule.card import note_lines, score_lines
from chainrule.cli import assignments, options, output
from chainrule.data.files import read_table
from chainrule.errors import ChainruleWarning
from chainrule.tuning import Progress, Tuned, learning_rate_range
from chainrule.tuning import tune as tune_table

_SHOWN = 20  # trials in the table on the screen; --json has all


@click.command()
@click.argument("data", type=click.Path())
@options.targets
@click.option("--time", "time", help="Search for this time, such as 90s, 10m or 1h; the last training comes on top.")
@click.option("--trials", type=int, help="How many settings to try [27 where no time is given].")
@click.option(
    "--search", type=click.Choice(["halving", "random"]), default="halving", show_default=True,
    help="halving: many trials for few epochs, the best third for three times as many. random: all to the end.",
)  # fmt: skip
@click.option(
    "--space", multiple=True, metavar="NAME=VALUES", callback=lambda *given: assignments.space(given[2]),
    help="What to search in place of the usual space: learning_rate=1e-4..1e-1, network=linear,16,64-32; repeat for several.",
)  # fmt: skip
@assignments.fixed
@click.option("--epochs", type=int, default=200, show_default=True, help="At most so many passes over the rows.")
@click.option(
    "--validation", type=float, default=0.2, show_default=True, help="The share of rows to compare trials on."
)
@click.option("--test", type=float, default=0.2, show_default=True, help="The share of rows that no trial sees.")
@click.option("--metric", "metrics", multiple=True, help="A further metric to record after every epoch.")
@click.option("--task", help="regression, classification or multilabel, where the target could be either.")
@click.option("--keep", multiple=True, metavar="COLUMN", help="Insist on a column that would be left out.")
@click.option("--drop", multiple=True, metavar="COLUMN", help="Leave a column out.")
@click.option("--class-weight", type=click.Choice(["balanced"]), help="Weigh rare classes up.")
@click.option("--seed", type=int, default=0, show_default=True, help="The same seed tries the same settings.")
@click.option("--jobs", "n_jobs", type=int, help="So many processes at once [one per core].")
@click.option("--run", type=click.Path(), help="A folder that keeps every result, to resume from.")
@click.option("--resume", is_flag=True, help="Go on with the search in --run.")
@click.option("--out", type=click.Path(), help="Where to save the model; by default the data's name with .model.")
@click.option("--quiet", "-q", is_flag=True, help="No progress and no table; errors only.")
@options.reading
@options.as_json
def tune(
    data: str,
    targets: tuple[str, ...],
    out: str | None,
    as_json: bool,
    quiet: bool,
    fixed: dict[str, Any],
    **asked: Any,
) -> None:
    """Search the settings of a network for a table, and save the best.

    Trials run at once on all cores. The model's score comes from rows that no trial was trained or compared on. Ctrl-C
    ends the search with the best so far.
    """
    path = Path(out) if out else Path(Path(data).name.split(".")[0] + ".model")
    options.check_out(path, (data,), refused=(*options.TEXTS, *options.BINARIES), usual=".model")
    archive.check_writable(path)
    reading = options.reading_of(asked)
    asked = assignments.merged(asked, fixed)
    asked["time"] = options.seconds(asked["time"])
    table = read_table(data, **reading)
    if not quiet:
        output.say(f"{table.source}: {table.row_count} rows, {len(table.columns)} columns")
    target = options.one_or_more(targets)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".* left out: ", ChainruleWarning)  # told with the other choices
        found = tune_table(table, target, reading=reading, progress=None if quiet else _line(), **asked)
    found.model.save(path)
    if as_json:
        output.data(
            {"model": str(path), "chosen": found.settings, "stopped": found.stopped, "statement": found.statement,
             "trials": found.trials, "card": found.model.card}
        )  # fmt: skip
    if not quiet:
        _tell(found, path)
    if found.stopped == "interrupted":
        raise click.exceptions.Exit(130)


def _line() -> Callable[[Progress], None]:
    """A line per new best trial, and one every few seconds."""
    last = [clock.monotonic(), -1]

    def show(progress: Progress) -> None:
        now = clock.monotonic()
        best = progress.best
        is_new = best is not None and best.number != last[1]
        if not is_new and progress.last.stopped != "killed" and now - last[0] < 5:
            return
        last[:] = [now, best.number if best else -1]
        of = f" of {progress.planned}" if progress.planned else ""
        left = f", {output.duration(progress.left)} left" if progress.left is not None else ""
        said = f"best {best.score:.4g} (trial {best.number})" if best else "none could be trained yet"
        output.say(f"{progress.done}{of} trainings, {said}{left}")
        if progress.last.stopped == "killed":
            output.say(f"  trial {progress.last.number} is lost: {progress.last.why}")

    return show


def _tell(found: Tuned, path: Path) -> None:
    output.say(f"\nTried ({found.stopped}), best first; the loss is that of the rows trials are compared on")
    output.say(f"  {'trial':>5}  {'loss':>9}  {'epochs':>6}  settings")
    for row in found.trials[:_SHOWN]:
        loss = "-" if row["score"] is None else f"{row['score']:.4g}"
        said = _settings(row["settings"]) if row["score"] is not None else f"{row['stopped']}: {row['why']}"
        output.say(f"  {row['trial']:>5}  {loss:>9}  {row['epochs']:>6}  {said}")
    if len(found.trials) > _SHOWN:
        output.say(f"  and {len(found.trials) - _SHOWN} more")
    if found.model.card["notes"]:
        output.say("\nChoices made (stored in the model; options change them)")
        output.say(options.as_options("\n".join(note_lines(found.model.card["notes"]))))
    output.say(f"\nChosen: {_settings(found.settings)}")
    output.say("\nScore")
    output.say("\n".join(score_lines(found.model.card["score"])))
    output.say(f"  {found.statement}")
    output.say(f"\nSaved to {path}")


def _settings(settings: dict[str, Any]) -> str:
    if not settings:
        return "the plain network of fit"
    shown = {
        name: "-".join(map(str, value)) or "linear" if isinstance(value, list) else value
        for name, value in settings.items()
    }
    return ", ".join(f"{name} {value}" for name, value in shown.items())


@click.command("learning-rate")
@click.argument("data", type=click.Path())
@options.targets
@click.option("--network", help="Widths of the hidden layers, such as 64-32.")
@click.option("--activation", default="relu", show_default=True, help="The activation of the hidden layers.")
@click.option("--loss", help="The loss; by default the one that belongs to the task.")
@click.option("--optimizer", default="adam", show_default=True, help="The update rule.")
@click.option("--task", help="regression, classification or multilabel, where the target could be either.")
@click.option("--low", type=float, default=1e-6, show_default=True, help="The lowest rate to try.")
@click.option("--high", type=float, default=10.0, show_default=True, help="The highest rate to try.")
@click.option("--steps", type=int, default=300, show_default=True, help="Training steps from one to the other.")
@click.option("--seeds", type=int, default=5, show_default=True, help="How often, each time from other first weights.")
@click.option("--seed", type=int, default=0, show_default=True, help="The same seed gives the same answer.")
@options.reading
@options.as_json
def learning_rate(data: str, targets: tuple[str, ...], as_json: bool, **asked: Any) -> None:
    """Find a learning rate: it grows while the loss of rows not trained on is watched."""
    reading = options.reading_of(asked)
    target = options.one_or_more(targets)
    found = learning_rate_range(read_table(data, **reading), target, **asked)
    if as_json:
        output.data(found.to_dict())
        return
    for rate, mean, spread in list(zip(found.rates, found.mean, found.spread, strict=True))[4::5]:
        output.say(f"  {rate:8.1e}  loss {mean:.4g} ± {spread:.2g}" if mean == mean else f"  {rate:8.1e}  diverged")
    click.echo(str(found))
