"""Reading a model file: nothing in it is run, nothing is allocated that it does not hold, nothing unknown passes."""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from chainrule.archive.layout import HEADER_LIMIT, TYPES, Kind, Layout, decode_header
from chainrule.errors import ModelFileError, nearest

_STARTS = {
    b"\x80\x02": "a Python pickle",
    b"\x80\x03": "a Python pickle",
    b"\x80\x04": "a Python pickle",
    b"\x80\x05": "a Python pickle",
    b"PK\x03\x04": "a zip archive (as .npz, .keras and .pt files are)",
    b"\x89HDF\r\n\x1a\n": "HDF5 (as .h5 files are)",
    b"\x93NUMPY": "a NumPy array (.npy)",
    b"GGUF": "GGUF",
    b"PAR1": "Parquet",
    b"ARROW1": "Arrow",
    b"\x1f\x8b": "gzip",
    b"\x78\x9c": "zlib (as compressed joblib files are)",
}
_DAMAGED = "the file was damaged: take a copy, or a checkpoint of the run"


def read(
    path: str | os.PathLike[str], *, allow_nonfinite: bool = False
) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """The header and the tensors of a model file; the tensors are read-only, aligned and in C order.

    Raises `ModelFileError`: CR301 no such file, CR317 a folder, CR318 too large for the memory, CR501 another kind of
    file, CR502 truncated or overlong, CR503 bad header, CR504 a checksum that does not match, CR505 a newer version,
    CR506 NaN or infinity in a tensor (unless `allow_nonfinite`), CR511 the system does not let it be read.
    """
    where = os.fspath(path)
    try:
        _check_regular(where)
        with open(where, "rb") as file:
            size = os.fstat(file.fileno()).st_size
            layout, start = _read_header(file, size, where)
            promised = start + max((stop for _, stop in layout.spans.values()), default=0)
            if promised != size:
                raise _wrong_size(size, f"{promised} bytes, as the header promises", where)
            return layout.header, _read_tensors(file, layout, where, allow_nonfinite)
    except FileNotFoundError:
        there = {path.stem: str(path) for path in Path(where).parent.glob("*.model")}
        close = [there[stem] for stem in nearest(Path(where).stem, there, limit=2)]
        hint = f"did you mean {' or '.join(close)}?" if close else None
        raise ModelFileError("CR301", "there is no such model file", where=where, hint=hint) from None
    except (OSError, ValueError) as error:
        if isinstance(error, ModelFileError):
            raise
        raise ModelFileError("CR511", "the model file cannot be read", where=where, got=str(error)) from None
    except MemoryError:
        raise ModelFileError("CR318", "the model does not fit into the memory", where=where) from None


def _check_regular(where: str) -> None:
    """Reading a pipe or a device could wait for ever."""
    mode = os.stat(where).st_mode
    if stat.S_ISDIR(mode):
        models = sorted(Path(where).glob("*.model"))
        hint = f"name a file in it, such as {models[0]}" if models else None
        raise ModelFileError("CR317", "this is a folder, not a model file", where=where, hint=hint)
    if not stat.S_ISREG(mode):
        raise ModelFileError("CR501", "this is not a chainrule model", where=where, got="a pipe or a device")


def _read_header(file: IO[bytes], size: int, where: str) -> tuple[Layout, int]:
    """What the header says, and where the tensors start."""
    start = file.read(16)
    length = int.from_bytes(start[:8], "little")
    if length > HEADER_LIMIT or start[8:9] != b"{":
        kind = next((kind for magic, kind in _STARTS.items() if start.startswith(magic)), None)
        if kind is None and len(start) == 16 and all(byte in b"\t\n\r" or 32 <= byte < 127 for byte in start):
            kind = "text"
        if kind is None and len(start) < 9:
            raise _wrong_size(size, "at least a header", where)
        if kind or start[8:9] != b"{":
            hint = "load a file that chainrule saved; files that could run code are never opened"
            kind = kind or "a file of an unknown kind"
            raise ModelFileError("CR501", "this is not a chainrule model", where=where, got=kind, hint=hint)
        limit = f"a header of at most {HEADER_LIMIT} bytes"
        raise ModelFileError("CR503", "bad header length", where=where, expected=limit, got=str(length), hint=_DAMAGED)
    if 8 + length > size:
        raise _wrong_size(size, f"{8 + length} bytes for the header alone", where)
    file.seek(8)
    return decode_header(file.read(length), where), 8 + length


def _read_tensors(file: IO[bytes], layout: Layout, where: str, allow_nonfinite: bool) -> dict[str, NDArray[Any]]:
    tensors = {}
    for name in layout.spans:
        tensor = _read_tensor(file, name, layout.kinds[name], layout.checksums[name], where)
        if not allow_nonfinite:
            check_finite(name, tensor, where)
        tensor.setflags(write=False)
        tensors[name] = tensor
    return {name: tensors[name] for name in sorted(tensors)}


def _read_tensor(file: IO[bytes], name: str, kind: Kind, checksum: str, where: str) -> NDArray[Any]:
    try:
        tensor = np.empty(kind.shape, TYPES[kind.type])
    except ValueError as error:
        raise ModelFileError("CR503", f"bad shape of tensor {name!r}", where=where, got=str(error)) from None
    content = tensor.reshape(-1).view(np.uint8)
    count = file.readinto(content.data)  # type: ignore[attr-defined]
    if count != kind.size:
        raise ModelFileError("CR502", "the file became shorter while it was read", where=where, hint=_DAMAGED)
    found = hashlib.sha256(content.data).hexdigest()
    if found != checksum:
        raise ModelFileError(
            "CR504",
            f"tensor {name!r} is damaged",
            where=where,
            expected=f"SHA-256 {checksum:.12}…",
            got=f"{found:.12}…",
            hint=_DAMAGED,
        )
    if kind.type == "BOOL" and (content > 1).any():
        raise ModelFileError("CR503", f"tensor {name!r} promises booleans and holds other bytes", where=where)
    return tensor


def check_finite(name: str, tensor: NDArray[Any], where: str) -> None:
    """Raise `ModelFileError` CR506 with the first place when a tensor of floats holds NaN or infinity."""
    if tensor.dtype.kind != "f" or np.isfinite(tensor).all():
        return
    places = np.argwhere(~np.isfinite(tensor))
    index = tuple(int(i) for i in places[0])
    raise ModelFileError(
        "CR506",
        f"tensor {name!r} holds {len(places)} of {tensor.size} numbers that are not finite",
        where=where,
        expected="finite numbers",
        got=f"{tensor[index]} at {list(index)}",
        hint="a model with such numbers predicts nothing; to look at them all the same, pass allow_nonfinite=True",
    )


def _wrong_size(size: int, expected: str, where: str) -> ModelFileError:
    return ModelFileError(
        "CR502", "the model file is incomplete or too long", where=where, expected=expected, got=f"{size} bytes",
        hint=_DAMAGED,
    )  # fmt: skip
