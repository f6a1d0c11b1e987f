// Who does how much: the rows of the first half of a step and the tasks of the second, shared out between threads.
//
// Everybody begins with as much. Every few steps the threads are timed, and whoever is faster (its neighbours are quieter, what
// it needs is nearer) gets more. The bits do not depend on it.
#pragma once

#include <vector>

class Shares {
 public:
  enum Half { ROWS, TASKS };
  static constexpr long EVERY = 8;  // so many steps from one timing to the next

  // `costs` of the tasks in their order. What the same number of threads has learned is kept.
  void among(int threads, const std::vector<double>& costs) {
    if (threads == threads_) return;
    threads_ = threads, costs_ = &costs, told_[ROWS] = told_[TASKS] = false;
    for (auto* half : {&parts_[ROWS], &parts_[TASKS]}) half->assign((size_t)threads, Part{1.0 / threads, 0});
    cut();
  }
  // Where a thread's rows and tasks begin; those of thread `threads` are the end. Rows in twos, which tiles like.
  long row(long rows, int me) const { return me == threads_ ? rows : (long)((double)rows * before(ROWS, me) / 2 + 0.5) * 2; }
  int task(int me) const { return cuts_[(size_t)me]; }

  void took(Half half, int me, double seconds) {
    parts_[half][(size_t)me].seconds = seconds + 1e-9;
    if (me == 0) told_[half] = true;
  }
  // By thread 0, after a barrier behind `took` and while nobody works by the shares of this half.
  void settle(Half half) {
    if (!told_[half]) return;
    told_[half] = false;
    double speeds = 0;
    for (auto& part : parts_[half]) speeds += part.size / part.seconds;
    for (auto& part : parts_[half]) {
      const double even = 1.0 / threads_, fair = part.size / part.seconds / speeds;
      part.size += 0.2 * ((fair < even / 2 ? even / 2 : fair > even * 1.5 ? even * 1.5 : fair) - part.size);
    }
    double all = 0;
    for (auto& part : parts_[half]) all += part.size;
    for (auto& part : parts_[half]) part.size /= all;
    if (half == TASKS) cut();
  }

 private:
  struct alignas(64) Part { double size, seconds; };

  double before(Half half, int me) const {
    double sum = 0;
    for (int t = 0; t < me; t++) sum += parts_[half][(size_t)t].size;
    return sum;
  }
  // Cuts the tasks where the costs come nearest to the shares.
  void cut() {
    double all = 0, sum = 0;
    for (double cost : *costs_) all += cost;
    cuts_.assign((size_t)threads_ + 1, (int)costs_->size());
    cuts_[0] = 0;
    int t = 0;
    for (int next = 1; next < threads_; next++) {
      const double goal = all * before(TASKS, next);
      while (t < (int)costs_->size() && sum + (*costs_)[(size_t)t] / 2 < goal) sum += (*costs_)[(size_t)t++];
      cuts_[(size_t)next] = t;
    }
  }

  int threads_ = 0;
  bool told_[2] = {false, false};
  const std::vector<double>* costs_ = nullptr;
  std::vector<Part> parts_[2];
  std::vector<int> cuts_;
};
