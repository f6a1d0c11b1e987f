"""Commands of the course: worked examples, boolean functions, exercises, marking, recap questions."""

from __future__ import annotations

import click

from chainrule.cli import options, output
from chainrule.course import document
from chainrule.course.errata import errata
from chainrule.course.walk import Walk
from chainrule.threshold import BooleanFunction, learn, separate


@click.command()
@click.argument("name", required=False)
@click.argument("file", required=False, type=click.Path())
@options.as_json
def example(name: str | None, file: str | None, as_json: bool) -> None:
    """Work through an example of the lectures, and compare every printed number with the true one.

    \b
    chainrule example                       lists all examples
    chainrule example NAME                  works through one
    chainrule example check my-lecture.toml does the same for your own lecture
    chainrule example errata                everything known to be wrong or loose on the slides
    """
    if name is None:
        _list(as_json)
    elif name == "errata":
        _errata(as_json)
    else:
        if name == "check" and file is None:
            raise click.UsageError("Which file? chainrule example check my-lecture.toml")
        walk = Walk(document.load_toml(str(file)) if name == "check" else document.load(name))
        if as_json:
            output.data(walk.to_dict())
        else:
            click.echo("\n".join(walk.lines()))


def _list(as_json: bool) -> None:
    examples = [document.load(name) for name in document.names()]
    if as_json:
        output.data([{"name": one.name, "kind": one.kind, "title": one.title} for one in examples])
        return
    width = max(len(one.name) for one in examples)
    for one in examples:
        click.echo(f"{one.name.ljust(width)}  {one.title}")


def _errata(as_json: bool) -> None:
    if as_json:
        output.data([vars(one) for one in errata()])
        return
    before = ""
    for one in errata():
        if one.document != before:
            before = one.document
            click.echo(("" if one is errata()[0] else "\n") + before)
        for line in one.lines():
            click.echo(f"  {line}")


@click.command()
@click.argument("function")
@click.option("--inputs", type=int, help="How many inputs; 2 by default.")
@options.as_json
def boolean(function: str, inputs: int | None, as_json: bool) -> None:
    """Can one perceptron compute a boolean function? Weights, or the proof that there are none; and how it learns.

    FUNCTION is AND, OR, NAND, NOR, XOR, XNOR, NOT, or the outputs of a truth table, such as 0110.
    """
    wanted = BooleanFunction.named(function, inputs)
    found, run = separate(wanted), learn(wanted)
    if as_json:
        output.data({
            "outputs": wanted.outputs,
            "possible": found.possible,
            "weights": getattr(found, "weights", None),
            "multipliers": getattr(found, "multipliers", None),
            "learning": {"converged": run.converged, "mistakes": run.mistakes, "weights": run.weights, "cycle": run.cycle},
        })  # fmt: skip
        return
    click.echo("\n".join([*found.lines(), "", "The perceptron learning algorithm, from zero weights:", *run.lines(8)]))
