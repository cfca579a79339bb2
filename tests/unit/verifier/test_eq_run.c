// SPDX-License-Identifier: Apache-2.0 OR MIT
// The run of eq factors that places a chip's columns and interactions: every position and length,
// against the definition.
#include "unit/test.h"

#include "verifier/instance_verify.h"

enum { MAX_LOG = 7, N_VARS = 9 };

static fe3 eq_at(const fe3 *point, unsigned n_vars, uint64_t index)
{
    fe3 product = fe3_one();
    for (unsigned i = 0; i < n_vars; i++)
        product = fe3_mul(product, index >> i & 1 ? point[i] : fe3_sub(fe3_one(), point[i]));
    return product;
}

// n_used: coordinates from there on are zero, as those of a slot taller than the smallest are; the
// run then ends below 2^n_used.
static void check_all_runs(unsigned n_used, test_rng *rng)
{
    fe3 point[N_VARS], factors[1 << MAX_LOG], out[1 << MAX_LOG];
    static fe3 room[EQ_RUN_MAX];
    for (unsigned i = 0; i < N_VARS; i++)
        for (int k = 0; k < 3; k++)
            point[i].c[k] = i < n_used ? fe_from_u64(test_rng_u64(rng)) : 0;
    size_t end = (size_t)1 << n_used;
    for (size_t i = 0; i < end; i++)
        factors[i] = eq_at(point, N_VARS, i);
    for (size_t position = 0; position <= end; position++)
        for (size_t n = 0; position + n <= end; n++) {
            eq_run(out, n, point, N_VARS, position, room);
            for (size_t i = 0; i < n; i++)
                assert_true(fe3_equal(out[i], factors[position + i]));
        }
}

static void runs_are_eq_factors(void **state)
{
    (void)state;
    test_rng rng = test_rng_new(0xE9);
    for (unsigned n_used = 0; n_used <= MAX_LOG; n_used++)
        check_all_runs(n_used, &rng);
}

// Nothing is cut off at the end of a full point, and long runs do not leave their room.
static void runs_reach_the_end_of_the_point(void **state)
{
    (void)state;
    enum { LOG = 12, LONGEST = CHIP_MAX_COLUMNS };
    test_rng rng = test_rng_new(0xE9E);
    fe3 point[LOG];
    static fe3 out[LONGEST], room[EQ_RUN_MAX];
    for (unsigned i = 0; i < LOG; i++)
        for (int k = 0; k < 3; k++)
            point[i].c[k] = fe_from_u64(test_rng_u64(&rng));
    for (size_t n = 1; n <= LONGEST; n += n < 8 ? 1 : n - 1) {
        uint64_t position = (1 << LOG) - n;
        eq_run(out, n, point, LOG, position, room);
        for (size_t i = 0; i < n; i++)
            assert_true(fe3_equal(out[i], eq_at(point, LOG, position + i)));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(runs_are_eq_factors),
                                       cmocka_unit_test(runs_reach_the_end_of_the_point)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
