// The update rules, as in chainrule/optim/rules.py, and the terms around them: penalties, then clipping, then the rule.
#pragma once

#include "vector.hpp"

// The scalars of one step: the learning rate and what the rule's own table gives.
template <class T> struct Scalars {
  T learning_rate, first, second;
};

// The terms of an update that do not change from step to step.
template <class T> struct Terms {
  T constants[6];  // of the rule
  T l1, l2, clip_value;
  bool penalised, clipped;
};

// A run of entries of theta that share their factors; `mask` (1 or 0 per entry) may be null. `moved` is where the new entries go:
// theta, or the gradient, which is read before.
template <class T> struct Piece {
  T *theta, *gradient, *slot[2];
  const T* mask;
  T rate_factor, decay_factor;
  T* moved = theta;

  // The entries from `at` on, with their gradient elsewhere.
  Piece from(long at, T* gradients) const {
    const auto shifted = [&](auto* array) { return array ? array + at : nullptr; };
    return {theta + at, gradients, {shifted(slot[0]), shifted(slot[1])}, shifted(mask), rate_factor, decay_factor};
  }
};

// c = constants, s = scalars, m and v the remembered arrays, decay the decay factor.
struct GradientDescent {
  static constexpr int slots = 0;
  template <class V> static INLINE V move(V theta, V g, V&, V&, V rate, V, const Scalar<V>*, const Scalars<Scalar<V>>&) { return fma(-rate, g, theta); }
};
struct Momentum {
  static constexpr int slots = 1;
  template <class V> static INLINE V move(V theta, V g, V& m, V&, V rate, V, const Scalar<V>* c, const Scalars<Scalar<V>>&) {
    m = fma(m, c[0], -rate * g);
    return theta + m;
  }
};
struct Nesterov {
  static constexpr int slots = 1;
  template <class V> static INLINE V move(V theta, V g, V& m, V&, V rate, V, const Scalar<V>* c, const Scalars<Scalar<V>>&) {
    m = fma(m, c[0], -rate * g);
    return fma(-rate, g, fma(m, c[0], theta));
  }
};
struct Adagrad {
  static constexpr int slots = 1;
  template <class V> static INLINE V move(V theta, V g, V& m, V&, V rate, V, const Scalar<V>* c, const Scalars<Scalar<V>>&) {
    m = fma(g, g, m);
    return theta - rate * g / (root(m) + c[0]);
  }
};
struct Rmsprop {  // c = rho, 1 - rho, epsilon
  static constexpr int slots = 1;
  template <class V> static INLINE V move(V theta, V g, V& m, V&, V rate, V, const Scalar<V>* c, const Scalars<Scalar<V>>&) {
    m = fma(m, c[0], c[1] * (g * g));
    return theta - rate * g / (root(m) + c[2]);
  }
};
template <class V> INLINE void moments(V g, V& m, V& v, Scalar<V> beta_1, Scalar<V> rest_1, Scalar<V> beta_2, Scalar<V> rest_2) {
  m = fma(m, beta_1, rest_1 * g);
  v = fma(v, beta_2, rest_2 * (g * g));
}
struct Adam {  // c = beta_1, 1 - beta_1, beta_2, 1 - beta_2, epsilon, weight decay; s = the two corrections
  static constexpr int slots = 2;
  template <class V> static INLINE V move(V theta, V g, V& m, V& v, V rate, V, const Scalar<V>* c, const Scalars<Scalar<V>>& s) {
    moments(g, m, v, c[0], c[1], c[2], c[3]);
    return fma(-rate, m * s.first / (root(v * s.second) + c[4]), theta);
  }
};
struct AdamClassic {  // s = the correction
  static constexpr int slots = 2;
  template <class V> static INLINE V move(V theta, V g, V& m, V& v, V rate, V, const Scalar<V>* c, const Scalars<Scalar<V>>& s) {
    moments(g, m, v, c[0], c[1], c[2], c[3]);
    return fma(-rate, s.first * m / (root(v) + c[4]), theta);
  }
};
struct AdamW {
  static constexpr int slots = 2;
  template <class V> static INLINE V move(V theta, V g, V& m, V& v, V rate, V decay, const Scalar<V>* c, const Scalars<Scalar<V>>& s) {
    moments(g, m, v, c[0], c[1], c[2], c[3]);
    return fma(-rate, fma(c[5] * decay, theta, m * s.first / (root(v * s.second) + c[4])), theta);
  }
};

// The gradient that the rule is handed, before clip_norm.
template <class V> INLINE V direction(V g, V theta, V decay, const Terms<Scalar<V>>& terms) {
  typedef Scalar<V> T;
  if (terms.penalised) {
    const V sign = choose(theta > (T)0, spread((T)1), choose(theta < (T)0, spread((T)-1), V{}));
    g += decay * (terms.l1 * sign + terms.l2 * theta);
  }
  if (terms.clipped) g = smaller(terms.clip_value, larger(-terms.clip_value, g));
  return g;
}

// Moves the vector of entries at i along the gradient g; `shrink` is what clip_norm multiplies the gradient by.
template <class R, class T> INLINE void move_along(const Piece<T>& piece, long i, Vec<T> g, Vec<T> rate, Vec<T> decay, const Terms<T>& terms, const Scalars<T>& s, T shrink) {
  typedef Vec<T> V;
  if (piece.mask) rate *= load(piece.mask + i), decay *= load(piece.mask + i);
  const V theta = load(piece.theta + i);
  V m{}, v{};
  g = direction(g, theta, decay, terms);
  if (shrink != (T)1) g *= shrink;
  if constexpr (R::slots > 0) m = load(piece.slot[0] + i);
  if constexpr (R::slots > 1) v = load(piece.slot[1] + i);
  store(piece.moved + i, R::move(theta, g, m, v, rate, decay, terms.constants, s));
  if constexpr (R::slots > 0) store(piece.slot[0] + i, m);
  if constexpr (R::slots > 1) store(piece.slot[1] + i, v);
}

// Moves entries from .. to (multiples of the width).
template <class R, class T> void move(const Piece<T>& given, long from, long to, const Terms<T>& given_terms, const Scalars<T>& s, T shrink) {
  const Terms<T> terms = given_terms;  // copies, which the stores below cannot touch
  const Piece<T> piece = given;
  const Vec<T> rate = spread(s.learning_rate * piece.rate_factor), decay = spread(piece.decay_factor);
  for (long i = from; i < to; i += width<T>) move_along<R>(piece, i, load(piece.gradient + i), rate, decay, terms, s, shrink);
}

template <class T> using RuleKernel = void (*)(const Piece<T>&, long, long, const Terms<T>&, const Scalars<T>&, T);

// By the code that chainrule/engines/native.py gives each record.
template <class T> RuleKernel<T> rule_kernel(int code) {
  static const RuleKernel<T> table[] = {move<GradientDescent, T>, move<Momentum, T>, move<Nesterov, T>, move<Adagrad, T>,
                                        move<Rmsprop, T>,         move<Adam, T>,     move<AdamClassic, T>, move<AdamW, T>};
  return table[code];
}
