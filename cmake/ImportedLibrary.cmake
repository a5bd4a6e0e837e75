# Creates PREFIX::PREFIX from PREFIX_LIBRARY and PREFIX_INCLUDE_DIR if a find module has found them.
macro(scimix_import_library prefix)
  if(${prefix}_FOUND AND NOT TARGET ${prefix}::${prefix})
    add_library(${prefix}::${prefix} UNKNOWN IMPORTED)
    set_target_properties(${prefix}::${prefix} PROPERTIES
      IMPORTED_LOCATION "${${prefix}_LIBRARY}"
      INTERFACE_INCLUDE_DIRECTORIES "${${prefix}_INCLUDE_DIR}")
  endif()
endmacro()
