// A batch: which examples it is made of, and sums over it in a fixed order.
#pragma once

#include "network.hpp"

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
