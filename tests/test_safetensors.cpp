// The golden bytes come from the reference implementation (the Python package safetensors 0.8.0);
// what a broken file must be refused for is the format's own list of rules.
#include <doctest/doctest.h>

#include <cstdint>
#include <cstring>
#include <limits>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "core/error.hpp"
#include "core/safetensors.hpp"
#include "tests/temp_folder.hpp"
#include "tests/user_errors.hpp"

using namespace scimix;
using scimix::test::read_bytes;
using scimix::test::TempFolder;
using scimix::test::write_bytes;

namespace {

// safetensors.numpy.save({"weight": f32 arange(6).reshape(2,3) - 1.5, "bias": i64 [7,-8],
//   "mask": u8 [1,0,255], "scalar": f64 0.25, "empty": f32 zeros((0,4))}, {"format": "pt"})
constexpr const char* kGoldenHex =
    "48010000000000007b225f5f6d657461646174615f5f223a7b22666f726d6174223a227074227d2c2262696173223a"
    "7b"
    "226474797065223a22493634222c227368617065223a5b325d2c22646174615f6f666673657473223a5b302c31365d"
    "7d"
    "2c227363616c6172223a7b226474797065223a22463634222c227368617065223a5b5d2c22646174615f6f66667365"
    "74"
    "73223a5b31362c32345d7d2c22656d707479223a7b226474797065223a22463332222c227368617065223a5b302c34"
    "5d"
    "2c22646174615f6f666673657473223a5b32342c32345d7d2c22776569676874223a7b226474797065223a22463332"
    "22"
    "2c227368617065223a5b322c335d2c22646174615f6f666673657473223a5b32342c34385d7d2c226d61736b223a7b"
    "22"
    "6474797065223a225538222c227368617065223a5b335d2c22646174615f6f666673657473223a5b34382c35315d7d"
    "7d"
    "0700000000000000f8ffffffffffffff000000000000d03f0000c0bf000000bf0000003f0000c03f00002040000060"
    "40"
    "0100ff";

std::string golden() {
  const std::string hex = kGoldenHex;
  std::string bytes;
  for (std::size_t i = 0; i < hex.size(); i += 2) {
    bytes += static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16));
  }
  return bytes;
}

// A file with this header text and `data_size` bytes of data.
std::string file_with(const std::string& header, std::size_t data_size) {
  const std::uint64_t length = header.size();
  std::string bytes(8, '\0');
  std::memcpy(bytes.data(), &length, 8);
  return bytes + header + std::string(data_size, 'd');
}

template <class T>
std::vector<T> values(const TensorEntry& entry) {
  std::vector<T> out(entry.bytes.size() / sizeof(T));
  if (!out.empty()) std::memcpy(out.data(), entry.bytes.data(), entry.bytes.size());
  return out;
}

template <class T>
TensorEntry make_entry(std::string name, std::string dtype, std::vector<std::int64_t> shape,
                       const std::vector<T>& numbers) {
  return {std::move(name), std::move(dtype), std::move(shape), std::as_bytes(std::span(numbers))};
}

// The message with which loading `bytes` is refused, without the path in front; it must be one line
// of a user_error that starts with the path. "" where the file loads.
std::string refusal(const TempFolder& folder, const std::string& bytes) {
  const auto path = folder / "broken.safetensors";
  write_bytes(path, bytes);
  const std::string message = test::user_error_or_none([&] { const SafetensorsFile file(path); });
  if (message.empty()) return "";
  CHECK(message.starts_with(path.string() + ": "));
  CHECK(message.find('\n') == std::string::npos);
  CHECK(message.find(", expected ") != std::string::npos);
  return message.substr(path.string().size() + 2);
}

