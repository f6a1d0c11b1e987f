"""A catalog: records by name, in one place. What is in a catalog works everywhere and is tested everywhere."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from typing import Any, Generic, Protocol, TypeVar

from chainrule.errors import SettingError, unknown_name


class Named(Protocol):
    """A frozen record that knows its own name and its other names."""

    @property
    def name(self) -> str: ...
    @property
    def aliases(self) -> tuple[str, ...]: ...
    @property
    def constants(self) -> dict[str, Any]: ...


T = TypeVar("T", bound=Named)


class Catalog(Generic[T]):
    """Families of records: a name leads to a function of the constants that makes the record.

    A family is a function whose arguments are the constants of the formula, each with a default:
    `elu(alpha=1.0)`. Two records with different constants are two records.
    """

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self._families: dict[str, Callable[..., T]] = {}
        self._names: dict[str, str] = {}

    def family(self, make: Callable[..., T]) -> Callable[..., T]:
        """Add a family (used as a decorator on the function that makes the record)."""
        record = make()
        taken = [name for name in (record.name, *record.aliases) if name in self._names]
        if taken:
            raise SettingError("CR207", f"the {self.kind} name {taken[0]!r} is taken", hint="choose another name")
        self._families[record.name] = make
        for name in (record.name, *record.aliases):
            self._names[name] = record.name
        return make

    def forget(self, name: str) -> None:
        """Remove a family (a user's own; tests use it to leave no trace)."""
        record = self.get(name)
        del self._families[record.name]
        self._names = {alias: target for alias, target in self._names.items() if target != record.name}

    def get(self, name: str | T, **constants: Any) -> T:
        """The record of that name (or alias) with these constants; a record passes through.

        Raises `SettingError` CR203 with the nearest names when nothing is called so.
        """
        if not isinstance(name, str):
            return name
        if name not in self._names:
            raise unknown_name(self.kind, name, self._families, self._names)
        make = self._families[self._names[name]]
        allowed = inspect.signature(make).parameters
        for constant in constants:
            if constant not in allowed:
                raise unknown_name(f"constant of {self.kind} {name!r}", constant, allowed)
        return make(**constants)

    def describe(self, record: T) -> dict[str, Any]:
        """A record as plain data; `restore` is its inverse."""
        return {"name": record.name, **record.constants}

    def restore(self, description: dict[str, Any]) -> T:
        """The record that `describe` described."""
        rest = dict(description)
        return self.get(rest.pop("name"), **rest)

    def names(self) -> list[str]:
        """The names (without aliases), in the order of the source."""
        return list(self._families)

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def __iter__(self) -> Iterator[T]:
        return (make() for make in self._families.values())

    def __len__(self) -> int:
        return len(self._families)
