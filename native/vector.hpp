// Vectors whose width is a constant: GCC and Clang vector extensions, one source for every instruction set.
//
// VECTOR_BYTES is 64 (AVX-512), 32 (AVX2) or 16 (SSE2, NEON). Only the fused multiply-add and the square root need an
// intrinsic. Every operation here gives the same bits for any width, so the width never shows in a result.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>
#include <utility>

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

#ifndef VECTOR_BYTES
#if defined(__AVX512F__)
#define VECTOR_BYTES 64
#elif defined(__AVX2__)
#define VECTOR_BYTES 32
#else
#define VECTOR_BYTES 16
#endif
#endif

#define INLINE inline __attribute__((always_inline))
#define INLINE_LAMBDA __attribute__((always_inline))

template <class T> struct Lanes;

template <> struct Lanes<float> {
  typedef float V __attribute__((vector_size(VECTOR_BYTES)));
  typedef float Unaligned __attribute__((vector_size(VECTOR_BYTES), aligned(4), may_alias));
  typedef int32_t I __attribute__((vector_size(VECTOR_BYTES)));
  static constexpr int mantissa = 23;
  static constexpr int32_t all_but_sign = 0x7fffffff;
  static constexpr float round_magic = 12582912.0f;  // 1.5 * 2^23: adding it leaves a whole number in the low bits
};

template <> struct Lanes<double> {
  typedef double V __attribute__((vector_size(VECTOR_BYTES)));
  typedef double Unaligned __attribute__((vector_size(VECTOR_BYTES), aligned(8), may_alias));
  typedef int64_t I __attribute__((vector_size(VECTOR_BYTES)));
  static constexpr int mantissa = 52;
  static constexpr int64_t all_but_sign = 0x7fffffffffffffff;
  static constexpr double round_magic = 6755399441055744.0;  // 1.5 * 2^52
};

template <class T> using Vec = typename Lanes<T>::V;
template <class T> constexpr int width = VECTOR_BYTES / (int)sizeof(T);

template <class V> struct Of;  // what a vector is made of
template <> struct Of<Lanes<float>::V> { typedef float T; };
template <> struct Of<Lanes<double>::V> { typedef double T; };
template <class V> using Scalar = typename Of<V>::T;
template <class V> using Whole = typename Lanes<Scalar<V>>::I;

template <class T> INLINE Vec<T> load(const T* from) { return *(const typename Lanes<T>::Unaligned*)from; }
template <class V> INLINE void store(Scalar<V>* to, V v) { *(typename Lanes<Scalar<V>>::Unaligned*)to = v; }
// Stores past the caches, where `to` is a multiple of the vector's size: for what another processor reads next. A line that it
// holds a copy of takes 3 to 10 times as long to write in a cache. `streams_end` goes before the sign that the line is there.
template <class V> INLINE void stream(Scalar<V>* to, V v) {
#if defined(__AVX512F__) && VECTOR_BYTES == 64
  _mm512_stream_si512((__m512i*)to, (__m512i)v);
#elif defined(__AVX__)
  __m256i part[sizeof v / 32];
  memcpy(part, &v, sizeof v);
  for (unsigned i = 0; i < sizeof v / 32; i++) _mm256_stream_si256((__m256i*)to + i, part[i]);
#elif defined(__x86_64__)
  _mm_stream_si128((__m128i*)to, (__m128i)v);
#else
  store(to, v);
#endif
}
INLINE void streams_end() {
#if defined(__x86_64__)
  _mm_sfence();
#endif
}
template <class T> INLINE Vec<T> spread(T x) { return x - Vec<T>{}; }

// A NaN in x compares false, so `larger(limit, x)` and `smaller(limit, x)` let it through.
template <class V> INLINE V larger(V a, V x);
template <class V> INLINE V smaller(V a, V x);
template <class V> INLINE V larger(Scalar<V> a, V x) { return larger(spread(a), x); }
template <class V> INLINE V smaller(Scalar<V> a, V x) { return smaller(spread(a), x); }
template <class V> INLINE V magnitude(V x) { return (V)((Whole<V>)x & Lanes<Scalar<V>>::all_but_sign); }
template <class V> INLINE V minus_magnitude(V x) { return (V)((Whole<V>)x | ~Lanes<Scalar<V>>::all_but_sign); }
template <class V> INLINE V choose(Whole<V> where, V a, V b) { return where ? a : b; }

// What one instruction handles; a vector may be several of them.
template <class V, class Part, class F> INLINE V by_parts(F f, V a, V b, V c) {
  if constexpr (sizeof(V) == sizeof(Part)) return (V)f((Part)a, (Part)b, (Part)c);
  else {
    Part x[sizeof(V) / sizeof(Part)], y[sizeof(V) / sizeof(Part)], z[sizeof(V) / sizeof(Part)];
    memcpy(x, &a, sizeof a), memcpy(y, &b, sizeof b), memcpy(z, &c, sizeof c);
    for (unsigned i = 0; i < sizeof(V) / sizeof(Part); i++) x[i] = f(x[i], y[i], z[i]);
    memcpy(&a, x, sizeof a);
    return a;
  }
}

// a * b + c, rounded once wherever the machine can (everywhere but on the x86 baseline).
template <class V> INLINE V fma(V a, V b, V c) {
  constexpr bool single = sizeof(Scalar<V>) == 4;
#if defined(__AVX512F__) && VECTOR_BYTES == 64
  if constexpr (single) return (V)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)c);
  else return (V)_mm512_fmadd_pd((__m512d)a, (__m512d)b, (__m512d)c);
