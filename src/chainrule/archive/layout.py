"""Where each byte of a model file is: pure functions from names, types and shapes to the header, and back."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.archive.text import decode_json, encode_json
from chainrule.errors import ModelFileError

FORMAT = "chainrule-model"
VERSION = 1
HEADER_LIMIT = 2**20

# The names that safetensors gives to the types NumPy has (there is no bfloat16 in NumPy).
TYPES: dict[str, np.dtype[Any]] = {
    "BOOL": np.dtype("?"),
    "U8": np.dtype("u1"),
    "I8": np.dtype("i1"),
    "U16": np.dtype("<u2"),
    "I16": np.dtype("<i2"),
    "F16": np.dtype("<f2"),
    "U32": np.dtype("<u4"),
    "I32": np.dtype("<i4"),
    "F32": np.dtype("<f4"),
    "U64": np.dtype("<u8"),
    "I64": np.dtype("<i8"),
    "F64": np.dtype("<f8"),
}
_MOST_AXES = 64
_LARGEST = 2**63 - 1
_FACTS = {"format", "version", "header", "sha256"}


@dataclass(frozen=True)
class Kind:
    """What a tensor is: its type (a name of `TYPES`) and its shape."""

    type: str
    shape: tuple[int, ...]

    @property
    def item(self) -> int:
        """Bytes of one number."""
        return TYPES[self.type].itemsize

    @property
    def size(self) -> int:
        """Bytes of the whole tensor."""
        return self.item * math.prod(self.shape)


@dataclass(frozen=True)
class Layout:
    """What a header says: chainrule's own header, and of each tensor the kind, the span of bytes and the checksum."""

    header: dict[str, Any]
    kinds: dict[str, Kind]
    spans: dict[str, tuple[int, int]]
    checksums: dict[str, str]


def spans_of(kinds: Mapping[str, Kind]) -> dict[str, tuple[int, int]]:
    """The bytes [start, stop) of each tensor behind the header, in the order of the file.

    Largest numbers first, then by name: every tensor starts at a multiple of its item size with no gap between two.

    >>> spans_of({"flags": Kind("BOOL", (3,)), "b": Kind("F32", (2,)), "W": Kind("F32", (2, 3))})
    {'W': (0, 24), 'b': (24, 32), 'flags': (32, 35)}
    """
    spans, start = {}, 0
    for name in sorted(kinds, key=lambda name: (-kinds[name].item, name)):
        spans[name] = (start, start + kinds[name].size)
        start = spans[name][1]
    return spans


def encode_header(header: dict[str, Any], kinds: Mapping[str, Kind], checksums: Mapping[str, str]) -> bytes:
    """The header in bytes, length in front. Raises `ModelFileError` CR509 for what has no place in it."""
    if "__metadata__" in kinds:
        raise ModelFileError("CR509", "no tensor can have the name '__metadata__'", hint="choose another name")
    entries = {
        name: {"dtype": kinds[name].type, "shape": list(kinds[name].shape), "data_offsets": list(span)}
        for name, span in spans_of(kinds).items()
    }
    facts = {
        "format": FORMAT,
        "version": str(VERSION),
        "header": encode_json(header, "header").decode(),
        "sha256": encode_json(dict(checksums), "checksums").decode(),
    }
    raw = _sealed(entries, facts)
    if len(raw) > HEADER_LIMIT:
        hint = "store long lists of names as tensors (pack_strings)"
        limit, found = f"at most {HEADER_LIMIT} bytes", f"{len(raw)} bytes"
        raise ModelFileError("CR509", "the header is too long", expected=limit, got=found, hint=hint)
    return len(raw).to_bytes(8, "little") + raw


