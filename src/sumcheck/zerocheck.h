// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// Batched zerocheck over tables of different heights (doc/protocol.md section 6).
//
// Each table has a function G of its row: a combination C of constraints, which vanishes on every
// row of an honest table, plus a linear form L of the columns. The sumcheck reduces
//   claim = sum_tables sum_x eq(rho_<h, x) G(row x)
// to the values of all columns at the first h challenges.
#include "base/pool.h"
#include "sumcheck/eq.h"
#include "transcript/proof_reader.h"
#include "transcript/proof_writer.h"
#include "transcript/transcript.h"

enum {
    ZEROCHECK_BLOCK = 64, // most rows that an evaluator is given at once
    ZEROCHECK_MAX_COLUMNS = 1024,
};

typedef struct zerocheck_table {
    unsigned log_height; // 1 .. n_rounds
    unsigned n_columns;
    unsigned degree;          // of C, at least 1
    const fe *const *columns; // [n_columns], 2^log_height cells each
    const fe3 *linear;        // [n_columns], L = constant + sum_j linear[j] column_j
    fe3 constant;
    // out (planar K, plane stride n) := C at n rows, n a multiple of 8, at most ZEROCHECK_BLOCK.
    // columns[j]: n base cells, or planar K cells with plane stride n. Called from several threads.
    void (*eval_base)(const void *arg, fe *out, const fe *const *columns, size_t n, fe *room);
    void (*eval_extension)(const void *arg, fe *out, const fe *const *columns, size_t n, fe *room);
    size_t room; // elements of scratch that the evaluators want
    const void *arg;
} zerocheck_table;

// Writes n_rounds rounds of `degree` values each (degree >= that of every table). On return
// point[0..n_rounds-1] are the challenges and values[i][j] is column j of table i at
// point[0..log_height-1]. ZK_ENOMEM, ZK_ECANCELED.
MUST_CHECK status zerocheck_prove(fe3 *point, fe3 *const *values, unsigned n_rounds,
                                  unsigned degree, const fe3 *rho, const zerocheck_table *tables,
                                  size_t n_tables, transcript *t, proof_writer *w, pool *threads,
                                  const cancel_flag *cancel);

// Circuit subset. Returns the claim that is left: sum over the tables of G at their column values.
fe3 zerocheck_verify(fe3 *point, unsigned n_rounds, unsigned degree, const fe3 *rho, fe3 claim,
                     transcript *t, proof_reader *r);
