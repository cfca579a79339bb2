// SPDX-License-Identifier: Apache-2.0 OR MIT
// Uploads and downloads, what is removed of them, and how the service goes away.
#include "unit/coordinator/service_fixture.h"

#include <openssl/sha.h>
#include <unistd.h>

static void send_chunks(fixture *f, stream *s, const uint8_t *data, size_t n, size_t chunk,
                        const uint8_t *digest)
{
    for (size_t at = 0; at < n || at == 0;) {
        size_t part = n - at < chunk ? n - at : chunk;
        api_upload_chunk c = API_UPLOAD_CHUNK_INIT;
        if (at == 0) {
            c.size = n;
            c.name = "test";
            c.sha256 = (ProtobufCBinaryData){.len = 32, .data = (uint8_t *)digest};
        }
        c.offset = at;
        c.data = (ProtobufCBinaryData){.len = part, .data = (uint8_t *)data + at};
        uint8_t *bytes;
        size_t packed;
        OK(message_pack(&bytes, &packed, &c.base));
        status sent = s->call != NULL ? rpc_send(s->call, bytes, packed) : ZK_ECANCELED;
        free(bytes);
        if (sent == ZK_ELIMIT) {
            run_turns(f, 1);
            continue;
        }
        if (sent != ZK_OK)
            return;
        at += part;
        if (part == 0)
            break;
    }
    if (s->call != NULL)
        rpc_half_close(s->call);
}

static stream *upload(fixture *f, const uint8_t *data, size_t n, size_t chunk,
                      const uint8_t *digest)
{
    stream *s = open_stream(f, API "UploadInput", API_UPLOAD_RESPONSE_TYPE);
    send_chunks(f, s, data, n, chunk, digest);
    run_until(f, stream_over, s);
    return s;
}

static void check_download(fixture *f, const uint8_t *digest, const uint8_t *data, size_t n,
                           uint64_t offset)
{
    stream *s = open_stream(f, API "DownloadArtifact", API_DATA_CHUNK_TYPE);
    api_download_artifact_request ask = API_DOWNLOAD_ARTIFACT_REQUEST_INIT;
    ask.sha256 = (ProtobufCBinaryData){.len = 32, .data = (uint8_t *)digest};
    ask.offset = offset;
    stream_send(s, &ask);
    rpc_half_close(s->call);
    run_until(f, stream_over, s);
    if (s->end.code != RPC_OK)
        fail_msg("%s", s->end.message);
    uint64_t at = offset;
    for (size_t i = 0; i < s->n; i++) {
        const api_data_chunk *c = (const api_data_chunk *)s->got[i];
        assert_int_equal(c->offset, at);
        assert_true(c->data.len <= SERVICE_CHUNK);
        if (i == 0) {
            assert_int_equal(c->size, n);
            assert_memory_equal(c->sha256.data, digest, 32);
        }
        assert_memory_equal(c->data.data, data + at, c->data.len);
        at += c->data.len;
    }
    assert_int_equal(at, n);
    assert_true(s->n >= 1);
    stream_free(s);
}

static void what_is_uploaded_comes_back(void **state)
{
    (void)state;
    fixture f;
    open_service(&f, &(service_options){.server.limits.send_queue_bytes = 3 << 19});
    enum { N = (9 << 20) + 12345 };
    uint8_t *data = malloc(N), digest[32];
    for (size_t i = 0; i < N; i++)
        data[i] = (uint8_t)(i * 2654435761u >> 11);
    static const size_t sizes[] = {0, 1, 1 << 20, N};
    for (int i = 0; i < 4; i++) {
        SHA256(data, sizes[i], digest);
        stream *s = upload(&f, data, sizes[i], i == 3 ? 1 << 20 : 1 << 16, digest);
        if (s->end.code != RPC_OK)
            fail_msg("%s", s->end.message);
        const api_upload_response *r = (const api_upload_response *)s->got[0];
        assert_int_equal(r->size, sizes[i]);
        assert_memory_equal(r->sha256.data, digest, 32);
        stream_free(s);
        check_download(&f, digest, data, sizes[i], 0);
        check_download(&f, digest, data, sizes[i], sizes[i]);
        check_download(&f, digest, data, sizes[i], sizes[i] / 3);
    }
    // Once more: the answer comes before the bytes are sent.
    uint64_t before;
    service_counts counts;
    service_get_counts(f.service, &counts);
    before = counts.bytes_uploaded;
    stream *s = upload(&f, data, N, 1 << 20, digest);
    assert_int_equal(s->end.code, RPC_OK);
    stream_free(s);
    service_get_counts(f.service, &counts);
    assert_int_equal(counts.bytes_uploaded, before);

    // A job's proof.
    api_launch_proof_request r = API_LAUNCH_PROOF_REQUEST_INIT;
    r.compute_capacity = 1;
    char *id = launch(&f, &r);
    api_fetch_proof_request fetch = API_FETCH_PROOF_REQUEST_INIT;
    fetch.job_id = id;
    expect(&f, RPC_FAILED_PRECONDITION, "Running (Contributions); WatchJob", API "FetchProof",
           &fetch);
    toy_complete(id, digest);
    s = open_stream(&f, API "FetchProof", API_DATA_CHUNK_TYPE);
    stream_send(s, &fetch);
    rpc_half_close(s->call);
    run_until(&f, stream_over, s);
    assert_int_equal(s->end.code, RPC_OK);
    assert_int_equal(((const api_data_chunk *)s->got[0])->size, N);
    stream_free(s);
    free(id);
    free(data);
    close_service(&f);
}

