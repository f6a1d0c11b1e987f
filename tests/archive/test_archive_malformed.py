"""Damaged, hostile and foreign files are refused with the right code, before anything is allocated for them."""

import gzip
import io
import json
import os
import pickle
import struct
import tracemalloc
import zipfile
import zlib

import numpy as np
import pytest
from model_bytes import CONTENT, HEADER, W, entry, file_of, framed, good, spelled
from safetensors.numpy import save

from chainrule.archive import read, write
from chainrule.errors import ModelFileError

PAYLOAD = W.tobytes()
GOOD_ENTRY = entry("F32", [2, 3], 0, 24)


def refusal(path, data):
    path.write_bytes(data)
    tracemalloc.start()
    try:
        with pytest.raises(ModelFileError) as caught:
            read(path)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    # JSON text becomes objects of at most some 60 times its size ("[[[["): far below what the bombs promise
    assert most < 2**20 + 100 * len(data)
    assert str(path) in str(caught.value)
    assert caught.value.exit_code == 4
    return caught.value


def zip_bytes():
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        file.writestr("data.pkl", b"x")
    return buffer.getvalue()


FOREIGN = {
    "pickle": [pickle.dumps({"W1": W.tolist()}, protocol) for protocol in (2, 3, 4, 5)],
    "text": [b"age,fare,class\n1,2,3\n", b'{"weights": [1, 2, 3]}', pickle.dumps([1.5] * 9, 0)],
    "zip": [zip_bytes()],
    "HDF5": [b"\x89HDF\r\n\x1a\n" + bytes(100)],
    "NumPy": [b"\x93NUMPY\x01\x00v\x00{'descr': '<f4'"],
    "gzip": [gzip.compress(b"x" * 50, mtime=0)],
    "zlib": [zlib.compress(pickle.dumps(list(range(99))))],
    "GGUF": [b"GGUF" + bytes(60)],
    "another program": [save({"W1": W}), save({"W1": W}, metadata={"format": "pt"}), framed("{}")],
    "unknown kind": [bytes(64), b"\x08\x07\x12\x07pytorch\x1a\x05", b"\xd3\x1a\x00\x7f" * 9],
}


@pytest.mark.parametrize(("kind", "data"), [(kind, data) for kind, many in FOREIGN.items() for data in many])
def test_a_renamed_file_of_another_kind_is_called_by_its_name(tmp_path, kind, data):
    error = refusal(tmp_path / "renamed.model", data)
    assert error.code == "CR501"
    assert kind in error.got


@pytest.mark.parametrize("length", [2**60, 2**64 - 1, 2**63, 2**20 + 1])
def test_a_header_length_beyond_the_limit_is_refused(tmp_path, length):
    error = refusal(tmp_path / "m", struct.pack("<Q", length) + good()[8:])
    assert error.code == "CR503"
    assert error.got == str(length)


def test_a_header_length_beyond_the_file_is_a_truncated_file(tmp_path):
    data = good()
    error = refusal(tmp_path / "m", struct.pack("<Q", 2**20) + data[8:])
    assert error.code == "CR502"
    assert str(2**20 + 8) in error.expected
    assert str(len(data)) in error.got


def test_a_file_cut_or_lengthened_says_both_sizes(tmp_path):
    for data in (good()[:-3], good() + b"\0", good() + good()):
        error = refusal(tmp_path / "m", data)
        assert error.code == "CR502"
        assert str(len(good())) in error.expected
        assert str(len(data)) in error.got


def test_a_file_cut_at_any_length_is_refused(tmp_path):
    path = tmp_path / "m"
    write(path, HEADER, CONTENT)
    for length in reversed(range(path.stat().st_size)):
        os.truncate(path, length)
        with pytest.raises(ModelFileError) as caught:
            read(path)
        assert caught.value.code == "CR502", length


def test_a_flipped_bit_or_a_changed_byte_anywhere_is_refused(tmp_path):
    path = tmp_path / "m"
    write(path, {"a": "ö"}, {"W1": W, "n": np.array([1], "u1")})
    data = path.read_bytes()
    codes = set()
    with open(path, "r+b", buffering=0) as file:
        for position, here in enumerate(data):
            for other in {here ^ (1 << bit) for bit in range(8)} | {ord(" "), ord("0")} - {here}:
                os.pwrite(file.fileno(), bytes([other]), position)
                with pytest.raises(ModelFileError) as caught:
                    read(path)
                codes.add(caught.value.code)
            os.pwrite(file.fileno(), bytes([here]), position)
    read(path)
    assert codes == {"CR501", "CR502", "CR503", "CR504", "CR505"}


