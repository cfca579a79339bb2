// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// The compiled program of a chip, between the compiler (program_compile.c) and the evaluators
// (program_kernels.inc, program_point.c).
//
// An operand below n_columns is a column, from n_columns on a register. Each register is written
// before it is read; an instruction may write a register that it reads (element by element,
// operands are read before the result is written).
#include "air/chip.h"

struct chip_builder;

typedef enum air_op {
    AIR_ADD,           // dst = a + b
    AIR_SUB,           // dst = a - b
    AIR_MUL,           // dst = a b
    AIR_MUL_ADD,       // dst = a b + c
    AIR_MUL_SUB,       // dst = a b - c
    AIR_SUB_MUL,       // dst = c - a b
    AIR_ADD_CONST,     // dst = a + value
    AIR_CONST_SUB,     // dst = value - a
    AIR_MUL_CONST,     // dst = value a
    AIR_MUL_CONST_ADD, // dst = value a + c
    AIR_MUL_CONST_SUB, // dst = value a - c
    AIR_DOT,           // acc += sum_{j = a}^{a + b - 1} coefs[j] roots[j], b <= AIR_DOT_MAX
} air_op;

enum { AIR_DOT_MAX = 16 };

typedef struct air_instruction {
    air_op op;
    uint32_t dst, a, b, c;
    fe value;
} air_instruction;

typedef struct air_program {
    uint32_t n_instructions, n_registers;
    const air_instruction *instructions;
    const uint32_t *roots; // operand of each constraint
} air_program;

// In the builder's arena; NULL (and b failed) when memory is out.
const air_program *program_compile(struct chip_builder *b, const chip *c);