static bool nothing_left(void *arg)
{
    return artifacts_bytes(((fixture *)arg)->blobs) == 0;
}

static void bad_transfers_are_refused(void **state)
{
    (void)state;
    fixture f;
    open_service(&f, &(service_options){0});
    uint8_t data[100] = {1, 2, 3}, digest[32], other[32] = {0};
    SHA256(data, sizeof data, digest);
    stream *s = upload(&f, data, sizeof data, 10, other);
    assert_int_equal(s->end.code, RPC_INVALID_ARGUMENT);
    assert_non_null(strstr(s->end.message, "SHA-256"));
    stream_free(s);
    s = open_stream(&f, API "UploadArtifact", API_UPLOAD_RESPONSE_TYPE);
    rpc_half_close(s->call);
    run_until(&f, stream_over, s);
    assert_int_equal(s->end.code, RPC_INVALID_ARGUMENT);
    stream_free(s);
    struct {
        uint64_t size, offset;
        size_t digest, n;
        rpc_code code;
    } firsts[] = {
        {100, 0, 31, 10, RPC_INVALID_ARGUMENT}, {100, 5, 32, 10, RPC_OUT_OF_RANGE},
        {5, 0, 32, 10, RPC_INVALID_ARGUMENT},   {1ULL << 40, 0, 32, 10, RPC_RESOURCE_EXHAUSTED},
        {100, 0, 32, 10, RPC_INVALID_ARGUMENT}, // and then nothing
    };
    for (size_t i = 0; i < sizeof firsts / sizeof firsts[0]; i++) {
        api_upload_chunk c = API_UPLOAD_CHUNK_INIT;
        c.size = firsts[i].size;
        c.offset = firsts[i].offset;
        c.sha256 = (ProtobufCBinaryData){.len = firsts[i].digest, .data = digest};
        c.data = (ProtobufCBinaryData){.len = firsts[i].n, .data = data};
        s = open_stream(&f, API "UploadInput", API_UPLOAD_RESPONSE_TYPE);
        stream_send(s, &c);
        rpc_half_close(s->call);
        run_until(&f, stream_over, s);
        if (s->end.code != firsts[i].code)
            fail_msg("%zu: %s %s", i, rpc_code_name(s->end.code), s->end.message);
        stream_free(s);
    }
    // A client that goes away in the middle leaves nothing behind.
    api_upload_chunk c = API_UPLOAD_CHUNK_INIT;
    c.size = 100;
    c.sha256 = (ProtobufCBinaryData){.len = 32, .data = digest};
    c.data = (ProtobufCBinaryData){.len = 10, .data = data};
    s = open_stream(&f, API "UploadInput", API_UPLOAD_RESPONSE_TYPE);
    stream_send(s, &c);
    run_turns(&f, 20);
    assert_int_equal(artifacts_bytes(f.blobs), 100); // reserved
    rpc_cancel(s->call);
    run_until(&f, stream_over, s);
    stream_free(s);
    run_until(&f, nothing_left, &f);

    api_download_artifact_request ask = API_DOWNLOAD_ARTIFACT_REQUEST_INIT;
    ask.sha256 = (ProtobufCBinaryData){.len = 32, .data = digest};
    expect(&f, RPC_NOT_FOUND, "", API "DownloadArtifact", &ask);
    ask.sha256.len = 3;
    expect(&f, RPC_INVALID_ARGUMENT, "32 bytes", API "DownloadArtifact", &ask);
    stream_free(upload(&f, data, sizeof data, 10, digest));
    ask.sha256.len = 32;
    ask.offset = 101;
    expect(&f, RPC_OUT_OF_RANGE, "100", API "DownloadArtifact", &ask);
    close_service(&f);
}

