// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// The machine at words of a few bits: shapes, what its instructions do, and whether a chip built
// for such a shape does just that.
//
// What an instruction does is written down once, for words of n bits (small_value), and a test
// holds it against semantics.h at n = 64. So the small machine is the large one, but for its size.
//
// A small_step is the input of a row: what it receives and fetches. Its effect, the tuples that the
// row must send and the addresses it must ask for, follows from the step alone. small_check hands
// the input to the solver as pins and wants, of every row that the chip accepts,
//   - that its tuples are those of the effect: no second output;
//   - that there is one, if the chip is to prove this step: the honest row; else none.
#include "chips/chips.h"
#include "row_solver.h"
#include "unit/test.h"
#include "vm/insn.h"

// Words of 4 bits: a part is one bit, and one byte. One word of memory, which is RAM.
extern const word_shape shape_4;
// Words of 8 bits, for chips that want two bytes a part: bytes of one bit. Addresses of 4 bits:
// word 0 is no RAM, word 8 is.
extern const word_shape shape_8;

static inline unsigned word_bits(const word_shape *w)
{
    return 4 * w->part_bits;
}

// The result (or condition, or new memory operand) of an operation on words of n bits; the second
// function is semantics.h, at 64 bits. Both for operations that have a function in isa.def.
bool has_value(vm_op op);
uint64_t small_value(vm_op op, uint64_t a, uint64_t b, unsigned n);
uint64_t full_value(vm_op op, uint64_t a, uint64_t b);

// The bytes that a load or store moves, and whether a load extends by sign.
unsigned access_bytes(vm_op op);
bool is_signed_load(vm_op op);

typedef struct small_step {
    vm_op op;
    bool compressed;
    fe pc, ts, rd, rs1, rs2; // elements of F: no chip may look at more than their sums
    fe target;               // branches and jal; csr: the address of the word
    uint64_t a, b;           // words: rs1 and rs2; a7 and a0
    uint64_t imm;            // word; shifts: the amount; csr?i: the source
    uint64_t word[2];        // of memory, the second one after the first
    uint64_t rd_old;
    uint64_t distance[5]; // how long before its slot an access was the last one, minus 1; words of
                          // memory: slot + k
} small_step;

typedef struct small_chip {
    const word_shape *shape;
    execution_chip which;
    chip *c;
    row_solver *solver;
    test_rng rng;
    // Pins, by interaction: number of the first one, and what the fields are to be.
    uint32_t first_pin[CHIP_MAX_INTERACTIONS];
    unsigned slot[CHIP_MAX_INTERACTIONS]; // of MEM tuples: index into accesses, slot + k
    fe expected[CHIP_MAX_INTERACTIONS][FETCH_FIELDS];
    // Of the row that is checked.
    uint64_t n_right;
    bool seen[256]; // words that a free row gave
    bool wrong;
    char why[200];
    uint64_t n_steps;
} small_chip;

void small_open(small_chip *t, execution_chip which, const word_shape *shape, uint64_t seed);
void small_close(small_chip *t);

// Whether the chip is to prove the step.
bool small_proves(const small_chip *t, const small_step *s);
// Fills what a test leaves to chance: fields that pass through, distances.
void small_passing(small_chip *t, small_step *s);

// True when the accepted rows of the step are right. Else `why` says what is wrong.
bool small_check(small_chip *t, const small_step *s);

// Sets the pins to the step, without a search: for searches of one's own.
void small_pin(small_chip *t, const small_step *s);

// ---- Which steps there are ---------------------------------------------------------------------

fetch_class class_of_op(vm_op op);
fetch_class class_of_chip(execution_chip which);
bool is_memory(execution_chip which); // loads and stores
// Operations of the chip's class. mark and the hints have the fetch row of addi x0, x0, 0.
bool is_op_of(execution_chip which, vm_op op);

// How many values each part of the input takes, from 0 on; 1: one, or what small_passing makes it.
typedef struct small_inputs {
    uint64_t a, b, imm, word, pc, target, compressed;
} small_inputs;

// All inputs of an operation that is no load or store. pcs and targets: all limbs, or by chance.
small_inputs small_inputs_of(vm_op op, const word_shape *w, bool all_pcs);
// Input number i; false when there are no more.
bool small_input(small_step *s, small_chip *t, vm_op op, const small_inputs *n, uint64_t i);

// Fails the test for the step, with t->why.
void small_fail(const small_chip *t, const small_step *s);

// That fields which small_passing makes are in no constraint and no lookup, and digits of time in
// their range checks alone. Branches may compute with pc and target.
void small_check_passing(const small_chip *t);

// Only what was before now can be seen: distances below 2^(2 time) and none else.
bool small_time_is_right(small_chip *t);
