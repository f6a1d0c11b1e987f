"""What is written comes back, in one spelling, also through the plain safetensors library."""

import json
import re
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from model_bytes import CONTENT, HEADER, W, entry, file_of, good
from safetensors.numpy import load_file

from chainrule.archive import pack_strings, read, unpack_strings, write
from chainrule.archive.layout import TYPES
from chainrule.errors import ModelFileError

FIXTURE = Path(__file__).parent / "fixtures" / "format-1-container.model"
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda part: st.lists(part, max_size=3) | st.dictionaries(TEXT, part, max_size=3),
    max_leaves=10,
)
ARRAY = st.sampled_from(sorted(TYPES)).flatmap(
    lambda name: arrays.arrays(TYPES[name], arrays.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=3))
)
TENSORS = st.dictionaries(TEXT.filter(lambda name: name != "__metadata__"), ARRAY, max_size=5)


def assert_same(found, expected):
    assert sorted(found) == sorted(expected)
    for name, array in expected.items():
        assert found[name].dtype == array.dtype, name
        assert found[name].shape == array.shape, name
        assert found[name].tobytes() == array.tobytes(), name


@settings(max_examples=100, deadline=None)
@given(header=st.dictionaries(TEXT, PLAIN, max_size=4), tensors=TENSORS)
def test_any_plain_header_and_any_arrays_come_back_as_they_were(header, tensors):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "any.model"
        write(path, header, tensors, allow_nonfinite=True)
        found_header, found = read(path, allow_nonfinite=True)
        assert found_header == header
        assert_same(found, tensors)
        assert_same(load_file(path), tensors)
        first = path.read_bytes()
        write(path, dict(reversed(header.items())), dict(reversed(tensors.items())), allow_nonfinite=True)
        assert path.read_bytes() == first


def test_the_bytes_are_those_of_the_specification(tmp_path):
    write(tmp_path / "m", {}, {"W1": W})
    assert (tmp_path / "m").read_bytes() == good()


def test_the_file_of_format_1_is_read_for_ever_and_written_the_same_today(tmp_path):
    header, tensors = read(FIXTURE)
    assert header == HEADER
    assert_same(tensors, CONTENT)
    write(tmp_path / "again.model", HEADER, CONTENT)
    assert (tmp_path / "again.model").read_bytes() == FIXTURE.read_bytes()


def test_a_file_written_elsewhere_from_the_specification_is_read(tmp_path):
    entries = {"b": entry("F64", [1], 0, 8), "a": entry("F32", [], 8, 12)}
    payload = np.array([2.5], "<f8").tobytes() + np.array(1.5, "<f4").tobytes()
    (tmp_path / "m").write_bytes(file_of(entries, payload, header='{ "in any spelling": 1e2 }'))
    header, tensors = read(tmp_path / "m")
    assert header == {"in any spelling": 100.0}
    assert (tensors["a"].item(), tensors["b"].item()) == (1.5, 2.5)


def test_tensors_come_back_read_only_aligned_and_in_c_order(tmp_path):
    write(tmp_path / "m", HEADER, CONTENT)
    for name, tensor in read(tmp_path / "m")[1].items():
        assert tensor.flags.c_contiguous, name
        assert tensor.flags.aligned, name
        with pytest.raises(ValueError, match="read-only"):
            tensor[...] = 0


@pytest.mark.parametrize(
    "array",
    [
        np.arange(12.0).reshape(3, 4).T,
        np.arange(12.0)[::-3],
        np.arange(3, dtype=">i4"),
        np.float32(1.5),
        np.broadcast_to(2.0, (2, 5)),
        np.arange(4, dtype="q"),
    ],
    ids=["transposed", "strided", "big-endian", "a number", "broadcast", "long long"],
)
def test_an_array_of_any_layout_keeps_its_values_and_shape(tmp_path, array):
    write(tmp_path / "m", {}, {"x": array})
    found = read(tmp_path / "m")[1]["x"]
    assert found.dtype == array.dtype.newbyteorder("<")
    np.testing.assert_array_equal(found, array, strict=False)
    assert found.shape == array.shape


def test_every_tensor_starts_at_a_multiple_of_its_item_size(tmp_path):
    write(tmp_path / "m", HEADER, CONTENT)
    data = (tmp_path / "m").read_bytes()
    length = int.from_bytes(data[:8], "little")
    entries = json.loads(data[8 : 8 + length])
    del entries["__metadata__"]
    for name, record in entries.items():
        assert (8 + length + record["data_offsets"][0]) % CONTENT[name].itemsize == 0, name


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]))))
def test_packed_text_comes_back(strings):
    packed = pack_strings(strings)
    assert packed.dtype == np.uint8
    assert unpack_strings(packed) == strings


