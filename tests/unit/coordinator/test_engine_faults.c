// SPDX-License-Identifier: Apache-2.0 OR MIT
// Workers that are lost, stall, err or leave, a coordinator that crashes, a disk that is full.
#include "cluster/messages.h"
#include "unit/coordinator/engine_expect.h"

static const char *const phases[] = {"Running (Contributions)", "Running (Prove)",
                                     "Running (Aggregate)"};

// Starts a job over all workers and runs it to a phase, and a little into it.
static void start(world *w, char job[37], const char *phase)
{
    world_launch(w, job, "x", 15, 1, false, 0);
    run_until(w, job, phase);
    world_run(w, 90);
    assert_string_equal(world_job(w, job)->state, phase);
}

static void a_worker_is_killed_in_each_phase(void **state)
{
    (void)state;
    for (int p = 0; p < 3; p++) {
        for (size_t victim = 0; victim < 3; victim++) {
            world *w = world_new(&(world_options){.seed = victim, .instances = 20});
            add_workers(w, 3);
            char job[37];
            start(w, job, phases[p]);
            fake_kill(w, world_worker(w, victim));
            expect_completed(w, job);
            assert_int_equal(world_job(w, job)->epoch, 0);
            world_free(w);
        }
    }
}

static void a_killed_worker_comes_back_empty(void **state)
{
    (void)state;
    for (int p = 0; p < 3; p++) {
        world *w = world_new(&(world_options){.instances = 20});
        add_workers(w, 2);
        char job[37];
        start(w, job, phases[p]);
        fake_kill(w, world_worker(w, 1));
        world_run(w, 1000);
        fake_connect(w, world_worker(w, 1));
        expect_completed(w, job);
        assert_true(world_now(w) % 1700000000000 < 15000 + 60000);
        world_free(w);
    }
}

// Nobody is accused, nothing is proved again, and the proof is the same.
static void checks_that_find_no_memory_come_again(void **state)
{
    (void)state;
    for (int restarted = 0; restarted < 2; restarted++) {
        world *w = world_new(&(world_options){.seed = 3, .instances = 20});
        add_workers(w, 3);
        char job[37];
        start(w, job, phases[1]);
        if (restarted)
            world_restart(w);
        world_undecided(w, 100); // several times for each of them, and the sum
        expect_completed(w, job);
        assert_int_equal(world_counts(w).set_aside, 0);
        assert_int_equal(world_counts(w).tasks_moved, 0);
        assert_int_equal(world_job(w, job)->epoch, 0);
        world_free(w);
    }
}

static void checks_that_never_find_memory_end_the_job(void **state)
{
    (void)state;
    world *w = world_new(&(world_options){.seed = 3, .instances = 20});
    add_workers(w, 3);
    char job[37];
    start(w, job, phases[1]);
    world_undecided(w, SIZE_MAX);
    expect_failed(w, job, "CHECK_FAILED");
    assert_int_equal(world_counts(w).set_aside, 0);
    world_undecided(w, 0);
    world_launch(w, job, "y", 15, 1, false, 0);
    expect_completed(w, job);
    world_free(w);
}

static void the_aggregator_is_killed(void **state)
{
    (void)state;
    for (int idle = 0; idle < 2; idle++) {
        world *w = world_new(&(world_options){.instances = 20});
        world_add(w, "a", 3, HONEST);
        world_add(w, "b", 12, HONEST);
        world_run(w, 100);
        char job[37];
        world_launch(w, job, "x", 15, 0, false, 0);
        run_until(w, job, "Running (Aggregate)");
        if (idle)
            world_add(w, "c", 5, HONEST);
        world_run(w, 30);
        fake_kill(w, world_worker(w, 0)); // it finished first
        expect_completed(w, job);
        assert_int_equal(world_job(w, job)->epoch, 0);
        world_free(w);
    }
}

