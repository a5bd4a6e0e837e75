#include "core/comm_nccl.hpp"

#include <nccl.h>

#include <type_traits>

#include "core/cuda.hpp"
#include "core/error.hpp"

#define SCIMIX_NCCL_CHECK(call) SCIMIX_CHECK_STATUS("NCCL", call, ncclSuccess, ncclGetErrorString)

namespace scimix::nccl {

namespace {

struct StreamDeleter {
  void operator()(cudaStream_t stream) const noexcept {
    static_cast<void>(cudaStreamDestroy(stream));
  }
};
struct EventDeleter {
  void operator()(cudaEvent_t event) const noexcept { static_cast<void>(cudaEventDestroy(event)); }
};
struct CommDeleter {
  // Not ncclCommDestroy, which would wait for ranks that may be gone.
  void operator()(ncclComm_t comm) const noexcept { static_cast<void>(ncclCommAbort(comm)); }
};
template <class Handle, class Deleter>
using Owned = std::unique_ptr<std::remove_pointer_t<Handle>, Deleter>;

Owned<cudaEvent_t, EventDeleter> make_event() {
  cudaEvent_t event = nullptr;
  SCIMIX_CUDA_CHECK(cudaEventCreateWithFlags(&event, cudaEventDisableTiming));
  return Owned<cudaEvent_t, EventDeleter>(event);
}

ncclDataType_t type_of(const Tensor& tensor) {
  switch (tensor.dtype()) {
    case DType::f32:
      return ncclFloat32;
    case DType::f64:
      return ncclFloat64;
    case DType::i32:
      return ncclInt32;
    default:
      SCIMIX_CHECK(false, "a sum over ranks of ", name_of(tensor.dtype()));
  }
}

std::size_t count_of(const Tensor& tensor) {
  return static_cast<std::size_t>(tensor.numel());
}

// All operations run on one separate stream. An operation waits for the work that is queued on the
// device's stream so far; except after start_all_reduce, the device's stream then waits for the
// operation. So NCCL has one order of operations, and a CUDA graph captures them like kernels.
class NcclComm : public Comm {
 public:
  NcclComm(mpi::Session& session, ncclComm_t comm)
      : Comm(session.place().rank, session.place().size),
        session_(session),
        comm_(comm),
        ready_(make_event()),
        done_(make_event()) {
    cudaStream_t stream = nullptr;
    SCIMIX_CUDA_CHECK(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking));
    stream_.reset(stream);
  }

  void all_reduce(const Output& tensor) override {
    begin();
    SCIMIX_NCCL_CHECK(ncclAllReduce(tensor.raw(), tensor.raw(), count_of(tensor), type_of(tensor),
                                    ncclSum, comm_.get(), stream_.get()));
    end();
  }

  void all_gather(const Tensor& mine, const Output& all) override {
    SCIMIX_CHECK(all.bytes() == mine.bytes() * static_cast<std::size_t>(size()), "all-gather of ",
                 mine.shape(), " on ", size(), " ranks into ", all.shape());
    begin();
    SCIMIX_NCCL_CHECK(
        ncclAllGather(mine.raw(), all.raw(), mine.bytes(), ncclInt8, comm_.get(), stream_.get()));
    end();
  }

  void reduce_scatter(const Tensor& all, const Output& mine) override {
    SCIMIX_CHECK(all.numel() == mine.numel() * size() && all.dtype() == mine.dtype(),
                 "reduce-scatter of ", all.shape(), " on ", size(), " ranks into ", mine.shape());
    begin();
    SCIMIX_NCCL_CHECK(ncclReduceScatter(all.raw(), mine.raw(), count_of(mine), type_of(all),
                                        ncclSum, comm_.get(), stream_.get()));
    end();
  }

  void broadcast(const Output& tensor) override {
    begin();
    SCIMIX_NCCL_CHECK(ncclBroadcast(tensor.raw(), tensor.raw(), tensor.bytes(), ncclInt8, 0,
                                    comm_.get(), stream_.get()));
    end();
  }

  void start_all_reduce(const Output& tensor) override {
    stats_.all_reduces += 1;
    stats_.bytes += static_cast<std::int64_t>(tensor.bytes());
    begin();
    SCIMIX_NCCL_CHECK(ncclAllReduce(tensor.raw(), tensor.raw(), count_of(tensor), type_of(tensor),
                                    ncclSum, comm_.get(), stream_.get()));
  }

  void finish_all_reduces() override { end(); }

  [[nodiscard]] std::vector<double> all_gather(std::span<const double> mine) override {
    return session_.comm().all_gather(mine);
  }

  void wait_for_device() override {
    SCIMIX_CUDA_CHECK(cudaEventRecord(done_.get(), cuda::current_stream()));
    session_.wait_for(
        [&] {
          ncclResult_t state = ncclSuccess;
          SCIMIX_NCCL_CHECK(ncclCommGetAsyncError(comm_.get(), &state));
          SCIMIX_CHECK(state == ncclSuccess, "NCCL error: ", ncclGetErrorString(state),
                       " of an earlier operation, by ncclCommGetAsyncError()");
          const cudaError_t status = cudaEventQuery(done_.get());
          if (status == cudaErrorNotReady) return false;
          SCIMIX_CHECK(status == cudaSuccess, "CUDA error: ", cudaGetErrorString(status),
                       " in cudaEventQuery(done_.get())");
          return true;
        },
        "the work of the GPU");
  }

  [[nodiscard]] bool can_be_captured() const override { return true; }

  [[nodiscard]] CommStats stats() const override { return stats_; }

 private:
  void begin() const {
    SCIMIX_CUDA_CHECK(cudaEventRecord(ready_.get(), cuda::current_stream()));
    SCIMIX_CUDA_CHECK(cudaStreamWaitEvent(stream_.get(), ready_.get(), 0));
  }
  void end() const {
    SCIMIX_CUDA_CHECK(cudaEventRecord(done_.get(), stream_.get()));
    SCIMIX_CUDA_CHECK(cudaStreamWaitEvent(cuda::current_stream(), done_.get(), 0));
  }

  mpi::Session& session_;
  Owned<ncclComm_t, CommDeleter> comm_;
  Owned<cudaStream_t, StreamDeleter> stream_;
  Owned<cudaEvent_t, EventDeleter> ready_;
  Owned<cudaEvent_t, EventDeleter> done_;
  CommStats stats_;
};

}  // namespace

std::unique_ptr<Comm> connect(mpi::Session& session) {
  ncclUniqueId id{};
  if (session.place().rank == 0) SCIMIX_NCCL_CHECK(ncclGetUniqueId(&id));
  session.broadcast_bytes(&id, sizeof(id));
  ncclComm_t comm = nullptr;
  SCIMIX_NCCL_CHECK(ncclCommInitRank(&comm, session.place().size, id, session.place().rank));
  return std::make_unique<NcclComm>(session, comm);
}

}  // namespace scimix::nccl
