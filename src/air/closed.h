// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// Closed-form columns: tables whose cells are a function of the row index with a short multilinear
// form. They are not committed: the prover fills them from the row function, the verifier evaluates
// the multilinear extension at a point itself.
//
// A *field* of the index is `bits` consecutive bits from bit `shift` on. With x_i the variable of
// index bit i:
//   BITS    the field                    sum_i 2^i x_{s+i}
//   AND     of two disjoint fields       sum_i 2^i a_i b_i
//   OR                                   sum_i 2^i (a_i + b_i - a_i b_i)
//   XOR                                  sum_i 2^i (a_i + b_i - 2 a_i b_i)
//   POW2    2^(field) in F               prod_i (1 + x_{s+i} (2^(2^i) - 1))
//   MSB     position of the field's highest one bit, 0 for the value 0
//                                        sum_i i x_i prod_{j>i} (1 - x_j)
//   TOP     2^MSB, 0 for the value 0     sum_i 2^i x_i prod_{j>i} (1 - x_j)
//   CONST   a constant
// MSB and TOP make one table of all ranges: row 2^b + v is (b, v) = (MSB, BITS - TOP).
// A chip with a closed-form column has a fixed height, and every field lies inside its index.
#include "field/fe.h"

typedef enum closed_kind {
    CLOSED_CONST,
    CLOSED_BITS,
    CLOSED_AND,
    CLOSED_OR,
    CLOSED_XOR,
    CLOSED_POW2,
    CLOSED_MSB,
    CLOSED_TOP,
    CLOSED_KIND_COUNT
} closed_kind;

typedef struct closed_form {
    closed_kind kind;
    uint8_t bits;    // length of the fields, 1..32; 0 for CONST
    uint8_t shift;   // of the (first) field
    uint8_t shift_b; // of the second field (AND, OR, XOR)
    fe value;        // CONST
} closed_form;

static inline closed_form closed_index(unsigned log_rows)
{
    return (closed_form){.kind = CLOSED_BITS, .bits = (uint8_t)log_rows};
}

static inline closed_form closed_unary(closed_kind kind, unsigned shift, unsigned bits)
{
    return (closed_form){.kind = kind, .bits = (uint8_t)bits, .shift = (uint8_t)shift};
}

static inline closed_form closed_binary(closed_kind kind, unsigned shift_a, unsigned shift_b,
                                        unsigned bits)
{
    return (closed_form){.kind = kind,
                         .bits = (uint8_t)bits,
                         .shift = (uint8_t)shift_a,
                         .shift_b = (uint8_t)shift_b};
}

static inline closed_form closed_constant(fe value)
{
    return (closed_form){.kind = CLOSED_CONST, .value = value};
}

const char *closed_kind_name(closed_kind kind);

// Whether the form fits an index of log_rows bits (fields inside, disjoint, lengths in range).
bool closed_is_valid(const closed_form *form, unsigned log_rows);

// The cell of a row.
fe closed_row(const closed_form *form, uint64_t row);

// out[i] := cell of row first + i, i < n.
void closed_fill(fe *out, const closed_form *form, uint64_t first, size_t n);

// The multilinear extension at point[0 .. log_rows - 1]. Circuit subset; control flow depends on
// the form only.
fe3 closed_at_point(const closed_form *form, const fe3 *point);
