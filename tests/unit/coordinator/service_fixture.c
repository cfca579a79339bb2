// SPDX-License-Identifier: Apache-2.0 OR MIT
#include "unit/coordinator/service_fixture.h"

static void no_check(void *arg, const check_request *r)
{
    (void)arg;
    (void)r;
}

static void no_forget(void *arg, const char *job, uint32_t below_epoch)
{
    (void)arg;
    (void)job;
    (void)below_epoch;
}

static bool no_form(void *arg, const uint64_t *words, size_t n, const uint8_t *key,
                    const api_instance_contribution *c)
{
    (void)arg;
    (void)words;
    (void)n;
    (void)key;
    (void)c;
    return true;
}

static void no_over(void *arg, const api_job_status *job, const uint8_t *sha256)
{
    (void)arg;
    (void)job;
    (void)sha256;
}

void open_service(fixture *f, service_options *o)
{
    memset(f, 0, sizeof *f);
    assert_int_equal(scratch_open(f->folder), 0);
    char path[SCRATCH_PATH];
    OK(rpc_loop_open(&f->loop));
    OK(pool_open(&f->io, 3));
    OK(store_open(&f->jobs, f->folder));
    scratch_path(path, f->folder, "artifacts");
    OK(artifacts_open(
        &f->blobs,
        &(artifacts_options){.folder = path, .max_total_bytes = 64 << 20, .max_bytes = 32 << 20}));
    OK(access_open(&f->access, &(access_options){0}));
    o->loop = f->loop;
    o->jobs = f->jobs;
    o->artifacts = f->blobs;
    o->access = f->access;
    o->io = f->io;
    o->name = "a service";
    o->version = "1.2.3";
    o->proof_system = "toys";
    o->server.host = "127.0.0.1";
    o->limits.heartbeat_timeout_ms =
        o->limits.heartbeat_timeout_ms ? o->limits.heartbeat_timeout_ms : 30000;
    o->check = no_check;
    o->forget_checks = no_forget;
    o->contribution_form = no_form;
    o->over = no_over;
    OK(service_open(&f->service, o));
    char url[64];
    snprintf(url, sizeof url, "http://127.0.0.1:%u", service_port(f->service));
    OK(rpc_channel_open(&f->channel, f->loop, url, &(rpc_channel_options){0}));
}

void close_service(fixture *f)
{
    rpc_channel_close(f->channel);
    service_stop(f->service);
    pool_close(f->io);
    rpc_loop_close(f->loop);
    service_free(f->service);
    access_close(f->access);
    artifacts_close(f->blobs);
    store_close(f->jobs);
    char command[SCRATCH_PATH + 16];
    snprintf(command, sizeof command, "rm -r '%s'", f->folder);
    assert_int_equal(system(command), 0);
}

// ---- Running the loop

typedef struct runner {
    fixture *f;
    bool (*check)(void *arg);
    void *arg;
    rpc_timer tick, limit;
} runner;

static void on_look(void *arg)
{
    runner *r = arg;
    if (r->check(r->arg))
        rpc_loop_stop(r->f->loop);
    else
        rpc_timer_set(r->f->loop, &r->tick, 1, on_look, r);
}

static void on_limit(void *arg)
{
    runner *r = arg;
    r->f->timed_out = true;
    rpc_loop_stop(r->f->loop);
}

void run_until(fixture *f, bool (*check)(void *arg), void *arg)
{
    runner r = {.f = f, .check = check, .arg = arg};
    rpc_timer_set(f->loop, &r.tick, 0, on_look, &r);
    rpc_timer_set(f->loop, &r.limit, PATIENCE_MS, on_limit, &r);
    rpc_loop_run(f->loop);
    rpc_timer_clear(f->loop, &r.tick);
    rpc_timer_clear(f->loop, &r.limit);
    assert_false(f->timed_out);
}

static bool later(void *arg)
{
    return --*(int *)arg < 0;
}

void run_turns(fixture *f, int turns)
{
    run_until(f, later, &turns);
}

// ---- Calls

static bool is_done(void *arg)
{
    return ((answer *)arg)->done;
}

