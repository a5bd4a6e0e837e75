// Event files are read back by a small parser of their own kind: checksum bit by bit, protobuf
// fields into a list.
#include <doctest/doctest.h>
#include <unistd.h>

#include <cmath>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.hpp"
#include "report/tensorboard.hpp"
#include "tests/full_disk.hpp"
#include "tests/temp_folder.hpp"

using namespace scimix;
using scimix::test::read_bytes;
using scimix::test::TempFolder;

namespace {

// Division of polynomials over GF(2), a bit at a time, highest power first: the definition, with
// the reflections done on the bits instead of on the polynomial.
std::uint32_t crc_by_definition(std::string_view bytes) {
  const auto reflected = [](std::uint32_t value) {
    std::uint32_t out = 0;
    for (int bit = 0; bit < 32; ++bit) out |= ((value >> bit) & 1U) << (31 - bit);
    return out;
  };
  std::uint32_t remainder = 0xFFFFFFFFU;
  for (const char c : bytes) {
    for (int bit = 0; bit < 8; ++bit) {  // the lowest bit of a byte comes first
      const std::uint32_t in = (static_cast<unsigned char>(c) >> bit) & 1U;
      const bool carry = ((remainder >> 31) ^ in) != 0;
      remainder = (remainder << 1) ^ (carry ? 0x1EDC6F41U : 0U);
    }
  }
  return ~reflected(remainder);
}

std::uint32_t masked(std::string_view bytes) {
  const std::uint32_t crc = crc_by_definition(bytes);
  return ((crc >> 15) | (crc << 17)) + 0xa282ead8U;
}

template <class T>
T number_at(std::string_view bytes, std::size_t at) {
  REQUIRE(at + sizeof(T) <= bytes.size());
  T value;
  std::memcpy(&value, bytes.data() + at, sizeof(T));
  return value;
}

// The data of each record of an event file, its checksums checked.
std::vector<std::string> records(std::string_view file) {
  std::vector<std::string> all;
  for (std::size_t at = 0; at < file.size();) {
    const auto length = number_at<std::uint64_t>(file, at);
    CHECK(number_at<std::uint32_t>(file, at + 8) == masked(file.substr(at, 8)));
    const std::string_view data = file.substr(at + 12, length);
    CHECK(number_at<std::uint32_t>(file, at + 12 + length) == masked(data));
    all.emplace_back(data);
    at += 16 + length;
  }
  return all;
}

struct Field {
  unsigned number;
  std::uint64_t value;  // of a varint
  std::string bytes;    // of every other kind
};

std::vector<Field> fields(std::string_view message) {
  std::vector<Field> all;
  std::size_t at = 0;
  const auto varint = [&] {
    std::uint64_t value = 0;
    for (int shift = 0;; shift += 7) {
      REQUIRE(at < message.size());
      REQUIRE(shift < 64);
      const auto byte = static_cast<unsigned char>(message[at++]);
      value |= static_cast<std::uint64_t>(byte & 0x7F) << shift;
      if (byte < 0x80) return value;
    }
  };
  while (at < message.size()) {
    const std::uint64_t key = varint();
    Field field{static_cast<unsigned>(key >> 3), 0, {}};
    const unsigned wire = key & 7;
    if (wire == 0) {
      field.value = varint();
    } else {
      REQUIRE((wire == 1 || wire == 2 || wire == 5));
      const std::size_t length = wire == 1 ? 8 : wire == 5 ? 4 : varint();
      REQUIRE(at + length <= message.size());
      field.bytes = message.substr(at, length);
      at += length;
    }
    all.push_back(std::move(field));
  }
  return all;
}

// The one field of that number.
Field only(std::string_view message, unsigned number) {
  Field found{0, 0, {}};
  int count = 0;
  for (Field& field : fields(message)) {
    if (field.number != number) continue;
    found = std::move(field);
    ++count;
  }
  REQUIRE(count == 1);
  return found;
}

std::string from_hex(std::string_view hex) {
  std::string bytes;
  for (std::size_t i = 0; i < hex.size(); i += 2) {
    bytes += static_cast<char>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16));
  }
  return bytes;
}

// 3 x 2 pixels, RGB.
constexpr std::string_view kPngHex =
    "89504e470d0a1a0a0000000d49484452000000030000000208020000001216f14d0000001c49444154789c63606064"
    "6266"
    "616563e76048494d4bcfc8cccace0100140003cd4a988f5a0000000049454e44ae426082";

std::span<const std::byte> as_bytes(const std::string& text) {
  return std::as_bytes(std::span(text));
}

}  // namespace

TEST_CASE("tensorboard: crc32c") {
  CHECK(crc32c("123456789") == 0xE3069283U);  // the check value of the CRC catalogue
  CHECK(crc32c("") == 0);
  // RFC 3720, B.4: 32 bytes of zeros, of ones, ascending, descending.
  std::string ascending;
  for (char c = 0; c < 32; ++c) ascending += c;
  CHECK(crc32c(std::string(32, '\0')) == 0x8A9136AAU);
  CHECK(crc32c(std::string(32, '\xFF')) == 0x62A8AB43U);
  CHECK(crc32c(ascending) == 0x46DD794EU);
  CHECK(crc32c(std::string(ascending.rbegin(), ascending.rend())) == 0x113FDB5CU);
  CHECK(crc_by_definition("123456789") == 0xE3069283U);
}