// It would keep the room that it announced.
static void an_upload_that_stands_still(void **state)
{
    (void)state;
    fixture f;
    open_service(&f, &(service_options){.upload_idle_ms = 200});
    uint8_t data[100] = {1}, digest[32];
    SHA256(data, sizeof data, digest);
    api_upload_chunk c = API_UPLOAD_CHUNK_INIT;
    c.size = 100;
    c.sha256 = (ProtobufCBinaryData){.len = 32, .data = digest};
    c.data = (ProtobufCBinaryData){.len = 10, .data = data};
    for (int chunks = 0; chunks < 2; chunks++) {
        stream *s = open_stream(&f, API "UploadInput", API_UPLOAD_RESPONSE_TYPE);
        if (chunks > 0)
            stream_send(s, &c);
        run_until(&f, stream_over, s);
        assert_int_equal(s->end.code, RPC_DEADLINE_EXCEEDED);
        stream_free(s);
        run_until(&f, nothing_left, &f);
    }
    close_service(&f);
}

static void no_more_transfers_than_there_are_places(void **state)
{
    (void)state;
    fixture f;
    open_service(&f, &(service_options){.transfers_max = 2, .upload_idle_ms = 200});
    uint8_t data[10] = {1}, digest[32];
    SHA256(data, sizeof data, digest);
    stream *idle[2], *s;
    for (int i = 0; i < 2; i++)
        idle[i] = open_stream(&f, API "UploadInput", API_UPLOAD_RESPONSE_TYPE);
    s = upload(&f, data, sizeof data, 10, digest);
    assert_int_equal(s->end.code, RPC_UNAVAILABLE);
    stream_free(s);
    for (int i = 0; i < 2; i++) {
        run_until(&f, stream_over, idle[i]);
        stream_free(idle[i]);
    }
    s = upload(&f, data, sizeof data, 10, digest);
    assert_int_equal(s->end.code, RPC_OK);
    stream_free(s);
    close_service(&f);
}

static stream *ask_for(fixture *f, const uint8_t digest[32])
{
    api_download_artifact_request ask = API_DOWNLOAD_ARTIFACT_REQUEST_INIT;
    ask.sha256 = (ProtobufCBinaryData){.len = 32, .data = (uint8_t *)digest};
    stream *s = open_stream(f, API "DownloadArtifact", API_DATA_CHUNK_TYPE);
    stream_send(s, &ask);
    rpc_half_close(s->call);
    return s;
}

static bool no_download(void *arg)
{
    service_counts counts;
    service_get_counts(((fixture *)arg)->service, &counts);
    return counts.downloads == 0;
}

// A reader that takes its time holds memory; when there is no more, others wait, small ones not.
static void downloads_have_so_much_memory(void **state)
{
    (void)state;
    fixture f;
    enum { N = 8 << 20, SMALL = 1000 };
    open_service(&f, &(service_options){.downloads_bytes = 4 << 20,
                                        .server.limits.send_queue_bytes = 3 << 19});
    uint8_t *data = calloc(1, N), digest[32], small[32];
    SHA256(data, N, digest);
    SHA256(data, SMALL, small);
    stream_free(upload(&f, data, N, 1 << 20, digest));
    stream_free(upload(&f, data, SMALL, SMALL, small));
    stream *slow = ask_for(&f, digest);
    rpc_pause(slow->call);
    run_until(&f, stream_has_headers, slow);
    stream *s = ask_for(&f, digest);
    run_until(&f, stream_over, s);
    assert_int_equal(s->end.code, RPC_UNAVAILABLE);
    stream_free(s);
    check_download(&f, small, data, SMALL, 0);
    rpc_resume(slow->call);
    run_until(&f, stream_over, slow);
    assert_int_equal(slow->end.code, RPC_OK);
    stream_free(slow);
    run_until(&f, no_download, &f);
    check_download(&f, digest, data, N, 0);
    free(data);
    close_service(&f);
}

