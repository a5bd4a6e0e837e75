#include "data/mat_file.hpp"

#include <zlib.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstddef>
#include <cstring>

#include "core/error.hpp"
#include "core/paths.hpp"

namespace scimix {
namespace {

static_assert(std::endian::native == std::endian::little);

// The "mi" codes of the format.
constexpr std::uint32_t kInt8 = 1;
constexpr std::uint32_t kUint8 = 2;
constexpr std::uint32_t kInt32 = 5;
constexpr std::uint32_t kUint32 = 6;
constexpr std::uint32_t kMatrix = 14;
constexpr std::uint32_t kCompressed = 15;

constexpr std::size_t kHeader = 128;
constexpr std::size_t kTag = 8;
constexpr std::uint64_t kMostDims = 32;
constexpr std::uint64_t kLongestName = 1024;

std::uint32_t little_endian(const std::uint8_t* bytes, int count) {
  std::uint32_t value = 0;
  for (int i = 0; i < count; ++i) value |= static_cast<std::uint32_t>(bytes[i]) << (8 * i);
  return value;
}

// Bytes of one number; 0 for a type that holds none.
std::uint64_t bytes_of(std::uint32_t type) {
  constexpr std::array<std::uint8_t, 14> kBytes = {0, 1, 1, 2, 2, 4, 4, 4, 0, 8, 0, 0, 8, 8};
  return type < kBytes.size() ? kBytes[type] : 0;
}

template <class T>
void convert(std::span<const std::uint8_t> bytes, std::span<double> to) {
  for (std::size_t i = 0; i < to.size(); ++i) {
    T value{};
    std::memcpy(&value, &bytes[i * sizeof(T)], sizeof(T));
    to[i] = static_cast<double>(value);
  }
}

void convert(std::uint32_t type, std::span<const std::uint8_t> bytes, std::span<double> to) {
  switch (type) {
    case 1:
      return convert<std::int8_t>(bytes, to);
    case 2:
      return convert<std::uint8_t>(bytes, to);
    case 3:
      return convert<std::int16_t>(bytes, to);
    case 4:
      return convert<std::uint16_t>(bytes, to);
    case 5:
      return convert<std::int32_t>(bytes, to);
    case 6:
      return convert<std::uint32_t>(bytes, to);
    case 7:
      return convert<float>(bytes, to);
    case 9:
      return convert<double>(bytes, to);
    case 12:
      return convert<std::int64_t>(bytes, to);
    case 13:
      return convert<std::uint64_t>(bytes, to);
    default:
      SCIMIX_CHECK(false, "type ", type, " holds no numbers");
  }
}

}  // namespace

std::string MatVariable::shape() const {
  std::string shape;
  for (const std::uint64_t dim : dims) {
    if (!shape.empty()) shape += 'x';
    shape += std::to_string(dim);
  }
  return shape;
}

// Inflates the content of one compressed element.
class MatFile::Inflater {
 public:
  Inflater(std::ifstream& in, std::uint64_t bytes) : in_(in), left_(bytes) {
    if (inflateInit(&stream_) != Z_OK) throw std::bad_alloc();
  }
  ~Inflater() { inflateEnd(&stream_); }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;

  // Returns how many bytes it could give.
  std::size_t read(std::span<std::uint8_t> to) {
    std::size_t got = 0;
    while (got < to.size() && status_ == Z_OK) {
      if (stream_.avail_in == 0 && !refill()) break;
      const std::size_t room = std::min<std::size_t>(to.size() - got, std::size_t{1} << 30);
      stream_.next_out = to.data() + got;
      stream_.avail_out = static_cast<uInt>(room);
      status_ = inflate(&stream_, Z_NO_FLUSH);
      got += room - stream_.avail_out;
    }
    return got;
  }

  // True where the stream has come to its end and its checksum was right.
  [[nodiscard]] bool is_whole() const { return status_ == Z_STREAM_END; }
  [[nodiscard]] std::string complaint() const {
    if (stream_.msg != nullptr) return stream_.msg;
    return "the compressed data end too early";
  }

 private:
  bool refill() {
    const auto wanted = std::min<std::uint64_t>(left_, buffer_.size());
    if (wanted == 0) return false;
    in_.read(reinterpret_cast<char*>(buffer_.data()), static_cast<std::streamsize>(wanted));
    const auto got = in_.gcount();
    left_ -= static_cast<std::uint64_t>(got);
    stream_.next_in = buffer_.data();
    stream_.avail_in = static_cast<uInt>(got);
    return got > 0;
  }