// Loads the file and touches every byte that it hands out; true if it loads.
bool loads_or_refuses(const TempFolder& folder, const std::string& bytes) {
  const auto path = folder / "fuzz.safetensors";
  write_bytes(path, bytes);
  try {
    const SafetensorsFile file(path);
    std::size_t covered = 0;
    unsigned sum = 0;
    for (const TensorEntry& entry : file.entries()) {
      covered += entry.bytes.size();
      for (const std::byte b : entry.bytes) sum += std::to_integer<unsigned>(b);
    }
    CHECK(sum <= 255 * covered);
    CHECK(covered <= bytes.size());
    return true;
  } catch (const Error& error) {
    CHECK(error.fault() == Fault::user);
    return false;
  }
}

}  // namespace

TEST_CASE("safetensors: reads a file of the reference implementation") {
  const TempFolder folder;
  const auto path = folder / "golden.safetensors";
  write_bytes(path, golden());
  const SafetensorsFile file(path);
  CHECK(file.names() == std::vector<std::string>{"bias", "scalar", "empty", "weight", "mask"});
  CHECK(file.metadata() == SafetensorsMetadata{{"format", "pt"}});
  CHECK(file.entry("weight").dtype == "F32");
  CHECK(file.entry("weight").shape == std::vector<std::int64_t>{2, 3});
  CHECK(values<float>(file.entry("weight")) ==
        std::vector<float>{-1.5F, -0.5F, 0.5F, 1.5F, 2.5F, 3.5F});
  CHECK(values<std::int64_t>(file.entry("bias")) == std::vector<std::int64_t>{7, -8});
  CHECK(values<std::uint8_t>(file.entry("mask")) == std::vector<std::uint8_t>{1, 0, 255});
  CHECK(file.entry("scalar").shape.empty());
  CHECK(values<double>(file.entry("scalar")) == std::vector<double>{0.25});
  CHECK(file.entry("empty").shape == std::vector<std::int64_t>{0, 4});
  CHECK(file.entry("empty").bytes.empty());
}

TEST_CASE("safetensors: writes the very bytes of the reference implementation") {
  const TempFolder folder;
  const std::vector<float> weight{-1.5F, -0.5F, 0.5F, 1.5F, 2.5F, 3.5F};
  const std::vector<std::int64_t> bias{7, -8};
  const std::vector<std::uint8_t> mask{1, 0, 255};
  const std::vector<double> scalar{0.25};
  const std::vector<float> empty;
  const std::vector<TensorEntry> entries{
      make_entry("weight", "F32", {2, 3}, weight), make_entry("mask", "U8", {3}, mask),
      make_entry("empty", "F32", {0, 4}, empty), make_entry("scalar", "F64", {}, scalar),
      make_entry("bias", "I64", {2}, bias)};
  const auto path = folder / "ours.safetensors";
  write_safetensors(path, entries, {{"format", "pt"}});
  CHECK(read_bytes(path) == golden());
  CHECK(folder.count() == 1);
}

TEST_CASE("safetensors: what is written is read back") {
  const TempFolder folder;
  const auto path = folder / "a.safetensors";
  const SafetensorsMetadata metadata{{"step", "12"}, {"text", "line\n\"quoted\" \xC3\xA9"}};
  const std::vector<float> numbers{1, std::numeric_limits<float>::quiet_NaN(), -0.0F};
  const std::string odd_name = "odd \"name\"\n\xE2\x82\xAC";
  for (std::size_t padding = 0; padding < 8; ++padding) {  // every length of header modulo 8
    const std::string name = odd_name + std::string(padding, 'x');
    write_safetensors(path, std::vector{make_entry(name, "F32", {3, 1}, numbers)}, metadata);
    const std::string bytes = read_bytes(path);
    CHECK(static_cast<unsigned char>(bytes[0]) % 8 == 0);  // N, whose low byte decides
    SafetensorsFile first(path);
    const SafetensorsFile file = std::move(first);  // spans live on with the new owner
    CHECK(file.metadata() == metadata);
    CHECK(std::memcmp(file.entry(name).bytes.data(), numbers.data(), 12) == 0);
  }
  write_safetensors(path, {});
  CHECK(SafetensorsFile(path).entries().empty());
}

