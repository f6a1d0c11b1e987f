// A network packed for the kernels: parameters in panels, and the workspace of a batch.
#pragma once

#include <cstdlib>
#include <memory>
#include <new>
#include <vector>

#include "activations.hpp"
#include "kernels.hpp"
#include "losses.hpp"
#include "plan.hpp"
#include "rules.hpp"

// One stretch of memory cut into aligned arrays with guard zones between them, so that a test can see a stray write.
template <class T> class Arena {
 public:
  static constexpr long GUARD = 32;
  static constexpr unsigned char PATTERN = 0xA5;
  // First `plan` every array, then `allocate`, then read the addresses.
  void plan(T** where, long count) { wanted_.push_back({where, round_up(count, 64 / (long)sizeof(T))}); }
  void allocate() {
    long total = GUARD;
    for (auto& w : wanted_) total += w.count + GUARD;
    if (posix_memalign((void**)&memory_, 4096, (size_t)total * sizeof(T))) throw std::bad_alloc();
    total_ = total;
    memset((void*)memory_, PATTERN, (size_t)total * sizeof(T));
    T* at = memory_ + GUARD;
    for (auto& w : wanted_) {
      *w.where = at;
      memset((void*)at, 0, (size_t)w.count * sizeof(T));
      at += w.count + GUARD;
    }
  }
  void fill(T x) {
    for (auto& w : wanted_)
      for (long i = 0; i < w.count; i++) (*w.where)[i] = x;
  }
  long damaged() const {
    long bad = 0;
    auto check = [&](const T* zone) {
      const unsigned char* bytes = (const unsigned char*)zone;
      for (size_t i = 0; i < GUARD * sizeof(T); i++) bad += bytes[i] != PATTERN;
    };
    check(memory_);
    for (auto& w : wanted_) check(*w.where + w.count);
    return bad;
  }
  Arena() = default;
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;
  ~Arena() { free(memory_); }

 private:
  struct Wanted { T** where; long count; };
  std::vector<Wanted> wanted_;
  T* memory_ = nullptr;
  long total_ = 0;
};

// A parameter: where it is in theta and where in the packed arrays.
template <class T> struct Param {
  ParamSpec spec;
  Panels<T> panels;  // of the matrix (from, to); a vector is one row
  long packed = 0, packed_size = 0;
  bool matrix() const { return spec.from > 0; }
  // The packed place of entry (o, i) of a matrix, or of entry o of a vector.
  long at(long o, long i) const { return packed + (matrix() ? panels.at(i, o) : o); }
};

template <class T> struct Op {
  OpSpec spec;
  T constants[4];
  const ActivationKernel<T>* activation = nullptr;
  int fused = -1;           // AFFINE: the activation that its tiles go through at once; and its pull goes through the one before
  bool is_fused = false;    // ACTIVATION: done by the affine step before it
  bool pulled = false;      // ACTIVATION: its delta is pulled by the affine step that reads it
  bool in_place = false;    // the target takes the source's place in the workspace of training
  bool delta_in_place = false;
  T* bias = nullptr;        // AFFINE: a shared bias spread over the units
};

constexpr long TASK_ROWS = 96;  // a multiple of every tile

// One piece of the second half of a step: rows from .. to of a panel of a parameter's gradient, or a whole vector.
struct Task {
  int op, param;
  long panel, from, to;
  double cost;
};

