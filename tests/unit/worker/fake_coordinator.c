// SPDX-License-Identifier: Apache-2.0 OR MIT
#include "unit/worker/fake_coordinator.h"

#include <openssl/sha.h>

#include "cluster/messages.h"

#define SERVICE "/zisk.distributed.api.v1.ZiskDistributedApi/"

static void pack_and_send(rpc_call *call, const ProtobufCMessage *m)
{
    uint8_t *bytes;
    size_t n;
    assert_int_equal(message_pack(&bytes, &n, m), ZK_OK);
    status s = rpc_send_take(call, bytes, n);
    assert_true(s == ZK_OK || s == ZK_ECANCELED);
}

// ---- The stream ----

static void answer_registration(fake_coordinator *f, rpc_call *call)
{
    if (f->dumb)
        return;
    api_worker_register_response r = API_WORKER_REGISTER_RESPONSE_INIT;
    r.accepted = f->refusals == 0;
    r.message = r.accepted ? (char *)"welcome" : (char *)"not today";
    r.heartbeat_timeout_seconds = f->heartbeat_timeout_seconds;
    api_coordinator_message m = API_COORDINATOR_MESSAGE_INIT;
    m.payload_case = TO_WORKER(REGISTER_RESPONSE);
    m.register_response = &r;
    pack_and_send(call, &m.base);
    if (r.accepted)
        return;
    f->refusals--;
    rpc_finish(call, RPC_OK, NULL);
}

static void on_stream_message(rpc_call *call, void *arg, const uint8_t *bytes, size_t n)
{
    fake_coordinator *f = arg;
    ProtobufCMessage *unpacked;
    assert_int_equal(
        message_unpack(&unpacked, API_WORKER_MESSAGE_TYPE, bytes, n, MESSAGE_BYTES_MAX), ZK_OK);
    api_worker_message *m = (api_worker_message *)unpacked;
    if (m->payload_case == FROM_WORKER(PROGRESS)) {
        f->n_progress++;
        if (m->progress->steps_done > f->most_steps)
            f->most_steps = m->progress->steps_done;
        message_free(unpacked);
        return;
    }
    assert_true(f->n_messages < FAKE_MESSAGES);
    f->messages[f->n_messages++] = m;
    if (m->payload_case == FROM_WORKER(REGISTER) || m->payload_case == FROM_WORKER(RECONNECT))
        answer_registration(f, call);
}

static void on_stream_done(rpc_call *call, void *arg, rpc_code code, const char *message)
{
    (void)code;
    (void)message;
    fake_coordinator *f = arg;
    if (f->stream == call)
        f->stream = NULL;
}

static void on_stream(rpc_call *call, void *arg)
{
    static const rpc_call_events events = {.on_message = on_stream_message,
                                           .on_done = on_stream_done};
    fake_coordinator *f = arg;
    f->stream = call;
    f->n_streams++;
    rpc_call_set_events(call, &events, f);
}

// ---- Artifacts ----

void fake_put(fake_coordinator *f, uint8_t sha256[32], const void *bytes, size_t n)
{
    assert_true(f->n_artifacts < FAKE_ARTIFACTS);
    fake_artifact *a = &f->artifacts[f->n_artifacts++];
    a->bytes = malloc(n + 1);
    a->n = n;
    if (n > 0)
        memcpy(a->bytes, bytes, n);
    SHA256(a->bytes, n, a->sha256);
    memcpy(sha256, a->sha256, 32);
}

const fake_artifact *fake_find(const fake_coordinator *f, const uint8_t *sha256)
{
    for (size_t i = 0; i < f->n_artifacts; i++)
        if (memcmp(f->artifacts[i].sha256, sha256, 32) == 0)
            return &f->artifacts[i];
    return NULL;
}

