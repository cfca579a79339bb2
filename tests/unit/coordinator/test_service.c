// SPDX-License-Identifier: Apache-2.0 OR MIT
// The calls of clients and the streams of workers, by a real client over loopback.
#include "unit/coordinator/service_fixture.h"

#include <openssl/sha.h>
#include <unistd.h>

static void status_calls_answer(void **state)
{
    (void)state;
    fixture f;
    open_service(&f, &(service_options){0});
    answer a;
    api_health_check_request health = API_HEALTH_CHECK_REQUEST_INIT;
    void *m = call(&f, &a, API "HealthCheck", &health, API_HEALTH_CHECK_RESPONSE_TYPE);
    assert_non_null(m);
    message_free(m);
    api_status_info_request ask = API_STATUS_INFO_REQUEST_INIT;
    api_status_info_response *info =
        call(&f, &a, API "StatusInfo", &ask, API_STATUS_INFO_RESPONSE_TYPE);
    assert_string_equal(info->service_name, "a service");
    assert_string_equal(info->version, "1.2.3");
    assert_string_equal(info->proof_system, "toys");
    assert_int_equal(info->metrics->active_connections, 1);
    assert_true(info->start_time->seconds > 1700000000);
    message_free(&info->base);
    api_job_status_request job = API_JOB_STATUS_REQUEST_INIT;
    job.job_id = "nothing";
    expect(&f, RPC_NOT_FOUND, "nothing", API "JobStatus", &job);
    api_cancel_job_request cancel = API_CANCEL_JOB_REQUEST_INIT;
    expect(&f, RPC_NOT_FOUND, "there is no job", API "CancelJob", &cancel);
    api_watch_job_request watch = API_WATCH_JOB_REQUEST_INIT;
    expect(&f, RPC_NOT_FOUND, "there is no job", API "WatchJob", &watch);
    api_fetch_proof_request fetch = API_FETCH_PROOF_REQUEST_INIT;
    expect(&f, RPC_NOT_FOUND, "there is no job", API "FetchProof", &fetch);
    close_service(&f);
}

static void launches_are_checked(void **state)
{
    (void)state;
    fixture f;
    open_service(&f, &(service_options){0});
    api_launch_proof_request r = API_LAUNCH_PROOF_REQUEST_INIT;
    r.compute_capacity = 101;
    expect(&f, RPC_RESOURCE_EXHAUSTED, "Insufficient compute capacity", API "LaunchProof", &r);
    r.compute_capacity = 1;
    r.hints_mode = 1;
    expect(&f, RPC_UNIMPLEMENTED, "hints", API "LaunchProof", &r);
    r.hints_mode = 0;
    r.inputs_mode = 1;
    expect(&f, RPC_INVALID_ARGUMENT, "inputs_uri", API "LaunchProof", &r);
    r.inputs_mode = 2;
    expect(&f, RPC_INVALID_ARGUMENT, "UploadInput", API "LaunchProof", &r);
    r._inputs_uri_case = ZISK__DISTRIBUTED__API__V1__LAUNCH_PROOF_REQUEST___INPUTS_URI_INPUTS_URI;
    r.inputs_uri = "/etc/passwd";
    expect(&f, RPC_INVALID_ARGUMENT, "server.inputs_folder", API "LaunchProof", &r);
    uint8_t digest[32] = {0};
    r.input_digest = (ProtobufCBinaryData){.len = 31, .data = digest};
    expect(&f, RPC_INVALID_ARGUMENT, "32 bytes", API "LaunchProof", &r);
    r.input_digest.len = 32;
    expect(&f, RPC_INVALID_ARGUMENT, "exclude each other", API "LaunchProof", &r);
    r.inputs_mode = 9;
    expect(&f, RPC_INVALID_ARGUMENT, "", API "LaunchProof", &r);
    r.inputs_mode = 1;
    r.input_digest.len = 0;
    char *id = launch(&f, &r); // a path is passed on as it is
    assert_true(toy.has_uri && toy.input_bytes == 0);
    free(id);
    close_service(&f);
}

