#include "kernels/image/strong_policy.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>

#include "core/error.hpp"

namespace scimix {

namespace {

// Returns the range of the argument, such as " 0.14 to 0.86", or nothing for an operation without
// one. A sign is drawn for the operations whose argument depends on it.
std::string argument_range(const StrongAugment& options, ImageOperation operation,
                           const ImageSize& size) {
  const auto argument = [&](int level, float fraction, bool negative) {
    return operation_argument(options.table, operation, {level, fraction, negative}, size);
  };
  constexpr float kLast = 1 - 0x1p-24F;  // the largest fraction
  const float first = argument(1, 0, false);
  const float last = argument(9, kLast, false);
  if (first == 0 && last == 0) return "";
  const bool signs = argument(9, 0, true) != argument(9, 0, false);
  return text(signs ? " +-" : " ", first, signs ? " to +-" : " to ", last);
}

std::string unit_of(ImageOperation operation) {
  switch (operation) {
    case ImageOperation::posterize:
      return " bits kept";
    case ImageOperation::rotate:
      return " degrees";
    case ImageOperation::shear_x:
    case ImageOperation::shear_y:
      return " pixels per line";
    case ImageOperation::translate_x:
    case ImageOperation::translate_y:
      return " pixels";
    default:
      return "";
  }
}

}  // namespace

std::string name_of(ImageOperation operation) {
  static const std::array<std::string, kImageOperations> names{
      "AutoContrast", "Brightness", "Color",  "Contrast", "Equalize", "Identity",   "Posterize",
      "Rotate",       "Sharpness",  "ShearX", "ShearY",   "Solarize", "TranslateX", "TranslateY"};
  return names.at(static_cast<std::size_t>(operation));
}

std::vector<std::string> describe_policy(const StrongAugment& options, std::int64_t height,
                                         std::int64_t width) {
  const bool levels = options.table != StrongTable::torchssl;
  std::vector<std::string> lines;
  lines.push_back(text("RandAugment: ", options.operations, " of ", kImageOperations,
                       " operations, drawn with replacement, each applied with probability ",
                       options.probability, "; table ", name_of(options.table), ", ",
                       levels ? "levels 1 to 9" : "uniform in each range"));
  for (int i = 0; i < kImageOperations; ++i) {
    const auto operation = static_cast<ImageOperation>(i);
    const std::string range = argument_range(options, operation, {height, width});
    lines.push_back(text("  ", name_of(operation), range, range.empty() ? "" : unit_of(operation)));
  }
  lines.push_back(text("  outside the image: ", static_cast<int>(options.fill)));
  lines.push_back(options.cutout == 0
                      ? "Cutout: none"
                      : text("Cutout: ", options.cutout, "x", options.cutout,
                             " pixels around a uniform pixel, clipped, 0 in the network's input"));
  return lines;
}

}  // namespace scimix
