// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// A program made ready to prove: machine, preprocessed rows and key. Constant once opened; any
// number of jobs may share it.
#include "chips/zisk_machine.h"
#include "prover/prover_key.h"

typedef struct zisk_program {
    vm_program vm;
    zisk_machine *z;
    program_rows rows;
    prover_key key;
} zisk_program;

// Loads the ELF file and makes its key. What vm_program_load refuses, and what prover_key_new does;
// ZK_ELIMIT when the program has more instructions or data than its tables hold.
MUST_CHECK status zisk_program_open(zisk_program *out, const void *elf, size_t n, vm_abi abi,
                                    pool *threads, const cancel_flag *cancel);
// The same, with a folder that keeps what is dear to make from one process to the next: the
// commitment of the program's tables. key_cache.h says what is checked of it; a bad file costs
// time, nothing else. Not for keys that are handed to verifiers. NULL: no cache.
MUST_CHECK status zisk_program_open_cached(zisk_program *out, const void *elf, size_t n, vm_abi abi,
                                           const char *cache_folder, pool *threads,
                                           const cancel_flag *cancel);
void zisk_program_close(zisk_program *p);