static void everybody_is_killed_and_comes_back(void **state)
{
    (void)state;
    for (int p = 0; p < 3; p++) {
        world *w = a_world();
        add_workers(w, 3);
        char job[37];
        start(w, job, phases[p]);
        for (size_t k = 0; k < 3; k++)
            fake_kill(w, world_worker(w, k));
        world_run(w, 30000);
        fake_connect(w, world_worker(w, 1));
        expect_completed(w, job);
        world_free(w);
    }
}

static void capacity_never_returns(void **state)
{
    (void)state;
    world *w = a_world();
    add_workers(w, 1);
    char job[37];
    start(w, job, phases[1]);
    fake_kill(w, world_worker(w, 0));
    expect_failed(w, job, "CAPACITY_LOST");
    world_free(w);
}

static void a_short_loss_of_connection_moves_nothing(void **state)
{
    (void)state;
    for (int p = 0; p < 3; p++) {
        world *w = a_world();
        add_workers(w, 3);
        char job[37];
        start(w, job, phases[p]);
        for (size_t k = 0; k < 3; k++)
            fake_cut(w, world_worker(w, k), k != 1);
        expect_completed(w, job);
        assert_int_equal(world_counts(w).tasks_moved, 0);
        world_free(w);
    }
}

static void answers_lost_on_the_wire_are_sent_again(void **state)
{
    (void)state;
    for (int p = 0; p < 2; p++) {
        world *w = a_world();
        add_workers(w, 2);
        char job[37];
        start(w, job, phases[p]);
        for (size_t k = 0; k < 2; k++)
            fake_hold_answers(world_worker(w, k), true);
        world_run(w, 3000);
        for (size_t k = 0; k < 2; k++) {
            fake_hold_answers(world_worker(w, k), false);
            fake_cut(w, world_worker(w, k), true);
        }
        expect_completed(w, job);
        assert_int_equal(world_counts(w).tasks_moved, 0);
        world_free(w);
    }
}

static void who_comes_back_late_finds_its_work_gone(void **state)
{
    (void)state;
    world *w = world_new(&(world_options){.instances = 60, .limits = {.reconnect_grace_ms = 300}});
    add_workers(w, 2);
    char job[37];
    start(w, job, phases[1]);
    fake_cut(w, world_worker(w, 1), true);
    world_run(w, 400);
    assert_true(world_counts(w).tasks_moved > 0);
    expect_completed(w, job);
    world_free(w);
}

static void a_cut_that_nobody_saw_ends_by_heartbeats(void **state)
{
    (void)state;
    world *w = world_new(&(world_options){.instances = 30});
    add_workers(w, 2);
    char job[37];
    start(w, job, phases[1]);
    fake *f = world_worker(w, 1);
    fake_pause(w, f, true); // it does not come back by itself
    fake_cut(w, f, false);
    fake_freeze(f);
    world_run(w, 40000);
    assert_string_equal(worker_info(w, "b")->state, "Disconnected");
    assert_non_null(strstr(worker_info(w, "b")->reason, "heartbeat"));
    expect_completed(w, job);
    world_free(w);
}

static void a_stopped_worker_is_replaced(void **state)
{
    (void)state;
    for (int p = 0; p < 3; p++) {
        world *w = world_new(&(world_options){.instances = 20});
        add_workers(w, 3);
        char job[37];
        start(w, job, phases[p]);
        fake_pause(w, world_worker(w, 1), true);
        world_run(w, 120000);
        assert_string_equal(world_job(w, job)->state, "Completed");
        fake_pause(w, world_worker(w, 1), false);
        expect_completed(w, job);
        assert_string_equal(worker_info(w, "b")->state, "Idle");
        world_free(w);
    }
}

static void a_stalled_worker_is_replaced_by_timeout(void **state)
{
    (void)state;
    world *w = world_new(&(world_options){.limits = {.phase_timeout_ms = {5000, 5000, 5000}}});
    add_workers(w, 2);
    fake_set_lie(world_worker(w, 0), STALLS);
    char job[37];
    start(w, job, phases[0]);
    expect_completed(w, job);
    assert_true(world_counts(w).tasks_moved > 0);
    assert_int_equal(world_counts(w).losses, 0); // it answers heartbeats
    world_free(w);
}