#elif defined(__FMA__)
  if constexpr (single) return by_parts<V, __m256>([](__m256 x, __m256 y, __m256 z) INLINE_LAMBDA { return _mm256_fmadd_ps(x, y, z); }, a, b, c);
  else return by_parts<V, __m256d>([](__m256d x, __m256d y, __m256d z) INLINE_LAMBDA { return _mm256_fmadd_pd(x, y, z); }, a, b, c);
#elif defined(__aarch64__)
  if constexpr (single) return by_parts<V, float32x4_t>([](float32x4_t x, float32x4_t y, float32x4_t z) INLINE_LAMBDA { return vfmaq_f32(z, x, y); }, a, b, c);
  else return by_parts<V, float64x2_t>([](float64x2_t x, float64x2_t y, float64x2_t z) INLINE_LAMBDA { return vfmaq_f64(z, x, y); }, a, b, c);
#else
  (void)single;
  return a * b + c;
#endif
}
template <class V> INLINE V fma(V a, Scalar<V> b, V c) { return fma(a, spread(b), c); }
template <class V> INLINE V fma(V a, V b, Scalar<V> c) { return fma(a, b, spread(c)); }
template <class V> INLINE V fma(V a, Scalar<V> b, Scalar<V> c) { return fma(a, spread(b), spread(c)); }

// One instruction of x86 each; compilers do not find it in the comparison, which is its definition.
template <class V> INLINE V larger(V a, V x) {
#if defined(__AVX512F__) && VECTOR_BYTES == 64
  if constexpr (sizeof(Scalar<V>) == 4) return (V)_mm512_max_ps((__m512)a, (__m512)x);
  else return (V)_mm512_max_pd((__m512d)a, (__m512d)x);
#elif defined(__AVX__)
  if constexpr (sizeof(Scalar<V>) == 4) return by_parts<V, __m256>([](__m256 p, __m256 q, __m256) INLINE_LAMBDA { return _mm256_max_ps(p, q); }, a, x, a);
  else return by_parts<V, __m256d>([](__m256d p, __m256d q, __m256d) INLINE_LAMBDA { return _mm256_max_pd(p, q); }, a, x, a);
#else
  return a > x ? a : x;
#endif
}
template <class V> INLINE V smaller(V a, V x) {
#if defined(__AVX512F__) && VECTOR_BYTES == 64
  if constexpr (sizeof(Scalar<V>) == 4) return (V)_mm512_min_ps((__m512)a, (__m512)x);
  else return (V)_mm512_min_pd((__m512d)a, (__m512d)x);
#elif defined(__AVX__)
  if constexpr (sizeof(Scalar<V>) == 4) return by_parts<V, __m256>([](__m256 p, __m256 q, __m256) INLINE_LAMBDA { return _mm256_min_ps(p, q); }, a, x, a);
  else return by_parts<V, __m256d>([](__m256d p, __m256d q, __m256d) INLINE_LAMBDA { return _mm256_min_pd(p, q); }, a, x, a);
#else
  return a < x ? a : x;
#endif
}

template <class V> INLINE V root(V a) {
  [[maybe_unused]] constexpr bool single = sizeof(Scalar<V>) == 4;
#if defined(__AVX512F__) && VECTOR_BYTES == 64
  if constexpr (single) return (V)_mm512_sqrt_ps((__m512)a);
  else return (V)_mm512_sqrt_pd((__m512d)a);
#elif defined(__AVX__)
  if constexpr (single) return by_parts<V, __m256>([](__m256 x, __m256, __m256) INLINE_LAMBDA { return _mm256_sqrt_ps(x); }, a, a, a);
  else return by_parts<V, __m256d>([](__m256d x, __m256d, __m256d) INLINE_LAMBDA { return _mm256_sqrt_pd(x); }, a, a, a);
#elif defined(__x86_64__)
  if constexpr (single) return by_parts<V, __m128>([](__m128 x, __m128, __m128) INLINE_LAMBDA { return _mm_sqrt_ps(x); }, a, a, a);
  else return by_parts<V, __m128d>([](__m128d x, __m128d, __m128d) INLINE_LAMBDA { return _mm_sqrt_pd(x); }, a, a, a);
#elif defined(__aarch64__)
  if constexpr (single) return by_parts<V, float32x4_t>([](float32x4_t x, float32x4_t, float32x4_t) INLINE_LAMBDA { return vsqrtq_f32(x); }, a, a, a);
  else return by_parts<V, float64x2_t>([](float64x2_t x, float64x2_t, float64x2_t) INLINE_LAMBDA { return vsqrtq_f64(x); }, a, a, a);
#else
  Scalar<V> entries[sizeof(V) / sizeof(Scalar<V>)];
  memcpy(entries, &a, sizeof a);
  for (Scalar<V>& entry : entries) entry = std::sqrt(entry);
  memcpy(&a, entries, sizeof a);
  return a;
#endif
}

// Transposes a square of vectors in log2(width) stages; the shuffles are compile-time constants.
template <int h, class V, int... j> INLINE void exchange(V& a, V& b, std::integer_sequence<int, j...>) {
  constexpr int n = sizeof...(j);
  V u = __builtin_shufflevector(a, b, ((j & h) ? n + (j ^ h) : j)...);
  b = __builtin_shufflevector(a, b, ((j & h) ? n + j : (j ^ h))...);
  a = u;
}
template <int h, class V, int n> INLINE void transpose_stage(V (&t)[n]) {
#pragma GCC unroll 16
  for (int i = 0; i < n; i++)
    if (!(i & h)) exchange<h>(t[i], t[i | h], std::make_integer_sequence<int, n>{});
  if constexpr (h > 1) transpose_stage<h / 2>(t);
}
template <class V, int n> INLINE void transpose(V (&t)[n]) { transpose_stage<n / 2>(t); }
