# What a user may choose, and the flags that follow from it.
include(CheckCXXCompilerFlag)
include(NativeFlags)

set(SCIMIX_CUDA AUTO CACHE STRING "Build the CUDA backend: AUTO (if all it needs is found), ON, OFF, EMULATED (for tests, on a CPU)")
set_property(CACHE SCIMIX_CUDA PROPERTY STRINGS AUTO ON OFF EMULATED)
set(SCIMIX_CUDA_ARCHITECTURES "90" CACHE STRING
    "GPU architectures to compile for, as in CMAKE_CUDA_ARCHITECTURES: 80;90;100, native, ...")
set(SCIMIX_SANITIZE "" CACHE STRING "Sanitizers for a CPU build, such as address,undefined")
option(SCIMIX_NATIVE "Compile for this machine's own processor (OFF: for all processors with AVX2)" ON)
option(SCIMIX_WERROR "Treat warnings as errors" OFF)
# Another project that uses add_subdirectory gets the library scimix::scimix alone.
option(SCIMIX_BUILD_PROGRAMS "Build the programs" ${PROJECT_IS_TOP_LEVEL})
option(SCIMIX_BUILD_TESTS "Build the tests, which need the programs" ${PROJECT_IS_TOP_LEVEL})
option(SCIMIX_BUILD_PYTHON "Build the module of the Python package (pip does: pyproject.toml)" OFF)
option(SCIMIX_COVERAGE "Count which lines of the CUDA backend run (scripts/gpu_coverage.py)" OFF)

# Sanitizers and the emulated GPU are for tests.
set(installable ${PROJECT_IS_TOP_LEVEL})
if(SCIMIX_SANITIZE OR SCIMIX_CUDA STREQUAL "EMULATED" OR NOT SCIMIX_BUILD_PROGRAMS)
  set(installable OFF)
endif()
option(SCIMIX_INSTALL "Build what cmake --install copies: the library, man pages and completions" ${installable})

if(PROJECT_IS_TOP_LEVEL AND NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "Build type" FORCE)
endif()

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/bin")

find_program(SCIMIX_CCACHE ccache)
mark_as_advanced(SCIMIX_CCACHE)
if(SCIMIX_CCACHE)
  foreach(language IN ITEMS C CXX CUDA)
    if(NOT DEFINED CMAKE_${language}_COMPILER_LAUNCHER)
      set(CMAKE_${language}_COMPILER_LAUNCHER "${SCIMIX_CCACHE}")
    endif()
  endforeach()
endif()

# A compiler cache can't tell that two precompiled headers say the same, so it would find nothing.
set(precompile ON)
if(SCIMIX_CCACHE)
  set(precompile OFF)
endif()
option(SCIMIX_PRECOMPILE "Compile the standard library's headers once per target (default: unless ccache is found)"
       ${precompile})

# Every target of ours links this.
add_library(scimix_flags INTERFACE)
target_include_directories(scimix_flags INTERFACE "${PROJECT_SOURCE_DIR}")

# nvcc hands its own generated code to the host compiler, which -Wpedantic would trip over.
target_compile_options(scimix_flags INTERFACE
  $<$<COMPILE_LANGUAGE:CXX>:-Wall -Wextra -Wpedantic -Wshadow>
  $<$<COMPILE_LANGUAGE:CUDA>:--extended-lambda --expt-relaxed-constexpr -Xcompiler=-Wall,-Wextra>)
if(SCIMIX_WERROR)
  target_compile_options(scimix_flags INTERFACE
    $<$<COMPILE_LANGUAGE:CXX>:-Werror>
    $<$<COMPILE_LANGUAGE:CUDA>:--Werror=all-warnings -Xcompiler=-Werror>)
endif()

# Vectorisation is held back by errno and by floating-point traps, neither of which anybody reads.
# -ffast-math would change results (it drops NaN, which the training loop looks for).
target_compile_options(scimix_flags INTERFACE
  $<$<COMPILE_LANGUAGE:CXX>:-fno-math-errno -fno-trapping-math>)

# A shared library's functions could be replaced by others of the same name at run time, so that the compiler
# would inline none of them. Nobody replaces functions of this project.
set(SCIMIX_POSITION_INDEPENDENT_FLAGS "")
check_cxx_compiler_flag(-fno-semantic-interposition SCIMIX_HAS_NO_SEMANTIC_INTERPOSITION)
if(SCIMIX_HAS_NO_SEMANTIC_INTERPOSITION)
  set(SCIMIX_POSITION_INDEPENDENT_FLAGS $<$<COMPILE_LANGUAGE:CXX>:-fno-semantic-interposition>)
endif()

# A build that travels still uses AVX2, which processors have since 2013 (Intel) and 2015 (AMD). Where a
# processor lacks it, the program says so (core/processor.cpp). -march in CMAKE_CXX_FLAGS takes precedence.
set(processor_flags "")
if(SCIMIX_NATIVE)
  scimix_native_flags(processor_flags)
elseif(NOT CMAKE_CXX_FLAGS MATCHES "-march=")
  check_cxx_compiler_flag("-march=x86-64-v3 -mtune=generic" SCIMIX_HAS_X86_64_V3)
  if(SCIMIX_HAS_X86_64_V3)
    set(processor_flags -march=x86-64-v3 -mtune=generic)
  endif()
endif()
foreach(flag IN LISTS processor_flags)
  target_compile_options(scimix_flags INTERFACE $<$<COMPILE_LANGUAGE:CXX>:${flag}>)
endforeach()

# Only the CUDA backend's own sources are counted: core/CMakeLists.txt and kernels/cuda/CMakeLists.txt.
set(SCIMIX_COVERAGE_FLAGS "")
if(SCIMIX_COVERAGE)
  set(SCIMIX_COVERAGE_FLAGS --coverage)
  add_link_options(--coverage)
endif()

# g++ sees uninitialised variables that are none once a sanitizer has added its code. clang does not know
# g++'s pragma that asks for vectorisation, reports loops that it did not vectorise at -O1, and wants braces
# that C++ lets one leave out.
if(SCIMIX_SANITIZE)
  set(CMAKE_CXX_FLAGS_RELEASE "-O1 -DNDEBUG")  # targets may ask for less (scimix_optimize)
  target_compile_options(scimix_flags INTERFACE
    -fsanitize=${SCIMIX_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer -g1
    $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>
    $<$<CXX_COMPILER_ID:Clang>:-Wno-pass-failed>
    $<$<CXX_COMPILER_ID:Clang>:-Wno-unknown-pragmas>
    $<$<CXX_COMPILER_ID:Clang>:-Wno-missing-braces>)
  target_link_options(scimix_flags INTERFACE -fsanitize=${SCIMIX_SANITIZE})
endif()