static void the_only_worker_stalls(void **state)
{
    (void)state;
    world *w = world_new(&(world_options){.limits = {.phase_timeout_ms = {5000, 5000, 5000}}});
    add_workers(w, 1);
    fake_set_lie(world_worker(w, 0), STALLS);
    char job[37];
    world_launch(w, job, "x", 5, 0, false, 0);
    expect_failed(w, job, "PHASE1_TIMEOUT");
    fake_set_lie(world_worker(w, 0), HONEST);
    world_launch(w, job, "x", 5, 0, false, 0);
    run_until(w, job, phases[1]);
    fake_set_lie(world_worker(w, 0), STALLS);
    expect_failed(w, job, "PHASE2_TIMEOUT");
    world_free(w);
}

static void errors_go_to_another_worker(void **state)
{
    (void)state;
    const lie lies[] = {ERRS, NO_INPUT, CRASHED_GUEST};
    for (size_t l = 0; l < 3; l++) {
        world *w = a_world();
        add_workers(w, 3);
        fake_set_lie(world_worker(w, 1), lies[l]);
        char job[37];
        start(w, job, phases[0]);
        expect_completed(w, job);
        assert_int_equal(world_counts(w).set_aside, 0);
        world_free(w);
    }
}

// One that always errs and one that erred once: the second gets another chance.
static void one_that_always_errs_does_not_use_up_the_attempts(void **state)
{
    (void)state;
    world *w = world_new(&(world_options){.instances = 6, .limits = {.max_attempts = 4}});
    world_add(w, "first", 5, ERRS);
    fake *second = world_add(w, "second", 5, ERRS);
    world_run(w, 100);
    char job[37];
    world_launch(w, job, "x", 5, 1, false, 0);
    while (world_tasks_sent(w, 0) < 3)
        world_run(w, 1);
    fake_set_lie(second, HONEST);
    expect_completed(w, job);
    world_free(w);
}

static void errors_of_all_workers_fail_the_job(void **state)
{
    (void)state;
    const lie lies[] = {ERRS, NO_INPUT, CRASHED_GUEST};
    const char *const codes[] = {"WORKER_FAILURE", "INPUT_ERROR", "PROGRAM_FAILED"};
    for (size_t n = 1; n < 4; n++) {
        for (size_t l = 0; l < 3; l++) {
            world *w = a_world();
            add_workers(w, n);
            for (size_t k = 0; k < n; k++)
                fake_set_lie(world_worker(w, k), lies[l]);
            char job[37];
            world_launch(w, job, "x", 15, 1, false, 0);
            expect_failed(w, job, codes[l]);
            const char *message = world_job(w, job)->failure->message;
            assert_non_null(strstr(message, "as the test wants"));
            assert_null(strstr(message, codes[l])); // which stands beside it
            if (n == 1 && lies[l] != ERRS)
                assert_string_equal(message, "worker a: as the test wants");
            world_free(w);
        }
    }
}

static void a_leaving_worker_is_replaced_at_once(void **state)
{
    (void)state;
    for (int p = 0; p < 3; p++) {
        world *w = world_new(&(world_options){.instances = 30});
        add_workers(w, 2);
        char job[37];
        start(w, job, phases[p]);
        fake_leave(w, world_worker(w, 0));
        world_run(w, 10);
        assert_string_not_equal(worker_info(w, "a")->job_id, job);
        expect_completed(w, job);
        world_free(w);
    }
}

static void the_coordinator_is_killed_in_each_phase(void **state)
{
    (void)state;
    for (int p = 0; p < 3; p++) {
        world *w = a_world();
        add_workers(w, 3);
        char job[37];
        start(w, job, phases[p]);
        world_restart(w);
        expect_completed(w, job);
        assert_int_equal(world_counts(w).tasks_moved, 0);
        assert_int_equal(world_job(w, job)->n_assigned_workers, 3);
        world_free(w);
    }
}

