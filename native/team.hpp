// Threads that run stretches of steps together, and the barrier between the halves of a step.
//
// The number of threads may change from stretch to stretch (the bits do not depend on it), so that a busy neighbour costs
// little: the caller measures and goes on with what was faster.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include <unistd.h>

#include "vector.hpp"

INLINE void rest(int& turns) {  // a short spin, then let others run
  if (++turns > 300) std::this_thread::yield();
#if defined(__x86_64__)
  else _mm_pause();
#endif
}

class Barrier {
 public:
  void start(int parties) { parties_ = parties; }
  void wait() {
    if (parties_ == 1) return;
    const unsigned round = round_.load(std::memory_order_relaxed);
    if (arrived_.fetch_add(1, std::memory_order_acq_rel) == parties_ - 1) {
      arrived_.store(0, std::memory_order_relaxed);
      round_.store(round + 1, std::memory_order_release);
      return;
    }
    for (int turns = 0; round_.load(std::memory_order_acquire) == round;) rest(turns);
  }

 private:
  alignas(64) std::atomic<int> arrived_{0};
  alignas(64) std::atomic<unsigned> round_{0};
  int parties_ = 1;
};

class Team {
 public:
  Barrier barrier;

  explicit Team(int size) : size_(size < 1 ? 1 : size), home_(getpid()) {}
  Team(const Team&) = delete;
  Team& operator=(const Team&) = delete;

  // Threads do not survive a fork: in the child the caller works alone.
  int size() const { return getpid() == home_ ? size_ : 1; }

  // Runs job(0) .. job(active - 1) at the same time, job(0) on the caller's thread; returns when all are done.
  void run(int active, const std::function<void(int)>& job) {
    barrier.start(active);
    if (active == 1) return job(0);
    while ((int)helpers_.size() < active - 1) helpers_.emplace_back(&Team::help, this, (int)helpers_.size() + 1);
    {
      std::lock_guard<std::mutex> hold(mutex_);
      job_ = &job, active_ = active;
      busy_.store(active - 1, std::memory_order_relaxed);
      call_.fetch_add(1, std::memory_order_release);
    }
    wake_.notify_all();
    job(0);
    for (int turns = 0; busy_.load(std::memory_order_acquire);) rest(turns);
  }

  ~Team() {
    if (getpid() != home_) {
      for (auto& helper : helpers_) helper.detach();
      return;
    }
    {
      std::lock_guard<std::mutex> hold(mutex_);
      active_ = 0, leaving_ = true;
      call_.fetch_add(1, std::memory_order_release);
    }
    wake_.notify_all();
    for (auto& helper : helpers_) helper.join();
  }

 private:
  // A helper sees every call in which it is active, because `run` waits for it before the next call. The count changes under
  // the mutex and is looked at under it before sleeping, so no wake-up can be lost.
  void help(int me) {
    for (unsigned long seen = 0;;) {
      for (int turns = 0; turns < 2000 && call_.load(std::memory_order_acquire) == seen;) rest(turns);
      const std::function<void(int)>* job;
      {
        std::unique_lock<std::mutex> hold(mutex_);
        wake_.wait(hold, [&] { return call_.load(std::memory_order_relaxed) != seen; });
        seen = call_.load(std::memory_order_relaxed);
        if (leaving_) return;
        if (me >= active_) continue;
        job = job_;
      }
      (*job)(me);
      busy_.fetch_sub(1, std::memory_order_acq_rel);
    }
  }

  const int size_, home_;
  std::vector<std::thread> helpers_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::atomic<unsigned long> call_{0};
  alignas(64) std::atomic<int> busy_{0};
  const std::function<void(int)>* job_ = nullptr;
  int active_ = 0;
  bool leaving_ = false;
};

// Chooses between the whole team and fewer threads by what a step took lately with each.
class Pace {
 public:
  Pace(int size, double seconds_alone) {
    for (int n = size; n >= 1; n = n == 1 ? 0 : (n + 1) / 2) levels_.push_back({n, seconds_alone / (0.8 * n + 0.2), 0});
  }
  int threads() const { return levels_[now_].threads; }
  // How many steps make a stretch long enough to be worth a call to the team, short enough to react.
  long stretch() const {
    const double wanted = trying_ ? 0.4e-3 : 2e-3;
    const double steps = wanted / levels_[now_].seconds;
    return steps < 1 ? 1 : steps > 1e6 ? 1000000 : (long)steps;
  }
  void took(long steps, double seconds) {
    Level& level = levels_[now_];
    level.seconds = seconds / (double)steps, level.tried = true;
    since_ += seconds;
    if (levels_.size() == 1) return;
    // Another count of threads is tried when its turn costs little beside what was done since the last try, and at once when
    // this one is much slower than it has been.
    if (trying_ || !better()) {
      trying_ = false, since_ = 0;
      now_ = best();
      return;
    }
    const bool slower = level.seconds > 1.5 * level.usual;
    level.usual = level.usual == 0 ? level.seconds : 0.9 * level.usual + 0.1 * level.seconds;
    next_ = (now_ + 1) % (int)levels_.size();
    const double price = levels_[next_].seconds > 0.4e-3 ? levels_[next_].seconds : 0.4e-3;
    if (since_ > (slower ? 4 : 60) * price) trying_ = true, now_ = next_, since_ = 0;
  }

 private:
  struct Level {
    int threads;
    double seconds;
    bool tried;
    double usual = 0;
  };
  int best() const {
    int b = now_;
    for (int i = 0; i < (int)levels_.size(); i++)
      if (levels_[i].tried && levels_[i].seconds < levels_[b].seconds) b = i;
    return b;
  }
  bool better() const { return best() == now_; }
  std::vector<Level> levels_;
  int now_ = 0, next_ = 0;
  double since_ = 0;
  bool trying_ = false;
};
