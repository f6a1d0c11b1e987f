"""Every activation function, each a record: value and slope next to each other.

Conventions: where a function has a kink, the slope taken is the one from the left (so ReLU′(0) = 0, leaky ReLU′(0) =
0.01); textbooks disagree there. GELU is the form with the error function; its tanh approximation has its own name.
"""

from __future__ import annotations

import math

import numpy as np

from chainrule.calculus.activation import Activation, Learned
from chainrule.calculus.activation import activations as activations
from chainrule.calculus.special import normal_cdf, normal_density
from chainrule.constraints import real
from chainrule.errors import SettingError
from chainrule.shapes import Array

family = activations.family
INF = math.inf


def logistic(z: Array) -> Array:
    """1/(1+e^−z) from e^−|z|, which cannot overflow."""
    e = np.exp(-np.abs(z))
    return np.where(z >= 0, 1.0 / (1.0 + e), e / (1.0 + e))


def softplus_of(z: Array) -> Array:
    """ln(1+e^z) as max(z, 0) + ln(1+e^−|z|), which cannot overflow."""
    return np.maximum(z, 0.0) + np.log1p(np.exp(-np.abs(z)))


def _pick(condition: Array, when: Array | float, otherwise: Array | float, z: Array) -> Array:
    return np.where(condition, when, otherwise).astype(z.dtype, copy=False)


@family
def identity() -> Activation:
    return Activation(
        name="identity", aliases=("linear", "none"),
        value=lambda z: z.copy(), slope=lambda z, a: np.ones_like(z),
        expr="z", slope_expr="1", slope_from_output="1",
        latex=r"z", latex_slope=r"1",
        low=-INF, high=INF, slope_monotonic=True, zero_centred=True, cost=0.3,
        source="textbook",
    )  # fmt: skip


@family
def binary_step() -> Activation:
    return Activation(
        name="binary_step", aliases=("step", "threshold", "heaviside"),
        value=lambda z: _pick(z >= 0, 1.0, 0.0, z), slope=lambda z, a: np.zeros_like(z),
        expr="1 if z >= 0 else 0", slope_expr="0", slope_from_output="0",
        latex=r"\begin{cases}1 & z \ge 0\\ 0 & z < 0\end{cases}", latex_slope=r"0 \quad (z \ne 0)",
        low=0.0, high=1.0, reaches_low=True, reaches_high=True, slope_monotonic=True, continuity=-1, kinks=(0.0,),
        saturates=("left", "right"), trainable=False,
        source="Rosenblatt, The perceptron (1958); the value at 0 is 1, as in the perceptron's rule",
    )  # fmt: skip


@family
def sigmoid() -> Activation:
    return Activation(
        name="sigmoid", aliases=("logistic", "soft_step"),
        value=logistic, slope=lambda z, a: a * (1.0 - a),
        expr="1/(1 + exp(-z))", slope_expr="exp(-z)/(1 + exp(-z))**2", slope_from_output="a*(1 - a)",
        latex=r"\frac{1}{1+e^{-z}}", latex_slope=r"g(z)\,(1-g(z))",
        low=0.0, high=1.0, saturates=("left", "right"), cost=5.0,
        source="Verhulst (1845); in networks: Rumelhart, Hinton, Williams (1986)",
    )  # fmt: skip


@family
def tanh() -> Activation:
    return Activation(
        name="tanh", aliases=("hyperbolic_tangent",),
        value=np.tanh, slope=lambda z, a: 1.0 - a * a,
        expr="tanh(z)", slope_expr="1 - tanh(z)**2", slope_from_output="1 - a**2",
        latex=r"\tanh z", latex_slope=r"1-g(z)^2",
        low=-1.0, high=1.0, zero_centred=True, saturates=("left", "right"), cost=4.0, gain=5 / 3,
        source="LeCun et al., Efficient BackProp (1998)",
    )  # fmt: skip


