// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// The chips of the machine: one specification each (declaration and row writer), and which row of a
// run goes to which chip. doc/chips.md explains them one by one.
//
// A chip of the execution proves the rows of one fetch class, or a part of them that the row's
// address selects (loads and stores). A family of chips is one file, parametrised by a context.
#include "chips/gadgets.h"
#include "vm/vm_chunk.h"

// CHIP(NAME, row type): chips of the execution, in the order of the machine.
#define EXECUTION_CHIPS(CHIP)                                                                      \
    CHIP(ADD, row_alu)                                                                             \
    CHIP(ADDI, row_alu)                                                                            \
    CHIP(ADDW, row_alu)                                                                            \
    CHIP(ADDIW, row_alu)                                                                           \
    CHIP(LT, row_alu)                                                                              \
    CHIP(LTI, row_alu)                                                                             \
    CHIP(BIT, row_alu)                                                                             \
    CHIP(BITI, row_alu)                                                                            \
    CHIP(SLL, row_alu)                                                                             \
    CHIP(SLLI, row_alu)                                                                            \
    CHIP(SR, row_alu)                                                                              \
    CHIP(SRI, row_alu)                                                                             \
    CHIP(SLLW, row_alu)                                                                            \
    CHIP(SLLIW, row_alu)                                                                           \
    CHIP(SRW, row_alu)                                                                             \
    CHIP(SRIW, row_alu)                                                                            \
    CHIP(MUL, row_alu)                                                                             \
    CHIP(MULH, row_alu)                                                                            \
    CHIP(MULW, row_alu)                                                                            \
    CHIP(DIV, row_alu)                                                                             \
    CHIP(DIVW, row_alu)                                                                            \
    CHIP(UPPER, row_upper)                                                                         \
    CHIP(BEQ, row_branch)                                                                          \
    CHIP(BLT, row_branch)                                                                          \
    CHIP(JAL, row_jump)                                                                            \
    CHIP(JALR, row_jump)                                                                           \
    CHIP(LOAD8, row_load)      /* ld, aligned */                                                   \
    CHIP(LOAD4, row_load)      /* lw lwu, aligned */                                               \
    CHIP(LOAD_SMALL, row_load) /* lb lbu, and lh lhu aligned */                                    \
    CHIP(LOAD_ODD, row_load)   /* misaligned within a word: lh lhu lw lwu */                       \
    CHIP(LOAD_CROSS, row_load) /* from two words, any width above 1 */                             \
    CHIP(STORE8, row_store)                                                                        \
    CHIP(STORE4, row_store)                                                                        \
    CHIP(STORE_SMALL, row_store)                                                                   \
    CHIP(STORE_ODD, row_store)                                                                     \
    CHIP(STORE_CROSS, row_store)                                                                   \
    CHIP(AMO, row_atomic)                                                                          \
    CHIP(AMO_BIT, row_atomic)                                                                      \
    CHIP(AMO_MINMAX, row_atomic)                                                                   \
    CHIP(CSR, row_csr)                                                                             \
    CHIP(CSRI, row_csr)                                                                            \
    CHIP(FREE, row_free)                                                                           \
    CHIP(ECALL, row_system) /* goes on; x1 := pc + 4 */                                            \
    CHIP(HALT, row_system)  /* a7 = 93, a0 = 0 */

typedef enum execution_chip {
#define CHIP(name, row) CHIP_##name,
    EXECUTION_CHIPS(CHIP)
#undef CHIP
        EXECUTION_CHIP_COUNT
} execution_chip;

typedef struct chip_spec {
    const char *name;
    // Declares what comes after step_begin, with the sizes of s->shape.
    void (*declare)(const step *s, const void *context);
    const void *context; // of both functions
    // Writes all committed columns of one row; `row` is of the chip's row type.
    void (*fill)(cursor *c, const void *row, const void *context);
} chip_spec;

// One a chip, defined in the family's file: chip_spec_ADD, ...
#define CHIP(name, row) extern const chip_spec chip_spec_##name;
EXECUTION_CHIPS(CHIP)
#undef CHIP

// All of them by number.
extern const chip_spec *const execution_specs[EXECUTION_CHIP_COUNT];

// Builds the chip for words of a shape; the machine's chips are those of word_shape_64. As
// chip_build.
MUST_CHECK status execution_chip_build(chip **out, const chip_spec *spec, const word_shape *shape);

// The chip that proves a row, from the instruction and, for loads and stores, the address.
execution_chip chip_of_alu(const row_alu *row);
execution_chip chip_of_branch(const row_branch *row);
execution_chip chip_of_jump(const row_jump *row);
execution_chip chip_of_load(const row_load *row);
execution_chip chip_of_store(const row_store *row);
execution_chip chip_of_atomic(const row_atomic *row);
execution_chip chip_of_csr(const row_csr *row);
execution_chip chip_of_system(const row_system *row);

// The rows that each chip has of a run, from the counts of pass 1 alone: what the functions above
// say of the rows of its replay. halted: the run came to its end. Calls of precompiles, which no
// chip proves, are passed over.
void execution_rows(uint64_t out[EXECUTION_CHIP_COUNT], const vm_rows *rows, bool halted);
