// The losses: the term of one output and its slope next to each other, as in chainrule/calculus/losses.py.
//
// A loss is evaluated on rows that lie in the lanes of a vector, output after output, so that the sum over the outputs of an
// example runs in their order whatever the width.
#pragma once

#include "elementary.hpp"

template <class T> inline constexpr T epsilon_of = sizeof(T) == 4 ? (T)1.1920928955078125e-07 : (T)2.220446049250313e-16;

// `begin` may look at the whole example: y and p are arrays of k vectors.
struct PlainTerm {
  template <class V> INLINE void begin(const V*, const V*, int, const Scalar<V>*) {}
};

struct SquaredError : PlainTerm {  // c = scale
  template <class V> INLINE V term(V y, V p, const Scalar<V>* c, V& slope) const {
    const V e = p - y;
    slope = (2 * c[0]) * e;
    return c[0] * (e * e);
  }
};
struct AbsoluteError : PlainTerm {
  template <class V> INLINE V term(V y, V p, const Scalar<V>*, V& slope) const {
    typedef Scalar<V> T;
    const V e = p - y;
    slope = choose(e > (T)0, spread((T)1), choose(e < (T)0, spread((T)-1), e));
    return magnitude(e);
  }
};
struct Huber : PlainTerm {  // c = delta
  template <class V> INLINE V term(V y, V p, const Scalar<V>* c, V& slope) const {
    typedef Scalar<V> T;
    const V e = p - y, size = magnitude(e), near = smaller(c[0], size);
    slope = smaller(c[0], larger(-c[0], e));
    return near * fma(near, (T)-0.5, size);
  }
};
struct Pinball : PlainTerm {  // c = quantile
  template <class V> INLINE V term(V y, V p, const Scalar<V>* c, V& slope) const {
    typedef Scalar<V> T;
    slope = choose(p > y, spread((T)1 - c[0]), choose(p < y, spread(-c[0]), V{}));
    const V e = y - p, above = c[0] * e, below = (c[0] - (T)1) * e;
    return choose(above > below, above, below);
  }
};
struct LogCosh : PlainTerm {
  template <class V> INLINE V term(V y, V p, const Scalar<V>*, V& slope) const {
    typedef Scalar<V> T;
    const V e = p - y, size = magnitude(e);
    slope = hyperbolic_tangent(e);
    return size + logarithm_of_1_plus(exponential((T)-2 * size)) - (T)0.6931471805599453;
  }
};
struct Poisson : PlainTerm {
  template <class V> INLINE V term(V y, V p, const Scalar<V>*, V& slope) const {
    typedef Scalar<V> T;
    const V positive = larger(epsilon_of<T>, p);
    slope = (T)1 - y / positive;
    return p - y * logarithm(positive);
  }
};
struct PoissonLogits : PlainTerm {
  template <class V> INLINE V term(V y, V z, const Scalar<V>*, V& slope) const {
    const V mean = exponential(smaller((Scalar<V>)80, z));
    slope = mean - y;
    return mean - y * z;
  }
};
struct Hinge : PlainTerm {
  template <class V> INLINE V term(V y, V p, const Scalar<V>*, V& slope) const {
    typedef Scalar<V> T;
    const V sign = choose(y > (T)0, spread((T)1), spread((T)-1)), reached = sign * p;
    slope = choose(reached < (T)1, -sign, V{});
    return larger((T)0, (T)1 - reached);
  }
};
struct BinaryCrossentropy : PlainTerm {  // c = label smoothing
  template <class V> INLINE V term(V y, V p, const Scalar<V>* c, V& slope) const {
    typedef Scalar<V> T;
    const V t = y * ((T)1 - c[0]) + (T)0.5 * c[0];
    const V q = smaller((T)1 - epsilon_of<T>, larger(epsilon_of<T>, p));
    slope = (q - t) / (q * ((T)1 - q));
    // ln(1 - q): 1 - q is exact from q = 1/2 on; below, -q is small and the rounding of 1 - q is made good.
    const V rest = (T)1 - q, log_rest = logarithm(rest) + (((T)1 - rest) - q) / rest;
    return -t * logarithm(q) - ((T)1 - t) * log_rest;
  }
};
struct BinaryLogits : PlainTerm {  // c = label smoothing
  template <class V> INLINE V term(V y, V z, const Scalar<V>* c, V& slope) const {
    typedef Scalar<V> T;
    const V t = y * ((T)1 - c[0]) + (T)0.5 * c[0], e = exponential(minus_magnitude(z));
    slope = choose(z < (T)0, e, spread((T)1)) / (e + (T)1) - t;
    return larger((T)0, z) + logarithm_of_1_plus(e) - t * z;
  }
};
struct CategoricalCrossentropy : PlainTerm {  // c = 1 - smoothing, smoothing / k
  template <class V> INLINE V term(V y, V p, const Scalar<V>* c, V& slope) const {
    typedef Scalar<V> T;
    const V t = fma(y, c[0], c[1]), q = smaller((T)1 - epsilon_of<T>, larger(epsilon_of<T>, p));
    slope = -t / q;
    return -t * logarithm(q);
  }
};
struct Output : PlainTerm {
  template <class V> INLINE V term(V, V p, const Scalar<V>*, V& slope) const {
    slope = spread((Scalar<V>)1);
    return p;
  }
};

