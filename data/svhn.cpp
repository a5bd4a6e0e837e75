#include "data/svhn.hpp"

#include <fmt/format.h>
#include <matio.h>

#include <array>
#include <cerrno>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "core/error.hpp"
#include "core/paths.hpp"
#include "data/parallel.hpp"

namespace scimix {
namespace {

constexpr std::int64_t kSide = 32;
constexpr std::int64_t kPlane = kSide * kSide;
constexpr std::int64_t kImage = 3 * kPlane;
constexpr int kClasses = 10;

struct CloseMat {
  void operator()(mat_t* mat) const { Mat_Close(mat); }
};
struct FreeVariable {
  void operator()(matvar_t* variable) const { Mat_VarFree(variable); }
};
using MatFile = std::unique_ptr<mat_t, CloseMat>;
using MatVariable = std::unique_ptr<matvar_t, FreeVariable>;

// libmatio reports damaged data to its log function alone: the call that met it still says success
// and leaves zeros. The function gets no user pointer, hence the variable.
thread_local std::string last_complaint;

void keep_complaint(int level, char* message) {
  if (level <= (MATIO_LOG_LEVEL_CRITICAL)) last_complaint = message;
}

std::string shape_of(const matvar_t& variable) {
  std::string shape;
  for (int i = 0; i < variable.rank; ++i) {
    shape += fmt::format("{}{}", i == 0 ? "" : "x", variable.dims[i]);
  }
  return shape;
}

std::uint32_t little_endian(const std::uint8_t* bytes, int count) {
  std::uint32_t value = 0;
  for (int i = 0; i < count; ++i) value |= static_cast<std::uint32_t>(bytes[i]) << (8 * i);
  return value;
}

// Checks the header, and that the top-level elements (8 bytes of type and size, then the content)
// fill the file to its end: libmatio does not notice every truncated file. Returns the file's size.
// Source: MathWorks, "MAT-File Format", level 5.
std::uint64_t check_container(const std::string& path) {
  if (!is_file(path)) user_error(path, ": no such file");
  std::error_code error;
  const std::uint64_t size = std::filesystem::file_size(path, error);
  std::ifstream in(path, std::ios::binary);
  if (error || !in.is_open()) user_error(path, ": cannot be read: ", reason_of(errno));
  std::array<std::uint8_t, 128> header{};
  in.read(reinterpret_cast<char*>(header.data()), header.size());
  if (!in || header[126] != 'I' || header[127] != 'M' ||
      little_endian(&header[124], 2) != 0x0100U) {
    user_error(path, ": not a MATLAB version 5 file (little-endian)");
  }
  for (std::uint64_t at = header.size(); at < size;) {
    std::array<std::uint8_t, 8> tag{};
    in.seekg(static_cast<std::streamoff>(at));
    in.read(reinterpret_cast<char*>(tag.data()), tag.size());
    const std::uint64_t end = at + tag.size() + little_endian(&tag[4], 4);
    if (!in || end > size) {
      user_error(path, ": truncated: ", size, " bytes, expected at least ", end);
    }
    at = end;
  }
  return size;
}

class SvhnFile {
 public:
  explicit SvhnFile(const std::filesystem::path& path)
      : path_(path.string()), size_(check_container(path_)) {
    last_complaint.clear();
    Mat_LogInitFunc("scimix", keep_complaint);
    file_.reset(Mat_Open(path_.c_str(), MAT_ACC_RDONLY));
    if (!file_) user_error(path_, ": not a MATLAB file: ", last_complaint);
  }

  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] std::uint64_t size() const { return size_; }

  // A variable's type and shape, without its data.
  MatVariable find(const char* name) {
    MatVariable variable(Mat_VarReadInfo(file_.get(), name));
    if (!last_complaint.empty()) user_error(path_, ": damaged: ", last_complaint);
    if (!variable) user_error(path_, ": has no variable ", name, ", expected X and y");
    return variable;
  }

  void read(matvar_t& variable) {
    const int status = Mat_VarReadDataAll(file_.get(), &variable);
    if (status != 0 || variable.data == nullptr || !last_complaint.empty()) {
      user_error(path_, ": variable ", variable.name, " is damaged: ", last_complaint);
    }
  }

