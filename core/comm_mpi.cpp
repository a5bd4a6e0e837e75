#include "core/comm_mpi.hpp"

#include <fmt/format.h>
#include <mpi.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <limits>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "core/error.hpp"

namespace scimix::mpi {

namespace {

using Clock = std::chrono::steady_clock;

// Exit code of a run that ends because ranks are missing (EX_UNAVAILABLE of sysexits.h).
constexpr int kExitMissingRank = 69;
// Time that ranks have to answer a roll-call.
constexpr auto kAnswerTime = std::chrono::seconds(3);
constexpr double kFirstTimeout = 600;  // seconds; applies until set_timeout is called
constexpr int kCallTag = 1;
constexpr int kAnswerTag = 2;

double seconds_between(Clock::time_point from, Clock::time_point to) {
  return std::chrono::duration<double>(to - from).count();
}

const char* describe_status(int status) {
  static thread_local std::array<char, MPI_MAX_ERROR_STRING> words;
  int length = 0;
  if (MPI_Error_string(status, words.data(), &length) != MPI_SUCCESS) return "unknown status";
  return words.data();
}

#define SCIMIX_MPI_CHECK(call) SCIMIX_CHECK_STATUS("MPI", call, MPI_SUCCESS, describe_status)

int count_of(std::size_t count) {
  SCIMIX_CHECK(count <= static_cast<std::size_t>(std::numeric_limits<int>::max()),
               "MPI: a message of ", count, " elements");
  return static_cast<int>(count);
}

MPI_Datatype type_of(const Tensor& tensor) {
  switch (tensor.dtype()) {
    case DType::f32:
      return MPI_FLOAT;
    case DType::f64:
      return MPI_DOUBLE;
    case DType::i32:
      return MPI_INT32_T;
    default:
      SCIMIX_CHECK(false, "a sum over ranks of ", name_of(tensor.dtype()));
  }
}

void check_host(const char* op, const Tensor& tensor) {
  SCIMIX_CHECK(tensor.device().is_cpu(), op, " by MPI of a tensor on ", tensor.device());
}

// Pauses between two polls. The first polls follow at once, since most operations are short. Later
// pauses grow up to 0.2 ms, since other threads may need the core.
void pause_before(std::int64_t attempt) {
  constexpr std::int64_t kEager = 200;
  if (attempt < kEager) {
    sched_yield();
    return;
  }
  const auto microseconds = std::min<std::int64_t>(10 + (attempt - kEager), 200);
  std::this_thread::sleep_for(std::chrono::microseconds(microseconds));
}

}  // namespace

// Implements Comm with a worker thread that makes all MPI calls. It runs operations in the order in
// which they were submitted. While it waits, it also answers roll-calls: a rank whose operation is
// overdue asks every other rank for the number of its latest operation.
class Session::Impl : public Comm {
 public:
  struct Init {
    MPI_Comm work = MPI_COMM_NULL;
    MPI_Comm watch = MPI_COMM_NULL;
    Place place;
  };

  explicit Impl(const Init& init)
      : Comm(init.place.rank, init.place.size),
        work_(init.work),
        watch_(init.watch),
        place_(init.place),
        worker_([this] { work(); }) {}

  ~Impl() override {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    changed_.notify_all();
    worker_.join();
    static_cast<void>(MPI_Comm_free(&work_));
    static_cast<void>(MPI_Comm_free(&watch_));
  }

  [[nodiscard]] const Place& place() const { return place_; }
  void set_timeout(double seconds) { timeout_ = seconds; }

  void all_reduce(const Output& tensor) override { finish(submit(reduction(tensor), nullptr)); }

  void start_all_reduce(const Output& tensor) override {
    stats_.all_reduces += 1;
    stats_.bytes += static_cast<std::int64_t>(tensor.bytes());
    last_reduction_ = submit(reduction(tensor), &busy_seconds_);
  }

  void finish_all_reduces() override {
    if (last_reduction_ == 0) return;
    const auto began = Clock::now();
    finish(std::exchange(last_reduction_, 0));
    stats_.waited_seconds += seconds_between(began, Clock::now());
  }

