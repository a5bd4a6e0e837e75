#include "core/ranks.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <string_view>

#include "core/comm_mpi.hpp"
#include "core/comm_nccl.hpp"
#include "core/error.hpp"
#include "core/threads.hpp"

namespace scimix {

namespace {

constexpr bool kWithMpi = SCIMIX_WITH_MPI != 0;

// Returns a number that a launcher has set in the environment, or 0 if the variable is not set.
int number_in_environment(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? 0 : std::atoi(value);  // NOLINT(cert-err34-c): 0 if not a number
}

// Returns the number of processes that the launcher started, or 0 if the environment does not say.
int launched_processes() {
  static constexpr std::array kSizes{"OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "SLURM_STEP_NUM_TASKS"};
  int most = 0;
  for (const char* const name : kSizes) most = std::max(most, number_in_environment(name));
  return most;
}

// True if the launcher has assigned a rank to this process, so that MPI will find the other ranks.
bool has_place() {
  static constexpr std::array kRanks{"OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK"};
  return std::any_of(kRanks.begin(), kRanks.end(),
                     [](const char* name) { return std::getenv(name) != nullptr; });
}

}  // namespace

#if SCIMIX_WITH_MPI
class Ranks::World {
 public:
  World() { use_threads(0, session_.place().local_size); }
  ~World() {
    // NCCL's memory may go only when no rank is still reading it. (A rank that fails does not come
    // here: see abort.)
    if (gpu_ == nullptr) return;
    try {
      session_.comm().barrier();
    } catch (const std::exception& error) {
      static_cast<void>(std::fprintf(stderr, "rank %d: the other ranks did not finish: %s\n",
                                     place().rank, error.what()));
    }
  }
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  [[nodiscard]] const mpi::Place& place() const { return session_.place(); }

  [[nodiscard]] Comm& comm(Device device, double timeout_seconds) {
    session_.set_timeout(timeout_seconds);
#if SCIMIX_WITH_CUDA
    if (device.is_cuda()) {
      if (gpu_ == nullptr) gpu_ = nccl::connect(session_);
      return *gpu_;
    }
#endif
    SCIMIX_CHECK(device.is_cpu(), "ranks on ", device);
    return session_.comm();
  }

  [[nodiscard]] Comm& host() {
    return session_.comm();
  }
  [[noreturn]] void abort(int exit_code) {
    session_.abort(exit_code);
  }

 private:
  mpi::Session session_;
  std::unique_ptr<Comm> gpu_;
};
#else
class Ranks::World {
 public:
  [[nodiscard]] mpi::Place place() const { return {}; }
  [[nodiscard]] Comm& comm(Device /*device*/, double /*timeout_seconds*/) { return local_comm(); }
  [[nodiscard]] Comm& host() { return local_comm(); }
  [[noreturn]] void abort(int exit_code) { std::exit(exit_code); }
};
#endif

Ranks::Ranks() {
  const int launched = launched_processes();
  if (launched <= 1 && !has_place()) return;
  if constexpr (!kWithMpi) {
    if (launched > 1) {
      user_error(
          "the launcher started ", launched,
          " processes, but this program was built without MPI, so each would train by itself; "
          "start one process, or build with MPI");
    }
    return;
  }
  const auto refuse_loneliness = [&] {
    user_error("the launcher started ", launched,
               " processes that don't know of each other and would each train alone; with srun use "
               "--mpi=pmix (srun --mpi=list shows the available types)");
  };
  if (!has_place()) refuse_loneliness();
  world_ = std::make_unique<World>();
  if (launched > 1 && size() == 1) refuse_loneliness();
}

Ranks::~Ranks() = default;

int Ranks::rank() const {
  return world_ == nullptr ? 0 : world_->place().rank;
}
int Ranks::size() const {
  return world_ == nullptr ? 1 : world_->place().size;
}
int Ranks::local_rank() const {
  return world_ == nullptr ? 0 : world_->place().local_rank;
}
int Ranks::local_size() const {
  return world_ == nullptr ? 1 : world_->place().local_size;
}

Device Ranks::device(const std::string& name) const {
  const int gpus = name == "cpu" ? 0 : cuda_device_count();
  const bool own_gpu = size() > 1 && ((name == "auto" && gpus > 0) || name == "cuda");
  if (!own_gpu) {
    const Device device = parse_device(name);
    if (device.is_cuda() && local_size() > 1) {
      user_error("--device ", name, ": ", local_size(),
                 " ranks on this machine would use the same GPU, expected auto, cuda or cpu");
    }
    return device;
  }
  static_cast<void>(parse_device("cuda"));  // throws the user error if there is no GPU
  // Some launchers make a different GPU visible to each rank, which then sees only that one.
  if (gpus == 1 && local_size() > 1 && std::getenv("CUDA_VISIBLE_DEVICES") != nullptr) {
    return parse_device("cuda:0");
  }
  if (local_size() > gpus) {
    user_error("--device ", name, ": ", local_size(), " ranks on this machine, but it has ", gpus,
               " usable GPUs; start as many ranks as there are GPUs");
  }
  return parse_device("cuda:" + std::to_string(local_rank()));
}

Comm& Ranks::comm(Device device, double timeout_seconds) {
  return world_ == nullptr ? local_comm() : world_->comm(device, timeout_seconds);
}

bool Ranks::agree(bool mine) {
  if (world_ == nullptr) return mine;
  const double said = mine ? 1 : 0;
  return world_->host().all_gather(std::span(&said, 1)).front() != 0;
}

void Ranks::abort(int exit_code) {
  if (world_ != nullptr) world_->abort(exit_code);
  std::exit(exit_code);
}

}  // namespace scimix
