// The second half of a step, task by task: gradients, and the update that they make.
#pragma once

#include "worker.hpp"

template <int n, class T> void column_sums(const Op<T>& op, bool plain, const T* delta, const T* in, long stride, long rows, Vec<T> (&out)[4]) {
  Vec<T> sum[n];
  for (int c = 0; c < n; c++) sum[c] = out[c];
  for (long r = 0; r < rows; r++, delta += stride, in += stride)
    for (int c = 0; c < n; c++) {
      const Vec<T> d = load(delta + c * width<T>), s = load(in + c * width<T>);
      sum[c] = plain ? sum[c] + d : fma(d, op.spec.kind == SCALE_SHIFT ? s : smaller((T)0, s), sum[c]);
    }
  for (int c = 0; c < n; c++) out[c] = sum[c];
}

// Sums over the rows of a bias, a shift (delta), a gain (delta times the source) or a learned slope (delta times min(z, 0)).
template <class T> void vector_gradient(Worker<T>& on, const Op<T>& op, const Param<T>& p, bool first, T* g, const T* delta, long stride, const T* in, long rows, bool more) {
  const bool shared = op.spec.kind == AFFINE && p.spec.to < on.net.widths[op.spec.target];
  const long units = on.net.widths[op.spec.target];
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

// A block of the rows of `in` that a task multiplies: the units of a slot from `task.from` on, for every row of the batch.
template <class T> struct InputBlock {
  const T* at;
  long stride;
};

constexpr long GRADIENT_DEPTH = 128;  // so many rows of an input block and of the deltas stay in the first cache

// The gradient of a task that is a matrix, into `out`: rows task.from .. task.to of a panel.
template <class T> void matrix_gradient(const Worker<T>& on, const Task& task, InputBlock<T> in, long rows, bool more, T* out) {
  const Op<T>& op = on.net.ops[task.op];
  const Param<T>& p = on.net.params[task.param];
  const long stride = on.net.strides[op.spec.target], columns = p.panels.columns;
  const T* delta = on.work.delta[op.spec.target] + task.panel * columns;
  const long stretch = even_stretch(rows, GRADIENT_DEPTH, 8);
  for (long k = 0; k < rows || k == 0; k += stretch) {
    const long depth = rows - k < stretch ? rows - k : stretch;
    multiply_rows<T>(p.panels.vectors(task.panel), task.to - task.from,
                     {in.at + k * in.stride, 1, in.stride, delta + k * stride, stride, depth, more || k ? nullptr : on.net.zeros, out, columns});
  }
  if (!p.spec.mask) return;
  const T* mask = on.net.mask + p.packed + (task.panel * p.spec.from + task.from) * columns;
  for (long e = 0; e < (task.to - task.from) * columns; e++) out[e] *= mask[e];
}
template <class T> InputBlock<T> input_of(const Worker<T>& on, const Task& task) {
  const int source = on.net.ops[task.op].spec.source;
  return {on.work.value[source] + task.from, on.net.strides[source]};
}

// The gradient of one task over `rows` rows, stored; `more` goes on from what is stored.
template <class T> void gradient_of(Worker<T>& on, const Task& task, long rows, bool more) {
  const Op<T>& op = on.net.ops[task.op];
  const Param<T>& p = on.net.params[task.param];
  T* g = on.net.gradient + p.packed;
  if (p.matrix()) matrix_gradient(on, task, input_of(on, task), rows, more, g + (task.panel * p.spec.from + task.from) * p.panels.columns);
  else if (op.spec.kind != CALL)
    vector_gradient(on, op, p, task.param == op.spec.params[0], g, on.work.delta[op.spec.target], on.net.strides[op.spec.target], on.work.value[op.spec.source], rows, more);
}

// The entries of a task in the packed arrays, from the start of its parameter.
template <class T> void range_of(const Worker<T>& on, const Task& task, long& from, long& to) {
  const Param<T>& p = on.net.params[task.param];
  from = p.matrix() ? (task.panel * p.spec.from + task.from) * p.panels.columns : 0;
  to = p.matrix() ? (task.panel * p.spec.from + task.to) * p.panels.columns : round_up(task.to, width<T>);
}

// Moves the parameters of one task by its stored gradient.
template <class T> void move_task(Worker<T>& on, const Task& task, RuleKernel<T> rule, const Scalars<T>& scalars, T shrink) {
  long from, to;
  range_of(on, task, from, to);
  rule(on.net.piece(on.net.params[task.param]), from, to, on.net.terms, scalars, shrink);
  if (!on.net.params[task.param].matrix() && on.net.ops[task.op].spec.kind == AFFINE) on.net.spread_bias(on.net.ops[task.op]);
}

// Gradients of the tasks first .. last and the update that they make. The gradient of a matrix goes no further than the first
// cache; the block of inputs that tasks in a row multiply is laid side by side where enough panels read it. Where other threads
// read the weights in the next step (`shared`), they are streamed to memory.
template <class T> void train_tasks(Worker<T>& on, int first, int last, long rows, RuleKernel<T> rule, const Scalars<T>& scalars, bool shared) {
  InputBlock<T> in{};
  const Task* before = nullptr;
  for (int t = first; t < last; t++) {
    const Task& task = on.net.tasks[t];
    const Param<T>& p = on.net.params[task.param];
    if (!p.matrix()) {
      gradient_of(on, task, rows, false);
      move_task(on, task, rule, scalars, (T)1);
      continue;
    }
    if (!before || before->op != task.op || before->from != task.from) {
      in = input_of(on, task);
      if (p.panels.count() >= 16 && task.to - task.from == TASK_ROWS) in = {side_by_side(in.at, in.stride, rows, TASK_ROWS, on.inputs(rows * TASK_ROWS)), TASK_ROWS};
    }
    before = &task;
    T* gradient = on.tile(TASK_ROWS * p.panels.columns);
    long from, to;
    range_of(on, task, from, to);
    Piece<T> piece = on.net.piece(p).from(from, gradient);
    matrix_gradient(on, task, in, rows, false, gradient);
    if (shared) piece.moved = gradient;
    rule(piece, 0, to - from, on.net.terms, scalars, (T)1);
    if (shared) stream_all(gradient, to - from, piece.theta);
  }
  if (shared) streams_end();
}

// The square of the length of the direction over one task.
template <class T> double square_of(const Worker<T>& on, const Task& task) {
  const Param<T>& p = on.net.params[task.param];
  const Piece<T> piece = on.net.piece(p);
  long from, to;
  range_of(on, task, from, to);
  const long columns = p.matrix() ? p.panels.columns : to, real = p.matrix() ? p.panels.columns_of(task.panel) : task.to;
  double part[8] = {};
  alignas(64) T line[width<T>];
  for (long i = from; i < to; i += width<T>) {
    Vec<T> decay = spread(piece.decay_factor);
    if (piece.mask) decay *= load(piece.mask + i);
    store(line, direction(load(piece.gradient + i), load(piece.theta + i), decay, on.net.terms));
    for (long c = 0, o = (i - from) % columns; c < width<T> && o < real; c++, o++) part[o & 7] = std::fma((double)line[c], (double)line[c], part[o & 7]);
  }
  return ((part[0] + part[1]) + (part[2] + part[3])) + ((part[4] + part[5]) + (part[6] + part[7]));
}
