// Mistakes that the emulated GPU finds, errors that tests inject, and the signals of accesses that
// the memory's protection stops.
#include <signal.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <map>
#include <random>

#include "emulated/gpu.hpp"
#include "emulated/testing.hpp"

namespace scimix::emulated {

namespace {

struct Faults {
  std::recursive_mutex mutex;
  cudaError_t sticky = cudaSuccess;
  std::string message;
  cudaError_t last = cudaSuccess;
  std::map<std::string, Injection, std::less<>> injections;
  std::map<std::string, std::int64_t, std::less<>> calls;
  std::map<std::string, std::int64_t, std::less<>> objects;
  void (*on_driver_call)(const char*) = nullptr;
};

// The rank of this process under Open MPI; 0 without it.
int rank_of_process() {
  const char* const rank = std::getenv("OMPI_COMM_WORLD_RANK");
  return rank == nullptr ? 0 : std::atoi(rank);
}

// FUNCTION:ERROR:AFTER or FUNCTION:ERROR:AFTER:RANK of the environment.
void add_injection_of_environment(Faults& to) {
  const char* const given = std::getenv("SCIMIX_EMULATED_ERROR");
  if (given == nullptr) return;
  const std::string words = given;
  const auto first = words.find(':');
  const auto second = words.find(':', first + 1);
  if (first == std::string::npos || second == std::string::npos) {
    die("SCIMIX_EMULATED_ERROR=" + words + ", expected FUNCTION:ERROR:AFTER[:RANK]");
  }
  const auto third = words.find(':', second + 1);
  const bool elsewhere =
      third != std::string::npos && std::atoi(words.c_str() + third + 1) != rank_of_process();
  if (elsewhere) return;
  to.injections[words.substr(0, first)] = {.error = std::atoi(words.c_str() + first + 1),
                                           .after = std::atoi(words.c_str() + second + 1)};
}

Faults& faults() {
  static Faults& one = [&]() -> Faults& {
    auto made = std::make_unique<Faults>();
    add_injection_of_environment(*made);
    // For the test that nothing asks for the GPU before main() does.
    if (std::getenv("SCIMIX_EMULATED_ANNOUNCE") != nullptr) {
      std::fprintf(stderr, "emulated GPU: first use\n");
    }
    return *made.release();
  }();
  return one;
}

thread_local const char* running_now = nullptr;

struct sigaction previous_segv {};
struct sigaction previous_ill {};

void on_signal(int number, siginfo_t* info, void* context) {
  const char* const what = running_now;
  if (number == SIGSEGV && is_device_address(info->si_addr)) {
    if (open_block(info->si_addr)) return;
    // What has been damaged is this process alone, which ends here: strings may be made.
    const std::string where = describe_address(info->si_addr);
    if (what == nullptr) die("the host accesses device memory: " + where);
    die("a kernel accesses memory that is not its own: " + where + ", in " + what);
  }
  if (number == SIGILL && what != nullptr) {
    die(std::string("an access whose address is no multiple of its size, in ") + what);
  }
  if (number == SIGSEGV && what != nullptr) {
    die(std::string("a kernel accesses host memory or the null pointer, in ") + what);
  }
  const struct sigaction& previous = number == SIGSEGV ? previous_segv : previous_ill;
  if ((previous.sa_flags & SA_SIGINFO) != 0) return previous.sa_sigaction(number, info, context);
  if (previous.sa_handler != SIG_DFL && previous.sa_handler != SIG_IGN) {
    return previous.sa_handler(number);
  }
  signal(number, SIG_DFL);
  raise(number);
}

void install(int number, struct sigaction& previous) {
  struct sigaction current {};
  sigaction(number, nullptr, &current);
  if ((current.sa_flags & SA_SIGINFO) != 0 && current.sa_sigaction == on_signal) return;
  previous = current;
  struct sigaction ours {};
  ours.sa_sigaction = on_signal;
  ours.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
  sigemptyset(&ours.sa_mask);
  sigaction(number, &ours, nullptr);
}

}  // namespace

void install_signal_handlers() {
  static thread_local const bool once = [] {
    constexpr std::size_t kStack = 256 * 1024;
    stack_t stack{};
    stack.ss_sp = std::make_unique<char[]>(kStack).release();  // NOLINT: lives with the thread
    stack.ss_size = kStack;
    stack_t old{};
    sigaltstack(nullptr, &old);
    if ((old.ss_flags & SS_DISABLE) != 0) sigaltstack(&stack, nullptr);
    return true;
  }();
  static_cast<void>(once);
  install(SIGSEGV, previous_segv);
  install(SIGILL, previous_ill);
}

void report_fault(cudaError_t error, const std::string& message) {
  const Lock lock(gpu_mutex());
  std::fprintf(stderr, "emulated GPU: %s\n", message.c_str());
  if (faults().sticky != cudaSuccess) return;
  faults().sticky = error;
  faults().message = message;
}

cudaError_t sticky_error() {
  return faults().sticky;
}

void die(const std::string& message) {
  // Without stdio, whose locks may be held.
  const std::string line = "emulated GPU: " + message + "\n";
  static_cast<void>(!write(STDERR_FILENO, line.data(), line.size()));
  _exit(kDeath);
}

Running::Running(const char* what) : outer_(std::exchange(running_now, what)) {}
Running::~Running() {
  running_now = outer_;
}
const char* running() {
  return running_now;
}

cudaError_t failed(cudaError_t error) {
  if (error != cudaSuccess) faults().last = error;
  return error;
}

int injected_error(const char* function) {
  const Lock lock(gpu_mutex());
  ++faults().calls[function];
  const auto found = faults().injections.find(function);
  if (found == faults().injections.end()) return 0;
  Injection& injection = found->second;
  if (injection.after > 0) {
    --injection.after;
    return 0;
  }
  const int error = injection.error;
  faults().injections.erase(found);
  return error;
}

void count_object(const char* kind, int change) {
  const Lock lock(gpu_mutex());
  faults().objects[kind] += change;
}

cudaError_t enter(const char* function, const char* driver_function) {
  install_signal_handlers();
  if (faults().on_driver_call != nullptr && driver_function != nullptr) {
    faults().on_driver_call(driver_function);
  }
  if (const int error = injected_error(function)) return static_cast<cudaError_t>(error);
  return faults().sticky;
}

std::recursive_mutex& gpu_mutex() {
  return faults().mutex;
}

std::uint32_t random_below(std::uint32_t bound) {
  static thread_local std::minstd_rand generator = [] {
    const char* const seed = std::getenv("SCIMIX_EMULATED_SEED");
    return std::minstd_rand(seed == nullptr ? 1 : static_cast<unsigned>(std::atoi(seed)));
  }();
  return bound == 0 ? 0 : static_cast<std::uint32_t>(generator() % bound);
}

// ---- testing.hpp --------------------------------------------------------------------------------

std::string last_fault() {
  return faults().message;
}
void clear_faults() {
  const Lock lock(gpu_mutex());
  faults().sticky = cudaSuccess;
  faults().last = cudaSuccess;
  faults().message.clear();
  faults().injections.clear();
}
void inject_error(const std::string& function, Injection injection) {
  const Lock lock(gpu_mutex());
  faults().injections[function] = injection;
}
std::int64_t calls_of(const std::string& function) {
  const Lock lock(gpu_mutex());
  const auto found = faults().calls.find(function);
  return found == faults().calls.end() ? 0 : found->second;
}
std::int64_t live_objects(const std::string& kind) {
  const Lock lock(gpu_mutex());
  const auto found = faults().objects.find(kind);
  return found == faults().objects.end() ? 0 : found->second;
}
void on_driver_call(void (*callback)(const char*)) {
  const Lock lock(gpu_mutex());
  faults().on_driver_call = callback;
}

}  // namespace scimix::emulated

