# CUDNN_FRONTEND_INCLUDE_DIR: the header-only C++ face of cuDNN. scripts/setup.sh unpacks it into
# .deps/cudnn-frontend; CUDNN_FRONTEND_ROOT, the system and Python's site-packages are looked into too.
# No imported target: one source file alone gets to see these headers.
include(FindPackageHandleStandardArgs)
include(NvidiaPythonPackages)
find_path(CUDNN_FRONTEND_INCLUDE_DIR cudnn_frontend.h
  HINTS ${CUDNN_FRONTEND_ROOT} $ENV{CUDNN_FRONTEND_ROOT} "${PROJECT_SOURCE_DIR}/.deps/cudnn-frontend"
  PATHS ${SCIMIX_PYTHON_FOLDERS}
  PATH_SUFFIXES include)
mark_as_advanced(CUDNN_FRONTEND_INCLUDE_DIR)

if(CUDNN_FRONTEND_INCLUDE_DIR)
  file(STRINGS "${CUDNN_FRONTEND_INCLUDE_DIR}/cudnn_frontend_version.h" _lines
       REGEX "#define CUDNN_FRONTEND_(MAJOR|MINOR|PATCH)_VERSION +[0-9]")
  string(REGEX REPLACE ".*MAJOR_VERSION +([0-9]+).*MINOR_VERSION +([0-9]+).*PATCH_VERSION +([0-9]+).*"
         "\\1.\\2.\\3" CudnnFrontend_VERSION "${_lines}")
endif()
find_package_handle_standard_args(CudnnFrontend REQUIRED_VARS CUDNN_FRONTEND_INCLUDE_DIR
                                  VERSION_VAR CudnnFrontend_VERSION)
