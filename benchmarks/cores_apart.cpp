// What can two cores do, how far are they apart, and what does it cost to write what the other one reads?
//
//     c++ -O2 -std=c++17 -march=native -pthread benchmarks/cores_apart.cpp -o /tmp/cores_apart && /tmp/cores_apart
//
// x86 with AVX2 on Linux, processors 0 and 1. Prints the operations of a loop of nothing but multiply-adds (two each), on one
// core and on both: no product of matrices can do more; the round trip of a flag; and nanoseconds for each line of 64 bytes in
// which a core stores what the other one has a copy of: with plain stores, and with stores past the caches, which the compiled
// engine uses for the weights that several threads read. Repeated, because the host of a virtual machine moves its cores about.
#include <immintrin.h>
#include <pthread.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <thread>

static double now() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }
static void sit_on(int cpu) {
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(cpu, &one);
  pthread_setaffinity_np(pthread_self(), sizeof one, &one);
}

alignas(128) static std::atomic<long> flag{0};

// Thread 0 and thread 1 wait for each other for the k-th time.
static void meet(int me, long k) {
  if (me == 0) flag.store(2 * k - 1, std::memory_order_release);
  else while (flag.load(std::memory_order_acquire) != 2 * k - 1) {}
  if (me == 1) flag.store(2 * k, std::memory_order_release);
  else while (flag.load(std::memory_order_acquire) != 2 * k) {}
}
template <class F> static void both(F work) {
  flag = 0;
  std::thread other([&] { sit_on(1), work(1); });
  sit_on(0), work(0);
  other.join();
}

#if defined(__AVX512F__)
typedef float Vector __attribute__((vector_size(64)));
#else
typedef float Vector __attribute__((vector_size(32)));
#endif
// Float32 operations a second, in thousand millions; compiled with multiply-adds contracted, which is GCC's habit.
static double multiply_adds() {
  constexpr int chains = 12;
  constexpr long lanes = sizeof(Vector) / sizeof(float), turns = 200000;
  Vector sums[chains] = {};
  const Vector by = Vector{} + 0.999f, plus = Vector{} + 0.001f;
  long done = 0;
  const double begin = now();
  while (now() - begin < 0.1) {
    for (long k = 0; k < turns; k++)
#pragma GCC unroll 12
      for (int i = 0; i < chains; i++) sums[i] = sums[i] * by + plus;
    done += turns;
  }
  const double took = now() - begin;
  volatile float keep = 0;
  for (auto& sum : sums) keep = keep + sum[0];
  return 2.0 * (double)(done * chains * lanes) / took / 1e9;
}

static double round_trip() {
  constexpr long times = 20000;
  double took = 0;
  both([&](int me) {
    const double begin = now();
    for (long k = 1; k <= times; k++) meet(me, k);
    if (me == 0) took = now() - begin;
  });
  return took / times * 1e9;
}

struct Costs { double write, read; };
static Costs shared_lines(float* at, long count, bool past_the_caches) {
  constexpr int rounds = 60;
  double wrote = 0, read = 0;
  volatile float keep = 0;
  both([&](int me) {
    for (long r = 0; r < rounds; r++) {
      meet(me, 2 * r + 1);
      double begin = now();
      if (me == 0) {
        const __m256 x = _mm256_set1_ps((float)r);
        for (long i = 0; i < count; i += 8) past_the_caches ? _mm256_stream_ps(at + i, x) : _mm256_store_ps(at + i, x);
        _mm_sfence();
        wrote += now() - begin;
      }
      meet(me, 2 * r + 2);
      begin = now();
      __m256 sum = _mm256_setzero_ps();
      for (long i = 0; i < count; i += 8) sum = _mm256_add_ps(sum, _mm256_load_ps(at + i));
      if (me == 1) read += now() - begin, keep = keep + sum[0];
    }
  });
  const double lines = rounds * (double)count / 16;
  return {wrote / lines * 1e9, read / lines * 1e9};
}

int main() {
  constexpr long count = 1 << 17;  // half a megabyte
  float* at = (float*)aligned_alloc(4096, count * sizeof(float));
  for (long i = 0; i < count; i++) at[i] = 0;
  for (int time = 0; time < 8; time++) {
    sit_on(0);
    const double one = multiply_adds();
    double each[2];
    both([&](int me) { each[me] = multiply_adds(); });
    const double trip = round_trip();
    const Costs plain = shared_lines(at, count, false), past = shared_lines(at, count, true);
    printf("%3.0f GFLOP/s, both cores %3.0f; ", one, each[0] + each[1]);
    printf("round trip %4.0f ns; a line stored %5.1f ns, read by the other core %4.1f; past the caches %4.1f and %4.1f\n", trip, plain.write, plain.read, past.write, past.read);
    std::this_thread::sleep_for(std::chrono::milliseconds(500));
  }
  free(at);
}
