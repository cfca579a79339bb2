// SPDX-License-Identifier: Apache-2.0 OR MIT
// The worker's stream against a coordinator that refuses, breaks, falls silent and comes back.
#include "unit/worker/fake_coordinator.h"

#include "cluster/messages.h"
#include "worker/answers.h"
#include "worker/link.h"

typedef struct world {
    fake_coordinator f;
    worker_link *link;
    api_worker_abilities abilities;
    api_task_progress task, *tasks[1];
    size_t n_tasks;
    const char *job;
    size_t n_given;
} world;

static void on_message(void *arg, api_coordinator_message *m)
{
    world *w = arg;
    w->n_given++;
    message_free(&m->base);
}

static size_t tell_tasks(void *arg, api_task_progress *const **tasks, const char **job)
{
    world *w = arg;
    *tasks = w->tasks;
    *job = w->job;
    return w->n_tasks;
}

static void open_world(world *w, uint64_t timeout_ms)
{
    *w = (world){.abilities = API_WORKER_ABILITIES_INIT, .task = API_TASK_PROGRESS_INIT};
    w->tasks[0] = &w->task;
    w->abilities.version = (char *)"test";
    fake_open(&w->f);
    link_options o = {.url = w->f.url,
                      .worker_id = "w1",
                      .compute_units = 7,
                      .abilities = &w->abilities,
                      .reconnect_ms = 20,
                      .heartbeat_timeout_ms = timeout_ms,
                      .arg = w,
                      .message = on_message,
                      .tasks = tell_tasks};
    assert_int_equal(link_open(&w->link, w->f.loop, &o), ZK_OK);
}

static void close_world(world *w)
{
    link_close(w->link);
    fake_close(&w->f);
}

static bool is_ready(void *arg)
{
    return link_ready(((world *)arg)->link);
}

static void deliver(world *w, uint64_t task_id, size_t n_bytes)
{
    task_name name = {(char *)"job", task_id, 1, TASK_CONTRIBUTE};
    char *text = malloc(n_bytes + 1);
    memset(text, 'x', n_bytes);
    text[n_bytes] = '\0';
    outbox_entry *e;
    assert_int_equal(answer_failure(&e, "w1", &name, "INTERNAL", text), ZK_OK);
    free(text);
    link_deliver(w->link, e);
}

static void registers_and_answers_heartbeats(void **state)
{
    (void)state;
    world w;
    size_t at = 0;
    open_world(&w, 10000);
    const api_worker_message *m = fake_wait(&w.f, &at, FROM_WORKER(REGISTER));
    assert_string_equal(m->register_->worker_id, "w1");
    assert_int_equal(m->register_->compute_capacity->compute_units, 7);
    assert_string_equal(m->register_->abilities->version, "test");
    fake_until(&w.f, is_ready, &w);
    for (int i = 0; i < 3; i++) {
        fake_heartbeat(&w.f);
        m = fake_wait(&w.f, &at, FROM_WORKER(HEARTBEAT_ACK));
        assert_string_equal(m->heartbeat_ack->worker_id, "w1");
    }
    fake_cancel(&w.f, "job"); // any message goes to the program
    fake_run(&w.f, 50);
    assert_int_equal(w.n_given, 1);
    close_world(&w);
}

static void tries_again_after_refusals(void **state)
{
    (void)state;
    world w;
    open_world(&w, 10000);
    w.f.refusals = 3;
    fake_until(&w.f, is_ready, &w);
    assert_int_equal(w.f.n_streams, 4);
    assert_int_equal(link_get_counts(w.link)->refusals, 3);
    close_world(&w);
}

static void reconnects_with_tasks_and_sends_results_again(void **state)
{
    (void)state;
    world w;
    size_t at = 0;
    open_world(&w, 10000);
    fake_until(&w.f, is_ready, &w);
    for (uint64_t i = 1; i <= 3; i++)
        deliver(&w, i, 10);
    for (uint64_t i = 1; i <= 3; i++) {
        const api_worker_message *m = fake_wait(&w.f, &at, FROM_WORKER(EXECUTE_TASK_RESPONSE));
        assert_int_equal(m->execute_task_response->task_id, i);
    }
    fake_stored(&w.f, "job", 2, NULL);
    fake_stored(&w.f, "other job", 1, NULL);
    fake_run(&w.f, 50);
    assert_int_equal(w.n_given, 2); // the program decides what is stored
    assert_true(outbox_stored(link_results(w.link), "job", 2, NULL));
    assert_false(outbox_stored(link_results(w.link), "other job", 1, NULL));

    w.task.job_id = (char *)"job";
    w.task.task_id = 3;
    w.n_tasks = 1;
    fake_cut(&w.f);
    const api_worker_message *m = fake_wait(&w.f, &at, FROM_WORKER(RECONNECT));
    assert_string_equal(m->reconnect->last_known_job_id, "job");
    assert_int_equal(m->reconnect->n_tasks, 1);
    assert_int_equal(m->reconnect->tasks[0]->task_id, 3);
    m = fake_wait(&w.f, &at, FROM_WORKER(EXECUTE_TASK_RESPONSE));
    assert_int_equal(m->execute_task_response->task_id, 1);
    m = fake_wait(&w.f, &at, FROM_WORKER(EXECUTE_TASK_RESPONSE));
    assert_int_equal(m->execute_task_response->task_id, 3);
    fake_run(&w.f, 100);
    assert_int_equal(w.f.n_messages, at); // nothing else was sent again
    close_world(&w);
}

