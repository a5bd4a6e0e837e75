// NCCL between processes of one machine, over shared memory. An operation never waits inside a
// call: its work on the stream answers `blocked` until all ranks have brought their part.
#include <fcntl.h>
#include <nccl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstring>
#include <vector>

#include "emulated/gpu.hpp"

namespace {

using namespace scimix::emulated;

constexpr int kMostRanks = 8;
constexpr std::size_t kChunk = std::size_t{1} << 18;  // bytes that a rank shows at a time

// What all ranks see. A rank writes its own entries alone.
struct Shared {
  std::atomic<std::uint64_t> joined[kMostRanks];
  std::atomic<std::uint64_t> shown[kMostRanks];  // how many chunks a rank has shown so far
  std::atomic<std::uint64_t> read[kMostRanks];   // how many it has read from all
  std::atomic<std::uint64_t> left[kMostRanks];   // 1: the rank has freed what others read
  alignas(64) unsigned char chunks[kMostRanks][kChunk];
};

std::size_t size_of(ncclDataType_t type) {
  switch (type) {
    case ncclInt8:
      return 1;
    case ncclInt32:
    case ncclFloat32:
      return 4;
    case ncclFloat64:
      return 8;
    default:
      return 0;
  }
}

template <class T>
void add(unsigned char* target, const unsigned char* source, std::size_t bytes) {
  for (std::size_t at = 0; at < bytes; at += sizeof(T)) {
    T a{};
    T b{};
    std::memcpy(&a, target + at, sizeof a);
    std::memcpy(&b, source + at, sizeof b);
    a = static_cast<T>(a + b);
    std::memcpy(target + at, &a, sizeof a);
  }
}

void add(ncclDataType_t type, unsigned char* target, const unsigned char* source,
         std::size_t bytes) {
  if (type == ncclInt32) return add<std::int32_t>(target, source, bytes);
  if (type == ncclFloat32) return add<float>(target, source, bytes);
  add<double>(target, source, bytes);
}

}  // namespace

struct ncclComm {
  Shared* shared = nullptr;
  int rank = 0;
  int size = 1;
  std::uint64_t chunks = 0;  // dealt with so far
  bool aborted = false;
  std::vector<std::weak_ptr<void>> captured;  // operations that are nodes of CUDA graphs
};

namespace {

bool all_at_least(const ncclComm& comm, const std::atomic<std::uint64_t>* counts,
                  std::uint64_t value) {
  return std::all_of(counts, counts + comm.size,
                     [value](const auto& count) { return count.load() >= value; });
}

// Goes through `bytes` bytes of every rank's `source` chunk by chunk; `take` gets each rank's bytes
// in the order of ranks.
class Exchange {
 public:
  using Take = std::function<void(int rank, std::size_t offset, const unsigned char* data,
                                  std::size_t bytes)>;
  Exchange(ncclComm_t comm, const void* source, std::size_t bytes, Take take)
      : comm_(comm),
        source_(static_cast<const unsigned char*>(source)),
        bytes_(bytes),
        take_(std::move(take)) {}

  Outcome step() {
    const DeviceAccess access;
    while (offset_ < bytes_) {
      if (comm_->aborted) break;  // the kernels of an aborted communicator end
      Shared& shared = *comm_->shared;
      if (peer_has_left(shared)) break;
      const std::size_t length = std::min(kChunk, bytes_ - offset_);
      if (!shown_) {
        // The room is free when everybody has read what was there before.
        if (!all_at_least(*comm_, shared.read, comm_->chunks)) return Outcome::blocked;
        std::memcpy(shared.chunks[comm_->rank], source_ + offset_, length);
        shared.shown[comm_->rank].store(comm_->chunks + 1);
        shown_ = true;
      }
      if (!all_at_least(*comm_, shared.shown, comm_->chunks + 1)) return Outcome::blocked;
      for (int rank = 0; rank < comm_->size; ++rank) {
        take_(rank, offset_, shared.chunks[rank], length);
      }
      ++comm_->chunks;
      shared.read[comm_->rank].store(comm_->chunks);
      offset_ += length;
      shown_ = false;
    }
    offset_ = 0;  // a graph plays it again
    return Outcome::done;
  }

