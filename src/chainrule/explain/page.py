"""The page of a player: everything stands in the HTML and can be read without scripts; the script only walks through it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from importlib.resources import files

from chainrule.explain.digits import shown, with_decimal
from chainrule.explain.enough import enough_digits
from chainrule.explain.explanation import Explanation
from chainrule.explain.html import html_page
from chainrule.explain.lines import Line, Name
from chainrule.explain.mathml import Part, Show, math, number, pieces, symbol
from chainrule.explain.picture import Picture
from chainrule.explain.stepping import WORDS, Step
from chainrule.explain.svg import draw, numbers, undrawn
from chainrule.explain.text import checks_of


@dataclass(frozen=True)
class _Look:
    """How symbols and numbers are written on this page."""

    digits: int
    columns: frozenset[str]

    def symbol(self, text: str) -> Part:
        return symbol(text, self.columns)

    def number(self, x: float) -> Part:
        return number(x, self.digits)

    def cell(self, value: float, digits: int = 0) -> str:
        return f'<td class="value"><data value="{value!r}">{shown(value, digits or self.digits)}</data></td>'

    def both(self, expr: str, names: Mapping[str, Name], digits: int = 0) -> list[list[str]]:
        """A formula in symbols and with the numbers put in, each in pieces."""
        digits = enough_digits(expr, names, digits or self.digits)
        shows: tuple[Show, ...] = (
            lambda key: self.symbol(names[key].symbol), lambda key: number(names[key].value, digits)
        )  # fmt: skip
        return [pieces(expr, show) for show in shows]


def page(explanation: Explanation, drawing: Picture, steps: list[Step]) -> str:
    """The text of the HTML file: the drawing, the steps, the tables, with the style and the script inside."""
    assets = files("chainrule.explain") / "assets"
    style = "".join((assets / name).read_text("utf-8") for name in ("colours.css", "drawing.css", "player.css"))
    script = (assets / "player.js").read_text("utf-8")
    title = f"{explanation.target} = {shown(explanation.value, explanation.digits)}"
    look = _Look(explanation.digits, explanation.columns)
    svg = draw(drawing, steps, f"The network. {explanation.statement}. All numbers stand in the tables below.")
    items = "".join(_item(n, step, len(steps), drawing, look) for n, step in enumerate(steps, start=1))
    checks = checks_of(explanation).replace("   ", " · ")
    notes = "".join(f"<li>{escape(note)}</li>" for note in _notes(explanation))
    body = f"""<header>
