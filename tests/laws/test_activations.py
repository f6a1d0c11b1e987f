"""Every law for every activation of the catalog, with its own and with other constants."""

from __future__ import annotations

import pytest
from variants import laws_times_records

from chainrule.calculus.activations import activations
from chainrule.laws.activation import LAWS


@pytest.mark.parametrize(("law", "record"), laws_times_records(LAWS, activations))
def test_every_law_holds_for_every_activation(law, record):
    law.check(record)


@pytest.mark.parametrize("record", activations, ids=lambda record: record.name)
def test_every_activation_says_where_it_comes_from_and_how_it_is_written(record):
    assert record.source
    assert record.latex
    assert record.latex_slope
    assert record.cost > 0
    assert record.gain > 0
