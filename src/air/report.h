// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// Reports of a declaration: columns, constraints with degree and formula, interactions, size of the
// compiled program, for each chip of a machine, and totals. Texts are appended to a buffer.
#include "air/machine.h"

// What a run has of each slot, over all its instances: rows in use, and rows with the padding.
typedef struct air_rows {
    uint64_t used[MACHINE_MAX_SLOTS];
    uint64_t padded[MACHINE_MAX_SLOTS];
} air_rows;

// For a reader; `verbose` adds one line for each column, constraint and interaction. rows: NULL
// without a run.
MUST_CHECK status air_report_text(byte_buffer *out, const machine *m, bool verbose,
                                  const air_rows *rows);

// One JSON object with everything: formulas for a reader, and exact data (nodes as [op, a, b,
// value], affine forms as [constant, [column, coefficient], ..], closed forms) from which a program
// can compute the machine's digest and evaluate every constraint (doc/proof-format.md section 3).
// Numbers are below 2^64, which not every JSON reader keeps apart. With a run, each chip also has
// "rows" and "padded_rows".
MUST_CHECK status air_report_json(byte_buffer *out, const machine *m, const air_rows *rows);

// A formula as "real * (sum - (a + b))"; cut with " ..." when longer than AIR_FORMULA_MAX bytes.
// Constants above p / 2 are written as negative numbers.
enum { AIR_FORMULA_MAX = 400 };
MUST_CHECK status air_formula(byte_buffer *out, const chip *c, uint32_t node);
MUST_CHECK status air_affine_formula(byte_buffer *out, const chip *c, const affine *a);

// Appends by a printf format.
MUST_CHECK status air_print(byte_buffer *out, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
