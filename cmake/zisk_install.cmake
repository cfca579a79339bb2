# SPDX-License-Identifier: Apache-2.0 OR MIT
# What `cmake --install` puts where, and the Debian package (`cpack` in the build folder). Components:
# programs (what a server needs), development (the verifier as a library).
include(GNUInstallDirs)

set(ZISK_PROGRAMS zisk)
foreach(program zisk-coordinator zisk-worker)
  if(TARGET ${program})
    list(APPEND ZISK_PROGRAMS ${program})
  endif()
endforeach()
# Everything that is installed with the programs, and nothing else: what an image builds.
add_custom_target(zisk_programs DEPENDS ${ZISK_PROGRAMS} zisk_manual)

install(TARGETS ${ZISK_PROGRAMS} RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT programs)

# The guest SDK stays together; zisk-guest-cc finds it through its link.
install(DIRECTORY guest/bin guest/include guest/link guest/src
        DESTINATION ${CMAKE_INSTALL_LIBDIR}/zisk/guest COMPONENT programs USE_SOURCE_PERMISSIONS
        PATTERN "*.py" EXCLUDE)
file(RELATIVE_PATH sdk /${CMAKE_INSTALL_BINDIR}
     /${CMAKE_INSTALL_LIBDIR}/zisk/guest/bin/zisk-guest-cc)
file(MAKE_DIRECTORY ${CMAKE_BINARY_DIR}/install)
file(CREATE_LINK ${sdk} ${CMAKE_BINARY_DIR}/install/zisk-guest-cc SYMBOLIC)
install(FILES ${CMAKE_BINARY_DIR}/install/zisk-guest-cc DESTINATION ${CMAKE_INSTALL_BINDIR}
        COMPONENT programs)

# Manual pages and completion come from the tables of settings.
set(manual ${CMAKE_BINARY_DIR}/manual)
file(MAKE_DIRECTORY ${manual})
add_custom_command(OUTPUT ${manual}/zisk.bash
                   COMMAND config_doc --write ${manual}
                   COMMAND ${CMAKE_SOURCE_DIR}/scripts/zisk-manual $<TARGET_FILE:zisk>
                           > ${manual}/zisk.1
                   COMMAND ${CMAKE_SOURCE_DIR}/scripts/zisk-manual
                           ${CMAKE_SOURCE_DIR}/guest/bin/zisk-guest-cc > ${manual}/zisk-guest-cc.1
                   COMMAND ${CMAKE_SOURCE_DIR}/scripts/zisk-completion $<TARGET_FILE:zisk>
                           ${CMAKE_SOURCE_DIR}/guest/bin/zisk-guest-cc >> ${manual}/zisk.bash
                   DEPENDS config_doc zisk scripts/zisk-manual scripts/zisk-completion
                           guest/bin/zisk-guest-cc
                   COMMENT "Manual pages and completion")
add_custom_target(zisk_manual ALL DEPENDS ${manual}/zisk.bash)
install(DIRECTORY ${manual}/ DESTINATION ${CMAKE_INSTALL_MANDIR}/man1 COMPONENT programs
        FILES_MATCHING PATTERN "*.1")
foreach(program zisk zisk-guest-cc zisk-coordinator zisk-worker)
  install(FILES ${manual}/zisk.bash RENAME ${program} COMPONENT programs
          DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions)
endforeach()
install(FILES LICENSE LICENSE-APACHE LICENSE-MIT README.md SOUNDNESS.md
        DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT programs)
install(DIRECTORY doc/ DESTINATION ${CMAKE_INSTALL_DOCDIR}/doc COMPONENT programs)
install(FILES guest/README.md DESTINATION ${CMAKE_INSTALL_DOCDIR}/guest COMPONENT programs)
if(EXISTS ${CMAKE_SOURCE_DIR}/distributed/monitoring)
  install(DIRECTORY distributed/monitoring DESTINATION ${CMAKE_INSTALL_DATADIR}/zisk
          COMPONENT programs)
endif()

# The verifier for other programs: one header, static libraries, a pkg-config file.
set(verifier_layers verifier chips vm air whir sumcheck transcript merkle hash ntt field base)
set(ZISK_VERIFIER_LIBS "")
foreach(layer ${verifier_layers})
  install(TARGETS zisk_${layer} ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}/zisk
          COMPONENT development)
  string(APPEND ZISK_VERIFIER_LIBS " -lzisk_${layer}")
endforeach()
install(FILES include/zisk/verifier.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/zisk
        COMPONENT development)
configure_file(cmake/zisk-verifier.pc.in ${CMAKE_BINARY_DIR}/install/zisk-verifier.pc @ONLY)
install(FILES ${CMAKE_BINARY_DIR}/install/zisk-verifier.pc
        DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig COMPONENT development)

# Units, settings and the user belong to a system, not to a folder: in the package alone.
option(ZISK_SYSTEM_FILES "Install systemd units and /etc/zisk, as the Debian package does" OFF)
if(ZISK_SYSTEM_FILES)
  install(FILES distributed/systemd/zisk-coordinator.service distributed/systemd/zisk-worker.service
          DESTINATION /lib/systemd/system COMPONENT programs)
  install(FILES distributed/debian/coordinator.toml distributed/debian/worker.toml
          DESTINATION /etc/zisk COMPONENT programs)
  install(FILES distributed/debian/zisk-worker DESTINATION /etc/default COMPONENT programs)
  install(FILES distributed/debian/copyright DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT programs)
endif()

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME zisk)
set(CPACK_PACKAGE_VENDOR "zisk-c")
set(CPACK_PACKAGE_CONTACT "zisk-c developers <zisk-c@localhost>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "Distributed prover for 64-bit RISC-V programs")
set(CPACK_PACKAGE_DESCRIPTION
    "Coordinator, workers and command line of a zkVM: proofs that a program,
 on some input, gave its public outputs. Proofs are sound, not
 zero-knowledge.")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_COMPONENTS_ALL programs)
set(CPACK_COMPONENTS_GROUPING ALL_COMPONENTS_IN_ONE)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_SECTION science)
set(CPACK_DEBIAN_PACKAGE_DEPENDS "adduser")
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS
    "gcc-riscv64-unknown-elf, picolibc-riscv64-unknown-elf, bash-completion")
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA
    "${CMAKE_SOURCE_DIR}/distributed/debian/postinst;${CMAKE_SOURCE_DIR}/distributed/debian/prerm;${CMAKE_SOURCE_DIR}/distributed/debian/postrm;${CMAKE_SOURCE_DIR}/distributed/debian/conffiles")
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
include(CPack)
