"""The records of a catalog, each also with other constants than its defaults."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from chainrule.catalog import Catalog
from chainrule.errors import SettingError


def with_other_constants(catalog: Catalog[Any]) -> Iterator[Any]:
    """Every record, and every one with one constant halved, half as large again, doubled, or moved off 0."""
    for record in catalog:
        yield record
        for name, value in record.constants.items():
            if not isinstance(value, (int, float)):
                continue
            for other in (0.5 * value, 1.5 * value, 2.0 * value) if value else (0.2,):
                try:
                    yield catalog.get(record.name, **{**record.constants, name: other})
                except SettingError:  # outside its bounds
                    continue


def laws_times_records(laws: Any, catalog: Catalog[Any]) -> list[Any]:
    """Test parameters: every law for every record."""
    return [
        pytest.param(
            law, record, id=f"{law.name}-{record.name}-{'-'.join(f'{v:.3g}' for v in record.constants.values())}"
        )
        for record in with_other_constants(catalog)
        for law in laws
    ]
