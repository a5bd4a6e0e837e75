#include "tools/mix/mix_output.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <nlohmann/json.hpp>
#include <span>
#include <string_view>

#include "core/atomic_file.hpp"
#include "core/error.hpp"
#include "core/paths.hpp"
#include "core/result_file.hpp"
#include "core/safetensors.hpp"
#include "data/image_io.hpp"
#include "data/npy.hpp"
#include "tools/command_line/result_folder.hpp"

namespace scimix {

namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kMostInPicture = 2500;
// Texts by which files of earlier results are recognised.
constexpr std::string_view kListMark = "file\tclass\tpredicted\tcontent\tscene";
constexpr const char* kTensorsMark = "scimix-hybrids-1";
constexpr std::string_view kRecordsMark = "('scene', '<i4')";

std::span<const std::uint8_t> image_of(const MixedImages& hybrids, std::int64_t index) {
  const auto bytes = static_cast<std::size_t>(hybrids.side * hybrids.side * 3);
  return std::span(hybrids.pixels).subspan(static_cast<std::size_t>(index) * bytes, bytes);
}

fs::path list_beside(const fs::path& folder) {
  return normal_folder(folder).native() + ".tsv";
}

std::string class_name(const std::vector<std::string>& names, std::int32_t label) {
  return label == kUnknownLabel ? "?" : names.at(static_cast<std::size_t>(label));
}

void write_records(const fs::path& path, const MixedImages& h) {
  const std::array fields = {
      npy_field("image", {h.side, h.side, 3}, h.pixels), npy_field("label", {}, h.labels),
      npy_field("predicted", {}, h.predicted), npy_field("content", {}, h.parents.content),
      npy_field("scene", {}, h.parents.scene)};
  write_npy(path, h.count(), fields);
}

void write_tensors(const fs::path& path, const MixedImages& h, const MixParents& parents) {
  const auto numbers = [&](const char* name, const std::vector<std::int32_t>& values) {
    return TensorEntry{name, "I32", {h.count()}, std::as_bytes(std::span(values))};
  };
  const std::array entries = {
      TensorEntry{
          "image", "U8", {h.count(), h.side, h.side, 3}, std::as_bytes(std::span(h.pixels))},
      numbers("label", h.labels), numbers("predicted", h.predicted),
      numbers("content", h.parents.content), numbers("scene", h.parents.scene)};
  write_safetensors(
      path, entries,
      {{"format", kTensorsMark}, {"class_names", nlohmann::json(parents.class_names).dump()}});
}

// --- a picture ---------------------------------------------------------------------------------

// The images of a picture grid, row by row.
class Picture {
 public:
  explicit Picture(std::int64_t side) : bytes_(static_cast<std::size_t>(side * side * 3)) {}

  void add(std::span<const std::uint8_t> image) {
    pixels_.insert(pixels_.end(), image.begin(), image.end());
  }
  void add_blank() { pixels_.resize(pixels_.size() + bytes_); }
  void set(std::int64_t position, std::span<const std::uint8_t> image) {
    std::ranges::copy(image, pixels_.begin() + position * static_cast<std::ptrdiff_t>(bytes_));
  }
  [[nodiscard]] const std::vector<std::uint8_t>& pixels() const { return pixels_; }