TEST_CASE("safetensors: a tensor that is not there") {
  const TempFolder folder;
  const auto path = folder / "golden.safetensors";
  write_bytes(path, golden());
  const SafetensorsFile file(path);
  CHECK(file.find("weights") == nullptr);
  CHECK(file.find("weight") == &file.entry("weight"));
  CHECK_THROWS_WITH_AS(
      (void)file.entry("weights"),
      (path.string() + ": has no tensor \"weights\" among its 5, expected one").c_str(), Error);
}

TEST_CASE("safetensors: metadata that another library has dropped comes back") {
  const TempFolder folder;
  const auto ours = folder / "ours.safetensors";
  const auto theirs = folder / "theirs.safetensors";
  const std::vector<float> before{1, 2, 3};
  const std::vector<float> after{4, 5, 6};
  const SafetensorsMetadata metadata{{"step", "12"}, {"classes", "[\"a\"]"}};
  write_safetensors(ours, std::vector{make_entry("w", "F32", {3}, before)}, metadata);
  write_safetensors(theirs, std::vector{make_entry("w", "F32", {3}, after)}, {{"format", "pt"}});

  const SafetensorsFile dropped(theirs);
  CHECK(SafetensorsFile(ours).metadata("step") == "12");
  const auto missing = [&] { (void)dropped.metadata("step"); };
  CHECK_THROWS_WITH_AS(missing(),
                       (theirs.string() + ": has no metadata \"step\" (of 1 entries); if another " +
                        "library has saved this file again, its tensors are whole, and " +
                        "`scimix_eval restore` (restore_metadata) takes the metadata from " +
                        "another checkpoint of the run")
                           .c_str(),
                       Error);

  restore_metadata(theirs, ours, theirs);  // in place
  const SafetensorsFile restored(theirs);
  CHECK(restored.metadata() == metadata);
  CHECK(std::memcmp(restored.entry("w").bytes.data(), after.data(), 12) == 0);

  // Files that are not of one run.
  const auto refuse = [&](const TensorEntry& entry, const SafetensorsMetadata& texts,
                          const std::string& part) {
    const auto other = folder / "other.safetensors";
    write_safetensors(other, std::vector{entry}, texts);
    std::string message;
    try {
      restore_metadata(theirs, other, folder / "out.safetensors");
    } catch (const Error& error) {
      message = error.what();
    }
    CHECK_MESSAGE(message.find(part) != std::string::npos, message);
  };
  refuse(make_entry("w", "F32", {3}, before), {}, "other.safetensors: has no metadata");
  refuse(make_entry("w", "F32", {3, 1}, before), metadata, "is F32 [3], expected F32 [3,1] as in");
  refuse(make_entry("w", "I32", {3}, before), metadata, "is F32 [3], expected I32 [3] as in");
  refuse(make_entry("v", "F32", {3}, before), metadata, "has no tensor \"v\"");
  CHECK(folder.count() == 3);
}

TEST_CASE("safetensors: names of our element types") {
  CHECK(safetensors_dtype(DType::f64) == "F64");
  CHECK(safetensors_dtype(DType::f32) == "F32");
  CHECK(safetensors_dtype(DType::bf16) == "BF16");
  CHECK(safetensors_dtype(DType::i32) == "I32");
  CHECK(safetensors_dtype(DType::u8) == "U8");
}

TEST_CASE("safetensors: the writer refuses what it could not read back") {
  const TempFolder folder;
  const auto path = folder / "a.safetensors";
  const std::vector<float> two{1, 2};
  const auto refuses = [&](std::vector<TensorEntry> entries, const char* message) {
    CHECK_THROWS_WITH_AS(write_safetensors(path, entries), doctest::Contains(message), Error);
  };
  refuses({make_entry("a", "F32", {3}, two)}, "has 8 bytes, expected 12");
  refuses({make_entry("a", "F33", {2}, two)}, "has dtype \"F33\"");
  refuses({make_entry("a", "F32", {-1, -2}, two)}, "negative dimension");
  refuses({make_entry("a", "F32", {2}, two), make_entry("a", "F32", {2}, two)}, "is taken");
  refuses({make_entry("__metadata__", "F32", {2}, two)}, "is taken");
  refuses({make_entry("a\xFF", "F32", {2}, two)}, "not UTF-8");
  CHECK(folder.count() == 0);
  CHECK_THROWS_WITH_AS(write_safetensors(folder / "no/a.safetensors", {}),
                       doctest::Contains("No such file or directory"), Error);
}