static void on_download(rpc_call *call, void *arg, const uint8_t *bytes, size_t n)
{
    fake_coordinator *f = arg;
    ProtobufCMessage *unpacked;
    assert_int_equal(message_unpack(&unpacked, API_DOWNLOAD_ARTIFACT_REQUEST_TYPE, bytes, n, 1000),
                     ZK_OK);
    const api_download_artifact_request *r = (const api_download_artifact_request *)unpacked;
    assert_int_equal(r->sha256.len, 32);
    const fake_artifact *a = fake_find(f, r->sha256.data);
    if (a == NULL) {
        rpc_finish(call, RPC_NOT_FOUND, "no such artifact");
        message_free(unpacked);
        return;
    }
    if (f->fail_downloads > 0) {
        f->fail_downloads--;
        rpc_finish(call, RPC_INTERNAL, "the file cannot be opened: Too many open files");
        message_free(unpacked);
        return;
    }
    size_t chunk = f->chunk == 0 ? 1 << 20 : f->chunk;
    for (size_t at = r->offset; at < a->n; at += chunk) {
        if (f->cut_downloads_after != 0 && at >= f->cut_downloads_after) {
            f->cut_downloads_after = 0;
            rpc_finish(call, RPC_UNAVAILABLE, "cut");
            message_free(unpacked);
            return;
        }
        api_data_chunk c = API_DATA_CHUNK_INIT;
        c.size = a->n;
        c.offset = at;
        c.data.data = a->bytes + at;
        c.data.len = a->n - at < chunk ? a->n - at : chunk;
        uint8_t first = c.data.data[0];
        if (f->spoil_downloads)
            c.data.data[0] ^= 1;
        pack_and_send(call, &c.base);
        c.data.data[0] = first;
    }
    rpc_finish(call, RPC_OK, NULL);
    message_free(unpacked);
}

typedef struct upload {
    fake_coordinator *f;
    uint8_t *bytes, sha256[32];
    size_t n, size;
} upload;

static void on_upload_message(rpc_call *call, void *arg, const uint8_t *bytes, size_t n)
{
    (void)call;
    upload *u = arg;
    ProtobufCMessage *unpacked;
    assert_int_equal(message_unpack(&unpacked, API_UPLOAD_CHUNK_TYPE, bytes, n, (1 << 20) + 4096),
                     ZK_OK);
    const api_upload_chunk *c = (const api_upload_chunk *)unpacked;
    if (u->bytes == NULL) {
        assert_int_equal(c->sha256.len, 32);
        memcpy(u->sha256, c->sha256.data, 32);
        u->size = c->size;
        u->bytes = malloc(u->size + 1);
    }
    assert_int_equal(c->offset, u->n);
    assert_true(c->data.len <= 1 << 20 && c->data.len <= u->size - u->n);
    memcpy(u->bytes + u->n, c->data.data, c->data.len);
    u->n += c->data.len;
    message_free(unpacked);
}

static void on_upload_end(rpc_call *call, void *arg)
{
    upload *u = arg;
    uint8_t sha256[32];
    assert_int_equal(u->n, u->size);
    fake_put(u->f, sha256, u->bytes, u->n);
    assert_memory_equal(sha256, u->sha256, 32);
    api_upload_response r = API_UPLOAD_RESPONSE_INIT;
    r.sha256.data = sha256;
    r.sha256.len = 32;
    r.size = u->n;
    pack_and_send(call, &r.base);
    rpc_finish(call, RPC_OK, NULL);
}

static void on_upload_done(rpc_call *call, void *arg, rpc_code code, const char *message)
{
    (void)call;
    (void)code;
    (void)message;
    upload *u = arg;
    free(u->bytes);
    free(u);
}

static void on_upload(rpc_call *call, void *arg)
{
    static const rpc_call_events events = {
        .on_message = on_upload_message, .on_half_close = on_upload_end, .on_done = on_upload_done};
    upload *u = calloc(1, sizeof *u);
    u->f = arg;
    rpc_call_set_events(call, &events, u);
}

// ---- Life ----

void fake_open(fake_coordinator *f)
{
    *f = (fake_coordinator){0};
    rpc_server_options o = {.host = "127.0.0.1", .limits.send_queue_bytes = 64 << 20};
    assert_int_equal(rpc_loop_open(&f->loop), ZK_OK);
    assert_int_equal(rpc_server_open(&f->server, f->loop, &o), ZK_OK);
    assert_int_equal(rpc_server_add(f->server, SERVICE "WorkerStream", on_stream, f), ZK_OK);
    assert_int_equal(rpc_server_add_unary(f->server, SERVICE "DownloadArtifact", on_download, f),
                     ZK_OK);
    assert_int_equal(rpc_server_add(f->server, SERVICE "UploadArtifact", on_upload, f), ZK_OK);
    snprintf(f->url, sizeof f->url, "http://127.0.0.1:%u", rpc_server_port(f->server));
}

