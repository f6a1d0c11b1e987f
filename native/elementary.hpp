// exp, expm1, log, log1p, tanh, the logistic function and the normal distribution on vectors.
//
// Largest relative errors, in machine epsilons, for float32 and float64 alike (tests/engines/test_elementary.py measures them
// against 60 digits): exp 1, expm1 1, logistic 2, tanh 3, ln(1 + e^x) 2, the normal distribution times x 4 (32 on the x86
// baseline, which has no fused multiply-add to keep the rest of a square). Results below the smallest normal number are 0.
// NaN goes through.
#pragma once

#include "vector.hpp"

// Coefficients of Taylor series: 1/2!, 1/3!, ... and 1/3, 1/5, ...
template <class T> inline constexpr T inverse_factorial[] = {
    (T)(1.0 / 2), (T)(1.0 / 6), (T)(1.0 / 24), (T)(1.0 / 120), (T)(1.0 / 720), (T)(1.0 / 5040), (T)(1.0 / 40320),
    (T)(1.0 / 362880), (T)(1.0 / 3628800), (T)(1.0 / 39916800), (T)(1.0 / 479001600), (T)(1.0 / 6227020800)};
template <class T> inline constexpr T inverse_odd[] = {
    (T)(1.0 / 3), (T)(1.0 / 5), (T)(1.0 / 7), (T)(1.0 / 9), (T)(1.0 / 11), (T)(1.0 / 13),
    (T)(1.0 / 15), (T)(1.0 / 17), (T)(1.0 / 19), (T)(1.0 / 21), (T)(1.0 / 23)};

// c[0] + c[1] x + ...: Horner's rule in x^2 over pairs, half as deep as in x.
template <int n, class V> INLINE V polynomial(V x, const Scalar<V>* c) {
  const V square = x * x;
  V p = n % 2 ? spread(c[n - 1]) : fma(x, c[n - 1], c[n - 2]);
#pragma GCC unroll 32
  for (int i = n - 2 - (n % 2 ? 1 : 2); i >= 0; i -= 2) p = fma(p, square, fma(x, c[i + 1], c[i]));
  return p;
}

// x = n ln 2 + r with |r| <= ln 2 / 2; returns expm1(r) and 2^n.
template <class V> INLINE V reduced_exp(V x, V& power) {
  typedef Scalar<V> T;
  constexpr bool single = sizeof(T) == 4;
  constexpr T magic = Lanes<T>::round_magic;
  constexpr T high = single ? (T)0.693359375 : (T)6.93147180369123816490e-01, low = single ? (T)-2.12194440054690583e-4 : (T)1.90821492927058770002e-10;
  const V shifted = fma(x, (T)1.4426950408889634, magic), n = shifted - magic;
  const V r = fma(n, -low, fma(n, -high, x));
  power = (V)(((Whole<V>)shifted << Lanes<T>::mantissa) + (Whole<V>)spread((T)1));
  const V square = r * r;
  if constexpr (!single) return fma(polynomial<12>(r, inverse_factorial<T>), square, r);
  // The same sum in two halves, which do not wait for each other.
  const T* c = inverse_factorial<T>;
  const V low_half = fma(fma(r, c[1], c[0]), square, r), high_half = fma(fma(r, c[5], c[4]), square, fma(r, c[3], c[2]));
  return fma(high_half, square * square, low_half);
}

template <class T> inline constexpr T exp_low = sizeof(T) == 4 ? (T)-87.33654 : (T)-708.3964;
template <class T> inline constexpr T exp_high = sizeof(T) == 4 ? (T)88.37 : (T)709.4;

// e^x, held at its largest value above 88.37 (float32) or 709.4 (float64).
template <class V> INLINE V exponential(V x) {
  typedef Scalar<V> T;
  V power;
  const V q = reduced_exp(smaller(exp_high<T>, larger(exp_low<T>, x)), power);
  return choose(x < exp_low<T>, V{}, fma(power, q, power));
}

// e^x - 1 without cancellation.
template <class V> INLINE V exponential_minus_1(V x) {
  typedef Scalar<V> T;
  V power;
  const V q = reduced_exp(smaller(exp_high<T>, larger(exp_low<T>, x)), power);
  return fma(power, q, power - (T)1);
}

// ln x for normal x > 0: x = 2^e m with m in [sqrt(1/2), sqrt(2)), ln m = 2 artanh((m - 1)/(m + 1)).
template <class V> INLINE V logarithm(V x) {
  typedef Scalar<V> T;
  typedef Whole<V> I;
  constexpr bool single = sizeof(T) == 4;
  constexpr int bits = Lanes<T>::mantissa;
  constexpr auto half_root = single ? (int64_t)0x3f3504f3 : (int64_t)0x3fe6a09e667f3bcd;
  constexpr T high = single ? (T)0.693359375 : (T)6.93147180369123816490e-01, low = single ? (T)-2.12194440054690583e-4 : (T)1.90821492927058770002e-10;
  const I e = ((I)x - (decltype(I{}[0] + 0))half_root) >> bits;
  const V m = (V)((I)x - (e << bits)), power = __builtin_convertvector(e, V);
  const V f = m - (T)1, s = f / (m + (T)1), square = s * s;
  const V tail = polynomial<single ? 5 : 11>(square, inverse_odd<T>) * square;  // artanh(s)/s - 1
  const V two = s + s;
  const V result = fma(power, high, fma(power, low, fma(two, tail, two)));
  return choose(x > (T)0, result, choose(x == (T)0, spread((T)-INFINITY), spread((T)NAN)));
}

