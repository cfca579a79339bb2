// SPDX-License-Identifier: Apache-2.0 OR MIT
// The checks at the root of a job that no affordable proof reaches.
#include "unit/test.h"

#include "verifier/job_verify.h"

static void adds_up_to_the_limit_of_tuples(void **state)
{
    (void)state;
    instance_share total = {.sum = fe3_zero()};
    instance_share half = {.sum = fe3_one(), .n_tuples = 1ULL << (JOB_MAX_LOG_TUPLES - 1)};
    instance_share rest = {.sum = fe3_neg(fe3_one()), .n_tuples = half.n_tuples - 1};
    assert_null(job_share_add(&total, &half));
    assert_non_null(job_total_check(&total)); // the bus
    assert_null(job_share_add(&total, &rest));
    assert_null(job_total_check(&total));
    instance_share one = {.sum = fe3_zero(), .n_tuples = 1};
    assert_string_equal(job_share_add(&total, &one), "too many tuples in one job");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(adds_up_to_the_limit_of_tuples)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