static void on_unary(void *arg, rpc_code code, const char *message, const uint8_t *bytes, size_t n)
{
    answer *a = arg;
    a->done = true;
    a->code = code;
    snprintf(a->message, sizeof a->message, "%s", message != NULL ? message : "");
    a->n = n;
    a->bytes = malloc(n + 1);
    if (n > 0)
        memcpy(a->bytes, bytes, n);
}

// The unpacked answer, or NULL with the code in *a.
void *call(fixture *f, answer *a, const char *path, const void *request,
           const ProtobufCMessageDescriptor *type)
{
    uint8_t *bytes;
    size_t n;
    memset(a, 0, sizeof *a);
    OK(message_pack(&bytes, &n, request));
    OK(rpc_unary(f->channel, path, NULL, bytes, n, on_unary, a));
    free(bytes);
    run_until(f, is_done, a);
    ProtobufCMessage *m = NULL;
    if (a->code == RPC_OK)
        OK(message_unpack(&m, type, a->bytes, a->n, MESSAGE_BYTES_MAX));
    free(a->bytes);
    return m;
}

void expect(fixture *f, rpc_code code, const char *says, const char *path, const void *request)
{
    answer a;
    assert_null(call(f, &a, path, request, NULL));
    if (a.code != code || strstr(a.message, says) == NULL)
        fail_msg("%s: %s %s", path, rpc_code_name(a.code), a.message);
}

static void on_stream_headers(rpc_call *c, void *arg)
{
    (void)c;
    ((stream *)arg)->headers = true;
}

static void on_stream_message(rpc_call *c, void *arg, const uint8_t *bytes, size_t n)
{
    (void)c;
    stream *s = arg;
    assert_true(s->n < 4096);
    OK(message_unpack(&s->got[s->n++], s->type, bytes, n, MESSAGE_BYTES_MAX));
}

static void on_stream_drain(rpc_call *c, void *arg)
{
    (void)c;
    ((stream *)arg)->drains++;
}

static void on_stream_done(rpc_call *c, void *arg, rpc_code code, const char *message)
{
    (void)c;
    stream *s = arg;
    on_unary(&s->end, code, message, NULL, 0);
    free(s->end.bytes);
    s->call = NULL;
}

stream *open_stream(fixture *f, const char *path, const ProtobufCMessageDescriptor *type)
{
    static const rpc_call_events events = {.on_headers = on_stream_headers,
                                           .on_message = on_stream_message,
                                           .on_drain = on_stream_drain,
                                           .on_done = on_stream_done};
    stream *s = calloc(1, sizeof *s);
    s->type = type;
    OK(rpc_call_start(&s->call, f->channel, path, NULL, &events, s));
    return s;
}

void stream_send(stream *s, const void *message)
{
    uint8_t *bytes;
    size_t n;
    OK(message_pack(&bytes, &n, message));
    OK(rpc_send_take(s->call, bytes, n));
}

bool stream_over(void *arg)
{
    return ((stream *)arg)->end.done;
}

bool stream_has_one(void *arg)
{
    return ((stream *)arg)->n >= 1 || stream_over(arg);
}

bool stream_has_headers(void *arg)
{
    return ((stream *)arg)->headers;
}

void stream_free(stream *s)
{
    for (size_t i = 0; i < s->n; i++)
        message_free(s->got[i]);
    free(s);
}

char *launch(fixture *f, const api_launch_proof_request *r)
{
    answer a;
    api_launch_proof_response *m =
        call(f, &a, API "LaunchProof", r, API_LAUNCH_PROOF_RESPONSE_TYPE);
    if (m == NULL)
        fail_msg("%s", a.message);
    char *id = strdup(m->job_id);
    message_free(&m->base);
    return id;
}

void say_hello(stream *s, const char *id)
{
    api_worker_register_request hello = API_WORKER_REGISTER_REQUEST_INIT;
    hello.worker_id = (char *)id;
    api_worker_message m = API_WORKER_MESSAGE_INIT;
    m.payload_case = ZISK__DISTRIBUTED__API__V1__WORKER_MESSAGE__PAYLOAD_REGISTER;
    m.register_ = &hello;
    stream_send(s, &m);
}
