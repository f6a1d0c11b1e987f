// Operations that draw: dropout and the randomised ReLU, by address (chainrule/rng.py), never by place in a batch.
#pragma once

#include "random.hpp"
#include "worker.hpp"

// f(row, bits of its units) with the bits of the reference engine; null outside training.
template <class T, class F> void draw(const Worker<T>& on, const Op<T>& op, const Batch<T>& batch, long from, long to, F f) {
  const long blocks = (on.net.widths[op.spec.target] + 3) / 4;
  thread_local std::vector<uint32_t> bits;
  if (batch.training) bits.resize((size_t)blocks * 4);
  for (long r = from; r < to; r++) {
    if (batch.training) philox(op.spec.key[0], op.spec.key[1], (uint32_t)batch.step, (uint32_t)batch.number(r), blocks, bits.data());
    f(r - from, batch.training ? bits.data() : nullptr);
  }
}

template <class T> void drawn_leaky(Worker<T>& on, const Op<T>& op, const Batch<T>& batch, long from, long to, const T* in, T* out, T* kept) {
  const long stride = on.net.strides[op.spec.target], w = on.net.widths[op.spec.target];
  const double lower = op.spec.constants[0], upper = op.spec.constants[1];
  draw(on, op, batch, from, to, [&](long r, const uint32_t* bits) {
    for (long u = 0; u < w; u++) {
      const double drawn = bits ? (double)(bits[u] >> 8) * 0x1p-24 : 0.5;
      const T z = in[r * stride + u], slope = z > 0 ? (T)1 : (T)(lower + (upper - lower) * drawn);
      out[r * stride + u] = slope * z, kept[r * stride + u] = slope;
    }
  });
}

template <class T> void dropout(Worker<T>& on, const Op<T>& op, const Batch<T>& batch, long from, long to, const T* in, T* out, T* kept) {
  const long stride = on.net.strides[op.spec.target], w = on.net.widths[op.spec.target];
  const uint32_t limit = (uint32_t)(op.spec.constants[0] * 4294967296.0);
  const T scale = (T)(1.0 / (1.0 - op.spec.constants[0]));
  draw(on, op, batch, from, to, [&](long r, const uint32_t* bits) {
    for (long u = 0; u < w; u++) {
      const T factor = !bits ? (T)1 : bits[u] >= limit ? scale : (T)0;
      out[r * stride + u] = in[r * stride + u] * factor, kept[r * stride + u] = factor;
    }
  });
}
