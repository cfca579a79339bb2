// SPDX-License-Identifier: Apache-2.0 OR MIT
// Every tier of the prover's passes against plain formulas over fe3, on random cells mixed with
// extreme ones, at sizes around the block borders.
#include "unit/test.h"

#include "base/cpu.h"
#include "whir/whir_kernels.h"

enum { MAX_ROWS = 2 * 2048 + 72, STRIDE = 2 * MAX_ROWS + 5 };

static fe rows[MAX_ROWS * 64], a[3 * STRIDE], b[3 * STRIDE], out[3 * STRIDE];

static fe draw(test_rng *r)
{
    static const fe edge[] = {0, 1, FE_P - 1, FE_EPSILON, 1ULL << 32, FE_P - FE_EPSILON};
    uint64_t x = test_rng_u64(r);
    return x % 4 == 0 ? edge[(x >> 8) % 6] : fe_from_u64(x);
}

static fe3 draw3(test_rng *r)
{
    fe c0 = draw(r), c1 = draw(r), c2 = draw(r);
    return (fe3){{c0, c1, c2}};
}

static void fill(fe *p, size_t n, test_rng *r, bool worst)
{
    for (size_t i = 0; i < n; i++)
        p[i] = worst ? FE_P - 1 : draw(r);
}

static fe3 get(const fe *p, size_t stride, size_t i)
{
    return (fe3){{p[i], p[stride + i], p[2 * stride + i]}};
}

static void assert_fe3(fe3 x, fe3 y)
{
    for (int k = 0; k < 3; k++)
        assert_int_equal(x.c[k], y.c[k]);
}

static void check_lanes(const whir_ops *ops, size_t n, size_t width, test_rng *r)
{
    fe sums[3 * 64], before[3 * 64];
    fill(before, 3 * 64, r, false);
    memcpy(sums, before, sizeof sums);
    ops->lane_sums(sums, rows, n, width, a, STRIDE);
    for (size_t lane = 0; lane < width; lane++) {
        fe3 want = get(before, width, lane);
        for (size_t x = 0; x < n; x++)
            want = fe3_add(want, fe3_mul_fe(get(a, STRIDE, x), rows[x * width + lane]));
        assert_fe3(get(sums, width, lane), want);
    }
    if (n % 8 != 0)
        return;
    ops->fold_lanes(out, STRIDE, rows, n, width, b);
    for (size_t x = 0; x < n; x++) {
        fe3 want = fe3_zero();
        for (size_t lane = 0; lane < width; lane++)
            want = fe3_add(want, fe3_mul_fe(get(b, width, lane), rows[x * width + lane]));
        assert_fe3(get(out, STRIDE, x), want);
    }
}

static void check_tables(const whir_ops *ops, size_t n, test_rng *r)
{
    fe3 got[2] = {draw3(r), draw3(r)}, want[2] = {got[0], got[1]};
    ops->round_sums(got, a, b, STRIDE, n);
    for (size_t x = 0; x < n; x++) {
        fe3 f0 = get(a, STRIDE, 2 * x), f1 = get(a, STRIDE, 2 * x + 1);
        fe3 w0 = get(b, STRIDE, 2 * x), w1 = get(b, STRIDE, 2 * x + 1);
        want[0] = fe3_add(want[0], fe3_mul(f0, w0));
        want[1] = fe3_add(want[1], fe3_mul(fe3_sub(f1, f0), fe3_sub(w1, w0)));
    }
    assert_fe3(got[0], want[0]);
    assert_fe3(got[1], want[1]);
}

static void test_every_tier_matches_the_formulas(void **state)
{
    (void)state;
    static const whir_ops *const tiers[] = {&whir_ops_scalar, &whir_ops_avx2, &whir_ops_avx512};
    for (unsigned t = 0; t <= (unsigned)cpu_tier_detected(); t++) {
        test_rng r = test_rng_new(0xB10C);
        for (int worst = 0; worst < 2; worst++) {
            fill(rows, sizeof rows / sizeof rows[0], &r, worst);
            fill(a, 3 * STRIDE, &r, worst);
            fill(b, 3 * STRIDE, &r, worst);
            static const size_t row_counts[] = {1, 8, 31, 32, 40, 2016, 2048, 2056, MAX_ROWS};
            for (size_t i = 0; i < sizeof row_counts / sizeof row_counts[0]; i++)
                check_lanes(tiers[t], row_counts[i], i % 2 == 0 ? 64 : 32, &r);
            static const size_t sizes[] = {1, 2, 3, 7, 8, 9, 100, 681, MAX_ROWS};
            for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
                check_tables(tiers[t], sizes[i], &r);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_tier_matches_the_formulas),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
