// A check that cannot run here is skipped visibly: it is counted, and its reason is printed at the
// end of the run.
#pragma once

#include <string_view>

namespace scimix {

// For want of a GPU. Counted apart: the last line but one of the run says how many.
void skip_gpu_check(std::string_view reason);

// For want of anything else (real data, a tool, a second rank).
void skip_check(std::string_view reason);

}  // namespace scimix
