// What a program's exit code says.
#pragma once

namespace scimix {

inline constexpr int kExitUserError = 2;
inline constexpr int kExitBug = 70;  // EX_SOFTWARE of sysexits.h

}  // namespace scimix
