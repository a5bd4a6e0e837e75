#include "core/device.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <charconv>
#include <cstdlib>
#include <cstring>
#include <fstream>

#include "core/device_cuda.hpp"
#include "core/error.hpp"
#include "core/graph.hpp"
#include "core/threads.hpp"
#include "core/with_cuda.hpp"
#include "core/work.hpp"

namespace scimix {

namespace {

constexpr std::size_t kAlignment = 64;  // a cache line, and an AVX-512 register
constexpr std::size_t kHugePage = std::size_t{2} << 20;

std::size_t physical_memory() {
  return static_cast<std::size_t>(::sysconf(_SC_PHYS_PAGES)) *
         static_cast<std::size_t>(::sysconf(_SC_PAGE_SIZE));
}

std::string cpu_model() {
  std::ifstream info("/proc/cpuinfo");
  for (std::string line; std::getline(info, line);) {
    if (line.starts_with("model name")) return line.substr(line.find(':') + 2);
  }
  return "an unknown processor";
}

}  // namespace

std::ostream& operator<<(std::ostream& out, const Device& device) {
  if (device.is_cpu()) return out << "cpu";
  return out << "cuda:" << device.index;
}

int cuda_device_count() {
  if constexpr (kWithCuda) return cuda::device_count();
  return 0;
}

Device parse_device(std::string_view name) {
  if (name == "cpu") return kCpu;  // also where a GPU cannot be used
  const int count = cuda_device_count();
  int index = 0;
  if constexpr (kWithCuda) index = cuda::selected_device();
  if (name == "auto") return count > 0 ? Device{Device::Kind::cuda, index} : kCpu;
  bool well_formed = name == "cuda";
  if (name.starts_with("cuda:")) {
    const auto [end, error] = std::from_chars(name.data() + 5, name.data() + name.size(), index);
    well_formed = error == std::errc{} && end == name.data() + name.size() && index >= 0;
  }
  if (!well_formed) user_error("--device ", name, ": expected auto, cpu or cuda:N");
  if (!kWithCuda) {
    user_error("--device ", name, ": this program was built without CUDA, expected auto or cpu");
  }
  if (index >= count) {
    user_error("--device ", name, ": this machine has ", count,
               count == 1 ? " usable GPU" : " usable GPUs", ", expected auto, cpu",
               count > 0 ? " or a smaller number" : "");
  }
  return {Device::Kind::cuda, index};
}

void select_device(Device device) {
  if constexpr (kWithCuda) {
    if (device.is_cuda()) cuda::select_device(device.index);
  }
}

void synchronize(Device device) {
  SCIMIX_CHECK(!is_capturing(), "waiting for ", device, " inside a captured step");
  count_work(Work::synchronize);
  if constexpr (kWithCuda) {
    if (device.is_cuda()) cuda::synchronize();
  }
}

std::string describe(Device device) {
  if constexpr (kWithCuda) {
    if (device.is_cuda()) return cuda::describe(device.index);
  }
  const int threads = thread_count();
  return text(threads, threads == 1 ? " thread of " : " threads of ", cpu_model());
}

void* system_allocate(Device device, std::size_t bytes) {
  if constexpr (kWithCuda) {
    if (device.is_cuda()) return cuda::allocate(bytes);
  }
  // The system would promise more memory than the machine has, and kill the process that uses it.
  static const std::size_t machine_bytes = physical_memory();
  if (bytes > machine_bytes) return nullptr;
  // Huge pages for large blocks, since activations are read sequentially over long ranges.
  const std::size_t alignment = bytes >= kHugePage ? kHugePage : kAlignment;
  const std::size_t rounded = (bytes + alignment - 1) / alignment * alignment;
  void* memory = std::aligned_alloc(alignment, rounded);
  if (memory != nullptr && alignment == kHugePage) {
    static_cast<void>(madvise(memory, rounded, MADV_HUGEPAGE));  // only a hint: failure is harmless
  }
  return memory;
}

void system_free(Device device, void* memory, std::size_t /*bytes*/) noexcept {
  if constexpr (kWithCuda) {
    if (device.is_cuda()) return cuda::free(memory);
  }
  std::free(memory);
}

void copy_bytes(Device device, void* target, const void* source, std::size_t bytes) {
  if (bytes == 0) return;
  if (is_recording_work()) return record_work([=] { copy_bytes(device, target, source, bytes); });
  count_work(Work::copy, 2 * bytes);
  if constexpr (kWithCuda) {
    if (device.is_cuda()) {
      return cuda::copy(target, source, bytes, cuda::Direction::inside, /*wait=*/false);
    }
  }
  std::memcpy(target, source, bytes);
}

void fill_bytes(Device device, void* target, unsigned char value, std::size_t bytes) {
  if (bytes == 0) return;
  if (is_recording_work()) return record_work([=] { fill_bytes(device, target, value, bytes); });
  count_work(Work::fill, bytes);
  if constexpr (kWithCuda) {
    if (device.is_cuda()) return cuda::fill(target, value, bytes);
  }
  std::memset(target, value, bytes);
}

namespace {

void copy_across(Device device, cuda::Direction direction, void* target, const void* source,
                 std::size_t bytes) {
  if (bytes == 0) return;
  SCIMIX_CHECK(!is_capturing(), "a copy of ", bytes, " bytes between host and ", device,
               " inside a captured step");
  count_work(Work::host_copy);
  static_cast<void>(direction);  // the CPU's memory is the host's
  if constexpr (kWithCuda) {
    if (device.is_cuda()) {
      count_work(Work::synchronize);
      return cuda::copy(target, source, bytes, direction, /*wait=*/true);
    }
  }
  std::memcpy(target, source, bytes);
}

}  // namespace

void copy_to_host(void* target, Device from, const void* source, std::size_t bytes) {
  copy_across(from, cuda::Direction::to_host, target, source, bytes);
}

void copy_from_host(Device to, void* target, const void* source, std::size_t bytes) {
  copy_across(to, cuda::Direction::from_host, target, source, bytes);
}

}  // namespace scimix