template <class T> struct Network {
  std::vector<long> widths, strides;
  std::vector<Param<T>> params;
  std::vector<Op<T>> ops;
  std::vector<Task> tasks;
  std::vector<bool> wants_delta;  // by slot: is a gradient upstream of it?
  int loss_position = 0;          // ops before it are in the gradient's path
  PlanSpec spec;
  T loss_constants[2];
  Terms<T> terms;
  long packed_size = 0;
  double work = 0;  // multiply-adds per row of a training step, roughly
  bool calls = false;
  Arena<T> arena;
  T *theta = nullptr, *gradient = nullptr, *slot[2] = {nullptr, nullptr}, *mask = nullptr, *zeros = nullptr;

  explicit Network(const PlanSpec& plan) : spec(plan) {
    widths.assign(plan.widths, plan.widths + plan.slot_count);
    long widest = 1;
    for (long w : widths) strides.push_back(stride_of<T>(w)), widest = w > widest ? w : widest;
    bool masked = false;
    for (int i = 0; i < plan.param_count; i++) {
      Param<T> p{plan.params[i], {}, 0, 0};
      if (p.matrix()) p.panels.shape(p.spec.from, p.spec.to);
      p.packed = packed_size;
      p.packed_size = round_up(p.matrix() ? p.panels.size() : p.spec.to, TILE_VECTORS * width<T>);
      packed_size += p.packed_size;
      masked |= p.spec.mask != nullptr;
      params.push_back(p);
    }
    for (int i = 0; i < plan.op_count; i++) {
      Op<T> op{};
      op.spec = plan.ops[i];
      for (int c = 0; c < 4; c++) op.constants[c] = (T)op.spec.constants[c];
      if (op.spec.kind == ACTIVATION) op.activation = &activation_kernel<T>(op.spec.function);
      calls |= op.spec.kind == CALL;
      ops.push_back(op);
    }
    calls |= plan.loss == -1 || plan.rule == -1;
    for (int c = 0; c < 2; c++) loss_constants[c] = (T)plan.loss_constants[c];
    for (int c = 0; c < 6; c++) terms.constants[c] = (T)plan.rule_constants[c];
    terms.l1 = (T)plan.l1, terms.l2 = (T)plan.l2, terms.clip_value = (T)plan.clip_value;
    terms.penalised = plan.l1 != 0 || plan.l2 != 0, terms.clipped = plan.clip_value != 0;
    arrange();
    arena.plan(&theta, packed_size), arena.plan(&gradient, packed_size);
    for (int s = 0; s < plan.slot_arrays && s < 2; s++) arena.plan(&slot[s], packed_size);
    if (masked) arena.plan(&mask, packed_size);
    arena.plan(&zeros, round_up(widest, TILE_VECTORS * width<T>));
    for (auto& op : ops)
      if (op.spec.kind == AFFINE) {
        const Panels<T>& shape = params[op.spec.params[0]].panels;
        if (op.spec.param_count > 1 && params[op.spec.params[1]].spec.to < shape.to)
          arena.plan(&op.bias, round_up(shape.to, TILE_VECTORS * width<T>));
      }
    arena.allocate();
    for (auto& p : params)
      if (p.spec.mask)
        each(p, [&](long from, long to) { mask[to] = (T)(p.spec.mask[from - p.spec.offset] != 0); });
      else if (masked)
        for (long i = 0; i < p.packed_size; i++) mask[p.packed + i] = (T)1;
  }

  // visit(index in theta, index in the packed arrays) for every entry of a parameter.
  template <class F> void each(const Param<T>& p, F visit) const {
    const long columns = p.matrix() ? p.spec.from : 1;
    for (long o = 0; o < p.spec.to; o++)
      for (long i = 0; i < columns; i++) visit(p.spec.offset + o * columns + i, p.at(o, i));
  }
  void pack(const T* flat, T* packed) {
    for (auto& p : params) each(p, [&](long from, long to) { packed[to] = flat[from]; });
  }
  void unpack(const T* packed, T* flat) const {
    for (auto& p : params) each(p, [&](long from, long to) { flat[from] = packed[to]; });
  }
  // What is derived from theta: spread biases.
  void derive() {
    for (auto& op : ops)
      if (op.spec.kind == AFFINE) spread_bias(op);
  }
  void spread_bias(Op<T>& op) {
    if (!op.bias) return;
    const T shared = theta[params[op.spec.params[1]].packed];
    for (long o = 0; o < params[op.spec.params[0]].panels.to; o++) op.bias[o] = shared;
  }
  const T* bias_of(const Op<T>& op) const {
    if (op.bias) return op.bias;
    return op.spec.param_count > 1 ? theta + params[op.spec.params[1]].packed : zeros;
  }
  Piece<T> piece(const Param<T>& p) const {
    auto at = [&](T* array) { return array ? array + p.packed : nullptr; };
    return {at(theta), at(gradient), {at(slot[0]), at(slot[1])}, p.spec.mask ? mask + p.packed : nullptr, (T)p.spec.rate_factor, (T)p.spec.decay_factor};
  }

 private:
  // Decides what is fused and what shares memory, and cuts the second half of a step into tasks.
  void arrange() {
    std::vector<int> maker(widths.size(), -1);
    wants_delta.assign(widths.size(), false);
    loss_position = 0;
    for (int i = 0; i < (int)ops.size(); i++) {
      Op<T>& op = ops[i];
      const int before = maker[op.spec.source];
      maker[op.spec.target] = i;
      wants_delta[op.spec.target] = op.spec.param_count > 0 || wants_delta[op.spec.source];
      const bool after_affine = before >= 0 && ops[before].spec.kind == AFFINE;
      if (op.spec.kind == ACTIVATION && after_affine && op.spec.source != spec.loss_source) op.is_fused = true, ops[before].fused = i;
      op.in_place = after_affine && (op.spec.kind == ACTIVATION || op.spec.kind == SOFTMAX || op.spec.kind == DRAWN_LEAKY);
      op.delta_in_place = op.spec.kind != AFFINE && op.spec.kind != MAXOUT && op.spec.kind != CALL && op.spec.param_count == 0;
      if (op.spec.kind == AFFINE && before >= 0 && ops[before].spec.kind == ACTIVATION) ops[before].pulled = true;
      if (op.spec.target == spec.loss_source) loss_position = i + 1;
      for (int k = 0; k < op.spec.param_count; k++) add_tasks(i, op.spec.params[k]);
      if (op.spec.kind == AFFINE) work += 3.0 * (double)widths[op.spec.source] * (double)widths[op.spec.target];
      work += 20.0 * (double)widths[op.spec.target];
    }
  }
  void add_tasks(int op, int index) {
    const Param<T>& p = params[index];
    if (!p.matrix()) {
      tasks.push_back({op, index, 0, 0, p.spec.to, (double)p.spec.to / width<T>});
      return;
    }
    for (long i = 0; i < p.spec.from; i += TASK_ROWS) {
      const long to = i + TASK_ROWS < p.spec.from ? i + TASK_ROWS : p.spec.from;
      for (long panel = 0; panel < p.panels.count(); panel++)
        tasks.push_back({op, index, panel, i, to, (double)((to - i) * p.panels.vectors(panel) + 4)});
    }
  }
};

