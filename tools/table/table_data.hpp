// Checks the data of a table before any run is trained.
#pragma once

#include "tools/table/table_plan.hpp"

namespace scimix {

// Reads every data set that the remaining training runs need, and makes its splits. Errors (user),
// all in one line: data sets that are missing or broken, classes with fewer images than labels.
void check_table_data(const TablePlan& plan);

}  // namespace scimix
