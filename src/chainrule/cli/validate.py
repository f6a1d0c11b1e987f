"""`chainrule cross-validate` and `chainrule ensemble`: how good settings are, and whether several networks do better."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from chainrule.archive import check_writable
from chainrule.card import score_lines
from chainrule.cli import assignments, options, output
from chainrule.data.files import read_table
from chainrule.errors import ChainruleWarning
from chainrule.scoring import Score
from chainrule.tuning import cross_validate as validate_table
from chainrule.tuning import fit_ensemble

Found = TypeVar("Found")


@click.command("cross-validate")
@click.argument("data", type=click.Path())
@options.targets
@click.option("--folds", type=int, default=5, show_default=True, help="Into how many parts the rows are divided.")
@click.option("--metric", "metrics", multiple=True, help="A metric in place of the usual ones; repeat for several.")
@click.option("--seed", type=int, default=0, show_default=True, help="The same seed gives the same folds and networks.")
@assignments.fixed
@options.reading
@options.as_json
def cross_validate(data: str, targets: tuple[str, ...], as_json: bool, fixed: dict[str, Any], **asked: Any) -> None:
    """Measure settings: every row is predicted by a network that was trained on the other folds."""
    found = _of_file(validate_table, data, targets, fixed, asked)
    if as_json:
        scores = {one.metric: {**one.to_dict(), "folds": list(found.per_fold[one.metric])} for one in found.scores}
        output.data({"task": found.task, "rows": len(found.rows), "metrics": scores})
        return
    method = {"method": "folds", "folds": len(next(iter(found.per_fold.values()))), "rows": len(found.rows)}
    click.echo("\n".join(_shown(found.scores, method)))
    click.echo("  fold by fold")
    for name, values in found.per_fold.items():
        click.echo(f"  {name}: " + ", ".join(f"{value:.4g}" for value in values))


@click.command()
@click.argument("data", type=click.Path())
@options.targets
@click.option("--members", type=int, default=5, show_default=True, help="How many networks.")
@click.option("--test", type=float, default=0.2, show_default=True, help="The share of rows that no network sees.")
@click.option("--seed", type=int, default=0, show_default=True, help="The seed of the first; the others count on.")
@click.option("--out", type=click.Path(), help="The folder for the models; by default the data's name with .ensemble.")
@assignments.fixed
@options.reading
@options.as_json
def ensemble(
    data: str, targets: tuple[str, ...], out: str | None, as_json: bool, fixed: dict[str, Any], **asked: Any
) -> None:
    """Train several networks on the same rows and save them in a folder; their mean answers (`chainrule predict FOLDER`)."""
    folder = Path(out) if out else Path(Path(data).name.split(".")[0] + ".ensemble")
    check_writable(folder)
    found = _of_file(fit_ensemble, data, targets, fixed, asked)
    found.save(folder)
    rows = found.members[0].card["score"]["rows"]
    if as_json:
        scores = {one.metric: one.to_dict() for one in found.scores}
        output.data({"folder": str(folder), "members": len(found.members), "rows": rows, "metrics": scores})
        return
    output.say(f"{len(found.members)} networks; 'network' is their mean")
    output.say("\n".join(_shown(found.scores, {"method": "held out", "rows": rows})))
    output.say(f"Saved to {folder}")


def _of_file(
    train: Callable[..., Found], data: str, targets: tuple[str, ...], fixed: dict[str, Any], asked: dict[str, Any]
) -> Found:
    """What a function of `tuning` makes of a file and the options of its command."""
    reading = options.reading_of(asked)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".* left out: ", ChainruleWarning)
        table = read_table(data, **reading)
        return train(table, options.one_or_more(targets), reading=reading, **assignments.merged(asked, fixed))


def _shown(scores: tuple[Score, ...], method: dict[str, Any]) -> list[str]:
    return score_lines({**method, "metrics": {one.metric: one.to_dict() for one in scores}, "verdict": None})
