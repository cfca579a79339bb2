// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// All rows of a chip: every assignment of its columns, over the whole field, that satisfies the
// conditions of a row.
//
// Conditions of a row whose real flag is 1:
//  - its constraints;
//  - its lookups: the tuple is a row of a table of the shape (RANGE, BYTE, POW2);
//  - its pins: fields of tuples that are given from outside. What the row receives and what it
//    fetches is the input of the row; a pin says `field = value`.
//
// The search is complete, and this is why. A node of the search has values for some columns; every
// row that agrees with them is in one of its children, because a child is made in one of these ways
// only:
//  1. a constraint or pin with one column left is a polynomial in that column. Of degree 1, it has
//     one root; as a product of such (x (x - 1)), one for each factor, since F has no zero
//     divisors. A child for each root;
//  2. a lookup each of whose fields has one column left at most: a child for each row of the table;
//  3. no such condition is left. Then the columns without value must be hints: in no field that is
//     not pinned, in no lookup, and all that is left about them is a linear system. If it has a
//     solution (Gauss), the rows here differ in hints alone, and the row is reported once.
// A column that is in no such field and has but one condition that is not void (zero whatever the
// columns without value are) has some value in every row here, and which one does not matter to
// anything: it is left without, and the row is reported once too.
// A node where none of these works is *stuck*: a column that neither a range, nor an equation
// decides. The caller fails on it; nothing is skipped.
//
// A weakened chip lacks one condition. There a stuck node goes on with a few values of its own for
// the column: what it finds are rows all the same, only not all of them.
#include "air/chip.h"
#include "chips/word_shape.h"

enum {
    SOLVER_MAX_CONDITIONS = 320,
    SOLVER_MAX_COLUMNS = 96,
    SOLVER_MAX_NODES = 1024,
    SOLVER_MAX_SUPPORT = 64,
};

typedef enum condition_kind {
    CONDITION_CONSTRAINT,
    CONDITION_LOOKUP,
    CONDITION_PIN
} condition_kind;

typedef struct condition {
    condition_kind kind;
    uint32_t index;    // of the constraint; of the interaction (lookups)
    const affine *pin; // = value
    fe value;
    uint16_t n_columns, n_nodes;
    uint16_t columns[SOLVER_MAX_SUPPORT]; // increasing
    uint32_t *nodes;                      // of a constraint, operands first
    bool active;
    uint16_t n_open;         // columns without value
    struct roots *own_roots; // of a constraint on one column: found once and for all
} condition;

typedef struct row_solver {
    const chip *c;
    const word_shape *shape;
    condition conditions[SOLVER_MAX_CONDITIONS];
    uint32_t n_conditions;
    uint16_t *uses[SOLVER_MAX_COLUMNS]; // conditions of a column
    uint16_t n_uses[SOLVER_MAX_COLUMNS];
    bool is_output[SOLVER_MAX_COLUMNS]; // in a field that is not pinned, of no lookup
    bool weakened;
    bool fixed[SOLVER_MAX_COLUMNS]; // columns that the caller knows the value of, in `given`
    fe given[SOLVER_MAX_COLUMNS];

    // The search.
    fe values[SOLVER_MAX_COLUMNS];
    bool known[SOLVER_MAX_COLUMNS];
    uint16_t trail[SOLVER_MAX_COLUMNS];
    unsigned n_trail;
    bool (*found)(void *arg, const struct row_solver *s);
    void *arg;

    // What it did; added up over searches.
    uint64_t n_nodes, n_rows;
    bool stopped;  // found said so
    bool is_stuck; // some node was
    uint16_t stuck_column;
} row_solver;

// Pins are added before the first search, their values set before each. The column `real` is pinned
// to 1 already. *s is large: static or on the heap.
void solver_open(row_solver *s, const chip *c, const word_shape *shape);
void solver_close(row_solver *s);
uint32_t solver_pin(row_solver *s, const affine *form); // number of the condition
// After the pins: finds out which columns are outputs.
void solver_ready(row_solver *s);

// Only conditions on columns of the set count (NULL: all), and not the one that is dropped
// (UINT32_MAX: none).
void solver_activate(row_solver *s, const bool *columns, uint32_t dropped);

// Calls found for every row; it returns false to end the search. Columns that are hints have no
// value there (known is false).
void solver_search(row_solver *s, bool (*found)(void *arg, const row_solver *s), void *arg);

// The value of a form whose columns are all known.
bool solver_is_known(const row_solver *s, const affine *form);
fe solver_value(const row_solver *s, const affine *form);

// Splits the columns, without those that are fixed and the real flag: group[j] is a number that j
// shares with all columns that a condition or an output ties to it, directly or by others. What one
// group's columns may be does not depend on another's.
void solver_groups(const row_solver *s, uint16_t *group);

// "constraint \"x\"", "RANGE of x y" (its columns), for messages.
const char *solver_name(char *out, size_t size, const row_solver *s, uint32_t k);
