"""JSON as model files use it: one spelling per content, and nothing that two readers could take differently."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.errors import ModelFileError

_DEEPEST = 100


def encode_json(value: Any, where: str) -> bytes:
    """UTF-8 JSON with sorted keys and no spaces: equal content, equal bytes.

    Raises `ModelFileError` CR509 naming the part that would not come back as it went in: JSON would turn a tuple into a
    list and a number used as a key into text, and has no NaN.
    """
    misfit = _misfit(value, where, _DEEPEST)
    if misfit:
        place, reason = misfit
        hint = "use dicts with text as keys, lists, text, finite numbers, True, False and None"
        raise ModelFileError("CR509", f"a model file cannot hold {reason}", where=place, hint=hint)
    try:
        return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    except ValueError as error:
        raise ModelFileError("CR509", "text or a number that JSON cannot hold", where=where, got=str(error)) from None


def decode_json(data: bytes, where: str) -> Any:
    """The value that the bytes spell. Raises `ModelFileError` CR503 for anything but one plain JSON value:
    a key given twice, NaN or infinity, bytes that are not UTF-8, text after the end, nesting without end."""
    try:
        return json.loads(
            data.decode(), object_pairs_hook=_each_key_once, parse_float=_finite, parse_constant=_no_constant
        )
    except RecursionError:
        reason = "brackets nested too deep"
    except ValueError as error:
        reason = str(error)
    raise ModelFileError("CR503", "a part of the file is not valid JSON", where=where, got=reason)


def pack_strings(strings: Sequence[str]) -> NDArray[np.uint8]:
    """A list of text as bytes of shape (n,), to be stored as a tensor: headers are for short things.

    The bytes are a JSON list in UTF-8, so any text may be in it. `unpack_strings` is the inverse.

    >>> unpack_strings(pack_strings(["a", "", "naïve, with a comma"]))
    ['a', '', 'naïve, with a comma']
    """
    if isinstance(strings, str) or not all(isinstance(text, str) for text in strings):
        raise ModelFileError("CR509", "`pack_strings` takes a list of text", got=f"{strings!r:.80}")
    return np.frombuffer(encode_json([str(text) for text in strings], "a list of text"), np.uint8)


def unpack_strings(tensor: NDArray[np.uint8]) -> list[str]:
    """The list of text that `pack_strings` made bytes of. Raises `ModelFileError` CR503 for other bytes."""
    strings = decode_json(tensor.tobytes(), "a list of text")
    if not isinstance(strings, list) or not all(isinstance(text, str) for text in strings):
        raise ModelFileError("CR503", "a tensor of text does not hold a list of text", got=f"{strings!r:.80}")
    return strings


def _misfit(value: Any, where: str, depth: int) -> tuple[str, str] | None:
    """The first part of `value` that JSON does not give back as it was: its place and what it is."""
    if depth == 0:
        return where[:80] + "…", f"more than {_DEEPEST} levels of nesting"
    if isinstance(value, dict):
        for key, part in value.items():
            if not isinstance(key, str):
                return where, f"the key {key!r}, which is not text"
            if found := _misfit(part, f"{where}[{key!r}]", depth - 1):
                return found
        return None
    if isinstance(value, list):
        return next(filter(None, (_misfit(part, f"{where}[{i}]", depth - 1) for i, part in enumerate(value))), None)
    if isinstance(value, float) and not math.isfinite(value):
        return where, f"the number {value}"
    if value is None or isinstance(value, (str, int, float)):
        return None
    return where, f"a value of the type {type(value).__name__}"


def _each_key_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        raise ValueError(f"the key {next(key for key in keys if keys.count(key) > 1)!r} twice")
    return found


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"the number {text}, which is too large")
    return number


def _no_constant(text: str) -> float:
    raise ValueError(f"the number {text}")
