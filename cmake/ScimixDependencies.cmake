# The libraries of a CPU build. scripts/setup.sh installs them all; a dependency that is missing is
# named together with that hint, all of them at once.
set(_scimix_missing "")

macro(_scimix_need package)
  find_package(${package} QUIET ${ARGN})
  if(NOT ${package}_FOUND)
    list(APPEND _scimix_missing ${package})
  endif()
endmacro()

_scimix_need(OneDNN)
_scimix_need(CBLAS)
_scimix_need(Matio)
_scimix_need(PNG)
_scimix_need(JPEG)
_scimix_need(nlohmann_json)
_scimix_need(fmt)
_scimix_need(CLI11)
_scimix_need(OpenMP COMPONENTS CXX)
_scimix_need(Threads)
if(SCIMIX_BUILD_TESTS)
  _scimix_need(doctest)
endif()

if(_scimix_missing)
  list(JOIN _scimix_missing ", " _scimix_missing)
  message(FATAL_ERROR "SciMix: not found: ${_scimix_missing}. Run scripts/setup.sh, which installs them.")
endif()

# MPI starts several ranks; a single process does without.
find_package(MPI QUIET COMPONENTS C)
if(MPI_C_FOUND)
  set(SCIMIX_WITH_MPI 1)
  message(STATUS "SciMix: MPI: on (${MPI_C_VERSION})")
else()
  set(SCIMIX_WITH_MPI 0)
  message(STATUS "SciMix: MPI: off, not found (scripts/setup.sh installs it)")
endif()
