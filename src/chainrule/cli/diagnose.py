"""`chainrule diagnose`: what is wrong with a network, shown and, with --cure, cured."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from chainrule.cli import options, output
from chainrule.diagnostics import cure as try_cure
from chainrule.diagnostics import diagnose as diagnose_subject
from chainrule.model import load


@click.command()
@click.argument("subject", metavar="MODEL|RUN", type=click.Path())
@click.argument("data", required=False, type=click.Path())
@click.option("--target", "-t", "targets", multiple=True, help="The target column, where the model does not say it.")
@click.option("--validation", type=click.Path(), help="A file of further rows to be held against those of training.")
@click.option("--cure", is_flag=True, help="Train again with the first remedy and say whether it helped.")
@options.as_json
def diagnose(
    subject: str, data: str | None, targets: tuple[str, ...], validation: str | None, cure: bool, as_json: bool
) -> None:
    """Say what ails a network: a verdict, ranked findings, each with its evidence and a remedy.

    MODEL is a model file, RUN the folder of a run, also of one that diverged. DATA are the rows it was trained on; without
    them the file named in the model or run is read. Other rows are held against those of training.
    """
    kind: Any = subject if Path(subject).is_dir() else load(subject)
    found = diagnose_subject(kind, data if data or Path(subject).is_dir() else kind.card["data"]["source"],
                             list(targets) or None, validation=validation)  # fmt: skip
    tried = try_cure(found) if cure else None
    if as_json:
        output.data({**found.to_dict(), "cure": None if tried is None else tried.to_dict()})
        return
    click.echo(found.to_text())
    if cure:
        click.echo(f"\nCure\n  {tried}" if tried is not None else "\nCure\n  there is nothing to try")
