// The compiled engine's plain C interface: open a session, train, take a gradient, predict, trace, export.
// Built once per instruction set; float and double functions stand side by side.
#include <memory>

#include "narrow.hpp"
#include "passes.hpp"
#include "shares.hpp"
#include "team.hpp"
#include "tiny.hpp"

// Numbers below the smallest normal one are taken as 0 while the engine runs: they cost a hundred times a normal number.
class FlushToZero {
 public:
#if defined(__x86_64__)
  FlushToZero() : saved_(_mm_getcsr()) { _mm_setcsr(saved_ | 0x8040); }
  ~FlushToZero() { _mm_setcsr(saved_); }

 private:
  unsigned saved_;
#elif defined(__aarch64__)
  FlushToZero() {
    asm volatile("mrs %0, fpcr" : "=r"(saved_));
    asm volatile("msr fpcr, %0" ::"r"(saved_ | (1ull << 24)));
  }
  ~FlushToZero() { asm volatile("msr fpcr, %0" ::"r"(saved_)); }

 private:
  uint64_t saved_;
#endif
};

struct RowsSpec {
  const void *x, *y;
  const int64_t* codes;
  const void* weights;
  int64_t count;
};

enum Status : int32_t { DONE = 0, CALL_FAILED = 1, NO_MEMORY = 2 };

