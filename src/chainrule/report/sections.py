"""The sections of a report, in their order on the page."""

from __future__ import annotations

from collections.abc import Callable

from chainrule.report.facts import Facts
from chainrule.report.findings import findings
from chainrule.report.making import curves, data, network, repeat
from chainrule.report.markup import Section
from chainrule.report.predictions import drivers, extremes, walk
from chainrule.report.score import score

SECTIONS: tuple[Callable[[Facts], Section | None], ...] = (
    score, data, network, curves, findings, drivers, extremes, walk, repeat,
)  # fmt: skip
"""In their order on the page; a section that the model or the data do not allow is None."""
