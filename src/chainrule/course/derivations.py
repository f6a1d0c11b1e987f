"""Derivations line by line. Every line is a formula, and all lines of one derivation have the same value at every point:
a law of the tests, so that no line can hide a slip. `explain.derivation` derives the slope of any catalog entry by rules."""

from __future__ import annotations

from dataclasses import dataclass

from chainrule.errors import unknown_name
from chainrule.explain.derivation import ENDINGS
from chainrule.explain.formula import written


@dataclass(frozen=True)
class Derivation:
    """What is derived, and its lines: (formula, what was done to reach it)."""

    title: str
    symbol: str
    lines: tuple[tuple[str, str], ...]

    def text(self) -> list[str]:
        """The lines for a reader."""
        formulas = [written(expr, lambda name: name) for expr, _ in self.lines]
        width = max(map(len, formulas))
        pad = " " * len(self.symbol)
        return [
            self.title,
            *(
                f"  {self.symbol if i == 0 else pad} = {formula.ljust(width)}   {why}".rstrip()
                for i, (formula, (_, why)) in enumerate(zip(formulas, self.lines, strict=True))
            ),
        ]


_F = "sigmoid(w*x + b)"

DERIVATIONS = {
    "sigmoid": Derivation(
        "The slope of the sigmoid σ(z) = 1/(1 + e^−z)", "σ′(z)",
        (
            ("-1/(1 + exp(-z))**2*(-exp(-z))", "the chain rule: (1/u)′ = −1/u², with u = 1 + e^−z and u′ = −e^−z"),
            ("exp(-z)/(1 + exp(-z))**2", "two minus signs"),
            *ENDINGS["sigmoid"],
            ("sigmoid(z)*(1 - sigmoid(z))", "σ itself, twice"),
        ),
    ),
    "tanh": Derivation(
        "The slope of tanh z = (e^z − e^−z)/(e^z + e^−z)", "tanh′(z)",
        (
            (
                "((exp(z) + exp(-z))*(exp(z) + exp(-z)) - (exp(z) - exp(-z))*(exp(z) - exp(-z)))/(exp(z) + exp(-z))**2",
                "the quotient rule; each of the two is the slope of the other",
            ),
            ("1 - ((exp(z) - exp(-z))/(exp(z) + exp(-z)))**2", "divide"),
            ("1 - tanh(z)**2", "tanh itself"),
        ),
    ),
    "weight": Derivation(
        "∇w of a sigmoid neuron f = σ(wx + b) with L = ½(f − y)²", "∂L/∂w",
        (
            (f"({_F} - y)*({_F}*(1 - {_F}))*x", "∂L/∂f · σ′ · ∂(wx + b)/∂w, with σ′ = f(1 − f)"),
            (f"({_F} - y)*{_F}*(1 - {_F})*x", "without brackets: (f − y)·f·(1 − f)·x"),
        ),
    ),
    "bias": Derivation(
        "∇b of the same neuron: ∂(wx + b)/∂b is 1", "∂L/∂b",
        ((f"({_F} - y)*({_F}*(1 - {_F}))*1", "∂L/∂f · σ′ · 1"), (f"({_F} - y)*{_F}*(1 - {_F})", "(f − y)·f·(1 − f)")),
    ),
    "softmax": Derivation(
        "Softmax of two logits z and u with cross-entropy, target t for the first (1 − t for the second)", "∂L/∂z",
        (
            (
                "-t/(exp(z)/(exp(z) + exp(u)))*(exp(z)*exp(u)/(exp(z) + exp(u))**2)"
                " - (1 - t)/(exp(u)/(exp(z) + exp(u)))*(-exp(z)*exp(u)/(exp(z) + exp(u))**2)",
                "Σ ∂L/∂p · ∂p/∂z: both outputs depend on z",
            ),
            ("-t*(exp(u)/(exp(z) + exp(u))) + (1 - t)*(exp(z)/(exp(z) + exp(u)))", "shorten"),
            ("exp(z)/(exp(z) + exp(u)) - t", "the two shares add up to 1: p − t"),
        ),
    ),
}  # fmt: skip


def derivation(name: str) -> Derivation:
    """A derivation by name: sigmoid, tanh, weight, bias, softmax.

    >>> print(derivation("bias").text()[0])
    ∇b of the same neuron: ∂(wx + b)/∂b is 1
    """
    if name not in DERIVATIONS:
        raise unknown_name("derivation", name, DERIVATIONS)
    return DERIVATIONS[name]
