// Matrix products from register tiles. Every output element is one accumulator to which products are added in ascending k with
// fused multiply-adds; tiles and threads split rows and columns, never k: that is why no split and no width changes a bit.
#pragma once

#include "vector.hpp"

// A tile has up to TILE_ROWS rows of TILE_VECTORS vectors: what the registers hold.
#if VECTOR_BYTES == 64 && defined(__AVX512F__)
constexpr int TILE_ROWS = 8;
#else
constexpr int TILE_ROWS = 6;
#endif
constexpr int TILE_VECTORS = 2;
constexpr long BLOCK_ROWS = 12 * TILE_ROWS;  // so many rows of a stretch of k stay in the second cache, their pages known
constexpr long DEPTH = 256;                  // so many rows of a panel stay in the first cache

// c[r][v] += sum over k of a[r * row + k * step] * b[k * stride + v * width]
template <class T, int R, int C>
INLINE void multiply(long depth, const T* a, long row, long step, const T* b, long stride, Vec<T> (&c)[R][C], long ahead) {
  for (long k = 0; k < depth; k++, a += step, b += stride) {
    Vec<T> right[C];
#pragma GCC unroll 4
    for (int v = 0; v < C; v++) __builtin_prefetch(b + ahead + v * width<T>, 0, 2);
#pragma GCC unroll 4
    for (int v = 0; v < C; v++) right[v] = load(b + v * width<T>);
#pragma GCC unroll 16
    for (int r = 0; r < R; r++) {
      const Vec<T> left = spread(a[r * row]);
#pragma GCC unroll 4
      for (int v = 0; v < C; v++) c[r][v] = fma(left, right[v], c[r][v]);
    }
  }
}

// out = start + a b over some rows and C vectors of columns; a null `start` means that the sums go on from what is in `out`.
template <class T> struct Product {
  const T* a;
  long row, step;  // from row to row of the result, and from k to k + 1
  const T* b;
  long stride;
  long depth;
  const T* start;
  T* out;
  long out_stride;
  long ahead = 0;  // from b to what the next product reads, which is fetched meanwhile
};

template <class T, int R, int C> INLINE void run_tile(const Product<T>& t, const T* a, T* out) {
  Vec<T> c[R][C];
#pragma GCC unroll 16
  for (int r = 0; r < R; r++)
#pragma GCC unroll 4
    for (int v = 0; v < C; v++) c[r][v] = load((t.start ? t.start : out + r * t.out_stride) + v * width<T>);
  multiply<T, R, C>(t.depth, a, t.row, t.step, t.b, t.stride, c, t.ahead);
#pragma GCC unroll 16
  for (int r = 0; r < R; r++)
#pragma GCC unroll 4
    for (int v = 0; v < C; v++) store(out + r * t.out_stride + v * width<T>, c[r][v]);
}

// Two vectors of columns: tiles of TILE_ROWS. One vector: twice as many rows, so that the sums in flight hide the latency of a
// multiply-add.
template <class T, int C, int R> INLINE bool run_rest(const Product<T>& t, const T* a, T* out, long rows) {
  if constexpr (R == 0) return rows == 0;
  else {
    if (rows != R) return run_rest<T, C, R - 1>(t, a, out, rows);
    run_tile<T, R, C>(t, a, out);
    return true;
  }
}
template <class T, int C> __attribute__((noinline)) void run_rows(const Product<T>& t, long rows) {
  constexpr int R = C == 1 ? 2 * TILE_ROWS : TILE_ROWS, half = (R + TILE_ROWS) / 2 - (C == 1 ? 1 : 0);
  const T* a = t.a;
  T* out = t.out;
  for (; rows >= R + (C == 1 ? half : 0) || rows == R; rows -= R, a += R * t.row, out += R * t.out_stride) run_tile<T, R, C>(t, a, out);
  if (rows > R) {
    run_tile<T, half, C>(t, a, out);
    rows -= half, a += half * t.row, out += half * t.out_stride;
  }
  run_rest<T, C, R - 1>(t, a, out, rows);
}
template <class T> INLINE void multiply_rows(int vectors, long rows, const Product<T>& t) {
  vectors == 1 ? run_rows<T, 1>(t, rows) : run_rows<T, 2>(t, rows);
}

INLINE long round_up(long n, long m) { return (n + m - 1) / m * m; }
// Cuts a length into equal stretches of about `wanted`, whole multiples of `unit`: a short last one would waste its tiles.
INLINE long even_stretch(long length, long wanted, long unit) {
  const long count = (length + wanted / 2) / wanted;
  return count <= 1 ? (length > unit ? length : unit) : round_up((length + count - 1) / count, unit);
}

// How the rows of a slot lie in memory: padded to whole vectors, and no multiple of 1 KiB apart, which would make the rows of
// a tile compete for the same lines of the first cache.
template <class T> INLINE long stride_of(long units) {
  const long padded = round_up(units, TILE_VECTORS * width<T>);
  return padded * (long)sizeof(T) % 1024 == 0 ? padded + 64 / (long)sizeof(T) : padded;
}

// A matrix (from, to) in panels of columns: panel p holds columns p*columns .. as rows of `columns` entries, one after another.
// Narrow matrices have panels of one vector.
template <class T> struct Panels {
  long from = 0, to = 0, columns = 0;
  void shape(long from_, long to_) {
    from = from_, to = to_, columns = to <= width<T> ? width<T> : TILE_VECTORS * width<T>;
  }
  long count() const { return (to + columns - 1) / columns; }
  long size() const { return count() * from * columns; }
  long at(long i, long o) const { return o / columns * columns * from + i * columns + o % columns; }
  long columns_of(long panel) const { return to - panel * columns < columns ? to - panel * columns : columns; }
  int vectors(long panel) const { return (int)((columns_of(panel) + width<T> - 1) / width<T>); }
};

