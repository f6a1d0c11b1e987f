"""Commands of the course: worked examples, boolean functions, exercises, marking, recap questions."""

from __future__ import annotations

import inspect
import re
from collections import Counter
from typing import Literal

import click

from chainrule.cli import options, output
from chainrule.course import document, recap, rounding, sheets
from chainrule.course.answer_files import mark_file
from chainrule.course.demonstrations import DEMONSTRATIONS
from chainrule.course.derivations import DERIVATIONS
from chainrule.course.errata import errata
from chainrule.course.exercises import TOPICS, exercises
from chainrule.course.lesson import explained, lesson, notation_of
from chainrule.course.marking import WRONG, Mark, Marked
from chainrule.course.scenes import columns
from chainrule.course.symbols import symbol
from chainrule.course.walk import Walk
from chainrule.data.table import counted
from chainrule.errors import ChainruleError, unknown_name
from chainrule.explain.by_hand import by_hand
from chainrule.explain.derive import Form
from chainrule.explain.digits import shown
from chainrule.explain.player import write_player
from chainrule.threshold import BooleanFunction, learn, separate


@click.command()
@click.argument("name", required=False)
@click.argument("file", required=False, type=click.Path())
@click.option("--of", help="Derive one number of a worked network, such as w5, 'W2[0,1]', 'net(h1)' or loss.")
@click.option(
    "--form",
    type=click.Choice(["factors", "delta", "paths", "matrix"]),
    default="factors",
    show_default=True,
    help="Of --of; matrix is for a whole W1 or z1.",
)
@click.option("--notation", help="Of --of: a name or a .toml file; by default that of the lecture.")
@click.option("--latex", is_flag=True, help="With --of: print LaTeX.")
@click.option(
    "--html", type=click.Path(), help="With --of: also write a page that steps through it (one file, offline)."
)
@click.option("--decimals", type=int, help="Calculate like a hand that rounds every number to so many decimals.")
@click.option("--digits", type=int, help="The same, to so many significant digits.")
@click.option("--blank", is_flag=True, help="The table to fill in, without the numbers.")
@options.as_json
def example(
    name: str | None,
    file: str | None,
    of: str | None,
    form: Form | Literal["matrix"],
    notation: str | None,
    latex: bool,
    html: str | None,
    decimals: int | None,
    digits: int | None,
    blank: bool,
    as_json: bool,
) -> None:
    """Work through an example of the lectures, and compare every printed number with the true one.

    \b
    chainrule example                       lists all examples
    chainrule example NAME                  works through one
    chainrule example NAME --of w5          derives one number of its network, in the lecture's notation
    chainrule example check my-lecture.toml does the same for your own lecture
    chainrule example errata                everything known to be wrong or loose on the slides
    """
    by_hand_too = decimals is not None or digits is not None
    if name is None:
        _list(as_json)
    elif name == "errata":
        _errata(as_json)
    elif of is not None:
        if form == "matrix":
            if html or by_hand_too:
                raise click.UsageError(
                    "--html, --decimals and --digits explain one number; --form matrix shows whole ones."
                )
            whole = explained(name, of, form=form, notation=notation)
            if as_json:
                output.data(whole.to_dict())
            else:
                click.echo(whole.to_latex() if latex else str(whole))
            return
        found = explained(name, of, form=form, notation=notation)
        if html:
            write_player(html, lesson(name), of, form=form, notation=notation or notation_of(name))
            output.say(f"step by step: {html}")
        if by_hand_too:
            hand = by_hand(found, decimals=decimals, digits=digits)
            if as_json:
                output.data(hand.to_dict())
            else:
                click.echo(str(hand))
        elif as_json:
            output.data(found.to_dict())
        else:
            click.echo(found.to_latex() if latex else str(found))
    else:
        if name == "check" and file is None:
            raise click.UsageError("Which file? chainrule example check my-lecture.toml")
        walk = Walk(document.load_toml(str(file)) if name == "check" else document.load(name))
        if as_json:
            output.data(walk.to_dict())
        elif blank:
            click.echo("\n".join(walk.blank()))
        elif by_hand_too:
            click.echo("\n".join(rounding.table(walk.example, decimals, digits=digits)))
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


