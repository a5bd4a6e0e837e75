# CUDNN::CUDNN, version 9. Looks into the toolkit, the system, Python's site-packages and CUDNN_ROOT.
include(FindPackageHandleStandardArgs)
include(ImportedLibrary)
include(NvidiaPythonPackages)
scimix_find_nvidia_library(CUDNN cudnn_version.h cudnn libcudnn.so.9)

if(CUDNN_INCLUDE_DIR)
  file(STRINGS "${CUDNN_INCLUDE_DIR}/cudnn_version.h" _lines
       REGEX "#define CUDNN_(MAJOR|MINOR|PATCHLEVEL) +[0-9]")
  string(REGEX REPLACE ".*MAJOR +([0-9]+).*MINOR +([0-9]+).*PATCHLEVEL +([0-9]+).*" "\\1.\\2.\\3"
         CUDNN_VERSION "${_lines}")
endif()
find_package_handle_standard_args(CUDNN REQUIRED_VARS CUDNN_LIBRARY CUDNN_INCLUDE_DIR
                                  VERSION_VAR CUDNN_VERSION)
scimix_import_library(CUDNN)
