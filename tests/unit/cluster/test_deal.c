// SPDX-License-Identifier: Apache-2.0 OR MIT
// Every instance has one unit, ranges are contiguous and close to fair.
#include "unit/test.h"

#include "cluster/deal.h"

static void equal_weights_give_equal_parts(void **state)
{
    (void)state;
    const uint64_t weights[6] = {7, 7, 7, 7, 7, 7};
    plan_range r;
    for (uint32_t u = 0; u < 3; u++) {
        assert_int_equal(deal_range(&r, weights, 6, u, 1, 3), ZK_OK);
        assert_int_equal(r.begin, 2 * u);
        assert_int_equal(r.end, 2 * u + 2);
    }
    assert_int_equal(deal_range(&r, weights, 6, 1, 2, 3), ZK_OK);
    assert_int_equal(r.begin, 2);
    assert_int_equal(r.end, 6);
}

static void small_plans_leave_units_empty(void **state)
{
    (void)state;
    const uint64_t one = 5;
    plan_range r;
    assert_int_equal(deal_range(&r, &one, 1, 0, 2, 4), ZK_OK);
    assert_int_equal(r.begin, r.end); // the middle of the only instance is in unit 2
    assert_int_equal(deal_range(&r, &one, 1, 2, 1, 4), ZK_OK);
    assert_int_equal(r.begin, 0);
    assert_int_equal(r.end, 1);
    assert_int_equal(deal_range(&r, NULL, 0, 0, 4, 4), ZK_OK);
    assert_int_equal(r.begin, 0);
    assert_int_equal(r.end, 0);
}

static void large_numbers_do_not_overflow(void **state)
{
    (void)state;
    const uint64_t weights[2] = {UINT64_MAX / 2, UINT64_MAX / 2};
    plan_range r;
    assert_int_equal(deal_range(&r, weights, 2, 0, UINT32_MAX / 2, UINT32_MAX), ZK_OK);
    assert_int_equal(r.begin, 0);
    assert_int_equal(r.end, 1);
    const uint64_t sums[2] = {UINT64_MAX, 1}, zero[2] = {1, 0};
    assert_int_equal(deal_range(&r, sums, 2, 0, 1, 1), ZK_EINVAL);
    assert_int_equal(deal_range(&r, zero, 2, 0, 1, 1), ZK_EINVAL);
    assert_int_equal(deal_range(&r, weights, 2, 0, 0, 0), ZK_EINVAL);
    assert_int_equal(deal_range(&r, weights, 2, 1, 3, 3), ZK_EINVAL);
    assert_int_equal(deal_range(&r, weights, 2, 4, UINT32_MAX, 3), ZK_EINVAL);
}

static void random_plans_are_covered_once_and_fairly(void **state)
{
    (void)state;
    test_rng rng = test_rng_new(7);
    for (int round = 0; round < 5000; round++) {
        uint64_t weights[40], sum = 0, largest = 0;
        size_t n = test_rng_u64(&rng) % 41;
        for (size_t k = 0; k < n; k++) {
            weights[k] = 1 + test_rng_u64(&rng) % 1000;
            sum += weights[k];
            largest = weights[k] > largest ? weights[k] : largest;
        }
        uint32_t of = 1 + (uint32_t)(test_rng_u64(&rng) % 20);
        size_t next = 0;
        for (uint32_t u = 0; u < of;) {
            uint32_t count = 1 + (uint32_t)(test_rng_u64(&rng) % (of - u));
            plan_range r;
            assert_int_equal(deal_range(&r, weights, n, u, count, of), ZK_OK);
            assert_true(r.begin <= r.end && r.end <= n);
            if (r.begin < r.end) {
                assert_int_equal(r.begin, next);
                next = r.end;
            }
            uint64_t dealt = 0;
            for (size_t k = r.begin; k < r.end; k++)
                dealt += weights[k];
            // |dealt - sum count / of| is at most one weight, in whole numbers.
            uint64_t a = dealt * of, b = sum * count;
            assert_true((a > b ? a - b : b - a) <= largest * of);
            u += count;
        }
        assert_int_equal(next, n);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_weights_give_equal_parts),
        cmocka_unit_test(small_plans_leave_units_empty),
        cmocka_unit_test(large_numbers_do_not_overflow),
        cmocka_unit_test(random_plans_are_covered_once_and_fairly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
