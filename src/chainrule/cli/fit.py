"""`chainrule fit`: a data file in, a trained model out."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import click

from chainrule import archive
from chainrule.card import note_lines, score_lines, weights_line
from chainrule.cli import options, output
from chainrule.data.files import read_table
from chainrule.data.fit_encoder import SCALES
from chainrule.data.table import Table, counted
from chainrule.errors import ChainruleError, ChainruleWarning
from chainrule.explain.model import explain_one
from chainrule.fit import check_settings
from chainrule.fit import fit as fit_table
from chainrule.model import Model
from chainrule.report import report

the_network, the_training = options.under("The network"), options.under("The training")
the_rows, the_report = options.under("The rows"), options.under("The report")


@click.command(cls=options.Command)
@click.argument("data", type=click.Path())
@options.targets
@click.option("--out", type=click.Path(), help="Where to save the model; by default the data's name with .model.")
@click.option(
    "--preset", default="auto",
    help="fast, default or best: settings that were measured together decide what is left open; or none. [default, unless "
    "the network or its training is described]",
)  # fmt: skip
@the_network("--network", help="Widths of the hidden layers, such as 64-32.")
@the_network("--activation", default="auto", help="The activation of the hidden layers [relu].")
@the_network("--dropout", type=float, help="The share of hidden units silenced in every training step [0].")
@the_network("--loss", help="The loss; by default the one that belongs to the task.")
@the_training("--optimizer", help="The update rule, or lbfgs [adam].")
@the_training("--learning-rate", type=float, help="By default the rule's own.")
@the_training("--schedule", help="How the learning rate changes [constant].")
@the_training("--epochs", type=int, help="At most so many passes over the rows [200].")
@the_training("--batch-size", default="auto", show_default=True, help="Rows per step, 'auto' or 'full'.")
@the_training("--patience", type=int, help="Epochs to wait for a better validation loss [20].")
@the_rows("--validation", type=float, help="The share of rows watched for stopping [0.1].")
@the_rows("--test", type=float, help="The share of rows kept away for the score [0.2, or folds where rows are few].")
@the_training("--l1", type=float, default=0.0, help="Strength of the L1 penalty on weights.")
@the_training("--l2", default="auto", show_default=True, help="Strength of the L2 penalty on weights.")
@the_training("--clip-norm", type=float, help="Shrink gradients that are longer than this.")
@the_training("--class-weight", type=click.Choice(["balanced"]), help="Weigh rare classes up.")
@the_training("--metric", "metrics", multiple=True, help="A further metric to record after every epoch.")
@the_rows("--task", help="regression, classification or multilabel, where the target could be either.")
@the_rows("--keep", multiple=True, metavar="COLUMN", help="Insist on a column that would be left out.")
@the_rows("--drop", multiple=True, metavar="COLUMN", help="Leave a column out.")
@the_rows("--date-parts", multiple=True, metavar="COLUMN", help="Use a date column as year, month, weekday, days.")
@the_rows("--scale", default="auto", help=f"{', '.join(SCALES)} or none: how numbers enter [standard].")
@the_rows("--missing-target", type=click.Choice(["error", "drop"]), default="error", help="Rows without a target.")
@the_training("--time", "time_budget", help="Stop after this time, such as 90s, 2m or 1h.")
@the_training("--seed", type=int, default=0, show_default=True, help="The same seed gives the same model.")
@the_training("--dtype", type=click.Choice(["float32", "float64"]), default="float32", show_default=True)
@the_training("--engine", default="auto", show_default=True, help="auto, native or reference.")
@the_training("--jobs", "n_jobs", type=int, help="At most so many threads.")
@the_training("--run", type=click.Path(), help="A folder that keeps what is needed to resume and to explain any step.")
@the_training(
    "--resume", is_flag=True, help="Go on with the run in --run, to the same bits as if it had never stopped."
)
@the_report("--no-report", is_flag=True, help="Write no report beside the model.")
@the_report("--no-rows", is_flag=True, help="Keep rows, categories and class labels out of the report.")
@click.option("--quiet", "-q", is_flag=True, help="No progress and no story; errors only.")
@options.reading
@options.as_json
def fit(
    data: str, targets: tuple[str, ...], out: str | None, as_json: bool, quiet: bool, no_report: bool, no_rows: bool,
    **asked: Any,
) -> None:  # fmt: skip
    """Train a network on a table, save it, and write a report beside it (NAME.report.html).

    DATA is a .csv, .tsv, .parquet, .feather or .arrow file. Column types are found, missing values and categories handled,
    and every choice is said. The score comes from rows that were never trained on.
    """
    path = Path(out) if out else Path(Path(data).name.split(".")[0] + ".model")
    options.check_out(path, (data,), refused=(*options.TEXTS, *options.BINARIES), usual=".model")
    archive.check_writable(path)
    reading = options.reading_of(asked)
    batch = asked.pop("batch_size")
    asked["batch_size"] = {"auto": "auto", "full": None}.get(batch, int(batch) if batch.isdigit() else batch)
    asked["l2"] = "auto" if asked["l2"] == "auto" else options.number("--l2", asked["l2"])
    asked["time_budget"] = options.seconds(asked["time_budget"])
    for setting in ("preset", "scale"):
        asked[setting] = None if asked[setting] == "none" else asked[setting]
    check_settings(**asked)
    table = read_table(data, **reading)
    if not quiet:
        output.say(f"{table.source}: {table.row_count} rows, {len(table.columns)} columns")
    target = options.one_or_more(targets)
    with output.progress_bar(quiet) as progress, warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".* left out: ", ChainruleWarning)  # told with the other choices
        model = fit_table(table, target, progress=progress, expect=None if quiet else _expect, reading=reading, **asked)
    model.save(path)
    page = None if no_report else _report(model, table, path, rows=not no_rows)
    if as_json:
        output.data(
            {"model": str(path), "report": page and str(page), "card": model.card, "history": model.history.to_dict()}
        )
    elif not quiet:
        _tell(model, path, page, table)
    if model.card["algorithm"]["stopped"] == "interrupted":
        output.say(f"interrupted: the best weights so far are saved in {path}")
        raise click.exceptions.Exit(130)


def _expect(seconds: float) -> None:
    if seconds >= 1.0:
        output.say(f"training will take about {output.duration(seconds)}")


def _report(model: Model, table: Table, path: Path, *, rows: bool) -> Path | None:
    """The report beside the model; a report that fails does not lose a model that is saved."""
    try:
        return report(model, table, path.with_suffix(".report.html"), rows=rows, command=options.typed())
    except ChainruleError as reason:
        output.say(f"The report could not be written: {reason}")
        return None


def _tell(model: Model, path: Path, page: Path | None, table: Any) -> None:
    """What happened, for a reader."""
    card = model.card
    algorithm = card["algorithm"]
    if card["notes"]:
        output.say("\nChoices made (stored in the model; options change them)")
        output.say(options.as_options("\n".join(note_lines(card["notes"]))))
    output.say("\nTraining")
    output.say(f"  {card['model']['inputs']} inputs → {' → '.join(card['model']['layers'])}")
    stopped = "" if algorithm["stopped"] == "epochs" else f" ({algorithm['stopped']})"
    output.say(
        f"  {algorithm['optimizer']}, {counted(algorithm['epochs_trained'], 'epoch')}{stopped}, "
        f"{weights_line(algorithm)}, on {card['data']['trained_on']} rows"
    )
    if card["objective"]["advice"]:
        output.say(f"  advice: {card['objective']['advice']}")
    output.say("\nScore")
    output.say("\n".join(score_lines(card["score"])))
    output.say(f"\nSaved to {path}" + (f"; the report: {page}" if page else ""))
    try:
        explanation, question = explain_one(model, table)
    except ChainruleError as reason:  # an explanation that fails must not lose the story of a model that is saved
        output.say(f"\nThe explanation of one weight failed: {reason}")
        return
    output.say(f"\nWhy? One weight's gradient, for one row (chainrule explain {path} {table.source} {question})")
    output.say(str(explanation))
