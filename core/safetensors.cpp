#include "core/safetensors.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <cstring>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <tuple>
#include <utility>

#include "core/atomic_file.hpp"
#include "core/error.hpp"
#include "core/paths.hpp"

namespace scimix {
namespace {

static_assert(std::endian::native == std::endian::little, "safetensors data is little-endian");

constexpr std::uint64_t kLengthBytes = 8;
constexpr std::uint64_t kMaxHeader = 100'000'000;
constexpr std::string_view kMetadataKey = "__metadata__";

struct FileDtype {
  std::string_view name;
  std::uint64_t bits;
};

// In the reference's order: the writer puts a later one first.
constexpr std::array kDtypes = std::to_array<FileDtype>({
    {"BOOL", 8},        {"F4", 4},      {"F6_E2M3", 6}, {"F6_E3M2", 6}, {"U8", 8},
    {"I8", 8},          {"F8_E5M2", 8}, {"F8_E4M3", 8}, {"F8_E8M0", 8}, {"F8_E4M3FNUZ", 8},
    {"F8_E5M2FNUZ", 8}, {"I16", 16},    {"U16", 16},    {"F16", 16},    {"BF16", 16},
    {"I32", 32},        {"U32", 32},    {"F32", 32},    {"C64", 64},    {"F64", 64},
    {"I64", 64},        {"U64", 64},
});

const FileDtype* find_dtype(std::string_view name) {
  const auto found = std::ranges::find(kDtypes, name, &FileDtype::name);
  return found == kDtypes.end() ? nullptr : &*found;
}

// A text out of a file as one short line: control characters escaped, cut, bad UTF-8 replaced.
std::string in_quotes(std::string_view name) {
  constexpr std::size_t kLongest = 120;
  std::string start(name.substr(0, kLongest));
  if (name.size() > kLongest) start += "...";
  return nlohmann::json(start).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

bool multiply(std::uint64_t a, std::uint64_t b, std::uint64_t& product) {
  return !__builtin_mul_overflow(a, b, &product);
}

// Size in bytes of a tensor; nothing where it overflows or is no whole number of bytes.
template <class Dimension>
std::optional<std::uint64_t> byte_size(std::span<const Dimension> shape, std::uint64_t bits) {
  std::uint64_t product = 1;
  for (const Dimension dimension : shape) {
    if (!multiply(product, static_cast<std::uint64_t>(dimension), product)) return std::nullopt;
  }
  if (!multiply(product, bits, product) || product % 8 != 0) return std::nullopt;
  return product / 8;
}

// ---- reading ----

// What the header says of one tensor, before any of it is believed.
struct Claim {
  std::optional<std::string> dtype;
  std::optional<std::vector<std::uint64_t>> shape;
  std::optional<std::vector<std::uint64_t>> offsets;
};

// Receives the header's JSON piece by piece and accepts the one structure that the format allows.
// (A parsed document would have lost repeated keys.)
class HeaderReader final : public nlohmann::json_sax<nlohmann::json> {
 public:
  HeaderReader(const std::string& path, std::size_t header_size)
      : path_(path), header_size_(header_size) {}

  std::map<std::string, Claim>& claims() { return claims_; }
  SafetensorsMetadata& metadata() { return metadata_; }

  bool null() override { unexpected("null"); }
  bool boolean(bool) override { unexpected("a boolean"); }
  bool number_float(double, const std::string& digits) override {
    unexpected("the number " + digits.substr(0, 40));
  }
  bool number_integer(std::int64_t value) override { unexpected(text("the number ", value)); }
  bool number_unsigned(std::uint64_t value) override {
    if (place_ == Place::shape) {
      claim_->shape->push_back(value);
    } else if (place_ == Place::offsets) {
      claim_->offsets->push_back(value);
    } else {
      unexpected(text("the number ", value));
    }
    return true;
  }
  bool string(std::string& value) override {
    if (place_ == Place::metadata) {
      metadata_[key_] = std::move(value);
    } else if (place_ == Place::tensor && field_ == "dtype") {
      claim_->dtype = std::move(value);
    } else {
      unexpected("a string");
    }
    return true;
  }
  bool binary(nlohmann::json::binary_t&) override { unexpected("binary data"); }

  bool start_object(std::size_t) override {
    if (place_ == Place::outside) {
      place_ = Place::header;
    } else if (place_ == Place::header) {
      place_ = key_ == kMetadataKey ? Place::metadata : Place::tensor;
      if (place_ == Place::tensor) claim_ = &claims_[key_];
    } else {
      unexpected("an object");
    }
    return true;
  }
  bool end_object() override {
    if (place_ == Place::tensor) require_complete();
    place_ = place_ == Place::header ? Place::outside : Place::header;
    return true;
  }
  bool start_array(std::size_t) override {
    if (place_ == Place::tensor && field_ == "shape") {
      claim_->shape.emplace();
      place_ = Place::shape;
    } else if (place_ == Place::tensor && field_ == "data_offsets") {
      claim_->offsets.emplace();
      place_ = Place::offsets;
    } else {
      unexpected("an array");
    }
    return true;
  }
  bool end_array() override {
    place_ = Place::tensor;
    return true;
  }

  bool key(std::string& name) override {
    if (place_ == Place::tensor) {
      tensor_field(name);
      return true;
    }
    const bool repeated = place_ == Place::metadata ? metadata_.contains(name) : seen(name);
    if (repeated) {
      user_error(path_, ": ", place_ == Place::metadata ? "metadata key " : "tensor ",
                 in_quotes(name), " stands 2 times in the header, expected 1");
    }
    key_ = std::move(name);
    return true;
  }

  bool parse_error(std::size_t position, const std::string&,
                   const nlohmann::json::exception&) override {
    user_error(path_, ": header is broken at byte ", position, " of ", header_size_,
               ", expected UTF-8 JSON");
  }

 private:
  enum class Place { outside, header, metadata, tensor, shape, offsets };

  bool seen(const std::string& name) {
    if (name != kMetadataKey) return claims_.contains(name);
    return std::exchange(metadata_seen_, true);
  }

  void tensor_field(const std::string& name) {
    const bool repeated = (name == "dtype" && claim_->dtype) ||
                          (name == "shape" && claim_->shape) ||
                          (name == "data_offsets" && claim_->offsets);
    if (repeated) {
      user_error(path_, ": tensor ", in_quotes(key_), ": ", name,
                 " stands 2 times in the header, expected 1");
    }
    if (name != "dtype" && name != "shape" && name != "data_offsets") {
      user_error(path_, ": tensor ", in_quotes(key_), " has an unknown field ", in_quotes(name),
                 ", expected dtype, shape and data_offsets");
    }
    field_ = name;
  }

  void require_complete() {
    const char* missing = !claim_->dtype     ? "dtype"
                          : !claim_->shape   ? "shape"
                          : !claim_->offsets ? "data_offsets"
                                             : nullptr;
    if (missing != nullptr) {
      user_error(path_, ": tensor ", in_quotes(key_), " has no ", missing,
                 ", expected dtype, shape and data_offsets");
    }
  }

  [[noreturn]] void unexpected(const std::string& found) {
    switch (place_) {
      case Place::metadata:
        user_error(path_, ": metadata ", in_quotes(key_), " is ", found, ", expected a string");
      case Place::tensor:
        user_error(path_, ": tensor ", in_quotes(key_), ": ", field_, " is ", found, ", expected ",
                   field_ == "dtype" ? "a string" : "an array of integers >= 0");
      case Place::shape:
      case Place::offsets:
        user_error(path_, ": tensor ", in_quotes(key_), ": ", field_, " holds ", found,
                   ", expected integers >= 0");
      default:
        user_error(path_, ": header entry ", in_quotes(key_), " is ", found,
                   ", expected an object");
    }
  }

  const std::string& path_;
  std::size_t header_size_;
  Place place_ = Place::outside;
  std::string key_;    // the tensor or metadata key being read
  std::string field_;  // inside a tensor: which of its three fields
  Claim* claim_ = nullptr;
  bool metadata_seen_ = false;
  std::map<std::string, Claim> claims_;
  SafetensorsMetadata metadata_;
};

// The JSON text, cut out of the file by its length field.
std::string_view header_of(const std::string& path, std::span<const std::byte> file) {
  if (file.size() < kLengthBytes) {
    user_error(path, ": is ", file.size(), " bytes long, expected at least ", kLengthBytes,
               " (a safetensors file starts with the length of its header)");
  }
  std::uint64_t length = 0;
  std::memcpy(&length, file.data(), kLengthBytes);
  if (length > kMaxHeader) {
    user_error(path, ": not a safetensors file, as checkpoints are: its first 8 bytes give a ",
               "header length of ", length, ", expected at most ", kMaxHeader);
  }
  if (length > file.size() - kLengthBytes) {
    user_error(path, ": header length is ", length, ", but only ", file.size() - kLengthBytes,
               " bytes follow, expected a whole file (truncated?)");
  }
  const std::string_view header(reinterpret_cast<const char*>(file.data()) + kLengthBytes, length);
  if (!header.starts_with('{')) {
    user_error(path, ": header of ", length, " bytes does not start with '{'",
               ", expected a safetensors file");
  }
  // The JSON parser would take a NUL for the end of the text and ignore what follows.
  if (const auto nul = header.find('\0'); nul != std::string_view::npos) {
    user_error(path, ": header is broken at byte ", nul + 1, " of ", length,
               ", expected UTF-8 JSON");
  }
  return header;
}

struct Placed {
  TensorEntry entry;
  std::uint64_t begin;
  std::uint64_t end;
};

// Checks one tensor by itself: known dtype, offsets inside the data, size as the shape says.
Placed check_claim(const std::string& path, const std::string& name, const Claim& claim,
                   std::span<const std::byte> data) {
  const std::string where = path + ": tensor " + in_quotes(name);
  const FileDtype* dtype = find_dtype(*claim.dtype);
  if (dtype == nullptr) {
    user_error(where, " has dtype ", in_quotes(*claim.dtype),
               ", expected one of F64 F32 BF16 I32 U8 ", "or another dtype of the format");
  }
  if (claim.offsets->size() != 2) {
    user_error(where, " has ", claim.offsets->size(), " data_offsets, expected 2");
  }
  const std::uint64_t begin = (*claim.offsets)[0];
  const std::uint64_t end = (*claim.offsets)[1];
  if (begin > end) {
    user_error(where, " begins at byte ", begin, " and ends at byte ", end,
               ", expected begin <= end");
  }
  if (end > data.size()) {
    user_error(where, " ends at byte ", end, " of the data, but the file holds ", data.size(),
               " bytes of data, expected a whole file (truncated?)");
  }
  TensorEntry entry{.name = name, .dtype = *claim.dtype, .shape = {}, .bytes = {}};
  for (const std::uint64_t dimension : *claim.shape) {
    constexpr std::uint64_t kLargest = std::numeric_limits<std::int64_t>::max();
    if (dimension > kLargest) {
      user_error(where, ": shape holds ", dimension, ", expected at most ", kLargest);
    }
    entry.shape.push_back(static_cast<std::int64_t>(dimension));
  }
  const auto size = byte_size(std::span(std::as_const(*claim.shape)), dtype->bits);
  if (!size) {
    user_error(where, " has a shape whose size in bytes overflows or is not whole, expected ",
               end - begin, " bytes as its offsets say");
  }
  if (*size != end - begin) {
    user_error(where, " has ", end - begin, " bytes by its offsets, expected ", *size,
               " by its shape and dtype");
  }
  entry.bytes = data.subspan(begin, end - begin);
  return {std::move(entry), begin, end};
}

// Checks all tensors together: they cover the data from its first byte to its last, each once.
// `placed` is sorted by offset.
void check_cover(const std::string& path, std::span<const Placed> placed, std::uint64_t data_size) {
  std::uint64_t covered = 0;
  for (const Placed& tensor : placed) {
    if (tensor.begin != covered) {
      user_error(path, ": tensor ", in_quotes(tensor.entry.name), " begins at byte ", tensor.begin,
                 " of the data, expected byte ", covered, ", where the tensor before it ends (",
                 tensor.begin < covered ? "overlap" : "hole", ")");
    }
    covered = tensor.end;
  }
  if (covered != data_size) {
    user_error(path, ": the last tensor ends at byte ", covered, " of the data, but ", data_size,
               " bytes follow the header, expected both to be equal");
  }
}

// ---- writing ----

const FileDtype& check_entry(const std::string& path, const TensorEntry& entry) {
  const FileDtype* dtype = find_dtype(entry.dtype);
  SCIMIX_CHECK(dtype != nullptr, path, ": tensor ", in_quotes(entry.name), " has dtype ",
               in_quotes(entry.dtype));
  const bool sane =
      std::ranges::all_of(entry.shape, [](std::int64_t dimension) { return dimension >= 0; });
  SCIMIX_CHECK(sane, path, ": tensor ", in_quotes(entry.name), " has a negative dimension");
  const auto size = byte_size(std::span(entry.shape), dtype->bits);
  SCIMIX_CHECK(size == entry.bytes.size(), path, ": tensor ", in_quotes(entry.name), " has ",
               entry.bytes.size(), " bytes, expected ", size.value_or(0));
  return *dtype;
}

std::vector<const TensorEntry*> in_file_order(const std::string& path,
                                              std::span<const TensorEntry> entries) {
  using Row = std::pair<const FileDtype*, const TensorEntry*>;  // kDtypes is in ascending order
  std::vector<Row> rows;
  for (const TensorEntry& entry : entries) rows.emplace_back(&check_entry(path, entry), &entry);
  std::ranges::sort(rows, [](const Row& a, const Row& b) {
    return std::tie(b.first, a.second->name) < std::tie(a.first, b.second->name);
  });
  std::vector<const TensorEntry*> order;
  for (const Row& row : rows) order.push_back(row.second);
  return order;
}

std::string header_text(const std::string& path, std::span<const TensorEntry* const> order,
                        const SafetensorsMetadata& metadata) {
  nlohmann::ordered_json header = nlohmann::ordered_json::object();
  if (!metadata.empty()) header[std::string(kMetadataKey)] = metadata;
  std::uint64_t begin = 0;
  for (const TensorEntry* entry : order) {
    SCIMIX_CHECK(entry->name != kMetadataKey && !header.contains(entry->name), path,
                 ": tensor name ", in_quotes(entry->name), " is taken");
    const std::uint64_t end = begin + entry->bytes.size();
    auto& item = header[entry->name];
    item["dtype"] = entry->dtype;
    item["shape"] = entry->shape;
    item["data_offsets"] = {begin, end};
    begin = end;
  }
  std::string json;
  try {
    json = header.dump();
  } catch (const nlohmann::json::type_error&) {
    user_error(path, ": a tensor name or metadata text is not UTF-8, expected UTF-8");
  }
  json.resize((json.size() + 7) / 8 * 8, ' ');
  SCIMIX_CHECK(json.size() <= kMaxHeader, path, ": header of ", json.size(), " bytes");
  return json;
}

// "F32 [2,3]".
std::string described(const TensorEntry& entry) {
  return entry.dtype + " " + nlohmann::json(entry.shape).dump();
}

}  // namespace

std::string_view safetensors_dtype(DType dtype) {
  switch (dtype) {
    case DType::f64:
      return "F64";
    case DType::f32:
      return "F32";
    case DType::bf16:
      return "BF16";
    case DType::i32:
      return "I32";
    case DType::u8:
      return "U8";
  }
  SCIMIX_CHECK(false, "no safetensors name for dtype ", static_cast<int>(dtype));
}

void write_safetensors(const std::filesystem::path& path, std::span<const TensorEntry> entries,
                       const SafetensorsMetadata& metadata) {
  const auto order = in_file_order(shown(path), entries);
  const std::string header = header_text(shown(path), order, metadata);
  const std::uint64_t length = header.size();
  AtomicFile file(path);
  file.write(std::as_bytes(std::span(&length, 1)));
  file.write(header);
  for (const TensorEntry* entry : order) file.write(entry->bytes);
  file.commit();
}

SafetensorsFile::Mapping::Mapping(const std::filesystem::path& path) {
  const auto fail = [&](int error) {
    user_error(shown(path), ": cannot read: ", reason_of(error), ", expected a safetensors file");
  };
  // O_NONBLOCK: a named pipe must not hang the program before it is found to be no file.
  const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  if (!file.is_open()) fail(errno);
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) fail(errno);
  if (!S_ISREG(status.st_mode)) {
    user_error(shown(path), ": is not a regular file, expected a safetensors file");
  }
  const auto size = static_cast<std::size_t>(status.st_size);
  if (size == 0) return;  // mmap refuses an empty range
  void* address = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file.get(), 0);
  if (address == MAP_FAILED) fail(errno);
  bytes_ = {static_cast<const std::byte*>(address), size};
}