TEST_CASE("tensorboard: file name and first record") {
  const TempFolder folder;
  const TensorBoardWriter writer(folder.path(), 1767225600.75);
  const std::string name = writer.path().filename().string();
  CHECK(name.starts_with("events.out.tfevents.1767225600."));
  CHECK(name.ends_with("." + std::to_string(::getpid()) + ".0"));
  const auto all = records(read_bytes(writer.path()));
  REQUIRE(all.size() == 1);
  CHECK(number_at<double>(only(all[0], 1).bytes, 0) == 1767225600.75);
  CHECK(only(all[0], 3).bytes == "brain.Event:2");

  const TensorBoardWriter second(folder.path(), 1767225600.75);  // same second, same process
  CHECK(second.path() != writer.path());
  const TensorBoardWriter early(folder.path(), 5.0);
  CHECK(early.path().filename().string().starts_with("events.out.tfevents.0000000005."));
}

TEST_CASE("tensorboard: scalars") {
  const TempFolder folder;
  TensorBoardWriter writer(folder.path(), 1.0);
  writer.add_scalars(0, 2.0, {{"loss", 1.25}, {"accuracy/test", std::nan("")}});
  writer.add_scalars(1'000'000'000'000, 3.5, {{"loss", -0.1}});
  writer.add_scalars(-1, 4.0, {{std::string(300, 'x'), 1}});  // a length of two varint bytes
  const auto all = records(read_bytes(writer.path()));  // the writer is open: nothing is held back
  REQUIRE(all.size() == 4);

  CHECK(number_at<double>(only(all[1], 1).bytes, 0) == 2.0);
  CHECK(only(all[1], 2).value == 0);
  const auto values = fields(only(all[1], 5).bytes);
  REQUIRE(values.size() == 2);
  CHECK(values[0].number == 1);
  CHECK(only(values[0].bytes, 1).bytes == "loss");
  CHECK(number_at<float>(only(values[0].bytes, 2).bytes, 0) == 1.25F);
  CHECK(only(values[1].bytes, 1).bytes == "accuracy/test");
  CHECK(std::isnan(number_at<float>(only(values[1].bytes, 2).bytes, 0)));

  CHECK(number_at<double>(only(all[2], 1).bytes, 0) == 3.5);
  CHECK(only(all[2], 2).value == 1'000'000'000'000);
  const std::string value = only(only(all[2], 5).bytes, 1).bytes;
  CHECK(number_at<float>(only(value, 2).bytes, 0) == -0.1F);
  CHECK(static_cast<std::int64_t>(only(all[3], 2).value) == -1);
  CHECK(only(only(only(all[3], 5).bytes, 1).bytes, 1).bytes == std::string(300, 'x'));
}

TEST_CASE("tensorboard: images") {
  const TempFolder folder;
  TensorBoardWriter writer(folder.path(), 1.0);
  std::string png = from_hex(kPngHex);
  writer.add_image(7, 2.0, "mix", as_bytes(png));
  const auto colorspace_of = [&](char color_type) {
    png[25] = color_type;
    writer.add_image(8, 2.0, "mix", as_bytes(png));
    const auto all = records(read_bytes(writer.path()));
    return only(only(only(only(all.back(), 5).bytes, 1).bytes, 4).bytes, 3).value;
  };
  const auto all = records(read_bytes(writer.path()));
  REQUIRE(all.size() == 2);
  CHECK(only(all[1], 2).value == 7);
  const std::string value = only(only(all[1], 5).bytes, 1).bytes;
  CHECK(only(value, 1).bytes == "mix");
  const std::string image = only(value, 4).bytes;
  CHECK(only(image, 1).value == 2);  // height
  CHECK(only(image, 2).value == 3);  // width
  CHECK(only(image, 3).value == 3);  // RGB
  CHECK(only(image, 4).bytes == png);
  CHECK(colorspace_of(0) == 1);
  CHECK(colorspace_of(2) == 3);
  CHECK(colorspace_of(3) == 3);
  CHECK(colorspace_of(4) == 2);
  CHECK(colorspace_of(6) == 4);
  CHECK_THROWS_AS(colorspace_of(7), Error);
  CHECK_THROWS_WITH_AS(writer.add_image(9, 2.0, "mix", as_bytes(std::string(100, 'x'))),
                       doctest::Contains("not a PNG file"), Error);
}

TEST_CASE("tensorboard: a resumed run says where it goes on") {
  const TempFolder folder;
  const TensorBoardWriter writer(folder.path(), 1.0, 500);
  const auto all = records(read_bytes(writer.path()));
  REQUIRE(all.size() == 2);
  CHECK(only(all[1], 2).value == 501);
  CHECK(only(only(all[1], 7).bytes, 1).value == 1);  // SessionLog.START
}

TEST_CASE("tensorboard: no folder, full disk") {
  const TempFolder folder;
  CHECK_THROWS_WITH_AS(TensorBoardWriter(folder / "no", 1.0),
                       doctest::Contains("No such file or directory"), Error);
  CHECK(folder.count() == 0);
  const std::string message = test::message_on_full_disk(1000, [&] {
    TensorBoardWriter writer(folder.path(), 1.0);
    for (int step = 0; step < 1000; ++step) writer.add_scalars(step, 1.0, {{"loss", 1}});
  });
  CHECK(message.find(": cannot append ") != std::string::npos);
  const auto file = std::filesystem::directory_iterator(folder.path())->path();
  CHECK(records(read_bytes(file)).size() > 10);  // and all of them whole
}
