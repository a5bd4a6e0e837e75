# SCIMIX_NVIDIA_ROOTS: folders with include/ and lib/ that pip-installed NVIDIA packages brought, such
# as site-packages/nvidia/cudnn or site-packages/nvidia/cu13, of the python3 on the PATH.
# SCIMIX_PYTHON_FOLDERS: those site-packages.
if(NOT DEFINED SCIMIX_NVIDIA_ROOTS)
  set(SCIMIX_NVIDIA_ROOTS "")
  set(SCIMIX_PYTHON_FOLDERS "")
  find_program(SCIMIX_PYTHON python3)
  mark_as_advanced(SCIMIX_PYTHON)
  if(SCIMIX_PYTHON)
    execute_process(
      COMMAND "${SCIMIX_PYTHON}" -c
              "import site, sysconfig
folders = [sysconfig.get_path('purelib'), *site.getsitepackages(), site.getusersitepackages()]
print(';'.join(dict.fromkeys(folders)))"
      OUTPUT_VARIABLE SCIMIX_PYTHON_FOLDERS OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
    foreach(_folder IN LISTS SCIMIX_PYTHON_FOLDERS)
      file(GLOB _found LIST_DIRECTORIES TRUE "${_folder}/nvidia/*")
      list(APPEND SCIMIX_NVIDIA_ROOTS ${_found})
    endforeach()
  endif()
endif()

# Finds a CUDA library and its header: FOLDER/include/HEADER and FOLDER/lib/libNAME.so or
# libNAME.so.VERSION (pip packages bring only the latter). NAME_ROOT, as a CMake or environment
# variable, is looked into first, then the toolkit, the system, and Python's packages. The library is
# looked for beside the header first: two installations may be of two versions.
# Sets PREFIX_INCLUDE_DIR and PREFIX_LIBRARY.
macro(scimix_find_nvidia_library prefix header name)
  find_path(${prefix}_INCLUDE_DIR ${header}
    HINTS ${${prefix}_ROOT} $ENV{${prefix}_ROOT} ${CUDAToolkit_INCLUDE_DIRS}
    PATHS ${SCIMIX_NVIDIA_ROOTS}
    PATH_SUFFIXES include)
  if(${prefix}_INCLUDE_DIR)
    cmake_path(GET ${prefix}_INCLUDE_DIR PARENT_PATH _beside)
  else()
    set(_beside "")
  endif()
  find_library(${prefix}_LIBRARY NAMES lib${name}.so ${name} ${ARGN}
    HINTS ${${prefix}_ROOT} $ENV{${prefix}_ROOT} ${_beside} ${CUDAToolkit_LIBRARY_DIR}
    PATHS ${SCIMIX_NVIDIA_ROOTS}
    PATH_SUFFIXES lib64 lib lib/x64)
  mark_as_advanced(${prefix}_INCLUDE_DIR ${prefix}_LIBRARY)
endmacro()