@family
def smht(a: float = 1.0, b: float = 1.0, c: float = 1.0, d: float = 1.0) -> Activation:
    """Soboleva's modified hyperbolic tangent; bounded, so 0 < a ≤ c and 0 < b ≤ d."""
    for name, number in {"a": a, "b": b, "c": c, "d": d}.items():
        real(f"smht.{name}", number, above=0.0)
    if a > c or b > d:
        raise SettingError(
            "CR204", "smht grows without bound when a > c or b > d", expected="a <= c and b <= d",
            got=f"a={a:g}, b={b:g}, c={c:g}, d={d:g}", hint="the training would overflow; choose a <= c and b <= d",
        )  # fmt: skip

    def parts(z: Array) -> tuple[Array, ...]:
        # Numerator and denominator both scaled by e^(−c z) for z ≥ 0 and by e^(d z) for z < 0: every exponent is ≤ 0.
        s = np.abs(z)
        up = np.where(z >= 0, np.exp((a - c) * s), np.exp(-(a + d) * s))
        down = np.where(z >= 0, np.exp(-(b + c) * s), np.exp((b - d) * s))
        right = np.where(z >= 0, 1.0, np.exp(-(c + d) * s)).astype(z.dtype, copy=False)
        left = np.where(z >= 0, np.exp(-(c + d) * s), 1.0).astype(z.dtype, copy=False)
        return up, down, right, left

    def value(z: Array) -> Array:
        up, down, right, left = parts(z)
        return (up - down) / (right + left)

    def slope(z: Array, out: Array) -> Array:
        up, down, right, left = parts(z)
        return (a * up + b * down - out * (c * right - d * left)) / (right + left)

    def peak(side: float) -> float:
        """The largest |value| on one side of 0, by thirds: it rises to one peak and falls again."""
        low, high = np.array([0.0]), np.array([60.0 / min(a + b, c + d)])
        for _ in range(120):
            left, right = low + (high - low) / 3, high - (high - low) / 3
            low, high = (left, high) if abs(value(side * left)[0]) < abs(value(side * right)[0]) else (low, right)
        return float(abs(value(side * low)[0]))

    falls_right, falls_left = a < c, b < d  # back to 0 at that end, instead of on to ±1
    return Activation(
        name="smht", aliases=("soboleva",), constants={"a": a, "b": b, "c": c, "d": d},
        value=value, slope=slope,
        expr="(exp(a*z) - exp(-b*z))/(exp(c*z) + exp(-d*z))",
        slope_expr="((a*exp(a*z) + b*exp(-b*z))*(exp(c*z) + exp(-d*z))"
        " - (exp(a*z) - exp(-b*z))*(c*exp(c*z) - d*exp(-d*z)))/(exp(c*z) + exp(-d*z))**2",
        latex=r"\frac{e^{az}-e^{-bz}}{e^{cz}+e^{-dz}}",
        latex_slope=r"\frac{(ae^{az}+be^{-bz})-g(z)\,(ce^{cz}-de^{-dz})}{e^{cz}+e^{-dz}}",
        low=-peak(-1.0) if falls_left else -1.0, high=peak(1.0) if falls_right else 1.0,
        reaches_low=falls_left, reaches_high=falls_right, monotonic=not (falls_left or falls_right),
        zero_centred=(a, c) == (b, d), saturates=("left", "right"), cost=12.0,
        source="Soboleva's modified hyperbolic tangent",
    )  # fmt: skip


@family
def relu() -> Activation:
    return Activation(
        name="relu", aliases=("rectified_linear_unit",),
        value=lambda z: np.maximum(z, 0.0), slope=lambda z, a: _pick(z > 0, 1.0, 0.0, z),
        expr="z if z > 0 else 0", slope_expr="1 if z > 0 else 0", slope_from_output="1 if a > 0 else 0",
        latex=r"\max(0, z)", latex_slope=r"\begin{cases}1 & z > 0\\ 0 & z \le 0\end{cases}",
        low=0.0, high=INF, reaches_low=True, slope_monotonic=True, continuity=0, kinks=(0.0,), saturates=("left",),
        gain=math.sqrt(2), initializer="he_uniform",
        source="Nair, Hinton (2010)",
    )  # fmt: skip


