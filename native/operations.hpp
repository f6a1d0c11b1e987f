// Every kind of operation over some rows of a batch: its value, and how it pulls a delta back.
#pragma once

#include "affine.hpp"
#include "drawn.hpp"

// An operation whose record exists in Python only; what: 0 forward, 1 backward.
template <class T> bool call_op(Worker<T>& on, int what, int i, const Batch<T>& batch, long from, long to) {
  const OpSpec& op = on.net.ops[i].spec;
  CallFrame frame = on.frame_of(what, i, batch, from, to);
  frame.source_stride = on.net.strides[op.source], frame.target_stride = on.net.strides[op.target];
  frame.source = on.work.value[op.source] + from * frame.source_stride, frame.target = on.work.value[op.target] + from * frame.target_stride;
  if (what == 1) frame.delta_source = on.work.delta[op.source] + from * frame.source_stride, frame.delta_target = on.work.delta[op.target] + from * frame.target_stride;
  for (int k = 0; k < op.param_count; k++) {
    frame.params[k] = on.net.theta + on.net.params[op.params[k]].packed;
    frame.gradients[k] = on.net.gradient + on.net.params[op.params[k]].packed;
  }
  return on.call(&frame) == 0;
}

template <class T> bool forward(Worker<T>& on, int i, const Batch<T>& batch, long from, long to) {
  Op<T>& op = on.net.ops[i];
  const long stride = on.net.strides[op.spec.target], w = on.net.widths[op.spec.target], rows = to - from;
  const long vectors = (w + width<T> - 1) / width<T>;
  const T* in = on.work.value[op.spec.source] + from * on.net.strides[op.spec.source];
  T* out = on.work.value[op.spec.target] + from * stride;
  T* kept = on.work.kept[i] ? on.work.kept[i] + from * stride : nullptr;
  switch (op.spec.kind) {
    case AFFINE: return affine(on, op, in, out, from, rows);
    case ACTIVATION:
      if (!op.is_fused) op.activation->value(in, out, kept, rows, vectors, stride, op.constants);
      return true;
    case LEARNED_LEAKY: {
      const T* alpha = on.net.theta + on.net.params[op.spec.params[0]].packed;
      for (long r = 0; r < rows; r++)
        for (long v = 0; v < vectors * width<T>; v += width<T>) {
          const Vec<T> z = load(in + r * stride + v);
          store(out + r * stride + v, choose(z > (T)0, z, load(alpha + v) * z));
        }
      return true;
    }
    case DRAWN_LEAKY: drawn_leaky(on, op, batch, from, to, in, out, kept); return true;
    case DROPOUT: dropout(on, op, batch, from, to, in, out, kept); return true;
    case SOFTMAX:
      on.by_lanes(in, stride, out, stride, rows, w, [&](Vec<T>* columns, long, int) { softmax<T>(columns, (int)w); });
      return true;
    case NORMALISE: {
      T* inverse = on.work.kept[i] + from;
      on.by_lanes(in, stride, out, stride, rows, w, [&](Vec<T>* a, long r, int count) {
        Vec<T> mean{}, variance{};
        for (long c = 0; c < w; c++) mean += a[c];
        mean /= (T)w;
        for (long c = 0; c < w; c++) a[c] -= mean, variance = fma(a[c], a[c], variance);
        const Vec<T> deviation = root(variance / (T)w + op.constants[0]), scale = (T)1 / deviation;
        for (long c = 0; c < w; c++) a[c] /= deviation;
        for (int k = 0; k < count; k++) inverse[r + k] = scale[k];
      });
      return true;
    }
    case SCALE_SHIFT: {
      const T *gain = on.net.theta + on.net.params[op.spec.params[0]].packed, *shift = op.spec.param_count > 1 ? on.net.theta + on.net.params[op.spec.params[1]].packed : on.net.zeros;
      for (long r = 0; r < rows; r++)
        for (long v = 0; v < vectors * width<T>; v += width<T>) store(out + r * stride + v, fma(load(gain + v), load(in + r * stride + v), load(shift + v)));
      return true;
    }
    case MAXOUT: {
      const long pieces = op.spec.function, in_stride = on.net.strides[op.spec.source];
      for (long r = 0; r < rows; r++)
        for (long u = 0; u < w; u++) {
          const T* z = in + r * in_stride + u * pieces;
          T best = z[0];
          for (long k = 1; k < pieces; k++) best = z[k] > best || z[k] != z[k] ? z[k] : best;
          out[r * stride + u] = best;
        }
      return true;
    }
    default: return call_op(on, 0, i, batch, from, to);
  }
}

