// Networks whose every layer fits one vector, trained a few rows at a time: the same operations in the same order as in
// passes.hpp and gradients.hpp, without tiles, tasks or threads between them, because a step takes less time than one call would.
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

  Tiny(Network<T>& net, Workspace<T>& work) : net_(net), work_(work), loss_(loss_kernel<T>(net.spec.loss)) {
    for (int i = 0; i < net.loss_position; i++) {
      Op<T>& op = net.ops[i];
      if (op.spec.kind != AFFINE) continue;
      const Param<T>& w = net.params[op.spec.params[0]];
      Layer layer{};
      layer.from = w.spec.from, layer.to = w.spec.to;
      layer.weights = net.piece(w);
      if (op.spec.param_count > 1) layer.biases = net.piece(net.params[op.spec.params[1]]);
      layer.bias = net.bias_of(op);
      layer.transposed = net.wants_delta[op.spec.source] ? op.transposed : nullptr;
      const Op<T>* next = op.fused >= 0 ? &net.ops[op.fused] : nullptr;
      layer.activation = next ? next->activation : nullptr;
      layer.code = next ? next->spec.function : 0;
      layer.constants = next ? next->constants : nullptr;
      layer.stride_in = net.strides[op.spec.source], layer.stride = net.strides[op.spec.target];
      layer.in = work.value[op.spec.source], layer.z = work.value[op.spec.target];
      layer.delta = work.delta[op.spec.target], layer.delta_in = work.delta[op.spec.source];
      layer.kept = next ? work.kept[op.fused] : nullptr;
      layers_.push_back(layer);
    }
  }

  const Terms<T>& terms() const { return net_.terms; }

  // One step; returns the reduced loss, without an update when it is not finite.
  template <class R> INLINE double step(const Batch<T>& batch, const Scalars<T>& scalars, const Terms<T>& terms) {
    const T equal = (T)(1.0 / batch.total);
    double loss;
    if (batch.rows == 1) {
      loss = forward(batch, 0, equal);
    } else {
      double parts[8] = {};
      for (long r = 0; r < batch.rows; r++) parts[r] = forward(batch, r, equal);
      loss = ((parts[0] + parts[1]) + (parts[2] + parts[3])) + ((parts[4] + parts[5]) + (parts[6] + parts[7]));
    }
    if (!std::isfinite(loss)) return loss;
    backward(batch.rows);
    for (const Layer *at = &layers_.front(), *end = at + layers_.size(); at < end; at++) {
      // Copies, which no store below can be suspected to change.
      const Piece<T> weights = at->weights, biases = at->biases;
      const long from = at->from, to = at->to, stride_in = at->stride_in, stride = at->stride, rows = batch.rows;
      const T *in = at->in, *delta = at->delta;
      T* transposed = at->transposed;
      const Vec<T> rate = spread(scalars.learning_rate * weights.rate_factor), decay = spread(weights.decay_factor);
      for (long i = 0; i < from; i++) {
        Vec<T> g{};
        for (long r = 0; r < rows; r++) g = fma(spread(in[r * stride_in + i]), load(delta + r * stride), g);
        if (weights.mask) g *= load(weights.mask + i * width<T>);
        store(weights.gradient + i * width<T>, g);
        move_at<R>(weights, i * width<T>, rate, decay, terms, scalars, (T)1);
        if (transposed)
          for (long o = 0; o < to; o++) transposed[o * width<T> + i] = weights.theta[i * width<T> + o];
      }
      if (!biases.theta) continue;
      Vec<T> g{};
      for (long r = 0; r < rows; r++) g += load(delta + r * stride);
      store(biases.gradient, g);
      move_at<R>(biases, 0, spread(scalars.learning_rate * biases.rate_factor), spread(biases.decay_factor), terms, scalars, (T)1);
    }
    return loss;
  }

 private:
  struct Layer {
    long from, to, stride_in, stride;
    Piece<T> weights, biases;
    const T* bias;
    T *transposed, *in, *z, *delta, *delta_in, *kept;
    const ActivationKernel<T>* activation;
    const T* constants;
    int code;
  };

  static INLINE Vec<T> value(const Layer& layer, Vec<T> z, long at) {
    Vec<T> slope;
    switch (layer.code) {
      case 0: return z;
      case 2: return Sigmoid::value(z, layer.constants, slope);
      case 3: return Tanh::value(z, layer.constants, slope);
      case 5: return Relu::value(z, layer.constants, slope);
      default: {
        store(layer.z + at, z);
        layer.activation->value(layer.z + at, layer.z + at, layer.kept ? layer.kept + at : nullptr, 1, 1, layer.stride, layer.constants);
        return load(layer.z + at);
      }
    }
  }
  static INLINE Vec<T> pulled(const Layer& layer, Vec<T> delta, long at) {
    const Vec<T> a = load(layer.z + at);
    switch (layer.code) {
      case 0: return delta * Identity::slope_of(a, layer.constants);
      case 2: return delta * Sigmoid::slope_of(a, layer.constants);
      case 3: return delta * Tanh::slope_of(a, layer.constants);
      case 5: return delta * Relu::slope_of(a, layer.constants);
      default: {
        store(layer.delta + at, delta);
        const T* from = (layer.activation->from_output ? layer.z : layer.kept) + at;
        layer.activation->pull(layer.delta + at, from, layer.delta + at, 1, 1, layer.stride, layer.constants);
        return load(layer.delta + at);
      }
    }
  }

  // What a row adds to the reduced loss; its delta is left at the last layer.
  INLINE double forward(const Batch<T>& batch, long r, T equal) {
    const int64_t row = batch.number(r);
    const long inputs = net_.widths[0];
    for (long i = 0; i < inputs; i++) work_.value[0][r * net_.strides[0] + i] = batch.x[row * inputs + i];
    for (const Layer *layer = &layers_.front(), *end = layer + layers_.size(); layer < end; layer++) {
      const T *a = layer->in + r * layer->stride_in, *w = layer->weights.theta;
      const long from = layer->from;
      Vec<T> z = load(layer->bias);
      for (long i = 0; i < from; i++, w += width<T>) z = fma(spread(a[i]), load(w), z);
      if (layer->activation) z = value(*layer, z, r * layer->stride);
      store(layer->z + r * layer->stride, z);
    }
    const Layer& last = layers_.back();
    const T share = (T)net_.spec.loss_share, factor = batch.weights ? (T)((double)batch.weights[row] / batch.total) : equal;
    Vec<T> loss, delta = spread(last.z[r * last.stride]);
    if (net_.spec.outputs == 1) {
      const Vec<T> y = spread(batch.codes ? (T)(batch.codes[row] == 0) : batch.y[row]);
      loss = net_.spec.loss == 0 ? evaluate<SquaredError, T>(&y, &delta, 1, net_.loss_constants) : loss_(&y, &delta, 1, net_.loss_constants);
    } else {
      loss = several(batch, row, last.z + r * last.stride, delta);
    }
    store(last.delta + r * last.stride, delta * spread(factor * share));
    return factor != 0 ? (double)(factor * (loss * share)[0]) : 0.0;
  }

  // The loss of an example with several outputs. Every lane of p[c] is the same; the slopes are put together in a register,
  // since what goes through memory in pieces cannot be read back at once.
  Vec<T> several(const Batch<T>& batch, int64_t row, const T* outputs, Vec<T>& slopes) {
    const int k = net_.spec.outputs;
    Vec<T> y[width<T>], p[width<T>];
    for (int c = 0; c < k; c++) y[c] = spread(batch.codes ? (T)(batch.codes[row] == c) : batch.y[row * k + c]), p[c] = spread(outputs[c]);
    const Vec<T> loss = loss_(y, p, k, net_.loss_constants);
    Whole<Vec<T>> lane;
    for (int l = 0; l < width<T>; l++) lane[l] = l;
    slopes = p[0];
    for (int c = 1; c < k; c++) slopes = choose(lane == (decltype(lane[0] + 0))c, p[c], slopes);
    return loss;
  }

  void backward(long rows) {
    for (long r = 0; r < rows; r++) {
      Layer& last = layers_.back();
      if (last.activation) store(last.delta + r * last.stride, pulled(last, load(last.delta + r * last.stride), r * last.stride));
      for (size_t l = layers_.size() - 1; l > 0; l--) {
        const Layer &layer = layers_[l], &before = layers_[l - 1];
        const T* delta = layer.delta + r * layer.stride;
        Vec<T> d{};
        for (long o = 0; o < layer.to; o++) d = fma(spread(delta[o]), load(layer.transposed + o * width<T>), d);
        if (before.activation) d = pulled(before, d, r * before.stride);
        store(before.delta + r * before.stride, d);
      }
    }
  }

  Network<T>& net_;
  Workspace<T>& work_;
  LossKernel<T> loss_;
  std::vector<Layer> layers_;
};

