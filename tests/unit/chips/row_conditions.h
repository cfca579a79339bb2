// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// Single conditions of the row solver: what they say of their columns, given the values that are
// known.
#include "row_solver.h"

// form = constant + coef x, x the one column without value (0 when there is none).
typedef struct line {
    fe constant, coef;
    uint16_t column;
} line;

line line_of(const row_solver *s, const affine *form);
unsigned n_open_of(const row_solver *s, const affine *form); // columns without value
fe quotient(fe a, fe b);

// Of a constraint or a pin with one column left, the values that it allows.
enum { MAX_ROOTS = 8 };

typedef struct roots {
    bool all;      // the zero polynomial
    bool unsolved; // neither linear nor a product of linear ones
    unsigned n;
    fe root[MAX_ROOTS];
} roots;

roots roots_of(const row_solver *s, const condition *k);

// The constraint's value when all its columns have one.
fe constraint_value(const row_solver *s, const condition *k);

// Whether a condition holds whose columns all have values.
bool holds(const row_solver *s, const condition *k);

// A constraint that is zero whatever the columns without value are, as far as known zeros show it.
bool is_void(const row_solver *s, const condition *q);

// Row number i of the tables of a domain, as its fields; false when there are no more.
bool table_row(fe out[4], const row_solver *s, tuple_domain domain, unsigned bits, uint64_t i);
unsigned range_bits(const chip_interaction *it); // of a RANGE lookup
