// SPDX-License-Identifier: Apache-2.0 OR MIT
// Whatever workers say or do, and however often: a job ends, in a proof or in a typed error.
#include "unit/coordinator/engine_expect.h"

enum { TIMEOUT_MS = 5000, TIMEOUTS = 20, TASK_MS = TIMEOUT_MS * TIMEOUTS };

static world *a_bounded_world(void)
{
    return world_new(
        &(world_options){.limits = {.phase_timeout_ms = {TIMEOUT_MS, TIMEOUT_MS, TIMEOUT_MS},
                                    .max_workers_per_job = 2,
                                    .task_timeouts = TIMEOUTS}});
}

static uint64_t complete(world *w, const char *job)
{
    uint64_t start = world_now(w);
    assert_string_equal(world_finish(w, job, LONG_MS), "Completed");
    uint64_t took = world_now(w) - start;
    expect_completed(w, job);
    return took;
}

// Numbers that grow without end keep a task of contributions for its whole time, and no longer.
static void made_up_progress_of_contributions(void **state)
{
    (void)state;
    world *w = a_bounded_world();
    add_workers(w, 2);
    fake_set_lie(world_worker(w, 1), PRETENDS);
    char job[37];
    world_launch(w, job, "x", 10, 0, false, 0);
    uint64_t took = complete(w, job);
    assert_in_range(took, 2 * TIMEOUT_MS, TASK_MS + 3 * TIMEOUT_MS); // it is believed for a while
    assert_int_equal(world_counts(w).losses, 0);
    world_free(w);
}

static void made_up_progress_of_the_only_worker(void **state)
{
    (void)state;
    world *w = a_bounded_world();
    add_workers(w, 1);
    fake_set_lie(world_worker(w, 0), PRETENDS);
    char job[37];
    world_launch(w, job, "x", 5, 0, false, 0);
    expect_failed(w, job, "PHASE1_TIMEOUT");
    assert_non_null(strstr(world_job(w, job)->failure->message, "whatever it reported"));
    world_free(w);
}

// Proofs count when they come, so words about them stretch nothing. The same at an aggregation
// that has all pieces.
static void made_up_progress_of_proofs(void **state)
{
    (void)state;
    static const char *const phases[] = {"Running (Prove)", "Running (Aggregate)"};
    for (int p = 0; p < 2; p++) {
        world *w = a_bounded_world();
        add_workers(w, 2);
        char job[37];
        world_launch(w, job, "x", 10, 0, false, 0);
        run_until(w, job, phases[p]);
        for (size_t k = 0; k < 2; k++)
            fake_set_lie(world_worker(w, k), k == 0 || p == 1 ? PRETENDS : HONEST);
        world_run(w, TIMEOUT_MS + 3000);
        if (p == 0)
            assert_true(world_counts(w).tasks_moved > 0);
        fake_set_lie(world_worker(w, 1), HONEST);
        assert_in_range(complete(w, job), 0, TASK_MS + 3 * TIMEOUT_MS);
        world_free(w);
    }
}

// What was checked is no lie: who delivers proof after proof has all the time that they take.
static void accepted_proofs_take_their_time(void **state)
{
    (void)state;
    world *w = world_new(&(world_options){
        .instances = 300,
        .limits = {.phase_timeout_ms = {100000, TIMEOUT_MS, TIMEOUT_MS}, .task_timeouts = 1}});
    add_workers(w, 1);
    char job[37];
    world_launch(w, job, "x", 5, 0, false, 0);
    run_until(w, job, "Running (Prove)");
    assert_in_range(complete(w, job), 2 * TIMEOUT_MS, LONG_MS);
    assert_int_equal(world_counts(w).tasks_moved, 0);
    world_free(w);
}

// A share that moves has a known size, and programs have a limit of steps (10000 here, 1000 of them
// are made up in a second): what is reported beyond is no progress.
static void made_up_progress_beyond_the_task(void **state)
{
    (void)state;
    world *w = a_bounded_world();
    add_workers(w, 2);
    char job[37];
    world_launch(w, job, "x", 10, 0, false, 0);
    run_until(w, job, "Running (Prove)");
    fake *c = world_add(w, "c", 5, PRETENDS);
    world_run(w, 20);
    fake_kill(w, world_worker(w, 1));
    world_run(w, 25000); // after the grace its share moves to c
    assert_true(fake_is_busy(c));
    assert_in_range(complete(w, job), 0, 10000 + 2 * TIMEOUT_MS);
    world_free(w);
}

