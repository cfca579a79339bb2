// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// The cut of a run into instances: a pure function of program, input and class limit. Memory,
// threads and who proves what never enter it.
//
// A run that fits is one instance, if the proof of it stays below PLAN_PROOF_BYTES: the program's
// chips bring a second opening. Otherwise these chips (program, image, outputs) are the first
// instance, alone, and the execution is cut into contiguous stretches of batches, filled greedily:
// a stretch grows until the next batch would make the instance's columns or interactions overflow
// the stack. Zero and input words go into the first of them. Each instance takes the smallest class
// that holds it; what is left for the last one goes into two of 2^24 cells where it would leave
// more than half of 2^26 empty. Range checks of 20 bits are answered by their table or row by row
// (chips/range_split.h), whichever takes fewer cells.
#include "air/report.h"
#include "prover/instance.h"
#include "prover/run.h"

enum { PLAN_PROOF_BYTES = 500000 };

typedef struct plan_instance {
    instance_header header;
    bool boundary;                            // holds the program's chips; true for the first only
    uint64_t first_batch, end_batch;          // counted through all chunks
    uint64_t rows[EXECUTION_CHIP_COUNT];      // in these batches
    uint64_t first_row[EXECUTION_CHIP_COUNT]; // rows of the run before them
    size_t first_zero, n_zero;                // of run->zero
    size_t first_input, n_input;
    uint64_t weight; // committed cells: what proving it costs, for sharing work
} plan_instance;

typedef struct zisk_plan {
    plan_instance *instances;
    size_t n;
    uint64_t n_cells, n_area; // cells in use and area of all stacks
} zisk_plan;

// max_class: of the largest instances, WHIR_CLASS_20, 23 or 26. ZK_ELIMIT when the job has too many
// instances, ZK_ENOMEM.
MUST_CHECK status zisk_plan_new(zisk_plan **out, const zisk_run *run, uint32_t max_class);
void zisk_plan_free(zisk_plan *p); // NULL is allowed

// Binds all headers and ranges: two plans with the same digest cut alike. A convenience for
// comparing workers; soundness does not rest on it.
digest zisk_plan_digest(const zisk_plan *p, const hash_ops *hash);

// Adds what each slot of the machine has of the run: rows in use and with the padding, over all
// instances. A row of a table is in use, whether it is looked up or not.
void zisk_plan_rows(air_rows *sum, const zisk_plan *p, const zisk_run *run);

// All cells of an instance, from replay; `in` is new (zero) and has the plan's header. ZK_ENOMEM,
// ZK_ECANCELED, ZK_EINTERNAL when a row looks up what is in no table.
MUST_CHECK status zisk_instance_fill(instance *in, const zisk_run *run, const plan_instance *p,
                                     pool *threads, const cancel_flag *cancel);