static void the_coordinator_is_killed_all_the_time(void **state)
{
    (void)state;
    for (uint64_t every = 70; every < 3000; every = every * 3 / 2) {
        world *w = world_new(&(world_options){.instances = 15});
        add_workers(w, 3);
        char job[37];
        world_launch(w, job, "x", 15, 0, false, 0);
        for (int k = 0; k < 8; k++) {
            world_run(w, every);
            world_restart(w);
        }
        const char *end = world_finish(w, job, LONG_MS);
        assert_string_equal(end, "Completed");
        assert_true(world_proof_is_right(w, job));
        world_run(w, 60000);
        world_check(w);
        world_free(w);
    }
}

static void coordinator_and_workers_die_together(void **state)
{
    (void)state;
    for (int p = 0; p < 3; p++) {
        world *w = a_world();
        add_workers(w, 3);
        char job[37];
        start(w, job, phases[p]);
        for (size_t k = 0; k < 3; k++)
            fake_kill(w, world_worker(w, k));
        world_restart(w);
        world_run(w, 1000);
        fake_connect(w, world_worker(w, 2));
        expect_completed(w, job);
        world_free(w);
    }
}

static void the_same_id_twice(void **state)
{
    (void)state;
    world *w = a_world();
    fake *f = world_add(w, "a", 5, HONEST);
    world_run(w, 100);
    fake *twin = world_add(w, "a", 7, HONEST);
    world_run(w, 1000);
    assert_false(fake_is_connected(twin)); // the older one lives
    assert_int_equal(worker_info(w, "a")->compute_capacity->compute_units, 5);
    world_run(w, 20000);
    assert_int_equal(worker_info(w, "a")->compute_capacity->compute_units, 5);
    fake_freeze(f); // dead, and nobody saw it
    world_run(w, 20000);
    assert_int_equal(worker_info(w, "a")->compute_capacity->compute_units, 7);
    assert_string_equal(worker_info(w, "a")->state, "Idle");
    world_free(w);
}

static void another_process_says_that_it_reconnects(void **state)
{
    (void)state;
    world *w = a_world();
    add_workers(w, 2);
    char job[37];
    start(w, job, phases[0]);
    fake *thief = world_add_thief(w, "a", 7);
    world_run(w, 300);
    assert_false(fake_is_connected(thief));
    assert_false(fake_is_busy(thief));
    fake_freeze(thief);
    expect_completed(w, job);
    assert_int_equal(world_counts(w).losses, 0);
    assert_int_equal(world_counts(w).reconnections, 0);
    world_free(w);
}

// Texts of workers are cut, and what is left can still be read by every client.
static void long_texts_of_a_worker(void **state)
{
    (void)state;
    for (size_t shift = 0; shift < 4; shift++) {
        world *w = world_new(&(world_options){.limits = {.max_attempts = 1}});
        fake *f = world_add(w, "a", 5, HONEST);
        world_run(w, 100);
        char job[37], text[2001];
        world_launch(w, job, "x", 5, 0, false, 0);
        world_run(w, 100);
        for (size_t k = 0; k < 500; k++)
            memcpy(text + 4 * k, "\xf0\x9f\x92\xa9", 4);
        memset(text, 'x', shift);
        memset(text + shift, 'y', 4 - shift);
        text[2000] = 0;
        memmove(text, text + shift, sizeof text - shift);
        api_worker_error error = API_WORKER_ERROR_INIT;
        error.worker_id = (char *)"a";
        error.job_id = job;
        error.error_message = text;
        api_worker_message m = API_WORKER_MESSAGE_INIT;
        m.payload_case = ZISK__DISTRIBUTED__API__V1__WORKER_MESSAGE__PAYLOAD_ERROR;
        m.error = &error;
        fake_send(w, f, &m);
        world_run(w, 100);
        assert_string_equal(world_job(w, job)->state, "Failed");
        uint8_t *bytes;
        size_t n;
        assert_int_equal(message_pack(&bytes, &n, &world_job(w, job)->base), ZK_OK);
        assert_int_equal(message_check(world_job(w, job)->base.descriptor, bytes, n, n), ZK_OK);
        free(bytes);
        text[4 - shift + 400] = 0;
        api_worker_abilities abilities = API_WORKER_ABILITIES_INIT;
        abilities.version = text;
        api_worker_register_request r = API_WORKER_REGISTER_REQUEST_INIT;
        r.worker_id = (char *)"b";
        r.abilities = &abilities;
        world_register_raw(w, world_add(w, "c", 1, HONEST), &r);
        world_run(w, 100);
        assert_true(strlen(worker_info(w, "b")->version) <= 64);
        world_free(w);
    }
}