// ---- Sweeping and draining

static bool one_is_gone(void *arg)
{
    return artifacts_bytes(((fixture *)arg)->blobs) == 40;
}

static bool proof_is_left(void *arg)
{
    return artifacts_bytes(((fixture *)arg)->blobs) == 30;
}

static void unneeded_uploads_go(void **state)
{
    (void)state;
    fixture f;
    open_service(&f, &(service_options){.artifact_age_ms = 300});
    uint8_t data[10] = {1}, more[20] = {2}, proof[30] = {3}, needed[32], unneeded[32], final[32];
    SHA256(data, sizeof data, needed);
    SHA256(more, sizeof more, unneeded);
    SHA256(proof, sizeof proof, final);
    stream_free(upload(&f, data, sizeof data, 100, needed));
    stream_free(upload(&f, more, sizeof more, 100, unneeded));
    stream_free(upload(&f, proof, sizeof proof, 100, final));
    api_launch_proof_request r = API_LAUNCH_PROOF_REQUEST_INIT;
    r.compute_capacity = 1;
    r.inputs_mode = 2;
    r.input_digest = (ProtobufCBinaryData){.len = 32, .data = needed};
    char *id = launch(&f, &r), *done = launch(&f, &r);
    toy_complete(done, final);
    run_until(&f, one_is_gone, &f);
    run_turns(&f, 600); // two more sweeps take nothing
    assert_true(one_is_gone(&f));
    toy_complete(id, final); // the input is not needed any more, the proof is
    run_until(&f, proof_is_left, &f);
    free(id);
    free(done);
    close_service(&f);
}

static void set_flag(void *arg)
{
    *(bool *)arg = true;
}

static bool flag_is_set(void *arg)
{
    return *(bool *)arg;
}

static void draining_says_goodbye(void **state)
{
    (void)state;
    fixture f;
    open_service(&f, &(service_options){0});
    stream *w = open_stream(&f, API "WorkerStream", API_COORDINATOR_MESSAGE_TYPE);
    say_hello(w, "one");
    run_until(&f, stream_has_one, w);
    api_launch_proof_request r = API_LAUNCH_PROOF_REQUEST_INIT;
    r.compute_capacity = 1;
    char *id = launch(&f, &r);
    api_watch_job_request ask = API_WATCH_JOB_REQUEST_INIT;
    ask.job_id = id;
    stream *watch = open_stream(&f, API "WatchJob", API_JOB_EVENT_TYPE);
    stream_send(watch, &ask);
    rpc_half_close(watch->call);
    run_until(&f, stream_has_one, watch);

    bool drained = false;
    toy.busy = true;
    service_drain(f.service, 60000, set_flag, &drained);
    expect(&f, RPC_UNAVAILABLE, "shutting down", API "LaunchProof", &r);
    run_turns(&f, 100);
    assert_false(drained || w->end.done || watch->end.done); // a job still runs
    toy.busy = false;
    run_until(&f, flag_is_set, &drained);
    assert_int_equal(w->end.code, RPC_UNAVAILABLE);
    assert_int_equal(watch->end.code, RPC_UNAVAILABLE);
    const api_coordinator_message *m = (const api_coordinator_message *)w->got[w->n - 1];
    assert_int_equal(m->payload_case,
                     ZISK__DISTRIBUTED__API__V1__COORDINATOR_MESSAGE__PAYLOAD_SHUTDOWN);
    assert_int_equal(toy.losses, 0); // it keeps its tasks
    stream_free(w);
    stream_free(watch);
    free(id);
    close_service(&f);
}

static void draining_has_an_end(void **state)
{
    (void)state;
    fixture f;
    open_service(&f, &(service_options){0});
    bool drained = false;
    toy.busy = true;
    service_drain(f.service, 100, set_flag, &drained);
    run_until(&f, flag_is_set, &drained);
    close_service(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_uploaded_comes_back),
        cmocka_unit_test(bad_transfers_are_refused),
        cmocka_unit_test(an_upload_that_stands_still),
        cmocka_unit_test(no_more_transfers_than_there_are_places),
        cmocka_unit_test(downloads_have_so_much_memory),
        cmocka_unit_test(unneeded_uploads_go),
        cmocka_unit_test(draining_says_goodbye),
        cmocka_unit_test(draining_has_an_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