  void all_gather(const Tensor& mine, const Output& all) override {
    check_host("all-gather", mine);
    SCIMIX_CHECK(all.bytes() == mine.bytes() * static_cast<std::size_t>(size()), "all-gather of ",
                 mine.shape(), " on ", size(), " ranks into ", all.shape());
    const int bytes = count_of(mine.bytes());
    finish(submit({"all-gather", mine.bytes(),
                   [=, this](MPI_Request* request) {
                     return MPI_Iallgather(mine.raw(), bytes, MPI_BYTE, all.raw(), bytes, MPI_BYTE,
                                           work_, request);
                   }},
                  nullptr));
  }

  void reduce_scatter(const Tensor& all, const Output& mine) override {
    check_host("reduce-scatter", all);
    SCIMIX_CHECK(all.numel() == mine.numel() * size() && all.dtype() == mine.dtype(),
                 "reduce-scatter of ", all.shape(), " on ", size(), " ranks into ", mine.shape());
    finish(submit(
        {"reduce-scatter", all.bytes(),
         [=, this, count = count_of(static_cast<std::size_t>(mine.numel()))](MPI_Request* request) {
           return MPI_Ireduce_scatter_block(all.raw(), mine.raw(), count, type_of(all), MPI_SUM,
                                            work_, request);
         }},
        nullptr));
  }

  void broadcast(const Output& tensor) override {
    check_host("broadcast", tensor);
    broadcast_bytes(tensor.raw(), tensor.bytes());
  }

  void broadcast_bytes(void* data, std::size_t bytes) {
    finish(submit({"broadcast", bytes,
                   [=, this, count = count_of(bytes)](MPI_Request* request) {
                     return MPI_Ibcast(data, count, MPI_BYTE, 0, work_, request);
                   }},
                  nullptr));
  }

  [[nodiscard]] std::vector<double> all_gather(std::span<const double> mine) override {
    std::vector<double> all(mine.size() * static_cast<std::size_t>(size()));
    const int count = count_of(mine.size());
    finish(submit({"gathering of numbers", mine.size_bytes(),
                   [=, this, target = all.data()](MPI_Request* request) {
                     // Without values this call is a barrier, which also has to wait.
                     if (count == 0) return MPI_Ibarrier(work_, request);
                     return MPI_Iallgather(mine.data(), count, MPI_DOUBLE, target, count,
                                           MPI_DOUBLE, work_, request);
                   }},
                  nullptr));
    return all;
  }

  void wait_for_device() override {}  // CPU work is never queued

  void wait_for(const std::function<bool()>& done, const char* what) {
    const auto began = Clock::now();
    for (std::int64_t attempt = 0; !done(); ++attempt) {
      pause_before(attempt);
      if (seconds_between(began, Clock::now()) > timeout_) {
        // The worker thread finds out which ranks are missing, and ends the run.
        finish(submit({what, 0, nullptr}, nullptr));
      }
    }
  }

  [[nodiscard]] CommStats stats() const override {
    CommStats stats = stats_;
    stats.busy_seconds = busy_seconds_;
    return stats;
  }

  [[noreturn]] void abort(int exit_code) {
    alarm(10);  // ends this process even if MPI_Abort hangs
    MPI_Abort(MPI_COMM_WORLD, exit_code);
    _exit(exit_code);
  }

 private:
  struct Operation {
    std::string name;
    std::size_t bytes = 0;
    std::function<int(MPI_Request*)> start;  // null: overdue already, only makes a roll-call
  };
  struct Queued {
    Operation operation;
    std::atomic<double>* busy_seconds = nullptr;  // the operation's duration is added here
  };

  Operation reduction(const Output& tensor) {
    check_host("all-reduce", tensor);
    return {"all-reduce", tensor.bytes(),
            [=, this, type = type_of(tensor),
             count = count_of(static_cast<std::size_t>(tensor.numel()))](MPI_Request* request) {
              return MPI_Iallreduce(MPI_IN_PLACE, tensor.raw(), count, type, MPI_SUM, work_,
                                    request);
            }};
  }

