# A room is a folder of sources. Its target is an OBJECT library, so that an operator which registers
# itself from a static object is linked in although nobody calls it.

# Sources of a folder, less those whose library this build lacks (NAME_cuda.cpp, NAME_mpi.cpp, ...).
function(scimix_room_sources result folder)
  file(GLOB sources CONFIGURE_DEPENDS "${folder}/*.cpp" "${folder}/*.hpp")
  if(NOT SCIMIX_WITH_CUDA)
    list(FILTER sources EXCLUDE REGEX "_(cuda|cudnn|cublas|nccl)\\.cpp$")
  endif()
  if(NOT SCIMIX_WITH_MPI)  # NCCL is set up through MPI
    list(FILTER sources EXCLUDE REGEX "_(mpi|nccl)\\.cpp$")
  endif()
  set(${result} "${sources}" PARENT_SCOPE)
endfunction()

# Compiles the headers that most sources include once for a target, and the headers named besides.
function(scimix_precompile target)
  if(SCIMIX_PRECOMPILE)
    set(headers algorithm array cmath cstddef cstdint cstring filesystem fstream functional limits map
        memory numeric optional span sstream string string_view utility vector ${ARGN})
    list(TRANSFORM headers REPLACE "(.+)" "$<$<COMPILE_LANGUAGE:CXX>:<\\1$<ANGLE-R>>")
    target_precompile_headers(${target} PRIVATE ${headers})
  endif()
endfunction()

# Precompiles the headers for a room. Rooms with equal `flags` reuse the headers of the first such room. `flags` must
# list every compiler option that changes a precompiled header.
function(scimix_precompile_room target flags)
  get_property(owner GLOBAL PROPERTY "SCIMIX_PRECOMPILED_${flags}")
  if(NOT owner)
    scimix_precompile(${target})
    set_property(GLOBAL PROPERTY "SCIMIX_PRECOMPILED_${flags}" ${target})
  elseif(SCIMIX_PRECOMPILE)
    target_precompile_headers(${target} REUSE_FROM ${owner})
  endif()
endfunction()

# Sets the optimisation of a target in a release build, or nothing for the default. A target asks for a lower level
# if its own loops take little of a program's time. With sanitizers, such a target is compiled with -O0, because
# optimising it would take longer than running it, and every other target with -O1.
function(scimix_optimize target level)
  if(level AND SCIMIX_SANITIZE)
    target_compile_options(${target} PRIVATE -O0)
  elseif(level)
    target_compile_options(${target} PRIVATE $<$<CONFIG:Release>:${level}>)
  endif()
endfunction()

# Creates the target scimix_NAME from the sources of the folder NAME. While the folder has none, the
# target is an empty interface, so that the rest still configures.
#   USES          the rooms to its left that it may include (and all that those use)
#   LINKS         outside libraries, for this room's own sources
#   PUBLIC_LINKS  outside libraries that appear in its headers
#   DEFINES       macros, seen by every room that uses it
#   PRIVATE_DEFINES  macros, for this room's own sources
#   SUBFOLDERS    folders inside it whose sources belong to it too
#   SOURCES       instead of what lies in the folder
#   OPTIMIZE      optimisation of a release build, where the default -O3 costs build time only
#   ROOM          the room whose objects these are, if it is not NAME: a room may have several targets
#   PROGRAMS_ONLY the objects are for programs, not for the library and the Python module
#   NO_UNITY      each source is compiled alone, also with CMAKE_UNITY_BUILD: because the sources give the same
#                 name to different things, or because their own code takes longer to compile than headers do
function(scimix_room name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "PROGRAMS_ONLY;NO_UNITY" "OPTIMIZE;ROOM"
                        "USES;LINKS;PUBLIC_LINKS;DEFINES;PRIVATE_DEFINES;SUBFOLDERS;SOURCES")
  set(target scimix_${name})
  set(sources "${arg_SOURCES}")
  if(NOT DEFINED arg_SOURCES AND NOT "SOURCES" IN_LIST arg_KEYWORDS_MISSING_VALUES)
    foreach(folder IN ITEMS "" LISTS arg_SUBFOLDERS)
      scimix_room_sources(found "${PROJECT_SOURCE_DIR}/${name}/${folder}")
      list(APPEND sources ${found})
    endforeach()
  endif()
  list(TRANSFORM arg_USES PREPEND scimix_ OUTPUT_VARIABLE uses)

  set(compiled "${sources}")
  list(FILTER compiled INCLUDE REGEX "\\.(cpp|cu)$")
  if(compiled)
    add_library(${target} OBJECT ${sources})
    if(NOT arg_PROGRAMS_ONLY)
      set_target_properties(${target} PROPERTIES POSITION_INDEPENDENT_CODE ON)
      target_compile_options(${target} PRIVATE ${SCIMIX_POSITION_INDEPENDENT_FLAGS})
    endif()
    target_link_libraries(${target} PRIVATE ${arg_LINKS})
    target_compile_definitions(${target} PRIVATE ${arg_PRIVATE_DEFINES})
    # The options in which rooms differ: position independence, OpenMP and, with sanitizers, the level of
    # optimisation (scimix_optimize).
    string(REGEX MATCH "OpenMP" openmp "${arg_LINKS}")
    string(REGEX MATCH "-O" optimized "${arg_OPTIMIZE}")
    scimix_precompile_room(${target} "${arg_PROGRAMS_ONLY} ${openmp} ${optimized}")
    scimix_optimize(${target} "${arg_OPTIMIZE}")
    if(arg_NO_UNITY)
      set_target_properties(${target} PROPERTIES UNITY_BUILD OFF)
    endif()
    set(scope PUBLIC)
  else()
    add_library(${target} INTERFACE)
    set(scope INTERFACE)
  endif()
  target_link_libraries(${target} ${scope} scimix_flags ${uses} ${arg_PUBLIC_LINKS})
  target_compile_definitions(${target} ${scope} ${arg_DEFINES})
  set(room ${name})
  if(arg_ROOM)
    set(room ${arg_ROOM})
  endif()
  set_property(GLOBAL APPEND PROPERTY SCIMIX_TARGETS_${room} ${target})
  scimix_declare_arrows(${room} ${arg_USES})
