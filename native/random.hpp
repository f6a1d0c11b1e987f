// Random bits by address: Philox4x32-10 (Salmon, Moraes, Dror, Shaw 2011), the same bits as chainrule/rng.py.
#pragma once

#include "vector.hpp"

// The bits of units 4b .. 4b+3 of a row at a step, for `blocks` blocks b = 0, 1, ...
INLINE void philox(uint32_t key0, uint32_t key1, uint32_t step, uint32_t row, long blocks, uint32_t* bits) {
  typedef uint64_t U __attribute__((vector_size(VECTOR_BYTES)));
  typedef uint32_t U32 __attribute__((vector_size(VECTOR_BYTES / 2)));
  constexpr int n = VECTOR_BYTES / 8;
  const U low = U{} + 0xFFFFFFFFull;
  for (long b = 0; b < blocks; b += n) {
    U w0 = U{} + step, w1 = U{} + row, w2, w3 = {};
    for (int i = 0; i < n; i++) w2[i] = (uint64_t)(b + i);
    uint32_t k0 = key0, k1 = key1;
#pragma GCC unroll 10
    for (int round = 0; round < 10; round++) {
      const U p0 = (w0 & low) * (U{} + 0xD2511F53ull), p1 = (w2 & low) * (U{} + 0xCD9E8D57ull);
      w0 = (p1 >> 32) ^ w1 ^ (U{} + k0), w2 = (p0 >> 32) ^ w3 ^ (U{} + k1);
      w1 = p1 & low, w3 = p0 & low;
      k0 += 0x9E3779B9u, k1 += 0xBB67AE85u;
    }
    const U32 x0 = __builtin_convertvector(w0, U32), x1 = __builtin_convertvector(w1, U32);
    const U32 x2 = __builtin_convertvector(w2, U32), x3 = __builtin_convertvector(w3, U32);
    for (int i = 0; i < n && b + i < blocks; i++) {
      uint32_t* to = bits + 4 * (b + i);
      to[0] = x0[i], to[1] = x1[i], to[2] = x2[i], to[3] = x3[i];
    }
  }
}