static void delivers_what_came_while_it_was_away(void **state)
{
    (void)state;
    world w;
    size_t at = 0;
    open_world(&w, 10000);
    w.f.refusals = 2;
    w.job = "job";
    deliver(&w, 1, 10);
    (void)fake_wait(&w.f, &at, FROM_WORKER(RECONNECT)); // it has a job open
    const api_worker_message *m = fake_wait(&w.f, &at, FROM_WORKER(EXECUTE_TASK_RESPONSE));
    assert_int_equal(m->execute_task_response->task_id, 1);
    assert_int_equal(link_get_counts(w.link)->refusals, 2);
    close_world(&w);
}

// More than the send queue holds: what does not fit waits for room and comes in order.
static void large_results_wait_for_room(void **state)
{
    (void)state;
    enum { N = 12 };
    world w;
    size_t at = 0;
    open_world(&w, 10000);
    fake_until(&w.f, is_ready, &w);
    for (uint64_t i = 0; i < N; i++)
        deliver(&w, i, 1500000);
    assert_int_equal(link_results(w.link)->n, N);
    assert_non_null(link_results(w.link)->next); // some do wait
    fake_heartbeat(&w.f);
    for (uint64_t i = 0; i < N; i++) {
        const api_worker_message *m = fake_wait(&w.f, &at, FROM_WORKER(EXECUTE_TASK_RESPONSE));
        assert_int_equal(m->execute_task_response->task_id, i);
        assert_int_equal(strlen(m->execute_task_response->error_message), 1500000);
    }
    at = 0;
    (void)fake_wait(&w.f, &at, FROM_WORKER(HEARTBEAT_ACK));
    close_world(&w);
}

// A connection over which nothing comes is given up, also one that never answered a registration.
static void silence_ends_the_connection(void **state)
{
    (void)state;
    world w;
    open_world(&w, 150);
    w.f.dumb = true;
    fake_run(&w.f, 600);
    assert_true(w.f.n_streams >= 2);
    assert_false(link_ready(w.link));
    w.f.dumb = false;
    fake_until(&w.f, is_ready, &w);
    size_t before = w.f.n_streams;
    for (int i = 0; i < 10; i++) { // kept up by heartbeats
        fake_run(&w.f, 50);
        fake_heartbeat(&w.f);
    }
    assert_int_equal(w.f.n_streams, before);
    fake_run(&w.f, 700); // and not without
    assert_true(w.f.n_streams > before);
    assert_true(link_get_counts(w.link)->losses >= 1);
    close_world(&w);
}

// The coordinator's own timeout is longer: its heartbeats come less often.
static void patience_is_at_least_the_coordinators(void **state)
{
    (void)state;
    world w;
    open_world(&w, 100);
    w.f.heartbeat_timeout_seconds = 60;
    fake_until(&w.f, is_ready, &w);
    size_t before = w.f.n_streams;
    fake_run(&w.f, 400);
    assert_int_equal(w.f.n_streams, before);
    close_world(&w);
}

static void garbage_ends_the_connection_only(void **state)
{
    (void)state;
    world w;
    open_world(&w, 10000);
    fake_until(&w.f, is_ready, &w);
    assert_int_equal(rpc_send(w.f.stream, (const uint8_t *)"\xff\xff\xff\xff", 4), ZK_OK);
    fake_run(&w.f, 300);
    assert_true(w.f.n_streams >= 2);
    fake_until(&w.f, is_ready, &w);
    close_world(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(registers_and_answers_heartbeats),
        cmocka_unit_test(tries_again_after_refusals),
        cmocka_unit_test(reconnects_with_tasks_and_sends_results_again),
        cmocka_unit_test(delivers_what_came_while_it_was_away),
        cmocka_unit_test(large_results_wait_for_room),
        cmocka_unit_test(silence_ends_the_connection),
        cmocka_unit_test(patience_is_at_least_the_coordinators),
        cmocka_unit_test(garbage_ends_the_connection_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
