// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// Debug checks of filled tables, without any cryptography: do the constraints hold on every row,
// and does the bus balance. What `--verify-constraints` and `--debug` run. Plain scalar code that
// walks the declaration itself, not the compiled program.
//
// A table is given by the pointers of its committed and preprocessed columns, in the order of the
// chip's numbering; closed-form columns are computed here. Nothing here is on a proving path.
#include "air/machine.h"

typedef struct check_table {
    const chip *c;
    const char *label;        // what the user calls it, for example "instance 3, block 0"
    unsigned log_height;      // CHIP_MIN_LOG_HEIGHT .. CHIP_MAX_LOG_HEIGHT, the fixed one if any
    const fe *const *columns; // [n_committed + n_preprocessed], 2^log_height cells each
} check_table;

// The table of a present slot whose cells lie in a stack, and its preprocessed ones in theirs
// (layout and cells may be NULL without such columns). columns: room for n_committed +
// n_preprocessed pointers, in use as long as *out is.
void check_table_of_slot(check_table *out, const fe **columns, const machine *m, uint32_t slot,
                         const machine_layout *layout, const fe *stack,
                         const machine_layout *preprocessed_layout, const fe *preprocessed,
                         const char *label);

// ---- Constraints -------------------------------------------------------------------------------

typedef struct check_failure {
    uint64_t row;
    uint32_t constraint; // UINT32_MAX: a cell of the row is not below p
    uint32_t column;     // of that cell
    fe value;            // of the constraint, or the cell
    uint64_t n_failures; // rows in which this constraint fails, this one included
} check_failure;

// Looks at all rows. *found: whether a constraint fails; then *first is the first failure by row,
// then by constraint. ZK_ENOMEM.
MUST_CHECK status check_constraints(bool *found, check_failure *first, const check_table *table);

// Appends the failure for a reader: chip, label, row, constraint with its formula, and the values
// of the columns that it involves, one a line.
MUST_CHECK status check_describe_failure(byte_buffer *out, const check_table *table,
                                         const check_failure *failure);

// ---- Bus
// -----------------------------------------------------------------------------------------
//
// In two passes over the same tables and tuples, so that the memory is one entry per different
// tuple: count all, close, locate all. Pass 2 is needed only when something is unbalanced.
//
//     bus_checker *bus;
//     TRY(bus_checker_new(&bus));
//     TRY(bus_count_table(bus, &table)); ...  TRY(bus_count_tuple(bus, &boundary)); ...
//     if (bus_checker_close(bus) > 0) {
//         TRY(bus_locate_table(bus, &table)); ...  TRY(bus_locate_tuple(bus, "boundary", &b)); ...
//         TRY(bus_describe(&text, bus));
//     }
//     bus_checker_free(bus);

typedef struct bus_checker bus_checker;

enum {
    BUS_MAX_TUPLES = 64, // unbalanced tuples kept for the report
    BUS_MAX_ORIGINS = 8, // rows kept for each
};

MUST_CHECK status bus_checker_new(bus_checker **out);
void bus_checker_free(bus_checker *bus); // NULL is allowed

MUST_CHECK status bus_count_table(bus_checker *bus, const check_table *table);
MUST_CHECK status bus_count_tuple(bus_checker *bus, const bus_tuple *tuple);

// Ends pass 1; the number of different tuples whose multiplicities do not add up to zero.
uint64_t bus_checker_close(bus_checker *bus);

// Pass 2: notes which rows sent and received the unbalanced tuples. Labels are borrowed until the
// checker is freed.
MUST_CHECK status bus_locate_table(bus_checker *bus, const check_table *table);
MUST_CHECK status bus_locate_tuple(bus_checker *bus, const char *label, const bus_tuple *tuple);

// One row of a table (or a boundary tuple: c is NULL) that takes part in an unbalanced tuple.
typedef struct bus_origin {
    const char *label;
    const chip *c;
    uint64_t row;
    uint32_t interaction;
    fe multiplicity; // received: negated
} bus_origin;

typedef struct bus_unbalanced {
    bus_tuple tuple; // multiplicity: sent minus received, not zero
    uint64_t n_origins;
    bus_origin origins[BUS_MAX_ORIGINS]; // the first ones, in the order of pass 2
} bus_unbalanced;

// The first BUS_MAX_TUPLES unbalanced tuples in the order in which pass 2 met them. Owned by bus.
const bus_unbalanced *bus_unbalanced_list(const bus_checker *bus, size_t *n);

// Appends all of them for a reader: domain, field names with values, excess, and the rows.
MUST_CHECK status bus_describe(byte_buffer *out, const bus_checker *bus);
