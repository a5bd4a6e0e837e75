# toml++, whose headers are all that is needed: settings/toml_library.hpp includes them.
# Target: tomlplusplus_headers.
find_path(TomlPlusPlus_INCLUDE_DIR toml++/toml.h)
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(TomlPlusPlus REQUIRED_VARS TomlPlusPlus_INCLUDE_DIR)
mark_as_advanced(TomlPlusPlus_INCLUDE_DIR)
if(TomlPlusPlus_FOUND AND NOT TARGET tomlplusplus_headers)
  add_library(tomlplusplus_headers INTERFACE IMPORTED)
  target_include_directories(tomlplusplus_headers SYSTEM INTERFACE "${TomlPlusPlus_INCLUDE_DIR}")
  target_compile_definitions(tomlplusplus_headers INTERFACE TOML_HEADER_ONLY=1)
endif()
