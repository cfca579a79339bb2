// SPDX-License-Identifier: Apache-2.0 OR MIT
// A process that has a part of a job is asked for the memory and the disk of that part.
#include "unit/test.h"

#include "prover/job_memory.h"

enum { N = 100 };

static plan_instance instances[N];
static zisk_plan plan = {.instances = instances, .n = N};
static zisk_run run;

static status needs_of(zisk_job_needs *needs, zisk_job_options options)
{
    for (int i = 0; i < N; i++)
        instances[i].header.class_id = i == 0 ? WHIR_CLASS_20 : WHIR_CLASS_26;
    return job_memory_plan(needs, &plan, &run, &options);
}

static zisk_job_needs accepted(zisk_job_options options)
{
    zisk_job_needs needs;
    if (needs_of(&needs, options) != ZK_OK)
        fail_msg("%s", status_message());
    return needs;
}

static void a_share_needs_less_than_the_job(void **state)
{
    (void)state;
    const zisk_job_needs all = accepted((zisk_job_options){0});
    const zisk_job_needs tenth = accepted((zisk_job_options){.share_units = 2, .share_of = 20});
    const zisk_job_needs whole = accepted((zisk_job_options){.share_units = 20, .share_of = 20});
    assert_int_equal(whole.memory, all.memory);
    // 11 of 100 wait, at most: 99 large ones in the whole job.
    const uint64_t waits = (all.memory - tenth.memory) / 88;
    assert_in_range(waits, 1 << 20, 64 << 20);
    // What lies between the two is enough for the share alone.
    zisk_job_options options = {.max_memory = (all.memory + tenth.memory) / 2};
    zisk_job_needs needs;
    assert_int_equal(needs_of(&needs, options), ZK_ELIMIT);
    options.share_units = 2;
    options.share_of = 20;
    (void)accepted(options);
}

static void a_share_spills_less_and_keeps_less(void **state)
{
    (void)state;
    const zisk_job_needs all = accepted((zisk_job_options){.spill_dir = "/tmp"});
    const zisk_job_needs some =
        accepted((zisk_job_options){.spill_dir = "/tmp", .share_units = 1, .share_of = 4});
    assert_true(some.spill < all.spill / 3 && some.spill > all.spill / 5);
    const zisk_job_needs kept =
        accepted((zisk_job_options){.keep = N, .share_units = 1, .share_of = 4});
    assert_int_equal(kept.kept, N / 4 + 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_share_needs_less_than_the_job),
        cmocka_unit_test(a_share_spills_less_and_keeps_less),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
