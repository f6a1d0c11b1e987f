"""Catalogs: records by name."""

from __future__ import annotations

import pickle

import pytest

from chainrule import activations, initializers, losses, rules
from chainrule.catalog import Catalog
from chainrule.errors import SettingError
from chainrule.metrics import catalog as metrics

CATALOGS = {catalog.kind: catalog for catalog in (activations, losses, rules, initializers, metrics)}
RECORDS = [(kind, record) for kind, catalog in CATALOGS.items() for record in catalog]


@pytest.mark.parametrize(("kind", "record"), RECORDS, ids=[f"{kind} {record.name}" for kind, record in RECORDS])
class TestEveryRecord:
    def test_is_found_by_its_name_and_by_every_alias(self, kind, record):
        for name in (record.name, *record.aliases):
            assert CATALOGS[kind].get(name) == record

    def test_is_described_and_restored(self, kind, record):
        catalog = CATALOGS[kind]
        assert catalog.restore(catalog.describe(record)) == record

    def test_is_pickled_by_name(self, kind, record):
        assert pickle.loads(pickle.dumps(record)) == record

    def test_passes_through_get(self, kind, record):
        assert CATALOGS[kind].get(record) is record

    def test_cannot_be_changed(self, kind, record):
        with pytest.raises(AttributeError):
            record.name = "other"

    def test_is_hashable_and_differs_from_the_others(self, kind, record):
        assert len({record, *CATALOGS[kind]}) == len(CATALOGS[kind])


@pytest.mark.parametrize("catalog", CATALOGS.values(), ids=lambda catalog: catalog.kind)
def test_no_name_stands_for_two_records(catalog):
    names = [name for record in catalog for name in (record.name, *record.aliases)]
    assert len(names) == len(set(names))
    assert catalog.names() == [record.name for record in catalog]


@pytest.mark.parametrize("catalog", CATALOGS.values(), ids=lambda catalog: catalog.kind)
def test_an_unknown_name_is_answered_with_the_nearest(catalog):
    name = catalog.names()[0]
    with pytest.raises(SettingError) as caught:
        catalog.get(name + "x")
    assert caught.value.code == "CR203"
    assert name in caught.value.hint


def test_records_with_other_constants_are_other_records():
    half, whole = activations.get("elu", alpha=0.5), activations.get("elu")
    assert half != whole
    assert activations.describe(half) == {"name": "elu", "alpha": 0.5}
    assert half == activations.get("elu", alpha=0.5)


def test_an_unknown_constant_is_answered_with_the_known_ones():
    with pytest.raises(SettingError, match="alpha") as caught:
        activations.get("elu", alhpa=0.5)
    assert caught.value.code == "CR203"


def test_a_taken_name_is_refused_and_a_forgotten_one_is_free_again():
    with pytest.raises(SettingError) as caught:
        activations.family(lambda: activations.get("relu"))
    assert caught.value.code == "CR207"
    small = Catalog("activation")
    small.family(lambda: activations.get("mish"))
    small.forget("mish")
    assert "mish" not in small
    assert len(small) == 0
    small.family(lambda: activations.get("mish"))
    assert small.get("mish").name == "mish"
