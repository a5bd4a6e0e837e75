# Decides whether this build carries the CUDA backend, says so in one line, and sets
#   SCIMIX_WITH_CUDA   1 or 0
#   SCIMIX_CUDART      the CUDA runtime, to link
#   SCIMIX_CUBLAS      cuBLAS, to link
#   SCIMIX_EMULATED    1 where an emulated GPU (emulated/) answers in place of CUDA's libraries
if(NOT SCIMIX_CUDA MATCHES "^(AUTO|ON|OFF|EMULATED)$")
  message(FATAL_ERROR "SCIMIX_CUDA is '${SCIMIX_CUDA}', expected AUTO, ON, OFF or EMULATED")
endif()

set(SCIMIX_WITH_CUDA 0)
set(SCIMIX_EMULATED 0)

# An nvcc on the PATH or at a usual place, new enough for C++20, with a host compiler that it takes.
# Leaves CUDA enabled, or `problem` saying what is wrong.
macro(_scimix_enable_nvcc problem)
  set(${problem} "")
  if(CMAKE_CUDA_COMPILER)
    set(_nvcc "${CMAKE_CUDA_COMPILER}")
  elseif(DEFINED ENV{CUDACXX})
    set(_nvcc "$ENV{CUDACXX}")
  else()
    find_program(SCIMIX_NVCC nvcc
      HINTS ${CUDAToolkit_ROOT} $ENV{CUDAToolkit_ROOT} $ENV{CUDA_HOME} $ENV{CUDA_PATH}
      PATHS /usr/local/cuda /opt/cuda
      PATH_SUFFIXES bin)
    mark_as_advanced(SCIMIX_NVCC)
    set(_nvcc "${SCIMIX_NVCC}")
  endif()
  if(NOT _nvcc)
    set(${problem} "nvcc (NVIDIA's CUDA toolkit, 12.4 or newer)")
  else()
    execute_process(COMMAND "${_nvcc}" --version OUTPUT_VARIABLE _nvcc_says ERROR_QUIET)
    string(REGEX MATCH "V([0-9]+\\.[0-9]+\\.[0-9]+)" _nvcc_version "${_nvcc_says}")
    if(NOT CMAKE_MATCH_1)
      set(${problem} "a working nvcc (${_nvcc} does not run)")
    elseif(CMAKE_MATCH_1 VERSION_LESS 12.4)
      set(${problem} "nvcc 12.4 or newer (${_nvcc} is version ${CMAKE_MATCH_1})")
    else()
      set(ENV{CUDACXX} "${_nvcc}")
      set(CMAKE_CUDA_ARCHITECTURES "${SCIMIX_CUDA_ARCHITECTURES}")
      include(CheckLanguage)
      check_language(CUDA)
      if(CMAKE_CUDA_COMPILER)
        enable_language(CUDA)
        # CMake 3.24 and 3.25 do not know that nvcc has C++20.
        if(NOT CMAKE_CUDA20_STANDARD_COMPILE_OPTION)
          set(CMAKE_CUDA20_STANDARD_COMPILE_OPTION "-std=c++20")
          set(CMAKE_CUDA20_EXTENSION_COMPILE_OPTION "-std=c++20")
        endif()
      else()
        unset(CMAKE_CUDA_COMPILER CACHE)  # asked again once the machine has been mended
        set(${problem} "an nvcc that compiles (for ${_nvcc} see CMakeFiles/CMakeError.log)")
      endif()
    endif()
  endif()
endmacro()

# cuBLAS of the toolkit, or of a Python environment.
macro(_scimix_find_cublas)
  if(TARGET CUDA::cublas)
    set(SCIMIX_CUBLAS CUDA::cublas)
  else()
    include(ImportedLibrary)
    include(NvidiaPythonPackages)
    scimix_find_nvidia_library(CUBLAS cublas_v2.h cublas libcublas.so.13 libcublas.so.12)
    if(CUBLAS_INCLUDE_DIR AND CUBLAS_LIBRARY)
      set(CUBLAS_FOUND TRUE)
      scimix_import_library(CUBLAS)
      set(SCIMIX_CUBLAS CUBLAS::CUBLAS)
    endif()
  endif()
endmacro()