 private:
  std::string path_;
  std::uint64_t size_;
  MatFile file_;
};

// The number of images; the shape is 32x32x3xN.
std::int64_t check_images_variable(const SvhnFile& file, const matvar_t& x) {
  if (x.rank != 4) {
    user_error(file.path(), ": X has ", x.rank, " dimensions, expected 32x32x3xN");
  }
  if (x.dims[0] != kSide || x.dims[1] != kSide || x.dims[2] != 3 || x.dims[3] == 0) {
    user_error(file.path(), ": X is ", shape_of(x), ", expected 32x32x3xN");
  }
  if (x.class_type != MAT_C_UINT8 || x.isComplex != 0) {
    user_error(file.path(), ": X is not of type uint8");
  }
  // zlib cannot shrink data by more than a factor of 1032: do not believe a file that claims more.
  if (x.dims[3] > file.size() * 1032 / kImage + 1) {
    user_error(file.path(), ": X is ", shape_of(x), ", more than a file of ", file.size(),
               " bytes can hold");
  }
  return static_cast<std::int64_t>(x.dims[3]);
}

// [row + 32 col + 1024 channel + 3072 n] to [N,H,W,C].
std::vector<std::uint8_t> to_rows(const std::uint8_t* from, std::int64_t count) {
  std::vector<std::uint8_t> pixels(static_cast<std::size_t>(count * kImage));
  parallel_for_images(count, [&](std::int64_t n) {
    const std::uint8_t* source = from + n * kImage;
    std::uint8_t* target = pixels.data() + n * kImage;
    for (std::int64_t row = 0; row < kSide; ++row) {
      for (std::int64_t col = 0; col < kSide; ++col) {
        for (std::int64_t c = 0; c < 3; ++c) *target++ = source[row + kSide * col + kPlane * c];
      }
    }
  });
  return pixels;
}

double element(const matvar_t& variable, std::int64_t index) {
  const auto as = [&]<class T>(T /*tag*/) {
    return static_cast<double>(static_cast<const T*>(variable.data)[index]);
  };
  switch (variable.class_type) {
    case MAT_C_DOUBLE:
      return as(double{});
    case MAT_C_SINGLE:
      return as(float{});
    case MAT_C_INT8:
      return as(std::int8_t{});
    case MAT_C_UINT8:
      return as(std::uint8_t{});
    case MAT_C_INT16:
      return as(std::int16_t{});
    case MAT_C_UINT16:
      return as(std::uint16_t{});
    case MAT_C_INT32:
      return as(std::int32_t{});
    case MAT_C_UINT32:
      return as(std::uint32_t{});
    case MAT_C_INT64:
      return as(std::int64_t{});
    case MAT_C_UINT64:
      return as(std::uint64_t{});
    default:
      return std::nan("");
  }
}

std::vector<std::int32_t> read_labels(SvhnFile& file, std::int64_t count) {
  const MatVariable y = file.find("y");
  if (y->rank != 2 || y->dims[0] != static_cast<std::size_t>(count) || y->dims[1] != 1) {
    user_error(file.path(), ": y is ", shape_of(*y), ", expected ", count, "x1 as X has ", count,
               " images");
  }
  const bool numeric = y->class_type >= MAT_C_DOUBLE && y->class_type <= MAT_C_UINT64;
  if (!numeric || y->isComplex != 0) user_error(file.path(), ": y is not a real number type");
  file.read(*y);
  std::vector<std::int32_t> labels(static_cast<std::size_t>(count));
  for (std::int64_t n = 0; n < count; ++n) {
    const double label = element(*y, n);
    if (!(label >= 1 && label <= kClasses) || label != std::floor(label)) {
      user_error(file.path(), ": y(", n + 1, ") is ", label, ", expected 1 to 10");
    }
    labels[static_cast<std::size_t>(n)] = static_cast<std::int32_t>(label) % kClasses;
  }
  return labels;
}

std::filesystem::path find_folder(const std::filesystem::path& dir) {
  for (const auto& folder : {dir, dir / "svhn"}) {
    if (is_file(folder / "train_32x32.mat")) return folder;
  }
  (void)path_kind(dir);  // says why, where the folder cannot be looked at
  user_error(shown(dir), ": no train_32x32.mat there or in svhn/, expected SVHN format 2");
}

}  // namespace

ImageSet read_svhn_file(const std::filesystem::path& path) {
  SvhnFile file(path);
  const MatVariable x = file.find("X");
  ImageSet images;
  images.count = check_images_variable(file, *x);
  images.height = kSide;
  images.width = kSide;
  images.labels = read_labels(file, images.count);
  file.read(*x);
  images.pixels = to_rows(static_cast<const std::uint8_t*>(x->data), images.count);
  return images;
}

Dataset load_svhn(const std::filesystem::path& dir) {
  const std::filesystem::path folder = find_folder(dir);
  Dataset dataset;
  dataset.name = "svhn";
  dataset.train = read_svhn_file(folder / "train_32x32.mat");
  dataset.test = read_svhn_file(folder / "test_32x32.mat");
  for (int digit = 0; digit < kClasses; ++digit) {
    dataset.class_names.push_back(std::to_string(digit));
  }
  dataset.flip_allowed = false;  // a mirrored 2 is no digit
  check_images(dataset.train, dataset.classes(), shown(folder));
  check_images(dataset.test, dataset.classes(), shown(folder));
  return dataset;
}

}  // namespace scimix
