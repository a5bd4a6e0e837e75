# cmake -DROOT=... -DHEADER=... -DVERSION=... -DBACKENDS=... -DLIBRARIES=... -P WriteBuildHeader.cmake
# Writes the header that `--version` prints. Every build runs this script, since a commit changes nothing that
# CMake watches. The header is left alone if it would stay the same.
cmake_minimum_required(VERSION 3.24)
set(commit "")
find_program(git git)
if(git)
  # Without optional locks, this never gets in the way of another git command.
  set(ENV{GIT_OPTIONAL_LOCKS} 0)
  execute_process(COMMAND "${git}" -C "${ROOT}" rev-parse --show-toplevel
                  OUTPUT_VARIABLE top OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  # Sources inside another project's repository have the commits of that project.
  if(top)
    file(REAL_PATH "${ROOT}" root)
    file(REAL_PATH "${top}" top)
  endif()
  if(top AND top STREQUAL root)
    execute_process(COMMAND "${git}" -C "${ROOT}" describe --always --dirty --exclude=* --abbrev=12
                    OUTPUT_VARIABLE commit OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  endif()
endif()
file(CONFIGURE OUTPUT "${HEADER}" @ONLY CONTENT "#pragma once
#define SCIMIX_VERSION \"@VERSION@\"
#define SCIMIX_COMMIT \"@commit@\"
#define SCIMIX_BACKENDS \"@BACKENDS@\"
#define SCIMIX_LIBRARIES \"@LIBRARIES@\"
")
