#include "tools/eval/eval_augment.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdint>
#include <iostream>
#include <optional>
#include <span>

#include "core/device.hpp"
#include "core/error.hpp"
#include "core/names.hpp"
#include "core/paths.hpp"
#include "core/result_file.hpp"
#include "core/tensor.hpp"
#include "data/image_io.hpp"
#include "data/resize.hpp"
#include "kernels/image/strong_augment.hpp"
#include "tools/command_line/cli.hpp"

namespace scimix {

namespace {

struct AugmentSettings {
  std::string picture;
  std::string operation;
  std::optional<double> argument;
  int fill = 127;
  std::int64_t size = 0;
  std::string out;
  std::string device = "auto";
};

// What the argument of an operation may be.
struct ArgumentRange {
  double least = 0;
  double most = 0;
  const char* meaning = nullptr;  // null: the operation has no argument
};

ArgumentRange range_of(ImageOperation operation) {
  switch (operation) {
    case ImageOperation::brightness:
    case ImageOperation::color:
    case ImageOperation::contrast:
    case ImageOperation::sharpness:
      return {0, 100, "a factor; 1 leaves the picture as it is"};
    case ImageOperation::posterize:
      return {1, 8, "the bits that are kept"};
    case ImageOperation::rotate:
      return {-360, 360, "degrees, counter-clockwise"};
    case ImageOperation::shear_x:
    case ImageOperation::shear_y:
      return {-100, 100, "pixels per line"};
    case ImageOperation::solarize:
      return {0, 256, "the value from which on values are inverted"};
    case ImageOperation::translate_x:
    case ImageOperation::translate_y:
      return {-32767, 32767, "pixels"};
    case ImageOperation::auto_contrast:
    case ImageOperation::equalize:
    case ImageOperation::identity:
      break;
  }
  return {};
}

// "translate-x" for TranslateX.
std::string option_name(ImageOperation operation) {
  std::string name;
  for (const char c : name_of(operation)) {
    const auto letter = static_cast<unsigned char>(c);
    if (std::isupper(letter) != 0 && !name.empty()) name += '-';
    name += static_cast<char>(std::tolower(letter));
  }
  return name;
}

std::vector<std::string> option_names() {
  std::vector<std::string> names;
  for (int i = 0; i < kImageOperations; ++i) {
    names.push_back(option_name(static_cast<ImageOperation>(i)));
  }
  return names;
}

ImageOperation find_operation(const std::string& name) {
  const std::vector<std::string> names = option_names();
  const auto found = std::find(names.begin(), names.end(), name);
  if (found != names.end()) return static_cast<ImageOperation>(found - names.begin());
  user_error("--operation ", name, ": expected one of ", fmt::format("{}", fmt::join(names, ", ")),
             "; did you mean ", nearest_name(name, names), "?");
}

float argument_of(const AugmentSettings& s, ImageOperation operation) {
  const ArgumentRange range = range_of(operation);
  if (range.meaning == nullptr) {
    if (s.argument) user_error("--argument: ", s.operation, " has none");
    return 0;
  }
  if (!s.argument) {
    user_error("--argument is missing, expected for ", s.operation, ": ", range.meaning);
  }
  if (!(*s.argument >= range.least && *s.argument <= range.most)) {
    user_error("--argument ", *s.argument, ": expected ", range.least, " to ", range.most, ", ",
               range.meaning);
  }
  return static_cast<float>(*s.argument);
}

int augment(const AugmentSettings& s) {
  const ImageOperation operation = find_operation(s.operation);
  const float argument = argument_of(s, operation);
  if (!s.out.ends_with(".png")) {
    user_error("--out ", shown(s.out), ": expected a name that ends in .png");
  }
  check_result_file("--out", s.out, kPngMark);
  const Device device = parse_device(s.device);
  select_device(device);
  Image image = read_image(s.picture);
  if (s.size > 0) image = resize_and_crop(image, s.size);
  if (image.height * image.width > kStrongPixels) {
    user_error(shown(s.picture), ": ", image.width, "x", image.height, " pixels, expected at most ",
               kStrongPixels, " in all, as in training: --size brings it to size");
  }
  const Shape shape{1, image.height, image.width, 3};
  const Tensor pixels =
      Tensor::from_host(std::span<const std::uint8_t>(image.pixels), shape, device);
  Tensor out = Tensor::empty(shape, DType::u8, device);
  apply_image_operation(pixels, operation, argument, static_cast<std::uint8_t>(s.fill), out);
  write_png(s.out, {image.height, image.width, out.to_host<std::uint8_t>()});
  std::cout << fmt::format("{} of {}, {}x{} pixels, in {}\n", s.operation, shown(s.picture),
                           image.width, image.height, shown(s.out));
  return 0;
}

}  // namespace

int eval_augment(const std::vector<std::string>& arguments) {
  CLI::App app(
      "Applies one operation of FixMatch's strong augmentation to a picture, as training does.",
      "scimix_eval augment");
  AugmentSettings s;
  use_setting_defaults(app);
  app.add_option("picture", s.picture, "a PNG or JPEG file")->required();
  app.add_option("--operation", s.operation,
                 fmt::format("what is done: {}", fmt::join(option_names(), ", ")))
      ->required();
  check_number(app.add_option(
      "--argument", s.argument,
      "how strong: a factor (brightness, color, contrast, sharpness; 1 changes nothing), "
      "bits (posterize), degrees (rotate), pixels per line (shear-x, shear-y), a value "
      "from 0 to 256 (solarize), pixels (translate-x, translate-y)"));
  check_number(app.add_option("--fill", s.fill,
                              "grey value where an operation looks outside the picture, 0 to 255"),
               {.least = 0, .most = 255});
  check_number(
      app.add_option("--size", s.size,
                     "first bring the picture to a square of this side, at most 4096, as a "
                     "folder's images are; 0: leave it"),
      {.least = 0, .most = 4096});
  app.add_option("--out", s.out, "the result, a PNG file")->required();
  app.add_option("--device", s.device, "auto, cpu, cuda:N");
  add_threads(app, "Options");
  if (const auto done = parse(app, arguments)) return *done;
  return augment(s);
}

}  // namespace scimix
