"""What sections of a report are written with: tables and paragraphs."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

Section = tuple[str, str, str]
"""An id, a heading, and the HTML below it."""


def table(head: Sequence[str], rows: Sequence[Sequence[str]], *, caption: str = "", numeric: int = 0) -> str:
    """A table that scrolls by itself; cells are text. The last `numeric` columns stand at the right."""
    plain_columns = len(head) - numeric
    ends = [' class="n"' if k >= plain_columns else "" for k in range(len(head))]
    top = "".join(f'<th scope="col"{end}>{escape(cell)}</th>' for cell, end in zip(head, ends, strict=True))
    body = "".join(
        "<tr>"
        + f'<th scope="row">{escape(row[0])}</th>'
        + "".join(f"<td{end}>{escape(cell)}</td>" for cell, end in zip(row[1:], ends[1:], strict=True))
        + "</tr>"
        for row in rows
    )
    named = f"<caption>{escape(caption)}</caption>" if caption else ""
    label = escape(caption or head[0] or "table")
    return (
        f'<div class="scroll" tabindex="0" role="group" aria-label="{label}"><table>{named}<thead><tr>{top}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def paragraph(text: str, kind: str = "") -> str:
    """A paragraph of plain text."""
    return f"<p{f' class={chr(34)}{kind}{chr(34)}' if kind else ''}>{escape(text)}</p>"
