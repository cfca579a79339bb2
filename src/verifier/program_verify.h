// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// Verification of proof files of RISC-V programs against the digest of a key and public outputs.
#include "chips/zisk_machine.h"
#include "verifier/bundle.h"

// The one hash of keys and proofs of programs.
#define ZISK_PROOF_HASH HASH_POSEIDON

// What the key binds of a program beside its preprocessed rows: memory map and entry, on which the
// boundary's constants depend.
digest zisk_program_digest(vm_abi abi, uint64_t entry, const hash_ops *hash);

// The key of a program with the machine it is about, from parts that somebody gave.
typedef struct program_key {
    zisk_machine *z;
    proof_key key;
    vm_abi abi;
    uint64_t entry;
} program_key;

// The parts as words: hash, memory map, entry, number of slots, preprocessed class, root (4),
// heights of the preprocessed slots one a word.
enum { PROGRAM_KEY_FIXED_WORDS = 9, PROGRAM_KEY_MAX_WORDS = 9 + MACHINE_MAX_SLOTS };
// Returns how many were written.
size_t program_key_write(uint64_t words[PROGRAM_KEY_MAX_WORDS], const proof_key *key, vm_abi abi,
                         uint64_t entry);
// Hostile words. ZK_EPROOF with the reason when they are malformed or their digest is not
// `expected`; ZK_ENOMEM. *out is then empty.
MUST_CHECK status program_key_open(program_key *out, const uint64_t *words, size_t n,
                                   digest expected);
void program_key_close(program_key *k); // also of an empty one

// What is claimed of a run of the program: the statement of its job, in words of the verifier.
// Points into itself and to the key: it stays where it is and does not outlive the key.
typedef struct program_statement {
    job_statement job;
    bus_tuple boundary[ZISK_BOUNDARY_TUPLES];
    fe publics[VM_PUBLICS];
} program_statement;
void program_statement_init(program_statement *out, const program_key *key,
                            const uint32_t publics[VM_PUBLICS]);

// Checks a proof file of n_words words against the key digest and, when not NULL, the publics. The
// machine is rebuilt from the memory map that the file names; map, entry, heights and root of the
// program are bound by the digest, which is the caller's. ZK_EPROOF with the reason, ZK_ENOMEM.
// publics_out, when not NULL, receives the outputs that the proof is about (meaningful with ZK_OK).
MUST_CHECK status zisk_verify(uint32_t publics_out[VM_PUBLICS], const uint64_t *words,
                              size_t n_words, digest key, const uint32_t *publics);
