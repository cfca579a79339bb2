// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// Verification of proof files of RISC-V programs against the digest of a key and public outputs.
#include "chips/zisk_machine.h"
#include "verifier/bundle.h"

// What the key binds of a program beside its preprocessed rows: memory map and entry, on which the
// boundary's constants depend.
digest zisk_program_digest(vm_abi abi, uint64_t entry, const hash_ops *hash);

// Checks a proof file of n_words words against the key digest and, when not NULL, the publics. The
// machine is rebuilt from the memory map that the file names; map, entry, heights and root of the
// program are bound by the digest, which is the caller's. ZK_EPROOF with the reason, ZK_ENOMEM.
// publics_out, when not NULL, receives the outputs that the proof is about (meaningful with ZK_OK).
MUST_CHECK status zisk_verify(uint32_t publics_out[VM_PUBLICS], const uint64_t *words,
                              size_t n_words, digest key, const uint32_t *publics);
