// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// Debug checks of filled tables, without any cryptography: do the constraints hold on every row,
// and does the bus balance. What `--verify-constraints` and `--debug` run. Plain scalar code that
// walks the declaration itself, not the compiled program.
//
// A table is given by the pointers of its committed and preprocessed columns, in the order of the
// chip's numbering; closed-form columns are computed here. Nothing here is on a proving path.
#include "air/machine.h"
#include "base/pool.h"

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
// In up to three passes over the same tables and tuples, so that memory does not grow with the
// job. WEIGH adds, for each of a fixed number of buckets that tuples fall into, multiplicity times
// fingerprint: a balanced bus leaves zeros, and that is the end. Else COUNT looks at each tuple of
// some buckets that were left over, and LOCATE finds the rows that sent and received them.
//
//     bus_checker *bus;
//     TRY(bus_checker_new(&bus, max_counted, threads));
//     do {
//         TRY(bus_table(bus, &table)); ...  TRY(bus_boundary(bus, "boundary", &tuple)); ...
//     } while (bus_next_pass(bus));
//     if (!bus_is_balanced(bus))
//         TRY(bus_describe(&text, bus));
//     bus_checker_free(bus);

typedef struct bus_checker bus_checker;

enum {
    BUS_MAX_TUPLES = 64, // unbalanced tuples kept for the report
    BUS_MAX_ORIGINS = 8, // rows kept for each
    // A usual max_counted: 128 MiB of counters.
    BUS_MAX_COUNTED = 1 << 21,
};

// max_counted: interactions in the buckets that COUNT and LOCATE look at; one bucket is looked at
// however many it has. Threads (may be NULL) share the first pass. ZK_ENOMEM.
MUST_CHECK status bus_checker_new(bus_checker **out, uint64_t max_counted, pool *threads);
void bus_checker_free(bus_checker *bus); // NULL is allowed

// What the pass under way does with a table, or with one tuple of the boundary. Labels are borrowed
// until the checker is freed. ZK_ENOMEM.
MUST_CHECK status bus_table(bus_checker *bus, const check_table *table);
MUST_CHECK status bus_boundary(bus_checker *bus, const char *label, const bus_tuple *tuple);

// Ends a pass. Whether there is another one, for which all tables and tuples come again.
bool bus_next_pass(bus_checker *bus);

// After the last pass.
bool bus_is_balanced(const bus_checker *bus);
// Different tuples whose multiplicities do not add up to zero, in the buckets that were looked at;
// *all: whether those were all that have any.
uint64_t bus_unbalanced_count(const bus_checker *bus, bool *all);

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
    bus_origin origins[BUS_MAX_ORIGINS]; // the first ones, in the order of LOCATE
} bus_unbalanced;

// The first BUS_MAX_TUPLES of them in the order in which LOCATE met them. Owned by bus.
const bus_unbalanced *bus_unbalanced_list(const bus_checker *bus, size_t *n);

// Appends the list for a reader: domain, field names with values, excess, and the rows; then how
// many more there are.
MUST_CHECK status bus_describe(byte_buffer *out, const bus_checker *bus);