TEST_CASE("safetensors: not a file at all") {
  const TempFolder folder;
  CHECK_THROWS_WITH_AS(SafetensorsFile(folder / "none"),
                       doctest::Contains("cannot read: No such file or directory, expected"),
                       Error);
  CHECK_THROWS_WITH_AS(SafetensorsFile(folder.path()),
                       doctest::Contains("is not a regular file, expected"), Error);
}

TEST_CASE("safetensors: lying lengths") {
  const TempFolder folder;
  CHECK(refusal(folder, "").starts_with("is 0 bytes long, expected at least 8"));
  CHECK(refusal(folder, "1234567").starts_with("is 7 bytes long, expected at least 8"));
  CHECK(refusal(folder, std::string(8, '\0')).starts_with("header of 0 bytes does not start with"));
  const auto with_length = [](std::uint64_t length, const std::string& rest) {
    std::string bytes(8, '\0');
    std::memcpy(bytes.data(), &length, 8);
    return bytes + rest;
  };
  CHECK(refusal(folder, with_length(100'000'001, "{}"))
            .starts_with("not a safetensors file, as checkpoints are: its first 8 bytes give a "
                         "header length of 100000001, expected at most 100000000"));
  CHECK(refusal(folder, with_length(~std::uint64_t{0}, "{}"))
            .starts_with("not a safetensors file, as checkpoints are: its first 8 bytes give a "
                         "header length of 18446744073709551615, expected at most"));
  CHECK(refusal(folder, with_length(3, "{}"))
            .starts_with("header length is 3, but only 2 bytes follow"));
  CHECK(refusal(folder, with_length(1, "{}"))
            .starts_with("header is broken at byte 2 of 1, expected UTF-8 JSON"));
  CHECK(refusal(folder, with_length(2, "{}")).empty());
  CHECK(refusal(folder, file_with("{}      ", 0)).empty());
  CHECK(refusal(folder, file_with(" {}", 0)).starts_with("header of 3 bytes does not start"));
  CHECK(refusal(folder, file_with("\xEF\xBB\xBF{}", 0)).starts_with("header of 5 bytes does not"));
  CHECK(refusal(folder, file_with("{}", 3)) ==
        "the last tensor ends at byte 0 of the data, but 3 bytes follow the header, expected both "
        "to be equal");
}

