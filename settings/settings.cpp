#include "settings/settings.hpp"

#include "core/error.hpp"

namespace scimix {

DatasetOptions dataset_options(const DataSettings& settings) {
  return {.size = settings.image_size,
          .test_fraction = settings.test_share,
          .no_test = settings.test == TestSet::none,
          .labels_file = settings.labels_file,
          .digits_train = settings.digits_train,
          .digits_test = settings.digits_test,
          .data_seed = settings.data_seed,
          .skip_unreadable = settings.skip_unreadable,
          .bounding_box = settings.bounding_box};
}

DType activation_type(Precision precision) {
  if (precision == Precision::f64) return DType::f64;
  return precision == Precision::bf16 ? DType::bf16 : DType::f32;
}

DType parameter_type(Precision precision) {
  return precision == Precision::f64 ? DType::f64 : DType::f32;
}

StrongAugment strong_augment(const FixMatchSettings& settings, std::int64_t side) {
  return {.table = settings.strong_table,
          .operations = settings.strong_operations,
          .probability = settings.strong_probability,
          .cutout = settings.cutout < 0 ? static_cast<int>(side / 2) : settings.cutout};
}

void check_precision(Precision precision, Device device) {
  if (precision == Precision::f64 && !device.is_cpu()) {
    user_error("--precision f64: expected --device cpu, as f64 is only for checks on a CPU");
  }
}

bool uses_graphs(const GraphSettings& settings, Device device, const Comm& ranks) {
  if (settings.graph == GraphMode::off) return false;
  if (settings.graph == GraphMode::automatic) return device.is_cuda() && ranks.can_be_captured();
  if (!ranks.can_be_captured()) {
    user_error("--graph on with ", ranks.size(),
               " ranks on CPUs: expected auto or off, as they exchange data through host memory");
  }
  return true;
}

void check_image_size(std::int64_t size, const char* option) {
  if (size != 0 && (size < 8 || size % 4 != 0)) {
    user_error(option, " ", size,
               ": expected a multiple of 4, at least 8 (or 0 for the data set's own size)");
  }
}

}  // namespace scimix
