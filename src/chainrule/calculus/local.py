"""The kinds of local derivative: what one operation contributes to the chain rule, and nothing else.

Each holds ∂target/∂source of one step for a batch. `pull` multiplies an incoming gradient by it (the chain rule);
`matrix` writes the Jacobian of one example out, so that exactly what `pull` multiplied can be shown.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from chainrule.shapes import Array, Ints


class Local(Protocol):
    """∂target/∂source for every example of a batch."""

    def pull(self, delta: Array) -> Array:
        """∂L/∂target, shape (n, to), becomes this step's share of ∂L/∂source, shape (n, from)."""
        ...

    def matrix(self, row: int) -> Array:
        """The Jacobian of one example, shape (to, from)."""
        ...


@dataclass(frozen=True, eq=False)
class Diagonal:
    """Each unit depends on its own source only: an elementwise function with this `slope`, shape (n, units)."""

    slope: Array

    def pull(self, delta: Array) -> Array:
        return delta * self.slope

    def matrix(self, row: int) -> Array:
        return np.diag(self.slope[row])


@dataclass(frozen=True, eq=False)
class Linear:
    """The same matrix `weight`, shape (to, from), for every example."""

    weight: Array

    def pull(self, delta: Array) -> Array:
        return delta @ self.weight

    def matrix(self, row: int) -> Array:
        return self.weight


@dataclass(frozen=True, eq=False)
class DiagonalLowRank:
    """diag(`diagonal`) + `left` @ `right`ᵀ per example: softmax (rank 1), layer norm (rank 2).

    Shapes: diagonal (n, units); left and right (n, units, rank).
    """

    diagonal: Array
    left: Array
    right: Array

    def pull(self, delta: Array) -> Array:
        along = np.einsum("nu,nur->nr", delta, self.left)
        pulled: Array = delta * self.diagonal + np.einsum("nr,nur->nu", along, self.right)
        return pulled

    def matrix(self, row: int) -> Array:
        jacobian: Array = np.diag(self.diagonal[row]) + self.left[row] @ self.right[row].T
        return jacobian


@dataclass(frozen=True, eq=False)
class Selection:
    """Each target unit copies one source unit, `chosen`, shape (n, to), out of `width` (maxout's winner)."""

    chosen: Ints
    width: int

    def pull(self, delta: Array) -> Array:
        pulled = np.zeros((len(delta), self.width), delta.dtype)
        np.add.at(pulled, (np.arange(len(delta))[:, None], self.chosen), delta)
        return pulled

    def matrix(self, row: int) -> Array:
        jacobian: Array = np.eye(self.width)[self.chosen[row]]
        return jacobian
