#include "tools/table/table_data.hpp"

#include <algorithm>
#include <string>
#include <vector>

#include "core/error.hpp"
#include "data/dataset.hpp"
#include "data/split.hpp"
#include "settings/run_kinds.hpp"
#include "tools/table/table_runner.hpp"

namespace scimix {

namespace {

// A data set, and the numbers of labels that runs use from it.
struct NeededData {
  DataSettings settings;
  std::vector<std::string> labels;
};

DataSettings data_of(const TableTask& task) {
  if (task.kind == TableTask::Kind::generator) return generator_table().config(task.values).data;
  return classifier_table().config(task.values).data;
}

bool same_images(const DataSettings& a, const DataSettings& b) {
  return a.dataset == b.dataset && a.data_dir == b.data_dir && a.data_seed == b.data_seed &&
         a.image_size == b.image_size && a.bounding_box == b.bounding_box &&
         a.digits_train == b.digits_train && a.digits_test == b.digits_test &&
         a.labels_file == b.labels_file && a.test == b.test && a.test_share == b.test_share &&
         a.skip_unreadable == b.skip_unreadable;
}

std::vector<NeededData> needed_data(const TablePlan& plan) {
  std::vector<NeededData> needed;
  const std::vector<bool> settled = settled_tasks(plan);
  for (std::size_t i = 0; i < plan.tasks.size(); ++i) {
    const TableTask& task = plan.tasks[i];
    if (!task.is_run() || settled[i]) continue;
    const DataSettings data = data_of(task);
    auto found = std::ranges::find_if(
        needed, [&](const NeededData& one) { return same_images(one.settings, data); });
    if (found == needed.end()) found = needed.insert(found, {data, {}});
    if (std::ranges::find(found->labels, data.labels) == found->labels.end()) {
      found->labels.push_back(data.labels);
    }
  }
  return needed;
}

void check_one(const NeededData& needed) {
  const DataSettings& s = needed.settings;
  const Dataset data = load_dataset(s.dataset, s.data_dir, dataset_options(s));
  for (const std::string& labels : needed.labels) {
    (void)make_split(data, parse_label_count(labels), 0);
  }
}

}  // namespace

void check_table_data(const TablePlan& plan) {
  std::string faults;
  for (const NeededData& needed : needed_data(plan)) {
    try {
      check_one(needed);
    } catch (const Error& error) {
      if (error.fault() != Fault::user) throw;
      faults += (faults.empty() ? "" : "; ") + needed.settings.dataset + ": " + error.what();
    }
  }
  if (!faults.empty()) user_error("nothing was trained, since data are missing: ", faults);
}

}  // namespace scimix
