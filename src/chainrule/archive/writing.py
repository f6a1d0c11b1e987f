"""Writing a model file."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.archive.layout import TYPES, Kind, encode_header, spans_of
from chainrule.archive.reading import check_finite
from chainrule.archive.replacing import replace_file
from chainrule.errors import ModelFileError

_NAMES = {dtype: name for name, dtype in TYPES.items()}


def write(
    path: str | os.PathLike[str],
    header: dict[str, Any],
    tensors: Mapping[str, NDArray[Any]],
    *,
    allow_nonfinite: bool = False,
) -> None:
    """Write a header (plain JSON data) and named arrays as one file, whole or not at all.

    Equal content gives equal bytes: neither the order of `tensors` nor the order of keys in `header` is kept (use a
    list where order matters). The bytes are made here and not by the safetensors library, because that writes its
    metadata in an order that changes from call to call and copies every tensor first; its reader reads the result.

    Raises `ModelFileError` CR509 for what has no place in the file, CR506 for NaN or infinity (unless
    `allow_nonfinite`: then only `read` with the same wish reads the file), and what `replace_file` raises.
    """
    where = os.fspath(path)
    arrays = {name: _plain_array(name, tensor, where) for name, tensor in tensors.items()}
    if not allow_nonfinite:
        for name, array in arrays.items():
            check_finite(name, array, where)
    kinds = {name: Kind(_NAMES[array.dtype], array.shape) for name, array in arrays.items()}
    contents = {name: arrays[name].reshape(-1).view(np.uint8).data for name in spans_of(kinds)}
    checksums = {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()}
    replace_file(path, [encode_header(header, kinds, checksums), *contents.values()])


def _plain_array(name: Any, tensor: Any, where: str) -> NDArray[Any]:
    """The array in C order and little-endian, copied only when it is not so already."""
    if not isinstance(name, str):
        raise ModelFileError("CR509", "names of tensors are text", where=where, got=repr(name))
    is_array = isinstance(tensor, (np.ndarray, np.generic)) and not isinstance(tensor, np.ma.MaskedArray)
    if not is_array or tensor.dtype.newbyteorder("<") not in _NAMES:
        found = f"{tensor.dtype} " if isinstance(tensor, np.ndarray) else ""
        raise ModelFileError(
            "CR509",
            f"tensor {name!r} cannot be stored",
            where=where,
            expected="a NumPy array of booleans, integers or floats of 16 to 64 bits",
            got=f"{found}{type(tensor).__name__}",
        )
    return np.asarray(tensor, tensor.dtype.newbyteorder("<"), order="C")
