// The two halves of a step. First half, by rows: forward, loss, deltas. Second half, by tiles: gradients, then the update.
#pragma once

#include "network.hpp"
#include "random.hpp"

// The examples of a data set and the ones that make up a batch.
template <class T> struct Batch {
  const T* x;
  const T* y;            // (n, outputs), or null
  const int64_t* codes;  // (n,), or null
  const T* weights;      // (n,), or null
  const int64_t* index;  // the rows of the data set in this batch; null for first, first + 1, ...
  int64_t first;
  long rows;
  bool training;
  int64_t step;
  double total;  // of the weights, what a mean divides by
  int64_t number(long r) const { return index ? index[r] : first + r; }
};

// Sums of many numbers in a fixed order: eight running sums, then a tree. term(i) gives eight at once, from the i-th on, as a
// vector of doubles; single(i) one.
typedef double Four __attribute__((vector_size(32)));
struct Eight {
  Four low, high;
};
template <class TermsOf, class Single> INLINE double ordered_sum(long n, TermsOf terms, Single single) {
  Four low = {}, high = {};
  long i = 0;
  for (; i + 8 <= n; i += 8) {
    const Eight eight = terms(i);
    low += eight.low, high += eight.high;
  }
  for (int k = 0; i < n; i++, k++) (k < 4 ? low : high)[k & 3] += single(i);
  return ((low[0] + low[1]) + (low[2] + low[3])) + ((high[0] + high[1]) + (high[2] + high[3]));
}

template <class T> double total_weight(const Network<T>& net, const Batch<T>& batch) {
  if (!net.spec.mean) return 1.0;
  if (!batch.weights) return (double)batch.rows;
  const auto weight = [&](long r) { return (double)batch.weights[batch.number(r)]; };
  const double total = ordered_sum(
      batch.rows, [&](long r) { return Eight{{weight(r), weight(r + 1), weight(r + 2), weight(r + 3)}, {weight(r + 4), weight(r + 5), weight(r + 6), weight(r + 7)}}; }, weight);
  return total > 0 ? total : 1.0;
}

