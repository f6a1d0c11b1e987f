"""What can go wrong, as one tree of exceptions with stable codes.

Every message has the same parts: what is wrong, where, what was expected, what was got, and one line that fixes it.
A code (`CR205`) never changes its meaning; `docs/errors.md` lists them all.
"""

from __future__ import annotations

import difflib
import sys
from collections.abc import Iterable
from typing import Any

# the first digit of a code -> what such errors are about
FAMILIES: dict[str, str] = {
    "CR1": "arrays and targets",
    "CR2": "settings",
    "CR3": "files and tables",
    "CR4": "columns at prediction time",
    "CR5": "model files",
    "CR6": "training",
    "CR7": "environment",
    "CR8": "promises of chainrule that did not hold (please report them)",
}

# code -> what it means. A new error adds its line here and nowhere else,
# and the page is made anew: python docs/make_errors_page.py > docs/errors.md
CODES: dict[str, str] = {
    "CR101": "missing values where none are allowed",
    "CR102": "infinite values",
    "CR103": "wrong number of dimensions",
    "CR104": "lengths that do not match",
    "CR105": "too few rows, classes or columns",
    "CR106": "a type that is not numbers",
    "CR107": "values too large for the number type",
    "CR108": "a target that does not fit the task",
    "CR109": "rows of different lengths",
    "CR110": "a sparse matrix where a dense one is needed",
    "CR111": "row labels (index) in another order",
    "CR112": "sample or class weights that cannot be used",
    "CR113": "every row is its own class",
    "CR114": "a missing target",
    "CR115": "an array of the wrong shape",
    "CR201": "a number outside its bounds",
    "CR202": "a value of the wrong type",
    "CR203": "an unknown name",
    "CR204": "settings that contradict each other",
    "CR205": "an activation that gradient descent cannot train",
    "CR206": "an output activation that does not fit the loss",
    "CR207": "a name that stands for several things or for nothing",
    "CR208": "a record that breaks a law",
    "CR209": "a network that cannot be built",
    "CR210": "an address that does not exist in this network",
    "CR211": "a command line that cannot be read",
    "CR212": "a network of another library that cannot be read",
    "CR213": "a network that was read and gives other outputs than the original",
    "CR301": "a file that is not there",
    "CR302": "an empty file",
    "CR303": "text in an unknown encoding",
    "CR304": "a duplicate column name",
    "CR305": "a row with too few or too many fields",
    "CR306": "a quote that never closes",
    "CR307": "a NUL byte in text",
    "CR308": "a file of another kind than its name says",
    "CR309": "a damaged or truncated data file",
    "CR310": "a column of mixed types",
    "CR311": "an ambiguous date",
    "CR312": "an ambiguous separator or decimal mark",
    "CR313": "a target column that is not there",
    "CR314": "no columns left to learn from",
    "CR315": "far more columns than rows",
    "CR316": "a cell that is too large",
    "CR317": "a folder where a file is expected",
    "CR318": "a file too large for the memory",
    "CR319": "a file format that is not read",
    "CR401": "a column that the model needs is missing",
    "CR402": "another number of columns than the model was fitted on",
    "CR403": "a column of another type than the model was fitted on",
    "CR404": "column names that become equal",
    "CR501": "a file that is not a chainrule model",
    "CR502": "a truncated or overlong model file",
    "CR503": "a model file with a bad header",
    "CR504": "a tensor whose checksum does not match",
    "CR505": "a model file of a newer version",
    "CR506": "a non-finite number in a model file",
    "CR507": "a place that cannot be written to",
    "CR508": "not enough room on the disk",
    "CR509": "something that has no safe place in a model file",
    "CR510": "a model or run that another process is writing",
    "CR511": "a model file that the system does not let be read",
    "CR601": "a number that is not finite during training",
    "CR602": "a model that is not fitted yet",
    "CR603": "a run that cannot be resumed",
    "CR604": "a search in which no trial could be trained",
    "CR701": "an optional package that is not installed",
    "CR702": "an engine that cannot run this",
    "CR801": "a plan that does not hold together",
    "CR802": "an explanation that does not add up",
}


