// SPDX-License-Identifier: Apache-2.0 OR MIT
#include "kernels/checkasm.h"

#include "whir/whir_kernels.h"

static const void *table(void)
{
    return whir_ops_current();
}

static size_t draw_width(checkasm *c)
{
    return 8 * (1 + checkasm_random(c) % 8);
}

static void check_lane_sums(checkasm *c, const void *ref, const void *ops, size_t n)
{
    size_t width = draw_width(c), rows = n % 16 != 15 ? n : 2008 + n; // around a reduction
    const fe *cells = checkasm_input(c, rows * width), *high = checkasm_input(c, 3 * rows);
    const fe *before = checkasm_input(c, 3 * width);
    fe *want = checkasm_output(c, 3 * width), *got = checkasm_output(c, 3 * width);
    for (size_t i = 0; i < 3 * width; i++)
        want[i] = got[i] = before[i];
    ((const whir_ops *)ref)->lane_sums(want, cells, rows, width, high, rows);
    ((const whir_ops *)ops)->lane_sums(got, cells, rows, width, high, rows);
    checkasm_equal(c, want, got, 3 * width);
}

static void check_fold_lanes(checkasm *c, const void *ref, const void *ops, size_t n)
{
    size_t width = draw_width(c), rows = 8 * n;
    const fe *cells = checkasm_input(c, rows * width), *weights = checkasm_input(c, 3 * width);
    fe *want = checkasm_output(c, 3 * rows), *got = checkasm_output(c, 3 * rows);
    ((const whir_ops *)ref)->fold_lanes(want, rows, cells, rows, width, weights);
    ((const whir_ops *)ops)->fold_lanes(got, rows, cells, rows, width, weights);
    checkasm_equal(c, want, got, 3 * rows);
}

static void check_round_sums(checkasm *c, const void *ref, const void *ops, size_t n)
{
    size_t stride = 2 * n;
    const fe *f = checkasm_input(c, 3 * stride), *w = checkasm_input(c, 3 * stride);
    fe3 start[2] = {checkasm_element3(c), checkasm_element3(c)};
    fe3 want[2] = {start[0], start[1]}, got[2] = {start[0], start[1]};
    ((const whir_ops *)ref)->round_sums(want, f, w, stride, n);
    ((const whir_ops *)ops)->round_sums(got, f, w, stride, n);
    checkasm_true(c, fe3_equal(want[0], got[0]) && fe3_equal(want[1], got[1]), "other sums");
}

// A piece of a stack that stays in the second-level cache.
enum { BENCH_ROWS = 1024, BENCH_WIDTH = 64 };

static fe cells[BENCH_ROWS * BENCH_WIDTH], vectors[2][3 * BENCH_ROWS], out[3 * BENCH_ROWS];

static void prepare(void)
{
    if (cells[0] != 0)
        return;
    for (size_t i = 0; i < BENCH_ROWS * BENCH_WIDTH; i++)
        cells[i] = i * 0x9E3779B97F4A7C15ULL % FE_P + 1;
    for (size_t i = 0; i < 3 * BENCH_ROWS; i++)
        vectors[0][i] = vectors[1][i] = cells[7 * i];
}

static size_t bench_lane_sums(const void *ops)
{
    prepare();
    ((const whir_ops *)ops)->lane_sums(out, cells, BENCH_ROWS, BENCH_WIDTH, vectors[0], BENCH_ROWS);
    return BENCH_ROWS * BENCH_WIDTH;
}

static size_t bench_fold_lanes(const void *ops)
{
    prepare();
    ((const whir_ops *)ops)
        ->fold_lanes(out, BENCH_ROWS, cells, BENCH_ROWS, BENCH_WIDTH, vectors[0]);
    return BENCH_ROWS * BENCH_WIDTH;
}

static size_t bench_round_sums(const void *ops)
{
    fe3 sums[2] = {fe3_zero(), fe3_zero()};
    prepare();
    ((const whir_ops *)ops)->round_sums(sums, vectors[0], vectors[1], BENCH_ROWS, BENCH_ROWS / 2);
    return BENCH_ROWS / 2;
}

void kernels_whir(checkasm *c)
{
    checkasm_add(c,
                 (kernel){"whir.lane_sums", table, check_lane_sums, 80, bench_lane_sums, "cell"});
    checkasm_add(
        c, (kernel){"whir.fold_lanes", table, check_fold_lanes, 12, bench_fold_lanes, "cell"});
    checkasm_add(c,
                 (kernel){"whir.round_sums", table, check_round_sums, 0, bench_round_sums, "pair"});
}
