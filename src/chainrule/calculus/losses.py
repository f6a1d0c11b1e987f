"""Every loss, each a record: the term of one output and its slope next to each other.

Logarithms of probabilities: p is cut to [ε, 1 − ε], ε the machine epsilon of the float type, so that p = 0 or 1 costs
36 (float64) or 16 (float32) instead of infinity; the slope is that at the cut value. From logits nothing is cut.
"""

from __future__ import annotations

import math

import numpy as np

from chainrule.calculus.activations import logistic, softplus_of
from chainrule.calculus.loss import Head, Loss
from chainrule.calculus.loss import losses as losses
from chainrule.constraints import real
from chainrule.shapes import Array

family = losses.family


def _cut(p: Array) -> Array:
    epsilon = np.finfo(p.dtype).eps
    return np.clip(p, epsilon, 1.0 - epsilon)


def softmax_of(z: Array) -> Array:
    """e^z / Σ e^z per row, after subtracting the largest z: shift invariant and free of overflow."""
    e = np.exp(z - z.max(axis=1, keepdims=True))
    p: Array = e / e.sum(axis=1, keepdims=True)
    return p


@family
def mean_squared_error() -> Loss:
    return Loss(
        name="mse", aliases=("mean_squared_error",),
        terms=lambda y, p: (p - y) ** 2, slope=lambda y, p: 2.0 * (p - y),
        expr="(p - y)**2", slope_expr="2*(p - y)", latex=r"(p-y)^2", latex_slope=r"2(p-y)",
        source="Legendre (1805)",
    )  # fmt: skip


@family
def half_squared_error() -> Loss:
    return Loss(
        name="half_squared_error", over_outputs="sum",
        terms=lambda y, p: 0.5 * (p - y) ** 2, slope=lambda y, p: p - y,
        expr="(y - p)**2/2", slope_expr="p - y", latex=r"\tfrac12 (y-p)^2", latex_slope=r"p-y",
        source="Rumelhart, Hinton, Williams (1986); a sum over the outputs",
    )  # fmt: skip


@family
def squared_error() -> Loss:
    return Loss(
        name="squared_error", over_outputs="sum",
        terms=lambda y, p: (p - y) ** 2, slope=lambda y, p: 2.0 * (p - y),
        expr="(p - y)**2", slope_expr="2*(p - y)", latex=r"(p-y)^2", latex_slope=r"2(p-y)",
        source="Legendre (1805); a sum over the outputs, without the half",
    )  # fmt: skip


@family
def mean_absolute_error() -> Loss:
    return Loss(
        name="mae", aliases=("mean_absolute_error", "absolute_error"),
        terms=lambda y, p: np.abs(p - y), slope=lambda y, p: np.sign(p - y),
        expr="abs(p - y)", slope_expr="(1 if p > y else 0) - (1 if p < y else 0)",
        latex=r"|p-y|", latex_slope=r"\operatorname{sign}(p-y)", kinks=(0.0,),
        source="Boscovich (1757); the slope at p = y is taken as 0",
    )  # fmt: skip


@family
def huber(delta: float = 1.0) -> Loss:
    """½e² for |e| ≤ δ and δ(|e| − δ/2) beyond: value and slope are continuous at δ."""
    real("huber.delta", delta, above=0.0)

    def terms(y: Array, p: Array) -> Array:
        size = np.abs(p - y)
        near = np.minimum(size, delta)
        return near * (size - 0.5 * near)

    return Loss(
        name="huber", constants={"delta": delta},
        terms=terms, slope=lambda y, p: np.clip(p - y, -delta, delta),
        expr="(p - y)**2/2 if abs(p - y) <= delta else delta*(abs(p - y) - delta/2)",
        slope_expr="max(-delta, min(delta, p - y))",
        latex=r"\begin{cases}\tfrac12(p-y)^2 & |p-y|\le\delta\\ \delta(|p-y|-\delta/2) & |p-y|>\delta\end{cases}",
        latex_slope=r"\max(-\delta,\min(\delta,\,p-y))",
        source="Huber (1964)",
    )  # fmt: skip


