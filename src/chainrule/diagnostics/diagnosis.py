"""The verdict on a network: ill, healthy, or "I cannot tell, because …", with everything it rests on."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from html import escape
from typing import Any, Literal

from chainrule.diagnostics.evidence import Evidence
from chainrule.diagnostics.finding import Finding, Remedy, diagnostics
from chainrule.diagnostics.layers import LayerState, words
from chainrule.diagnostics.ranking import ranked
from chainrule.plain import plain

SCHEMA = "chainrule-diagnosis/1"
FEW_ROWS = 30
BEHIND = 0.1  # skill by which a network that a simple method overtakes cannot be called healthy
NOTHING = 0.03  # skill at or below which nothing was learned

Verdict = Literal["ill", "healthy", "cannot_tell"]
Retry = Callable[[Remedy], "Tried"]


@dataclass(frozen=True)
class Tried:
    """What became of a training repeated with a remedy: a measure by name before and after, on the same rows.

    `greater_is_better` says which way is up; `rows` how many rows it was measured on and `kept_away` whether they were.
    """

    measure: str
    before: float | None
    after: float | None
    greater_is_better: bool
    rows: int
    kept_away: bool
    settings: Mapping[str, Any]
    said: str = ""

    @property
    def helped(self) -> bool:
        """Whether it got better by more than 1 % of what was left to gain, or from nothing to something."""
        if self.after is None:
            return False
        if self.before is None:
            return True
        gain = self.after - self.before if self.greater_is_better else self.before - self.after
        return gain > 0.01 * max(abs(1.0 - self.before if self.greater_is_better else self.before), 1e-12)

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        found: dict[str, Any] = plain({**vars(self), "settings": dict(self.settings), "helped": self.helped})
        return found

    def __str__(self) -> str:
        if self.said:
            return self.said
        where = f"{self.rows} rows kept away" if self.kept_away else f"the {self.rows} rows it was trained on"
        changed = ", ".join(f"{name}={value!r}" for name, value in self.settings.items())
        before = "no number" if self.before is None else f"{self.before:.4g}"
        after = "no number" if self.after is None else f"{self.after:.4g}"
        verdict = "it helped" if self.helped else "it did not help"
        return (
            f"trained again from the beginning with {changed}: {self.measure} {before} → {after} on {where}; {verdict}"
        )


@dataclass(frozen=True, eq=False)
class Diagnosis:
    """What ails a network. `verdict` is "ill", "healthy" or "cannot_tell", and `because` says why.

    `findings` are ranked: the first is the cause to treat. `layers` holds what was measured of every layer, `measured` what
    was measured of the whole, `word` one word per hidden layer. `cure(diagnosis)` tries the first remedy.
    """

    verdict: Verdict
    because: str
    findings: tuple[Finding, ...]
    layers: tuple[LayerState, ...] = ()
    measured: Mapping[str, Any] = field(default_factory=dict)
    retry: Retry | None = None

    @property
    def first(self) -> Finding | None:
        """The finding to treat first; None where nothing was found."""
        return self.findings[0] if self.findings else None

    @property
    def is_healthy(self) -> bool:
        return self.verdict == "healthy"

    def to_dict(self) -> dict[str, Any]:
        """Plain data, schema "chainrule-diagnosis/1"."""
        found: dict[str, Any] = plain(
            {
                "schema": SCHEMA, "verdict": self.verdict, "because": self.because,
                "findings": [one.to_dict() for one in self.findings],
                "layers": [one.to_dict() for one in self.layers], "measured": dict(self.measured),
            }
        )  # fmt: skip
        return found

    def to_text(self, width: int = 100) -> str:
        """The diagnosis for a terminal, without colour."""
        return "\n".join(_lines(self, width))

    def __str__(self) -> str:
        return self.to_text()

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<li><b>{escape(one.diagnostic)}</b> ({escape(one.severity)}, {escape(one.where)}): {escape(one.said)}.<br>"
            f"{escape(one.because)}.<br>Expected: {escape(one.expected)}.<br>Remedy: {escape(one.remedy.text)}.</li>"
            for one in self.findings
        )
        return f"<p><b>{escape(_title(self))}</b> {escape(self.because)}</p><ol>{rows}</ol>"


def examine(evidence: Evidence, retry: Retry | None = None) -> Diagnosis:
    """Ask every diagnostic of the catalog and say what they found."""
    findings = ranked([found for record in diagnostics if (found := record.examine(evidence)) is not None])
    verdict, because = _verdict(evidence, findings)
    return Diagnosis(verdict, because, findings, evidence.layers, measured(evidence), retry)


def _verdict(e: Evidence, findings: tuple[Finding, ...]) -> tuple[Verdict, str]:
    ill = [one for one in findings if one.is_ill]
    if ill:
        others = f" ({len(ill) - 1} more below)" if len(ill) > 1 else ""
        return "ill", f"{ill[0].said}{others}" if ill[0].said else ill[0].because
    rows = len(e.sample)
    if rows < FEW_ROWS:
        return "cannot_tell", f"{rows} rows are too few to tell learning from chance (at least {FEW_ROWS})"
    shown = e.watched_skill if e.watched_skill is not None else e.skill
    if e.reference is not None and max(shown, e.reference.skill) <= NOTHING:
        return "cannot_tell", (
            "neither the network nor a simple method finds anything in these columns that says something about the target"
        )
    if e.own and e.shortfall > BEHIND and e.reference is not None:
        return "cannot_tell", (
            f"the network's skill is {e.skill:.2f} on its own training rows, where a simple method reaches "
            f"{e.reference.skill:.2f} on rows that it did not see: something holds it back, and no cause that I look for was "
            "measured (a weaker penalty, another activation or a longer training may show it)"
        )
    where = "rows kept away" if e.watched_skill is not None else "its training rows"
    beside = f"; a simple method reaches {e.reference.skill:.2f}" if e.reference is not None else ""
    return "healthy", f"nothing ails it: skill {shown:.2f} on {where} (0 is a constant prediction, 1 perfect){beside}"


def measured(e: Evidence) -> dict[str, Any]:
    """What was measured of the whole network."""
    said: dict[str, Any] = {
        "rows": len(e.sample), "loss": e.loss, "constant_loss": e.constant_loss, "skill": e.skill,
        "watched_skill": e.watched_skill,
        "reference_skill": None if e.reference is None else e.reference.skill,
        "words": dict(words(e.layers, e.members)),
    }  # fmt: skip
    if e.training is not None:
        said["learning_rate"] = e.training.update.rule.learning_rate if e.training.solver != "lbfgs" else None
    return said


def _title(diagnosis: Diagnosis) -> str:
    if diagnosis.verdict == "cannot_tell":
        return "I cannot tell, because"
    if diagnosis.verdict == "healthy":
        return "Healthy:"
    assert diagnosis.first is not None
    return f"Ill: {diagnosis.first.diagnostic.replace('_', ' ')} ({diagnosis.first.where}):"


def _lines(diagnosis: Diagnosis, width: int) -> list[str]:
    lines = textwrap.wrap(f"{_title(diagnosis)} {diagnosis.because}.", width)
    for one in diagnosis.findings:
        sign = "" if one.is_ill else " (note)"
        lines += ["", f"{one.rank}. {one.diagnostic.replace('_', ' ')}{sign}: {one.where}"]
        for name, text in (
            ("measured", one.said), ("expected", one.expected), ("because", one.because), ("remedy", one.remedy.text),
            ("explain", f"--of '{one.explain}'" if one.explain else ""),
        ):  # fmt: skip
            if text:
                lines += textwrap.wrap(
                    f"{name:<9} {text}", width, initial_indent="   ", subsequent_indent=" " * 13, break_on_hyphens=False
                )
    if diagnosis.layers:
        lines += ["", "Layers"]
        said = diagnosis.measured.get("words", {})
        table = [("", "units", "activation", "|∂L/∂W|", "∂L/∂z", "|W|", "slope", "flat", "dead", "")]
        for state in diagnosis.layers:
            table.append(
                (
                    str(state.layer),
                    str(len(state.units)),
                    state.function,
                    f"{state.gradient:.1e}",
                    f"{state.delta:.1e}",
                    f"{state.weight:.3g}",
                    f"{state.slope.mean():.2g}",
                    str(int(state.saturated.sum())),
                    str(int(state.dead.sum())),
                    "output" if state.is_output else said.get(state.layer, ""),
                )
            )
        widths = [max(len(row[i]) for row in table) for i in range(len(table[0]))]
        lines += [
            "  " + "  ".join(cell.rjust(w) for cell, w in zip(row, widths, strict=True)).rstrip() for row in table
        ]
    return lines