// ln(1 + x) for x >= 0: the rounding of 1 + x is made good.
template <class V> INLINE V logarithm_of_1_plus(V x) {
  typedef Scalar<V> T;
  const V u = x + (T)1;
  return logarithm(u) + (x - (u - (T)1)) / u;
}

template <class V> INLINE V hyperbolic_tangent(V x) {
  typedef Scalar<V> T;
  if constexpr (sizeof(T) == 4) {
    // A rational approximation on [-7.905, 7.905], beyond which float32 rounds to 1.
    x = smaller((T)7.90531110763549805, larger((T)-7.90531110763549805, x));
    const V y = x * x;
    V p = fma(y, (T)-2.76076847742355e-16, (T)2.00018790482477e-13);
    p = fma(p, y, (T)-8.60467152213735e-11), p = fma(p, y, (T)5.12229709037114e-08), p = fma(p, y, (T)1.48572235717979e-05);
    p = fma(p, y, (T)6.37261928875436e-04), p = fma(p, y, (T)4.89352455891786e-03);
    V q = fma(y, (T)1.19825839466702e-06, (T)1.18534705686654e-04);
    q = fma(q, y, (T)2.26843463243900e-03), q = fma(q, y, (T)4.89352518554385e-03);
    return p * x / q;
  } else {
    const V t = exponential_minus_1((T)-2 * magnitude(x)), size = -t / (t + (T)2);
    return choose(x < (T)0, -size, size);
  }
}

// 1/(1 + e^-x) from e^-|x| = 2^n (1 + q): 1 + 2^n does not wait for q, and loses nothing.
template <class V> INLINE V logistic(V x) {
  typedef Scalar<V> T;
  V power;
  const V q = reduced_exp(larger(exp_low<T>, minus_magnitude(x)), power);
  const V e = choose(x < exp_low<T>, V{}, fma(power, q, power));
  return choose(x < (T)0, e, spread((T)1)) / fma(power, q, power + (T)1);
}

// ln(1 + e^x) from e^-|x|.
template <class V> INLINE V softplus(V x) {
  typedef Scalar<V> T;
  return larger((T)0, x) + logarithm_of_1_plus(exponential(minus_magnitude(x)));
}

// The normal distribution: Phi(-x) = e^(-x^2/2) P(t)/(x + k), t = (x - k)/(x + k), P fitted at Chebyshev nodes with 40 digits
// for x >= 0 (relative error 4e-8 with k = 4 for float32, 6e-17 with k = 5 for float64).
template <class T> inline constexpr T normal_tail[1] = {};
template <> inline constexpr float normal_tail<float>[10] = {
      7.552851271e-1f, -6.078964038e-1f, 3.871375629e-1f, -1.865267109e-1f, 6.039529587e-2f, -7.512231382e-3f,
      -3.476167895e-3f, 1.563786899e-3f, 1.293256813e-4f, -1.573205696e-4f};
template <> inline constexpr double normal_tail<double>[23] = {
      7.69193049750062944e-1, -6.65382502890057638e-1, 4.95305615969980501e-1, -3.13533156671217153e-1,
      1.65020366170195179e-1, -6.9118638708741828e-2, 2.07950668032340378e-2, -2.99337673893597264e-3,
      -7.97869427747529648e-4, 5.448988347568596e-4, -5.93755883337776698e-5, -4.97617837401878903e-5,
      1.66808527199253954e-5, 3.97793826234342628e-6, -2.76887878367209136e-6, -3.3110285443318108e-7,
      4.33476642851375648e-7, 3.58445465608715985e-8, -6.74168905182360343e-8, -5.02723193096698263e-9,
      9.27508224153734225e-9, 5.05929748796669569e-10, -7.85445858324765764e-10};

// Phi(x), and the density at x through `density`.
template <class V> INLINE V normal_distribution(V x, V& density) {
  typedef Scalar<V> T;
  constexpr bool single = sizeof(T) == 4;
  constexpr T k = single ? (T)4 : (T)5;
  const V size = smaller((T)40, magnitude(x));
  // x^2 in two parts, so that its rounding is not multiplied by x^2.
  const V square = size * size * (T)0.5, rest = fma(size * (T)0.5, size, -square);
  const V e = exponential(-square), bell = fma(-rest, e, e);
  const V inverse = (T)1 / (size + k);
  const V tail = bell * inverse * polynomial<single ? 10 : 23>((size - k) * inverse, normal_tail<T>);
  density = bell * (T)0.3989422804014327;
  return choose(x < (T)0, tail, (T)1 - tail);
}
