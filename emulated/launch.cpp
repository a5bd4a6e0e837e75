// Runs kernels: each thread of a block is a fiber, and the blocks of a grid run in a random order.
#include <cxxabi.h>
#include <sys/mman.h>

#include <algorithm>
#include <boost/context/detail/fcontext.hpp>
#include <cstdlib>
#include <emulated_kernel.hpp>
#include <map>
#include <numeric>
#include <unordered_map>

#include "emulated/gpu.hpp"

namespace scimix::emulated {

constinit thread_local uint3 threadIdx{};
constinit thread_local uint3 blockIdx{};
constinit thread_local uint3 gridDim{};

namespace {

using boost::context::detail::fcontext_t;
using boost::context::detail::jump_fcontext;
using boost::context::detail::make_fcontext;
using boost::context::detail::transfer_t;

constexpr unsigned kMostThreads = 1024;
constexpr unsigned kWarp = 32;
constexpr std::size_t kStack = 128 * 1024;
constexpr std::size_t kPage = 4096;
constexpr std::size_t kUnaskedShared = 48 * 1024;
constexpr std::size_t kMostShared = 227 * 1024;
constexpr std::size_t kGuard = 256;
constexpr unsigned char kGuardByte = 0xA5;
constexpr unsigned char kPoison = 0xFF;  // f32 and bf16 numbers of such bytes are NaN

enum class State { idle, ready, at_barrier, at_shuffle, finished };

struct Fiber {
  fcontext_t context = nullptr;
};

struct Thread {
  State state = State::ready;
  int fiber = -1;
  bool waited = false;         // has called cudaGridDependencySynchronize
  unsigned shuffles = 0;       // made so far
  std::uint64_t bits[2] = {};  // what it passed to the last two
};

class BlockRunner {
 public:
  BlockRunner() : shared_(kMostShared + 2 * kGuard) {
    // Stacks of fibers with a page between them that nobody may touch.
    stacks_ = static_cast<unsigned char*>(mmap(nullptr, kMostThreads * (kStack + kPage), PROT_NONE,
                                               MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
    if (stacks_ == MAP_FAILED) die("no memory for the stacks of fibers");
  }
  ~BlockRunner() { munmap(stacks_, kMostThreads * (kStack + kPage)); }
  BlockRunner(const BlockRunner&) = delete;
  BlockRunner& operator=(const BlockRunner&) = delete;

  // False where the block did something that it must not.
  bool run(const std::string& name, unsigned threads, std::size_t shared, bool early,
           const std::function<void()>& body) {
    body_ = &body;
    threads_.assign(threads, {});
    prepare_shared(shared);
    // Any odd factor makes an order of all threads, since their number is a power of two; other
    // numbers are walked in turn.
    const bool power = (threads & (threads - 1)) == 0;
    for (;;) {
      const unsigned factor = power ? random_below(threads) | 1U : 1U;
      const unsigned offset = random_below(threads);
      for (unsigned i = 0; i < threads; ++i) step((i * factor + offset) % threads);
      unsigned finished = 0;
      unsigned waiting = 0;
      bool shuffled = false;
      for (unsigned warp = 0; warp < threads; warp += kWarp) {
        shuffled = release_warp(warp, std::min(warp + kWarp, threads)) || shuffled;
      }
      for (const Thread& thread : threads_) {
        finished += thread.state == State::finished ? 1 : 0;
        waiting += thread.state == State::at_barrier ? 1 : 0;
      }
      if (finished == threads) break;
      if (waiting == threads) {
        for (Thread& thread : threads_) thread.state = State::ready;
        continue;
      }
      if (shuffled) continue;
      // Nobody can go on. The fibers that wait are lost with their stacks.
      report_fault(cudaErrorLaunchFailure,
                   "a barrier that not all threads reach: of " + std::to_string(threads) +
                       " threads, " + std::to_string(waiting) + " wait at a barrier, " +
                       std::to_string(threads - finished - waiting) + " in a shuffle, and " +
                       std::to_string(finished) + " have ended, in kernel " + name);
      forget_fibers();
      return false;
    }
    return check_shared(name, shared) && (!early || check_waited(name));
  }

  void wait_for_predecessors() { threads_[current_].waited = true; }

  [[nodiscard]] unsigned char* shared() { return shared_.data() + kGuard; }

  void wait(State state) {
    Thread& thread = threads_[current_];
    thread.state = state;
    const uint3 place = threadIdx;
    switch_out();
    threadIdx = place;
  }

  std::uint64_t exchange(unsigned participants, std::uint64_t bits, int mask) {
    if (participants != 0xFFFFFFFFU) {
      report_fault(cudaErrorLaunchFailure, "a shuffle of a part of a warp is not emulated");
    }
    const unsigned mine = current_;
    Thread& thread = threads_[mine];
    const unsigned parity = thread.shuffles & 1U;
    thread.bits[parity] = bits;
    ++thread.shuffles;
    wait(State::at_shuffle);
    const unsigned other = mine ^ static_cast<unsigned>(mask);
    return other < threads_.size() ? threads_[other].bits[parity] : bits;
  }

 private:
  void prepare_shared(std::size_t bytes) {
    std::fill_n(shared_.begin(), kGuard, kGuardByte);
    std::fill_n(shared_.begin() + kGuard, bytes, kPoison);
    std::fill_n(shared_.begin() + static_cast<std::ptrdiff_t>(kGuard + bytes), kGuard, kGuardByte);
  }
  bool check_shared(const std::string& name, std::size_t bytes) const {
    for (std::size_t i = 0; i < kGuard; ++i) {
      if (shared_[i] == kGuardByte && shared_[kGuard + bytes + i] == kGuardByte) continue;
      report_fault(cudaErrorIllegalAddress, "a write outside the " + std::to_string(bytes) +
                                                " bytes of scratch, in kernel " + name);
      return false;
    }
    return true;
  }

  bool check_waited(const std::string& name) const {
    if (std::ranges::all_of(threads_, &Thread::waited)) return true;
    report_fault(
        cudaErrorLaunchFailure,
        "a kernel that may be launched early does not wait for the work before it: " + name);
    return false;
  }

  // True if the threads of a warp, all of which wait in a shuffle, were let go.
  bool release_warp(unsigned first, unsigned last) {
    for (unsigned t = first; t < last; ++t) {
      if (threads_[t].state != State::at_shuffle) return false;
    }
    for (unsigned t = first; t < last; ++t) threads_[t].state = State::ready;
    return true;
  }

  void step(unsigned index) {
    Thread& thread = threads_[index];
    if (thread.state != State::ready) return;
    if (thread.fiber < 0) thread.fiber = take_fiber();
    current_ = index;
    threadIdx = {index, 0, 0};
    Fiber& fiber = fibers_[static_cast<std::size_t>(thread.fiber)];
    fiber.context = jump_fcontext(fiber.context, this).fctx;
    if (thread.state == State::finished) {
      free_.push_back(thread.fiber);
      thread.fiber = -1;
    }
  }

  int take_fiber() {
    if (free_.empty()) {
      const std::size_t index = fibers_.size();
      if (index >= kMostThreads) die("more fibers than threads of a block");
      unsigned char* const stack = stacks_ + index * (kStack + kPage) + kPage;
      if (mprotect(stack, kStack, PROT_READ | PROT_WRITE) != 0) die("no memory for a fiber");
      fibers_.push_back({make_fcontext(stack + kStack, kStack, &BlockRunner::enter_fiber)});
      free_.push_back(static_cast<int>(index));
    }
    const int fiber = free_.back();
    free_.pop_back();
    return fiber;
  }

  // A fiber runs one thread after another.
  static void enter_fiber(transfer_t from) {
    auto* const self = static_cast<BlockRunner*>(from.data);
    self->scheduler_ = from.fctx;
    for (;;) {
      (*self->body_)();
      self->threads_[self->current_].state = State::finished;
      self->switch_out();
    }
  }
  void switch_out() { scheduler_ = jump_fcontext(scheduler_, nullptr).fctx; }

  void forget_fibers() {
    fibers_.clear();
    free_.clear();
  }

  unsigned char* stacks_ = nullptr;
  std::vector<unsigned char> shared_;
  std::vector<Fiber> fibers_;
  std::vector<int> free_;
  std::vector<Thread> threads_;
  const std::function<void()>* body_ = nullptr;
  fcontext_t scheduler_ = nullptr;
  unsigned current_ = 0;
};

BlockRunner& runner() {
  static thread_local const std::unique_ptr<BlockRunner> one = std::make_unique<BlockRunner>();
  return *one;
}

std::string demangled(const std::type_info& type) {
  int status = 0;
  char* const name = abi::__cxa_demangle(type.name(), nullptr, nullptr, &status);
  std::string out = status == 0 ? name : type.name();
  std::free(name);
  return out;
}

struct KnownKernel {
  std::string name;
  Bind bind;
  std::size_t most_shared = kUnaskedShared;
};

std::unordered_map<const void*, KnownKernel>& kernels() {
  static auto& known = *std::make_unique<std::unordered_map<const void*, KnownKernel>>().release();
  return known;
}

}  // namespace

unsigned char* dynamic_shared() {
  return runner().shared();
}

void __syncthreads() {  // NOLINT: CUDA's name
  runner().wait(State::at_barrier);
}

void cudaGridDependencySynchronize() {  // NOLINT: CUDA's name
  runner().wait_for_predecessors();
}

std::uint64_t exchange_bits(unsigned participants, std::uint64_t bits, int mask) {
  return runner().exchange(participants, bits, mask);
}

void register_kernel(const void* kernel, const std::type_info& type, Bind bind) {
  const Lock lock(gpu_mutex());
  kernels().try_emplace(kernel, KnownKernel{demangled(type), std::move(bind)});
}

void run_grid(const std::string& name, dim3 grid, unsigned threads, std::size_t shared, bool early,
              const std::function<void()>& thread) {
  const DeviceAccess access;
  const Running now(name.c_str());
  gridDim = {grid.x, grid.y, grid.z};
  // Blocks in an order that visits each once: steps of a number that shares no divisor with their
  // count.
  const std::uint64_t blocks = grid.x;
  std::uint64_t step = blocks > 2 ? 1 + random_below(grid.x - 1) : 1;
  while (std::gcd(step, blocks) != 1) ++step;
  std::uint64_t block = random_below(grid.x);
  for (std::uint64_t i = 0; i < blocks; ++i) {
    blockIdx = {static_cast<unsigned>(block), 0, 0};
    if (!runner().run(name, threads, shared, early, thread)) return;
    block = (block + step) % blocks;
  }
}

}  // namespace scimix::emulated

using namespace scimix::emulated;

cudaError_t cudaLaunchKernelExC(const cudaLaunchConfig_t* config, const void* function,
                                void** arguments) {
  const Lock lock(gpu_mutex());
  if (const auto error = enter("cudaLaunchKernelExC", "cuLaunchKernelEx")) return failed(error);
  const auto found = kernels().find(function);
  if (found == kernels().end()) return failed(cudaErrorInvalidDeviceFunction);
  const KnownKernel& kernel = found->second;
  const dim3 grid = config->gridDim;
  const dim3 block = config->blockDim;
  if (grid.x == 0 || grid.x > 0x7FFFFFFFU || grid.y != 1 || grid.z != 1 || block.x == 0 ||
      block.x > kMostThreads || block.y != 1 || block.z != 1) {
    return failed(cudaErrorInvalidConfiguration);
  }
  if (config->dynamicSmemBytes > kernel.most_shared) return failed(cudaErrorInvalidValue);
  const std::size_t shared = config->dynamicSmemBytes;
  bool early = false;
  for (unsigned i = 0; i < config->numAttrs; ++i) {
    const cudaLaunchAttribute& attribute = config->attrs[i];
    if (attribute.id != cudaLaunchAttributeProgrammaticStreamSerialization) {
      return failed(cudaErrorInvalidValue);
    }
    early = attribute.val.programmaticStreamSerializationAllowed != 0;
  }
  if (early && compute_capability() < 90) return failed(cudaErrorNotSupported);
  return enqueue_simple(
      config->stream, kernel.name,
      [name = kernel.name.c_str(), grid, block, shared, early, thread = kernel.bind(arguments)] {
        run_grid(name, grid, block.x, shared, early, thread);
      });
}

cudaError_t cudaFuncSetAttribute(const void* function, cudaFuncAttribute attribute, int value) {
  const Lock lock(gpu_mutex());
  if (const auto error = enter("cudaFuncSetAttribute", "cuFuncSetAttribute")) return failed(error);
  const auto found = kernels().find(function);
  if (found == kernels().end()) return failed(cudaErrorInvalidDeviceFunction);
  if (attribute != cudaFuncAttributeMaxDynamicSharedMemorySize || value < 0 ||
      static_cast<std::size_t>(value) > kMostShared) {
    return failed(cudaErrorInvalidValue);
  }
  found->second.most_shared = std::max(kUnaskedShared, static_cast<std::size_t>(value));
  return cudaSuccess;
}
