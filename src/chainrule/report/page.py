"""The report as one HTML file: complete in itself, nothing loaded, nothing sent."""

from __future__ import annotations

import os
from html import escape
from importlib.resources import files
from pathlib import Path
from typing import Any

from chainrule.archive import replace_file
from chainrule.explain.html import html_page
from chainrule.model import Model
from chainrule.report.facts import Facts, rows_of
from chainrule.report.score import headline
from chainrule.report.sections import SECTIONS
from chainrule.version import __version__


def report_page(model: Model, data: Any = None, *, rows: bool = True, command: str | None = None) -> str:
    """The text of the HTML file.

    data: the table the model was trained on (then the rows kept away from training are looked at), or any other with the
    target; None: the file it was trained on, where it is still there. rows=False keeps rows, categories and class labels of
    the data out of the file. command: what was typed to train it.

    >>> from chainrule import fit
    >>> table = {"size": [i % 9 for i in range(60)], "price": [i % 9 + i % 4 for i in range(60)]}
    >>> page = report_page(fit(table, "price", network=(4,), epochs=5, task="regression"), table)
    >>> page.count("<h1>"), page.count("<h2"), "https:" in page
    (1, 9, False)
    """
    facts = Facts(model, rows_of(model, data), rows, command)
    sections = [section for section in (make(facts) for make in SECTIONS) if section is not None]
    source = model.card.get("data", {}).get("source", "arrays")
    title = f"{', '.join(target.name for target in model.encoder.targets)} from {Path(str(source)).name}"
    links = "".join(f'<li><a href="#{name}">{escape(heading)}</a></li>' for name, heading, _ in sections)
    body = "".join(
        f'<section id="{name}" aria-labelledby="h-{name}"><h2 id="h-{name}">{escape(heading)}</h2>{text}</section>'
        for name, heading, text in sections
    )
    style = "".join(
        (files(package) / "assets" / name).read_text("utf-8")
        for package, name in (
            ("chainrule.explain", "colours.css"), ("chainrule.explain", "drawing.css"), ("chainrule.report", "report.css"),
        )
    )  # fmt: skip
    script = (files("chainrule.report") / "assets" / "report.js").read_text("utf-8")
    page = f"""<header>
<h1>{escape(title)}</h1>
<p class="lead">{escape(headline(facts))}</p>
<nav aria-label="Sections"><ul>{links}</ul></nav>
</header>
<main>{body}</main>
<footer><p>Made by chainrule {escape(__version__)} on your computer. This file is complete in itself: it loads nothing, and
nothing is ever sent anywhere.</p></footer>"""
    return html_page(title, page, style=style, script=script)


def report(
    model: Model,
    data: Any = None,
    path: str | os.PathLike[str] = "report.html",
    *,
    rows: bool = True,
    command: str | None = None,
) -> Path:
    """Write the report of a model, whole or not at all; the arguments are those of `report_page`."""
    replace_file(path, [report_page(model, data, rows=rows, command=command).encode()])
    return Path(path)