@click.command()
@click.option(
    "--topic", type=click.Choice([*TOPICS, "recap"]), default="hidden-gradient", show_default=True,
    help="What is to be calculated; recap asks questions.",
)  # fmt: skip
@click.option("--network", default="2-2-1", show_default=True, help="Units per layer: inputs, hidden, outputs.")
@click.option("--seed", type=int, default=0, show_default=True, help="The same seed gives the same problems.")
@click.option("--count", type=int, default=1, show_default=True, help="How many problems; all are different.")
@click.option("--solutions", is_flag=True, help="With every number and how it comes about.")
@click.option(
    "--format", "form", type=click.Choice(["text", "latex", "html", "toml"]), default="text", show_default=True,
    help="toml is a blank answer sheet for `chainrule mark`.",
)  # fmt: skip
@options.as_json
def exercise(topic: str, network: str, seed: int, count: int, solutions: bool, form: str, as_json: bool) -> None:
    """Problems for a class: different numbers for everyone, easy to calculate by hand, with blank tables or solutions."""
    if topic == "recap":
        if as_json:
            output.data(
                [{"blank": q.blank, "answers": q.answers, "also": q.also, "why": q.reason} for q in recap.QUESTIONS]
            )
        else:
            click.echo(recap.as_text(solutions=solutions))
        return
    made = exercises(topic, network, seed=seed, count=count)
    if as_json:
        output.data([
            {
                "number": one.number, "topic": topic, "network": network, "seed": seed, "given": dict(one.example.given),
                "asked": one.asked,
                "solution": [{"name": j.quantity.name, "expr": j.quantity.expr, "value": j.true} for j in one.solution],
            }
            for one in made
        ])  # fmt: skip
    elif form == "latex":
        click.echo(sheets.as_latex(made, solutions=solutions), nl=False)
    elif form == "html":
        click.echo(sheets.as_html(made, solutions=solutions), nl=False)
    elif form == "toml":
        click.echo(sheets.answer_sheet(made), nl=False)
    else:
        click.echo(sheets.as_text(made, solutions=solutions))


@click.command()
@click.argument("answers", type=click.Path())
@options.as_json
def mark(answers: str, as_json: bool) -> None:
    """Mark solutions: the first wrong number of each, and the slip that made it.

    ANSWERS is an answer sheet (chainrule exercise --format toml prints a blank one), or a folder of them: a whole class.
    """
    refused: list[ChainruleError] = []
    marked = mark_file(answers, refused)
    (_told_json if as_json else _told)(marked)
    for reason in refused:
        click.echo(f"not marked: {reason}", err=True)
    if refused:
        raise SystemExit(3)


def _told_json(marked: list[Marked]) -> None:
    output.data(
        [
            {"who": one.who, "problem": one.problem, "first_wrong": one.first and one.first.name,
             "slip": one.first and one.first.slip, "what": one.first and one.first.what,
             "marks": [vars(m) for m in one.marks]}
            for one in marked
        ]
    )  # fmt: skip


def _told(marked: list[Marked]) -> None:
    rows = []
    for one in marked:
        first = one.first
        told = ["", "", "", ""] if first is None else [symbol(first.name), first.answer, _beside(first), first.slip]
        rows.append([one.who, one.problem, f"{sum(m.verdict != WRONG for m in one.marks)} of {len(one.marks)}", *told])
    for line in columns(["who", "problem", "right", "first wrong", "answer", "true", "slip"], rows):
        click.echo(line)
    slipped = [(one, one.first) for one in marked if one.first]
    click.echo("")
    blank = sum(not one.marks for one in marked)
    said = f"{counted(len(marked), 'solution')}, {len(marked) - len(slipped) - blank} without a slip"
    click.echo(said + (f", {blank} blank" if blank else ""))
    for slip, n in Counter(first.slip for _, first in slipped).most_common():
        click.echo(f"  {n} × {slip}")
    for one, first in slipped:
        who = f"{one.who}, {one.problem}: " if len(marked) > 1 else ""
        click.echo(f"{who}{symbol(first.name)}: {first.what}")


def _beside(mark: Mark) -> str:
    """The true value with as many digits as the answer has."""
    return shown(mark.true, max(len(re.sub(r"[eE].*|\D", "", mark.answer).lstrip("0")), 3))


@click.command()
@click.argument("name", required=False)
@options.as_json
def demonstrate(name: str | None, as_json: bool) -> None:
    """Show a statement of the lectures: a race of activations, a curve approximated, overfitting and its cures, …

    Without a name: the list. "derive-sigmoid" and the like are derivations line by line.
    """
    derivations = {f"derive-{key}": one for key, one in DERIVATIONS.items()}
    if name is None:
        about = {key: (show.__doc__ or "").split("\n")[0] for key, show in DEMONSTRATIONS.items()}
        about.update({key: one.title for key, one in derivations.items()})
        if as_json:
            output.data(about)
        else:
            for key, text in about.items():
                click.echo(f"{key.ljust(16)}  {text}")
        return
    if name not in DEMONSTRATIONS and name not in derivations:
        raise unknown_name("demonstration", name, [*DEMONSTRATIONS, *derivations])
    if name in derivations:
        text = "\n".join(derivations[name].text())
    else:
        text = inspect.cleandoc(DEMONSTRATIONS[name].__doc__ or "") + "\n\n" + DEMONSTRATIONS[name]()
    if as_json:
        output.data({"name": name, "lines": text.splitlines()})
    else:
        click.echo(text)
