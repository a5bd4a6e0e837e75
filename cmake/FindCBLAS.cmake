# CBLAS::CBLAS: OpenBLAS with its C interface, the matrix products of the CPU backend.
include(FindPackageHandleStandardArgs)
include(ImportedLibrary)
find_path(CBLAS_INCLUDE_DIR cblas.h PATH_SUFFIXES openblas-pthread openblas-openmp openblas)
find_library(CBLAS_LIBRARY NAMES openblas PATH_SUFFIXES openblas-pthread openblas-openmp)
mark_as_advanced(CBLAS_INCLUDE_DIR CBLAS_LIBRARY)

find_package_handle_standard_args(CBLAS REQUIRED_VARS CBLAS_LIBRARY CBLAS_INCLUDE_DIR)
scimix_import_library(CBLAS)