// It is away whenever somebody looks, and back before its grace is over.
static void a_connection_that_comes_and_goes(void **state)
{
    (void)state;
    world *w = a_bounded_world();
    add_workers(w, 2);
    fake *b = world_worker(w, 1);
    char job[37];
    uint64_t begun = world_now(w);
    world_launch(w, job, "x", 10, 0, false, 0);
    world_run(w, 300); // it has begun
    fake_set_lie(b, STALLS);
    for (int k = 0; k < 1000 && strcmp(world_job(w, job)->state, "Completed") != 0; k++) {
        world_run(w, 998 - world_now(w) % 1000); // ticks are at full seconds
        fake_cut(w, b, true);
        world_run(w, 4);
        if (!fake_is_connected(b))
            fake_connect(w, b);
        world_run(w, 100);
    }
    assert_in_range(world_now(w) - begun, 2 * TIMEOUT_MS, TASK_MS + 3 * TIMEOUT_MS);
    expect_completed(w, job);
    world_free(w);
}

// One process after the other under the same name, or each under a name of its own.
static void come_and_go(lie l, bool new_names, size_t tasks)
{
    world *w = world_new(&(world_options){.limits = {.max_workers_per_job = 3}});
    fake *f = world_add(w, "w", 5, l);
    world_run(w, 100);
    char job[37], id[16];
    world_launch(w, job, "x", 5, 0, false, 0);
    for (size_t n = 0; n < 100 && strcmp(world_job(w, job)->state, "Failed") != 0; n++) {
        world_run(w, 1000);
        if (l == STALLS)
            fake_leave(w, f);
        world_run(w, 100);
        fake_kill(w, f);
        world_run(w, 1000);
        snprintf(id, sizeof id, "w%zu", n);
        if (new_names)
            f = world_add(w, id, 5, l);
        else
            fake_connect(w, f);
        world_run(w, 100);
    }
    expect_failed(w, job, "WORKER_FAILURE");
    assert_in_range(world_tasks_sent(w, 0), 3, tasks);
    world_free(w);
}

static void leaving_again_and_again(void **state)
{
    (void)state;
    come_and_go(STALLS, false, 4);     // once for nothing, then three tries
    come_and_go(STALLS, true, 10);     // three times three, and one more
    come_and_go(LIES_RANGE, false, 4); // set aside instead
    come_and_go(LIES_RANGE, true, 10);
}

// Who goes politely costs nothing, even where a share may be tried but once.
static void a_drain_of_all_workers(void **state)
{
    (void)state;
    world *w = world_new(
        &(world_options){.instances = 40, .limits = {.max_attempts = 1, .max_workers_per_job = 6}});
    add_workers(w, 3);
    char job[37];
    world_launch(w, job, "x", 15, 0, false, 0);
    run_until(w, job, "Running (Prove)");
    for (size_t k = 0; k < 3; k++) {
        world_run(w, 200);
        fake_leave(w, world_worker(w, k));
        world_run(w, 20);
        fake_kill(w, world_worker(w, k));
        fake_connect(w, world_worker(w, k));
    }
    expect_completed(w, job);
    world_free(w);
}

// A worker that returns with n tasks that nobody knows. Whether it is taken.
static bool returns_with(size_t n)
{
    world *w = a_world();
    fake *f = world_add(w, "a", 5, HONEST);
    world_run(w, 100);
    fake_kill(w, f);
    world_run(w, 100);
    api_task_progress one = API_TASK_PROGRESS_INIT;
    one.job_id = (char *)"no job";
    api_task_progress **tasks = calloc(n, sizeof *tasks);
    for (size_t k = 0; k < n; k++)
        tasks[k] = &one;
    api_worker_reconnect_request r = API_WORKER_RECONNECT_REQUEST_INIT;
    r.worker_id = (char *)"b";
    r.tasks = tasks;
    r.n_tasks = n;
    world_reconnect_raw(w, f, &r);
    free(tasks);
    world_run(w, 100);
    bool taken = engine_n_workers(world_engine(w)) == 2;
    assert_int_equal(taken, fake_is_connected(f));
    world_free(w);
    return taken;
}

static void a_reconnect_with_a_long_list(void **state)
{
    (void)state;
    assert_true(returns_with(65536));
    assert_false(returns_with(65537));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(made_up_progress_of_contributions),
        cmocka_unit_test(made_up_progress_of_the_only_worker),
        cmocka_unit_test(made_up_progress_of_proofs),
        cmocka_unit_test(accepted_proofs_take_their_time),
        cmocka_unit_test(made_up_progress_beyond_the_task),
        cmocka_unit_test(a_connection_that_comes_and_goes),
        cmocka_unit_test(leaving_again_and_again),
        cmocka_unit_test(a_drain_of_all_workers),
        cmocka_unit_test(a_reconnect_with_a_long_list),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
