// SPDX-License-Identifier: Apache-2.0 OR MIT
// Jobs without faults in a cluster in memory: choice of workers, queue, what clients ask and see.
#include "unit/coordinator/engine_expect.h"

static void single_worker(void **state)
{
    (void)state;
    world *w = a_world();
    add_workers(w, 1);
    char job[37];
    world_launch(w, job, "x", 5, 0, false, 0);
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
    assert_int_equal(world_counts(w).set_aside, 0);
    const api_job_status *s = world_job(w, job);
    assert_int_equal(s->n_assigned_workers, 4);
    assert_string_equal(s->assigned_workers[2], "c");
    assert_int_equal(s->executed_steps, 1000);
    assert_int_equal(s->proof_bytes, 1000);
    assert_int_equal(s->proof_sha256.len, 32);
    assert_true(s->duration_ms > 100);
    assert_null(s->failure);
    world_free(w);
}

static void fewer_instances_than_workers(void **state)
{
    (void)state;
    world *w = world_new(&(world_options){.seed = 1, .instances = 2});
    add_workers(w, 6);
    char job[37];
    world_launch(w, job, "xyz", 30, 0, false, 0);
    expect_completed(w, job);
    world_free(w);
}

static void minimal_capacity(void **state)
{
    (void)state;
    world *w = a_world();
    add_workers(w, 3);
    char job[37];
    world_launch(w, job, "x", 100, 12, false, 0);
    assert_int_equal(world_job(w, job)->n_assigned_workers, 3);
    expect_completed(w, job);
    world_launch(w, job, "x", 12, 0, false, 0); // the third gets what is left
    assert_int_equal(world_job(w, job)->n_assigned_workers, 3);
    expect_completed(w, job);
    world_launch(w, job, "x", 10, 0, false, 0);
    assert_int_equal(world_job(w, job)->n_assigned_workers, 2);
    expect_completed(w, job);
    world_free(w);
}