# The emulated GPU needs the headers of CUDA's libraries, and Boost.Context for its threads.
macro(_scimix_find_emulated_headers)
  include(NvidiaPythonPackages)
  find_path(SCIMIX_CUDA_INCLUDE cuda_runtime.h
    HINTS ${CUDAToolkit_ROOT} $ENV{CUDAToolkit_ROOT} $ENV{CUDA_HOME}
    PATHS /usr/local/cuda /opt/cuda ${SCIMIX_NVIDIA_ROOTS} PATH_SUFFIXES include)
  find_path(SCIMIX_CUBLAS_INCLUDE cublas_v2.h HINTS ${SCIMIX_CUDA_INCLUDE})
  find_path(SCIMIX_CUPTI_INCLUDE cupti.h
    HINTS ${SCIMIX_CUDA_INCLUDE} ${SCIMIX_CUDA_INCLUDE}/../extras/CUPTI/include)
  find_path(CUDNN_INCLUDE_DIR cudnn_version.h
    HINTS ${CUDNN_ROOT} ${SCIMIX_CUDA_INCLUDE} PATHS ${SCIMIX_NVIDIA_ROOTS} PATH_SUFFIXES include)
  find_path(NCCL_INCLUDE_DIR nccl.h
    HINTS ${NCCL_ROOT} ${SCIMIX_CUDA_INCLUDE} PATHS ${SCIMIX_NVIDIA_ROOTS} PATH_SUFFIXES include)
  find_package(CudnnFrontend QUIET)
  find_package(Boost QUIET COMPONENTS context)
  mark_as_advanced(SCIMIX_CUDA_INCLUDE SCIMIX_CUBLAS_INCLUDE SCIMIX_CUPTI_INCLUDE
                   CUDNN_INCLUDE_DIR NCCL_INCLUDE_DIR)
  foreach(_need IN ITEMS SCIMIX_CUDA_INCLUDE:cuda_runtime.h SCIMIX_CUBLAS_INCLUDE:cublas_v2.h
          SCIMIX_CUPTI_INCLUDE:cupti.h CUDNN_INCLUDE_DIR:cudnn.h NCCL_INCLUDE_DIR:nccl.h
          CUDNN_FRONTEND_INCLUDE_DIR:cudnn_frontend.h Boost_CONTEXT_LIBRARY:Boost.Context)
    string(REPLACE ":" ";" _need "${_need}")
    list(GET _need 0 _variable)
    if(NOT ${_variable} AND NOT (_variable STREQUAL "Boost_CONTEXT_LIBRARY" AND TARGET Boost::context))
      list(GET _need 1 _what)
      list(APPEND _cuda_missing ${_what})
    endif()
  endforeach()
endmacro()

# Adds WHAT to the list of missing things if the variable FOUND is not true.
macro(_scimix_need_for_cuda FOUND WHAT)
  if(NOT ${FOUND})
    list(APPEND _cuda_missing "${WHAT}")
  endif()
endmacro()

set(_cuda_missing "")
if(SCIMIX_CUDA STREQUAL "OFF")
  message(STATUS "SciMix: CUDA: off (SCIMIX_CUDA=OFF)")
elseif(SCIMIX_SANITIZE AND SCIMIX_CUDA STREQUAL "AUTO")
  message(STATUS "SciMix: CUDA: off (a build with sanitizers is for the CPU)")
elseif(SCIMIX_CUDA STREQUAL "EMULATED")
  _scimix_find_emulated_headers()
  if(_cuda_missing)
    list(JOIN _cuda_missing ", " _cuda_missing)
    message(FATAL_ERROR "SciMix: SCIMIX_CUDA=EMULATED, but not found: ${_cuda_missing}. "
      "`scripts/setup.sh --dev --cuda` says how to get each.")
  endif()
  set(SCIMIX_WITH_CUDA 1)
  set(SCIMIX_EMULATED 1)
  set(SCIMIX_CUDART scimix_emulated)
  set(SCIMIX_CUBLAS scimix_emulated)
  foreach(_library IN ITEMS NCCL::NCCL CUDNN::CUDNN)
    add_library(${_library} INTERFACE IMPORTED)
    target_link_libraries(${_library} INTERFACE scimix_emulated)
  endforeach()
  message(STATUS "SciMix: CUDA: emulated (headers in ${SCIMIX_CUDA_INCLUDE})")
else()
  _scimix_enable_nvcc(_nvcc_problem)
  if(_nvcc_problem)
    list(APPEND _cuda_missing "${_nvcc_problem}")
  else()
    find_package(CUDAToolkit QUIET)
    find_package(CUDNN 9 QUIET)
    find_package(NCCL QUIET)
    find_package(CudnnFrontend QUIET)
    _scimix_find_cublas()
    if(TARGET CUDA::cudart_static)
      set(SCIMIX_CUDART CUDA::cudart_static)
    elseif(TARGET CUDA::cudart)
      set(SCIMIX_CUDART CUDA::cudart)
    else()
      list(APPEND _cuda_missing "the CUDA runtime (cudart)")
    endif()
    _scimix_need_for_cuda(SCIMIX_CUBLAS "cuBLAS")
    _scimix_need_for_cuda(CUDNN_FOUND "cuDNN 9 (or set CUDNN_ROOT)")
    _scimix_need_for_cuda(NCCL_FOUND "NCCL (or set NCCL_ROOT)")
    _scimix_need_for_cuda(CudnnFrontend_FOUND "cudnn-frontend (scripts/setup.sh fetches it)")
  endif()

  list(JOIN _cuda_missing ", " _cuda_missing)
  if(NOT _cuda_missing)
    set(SCIMIX_WITH_CUDA 1)
    message(STATUS "SciMix: CUDA: on (nvcc ${CMAKE_CUDA_COMPILER_VERSION}, cuDNN ${CUDNN_VERSION}, "
      "NCCL ${NCCL_VERSION}, cudnn-frontend ${CudnnFrontend_VERSION}, "
      "for architecture ${SCIMIX_CUDA_ARCHITECTURES})")
  elseif(SCIMIX_CUDA STREQUAL "ON")
    message(FATAL_ERROR "SciMix: SCIMIX_CUDA=ON, but not found: ${_cuda_missing}. "
      "`scripts/setup.sh --cuda` says how to get each; -DSCIMIX_CUDA=OFF builds for the CPU.")
  else()
    message(STATUS "SciMix: CUDA: off (not found: ${_cuda_missing})")
  endif()
endif()
