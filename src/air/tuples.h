// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// The tuple catalogue: every kind of tuple that travels on the bus, in one table.
//
// A tuple is (domain tag, field_1, .., field_n), all elements of F; on the bus it is the
// denominator gamma + tag + sum_t beta^t field_t. Tags are unique and the number of fields of a
// domain is fixed, so two tuples are equal exactly when domain and all fields are equal. Sent minus
// received is zero for every tuple, over all rows of all instances and the boundary tuples of the
// job.
//
// Conventions for fields: a 64-bit word is two 32-bit limbs (lo, hi); pc is below 2^32; ts is the
// timestamp below 2^40 as one element; a chip that holds limbs of a value writes the affine
// combination into the field.
//
// Multiplicity classes:
//  - FLAG:  on both sides the multiplicity is the boolean real flag of the row. A tuple sent is
//           received once. Table chips may not use these domains.
//  - TABLE: received by table chips, with a free multiplicity (how often the row was looked up) and
//           fields that the key fixes; everybody else sends with the real flag. RANGE is received
//           by rows as well that pass it on as narrower checks (chip.h).
// Tags and field order are part of the key; new domains at the end.
#include "field/fe.h"

// X(NAME, tag, class, number of fields, fields, sent by, received by, meaning)
#define TUPLE_CATALOGUE(X)                                                                         \
    X(STATE, 1, FLAG, 2, "pc, ts", "each step: next pc, ts + slots; boundary: start",              \
      "each step: own pc, ts; boundary: end", "the machine is about to execute pc at time ts")     \
    X(FETCH, 2, TABLE, 8, "pc, class, rd, rs1, rs2, imm_lo, imm_hi, flags",                        \
      "each step (each replay of a fused one)", "program table (preprocessed)",                    \
      "the instruction at pc decodes to these fields")                                             \
    X(MEM, 3, FLAG, 5, "space, addr, lo, hi, ts", "accesses: new value, own ts; initial rows",     \
      "accesses: old value, old ts; final rows", "the word at addr was last touched at ts")        \
    X(ADDR, 4, FLAG, 2, "space, addr", "boundary rows of memory: own addr; boundary: chain start", \
      "boundary rows of memory: previous addr; boundary: chain end",                               \
      "link of the one chain that initialises every address once")                                 \
    X(RANGE, 5, TABLE, 2, "bits, value", "whoever needs 0 <= value < 2^bits",                      \
      "range tables; rows that split it", "value fits in bits")                                    \
    X(BYTE, 6, TABLE, 4, "op, a, b, c", "bitwise chips", "byte tables",                            \
      "c = a op b on bytes; op is a byte_op")                                                      \
    X(CALL, 7, FLAG, 5, "precompile, ts, p0, p1, p2", "system chip", "precompile chip, first row", \
      "a precompile runs at ts with these operands (pointers or immediates)")                      \
    X(COPY, 8, FLAG, 4, "src, dst, count, ts", "copy chip: the rest of the copy; caller: all",     \
      "copy chip, one word a row; caller: the empty rest", "count words remain to be copied")      \
    X(OUT, 9, FLAG, 2, "index, value", "output rows", "boundary: the public words",                \
      "public 32-bit word number index")                                                           \
    X(HALT, 10, FLAG, 2, "a7, a0", "system chip", "boundary: once, with a7 = 93, a0 = 0",          \
      "the program ended")                                                                         \
    X(POW2, 11, TABLE, 2, "shift, power", "shift chips", "table of powers of two",                 \
      "power = 2^shift, shift < 32")                                                               \
    X(LINK, 12, FLAG, 8, "precompile, ts, step, v0, v1, v2, v3, v4",                               \
      "precompile chip, row of step", "precompile chip, row of step + 1",                          \
      "values handed from one row of a precompile to its next")                                    \
    X(TOY, 13, TABLE, 3, "table, a, b", "toy chips of the tests", "toy tables of the tests",       \
      "test only")

typedef enum tuple_domain {
#define X(NAME, tag, ...) TUPLE_##NAME = (tag),
    TUPLE_CATALOGUE(X)
#undef X
} tuple_domain;

typedef enum tuple_class { TUPLE_CLASS_FLAG, TUPLE_CLASS_TABLE } tuple_class;

// Address spaces of MEM and ADDR.
typedef enum tuple_space {
    SPACE_MEMORY = 0,   // addr is a byte address, a multiple of 8
    SPACE_REGISTER = 1, // addr is the register number; 32 is the sink for writes to x0
} tuple_space;

// Operations of BYTE.
typedef enum byte_op { BYTE_AND = 0, BYTE_OR = 1, BYTE_XOR = 2 } byte_op;

enum { TUPLE_MAX_FIELDS = 16 };

typedef struct tuple_info {
    tuple_domain domain;
    tuple_class class;
    unsigned n_fields;
    const char *name, *fields, *sent_by, *received_by, *meaning;
} tuple_info;

// One tuple with a multiplicity: what a job's boundary adds to the bus (sent: +1, received: -1) and
// what the bus checker lists.
typedef struct bus_tuple {
    tuple_domain domain;
    fe multiplicity;
    fe fields[TUPLE_MAX_FIELDS]; // those beyond the domain's number are zero
} bus_tuple;

// gamma + tag + sum_t beta^t field_t, with beta_powers[t] = beta^t for t <= TUPLE_MAX_FIELDS.
// Circuit subset.
fe3 tuple_denominator(const bus_tuple *tuple, fe3 gamma, const fe3 *beta_powers);

// The row of the catalogue; NULL when no domain has this tag.
const tuple_info *tuple_find(unsigned tag);

// All rows in the order of the catalogue.
const tuple_info *tuple_catalogue(unsigned *n);
