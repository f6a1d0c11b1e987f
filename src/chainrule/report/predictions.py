"""The sections on single predictions: which columns drive them, the rows told best and worst, one gradient."""

from __future__ import annotations

from html import escape

from chainrule.data.table import counted
from chainrule.influence import Dependence
from chainrule.report.charts import Line, lines, number
from chainrule.report.facts import Extreme, Facts
from chainrule.report.markup import Section, paragraph, table

LONGEST_PLAYER = 500_000  # characters; beyond these the report would not stay below 1 MB


def drivers(facts: Facts) -> Section | None:
    """Permutation importance, and how the prediction moves with the three most important columns."""
    ranking, rows = facts.ranking, facts.rows
    if ranking is None or rows is None:
        return None
    most = max([one.high for one in ranking.columns] + [1e-12])
    shown = ranking.columns[:12]
    metric = ranking.metric.replace("_", " ")
    body = "".join(
        f'<tr><th scope="row">{escape(one.column)}</th>'
        f'<td class="bar"><span style="width:{100 * max(one.mean, 0) / most:.1f}%"></span></td>'
        f'<td class="n">{number(one.mean)}</td><td class="n">{number(one.low)} to {number(one.high)}</td></tr>'
        for one in shown
    )
    named = [("column", ""), ("", ""), (f"loss of {metric}", ' class="n"'), ("five shuffles", ' class="n"')]
    head = "".join(f'<th scope="col"{kind}>{escape(name)}</th>' if name else "<td></td>" for name, kind in named)
    out = paragraph(
        f"How much worse the {metric} ({number(ranking.score)}) gets when one column is shuffled, "
        f"on {ranking.rows:,} of {rows.said}. "
        "Columns that say the same share their importance."
    )
    out += (
        '<div class="scroll" tabindex="0" role="group" aria-label="Importance of the columns"><table class="bars">'
        f"<caption>Permutation importance</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )
    if len(ranking.columns) > len(shown):
        out += paragraph(f"… and {counted(len(ranking.columns) - len(shown), 'column')} with less.")
    if facts.dependences:
        out += "<h3>How predictions move with a column</h3>"
        out += paragraph("The mean prediction while every row has the same value in one column and keeps all others.")
        out += f'<div class="charts">{"".join(_dependence(facts, one) for one in facts.dependences)}</div>'
    return "drivers", "What drives the predictions", out


def _dependence(facts: Facts, one: Dependence) -> str:
    model = facts.model
    chosen = [1] if model.task == "binary" else list(range(min(one.outputs.shape[1], 6)))
    names = [facts.class_name(k) if model.classes else one.names[k] for k in chosen]
    if model.task == "binary":
        y_label = f"mean probability of {model.encoder.targets[0].name} = {names[0]}"
    elif model.classes:
        y_label = "mean probability"
    else:
        y_label = f"mean predicted {names[0]}" if len(names) == 1 else "mean prediction"
    if one.is_numeric:
        drawn = [Line(name, one.values, one.outputs[:, k].tolist()) for name, k in zip(names, chosen, strict=True)]
        ends = "; ".join(
            f"{line.name}: {number(line.y[0])} at {number(line.x[0])}, {number(line.y[-1])} at {number(line.x[-1])}"
            for line in drawn
        )
        return lines(drawn, one.column, y_label, f"{y_label} over {one.column}. {ends}.")
    labels = [str(v) if facts.shows_rows else f"value {n + 1}" for n, v in enumerate(one.values)]
    rows = [(label, *(number(one.outputs[n, k]) for k in chosen)) for n, label in enumerate(labels)]
    return f'<div class="chart">{paragraph(y_label, "strong")}{table((one.column, *names), rows, numeric=len(names))}</div>'


def extremes(facts: Facts) -> Section | None:
    """The rows told most and least surely."""
    if not facts.shows_rows:
        return (
            "rows",
            "Single rows",
            paragraph("Left out, as asked: this report holds no row and no category of the data."),
        )
    if facts.extremes is None or facts.rows is None:
        return None
    sure, unsure = facts.extremes
    columns = [one.column for one in facts.ranking.columns[:4]] if facts.ranking else []
    of_class = bool(facts.model.classes)
    words = ("Most certain", "Least certain") if of_class else ("Told best", "Told worst")
    head = ("row", "true", "predicted", "probability" if of_class else "off by", *columns)
    out = paragraph(f"Of {facts.rows.said}. Rows count from 0, as in the file.")
    for name, found in zip(words, (sure, unsure), strict=True):
        out += table(head, [_extreme(one) for one in found], caption=name)
    return "rows", "Single rows", out


def _extreme(one: Extreme) -> tuple[str, ...]:
    return str(one.number), one.truth, one.said, number(one.measure), *one.cells


def walk(facts: Facts) -> Section | None:
    """One gradient, step by step."""
    if facts.walk is None:
        return None
    row, of, page = facts.walk
    if len(page) > LONGEST_PLAYER:
        return None
    said = f"Of the rows looked at, row {row} is the one told worst or least surely. This is how the loss of that row changes "
    said += f"with {of}, the weight of the last layer that pulls hardest on it: forward, then backward, step by step."
    frame = (
        f'<iframe title="The derivative of the loss by {escape(of)}, step by step" srcdoc="{escape(page)}"></iframe>'
    )
    return "why", "One gradient, step by step", paragraph(said) + frame