endfunction()

# Links a program with a room and all that the room may use, and with no other. Every target is named,
# since the objects of an OBJECT library reach only those that link it directly.
function(scimix_link_room target room)
  get_property(used GLOBAL PROPERTY SCIMIX_ARROWS_${room})
  foreach(name IN LISTS used)
    get_property(targets GLOBAL PROPERTY SCIMIX_TARGETS_${name})
    target_link_libraries(${target} PRIVATE ${targets})
  endforeach()
endfunction()

# Remembers which rooms NAME may include: itself, those named, and all that those may include.
function(scimix_declare_arrows name)
  set(allowed ${name} ${ARGN})
  foreach(used IN LISTS ARGN)
    get_property(more GLOBAL PROPERTY SCIMIX_ARROWS_${used})
    list(APPEND allowed ${more})
  endforeach()
  list(REMOVE_DUPLICATES allowed)
  set_property(GLOBAL PROPERTY SCIMIX_ARROWS_${name} "${allowed}")
endfunction()

# Checks the #includes of the named folders against the arrows, as a part of every build.
function(scimix_check_rooms)
  set(table "")
  set(files "")
  foreach(room IN LISTS ARGN)
    get_property(allowed GLOBAL PROPERTY SCIMIX_ARROWS_${room})
    list(JOIN allowed " " allowed)
    string(APPEND table "${room} ${allowed}\n")
    file(GLOB_RECURSE found CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/${room}/*.[ch]pp"
         "${PROJECT_SOURCE_DIR}/${room}/*.cu" "${PROJECT_SOURCE_DIR}/${room}/*.cuh")
    list(APPEND files ${found})
  endforeach()
  file(CONFIGURE OUTPUT "${PROJECT_BINARY_DIR}/rooms.txt" CONTENT "${table}" @ONLY)
  # The sources are named in a dependency file, not in DEPENDS: with DEPENDS, `ninja FILE^`, which compiles
  # FILE alone, would only make this check.
  list(TRANSFORM files REPLACE " " "\\\\ ")
  list(JOIN files " \\\n  " files)
  string(REPLACE " " "\\ " checked "${PROJECT_BINARY_DIR}/rooms.checked")
  file(CONFIGURE OUTPUT "${PROJECT_BINARY_DIR}/rooms.sources" @ONLY
       CONTENT "${checked}: \\\n  ${files}\n")
  add_custom_command(
    OUTPUT "${PROJECT_BINARY_DIR}/rooms.checked"
    COMMAND "${CMAKE_COMMAND}" "-DROOT=${PROJECT_SOURCE_DIR}"
            "-DTABLE=${PROJECT_BINARY_DIR}/rooms.txt"
            -P "${PROJECT_SOURCE_DIR}/cmake/CheckRooms.cmake"
    COMMAND "${CMAKE_COMMAND}" -E copy "${PROJECT_BINARY_DIR}/rooms.sources" "${PROJECT_BINARY_DIR}/rooms.d"
    COMMAND "${CMAKE_COMMAND}" -E touch "${PROJECT_BINARY_DIR}/rooms.checked"
    DEPENDS "${PROJECT_BINARY_DIR}/rooms.txt" "${PROJECT_BINARY_DIR}/rooms.sources"
            "${PROJECT_SOURCE_DIR}/cmake/CheckRooms.cmake"
    DEPFILE "${PROJECT_BINARY_DIR}/rooms.d"
    COMMENT "Checking that each folder includes only what stands to its left"
    VERBATIM)
  add_custom_target(scimix_rooms ALL DEPENDS "${PROJECT_BINARY_DIR}/rooms.checked")
endfunction()

# A folder of programs: each scimix_NAME.cpp in it or in a folder below it is one, and what they share
# (the other .cpp files) is the room NAME, which the tests see too. The arguments are those of scimix_room.
function(scimix_program_room name)
  scimix_room_sources(sources "${CMAKE_CURRENT_SOURCE_DIR}")
  scimix_room_sources(below "${CMAKE_CURRENT_SOURCE_DIR}/*")
  list(APPEND sources ${below})
  set(programs ${sources})
  list(FILTER programs INCLUDE REGEX "/scimix_[a-z_]+\\.cpp$")
  list(REMOVE_ITEM sources ${programs})
  scimix_room(${name} PROGRAMS_ONLY SOURCES ${sources} ${ARGN} LINKS CLI11::CLI11 nlohmann_json::nlohmann_json
              OPTIMIZE -O1)
  foreach(program IN LISTS programs)
    cmake_path(GET program STEM program_name)
    set(target ${program_name})
    if(TARGET ${target})  # the room bench and the program scimix_bench
      set(target ${program_name}_program)
    endif()
    add_executable(${target} ${program})
    set_target_properties(${target} PROPERTIES OUTPUT_NAME ${program_name}
                          INSTALL_RPATH_USE_LINK_PATH ON)
    scimix_link_room(${target} ${name})
    target_link_libraries(${target} PRIVATE CLI11::CLI11 nlohmann_json::nlohmann_json)
    scimix_optimize(${target} -O1)
    set_property(GLOBAL APPEND PROPERTY SCIMIX_PROGRAMS ${target})
  endforeach()
endfunction()
