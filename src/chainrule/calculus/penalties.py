"""Penalties on the weights, a term of the update apart from the data's gradient.

L1: λ₁ Σ|w| with slope λ₁ sign(w) (0 at 0). L2: ½ λ₂ Σ w² with slope λ₂ w. Biases are not penalised unless a parameter's
`decay_factor` says so; the factor scales both.
"""

from __future__ import annotations

import numpy as np

from chainrule.shapes import Array


def value(theta: Array, factors: Array, l1: float, l2: float) -> float:
    """λ₁ Σ f|θ| + ½ λ₂ Σ f θ², with the decay factors f of every parameter."""
    return float(l1 * (factors * np.abs(theta)).sum() + 0.5 * l2 * (factors * theta * theta).sum())


def slope(theta: Array, factors: Array, l1: float, l2: float) -> Array:
    """Its gradient, shape of θ."""
    return factors * (theta.dtype.type(l1) * np.sign(theta) + theta.dtype.type(l2) * theta)
