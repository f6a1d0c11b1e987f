"""What is wrong, loose or rounded on the slides of the five lectures, and what is right. It speaks of slides only."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files


@dataclass(frozen=True)
class Erratum:
    """One entry: `where` on the slides, what is `printed`, what is `right`, and `why`. `kind` is in words."""

    id: str
    kind: str
    document: str
    where: str
    printed: str
    right: str
    why: str
    examples: tuple[str, ...]

    def lines(self) -> list[str]:
        """The entry for a reader."""
        said = [f"{self.id} ({self.kind}) {self.where}", f"  printed: {self.printed}", f"  right:   {self.right}"]
        return [*said, f"  why:     {self.why}"] if self.why else said


@lru_cache(maxsize=1)
def errata() -> tuple[Erratum, ...]:
    """All entries, in the order of the documents.

    >>> next(one.right for one in errata() if one.id == "B18")
    '0.1312 (0.131169078214345)'
    """
    data = json.loads((files("chainrule.course") / "errata.json").read_text("utf-8"))
    return tuple(
        Erratum(
            row["id"], data["kinds"][row["kind"]], data["documents"][row["id"][0]], row["where"], row["printed"], row["right"],
            row["why"], tuple(row["examples"]),
        )
        for row in data["errata"]
    )  # fmt: skip


def of_example(name: str) -> list[Erratum]:
    """The entries that belong to a worked example."""
    return [one for one in errata() if name in one.examples]
