// Narrow networks, many rows at a time: the rows of the batch lie in the lanes of the vectors, so that a layer of three units
// wastes none of them. Every slot is an array (units, rows); weights are spread over the lanes as they are needed, which
// needs no panels.
//
// The work goes by groups of sixteen rows whatever the width of a vector. Sums over the units are those of passes.hpp, term by
// term; sums over the rows, the gradients, run in sixteen lanes (row r in lane r mod 16), which are added up as a tree at the
// end: a fixed order of its own, chosen by the plan and the size of the batch alone. `sum_of_lanes` computes it for a replay.
#pragma once

#include "gradients.hpp"
#include "loss_pass.hpp"

template <class T> class Narrow {
 public:
  static constexpr long GROUP = 16, WIDEST = 32, FEWEST_ROWS = 32, MOST_ROWS = 1024;

  // Looks at the plan and at the number of rows only, so that every machine decides alike.
  static bool fits(const Network<T>& net, long rows) {
    if (net.calls || rows < FEWEST_ROWS || rows > MOST_ROWS || net.spec.clip_norm != 0 || net.loss_position == 0) return false;
    for (int i = 0; i < net.loss_position; i++) {
      const Op<T>& op = net.ops[i];
      if (op.spec.kind != AFFINE && !(op.spec.kind == ACTIVATION && op.is_fused)) return false;
      if (op.bias || net.widths[op.spec.target] > WIDEST || net.widths[op.spec.source] > WIDEST) return false;
    }
    return true;
  }

  // Whether predictions go this way too: behind the layers comes nothing, or an output activation.
  static constexpr long CHUNK = 10 * GROUP;  // rows that go through all layers together, in the first cache
  static bool predicts(const Network<T>& net) {
    if (!fits(net, FEWEST_ROWS) || (int)net.ops.size() > net.loss_position + 1) return false;
    const OpSpec& last = net.ops.back().spec;
    return last.target == net.spec.output && ((int)net.ops.size() == net.loss_position || last.kind == SOFTMAX || last.kind == ACTIVATION);
  }

  long capacity() const { return capacity_; }
  long damaged() const { return arena_.damaged(); }

  // The gradient of a task from a workspace in rows, in the order of the sums of this file: what a replay hands out.
  static void gradient_of_task(Worker<T>& on, const Task& task, long rows) {
    const Op<T>& op = on.net.ops[task.op];
    const Param<T>& p = on.net.params[task.param];
    const T *delta = on.work.delta[op.spec.target], *in = on.work.value[op.spec.source];
    const long stride = on.net.strides[op.spec.target], in_stride = on.net.strides[op.spec.source];
    for (long i = p.matrix() ? task.from : 0; i < (p.matrix() ? task.to : 1); i++)
      for (long o = p.matrix() ? task.panel * p.panels.columns : 0, end = p.matrix() ? o + p.panels.columns_of(task.panel) : p.spec.to; o < end; o += width<T>) {
        Vec<T> sums[GROUP] = {};
        for (long r = 0; r < rows; r++) sums[r % GROUP] = fma(spread(p.matrix() ? in[r * in_stride + i] : (T)1), load(delta + r * stride + o), sums[r % GROUP]);
        for (long half = GROUP / 2; half; half /= 2)
          for (long k = 0; k < half; k++) sums[k] += sums[k + half];
        const long at = p.at(o, i);
        store(on.net.gradient + at, p.spec.mask ? sums[0] * load(on.net.mask + at) : sums[0]);
      }
  }

  Narrow(Network<T>& net, long rows) : net_(net), capacity_(rows), stride_(((rows + GROUP - 1) / GROUP | 1) * GROUP) {
    long entries = 0, units = net.widths[0];
    for (int i = 0; i < net.loss_position; i++) {
      const Op<T>& op = net.ops[i];
      if (op.spec.kind != AFFINE) continue;
      Layer layer{};
      layer.weights = &net.params[op.spec.params[0]], layer.biases = op.spec.param_count > 1 ? &net.params[op.spec.params[1]] : nullptr;
      layer.from = layer.weights->spec.from, layer.to = layer.weights->spec.to, layer.first = entries;
      if (op.fused >= 0) layer.activation = net.ops[op.fused].activation, layer.code = net.ops[op.fused].spec.function, layer.constants = net.ops[op.fused].constants;
      entries += layer.to * (layer.from + 1), units += layer.to;
      layers_.push_back(layer);
    }
    entries_ = round_up(entries, GROUP) + GROUP;
    arena_.plan(&ones_, stride_), arena_.plan(&x_, layers_[0].from * stride_), arena_.plan(&y_, net.spec.outputs * stride_);
    arena_.plan(&losses_, stride_), arena_.plan(&factors_, stride_);
    for (T** part : {&theta_, &gradient_, &slot_[0], &slot_[1], &mask_, &rate_, &decay_}) arena_.plan(part, entries_);
    for (Layer& layer : layers_) arena_.plan(&layer.a, layer.to * stride_), arena_.plan(&layer.delta, layer.to * stride_), arena_.plan(&layer.slope, layer.to * stride_);
    arena_.allocate();
    for (long r = 0; r < stride_; r++) ones_[r] = (T)1;
    for (Layer& layer : layers_)
      for (long o = 0; o < layer.to; o++)
        for (long i = 0; i <= layer.from; i++) {
          const Param<T>* param = i < layer.from ? layer.weights : layer.biases;
          const long at = layer.at(o, i);
          mask_[at] = !param ? (T)0 : param->spec.mask ? net.mask[param->at(o, i)] : (T)1;
          if (param) rate_[at] = (T)param->spec.rate_factor * mask_[at], decay_[at] = (T)param->spec.decay_factor * mask_[at];
          masked_ |= mask_[at] == (T)0;
        }
  }

  // Trains `steps` steps of `batch_size` rows (the last of an epoch of m rows may be smaller). Returns how many steps were
  // begun: all, unless a loss was not finite.
  long train(const Batch<T>& data, const int64_t* order, long m, long batch_size, const double* const* table, long steps, double* losses) {
    static constexpr Mover movers[] = {&Narrow::move_all<GradientDescent>, &Narrow::move_all<Momentum>, &Narrow::move_all<Nesterov>,    &Narrow::move_all<Adagrad>,
                                       &Narrow::move_all<Rmsprop>,         &Narrow::move_all<Adam>,     &Narrow::move_all<AdamClassic>, &Narrow::move_all<AdamW>};
    const Mover mover = movers[net_.spec.rule];
    exchange([](T packed, T& own) { own = packed; });
    Batch<T> batch = data;
    long k = 0;
    for (long start = 0; k < steps; k++) {
      batch.index = order + start, batch.rows = m - start < batch_size ? m - start : batch_size;
      if (k == 0 || batch.rows != gathered_rows_ || memcmp(batch.index, gathered_.data(), (size_t)batch.rows * sizeof(int64_t))) gather_rows(batch);
      for (long r = 0; r < batch.rows; r += CHUNK) rows_through(r, r + CHUNK < batch.rows ? r + CHUNK : batch.rows);
      losses[k] = weighted_sum(factors_, losses_, batch.rows);
      if (!std::isfinite(losses[k])) break;
      for (const Layer& layer : layers_) gradients(layer, &layer == &layers_[0] ? x_ : (&layer)[-1].a, batch.rows);
      (this->*mover)({(T)table[0][k], table[1] ? (T)table[1][k] : (T)0, table[2] ? (T)table[2][k] : (T)0});
      start += batch_size;
      if (start >= m) start = 0, order += m;
    }
    exchange([](T& packed, T own) { packed = own; });
    net_.derive();
    return k < steps ? k + 1 : steps;
  }

  // Predictions go by the weights as they are when this is called.
  void refresh() {
    exchange([](T packed, T& own) { own = packed; });
  }

  // The outputs (rows, outputs) of at most `capacity` rows of x.
  void predict(const T* x, long rows, T* out) {
    const long inputs = layers_[0].from;
    for (long r = 0; r < round_up(rows, GROUP); r++)
      for (long i = 0; i < inputs; i++) x_[i * stride_ + r] = x[(r < rows ? r : rows - 1) * inputs + i];
    forward(0, rows);
    const Layer& last = layers_.back();
    if ((int)net_.ops.size() > net_.loss_position) {
      const Op<T>& head = net_.ops.back();
      if (head.spec.kind == ACTIVATION) head.activation->value(last.a, last.a, last.slope, last.to, vectors(0, rows), stride_, head.constants);
      else
        for (long r = 0; r < rows; r += width<T>) {
          V p[WIDEST];
          for (long c = 0; c < last.to; c++) p[c] = load(last.a + c * stride_ + r);
          softmax<T>(p, (int)last.to);
          for (long c = 0; c < last.to; c++) store(last.a + c * stride_ + r, p[c]);
        }
    }
    for (long r = 0; r < rows; r++)
      for (long c = 0; c < last.to; c++) out[r * last.to + c] = last.a[c * stride_ + r];
  }

 private:
  typedef Vec<T> V;
  typedef void (Narrow::*Mover)(const Scalars<T>&);
  static constexpr int PARTS = GROUP / width<T>;                                  // vectors of a group
  static constexpr int UNITS = PARTS == 1 ? 12 : PARTS == 2 ? 6 : PARTS == 4 ? 3 : 1;  // of a tile: what the registers hold
  static constexpr int TILE_OUT = PARTS <= 2 ? 2 : 1, TILE_IN = PARTS == 1 ? 6 : PARTS == 2 ? 3 : PARTS == 4 ? 3 : 1;  // of a gradient's
  enum { IDENTITY = 0, SIGMOID = 2, TANH = 3, RELU = 5 };

  // A layer's parameters are a matrix (to, from + 1), the biases in its last column.
  struct Layer {
    long from, to, first;
    T *a, *delta, *slope;
    const ActivationKernel<T>* activation;
    const T* constants;
    int code;
    const Param<T>*weights, *biases;  // biases: null without
    long at(long o, long i) const { return first + o * (from + 1) + i; }
  };

  // copy(entry of the network's packed array, entry of ours) for theta and the slots.
  template <class F> void exchange(F copy) {
    for (Layer& layer : layers_)
      for (long o = 0; o < layer.to; o++)
        for (long i = 0; i <= layer.from; i++) {
          const Param<T>* param = i < layer.from ? layer.weights : layer.biases;
          if (!param) continue;
          const long packed = param->at(o, i), own = layer.at(o, i);
          copy(net_.theta[packed], theta_[own]);
          for (int s = 0; s < 2; s++)
            if (net_.slot[s]) copy(net_.slot[s][packed], slot_[s][own]);
        }
  }

  // Takes the rows of a batch into lanes; lanes after the last row repeat it and count nothing.
  void gather_rows(Batch<T>& batch) {
    const long inputs = layers_[0].from, k = net_.spec.outputs, rows = batch.rows;
    batch.total = total_weight(net_, batch);
    gathered_.assign(batch.index, batch.index + rows), gathered_rows_ = rows;
    for (long r = 0; r < round_up(rows, GROUP); r++) {
      const int64_t row = batch.index[r < rows ? r : rows - 1];
      for (long i = 0; i < inputs; i++) x_[i * stride_ + r] = batch.x[row * inputs + i];
      for (long c = 0; c < k; c++) y_[(r / width<T> * k + c) * width<T> + r % width<T>] = batch.codes ? (T)(batch.codes[row] == c) : batch.y[row * k + c];
      factors_[r] = r >= rows ? (T)0 : batch.weights ? (T)((double)batch.weights[row] / batch.total) : (T)(1.0 / batch.total);
    }
  }

  // Rows from .. to through the layers.
  void forward(long from, long to) {
    for (Layer& layer : layers_) {
      const T* in = &layer == &layers_[0] ? x_ : (&layer)[-1].a;
      for (long o = 0; o < layer.to; o += UNITS) up_to<UNITS>(layer.to - o, [&](auto units) INLINE_LAMBDA { net_inputs<units.value>(layer, in, o, from, to); });
    }
  }

  // Rows from .. to through the layers, the loss and back to the delta of every layer.
  void rows_through(long from, long to) {
    forward(from, to);
    take_losses(from, to);
    for (size_t l = layers_.size(); l-- > 0;) {
      const Layer& layer = layers_[l];
      if (l + 1 == layers_.size() && layer.activation) layer.activation->pull(layer.delta + from, (layer.activation->from_output ? layer.a : layer.slope) + from, layer.delta + from, layer.to, vectors(from, to), stride_, layer.constants);
      if (l == 0) break;
      for (long i = 0; i < layer.from; i += UNITS) up_to<UNITS>(layer.from - i, [&](auto units) INLINE_LAMBDA { deltas_below<units.value>(layer, layers_[l - 1], i, from, to); });
    }
  }

  // f(count) with min(count, most) as a constant of the compiler.
  template <int most, class F> static INLINE void up_to(long count, F f) {
    if constexpr (most > 1)
      if (count < most) return up_to<most - 1>(count, f);
    f(std::integral_constant<int, most>{});
  }

  // The units o .. o + units of a layer over rows from .. to, through the activation.
  template <int units> INLINE void net_inputs(const Layer& layer, const T* in, long o, long from, long to) const {
    const T* const w = theta_ + layer.at(o, 0);
    T* const out = layer.a + o * stride_;
    const auto tiles = [&](auto value) INLINE_LAMBDA { tiles_of<units>(w + layer.from, w, layer.from + 1, 1, layer.from, in, out, from, to, [&](V z, long) INLINE_LAMBDA { return value(z); }); };
    V unused;
    switch (layer.activation ? layer.code : IDENTITY) {
      case IDENTITY: return tiles([](V z) INLINE_LAMBDA { return z; });
      case RELU: return tiles([&](V z) INLINE_LAMBDA { return Relu::value(z, layer.constants, unused); });
      case TANH: return tiles([&](V z) INLINE_LAMBDA { return Tanh::value(z, layer.constants, unused); });
      case SIGMOID: return tiles([&](V z) INLINE_LAMBDA { return Sigmoid::value(z, layer.constants, unused); });
      default:
        tiles([](V z) INLINE_LAMBDA { return z; });
        layer.activation->value(out + from, out + from, layer.slope + o * stride_ + from, units, vectors(from, to), stride_, layer.constants);
    }
  }

  // The deltas of the units i .. i + units of the layer below, through its activation.
  template <int units> INLINE void deltas_below(const Layer& layer, const Layer& below, long i, long from, long to) const {
    T* const out = below.delta + i * stride_;
    const T* const a = below.a + i * stride_;
    const auto tiles = [&](auto pulled) INLINE_LAMBDA {
      tiles_of<units>(nullptr, theta_ + layer.at(0, i), 1, layer.from + 1, layer.to, layer.delta, out, from, to, [&](V delta, long at) INLINE_LAMBDA { return pulled(delta, load(a + at)); });
    };
    switch (below.activation ? below.code : IDENTITY) {
      case RELU: return tiles([&](V delta, V at) INLINE_LAMBDA { return delta * Relu::slope_of(at, below.constants); });
      case TANH: return tiles([&](V delta, V at) INLINE_LAMBDA { return delta * Tanh::slope_of(at, below.constants); });
      case SIGMOID: return tiles([&](V delta, V at) INLINE_LAMBDA { return delta * Sigmoid::slope_of(at, below.constants); });
      default:
        tiles([](V delta, V) INLINE_LAMBDA { return delta; });
        if (below.activation) below.activation->pull(out + from, (below.activation->from_output ? below.a : below.slope) + i * stride_ + from, out + from, units, vectors(from, to), stride_, below.constants);
    }
  }

  // out[u] = finish(start[u * across] + sum over k of in[k] w[u * across + k * along]) for `units` units over rows from .. to.
  template <int units, class F>
  INLINE void tiles_of(const T* start, const T* const weights, const long across, const long along, const long depth, const T* in, T* out, long from, long to, F finish) const {
    const long stride = stride_;
    for (long r = from; r < to; r += GROUP) {
      V sum[units][PARTS];
#pragma GCC unroll 12
      for (int u = 0; u < units; u++)
#pragma GCC unroll 8
        for (int p = 0; p < PARTS; p++) sum[u][p] = start ? spread(start[u * across]) : V{};
      const T *a = in + r, *w = weights;
      for (long k = 0; k < depth; k++, a += stride, w += along) {
        V left[PARTS];
#pragma GCC unroll 8
        for (int p = 0; p < PARTS; p++) left[p] = load(a + p * width<T>);
#pragma GCC unroll 12
        for (int u = 0; u < units; u++)
#pragma GCC unroll 8
          for (int p = 0; p < PARTS; p++) sum[u][p] = fma(left[p], spread(w[u * across]), sum[u][p]);
      }
#pragma GCC unroll 12
      for (int u = 0; u < units; u++)
#pragma GCC unroll 8
        for (int p = 0; p < PARTS; p++) {
          const long at = u * stride + r + p * width<T>;
          store(out + at, finish(sum[u][p], at));
        }
    }
  }
  static long vectors(long from, long to) { return round_up(to - from, GROUP) / width<T>; }

  // The losses of rows from .. to, and the delta of what the loss reads.
  void take_losses(long from, long to) {
    const LossKernel<T> kernel = loss_kernel<T>(net_.spec.loss);
    const int k = net_.spec.outputs;
    const T share = (T)net_.spec.loss_share;
    const Layer& last = layers_.back();
    V p[WIDEST];
    for (long r = from; r < round_up(to, GROUP); r += width<T>) {
      for (int c = 0; c < k; c++) p[c] = load(last.a + c * stride_ + r);
      store(losses_ + r, kernel((const V*)(y_ + r * k), p, k, net_.loss_constants) * share);
      const V scale = load(factors_ + r) * share;
      for (int c = 0; c < k; c++) {
        V delta = p[c] * scale;
        if (r + width<T> > to)
          for (int l = 0; l < width<T>; l++)
            if (r + l >= to) delta[l] = (T)0;
        store(last.delta + c * stride_ + r, delta);
      }
    }
  }

  // The gradients of a layer: tiles of sums over the rows, then the lanes of every sum added up.
  void gradients(const Layer& layer, const T* in, long rows) {
    if (rows < FEWEST_ROWS) return gradients_in_order(layer, in, rows);
    alignas(64) T sums[(TILE_OUT * (WIDEST + 1) + width<T>)*width<T>];
    for (long o = 0; o < layer.to; o += TILE_OUT)
      up_to<TILE_OUT>(layer.to - o, [&](auto outs) INLINE_LAMBDA {
        constexpr int count = outs.value;
        for (long i = 0; i <= layer.from; i += TILE_IN)
          up_to<TILE_IN>(layer.from + 1 - i, [&](auto ins) INLINE_LAMBDA { lane_sums<count, ins.value>(layer, in, o, i, rows, sums); });
        const long total = count * (layer.from + 1);
        T* out = gradient_ + layer.at(o, 0);
        for (long e = 0; e < total; e += width<T>) {
          V square[width<T>];
          for (int l = 0; l < width<T>; l++) square[l] = load(sums + (e + l) * width<T>);
          transpose(square);
          for (int half = width<T> / 2; half; half /= 2)
            for (int l = 0; l < half; l++) square[l] += square[l + half];
          store(out + e, square[0]);
        }
      });
  }

  // Those of a last batch that is so small that its sums are in the order of the rows.
  void gradients_in_order(const Layer& layer, const T* in, long rows) {
    for (long o = 0; o < layer.to; o++)
      for (long i = 0; i <= layer.from; i++) {
        const T *delta = layer.delta + o * stride_, *a = i < layer.from ? in + i * stride_ : ones_;
        V sum{};
        for (long r = 0; r < rows; r++) sum = fma(spread(a[r]), delta[r], sum);
        gradient_[layer.at(o, i)] = sum[0];
      }
  }

  // The sums of outs x ins entries, a vector of lanes each: entry (u, i) at (u * (from + 1) + i) in `sums`.
  template <int outs, int ins> INLINE void lane_sums(const Layer& layer, const T* in, long o, long i, long rows, T* sums) const {
    const T *delta = layer.delta + o * stride_, *a[ins];
    for (int c = 0; c < ins; c++) a[c] = i + c < layer.from ? in + (i + c) * stride_ : ones_;
    V s[outs][ins][PARTS] = {};
    for (long r = 0; r < rows; r += GROUP)
#pragma GCC unroll 8
      for (int p = 0; p < PARTS; p++) {
        V d[outs];
#pragma GCC unroll 2
        for (int u = 0; u < outs; u++) d[u] = load(delta + u * stride_ + r + p * width<T>);
#pragma GCC unroll 6
        for (int c = 0; c < ins; c++) {
          const V left = load(a[c] + r + p * width<T>);
#pragma GCC unroll 2
          for (int u = 0; u < outs; u++) s[u][c][p] = fma(left, d[u], s[u][c][p]);
        }
      }
    for (int u = 0; u < outs; u++)
      for (int c = 0; c < ins; c++) {
        for (int half = PARTS / 2; half; half /= 2)
          for (int p = 0; p < half; p++) s[u][c][p] += s[u][c][p + half];
        store(sums + (u * (layer.from + 1) + i + c) * width<T>, s[u][c][0]);
      }
  }

  template <class R> void move_all(const Scalars<T>& scalars) {
    const Terms<T> terms = net_.terms;
    const Piece<T> piece{theta_, gradient_, {slot_[0], slot_[1]}, nullptr, (T)1, (T)1};
    const V learning_rate = spread(scalars.learning_rate);
    for (long e = 0; e < entries_; e += width<T>) {
      V g = load(gradient_ + e);
      if (masked_) g *= load(mask_ + e);
      move_along<R>(piece, e, g, learning_rate * load(rate_ + e), load(decay_ + e), terms, scalars, (T)1);
    }
  }

  Network<T>& net_;
  const long capacity_, stride_;  // rows; from unit to unit, an odd number of cache lines
  long entries_ = 0, gathered_rows_ = 0;
  bool masked_ = false;
  Arena<T> arena_;
  T *ones_ = nullptr, *x_ = nullptr, *y_ = nullptr, *losses_ = nullptr, *factors_ = nullptr;  // y_: (vectors of rows, outputs)
  T *theta_ = nullptr, *gradient_ = nullptr, *slot_[2] = {nullptr, nullptr}, *mask_ = nullptr, *rate_ = nullptr, *decay_ = nullptr;
  std::vector<int64_t> gathered_;
  std::vector<Layer> layers_;
};
