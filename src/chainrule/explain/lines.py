"""The parts of an explanation: names, lines, sections, as frozen records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from chainrule.explain.formula import names_in

Kind = Literal["input", "parameter", "target", "constant", "recorded", "line"]
Role = Literal["forward", "loss", "factor", "term", "rest", "sum", "product", "step"]


@dataclass(frozen=True)
class Name:
    """A name that formulas may use: its symbol, its value and what it is.

    kind: an "input", "parameter" (weight, bias, …), "target" or "constant", the result of an earlier "line", or "recorded":
    a number of the pass that is not derived here and can be asked for by its `address`.
    """

    key: str
    symbol: str
    value: float
    kind: Kind
    address: str = ""


@dataclass(frozen=True)
class Line:
    """symbol = formula = numbers = value. `expr` is the formula in Python's notation over the names above it. `digits` are
    those it is printed with, where it needs more than the explanation's."""

    key: str
    symbol: str
    expr: str
    formula: str
    numbers: str
    value: float
    role: Role
    note: str = ""
    digits: int = 0


@dataclass(frozen=True)
class Section:
    """Lines under a heading."""

    title: str
    lines: tuple[Line, ...]


def adds_terms(line: Line, lines: Sequence[Line]) -> bool:
    """Whether a line adds up terms that stand among these lines, and not what it names itself."""
    terms = {other.key for other in lines if other.role in ("term", "rest")}
    return line.role == "sum" and not terms.isdisjoint(names_in(line.expr))


@dataclass(frozen=True)
class FiniteDifference:
    """(L(w + h) − L(w − h))/2h and how far it can be trusted."""

    value: float
    step: float
    accuracy: float


class Shown(Protocol):
    """What the writers of text, LaTeX and HTML read of an explanation."""

    @property
    def target(self) -> str: ...
    @property
    def statement(self) -> str: ...
    @property
    def value(self) -> float: ...
    @property
    def sections(self) -> tuple[Section, ...]: ...
    @property
    def names(self) -> Mapping[str, Name]: ...
    @property
    def result(self) -> str: ...
    @property
    def engine(self) -> float | None: ...
    @property
    def finite_difference(self) -> FiniteDifference | None: ...
    @property
    def notes(self) -> tuple[str, ...]: ...
    @property
    def children(self) -> Sequence[Shown]: ...
    @property
    def row(self) -> int | None: ...
    @property
    def dtype(self) -> str: ...
    @property
    def digits(self) -> int: ...
    @property
    def form(self) -> str: ...
    @property
    def columns(self) -> frozenset[str]: ...
