// MATLAB files of version 5: arrays of numbers, plain or compressed, one after the other.
//
// The reader allocates nothing by what a file claims: it hands out the numbers in the pieces that
// the caller asks for. Source of the format: MathWorks, "MAT-File Format", level 5.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace scimix {

// What a file says of a variable before its numbers.
struct MatVariable {
  // The classes of MATLAB that hold numbers: "mx" codes of the format.
  static constexpr int kDouble = 6;
  static constexpr int kUint8 = 9;
  static constexpr int kLastNumeric = 15;  // uint64

  std::string name;
  int class_code = 0;
  bool is_complex = false;
  std::vector<std::uint64_t> dims;

  [[nodiscard]] bool is_real_number() const {
    return class_code >= kDouble && class_code <= kLastNumeric && !is_complex;
  }
  // Returns the sizes as text, such as "32x32x3x10".
  [[nodiscard]] std::string shape() const;
};

class MatFile {
 public:
  // Errors (user): no such file, no MATLAB file of version 5 (little-endian), a truncated one.
  explicit MatFile(const std::filesystem::path& path);
  ~MatFile();
  MatFile(const MatFile&) = delete;
  MatFile& operator=(const MatFile&) = delete;

  // Goes to the next variable; returns nothing at the end of the file. What was not read of the
  // variable before is skipped, and the checksum of its compressed data is compared. Errors (user):
  // damaged data.
  [[nodiscard]] std::optional<MatVariable> next();

  // Reads the next numbers of a variable of real numbers, whatever type they are stored in. Errors
  // (user): damaged data, or fewer numbers left.
  void read(std::span<double> to);
  // The same for bytes. Errors (user): also numbers that are not stored as bytes.
  void read(std::span<std::uint8_t> to);

  // Returns the path, as messages show it.
  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] std::uint64_t size() const { return size_; }
  // Returns the most bytes that the file can hold: zlib shrinks data by a factor of 1032 at most.
  [[nodiscard]] std::uint64_t most_bytes() const { return size_ * 1032; }

 private:
  struct Tag {
    std::uint32_t type = 0;
    std::uint64_t size = 0;
    std::array<std::uint8_t, 4> packed{};  // the content of a small element
    bool is_small = false;
  };
  class Inflater;

  [[noreturn]] void damaged(const std::string& why) const;
  void check_container();
  void read_content(std::span<std::uint8_t> to);
  void skip_content(std::uint64_t bytes);
  void finish_element();
  [[nodiscard]] Tag read_tag();
  // Returns the content of a subelement, with its padding consumed; `most` bytes at most.
  [[nodiscard]] std::vector<std::uint8_t> read_subelement(std::uint32_t type, std::uint64_t most);
  void open_data(const MatVariable& variable);
  void read_numbers(std::span<std::uint8_t> to);

  std::string path_;
  std::uint64_t size_ = 0;
  std::ifstream in_;
  std::uint64_t next_element_ = 0;      // its place in the file
  bool open_ = false;                   // an element is being read
  std::unique_ptr<Inflater> inflater_;  // of a compressed element
  std::uint64_t left_ = 0;              // bytes of the element's content that were not read yet
  std::string variable_;                // the name of the variable in hand
  std::uint32_t stored_ = 0;            // the type that its numbers are stored in; 0: none to read
  std::uint64_t numbers_left_ = 0;
  bool is_small_ = false;  // the numbers are the four bytes of small_, from small_at_ on
  std::array<std::uint8_t, 4> small_{};
  std::ptrdiff_t small_at_ = 0;
};

}  // namespace scimix