static void inputs_on_disk_become_artifacts(void **state)
{
    (void)state;
    fixture f;
    char inputs[SCRATCH_PATH];
    assert_int_equal(scratch_open(inputs), 0);
    open_service(&f, &(service_options){.inputs_folder = inputs});
    char path[SCRATCH_PATH];
    scratch_path(path, inputs, "input.bin");
    size_t n = (5 << 20) + 7;
    uint8_t *data = malloc(n), digest[32];
    for (size_t i = 0; i < n; i++)
        data[i] = (uint8_t)(i * 2654435761u >> 13);
    SHA256(data, n, digest);
    OK(file_write_atomic(path, data, n));
    api_launch_proof_request r = API_LAUNCH_PROOF_REQUEST_INIT;
    r.compute_capacity = 1;
    r.inputs_mode = 2;
    r._inputs_uri_case = ZISK__DISTRIBUTED__API__V1__LAUNCH_PROOF_REQUEST___INPUTS_URI_INPUTS_URI;
    r.inputs_uri = "input.bin";
    free(launch(&f, &r));
    assert_false(toy.has_uri);
    assert_int_equal(toy.input_bytes, 32);
    assert_memory_equal(toy.input, digest, 32);
    uint64_t size;
    char blob[ARTIFACT_PATH];
    assert_true(artifacts_find(f.blobs, digest, blob, &size));
    assert_int_equal(size, n);
    r.inputs_uri = "../input.bin";
    expect(&f, RPC_INVALID_ARGUMENT, "outside", API "LaunchProof", &r);
    r.inputs_uri = "none";
    expect(&f, RPC_INVALID_ARGUMENT, "none", API "LaunchProof", &r);
    close_service(&f);
    unlink(path);
    rmdir(inputs);
    free(data);
}

static void lists_are_filtered(void **state)
{
    (void)state;
    fixture f;
    open_service(&f, &(service_options){0});
    api_launch_proof_request r = API_LAUNCH_PROOF_REQUEST_INIT;
    r.compute_capacity = 1;
    char *first = launch(&f, &r), *second = launch(&f, &r);
    r.queue = 1;
    char *third = launch(&f, &r);
    answer a;
    api_cancel_job_request cancel = API_CANCEL_JOB_REQUEST_INIT;
    cancel.job_id = first;
    api_cancel_job_response *gone =
        call(&f, &a, API "CancelJob", &cancel, API_CANCEL_JOB_RESPONSE_TYPE);
    assert_string_equal(gone->state, "Cancelled");
    message_free(&gone->base);
    api_jobs_list_request ask = API_JOBS_LIST_REQUEST_INIT;
    api_jobs_list_response *list = call(&f, &a, API "JobsList", &ask, API_JOBS_LIST_RESPONSE_TYPE);
    assert_int_equal(list->jobs_list->n_jobs, 3);
    message_free(&list->base);
    ask.active_only = 1;
    list = call(&f, &a, API "JobsList", &ask, API_JOBS_LIST_RESPONSE_TYPE);
    assert_int_equal(list->jobs_list->n_jobs, 1);
    assert_string_equal(list->jobs_list->jobs[0]->job_id, second);
    message_free(&list->base);
    api_queue_list_request queue = API_QUEUE_LIST_REQUEST_INIT;
    api_queue_list_response *waiting =
        call(&f, &a, API "QueueList", &queue, API_QUEUE_LIST_RESPONSE_TYPE);
    assert_int_equal(waiting->n_jobs, 1);
    assert_string_equal(waiting->jobs[0]->job_id, third);
    message_free(&waiting->base);
    free(first);
    free(second);
    free(third);
    close_service(&f);
}

static void workers_come_and_go(void **state)
{
    (void)state;
    fixture f;
    open_service(&f, &(service_options){0});
    stream *one = open_stream(&f, API "WorkerStream", API_COORDINATOR_MESSAGE_TYPE);
    run_until(&f, stream_has_headers, one); // before anything is sent
    say_hello(one, "one");
    run_until(&f, stream_has_one, one);
    const api_coordinator_message *m = (const api_coordinator_message *)one->got[0];
    assert_true(m->register_response->accepted);
    stream *two = open_stream(&f, API "WorkerStream", API_COORDINATOR_MESSAGE_TYPE);
    say_hello(two, "two");
    run_until(&f, stream_has_one, two);
    assert_int_equal(toy.last_connection, 2);
    rpc_half_close(two->call);
    run_until(&f, stream_over, two);
    assert_int_equal(two->end.code, RPC_OK);
    assert_int_equal(toy.losses, 1);
    stream_free(two);

    answer a;
    api_workers_list_request ask = API_WORKERS_LIST_REQUEST_INIT;
    api_workers_list_response *list =
        call(&f, &a, API "WorkersList", &ask, API_WORKERS_LIST_RESPONSE_TYPE);
    assert_int_equal(list->workers_list->n_workers, 2);
    message_free(&list->base);
    ask.available_only = 1;
    list = call(&f, &a, API "WorkersList", &ask, API_WORKERS_LIST_RESPONSE_TYPE);
    assert_int_equal(list->workers_list->n_workers, 1);
    assert_string_equal(list->workers_list->workers[0]->worker_id, "one");
    message_free(&list->base);

    // Refused by the engine: the stream ends with its reason, and no loss is reported.
    stream *refused = open_stream(&f, API "WorkerStream", API_COORDINATOR_MESSAGE_TYPE);
    say_hello(refused, "refuse me");
    run_until(&f, stream_over, refused);
    assert_int_equal(refused->end.code, RPC_ABORTED);
    assert_string_equal(refused->end.message, "not wanted");
    stream_free(refused);
    assert_int_equal(toy.losses, 1);

    // Garbage ends the stream, and the worker is lost.
    OK(rpc_send(one->call, (const uint8_t *)"\xff\xff\xff", 3));
    run_until(&f, stream_over, one);
    assert_int_equal(one->end.code, RPC_INVALID_ARGUMENT);
    assert_int_equal(toy.losses, 2);
    assert_string_equal(toy.lost_reason, "it sent a malformed message");
    stream_free(one);
    service_counts counts;
    service_get_counts(f.service, &counts);
    assert_int_equal(counts.worker_streams, 0);
    close_service(&f);
}

