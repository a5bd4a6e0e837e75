# Finds a flag that compiles for this machine's own processor, and with which the compiler is right.
#
# g++ 12.2 with AVX-512 writes constants such as {1, 1, 1, 0} of four or eight 64-bit words as all
# equal: shapes with a zero dimension become other shapes. So a flag is used only if a program built
# with it gets them right; AVX2 costs these memory-bound loops little.
include(CheckCXXSourceRuns)

set(SCIMIX_NATIVE_PROBE [[
#include <cstring>
#include <initializer_list>
__attribute__((noinline, noclone)) void four(long* p) { const long b[4] = {1, 1, 1, 0}; std::memcpy(p, b, sizeof b); }
__attribute__((noinline, noclone)) void list(long* p) {
  std::initializer_list<long> l{1, 1, 1, 0};
  std::memcpy(p, l.begin(), l.size() * sizeof(long));
}
static const long constants[8] = {1, 1, 1, 1, 1, 1, 1, 0};
__attribute__((noinline, noclone)) void eight(long* p) { std::memcpy(p, constants, sizeof constants); }
int main() {
  long a[8], b[8], c[8];
  four(a);
  list(b);
  eight(c);
  return a[3] == 0 && b[3] == 0 && c[7] == 0 && c[6] == 1 && a[0] == 1 && b[2] == 1 ? 0 : 1;
}
]])

# Sets `result` to the best flags that work, a list, or to nothing.
function(scimix_native_flags result)
  set(candidates "-march=native" "-march=native -mno-avx512f" "-march=x86-64-v3")
  foreach(candidate IN LISTS candidates)
    string(MAKE_C_IDENTIFIER "SCIMIX_WORKS_${candidate}" variable)
    set(works TRUE)
    foreach(level IN ITEMS -O1 -O2 -O3)
      string(MAKE_C_IDENTIFIER "${variable}${level}" answer)
      set(CMAKE_REQUIRED_FLAGS "${candidate} ${level}")
      set(CMAKE_REQUIRED_QUIET TRUE)
      check_cxx_source_runs("${SCIMIX_NATIVE_PROBE}" ${answer})
      if(NOT ${answer})
        set(works FALSE)
        break()
      endif()
    endforeach()
    if(works)
      separate_arguments(flags UNIX_COMMAND "${candidate}")
      set(${result} "${flags}" PARENT_SCOPE)
      message(STATUS "SciMix: processor flags: ${candidate}")
      return()
    endif()
  endforeach()
  set(${result} "" PARENT_SCOPE)
endfunction()