def decode_header(raw: bytes, where: str) -> Layout:
    """What the header (without its length) says, after every check that needs no tensor.

    Raises `ModelFileError` CR501 (another program's file), CR503 (malformed), CR505 (a newer version).
    """
    entries = decode_json(raw, where)
    facts = entries.pop("__metadata__", None) if isinstance(entries, dict) else None
    if not isinstance(facts, dict) or facts.get("format") != FORMAT:
        raise ModelFileError(
            "CR501", "this is not a chainrule model", where=where, got="a safetensors file of another program"
        )
    _check_version(facts.get("version"), where)
    seal = facts.pop("seal", None)
    if set(facts) != _FACTS or not all(isinstance(value, str) for value in facts.values()):
        raise _bad(
            where, "the fields of `__metadata__`", ", ".join(sorted({*_FACTS, "seal"})), ", ".join(sorted(facts))
        )
    try:
        intact = _sealed(entries, facts) == raw
    except ModelFileError:  # what cannot be written again was never written
        intact = False
    if not intact:
        raise _bad(
            where, "it is damaged", "text in the one spelling that its own checksum closes", f"seal {seal!r:.70}"
        )

    kinds = {name: _kind(name, entry, where) for name, entry in entries.items()}
    spans = spans_of(kinds)
    for name, span in spans.items():
        found, needed = str(entries[name]["data_offsets"]), str(list(span))  # as text: 0.0 and False are not 0
        if found != needed:
            raise _bad(where, f"tensor {name!r} is not where its type and shape put it", f"bytes {needed}", found[:80])
    header = decode_json(facts["header"].encode(), where)
    checksums = decode_json(facts["sha256"].encode(), where)
    if not isinstance(header, dict):
        raise _bad(where, "`header` in `__metadata__`", "a JSON object", type(header).__name__)
    complete = isinstance(checksums, dict) and set(checksums) == set(kinds)
    if not complete or not all(isinstance(checksum, str) for checksum in checksums.values()):
        raise _bad(where, "`sha256` in `__metadata__`", "one checksum for each tensor", f"{checksums!r:.80}")
    return Layout(header, kinds, spans, checksums)


def _sealed(entries: dict[str, Any], facts: dict[str, str]) -> bytes:
    """The one spelling of a header: closed by the SHA-256 of itself without the seal, padded to a multiple of 8."""
    seal = hashlib.sha256(encode_json({**entries, "__metadata__": facts}, "header")).hexdigest()
    raw = encode_json({**entries, "__metadata__": {**facts, "seal": seal}}, "header")
    return raw + b" " * (-len(raw) % 8)


def _check_version(version: Any, where: str) -> None:
    if not (isinstance(version, str) and version.isascii() and version.isdigit() and version[0] != "0"):
        raise _bad(where, "the format version", "a whole number as text", repr(version))
    if len(version) > 9 or int(version) > VERSION:
        readable = f"format {VERSION}" if VERSION == 1 else f"format 1 to {VERSION}"
        raise ModelFileError(
            "CR505",
            "this model was saved by a newer chainrule",
            where=where,
            expected=readable,
            got=f"format {version:.20}",
            hint="pip install --upgrade chainrule",
        )


def _kind(name: str, entry: Any, where: str) -> Kind:
    """The kind that an entry of the header states, if it states it in full and without doubt."""
    fields = {"dtype", "shape", "data_offsets"}
    if not isinstance(entry, dict) or set(entry) != fields:
        raise _bad(where, f"the entry of tensor {name!r}", ", ".join(sorted(fields)), f"{entry!r:.80}")
    dtype, shape = entry["dtype"], entry["shape"]
    if not isinstance(dtype, str) or dtype not in TYPES:
        raise _bad(where, f"the type of tensor {name!r}", "one of " + ", ".join(TYPES), f"{dtype!r:.40}")
    counts = isinstance(shape, list) and all(type(n) is int and n >= 0 for n in shape)
    # NumPy refuses a shape by the product of its axes that are not zero, also when the tensor is empty
    if not counts or len(shape) > _MOST_AXES or math.prod(n for n in shape if n) * TYPES[dtype].itemsize > _LARGEST:
        raise _bad(where, f"the shape of tensor {name!r}", "a list of sizes that memory can hold", f"{shape!r:.80}")
    return Kind(dtype, tuple(shape))


def _bad(where: str, what: str, expected: str, got: str) -> ModelFileError:
    hint = "the file was damaged or changed: take a copy, or a checkpoint of the run"
    return ModelFileError("CR503", f"bad header: {what}", where=where, expected=expected, got=got, hint=hint)