@family
def pinball(quantile: float = 0.5) -> Loss:
    real("pinball.quantile", quantile, above=0.0, below=1.0)

    def slope(y: Array, p: Array) -> Array:
        return np.where(p > y, 1.0 - quantile, np.where(p < y, -quantile, 0.0)).astype(p.dtype, copy=False)

    return Loss(
        name="pinball", aliases=("quantile",), constants={"quantile": quantile},
        terms=lambda y, p: np.maximum(quantile * (y - p), (quantile - 1.0) * (y - p)), slope=slope,
        expr="max(quantile*(y - p), (quantile - 1)*(y - p))",
        slope_expr="(1 - quantile if p > y else 0) - (quantile if p < y else 0)",
        latex=r"\max(q(y-p),\,(q-1)(y-p))",
        latex_slope=r"\begin{cases}1-q & p > y\\ -q & p < y\end{cases}", kinks=(0.0,),
        source="Koenker, Bassett (1978); the slope at p = y is taken as 0",
    )  # fmt: skip


@family
def log_cosh() -> Loss:
    def terms(y: Array, p: Array) -> Array:
        size = np.abs(p - y)  # ln cosh e = |e| + ln(1 + e^(−2|e|)) − ln 2 cannot overflow
        return size + np.log1p(np.exp(-2.0 * size)) - math.log(2.0)

    return Loss(
        name="log_cosh",
        terms=terms, slope=lambda y, p: np.tanh(p - y),
        expr="ln((exp(p - y) + exp(y - p))/2)", slope_expr="tanh(p - y)",
        latex=r"\ln\cosh(p-y)", latex_slope=r"\tanh(p-y)",
        source="Green (1990)",
    )  # fmt: skip


@family
def poisson() -> Loss:
    def positive(p: Array) -> Array:
        return np.maximum(p, np.finfo(p.dtype).eps)

    head = Head(  # above 80 the prediction is held at e^80; the slope stays e^80 − y there, so that descent leads back
        "exponential",
        terms=lambda y, z: np.exp(np.minimum(z, 80.0)) - y * z, slope=lambda y, z: np.exp(np.minimum(z, 80.0)) - y,
        slope_expr="p - y", latex_slope=r"p-y",
    )  # fmt: skip
    return Loss(
        name="poisson", heads=(head,), output="exponential",
        terms=lambda y, p: p - y * np.log(positive(p)), slope=lambda y, p: 1.0 - y / positive(p),
        expr="p - y*ln(p)", slope_expr="1 - y/p", latex=r"p-y\ln p", latex_slope=r"1-\frac{y}{p}",
        targets=(0.0, np.inf), domain=(0.0, np.inf),
        source="negative log-likelihood of a Poisson count, without ln(y!)",
    )  # fmt: skip


@family
def hinge() -> Loss:
    """max(0, 1 − s·p) with s = −1 for target 0 and s = +1 for target 1; p is a linear score."""

    def sign(y: Array) -> Array:
        return np.where(y > 0, 1.0, -1.0).astype(y.dtype, copy=False)

    return Loss(
        name="hinge", target_kind="binary", targets=(-1.0, 1.0),
        terms=lambda y, p: np.maximum(0.0, 1.0 - sign(y) * p),
        slope=lambda y, p: np.where(sign(y) * p < 1.0, -sign(y), 0.0).astype(p.dtype, copy=False),
        expr="max(0, 1 - (1 if y > 0 else -1)*p)",
        slope_expr="-(1 if y > 0 else -1) if (1 if y > 0 else -1)*p < 1 else 0",
        latex=r"\max(0,\,1-s\,p),\ s=\pm1", latex_slope=r"\begin{cases}-s & s\,p<1\\ 0 & s\,p\ge 1\end{cases}",
        kinks=(0.0, -1.0),
        source="Cortes, Vapnik (1995); the slope at s·p = 1 is taken as 0",
    )  # fmt: skip


