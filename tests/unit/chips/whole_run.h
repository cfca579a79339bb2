// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// The bus of a whole run without a prover: all rows of all chips, boundary and lookup tables, put
// together from a replay, judged by the checkers of air/check.h. Everything is open to alteration
// between building and judging: that is what the forgeries do.
#include "chip_tester.h"
#include "vm/vm_machine.h"
#include "vm/vm_replay.h"

typedef struct row_list {
    any_row *rows;
    size_t n, capacity;
} row_list;

typedef struct boundary_list {
    boundary_word *words;
    size_t n;
} boundary_list;

typedef struct whole_run {
    vm_program program;
    vm_input input;
    zisk_machine *z;
    program_rows fixed;
    row_list chips[EXECUTION_CHIP_COUNT];
    boundary_list boundary[BOUNDARY_CHIP_COUNT]; // IMAGE, OUTPUT, ZERO, INPUT
    uint32_t publics[VM_PUBLICS];
    uint64_t entry;
    uint64_t steps;
} whole_run;

// What refuses a run.
typedef enum verdict {
    VERDICT_OK,
    VERDICT_CONSTRAINT,
    VERDICT_LOOKUP, // a tuple that no table has
    VERDICT_BUS,
} verdict;

// Runs the ELF file with one record of input. Fails the test when it does not halt with success, or
// when pass 1 counts other rows than replay has (execution_rows).
void whole_run_open(whole_run *r, const void *elf, size_t n, const void *input, size_t n_input);
void whole_run_close(whole_run *r);

// The rows of the run are kept; alterations are made on a copy.
void whole_run_copy(whole_run *out, const whole_run *r);
void whole_run_drop(whole_run *copy);

// Fills all tables and judges. With VERDICT_BUS *first is the first unbalanced tuple; else *what
// names chip and object. Either may be NULL.
verdict whole_run_judge(bus_tuple *first, const char **what, const whole_run *r);

// Sets the previous keys along the chain of all boundary words.
void whole_run_link(whole_run *r);

void whole_run_append(whole_run *r, execution_chip which, const any_row *row);
void whole_run_remove(whole_run *r, execution_chip which, size_t index);
// The boundary word of a key, and which list it is in; fails the test when there is none.
boundary_word *whole_run_word(whole_run *r, uint64_t key);
