"""The frame of every page that is written: complete in itself, and forbidden to load or send anything."""

from __future__ import annotations

from html import escape

POLICY = "default-src 'none'; style-src 'unsafe-inline'"


def html_page(title: str, body: str, *, style: str, script: str = "") -> str:
    """A whole HTML file. body: HTML; title: text; style, script: what stands in the file itself.

    >>> page = html_page("a < b", "<p>a</p>", style="p {color: red}")
    >>> "<title>a &lt; b</title>" in page, "script" in page
    (True, False)
    """
    allowed = POLICY + ("; script-src 'unsafe-inline'" if script else "")
    last = f"<script>{script}</script>\n" if script else ""
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{allowed}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{escape(title)}</title>
<style>{style}</style>
</head>
<body>
{body}
{last}</body>
</html>
"""
