"""Is this the table that a model was trained on? If so, which of its rows were kept away."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from chainrule.data.files import read_table
from chainrule.data.split import Split
from chainrule.data.table import Table
from chainrule.errors import ChainruleError
from chainrule.model import Model
from chainrule.prepare import prepare
from chainrule.request import Request
from chainrule.run import fingerprint
from chainrule.shapes import Ints


@dataclass(frozen=True, eq=False)
class Origin:
    """The table a model was trained on, as it was read then, and the parts of its rows."""

    table: Table
    parts: Split

    @property
    def fresh(self) -> Ints:
        """The rows that the weights never saw: the test rows, else those watched for stopping; none where all were used."""
        return self.parts.test if len(self.parts.test) else self.parts.validation


def origin(model: Model, data: Any) -> Origin | None:
    """The rows' parts, drawn again from the model's card; None where these are other data (or weights were given).

    >>> from chainrule import fit
    >>> table = {"x": [i / 10 for i in range(600)], "y": [i % 7 for i in range(600)]}
    >>> model = fit(table, "y", network=(2,), epochs=1)
    >>> found = origin(model, table)
    >>> len(found.parts.train), len(found.fresh), origin(model, {"x": [1.0], "y": [2.0]})
    (432, 120, None)
    """
    card = model.card
    if "request" not in card or "fingerprint" not in card["data"]:  # a model of an earlier version
        return None
    try:
        table = data if isinstance(data, Table) else read_table(data, **card["data"]["reading"])
        if table.row_count != card["data"]["rows"]:
            return None
        prepared = prepare(Request.restore(card["request"]), table)
    except ChainruleError:  # such data were not trained on
        return None
    return Origin(table, prepared.parts) if fingerprint(prepared) == card["data"]["fingerprint"] else None
