// The losses of a batch, the delta that they start, and the reduced loss.
#pragma once

#include "worker.hpp"

// The losses of rows from .. to, what each counts, and the delta of the slot that the loss reads.
template <class T> bool take_loss(Worker<T>& on, const Batch<T>& batch, long from, long to) {
  const int slot = on.net.spec.loss_source, k = on.net.spec.outputs;
  const long stride = on.net.strides[slot];
  const T equal = (T)(1.0 / batch.total);
  for (long r = from; r < to; r++) on.work.factors[r] = batch.weights ? (T)((double)batch.weights[batch.number(r)] / batch.total) : equal;
  if (on.net.spec.loss == -1) {
    for (long r = from; r < to; r++)
      for (int c = 0; c < k; c++) on.work.y[r * k + c] = batch.codes ? (T)(batch.codes[batch.number(r)] == c) : batch.y[batch.number(r) * k + c];
    CallFrame frame = on.frame_of(2, 0, batch, from, to);
    frame.source = on.work.value[slot] + from * stride, frame.delta_source = on.work.delta[slot] + from * stride, frame.source_stride = stride;
    frame.losses = on.work.losses + from, frame.factors = on.work.factors + from, frame.y = on.work.y + from * k;
    return on.call(&frame) == 0;
  }
  const LossKernel<T> kernel = loss_kernel<T>(on.net.spec.loss);
  const T share = (T)on.net.spec.loss_share;
  Vec<T>* y = on.lanes(2 * k) + k;
  on.by_lanes(on.work.value[slot] + from * stride, stride, on.work.delta[slot] + from * stride, stride, to - from, k, [&](Vec<T>* p, long r, int count) {
    const int last = count - 1;
    Vec<T> scale{};
    if (count == width<T>) scale = load(on.work.factors + from + r);
    else
      for (int l = 0; l < count; l++) scale[l] = on.work.factors[from + r + l];
    scale *= share;
    if (batch.codes) {
      typedef Whole<Vec<T>> I;
      alignas(64) std::remove_reference_t<decltype(I{}[0])> codes[width<T>];
      for (int l = 0; l < width<T>; l++) codes[l] = (std::remove_reference_t<decltype(I{}[0])>)batch.codes[batch.number(from + r + (l < count ? l : last))];
      const I code = *(const I*)codes;
      for (int c = 0; c < k; c++) y[c] = choose(code == c, spread((T)1), Vec<T>{});
    } else {
      alignas(64) T column[width<T>];
      for (int c = 0; c < k; c++) {
        for (int l = 0; l < width<T>; l++) column[l] = batch.y[batch.number(from + r + (l < count ? l : last)) * k + c];
        y[c] = load(column);
      }
    }
    const Vec<T> losses = kernel(y, p, k, on.net.loss_constants) * share;
    if (count == width<T>) store(on.work.losses + from + r, losses);
    else
      for (int l = 0; l < count; l++) on.work.losses[from + r + l] = losses[l];
    for (int c = 0; c < k; c++) p[c] *= scale;
  });
  return true;
}

// The sum of what the rows count times their losses. A row of weight 0 counts nothing, even where its loss overflows.
template <class T> double weighted_sum(const T* factors, const T* losses, long rows) {
  typedef T Block __attribute__((vector_size(4 * sizeof(T))));
  const auto four = [&](long r) {
    Block f, l;
    memcpy(&f, factors + r, sizeof f), memcpy(&l, losses + r, sizeof l);
    return __builtin_convertvector(f != 0 ? f * l : Block{}, Four);
  };
  return ordered_sum(
      rows, [&](long r) { return Eight{four(r), four(r + 4)}; }, [&](long r) { return factors[r] != 0 ? (double)(factors[r] * losses[r]) : 0.0; });
}
template <class T> double reduced_loss(const Worker<T>& on, long rows) { return weighted_sum(on.work.factors, on.work.losses, rows); }
