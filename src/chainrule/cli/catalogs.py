"""Commands about chainrule itself: the activations it knows, and the check that its mathematics holds here."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import click

from chainrule.calculus.activation import Activation
from chainrule.calculus.activations import activations as catalog
from chainrule.check import check as run_check
from chainrule.cli import options, output
from chainrule.explain.derivation import derivations
from chainrule.explain.digits import shown
from chainrule.explain.formula import written
from chainrule.explain.written import GREEK

PROPERTIES = (
    "name",
    "formula",
    "constants",
    "slope",
    "range",
    "continuity",
    "monotonic",
    "zero-centred",
    "saturates",
    "kinks",
)


@click.command()
@click.argument("names", nargs=-1)
@click.option("--derive", is_flag=True, help="Derive the slope from the formula, line by line.")
@options.as_json
def activations(names: tuple[str, ...], derive: bool, as_json: bool) -> None:
    """The cheat sheet of activation functions: formula, derivative, range, continuity and further properties."""
    records = [catalog.get(name) for name in (names or catalog.names())]
    if derive:
        _derive(records, as_json)
        return
    rows = [_facts(record) for record in records]
    if as_json:
        output.data(rows)
        return
    for row in rows:
        click.echo(row["name"])
        for name in PROPERTIES[1:]:
            if row[name] or name != "constants":
                click.echo(f"  {name.ljust(12)}  {_as_read(name, row[name])}")


def _as_read(name: str, fact: Any) -> str:
    """A fact as it is read: formulas as they are written by hand, yes and no."""
    if name in ("formula", "slope"):
        return written(fact, lambda symbol: GREEK.get(symbol, symbol))
    if name == "constants":
        return ", ".join(f"{GREEK.get(key, key)} = {shown(value)}" for key, value in fact.items())
    return str(fact) if not isinstance(fact, bool) else "yes" if fact else "no"


def _derive(records: Sequence[Activation], as_json: bool) -> None:
    found = [one for record in records for one in derivations(record)]
    if as_json:
        output.data([asdict(one) for one in found])
    else:
        click.echo("\n\n".join("\n".join(one.text()) for one in found))


def _facts(function: Any) -> dict[str, Any]:
    order = {math.inf: "C∞", -1: "a jump"}.get(function.continuity, f"C{function.continuity:g}")
    return {
        "name": function.name,
        "constants": dict(function.constants),
        "formula": function.expr,
        "slope": function.slope_expr,
        "range": function.range,
        "continuity": order,
        "monotonic": function.monotonic,
        "zero-centred": function.zero_centred,
        "saturates": ", ".join(function.saturates) or "nowhere",
        "kinks": ", ".join(f"{kink:g} (the slope from the left is taken)" for kink in function.kinks) or "none",
        "source": function.source,
    }


@click.command()
@click.option("--seed", type=int, default=0, show_default=True)
@options.as_json
def check(seed: int, as_json: bool) -> None:
    """Prove on this machine that every slope, gradient and update is right; exit code 1 when one is not."""
    report = run_check(seed=seed)
    if as_json:
        output.data(report)
    failed = [line for line in report if not line["passed"]]
    for line in failed:
        output.say(f"FAILED {line['law']} of {line['subject']}: {line['message']}")
    if not as_json:
        click.echo(f"{len(report) - len(failed)} laws hold, {len(failed)} are broken")
    if failed:
        raise click.exceptions.Exit(1)
