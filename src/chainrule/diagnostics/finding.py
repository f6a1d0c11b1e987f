"""What a diagnosis is made of: a finding with its evidence, a remedy that can be applied, and what a diagnostic is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

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

    `severity`: "illness" or "note" (worth knowing, nothing to treat). `rank` counts from 1, the first being the cause to
    treat. `measured` holds the numbers by name. `explain` is an address that `explain(..., of=...)` takes, for the very
    numbers that the finding rests on; None where no number of the network is meant.
    """

    diagnostic: str
    severity: Severity
    where: str
    measured: Mapping[str, Any]
    expected: str
    because: str
    remedy: Remedy
    rank: int = 0
    said: str = ""
    explain: str | None = None

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
    """One way of looking: the question it answers, the evidence it needs, and `examine(evidence)`.

    `needs` are attributes of `Evidence` that must not be None; without them the diagnostic is not asked. `causes` names the
    diagnostics whose findings this one explains when both are found: they are ranked behind it.
    """

    name: str
    family: str
    question: str
    examine: Callable[[Evidence], tuple[Finding, ...]]
    needs: tuple[str, ...] = ()
    causes: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    constants: dict[str, Any] = field(default_factory=dict)


diagnostics: Catalog[Diagnostic] = Catalog("diagnostic")
