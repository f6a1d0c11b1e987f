// What every pass over a batch works on, and how it takes rows into lanes.
#pragma once

#include "batch.hpp"

// A thread's hold on the network and on the workspace of a batch.
template <class T> struct Worker {
  Network<T>& net;
  Workspace<T>& work;
  Call call;               // for records that exist in Python only
  std::vector<T> scratch, input_scratch, tile_scratch, turned_scratch;

  Worker(Network<T>& net_, Workspace<T>& work_, Call call_) : net(net_), work(work_), call(call_) {}

  // Memory of this thread's own: rows in lanes, a block of inputs, the gradient of a task, panels of transposed weights.
  Vec<T>* lanes(long count) { return (Vec<T>*)aligned(scratch, (count + 1) * width<T>); }
  T* inputs(long count) { return aligned(input_scratch, count); }
  T* tile(long count) { return aligned(tile_scratch, count); }
  T* turned(long count) { return aligned(turned_scratch, count); }

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

  CallFrame frame_of(int what, int op, const Batch<T>& batch, long from, long to) const {
    CallFrame frame{};
    frame.what = what, frame.op = op, frame.training = batch.training, frame.rows = to - from, frame.step = batch.step;
    frame.numbers = batch.index ? batch.index + from : nullptr;
    return frame;
  }

 private:
  static T* aligned(std::vector<T>& memory, long count) {
    if (memory.size() < (size_t)count + 64 / sizeof(T)) memory.resize((size_t)count + 64 / sizeof(T));
    return (T*)round_up((long)(uintptr_t)memory.data(), 64);
  }
};