template <class T> class Session {
 public:
  std::recursive_mutex one_at_a_time;

  Session(const PlanSpec& plan, const T* theta, const T* const* slots, int threads, Call call)
      : net_(plan), call_(call), team_(net_.calls ? 1 : threads) {
    net_.pack(theta, net_.theta);
    for (int s = 0; s < plan.slot_arrays && s < 2; s++) net_.pack(slots[s], net_.slot[s]);
    net_.derive();
    squares_.resize(net_.tasks.size());
    for (auto& task : net_.tasks) costs_.push_back(task.cost);
    whole_.among(1, costs_);
  }

  Status train(const RowsSpec& rows, const int64_t* order, long epochs, long m, long batch_size, const double* const* table, int64_t first_step, double* losses, int64_t* done) {
    FlushToZero flush;
    const long largest = m < batch_size ? m : batch_size, per_epoch = (m + batch_size - 1) / batch_size, steps = epochs * per_epoch;
    *done = 0;
    if (steps == 0) return DONE;
    room_for(largest);
    const double step_work = net_.work * (double)largest, alone = step_work / 2e10 + 1e-7;
    int size = team_.size();
    if (size > largest / 4) size = largest / 4 < 1 ? 1 : (int)(largest / 4);
    // A step of less than some 30 microseconds gains nothing by a second core nearby, and loses a tenth by one far away.
    if (step_work < 600e3 || alone * (double)steps < 100e-6) size = 1;
    if (paced_for_ != largest) pace_ = Pace(), paced_for_ = largest;
    auto run = [&](int me, int threads, long from, long to) {
      FlushToZero also;
      long epoch = from / per_epoch, start = from % per_epoch * batch_size, at = from;
      Batch<T> batch = data(rows);
      batch.training = true;
      for (; at < (threads == 1 ? to : until_.load(std::memory_order_acquire)); at++) {
        batch.index = order + epoch * m + start;
        batch.rows = m - start < batch_size ? m - start : batch_size;
        batch.step = first_step + at;
        const Scalars<T> scalars{(T)table[0][at], table[1] ? (T)table[1][at] : (T)0, table[2] ? (T)table[2][at] : (T)0};
        if (!step(batch, me, threads, scalars, losses + at, at)) return at + 1;
        start += batch_size;
        if (start >= m) start = 0, epoch++;
      }
      return at;
    };
    if (Narrow<T>::fits(net_, largest)) {
      if (!narrow_ || narrow_->capacity() != largest) narrow_ = std::make_unique<Narrow<T>>(net_, largest);
      *done = narrow_->train(data(rows), order, m, batch_size, table, steps, losses);
      return DONE;
    }
    if (Tiny<T>::fits(net_, largest)) {
      *done = Tiny<T>(net_).train(data(rows), order, m, batch_size, table, steps, losses);
      return DONE;
    }
    stopped_ = false, failed_ = false;
    long k = 0;
    team_.barrier.start(1);  // the stretch before may have ended with the whole team
    if (size == 1) k = run(0, 1, 0, steps);
    while (k < steps && !stopped_) {
      if (pace_.alone()) {
        const double begin = Pace::now();
        team_.barrier.start(1);
        k = run(0, 1, k, k + 1);
        pace_.worked_alone(Pace::now() - begin);
        continue;
      }
      shares_.among(size, costs_);
      until_ = steps;
      pace_.team_begins();
      long reached = k;
      team_.run(size, [&](int me) {
        const long at = run(me, size, k, steps);
        if (me == 0) reached = at;
      });
      k = reached;
    }
    *done = k;
    return failed_ ? CALL_FAILED : DONE;
  }

  Status gradient(const RowsSpec& rows, double* loss, T* out) {
    FlushToZero flush;
    const long block = rows.count < 1024 ? rows.count : 1024;
    room_for(block);
    Batch<T> batch = data(rows);
    batch.rows = rows.count;
    batch.total = total_weight(net_, batch);
    if (rows.count == 0) memset((void*)net_.gradient, 0, (size_t)net_.packed_size * sizeof(T));
    *loss = 0;
    const int threads = net_.work * (double)rows.count < 2e7 ? 1 : team_.size();  // waking the team takes some 50 microseconds
    shares_.among(threads, costs_);
    failed_ = false;
    std::vector<T> vectors = gradients_of_calls(nullptr);
    double sum = 0;
    for (long start = 0; start < rows.count && !failed_; start += block) {
      Batch<T> part = batch;
      part.first = start, part.rows = rows.count - start < block ? rows.count - start : block;
      team_.run(threads, [&](int me) {
        FlushToZero also;
        const long from = shares_.row(part.rows, me), to = shares_.row(part.rows, me + 1);
        if (!first_half(*workers_[me], part, from, to)) failed_ = true;
        team_.barrier.wait(me);
        if (me == 0) sum += reduced_loss(*workers_[0], part.rows);
        for (int t = shares_.task(me); t < shares_.task(me + 1); t++) gradient_of(*workers_[me], net_.tasks[t], part.rows, start > 0);
      });
      if (start + block < rows.count || start > 0) vectors = gradients_of_calls(&vectors);
    }
    *loss = sum;
    net_.unpack(net_.gradient, out);
    return failed_ ? CALL_FAILED : DONE;
  }

  Status predict(const T* x, long n, T* out) {
    FlushToZero flush;
    const bool narrow = n >= 256 && Narrow<T>::predicts(net_);
    long units = 0;
    for (long s : net_.strides) units += s;
    const long fit = 200000 / (units * (long)sizeof(T)), in_rows = fit < 16 ? 16 : fit > 256 ? 256 : fit / 8 * 8, block = narrow ? Narrow<T>::CHUNK : in_rows;
    int threads = net_.work * (double)n < 1e7 ? 1 : team_.size();
    if (threads > (n + block - 1) / block) threads = (int)((n + block - 1) / block);
    if (threads < 1) threads = 1;
    while ((int)predictors_.size() < threads) predictors_.push_back(std::make_unique<Predictor>(net_, in_rows, call_));
    const long inputs = net_.widths[0], k = net_.widths[net_.spec.output], stride = net_.strides[net_.spec.output];
    std::atomic<long> next{0};
    failed_ = false;
    team_.run(threads, [&](int me) {
      FlushToZero also;
      Predictor& mine = *predictors_[me];
      if (narrow && !mine.narrow) mine.narrow = std::make_unique<Narrow<T>>(net_, Narrow<T>::CHUNK);
      if (narrow) mine.narrow->refresh();
      for (long start; (start = next.fetch_add(block)) < n && !failed_;) {
        const long rows = n - start < block ? n - start : block;
        if (narrow) {
          mine.narrow->predict(x + start * inputs, rows, out + start * k);
          continue;
        }
        Batch<T> batch{};
        batch.x = x, batch.first = start, batch.rows = rows;
        if (!predict_rows(mine.worker, batch)) failed_ = true;
        const T* from = mine.work.value[net_.spec.output];
        for (long r = 0; r < rows; r++)
          for (long c = 0; c < k; c++) out[(start + r) * k + c] = from[r * stride + c];
      }
    });
    return failed_ ? CALL_FAILED : DONE;
  }

  // values and deltas: one array (n, width) per slot; null where none is wanted.
  Status trace(const RowsSpec& rows, const int64_t* index, long n, int64_t step, T* const* values, T* const* deltas, T* losses, T* factors, double* loss, T* gradient) {
    FlushToZero flush;
    net_.derive();
    Workspace<T> work(net_, n, true, true);
    Worker<T> worker(net_, work, call_);
    Batch<T> batch = data(rows);
    batch.index = index, batch.rows = n, batch.training = true, batch.step = step;
    batch.total = total_weight(net_, batch);
    if (!first_half(worker, batch, 0, n, true)) return CALL_FAILED;
    *loss = reduced_loss(worker, n);
    for (auto& task : net_.tasks) Narrow<T>::fits(net_, n) ? Narrow<T>::gradient_of_task(worker, task, n) : gradient_of(worker, task, n, false);
    net_.unpack(net_.gradient, gradient);
    for (size_t s = 0; s < net_.widths.size(); s++)
      for (long r = 0; r < n; r++) {
        const size_t bytes = (size_t)net_.widths[s] * sizeof(T);
        if (values[s]) memcpy(values[s] + r * net_.widths[s], work.value[s] + r * net_.strides[s], bytes);
        if (deltas[s]) memcpy(deltas[s] + r * net_.widths[s], work.delta[s] + r * net_.strides[s], bytes);
      }
    memcpy(losses, work.losses, (size_t)n * sizeof(T)), memcpy(factors, work.factors, (size_t)n * sizeof(T));
    return DONE;
  }

  // what: 0 theta, 1 and 2 the slots, 3 the gradient of the last step.
  T* packed(int what) { return what == 0 ? net_.theta : what == 3 ? net_.gradient : net_.slot[what - 1]; }
  void take_out(int what, T* flat) { net_.unpack(packed(what), flat); }
  void put_in(int what, const T* flat) {
    net_.pack(flat, packed(what));
    if (what == 0) net_.derive();
  }
  void poison() {
    narrow_.reset();
    if (work_) work_->arena.fill((T)NAN);
    for (auto& predictor : predictors_) predictor->work.arena.fill((T)NAN), predictor->narrow.reset();
  }
  long damaged() const {
    long bad = net_.arena.damaged() + (work_ ? work_->arena.damaged() : 0) + (narrow_ ? narrow_->damaged() : 0);
    for (auto& predictor : predictors_) bad += predictor->work.arena.damaged() + (predictor->narrow ? predictor->narrow->damaged() : 0);
    return bad;
  }

 private:
  struct Predictor {
    Workspace<T> work;
    Worker<T> worker;
    std::unique_ptr<Narrow<T>> narrow;
    Predictor(Network<T>& net, long rows, Call call) : work(net, rows, false, false), worker(net, work, call) {}
  };

  static Batch<T> data(const RowsSpec& rows) {
    Batch<T> batch{};
    batch.x = (const T*)rows.x, batch.y = (const T*)rows.y, batch.codes = rows.codes, batch.weights = (const T*)rows.weights;
    return batch;
  }
  void room_for(long rows) {
    if (!work_ || work_->capacity < rows) {
      workers_.clear();
      work_.reset();
      work_ = std::make_unique<Workspace<T>>(net_, rows, false, true);
    }
    while ((int)workers_.size() < team_.size()) workers_.push_back(std::make_unique<Worker<T>>(net_, *work_, call_));
  }
  // Gradients that calls wrote, which replace what was there: added up over blocks here.
  std::vector<T> gradients_of_calls(const std::vector<T>* before) {
    std::vector<T> sums;
    for (auto& op : net_.ops)
      if (op.spec.kind == CALL)
        for (int k = 0; k < op.spec.param_count; k++) {
          const Param<T>& p = net_.params[op.spec.params[k]];
          for (long i = 0; i < p.packed_size; i++) {
            if (before) net_.gradient[p.packed + i] += (*before)[sums.size()];
            sums.push_back(before ? net_.gradient[p.packed + i] : (T)0);
          }
        }
    return sums;
  }

  // One step of training as thread `me` of `threads`; false to stop.
  bool step(Batch<T>& batch, int me, int threads, const Scalars<T>& scalars, double* loss_out, long at) {
    Worker<T>& mine = *workers_[me];
    Shares& shares = threads == 1 ? whole_ : shares_;
    const bool timed = threads > 1 && at % Shares::EVERY == 0;
    double begin = timed ? Pace::now() : 0;
    batch.total = total_weight(net_, batch);
    if (me == 0) shares.settle(Shares::TASKS);
    const bool fine = first_half(mine, batch, shares.row(batch.rows, me), shares.row(batch.rows, me + 1));
    if (timed) shares.took(Shares::ROWS, me, Pace::now() - begin);
    team_.barrier.wait(me);
    const double loss = reduced_loss(mine, batch.rows);  // every thread the same sum, so all stop or none
    if (me == 0) *loss_out = loss;
    if (!fine || !std::isfinite(loss)) {
      if (me == 0) stopped_ = true, failed_ = !fine;
      return false;
    }
    if (net_.spec.rule == -1) return moved_by_call(mine, batch);
    if (timed) begin = Pace::now();
    if (me == 0) shares.settle(Shares::ROWS);
    const int first = shares.task(me), last = shares.task(me + 1);
    const RuleKernel<T> rule = rule_kernel<T>(net_.spec.rule);
    if (Narrow<T>::fits(net_, batch.rows)) {  // the last batch of an epoch whose others are too large for it
      for (int t = first; t < last; t++) {
        Narrow<T>::gradient_of_task(mine, net_.tasks[t], batch.rows);
        move_task(mine, net_.tasks[t], rule, scalars, (T)1);
      }
    } else if (net_.spec.clip_norm == 0) {
      train_tasks(mine, first, last, batch.rows, rule, scalars, threads > 1);
    } else {
      for (int t = first; t < last; t++) {
        gradient_of(mine, net_.tasks[t], batch.rows, false);
        squares_[t] = square_of(mine, net_.tasks[t]);
      }
      team_.barrier.wait(me);
      double square = 0;
      for (double s : squares_) square += s;
      const double length = std::sqrt(square);
      const T shrink = length > net_.spec.clip_norm ? (T)(net_.spec.clip_norm / length) : (T)1;
      for (int t = first; t < last; t++) move_task(mine, net_.tasks[t], rule, scalars, shrink);
    }
    if (timed) shares.took(Shares::TASKS, me, Pace::now() - begin);
    // Told before the barrier, so that all threads stop after the same step.
    if (threads > 1 && me == 0 && pace_.too_slow()) until_.store(at + 1, std::memory_order_release);
    team_.barrier.wait(me);
    return true;
  }
  bool moved_by_call(Worker<T>& mine, const Batch<T>& batch) {
    for (auto& task : net_.tasks) gradient_of(mine, task, batch.rows, false);
    CallFrame frame = mine.frame_of(3, 0, batch, 0, batch.rows);
    if (call_(&frame) == 0) return true;
    stopped_ = failed_ = true;
    return false;
  }

  Network<T> net_;
  Call call_;
  Team team_;
  std::unique_ptr<Workspace<T>> work_;
  std::unique_ptr<Narrow<T>> narrow_;
  std::vector<std::unique_ptr<Worker<T>>> workers_;
  std::vector<std::unique_ptr<Predictor>> predictors_;
  std::vector<double> costs_;  // of the tasks
  Shares shares_, whole_;
  std::vector<double> squares_;
  Pace pace_;
  long paced_for_ = 0;
  std::atomic<long> until_{0};
  std::atomic<bool> stopped_{false}, failed_{false};
};

