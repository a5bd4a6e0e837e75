// --seeds: reading the list, and the table at the end.
#include <doctest/doctest.h>

#include <cmath>
#include <sstream>

#include "report/interval.hpp"
#include "tests/user_errors.hpp"
#include "tools/command_line/seeds.hpp"

using namespace scimix;

TEST_CASE("a list of seeds is whole numbers from 0, in the order given") {
  CHECK(parse_seeds("0") == std::vector<std::uint64_t>{0});
  CHECK(parse_seeds("0,1,2") == std::vector<std::uint64_t>{0, 1, 2});
  CHECK(parse_seeds("7,3") == std::vector<std::uint64_t>{7, 3});
  CHECK(parse_seeds("18446744073709551615") == std::vector<std::uint64_t>{18446744073709551615ULL});
}

TEST_CASE("any other list of seeds is refused in one line") {
  for (const std::string list : {"", ",", "0,", ",0", "0,,1", "0 1", "0, 1", "-1", "+1", "1.5",
                                 "one", "0,1,0", "0,00", "0x1", "18446744073709551616", "0;1"}) {
    CAPTURE(list);
    CHECK(test::user_error_of([&] { static_cast<void>(parse_seeds(list)); }) ==
          "--seeds " + list + ": expected different whole numbers from 0, such as 0,1,2");
  }
}

TEST_CASE("an option is taken out of a command line in both its forms") {
  using Words = std::vector<std::string>;
  CHECK(without_option({"--a", "1", "--seeds", "0,1", "--b"}, "--seeds") ==
        Words{"--a", "1", "--b"});
  CHECK(without_option({"--seeds=0,1", "--a=2"}, "--seeds") == Words{"--a=2"});
  CHECK(without_option({"--a", "--seeds", "0", "--seeds=1"}, "--seeds") == Words{"--a"});
  CHECK(without_option({"--seed", "5", "--split-seed=6"}, "--seeds") ==
        Words{"--seed", "5", "--split-seed=6"});
  CHECK(without_option({}, "--seeds").empty());
}

TEST_CASE("mean and standard deviation of a sample") {
  // 2, 4, 9: mean 5, squares 9 + 1 + 16, over n - 1 = 2: 13.
  const MeanStd three = mean_and_std({2, 4, 9});
  CHECK(three.mean == doctest::Approx(5).epsilon(1e-14));
  CHECK(three.std == doctest::Approx(std::sqrt(13.0)).epsilon(1e-14));
  const MeanStd one = mean_and_std({0.25});
  CHECK(one.mean == 0.25);
  CHECK(one.std == 0);
}

TEST_CASE("the table of seeds shows each run in percent and what they say together") {
  std::ostringstream out;
  print_seeds(out, {{3, 0.5, 0.25}, {10, 0.75, 0.5}});
  // Two values differ by d: their standard deviation is d / sqrt(2): 25 / 1.41421 = 17.678.
  CHECK(
      out.str() ==
      "    seed   last EMA   median of the last\n"
      "       3      50.00                25.00\n"
      "      10      75.00                50.00\n"
      "test accuracy in %, mean ± std of 2 seeds: last EMA 62.50 ± 17.68, median 37.50 ± 17.68\n");
}
