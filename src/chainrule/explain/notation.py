"""Notations: the symbols of a textbook or lecture, as data. Storage never changes, only how it is written."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Collection
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, Literal, get_args

from chainrule.constraints import choice
from chainrule.errors import DataError, SettingError, unknown_name

Units = Literal["index", "letters", "consecutive"]
Vectors = Literal["rows", "columns"]
Bias = Literal["alone", "times 1", "times unit 0"]


@dataclass(frozen=True)
class Notation:
    """How quantities are called. Templates may use

    {unit} (the user's name of a unit, or what `units` makes of it), {at} ("_h1" for a named unit, "1[2]" for layer 1,
    unit 2), {slot} (the slot's letter), {layer}, {to}, {from}, {loss} (its symbol), {name} (a parameter's own name).

    units: how unnamed units are called: by "index" (layer and index), by "letters" (i1, h1, o1) or with one
    "consecutive" number through the whole network, inputs first. first: the number of the first unit of a layer.
    bias_form: how the bias stands in a weighted sum: "alone" (+ b), "times 1" (+ b·1) or "times unit 0" (+ w0·x0 with
    x0 = 1).
    sign: −1 where the textbook's delta is −∂L/∂net (Err of Han & Kamber).
    downstream: what the units that a unit leads to are called together, where the textbook has a name for them.
    vectors: how matrices are written: an example is one of the "rows" (x Wᵀ + b) or of the "columns" (W x + b).
    decimal: the decimal mark of text and LaTeX, a point or a comma.
    """

    name: str
    description: str = ""
    net: str = "z{at}"
    out: str = "{slot}{at}"
    input: str = "x[{index}]"
    delta: str = "δ{at}"
    target: str = "y{target_at}"
    loss: str = "L"
    term: str = "L{target_at}"
    weight: str = "W{layer}[{to},{from}]"
    bias: str = "b{layer}[{to}]"
    bias_form: Bias = "alone"
    downstream: str = ""
    rate: str = "η"
    units: Units = "index"
    first: int = 0
    sign: int = 1
    vectors: Vectors = "rows"
    decimal: str = "."

    def __post_init__(self) -> None:
        choice("Notation.decimal", self.decimal, (".", ","))
        choice("Notation.vectors", self.vectors, ("rows", "columns"))
        choice("Notation.bias_form", self.bias_form, get_args(Bias))
        choice("Notation.units", self.units, ("index", "letters", "consecutive"))
        if self.sign not in (1, -1):
            raise SettingError("CR201", "`Notation.sign` must be 1 or -1", got=str(self.sign))


NOTATIONS: dict[str, Notation] = {
    notation.name: notation
    for notation in (
        Notation("default", "z = W a + b, a = g(z); W[to, from], counted from 0"),
        Notation(
            "cis678", "net and out, errors E_o1 with the total E", net="net_{unit}", out="out_{unit}", input="{unit}",
            delta="δ_{unit}", target="target_{unit}", loss="E", term="E_{unit}", weight="w_{to},{from}", bias="b_{unit}",
            bias_form="times 1", units="letters", first=1,
        ),
        Notation(
            "cap4453", "z and the unit's own name for its output, error E", net="z_{unit}", out="{unit}", input="{unit}",
            delta="δ_{unit}", target="target_{unit}", loss="E", term="E_{unit}", weight="w_{to},{from}", bias="b_{unit}",
            bias_form="times 1", units="letters", first=1,
        ),
        Notation(
            "han-kamber", "I_j, O_j, Err_j = −∂E/∂I_j, w_ij from i to j, bias θ_j, learning rate l", net="I_{unit}",
            out="O_{unit}", input="x_{unit}", delta="Err_{unit}", target="T_{unit}", loss="E", term="E_{unit}",
            weight="w_{from},{to}", bias="θ_{unit}", rate="l", units="consecutive", first=1, sign=-1,
        ),
        Notation(
            "dse3121", "pre-activation a_i, activation h_i, weights W_kij, counted from 1", net="a{at}", out="h{at}",
            input="x_{index}", delta="∇a{at}", target="y_{index}", loss="𝓛", term="𝓛_{index}",
            weight="W_{layer}{to}{from}", bias="b_{layer}{to}", first=1, vectors="columns",
        ),
        Notation(
            "csds440", "n_j and h(n_j), w_ji into j from i, ∂L/∂n_j over Downstream(j)", net="n_{unit}", out="h(n_{unit})",
            input="x_{index}", delta="∂{loss}/∂n_{unit}", target="y_{unit}", loss="L", term="L_{unit}",
            weight="w_{to},{from}", bias="b_{unit}", downstream="Downstream({unit})", units="letters", first=1,
        ),
        Notation(
            "practical-ml", "a^(ℓ)_j, z^(ℓ)_j = σ(a^(ℓ)_j), w^(ℓ)_{i,j} from i to j, bias w^(ℓ)_{0,j} of the unit 0 that is 1",
            net="a^({layer})_{unit_index}", out="z^({layer})_{unit_index}", input="x_{index}", delta="δ^({layer})_{unit_index}",
            target="t_{index}", loss="E", term="E_{index}", weight="w^({layer})_{from},{to}", bias="w^({layer})_0,{to}",
            bias_form="times unit 0", first=1,
        ),
        Notation(
            "superscript", "z^(ℓ)_i, a^(ℓ)_i, w^(ℓ)_{i,j}, counted from 1", net="z^({layer})_{unit_index}",
            out="{slot}^({layer})_{unit_index}", input="x_{index}", delta="δ^({layer})_{unit_index}", target="y_{index}",
            loss="L", term="L_{index}", weight="w^({layer})_{to},{from}", bias="b^({layer})_{to}", first=1,
        ),
    )
}  # fmt: skip


def notation(name: str | Notation | Path) -> Notation:
    """A notation by name, from a TOML file (a path ending in .toml), or as it is.

    >>> notation("han-kamber").delta
    'Err_{unit}'
    """
    if isinstance(name, Notation):
        return name
    if isinstance(name, Path) or str(name).endswith(".toml"):
        if not Path(name).is_file():
            raise DataError("CR301", "this notation is not there", where=str(name))
        return from_toml(Path(name).read_text(encoding="utf-8", errors="replace"))
    if name not in NOTATIONS:
        raise unknown_name("notation", name, NOTATIONS)
    return NOTATIONS[name]


def from_toml(text: str) -> Notation:
    """A notation from a few lines of TOML; what is left out comes from `based_on` ("default").

    >>> from_toml('name = "mine"\\nbased_on = "cis678"\\nnet = "s_{unit}"').net
    's_{unit}'
    """
    try:
        given: dict[str, Any] = tomllib.loads(text)
    except tomllib.TOMLDecodeError as reason:
        raise SettingError("CR209", "the notation is not TOML", got=str(reason)) from None
    base = notation(str(given.pop("based_on", "default")))
    known = {f.name for f in fields(Notation)}
    for key in given:
        if key not in known:
            raise unknown_name("entry of a notation", key, known)
    for key, template in given.items():
        kind = str if key not in ("first", "sign") else int
        if not isinstance(template, kind):
            raise SettingError("CR202", f"`{key}` of a notation must be {kind.__name__}", got=repr(template))
    made = replace(base, **{"name": "own", **given})
    for key in ("net", "out", "input", "delta", "target", "loss", "term", "weight", "bias", "downstream"):
        try:
            getattr(made, key).format_map(_FIELDS)
        except (KeyError, IndexError, ValueError) as reason:
            raise SettingError(
                "CR203", f"`{key}` of the notation uses an unknown field", expected=", ".join(sorted(_FIELDS)),
                got=str(reason),
            ) from None  # fmt: skip
    return made


_FIELDS = dict.fromkeys(
    ("unit", "at", "target_at", "slot", "layer", "to", "from", "index", "unit_index", "loss", "name"), ""
)


_GREEK = {
    "α": "alpha", "β": "beta", "γ": "gamma", "δ": "delta", "ε": "varepsilon", "η": "eta", "θ": "theta", "λ": "lambda",
    "μ": "mu", "ν": "nu", "ρ": "rho", "σ": "sigma", "τ": "tau", "φ": "varphi", "ω": "omega", "∂": "partial", "∇": "nabla",
    "Σ": "Sigma", "Δ": "Delta", "κ": "kappa", "π": "pi", "ψ": "psi", "χ": "chi", "ξ": "xi", "ζ": "zeta", "ℓ": "ell",
}  # fmt: skip
_ESCAPED = {"\\": r"\textbackslash{}", "^": r"\^{}", "~": r"\~{}", **{c: "\\" + c for c in "#$%&_{}"}}


def latex_symbol(text: str, columns: Collection[str] = ()) -> str:
    """LaTeX of a symbol, from the symbol itself; names of columns are written as they are.

    >>> latex_symbol("net_h1"), latex_symbol("z1[2]"), latex_symbol("∂E/∂w5"), latex_symbol("age (years)")
    ('\\\\mathrm{net}_{h1}', 'z^{(1)}_{2}', '\\\\frac{\\\\partial E}{\\\\partial w_{5}}', '\\\\text{age (years)}')
    """
    if text in columns:
        return rf"\text{{{plain_latex(text)}}}"
    text = text.translate(_LOWERED)
    if text.startswith("∂") and "/∂" in text:
        above, below = (latex_symbol(side, columns) for side in text[1:].split("/∂", 1))
        return rf"\frac{{\partial {above}}}{{\partial {below}}}"
    if text.startswith("−"):
        return "-" + latex_symbol(text[1:], columns)
    if text == "𝓛":
        return r"\mathcal{L}"
    if text.startswith("𝓛_"):
        return rf"\mathcal{{L}}_{{{_inner(text[2:])}}}"
    if hat := re.fullmatch(r"(\w)_hat", text):
        return rf"\hat{{{hat[1]}}}"
    if called := re.fullmatch(r"h\((.+)\)", text):
        return rf"h\left({latex_symbol(called[1], columns)}\right)"
    if indexed := re.fullmatch(r"([^\W\d_]+)(\d*)\[([\w,. ]+)\]", text):
        letter, layer, index = indexed.groups()
        return _letter(letter) + (f"^{{({layer})}}" if layer else "") + f"_{{{_inner(index)}}}"
    if layered := re.fullmatch(r"([^\W\d_]+)\^\((\w+)\)_(.+)", text):
        return f"{_letter(layered[1])}^{{({layered[2]})}}_{{{_inner(layered[3])}}}"
    if whole := re.fullmatch(r"([^\W\d_]+)\^\((\w+)\)", text):
        return f"{_letter(whole[1])}^{{({whole[2]})}}"
    if lower := re.fullmatch(r"(∇?[^\W\d_]+)_(.+)", text):
        return f"{_letter(lower[1])}_{{{_inner(lower[2])}}}"
    if numbered := re.fullmatch(r"(∇?[^\W\d_]+)(\d*)([′″]?)", text):
        letter, number, prime = numbered.groups()
        return _letter(letter) + (f"_{{{number}}}" if number else "") + {"": "", "′": "'", "″": "''"}[prime]
    return rf"\text{{{plain_latex(text)}}}"


_LOWERED = str.maketrans("₀₁₂₃₄₅₆₇₈₉", "0123456789")


def _letter(name: str) -> str:
    if name.startswith("∇"):
        return r"\nabla " + _letter(name[1:])
    if name in _GREEK:
        return "\\" + _GREEK[name]
    if len(name) == 1:
        return name if name.isascii() else rf"\text{{{plain_latex(name)}}}"
    return rf"\mathrm{{{name}}}" if name.isascii() else rf"\text{{{plain_latex(name)}}}"


def _inner(index: str) -> str:
    """A subscript: letters and digits as they are, anything else as text."""
    if re.fullmatch(r"[A-Za-z0-9,.]+", index):
        return index
    nested = re.fullmatch(r"(\d+)\[([\d,]+)\]", index)
    return f"{nested[1]},{nested[2]}" if nested else rf"\text{{{plain_latex(index)}}}"


def plain_latex(text: str) -> str:
    """Words as LaTeX accepts them: special characters escaped, Greek letters as mathematics."""
    out = []
    for character in text:
        if character in _GREEK:
            out.append(rf"\ensuremath{{\{_GREEK[character]}}}")
        else:
            out.append(_ESCAPED.get(character, _REPLACED.get(character, character)))
    return "".join(out)


_REPLACED = {
    "‖": r"\ensuremath{\|}", "″": "''",
    "−": r"\ensuremath{-}", "·": r"\ensuremath{\cdot}", "≤": r"\ensuremath{\le}", "≥": r"\ensuremath{\ge}", "…": r"\ldots{}",
    "²": r"\ensuremath{^2}", "√": r"\ensuremath{\surd}", "→": r"\ensuremath{\to}", "←": r"\ensuremath{\gets}",
    "≈": r"\ensuremath{\approx}", "×": r"\ensuremath{\times}", "′": "'", "±": r"\ensuremath{\pm}", "–": "--", "—": "---",
    "“": "``", "”": "''", "’": "'", "∞": r"\ensuremath{\infty}", "𝓛": r"\ensuremath{\mathcal{L}}",
}  # fmt: skip