static void silent_workers_are_shown_out(void **state)
{
    (void)state;
    fixture f;
    open_service(&f, &(service_options){.limits.heartbeat_timeout_ms = 50});
    stream *s = open_stream(&f, API "WorkerStream", API_COORDINATOR_MESSAGE_TYPE);
    run_until(&f, stream_over, s);
    assert_int_equal(s->end.code, RPC_DEADLINE_EXCEEDED);
    assert_int_equal(toy.losses, 0); // the engine never heard of it
    stream_free(s);
    close_service(&f);
}

static bool one_is_lost(void *arg)
{
    (void)arg;
    return toy.losses == 1;
}

static void a_full_queue_cuts_a_worker_off(void **state)
{
    (void)state;
    fixture f;
    open_service(&f, &(service_options){.worker_queue_bytes = 8 << 20});
    stream *s = open_stream(&f, API "WorkerStream", API_COORDINATOR_MESSAGE_TYPE);
    say_hello(s, "slow");
    run_until(&f, stream_has_one, s);
    rpc_pause(s->call);
    char *text = malloc((1 << 20) + 1);
    memset(text, 'x', 1 << 20);
    text[1 << 20] = '\0';
    api_job_cancelled big = API_JOB_CANCELLED_INIT;
    big.reason = text;
    api_coordinator_message m = API_COORDINATOR_MESSAGE_INIT;
    m.payload_case = ZISK__DISTRIBUTED__API__V1__COORDINATOR_MESSAGE__PAYLOAD_JOB_CANCELLED;
    m.job_cancelled = &big;
    // What fits is kept, in order.
    for (int i = 0; i < 7; i++)
        service_hook_send(f.service, toy.last_connection, &m);
    run_turns(&f, 20);
    assert_int_equal(toy.losses, 0);
    for (int i = 0; i < 20; i++)
        service_hook_send(f.service, toy.last_connection, &m);
    run_until(&f, one_is_lost, NULL);
    assert_string_equal(toy.lost_reason, "it does not take its messages");
    if (s->call != NULL)
        rpc_resume(s->call);
    run_until(&f, stream_over, s);
    stream_free(s);
    free(text);
    close_service(&f);
}

// ---- Watching

static size_t count_kind(const stream *s, int kind)
{
    size_t n = 0;
    for (size_t i = 0; i < s->n; i++)
        n += (int)((const api_job_event *)s->got[i])->event_case == kind;
    return n;
}

enum { STATUS = 4, PROGRESS = 5, NOTE = 6 };

static void watchers_see_a_job_to_its_end(void **state)
{
    (void)state;
    fixture f;
    open_service(&f, &(service_options){0});
    api_launch_proof_request r = API_LAUNCH_PROOF_REQUEST_INIT;
    r.compute_capacity = 1;
    char *id = launch(&f, &r);
    toy_note(id, "before anybody watched");
    stream *s[3];
    for (int i = 0; i < 3; i++) {
        api_watch_job_request ask = API_WATCH_JOB_REQUEST_INIT;
        ask.job_id = id;
        ask.from_start = i == 0;
        s[i] = open_stream(&f, API "WatchJob", API_JOB_EVENT_TYPE);
        stream_send(s[i], &ask);
        rpc_half_close(s[i]->call);
        run_until(&f, stream_has_one, s[i]);
    }
    toy_progress(id);
    toy_note(id, "now");
    uint8_t sha256[32] = {7};
    toy_complete(id, sha256);
    for (int i = 0; i < 3; i++) {
        run_until(&f, stream_over, s[i]);
        assert_int_equal(s[i]->end.code, RPC_OK);
        uint64_t last = 0;
        for (size_t k = 0; k < s[i]->n; k++) {
            const api_job_event *e = (const api_job_event *)s[i]->got[k];
            assert_string_equal(e->job_id, id);
            assert_true(e->sequence > last);
            assert_true(e->time->seconds > 1700000000);
            last = e->sequence;
        }
        assert_int_equal(count_kind(s[i], STATUS), 2); // running, completed
        assert_int_equal(count_kind(s[i], NOTE), i == 0 ? 2 : 1);
        assert_int_equal(count_kind(s[i], PROGRESS), 1);
        const api_job_event *e = (const api_job_event *)s[i]->got[s[i]->n - 1];
        assert_string_equal(e->status->state, "Completed");
        stream_free(s[i]);
    }
    // Late: the whole story, or its end alone.
    for (int from_start = 0; from_start < 2; from_start++) {
        api_watch_job_request ask = API_WATCH_JOB_REQUEST_INIT;
        ask.job_id = id;
        ask.from_start = from_start;
        stream *late = open_stream(&f, API "WatchJob", API_JOB_EVENT_TYPE);
        stream_send(late, &ask);
        rpc_half_close(late->call);
        run_until(&f, stream_over, late);
        assert_int_equal(late->end.code, RPC_OK);
        assert_int_equal(late->n, from_start ? 5 : 1);
        stream_free(late);
    }
    free(id);
    close_service(&f);
}

