#include "kernels/conv/plan_cache.hpp"

#include <cctype>
#include <charconv>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>
#include <utility>

#include "core/atomic_file.hpp"
#include "core/error.hpp"

namespace scimix {

namespace {

constexpr int kFormat = 1;

std::string variable(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? "" : value;
}

std::filesystem::path cache_folder() {
  if (const std::string folder = variable("SCIMIX_CACHE_DIR"); !folder.empty()) {
    return folder == "off" ? std::filesystem::path() : std::filesystem::path(folder);
  }
  if (const std::string caches = variable("XDG_CACHE_HOME"); !caches.empty()) {
    return std::filesystem::path(caches) / "scimix";
  }
  const std::string home = variable("HOME");
  return home.empty() ? std::filesystem::path() : std::filesystem::path(home) / ".cache/scimix";
}

std::string for_a_file_name(const std::string& words) {
  std::string out;
  for (const char c : words) {
    const bool plain = std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '.' || c == '-';
    out += plain ? c : '-';
  }
  return out;
}

}  // namespace

std::filesystem::path plan_cache_file(const std::string& library, const std::string& version,
                                      const std::string& device) {
  const std::filesystem::path folder = cache_folder();
  if (folder.empty()) return {};
  return folder / for_a_file_name("conv-plans-" + library + "-" + version + "-" + device + ".json");
}

int plan_candidates() {
  constexpr int kUsual = 10;
  constexpr int kMost = 1000;
  const std::string given = variable("SCIMIX_PLAN_CANDIDATES");
  if (given.empty()) return kUsual;
  int count = 0;
  const auto [end, fault] = std::from_chars(given.data(), given.data() + given.size(), count);
  if (fault != std::errc() || end != given.data() + given.size() || count < 1 || count > kMost) {
    user_error("SCIMIX_PLAN_CANDIDATES is '", given, "', expected a number from 1 to ", kMost);
  }
  return count;
}

PlanCache::PlanCache(std::filesystem::path file) : file_(std::move(file)) {
  if (!file_.empty()) plans_ = read(file_);
}

std::optional<std::string> PlanCache::find(const std::string& problem) const {
  const auto it = plans_.find(problem);
  return it == plans_.end() ? std::nullopt : std::optional(it->second);
}

void PlanCache::store(const std::string& problem, const std::string& plan) {
  plans_[problem] = plan;
  if (file_.empty()) return;
  // Takes the plans of other processes for problems that are new here. If both have measured a
  // problem, the later measurement counts.
  Plans all = read(file_);
  for (const auto& [known, its_plan] : plans_) all[known] = its_plan;
  plans_ = std::move(all);
  write();
}

PlanCache::Plans PlanCache::read(const std::filesystem::path& file) {
  std::ifstream in(file);
  const auto json = nlohmann::json::parse(in, nullptr, /*allow_exceptions=*/false);
  Plans plans;
  if (!json.is_object() || json.value("format", nlohmann::json()) != kFormat) return plans;
  const auto found = json.find("plans");
  if (found == json.end() || !found->is_object()) return plans;
  for (const auto& [problem, plan] : found->items()) {
    if (plan.is_string()) plans[problem] = plan.get<std::string>();
  }
  return plans;
}

void PlanCache::write() {
  try {
    std::error_code ignored;  // AtomicFile reports the fault
    std::filesystem::create_directories(file_.parent_path(), ignored);
    AtomicFile out(file_);
    out.write(nlohmann::json{{"format", kFormat}, {"plans", plans_}}.dump(1) + "\n");
    out.commit();
  } catch (const Error& error) {
    if (!std::exchange(warned_, true)) {
      std::cerr << "convolution plans are not kept for later runs: " << error.what() << '\n';
    }
  }
}

}  // namespace scimix
