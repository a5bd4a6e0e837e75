// What tests ask of the emulated GPU.
#pragma once

#include <cstdint>
#include <string>

namespace scimix::emulated {

// The exit code of a process that the emulated GPU ends.
inline constexpr int kDeath = 77;

// The message of the first fault since clear_faults; empty for none.
[[nodiscard]] std::string last_fault();
void clear_faults();

// Makes one call of a vendor function fail: the one after `after` further calls.
struct Injection {
  int error = 0;  // of the function's own status type
  int after = 0;
};
void inject_error(const std::string& function, Injection injection);
// SCIMIX_EMULATED_ERROR=FUNCTION:ERROR:AFTER in the environment does the same in a program, and
// FUNCTION:ERROR:AFTER:RANK in one of several ranks.

// How many objects of a kind exist: "stream", "event", "graph", "graph exec", "memory",
// "communicator".
[[nodiscard]] std::int64_t live_objects(const std::string& kind);

// How often the process has called a vendor function.
[[nodiscard]] std::int64_t calls_of(const std::string& function);

// Calls `callback` with the name of the driver's function that a call of the runtime would need.
void on_driver_call(void (*callback)(const char*));

}  // namespace scimix::emulated