 private:
  std::size_t bytes_;
  std::vector<std::uint8_t> pixels_;
};

// Returns the different values in ascending order.
std::vector<std::int32_t> distinct(std::vector<std::int32_t> indices) {
  std::sort(indices.begin(), indices.end());
  indices.erase(std::unique(indices.begin(), indices.end()), indices.end());
  return indices;
}

std::int64_t position_in(const std::vector<std::int32_t>& sorted, std::int32_t value) {
  return std::ranges::lower_bound(sorted, value) - sorted.begin();
}

// Returns a table of all hybrids with scenes on top and contents on the left. Hybrids that the
// filter removed are black.
Picture table(const MixedImages& h, const MixParents& parents, std::int64_t& columns) {
  const std::vector<std::int32_t> contents = distinct(h.parents.content);
  const std::vector<std::int32_t> scenes = distinct(h.parents.scene);
  columns = 1 + std::ssize(scenes);
  Picture picture(h.side);
  picture.add_blank();
  for (const std::int32_t scene : scenes) picture.add(parents.scene.images.image(scene));
  for (const std::int32_t content : contents) {
    picture.add(parents.content.images.image(content));
    for (std::size_t i = 0; i < scenes.size(); ++i) picture.add_blank();
  }
  for (std::int64_t i = 0; i < h.count(); ++i) {
    const auto at = static_cast<std::size_t>(i);
    const std::int64_t row = 1 + position_in(contents, h.parents.content[at]);
    const std::int64_t column = 1 + position_in(scenes, h.parents.scene[at]);
    picture.set(row * columns + column, image_of(h, i));
  }
  return picture;
}

// Returns triples of content, scene and hybrid with gaps between them, in a picture that is about
// as wide as high.
Picture triples(const MixedImages& h, const MixParents& parents, std::int64_t& columns) {
  const auto pairs = static_cast<double>(h.count());
  const auto per_row = std::max<std::int64_t>(1, std::llround(std::sqrt(pairs / 4)));
  columns = 4 * per_row - 1;
  Picture picture(h.side);
  for (std::int64_t i = 0; i < h.count(); ++i) {
    const auto at = static_cast<std::size_t>(i);
    if (i % per_row != 0) picture.add_blank();
    picture.add(parents.content.images.image(h.parents.content[at]));
    picture.add(parents.scene.images.image(h.parents.scene[at]));
    picture.add(image_of(h, i));
  }
  return picture;
}

void write_picture(const fs::path& path, const MixedImages& h, const MixParents& parents) {
  if (h.count() == 0) user_error(shown(path), ": no hybrid was kept, there is nothing to show");
  check_count(path, h.count());
  std::int64_t columns = 0;
  const Picture picture =
      parents.every_pair ? table(h, parents, columns) : triples(h, parents, columns);
  write_grid(path, picture.pixels(), h.side, h.side, columns, /*scale=*/h.side < 64 ? 2 : 1);
}

// --- a folder ----------------------------------------------------------------------------------

void write_folder(const fs::path& path, const MixedImages& h, const MixParents& parents) {
  ResultFolder folder(path);
  std::string list(kListMark);
  list += '\n';
  for (std::int64_t i = 0; i < h.count(); ++i) {
    const auto at = static_cast<std::size_t>(i);
    const std::string known = class_name(parents.class_names, h.labels[at]);
    const fs::path of_class = h.labels[at] == kUnknownLabel ? fs::path() : class_folder(known);
    const fs::path file = of_class / fmt::format("{:06}.png", i);
    make_folder(folder.path() / of_class);
    const auto image = image_of(h, i);
    write_png(folder.path() / file, {h.side, h.side, {image.begin(), image.end()}});
    list += fmt::format("{}\t{}\t{}\t{}\t{}\n", file.generic_string(), known,
                        class_name(parents.class_names, h.predicted[at]),
                        parents.content.names[static_cast<std::size_t>(h.parents.content[at])],
                        parents.scene.names[static_cast<std::size_t>(h.parents.scene[at])]);
  }
  AtomicFile file(list_beside(path));
  file.write(list);
  file.commit();
  folder.commit();
}

}  // namespace

MixForm output_form(const fs::path& path) {
  const std::string extension = path.extension().native();
  if (extension == ".npy") return MixForm::npy;
  if (extension == ".safetensors") return MixForm::safetensors;
  if (extension == ".png") return MixForm::grid;
  if (path.empty() || !extension.empty()) {
    user_error("--out ", shown(path),
               ": expected a name that ends in .npy, .safetensors or .png, or a folder");
  }
  return MixForm::folder;
}

void check_output(const fs::path& path) {
  const char* const option = "--out";
  switch (output_form(path)) {
    case MixForm::npy:
      return check_result_file(option, path, kRecordsMark);
    case MixForm::safetensors:
      return check_result_file(option, path, kTensorsMark);
    case MixForm::grid:
      return check_result_file(option, path, kPngMark);
    case MixForm::folder:
      break;
  }
  check_new_folder(option, path);
  const fs::path list = list_beside(path);
  const fs::path above = parent_folder(list);
  if (is_folder(above)) check_result_file(option, list, kListMark);
}

void check_class_names(const fs::path& path, const std::vector<std::string>& class_names) {
  if (output_form(path) != MixForm::folder) return;
  for (const std::string& name : class_names) (void)class_folder(name);
}

void check_count(const fs::path& path, std::int64_t hybrids) {
  if (output_form(path) != MixForm::grid || hybrids <= kMostInPicture) return;
  user_error(shown(path), ": ", hybrids, " hybrids in one picture, expected at most ",
             kMostInPicture, ": choose fewer with --count, or a folder");
}

std::string describe_output(const fs::path& path) {
  if (output_form(path) != MixForm::folder) return shown(path);
  return shown(normal_folder(path)) + ", listed in " + shown(list_beside(path));
}

void write_hybrids(const fs::path& path, const MixedImages& hybrids, const MixParents& parents) {
  switch (output_form(path)) {
    case MixForm::npy:
      return write_records(path, hybrids);
    case MixForm::safetensors:
      return write_tensors(path, hybrids, parents);
    case MixForm::grid:
      return write_picture(path, hybrids, parents);
    case MixForm::folder:
      return write_folder(path, hybrids, parents);
  }
}

}  // namespace scimix