@family
def leaky_relu(alpha: float = 0.01) -> Activation:
    real("leaky_relu.alpha", alpha, low=0.0, below=1.0)
    return Activation(
        name="leaky_relu", constants={"alpha": alpha},
        value=lambda z: _pick(z > 0, z, alpha * z, z), slope=lambda z, a: _pick(z > 0, 1.0, alpha, z),
        expr="z if z > 0 else alpha*z", slope_expr="1 if z > 0 else alpha", slope_from_output="1 if a > 0 else alpha",
        latex=r"\begin{cases}z & z > 0\\ \alpha z & z \le 0\end{cases}",
        latex_slope=r"\begin{cases}1 & z > 0\\ \alpha & z \le 0\end{cases}",
        low=-INF if alpha else 0.0, high=INF, reaches_low=not alpha, slope_monotonic=True, continuity=0, kinks=(0.0,),
        gain=math.sqrt(2 / (1 + alpha**2)), initializer="he_uniform", cost=1.5,
        source="Maas, Hannun, Ng (2013)",
    )  # fmt: skip


@family
def prelu(alpha: float = 0.25) -> Activation:
    """Leaky ReLU whose α is learned, one per unit, starting from `alpha`."""
    real("prelu.alpha", alpha, low=0.0, high=1.0)
    return Activation(
        name="prelu", aliases=("parametric_relu",), constants={"alpha": alpha},
        value=lambda z, p: _pick(z > 0, z, p * z, z), slope=lambda z, a, p: _pick(z > 0, 1.0, p, z),
        expr="z if z > 0 else alpha*z", slope_expr="1 if z > 0 else alpha",
        latex=r"\begin{cases}z & z > 0\\ \alpha z & z \le 0\end{cases}",
        latex_slope=r"\begin{cases}1 & z > 0\\ \alpha & z \le 0\end{cases}",
        learned=(Learned("alpha", r"\alpha", alpha),),
        learned_slopes=lambda z, a, p: (np.minimum(z, 0.0),), learned_slope_exprs=("0 if z > 0 else z",),
        low=-INF, high=INF, slope_monotonic=True, continuity=0, kinks=(0.0,),
        gain=math.sqrt(2 / (1 + alpha**2)), initializer="he_uniform", cost=1.5,
        source="He et al., Delving deep into rectifiers (2015); α starts at 0.25",
    )  # fmt: skip


@family
def rrelu(lower: float = 0.125, upper: float = 1 / 3) -> Activation:
    """Leaky ReLU whose α is drawn anew in [lower, upper) for every element in training, and is their mean elsewhere."""
    real("rrelu.lower", lower, low=0.0)
    real("rrelu.upper", upper, low=lower, high=1.0)

    def alpha(draw: Array, z: Array) -> Array:
        return (lower + (upper - lower) * draw).astype(z.dtype, copy=False)

    return Activation(
        name="rrelu", aliases=("randomized_relu",), constants={"lower": lower, "upper": upper}, random=True,
        value=lambda z, draw: _pick(z > 0, z, alpha(draw, z) * z, z),
        slope=lambda z, a, draw: _pick(z > 0, 1.0, alpha(draw, z), z),
        expr="z if z > 0 else (lower + (upper - lower)*draw)*z",
        slope_expr="1 if z > 0 else lower + (upper - lower)*draw",
        latex=r"\begin{cases}z & z > 0\\ \alpha z & z \le 0\end{cases},\ \alpha \sim U(l, u)",
        latex_slope=r"\begin{cases}1 & z > 0\\ \alpha & z \le 0\end{cases}",
        low=-INF, high=INF, slope_monotonic=True, continuity=0, kinks=(0.0,),
        gain=math.sqrt(2 / (1 + ((lower + upper) / 2) ** 2)), initializer="he_uniform", cost=6.0,
        source="Xu et al., Empirical evaluation of rectified activations (2015)",
    )  # fmt: skip


@family
def elu(alpha: float = 1.0) -> Activation:
    real("elu.alpha", alpha, above=0.0)
    return Activation(
        name="elu", aliases=("exponential_linear_unit",), constants={"alpha": alpha},
        value=lambda z: _pick(z > 0, z, alpha * np.expm1(np.minimum(z, 0.0)), z),
        slope=lambda z, a: _pick(z > 0, 1.0, alpha * np.exp(np.minimum(z, 0.0)), z),
        expr="z if z > 0 else alpha*(exp(z) - 1)", slope_expr="1 if z > 0 else alpha*exp(z)",
        slope_from_output="1 if a > 0 else a + alpha",
        latex=r"\begin{cases}z & z > 0\\ \alpha(e^{z}-1) & z \le 0\end{cases}",
        latex_slope=r"\begin{cases}1 & z > 0\\ \alpha e^{z} & z \le 0\end{cases}",
        low=-alpha, high=INF, slope_monotonic=alpha <= 1, continuity=1 if alpha == 1 else 0,
        kinks=() if alpha == 1 else (0.0,), saturates=("left",), cost=4.0, initializer="he_uniform",
        source="Clevert, Unterthiner, Hochreiter (2016)",
    )  # fmt: skip


