"""Every number of the worked examples: recomputed from what is given, and once more by chainrule's own parts."""

import functools
import json
from importlib.resources import files

import pytest

from chainrule.course.document import load, names
from chainrule.course.errata import errata, of_example
from chainrule.course.judge import AGREES, CARRIED, CUT, ROUNDED, WRONG, work
from chainrule.course.recompute import report
from chainrule.course.symbols import symbol
from chainrule.course.walk import Walk
from chainrule.errors import ChainruleError

ALL = names()


@functools.cache
def walk_of(name):
    return Walk(load(name))


@functools.cache
def text_of(name):
    return "\n".join(walk_of(name).lines())


def raw(name):
    return json.loads(files("chainrule.course").joinpath(f"worked_examples/{name}.json").read_text("utf-8"))


def test_there_are_25_worked_examples():
    assert len(ALL) == 25


@pytest.mark.parametrize("name", [name for name in ALL if raw(name).get("quantities")])
def test_every_quantity_follows_from_what_is_given(name):
    for one, told in zip(work(load(name)), raw(name)["quantities"], strict=True):
        # relative 1e-12; numbers far below 1 are sums and differences of numbers around 1
        assert one.true == pytest.approx(told["true"], rel=1e-12, abs=1e-16), told["name"]
        if told["printed"] is None:
            assert one.verdict == ""
        else:
            assert (one.verdict == AGREES) is told["agrees"], told["name"]
            assert one.verdict == AGREES or one.why
        for printed, also in zip(one.quantity.also, told.get("also_printed", ()), strict=True):
            assert printed[0].agrees(one.true) is also["agrees"]


@pytest.mark.parametrize("name", ALL)
def test_the_library_computes_every_number_of_an_example(name):
    found = report(walk_of(name).numbers)
    assert found.count > 0
    assert not found.differing, found.differing[:3]


def verdicts(name):
    return {one.quantity.name: one for one in work(load(name)) if one.verdict}


def test_rounding_is_told_from_mistakes():
    rounding = verdicts("cap4453-2-3-1")
    assert {one.verdict for one in rounding.values()} <= {AGREES, ROUNDED, CUT}
    assert rounding["dE_dw1"].verdict == ROUNDED
    assert verdicts("dse3121-han-kamber-3-2-1")["Err_6"].verdict == ROUNDED
    assert verdicts("dse3121-sigmoid-neuron-loss-table")["L4"].verdict == CUT


def test_swapped_units_are_named_and_what_follows_is_traced_to_them():
    found = verdicts("practical-ml-2-2-2-backprop")
    assert found["y1_in"].verdict == WRONG
    assert "z1 and z2 exchanged" in found["y1_in"].why
    assert found["y1"].verdict == CARRIED
    assert found["y1"].first_wrong == "y1_in"
    assert found["dE_dw1_11"].first_wrong == "y1_in"


def test_the_wrong_sign_of_an_update_is_named():
    found = verdicts("practical-ml-2-2-2-backprop")
    for name in ("w2_11_new", "w1_11_new"):
        assert found[name].verdict == WRONG
        assert "a plus where a minus belongs" in found[name].why


def test_a_digit_too_many_and_a_padded_zero_are_named():
    assert "one digit 9 too many" in verdicts("cis678-2-2-2-sigmoid")["net_o1"].why
    assert "filled up with zeros" in verdicts("dse3121-sigmoid-neuron-loss-table")["L1"].why


@pytest.mark.parametrize("name", ALL)
def test_a_walk_can_be_read_and_is_plain_data(name):
    walk, text = walk_of(name), text_of(name)
    data = walk.to_dict()
    assert walk.example.title in text
    assert json.loads(json.dumps(data, allow_nan=False))["example"] == name
    for one in walk.judged:
        assert symbol(one.quantity.name) in text
    for erratum in of_example(name):
        assert erratum.printed in text
    assert len(text.splitlines()) > 6


@pytest.mark.parametrize("name", ALL)
def test_a_walk_speaks_of_slides_and_never_of_a_person(name):
    text = text_of(name) + json.dumps(raw(name), ensure_ascii=False)
    for word in (" Dr.", "Prof", "author", "lecturer"):
        assert word not in text


def test_every_erratum_is_complete_and_belongs_to_known_examples():
    entries = errata()
    assert len(entries) == 66
    assert len({one.id for one in entries}) == 66
    for one in entries:
        assert one.where and one.printed and one.right
        assert set(one.examples) <= set(ALL)


def test_an_unknown_example_names_the_nearest():
    with pytest.raises(ChainruleError, match="did you mean 'losses'"):
        load("loses")
