# NCCL::NCCL. Looks into the toolkit, the system, Python's site-packages and NCCL_ROOT.
include(FindPackageHandleStandardArgs)
include(ImportedLibrary)
include(NvidiaPythonPackages)
scimix_find_nvidia_library(NCCL nccl.h nccl libnccl.so.2)

if(NCCL_INCLUDE_DIR)
  file(STRINGS "${NCCL_INCLUDE_DIR}/nccl.h" _lines REGEX "#define NCCL_(MAJOR|MINOR|PATCH) +[0-9]")
  string(REGEX REPLACE ".*MAJOR +([0-9]+).*MINOR +([0-9]+).*PATCH +([0-9]+).*" "\\1.\\2.\\3"
         NCCL_VERSION "${_lines}")
endif()
find_package_handle_standard_args(NCCL REQUIRED_VARS NCCL_LIBRARY NCCL_INCLUDE_DIR
                                  VERSION_VAR NCCL_VERSION)
scimix_import_library(NCCL)
