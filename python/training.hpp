// Training runs in Python.
#pragma once

#include <nanobind/nanobind.h>

#include <string>
#include <vector>

namespace scimix::python {

// Trains as `scimix_train KIND ARGUMENTS...` does, and returns a dictionary with the results.
// `on_progress` is None or is called with a dictionary of step and numbers each time they are
// logged. With `verbose`, what the program would print is printed. Ctrl-C ends the run after it has
// written a checkpoint and raises KeyboardInterrupt; an exception of `on_progress` ends it in the
// same way and is raised.
[[nodiscard]] nanobind::dict train(const std::string& kind,
                                   const std::vector<std::string>& arguments,
                                   nanobind::object on_progress, bool verbose);

}  // namespace scimix::python
