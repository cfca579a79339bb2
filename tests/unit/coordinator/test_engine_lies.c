// SPDX-License-Identifier: Apache-2.0 OR MIT
// Workers that lie: they are found and set aside, and the job ends in the right proof, or, when
// nobody is left to settle it, in the right error.
#include "unit/coordinator/engine_expect.h"

// n workers of which the last `liars` lie. Returns the world with the job under way.
static world *start(char job[37], size_t n, size_t liars, lie l)
{
    world *w = world_new(&(world_options){.seed = n, .instances = 15});
    for (size_t k = 0; k < n; k++) {
        char id[2] = {(char)('a' + k), 0};
        world_add(w, id, 5, k + liars >= n ? l : HONEST);
    }
    world_run(w, 100);
    world_launch(w, job, "x", (uint32_t)(5 * n), 0, false, 0);
    return w;
}

static void completes(size_t n, size_t liars, lie l, uint64_t aside)
{
    char job[37];
    world *w = start(job, n, liars, l);
    expect_completed(w, job);
    assert_int_equal(world_counts(w).set_aside, aside);
    if (aside > 0) {
        char id[2] = {(char)('a' + n - 1), 0};
        assert_string_equal(worker_info(w, id)->state, "Set aside");
    }
    world_free(w);
}

static void fails(size_t n, size_t liars, lie l, const char *code)
{
    char job[37];
    world *w = start(job, n, liars, l);
    expect_failed(w, job, code);
    world_free(w);
}

static void a_contribution_that_nobody_can_prove(void **state)
{
    (void)state;
    completes(2, 1, LIES_CONTRIBUTION, 1);
    completes(3, 1, LIES_CONTRIBUTION, 1);
    completes(4, 2, LIES_CONTRIBUTION, 2);
}

static void a_contribution_that_changes_the_epoch(void **state)
{
    (void)state;
    char job[37];
    world *w = start(job, 3, 1, LIES_CONTRIBUTION);
    expect_completed(w, job);
    assert_int_equal(world_job(w, job)->epoch, 1);
    assert_int_equal(world_counts(w).epochs_started, 1);
    world_free(w);
}

static void a_witness_that_does_not_add_up(void **state)
{
    (void)state;
    completes(3, 1, LIES_WITNESS, 1);
    completes(5, 2, LIES_WITNESS, 2);
}

static void a_witness_that_does_not_add_up_and_two_workers(void **state)
{
    (void)state;
    fails(2, 1, LIES_WITNESS, "CONTRIBUTIONS_DISAGREE");
    fails(1, 1, LIES_WITNESS, "PROOF_REJECTED");
}

// What was stored goes when it is of no use: with its epoch, with the job, after a restart.
static void results_of_the_past_are_removed(void **state)
{
    (void)state;
    for (int restart = 0; restart < 2; restart++) {
        world *w = world_new(&(world_options){.seed = 1, .instances = 60});
        add_workers(w, 3);
        fake_set_lie(world_worker(w, 1), LIES_WITNESS);
        char job[37];
        world_launch(w, job, "x", 15, 0, false, 0);
        for (int k = 0; k < 10000 && world_job(w, job)->epoch == 0; k++)
            world_run(w, 10);
        run_until(w, job, "Running (Prove)");
        world_run(w, 1000);
        assert_int_equal(world_results(w, job, 0), 0);
        assert_int_equal(world_forgotten(w, job), 1);
        assert_in_range(world_results(w, job, 1), 60, 130);
        assert_string_equal(world_finish(w, job, LONG_MS), "Completed");
        assert_int_equal(world_forgotten(w, job), UINT32_MAX);
        if (restart) {
            assert_in_range(world_results(w, job, 1), 1, 130);
            world_restart(w);
        }
        world_run(w, 2000);
        assert_int_equal(world_results(w, job, 1), 0);
        assert_true(world_proof_is_right(w, job));
        world_free(w);
    }
}

static void an_idle_worker_settles_it(void **state)
{
    (void)state;
    world *w = world_new(&(world_options){.seed = 5});
    world_add(w, "a", 5, HONEST);
    world_add(w, "b", 5, LIES_WITNESS);
    world_add(w, "c", 5, HONEST);
    world_run(w, 100);
    char job[37];
    world_launch(w, job, "x", 10, 0, false, 0);
    expect_completed(w, job);
    assert_string_equal(worker_info(w, "b")->state, "Set aside");
    world_free(w);
}