class ChainruleError(ValueError):
    """The root of all errors raised on purpose.

    Parameters: `code` (a key of `CODES`), `what` is wrong, `where` (file, line, column, argument), what was `expected`,
    what was `got`, and a `hint` that fixes it. The parts stay readable as attributes.
    """

    exit_code = 2

    def __init__(
        self,
        code: str,
        what: str,
        *,
        where: str | None = None,
        expected: str | None = None,
        got: str | None = None,
        hint: str | None = None,
    ) -> None:
        if code not in CODES:
            raise KeyError(f"error code {code} is not listed in chainrule.errors.CODES")
        self.code, self.what, self.where = code, what, where
        self.expected, self.got, self.hint = expected, got, hint
        super().__init__(self._message())

    def _message(self) -> str:
        text = f"{self.code}: {self.what}" + (f" ({self.where})" if self.where else "")
        found = [f"expected {self.expected}"] if self.expected else []
        found += [f"got {self.got}"] if self.got else []
        if found:
            text += ": " + ", ".join(found)
        return text + (f". Hint: {self.hint}" if self.hint else ".")

    def __reduce__(self) -> tuple[Any, ...]:
        return _again, (type(self), self.to_dict())

    def to_dict(self) -> dict[str, str | None]:
        """The parts by name, for programs."""
        names = ("code", "what", "where", "expected", "got", "hint")
        return {name: getattr(self, name) for name in names}


def _again(kind: type[ChainruleError], parts: dict[str, Any]) -> ChainruleError:
    """An error that was pickled, such as by a worker process."""
    code, what = parts.pop("code"), parts.pop("what")
    return kind(code, what, **parts)


class SettingError(ChainruleError):
    """A parameter, option or network that cannot work (exit code 2)."""


class DataError(ChainruleError):
    """Data that cannot be read or learned from (exit code 3)."""

    exit_code = 3


class ModelFileError(ChainruleError):
    """A model file that cannot be read or written (exit code 4)."""

    exit_code = 4


class DivergedError(ChainruleError):
    """Training met a number that is not finite (exit code 5). `failure` says where, for programs."""

    exit_code = 5
    failure: Any = None


class NotFittedError(ChainruleError, AttributeError):
    """A model was asked before it was fitted."""


class PromiseError(ChainruleError):
    """Something chainrule promises did not hold: a fault of the library, not of its user (exit code 1)."""

    exit_code = 1


class ChainruleWarning(UserWarning):
    """Something works, but probably not as meant."""


def nearest(name: str, known: Iterable[str], limit: int = 3) -> list[str]:
    """The known names most like `name`, best first.

    >>> nearest("Relu", ["relu", "selu", "tanh"], limit=1)
    ['relu']
    """
    by_lower = {k.lower(): k for k in known}
    return [by_lower[k] for k in difflib.get_close_matches(str(name).lower(), by_lower, n=limit, cutoff=0.5)]


def unknown_name(what: str, name: object, known: Iterable[str], aliases: Iterable[str] = ()) -> SettingError:
    """The error for a name that no catalog holds, with the nearest names and aliases as the hint."""
    known = sorted(known)
    close = nearest(str(name), [*aliases, *known])
    hint = f"did you mean {' or '.join(repr(c) for c in close)}?" if close else None
    # Nobody reads more than a screenful of names.
    names = f"{len(known)} names" if close and len(known) > 25 else ", ".join(known)
    return SettingError("CR203", f"unknown {what}", expected=f"one of {names}", got=repr(name), hint=hint)


def callers_level() -> int:
    """The `stacklevel` by which a warning names the line outside this package that led to it."""
    frame, level = sys._getframe(1), 1
    while frame.f_back is not None and str(frame.f_globals.get("__name__", "")).partition(".")[0] == "chainrule":
        frame, level = frame.f_back, level + 1
    return level
