// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// The compiled program of a chip, between the compiler (program_factor.c, program_compile.c) and
// the evaluators (program_kernels.inc, program_point.c).
//
// The program computes sum_j coefs[j] C_j with common factors taken out:
//     sum over groups of f_g * sum_{j in g} coefs[j] Q_j,   C_j = f_g Q_j (f = 1 for one group).
// Most constraints of a chip are multiples of its real flag or of a selector, so this saves nearly
// one multiplication a constraint.
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
    AIR_SQR,           // dst = a^2
    AIR_SQR_SUB,       // dst = a^2 - a
    AIR_MUL_ADD,       // dst = a b + c
    AIR_MUL_SUB,       // dst = a b - c
    AIR_SUB_MUL,       // dst = c - a b
    AIR_ADD_CONST,     // dst = a + value
    AIR_CONST_SUB,     // dst = value - a
    AIR_MUL_CONST,     // dst = value a
    AIR_MUL_CONST_ADD, // dst = value a + c
    AIR_MUL_CONST_SUB, // dst = value a - c
    AIR_DOT, // acc += f sum_{i = a}^{a + b - 1} coefs[order[i]] roots[i], b <= AIR_DOT_MAX,
             // f = operand c, or 1 when c is AIR_NO_OPERAND
} air_op;

#define AIR_NO_OPERAND UINT32_MAX

enum { AIR_DOT_MAX = 16 };

typedef struct air_instruction {
    air_op op;
    uint32_t dst, a, b, c;
    fe value;
} air_instruction;

typedef struct air_program {
    uint32_t n_instructions, n_registers;
    const air_instruction *instructions;
    const uint32_t *roots; // [n_constraints] operands, in the order of the program
    const uint32_t *order; // [n_constraints] number of the constraint there
} air_program;

// In the builder's arena; NULL (and b failed) when memory is out.
const air_program *program_compile(struct chip_builder *b, const chip *c);

// ---- Between the two halves of the compiler
// -------------------------------------------------------

// The DAG with quotients added, and which constraint is which factor times which quotient. All
// arrays are on the heap, freed by factored_clear.
typedef struct factored {
    expr_node *nodes; // those of the chip, then products that form quotients
    uint32_t n_nodes;
    uint32_t *order;  // [n_constraints] constraints without factor first, then group by group
    uint32_t *root;   // [n_constraints] in that order: node of the quotient
    uint32_t *factor; // [n_constraints] in that order: node of the factor or AIR_NO_OPERAND
} factored;

// false when memory is out; *out can be cleared in any case.
bool program_factor(factored *out, const chip *c);
void factored_clear(factored *f);
