"""What happened in every epoch, as columns by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from chainrule.shapes import Array


class History(dict[str, list[float]]):
    """Columns of one number per epoch: `epoch` (from 1), `loss`, `val_loss`, metrics, `learning_rate`, `seconds`.

    `loss` is the mean over the epoch's batches while the weights moved, with dropout on. `val_loss`, the metrics, and beside
    them `loss_at_end`, the loss of the training rows, are measured when the epoch is over, with dropout off: that is why
    `loss` may lie above `val_loss`, and `loss_at_end` is what to compare with it. Without validation rows and metrics there is
    nothing to compare, and `loss_at_end` is left out.
    Of more than 5000 training rows the same 5000 are measured each time; without metrics, as many as there are validation
    rows. Metrics of numbers are in the target's own unit,
    losses in that of the network, whose target `fit` standardises.
    `pandas.DataFrame(history)` and `polars.DataFrame(history)` make a table of it.

    >>> history = History({"epoch": [1.0, 2.0], "loss": [0.7, 0.6]})
    >>> history["loss"], len(history.rows()), history.epochs
    ([0.7, 0.6], 2, 2)
    """

    def __init__(self, columns: Mapping[str, list[float]] | None = None) -> None:
        super().__init__({name: list(values) for name, values in (columns or {}).items()})

    def append(self, row: Mapping[str, float]) -> None:
        """Add one epoch; every epoch has the same columns."""
        self.extend({name: [value] for name, value in row.items()})

    def extend(self, columns: Mapping[str, Sequence[float] | Array]) -> None:
        """Add several epochs at once, given as columns of equal length."""
        if not self:
            self.update({name: [] for name in columns})
        if set(columns) != set(self):
            raise KeyError(f"the columns are {', '.join(self)}, not {', '.join(columns)}")
        for name, values in columns.items():
            self[name].extend(np.asarray(values, np.float64).tolist())

    @property
    def epochs(self) -> int:
        """How many epochs are recorded."""
        return len(self.get("epoch", ()))

    def rows(self) -> list[dict[str, float]]:
        """One dictionary per epoch."""
        return [{name: values[i] for name, values in self.items()} for i in range(self.epochs)]

    def to_dict(self) -> dict[str, Any]:
        """The columns as lists of their own."""
        return {name: list(values) for name, values in self.items()}

    def __repr__(self) -> str:
        last = {name: f"{values[-1]:.6g}" for name, values in self.items() if values}
        return f"History({self.epochs} epochs; last: {', '.join(f'{k}={v}' for k, v in last.items())})"