<h1>{math(f"{look.symbol(explanation.target)}<mo>=</mo>{look.number(explanation.value)}")}</h1>
<p>{escape(explanation.statement)}</p>
</header>
<main>
<div class="left">
<figure>
<div class="scroll" tabindex="0" role="group" aria-label="The drawing of the network">{svg}</div>
<figcaption><span class="key forward">forward</span><span class="key backward">{escape(_backward(drawing))}</span>
{_legend(drawing)}</figcaption>
</figure>
<section class="more" aria-label="More">
{f'<p class="checks">{escape(checks)}</p>' if checks else ""}
{f'<ul class="notes">{notes}</ul>' if notes else ""}
<details><summary>The given numbers</summary>{_given(steps, look)}</details>
<details><summary>The drawing as tables</summary>{_drawing_tables(drawing)}</details>
</section>
</div>
<div class="right">
<section class="walk" aria-label="Steps">
<div class="controls" role="group" aria-label="Walk through the steps" hidden>
{_buttons()}
<output class="count"></output>
</div>
<p class="said" role="status" aria-live="polite"></p>
<ol class="steps">{items}</ol>
</section>
<section class="quantities" aria-label="All quantities">
<div class="scroll" tabindex="0" role="group" aria-label="Table of all quantities">{_table(steps, look)}</div>
</section>
</div>
</main>"""
    return html_page(title, _marked(body, explanation.decimal), style=style, script=script)


def _marked(html: str, mark: str) -> str:
    """The page with another decimal mark in what is read, not in what the browser computes with."""
    return re.sub(r'(?<=>)[^<]+|(?<=data-said=")[^"]+', lambda text: with_decimal(text[0], mark), html)


def _notes(explanation: Explanation) -> list[str]:
    found = [*explanation.notes, *(note for child in explanation.children[:1] for note in child.notes)]
    return list(dict.fromkeys(found))


def _backward(drawing: Picture) -> str:
    return WORDS["legend backward"].format(what=WORDS["the loss"].lower() if drawing.loss else drawing.symbols.loss)


def _legend(drawing: Picture) -> str:
    double = any(len(unit.slots) == 2 for column in drawing.columns for unit in column.units)
    weighted = any(wire.weight is not None for wire in drawing.wires)
    there = {"legend unit": double, "legend wire": weighted, "legend target": drawing.loss}
    return "".join(f"<span>{escape(WORDS[key])}</span>" for key, is_there in there.items() if is_there)


# move -> what the button says, its key, and the outline of its sign in a square of 20
BUTTONS = {
    "first": ("First step", "Home", '<path d="M3 3h3v14H3zM17 3v14L7 10z"/>'),
    "previous": ("Previous step", "←", '<path d="M15 3v14L4 10z"/>'),
    "play": ("Play", "space", '<path class="go" d="M10 1a9 9 0 1 0 .01 0zM8 6l6 4-6 4z" fill-rule="evenodd"/>'
             '<path class="pause" d="M4 3h4v14H4zM12 3h4v14h-4z"/>'),
    "next": ("Next step", "→", '<path d="M5 3v14l11-7z"/>'),
    "last": ("Last step", "End", '<path d="M14 3h3v14h-3zM3 3v14l10-7z"/>'),
}  # fmt: skip


def _buttons() -> str:
    return "\n".join(
        f'<button type="button" data-go="{move}" aria-label="{label}" title="{label} ({key})">'
        f'<svg viewBox="0 0 20 20" aria-hidden="true">{sign}</svg></button>'
        for move, (label, key, sign) in BUTTONS.items()
    )


def _item(n: int, step: Step, count: int, drawing: Picture, look: _Look) -> str:
    uses = " ".join(dict.fromkeys(undrawn(drawing, mark) for mark in step.uses if mark not in step.makes))
    makes = " ".join(dict.fromkeys(undrawn(drawing, mark) for mark in step.makes))
    line = step.line
    said = f"Step {n} of {count}. {step.caption}: {line.symbol} = {shown(line.value, look.digits)}"
    first, *rest = _equations(step, line, look)
    rows = f"<dt>{math(look.symbol(line.symbol))}</dt><dd>{first}</dd>" + "".join(f"<dd>{row}</dd>" for row in rest)
    note = f'<p class="note">{escape(line.note)}</p>' if line.note else ""
    return (
        f'<li class="step {step.phase}" id="step-{n}" data-uses="{escape(uses)}" data-makes="{escape(makes)}" '
        f'data-phase="{step.phase}" data-said="{escape(said)}"><h3><span class="phase">{WORDS[step.phase]}</span> '
        f"{escape(step.caption)}</h3>{_terms(step, look)}<dl>{rows}</dl>{note}</li>"
    )


def _equations(step: Step, line: Line, look: _Look) -> list[str]:
    """= formula, = numbers, = value: each as pieces between which a narrow page may break; repeated ones left out."""
    value = look.number(line.value)
    found: list[list[str]] = []
    if step.parts:
        found.append([f"<mtext>{escape(_sum_of(step))}</mtext>"])
    else:
        for written in look.both(line.expr, step.names):
            if written not in found and written != [str(value)]:
                found.append(written)
    equals = "<mo form='infix'>=</mo>"
    rows = ["".join(math(equals + part if n == 0 else part) for n, part in enumerate(row)) for row in found]
    return [*rows, f'<strong class="answer">{math(equals + str(value))}</strong>']


def _sum_of(step: Step) -> str:
    return WORDS["sum"].format(count=len(step.parts))


def _terms(step: Step, look: _Look) -> str:
    if not step.parts:
        return ""
    rows = []
    for part in step.parts:
        value = look.cell(part.value, part.digits)
        if part.role == "rest":
            rows.append(f"<tr><th scope='row' colspan='2'>{escape(part.symbol)}</th>{value}</tr>")
            continue
        formula, put_in = ("".join(map(math, written)) for written in look.both(part.expr, step.names, part.digits))
        rows.append(f"<tr><th scope='row'>{formula}</th><td>{put_in}</td>{value}</tr>")
    return f'<div class="scroll"><table class="terms"><tbody>{"".join(rows)}</tbody></table></div>'


def _table(steps: list[Step], look: _Look) -> str:
    """Every quantity of the steps; `<data>` holds the whole number."""
    columns = "".join(f"<th scope='col'>{name}</th>" for name in ("step", "quantity", "value"))
    rows, phase = [f"<thead><tr>{columns}</tr></thead>"], ""
    for n, step in enumerate(steps, start=1):
        if step.phase != phase:
            rows.append(f"{'</tbody>' if phase else ''}<tbody class='{step.phase}'>")
            rows.append(f"<tr><th colspan='3' scope='rowgroup'>{WORDS[step.phase]}</th></tr>")
            phase = step.phase
        rows.append(
            f"<tr data-step='{n}'><td><a href='#step-{n}' aria-label='step {n}'>{n}</a></td>"
            f"<th scope='row'>{math(look.symbol(step.line.symbol))}</th>{look.cell(step.line.value)}</tr>"
        )
    return f"<table class='all'>{''.join(rows)}</tbody></table>"


KINDS = ("input", "target", "parameter", "constant", "recorded")


def _given(steps: list[Step], look: _Look) -> str:
    """The inputs, weights and constants that the steps use, and in a large network the numbers taken as recorded."""
    given = {
        (name.kind, name.symbol, name.value) for step in steps for name in step.names.values() if name.kind in KINDS
    }
    made = {(step.line.symbol, step.line.value) for step in steps}
    rows = [
        f"<tr><th scope='row'>{math(look.symbol(text))}</th><td>{kind}</td>{look.cell(value)}</tr>"
        for kind, text, value in sorted(given, key=_order)
        if (text, value) not in made
    ]
    return f"<div class='scroll'><table class='given'><tbody>{''.join(rows)}</tbody></table></div>"


def _order(given: tuple[str, str, float]) -> tuple[int, list[tuple[int, str]], float]:
    """By kind, then by symbol with numbers in their order: w2 before w10."""
    kind, text, value = given
    parts = [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", text)]
    return KINDS.index(kind), parts, value


def _drawing_tables(drawing: Picture) -> str:
    """What the drawing shows, for readers who cannot see it."""
    found = numbers(drawing)
    units = "".join(
        f"<tr><th scope='row'>{escape(name)}</th>{''.join(f'<td>{value}</td>' for value in values)}</tr>"
        for name, *values in found["units"]
    )
    wires = "".join(
        f"<tr><td>{escape(start)}</td><td>{escape(end)}</td><td>{weight}</td></tr>"
        for start, end, weight in found["wires"]
    )
    out = f"<table><caption>Units: net input and output, or the one value</caption><tbody>{units}</tbody></table>"
    if wires:
        head = "<thead><tr><th scope='col'>from</th><th scope='col'>to</th><th scope='col'>weight</th></tr></thead>"
        out += f"<table><caption>Wires</caption>{head}<tbody>{wires}</tbody></table>"
    return out
