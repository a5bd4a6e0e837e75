// CUPTI's callbacks for calls of the driver: the emulated runtime says which it would make.
#include <cupti.h>

#include "emulated/gpu.hpp"
#include "emulated/testing.hpp"

namespace {

CUpti_CallbackFunc subscriber = nullptr;
void* subscriber_data = nullptr;

void pass_on(const char* driver_function) {
  CUpti_CallbackData data{};
  data.callbackSite = CUPTI_API_ENTER;
  data.functionName = driver_function;
  subscriber(subscriber_data, CUPTI_CB_DOMAIN_DRIVER_API, 0, &data);
}

}  // namespace

CUptiResult cuptiSubscribe(CUpti_SubscriberHandle* handle, CUpti_CallbackFunc callback,
                           void* data) {
  if (subscriber != nullptr) return CUPTI_ERROR_MULTIPLE_SUBSCRIBERS_NOT_SUPPORTED;
  subscriber = callback;
  subscriber_data = data;
  *handle = nullptr;
  return CUPTI_SUCCESS;
}

CUptiResult cuptiEnableDomain(std::uint32_t enable, CUpti_SubscriberHandle /*handle*/,
                              CUpti_CallbackDomain /*domain*/) {
  scimix::emulated::on_driver_call(enable != 0 ? pass_on : nullptr);
  return CUPTI_SUCCESS;
}

CUptiResult cuptiUnsubscribe(CUpti_SubscriberHandle /*handle*/) {
  scimix::emulated::on_driver_call(nullptr);
  subscriber = nullptr;
  return CUPTI_SUCCESS;
}

CUptiResult cuptiGetResultString(CUptiResult /*result*/, const char** text) {
  *text = "an error of the emulated CUPTI";
  return CUPTI_SUCCESS;
}