#define EXPORT __attribute__((visibility("default")))

// One call at a time for a session, whichever threads of Python they come from.
template <class S, class F> int32_t guarded(S* session, F f) {
  std::lock_guard<std::recursive_mutex> hold(session->one_at_a_time);
  try {
    return f();
  } catch (const std::bad_alloc&) {
    return NO_MEMORY;
  }
}

#define INTERFACE(T, name)                                                                                                           \
  EXPORT Session<T>* open_##name(const PlanSpec* plan, const T* theta, const T* const* slots, int32_t threads, Call call) {          \
    try {                                                                                                                            \
      return new Session<T>(*plan, theta, slots, threads, call);                                                                     \
    } catch (const std::bad_alloc&) {                                                                                                \
      return nullptr;                                                                                                                \
    }                                                                                                                                \
  }                                                                                                                                  \
  EXPORT void close_##name(Session<T>* s) { delete s; }                                                                              \
  EXPORT int32_t train_##name(Session<T>* s, const RowsSpec* rows, const int64_t* order, int64_t epochs, int64_t m, int64_t batch,   \
                              const double* const* table, int64_t first_step, double* losses, int64_t* done) {                       \
    return guarded(s, [&] { return s->train(*rows, order, epochs, m, batch, table, first_step, losses, done); });                       \
  }                                                                                                                                  \
  EXPORT int32_t gradient_##name(Session<T>* s, const RowsSpec* rows, double* loss, T* out) {                                        \
    return guarded(s, [&] { return s->gradient(*rows, loss, out); });                                                                   \
  }                                                                                                                                  \
  EXPORT int32_t predict_##name(Session<T>* s, const T* x, int64_t n, T* out) {                                                      \
    return guarded(s, [&] { return s->predict(x, n, out); });                                                                           \
  }                                                                                                                                  \
  EXPORT int32_t trace_##name(Session<T>* s, const RowsSpec* rows, const int64_t* index, int64_t n, int64_t step, T* const* values,  \
                              T* const* deltas, T* losses, T* factors, double* loss, T* gradient) {                                  \
    return guarded(s, [&] { return s->trace(*rows, index, n, step, values, deltas, losses, factors, loss, gradient); });                \
  }                                                                                                                                  \
  EXPORT void take_out_##name(Session<T>* s, int32_t what, T* flat) { s->take_out(what, flat); }                                     \
  EXPORT void put_in_##name(Session<T>* s, int32_t what, const T* flat) { s->put_in(what, flat); }                                   \
  EXPORT void poison_##name(Session<T>* s) { s->poison(); }                                                                          \
  EXPORT int64_t damaged_##name(Session<T>* s) { return s->damaged(); }

extern "C" {
INTERFACE(float, float32)
INTERFACE(double, float64)

EXPORT int32_t interface_number() { return INTERFACE; }

// Whether this machine runs the library of that instruction set; asked of the baseline, which every machine runs.
EXPORT int32_t machine_runs(const char* isa) {
  if (!strcmp(isa, "baseline")) return 1;
#if defined(__x86_64__)
  __builtin_cpu_init();
  const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  if (!strcmp(isa, "avx2") || !strcmp(isa, "wide")) return avx2;
  if (!strcmp(isa, "avx512"))
    return avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl");
#endif
  return 0;
}
}