static void plans_differ(void **state)
{
    (void)state;
    completes(3, 1, LIES_PLAN, 1);
    completes(5, 2, LIES_PLAN, 2);
    completes(3, 1, LIES_PUBLICS, 1);
    fails(2, 1, LIES_PLAN, "CONTRIBUTIONS_DISAGREE");
    fails(2, 1, LIES_PUBLICS, "CONTRIBUTIONS_DISAGREE");
}

static void the_first_answer_is_the_lie(void **state)
{
    (void)state;
    world *w = world_new(&(world_options){.seed = 5});
    world_add(w, "a", 1, LIES_PLAN); // least to do
    world_add(w, "b", 8, HONEST);
    world_add(w, "c", 8, HONEST);
    world_run(w, 100);
    char job[37];
    world_launch(w, job, "x", 17, 0, false, 0);
    expect_completed(w, job);
    assert_string_equal(worker_info(w, "a")->state, "Set aside");
    world_free(w);
}

static void the_plan_was_a_lie_and_its_worker_left(void **state)
{
    (void)state;
    world *w = world_new(&(world_options){.seed = 5});
    fake *a = world_add(w, "a", 5, LIES_PLAN);
    world_run(w, 100);
    char job[37];
    world_launch(w, job, "x", 5, 0, false, 0);
    run_until(w, job, "Running (Prove)");
    fake_kill(w, a);
    world_add(w, "b", 5, HONEST);
    world_add(w, "c", 5, HONEST);
    expect_completed(w, job);
    assert_true(world_job(w, job)->epoch > 0);
    world_free(w);
}

// b is asked for a range of a plan that is forgotten while it executes: it is gone, or it answers,
// or the coordinator starts anew, and in no case is it b's fault.
static void a_plan_that_is_forgotten_while_its_ranges_are_asked_for(void **state)
{
    (void)state;
    for (int what = 0; what < 3; what++) {
        world *w = world_new(&(world_options){.seed = 5, .instances = 15});
        world_add(w, "a", 5, LIES_MORE);
        fake *b = world_add(w, "b", 5, HONEST);
        world_run(w, 100);
        char job[37];
        world_launch(w, job, "x", 5, 0, false, 0);
        for (int k = 0; k < 1000 && strncmp(worker_info(w, "b")->state, "Computing", 9) != 0; k++)
            world_run(w, 10);
        fake_pause(w, b, true);
        for (int k = 0; k < 1000 && strcmp(worker_info(w, "a")->state, "Set aside") != 0; k++)
            world_run(w, 10);
        if (what == 0) {
            fake_kill(w, b);
            world_run(w, 60000);
            fake_connect(w, b);
        } else {
            if (what == 2)
                world_restart(w);
            fake_pause(w, b, false);
        }
        expect_completed(w, job);
        assert_string_equal(worker_info(w, "b")->state, "Idle");
        world_free(w);
    }
}

// The same when an election ends that plan: c has a range of it left.
static void a_plan_that_lost_an_election(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 12; seed++) {
        world *w = world_new(&(world_options){.seed = seed, .instances = 15});
        world_add(w, "a", 2, LIES_MORE); // first to answer
        world_add(w, "b", 7, LIES_MORE);
        for (size_t k = 0; k < 3; k++) {
            char id[2] = {(char)('c' + k), 0};
            world_add(w, id, 5, HONEST);
        }
        world_run(w, 100);
        char job[37];
        world_launch(w, job, "x", seed % 2 == 0 ? 9 : 14, 0, false, 0);
        expect_completed(w, job);
        for (size_t k = 0; k < 3; k++) {
            char id[2] = {(char)('c' + k), 0};
            assert_string_equal(worker_info(w, id)->state, "Idle");
        }
        world_free(w);
    }
}