SafetensorsFile::Mapping::~Mapping() {
  if (!bytes_.empty()) ::munmap(const_cast<std::byte*>(bytes_.data()), bytes_.size());
}

SafetensorsFile::Mapping::Mapping(Mapping&& other) noexcept
    : bytes_(std::exchange(other.bytes_, {})) {}

SafetensorsFile::Mapping& SafetensorsFile::Mapping::operator=(Mapping&& other) noexcept {
  std::swap(bytes_, other.bytes_);
  return *this;
}

SafetensorsFile::SafetensorsFile(std::filesystem::path path)
    : path_(std::move(path)), mapping_(path_) {
  const std::string where = shown(path_);
  const std::string_view header = header_of(where, mapping_.bytes());
  const auto data = mapping_.bytes().subspan(kLengthBytes + header.size());
  HeaderReader reader(where, header.size());
  nlohmann::json::sax_parse(header, &reader);

  std::vector<Placed> placed;
  for (const auto& [name, claim] : reader.claims()) {
    placed.push_back(check_claim(where, name, claim, data));
  }
  std::ranges::sort(placed, [](const Placed& a, const Placed& b) {
    return std::tie(a.begin, a.end, a.entry.name) < std::tie(b.begin, b.end, b.entry.name);
  });
  check_cover(where, placed, data.size());
  for (Placed& tensor : placed) {
    index_.emplace(tensor.entry.name, entries_.size());
    entries_.push_back(std::move(tensor.entry));
  }
  metadata_ = std::move(reader.metadata());
}