// The losses and slopes of the rows in the lanes: slopes replace p. Returns the sum over the k outputs.
template <class L, class T> Vec<T> evaluate(const Vec<T>* y, Vec<T>* p, int k, const T* c) {
  const L loss;
  Vec<T> sum{};
  for (int i = 0; i < k; i++) {
    Vec<T> slope;
    const Vec<T> term = loss.term(y[i], p[i], c, slope);
    sum = i ? sum + term : term;
    p[i] = slope;
  }
  return sum;
}

// Softmax of the k values of every lane.
template <class T> INLINE void softmax(Vec<T>* z, int k) {
  Vec<T> top = z[0], sum{};
  for (int i = 1; i < k; i++) top = choose(top < z[i], z[i], choose(z[i] == z[i], top, z[i]));
  for (int i = 0; i < k; i++) z[i] = exponential(z[i] - top), sum += z[i];
  const Vec<T> inverse = (T)1 / sum;
  for (int i = 0; i < k; i++) z[i] *= inverse;
}

// Categorical cross-entropy from the logits: the slope is p (sum of t) - t. `count` is k where the compiler knows it.
template <int count, class T> INLINE Vec<T> logits_of(const Vec<T>* y, Vec<T>* z, int k, const T* c) {
  typedef Vec<T> V;
  if (count) k = count;
  V top = z[0], sum{}, weight{}, loss{};
#pragma GCC unroll 4
  for (int i = 1; i < k; i++) top = choose(top < z[i], z[i], choose(z[i] == z[i], top, z[i]));
#pragma GCC unroll 4
  for (int i = 0; i < k; i++) {
    const V shifted = z[i] - top, t = fma(y[i], c[0], c[1]);
    weight += t, loss = fma(-t, shifted, loss);
    z[i] = exponential(shifted), sum += z[i];
  }
  loss = fma(logarithm(sum), weight, loss);
  const V share = weight / sum;
#pragma GCC unroll 4
  for (int i = 0; i < k; i++) z[i] = fma(z[i], share, -fma(y[i], c[0], c[1]));
  return loss;
}
template <class T> Vec<T> evaluate_logits(const Vec<T>* y, Vec<T>* z, int k, const T* c) {
  return k == 2 ? logits_of<2>(y, z, k, c) : k == 3 ? logits_of<3>(y, z, k, c) : logits_of<0>(y, z, k, c);
}

// By the code that chainrule/engines/native.py gives each record and head.
template <class T> using LossKernel = Vec<T> (*)(const Vec<T>* y, Vec<T>* p, int k, const T* c);
template <class T> LossKernel<T> loss_kernel(int code) {
  static const LossKernel<T> table[] = {
      evaluate<SquaredError, T>, evaluate<AbsoluteError, T>, evaluate<Huber, T>, evaluate<Pinball, T>, evaluate<LogCosh, T>,
      evaluate<Poisson, T>, evaluate<PoissonLogits, T>, evaluate<Hinge, T>, evaluate<BinaryCrossentropy, T>,
      evaluate<BinaryLogits, T>, evaluate<CategoricalCrossentropy, T>, evaluate_logits<T>, evaluate<Output, T>};
  return table[code];
}