@pytest.mark.parametrize("strings", ["abc", ["a", None], [1], ["\ud800"]])
def test_only_lists_of_text_are_packed(strings):
    with pytest.raises(ModelFileError) as caught:
        pack_strings(strings)
    assert caught.value.code == "CR509"


@pytest.mark.parametrize("content", [b"", b"{}", b'["a", 1]', b'["a"', b"[" * 100_000, b'["\xff"]'])
def test_other_bytes_are_not_unpacked_as_text(content):
    with pytest.raises(ModelFileError) as caught:
        unpack_strings(np.frombuffer(content, np.uint8))
    assert caught.value.code == "CR503"


def nested(depth):
    value = []
    for _ in range(depth):
        value = [value]
    return value


ITSELF: list = []
ITSELF.append(ITSELF)


@pytest.mark.parametrize(
    "header",
    [
        {"a": {"b": [0, (1, 2)]}},
        {"a": {1: "one"}},
        {"a": float("nan")},
        {"a": -float("inf")},
        {"a": np.float32(1)},
        {"a": np.arange(3)},
        {"a": {"set"}},
        {"a": b"bytes"},
        {"a": "\ud800"},
        {"a": 10**5000},
        {"a": nested(100_000)},
        {"a": ITSELF},
    ],
    ids=["tuple", "key", "nan", "inf", "float32", "array", "set", "bytes", "surrogate", "huge", "deep", "cycle"],
)
def test_a_header_that_would_not_come_back_as_it_was_is_refused_and_nothing_is_written(tmp_path, header):
    with pytest.raises(ModelFileError) as caught:
        write(tmp_path / "m", header, {})
    assert caught.value.code == "CR509"
    assert list(tmp_path.iterdir()) == []


def test_the_message_about_a_header_names_the_part(tmp_path):
    with pytest.raises(ModelFileError, match=re.escape("type tuple (header['columns'][1]['range'])")):
        write(tmp_path / "m", {"columns": [{}, {"range": (1, 2)}]}, {})


def test_a_header_too_long_to_be_read_again_is_not_written(tmp_path):
    with pytest.raises(ModelFileError, match="pack_strings") as caught:
        write(tmp_path / "m", {"names": ["x" * 100] * 20_000}, {})
    assert caught.value.code == "CR509"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "tensors",
    [
        {"a": np.array(["x"])},
        {"a": np.array([None])},
        {"a": np.array([1j])},
        {"a": np.array(["2020-01-01"], "datetime64[D]")},
        {"a": np.zeros(2, [("x", "f4")])},
        {"a": np.ma.masked_array([1.0, 2.0], [True, False])},
        {"a": np.zeros(2, "g")},
        {"a": [1.0, 2.0]},
        {1: np.zeros(2)},
        {"__metadata__": np.zeros(2)},
    ],
    ids=["text", "object", "complex", "date", "record", "masked", "long double", "list", "name", "reserved name"],
)
def test_what_is_no_plain_array_of_numbers_is_refused_and_nothing_is_written(tmp_path, tensors):
    with pytest.raises(ModelFileError) as caught:
        write(tmp_path / "m", {}, tensors)
    assert caught.value.code == "CR509"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8"])
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_numbers_that_are_not_finite_are_refused_on_both_sides_unless_wished_for(tmp_path, dtype, bad):
    array = np.zeros((2, 3), dtype)
    array[1, 2] = bad
    with pytest.raises(ModelFileError, match=r"'b' holds 1 of 6 .* at \[1, 2\]") as caught:
        write(tmp_path / "m", {}, {"a": np.ones(2), "b": array})
    assert caught.value.code == "CR506"
    assert list(tmp_path.iterdir()) == []
    write(tmp_path / "m", {}, {"a": np.ones(2), "b": array}, allow_nonfinite=True)
    with pytest.raises(ModelFileError, match=r"'b' holds 1 of 6 .* at \[1, 2\]") as caught:
        read(tmp_path / "m")
    assert caught.value.code == "CR506"
    assert read(tmp_path / "m", allow_nonfinite=True)[1]["b"].tobytes() == array.tobytes()


def test_the_example_of_the_specification_runs(tmp_path, monkeypatch):
    page = (Path(__file__).parents[2] / "docs" / "model-file.md").read_text()
    examples = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    assert examples
    monkeypatch.chdir(tmp_path)
    write("prices.model", {"task": "regression"}, {"W1": W})
    for example in examples:
        exec(compile(example, "docs/model-file.md", "exec"), {})
