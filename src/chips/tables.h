// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// The lookup tables: RANGE, BYTE, POW2. Every instance that looks something up has its own copy of
// the tables it uses, with the multiplicities of its own rows.
#include "air/chip.h"

typedef enum table_chip {
    TABLE_RANGE16, // (bits, v) for bits <= 16, v < 2^bits
    TABLE_RANGE20, // (20, v)
    TABLE_BYTES,
    TABLE_POW2,
    TABLE_CHIP_COUNT
} table_chip;

typedef struct table_spec {
    const char *name;
    chip_declare declare;
    unsigned log_height;
} table_spec;

extern const table_spec table_specs[TABLE_CHIP_COUNT];

// Where a looked-up tuple is counted: committed column `column` of the table, at `row`.
typedef struct table_place {
    table_chip table;
    uint32_t column;
    uint32_t row;
} table_place;

// False when the tuple is in no table: the row that sends it is wrong. `fields` as in the
// catalogue. FETCH is not one of these.
bool table_find(table_place *out, tuple_domain domain, const fe *fields);