std::vector<std::string> SafetensorsFile::names() const {
  std::vector<std::string> names;
  for (const TensorEntry& entry : entries_) names.push_back(entry.name);
  return names;
}

const TensorEntry* SafetensorsFile::find(std::string_view name) const {
  const auto found = index_.find(name);
  return found == index_.end() ? nullptr : &entries_[found->second];
}

const TensorEntry& SafetensorsFile::entry(std::string_view name) const {
  if (const TensorEntry* found = find(name)) return *found;
  user_error(shown(path_), ": has no tensor ", in_quotes(name), " among its ", entries_.size(),
             ", expected one");
}

const std::string& SafetensorsFile::metadata(const std::string& key) const {
  const auto found = metadata_.find(key);
  if (found != metadata_.end()) return found->second;
  user_error(
      shown(path_), ": has no metadata ", in_quotes(key), " (of ", metadata_.size(),
      " entries); if another library has saved this file again, its tensors are whole, and ",
      "`scimix_eval restore` (restore_metadata) takes the metadata from another checkpoint of ",
      "the run");
}

void restore_metadata(const std::filesystem::path& file, const std::filesystem::path& original,
                      const std::filesystem::path& out, const SafetensorsMetadata& changed) {
  const SafetensorsFile tensors(file);
  const SafetensorsFile source(original);
  if (source.metadata().empty()) {
    user_error(shown(original), ": has no metadata, expected a checkpoint as SciMix writes it");
  }
  for (const TensorEntry& entry : source.entries()) {
    const TensorEntry& other = tensors.entry(entry.name);
    if (other.dtype != entry.dtype || other.shape != entry.shape) {
      user_error(shown(file), ": tensor ", in_quotes(entry.name), " is ", described(other),
                 ", expected ", described(entry), " as in ", shown(original));
    }
  }
  for (const std::string& name : tensors.names()) (void)source.entry(name);
  SafetensorsMetadata metadata = source.metadata();
  for (const auto& [key, value] : changed) metadata[key] = value;
  write_safetensors(out, tensors.entries(), metadata);
}

}  // namespace scimix
