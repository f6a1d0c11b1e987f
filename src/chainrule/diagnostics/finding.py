"""What a diagnosis is made of: a finding with its evidence, a remedy that can be applied, and what a diagnostic is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, TypeVar

from chainrule.catalog import Catalog
from chainrule.diagnostics.evidence import Evidence
from chainrule.plain import plain

Severity = Literal["illness", "note"]


@dataclass(frozen=True)
class Remedy:
    """What to do, in words, and as changes of settings by the names of `fit`, where settings can do it.

    Besides `fit`'s own names: "initial" ("suited" draws every weight from the distribution that suits its activation and
    begins biases at 0), "hidden_activation" and "equal_rates" (no layer has a learning rate of its own).
    """

    text: str
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Finding:
    """One thing that was found: where, what was measured against what was expected, why it matters, and what to do.

    `measured` holds the numbers by name. `is_ill`: an illness, else a note (worth knowing, nothing to treat). `explain` is an
    address that `explain(..., of=...)` takes, for the very numbers that the finding rests on; None where no number of the
    network is meant. `diagnostic` is the name of the one that found it; `rank` counts from 1, the first being the cause to
    treat.
    """

    where: str
    measured: Mapping[str, Any]
    expected: str
    because: str
    remedy: Remedy
    is_ill: bool = True
    said: str = ""
    explain: str | None = None
    diagnostic: str = ""
    rank: int = 0

    @property
    def severity(self) -> Severity:
        """ "illness" or "note"."""
        return "illness" if self.is_ill else "note"

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        found: dict[str, Any] = plain(
            {
                "diagnostic": self.diagnostic, "severity": self.severity, "rank": self.rank, "where": self.where,
                "said": self.said, "measured": dict(self.measured), "expected": self.expected, "because": self.because,
                "explain": self.explain, "remedy": {"text": self.remedy.text, "settings": dict(self.remedy.settings)},
            }
        )  # fmt: skip
        return found


@dataclass(frozen=True, eq=False)
class Diagnostic:
    """One way of looking: the question it answers, the evidence it needs, and `look(evidence)`.

    `needs` are attributes of `Evidence` that must not be None; without them the diagnostic is not asked. `causes` names the
    diagnostics whose findings this one explains when both are found: they are ranked behind it.
    """

    name: str
    family: str
    question: str
    look: Callable[[Evidence], Finding | None]
    needs: tuple[str, ...] = ()
    causes: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    constants: dict[str, Any] = field(default_factory=dict)

    def examine(self, evidence: Evidence) -> Finding | None:
        """What is found, if anything, where there is what it takes to ask."""
        if any(getattr(evidence, need) is None for need in self.needs):
            return None
        found = self.look(evidence)
        return None if found is None else replace(found, diagnostic=self.name)


diagnostics: Catalog[Diagnostic] = Catalog("diagnostic")

# What follows, whatever it was that kept the weights from getting anywhere.
NO_PROGRESS = ("plateau", "underfitting", "stopped_too_early", "update_ratio")
RATES = ("learning_rate_too_small", "learning_rate_too_large")
UNITS = ("saturated_units", "dead_units")

_Look = TypeVar("_Look", bound=Callable[[Evidence], Finding | None])


def diagnostic(family: str, *, needs: tuple[str, ...] = (), causes: tuple[str, ...] = ()) -> Callable[[_Look], _Look]:
    """Add a diagnostic to the catalog: used as a decorator on the function that looks, whose name is its name and
    whose docstring is the question that it answers."""

    def add(look: _Look) -> _Look:
        record = Diagnostic(look.__name__, family, look.__doc__ or "", look, needs, causes)
        diagnostics.family(lambda: record)
        return look

    return add
