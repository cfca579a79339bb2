// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// A run of a program as the prover needs it: the records of its chunks, how many rows each batch of
// steps gives to each chip, and the words of the boundary.
#include "prover/zisk_program.h"
#include "vm/vm_machine.h"
#include "vm/vm_replay.h"

// Instances are cut between batches of this many steps of a chunk (its last batch may be shorter).
enum { RUN_BATCH_STEPS = 4096 };
_Static_assert(RUN_BATCH_STEPS <= UINT16_MAX,
               "rows of a batch, at most one a step, fit in run_batch");
_Static_assert(RUN_BATCH_STEPS % VM_BATCH_STEPS == 0, "a batch of replay lies in one of the plan");

// Rows of one batch.
typedef struct run_batch {
    uint16_t rows[EXECUTION_CHIP_COUNT];
} run_batch;

typedef struct run_chunk {
    vm_chunk record; // arrays owned
    run_batch *batches;
    size_t n_batches;
} run_chunk;

typedef struct zisk_run {
    const zisk_program *program;
    run_chunk *chunks;
    size_t n_chunks, chunk_capacity;
    uint64_t steps;
    uint64_t row_count[EXECUTION_CHIP_COUNT];
    uint64_t *fetches;                            // by row of the program table
    boundary_word *image, *output, *zero, *input; // ascending key; the first two as in the key
    size_t n_image, n_output, n_zero, n_input;
    uint32_t publics[VM_PUBLICS];
} zisk_run;

typedef struct run_options {
    vm_options vm; // sink is the run's own
} run_options;

// Executes, replays all chunks once to count rows, and collects the boundary; vm.cancel ends any of
// it. ZK_EGUEST when the program fails, exits with a code other than 0, or uses what no chip proves
// (named, with its pc); otherwise what vm_machine_run and vm_replay_chunk return.
MUST_CHECK status zisk_run_new(zisk_run **out, const zisk_program *program, const vm_input *input,
                               const run_options *options, pool *threads);
void zisk_run_free(zisk_run *r); // NULL is allowed

// Calls row(arg, which chip, row struct) for the rows of batches [first, end) of a chunk, in step
// order within each chip.
typedef void (*run_row)(void *arg, execution_chip which, const void *row);
// The same for one batch of replay; calls of precompiles, which no chip proves, are passed over.
void run_batch_rows(const vm_batch *b, run_row row, void *arg);
MUST_CHECK status zisk_run_rows(const zisk_run *r, vm_replay *replay, size_t chunk,
                                size_t first_batch, size_t end_batch, run_row row, void *arg);
