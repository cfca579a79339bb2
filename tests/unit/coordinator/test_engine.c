// SPDX-License-Identifier: Apache-2.0 OR MIT
// Jobs in a cluster in memory, one scenario a test: in the end the right proof, or the right error.
#include "unit/coordinator/engine_world.h"

static void expect_completed(world *w, const char *job)
{
    const char *state = world_finish(w, job, 3600000);
    if (strcmp(state, "Completed") != 0)
        fail_msg("%s: %s", state, world_job(w, job)->failure->message);
    assert_true(world_proof_is_right(w, job));
    world_run(w, 5000);
    world_check(w);
    assert_int_equal(world_over_calls(w, job), 1);
    for (size_t k = 0; k < world_n_workers(w); k++)
        assert_false(fake_is_busy(world_worker(w, k)));
}

static world *a_world(void)
{
    return world_new(&(world_options){.seed = 1});
}

static void single_worker(void **state)
{
    (void)state;
    world *w = a_world();
    world_add(w, "a", 10, HONEST);
    world_run(w, 100);
    char job[37];
    world_launch(w, job, "x", 10, 0, false, 0);
    expect_completed(w, job);
    assert_int_equal(world_tasks_sent(w, 0), 1);
    assert_int_equal(world_tasks_sent(w, 1), 1);
    assert_int_equal(world_counts(w).tasks_moved, 0);
    world_free(w);
}

static void four_uneven_workers(void **state)
{
    (void)state;
    world *w = a_world();
    world_add(w, "a", 1, HONEST);
    world_add(w, "b", 2, HONEST);
    world_add(w, "c", 5, HONEST);
    world_add(w, "d", 3, HONEST);
    world_run(w, 100);
    char job[37];
    world_launch(w, job, "x", 11, 0, false, 0);
    expect_completed(w, job);
    assert_int_equal(world_tasks_sent(w, 0), 4);
    assert_int_equal(world_tasks_sent(w, 1), 4);
    assert_int_equal(world_counts(w).tasks_moved, 0);
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(single_worker),
        cmocka_unit_test(four_uneven_workers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