// Names cost nothing: who comes under a thousand of them is not remembered for each.
static void a_thousand_names(void **state)
{
    (void)state;
    world *w = world_new(&(world_options){.limits = {.max_total_workers = 3}});
    for (int k = 0; k < 1000; k++) {
        char id[16];
        snprintf(id, sizeof id, "n%d", k);
        fake *f = world_add(w, id, 5, HONEST);
        world_run(w, 20);
        assert_true(fake_is_connected(f));
        fake_kill(w, f);
        world_run(w, 20);
        assert_true(engine_n_workers(world_engine(w)) <= 12);
    }
    add_workers(w, 3);
    char job[37];
    world_launch(w, job, "x", 15, 0, false, 0);
    expect_completed(w, job);
    world_free(w);
}

static void the_clock_was_set_back(void **state)
{
    (void)state;
    world *w = world_new(&(world_options){.limits = {.job_retention_ms = 1000000}});
    add_workers(w, 1);
    char done[37], waits[37];
    world_launch(w, done, "x", 5, 0, false, 0);
    expect_completed(w, done);
    api_launch_proof_request r = API_LAUNCH_PROOF_REQUEST_INIT;
    r.compute_capacity = 50;
    r.queue = true;
    r.queue_seconds = 3600;
    assert_int_equal(world_try_launch(w, waits, &r), ZK_OK);
    world_restart_set_back(w, 600000);
    assert_non_null(world_job(w, done));
    assert_string_equal(world_job(w, done)->state, "Completed");
    assert_string_equal(world_job(w, waits)->state, "Queued");
    world_free(w);
}

static void too_many_workers(void **state)
{
    (void)state;
    world *w = world_new(&(world_options){.limits = {.max_total_workers = 2}});
    add_workers(w, 3);
    assert_int_equal(engine_n_workers(world_engine(w)), 2);
    assert_false(fake_is_connected(world_worker(w, 2)));
    fake_kill(w, world_worker(w, 0));
    world_run(w, 5000);
    assert_string_equal(worker_info(w, "c")->state, "Idle");
    world_free(w);
}

static void results_twice_change_nothing(void **state)
{
    (void)state;
    world *w = a_world();
    add_workers(w, 2);
    char job[37];
    world_launch(w, job, "x", 10, 0, false, 0);
    for (int k = 0; k < 200 && strcmp(world_job(w, job)->state, "Completed") != 0; k++) {
        world_run(w, 30);
        for (size_t f = 0; f < 2; f++)
            if (fake_last_task(world_worker(w, f)) != 0)
                fake_repeat(w, world_worker(w, f));
    }
    expect_completed(w, job);
    assert_int_equal(world_counts(w).set_aside, 0);
    world_free(w);
}

// A proof with one of its names wrong.
static void send_proof(world *w, fake *f, const char *job, uint64_t task, uint32_t epoch)
{
    uint8_t bytes[4] = {1, 2, 3, 4};
    api_instance_proof p = API_INSTANCE_PROOF_INIT;
    p.job_id = (char *)job;
    p.task_id = task;
    p.epoch = epoch;
    p.proof = (ProtobufCBinaryData){sizeof bytes, bytes};
    api_worker_message m = API_WORKER_MESSAGE_INIT;
    m.payload_case = ZISK__DISTRIBUTED__API__V1__WORKER_MESSAGE__PAYLOAD_INSTANCE_PROOF;
    m.instance_proof = &p;
    fake_send(w, f, &m);
}

