// An image is divided into tiles of 4x4 outputs. Each tile depends on 6x6 inputs. With the matrices
// B, G and A of the paper,
//
//   y = A^T [ (G w G^T) . (B^T x B) ] A        for each pair of channels, summed over those of x,
//
// where "." multiplies element by element. So the sums over channels become 36 matrix products, one
// for each element of a 6x6 tile. The data gradient is the same convolution with the kernel rotated
// by 180 degrees and its channels exchanged. The weight gradient is the adjoint in w:
//
//   gw = G^T [ sum over tiles of (A gy A^T) . (B^T x B) ] G.
//
// Transforms use vectors along the channels. A thread processes a few tiles at a time, so that
// their transformed values stay in its own cache.
//
// Only conv_winograd_avx2.cpp and conv_winograd_avx512.cpp include this file, and each is compiled
// with its own instruction set. Nothing here may use inline functions or templates of
// other headers, even of the standard library: the linker keeps one copy of such a function for the
// whole program, and it could be the one that only runs on the newer processor.
#pragma once

#include <omp.h>

#include "kernels/conv/conv_winograd_kernels.hpp"

namespace scimix::cpu::winograd {

namespace {

// Not std::min: see the head of this file.
constexpr std::int64_t least(std::int64_t a, std::int64_t b) {
  return a < b ? a : b;
}

// kLanes is the number of floats in a vector register, Vec, which may be loaded from any address.
// kRows is the number of rows that a block of a matrix product keeps in registers.
#if defined(__AVX512F__)
constexpr int kLanes = 16;
constexpr int kRows = 12;
#else
constexpr int kLanes = 8;
constexpr int kRows = 6;
#endif
using Vec [[gnu::vector_size(kLanes * sizeof(float)), gnu::aligned(4), gnu::may_alias]] = float;

// The bit patterns of kLanes floats, and of kLanes numbers in bf16.
using Bits [[gnu::vector_size(kLanes * sizeof(float))]] = unsigned;
using Halves [[gnu::vector_size(kLanes * sizeof(short)), gnu::aligned(2), gnu::may_alias]] =
    unsigned short;

// An element of a tensor in bf16: the upper half of a float.
struct Bf16 {
  unsigned short bits;
};

Vec load(const float* from) {
  return *reinterpret_cast<const Vec*>(from);
}
Vec load(const Bf16* from) {
  const Bits bits = __builtin_convertvector(*reinterpret_cast<const Halves*>(from), Bits) << 16;
  return reinterpret_cast<Vec>(bits);
}
void store(float* to, Vec value) {
  *reinterpret_cast<Vec*>(to) = value;
}
// Rounds to nearest, ties to even; a NaN becomes a quiet NaN, as in core/dtype.hpp.
void store(Bf16* to, Vec value) {
  const Bits bits = reinterpret_cast<Bits>(value);
  const Bits rounded = (bits + 0x7FFF + ((bits >> 16) & 1)) >> 16;
  const auto is_nan = (bits & 0x7FFFFFFF) > 0x7F800000;
  *reinterpret_cast<Halves*>(to) =
      __builtin_convertvector(is_nan ? (bits >> 16) | 0x40 : rounded, Halves);
}

constexpr int kIn = 6;                // side of a tile of inputs
constexpr int kElements = kIn * kIn;  // number of matrix products

// ---- transforms in one dimension: out = M in ----------------------------------------------------

// The method evaluates polynomials at 0, +-a, +-b and infinity. The points of the paper, 1 and 2,
// cause rounding errors twice as large (measured) as these, whose powers are closer together. These
// points are exact in binary, too.
constexpr float kA = 0.625F;
constexpr float kB = 1.5F;
constexpr float kA2 = kA * kA;
constexpr float kB2 = kB * kB;
// 1 / the product of a point's distances to the other finite points.
constexpr float kAt0 = 1 / (kA2 * kB2);
constexpr float kAtA = 1 / (2 * kA2 * (kA2 - kB2));
constexpr float kAtB = 1 / (2 * kB2 * (kB2 - kA2));

// Writes the values of a polynomial at a, -a, b and -b to out[1] to out[4], from its even and odd
// parts at a and at b.
inline void write_points(const Vec& even, const Vec& odd, const Vec& even2, const Vec& odd2,
                         Vec* out) {
  out[1] = even + odd;
  out[2] = even - odd;
  out[3] = even2 + odd2;
  out[4] = even2 - odd2;
}

// B^T
struct TransformInput {
  static constexpr int kFrom = kIn;
  static constexpr int kTo = kIn;
  static void apply(const Vec* d, Vec* out) {
    const Vec even = d[4] - kB2 * d[2];
    const Vec odd = kA * (d[3] - kB2 * d[1]);
    const Vec even2 = d[4] - kA2 * d[2];
    const Vec odd2 = kB * (d[3] - kA2 * d[1]);
    out[0] = kA2 * kB2 * d[0] - (kA2 + kB2) * d[2] + d[4];
    write_points(even, odd, even2, odd2, out);
    out[5] = kA2 * kB2 * d[1] - (kA2 + kB2) * d[3] + d[5];
  }
};

// G
struct TransformKernel {
  static constexpr int kFrom = 3;
  static constexpr int kTo = kIn;
  static void apply(const Vec* w, Vec* out) {
    const Vec even = kAtA * w[0] + kAtA * kA2 * w[2];
    const Vec odd = kAtA * kA * w[1];
    const Vec even2 = kAtB * w[0] + kAtB * kB2 * w[2];
    const Vec odd2 = kAtB * kB * w[1];
    out[0] = kAt0 * w[0];
    write_points(even, odd, even2, odd2, out);
    out[5] = w[2];
  }
};

// A^T
struct TransformOutput {
  static constexpr int kFrom = kIn;
  static constexpr int kTo = kOut;
  static void apply(const Vec* m, Vec* out) {
    const Vec sum = m[1] + m[2];
    const Vec difference = kA * (m[1] - m[2]);
    const Vec sum2 = m[3] + m[4];
    const Vec difference2 = kB * (m[3] - m[4]);
    out[0] = m[0] + sum + sum2;
    out[1] = difference + difference2;
    out[2] = kA2 * sum + kB2 * sum2;
    out[3] = kA2 * difference + kB2 * difference2 + m[5];
  }
};

// A, the adjoint of TransformOutput
struct TransformOutputGradient {
  static constexpr int kFrom = kOut;
  static constexpr int kTo = kIn;
  static void apply(const Vec* g, Vec* out) {
    const Vec even = g[0] + kA2 * g[2];
    const Vec odd = kA * (g[1] + kA2 * g[3]);
    const Vec even2 = g[0] + kB2 * g[2];
    const Vec odd2 = kB * (g[1] + kB2 * g[3]);
    out[0] = g[0];
    write_points(even, odd, even2, odd2, out);
    out[5] = g[3];
  }
};

// G^T, the adjoint of TransformKernel
struct TransformKernelGradient {
  static constexpr int kFrom = kIn;
  static constexpr int kTo = 3;
  static void apply(const Vec* u, Vec* out) {
    const Vec sum = kAtA * (u[1] + u[2]);
    const Vec sum2 = kAtB * (u[3] + u[4]);
    out[0] = kAt0 * u[0] + sum + sum2;
    out[1] = kAtA * kA * (u[1] - u[2]) + kAtB * kB * (u[3] - u[4]);
    out[2] = kA2 * sum + kB2 * sum2 + u[5];
  }
};

// Transforms both sides of a square: read(i, j) returns an element, write(i, j, value) takes one of
// the result.
template <class Transform, class Read, class Write>
inline void transform_square(Read read, Write write) {
  constexpr int kFrom = Transform::kFrom;
  constexpr int kTo = Transform::kTo;
  Vec half[kFrom][kTo];  // half[j][i]: column j, transformed
#pragma GCC unroll 6
  for (int j = 0; j < kFrom; ++j) {
    Vec column[kFrom];
    for (int i = 0; i < kFrom; ++i) column[i] = read(i, j);
    Transform::apply(column, half[j]);
  }
#pragma GCC unroll 6
  for (int i = 0; i < kTo; ++i) {
    Vec row[kFrom];
    Vec out[kTo];
    for (int j = 0; j < kFrom; ++j) row[j] = half[j][i];
    Transform::apply(row, out);
    for (int j = 0; j < kTo; ++j) write(i, j, out[j]);
  }
}

// ---- matrix products ----------------------------------------------------------------------------

// The left factor: element (row i, term d) lies at data + i * row + d * term.
struct Left {
  const float* data;
  std::int64_t row;
  std::int64_t term;
};

// The right factor: its rows one after the other, or divided into panels of kPanel columns, which
// are read sequentially.
constexpr std::int64_t kPanel = 2 * kLanes;
struct Right {
  const float* data;
  bool panels;
};

// Returns the offset of an element in a matrix that is divided into panels.
std::int64_t panel_offset(std::int64_t row, std::int64_t column, std::int64_t rows,
                          std::int64_t columns) {
  const std::int64_t first = column / kPanel * kPanel;
  return first * rows + row * least(kPanel, columns - first) + column - first;
}

// Computes a block of c = a b, or of c += a b: kRows rows and a few registers.
template <int Rows, int Registers>
inline void multiply_block(const Left& a, const float* b, std::int64_t b_row, float* c,
                           std::int64_t c_row, std::int64_t terms, bool add) {
  Vec sum[Rows][Registers];
  for (int i = 0; i < Rows; ++i) {
    for (int r = 0; r < Registers; ++r) {
      sum[i][r] = add ? load(c + i * c_row + r * kLanes) : Vec{};
    }
  }
  const float* left = a.data;
  for (std::int64_t d = 0; d < terms; ++d, left += a.term, b += b_row) {
    Vec value[Registers];
    for (int r = 0; r < Registers; ++r) value[r] = load(b + r * kLanes);
    for (int i = 0; i < Rows; ++i) {
      for (int r = 0; r < Registers; ++r) sum[i][r] += left[i * a.row] * value[r];
    }
  }
  for (int i = 0; i < Rows; ++i) {
    for (int r = 0; r < Registers; ++r) store(c + i * c_row + r * kLanes, sum[i][r]);
  }
}

// Computes the last rows, fewer than kRows.
template <int Registers, int Rows = kRows - 1>
inline void multiply_last(std::int64_t rows, const Left& a, const float* b, std::int64_t b_row,
                          float* c, std::int64_t c_row, std::int64_t terms, bool add) {
  if constexpr (Rows > 0) {
    if (rows == Rows) return multiply_block<Rows, Registers>(a, b, b_row, c, c_row, terms, add);
    multiply_last<Registers, Rows - 1>(rows, a, b, b_row, c, c_row, terms, add);
  }
}

template <int Registers>
inline void multiply_panel(Left a, const float* b, std::int64_t b_row, float* c, std::int64_t c_row,
                           std::int64_t rows, std::int64_t terms, bool add) {
  std::int64_t i = 0;
  for (; i + kRows <= rows; i += kRows, a.data += kRows * a.row, c += kRows * c_row) {
    multiply_block<kRows, Registers>(a, b, b_row, c, c_row, terms, add);
  }
  multiply_last<Registers>(rows - i, a, b, b_row, c, c_row, terms, add);
}

// c [rows, columns] = or += a [rows, terms] b [terms, columns]; columns a multiple of kLanes.
void multiply(const Left& a, const Right& b, float* c, std::int64_t rows, std::int64_t columns,
              std::int64_t terms, bool add) {
  for (std::int64_t j = 0; j < columns; j += kPanel) {
    const std::int64_t width = least(kPanel, columns - j);
    const float* const panel = b.data + (b.panels ? j * terms : j);
    const std::int64_t b_row = b.panels ? width : columns;
    if (width == kPanel) {
      multiply_panel<2>(a, panel, b_row, c + j, columns, rows, terms, add);
    } else {
      multiply_panel<1>(a, panel, b_row, c + j, columns, rows, terms, add);
    }
  }
}

// ---- tiles of images ----------------------------------------------------------------------------

// A batch of images, divided into tiles. Value is float or Bf16, const-qualified for images
// that are only read.
template <class Value>
struct Images {
  Value* data;
  std::int64_t height, width, channels;
  std::int64_t tile_rows, tile_columns;

