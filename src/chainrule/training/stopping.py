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
    """The best epoch so far and its weights (one of the few things that change as training goes on).

    `reference` is the value that a gain worth having is measured against; `waited` counts the epochs since the last one.
    """

    rule: EarlyStopping
    epoch: int = 0
    value: float = 0.0
    reference: float = 0.0
    theta: Array | None = None
    waited: int = 0

    def is_better(self, value: float) -> bool:
        """Whether an epoch with this value is the best so far."""
        return self.theta is None or self._gain(self.value, value) > 0.0

    def see(self, epoch: int, value: float, theta: Array | None) -> bool:
        """Note an epoch's value, and its weights where it is the best so far; True when it is time to stop."""
        if self.is_better(value):
            is_first = self.theta is None
            self.epoch, self.value, self.theta = epoch, value, theta
            if is_first or self._gain(self.reference, value) > self.rule.min_delta:
                self.reference, self.waited = value, 0
                return False
        self.waited += 1
        return self.waited >= self.rule.patience

    def _gain(self, before: float, now: float) -> float:
        return now - before if self.rule.greater_is_better else before - now
