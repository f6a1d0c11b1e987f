// The first half of a step, by rows: forward, loss, deltas; and the pass that predicts.
#pragma once

#include "gradients.hpp"
#include "loss_pass.hpp"
#include "operations.hpp"

// The rows of the data set that make up the batch, side by side.
template <class T> void gather(Worker<T>& on, const Batch<T>& batch, long from, long to) {
  const long w = on.net.widths[0], stride = on.net.strides[0];
  for (long r = from; r < to; r++) {
    const T* in = batch.x + batch.number(r) * w;
    T* out = on.work.value[0] + r * stride;
    long i = 0;
    for (; i + width<T> <= w; i += width<T>) store(out + i, load(in + i));
    for (; i + 4 <= w; i += 4) memcpy(out + i, in + i, 4 * sizeof(T));
    for (; i < w; i++) out[i] = in[i];
  }
}

// The first half over rows from .. to of a batch; false when a call failed. `whole` runs every step of the plan, also those
// behind a fused head, and pulls the deltas down to the inputs.
template <class T> bool first_half(Worker<T>& on, const Batch<T>& batch, long from, long to, bool whole = false) {
  if (from >= to) return true;
  gather(on, batch, from, to);
  for (int i = 0; i < on.net.loss_position; i++)
    if (!forward(on, i, batch, from, to)) return false;
  if (!take_loss(on, batch, from, to)) return false;
  for (int i = on.net.loss_position - 1; i >= 0; i--)
    if (!backward(on, i, batch, from, to, whole || on.net.wants_delta[on.net.ops[i].spec.source])) return false;
  for (int i = on.net.loss_position; whole && i < (int)on.net.ops.size(); i++)
    if (!forward(on, i, batch, from, to)) return false;
  return true;
}

template <class T> bool predict_rows(Worker<T>& on, const Batch<T>& batch) {
  gather(on, batch, 0, batch.rows);
  for (int i = 0; i < (int)on.net.ops.size(); i++)
    if (!forward(on, i, batch, 0, batch.rows)) return false;
  return true;
}