template <class T> bool backward(Worker<T>& on, int i, const Batch<T>& batch, long from, long to, bool to_source) {
  Op<T>& op = on.net.ops[i];
  const long stride = on.net.strides[op.spec.target], w = on.net.widths[op.spec.target], rows = to - from;
  const long vectors = (w + width<T> - 1) / width<T>;
  if (op.spec.kind == CALL) return call_op(on, 1, i, batch, from, to);
  if (!to_source) return true;
  const T* delta = on.work.delta[op.spec.target] + from * stride;
  T* out = on.work.delta[op.spec.source] + from * on.net.strides[op.spec.source];
  const T* value = on.work.value[op.spec.target] + from * stride;
  const T* kept = on.work.kept[i] ? on.work.kept[i] + from * stride : nullptr;
  switch (op.spec.kind) {
    case AFFINE: affine_back(on, op, i, delta, out, from, rows); break;
    case ACTIVATION:
      if (!op.pulled) op.activation->pull(delta, op.activation->from_output ? value : kept, out, rows, vectors, stride, op.constants);
      break;
    case LEARNED_LEAKY: {
      const T *alpha = on.net.theta + on.net.params[op.spec.params[0]].packed, *z = on.work.value[op.spec.source] + from * stride;
      for (long r = 0; r < rows; r++)
        for (long v = 0; v < vectors * width<T>; v += width<T>) {
          const Vec<T> d = load(delta + r * stride + v);
          store(out + r * stride + v, choose(load(z + r * stride + v) > (T)0, d, d * load(alpha + v)));
        }
      break;
    }
    case DRAWN_LEAKY:
    case DROPOUT:
      for (long r = 0; r < rows; r++)
        for (long v = 0; v < vectors * width<T>; v += width<T>) store(out + r * stride + v, load(delta + r * stride + v) * load(kept + r * stride + v));
      break;
    case SOFTMAX:
      on.by_lanes_2(delta, value, stride, out, rows, w, [&](Vec<T>* d, const Vec<T>* p, long, int) {
        Vec<T> along{};
        for (long c = 0; c < w; c++) along = fma(d[c], p[c], along);
        for (long c = 0; c < w; c++) d[c] = p[c] * (d[c] - along);
      });
      break;
    case NORMALISE: {
      const T* inverse = on.work.kept[i] + from;
      on.by_lanes_2(delta, value, stride, out, rows, w, [&](Vec<T>* d, const Vec<T>* n, long r, int count) {
        Vec<T> plain{}, along{}, scale{};
        for (int k = 0; k < count; k++) scale[k] = inverse[r + k];
        for (long c = 0; c < w; c++) plain += d[c], along = fma(d[c], n[c], along);
        plain /= (T)w, along /= (T)w;
        for (long c = 0; c < w; c++) d[c] = scale * (d[c] - plain - n[c] * along);
      });
      break;
    }
    case SCALE_SHIFT: {
      const T* gain = on.net.theta + on.net.params[op.spec.params[0]].packed;
      for (long r = 0; r < rows; r++)
        for (long v = 0; v < vectors * width<T>; v += width<T>) store(out + r * stride + v, load(delta + r * stride + v) * load(gain + v));
      break;
    }
    case MAXOUT: {
      const long pieces = op.spec.function, in_stride = on.net.strides[op.spec.source];
      const T* z = on.work.value[op.spec.source] + from * in_stride;
      for (long r = 0; r < rows; r++)
        for (long u = 0; u < w; u++) {
          long best = u * pieces;
          for (long k = u * pieces + 1; k < (u + 1) * pieces; k++)
            if (z[r * in_stride + k] > z[r * in_stride + best]) best = k;
          for (long k = u * pieces; k < (u + 1) * pieces; k++) out[r * in_stride + k] = k == best ? delta[r * stride + u] : (T)0;
        }
      break;
    }
    default: break;
  }
  return true;
}
