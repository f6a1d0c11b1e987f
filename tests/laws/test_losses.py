"""Every law for every loss of the catalog, with its own and with other constants."""

from __future__ import annotations

import pytest
from variants import laws_times_records

from chainrule.calculus.losses import losses
from chainrule.laws.loss import LAWS


@pytest.mark.parametrize(("law", "record"), laws_times_records(LAWS, losses))
def test_every_law_holds_for_every_loss(law, record):
    law.check(record)


@pytest.mark.parametrize("record", losses, ids=lambda record: record.name)
def test_every_loss_says_where_it_comes_from_and_how_it_is_written(record):
    assert record.source
    assert record.latex
    assert record.latex_slope
