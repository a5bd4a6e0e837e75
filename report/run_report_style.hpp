// How a run's report looks.
#pragma once

#include <string_view>

namespace scimix {

// The style sheet of report.html, less that of its charts (line_chart_style).
[[nodiscard]] std::string_view run_report_style();

}  // namespace scimix
