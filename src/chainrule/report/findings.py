"""The section on what ails the network."""

from __future__ import annotations

from html import escape

from chainrule.report.charts import number
from chainrule.report.facts import Facts
from chainrule.report.markup import Section, paragraph, table

VERDICTS = {"ill": "Something ails it", "healthy": "Healthy", "cannot_tell": "It cannot be told"}


def findings(facts: Facts) -> Section | None:
    """The doctor's verdict and its findings, the first being the cause to treat."""
    found = facts.diagnosis
    if found is None:
        return None
    out = paragraph(f"{VERDICTS[found.verdict]}: {facts.kept(found.because)}.", "" if found.is_healthy else "verdict")
    for one in found.findings:
        kind = "" if one.severity == "illness" else " (worth knowing)"
        said = [
            ("measured", one.said),
            ("expected", one.expected),
            ("because", one.because),
            ("remedy", one.remedy.text),
        ]
        items = "".join(f"<dt>{name}</dt><dd>{escape(facts.kept(text))}</dd>" for name, text in said if text)
        heading = f"{one.rank}. {one.diagnostic.replace('_', ' ')}{kind}: {facts.kept(one.where)}"
        out += f"<h3>{escape(heading)}</h3><dl>{items}</dl>"
    if found.layers:
        words = found.measured.get("words", {})
        rows = [
            (f"{state.layer}", str(len(state.units)), state.function, number(state.gradient), number(state.weight),
             str(words.get(state.layer, words.get(str(state.layer), ""))))
            for state in found.layers
        ]  # fmt: skip
        head = ("layer", "units", "activation", "norm of ∂L/∂W", "norm of W", "in a word")
        out += table(head, rows, caption="Layers")
    return "findings", "What ails it", out