@family
def selu(lam: float = 1.0507009873554805, alpha: float = 1.6732632423543772) -> Activation:
    real("selu.lam", lam, above=0.0)
    real("selu.alpha", alpha, above=0.0)
    return Activation(
        name="selu", aliases=("scaled_exponential_linear_unit",), constants={"lam": lam, "alpha": alpha},
        value=lambda z: _pick(z > 0, lam * z, lam * alpha * np.expm1(np.minimum(z, 0.0)), z),
        slope=lambda z, a: _pick(z > 0, lam, lam * alpha * np.exp(np.minimum(z, 0.0)), z),
        expr="lam*z if z > 0 else lam*alpha*(exp(z) - 1)", slope_expr="lam if z > 0 else lam*alpha*exp(z)",
        slope_from_output="lam if a > 0 else a + lam*alpha",
        latex=r"\lambda\begin{cases}z & z > 0\\ \alpha(e^{z}-1) & z \le 0\end{cases}",
        latex_slope=r"\lambda\begin{cases}1 & z > 0\\ \alpha e^{z} & z \le 0\end{cases}",
        low=-lam * alpha, high=INF, slope_monotonic=alpha <= 1, continuity=1 if alpha == 1 else 0,
        kinks=() if alpha == 1 else (0.0,), saturates=("left",), cost=4.0, gain=0.75, initializer="lecun_normal",
        source="Klambauer et al., Self-normalizing neural networks (2017)",
    )  # fmt: skip


@family
def gelu() -> Activation:
    return Activation(
        name="gelu", aliases=("gaussian_error_linear_unit",),
        value=lambda z: z * normal_cdf(z), slope=lambda z, a: normal_cdf(z) + z * normal_density(z),
        expr="z*(1 + erf(z/sqrt(2)))/2", slope_expr="(1 + erf(z/sqrt(2)))/2 + z*exp(-z**2/2)/sqrt(2*pi)",
        latex=r"\frac{z}{2}\left(1+\operatorname{erf}\frac{z}{\sqrt 2}\right)",
        latex_slope=r"\Phi(z)+z\,\varphi(z)",
        low=-0.16997120747990366, high=INF, reaches_low=True, monotonic=False, saturates=("left",), cost=20.0,
        gain=math.sqrt(2), initializer="he_uniform",
        source="Hendrycks, Gimpel (2016), the form with erf",
    )  # fmt: skip


@family
def gelu_tanh() -> Activation:
    scale, cubic = math.sqrt(2 / math.pi), 0.044715

    def inner(z: Array) -> Array:
        bounded = np.clip(z, -20.0, 20.0)  # tanh is ±1 long before; z³ would overflow
        return np.tanh(scale * (bounded + cubic * bounded**3))

    def slope(z: Array, a: Array) -> Array:
        t, bounded = inner(z), np.clip(z, -20.0, 20.0)
        return 0.5 * (1.0 + t) + 0.5 * bounded * (1.0 - t * t) * scale * (1.0 + 3.0 * cubic * bounded**2)

    return Activation(
        name="gelu_tanh", aliases=("gelu_approximate",),
        value=lambda z: 0.5 * z * (1.0 + inner(z)), slope=slope,
        expr="z*(1 + tanh(sqrt(2/pi)*(z + 0.044715*z**3)))/2",
        slope_expr="(1 + tanh(sqrt(2/pi)*(z + 0.044715*z**3)))/2"
        " + z*(1 - tanh(sqrt(2/pi)*(z + 0.044715*z**3))**2)*sqrt(2/pi)*(1 + 3*0.044715*z**2)/2",
        latex=r"\frac{z}{2}\left(1+\tanh\left(\sqrt{2/\pi}\,(z+0.044715z^3)\right)\right)",
        latex_slope=r"\frac{1+t}{2}+\frac{z}{2}(1-t^2)\sqrt{2/\pi}\,(1+0.134145z^2),\ t=\tanh(\ldots)",
        low=-0.17004075057125406, high=INF, reaches_low=True, monotonic=False, saturates=("left",), cost=12.0,
        gain=math.sqrt(2), initializer="he_uniform",
        source="Hendrycks, Gimpel (2016), the approximation with tanh",
    )  # fmt: skip


