// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// Runs guests for tests: the machine with every chunk kept, and the oracle that replays all chunks
// in order and checks each access against a plain model of registers and memory.
#include "guest_builder.h"
#include "vm/events.h"
#include "vm/vm_machine.h"
#include "vm/vm_replay.h"

typedef struct kept_run {
    vm_program program;
    vm_input input;
    vm_machine *machine;
    vm_chunk *chunks; // deep copies
    uint64_t n_chunks;
    char printed[4096];
    size_t n_printed;
} kept_run;

// What else is done with the ELF file of a guest that halted with code 0; NULL: nothing. A program
// that links more than this file sets it before main.
extern void (*run_guest_also)(const void *elf, size_t n, const vm_options *options,
                              const kept_run *k);

// Loads and runs; returns the status of the run. Loading must succeed. max_steps and chunk_log as
// in vm_options.
status run_elf(kept_run *k, const void *elf, size_t n, vm_options options);
status run_guest(kept_run *k, const guest *g, vm_options options);
void kept_run_clear(kept_run *k);

// 8 bytes of the guest's memory at `address` after the run.
uint64_t memory_word(const kept_run *k, uint64_t address);

// The guest's data segment after the run.
void final_data(uint8_t out[GUEST_DATA_BYTES], const kept_run *k, const guest *g);

// The oracle. Fails the test when an access shows another value or time than the last access left,
// when a timestamp does not grow, when rows do not chain (pc, ts), when row counts differ from
// those of pass 1, or when the end differs from pass 1's final registers, fetch counts and memory.
void check_replay(const kept_run *k);

// Digest of all rows of one chunk: each word of each row, in order.
uint64_t chunk_digest(vm_replay *r, const vm_chunk *c);
