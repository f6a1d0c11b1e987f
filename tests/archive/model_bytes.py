"""Model files made by hand, from the page `docs/model-file.md` and not with chainrule's own code."""

import hashlib
import json

import numpy as np

HEADER = {"task": "regression", "names": ["größe", 'a "quoted" name'], "bounds": [0.1, -1e300, 3]}
W = np.arange(6, dtype="<f4").reshape(2, 3)
CONTENT = {
    "W1": W,
    "b1": np.array([0.5, -2.0], "<f8"),
    "codes": np.array([[7], [2**63 - 1]], "<i8"),
    "flags": np.array([True, False, True]),
    "empty": np.zeros((0, 4), "<f2"),
    "scalar": np.array(3, "u1"),
    "höhe, m": np.array([1, -1], "<i2"),
}


def spelled(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def entry(dtype, shape, start, stop):
    return {"dtype": dtype, "shape": shape, "data_offsets": [start, stop]}


def file_of(entries, payload, **changed):
    """A sealed file with these entries, whatever they claim; `changed` replaces facts of `__metadata__`.

    The checksums are right unless `sha256` is among the changed facts; a fact of None is left out.
    """
    facts = {"format": "chainrule-model", "version": "1", "header": "{}", **changed}
    if "sha256" not in facts:
        spans = {name: slice(*record["data_offsets"]) for name, record in entries.items()}
        facts["sha256"] = spelled({name: hashlib.sha256(payload[span]).hexdigest() for name, span in spans.items()})
    facts = {key: value for key, value in facts.items() if value is not None}
    seal = hashlib.sha256(spelled({**entries, "__metadata__": facts}).encode()).hexdigest()
    return framed(spelled({**entries, "__metadata__": {**facts, "seal": seal}}), payload)


def framed(text, payload=b""):
    """The length, the header text padded with spaces to a multiple of 8, the tensors."""
    raw = text.encode()
    raw += b" " * (-len(raw) % 8)
    return len(raw).to_bytes(8, "little") + raw + payload


def good():
    return file_of({"W1": entry("F32", [2, 3], 0, 24)}, W.tobytes())