void fake_close(fake_coordinator *f)
{
    rpc_server_close(f->server);
    fake_run(f, 20);
    rpc_loop_close(f->loop);
    for (size_t i = 0; i < f->n_messages; i++)
        message_free(&f->messages[i]->base);
    for (size_t i = 0; i < f->n_artifacts; i++)
        free(f->artifacts[i].bytes);
}

static void on_patience_over(void *arg)
{
    fake_coordinator *f = arg;
    f->timed_out = true;
    rpc_loop_stop(f->loop);
}

void fake_run(fake_coordinator *f, uint64_t ms)
{
    f->timed_out = false;
    rpc_timer_set(f->loop, &f->patience, ms, on_patience_over, f);
    while (!f->timed_out)
        rpc_loop_run(f->loop);
}

void fake_until(fake_coordinator *f, bool (*check)(void *arg), void *arg)
{
    enum { STEP_MS = 5 };
    for (uint64_t waited = 0; !check(arg); waited += STEP_MS) {
        if (waited > FAKE_PATIENCE_MS)
            fail_msg("nothing happened for %d s", FAKE_PATIENCE_MS / 1000);
        fake_run(f, STEP_MS);
    }
}

typedef struct waiting {
    const fake_coordinator *f;
    size_t at;
    unsigned kind;
} waiting;

static bool has_arrived(void *arg)
{
    waiting *w = arg;
    for (; w->at < w->f->n_messages; w->at++)
        if (w->f->messages[w->at]->payload_case == w->kind)
            return true;
    return false;
}

const api_worker_message *fake_wait(fake_coordinator *f, size_t *at, unsigned kind)
{
    waiting w = {f, *at, kind};
    fake_until(f, has_arrived, &w);
    *at = w.at + 1;
    return f->messages[w.at];
}

void fake_send(fake_coordinator *f, api_coordinator_message *m)
{
    assert_non_null(f->stream);
    pack_and_send(f->stream, &m->base);
}

void fake_heartbeat(fake_coordinator *f)
{
    api_heartbeat beat = API_HEARTBEAT_INIT;
    api_coordinator_message m = API_COORDINATOR_MESSAGE_INIT;
    m.payload_case = TO_WORKER(HEARTBEAT);
    m.heartbeat = &beat;
    fake_send(f, &m);
}

void fake_task(fake_coordinator *f, api_execute_task_request *r)
{
    api_coordinator_message m = API_COORDINATOR_MESSAGE_INIT;
    m.payload_case = TO_WORKER(EXECUTE_TASK);
    m.execute_task = r;
    fake_send(f, &m);
}

void fake_stored(fake_coordinator *f, const char *job, uint64_t task, const uint32_t *index)
{
    api_result_stored s = API_RESULT_STORED_INIT;
    s.job_id = (char *)job;
    s.task_id = task;
    if (index != NULL) {
        s._plan_index_case = STORED_INDEX;
        s.plan_index = *index;
    }
    api_coordinator_message m = API_COORDINATOR_MESSAGE_INIT;
    m.payload_case = TO_WORKER(RESULT_STORED);
    m.result_stored = &s;
    fake_send(f, &m);
}

void fake_cancel(fake_coordinator *f, const char *job)
{
    api_job_cancelled c = API_JOB_CANCELLED_INIT;
    c.job_id = (char *)job;
    c.reason = (char *)"the test says so";
    api_coordinator_message m = API_COORDINATOR_MESSAGE_INIT;
    m.payload_case = TO_WORKER(JOB_CANCELLED);
    m.job_cancelled = &c;
    fake_send(f, &m);
}

void fake_cut(fake_coordinator *f)
{
    assert_non_null(f->stream);
    rpc_cancel(f->stream);
    f->stream = NULL;
}
