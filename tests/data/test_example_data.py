"""The data sets that ship with the examples are read and understood without any option."""

from __future__ import annotations

from pathlib import Path

import pytest

from chainrule.data.files import read_table
from chainrule.data.fit_encoder import fit_encoder
from chainrule.data.schema import infer_schema
from chainrule.data.split import split

FOLDER = Path(__file__).parents[2] / "examples" / "data"
SETS = [
    ("iris", "species", 150, 4, "multiclass"),
    ("wine", "cultivar", 178, 13, "multiclass"),
    ("breast_cancer", "diagnosis", 569, 30, "binary"),
    ("diabetes", "progression", 442, 10, "regression"),
]


@pytest.mark.parametrize(("name", "target", "rows", "inputs", "task"), SETS)
def test_an_example_is_read_without_options(name: str, target: str, rows: int, inputs: int, task: str) -> None:
    table = read_table(FOLDER / f"{name}.csv")
    schema = infer_schema(table, target)
    encoder = fit_encoder(table, schema, split(table, schema).train)
    assert (table.row_count, schema.task, len(encoder.inputs)) == (rows, task, inputs)
    assert table.notes == schema.notes == encoder.notes == ()


def test_every_example_names_its_source() -> None:
    described = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert sorted(path.stem for path in FOLDER.glob("*.csv")) == sorted(name for name, *_ in SETS)
    assert all(f"`{name}.csv`" in described for name, *_ in SETS)
