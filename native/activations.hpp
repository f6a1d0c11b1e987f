// The activation functions: value and slope next to each other, as in chainrule/calculus/activations.py.
//
// `value(z, c, slope)` gives a = g(z). Where `from_output` is set, `slope_of(a, c)` recovers the slope from a; otherwise
// `value` gives it too and the engine keeps it. c are the record's constants.
#pragma once

#include "elementary.hpp"

template <bool from> struct Function { static constexpr bool from_output = from; };

struct Identity : Function<true> {
  template <class V> static INLINE V value(V z, const Scalar<V>*, V&) { return z; }
  template <class V> static INLINE V slope_of(V, const Scalar<V>*) { return spread((Scalar<V>)1); }
};
struct BinaryStep : Function<true> {
  template <class V> static INLINE V value(V z, const Scalar<V>*, V&) { return choose(z >= (Scalar<V>)0, spread((Scalar<V>)1), V{}); }
  template <class V> static INLINE V slope_of(V, const Scalar<V>*) { return V{}; }
};
struct Sigmoid : Function<true> {
  template <class V> static INLINE V value(V z, const Scalar<V>*, V&) { return logistic(z); }
  template <class V> static INLINE V slope_of(V a, const Scalar<V>*) { return a * ((Scalar<V>)1 - a); }
};
struct Tanh : Function<true> {
  template <class V> static INLINE V value(V z, const Scalar<V>*, V&) { return hyperbolic_tangent(z); }
  template <class V> static INLINE V slope_of(V a, const Scalar<V>*) { return fma(-a, a, (Scalar<V>)1); }
};
struct Smht : Function<false> {  // c = a, b, c, d; every exponent is <= 0
  template <class V> static INLINE V value(V z, const Scalar<V>* k, V& slope) {
    typedef Scalar<V> T;
    const T a = k[0], b = k[1], c = k[2], d = k[3];
    const V s = magnitude(z), one = spread((T)1), low = exponential(-(c + d) * s);
    const auto right = z >= (T)0;
    const V up = exponential(choose(right, spread(a - c), spread(-(a + d))) * s);
    const V down = exponential(choose(right, spread(-(b + c)), spread(b - d)) * s);
    const V grow = choose(right, one, low), fall = choose(right, low, one), sum = grow + fall;
    const V out = (up - down) / sum;
    slope = (a * up + b * down - out * (c * grow - d * fall)) / sum;
    return out;
  }
};
struct Relu : Function<true> {
  template <class V> static INLINE V value(V z, const Scalar<V>*, V&) { return larger((Scalar<V>)0, z); }
  template <class V> static INLINE V slope_of(V a, const Scalar<V>*) { return choose(a > (Scalar<V>)0, spread((Scalar<V>)1), V{}); }
};
struct LeakyRelu : Function<true> {  // c = alpha
  template <class V> static INLINE V value(V z, const Scalar<V>* c, V&) { return choose(z > (Scalar<V>)0, z, c[0] * z); }
  template <class V> static INLINE V slope_of(V a, const Scalar<V>* c) { return choose(a > (Scalar<V>)0, spread((Scalar<V>)1), spread(c[0])); }
};
struct Elu : Function<false> {  // c = the scale right of 0, the scale left of 0
  template <class V> static INLINE V value(V z, const Scalar<V>* c, V& slope) {
    typedef Scalar<V> T;
    const V below = exponential_minus_1(smaller((T)0, z));
    const auto right = z > (T)0;
    slope = choose(right, spread(c[0]), fma(below, c[1], c[1]));
    return choose(right, c[0] * z, c[1] * below);
  }
};
struct Gelu : Function<false> {
  template <class V> static INLINE V value(V z, const Scalar<V>*, V& slope) {
    V density;
    const V p = normal_distribution(z, density);
    slope = fma(z, density, p);
    return z * p;
  }
};
struct GeluTanh : Function<false> {
  template <class V> static INLINE V value(V z, const Scalar<V>*, V& slope) {
    typedef Scalar<V> T;
    constexpr T scale = (T)0.7978845608028654, cubic = (T)(0.044715 * 0.7978845608028654);
    const V bounded = smaller((T)20, larger((T)-20, z)), square = bounded * bounded;
    const V t = hyperbolic_tangent(bounded * fma(square, cubic, scale)), half = fma(t, (T)0.5, (T)0.5);
    slope = fma((T)0.5 * bounded * fma(-t, t, (T)1), fma(square, 3 * cubic, scale), half);
    return z * half;
  }
};
struct Softplus : Function<false> {
  template <class V> static INLINE V value(V z, const Scalar<V>*, V& slope) {
    typedef Scalar<V> T;
    const V e = exponential(minus_magnitude(z));
    slope = choose(z < (T)0, e, spread((T)1)) / (e + (T)1);
    return larger((T)0, z) + logarithm_of_1_plus(e);
  }
};
struct Silu : Function<false> {
  template <class V> static INLINE V value(V z, const Scalar<V>*, V& slope) {
    const V s = logistic(z), a = z * s;
    slope = fma(a, (Scalar<V>)1 - s, s);
    return a;
  }
};
struct Mish : Function<false> {
  template <class V> static INLINE V value(V z, const Scalar<V>*, V& slope) {
    typedef Scalar<V> T;
    const V e = exponential(minus_magnitude(z)), t = hyperbolic_tangent(larger((T)0, z) + logarithm_of_1_plus(e));
    const V s = choose(z < (T)0, e, spread((T)1)) / (e + (T)1);
    slope = fma(z * fma(-t, t, (T)1), s, t);
    return z * t;
  }
};
struct Gaussian : Function<false> {
  template <class V> static INLINE V value(V z, const Scalar<V>*, V& slope) {
    typedef Scalar<V> T;
    const V bounded = smaller((T)30, larger((T)-30, z)), a = exponential(-bounded * bounded);
    slope = (T)-2 * z * a;
    return a;
  }
};
struct Exponential : Function<false> {  // c = limit
  template <class V> static INLINE V value(V z, const Scalar<V>* c, V& slope) {
    const V a = exponential(smaller(c[0], z));
    slope = choose(z <= c[0], a, V{});
    return a;
  }
};

