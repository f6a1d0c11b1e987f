"""When training stops, and which epoch's weights are kept."""

from __future__ import annotations

from dataclasses import dataclass

from chainrule.constraints import real, whole
from chainrule.shapes import Array


@dataclass(frozen=True)
class EarlyStopping:
    """Stop when `monitor`, a column of the history, has not got better by `min_delta` for `patience` epochs.

    The weights of the best epoch are kept. A smaller value is better unless `greater_is_better`.
    Source: Prechelt, Early stopping – but when? (1998).
    """

    patience: int = 20
    monitor: str = "val_loss"
    min_delta: float = 0.0
    greater_is_better: bool = False

    def __post_init__(self) -> None:
        whole("EarlyStopping.patience", self.patience, low=1)
        real("EarlyStopping.min_delta", self.min_delta, low=0.0)


@dataclass
class Best:
    """The best epoch so far and its weights (the only thing here that changes as training goes on)."""

    rule: EarlyStopping
    epoch: int = 0
    value: float = float("inf")
    theta: Array | None = None
    waited: int = 0

    def see(self, epoch: int, value: float, theta: Array) -> bool:
        """Note an epoch's value; True when it is time to stop."""
        score = -value if self.rule.greater_is_better else value
        best = -self.value if self.rule.greater_is_better and self.theta is not None else self.value
        if self.theta is None or score < best:
            # `patience` counts from the last gain worth having; the very best weights are kept all the same.
            self.waited = 0 if self.theta is None or score < best - self.rule.min_delta else self.waited + 1
            self.epoch, self.value, self.theta = epoch, value, theta
        else:
            self.waited += 1
        return self.waited >= self.rule.patience