TEST_CASE("safetensors: headers that are not the JSON of the format") {
  const TempFolder folder;
  const auto header = [&](const std::string& json) { return refusal(folder, file_with(json, 4)); };
  const auto tensor = [&](const std::string& fields) {
    return header(R"({"a":{)" + fields + "}}");
  };
  const std::string good = R"("dtype":"U8","shape":[4],"data_offsets":[0,4])";
  REQUIRE(tensor(good).empty());

  const std::string broken = "header is broken at byte ";
  CHECK(header("{").starts_with(broken));
  CHECK(header(R"({"a":{)" + good + "}}x").starts_with(broken));
  CHECK(header(R"({"a":{)" + good + "}}" + std::string(1, '\0') + "x").starts_with(broken));
  CHECK(header(R"({"a":{)" + good + "},}").starts_with(broken));
  CHECK(header(R"({/**/"a":{)" + good + "}}").starts_with(broken));
  CHECK(header("{\"\xFF\":{" + good + "}}").starts_with(broken));
  CHECK(header("{\"\xC0\x80\":{" + good + "}}").starts_with(broken));
  CHECK(header(R"({"\ud800":{)" + good + "}}").starts_with(broken));
  CHECK(header("{\"a\nb\":{" + good + "}}").starts_with(broken));

  CHECK(header(R"({"a":{)" + good + R"(},"a":{)" + good + "}}") ==
        "tensor \"a\" stands 2 times in the header, expected 1");
  CHECK(header(R"({"__metadata__":{},"__metadata__":{}})") ==
        "tensor \"__metadata__\" stands 2 times in the header, expected 1");
  CHECK(header(R"({"__metadata__":{"k":"1","k":"1"}})") ==
        "metadata key \"k\" stands 2 times in the header, expected 1");
  for (const char* value : {"1", "null", "true", "1.5", "-1", "{}", "[]"}) {
    CAPTURE(value);
    CHECK(header(text(R"({"__metadata__":{"k":)", value, "}}")).starts_with("metadata \"k\" is "));
    CHECK(tensor(text(R"("dtype":)", value)).starts_with("tensor \"a\": dtype is "));
  }
  for (const char* value : {"1", "null", "true", "1.5", "-1", "\"x\"", "[]"}) {
    CAPTURE(value);
    CHECK(header(text(R"({"a":)", value, "}")).starts_with("header entry \"a\" is "));
    CHECK(header(text(R"({"__metadata__":)", value, "}"))
              .starts_with("header entry \"__metadata__\" is "));
  }
  for (const char* value : {"-1", "4.0", "4e0", "\"4\"", "null", "[4]", "{}", "-0",
                            "18446744073709551616", "99999999999999999999999999"}) {
    CAPTURE(value);
    const std::string shape = text(R"("dtype":"U8","data_offsets":[0,4],"shape":[)", value, "]");
    CHECK(tensor(shape).starts_with("tensor \"a\": shape holds "));
    const std::string offsets = text(R"("dtype":"U8","shape":[4],"data_offsets":[0,)", value, "]");
    CHECK(tensor(offsets).starts_with("tensor \"a\": data_offsets holds "));
  }
  CHECK(tensor(R"("shape":4)") ==
        "tensor \"a\": shape is the number 4, expected an array of integers >= 0");
  CHECK(tensor(good + R"(,"dtype":"U8")") ==
        "tensor \"a\": dtype stands 2 times in the header, expected 1");
  CHECK(tensor(good + R"(,"shape":[4])").starts_with("tensor \"a\": shape stands 2 times"));
  CHECK(tensor(good + R"(,"data_offsets":[0,4])").starts_with("tensor \"a\": data_offsets stands"));
  CHECK(tensor(good + R"(,"size":4)") ==
        "tensor \"a\" has an unknown field \"size\", expected dtype, shape and data_offsets");
  CHECK(tensor(R"("dtype":"U8","shape":[4])").starts_with("tensor \"a\" has no data_offsets"));
  CHECK(tensor(R"("dtype":"U8","data_offsets":[0,4])").starts_with("tensor \"a\" has no shape"));
  CHECK(tensor(R"("shape":[4],"data_offsets":[0,4])").starts_with("tensor \"a\" has no dtype"));

  // A name out of a file does not break the line, nor fill the screen.
  CHECK(header(R"({"a\nb":1})").starts_with(R"(header entry "a\nb" is the number 1)"));
  CHECK(header("{\"" + std::string(5000, 'x') + "\":1}").size() < 250);
  // Depth costs no stack.
  CHECK(header("{\"a\":" + std::string(1'000'000, '[')).starts_with("header entry \"a\" is an"));
}

