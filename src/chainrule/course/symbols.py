"""The names of a calculation as they are read."""

from __future__ import annotations

import re


def symbol(name: str) -> str:
    """A name of a calculation as a lecture writes it.

    >>> symbol("dE_dout_o1"), symbol("w5_new"), symbol("th4"), symbol("eta")
    ('∂E/∂out_o1', 'new w5', 'θ4', 'η')
    """
    if match := re.fullmatch(r"d([A-Za-z]\w*?)_d([A-Za-z]\w*)", name):
        return f"∂{symbol(match[1])}/∂{symbol(match[2])}"
    if name.endswith("_new"):
        return f"new {symbol(name[:-4])}"
    for word, letter in (("eta", "η"), ("theta", "θ"), ("delta", "δ"), ("sigma", "σ")):
        if name == word or name.startswith(word + "_"):
            return letter + name[len(word) :]
    return f"θ{name[2:]}" if re.fullmatch(r"th\d+", name) else name
