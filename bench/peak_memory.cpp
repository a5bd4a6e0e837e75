#include "bench/peak_memory.hpp"

#include <fstream>
#include <string>

#include "core/allocator.hpp"

namespace scimix {

void reset_peak_memory(Device device) {
  if (device.is_cuda()) return reset_peak(device);
  std::ofstream("/proc/self/clear_refs") << "5";  // proc(5): resets the peak resident set size
}

double peak_memory(Device device) {
  if (device.is_cuda()) return static_cast<double>(memory_stats(device).peak);
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmHWM:")) return 1024.0 * std::stod(line.substr(6));
  }
  return 0;
}

}  // namespace scimix