static void a_slow_watcher_misses_progress_alone(void **state)
{
    (void)state;
    fixture f;
    open_service(&f, &(service_options){0});
    api_launch_proof_request r = API_LAUNCH_PROOF_REQUEST_INIT;
    r.compute_capacity = 1;
    char *id = launch(&f, &r);
    api_watch_job_request ask = API_WATCH_JOB_REQUEST_INIT;
    ask.job_id = id;
    ask.from_start = 1;
    stream *slow = open_stream(&f, API "WatchJob", API_JOB_EVENT_TYPE);
    stream_send(slow, &ask);
    rpc_half_close(slow->call);
    run_until(&f, stream_has_one, slow);
    rpc_pause(slow->call);
    // More than any window holds: notes of 64 KiB, and progress in between.
    enum { NOTES = 200 };
    char *text = malloc((64 << 10) + 1);
    memset(text, 'n', 64 << 10);
    text[64 << 10] = '\0';
    service_job *j = service_job_get(f.service, id, false);
    for (int i = 0; i < NOTES; i++) {
        j->progress_at_ms = 0; // as if time had passed
        toy_note(id, text);
        toy_progress(id);
    }
    uint8_t sha256[32] = {0};
    toy_complete(id, sha256);
    run_turns(&f, 50);
    assert_false(slow->end.done);
    rpc_resume(slow->call);
    run_until(&f, stream_over, slow);
    assert_int_equal(slow->end.code, RPC_OK);
    assert_int_equal(count_kind(slow, STATUS), 2);
    assert_int_equal(count_kind(slow, NOTE), NOTES);
    assert_true(count_kind(slow, PROGRESS) < NOTES / 2);
    stream_free(slow);
    free(text);
    free(id);
    close_service(&f);
}

static bool told(void *arg)
{
    return count_kind(arg, PROGRESS) == 2; // the first at once, the last when it was time
}

static void progress_is_told_now_and_then(void **state)
{
    (void)state;
    fixture f;
    open_service(&f, &(service_options){0});
    api_launch_proof_request r = API_LAUNCH_PROOF_REQUEST_INIT;
    r.compute_capacity = 1;
    char *id = launch(&f, &r);
    for (int i = 0; i < 1000; i++)
        toy_progress(id); // nobody watches: nothing is kept
    assert_int_equal(service_job_get(f.service, id, false)->sequence, 1);
    api_watch_job_request ask = API_WATCH_JOB_REQUEST_INIT;
    ask.job_id = id;
    stream *s = open_stream(&f, API "WatchJob", API_JOB_EVENT_TYPE);
    stream_send(s, &ask);
    rpc_half_close(s->call);
    run_until(&f, stream_has_one, s);
    for (int i = 0; i < 1000; i++)
        toy_progress(id);
    assert_int_equal(service_job_get(f.service, id, false)->sequence, 2);
    run_until(&f, told, s);
    rpc_cancel(s->call);
    run_until(&f, stream_over, s);
    stream_free(s);
    free(id);
    close_service(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(status_calls_answer),
        cmocka_unit_test(launches_are_checked),
        cmocka_unit_test(inputs_on_disk_become_artifacts),
        cmocka_unit_test(lists_are_filtered),
        cmocka_unit_test(workers_come_and_go),
        cmocka_unit_test(silent_workers_are_shown_out),
        cmocka_unit_test(a_full_queue_cuts_a_worker_off),
        cmocka_unit_test(watchers_see_a_job_to_its_end),
        cmocka_unit_test(a_slow_watcher_misses_progress_alone),
        cmocka_unit_test(progress_is_told_now_and_then),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