static void answers_whose_names_do_not_belong_together_are_dropped(void **state)
{
    (void)state;
    world *w = a_world();
    add_workers(w, 2);
    char job[37], other[37];
    world_launch(w, job, "x", 5, 0, false, 0);
    world_launch(w, other, "xy", 5, 0, false, 0);
    run_until(w, job, phases[1]);
    run_until(w, other, phases[1]);
    fake *a = world_worker(w, 0), *b = world_worker(w, 1);
    uint64_t task = fake_task_id(b);
    assert_true(task != 0);
    uint64_t before = world_counts(w).stale_answers;
    send_proof(w, a, other, task, 0);       // another worker's task
    send_proof(w, b, job, task, 0);         // another job
    send_proof(w, b, other, task, 1);       // another epoch
    send_proof(w, b, other, task + 999, 0); // no such task
    send_proof(w, b, "no such job", task, 0);
    world_run(w, 20);
    assert_int_equal(world_counts(w).stale_answers, before + 5);
    assert_int_equal(world_counts(w).set_aside, 0);
    expect_completed(w, job);
    expect_completed(w, other);
    world_free(w);
}

static void a_full_disk_fails_the_job_and_nothing_else(void **state)
{
    (void)state;
    for (int p = 0; p < 3; p++) {
        world *w = a_world();
        add_workers(w, 2);
        char job[37];
        start(w, job, phases[p]);
        world_break_store(w, true);
        assert_string_equal(world_finish(w, job, 100000), "Failed");
        assert_string_equal(world_job(w, job)->failure->code, "STORAGE_FAILURE");
        assert_int_equal(world_over_calls(w, job), 0); // it is not stored
        api_launch_proof_request r = API_LAUNCH_PROOF_REQUEST_INIT;
        r.compute_capacity = 5;
        char none[37];
        assert_int_equal(world_try_launch(w, none, &r), ZK_EIO);
        world_break_store(w, false);
        expect_failed(w, job, "STORAGE_FAILURE");
        world_launch(w, job, "x", 10, 0, false, 0);
        expect_completed(w, job);
        world_free(w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_worker_is_killed_in_each_phase),
        cmocka_unit_test(a_killed_worker_comes_back_empty),
        cmocka_unit_test(checks_that_find_no_memory_come_again),
        cmocka_unit_test(checks_that_never_find_memory_end_the_job),
        cmocka_unit_test(the_aggregator_is_killed),
        cmocka_unit_test(everybody_is_killed_and_comes_back),
        cmocka_unit_test(capacity_never_returns),
        cmocka_unit_test(a_short_loss_of_connection_moves_nothing),
        cmocka_unit_test(answers_lost_on_the_wire_are_sent_again),
        cmocka_unit_test(who_comes_back_late_finds_its_work_gone),
        cmocka_unit_test(a_cut_that_nobody_saw_ends_by_heartbeats),
        cmocka_unit_test(a_stopped_worker_is_replaced),
        cmocka_unit_test(a_stalled_worker_is_replaced_by_timeout),
        cmocka_unit_test(the_only_worker_stalls),
        cmocka_unit_test(errors_go_to_another_worker),
        cmocka_unit_test(one_that_always_errs_does_not_use_up_the_attempts),
        cmocka_unit_test(errors_of_all_workers_fail_the_job),
        cmocka_unit_test(a_leaving_worker_is_replaced_at_once),
        cmocka_unit_test(the_coordinator_is_killed_in_each_phase),
        cmocka_unit_test(the_coordinator_is_killed_all_the_time),
        cmocka_unit_test(coordinator_and_workers_die_together),
        cmocka_unit_test(the_same_id_twice),
        cmocka_unit_test(another_process_says_that_it_reconnects),
        cmocka_unit_test(long_texts_of_a_worker),
        cmocka_unit_test(a_thousand_names),
        cmocka_unit_test(the_clock_was_set_back),
        cmocka_unit_test(too_many_workers),
        cmocka_unit_test(results_twice_change_nothing),
        cmocka_unit_test(answers_whose_names_do_not_belong_together_are_dropped),
        cmocka_unit_test(a_full_disk_fails_the_job_and_nothing_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
