// Networks whose every layer fits one vector, trained a few rows at a time: the same operations in the same order as in
// passes.hpp and gradients.hpp, without tiles, tasks or threads between them, because a step takes less time than one call would.
//
// Such a step is one chain of dependent operations, from the weights to the weights, so what is on it stays in registers where
// it can, and whatever does not change from step to step is decided once.
#pragma once

#include "passes.hpp"

template <class T> class Tiny {
 public:
  static constexpr long ROWS = 8;

  static bool fits(const Network<T>& net, long rows) {
    if (net.calls || rows > ROWS || net.spec.clip_norm != 0 || net.loss_position == 0) return false;
    for (long w : net.widths)
      if (w > width<T>) return false;
    for (int i = 0; i < net.loss_position; i++) {
      const Op<T>& op = net.ops[i];
      if (op.spec.kind != AFFINE && !(op.spec.kind == ACTIVATION && op.is_fused)) return false;
      if (op.bias) return false;
    }
    return true;
  }

  explicit Tiny(Network<T>& net) : net_(net), loss_(loss_kernel<T>(net.spec.loss)), share_((T)net.spec.loss_share) {
    long count = 0;
    for (int i = 0; i < net.loss_position; i++)
      if (net.ops[i].spec.kind == AFFINE) {
        layers_.push_back(layer_of(net.ops[i], layers_.empty()));
        count += layers_.back().rows() + 1;
      }
    for (auto& part : params_) part.resize((size_t)count);
    values_.resize(layers_.size() * ROWS), deltas_ = kept_ = values_;
    transposed_.resize(layers_.size() * width<T>);
    V* at[] = {params_[0].data(), params_[1].data(), params_[2].data(), params_[3].data()};
    for (size_t l = 0; l < layers_.size(); l++) {
      Layer& layer = layers_[l];
      layer.theta = at[0], layer.slot[0] = at[1], layer.slot[1] = at[2], layer.mask = at[3];
      for (auto& part : at) part += layer.rows() + 1;
      layer.a = &values_[l * ROWS], layer.delta = &deltas_[l * ROWS], layer.kept = &kept_[l * ROWS];
      layer.transposed = layer.one ? layer.theta + 1 : l ? &transposed_[l * width<T>] : nullptr;
    }
  }

  // Trains `steps` steps of `batch_size` rows (the last of an epoch of m rows may be smaller). Returns how many steps were
  // begun: all, unless a loss was not finite.
  long train(const Batch<T>& data, const int64_t* order, long m, long batch_size, const double* const* table, long steps, double* losses) {
    static constexpr Run runs[] = {&Tiny::run<GradientDescent>, &Tiny::run<Momentum>, &Tiny::run<Nesterov>,    &Tiny::run<Adagrad>,
                                   &Tiny::run<Rmsprop>,         &Tiny::run<Adam>,     &Tiny::run<AdamClassic>, &Tiny::run<AdamW>};
    exchange([](T packed, T& own) { own = packed; });
    const long begun = (this->*runs[net_.spec.rule])(data, order, m, batch_size, table, steps, losses);
    exchange([](T& packed, T own) { packed = own; });
    return begun;
  }

 private:
  typedef Vec<T> V;
  typedef long (Tiny::*Run)(const Batch<T>&, const int64_t*, long, long, const double* const*, long, double*);
  enum { IDENTITY = 0, SIGMOID = 2, TANH = 3, RELU = 5, SQUARED_ERROR = 0 };  // activations and a loss that are compiled in

  // The parameters of a layer are vectors: first its biases, then the weights from every input, a lane for a unit. A single
  // unit above the first layer has its weights in one vector, a lane for an input: that is its own transpose, and one update.
  struct Layer {
    long from, to;
    bool one;
    V *theta, *slot[2], *mask, *transposed;
    V *a, *delta, *kept;  // of every row of the batch
    const ActivationKernel<T>* activation;
    const T* constants;
    int code;
    T rate, decay, bias_rate, bias_decay;  // what they are multiplied by
    const Param<T>*weights, *biases;       // biases: null without
    long rows() const { return one ? 1 : from; }
  };

  Layer layer_of(const Op<T>& op, bool first) {
    const Op<T>* next = op.fused >= 0 ? &net_.ops[op.fused] : nullptr;
    Layer layer{};
    layer.weights = &net_.params[op.spec.params[0]], layer.biases = op.spec.param_count > 1 ? &net_.params[op.spec.params[1]] : nullptr;
    layer.from = layer.weights->spec.from, layer.to = layer.weights->spec.to, layer.one = layer.to == 1 && !first;
    layer.rate = (T)layer.weights->spec.rate_factor, layer.decay = (T)layer.weights->spec.decay_factor;
    if (layer.biases) layer.bias_rate = (T)layer.biases->spec.rate_factor, layer.bias_decay = (T)layer.biases->spec.decay_factor;
    layer.activation = next ? next->activation : nullptr;
    layer.code = next ? next->spec.function : IDENTITY;
    layer.constants = next ? next->constants : nullptr;
    plain_ &= !layer.weights->spec.mask && !net_.terms.penalised && !net_.terms.clipped;
    return layer;
  }

  // copy(entry of the network's packed array, entry of ours) for theta, the slots and the masks.
  template <class F> void exchange(F copy) {
    for (Layer& layer : layers_) {
      auto each = [&](T* packed, V* own, T other) {
        for (long o = 0; o < layer.to; o++) {
          if (layer.biases) copy(packed ? packed[layer.biases->at(o, 0)] : other, ((T*)own)[o]);
          for (long i = 0; i < layer.from; i++)
            copy(packed ? packed[layer.weights->at(o, i)] : other, layer.one ? ((T*)(own + 1))[i] : ((T*)(own + 1 + i))[o]);
        }
      };
      each(net_.theta, layer.theta, (T)0);
      for (int s = 0; s < 2; s++)
        if (net_.slot[s]) each(net_.slot[s], layer.slot[s], (T)0);
      each(net_.mask, layer.mask, (T)1);
      transpose_weights(layer);
    }
    net_.derive();
  }
  static INLINE void transpose_weights(const Layer& layer) {
    if (layer.one || !layer.transposed) return;
    if (layer.from * layer.to > 3 * width<T>) {
      V square[width<T>];
      for (long i = 0; i < width<T>; i++) square[i] = i < layer.from ? layer.theta[1 + i] : V{};
      transpose(square);
      for (long o = 0; o < layer.to; o++) layer.transposed[o] = square[o];
      return;
    }
    for (long i = 0; i < layer.from; i++)
      for (long o = 0; o < layer.to; o++) ((T*)(layer.transposed + o))[i] = ((const T*)(layer.theta + 1 + i))[o];
  }

  template <class R> long run(const Batch<T>& data, const int64_t* order, long m, long batch_size, const double* const* table, long steps, double* losses) {
    if (plain_ && batch_size == 1) return run_steps<R, true, 1>(data, order, m, batch_size, table, steps, losses);
    return run_steps<R, false, 0>(data, order, m, batch_size, table, steps, losses);
  }

  // plain: no masks, penalties or clipping. rows: of every batch, or 0 where they are counted.
  template <class R, bool plain, int rows>
  __attribute__((noinline)) long run_steps(const Batch<T>& data, const int64_t* order, long m, long batch_size, const double* const* table, long steps, double* losses) {
    Batch<T> batch = data;
    Terms<T> terms = net_.terms;
    if (plain) terms.penalised = terms.clipped = false;
    const double *rates = table[0], *first = table[1], *second = table[2];
    long start = 0;
    for (long k = 0; k < steps; k++) {
      const Scalars<T> scalars{(T)rates[k], first ? (T)first[k] : (T)0, second ? (T)second[k] : (T)0};
      batch.index = order + start;
      batch.rows = rows ? rows : m - start < batch_size ? m - start : batch_size;
      if (!rows || batch.weights || k == 0) batch.total = total_weight(net_, batch);
      losses[k] = step<R, plain, rows>(batch, terms, scalars);
      if (!std::isfinite(losses[k])) return k + 1;
      start += batch_size;
      if (start >= m) start = 0, order += m;
    }
    return steps;
  }

  // One step; returns the reduced loss, without an update when it is not finite.
  template <class R, bool plain, int known_rows> INLINE double step(const Batch<T>& batch, const Terms<T>& terms, const Scalars<T>& scalars) {
    const long inputs = layers_.front().from, rows = known_rows ? known_rows : batch.rows;
    const T equal = (T)(1.0 / batch.total);
    const Layer *const first = layers_.data(), *const last = first + layers_.size() - 1;
    const T* const x = batch.x + batch.index[0] * inputs;
    if constexpr (known_rows == 1) {
      V value = forward(x, 0), delta;
      const double loss = lost(batch, batch.index[0], equal, value, delta);
      if (!std::isfinite(loss)) return loss;
      for (const Layer* layer = last;; layer--) {
        delta = pulled(*layer, value, delta, 0);
        const V here = delta;
        if (layer > first) delta = pulled_down(*layer, here, 0), value = *layer[-1].a;
        const T* const a = layer > first ? (const T*)layer[-1].a : x;
        update<R, plain>(*layer, terms, scalars, here, [&](long i) INLINE_LAMBDA { return fma(spread(a[i]), here, V{}); },
                         [&] INLINE_LAMBDA { return fma(*(const V*)a, here[0], V{}); });
        if (layer == first) return loss;
      }
    } else {
      double parts[8] = {};
      for (long r = 0; r < rows; r++) {
        const V value = forward(batch.x + batch.index[r] * inputs, r);
        parts[r] = lost(batch, batch.index[r], equal, value, last->delta[r]);
      }
      const double loss = rows == 1 ? parts[0] : ((parts[0] + parts[1]) + (parts[2] + parts[3])) + ((parts[4] + parts[5]) + (parts[6] + parts[7]));
      if (!std::isfinite(loss)) return loss;
      for (long r = 0; r < rows; r++)
        for (const Layer* layer = last;; layer--) {
          const V delta = pulled(*layer, layer->a[r], layer->delta[r], r);
          layer->delta[r] = delta;
          if (layer == first) break;
          layer[-1].delta[r] = pulled_down(*layer, delta, r);
        }
      for (const Layer* layer = first; layer <= last; layer++) {
        const V* const delta = layer->delta;
        const V* const a = layer > first ? layer[-1].a : nullptr;
        V sum{};
        for (long r = 0; r < rows; r++) sum += delta[r];
        update<R, plain>(
            *layer, terms, scalars, sum,
            [&](long i) INLINE_LAMBDA {
              V g{};
              for (long r = 0; r < rows; r++) g = fma(spread(a ? ((const T*)(a + r))[i] : batch.x[batch.index[r] * inputs + i]), delta[r], g);
              return g;
            },
            [&] INLINE_LAMBDA {
              V g{};
              for (long r = 0; r < rows; r++) g = fma(a[r], *(const T*)(delta + r), g);
              return g;
            });
      }
      return loss;
    }
  }

  // The outputs of row r of the batch.
  INLINE V forward(const T* a, long r) const {
    V z{};
    for (const Layer *layer = layers_.data(), *end = layer + layers_.size(); layer < end; layer++) {
      z = layer->theta[0];
      const T* const stop = a + layer->from;
      if (layer->one)
        for (const T* w = (const T*)(layer->theta + 1); a < stop; a++, w++) z = fma(spread(*a), *w, z);
      else
        for (const V* w = layer->theta + 1; a < stop; a++, w++) z = fma(spread(*a), *w, z);
      z = activated(*layer, z, r);
      layer->a[r] = z;
      a = (const T*)(layer->a + r);
    }
    return z;
  }

  // From the delta of a layer's net inputs to that of the layer below's outputs, for row r.
  static INLINE V pulled_down(const Layer& layer, V delta, long r) {
    V sum = fma(layer.transposed[0], spread(delta[0]), V{});
    if (layer.to == 1) return sum;
    layer.delta[r] = delta;
    const T* const d = (const T*)(layer.delta + r);
    for (long o = 1; o < layer.to; o++) sum = fma(spread(d[o]), layer.transposed[o], sum);
    return sum;
  }

  // Moves the parameters of a layer: `biases`, the gradient of the biases; weights(i), that of the weights from input i;
  // one_unit(), that of a single unit's weights.
  template <class R, bool plain, class Weights, class OneUnit>
  static INLINE void update(const Layer& layer, const Terms<T>& terms, const Scalars<T>& scalars, V biases, Weights weights, OneUnit one_unit) {
    const Piece<T> piece{(T*)layer.theta, nullptr, {(T*)layer.slot[0], (T*)layer.slot[1]}, plain ? nullptr : (const T*)layer.mask, (T)1, (T)1};
    const V rate = spread(scalars.learning_rate * layer.rate), decay = spread(layer.decay);
    if (layer.biases) move_along<R>(piece, 0, biases, spread(scalars.learning_rate * layer.bias_rate), spread(layer.bias_decay), terms, scalars, (T)1);
    if (layer.one) {
      V g = one_unit();
      if (!plain) g *= layer.mask[1];
      move_along<R>(piece, width<T>, g, rate, decay, terms, scalars, (T)1);
      return;
    }
    for (long i = 0, from = layer.from; i < from; i++) {
      V g = weights(i);
      if (!plain) g *= layer.mask[1 + i];
      move_along<R>(piece, (1 + i) * width<T>, g, rate, decay, terms, scalars, (T)1);
    }
    transpose_weights(layer);
  }

  static INLINE V activated(const Layer& layer, V z, long r) {
    V slope;
    switch (layer.code) {
      case IDENTITY: return z;
      case SIGMOID: return Sigmoid::value(z, layer.constants, slope);
      case TANH: return Tanh::value(z, layer.constants, slope);
      case RELU: return Relu::value(z, layer.constants, slope);
      default: {
        V a = z;
        layer.activation->value((const T*)&a, (T*)&a, (T*)(layer.kept + r), 1, 1, width<T>, layer.constants);
        return a;
      }
    }
  }
  static INLINE V pulled(const Layer& layer, V a, V delta, long r) {
    switch (layer.code) {
      case IDENTITY: return layer.activation ? delta * (T)1 : delta;
      case SIGMOID: return delta * Sigmoid::slope_of(a, layer.constants);
      case TANH: return delta * Tanh::slope_of(a, layer.constants);
      case RELU: return delta * Relu::slope_of(a, layer.constants);
      default: {
        V pulled = delta;
        layer.activation->pull((const T*)&pulled, layer.activation->from_output ? (const T*)&a : (const T*)(layer.kept + r), (T*)&pulled, 1, 1, width<T>, layer.constants);
        return pulled;
      }
    }
  }

  // What a row adds to the reduced loss, and the delta of its outputs.
  INLINE double lost(const Batch<T>& batch, int64_t row, T equal, V outputs, V& delta) const {
    const T factor = batch.weights ? (T)((double)batch.weights[row] / batch.total) : equal;
    V loss, slope;
    if (net_.spec.outputs == 1) {
      const V y = spread(batch.codes ? (T)(batch.codes[row] == 0) : batch.y[row]);
      if (net_.spec.loss == SQUARED_ERROR) {
        loss = SquaredError().term(y, outputs, net_.loss_constants, slope);
      } else {
        V kept = outputs;
        loss = loss_(&y, &kept, 1, net_.loss_constants), slope = kept;
      }
    } else {
      V kept;
      loss = several(batch, row, outputs, kept), slope = kept;
    }
    delta = slope * spread(factor * share_);
    return factor != 0 ? (double)(factor * (loss * share_)[0]) : 0.0;
  }

  // The loss of an example with several outputs. Every lane of p[c] is the same; the slopes are put together in a register,
  // since what goes through memory in pieces cannot be read back at once.
  __attribute__((noinline)) V several(const Batch<T>& batch, int64_t row, V outputs, V& slopes) const {
    const int k = net_.spec.outputs;
    V y[width<T>], p[width<T>];
    for (int c = 0; c < k; c++) y[c] = spread(batch.codes ? (T)(batch.codes[row] == c) : batch.y[row * k + c]), p[c] = spread(outputs[c]);
    const V loss = loss_(y, p, k, net_.loss_constants);
    Whole<V> lane;
    for (int l = 0; l < width<T>; l++) lane[l] = l;
    slopes = p[0];
    for (int c = 1; c < k; c++) slopes = choose(lane == (decltype(lane[0] + 0))c, p[c], slopes);
    return loss;
  }

  Network<T>& net_;
  LossKernel<T> loss_;
  T share_;
  std::vector<V> params_[4], values_, deltas_, kept_, transposed_;  // params_: theta, the slots, the masks
  std::vector<Layer> layers_;
  bool plain_ = true;
};