using namespace scimix::emulated;

cudaError_t cudaGetLastError() {
  const Lock lock(gpu_mutex());
  if (faults().sticky != cudaSuccess) return faults().sticky;
  return std::exchange(faults().last, cudaSuccess);
}

const char* cudaGetErrorString(cudaError_t error) {
  static thread_local std::string text;
  switch (error) {
    case cudaSuccess:
      return "no error";
    case cudaErrorInvalidValue:
      return "invalid argument";
    case cudaErrorMemoryAllocation:
      return "out of memory";
    case cudaErrorInsufficientDriver:
      return "CUDA driver version is insufficient for CUDA runtime version";
    case cudaErrorNoDevice:
      return "no CUDA-capable device is detected";
    case cudaErrorInvalidDevice:
      return "invalid device ordinal";
    case cudaErrorNoKernelImageForDevice:
      return "no kernel image is available for execution on the device";
    case cudaErrorStreamCaptureUnsupported:
      return "operation not permitted when stream is capturing";
    case cudaErrorStreamCaptureInvalidated:
      return "operation failed due to a previous error during capture";
    case cudaErrorStreamCaptureUnjoined:
      return "capturing stream has unjoined work";
    case cudaErrorStreamCaptureIsolation:
      return "dependency created on uncaptured work in another stream";
    case cudaErrorCapturedEvent:
      return "operation not permitted on an event last recorded in a capturing stream";
    case cudaErrorNotReady:
      return "device not ready";
    default:
      break;
  }
  text = "CUDA error " + std::to_string(static_cast<int>(error));
  if (error == faults().sticky) text += ": " + faults().message;
  return text.c_str();
}