  // Queues an operation and returns its number. Numbers start at 1.
  std::int64_t submit(Operation operation, std::atomic<double>* busy_seconds) {
    std::int64_t number = 0;
    {
      const std::lock_guard lock(mutex_);
      queue_.push_back({std::move(operation), busy_seconds});
      number = ++submitted_;
    }
    changed_.notify_all();
    return number;
  }

  void finish(std::int64_t number) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return completed_ >= number || fault_ != nullptr; });
    if (fault_ != nullptr) std::rethrow_exception(fault_);
  }

  void work() {
    try {
      while (const std::optional<Queued> next = take()) {
        run(*next);
        {
          const std::lock_guard lock(mutex_);
          ++completed_;
        }
        changed_.notify_all();
      }
    } catch (...) {
      const std::lock_guard lock(mutex_);
      fault_ = std::current_exception();
      changed_.notify_all();
    }
  }

  // Waits for the next operation. Returns nothing when the session ends.
  std::optional<Queued> take() {
    constexpr auto kIdle = std::chrono::milliseconds(50);
    for (;;) {
      {
        std::unique_lock lock(mutex_);
        changed_.wait_for(lock, kIdle, [&] { return stopping_ || !queue_.empty(); });
        if (!queue_.empty()) {
          Queued next = std::move(queue_.front());
          queue_.pop_front();
          return next;
        }
        if (stopping_) return std::nullopt;
      }
      answer_calls();
    }
  }

  void run(const Queued& queued) {
    const auto began = Clock::now();
    const Operation& operation = queued.operation;
    MPI_Request request = MPI_REQUEST_NULL;
    if (operation.start != nullptr) SCIMIX_MPI_CHECK(operation.start(&request));
    for (std::int64_t attempt = 0;; ++attempt) {
      int done = 0;
      SCIMIX_MPI_CHECK(MPI_Test(&request, &done, MPI_STATUS_IGNORE));
      if (done != 0 && operation.start != nullptr) break;
      pause_before(attempt);
      constexpr std::int64_t kBetweenLooks = 64;
      if (attempt % kBetweenLooks != 0) continue;
      answer_calls();
      const double waited = seconds_between(began, Clock::now());
      if (operation.start == nullptr) call_the_roll(operation, timeout_);  // wait_for has timed out
      if (waited > timeout_) call_the_roll(operation, waited);
    }
    if (queued.busy_seconds != nullptr) {
      *queued.busy_seconds = *queued.busy_seconds + seconds_between(began, Clock::now());
    }
  }

  // ---- roll-call: which ranks are missing ------------------------------------------------------

  [[nodiscard]] bool arrived(int tag, int& from) const {
    int flag = 0;
    MPI_Status status;
    SCIMIX_MPI_CHECK(MPI_Iprobe(MPI_ANY_SOURCE, tag, watch_, &flag, &status));
    if (flag != 0) from = status.MPI_SOURCE;
    return flag != 0;
  }

  // MPI sends messages this small without waiting for the receiver, so this call returns even if
  // the other rank hangs.
  void send(std::int64_t number, int to, int tag) const {
    SCIMIX_MPI_CHECK(MPI_Send(&number, 1, MPI_INT64_T, to, tag, watch_));
  }
  [[nodiscard]] std::int64_t receive(int from, int tag) const {
    std::int64_t number = 0;
    SCIMIX_MPI_CHECK(MPI_Recv(&number, 1, MPI_INT64_T, from, tag, watch_, MPI_STATUS_IGNORE));
    return number;
  }

  void answer_calls() {
    for (int from = 0; arrived(kCallTag, from);) {
      static_cast<void>(receive(from, kCallTag));
      send(submitted_, from, kAnswerTag);
    }
  }

  [[noreturn]] void call_the_roll(const Operation& operation, double waited) {
    const std::int64_t mine = completed_ + 1;
    std::vector<std::int64_t> come(static_cast<std::size_t>(size()), -1);
    for (int rank = 0; rank < size(); ++rank) {
      if (rank != place_.rank) send(mine, rank, kCallTag);
    }
    const auto until = Clock::now() + kAnswerTime;
    for (std::int64_t attempt = 0; Clock::now() < until; ++attempt) {
      answer_calls();
      for (int from = 0; arrived(kAnswerTag, from);) {
        come[static_cast<std::size_t>(from)] = receive(from, kAnswerTag);
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    std::string missing;
    const auto add = [&](const std::string& words) {
      missing += (missing.empty() ? "" : "; ") + words;
    };
    for (int rank = 0; rank < size(); ++rank) {
      if (rank == place_.rank) continue;
      const std::int64_t number = come[static_cast<std::size_t>(rank)];
      if (number < 0) {
        add(fmt::format("rank {} does not answer", rank));
      } else if (number < mine) {
        add(fmt::format("rank {} has not started it (its last operation was {})", rank, number));
      }
    }
    if (missing.empty())
      missing = "all ranks have started it, so the network between them is at fault";
    // Written by a single call, so that lines of several ranks don't mix.
    const std::string message = fmt::format(
        "{}: rank {} has waited {:.0f} s for operation {}, {} of {} bytes: {}; the run ends, and "
        "--resume continues from its last checkpoint\n",
        program_invocation_short_name, place_.rank, waited, mine, operation.name, operation.bytes,
        missing);
    static_cast<void>(std::fputs(message.c_str(), stderr));
    static_cast<void>(std::fflush(stderr));
    abort(kExitMissingRank);
  }

  MPI_Comm work_;
  MPI_Comm watch_;
  Place place_;
  std::atomic<double> timeout_ = kFirstTimeout;
  CommStats stats_;
  std::atomic<double> busy_seconds_ = 0;
  std::int64_t last_reduction_ = 0;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Queued> queue_;
  std::atomic<std::int64_t> submitted_ = 0;
  std::atomic<std::int64_t> completed_ = 0;
  std::exception_ptr fault_;
  bool stopping_ = false;
  std::thread worker_;  // declared last, since it uses all members above
};

Session::Session() {
  int provided = MPI_THREAD_SINGLE;
  SCIMIX_MPI_CHECK(MPI_Init_thread(nullptr, nullptr, MPI_THREAD_SERIALIZED, &provided));
  SCIMIX_CHECK(provided >= MPI_THREAD_SERIALIZED,
               "this MPI cannot be called from a thread of its own");
  Impl::Init init;
  SCIMIX_MPI_CHECK(MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN));
  SCIMIX_MPI_CHECK(MPI_Comm_dup(MPI_COMM_WORLD, &init.work));
  SCIMIX_MPI_CHECK(MPI_Comm_dup(MPI_COMM_WORLD, &init.watch));
  SCIMIX_MPI_CHECK(MPI_Comm_rank(init.work, &init.place.rank));
  SCIMIX_MPI_CHECK(MPI_Comm_size(init.work, &init.place.size));
  MPI_Comm machine = MPI_COMM_NULL;
  SCIMIX_MPI_CHECK(MPI_Comm_split_type(init.work, MPI_COMM_TYPE_SHARED, init.place.rank,
                                       MPI_INFO_NULL, &machine));
  SCIMIX_MPI_CHECK(MPI_Comm_rank(machine, &init.place.local_rank));
  SCIMIX_MPI_CHECK(MPI_Comm_size(machine, &init.place.local_size));
  SCIMIX_MPI_CHECK(MPI_Comm_free(&machine));
  impl_ = std::make_unique<Impl>(init);
}

// Waits at a barrier first: a rank inside MPI_Finalize would not answer a roll-call.
Session::~Session() {
  try {
    impl_->barrier();
  } catch (const std::exception& error) {
    static_cast<void>(std::fprintf(stderr, "leaving the other ranks: %s\n", error.what()));
  }
  impl_.reset();
  static_cast<void>(MPI_Finalize());
}

const Place& Session::place() const {
  return impl_->place();
}
void Session::set_timeout(double seconds) {
  impl_->set_timeout(seconds);
}
Comm& Session::comm() {
  return *impl_;
}
void Session::wait_for(const std::function<bool()>& done, const char* what) {
  impl_->wait_for(done, what);
}
void Session::broadcast_bytes(void* data, std::size_t bytes) {
  impl_->broadcast_bytes(data, bytes);
}
void Session::abort(int exit_code) {
  impl_->abort(exit_code);
}

}  // namespace scimix::mpi