template <class T> struct Passes {
  Network<T>& net;
  Workspace<T>& work;
  Call call;               // for records that exist in Python only
  std::vector<T> scratch;  // of this thread: rows in lanes

  Passes(Network<T>& net_, Workspace<T>& work_, Call call_) : net(net_), work(work_), call(call_) {}

  // The first half over rows from .. to of a batch; false when a call failed. `whole` runs every step of the plan, also those
  // behind a fused head, and pulls the deltas down to the inputs.
  bool first_half(const Batch<T>& batch, long from, long to, bool whole = false) {
    if (from >= to) return true;
    gather(batch, from, to);
    for (int i = 0; i < net.loss_position; i++)
      if (!forward(i, batch, from, to)) return false;
    if (!loss(batch, from, to)) return false;
    for (int i = net.loss_position - 1; i >= 0; i--)
      if (!backward(i, batch, from, to, whole || net.wants_delta[net.ops[i].spec.source])) return false;
    for (int i = net.loss_position; whole && i < (int)net.ops.size(); i++)
      if (!forward(i, batch, from, to)) return false;
    return true;
  }

  bool predict(const Batch<T>& batch) {
    gather(batch, 0, batch.rows);
    for (int i = 0; i < (int)net.ops.size(); i++)
      if (!forward(i, batch, 0, batch.rows)) return false;
    return true;
  }

  void gather(const Batch<T>& batch, long from, long to) {
    const long w = net.widths[0], stride = net.strides[0];
    for (long r = from; r < to; r++) {
      const T* in = batch.x + batch.number(r) * w;
      T* out = work.value[0] + r * stride;
      long i = 0;
      for (; i + 4 <= w; i += 4) memcpy(out + i, in + i, 4 * sizeof(T));
      for (; i < w; i++) out[i] = in[i];
    }
  }

  bool forward(int i, const Batch<T>& batch, long from, long to) {
    Op<T>& op = net.ops[i];
    const long stride = net.strides[op.spec.target], w = net.widths[op.spec.target], rows = to - from;
    const long vectors = (w + width<T> - 1) / width<T>;
    const T* in = work.value[op.spec.source] + from * net.strides[op.spec.source];
    T* out = work.value[op.spec.target] + from * stride;
    T* kept = work.kept[i] ? work.kept[i] + from * stride : nullptr;
    switch (op.spec.kind) {
      case AFFINE: return affine(op, in, out, from, rows);
      case ACTIVATION:
        if (!op.is_fused) op.activation->value(in, out, kept, rows, vectors, stride, op.constants);
        return true;
      case LEARNED_LEAKY: {
        const T* alpha = net.theta + net.params[op.spec.params[0]].packed;
        for (long r = 0; r < rows; r++)
          for (long v = 0; v < vectors * width<T>; v += width<T>) {
            const Vec<T> z = load(in + r * stride + v);
            store(out + r * stride + v, choose(z > (T)0, z, load(alpha + v) * z));
          }
        return true;
      }
      case DRAWN_LEAKY: drawn_leaky(op, batch, from, to, in, out, kept); return true;
      case DROPOUT: dropout(op, batch, from, to, in, out, kept); return true;
      case SOFTMAX:
        by_lanes(in, stride, out, stride, rows, w, [&](Vec<T>* columns, long, int) { softmax<T>(columns, (int)w); });
        return true;
      case NORMALISE: {
        T* inverse = work.kept[i] + from;
        by_lanes(in, stride, out, stride, rows, w, [&](Vec<T>* a, long r, int count) {
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
        const T *gain = net.theta + net.params[op.spec.params[0]].packed, *shift = net.theta + net.params[op.spec.params[1]].packed;
        for (long r = 0; r < rows; r++)
          for (long v = 0; v < vectors * width<T>; v += width<T>) store(out + r * stride + v, fma(load(gain + v), load(in + r * stride + v), load(shift + v)));
        return true;
      }
      case MAXOUT: {
        const long pieces = op.spec.function, in_stride = net.strides[op.spec.source];
        for (long r = 0; r < rows; r++)
          for (long u = 0; u < w; u++) {
            const T* z = in + r * in_stride + u * pieces;
            T best = z[0];
            for (long k = 1; k < pieces; k++) best = z[k] > best || z[k] != z[k] ? z[k] : best;
            out[r * stride + u] = best;
          }
        return true;
      }
      default: return call_op(0, i, batch, from, to);
    }
  }

  bool backward(int i, const Batch<T>& batch, long from, long to, bool to_source) {
    Op<T>& op = net.ops[i];
    const long stride = net.strides[op.spec.target], w = net.widths[op.spec.target], rows = to - from;
    const long vectors = (w + width<T> - 1) / width<T>;
    if (op.spec.kind == CALL) return call_op(1, i, batch, from, to);
    if (!to_source) return true;
    const T* delta = work.delta[op.spec.target] + from * stride;
    T* out = work.delta[op.spec.source] + from * net.strides[op.spec.source];
    const T* value = work.value[op.spec.target] + from * stride;
    const T* kept = work.kept[i] ? work.kept[i] + from * stride : nullptr;
    switch (op.spec.kind) {
      case AFFINE: affine_back(op, i, delta, out, from, rows); break;
      case ACTIVATION:
        if (!op.pulled) op.activation->pull(delta, op.activation->from_output ? value : kept, out, rows, vectors, stride, op.constants);
        break;
      case LEARNED_LEAKY: {
        const T *alpha = net.theta + net.params[op.spec.params[0]].packed, *z = work.value[op.spec.source] + from * stride;
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
        by_lanes_2(delta, value, stride, out, rows, w, [&](Vec<T>* d, const Vec<T>* p, long, int) {
          Vec<T> along{};
          for (long c = 0; c < w; c++) along = fma(d[c], p[c], along);
          for (long c = 0; c < w; c++) d[c] = p[c] * (d[c] - along);
        });
        break;
      case NORMALISE: {
        const T* inverse = work.kept[i] + from;
        by_lanes_2(delta, value, stride, out, rows, w, [&](Vec<T>* d, const Vec<T>* n, long r, int count) {
          Vec<T> plain{}, along{}, scale{};
          for (int k = 0; k < count; k++) scale[k] = inverse[r + k];
          for (long c = 0; c < w; c++) plain += d[c], along = fma(d[c], n[c], along);
          plain /= (T)w, along /= (T)w;
          for (long c = 0; c < w; c++) d[c] = scale * (d[c] - plain - n[c] * along);
        });
        break;
      }
      case SCALE_SHIFT: {
        const T* gain = net.theta + net.params[op.spec.params[0]].packed;
        for (long r = 0; r < rows; r++)
          for (long v = 0; v < vectors * width<T>; v += width<T>) store(out + r * stride + v, load(delta + r * stride + v) * load(gain + v));
        break;
      }
      case MAXOUT: {
        const long pieces = op.spec.function, in_stride = net.strides[op.spec.source];
        const T* z = work.value[op.spec.source] + from * in_stride;
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

  // The losses of rows from .. to, what each counts, and the delta of the slot that the loss reads.
  bool loss(const Batch<T>& batch, long from, long to) {
    const int slot = net.spec.loss_source, k = net.spec.outputs;
    const long stride = net.strides[slot];
    const T equal = (T)(1.0 / batch.total);
    for (long r = from; r < to; r++) work.factors[r] = batch.weights ? (T)((double)batch.weights[batch.number(r)] / batch.total) : equal;
    if (net.spec.loss == -1) {
      for (long r = from; r < to; r++)
        for (int c = 0; c < k; c++) work.y[r * k + c] = batch.codes ? (T)(batch.codes[batch.number(r)] == c) : batch.y[batch.number(r) * k + c];
      CallFrame frame = frame_of(2, 0, batch, from, to);
      frame.source = work.value[slot] + from * stride, frame.delta_source = work.delta[slot] + from * stride, frame.source_stride = stride;
      frame.losses = work.losses + from, frame.factors = work.factors + from, frame.y = work.y + from * k;
      return call(&frame) == 0;
    }
    const LossKernel<T> kernel = loss_kernel<T>(net.spec.loss);
    const T share = (T)net.spec.loss_share;
    Vec<T>* y = lanes(2 * k) + k;
    by_lanes(work.value[slot] + from * stride, stride, work.delta[slot] + from * stride, stride, to - from, k, [&](Vec<T>* p, long r, int count) {
      const int last = count - 1;
      Vec<T> scale{};
      if (count == width<T>) scale = load(work.factors + from + r);
      else
        for (int l = 0; l < count; l++) scale[l] = work.factors[from + r + l];
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
      const Vec<T> losses = kernel(y, p, k, net.loss_constants) * share;
      if (count == width<T>) store(work.losses + from + r, losses);
      else
        for (int l = 0; l < count; l++) work.losses[from + r + l] = losses[l];
      for (int c = 0; c < k; c++) p[c] *= scale;
    });
    return true;
  }

  // A row of weight 0 counts nothing, even where its loss overflows.
  double reduced_loss(long rows) const {
    typedef T Block __attribute__((vector_size(4 * sizeof(T))));
    const auto four = [&](long r) {
      Block f, l;
      memcpy(&f, work.factors + r, sizeof f), memcpy(&l, work.losses + r, sizeof l);
      return __builtin_convertvector(f != 0 ? f * l : Block{}, Four);
    };
    return ordered_sum(
        rows, [&](long r) { return Eight{four(r), four(r + 4)}; },
        [&](long r) { return work.factors[r] != 0 ? (double)(work.factors[r] * work.losses[r]) : 0.0; });
  }

  // The gradient of one task, over `rows` rows; `more` goes on from what is stored.
  void gradient_of(const Task& task, long rows, bool more) {
    const Op<T>& op = net.ops[task.op];
    const Param<T>& p = net.params[task.param];
    T* g = net.gradient + p.packed;
    const T *delta = work.delta[op.spec.target], *in = work.value[op.spec.source];
    const long stride = net.strides[op.spec.target], in_stride = net.strides[op.spec.source];
    if (!p.matrix()) {
      if (op.spec.kind != CALL) vector_gradient(op, p, task.param == op.spec.params[0], g, delta, stride, in, rows, more);
      return;
    }
    const long columns = p.panels.columns;
    T* out = g + task.panel * columns * p.spec.from;
    multiply_rows<T>(p.panels.vectors(task.panel), task.to - task.from,
                     {in + task.from, 1, in_stride, delta + task.panel * columns, stride, rows, more ? nullptr : net.zeros, out + task.from * columns, columns});
    if (p.spec.mask) {
      const T* mask = net.mask + (out - net.gradient);
      for (long e = task.from * columns; e < task.to * columns; e++) out[e] *= mask[e];
    }
  }

  // The entries of a task in the packed arrays, from the start of its parameter.
  void range(const Task& task, long& from, long& to) const {
    const Param<T>& p = net.params[task.param];
    from = p.matrix() ? (task.panel * p.spec.from + task.from) * p.panels.columns : 0;
    to = p.matrix() ? (task.panel * p.spec.from + task.to) * p.panels.columns : round_up(task.to, width<T>);
  }

  // Moves the parameters of one task and refreshes what is derived from them.
  void move(const Task& task, RuleKernel<T> rule, const Scalars<T>& scalars, T shrink) {
    Op<T>& op = net.ops[task.op];
    const Param<T>& p = net.params[task.param];
    long from, to;
    range(task, from, to);
    rule(net.piece(p), from, to, net.terms, scalars, shrink);
    if (!p.matrix()) {
      if (op.spec.kind == AFFINE) net.spread_bias(op);
    } else if (net.wants_delta[op.spec.source]) {
      transpose_panel(p.panels, net.theta + p.packed, task.panel, task.from, task.to, op.transposed_shape, op.transposed);
    }
  }

  // The square of the length of the direction over one task.
  double square_of(const Task& task) const {
    const Param<T>& p = net.params[task.param];
    const Piece<T> piece = net.piece(p);
    long from, to;
    range(task, from, to);
    const long columns = p.matrix() ? p.panels.columns : to, real = p.matrix() ? columns_left(p, task.panel) : task.to;
    double part[8] = {};
    alignas(64) T line[width<T>];
    for (long i = from; i < to; i += width<T>) {
      Vec<T> decay = spread(piece.decay_factor);
      if (piece.mask) decay *= load(piece.mask + i);
      store(line, direction(load(piece.gradient + i), load(piece.theta + i), decay, net.terms));
      for (long c = 0, o = (i - from) % columns; c < width<T> && o < real; c++, o++) part[o & 7] = std::fma((double)line[c], (double)line[c], part[o & 7]);
    }
    return ((part[0] + part[1]) + (part[2] + part[3])) + ((part[4] + part[5]) + (part[6] + part[7]));
  }

  CallFrame frame_of(int what, int op, const Batch<T>& batch, long from, long to) const {
    CallFrame frame{};
    frame.what = what, frame.op = op, frame.training = batch.training, frame.rows = to - from, frame.step = batch.step;
    frame.numbers = batch.index ? batch.index + from : nullptr;
    return frame;
  }

 private:
  static long columns_left(const Param<T>& p, long panel) {
    const long left = p.spec.to - panel * p.panels.columns;
    return left < p.panels.columns ? left : p.panels.columns;
  }

  Vec<T>* lanes(long count) {
    const size_t wanted = (size_t)(count + 1) * width<T>;
    if (scratch.size() < wanted + 64 / sizeof(T)) scratch.resize(wanted + 64 / sizeof(T));
    return (Vec<T>*)round_up((long)(uintptr_t)scratch.data(), (long)sizeof(Vec<T>));
  }

  // Calls f(columns, first row, rows) with the rows of a block in lanes, and stores what it leaves there.
  template <class F> void by_lanes(const T* in, long in_stride, T* out, long out_stride, long rows, long units, F f) {
    Vec<T>* columns = lanes(2 * units);
    for (long r = 0; r < rows; r += width<T>) {
      const int count = (int)(rows - r < width<T> ? rows - r : width<T>);
      const T* at[width<T>];
      for (int l = 0; l < width<T>; l++) at[l] = in + (r + (l < count ? l : 0)) * in_stride;
      rows_to_lanes<T>(at, units, columns);
      f(columns, r, count);
      lanes_to_rows(columns, units, count, out + r * out_stride, out_stride);
    }
  }
  template <class F> void by_lanes_2(const T* in, const T* other, long stride, T* out, long rows, long units, F f) {
    Vec<T>* second = lanes(2 * units) + units;
    by_lanes(in, stride, out, stride, rows, units, [&](Vec<T>* columns, long r, int count) {
      const T* at[width<T>];
      for (int l = 0; l < width<T>; l++) at[l] = other + (r + (l < count ? l : 0)) * stride;
      rows_to_lanes<T>(at, units, second);
      f(columns, second, r, count);
    });
  }

  bool affine(const Op<T>& op, const T* in, T* out, long from, long rows) {
    const Param<T>& w = net.params[op.spec.params[0]];
    const long stride = net.strides[op.spec.target];
    const Op<T>* next = op.fused >= 0 ? &net.ops[op.fused] : nullptr;
    T* a = next ? work.value[next->spec.target] + from * stride : nullptr;
    T* kept = next && work.kept[op.fused] ? work.kept[op.fused] + from * stride : nullptr;
    times_panels(in, net.strides[op.spec.source], rows, w.panels, net.theta + w.packed, net.bias_of(op), out, stride, [&](long r, long count, long column, long vectors) {
      if (!next) return;
      const long at = r * stride + column;
      next->activation->value(out + at, a + at, kept ? kept + at : nullptr, count, vectors, stride, next->constants);
    });
    return true;
  }

  void affine_back(const Op<T>& op, int i, const T* delta, T* out, long from, long rows) {
    const long stride = net.strides[op.spec.source];
    const Op<T>* before = i > 0 && net.ops[i - 1].pulled && net.wants_delta[net.ops[i - 1].spec.source] ? &net.ops[i - 1] : nullptr;
    const T* slope = nullptr;
    T* further = nullptr;
    if (before) {
      slope = (before->activation->from_output ? work.value[before->spec.target] : work.kept[i - 1]) + from * stride;
      further = work.delta[before->spec.source] + from * stride;
    }
    times_panels(delta, net.strides[op.spec.target], rows, op.transposed_shape, op.transposed, net.zeros, out, stride, [&](long r, long count, long column, long vectors) {
      const long at = r * stride + column;
      if (before) before->activation->pull(out + at, slope + at, further + at, count, vectors, stride, before->constants);
    });
  }

  // Sums over the rows of a bias, a shift (delta), a gain (delta times the source) or a learned slope (delta times min(z, 0)).
  void vector_gradient(const Op<T>& op, const Param<T>& p, bool first, T* g, const T* delta, long stride, const T* in, long rows, bool more) {
    const bool shared = op.spec.kind == AFFINE && p.spec.to < net.widths[op.spec.target];
    const long units = net.widths[op.spec.target];
    T total = shared && more ? g[0] : (T)0;
    for (long v = 0; v < units; v += 4 * width<T>) {
      const int n = (int)((units - v + width<T> - 1) / width<T> < 4 ? (units - v + width<T> - 1) / width<T> : 4);
      Vec<T> sum[4] = {};
      if (more && !shared)
        for (int c = 0; c < n; c++) sum[c] = load(g + v + c * width<T>);
      const bool plain = op.spec.kind == AFFINE || !first;
      const T *d = delta + v, *s = plain ? d : in + v;
      if (n == 4) column_sums<4>(op, plain, d, s, stride, rows, sum);
      else if (n == 3) column_sums<3>(op, plain, d, s, stride, rows, sum);
      else if (n == 2) column_sums<2>(op, plain, d, s, stride, rows, sum);
      else column_sums<1>(op, plain, d, s, stride, rows, sum);
      for (int c = 0; c < n; c++)
        if (shared)
          for (int l = 0; l < width<T> && v + c * width<T> + l < units; l++) total += sum[c][l];
        else
          store(g + v + c * width<T>, sum[c]);
    }
    if (shared) g[0] = total;
  }

  template <int n> static void column_sums(const Op<T>& op, bool plain, const T* delta, const T* in, long stride, long rows, Vec<T> (&out)[4]) {
    Vec<T> sum[n];
    for (int c = 0; c < n; c++) sum[c] = out[c];
    for (long r = 0; r < rows; r++, delta += stride, in += stride)
      for (int c = 0; c < n; c++) {
        const Vec<T> d = load(delta + c * width<T>), s = load(in + c * width<T>);
        sum[c] = plain ? sum[c] + d : fma(d, op.spec.kind == SCALE_SHIFT ? s : smaller((T)0, s), sum[c]);
      }
    for (int c = 0; c < n; c++) out[c] = sum[c];
  }

  void drawn_leaky(const Op<T>& op, const Batch<T>& batch, long from, long to, const T* in, T* out, T* kept) {
    const long stride = net.strides[op.spec.target], w = net.widths[op.spec.target];
    const double lower = op.spec.constants[0], upper = op.spec.constants[1];
    draw(op, batch, from, to, [&](long r, const uint32_t* bits) {
      for (long u = 0; u < w; u++) {
        const double drawn = bits ? (double)(bits[u] >> 8) * 0x1p-24 : 0.5;
        const T z = in[r * stride + u], slope = z > 0 ? (T)1 : (T)(lower + (upper - lower) * drawn);
        out[r * stride + u] = slope * z, kept[r * stride + u] = slope;
      }
    });
  }

  void dropout(const Op<T>& op, const Batch<T>& batch, long from, long to, const T* in, T* out, T* kept) {
    const long stride = net.strides[op.spec.target], w = net.widths[op.spec.target];
    const uint32_t limit = (uint32_t)(op.spec.constants[0] * 4294967296.0);
    const T scale = (T)(1.0 / (1.0 - op.spec.constants[0]));
    draw(op, batch, from, to, [&](long r, const uint32_t* bits) {
      for (long u = 0; u < w; u++) {
        const T factor = !bits ? (T)1 : bits[u] >= limit ? scale : (T)0;
        out[r * stride + u] = in[r * stride + u] * factor, kept[r * stride + u] = factor;
      }
    });
  }

  // f(row, bits of its units) with the bits of the reference engine; null outside training.
  template <class F> void draw(const Op<T>& op, const Batch<T>& batch, long from, long to, F f) {
    const long blocks = (net.widths[op.spec.target] + 3) / 4;
    thread_local std::vector<uint32_t> bits;
    if (batch.training) bits.resize((size_t)blocks * 4);
    for (long r = from; r < to; r++) {
      if (batch.training) philox(op.spec.key[0], op.spec.key[1], (uint32_t)batch.step, (uint32_t)batch.number(r), blocks, bits.data());
      f(r - from, batch.training ? bits.data() : nullptr);
    }
  }

  bool call_op(int what, int i, const Batch<T>& batch, long from, long to) {
    const OpSpec& op = net.ops[i].spec;
    CallFrame frame = frame_of(what, i, batch, from, to);
    frame.source_stride = net.strides[op.source], frame.target_stride = net.strides[op.target];
    frame.source = work.value[op.source] + from * frame.source_stride, frame.target = work.value[op.target] + from * frame.target_stride;
    if (what == 1) frame.delta_source = work.delta[op.source] + from * frame.source_stride, frame.delta_target = work.delta[op.target] + from * frame.target_stride;
    for (int k = 0; k < op.param_count; k++) {
      frame.params[k] = net.theta + net.params[op.params[k]].packed;
      frame.gradients[k] = net.gradient + net.params[op.params[k]].packed;
    }
    return call(&frame) == 0;
  }
};
