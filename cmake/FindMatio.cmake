# Matio::Matio, with which tests write MATLAB files (SVHN).
include(FindPackageHandleStandardArgs)
include(ImportedLibrary)
find_path(Matio_INCLUDE_DIR matio.h)
find_library(Matio_LIBRARY NAMES matio)
mark_as_advanced(Matio_INCLUDE_DIR Matio_LIBRARY)

find_package_handle_standard_args(Matio REQUIRED_VARS Matio_LIBRARY Matio_INCLUDE_DIR)
scimix_import_library(Matio)
if(Matio_FOUND AND Matio_LIBRARY MATCHES "\\.a$")  # an archive does not say what it needs
  find_package(ZLIB QUIET REQUIRED)
  set_target_properties(Matio::Matio PROPERTIES INTERFACE_LINK_LIBRARIES ZLIB::ZLIB)
endif()
