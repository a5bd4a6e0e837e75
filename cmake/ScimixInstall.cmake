# The library scimix::scimix, and what `cmake --install` copies. docs/installing.md lists it.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

# One shared library of all rooms that compute and train. It is shared because operators and kernels register
# themselves from static objects, which a linker drops from a static library if nobody calls them.
add_library(scimix SHARED)
add_library(scimix::scimix ALIAS scimix)
scimix_link_room(scimix trainers)
target_link_libraries(scimix PRIVATE ZLIB::ZLIB PNG::PNG JPEG::JPEG OpenMP::OpenMP_CXX Threads::Threads)
target_include_directories(scimix INTERFACE
  "$<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}>" "$<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}/scimix>")
target_compile_features(scimix INTERFACE cxx_std_20)
set_target_properties(scimix PROPERTIES
  LINKER_LANGUAGE CXX
  VERSION ${PROJECT_VERSION}
  SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR}
  LIBRARY_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/lib"
  INSTALL_RPATH_USE_LINK_PATH ON)
if(NOT SCIMIX_INSTALL)
  set_target_properties(scimix PROPERTIES EXCLUDE_FROM_ALL ON)
  return()
endif()

get_property(programs GLOBAL PROPERTY SCIMIX_PROGRAMS)
install(TARGETS scimix EXPORT scimix LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}" COMPONENT library)
install(TARGETS ${programs} RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}" COMPONENT programs)
foreach(room IN ITEMS core kernels autograd models data losses settings report trainers)
  install(DIRECTORY "${PROJECT_SOURCE_DIR}/${room}"
          DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}/scimix" COMPONENT library
          FILES_MATCHING PATTERN "*.hpp")
endforeach()
install(DIRECTORY "${PROJECT_SOURCE_DIR}/configs" DESTINATION "${CMAKE_INSTALL_DATADIR}/scimix"
        COMPONENT programs)

set(package "${CMAKE_INSTALL_LIBDIR}/cmake/scimix")
install(EXPORT scimix NAMESPACE scimix:: DESTINATION "${package}" FILE scimix-targets.cmake COMPONENT library)
file(CONFIGURE OUTPUT "${PROJECT_BINARY_DIR}/scimix-config.cmake" @ONLY CONTENT [[
# scimix::scimix: the library of SciMix, with its headers.
include("${CMAKE_CURRENT_LIST_DIR}/scimix-targets.cmake")
]])
write_basic_package_version_file("${PROJECT_BINARY_DIR}/scimix-config-version.cmake"
                                 COMPATIBILITY SameMinorVersion)
install(FILES "${PROJECT_BINARY_DIR}/scimix-config.cmake" "${PROJECT_BINARY_DIR}/scimix-config-version.cmake"
        DESTINATION "${package}" COMPONENT library)

# Man pages and completions are written by the programs themselves, from the options that they have.
set(documents "")
foreach(target IN LISTS programs)
  get_target_property(name ${target} OUTPUT_NAME)
  set(folder "${PROJECT_BINARY_DIR}/documents")
  set(made "${folder}/${name}.1" "${folder}/${name}.bash" "${folder}/_${name}")
  add_custom_command(
    OUTPUT ${made}
    COMMAND "${CMAKE_COMMAND}" -E make_directory "${folder}"
    COMMAND ${target} --man-page > "${folder}/${name}.1"
    COMMAND ${target} --completion bash > "${folder}/${name}.bash"
    COMMAND ${target} --completion zsh > "${folder}/_${name}"
    DEPENDS ${target}
    COMMENT "Writing the man page and the completions of ${name}"
    VERBATIM)
  list(APPEND documents ${made})
  install(FILES "${folder}/${name}.1" DESTINATION "${CMAKE_INSTALL_MANDIR}/man1" COMPONENT programs)
  install(FILES "${folder}/${name}.bash" RENAME "${name}"
          DESTINATION "${CMAKE_INSTALL_DATADIR}/bash-completion/completions" COMPONENT programs)
  install(FILES "${folder}/_${name}" DESTINATION "${CMAKE_INSTALL_DATADIR}/zsh/site-functions"
          COMPONENT programs)
endforeach()
add_custom_target(scimix_documents ALL DEPENDS ${documents})
