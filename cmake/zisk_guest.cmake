# SPDX-License-Identifier: Apache-2.0 OR MIT
# Builds guest programs with guest/bin/zisk-guest-cc, when the RISC-V compiler is installed.

find_program(ZISK_GUEST_GCC riscv64-unknown-elf-gcc)
if(NOT ZISK_GUEST_GCC)
  message(STATUS "No riscv64-unknown-elf-gcc: guest programs and their tests are left out")
endif()

set(ZISK_GUEST_DIR ${CMAKE_BINARY_DIR}/guests)
file(GLOB ZISK_GUEST_SDK CONFIGURE_DEPENDS
     ${CMAKE_SOURCE_DIR}/guest/src/* ${CMAKE_SOURCE_DIR}/guest/include/*
     ${CMAKE_SOURCE_DIR}/guest/link/* ${CMAKE_SOURCE_DIR}/guest/bin/*)

# zisk_guest(name SOURCES a.c ... [FLAGS --map=b -O3 ...])
# Builds ${ZISK_GUEST_DIR}/name.elf and defines the target guest_name.
function(zisk_guest name)
  cmake_parse_arguments(G "" "" "SOURCES;FLAGS" ${ARGN})
  if(NOT ZISK_GUEST_GCC)
    return()
  endif()
  list(TRANSFORM G_SOURCES PREPEND ${CMAKE_CURRENT_SOURCE_DIR}/ REGEX "^[^/]")
  set(elf ${ZISK_GUEST_DIR}/${name}.elf)
  add_custom_command(
    OUTPUT ${elf}
    COMMAND ${CMAKE_COMMAND} -E make_directory ${ZISK_GUEST_DIR}
    COMMAND ${CMAKE_SOURCE_DIR}/guest/bin/zisk-guest-cc -Wall -Wextra ${G_FLAGS} ${G_SOURCES}
            -o ${elf}
    DEPENDS ${G_SOURCES} ${ZISK_GUEST_SDK}
    COMMENT "Guest ${name}.elf"
    VERBATIM)
  add_custom_target(guest_${name} ALL DEPENDS ${elf})
endfunction()

# zisk_guest_native(name SOURCES a.c ...): the same program for this machine, as bin/native_name.
function(zisk_guest_native name)
  cmake_parse_arguments(G "" "" "SOURCES" ${ARGN})
  add_executable(native_${name} ${G_SOURCES})
  target_link_libraries(native_${name} PRIVATE zisk_guest_native)
endfunction()
