#include "kernels/image/resample.hpp"
#include "kernels/launch/lanes.hpp"
#include "kernels/launch/launch.hpp"
#include "kernels/launch/pixel_packs.hpp"

namespace scimix::SCIMIX_BACKEND {

namespace {

// A block computes one line of an output image. An item is a pack of channels of one pixel.
struct Lines {
  std::int64_t images;
  std::int64_t in_h, in_w, out_h, out_w;
  std::int64_t channels;

  Lines(const Tensor& x, const Tensor& y)
      : images(x.dim(0)),
        in_h(x.dim(1)),
        in_w(x.dim(2)),
        out_h(y.dim(1)),
        out_w(y.dim(2)),
        channels(x.dim(3)) {}
  [[nodiscard]] SCIMIX_HD std::int64_t count() const { return images * out_h; }
  // The offsets of line h of the block's input image, and of the block's output line.
  [[nodiscard]] SCIMIX_HD std::int64_t in_line(std::int64_t block, std::int64_t h) const {
    return block / out_h * in_h * in_w * channels + h * in_w * channels;
  }
  [[nodiscard]] SCIMIX_HD std::int64_t out_line(std::int64_t block) const {
    return block * out_w * channels;
  }
};

template <class T, int N>
void upsample(const Lines& lines, std::int64_t factor, const T* x, T* y) {
  for_each_block(lines.count(), 0, [=] SCIMIX_KERNEL_FN(Block & block) {
    const std::int64_t h = block.index() % lines.out_h / factor;
    const T* source = x + lines.in_line(block.index(), h);
    T* target = y + lines.out_line(block.index());
    const PixelPacks<N> out{lines.out_w, lines.channels};
    block.each(out.items(), [&](std::int64_t item) {
      const PixelWalk walk = out.walk(item);
      const T* from = source + walk.pixel / factor * lines.channels;
      for (std::int64_t c = walk.first; c < walk.end; c += N) {
        store_lanes<N>(target + walk.pixel * lines.channels + c, load_lanes<N>(from + c));
      }
    });
  });
}

template <class T, int N>
void downsample(const Lines& lines, std::int64_t factor, const T* x, T* y) {
  for_each_block(lines.count(), 0, [=] SCIMIX_KERNEL_FN(Block & block) {
    const std::int64_t h = block.index() % lines.out_h * factor;
    const T* source = x + lines.in_line(block.index(), h);
    T* target = y + lines.out_line(block.index());
    const PixelPacks<N> out{lines.out_w, lines.channels};
    block.each(out.items(), [&](std::int64_t item) {
      const PixelWalk walk = out.walk(item);
      const T* corner = source + walk.pixel * factor * lines.channels;
      for (std::int64_t c = walk.first; c < walk.end; c += N) {
        Lanes<compute_t<T>, N> sum{};
        for (std::int64_t r = 0; r < factor; ++r) {
          for (std::int64_t s = 0; s < factor; ++s) {
            sum = sum + load_lanes<N>(corner + (r * lines.in_w + s) * lines.channels + c);
          }
        }
        store_lanes<N>(target + walk.pixel * lines.channels + c, sum);
      }
    });
  });
}

// The taps of one output coordinate along one axis. Upsampling moves input i to coordinate i up.
// Output o covers the coordinates o down - pad + k for k = 0..taps-1. The inputs in that range are
// first, first + 1, ... below end, and input i is multiplied by tap i up - offset.
struct Reach {
  int first, end, offset;  // 32 bits divide faster

  SCIMIX_HD Reach(std::int64_t o, std::int64_t pad, std::int64_t taps, std::int64_t size, int up,
                  std::int64_t down)
      : offset(static_cast<int>(o * down - pad)) {
    const int last = offset + static_cast<int>(taps) - 1;
    first = offset > 0 ? (offset + up - 1) / up : 0;
    end = last < 0 ? 0 : last / up + 1;
    if (end > size) end = static_cast<int>(size);
  }
};

template <class T, int N>
void filter_lines(const Lines& lines, const FilterPass& pass, std::int64_t taps_h,
                  std::int64_t taps_w, const compute_t<T>* filter, const T* x, T* y) {
  using C = compute_t<T>;
  const std::int64_t taps = taps_h * taps_w;
  const auto bytes = static_cast<std::size_t>(taps) * sizeof(C) + 16;
  for_each_block(lines.count(), bytes, [=] SCIMIX_KERNEL_FN(Block & block) {
    // The filter as a correlation, gain included.
    C* weights = block.scratch<C>(taps);
    block.each(taps, [&](std::int64_t k) {
      weights[k] = filter[pass.correlate ? k : taps - 1 - k] * static_cast<C>(pass.gain);
    });
    const int up = static_cast<int>(pass.up);
    const auto width = static_cast<int>(taps_w);
    const std::int64_t channels = lines.channels;
    const std::int64_t line_step = lines.in_w * channels;
    const Reach rows(block.index() % lines.out_h, pass.pad_y0, taps_h, lines.in_h, up, pass.down);
    const T* image = x + lines.in_line(block.index(), 0);
    T* target = y + lines.out_line(block.index());
    const PixelPacks<N> out{lines.out_w, channels};
    block.each(out.items(), [&](std::int64_t item) {
      const PixelWalk walk = out.walk(item);
      const Reach columns(walk.pixel, pass.pad_x0, taps_w, lines.in_w, up, pass.down);
      const int in_reach = (columns.end - columns.first) * up;  // taps
      // The first input in range, and its tap.
      const T* corner = image + (rows.first * lines.in_w + columns.first) * channels;
      const C* tap =
          weights + (rows.first * up - rows.offset) * taps_w + columns.first * up - columns.offset;
      for (std::int64_t c = walk.first; c < walk.end; c += N) {
        Lanes<C, N> sum{};
        const T* line = corner + c;
        const C* weight = tap;
        for (int h = rows.first; h < rows.end; ++h) {
          const T* from = line;
          for (int w = 0; w < in_reach; w += up) {
            sum = sum + load_lanes<N>(from) * weight[w];
            from += channels;
          }
          line += line_step;
          weight += up * width;
        }
        store_lanes<N>(target + walk.pixel * channels + c, sum);
      }
    });
  });
}

}  // namespace

void upsample_nearest_pixels(const Tensor& x, std::int64_t factor, const Output& y) {
  dispatch_floating(x.dtype(), [&]<class T>(TypeTag<T>) {
    dispatch_lanes<T>(x.dim(3), [&]<int N>(LaneCount<N>) {
      upsample<T, N>(Lines(x, y), factor, x.data<T>(), y.data<T>());
    });
  });
}

void downsample_sum_pixels(const Tensor& x, std::int64_t factor, const Output& y) {
  dispatch_floating(x.dtype(), [&]<class T>(TypeTag<T>) {
    dispatch_lanes<T>(x.dim(3), [&]<int N>(LaneCount<N>) {
      downsample<T, N>(Lines(x, y), factor, x.data<T>(), y.data<T>());
    });
  });
}

void upfirdn(const Tensor& x, const Tensor& filter, const FilterPass& pass, const Output& y) {
  dispatch_floating(x.dtype(), [&]<class T>(TypeTag<T>) {
    dispatch_lanes<T>(x.dim(3), [&]<int N>(LaneCount<N>) {
      filter_lines<T, N>(Lines(x, y), pass, filter.dim(0), filter.dim(1),
                         filter.data<compute_t<T>>(), x.data<T>(), y.data<T>());
    });
  });
}

}  // namespace scimix::SCIMIX_BACKEND