@family
def binary_crossentropy(label_smoothing: float = 0.0) -> Loss:
    """−y ln p − (1−y) ln(1−p); with smoothing s the target becomes y(1−s) + s/2."""
    real("binary_crossentropy.label_smoothing", label_smoothing, low=0.0, below=1.0)

    def soft(y: Array) -> Array:
        return y * (1.0 - label_smoothing) + 0.5 * label_smoothing if label_smoothing else y

    def slope(y: Array, p: Array) -> Array:
        inside = _cut(p)
        return (inside - soft(y)) / (inside * (1.0 - inside))

    t = "(y*(1 - label_smoothing) + label_smoothing/2)" if label_smoothing else "y"
    head = Head(
        "sigmoid",
        terms=lambda y, z: softplus_of(z) - soft(y) * z, slope=lambda y, z: logistic(z) - soft(y),
        slope_expr=f"p - {t}", latex_slope=r"p-y",
    )  # fmt: skip
    return Loss(
        name="binary_crossentropy", aliases=("bce", "binary_cross_entropy", "log_loss"),
        constants={"label_smoothing": label_smoothing}, heads=(head,), output="sigmoid",
        terms=lambda y, p: -soft(y) * np.log(_cut(p)) - (1.0 - soft(y)) * np.log1p(-_cut(p)), slope=slope,
        expr=f"-{t}*ln(p) - (1 - {t})*ln(1 - p)", slope_expr=f"(p - {t})/(p*(1 - p))",
        latex=r"-y\ln p-(1-y)\ln(1-p)", latex_slope=r"\frac{p-y}{p(1-p)}",
        target_kind="binary", targets=(0.0, 1.0), domain=(0.0, 1.0),
        source="negative log-likelihood of a Bernoulli variable; smoothing: Szegedy et al. (2016)",
    )  # fmt: skip


@family
def categorical_crossentropy(label_smoothing: float = 0.0) -> Loss:
    """−Σ y ln p over the classes; with smoothing s the target becomes y(1−s) + s/k. Class codes become one-hot."""
    real("categorical_crossentropy.label_smoothing", label_smoothing, low=0.0, below=1.0)

    def soft(y: Array) -> Array:
        return y * (1.0 - label_smoothing) + label_smoothing / y.shape[1] if label_smoothing else y

    def head_terms(y: Array, z: Array) -> Array:
        shifted = z - z.max(axis=1, keepdims=True)
        terms: Array = soft(y) * (np.log(np.exp(shifted).sum(axis=1, keepdims=True)) - shifted)
        return terms

    t = "(y*(1 - label_smoothing) + label_smoothing/k)" if label_smoothing else "y"
    head = Head(
        "softmax",
        terms=head_terms, slope=lambda y, z: softmax_of(z) * soft(y).sum(axis=1, keepdims=True) - soft(y),
        slope_expr=f"p - {t}", latex_slope=r"p-y",
    )  # fmt: skip
    return Loss(
        name="categorical_crossentropy",
        aliases=("cce", "cross_entropy", "sparse_categorical_crossentropy", "categorical_cross_entropy"),
        constants={"label_smoothing": label_smoothing}, heads=(head,), output="softmax", over_outputs="sum",
        terms=lambda y, p: -soft(y) * np.log(_cut(p)), slope=lambda y, p: -soft(y) / _cut(p),
        expr=f"-{t}*ln(p)", slope_expr=f"-{t}/p",
        latex=r"-y\ln p", latex_slope=r"-\frac{y}{p}",
        target_kind="classes", targets=(0.0, 1.0), domain=(0.0, 1.0), simplex=True,
        source="negative log-likelihood of a categorical variable; smoothing: Szegedy et al. (2016)",
    )  # fmt: skip


@family
def output_itself() -> Loss:
    """The output is the quantity to differentiate: L = p, for expressions without a target (f = wx + b)."""
    return Loss(
        name="output", over_outputs="sum",
        terms=lambda y, p: p.copy(), slope=lambda y, p: np.ones_like(p),
        expr="p", slope_expr="1", latex=r"p", latex_slope=r"1",
        source="no loss: the derivative of the output is asked for",
    )  # fmt: skip
