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
#if defined(__linux__)
#include <sched.h>
#endif

#include "vector.hpp"

INLINE void rest(int& turns) {  // a short spin, then let others run
  if (++turns > 300) std::this_thread::yield();
#if defined(__x86_64__)
  else _mm_pause();
#endif
}

// Keeps the threads of a team on processors of their own. Some schedulers leave a thread that was woken on the processor of
// the one that woke it, where the two take turns at half the speed; a helper that finds itself there moves away.
class Seats {
 public:
  explicit Seats(int size) : taken_((size_t)size) {
    for (auto& seat : taken_) seat = -1;
  }
  // A helper, at its start: the processors that it may use are those of the thread that made it.
  void enter() {
#if defined(__linux__)
    std::lock_guard<std::mutex> hold(mutex_);
    known_ = sched_getaffinity(0, sizeof allowed_, &allowed_) == 0;
#endif
  }
  // Thread `me` looks where it is; a helper leaves a processor that a thread before it has taken.
  void look([[maybe_unused]] int me) {
#if defined(__linux__)
    int here = sched_getcpu();
    for (int other = 0; me > 0 && other < me; other++)
      if (taken_[(size_t)other].load(std::memory_order_relaxed) == here) {
        leave(me);
        here = sched_getcpu();
        break;
      }
    taken_[(size_t)me].store(here, std::memory_order_relaxed);
#endif
  }

 private:
#if defined(__linux__)
  void leave(int me) {
    std::lock_guard<std::mutex> hold(mutex_);
    if (!known_) return;
    cpu_set_t free = allowed_;
    for (int other = 0; other < me; other++) {
      const int cpu = taken_[(size_t)other].load(std::memory_order_relaxed);
      if (cpu >= 0) CPU_CLR(cpu, &free);
    }
    if (CPU_COUNT(&free) > 0) sched_setaffinity(0, sizeof free, &free);
  }
  std::mutex mutex_;
  cpu_set_t allowed_;
  bool known_ = false;
#endif
  std::vector<std::atomic<int>> taken_;
};

class Barrier {
 public:
  explicit Barrier(Seats& seats) : seats_(seats) {}
  void start(int parties) { parties_ = parties; }
  void wait(int me) {
    if (parties_ == 1) return;
    const unsigned round = round_.load(std::memory_order_relaxed);
    if (arrived_.fetch_add(1, std::memory_order_acq_rel) == parties_ - 1) {
      arrived_.store(0, std::memory_order_relaxed);
      round_.store(round + 1, std::memory_order_release);
      return;
    }
    for (int turns = 0; round_.load(std::memory_order_acquire) == round;) {
      rest(turns);
      if (turns % 400 == 0) seats_.look(me);
    }
  }

 private:
  Seats& seats_;
  alignas(64) std::atomic<int> arrived_{0};
  alignas(64) std::atomic<unsigned> round_{0};
  int parties_ = 1;
};

class Team {
  Seats seats_;

 public:
  Barrier barrier;

  explicit Team(int size) : seats_(size < 1 ? 1 : size), barrier(seats_), size_(size < 1 ? 1 : size), home_(getpid()) {}
  Team(const Team&) = delete;
  Team& operator=(const Team&) = delete;

  // Threads do not survive a fork: in the child the caller works alone.
  int size() const { return getpid() == home_ ? size_ : 1; }

  // Runs job(0) .. job(active - 1) at the same time, job(0) on the caller's thread; returns when all are done.
  void run(int active, const std::function<void(int)>& job) {
    barrier.start(active);
    if (active == 1) return job(0);
    seats_.look(0);
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
    seats_.enter();
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
      seats_.look(me);
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

// Decides when the team works and when the caller goes on alone. A step alone is timed; while the team works, the time that it
// gains and loses against that is counted. When a busy neighbour, or two cores that are far apart, have cost more than was gained
// before, the caller works alone for a while, twice as long every time (1 ms to 0.1 s) until the team has gone well for long again.
class Pace {
 public:
  static double now() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }
  bool alone() const { return alone_steps_ < 2 || (alone_steps_ < 20 && time_alone_ < 300e-6) || now() < alone_until_; }
  void worked_alone(double seconds) {
    if (alone_steps_ == 0) time_alone_ = 0, step_alone_ = seconds;
    step_alone_ = seconds < step_alone_ ? seconds : step_alone_;
    time_alone_ += seconds, alone_steps_++;
  }
  void team_begins() { team_since_ = seen_ = now(), steps_ = 0, gained_ = 0; }
  // Called by the leader after every step of the team: is it too slow to go on? Looks at the clock every 20 microseconds or so.
  // What was gained makes up for a neighbour's turn of some milliseconds, but not for more.
  bool too_slow() {
    steps_++;
    if ((double)steps_ * step_alone_ < 20e-6) return false;
    const double time = now(), most = 10e-3 + 4 * step_alone_;
    gained_ += (double)steps_ * step_alone_ - (time - seen_);
    gained_ = gained_ < most ? gained_ : most;
    seen_ = time, steps_ = 0;
    if (gained_ > -0.5e-3 - step_alone_) return false;
    if (time - team_since_ > 20 * pause_) pause_ = 1e-3;
    alone_until_ = time + pause_, alone_steps_ = 0;
    pause_ = pause_ * 2 < 0.1 ? pause_ * 2 : 0.1;
    return true;
  }

 private:
  double step_alone_ = 0, time_alone_ = 0, alone_until_ = 0, pause_ = 1e-3, team_since_ = 0, seen_ = 0, gained_ = 0;
  long alone_steps_ = 0, steps_ = 0;
};