static void a_refused_proof(void **state)
{
    (void)state;
    char job[37];
    world *w = start(job, 3, 1, LIES_PROOF);
    expect_completed(w, job);
    assert_int_equal(world_counts(w).set_aside, 1);
    assert_int_equal(world_job(w, job)->epoch, 0); // its contributions were true
    world_free(w);
    fails(1, 1, LIES_PROOF, "CAPACITY_LOST");
}

static void garbage(void **state)
{
    (void)state;
    completes(2, 1, LIES_GARBAGE, 1);
    completes(2, 1, LIES_RANGE, 1);
    fails(1, 1, LIES_GARBAGE, "CAPACITY_LOST");
}

static void a_refused_final_proof(void **state)
{
    (void)state;
    world *w = a_world();
    world_add(w, "a", 1, LIES_FINAL); // finishes first
    world_add(w, "b", 9, HONEST);
    world_run(w, 100);
    char job[37];
    world_launch(w, job, "x", 10, 0, false, 0);
    expect_completed(w, job);
    assert_string_equal(worker_info(w, "a")->state, "Set aside");
    world_free(w);
}

static void who_was_set_aside_gets_no_work(void **state)
{
    (void)state;
    char job[37];
    world *w = start(job, 3, 1, LIES_PROOF);
    expect_completed(w, job);
    size_t before = world_tasks_sent(w, 0);
    world_launch(w, job, "x", 10, 0, false, 0);
    expect_completed(w, job);
    assert_int_equal(world_tasks_sent(w, 0), before + 2);
    api_launch_proof_request r = API_LAUNCH_PROOF_REQUEST_INIT;
    r.compute_capacity = 11;
    assert_int_equal(world_try_launch(w, job, &r), ZK_ELIMIT);
    world_free(w);
}

static void a_worker_that_was_set_aside_and_started_anew(void **state)
{
    (void)state;
    char job[37];
    world *w = start(job, 3, 1, LIES_PROOF);
    expect_completed(w, job);
    fake *c = world_worker(w, 2);
    fake_cut(w, c, true); // the same process comes back
    world_run(w, 10000);
    assert_true(fake_is_connected(c));
    assert_string_equal(worker_info(w, "c")->state, "Set aside");
    fake_kill(w, c);
    fake_set_lie(c, HONEST);
    fake_connect(w, c);
    world_run(w, 10000);
    assert_string_equal(worker_info(w, "c")->state, "Idle");
    world_launch(w, job, "x", 15, 0, false, 0);
    expect_completed(w, job);
    world_free(w);
}

static void lies_and_a_coordinator_that_is_killed(void **state)
{
    (void)state;
    const lie lies[] = {LIES_CONTRIBUTION, LIES_WITNESS, LIES_PLAN, LIES_PROOF};
    for (size_t l = 0; l < 4; l++) {
        for (uint64_t at = 200; at < 6000; at += 450) {
            char job[37];
            world *w = start(job, 4, 1, lies[l]);
            world_run(w, at);
            world_restart(w);
            const char *end = world_finish(w, job, LONG_MS);
            assert_string_equal(end, "Completed");
            assert_true(world_proof_is_right(w, job));
            world_run(w, 60000);
            world_check(w);
            world_free(w);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_contribution_that_nobody_can_prove),
        cmocka_unit_test(a_contribution_that_changes_the_epoch),
        cmocka_unit_test(a_witness_that_does_not_add_up),
        cmocka_unit_test(a_witness_that_does_not_add_up_and_two_workers),
        cmocka_unit_test(results_of_the_past_are_removed),
        cmocka_unit_test(an_idle_worker_settles_it),
        cmocka_unit_test(plans_differ),
        cmocka_unit_test(the_first_answer_is_the_lie),
        cmocka_unit_test(the_plan_was_a_lie_and_its_worker_left),
        cmocka_unit_test(a_plan_that_is_forgotten_while_its_ranges_are_asked_for),
        cmocka_unit_test(a_plan_that_lost_an_election),
        cmocka_unit_test(a_refused_proof),
        cmocka_unit_test(garbage),
        cmocka_unit_test(a_refused_final_proof),
        cmocka_unit_test(who_was_set_aside_gets_no_work),
        cmocka_unit_test(a_worker_that_was_set_aside_and_started_anew),
        cmocka_unit_test(lies_and_a_coordinator_that_is_killed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
