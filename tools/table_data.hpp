// Whether the data of a table are there, before anything is trained.
#pragma once

#include "tools/table_plan.hpp"

namespace scimix {

// Reads every data set that a task which is not done yet needs, and makes its splits. Errors
// (user): data sets that are missing or broken, all of them in one line; a class with fewer images
// than a row labels.
void check_table_data(const TablePlan& plan);

}  // namespace scimix