// Trains steps from .. to; `begin(k)` gives the batch of a step. Returns the number of steps begun.
template <class T, class Begin> using TinyRun = long (*)(Tiny<T>&, Begin&, const double* const*, long, double*);

template <class R, class T, class Begin> long tiny_steps(Tiny<T>& tiny, Begin& begin, const double* const* table, long steps, double* losses) {
  const Terms<T> terms = tiny.terms();
  for (long k = 0; k < steps; k++) {
    const Scalars<T> scalars{(T)table[0][k], table[1] ? (T)table[1][k] : (T)0, table[2] ? (T)table[2][k] : (T)0};
    losses[k] = tiny.template step<R>(begin(), scalars, terms);
    if (!std::isfinite(losses[k])) return k + 1;
  }
  return steps;
}
template <class T, class Begin> TinyRun<T, Begin> tiny_run(int rule) {
  static const TinyRun<T, Begin> table[] = {
      tiny_steps<GradientDescent, T, Begin>, tiny_steps<Momentum, T, Begin>, tiny_steps<Nesterov, T, Begin>, tiny_steps<Adagrad, T, Begin>,
      tiny_steps<Rmsprop, T, Begin>, tiny_steps<Adam, T, Begin>, tiny_steps<AdamClassic, T, Begin>, tiny_steps<AdamW, T, Begin>};
  return table[rule];
}
