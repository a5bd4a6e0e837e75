#include "data/split.hpp"

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <iterator>
#include <nlohmann/json.hpp>
#include <numeric>

#include "core/atomic_file.hpp"
#include "core/error.hpp"
#include "core/paths.hpp"
#include "core/random.hpp"
#include "data/file.hpp"
#include "data/random_order.hpp"

namespace scimix {
namespace {

constexpr const char* kFormat = "scimix-split-1";

// The labelled images of each class, ascending: one pass, however many classes there are.
std::vector<std::vector<std::int32_t>> images_by_class(const Dataset& dataset) {
  std::vector<std::vector<std::int32_t>> members(static_cast<std::size_t>(dataset.classes()));
  const std::vector<std::int32_t>& labels = dataset.train.labels;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    if (labels[i] == kUnknownLabel) continue;
    members.at(static_cast<std::size_t>(labels[i])).push_back(static_cast<std::int32_t>(i));
  }
  return members;
}

void check_indices(const std::string& path, const Split& split, const Dataset& dataset) {
  if (split.labeled.empty()) user_error(path, ": names no images");
  std::int64_t previous = -1;
  for (const std::int32_t index : split.labeled) {
    if (index <= previous || index >= dataset.train.count) {
      user_error(path, ": index ", index, " after ", previous, ", expected ascending below ",
                 dataset.train.count);
    }
    if (dataset.train.labels[static_cast<std::size_t>(index)] == kUnknownLabel) {
      user_error(path, ": image ", index, " is not labelled in ", dataset.name);
    }
    previous = index;
  }
}

[[noreturn]] void refuse_images(const std::filesystem::path& path, const Split& split,
                                const char* which, const Dataset& dataset, const std::string& found,
                                const std::string& expected) {
  user_error(
      shown(path), ": made with other ", which, " images (", split.dataset, ", hash ", found,
      ") than those that are there now (", dataset.name, ", hash ", expected,
      "); images or their classes were added, removed, renamed or changed since. Expected the same "
      "images, or a new run in another --out");
}

}  // namespace

std::optional<std::int64_t> parse_label_count(const std::string& word) {
  if (word == "all") return std::nullopt;
  std::int64_t count = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), count);
  if (error != std::errc{} || end != word.data() + word.size() || count < 1) {
    user_error("labels '", word, "', expected a whole number above 0 or 'all'");
  }
  return count;
}

Split make_split(const Dataset& dataset, std::optional<std::int64_t> labels, std::uint64_t seed) {
  Split split{dataset.name, content_hash(dataset.train), seed, {}, content_hash(dataset.test)};
  if (!labels) {
    for (std::int64_t i = 0; i < dataset.train.count; ++i) {
      if (dataset.train.labels[static_cast<std::size_t>(i)] == kUnknownLabel) continue;
      split.labeled.push_back(static_cast<std::int32_t>(i));
    }
    return split;
  }
  if (*labels < 1 || *labels % dataset.classes() != 0) {
    user_error(*labels, " labels for ", dataset.name, ", expected a multiple of its ",
               dataset.classes(), " classes");
  }
  const auto per_class = static_cast<std::size_t>(*labels / dataset.classes());
  const auto by_class = images_by_class(dataset);
  for (std::int64_t c = 0; c < dataset.classes(); ++c) {
    const std::vector<std::int32_t>& members = by_class[static_cast<std::size_t>(c)];
    if (members.size() < per_class) {
      user_error(
          *labels, " labels for ", dataset.name, " are ", per_class, " of each class, but class ",
          dataset.class_names[static_cast<std::size_t>(c)], " has ", members.size(),
          labeled_count(dataset.train) == dataset.train.count ? " images" : " labelled images");
    }
    const auto order = random_order(
        members.size(), Random(seed, Purpose::split, kLabelStream, static_cast<std::uint32_t>(c)));
    for (std::size_t i = 0; i < per_class; ++i) {
      split.labeled.push_back(members[static_cast<std::size_t>(order[i])]);
    }
  }
  std::sort(split.labeled.begin(), split.labeled.end());
  return split;
}

std::vector<std::int32_t> unlabeled_indices(const Split& split, const Dataset& dataset,
                                            bool include_labeled) {
  std::vector<std::int32_t> all(static_cast<std::size_t>(dataset.train.count));
  std::iota(all.begin(), all.end(), 0);
  if (include_labeled) return all;
  std::vector<std::int32_t> rest;
  std::set_difference(all.begin(), all.end(), split.labeled.begin(), split.labeled.end(),
                      std::back_inserter(rest));
  return rest;
}

void save_split(const std::filesystem::path& path, const Split& split) {
  const nlohmann::ordered_json json = {{"format", kFormat},
                                       {"dataset", split.dataset},
                                       {"train_hash", split.train_hash},
                                       {"test_hash", split.test_hash},
                                       {"seed", split.seed},
                                       {"labeled", split.labeled}};
  AtomicFile file(path);
  file.write(json.dump() + "\n");
  file.commit();
}

Split load_split(const std::filesystem::path& path, const Dataset& dataset) {
  const std::vector<std::uint8_t> bytes = read_file(path);
  Split split;
  try {
    const auto json = nlohmann::json::parse(bytes.begin(), bytes.end());
    const std::string format = json.at("format");
    if (format != kFormat) user_error(shown(path), ": format ", format, ", expected ", kFormat);
    json.at("dataset").get_to(split.dataset);
    json.at("train_hash").get_to(split.train_hash);
    json.at("seed").get_to(split.seed);
    json.at("labeled").get_to(split.labeled);
    split.test_hash = json.value("test_hash", "");
  } catch (const nlohmann::json::exception& problem) {
    user_error(shown(path), ": not a split file of format ", kFormat, ": ", problem.what());
  }
  if (const std::string hash = content_hash(dataset.train); split.train_hash != hash) {
    refuse_images(path, split, "training", dataset, split.train_hash, hash);
  }
  check_indices(shown(path), split, dataset);
  return split;
}

void check_same_test_images(const std::filesystem::path& path, const Split& split,
                            const Dataset& dataset) {
  if (split.test_hash.empty()) return;
  if (const std::string hash = content_hash(dataset.test); split.test_hash != hash) {
    refuse_images(path, split, "test", dataset, split.test_hash, hash);
  }
}

}  // namespace scimix