 private:
  // A rank that destroys its communicator frees memory that the others read.
  [[nodiscard]] bool peer_has_left(const Shared& shared) const {
    for (int rank = 0; rank < comm_->size; ++rank) {
      if (rank == comm_->rank || shared.left[rank].load() == 0) continue;
      report_fault(cudaErrorIllegalAddress, "NCCL: rank " + std::to_string(rank) +
                                                " has destroyed its communicator, which rank " +
                                                std::to_string(comm_->rank) + " still needs");
      return true;
    }
    return false;
  }

  ncclComm_t comm_;
  const unsigned char* source_;
  std::size_t bytes_;
  Take take_;
  std::size_t offset_ = 0;
  bool shown_ = false;
};

ncclResult_t start(const char* function, ncclComm_t comm, const void* source, std::size_t bytes,
                   void* target, std::size_t target_bytes, cudaStream_t stream,
                   Exchange::Take take) {
  const Lock lock(gpu_mutex());
  install_signal_handlers();
  if (const int error = injected_error(function)) return static_cast<ncclResult_t>(error);
  if (sticky_error() != cudaSuccess) return ncclUnhandledCudaError;
  if (bytes > 0 && (!is_device_range(source, bytes) || !is_device_range(target, target_bytes))) {
    return ncclInvalidArgument;
  }
  auto exchange = std::make_shared<Exchange>(comm, source, bytes, std::move(take));
  if (stream != nullptr && stream->capture != nullptr) comm->captured.emplace_back(exchange);
  const auto error = enqueue(stream, function, [exchange] { return exchange->step(); });
  return error == cudaSuccess ? ncclSuccess : ncclUnhandledCudaError;
}

}  // namespace

ncclResult_t ncclGetUniqueId(ncclUniqueId* id) {
  if (const int error = injected_error("ncclGetUniqueId")) return static_cast<ncclResult_t>(error);
  static int count = 0;
  std::memset(id, 0, sizeof *id);
  std::snprintf(id->internal, sizeof id->internal, "/scimix-emulated-%d-%d",
                static_cast<int>(getpid()), count++);
  return ncclSuccess;
}

ncclResult_t ncclCommInitRank(ncclComm_t* comm, int ranks, ncclUniqueId id, int rank) {
  if (const int error = injected_error("ncclCommInitRank")) return static_cast<ncclResult_t>(error);
  if (ranks > kMostRanks) return ncclInvalidArgument;
  const int file = shm_open(id.internal, O_CREAT | O_RDWR, 0600);
  if (file < 0 || ftruncate(file, sizeof(Shared)) != 0) return ncclSystemError;
  void* const memory = mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  close(file);
  if (memory == MAP_FAILED) return ncclSystemError;
  auto out = std::make_unique<ncclComm>();
  out->shared = static_cast<Shared*>(memory);  // of zeros, which are valid counts
  out->rank = rank;
  out->size = ranks;
  out->shared->joined[rank].store(1);
  while (!all_at_least(*out, out->shared->joined, 1)) usleep(100);
  if (rank == 0) shm_unlink(id.internal);  // everybody has it open
  *comm = out.release();
  count_object("communicator", 1);
  return ncclSuccess;
}

ncclResult_t ncclCommAbort(ncclComm_t comm) {
  const Lock lock(gpu_mutex());
  if (std::any_of(comm->captured.begin(), comm->captured.end(),
                  [](const auto& operation) { return !operation.expired(); })) {
    die("ncclCommAbort would wait for ever: a CUDA graph that captured its operations still "
        "exists");
  }
  comm->aborted = true;  // queued work still uses the object, which is small and stays
  comm->shared->left[comm->rank].store(1);
  count_object("communicator", -1);
  return ncclSuccess;
}

