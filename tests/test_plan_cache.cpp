// The memory of convolution plans between runs: it helps, and never stands in the way.
#include <doctest/doctest.h>

#include <cstdlib>
#include <fstream>
#include <optional>
#include <string>

#include "core/error.hpp"
#include "kernels/conv/plan_cache.hpp"
#include "temp_folder.hpp"

using namespace scimix;

namespace {

// Sets a variable of the environment, or removes it, for a scope.
class Environment {
 public:
  Environment(const char* name, const std::optional<std::string>& value) : name_(name) {
    if (const char* const old = std::getenv(name)) old_ = old;
    set(value);
  }
  ~Environment() { set(old_); }
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;

 private:
  void set(const std::optional<std::string>& value) const {
    if (value) {
      setenv(name_, value->c_str(), 1);
    } else {
      unsetenv(name_);
    }
  }
  const char* name_;
  std::optional<std::string> old_;
};

std::string text_of(const std::filesystem::path& path) {
  std::ifstream in(path);
  return {std::istreambuf_iterator<char>(in), {}};
}

}  // namespace

TEST_CASE("plans are found again by the next run") {
  const test::TempFolder folder;
  const auto file = folder / "a/b/plans.json";
  PlanCache first(file);
  CHECK_FALSE(first.find("conv_fprop, 3x3"));
  first.store("conv_fprop, 3x3", "eng0_k24=1");
  first.store("conv_wgrad, 1x1", "eng7");
  first.store("conv_wgrad, 1x1", "eng8");  // measured anew
  const PlanCache second(file);
  CHECK(second.find("conv_fprop, 3x3") == "eng0_k24=1");
  CHECK(second.find("conv_wgrad, 1x1") == "eng8");
  CHECK_FALSE(second.find("conv_dgrad, 3x3"));
}

TEST_CASE("several processes add to one file of plans") {
  const test::TempFolder folder;
  const auto file = folder / "plans.json";
  PlanCache one(file);
  PlanCache other(file);
  one.store("p", "from one");
  other.store("q", "from the other");
  one.store("r", "from one");
  CHECK(one.find("q") == "from the other");
  const PlanCache later(file);
  CHECK(later.find("p") == "from one");
  CHECK(later.find("q") == "from the other");
  CHECK(later.find("r") == "from one");
}

TEST_CASE("a damaged file of plans is as good as none, and is replaced") {
  const test::TempFolder folder;
  const auto file = folder / "plans.json";
  for (const std::string content :
       {"", "{", "[1, 2]", "null", R"({"format": 2, "plans": {"p": "old"}})",
        R"({"plans": {"p": "old"}})", R"({"format": 1, "plans": 3})",
        R"({"format": 1, "plans": {"p": 3}})", "\xff\xfe"}) {
    CAPTURE(content);
    std::ofstream(file) << content;
    PlanCache cache(file);
    CHECK_FALSE(cache.find("p"));
    cache.store("p", "new");
    CHECK(PlanCache(file).find("p") == "new");
  }
}

TEST_CASE("plans that cannot be written are remembered by the run all the same") {
  const test::TempFolder folder;
  std::ofstream(folder / "file") << "no folder";
  PlanCache cache(folder / "file/plans.json");
  CHECK_NOTHROW(cache.store("p", "eng1"));
  CHECK(cache.find("p") == "eng1");
  CHECK(text_of(folder / "file") == "no folder");

  PlanCache nowhere({});
  nowhere.store("p", "eng2");
  CHECK(nowhere.find("p") == "eng2");
}

TEST_CASE("where plans are kept follows from the environment, and from device and version") {
  const Environment cache("SCIMIX_CACHE_DIR", std::nullopt);
  const Environment xdg("XDG_CACHE_HOME", "/x");
  const Environment home("HOME", "/home/me");
  const auto file = [] {
    return plan_cache_file("cudnn", "91900", "NVIDIA H100 80GB/HBM3").string();
  };
  CHECK(file() == "/x/scimix/conv-plans-cudnn-91900-NVIDIA-H100-80GB-HBM3.json");
  {
    const Environment none("XDG_CACHE_HOME", std::nullopt);
    CHECK(file().starts_with("/home/me/.cache/scimix/conv-plans-"));
    const Environment homeless("HOME", std::nullopt);
    CHECK(file().empty());
  }
  {
    const Environment chosen("SCIMIX_CACHE_DIR", "/somewhere");
    CHECK(file().starts_with("/somewhere/conv-plans-"));
    const Environment off("SCIMIX_CACHE_DIR", "off");
    CHECK(file().empty());
  }
  CHECK(plan_cache_file("cudnn", "92000", "A") != plan_cache_file("cudnn", "91900", "A"));
  CHECK(plan_cache_file("cudnn", "91900", "B") != plan_cache_file("cudnn", "91900", "A"));
}

TEST_CASE("how many plans are measured follows from the environment") {
  const Environment none("SCIMIX_PLAN_CANDIDATES", std::nullopt);
  CHECK(plan_candidates() == 10);
  {
    const Environment few("SCIMIX_PLAN_CANDIDATES", "3");
    CHECK(plan_candidates() == 3);
  }
  for (const std::string wrong : {"0", "-1", "1001", "many", "3 ", "99999999999"}) {
    CAPTURE(wrong);
    const Environment chosen("SCIMIX_PLAN_CANDIDATES", wrong);
    CHECK_THROWS_WITH_AS(
        static_cast<void>(plan_candidates()),
        ("SCIMIX_PLAN_CANDIDATES is '" + wrong + "', expected a number from 1 to 1000").c_str(),
        Error);
  }
}
