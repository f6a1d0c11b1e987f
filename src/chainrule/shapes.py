"""Names of the arrays that travel through chainrule."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[np.floating[Any]]
"""float32 or float64; batches are (rows, units), weights are (to, from)."""

Ints: TypeAlias = NDArray[np.int64]


def read_only(array: NDArray[Any]) -> NDArray[Any]:
    """The same array, refusing writes: what is handed out cannot be changed from a distance."""
    view = array.view()
    view.flags.writeable = False
    return view