@family
def softplus() -> Activation:
    return Activation(
        name="softplus",
        value=softplus_of, slope=lambda z, a: logistic(z),
        expr="ln(1 + exp(z))", slope_expr="1/(1 + exp(-z))", slope_from_output="1 - exp(-a)",
        latex=r"\ln(1+e^{z})", latex_slope=r"\frac{1}{1+e^{-z}}",
        low=0.0, high=INF, slope_monotonic=True, saturates=("left",), cost=8.0, initializer="he_uniform",
        source="Dugas et al. (2001)",
    )  # fmt: skip


@family
def silu() -> Activation:
    def slope(z: Array, a: Array) -> Array:
        s = logistic(z)
        return s + a * (1.0 - s)

    return Activation(
        name="silu", aliases=("swish", "sigmoid_linear_unit"),
        value=lambda z: z * logistic(z), slope=slope,
        expr="z/(1 + exp(-z))", slope_expr="(1 + exp(-z) + z*exp(-z))/(1 + exp(-z))**2",
        latex=r"\frac{z}{1+e^{-z}}", latex_slope=r"\sigma(z)+g(z)\,(1-\sigma(z))",
        low=-0.27846454276107379, high=INF, reaches_low=True, monotonic=False, saturates=("left",), cost=7.0,
        gain=math.sqrt(2), initializer="he_uniform",
        source="Elfwing, Uchibe, Doya (2018); Ramachandran, Zoph, Le (2017)",
    )  # fmt: skip


@family
def mish() -> Activation:
    def slope(z: Array, a: Array) -> Array:
        t = np.tanh(softplus_of(z))
        return t + z * (1.0 - t * t) * logistic(z)

    return Activation(
        name="mish",
        value=lambda z: z * np.tanh(softplus_of(z)), slope=slope,
        expr="z*tanh(ln(1 + exp(z)))",
        slope_expr="tanh(ln(1 + exp(z))) + z*(1 - tanh(ln(1 + exp(z)))**2)/(1 + exp(-z))",
        latex=r"z\,\tanh\ln(1+e^{z})", latex_slope=r"t+z(1-t^2)\,\sigma(z),\ t=\tanh\ln(1+e^{z})",
        low=-0.30884341301725041, high=INF, reaches_low=True, monotonic=False, saturates=("left",), cost=18.0,
        gain=math.sqrt(2), initializer="he_uniform",
        source="Misra (2019)",
    )  # fmt: skip


@family
def gaussian() -> Activation:
    def value(z: Array) -> Array:
        bounded = np.clip(z, -30.0, 30.0)  # e^(−900) is 0 in both float types
        return np.exp(-bounded * bounded)

    return Activation(
        name="gaussian",
        value=value, slope=lambda z, a: -2.0 * z * a,
        expr="exp(-z**2)", slope_expr="-2*z*exp(-z**2)",
        latex=r"e^{-z^2}", latex_slope=r"-2z\,e^{-z^2}",
        low=0.0, high=1.0, reaches_high=True, monotonic=False, saturates=("left", "right"), cost=4.0,
        source="radial basis functions: Broomhead, Lowe (1988)",
    )  # fmt: skip


@family
def exponential(limit: float = 80.0) -> Activation:
    """e^z for the mean of a Poisson variable; held constant above `limit`, below which float32 cannot overflow.

    Its output does not tell the slope: at the limit and beyond it the output is the same, the slope is not.
    """
    real("exponential.limit", limit, above=0.0, high=80.0)
    return Activation(
        name="exponential", aliases=("exp",), constants={"limit": limit},
        value=lambda z: np.exp(np.minimum(z, limit)), slope=lambda z, a: _pick(z <= limit, a, 0.0, z),
        expr="exp(z if z < limit else limit)", slope_expr="exp(z) if z <= limit else 0",
        latex=r"e^{z}", latex_slope=r"e^{z}",
        low=0.0, high=math.exp(limit), reaches_high=True, continuity=0, kinks=(limit,), saturates=("left", "right"),
        cost=4.0,
        source="log link of Poisson regression: Nelder, Wedderburn (1972)",
    )  # fmt: skip
