// z = a W^T + b and its way back, with the activation on either side done tile by tile.
#pragma once

#include "worker.hpp"

template <class T> bool affine(Worker<T>& on, const Op<T>& op, const T* in, T* out, long from, long rows) {
  const Param<T>& w = on.net.params[op.spec.params[0]];
  const long stride = on.net.strides[op.spec.target];
  const Op<T>* next = op.fused >= 0 ? &on.net.ops[op.fused] : nullptr;
  T* a = next ? on.work.value[next->spec.target] + from * stride : nullptr;
  T* kept = next && on.work.kept[op.fused] ? on.work.kept[op.fused] + from * stride : nullptr;
  times_panels(in, on.net.strides[op.spec.source], rows, w.panels, on.net.theta + w.packed, on.net.bias_of(op), out, stride, [&](long r, long count, long column, long vectors) {
    if (!next) return;
    const long at = r * stride + column;
    next->activation->value(out + at, a + at, kept ? kept + at : nullptr, count, vectors, stride, next->constants);
  });
  return true;
}

constexpr long TURNED = 1 << 16;  // so many transposed weights stay in the second cache

// The way back reads the weights transposed; they are turned as they are needed, some panels at a time: a copy kept for every
// layer would take more from the caches than the turning does.
template <class T> void affine_back(Worker<T>& on, const Op<T>& op, int i, const T* delta, T* out, long from, long rows) {
  const Param<T>& w = on.net.params[op.spec.params[0]];
  Panels<T> whole;
  whole.shape(w.panels.to, w.panels.from);
  const long stride = on.net.strides[op.spec.source];
  const Op<T>* before = i > 0 && on.net.ops[i - 1].pulled && on.net.wants_delta[on.net.ops[i - 1].spec.source] ? &on.net.ops[i - 1] : nullptr;
  const T* slope = nullptr;
  T* further = nullptr;
  if (before) {
    slope = (before->activation->from_output ? on.work.value[before->spec.target] : on.work.kept[i - 1]) + from * stride;
    further = on.work.delta[before->spec.source] + from * stride;
  }
  const long size = whole.from * whole.columns, together = TURNED / size < 1 ? 1 : TURNED / size;
  for (long q = 0; q < whole.count(); q += together) {
    const long first = q * whole.columns, panels = whole.count() - q < together ? whole.count() - q : together;
    T* turned = on.turned(panels * size);
    for (long p = 0; p < panels; p++) turned_panel(w.panels, on.net.theta + w.packed, q + p, whole.columns, turned + p * size);
    Panels<T> some = whole;
    some.to = whole.to - first < panels * whole.columns ? whole.to - first : panels * whole.columns;
    times_panels(delta, on.net.strides[op.spec.target], rows, some, turned, on.net.zeros, out + first, stride, [&](long r, long count, long column, long vectors) {
      const long at = r * stride + first + column;
      if (before) before->activation->pull(out + at, slope + at, further + at, count, vectors, stride, before->constants);
    });
  }
}