// out (rows, to) = bias + a (rows, from) times the panels, calling `finish(row, rows, column, vectors)` on every block done,
// while it is in the first cache. All panels pass by a block of `a` that stays in the second, a stretch of k at a time; what lies
// behind a panel (the next one, or the next layer's first) is fetched meanwhile.
template <class T, class F>
INLINE void times_panels(const T* a, long a_stride, long rows, const Panels<T>& shape, const T* panels, const T* bias, T* out, long out_stride, F finish) {
  const long stretch = even_stretch(shape.from, DEPTH, 8), block = even_stretch(rows, BLOCK_ROWS, TILE_ROWS);
  for (long r = 0; r < rows; r += block) {
    const long count = rows - r < block ? rows - r : block;
    for (long k = 0; k < shape.from || k == 0; k += stretch) {
      const long depth = shape.from - k < stretch ? shape.from - k : stretch;
      const bool last = k + stretch >= shape.from;
      for (long p = 0; p < shape.count(); p++) {
        multiply_rows<T>(shape.vectors(p), count, {a + r * a_stride + k, a_stride, 1, panels + (p * shape.from + k) * shape.columns, shape.columns, depth,
                                                   k ? nullptr : bias + p * shape.columns, out + r * out_stride + p * shape.columns, out_stride, shape.from * shape.columns});
        if (last) finish(r, count, p * shape.columns, shape.vectors(p));
      }
    }
  }
}

// A square of vectors, or the `rows` x `columns` corner of one, turned over its diagonal. All of `in` may be read and all of
// the rows of `out` written: panels are padded.
template <class T> INLINE void transpose_square(const T* in, long in_stride, int rows, int columns, T* out, long out_stride) {
  constexpr int n = width<T>;
  Vec<T> square[n];
#pragma GCC unroll 16
  for (int r = 0; r < n; r++) square[r] = r < rows ? load(in + r * in_stride) : Vec<T>{};
  transpose(square);
#pragma GCC unroll 16
  for (int c = 0; c < n; c++)
    if (c < columns) store(out + c * out_stride, square[c]);
}

// Some rows of panel p, turned into rows of `out_stride` entries.
template <class T> void turn(const Panels<T>& shape, const T* in, long p, long count, T* out, long out_stride) {
  constexpr int n = width<T>;
  const long columns = shape.columns_of(p);
  for (long c = 0; c < columns; c += n) {
    const int across = (int)(columns - c < n ? columns - c : n);
    for (long i = 0; i < count; i += n) {
      const int rows = (int)(count - i < n ? count - i : n);
      const T* corner = in + i * shape.columns + c;
      T* to = out + c * out_stride + i;
      if (rows == n && across == n) transpose_square(corner, shape.columns, n, n, to, out_stride);
      else if (rows * across > 3 * n) transpose_square(corner, shape.columns, rows, across, to, out_stride);
      else
        for (int r = 0; r < rows; r++)
          for (int k = 0; k < across; k++) to[k * out_stride + r] = corner[r * shape.columns + k];
    }
  }
}

template <class T> void stream_all(const T* from, long count, T* to) {
  for (long i = 0; i < count; i += width<T>) stream(to + i, load(from + i));
}

// Panel q of the transposed matrix, whose panels have `columns` columns, from the panels of the matrix.
template <class T> void turned_panel(const Panels<T>& shape, const T* panels, long q, long columns, T* out) {
  const long first = q * columns, count = shape.from - first < columns ? shape.from - first : columns;
  if (count % width<T>) memset((void*)out, 0, (size_t)(shape.to * columns) * sizeof(T));
  for (long p = 0; p < shape.count(); p++) turn(shape, panels + (p * shape.from + first) * shape.columns, p, count, out + p * shape.columns * columns, columns);
}

// Copies `columns` columns (whole vectors) of some rows side by side.
template <class T> const T* side_by_side(const T* in, long stride, long rows, long columns, T* out) {
  for (long r = 0; r < rows; r++)
    for (long c = 0; c < columns; c += width<T>) store(out + r * columns + c, load(in + r * stride + c));
  return out;
}

// Loads rows into lanes: column c of `count` <= width rows becomes lane by lane one vector; missing rows repeat the first.
template <class T> INLINE void rows_to_lanes(const T* const* rows, long units, Vec<T>* columns) {
  constexpr int n = width<T>;
  for (long c = 0; c < units; c += n) {
    Vec<T> square[n];
    for (int r = 0; r < n; r++) square[r] = load(rows[r] + c);
    transpose(square);
    for (int i = 0; i < n && c + i < units; i++) columns[c + i] = square[i];
  }
}
template <class T> INLINE void lanes_to_rows(const Vec<T>* columns, long units, int count, T* out, long stride) {
  constexpr int n = width<T>;
  for (long c = 0; c < units; c += n) {
    Vec<T> square[n];
    for (int i = 0; i < n; i++) square[i] = c + i < units ? columns[c + i] : Vec<T>{};
    transpose(square);
    for (int r = 0; r < count; r++) store(out + r * stride + c, square[r]);
  }
}
