// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// zisk-bench prints one table: a row a kernel, a column a SIMD tier, with the ratio to the scalar
// tier, because absolute times move with the machine. A library adds a file rows_NAME.c with one
// function that calls bench_add once a row, names it in the list of bench.c and in CMakeLists.txt.
#include "field/fe.h"

struct pool;
typedef struct bench bench;

typedef struct bench_row {
    const char *name; // "ntt 2^20 x 64, forward"
    const char *unit; // "ms/column"
    double scale;     // ns a unit of work to the printed unit: 1 for ns, 1e-6 for ms
    const char *goal; // on a quiet AVX-512 Xeon core; "" for none
    unsigned threads; // 1: CPU time, every tier; more: wall time, best tier, p has that many
    // Allocates and fills what `run` works on, with bench_matrix; not timed. May be NULL.
    void (*prepare)(void);
    // Runs the kernel of cpu_tier_current() once and returns the units of work done.
    double (*run)(struct pool *p);
} bench_row;

void bench_add(bench *b, bench_row row);

// n elements of fixed junk, canonical, on large pages where the system gives them; freed after the
// row.
fe *bench_matrix(size_t n);

// The files of rows.
void bench_field(bench *b);
void bench_ntt(bench *b);
void bench_vm(bench *b);
void bench_hash(bench *b);