ncclResult_t ncclCommDestroy(ncclComm_t comm) {
  return ncclCommAbort(comm);
}

ncclResult_t ncclCommFinalize(ncclComm_t /*comm*/) {
  return ncclSuccess;
}

ncclResult_t ncclCommGetAsyncError(ncclComm_t /*comm*/, ncclResult_t* state) {
  const int error = injected_error("ncclCommGetAsyncError");
  *state = static_cast<ncclResult_t>(error);
  return ncclSuccess;
}

const char* ncclGetErrorString(ncclResult_t result) {
  static thread_local std::string text;
  text = "status " + std::to_string(static_cast<int>(result));
  return text.c_str();
}

ncclResult_t ncclAllReduce(const void* source, void* target, size_t count, ncclDataType_t type,
                           ncclRedOp_t operation, ncclComm_t comm, cudaStream_t stream) {
  if (operation != ncclSum || size_of(type) < 4) return ncclInvalidArgument;
  const std::size_t bytes = count * size_of(type);
  return start("ncclAllReduce", comm, source, bytes, target, bytes, stream,
               [=](int rank, std::size_t offset, const unsigned char* data, std::size_t length) {
                 auto* const to = static_cast<unsigned char*>(target) + offset;
                 if (rank == 0) {
                   std::memcpy(to, data, length);
                 } else {
                   add(type, to, data, length);
                 }
               });
}

ncclResult_t ncclReduceScatter(const void* source, void* target, size_t count, ncclDataType_t type,
                               ncclRedOp_t operation, ncclComm_t comm, cudaStream_t stream) {
  if (operation != ncclSum || size_of(type) < 4) return ncclInvalidArgument;
  const std::size_t mine = count * size_of(type);
  const std::size_t first = mine * static_cast<std::size_t>(comm->rank);
  return start("ncclReduceScatter", comm, source, mine * static_cast<std::size_t>(comm->size),
               target, mine, stream,
               [=](int rank, std::size_t offset, const unsigned char* data, std::size_t length) {
                 // The part of this chunk that belongs to this rank.
                 const std::size_t begin = std::max(offset, first);
                 const std::size_t end = std::min(offset + length, first + mine);
                 if (begin >= end) return;
                 auto* const to = static_cast<unsigned char*>(target) + (begin - first);
                 const unsigned char* const from = data + (begin - offset);
                 if (rank == 0) {
                   std::memcpy(to, from, end - begin);
                 } else {
                   add(type, to, from, end - begin);
                 }
               });
}

ncclResult_t ncclAllGather(const void* source, void* target, size_t count, ncclDataType_t type,
                           ncclComm_t comm, cudaStream_t stream) {
  if (size_of(type) == 0) return ncclInvalidArgument;
  const std::size_t bytes = count * size_of(type);
  return start("ncclAllGather", comm, source, bytes, target,
               bytes * static_cast<std::size_t>(comm->size), stream,
               [=](int rank, std::size_t offset, const unsigned char* data, std::size_t length) {
                 std::memcpy(static_cast<unsigned char*>(target) +
                                 static_cast<std::size_t>(rank) * bytes + offset,
                             data, length);
               });
}

ncclResult_t ncclBroadcast(const void* source, void* target, size_t count, ncclDataType_t type,
                           int root, ncclComm_t comm, cudaStream_t stream) {
  if (size_of(type) == 0) return ncclInvalidArgument;
  const std::size_t bytes = count * size_of(type);
  return start("ncclBroadcast", comm, source, bytes, target, bytes, stream,
               [=](int rank, std::size_t offset, const unsigned char* data, std::size_t length) {
                 if (rank == root) {
                   std::memcpy(static_cast<unsigned char*>(target) + offset, data, length);
                 }
               });
}
