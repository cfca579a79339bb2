// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// Internal to vm/: the state of pass 1, shared by vm_machine.c (life cycle, chunks), vm_run.c (the
// interpreter) and vm_account.c (what the block counters mean).
#include "vm/vm_machine.h"
#include "vm/cells.h"

// A straight run of instructions beginning at one slot and ending with the first instruction that
// may go elsewhere. The interpreter counts entries; everything that is counted per instruction is
// derived from them at the end of a chunk.
typedef struct vm_block {
    uint64_t last_ts; // of the last entry in this chunk
    uint32_t count;   // entries in this chunk
    uint32_t length;  // steps, 1 for a slot that fails
} vm_block;

_Static_assert(sizeof(vm_block) == sizeof(insn), "vm_run.c walks both arrays with one offset");
_Static_assert(VM_MAX_CHUNK_LOG < 32, "entries and steps of a block fit in 32 bits");
_Static_assert(VM_MAX_STEPS < 1ULL << (VM_TS_BITS - 3),
               "ordinary steps never use up the timestamps");

struct vm_machine {
    const vm_program *program;
    vm_options options;
    uint64_t chunk_steps;
    vm_memory memory;

    uint64_t x[VM_REGISTERS];
    uint64_t x_ts[VM_REGISTERS]; // at the start of the chunk

    vm_block *blocks;  // [n_slots]
    uint32_t *entered; // slots of the blocks with count > 0
    uint64_t n_entered;
    // The last block of a chunk may be cut: its first partial_steps steps were executed.
    uint64_t partial_slot;
    uint64_t partial_steps;
    uint64_t partial_ts;

    uint64_t ts;   // now (between chunks) and where the chunk started
    uint64_t slot; // of the next instruction
    uint64_t chunk_index;
    uint64_t steps; // complete chunks
    bool halted;
    uint64_t exit_code;
    uint64_t failed_slot;
    uint64_t failed_steps;
    uint64_t link_ts; // of the last write of x1 by an ecall

    vm_rows rows;      // all chunks
    uint64_t *fetches; // [n_slots]
    vm_chunk chunk;    // the one under way: state at its start, what is counted as it happens

    word_list hint_params;
    word_list hint_results;
    uint64_t next_free; // in hint_results
    word_list free_log; // consumed in this chunk

    uint8_t print_buffer[4096];
    uint64_t print_n;
};

// Executes exactly n_steps steps, or fewer when the program halts (m->halted). On failure the slot
// and the steps done are in failed_slot and failed_steps.
MUST_CHECK status run_chunk(vm_machine *m, uint64_t n_steps);

// Fills block lengths.
void account_open(vm_machine *m);
// Turns the block counters of the finished chunk into row counts, fetch counts and timestamps of
// registers (x_ts), and resets them.
void account_chunk(vm_rows *rows, vm_machine *m);

void machine_print(vm_machine *m, uint8_t byte);