  // The first pixel of a tile, `margin` pixels above and left of its outputs.
  struct Corner {
    Value* image;
    std::int64_t row, column;
  };
  [[nodiscard]] Corner corner(std::int64_t tile, std::int64_t margin) const {
    const std::int64_t column = tile % tile_columns;
    const std::int64_t row = tile / tile_columns % tile_rows;
    const std::int64_t image = tile / (tile_columns * tile_rows);
    return {data + image * height * width * channels, row * kOut - margin, column * kOut - margin};
  }
  [[nodiscard]] bool has(std::int64_t row, std::int64_t column) const {
    return row >= 0 && row < height && column >= 0 && column < width;
  }
};

alignas(64) constexpr float kZeros[kMaxChannels] = {};  // pixels outside of an image

// The values of `count` tiles as 36 matrices [count, channels], one for each element of a tile. The
// distance between the matrices is padded, so that their rows do not compete for the same cache
// lines.
struct Elements {
  float* data;
  std::int64_t rows, channels;

  [[nodiscard]] std::int64_t distance() const { return distance(rows, channels); }
  [[nodiscard]] static std::int64_t distance(std::int64_t rows, std::int64_t channels) {
    return rows * channels + 16;
  }
  [[nodiscard]] static std::int64_t size(std::int64_t rows, std::int64_t channels) {
    return kElements * distance(rows, channels);
  }
  [[nodiscard]] float* matrix(int element) const { return data + element * distance(); }
};

// Reads Transform::kFrom^2 pixels of each tile and transforms them.
template <class Transform, class Value>
void gather(const Images<const Value>& images, std::int64_t first, std::int64_t count,
            std::int64_t margin, const Elements& to) {
  constexpr int kFrom = Transform::kFrom;
  for (std::int64_t t = 0; t < count; ++t) {
    const auto corner = images.corner(first + t, margin);
    const Value* pixels[kFrom][kFrom];
    for (int i = 0; i < kFrom; ++i) {
      for (int j = 0; j < kFrom; ++j) {
        const std::int64_t row = corner.row + i;
        const std::int64_t column = corner.column + j;
        pixels[i][j] = images.has(row, column)
                           ? corner.image + (row * images.width + column) * images.channels
                           : reinterpret_cast<const Value*>(kZeros);
      }
    }
    for (std::int64_t c = 0; c < images.channels; c += kLanes) {
      float* const out = to.data + t * to.channels + c;
      const std::int64_t distance = to.distance();
      transform_square<Transform>(
          [&](int i, int j) { return load(pixels[i][j] + c); },
          [&](int i, int j, Vec value) { store(out + (i * kIn + j) * distance, value); });
    }
  }
}

// Transforms the products back and writes the pixels of the tiles that are inside the images.
template <class Value>
void scatter(const Elements& from, const Images<Value>& images, std::int64_t first,
             std::int64_t count) {
  for (std::int64_t t = 0; t < count; ++t) {
    const auto corner = images.corner(first + t, 0);
    for (std::int64_t k = 0; k < images.channels; k += kLanes) {
      const float* const in = from.data + t * from.channels + k;
      const std::int64_t distance = from.distance();
      transform_square<TransformOutput>(
          [&](int i, int j) { return load(in + (i * kIn + j) * distance); },
          [&](int i, int j, Vec value) {
            const std::int64_t row = corner.row + i;
            const std::int64_t column = corner.column + j;
            if (!images.has(row, column)) return;
            store(corner.image + (row * images.width + column) * images.channels + k, value);
          });
    }
  }
}

// ---- the work of one thread ---------------------------------------------------------------------

// The items of one thread: contiguous, in groups that fill a block of a matrix product.
struct ThreadItems {
  std::int64_t first;
  std::int64_t last;
};

ThreadItems items_of_thread(std::int64_t items) {
  const std::int64_t groups = (items + kRows - 1) / kRows;
  const std::int64_t thread = omp_get_thread_num();
  const std::int64_t threads = omp_get_num_threads();
  return {least(items, groups * thread / threads * kRows),
          least(items, groups * (thread + 1) / threads * kRows)};
}

// Returns how many tiles a thread transforms at a time: about `bytes` of values, which fit into its
// second-level cache, but at least `least_groups` groups and at most 16.
std::int64_t tiles_at_once(std::int64_t channels, std::int64_t bytes, std::int64_t least_groups) {
  const auto per_tile = static_cast<std::int64_t>(kElements * sizeof(float)) * channels;
  const std::int64_t groups = (bytes / per_tile + kRows - 1) / kRows;
  return least(groups < least_groups ? least_groups : groups, 16) * kRows;
}

// How kernels are read: as they are [to, 3, 3, from], or rotated by 180 degrees with their channels
// exchanged.
enum class KernelUse { forward, backward };

// Transforms the kernels into 36 matrices [from, to] in panels, where sums run over the channels
// `from`. All threads must call it.
template <class Value>
void transform_kernels(const Value* ws, std::int64_t kernels, std::int64_t channels, KernelUse use,
                       const Elements& out) {
  const std::int64_t distance = out.distance();
  if (use == KernelUse::backward) {
#pragma omp for schedule(static)
    for (std::int64_t k = 0; k < kernels; ++k) {
      for (std::int64_t c = 0; c < channels; c += kLanes) {
        const Value* const taps = ws + k * 9 * channels + c;
        float* const to = out.data + panel_offset(k, c, kernels, channels);
        transform_square<TransformKernel>(
            [&](int i, int j) { return load(taps + ((2 - i) * 3 + 2 - j) * channels); },
            [&](int i, int j, Vec value) { store(to + (i * kIn + j) * distance, value); });
      }
    }
    return;
  }
  // Vectors run along the kernels, which are far apart in memory, so a square of channels is copied
  // first.
#pragma omp for collapse(2) schedule(static)
  for (std::int64_t c = 0; c < channels; c += kLanes) {
    for (std::int64_t k = 0; k < kernels; k += kLanes) {
      float taps[9][kLanes][kLanes];
      for (int l = 0; l < kLanes; ++l) {
        for (int tap = 0; tap < 9; ++tap) {
          store(taps[tap][l], load(ws + ((k + l) * 9 + tap) * channels + c));
        }
      }
      for (int m = 0; m < kLanes; ++m) {
        float* const to = out.data + panel_offset(c + m, k, channels, kernels);
        transform_square<TransformKernel>(
            [&](int i, int j) {
              Vec value;
              for (int l = 0; l < kLanes; ++l) value[l] = taps[i * 3 + j][l][m];
              return value;
            },
            [&](int i, int j, Vec value) { store(to + (i * kIn + j) * distance, value); });
      }
    }
  }
}

// How the workspace of `convolve` is divided: the transformed kernels, and for each thread the
// values and the products of a few tiles.
struct ConvolveParts {
  ConvolveParts(std::int64_t from, std::int64_t to)
      : block(tiles_at_once(from + to, 1 << 17, 1)),
        kernels(Elements::size(from, to)),
        values(Elements::size(block, from)),
        products(Elements::size(block, to)) {}
  std::int64_t block;                      // tiles
  std::int64_t kernels, values, products;  // floats
};

// out = conv(in, w), both [N,height,width,channels], with `pad` zeros around `in`. w [K,3,3,C].
template <class Value>
void convolve(const Images<const Value>& in, const Value* w, KernelUse use,
              const Images<Value>& out, std::int64_t images, std::int64_t pad,
              const Workspace& workspace) {
  const std::int64_t tiles = images * out.tile_rows * out.tile_columns;
  const ConvolveParts parts(in.channels, out.channels);
  const bool forward = use == KernelUse::forward;
  const Elements kernels{workspace.memory, in.channels, out.channels};
#pragma omp parallel num_threads(workspace.threads)
  {
    transform_kernels(w, forward ? out.channels : in.channels, forward ? in.channels : out.channels,
                      use, kernels);  // ends in a barrier
    float* const own =
        workspace.memory + parts.kernels + omp_get_thread_num() * (parts.values + parts.products);
    const Elements values{own, parts.block, in.channels};
    const Elements products{own + parts.values, parts.block, out.channels};
    const ThreadItems mine = items_of_thread(tiles);
    for (std::int64_t first = mine.first; first < mine.last; first += parts.block) {
      const std::int64_t count = least(parts.block, mine.last - first);
      gather<TransformInput>(in, first, count, pad, values);
      for (int e = 0; e < kElements; ++e) {
        multiply({values.matrix(e), in.channels, 1}, {kernels.matrix(e), true}, products.matrix(e),
                 count, out.channels, in.channels, false);
      }
      scatter(products, out, first, count);
    }
  }
}

// ---- the entries of the table -------------------------------------------------------------------

// How one thread's part of the workspace of `wgrad` is divided: its sum of transformed gradients,
// which is 4 times as large as the kernel, and the values of a few tiles of both operands.
struct WgradParts {
  explicit WgradParts(const Problem& p)
      : block(tiles_at_once(p.c + p.k, 1 << 18, 2)),
        sums(Elements::size(p.k, p.c)),
        x_values(Elements::size(block, p.c)),
        all(sums + x_values + Elements::size(block, p.k)) {}
  std::int64_t block;                // tiles
  std::int64_t sums, x_values, all;  // floats
};

std::int64_t workspace_floats(WinogradPass pass, const Problem& p, int threads) {
  if (pass == WinogradPass::wgrad) return threads * WgradParts(p).all;
  const bool forward = pass == WinogradPass::fprop;
  const ConvolveParts parts(forward ? p.c : p.k, forward ? p.k : p.c);
  return parts.kernels + threads * (parts.values + parts.products);
}

template <class Value>
void fprop(const Problem& p, const void* x, const void* w, void* y, const Workspace& workspace) {
  const std::int64_t rows = tiles_along(p.p);
  const std::int64_t columns = tiles_along(p.q);
  convolve<Value>({static_cast<const Value*>(x), p.h, p.w, p.c, rows, columns},
                  static_cast<const Value*>(w), KernelUse::forward,
                  {static_cast<Value*>(y), p.p, p.q, p.k, rows, columns}, p.n, p.pad, workspace);
}

template <class Value>
void dgrad(const Problem& p, const void* gy, const void* w, void* gx, const Workspace& workspace) {
  const std::int64_t rows = tiles_along(p.h);
  const std::int64_t columns = tiles_along(p.w);
  convolve<Value>({static_cast<const Value*>(gy), p.p, p.q, p.k, rows, columns},
                  static_cast<const Value*>(w), KernelUse::backward,
                  {static_cast<Value*>(gx), p.h, p.w, p.c, rows, columns}, p.n, 2 - p.pad,
                  workspace);
}

// Value is the type of the images, Gradient that of the weight gradient.
template <class Value, class Gradient>
void wgrad(const Problem& p, const void* gy, const void* x, void* gw, const Workspace& workspace) {
  const std::int64_t tile_rows = tiles_along(p.p);
  const std::int64_t tile_columns = tiles_along(p.q);
  const Images<const Value> inputs{
      static_cast<const Value*>(x), p.h, p.w, p.c, tile_rows, tile_columns};
  const Images<const Value> outputs{
      static_cast<const Value*>(gy), p.p, p.q, p.k, tile_rows, tile_columns};
  const std::int64_t tiles = p.n * tile_rows * tile_columns;
  const WgradParts parts(p);
#pragma omp parallel num_threads(workspace.threads)
  {
    float* const own = workspace.memory + omp_get_thread_num() * parts.all;
    const Elements sums{own, p.k, p.c};
    const Elements x_values{own + parts.sums, parts.block, p.c};
    const Elements gy_values{own + parts.sums + parts.x_values, parts.block, p.k};
    const ThreadItems mine = items_of_thread(tiles);
    if (mine.first == mine.last) {
      for (std::int64_t i = 0; i < parts.sums; ++i) own[i] = 0;
    }
    for (std::int64_t first = mine.first; first < mine.last; first += parts.block) {
      const std::int64_t count = least(parts.block, mine.last - first);
      gather<TransformInput>(inputs, first, count, p.pad, x_values);
      gather<TransformOutputGradient>(outputs, first, count, 0, gy_values);
      for (int e = 0; e < kElements; ++e) {
        multiply({gy_values.matrix(e), 1, p.k}, {x_values.matrix(e), false}, sums.matrix(e), p.k,
                 p.c, count, first != mine.first);
      }
    }
#pragma omp barrier
    const int team = omp_get_num_threads();
#pragma omp for schedule(static)
    for (std::int64_t k = 0; k < p.k; ++k) {
      for (std::int64_t c = 0; c < p.c; c += kLanes) {
        const float* const in = workspace.memory + k * p.c + c;
        Gradient* const taps = static_cast<Gradient*>(gw) + k * 9 * p.c + c;
        transform_square<TransformKernelGradient>(
            [&](int i, int j) {
              const float* const at = in + (i * kIn + j) * sums.distance();
              Vec sum = load(at);
              for (int t = 1; t < team; ++t) sum += load(at + t * parts.all);
              return sum;
            },
            [&](int i, int j, Vec value) { store(taps + (i * 3 + j) * p.c, value); });
      }
    }
  }
}

template <class Value, class Sum>
constexpr WinogradKernels kKernels{.workspace_floats = workspace_floats,
                                   .fprop = fprop<Value>,
                                   .dgrad = dgrad<Value>,
                                   .wgrad = wgrad<Value, Sum>};

const WinogradKernels& kernels_of(Stored stored) {
  if (stored == Stored::f32) return kKernels<float, float>;
  return stored == Stored::bf16 ? kKernels<Bf16, Bf16> : kKernels<Bf16, float>;
}

}  // namespace
}  // namespace scimix::cpu::winograd
