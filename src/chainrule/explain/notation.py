"""Notations: the symbols of a textbook or lecture, as data. Storage never changes, only how it is written."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Literal

from chainrule.constraints import choice
from chainrule.errors import SettingError, unknown_name
from chainrule.plan import Param, Plan, Slot

Units = Literal["index", "letters", "consecutive"]


@dataclass(frozen=True)
class Notation:
    """How quantities are called. Templates may use

    {unit} (the user's name of a unit, or what `units` makes of it), {at} ("_h1" for a named unit, "1[2]" for layer 1,
    unit 2), {slot} (the slot's letter), {layer}, {to}, {from}, {name} (a parameter's own name).

    units: how unnamed units are called: by "index" (layer and index), by "letters" (i1, h1, o1) or with one
    "consecutive" number through the whole network, inputs first. first: the number of the first unit of a layer.
    sign: −1 where the textbook's delta is −∂L/∂net (Err of Han & Kamber). delta_is_gradient: write δ as ∂L/∂net.
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
    rate: str = "η"
    units: Units = "index"
    first: int = 0
    sign: int = 1

    def __post_init__(self) -> None:
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
            units="letters", first=1,
        ),
        Notation(
            "han-kamber", "I_j, O_j, Err_j = −∂E/∂I_j, w_ij from i to j, bias θ_j, learning rate l", net="I_{unit}",
            out="O_{unit}", input="x_{unit}", delta="Err_{unit}", target="T_{unit}", loss="E", term="E_{unit}",
            weight="w_{from},{to}", bias="θ_{unit}", rate="l", units="consecutive", first=1, sign=-1,
        ),
        Notation(
            "dse3121", "pre-activation a_i, activation h_i, weights W_kij, counted from 1", net="a{at}", out="h{at}",
            input="x_{index}", delta="∇a{at}", target="y_{index}", loss="𝓛", term="𝓛_{index}",
            weight="W_{layer}{to}{from}", bias="b_{layer}{to}", first=1,
        ),
        Notation(
            "csds440", "n_j and h(n_j), w_ji into j from i", net="n_{unit}", out="h(n_{unit})", input="x_{index}",
            delta="δ_{unit}", target="y_{unit}", loss="L", term="L_{unit}", weight="w_{to},{from}", bias="b_{unit}",
            units="letters", first=1,
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
        return from_toml(Path(name).read_text(encoding="utf-8"))
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
    for key in ("net", "out", "input", "delta", "target", "loss", "term", "weight", "bias"):
        try:
            getattr(made, key).format_map(_FIELDS)
        except (KeyError, IndexError, ValueError) as reason:
            raise SettingError(
                "CR203", f"`{key}` of the notation uses an unknown field", expected=", ".join(sorted(_FIELDS)),
                got=str(reason),
            ) from None  # fmt: skip
    return made


_FIELDS = dict.fromkeys(("unit", "at", "target_at", "slot", "layer", "to", "from", "index", "unit_index", "name"), "")


@dataclass(frozen=True, eq=False)
class Symbols:
    """The symbols of one plan's quantities in a notation. `labels` are names for inputs: {"x[0]": "age"}."""

    plan: Plan
    notation: Notation
    labels: Mapping[str, str] = field(default_factory=dict)

    def unit_name(self, slot: Slot, unit: int) -> str | None:
        """The user's name of a unit; slots of the same layer and width share it."""
        if slot.units:
            return slot.units[unit]
        for other in self.plan.slots:
            if other.layer == slot.layer and other.units and other.width == slot.width and other.kind != "input":
                return other.units[unit] if slot.kind != "input" else None
        return None

    def unit(self, slot: Slot, unit: int) -> str:
        """What a unit is called in sentences and in templates."""
        name = self.unit_name(slot, unit)
        if name is not None:
            return name
        first = self.notation.first
        if self.notation.units == "index":
            return f"{slot.layer}[{unit + first}]"
        if self.notation.units == "consecutive":
            return str(unit + first + sum(width for layer, width in self._widths.items() if layer < slot.layer))
        if slot.kind == "input":
            return f"i{unit + first}"
        if slot.layer == self.plan.slot(self.plan.output).layer:
            return f"o{unit + first}"
        hidden = [layer for layer in self._widths if layer > 0]
        return f"h{unit + first}" if len(hidden) <= 2 else f"h{slot.layer}.{unit + first}"

    @property
    def _widths(self) -> dict[int, int]:
        widths: dict[int, int] = {}
        for slot in self.plan.slots:
            widths[slot.layer] = slot.width if slot.kind != "net" or slot.layer not in widths else widths[slot.layer]
        return widths

    def value(self, slot: Slot, unit: int) -> str:
        """The symbol of a slot's value at a unit: net input, activation, input, or the slot's own name."""
        if slot.kind == "input":
            return self.input(slot, unit)
        if self._is_scalar_graph:
            return slot.name
        if slot.kind == "other" or (slot.kind == "activation" and not self._is_first_out(slot)):
            return f"{slot.name}[{unit + self.notation.first}]" if not self.unit_name(slot, unit) else (
                f"{slot.name}_{self.unit_name(slot, unit)}"
            )  # fmt: skip
        template = self.notation.net if slot.kind == "net" else self.notation.out
        return template.format_map(self._fields(slot, unit))

    def input(self, slot: Slot, unit: int) -> str:
        address = f"{slot.name}[{unit}]"
        named = slot.units[unit] if slot.units else None
        for key in (address, named):
            if key is not None and key in self.labels:
                return self.labels[key]
        return named if named is not None else self.notation.input.format_map(self._fields(slot, unit))

    def delta(self, slot: Slot, unit: int) -> str:
        """δ, or the textbook's own name of an error, of a net input."""
        if self._is_scalar_graph:
            return f"∂{self.loss}/∂{slot.name}"
        return self.notation.delta.format_map(self._fields(slot, unit))

    def sign(self, slot: Slot) -> int:
        """−1 where the notation's delta of this slot is −∂loss/∂slot."""
        return self.notation.sign if slot.kind == "net" else 1

    def target(self, unit: int) -> str:
        return self.notation.target.format_map(self._fields(self.plan.slot(self.plan.output), unit))

    def term(self, unit: int) -> str:
        return self.notation.term.format_map(self._fields(self.plan.slot(self.plan.output), unit))

    @property
    def loss(self) -> str:
        """The symbol of what is differentiated: the loss, or the output itself where there is no loss."""
        objective = self.plan.objective
        if objective is not None and objective.loss.name == "output":
            slot, unit = self.plan.slot(self.plan.output), int(objective.loss.constants.get("unit", 0))
            if slot.width == 1 or "unit" in objective.loss.constants:
                return self.value(slot, unit)
        return self.notation.loss

    def param(self, param: Param, entry: int) -> str:
        """The user's name of a parameter's entry, or the notation's."""
        if param.names:
            return param.names[entry]
        first = self.notation.first
        if len(param.shape) == 2:
            to, source = divmod(entry, param.shape[1])
            if re.fullmatch(r"W\d+", param.name):
                target_slot, source_slot = self._ends(param)
                fields_ = self._fields(target_slot, to)
                fields_ |= {"to": self._short(target_slot, to), "from": self._short(source_slot, source)}
                return self.notation.weight.format_map(fields_)
            return f"{param.name}[{to + first},{source + first}]"
        if param.size == 1:
            return param.name
        if re.fullmatch(r"b\d+", param.name):
            target_slot, _ = self._ends(param)
            fields_ = self._fields(target_slot, entry) | {"to": self._short(target_slot, entry)}
            return self.notation.bias.format_map(fields_)
        return f"{param.name}[{entry + first}]"

    def _ends(self, param: Param) -> tuple[Slot, Slot]:
        step = next(step for step in self.plan.steps if param.name in step.params)
        return self.plan.slot(step.target), self.plan.slot(step.sources[0])

    def _short(self, slot: Slot, unit: int) -> str:
        if self.notation.units == "index":
            return str(unit + self.notation.first)
        return self.unit(slot, unit)

    def _fields(self, slot: Slot, unit: int) -> dict[str, str]:
        name, index = self.unit_name(slot, unit), str(unit + self.notation.first)
        return {
            "unit": self.unit(slot, unit),
            "at": f"_{name}" if name is not None else f"{slot.layer}[{index}]",
            "target_at": f"_{name}" if name is not None else f"[{index}]",
            "slot": slot.name.rstrip("0123456789_"),
            "layer": str(slot.layer), "index": index, "unit_index": name or index, "to": index, "from": index,
            "name": slot.name,
        }  # fmt: skip

    def _is_first_out(self, slot: Slot) -> bool:
        """Whether this is the layer's activation proper: the notation's name is given to one slot a layer."""
        own = [s for s in self.plan.slots if s.layer == slot.layer and s.kind == "activation"]
        return own[0].name == slot.name

    @property
    def _is_scalar_graph(self) -> bool:
        return all(slot.layer == 0 for slot in self.plan.slots)


_GREEK = {
    "α": "alpha", "β": "beta", "γ": "gamma", "δ": "delta", "ε": "varepsilon", "η": "eta", "θ": "theta", "λ": "lambda",
    "μ": "mu", "ν": "nu", "ρ": "rho", "σ": "sigma", "τ": "tau", "φ": "varphi", "ω": "omega", "∂": "partial", "∇": "nabla",
    "Σ": "Sigma", "Δ": "Delta", "κ": "kappa", "π": "pi", "ψ": "psi", "χ": "chi", "ξ": "xi", "ζ": "zeta", "ℓ": "ell",
}  # fmt: skip
_ESCAPED = {"\\": r"\textbackslash{}", "^": r"\^{}", "~": r"\~{}", **{c: "\\" + c for c in "#$%&_{}"}}


def latex_symbol(text: str) -> str:
    """LaTeX of a symbol, from the symbol itself.

    >>> latex_symbol("net_h1"), latex_symbol("z1[2]"), latex_symbol("∂E/∂w5"), latex_symbol("age (years)")
    ('\\\\mathrm{net}_{h1}', 'z^{(1)}_{2}', '\\\\frac{\\\\partial E}{\\\\partial w_{5}}', '\\\\text{age (years)}')
    """
    text = text.translate(_LOWERED)
    if text.startswith("∂") and "/∂" in text:
        above, _, below = text[1:].partition("/∂")
        return rf"\frac{{\partial {latex_symbol(above)}}}{{\partial {latex_symbol(below)}}}"
    if text.startswith("−"):
        return "-" + latex_symbol(text[1:])
    if text == "𝓛":
        return r"\mathcal{L}"
    if text.startswith("𝓛_"):
        return rf"\mathcal{{L}}_{{{_inner(text[2:])}}}"
    if hat := re.fullmatch(r"(\w)_hat", text):
        return rf"\hat{{{hat[1]}}}"
    if called := re.fullmatch(r"h\((.+)\)", text):
        return rf"h\left({latex_symbol(called[1])}\right)"
    if indexed := re.fullmatch(r"([^\W\d_]+)(\d*)\[([\w,. ]+)\]", text):
        letter, layer, index = indexed.groups()
        return _letter(letter) + (f"^{{({layer})}}" if layer else "") + f"_{{{_inner(index)}}}"
    if layered := re.fullmatch(r"([^\W\d_]+)\^\((\w+)\)_(.+)", text):
        return f"{_letter(layered[1])}^{{({layered[2]})}}_{{{_inner(layered[3])}}}"
    if lower := re.fullmatch(r"(∇?[^\W\d_]+)_(.+)", text):
        return f"{_letter(lower[1])}_{{{_inner(lower[2])}}}"
    if numbered := re.fullmatch(r"([^\W\d_]+)(\d*)([′″]?)", text):
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
