"""Commands that use a trained model: predict, evaluate, show, explain, report."""

from __future__ import annotations

import csv
import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import numpy as np

from chainrule.archive import check_writable, replace_file
from chainrule.card import as_text
from chainrule.cli import options, output
from chainrule.data.table import Note, Table
from chainrule.explain.model import explain as explain_model
from chainrule.explain.model import of_class, trace_of
from chainrule.explain.player import write_player
from chainrule.model import Model, load
from chainrule.report import report as write_report
from chainrule.shapes import Array
from chainrule.tuning import load_ensemble


def _read(model: Model, data: str, reading: dict[str, Any]) -> Table:
    """The file as a table, with what had to be adapted told on stderr."""
    table = model.read(data, **reading)
    _tell((*table.notes, *model.encoder.notes_on(table)))
    return table


def _loaded(model: str) -> tuple[Model, Callable[[Table], Array]]:
    """A model and what gives its outputs; of a folder with an ensemble its first member and the mean of all."""
    if Path(model).is_dir():
        found = load_ensemble(model)
        return found.members[0], found.outputs
    alone = load(model)
    return alone, alone.outputs


def _tell(notes: tuple[Note, ...]) -> None:
    for note in notes:
        output.say(f"note: {options.as_options(str(note))}")


@click.command(cls=options.Command)
@click.argument("model", type=click.Path())
@click.argument("data", type=click.Path())
@click.option("--out", type=click.Path(), help="A .csv file for the predictions; by default they go to stdout.")
@options.reading
@options.as_json
def predict(model: str, data: str, out: str | None, as_json: bool, **reading: Any) -> None:
    """Predict the rows of a file, in their order.

    The column `prediction` holds the answer, `probability_<class>` the probability of each class.
    """
    if out:
        options.check_out(Path(out), (model, data), refused=(*options.BINARIES, ".model"), usual=".csv")
        check_writable(out)
    trained, outputs_of = _loaded(model)
    table = _read(trained, data, reading)
    outputs = outputs_of(table)
    columns: dict[str, list[Any]] = {}
    answers = trained.answers(outputs)
    if answers.ndim == 1:
        columns["prediction"] = answers.tolist()
    else:
        for target, values in zip(trained.encoder.targets, answers.T, strict=True):
            columns[f"prediction_{target.name}"] = values.tolist()
    if trained.task != "regression" and trained.network.output_activation in ("sigmoid", "softmax"):
        labels = trained.classes or [target.name for target in trained.encoder.targets]
        for label, values in zip(labels, trained.probabilities(outputs).T, strict=True):
            columns[f"probability_{label}"] = values.tolist()
    if as_json:
        output.data(columns)
    if out:
        replace_file(out, [_as_csv(columns).encode()])
        output.say(f"{table.row_count} predictions written to {out}")
    elif not as_json:
        sys.stdout.write(_as_csv(columns))


def _as_csv(columns: dict[str, list[Any]]) -> str:
    import io

    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(zip(*columns.values(), strict=True))
    return text.getvalue()


@click.command(cls=options.Command)
@click.argument("model", type=click.Path())
@click.argument("data", type=click.Path())
@click.option("--metric", "metrics", multiple=True, help="A metric by name; by default the usual ones of the task.")
@options.reading
@options.as_json
def evaluate(model: str, data: str, metrics: tuple[str, ...], as_json: bool, **reading: Any) -> None:
    """Measure a model on rows whose target is known."""
    trained, outputs_of = _loaded(model)
    table = _read(trained, data, reading)
    scores = trained.scores(table, outputs_of(table), metrics)
    if as_json:
        output.data({**scores, "rows": table.row_count})
        return
    width = max(map(len, scores))
    click.echo(f"{table.row_count} rows of {table.source}")
    for name, value in scores.items():
        click.echo(f"  {name.ljust(width)}  {value:.6g}")


