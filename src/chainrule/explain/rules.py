"""How each update rule is written by hand: its lines in plain symbols. A rule that is not listed is shown by its result."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from chainrule.explain.formula import rename
from chainrule.explain.sheet import Sheet


@dataclass(frozen=True)
class WrittenRule:
    """Lines (name, symbol, formula) and the formula of the new value, over w, g, rate, t, the constants and the slots.

    `symbols` are those of the slots and constants; a slot's new value is a line called after it with `_new`.
    """

    new: str
    lines: tuple[tuple[str, str, str], ...] = ()
    symbols: Mapping[str, str] = field(default_factory=dict)

    def write(self, sheet: Sheet, names: Mapping[str, str], key: str, symbol: str) -> str:
        """Put the lines on the sheet; returns the key of the new value."""
        known = dict(names)
        for name, mark, formula in self.lines:
            own = sheet.key(("rule", name), name)
            known[name] = sheet.add(sheet.backward, own, mark, rename(formula, known), None, "step")
        return sheet.add(sheet.backward, key, symbol, rename(self.new, known), None, "step")


_MOMENTUM = (("velocity_new", "v′", "momentum*velocity - rate*g"),)
_MOMENTUM_SYMBOLS = {"velocity": "v", "momentum": "μ"}
_SQUARES = {"mean_square": "v", "epsilon": "ε", "rho": "ρ"}
_ADAM = {"mean": "m", "mean_square": "v", "beta_1": "β₁", "beta_2": "β₂", "epsilon": "ε", "weight_decay": "λ"}
_MOMENTS = (
    ("mean_new", "m′", "beta_1*mean + (1 - beta_1)*g"),
    ("mean_square_new", "v′", "beta_2*mean_square + (1 - beta_2)*g**2"),
)
_CORRECTED = (
    *_MOMENTS,
    ("mean_corrected", "m_hat", "mean_new/(1 - beta_1**t)"),
    ("mean_square_corrected", "v_hat", "mean_square_new/(1 - beta_2**t)"),
)

WRITTEN_RULES: dict[str, WrittenRule] = {
    "gradient_descent": WrittenRule("w - rate*g"),
    "momentum": WrittenRule("w + velocity_new", _MOMENTUM, _MOMENTUM_SYMBOLS),
    "nesterov": WrittenRule("w + momentum*velocity_new - rate*g", _MOMENTUM, _MOMENTUM_SYMBOLS),
    "adagrad": WrittenRule(
        "w - rate*g/(sqrt(total_square_new) + epsilon)",
        (("total_square_new", "G′", "total_square + g**2"),),
        {"total_square": "G", "epsilon": "ε"},
    ),
    "rmsprop": WrittenRule(
        "w - rate*g/(sqrt(mean_square_new) + epsilon)",
        (("mean_square_new", "v′", "rho*mean_square + (1 - rho)*g**2"),),
        _SQUARES,
    ),
    "adam": WrittenRule("w - rate*mean_corrected/(sqrt(mean_square_corrected) + epsilon)", _CORRECTED, _ADAM),
    "adam_classic": WrittenRule(
        "w - rate*correction*mean_new/(sqrt(mean_square_new) + epsilon)",
        (*_MOMENTS, ("correction", "k", "sqrt(1 - beta_2**t)/(1 - beta_1**t)")),
        _ADAM,
    ),
    "adamw": WrittenRule(
        "w - rate*(mean_corrected/(sqrt(mean_square_corrected) + epsilon) + weight_decay*decay*w)", _CORRECTED, _ADAM
    ),
}