// The arrays of one batch: a value and a delta per slot, and what ops keep for their way back.
template <class T> struct Workspace {
  long capacity;
  std::vector<T*> value, delta, kept;
  T *losses = nullptr, *factors = nullptr, *y = nullptr;
  Arena<T> arena;

  // `apart`: no slot shares another's memory, so that all of them can be handed out.
  Workspace(const Network<T>& net, long capacity_, bool apart, bool backward) : capacity(capacity_) {
    const size_t slots = net.widths.size();
    value.assign(slots, nullptr), delta.assign(slots, nullptr), kept.assign(net.ops.size(), nullptr);
    std::vector<int> value_of(slots), delta_of(slots);
    for (size_t s = 0; s < slots; s++) value_of[s] = delta_of[s] = (int)s;
    if (!apart)
      for (auto& op : net.ops) {
        if (op.in_place) value_of[op.spec.target] = value_of[op.spec.source];
        if (op.delta_in_place) delta_of[op.spec.target] = delta_of[op.spec.source];
      }
    for (size_t s = 0; s < slots; s++) {
      if (value_of[s] == (int)s) arena.plan(&value[s], capacity * net.strides[s]);
      if (backward && delta_of[s] == (int)s) arena.plan(&delta[s], capacity * net.strides[s]);
    }
    for (size_t i = 0; i < net.ops.size(); i++) {
      const auto& op = net.ops[i];
      const bool slope = (op.spec.kind == ACTIVATION && !op.activation->from_output) || op.spec.kind == DRAWN_LEAKY || op.spec.kind == DROPOUT;
      if (slope) arena.plan(&kept[i], capacity * net.strides[op.spec.target]);
      if (op.spec.kind == NORMALISE) arena.plan(&kept[i], capacity);
    }
    arena.plan(&losses, capacity), arena.plan(&factors, capacity);
    if (net.spec.loss == -1) arena.plan(&y, capacity * net.spec.outputs);
    arena.allocate();
    for (size_t s = 0; s < slots; s++) value[s] = value[value_of[s]], delta[s] = delta[delta_of[s]];
  }
};
