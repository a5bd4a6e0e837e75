// Training runs in Python.
#pragma once

#include <nanobind/nanobind.h>

#include <string>
#include <vector>

namespace scimix::python {

// Trains as `scimix_train KIND ARGUMENTS...` does, and returns a dictionary with the folder, the
// steps and, if there are test images, the accuracy. `on_progress` is None, or a function that is
// called with a dictionary of step and numbers each time these are logged. If `verbose` is set,
// prints what the program would print. Ctrl-C ends the run after it has written a checkpoint, and
// raises KeyboardInterrupt. An exception of `on_progress` ends the run in the same way and is
// raised.
[[nodiscard]] nanobind::dict train(const std::string& kind,
                                   const std::vector<std::string>& arguments,
                                   nanobind::object on_progress, bool verbose);

}  // namespace scimix::python
