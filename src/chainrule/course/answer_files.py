"""Answer sheets as TOML files: one student's, or a folder with a whole class."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from chainrule.course.document import load, load_toml
from chainrule.course.exercises import exercises
from chainrule.course.marking import Marked, mark
from chainrule.errors import ChainruleError, DataError


def mark_file(path: str | Path, refused: list[ChainruleError] | None = None) -> list[Marked]:
    """Mark an answer file, or every .toml file of a folder: one `Marked` per solved problem.

    The file names the problems (`topic`, `network`, `seed`) and holds a table `[answers.1]` per number; or it names a worked
    `example`, or a `lecture` file of a teacher's own, and holds one table `[answers]`. refused: takes what is wrong with
    files of a folder that cannot be marked, so that the others are; without it, the first such file stops everything.
    """
    path = Path(path)
    if path.is_dir():
        found = sorted(path.glob("*.toml"))
        if not found:
            raise DataError("CR301", "no .toml file in this folder", where=str(path))
        marked: list[Marked] = []
        for file in found:
            try:
                marked += mark_file(file)
            except ChainruleError as reason:
                if refused is None:
                    raise
                refused.append(reason)
        return marked
    if not path.is_file():
        raise DataError("CR301", "this file is not there", where=str(path))
    try:
        data = tomllib.loads(path.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as reason:
        raise DataError("CR309", "this is not TOML", where=str(path), got=str(reason)) from None
    try:
        return list(_solutions(data, str(data.get("name", path.stem)), path.parent))
    except DataError as reason:
        raise DataError(reason.code, reason.what, where=f"{path}: {reason.where}" if reason.where else str(path),
                        expected=reason.expected, got=reason.got, hint=reason.hint) from None  # fmt: skip
    except ChainruleError as reason:
        raise DataError(
            reason.code, reason.what, where=str(path), expected=reason.expected, got=reason.got, hint=reason.hint
        ) from None


def _solutions(data: Mapping[str, Any], who: str, folder: Path) -> Iterator[Marked]:
    answers = data.get("answers")
    if not isinstance(answers, dict) or not answers:
        raise DataError(
            "CR302", "an answer file needs a table [answers.1]", hint="chainrule exercise --format toml prints one"
        )
    if "example" in data or "lecture" in data:
        flat = {key: value for key, value in answers.items() if not isinstance(value, dict)}
        problem = load(str(data["example"])) if "example" in data else load_toml(folder / str(data["lecture"]))
        yield mark(problem, _filled(flat), who)
        return
    for key, table in answers.items():
        if not isinstance(table, dict) or not re.fullmatch("[1-9][0-9]{0,2}", key):
            raise DataError("CR309", "answers stand in tables such as [answers.1]", got=f"answers.{key}")
    count = max(map(int, answers))
    topic, network = str(data.get("topic", "")), str(data.get("network", "2-2-1"))
    made = exercises(topic, network, seed=data.get("seed", 0), count=count)
    for key, table in answers.items():
        yield mark(made[int(key) - 1], _filled(table), who)


def _filled(table: Mapping[str, Any]) -> dict[str, str]:
    """The answers that were given: empty ones are left out."""
    for name, value in table.items():
        if not isinstance(value, str):
            raise DataError(
                "CR202",
                "answers are text, so that their digits count",
                got=f"{name} = {value}",
                hint=f'write {name} = "{value}"',
            )
    return {name: value for name, value in table.items() if value.strip()}
