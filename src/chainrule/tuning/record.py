"""The folder of a search: what was asked, a line per result as it came in, and where the trainings stand."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from chainrule import archive
from chainrule.errors import DataError, SettingError
from chainrule.training.lock import folder_lock
from chainrule.tuning.trial import Result

_FORMAT = 1
_NAMES = {field.name for field in fields(Result)}


@dataclass(frozen=True)
class Record:
    """A search's folder; `trials.jsonl` is only ever added to."""

    folder: Path

    @property
    def lines(self) -> Path:
        return self.folder / "trials.jsonl"

    @property
    def trainings(self) -> Path:
        return self.folder / "trainings"

    def known(self) -> dict[tuple[int, int], Result]:
        """The results that need not be found again, by trial and epochs; a line cut off by a kill is dropped."""
        if not self.lines.exists():
            return {}
        text = self.lines.read_bytes()
        whole = text[: text.rfind(b"\n") + 1]
        if whole != text:
            archive.replace_file(self.lines, [whole])
        found = [self._result(number, line) for number, line in enumerate(whole.splitlines(), 1)]
        return {(result.number, result.epochs): result for result in found if result.is_final}

    def _result(self, number: int, line: bytes) -> Result:
        try:
            values = json.loads(line)
            if set(values) == _NAMES:
                return Result(**values)
        except (ValueError, TypeError):
            pass
        raise SettingError("CR603", "this line is no result of a trial", where=f"{self.lines}, line {number}")

    def add(self, result: Result) -> None:
        """Keep a result, so that also a kill the next moment finds it there."""
        with open(self.lines, "ab") as file:
            file.write(json.dumps(asdict(result), ensure_ascii=False).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())


@contextmanager
def open_record(folder: str | os.PathLike[str], asked: Mapping[str, Any], resume: bool) -> Iterator[Record]:
    """The search in this folder, locked against other processes: begun, or gone on with where `resume` is set.

    Raises CR603 when the folder holds a search and `resume` is not set, or a search of other settings or other data.
    """
    record = Record(Path(folder))
    archive.make_folder(record.trainings)
    path = record.folder / "search.json"
    written = json.dumps({"format": _FORMAT, **asked}, indent=1, ensure_ascii=False)
    with folder_lock(record.folder):
        if not path.exists():
            archive.replace_file(path, [written.encode()])
        elif not resume:
            raise SettingError(
                "CR603",
                "this folder holds a search already",
                where=str(folder),
                hint="resume it, or name another folder",
            )
        else:
            _same(json.loads(written), _read(path), str(folder))
        yield record


def _read(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as reason:
        raise SettingError("CR603", "this folder holds no search", where=str(path), got=str(reason)) from None
    if not isinstance(found, dict) or found.get("format") != _FORMAT:
        raise SettingError("CR603", "a search of another version", where=str(path), expected=f"format {_FORMAT}")
    return found


def _same(asked: dict[str, Any], kept: dict[str, Any], where: str) -> None:
    if asked["fingerprint"] != kept.get("fingerprint"):
        raise DataError("CR603", "the data are not those that the search began with", where=where)
    for name, value in asked.items():
        if value != kept.get(name):
            raise SettingError(
                "CR603", f"the search was begun with another `{name}`", where=where,
                expected=json.dumps(kept.get(name)), got=json.dumps(value),
            )  # fmt: skip