SAME_KEY = '"W1":' + spelled(GOOD_ENTRY)
BAD_TEXT = {
    "a tensor twice": good()[8:-24].decode().replace(SAME_KEY, SAME_KEY + "," + SAME_KEY),
    "a fact twice": good()[8:-24].decode().replace('"version":"1"', '"version":"1","version":"1"'),
    "a field twice": good()[8:-24].decode().replace('"dtype":"F32"', '"dtype":"F32","dtype":"F32"'),
    "another spelling": json.dumps(json.loads(good()[8:-24])),
    "no JSON": '{"W1"',
    "text after the end": good()[8:-24].decode() + "{}",
    "a nesting bomb of lists": '{"a":' + "[" * 500_000,
    "a nesting bomb of objects": '{"a":' * 150_000,
    "NaN": '{"a":NaN}',
    "infinity as a number": '{"a":1e999}',
    "a number of 5000 digits": '{"a":' + "1" * 5000 + "}",
    "an escape for half a character": good()[8:-24].decode().replace("W1", "\\ud800"),
    "deep but finite": good()[8:-24].decode().replace("[2,3]", "[" * 300 + "]" * 300),
}


@pytest.mark.parametrize("text", BAD_TEXT.values(), ids=BAD_TEXT)
def test_a_header_in_doubtful_json_is_refused(tmp_path, text):
    assert refusal(tmp_path / "m", framed(text, PAYLOAD)).code == "CR503"


def test_a_header_that_is_not_utf8_is_refused(tmp_path):
    raw = b'{"a":"\xff\xfe"}'.ljust(16)
    assert refusal(tmp_path / "m", struct.pack("<Q", 16) + raw).code == "CR503"


BAD_FACTS = {
    "an unknown field": {"author": "someone"},
    "no checksums": {"sha256": None},
    "no header": {"header": None},
    "no version": {"version": None},
    "a version that is no text": {"version": 1},
    "version 0": {"version": "0"},
    "version 01": {"version": "01"},
    "version -1": {"version": "-1"},
    "version of other digits": {"version": "١"},
    "a header that is a list": {"header": "[]"},
    "a header with a key twice": {"header": '{"a":1,"a":2}'},
    "a header with NaN": {"header": '{"a":NaN}'},
    "a header that is a bomb": {"header": '{"a":' * 100_000},
    "checksums of other tensors": {"sha256": '{"W2":"00"}'},
    "checksums that are a list": {"sha256": "[]"},
    "checksums that are numbers": {"sha256": '{"W1":5}'},
    "checksums with a key twice": {"sha256": '{"W1":"0","W1":"0"}'},
}


@pytest.mark.parametrize("changed", BAD_FACTS.values(), ids=BAD_FACTS)
def test_facts_that_are_unknown_missing_or_malformed_are_refused(tmp_path, changed):
    assert refusal(tmp_path / "m", file_of({"W1": GOOD_ENTRY}, PAYLOAD, **changed)).code == "CR503"


@pytest.mark.parametrize("version", ["2", "3", "12", "9" * 5000])
def test_a_file_of_a_newer_format_says_which_and_what_is_read(tmp_path, version):
    error = refusal(tmp_path / "m", file_of({"W1": GOOD_ENTRY}, PAYLOAD, version=version, extra="field"))
    assert error.code == "CR505"
    assert "format 1" in error.expected
    assert f"format {version[:20]}" == error.got


def overlapping():
    return {"a": entry("F32", [2], 0, 8), "b": entry("F32", [2], 4, 12)}


def gapped():
    return {"a": entry("F32", [2], 0, 8), "b": entry("F32", [2], 12, 20)}