static void expect_refused(world *w, const api_launch_proof_request *r, status s, const char *text)
{
    char job[37];
    assert_int_equal(world_try_launch(w, job, r), s);
    if (strstr(status_message(), text) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", status_message(), text);
}

static void insufficient_capacity(void **state)
{
    (void)state;
    world *w = a_world();
    api_launch_proof_request r = API_LAUNCH_PROOF_REQUEST_INIT;
    r.compute_capacity = 11;
    expect_refused(w, &r, ZK_ELIMIT, "Insufficient compute capacity");
    add_workers(w, 2);
    expect_refused(w, &r, ZK_ELIMIT, "Insufficient compute capacity");
    r.minimal_compute_capacity = 10;
    char job[37];
    assert_int_equal(world_try_launch(w, job, &r), ZK_OK);
    expect_refused(w, &r, ZK_ELIMIT, "Insufficient compute capacity");
    expect_completed(w, job);
    world_free(w);
}

static void bad_requests(void **state)
{
    (void)state;
    world *w = a_world();
    add_workers(w, 1);
    api_launch_proof_request r = API_LAUNCH_PROOF_REQUEST_INIT;
    expect_refused(w, &r, ZK_EINVAL, "Compute capacity must be greater than zero");
    r.compute_capacity = 3;
    r.minimal_compute_capacity = 4;
    expect_refused(w, &r, ZK_EINVAL, "must not exceed");
    r.minimal_compute_capacity = 0;
    r.inputs_mode = ZISK__DISTRIBUTED__API__V1__INPUT_MODE__INPUT_MODE_PATH;
    expect_refused(w, &r, ZK_EINVAL, "inputs_uri is missing");
    r.inputs_mode = ZISK__DISTRIBUTED__API__V1__INPUT_MODE__INPUT_MODE_DATA;
    expect_refused(w, &r, ZK_EINVAL, "no input was uploaded");
    uint8_t digest[32] = {1};
    r.input_digest = (ProtobufCBinaryData){32, digest};
    expect_refused(w, &r, ZK_EINVAL, "no input with this digest");
    r.input_digest.len = 31;
    expect_refused(w, &r, ZK_EINVAL, "31 bytes");
    r.input_digest.len = 0;
    r.inputs_mode = ZISK__DISTRIBUTED__API__V1__INPUT_MODE__INPUT_MODE_NONE;
    r.hints_mode = ZISK__DISTRIBUTED__API__V1__HINTS_MODE__HINTS_MODE_PATH;
    expect_refused(w, &r, ZK_EINVAL, "hints");
    r.hints_mode = ZISK__DISTRIBUTED__API__V1__HINTS_MODE__HINTS_MODE_NONE;
    r.program_digest = (ProtobufCBinaryData){32, digest};
    expect_refused(w, &r, ZK_ELIMIT, "Insufficient");
    assert_int_equal(engine_n_jobs(world_engine(w)), 0);
    world_free(w);
}

static void queue_goes_by_priority_then_age(void **state)
{
    (void)state;
    world *w = a_world();
    add_workers(w, 1);
    char jobs[4][37];
    world_launch(w, jobs[0], "x", 5, 0, true, 0);
    world_launch(w, jobs[1], "x", 5, 0, true, 1);
    world_launch(w, jobs[2], "x", 5, 0, true, 7);
    world_launch(w, jobs[3], "x", 5, 0, true, 1);
    assert_string_equal(world_job(w, jobs[0])->state, "Running (Contributions)");
    assert_int_equal(engine_n_queued(world_engine(w)), 3);
    assert_string_equal(engine_queued_at(world_engine(w), world_now(w), 0)->job_id, jobs[2]);
    assert_int_equal(world_job(w, jobs[2])->queue_position, 1);
    assert_int_equal(world_job(w, jobs[1])->queue_position, 2);
    assert_int_equal(world_job(w, jobs[3])->queue_position, 3);
    api_launch_proof_request r = API_LAUNCH_PROOF_REQUEST_INIT;
    r.compute_capacity = 1;
    expect_refused(w, &r, ZK_ELIMIT, "Insufficient"); // it does not overtake
    const int order[] = {0, 2, 1, 3};
    for (int k = 0; k < 4; k++) {
        for (int later = k + 1; later < 4; later++)
            assert_string_equal(world_job(w, jobs[order[later]])->state, "Queued");
        assert_string_equal(world_finish(w, jobs[order[k]], LONG_MS), "Completed");
        world_run(w, 10);
    }
    for (int k = 0; k < 4; k++)
        expect_completed(w, jobs[k]);
    world_free(w);
}

static void the_head_of_the_queue_is_not_overtaken(void **state)
{
    (void)state;
    world *w = a_world();
    add_workers(w, 2);
    char running[37], large[37], small[37];
    world_launch(w, running, "x", 5, 0, true, 0);
    world_launch(w, large, "x", 10, 0, true, 0);
    world_launch(w, small, "x", 5, 0, true, 0);
    assert_string_equal(world_job(w, large)->state, "Queued");
    assert_string_equal(world_job(w, small)->state, "Queued");
    assert_non_null(strstr(worker_info(w, "b")->reason, "queue needs more capacity"));
    run_until(w, large, "Running (Contributions)");
    assert_string_equal(world_job(w, running)->state, "Completed");
    assert_string_equal(world_job(w, small)->state, "Queued");
    expect_completed(w, large);
    expect_completed(w, small);
    world_free(w);
}

static void twenty_jobs_at_once(void **state)
{
    (void)state;
    world *w = a_world();
    add_workers(w, 4);
    char jobs[20][37];
    for (uint32_t k = 0; k < 20; k++)
        world_launch(w, jobs[k], "many", 1 + k * 7 % 20, 1, true, 0);
    for (uint32_t k = 0; k < 20; k++)
        expect_completed(w, jobs[k]);
    for (uint32_t k = 1; k < 20; k++) // equal priority: nobody started before an older one
        assert_true(world_job(w, jobs[k])->start_time >= world_job(w, jobs[k - 1])->start_time);
    world_free(w);
}

static void cancel_a_waiting_and_a_running_job(void **state)
{
    (void)state;
    world *w = a_world();
    add_workers(w, 2);
    char first[37], second[37], third[37];
    world_launch(w, first, "x", 10, 0, true, 0);
    world_launch(w, second, "x", 10, 0, true, 0);
    world_launch(w, third, "x", 10, 0, true, 0);
    world_run(w, 300);
    assert_int_equal(engine_cancel(world_engine(w), world_now(w), second, "not needed"), ZK_OK);
    assert_string_equal(world_job(w, second)->state, "Cancelled");
    assert_string_equal(world_job(w, second)->failure->message, "not needed");
    assert_int_equal(engine_cancel(world_engine(w), world_now(w), first, NULL), ZK_OK);
    assert_string_equal(world_job(w, first)->state, "Cancelled");
    assert_string_equal(world_job(w, third)->state, "Queued"); // until the workers have stopped
    world_run(w, 10);
    assert_string_equal(world_job(w, third)->state, "Running (Contributions)");
    expect_completed(w, third);
    expect_failed(w, first, "CANCELLED");
    expect_failed(w, second, "CANCELLED");
    assert_int_equal(engine_cancel(world_engine(w), world_now(w), third, NULL), ZK_OK);
    assert_string_equal(world_job(w, third)->state, "Completed");
    assert_int_equal(engine_cancel(world_engine(w), world_now(w), "none", NULL), ZK_EINVAL);
    world_free(w);
}

static void the_same_request_is_the_same_job(void **state)
{
    (void)state;
    world *w = a_world();
    add_workers(w, 2);
    api_launch_proof_request r = API_LAUNCH_PROOF_REQUEST_INIT;
    r.data_id = (char *)"x";
    r.compute_capacity = 5;
    uint8_t id[3] = {1, 2, 3};
    r.request_id = (ProtobufCBinaryData){3, id};
    char job[37], again[37];
    assert_int_equal(world_try_launch(w, job, &r), ZK_OK);
    assert_int_equal(world_try_launch(w, again, &r), ZK_OK);
    assert_string_equal(job, again);
    world_restart(w);
    assert_int_equal(world_try_launch(w, again, &r), ZK_OK);
    assert_string_equal(job, again);
    id[2] = 4;
    world_run(w, 3000);
    assert_int_equal(world_try_launch(w, again, &r), ZK_OK);
    assert_string_not_equal(job, again);
    expect_completed(w, again);
    world_free(w);
}

// Jobs wait in memory: what stands in a request beside what it needs is bounded too.
static void a_request_is_small(void **state)
{
    (void)state;
    world *w = a_world();
    add_workers(w, 1);
    static char text[100001];
    memset(text, 'x', sizeof text - 1);
    api_launch_proof_request r = API_LAUNCH_PROOF_REQUEST_INIT;
    r.compute_capacity = 5;
    r.inputs_uri = text;
    r._inputs_uri_case = ZISK__DISTRIBUTED__API__V1__LAUNCH_PROOF_REQUEST___INPUTS_URI_INPUTS_URI;
    char job[37];
    assert_int_equal(world_try_launch(w, job, &r), ZK_EINVAL);
    text[60000] = 0;
    assert_int_equal(world_try_launch(w, job, &r), ZK_OK);
    expect_completed(w, job);
    world_free(w);
}

static void no_more_workers_than_allowed(void **state)
{
    (void)state;
    world *w = world_new(&(world_options){.limits = {.max_workers_per_job = 2}});
    world_add(w, "a", 1, HONEST);
    world_add(w, "b", 1, HONEST);
    world_add(w, "c", 4, HONEST);
    world_run(w, 100);
    char job[37];
    world_launch(w, job, "x", 5, 0, false, 0);
    assert_int_equal(world_job(w, job)->n_assigned_workers, 2);
    assert_string_equal(world_job(w, job)->assigned_workers[1], "c");
    expect_completed(w, job);
    world_free(w);
}

static void programs_are_not_mixed(void **state)
{
    (void)state;
    world *w = a_world();
    fake_set_program(world_add(w, "a", 5, HONEST), 1, 1);
    fake *b = world_add(w, "b", 5, HONEST);
    fake_kill(w, b);
    fake_set_program(b, 2, 2);
    fake_connect(w, b);
    world_run(w, 100);
    api_launch_proof_request r = API_LAUNCH_PROOF_REQUEST_INIT;
    r.data_id = (char *)"x";
    r.compute_capacity = 5;
    expect_refused(w, &r, ZK_EINVAL, "different programs");
    uint8_t digest[32];
    memset(digest, 2, sizeof digest);
    r.program_digest = (ProtobufCBinaryData){32, digest};
    char job[37];
    assert_int_equal(world_try_launch(w, job, &r), ZK_OK);
    assert_string_equal(world_job(w, job)->assigned_workers[0], "b");
    expect_completed(w, job);
    world_free(w);
}

static void another_key_for_the_same_program_is_refused(void **state)
{
    (void)state;
    world *w = a_world();
    add_workers(w, 1);
    fake *b = world_add(w, "b", 5, HONEST);
    fake_kill(w, b);
    fake_set_program(b, 1, 9);
    fake_connect(w, b);
    world_run(w, 100);
    assert_string_equal(worker_info(w, "b")->state, "Disconnected");
    char job[37];
    world_launch(w, job, "x", 5, 0, false, 0);
    expect_completed(w, job);
    assert_string_equal(worker_info(w, "b")->state, "Disconnected");
    world_free(w);
}

static void workers_of_the_original_wait_for_ever(void **state)
{
    (void)state;
    world *w = a_world();
    fake *f = world_add(w, "a", 5, HONEST);
    fake_kill(w, f);
    world_run(w, 100);
    api_worker_register_request r = API_WORKER_REGISTER_REQUEST_INIT;
    api_compute_capacity c = API_COMPUTE_CAPACITY_INIT;
    c.compute_units = 5;
    r.worker_id = (char *)"old";
    r.compute_capacity = &c;
    world_register_raw(w, f, &r);
    world_run(w, 100);
    assert_string_equal(worker_info(w, "old")->state, "Idle");
    assert_non_null(strstr(worker_info(w, "old")->reason, "not a worker of this project"));
    api_launch_proof_request l = API_LAUNCH_PROOF_REQUEST_INIT;
    l.compute_capacity = 1;
    expect_refused(w, &l, ZK_ELIMIT, "Insufficient");
    world_free(w);
}

static void simulated_node(void **state)
{
    (void)state;
    world *w = a_world();
    add_workers(w, 1);
    api_launch_proof_request r = API_LAUNCH_PROOF_REQUEST_INIT;
    r.data_id = (char *)"x";
    r.compute_capacity = 12;
    r._simulated_node_case =
        ZISK__DISTRIBUTED__API__V1__LAUNCH_PROOF_REQUEST___SIMULATED_NODE_SIMULATED_NODE;
    r.simulated_node = 3;
    expect_refused(w, &r, ZK_EINVAL, "out of range");
    for (uint32_t k = 0; k < 3; k++) {
        r.simulated_node = k;
        char job[37];
        assert_int_equal(world_try_launch(w, job, &r), ZK_OK);
        assert_string_equal(world_finish(w, job, LONG_MS), "Completed");
        uint8_t sha[32];
        uint64_t bytes;
        assert_false(engine_proof(world_engine(w), job, sha, &bytes));
        expect_rest(w, job);
    }
    assert_int_equal(world_tasks_sent(w, 2), 0);
    world_add(w, "b", 5, HONEST);
    world_run(w, 100);
    expect_refused(w, &r, ZK_EINVAL, "exactly one worker");
    world_free(w);
}

static void a_drain_lets_running_jobs_end(void **state)
{
    (void)state;
    world *w = a_world();
    add_workers(w, 1);
    char running[37], waiting[37];
    world_launch(w, running, "x", 5, 0, true, 0);
    world_launch(w, waiting, "x", 5, 0, true, 0);
    assert_false(engine_drain(world_engine(w)));
    api_launch_proof_request r = API_LAUNCH_PROOF_REQUEST_INIT;
    r.compute_capacity = 5;
    expect_refused(w, &r, ZK_ECANCELED, "shutting down");
    expect_completed(w, running);
    assert_true(engine_drain(world_engine(w)));
    assert_string_equal(world_job(w, waiting)->state, "Queued");
    world_restart(w);
    expect_completed(w, waiting);
    world_free(w);
}

static void a_wait_in_the_queue_ends(void **state)
{
    (void)state;
    world *w = a_world();
    api_launch_proof_request r = API_LAUNCH_PROOF_REQUEST_INIT;
    r.compute_capacity = 5;
    r.queue = true;
    r.queue_seconds = 30;
    char job[37];
    assert_int_equal(world_try_launch(w, job, &r), ZK_OK);
    world_run(w, 29000);
    assert_string_equal(world_job(w, job)->state, "Queued");
    expect_failed(w, job, "QUEUE_TIMEOUT");
    world_free(w);
}

static void clients_see_progress(void **state)
{
    (void)state;
    world *w = world_new(&(world_options){.instances = 40});
    add_workers(w, 2);
    char job[37];
    world_launch(w, job, "x", 10, 0, false, 0);
    const api_job_status *s = world_job(w, job);
    while (s->progress->steps_done == 0) {
        assert_int_equal(s->progress->instances_total, 0);
        world_run(w, 10);
        s = world_job(w, job);
    }
    assert_int_equal(s->progress->steps_done, 500);
    while (s->progress->instances_total == 0) {
        assert_int_equal(s->progress->steps_done, 500);
        world_run(w, 10);
        s = world_job(w, job);
    }
    assert_string_equal(s->state, "Running (Contributions)");
    assert_int_equal(s->executed_steps, 0); // no answer has come: all of this is the workers' word
    assert_int_equal(s->progress->steps_done, 0);
    assert_int_equal(s->progress->instances_total, 41);
    assert_in_range(s->progress->instances_done, 1, 40);
    assert_true(s->progress->time_left_ms > 0);
    run_until(w, job, "Running (Prove)");
    world_run(w, 400);
    s = world_job(w, job);
    assert_string_equal(s->phase, "Prove");
    assert_in_range(s->progress->instances_done, 1, 40);
    assert_int_equal(s->progress->instances_total, 41);
    assert_true(s->progress->time_left_ms > 0 && s->progress->phase_elapsed_ms > 0);
    assert_int_equal(s->progress->n_workers, 2);
    assert_string_equal(s->progress->workers[0]->worker_id, "a");
    assert_in_range(s->progress->workers[0]->instances_done, 1, 20);
    assert_in_range(s->progress->workers[0]->instances_total, 20, 21);
    assert_string_equal(worker_info(w, "a")->state, "Computing(Prove)");
    assert_string_equal(worker_info(w, "a")->job_id, job);
    api_system_status all;
    engine_system_status(world_engine(w), &all);
    assert_int_equal(all.busy_workers, 2);
    assert_int_equal(all.compute_capacity, 10);
    assert_int_equal(all.active_jobs, 1);
    expect_completed(w, job);
    assert_string_equal(worker_info(w, "a")->reason, "no job waits");
    world_free(w);
}

static void expect_no_run(world *w)
{
    world_run(w, 100);
    for (size_t k = 0; k < world_n_workers(w); k++) {
        assert_true(fake_is_connected(world_worker(w, k)));
        assert_false(fake_has_run(world_worker(w, k)));
    }
    world_check(w);
}

// Memory of a job is given back when it is over, not when the next one comes.
static void no_worker_keeps_the_run_of_a_job_that_is_over(void **state)
{
    (void)state;
    world *w = world_new(&(world_options){.seed = 1, .instances = 40});
    world_add(w, "a", 1, HONEST);
    world_add(w, "b", 6, HONEST);
    world_add(w, "c", 6, HONEST);
    world_run(w, 100);
    char job[37];
    for (int away = 0; away < 2; away++) {
        world_launch(w, job, "x", 13, 0, false, 0);
        run_until(w, job, "Running (Aggregate)");
        for (int k = 0; k < 100 && strcmp(worker_info(w, "b")->state, "Idle") != 0; k++)
            world_run(w, 20);
        assert_true(fake_has_run(world_worker(w, 1))); // it may be needed again
        if (away)
            fake_cut(w, world_worker(w, 1), true);
        assert_string_equal(world_finish(w, job, LONG_MS), "Completed");
        world_run(w, away ? 3000 : 0);
        expect_no_run(w);
    }
    // It was cancelled.
    world_launch(w, job, "x", 13, 0, false, 0);
    run_until(w, job, "Running (Prove)");
    assert_int_equal(engine_cancel(world_engine(w), world_now(w), job, "enough"), ZK_OK);
    expect_no_run(w);
    // It ended while a worker was away, or the coordinator did.
    for (int restart = 0; restart < 2; restart++) {
        world_launch(w, job, "x", 13, 0, false, 0);
        run_until(w, job, "Running (Prove)");
        fake_cut(w, world_worker(w, 1), true);
        world_run(w, 5);
        assert_int_equal(engine_cancel(world_engine(w), world_now(w), job, "enough"), ZK_OK);
        if (restart)
            world_restart(w);
        world_run(w, 3000);
        expect_no_run(w);
    }
    world_free(w);
}

static void the_end_is_told_until_it_was_heard(void **state)
{
    (void)state;
    world *w = world_new(&(world_options){.limits = {.job_retention_ms = 1000000}});
    add_workers(w, 1);
    char job[37];
    world_launch(w, job, "x", 5, 0, false, 0);
    expect_completed(w, job);
    world_restart(w);
    world_run(w, 10);
    assert_int_equal(world_over_calls(w, job), 2);
    engine_notified(world_engine(w), job);
    world_restart(w);
    world_run(w, 10);
    assert_int_equal(world_over_calls(w, job), 2);
    assert_true(world_proof_is_right(w, job));
    world_run(w, 1100000);
    assert_null(engine_job(world_engine(w), world_now(w), job)); // forgotten
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(single_worker),
        cmocka_unit_test(four_uneven_workers),
        cmocka_unit_test(fewer_instances_than_workers),
        cmocka_unit_test(minimal_capacity),
        cmocka_unit_test(insufficient_capacity),
        cmocka_unit_test(bad_requests),
        cmocka_unit_test(queue_goes_by_priority_then_age),
        cmocka_unit_test(the_head_of_the_queue_is_not_overtaken),
        cmocka_unit_test(twenty_jobs_at_once),
        cmocka_unit_test(cancel_a_waiting_and_a_running_job),
        cmocka_unit_test(the_same_request_is_the_same_job),
        cmocka_unit_test(a_request_is_small),
        cmocka_unit_test(no_more_workers_than_allowed),
        cmocka_unit_test(programs_are_not_mixed),
        cmocka_unit_test(another_key_for_the_same_program_is_refused),
        cmocka_unit_test(workers_of_the_original_wait_for_ever),
        cmocka_unit_test(simulated_node),
        cmocka_unit_test(a_drain_lets_running_jobs_end),
        cmocka_unit_test(a_wait_in_the_queue_ends),
        cmocka_unit_test(clients_see_progress),
        cmocka_unit_test(no_worker_keeps_the_run_of_a_job_that_is_over),
        cmocka_unit_test(the_end_is_told_until_it_was_heard),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
