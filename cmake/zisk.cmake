# SPDX-License-Identifier: Apache-2.0 OR MIT
# Shared build rules: warnings, per-tier SIMD flags, one helper for libraries and one for tests.

set(CMAKE_C_STANDARD 17)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS ON) # gnu17: __int128, typeof, statement expressions
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)

option(ZISK_VERIFY "Compile the internal VERIFY checks in" OFF)
option(ZISK_WERROR "Treat warnings as errors, as CI does" OFF)
option(ZISK_FUZZ "Build the libFuzzer programs (clang)" OFF)

find_package(Threads REQUIRED)

add_compile_options(-Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes
                    -Wvla -Werror=implicit-function-declaration
                    -Werror=unused-result -Werror=incompatible-pointer-types
                    -fno-strict-aliasing -fno-common
                    -fmacro-prefix-map=${CMAKE_SOURCE_DIR}/=) # trails name src/..., on any machine
add_compile_definitions(_GNU_SOURCE) # Linux: affinity, huge pages, O_TMPFILE and the like
if(ZISK_VERIFY)
  add_compile_definitions(ZK_VERIFY_BUILD=1)
endif()

# Time limits are those of a release build; sanitizers take a multiple.
if(CMAKE_BUILD_TYPE STREQUAL "Debug" AND CMAKE_C_FLAGS_DEBUG MATCHES "-fsanitize")
  set(ZISK_SANITIZED ON)
  set(ZISK_TIMEOUT_FACTOR 10)
else()
  set(ZISK_SANITIZED OFF)
  set(ZISK_TIMEOUT_FACTOR 1)
endif()

if(ZISK_WERROR)
  # gcc guesses at these: what TRY guards it cannot always see, nor how long a string is when
  # sanitizers are in its way.
  add_compile_options(-Werror -Wno-error=maybe-uninitialized)
  if(ZISK_SANITIZED)
    add_compile_options(-Wno-error=format-truncation)
  endif()
endif()

# The tier is in the file name and nowhere else: x_avx2.c and x_avx512.c get their flags here,
# every other file is compiled for plain x86-64.
set(ZISK_AVX2_FLAGS -mavx2 -mbmi2 -madx)
set(ZISK_AVX512_FLAGS -mavx512f -mavx512dq -mavx512bw -mavx512vl -mavx512ifma -mavx2 -mbmi2 -madx)

# zisk_library(name SOURCES a.c b_avx2.c ... DEPENDS base field ...)
function(zisk_library name)
  cmake_parse_arguments(L "" "" "SOURCES;DEPENDS" ${ARGN})
  add_library(zisk_${name} STATIC ${L_SOURCES})
  target_include_directories(zisk_${name} PUBLIC ${CMAKE_SOURCE_DIR}/src ${CMAKE_SOURCE_DIR}/include)
  foreach(dep ${L_DEPENDS})
    target_link_libraries(zisk_${name} PUBLIC zisk_${dep})
  endforeach()
  foreach(source ${L_SOURCES})
    if(source MATCHES "_avx2\\.c$")
      set_source_files_properties(${source} PROPERTIES COMPILE_OPTIONS "${ZISK_AVX2_FLAGS}")
    elseif(source MATCHES "_avx512\\.c$")
      set_source_files_properties(${source} PROPERTIES COMPILE_OPTIONS "${ZISK_AVX512_FLAGS}")
    endif()
  endforeach()
endfunction()

# zisk_test(name SOURCES ... LIBS base field ... [LABEL quick|long] [TIMEOUT s] [ARGS ...])
# One cmocka program under CTest. The label decides the tier: scripts/test runs "quick".
function(zisk_test name)
  cmake_parse_arguments(T "" "LABEL;TIMEOUT" "SOURCES;LIBS;ARGS" ${ARGN})
  if(NOT T_LABEL)
    set(T_LABEL quick)
  endif()
  if(NOT T_TIMEOUT)
    set(T_TIMEOUT 120)
  endif()
  math(EXPR T_TIMEOUT "${T_TIMEOUT} * ${ZISK_TIMEOUT_FACTOR}")
  add_executable(${name} ${T_SOURCES})
  foreach(lib ${T_LIBS})
    target_link_libraries(${name} PRIVATE zisk_${lib})
  endforeach()
  target_include_directories(${name} PRIVATE ${CMAKE_SOURCE_DIR}/tests ${CMAKE_SOURCE_DIR}/src ${CMAKE_SOURCE_DIR}/include)
  target_link_libraries(${name} PRIVATE cmocka Threads::Threads m)
  add_test(NAME ${name} COMMAND ${name} ${T_ARGS})
  set_tests_properties(${name} PROPERTIES LABELS ${T_LABEL} TIMEOUT ${T_TIMEOUT})
endfunction()

if(ZISK_FUZZ)
  add_custom_target(fuzzers)
endif()

# zisk_fuzz(name SOURCES ... LIBS ...)
# A fuzzer `fuzz_NAME`: the sources define LLVMFuzzerTestOneInput. Under the preset fuzz it is a
# libFuzzer program. Under every other preset it is a regression test, which runs it over each file
# of tests/fuzz/corpus/fuzz_NAME: inputs worth keeping, and every input that ever crashed it.
function(zisk_fuzz name)
  cmake_parse_arguments(F "" "" "SOURCES;LIBS" ${ARGN})
  set(corpus ${CMAKE_SOURCE_DIR}/tests/fuzz/corpus/fuzz_${name})
  if(ZISK_FUZZ)
    add_executable(fuzz_${name} ${F_SOURCES})
    target_link_options(fuzz_${name} PRIVATE -fsanitize=fuzzer)
    add_dependencies(fuzzers fuzz_${name})
  else()
    add_executable(fuzz_${name} ${F_SOURCES} ${CMAKE_SOURCE_DIR}/tests/fuzz/replay.c)
    add_test(NAME fuzz_${name} COMMAND fuzz_${name} ${corpus})
    math(EXPR timeout "120 * ${ZISK_TIMEOUT_FACTOR}")
    set_tests_properties(fuzz_${name} PROPERTIES LABELS quick TIMEOUT ${timeout})
  endif()
  foreach(lib ${F_LIBS})
    target_link_libraries(fuzz_${name} PRIVATE zisk_${lib})
  endforeach()
  target_include_directories(fuzz_${name} PRIVATE ${CMAKE_SOURCE_DIR}/tests)
endfunction()
