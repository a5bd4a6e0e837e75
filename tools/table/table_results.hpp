// Collects the results of a table's runs.
#pragma once

#include <string>
#include <vector>

#include "report/table_report.hpp"
#include "tools/table/table_plan.hpp"

namespace scimix {

// Returns the table with the results of all finished runs. `command` is the command line that makes
// the table. Errors (user): a log or measurement that cannot be read.
[[nodiscard]] TableReport table_results(const TableList& list, const TableRequest& request,
                                        const TablePlan& plan, const std::string& command);

// Returns a generator's L_S and its guide, if it has one, in words, from its settings.
[[nodiscard]] std::string generator_guide(const TableTask& generator);

}  // namespace scimix