BAD_ENTRIES = {
    "overlapping": overlapping(),
    "gapped": gapped(),
    "the same bytes twice": {"a": entry("F32", [2], 0, 8), "b": entry("F32", [2], 0, 8)},
    "not starting at 0": {"a": entry("F32", [2], 8, 16)},
    "out of range": {"a": entry("F32", [2], 24, 32)},
    "backwards": {"a": entry("F32", [2], 8, 0)},
    "negative offsets": {"a": entry("F32", [2], -8, 0)},
    "in another order": {"a": entry("F32", [1], 20, 24), "b": entry("F32", [5], 0, 20)},
    "small before large": {"a": entry("F32", [2], 0, 8), "b": entry("F64", [2], 8, 24)},
    "offsets that are fractions": {"a": {"dtype": "F32", "shape": [6], "data_offsets": [0.0, 24.0]}},
    "offsets that are truths": {"a": {"dtype": "U8", "shape": [1], "data_offsets": [False, True]}},
    "one offset": {"a": {"dtype": "F32", "shape": [6], "data_offsets": [24]}},
    "more bytes than the shape": {"a": entry("F32", [5], 0, 24)},
    "fewer bytes than the shape": {"a": entry("F32", [7], 0, 24)},
    "a shape bomb with small offsets": {"a": entry("F32", [10**9, 10**9], 0, 24)},
    "a shape whose product overflows to 24": {"a": entry("U8", [2**61 + 3, 8], 0, 24)},
    "a shape whose product is 2**64": {"a": entry("U8", [2**32, 2**32], 0, 0)},
    "an empty shape bomb": {"a": entry("F32", [0, 2**62, 2**62], 0, 0)},
    "a negative axis": {"a": entry("F32", [-2, -3], 0, 24)},
    "an axis that is a fraction": {"a": entry("F32", [2.0, 3.0], 0, 24)},
    "an axis that is a truth": {"a": entry("F32", [True, 6], 0, 24)},
    "an axis that is text": {"a": entry("F32", ["6"], 0, 24)},
    "a shape that is a number": {"a": entry("F32", 6, 0, 24)},
    "65 axes": {"a": entry("F32", [1] * 65, 0, 4)},
    "an unknown type": {"a": entry("F128", [1], 0, 16)},
    "a type NumPy has not": {"a": entry("BF16", [2], 0, 4)},
    "an object type": {"a": entry("O", [3], 0, 24)},
    "a type that is no text": {"a": entry(["F32"], [6], 0, 24)},
    "a type in small letters": {"a": entry("f32", [6], 0, 24)},
    "an unknown field": {"a": {**entry("F32", [6], 0, 24), "code": "import os"}},
    "a missing field": {"a": {"dtype": "F32", "shape": [6]}},
    "an entry that is a list": {"a": ["F32", [6], 0, 24]},
}


@pytest.mark.parametrize("entries", BAD_ENTRIES.values(), ids=BAD_ENTRIES)
def test_entries_that_do_not_tile_the_file_are_refused(tmp_path, entries):
    sums = spelled(dict.fromkeys(entries, "0" * 64))
    error = refusal(tmp_path / "m", file_of(entries, PAYLOAD, sha256=sums))
    assert error.code == "CR503"
    assert "'a'" in error.what or "'b'" in error.what


def test_a_shape_bomb_that_promises_its_bytes_is_a_truncated_file(tmp_path):
    size = 4 * 10**18
    error = refusal(tmp_path / "m", file_of({"a": entry("F32", [10**9, 10**9], 0, size)}, PAYLOAD))
    assert error.code == "CR502"


def test_a_shape_that_no_memory_can_hold_is_refused(tmp_path):
    size = 4 * 10**24
    data = file_of({"a": entry("F32", [10**12, 10**12], 0, size)}, PAYLOAD)
    assert refusal(tmp_path / "m", data).code == "CR503"


def test_a_tensor_that_does_not_match_its_checksum_is_named(tmp_path):
    entries = {"a": entry("F32", [3], 0, 12), "b": entry("F32", [3], 12, 24)}
    data = bytearray(file_of(entries, PAYLOAD))
    data[-1] ^= 1
    error = refusal(tmp_path / "m", bytes(data))
    assert error.code == "CR504"
    assert "'b'" in error.what


def test_booleans_other_than_0_and_1_are_refused(tmp_path):
    assert refusal(tmp_path / "m", file_of({"a": entry("BOOL", [3], 0, 3)}, b"\0\1\2")).code == "CR503"


def test_a_sparse_file_of_terabytes_is_an_error_and_not_a_crash(tmp_path):
    size = 2**43
    data = file_of({"a": entry("U8", [size], 0, size)}, b"")
    path = tmp_path / "m"
    path.write_bytes(data)
    try:
        os.truncate(path, len(data) + size)
    except OSError:
        pytest.skip("this file system has no files of 8 TB")
    with pytest.raises(ModelFileError) as caught:
        _read_with_little_memory(path)
    assert caught.value.code == "CR318"


def _read_with_little_memory(path):
    import resource

    limits = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (2**36, limits[1]))
    try:
        read(path)
    finally:
        resource.setrlimit(resource.RLIMIT_AS, limits)


def test_a_missing_file_a_folder_and_a_pipe_are_told_apart(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    places = [("missing", "CR301"), ("", "CR317"), ("pipe", "CR501"), ("missing\0", "CR511"), ("x" * 300, "CR511")]
    for name, code in places:
        with pytest.raises(ModelFileError) as caught:
            read(f"{tmp_path}/{name}")
        assert caught.value.code == code, name


def test_a_damaged_model_says_what_to_do(tmp_path):
    assert "copy" in refusal(tmp_path / "m", good()[:-1]).hint