  std::ifstream& in_;
  std::uint64_t left_;
  z_stream stream_{};
  int status_ = Z_OK;
  std::array<std::uint8_t, std::size_t{1} << 16> buffer_{};
};

MatFile::MatFile(const std::filesystem::path& path) : path_(shown(path)) {
  const PathKind kind = path_kind(path);
  if (kind == PathKind::missing) user_error(path_, ": no such file");
  if (kind != PathKind::file) user_error(path_, ": not a file, expected a MATLAB file");
  std::error_code error;
  size_ = std::filesystem::file_size(path, error);
  in_.open(path, std::ios::binary);
  if (error || !in_.is_open()) user_error(path_, ": cannot be read: ", reason_of(errno));
  check_container();
  next_element_ = kHeader;
}

MatFile::~MatFile() = default;

void MatFile::damaged(const std::string& why) const {
  user_error(path_, variable_.empty() ? "" : ": variable " + shown(variable_), ": damaged: ", why);
}

// Checks the header, and that the elements fill the file to its end: a truncated file is found
// before minutes are spent on it.
void MatFile::check_container() {
  std::array<std::uint8_t, kHeader> header{};
  in_.read(reinterpret_cast<char*>(header.data()), header.size());
  if (!in_ || header[126] != 'I' || header[127] != 'M' ||
      little_endian(&header[124], 2) != 0x0100U) {
    user_error(path_, ": not a MATLAB version 5 file (little-endian)");
  }
  for (std::uint64_t at = kHeader; at < size_;) {
    std::array<std::uint8_t, kTag> tag{};
    in_.seekg(static_cast<std::streamoff>(at));
    in_.read(reinterpret_cast<char*>(tag.data()), tag.size());
    const std::uint32_t type = little_endian(tag.data(), 4);
    if (!in_ || (type != kMatrix && type != kCompressed)) {
      user_error(path_, ": the ", size_ - at, " bytes from byte ", at,
                 " on are no variable, expected variables to the end of the file");
    }
    const std::uint64_t end = at + tag.size() + little_endian(&tag[4], 4);
    if (end > size_) {
      user_error(path_, ": truncated: ", size_, " bytes, expected at least ", end);
    }
    at = end;
  }
}

void MatFile::read_content(std::span<std::uint8_t> to) {
  if (to.empty()) return;
  if (to.size() > left_) damaged("an element is longer than what holds it");
  if (inflater_) {
    if (inflater_->read(to) != to.size()) damaged(inflater_->complaint());
  } else {
    in_.read(reinterpret_cast<char*>(to.data()), static_cast<std::streamsize>(to.size()));
    if (!in_) damaged("the file ends too early");
  }
  left_ -= to.size();
}

void MatFile::skip_content(std::uint64_t bytes) {
  if (bytes > left_) damaged("an element is longer than what holds it");
  if (!inflater_) {
    in_.seekg(static_cast<std::streamoff>(bytes), std::ios::cur);
    left_ -= bytes;
    return;
  }
  std::array<std::uint8_t, 4096> passed{};
  for (std::uint64_t done = 0; done < bytes;) {
    const auto part = std::min<std::uint64_t>(bytes - done, passed.size());
    read_content(std::span(passed).first(static_cast<std::size_t>(part)));
    done += part;
  }
}

void MatFile::finish_element() {
  if (!open_) return;
  open_ = false;
  if (inflater_) {
    skip_content(left_);
    std::array<std::uint8_t, 1> beyond{};
    if (inflater_->read(beyond) != 0) damaged("more data than the element's size says");
    if (!inflater_->is_whole()) damaged(inflater_->complaint());
    inflater_.reset();
  }
  variable_.clear();
}

MatFile::Tag MatFile::read_tag() {
  std::array<std::uint8_t, kTag> bytes{};
  read_content(bytes);
  Tag tag;
  const std::uint32_t first = little_endian(bytes.data(), 4);
  tag.is_small = first >> 16U != 0;
  if (tag.is_small) {
    tag.type = first & 0xFFFFU;
    tag.size = first >> 16U;
    if (tag.size > tag.packed.size()) damaged("a small element of more than four bytes");
    std::copy_n(bytes.begin() + 4, 4, tag.packed.begin());
  } else {
    tag.type = first;
    tag.size = little_endian(&bytes[4], 4);
  }
  return tag;
}

std::vector<std::uint8_t> MatFile::read_subelement(std::uint32_t type, std::uint64_t most) {
  const Tag tag = read_tag();
  if (tag.type != type) {
    damaged(text("an element of type ", tag.type, ", expected ", type));
  }
  if (tag.size > most) damaged(text("an element of ", tag.size, " bytes, expected at most ", most));
  if (tag.is_small) {
    return {tag.packed.begin(), tag.packed.begin() + static_cast<std::ptrdiff_t>(tag.size)};
  }
  std::vector<std::uint8_t> content(static_cast<std::size_t>(tag.size));
  read_content(content);
  skip_content((kTag - tag.size % kTag) % kTag);
  return content;
}

std::optional<MatVariable> MatFile::next() {
  for (;;) {
    finish_element();
    if (next_element_ >= size_) return std::nullopt;
    in_.clear();
    in_.seekg(static_cast<std::streamoff>(next_element_));
    left_ = kTag;
    Tag tag = read_tag();
    next_element_ += kTag + tag.size;
    open_ = true;
    if (tag.type == kCompressed) {
      inflater_ = std::make_unique<Inflater>(in_, tag.size);
      left_ = kTag;
      tag = read_tag();
    }
    left_ = tag.size;
    if (tag.is_small) damaged("a small element where a variable is expected");
    if (tag.type == kMatrix && tag.size > 0) break;
  }
  MatVariable variable;
  const std::vector<std::uint8_t> flags = read_subelement(kUint32, 8);
  if (flags.size() != 8) damaged("array flags of another size than 8 bytes");
  variable.class_code = flags[0];
  variable.is_complex = (flags[1] & 0x08U) != 0;
  const std::vector<std::uint8_t> dims = read_subelement(kInt32, 4 * kMostDims);
  for (std::size_t i = 0; i + 4 <= dims.size(); i += 4) {
    variable.dims.push_back(little_endian(&dims[i], 4));
  }
  const std::vector<std::uint8_t> name = read_subelement(kInt8, kLongestName);
  variable.name.assign(name.begin(), name.end());
  variable_ = variable.name;
  stored_ = 0;
  numbers_left_ = 0;
  if (variable.is_real_number()) open_data(variable);
  return variable;
}

// Numbers of up to four bytes in all are a small element, whose content came with its tag.
void MatFile::open_data(const MatVariable& variable) {
  std::uint64_t numbers = variable.dims.empty() ? 0 : 1;
  for (const std::uint64_t dim : variable.dims) {
    if (dim > INT32_MAX || __builtin_mul_overflow(numbers, dim, &numbers)) {
      damaged("sizes of " + variable.shape());
    }
  }
  const Tag tag = read_tag();
  const std::uint64_t bytes = bytes_of(tag.type);
  std::uint64_t expected = 0;
  if (bytes == 0 || __builtin_mul_overflow(numbers, bytes, &expected) || tag.size != expected) {
    damaged(text(tag.size, " bytes of type ", tag.type, " for ", variable.shape(), " numbers"));
  }
  stored_ = tag.type;
  numbers_left_ = numbers;
  small_ = tag.packed;
  small_at_ = 0;
  is_small_ = tag.is_small;
  if (!is_small_ && tag.size > left_) damaged("an element is longer than what holds it");
}

void MatFile::read_numbers(std::span<std::uint8_t> to) {
  if (!is_small_) return read_content(to);
  std::copy_n(small_.begin() + small_at_, to.size(), to.begin());
  small_at_ += static_cast<std::ptrdiff_t>(to.size());
}

void MatFile::read(std::span<double> to) {
  std::array<std::uint8_t, 8192> bytes{};
  const std::uint64_t each = bytes_of(stored_);
  if (each == 0 || to.size() > numbers_left_) damaged("fewer numbers than its sizes say");
  numbers_left_ -= to.size();
  while (!to.empty()) {
    const std::size_t part = std::min<std::size_t>(to.size(), bytes.size() / each);
    const std::span<std::uint8_t> taken = std::span(bytes).first(part * each);
    read_numbers(taken);
    convert(stored_, taken, to.first(part));
    to = to.subspan(part);
  }
}

void MatFile::read(std::span<std::uint8_t> to) {
  if (stored_ != kUint8) damaged(text("bytes that are stored as type ", stored_));
  if (to.size() > numbers_left_) damaged("fewer numbers than its sizes say");
  numbers_left_ -= to.size();
  read_numbers(to);
}

}  // namespace scimix
