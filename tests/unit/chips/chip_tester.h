// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// Attacks on single rows of the chips of the execution.
//
// A tester holds all chips. A row is taken through three questions:
//  - complete: filled honestly, do all constraints hold and are all lookups in their tables, the
//    FETCH tuple the one that the key's program table has for the instruction;
//  - right: are the other tuples (STATE, MEM, HALT) those that an oracle makes of the row struct
//    and slots.h, without the chips;
//  - determined: is there a second row that constraints and lookups accept, with the same received
//    tuples and FETCH but other sent ones. Searched by altering columns and *repairing*: solving a
//    violated constraint for another column of it, again and again, as a dishonest prover would.
//
// Forgeries that a search does not find are written down: tester_accepts says whether chips take
// a row of cells.
#include "chips/zisk_machine.h"
#include "unit/test.h"

enum { TESTER_MAX_TUPLES = 32 };

// A row of any class.
typedef union any_row {
    row_head head;
    row_alu alu;
    row_upper upper;
    row_branch branch;
    row_jump jump;
    row_load load;
    row_store store;
    row_atomic atomic;
    row_csr csr;
    row_free free;
    row_system system;
} any_row;

typedef struct tester_tuples {
    bus_tuple t[TESTER_MAX_TUPLES]; // multiplicity 1: sent, p - 1: received
    unsigned n;
} tester_tuples;

typedef struct chip_tester {
    vm_program program; // map only
    zisk_machine *z;
    test_rng rng;
    uint64_t rows, mutants, repaired, equivalent; // what the tests did
    // For tests of the tester: a chip without one of its checks. Then a second row is no failure of
    // the test but noted in `broken`.
    bool weakened;
    uint32_t dropped_constraint, dropped_lookup; // UINT32_MAX: none
    bool broken;
} chip_tester;

void tester_open(chip_tester *t, uint64_t seed);
void tester_close(chip_tester *t);

// One row of cells, in the order of the chip's columns.
typedef struct tester_row {
    execution_chip which;
    row_head head;
    fe cells[CHIP_MAX_COLUMNS];
} tester_row;

// Fills a row honestly.
void tester_fill(tester_row *out, const chip_tester *t, execution_chip which, const void *row);

// Whether constraints and lookups accept the cells; why not in *why (may be NULL). *tuples: the
// row's STATE, MEM and HALT tuples.
bool tester_accepts(tester_tuples *tuples, const char **why, const chip_tester *t,
                    const tester_row *row);

// The tuples that the row stands for.
void tester_oracle(tester_tuples *out, execution_chip which, const void *row);
bool tester_same(const tester_tuples *a, const tester_tuples *b);

// All three questions, with `effort` random attacks beyond those on single columns. Fails the test.
void tester_check(chip_tester *t, execution_chip which, const void *row, unsigned effort);

// The forgery `row` (an honest row of `real` with other results): whether cells exist that the chip
// accepts and that stand for it, searched from the honest writer's cells for the forgery, with
// `effort` attempts. `cells`, when not NULL, is one more start.
bool tester_forge(chip_tester *t, execution_chip which, const any_row *row, const insn *real,
                  const tester_row *cells, unsigned effort);

// Honest rows in a table of 64 with padding, through check_constraints; padding sends nothing.
void tester_check_table(const chip_tester *t, execution_chip which, const tester_row *rows,
                        size_t n);

// The cell of the named column.
fe *tester_cell(const chip_tester *t, tester_row *row, const char *column);

// ---- Making rows
// ---------------------------------------------------------------------------------

typedef struct row_world {
    uint64_t x[VM_REGISTERS];
    uint64_t x_ts[VM_REGISTERS];
    uint64_t word[2];
    uint64_t word_ts[2]; // of the word that is accessed and the one after it
    uint64_t ts;
    uint32_t pc;
    uint64_t free_word;
} row_world;

// Edge values, random values, and values near `other`.
uint64_t tester_value(test_rng *rng, uint64_t other);

// A random world: registers and words edge values or random, old timestamps of all distances.
void tester_world(row_world *w, test_rng *rng);

// Operands of an instruction; what its format does not have is ignored.
typedef struct row_operands {
    unsigned rd, rs1, rs2;
    int32_t imm;
    bool compressed;
} row_operands;

// The instruction, decoded. *out lives as long as the rows made of it.
void tester_insn(insn *out, vm_op op, row_operands o);

// The row of one step; returns the chip that proves it.
execution_chip tester_step(any_row *out, row_world *w, const insn *i);
