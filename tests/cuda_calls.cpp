#include "cuda_calls.hpp"

#include "core/error.hpp"

#if SCIMIX_WITH_CUPTI

#include <cupti.h>

#include <mutex>

namespace scimix::test {

namespace {

void check(CUptiResult status, const char* call) {
  const char* what = "";
  if (status == CUPTI_SUCCESS) return;
  static_cast<void>(cuptiGetResultString(status, &what));
  SCIMIX_CHECK(false, "CUPTI error: ", call, ": ", what);
}

// CUPTI has one subscriber in a process.
struct Subscription {
  std::mutex mutex;
  std::map<std::string, std::int64_t> calls;
  CUpti_SubscriberHandle handle = nullptr;
};

Subscription& subscription() {
  static Subscription one;
  return one;
}

void CUPTIAPI on_call(void* /*user*/, CUpti_CallbackDomain /*domain*/, CUpti_CallbackId /*id*/,
                      const void* data) {
  const auto* call = static_cast<const CUpti_CallbackData*>(data);
  if (call->callbackSite != CUPTI_API_ENTER) return;
  Subscription& s = subscription();
  const std::scoped_lock lock(s.mutex);
  ++s.calls[call->functionName];
}

}  // namespace

bool can_count_cuda_calls() {
  return true;
}

CudaCalls::CudaCalls() {
  Subscription& s = subscription();
  s.calls.clear();
  check(cuptiSubscribe(&s.handle, on_call, nullptr), "cuptiSubscribe");
  check(cuptiEnableDomain(1, s.handle, CUPTI_CB_DOMAIN_DRIVER_API), "cuptiEnableDomain");
}

CudaCalls::~CudaCalls() {
  static_cast<void>(cuptiUnsubscribe(subscription().handle));
}

std::map<std::string, std::int64_t> CudaCalls::by_name() const {
  Subscription& s = subscription();
  const std::scoped_lock lock(s.mutex);
  return s.calls;
}

}  // namespace scimix::test

#else

namespace scimix::test {

bool can_count_cuda_calls() {
  return false;
}
CudaCalls::CudaCalls() {
  SCIMIX_CHECK(false, "built without CUPTI");
}
CudaCalls::~CudaCalls() = default;
std::map<std::string, std::int64_t> CudaCalls::by_name() const {
  return {};
}

}  // namespace scimix::test

#endif
