// Threads that run stretches of steps together, and the barrier between the halves of a step.
//
// The number of threads may change from stretch to stretch (the bits do not depend on it), so that a busy neighbour costs
// little: the caller measures and goes on with what was faster.
#pragma once

#include <atomic>
#include <chrono>
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

// Decides when the team works and when the caller goes on alone. A step alone is timed; the team works as long as it is not
// slower than that, measured while it works; when a busy neighbour, or two cores that are one, makes it slower, the caller works
// alone for a while, twice as long every time (1 ms to 0.1 s) until the team has gone well for long again.
class Pace {
 public:
  static double now() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }
  bool alone() const { return alone_steps_ < 2 || now() < alone_until_; }
  void worked_alone(double seconds) {
    step_alone_ = alone_steps_ == 0 || seconds < step_alone_ ? seconds : step_alone_;
    alone_steps_++;
  }
  void team_begins() { team_since_ = since_ = now(), steps_ = 0; }
  // Called by the leader after every step of the team: is it too slow to go on? Looks at the clock every 20 microseconds or so;
  // a step that hangs is noticed at once, a team that is a little slower than one after 1 ms and four steps.
  bool too_slow() {
    steps_++, unseen_++;
    if ((double)unseen_ * step_alone_ < 20e-6) return false;
    unseen_ = 0;
    const double time = now(), late = time - since_ - step_alone_ * (double)steps_;
    const bool whole = time - since_ > 1e-3 && steps_ >= 4;
    if (late > 50e-6 + 4 * step_alone_ || (whole && late > 0)) {
      if (time - team_since_ > 20 * pause_) pause_ = 1e-3;
      alone_until_ = time + pause_, alone_steps_ = 0;
      pause_ = pause_ * 2 < 0.1 ? pause_ * 2 : 0.1;
      return true;
    }
    if (whole) since_ = time, steps_ = 0;
    return false;
  }

 private:
  double step_alone_ = 0, alone_until_ = 0, pause_ = 1e-3, since_ = 0, team_since_ = 0;
  long alone_steps_ = 0, steps_ = 0, unseen_ = 0;
};