TEST_CASE("safetensors: shapes, sizes and offsets that do not fit") {
  const TempFolder folder;
  const auto tensor = [&](const char* dtype, const char* shape, const char* offsets,
                          std::size_t data_size) {
    return refusal(folder, file_with(text(R"({"a":{"dtype":")", dtype, R"(","shape":)", shape,
                                          R"(,"data_offsets":)", offsets, "}}"),
                                     data_size));
  };
  CHECK(tensor("F32", "[2]", "[0,8]", 8).empty());
  CHECK(tensor("F4", "[4]", "[0,2]", 2).empty());
  CHECK(tensor("F32", "[]", "[0,4]", 4).empty());
  CHECK(tensor("float", "[2]", "[0,8]", 8).starts_with("tensor \"a\" has dtype \"float\", exp"));
  CHECK(tensor("F32", "[3]", "[0,8]", 8) ==
        "tensor \"a\" has 8 bytes by its offsets, expected 12 by its shape and dtype");
  CHECK(tensor("F4", "[3]", "[0,2]", 2).find("not whole") != std::string::npos);
  CHECK(tensor("F32", "[2]", "[0,8]", 7) ==
        "tensor \"a\" ends at byte 8 of the data, but the file holds 7 bytes of data, expected a "
        "whole file (truncated?)");
  CHECK(tensor("F32", "[2]", "[0,8]", 9) ==
        "the last tensor ends at byte 8 of the data, but 9 bytes follow the header, expected both "
        "to be equal");
  CHECK(tensor("F32", "[2]", "[8,0]", 8) ==
        "tensor \"a\" begins at byte 8 and ends at byte 0, expected begin <= end");
  CHECK(tensor("F32", "[2]", "[0]", 8) == "tensor \"a\" has 1 data_offsets, expected 2");
  CHECK(tensor("F32", "[2]", "[0,8,8]", 8) == "tensor \"a\" has 3 data_offsets, expected 2");
  // 2^32 * 2^32 = 2^64 = 0 modulo 2^64, and 2^62 elements of 4 bytes: both wrap around to nothing.
  CHECK(tensor("U8", "[4294967296,4294967296]", "[0,0]", 0).find("overflows") != std::string::npos);
  CHECK(tensor("F32", "[4611686018427387904]", "[0,0]", 0).find("overflows") != std::string::npos);
  CHECK(tensor("U8", "[18446744073709551615]", "[0,4]", 4)
            .starts_with("tensor \"a\": shape holds 18446744073709551615, expected at most 92233"));
  CHECK(tensor("U8", "[4]", "[0,18446744073709551615]", 4)
            .starts_with("tensor \"a\" ends at byte 18446744073709551615 of the data, but"));

  const auto two = [&](const char* a, const char* b) {
    const char* fields = R"({"dtype":"U8","shape":[4],"data_offsets":)";
    return refusal(folder, file_with(text(R"({"a":)", fields, a, R"(},"b":)", fields, b, "}}"), 8));
  };
  CHECK(two("[0,4]", "[4,8]").empty());
  CHECK(two("[4,8]", "[0,4]").empty());  // any order of names is allowed
  CHECK(two("[0,4]", "[2,6]") ==
        "tensor \"b\" begins at byte 2 of the data, expected byte 4, where the tensor before it "
        "ends (overlap)");
  CHECK(two("[0,4]", "[0,4]").ends_with("(overlap)"));
  CHECK(two("[1,5]", "[4,8]") ==
        "tensor \"a\" begins at byte 1 of the data, expected byte 0, where the tensor before it "
        "ends (hole)");
}

TEST_CASE("safetensors: every truncation of a good file is refused") {
  const TempFolder folder;
  const std::string good = golden();
  REQUIRE(loads_or_refuses(folder, good));
  for (std::size_t size = 0; size < good.size(); ++size) {
    CAPTURE(size);
    CHECK_FALSE(loads_or_refuses(folder, good.substr(0, size)));
  }
  CHECK_FALSE(loads_or_refuses(folder, good + '\0'));
}

TEST_CASE("safetensors: a changed byte of the header loads or is refused, and never worse") {
  const TempFolder folder;
  const std::string good = golden();
  const std::size_t header_end = good.size() - 51;
  int loaded = 0;
  int refused = 0;
  for (std::size_t at = 0; at < header_end; ++at) {
    for (const int change : {0x01, 0x02, 0x04, 0x08, 0x10, 0x20, 0x40, 0x80, 0x02 ^ 0x20, 0xFF}) {
      CAPTURE(at);
      CAPTURE(change);
      std::string bytes = good;
      bytes[at] = static_cast<char>(bytes[at] ^ change);
      ++(loads_or_refuses(folder, bytes) ? loaded : refused);
    }
  }
  CHECK(loaded > 0);  // a letter of a name, for one
  CHECK(refused > loaded);
}
