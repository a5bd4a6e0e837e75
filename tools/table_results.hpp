// What the runs of a table have found, as far as they are done.
#pragma once

#include <string>
#include <vector>

#include "report/table_report.hpp"
#include "tools/table_plan.hpp"

namespace scimix {

// Returns the table with the results of all runs that are done. `command`: the command line that
// makes it. Errors (user): a log or measurement that cannot be read.
[[nodiscard]] TableReport table_results(const TableList& list, const TableRequest& request,
                                        const TablePlan& plan, const std::string& command);

// Returns how a generator learns the classes that it carries over: its L_S and its guide, if it has
// one, as its settings say.
[[nodiscard]] std::string generator_guide(const TableTask& generator);

}  // namespace scimix
