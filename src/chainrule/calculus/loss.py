"""What a loss is, and the one place where losses are reduced: over the outputs of an example and over a batch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from chainrule.catalog import Catalog
from chainrule.errors import DataError
from chainrule.shapes import Array

Reduction = Literal["mean", "sum"]


@dataclass(frozen=True, eq=False)
class Head:
    """A loss fused with the output activation before it, computed from the logits z in a stable form.

    `terms(y, z)` and `slope(y, z)` are to the logits what the loss's own are to the predictions; a law proves that the
    slope equals the product of the two factors.
    """

    activation: str
    terms: Callable[[Array, Array], Array]
    slope: Callable[[Array, Array], Array]
    slope_expr: str
    latex_slope: str


@dataclass(frozen=True, eq=False)
class Loss:
    """A loss as a sum or mean over outputs of terms, one per output: `terms(y, p)`, `slope(y, p)` of shape (n, k).

    y are the targets, p the predictions, both (n, k). `slope` is ∂term/∂p. The reduction over the outputs belongs to
    the loss (`over_outputs`), the reduction over a batch to the caller (`row_factors`).
    """

    name: str
    terms: Callable[[Array, Array], Array]
    slope: Callable[[Array, Array], Array]
    expr: str
    slope_expr: str
    latex: str
    latex_slope: str
    source: str
    over_outputs: Reduction = "mean"
    target_kind: Literal["real", "binary", "classes"] = "real"
    targets: tuple[float, float] = (-np.inf, np.inf)  # what y may be
    domain: tuple[float, float] = (-np.inf, np.inf)  # what p may be
    simplex: bool = False  # p must be a distribution over the outputs
    output: str = "identity"  # the output activation that belongs to it
    heads: tuple[Head, ...] = ()
    aliases: tuple[str, ...] = ()
    constants: dict[str, float] = field(default_factory=dict)
    kinks: tuple[float, ...] = ()  # values of p − y at which the slope jumps

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Loss) and (self.name, self.constants) == (other.name, other.constants)

    def __hash__(self) -> int:
        return hash((self.name, *sorted(self.constants.items())))

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore, (losses.describe(self),)

    def head(self, activation: str) -> Head | None:
        """The fused form with this output activation, if there is one."""
        return next((head for head in self.heads if head.activation == activation), None)

    @property
    def growth(self) -> int | None:
        """The power of the error p − y with which it grows where that is large: 2 for squared losses, 1 for absolute ones.
        None where it is not the error alone that counts."""
        if self.target_kind != "real" or not np.isneginf(self.domain[0]):
            return None
        y, p = np.zeros((3, 1)), np.array([[1e5], [1e6], [2e5]])
        y[2] = 1e5  # the same error as in the first row
        near, far, moved = self.terms(y, p)[:, 0]
        return round(float(np.log10(far / near))) if np.isclose(near, moved) else None

    def share(self, outputs: int) -> float:
        """What one output's term counts in the loss of its example: 1, or 1/outputs for a mean."""
        return 1.0 / outputs if self.over_outputs == "mean" else 1.0

    def per_example(self, y: Array, p: Array, head: Head | None = None) -> Array:
        """The loss of every example, shape (n,); p are logits when a head is given."""
        terms = (head or self).terms(y, p)
        summed: Array = terms.sum(axis=1)
        return summed * terms.dtype.type(self.share(terms.shape[1]))

    def check_targets(self, y: Array) -> None:
        """Raise `DataError` CR108 when a target lies outside what this loss can mean."""
        low, high = self.targets
        bad = np.flatnonzero(((y < low) | (y > high)).any(axis=1))
        if bad.size:
            raise DataError(
                "CR108", f"the loss {self.name} cannot use this target", where=f"row {bad[0]}",
                expected=f"values from {low:g} to {high:g}", got=", ".join(f"{v:g}" for v in y[bad[0]]),
            )  # fmt: skip


losses: Catalog[Loss] = Catalog("loss")


def _restore(description: dict[str, Any]) -> Loss:
    return losses.restore(description)


def row_factors(n: int, weights: Array | None, reduction: Reduction, dtype: np.dtype[Any]) -> Array:
    """What each example counts in the loss of its batch, shape (n,): the one place where a batch is reduced.

    A mean divides by the sum of the weights (by n without weights); a batch whose weights are all 0 counts nothing.
    Both the value and the gradient of the reduced loss use these factors.
    """
    factors = np.ones(n, np.float64) if weights is None else np.asarray(weights, np.float64)
    if reduction == "mean":
        total = factors.sum()
        factors = factors / total if total > 0 else factors
    return factors.astype(dtype)