// The functions over a block of a slot, `rows` rows of `vectors` vectors, rows `stride` apart.
template <class T> struct ActivationKernel {
  void (*value)(const T* z, T* a, T* slope, long rows, long vectors, long stride, const T* c);
  void (*pull)(const T* delta_a, const T* a_or_slope, T* delta_z, long rows, long vectors, long stride, const T* c);
  bool from_output;
};

template <class A, class T> void value_of(const T* z, T* a, T* slope, long rows, long vectors, long stride, const T* c) {
  for (long r = 0; r < rows; r++)
    for (long v = 0; v < vectors; v++) {
      const long at = r * stride + v * width<T>;
      Vec<T> kept{};
      store(a + at, A::value(load(z + at), c, kept));
      if constexpr (!A::from_output) store(slope + at, kept);
    }
}
template <class A, class T> void pull_through(const T* delta_a, const T* a_or_slope, T* delta_z, long rows, long vectors, long stride, const T* c) {
  for (long r = 0; r < rows; r++)
    for (long v = 0; v < vectors; v++) {
      const long at = r * stride + v * width<T>;
      Vec<T> slope = load(a_or_slope + at);
      if constexpr (A::from_output) slope = A::slope_of(slope, c);
      store(delta_z + at, load(delta_a + at) * slope);
    }
}

// By the code that chainrule/engines/native.py gives each record.
template <class T> const ActivationKernel<T>& activation_kernel(int code) {
#define ENTRY(A) {value_of<A, T>, pull_through<A, T>, A::from_output}
  static const ActivationKernel<T> table[] = {
      ENTRY(Identity), ENTRY(BinaryStep), ENTRY(Sigmoid), ENTRY(Tanh), ENTRY(Smht), ENTRY(Relu), ENTRY(LeakyRelu), ENTRY(Elu),
      ENTRY(Gelu), ENTRY(GeluTanh), ENTRY(Softplus), ENTRY(Silu), ENTRY(Mish), ENTRY(Gaussian), ENTRY(Exponential)};
#undef ENTRY
  return table[code];
}