@click.command(cls=options.Command)
@click.argument("model", type=click.Path())
@options.as_json
def show(model: str, as_json: bool) -> None:
    """The card of a model: data, network, algorithm, objective, columns, score and the choices made."""
    trained = load(model)
    if as_json:
        output.data({"card": trained.card, "network": trained.network.describe(), "history": trained.history.to_dict()})
    else:
        click.echo(as_text(trained.card))


@click.command(cls=options.Command)
@click.argument("model", type=click.Path())
@click.argument("data", type=click.Path())
@click.option(
    "--of",
    "of",
    help="'W1[2,3]', 'a1[4]', 'delta1[4]', loss, or by columns: 'd price / d age'; by default the prediction.",
)
@click.option("--row", type=int, default=0, show_default=True, help="The row of the file, from 0.")
@click.option(
    "--form", type=click.Choice(["factors", "delta", "paths", "matrix"]), default="factors", show_default=True,
    help="How a gradient is taken apart; matrix is for a whole W1.",
)  # fmt: skip
@click.option("--notation", default="default", show_default=True, help="A name, such as cis678, or a .toml file.")
@click.option("--latex", is_flag=True, help="Print LaTeX to paste into a document that uses amsmath.")
@click.option("--html", type=click.Path(), help="Write a page that walks through it step by step (one file, offline).")
@options.reading
@options.as_json
def explain(
    model: str, data: str, of: str | None, row: int, form: str, notation: str, latex: bool, html: str | None, as_json: bool,
    **reading: Any,
) -> None:  # fmt: skip
    """Derive any number of the network for one row, with the numbers put in.

    A gradient needs the row's target in the file; a prediction, a net input or an activation does not.
    """
    trained = load(model)
    table = _read(trained, data, reading)
    if of is None:
        of = _prediction(trained, whole=form == "matrix")
    explanation = explain_model(trained, table, of=of, row=row, form=form, notation=notation)
    if html and form == "matrix":
        raise click.UsageError("--html walks through one number; --form matrix shows whole ones.")
    if html:
        trace = trace_of(trained, table, row)
        raw = trained.encoder.raw(table, np.array([row]))[0]
        asked = of_class(trained, trace, of)
        write_player(html, trace, asked, form=form, notation=notation, encoder=trained.encoder, raw=raw)
        output.say(f"{explanation.target} step by step: {html}")
    if as_json:
        output.data(explanation.to_dict())
    elif html:
        return
    elif latex:
        click.echo(explanation.to_latex())
    else:
        click.echo(str(explanation))


def _prediction(model: Model, *, whole: bool) -> str:
    """What is explained where nobody says it, with what else there is to ask for told on stderr."""
    weights = next(param.name for param in model.network.plan.params if len(param.shape) == 2)
    target, column = model.encoder.targets[0].name, model.encoder.input_names[0]
    if whole:
        of, others = model.network.plan.output, [weights]
    else:
        of = "prediction" if len(model.encoder.targets) == 1 else "prediction[0]"
        others = [f"{weights}[0,0]", f"d {target} / d {column}", "loss"]
    output.say(f"note: this is --of {of}; others: " + ", ".join(f"--of {shlex.quote(one)}" for one in others))
    return of


@click.command(cls=options.Command)
@click.argument("model", type=click.Path())
@click.argument("data", type=click.Path(), required=False)
@click.option("--out", type=click.Path(), help="The .html file; by default the model's name with .report.html.")
@click.option("--no-rows", is_flag=True, help="Keep rows, categories and class labels out of the file.")
@options.as_json
def report(model: str, data: str | None, out: str | None, no_rows: bool, as_json: bool) -> None:
    """Write the report of a model: its data, its score, what drives it, and why; one file that needs nothing else.

    DATA is the file it was trained on (found by itself where it still is), or other rows with the target.
    """
    path = Path(out) if out else Path(model).with_suffix(".report.html")
    refused = (*options.TEXTS, *options.BINARIES, ".model")
    options.check_out(path, tuple(one for one in (model, data) if one), refused=refused, usual=".html")
    check_writable(path)
    write_report(load(model), data, path, rows=not no_rows)
    output.say(f"the report: {path}")
    if as_json:
        output.data({"report": str(path)})
