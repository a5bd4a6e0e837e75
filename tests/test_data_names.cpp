#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "core/names.hpp"

namespace scimix {

TEST_CASE("edit distance counts inserts, deletes, replacements and swaps") {
  CHECK(edit_distance("", "") == 0);
  CHECK(edit_distance("", "abc") == 3);
  CHECK(edit_distance("abc", "") == 3);
  CHECK(edit_distance("kitten", "sitting") == 3);  // the textbook pair
  CHECK(edit_distance("batch", "bacth") == 1);     // one swap, not two replacements
  CHECK(edit_distance("ca", "abc") == 3);  // optimal string alignment: no edit inside a swap
  CHECK(edit_distance("Batch-Size", "batch_size") == 0);
}

TEST_CASE("nearest name") {
  const std::vector<std::string> names = {"cifar10", "svhn", "folder", "digits"};
  CHECK(nearest_name("cifar-10", names) == "cifar10");
  CHECK(nearest_name("SVHM", names) == "svhn");
  CHECK(nearest_name("digit", names) == "digits");
  CHECK(nearest_name("svhn", names) == "svhn");
  CHECK(nearest_name("x", std::vector<std::string>{"b", "a"}) == "b");  // the first of equals
  CHECK(nearest_name("x", std::vector<std::string>{}).empty());
}

}  // namespace scimix
