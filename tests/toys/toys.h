// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// A small machine that uses every feature of the proof core, with functions that fill its tables.
//
// Slots, in order (the chips are described where they are declared, toy_chips.c):
//   FIB, FIB_2      Fibonacci numbers through STATE tuples; one chip in two slots
//   MEMORY          offline memory checking, RANGE lookups for old ts < ts
//   EDGE            initial and final values of memory, ADDR chain
//   RANGE8          table of 8-bit values: closed-form value, committed multiplicity
//   SBOX            permutation chip, degree 8, rounds handed on by LINK tuples
//   NIBBLE          add with carry and multiplication of 4-bit words, two selectors
//   RANGE4          table of 4-bit values in 2^6 rows
//   LOGIC, BITOPS   bitwise operations of 4-bit words and their closed-form table
//   LOOKUP, SQUARES lookups in a table of preprocessed columns
//
// A *job* is any number of instances; chains (Fibonacci, memory, S-box) run through all of them in
// order, tables of closed form are local to an instance, SQUARES counts for the whole job in the
// first instance that has it. Together with the job's boundary tuples the bus is balanced.
#include "air/machine.h"

typedef enum toy_slot {
    TOY_FIB,
    TOY_FIB_2,
    TOY_MEMORY,
    TOY_EDGE,
    TOY_RANGE8,
    TOY_SBOX,
    TOY_NIBBLE,
    TOY_RANGE4,
    TOY_LOGIC,
    TOY_BITOPS,
    TOY_LOOKUP,
    TOY_SQUARES,
    TOY_SLOT_COUNT
} toy_slot;

enum { TOY_LOG_SQUARES = 7 }; // height of the preprocessed columns, fixed by the key
enum { TOY_NO_HEIGHT = 0 };

typedef struct toy_machine {
    chip *chips[TOY_SLOT_COUNT]; // FIB_2 is FIB
    machine m;
    fe *squares; // preprocessed columns of SQUARES: [2][2^TOY_LOG_SQUARES]
} toy_machine;

MUST_CHECK status toy_machine_new(toy_machine **out);
void toy_machine_free(toy_machine *t);

// Heights of the slots of one instance (0: absent) and how full the tables are, in 1/64 of the
// rows (1..64; at least one row is real).
typedef struct toy_shape {
    uint8_t log_heights[TOY_SLOT_COUNT];
    unsigned fill;
} toy_shape;

typedef struct toy_instance {
    uint8_t log_heights[TOY_SLOT_COUNT];
    // [n_committed][2^log_height], column by column; NULL when absent. 64-byte aligned.
    fe *cells[TOY_SLOT_COUNT];
} toy_instance;

enum { TOY_MAX_BOUNDARY = 16 };

typedef struct toy_job {
    const toy_machine *t;
    size_t n_instances;
    toy_instance *instances;
    size_t n_boundary;
    bus_tuple boundary[TOY_MAX_BOUNDARY];
} toy_job;

// Every shape that has users of a table of closed form must have the table, with its fixed height;
// MEMORY anywhere needs EDGE somewhere, LOOKUP needs SQUARES (ZK_EINVAL otherwise). Heights 2^6 to
// 2^20. The cells are a pure function of shapes and seed.
MUST_CHECK status toy_job_new(toy_job **out, const toy_machine *t, const toy_shape *shapes,
                              size_t n_instances, uint64_t seed);
void toy_job_free(toy_job *job);

// All slots present, `log_height` for the free ones.
toy_shape toy_shape_all(unsigned log_height);

// Copies the committed cells of an instance to their places in the stack, and zero elsewhere.
void toy_stack(fe *stack, const toy_instance *instance, const machine *m,
               const machine_layout *layout);

// The chip of the benchmark table: 20 columns, 18 interactions (9 tuples, each sent and received by
// the same row), 20 constraints of degree 3. rows: [20][2^log_height].
MUST_CHECK status toy_bench_chip(chip **out, const char *name);
void toy_bench_fill(fe *rows, unsigned log_height, uint64_t seed);
