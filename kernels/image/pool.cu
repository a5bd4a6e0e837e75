#include "kernels/image/pool.hpp"
#include "kernels/launch/lanes.hpp"
#include "kernels/launch/launch.hpp"
#include "kernels/launch/row_chunks.hpp"

namespace scimix::SCIMIX_BACKEND {

namespace {

constexpr std::int64_t kGroup = 128;  // channels of a block
constexpr std::size_t kScratch = 10 * 1024;

template <class T, int N>
void average(std::int64_t images, std::int64_t pixels, std::int64_t channels, const T* x, T* y) {
  using C = compute_t<T>;
  using V = Lanes<C, N>;
  const std::int64_t groups = (channels + kGroup - 1) / kGroup;
  for_each_block(images * groups, kScratch, [=] SCIMIX_KERNEL_FN(Block & block) {
    const std::int64_t image = block.index() / groups;
    const std::int64_t first = block.index() % groups * kGroup;
    const std::int64_t mine = channels - first < kGroup ? channels - first : kGroup;
    const RowTile tile{0, image, image * pixels, pixels, first, mine};
    const RowLanes<N> share(tile);
    const T* corner = x + tile.first_row * channels + first;
    C* sums = block.scratch<C>(share.lanes * mine);
    block.each(share.items(), [&](std::int64_t item) {
      const RowWalk walk = share.walk(item);
      V sum{};
      SCIMIX_UNROLL_ROWS
      for (std::int64_t row = walk.first; row < walk.end; row += walk.step) {
        sum = sum + load_lanes<N>(corner + row * channels + walk.channel);
      }
      store_lanes<N>(sums + walk.lane * mine + walk.channel, sum);
    });
    combine_lanes(block, sums, share.lanes, mine);
    block.each(mine, [&](std::int64_t c) {
      y[image * channels + first + c] = static_cast<T>(sums[c] / static_cast<C>(pixels));
    });
  });
}

}  // namespace

void average_pool(const Tensor& x, const Output& y) {
  dispatch_floating(x.dtype(), [&]<class T>(TypeTag<T>) {
    dispatch_lanes<T>(x.dim(3), [&]<int N>(LaneCount<N>) {
      average<T, N>(x.dim(0), x.dim(1) * x.dim(2), x.dim(3), x.data<T>(), y.data<T>());
    });
  });
}

}  // namespace scimix::SCIMIX_BACKEND
