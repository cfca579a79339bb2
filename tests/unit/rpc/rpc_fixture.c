// SPDX-License-Identifier: Apache-2.0 OR MIT
#include "unit/rpc/rpc_fixture.h"

// ---- Methods ----

static void on_echo(rpc_call *call, void *arg, const uint8_t *bytes, size_t n)
{
    (void)arg;
    char text[64] = {0};
    memcpy(text, bytes, n < 63 ? n : 63);
    unsigned code;
    int used = 0;
    if (sscanf(text, "fail:%u:%n", &code, &used) == 1 && used > 0)
        rpc_finish(call, (rpc_code)code, text + used);
    else
        rpc_reply(call, bytes, n);
}

static void sum_message(rpc_call *call, void *arg, const uint8_t *bytes, size_t n)
{
    (void)call;
    (void)bytes;
    uint64_t *sums = arg;
    sums[0]++;
    sums[1] += n;
}

static void sum_half_close(rpc_call *call, void *arg)
{
    rpc_reply(call, arg, 16);
}

static void sum_done(rpc_call *call, void *arg, rpc_code code, const char *message)
{
    (void)call;
    (void)code;
    (void)message;
    free(arg);
}

static void on_sum(rpc_call *call, void *arg)
{
    (void)arg;
    static const rpc_call_events events = {
        .on_message = sum_message, .on_half_close = sum_half_close, .on_done = sum_done};
    rpc_call_set_events(call, &events, calloc(2, 8));
}

typedef struct counter {
    rpc_fixture *f;
    uint64_t left, size;
    uint8_t *bytes;
} counter;

static void count_more(rpc_call *call, void *arg)
{
    counter *c = arg;
    while (c->left > 0) {
        c->bytes[0] = (uint8_t)c->left;
        if (rpc_send(call, c->bytes, c->size) != ZK_OK)
            return;
        size_t queued = rpc_send_queued(call);
        if (queued > c->f->chat_max_queue)
            c->f->chat_max_queue = queued;
        c->left--;
    }
    rpc_finish(call, RPC_OK, NULL);
}

static void count_message(rpc_call *call, void *arg, const uint8_t *bytes, size_t n)
{
    counter *c = arg;
    uint64_t request[2] = {0};
    memcpy(request, bytes, n < 16 ? n : 16);
    c->left = request[0];
    c->size = request[1] < (1 << 24) ? request[1] : 1 << 24;
    free(c->bytes);
    c->bytes = calloc(1, c->size + 1);
    count_more(call, c);
}

static void count_done(rpc_call *call, void *arg, rpc_code code, const char *message)
{
    (void)call;
    (void)code;
    (void)message;
    counter *c = arg;
    free(c->bytes);
    free(c);
}

static void on_count(rpc_call *call, void *arg)
{
    static const rpc_call_events events = {
        .on_message = count_message, .on_drain = count_more, .on_done = count_done};
    counter *c = calloc(1, sizeof *c);
    c->f = arg;
    rpc_call_set_events(call, &events, c);
}

// Echo with back-pressure: what cannot be queued is not read. The refused message is kept.
typedef struct chat {
    rpc_fixture *f;
    uint8_t *kept;
    size_t kept_n;
    bool half_closed;
} chat;

static void chat_message(rpc_call *call, void *arg, const uint8_t *bytes, size_t n)
{
    chat *c = arg;
    if (rpc_send(call, bytes, n) == ZK_ELIMIT) {
        c->kept = malloc(n + 1);
        memcpy(c->kept, bytes, n);
        c->kept_n = n;
        rpc_pause(call);
    }
    if (rpc_send_queued(call) > c->f->chat_max_queue)
        c->f->chat_max_queue = rpc_send_queued(call);
}

static void chat_drain(rpc_call *call, void *arg)
{
    chat *c = arg;
    if (c->kept != NULL) {
        assert_int_equal(rpc_send(call, c->kept, c->kept_n), ZK_OK);
        free(c->kept);
        c->kept = NULL;
    }
    rpc_resume(call);
    if (c->half_closed)
        rpc_finish(call, RPC_OK, NULL);
}

static void chat_half_close(rpc_call *call, void *arg)
{
    chat *c = arg;
    c->half_closed = true;
    if (c->kept == NULL)
        rpc_finish(call, RPC_OK, "bye");
}

static void chat_done(rpc_call *call, void *arg, rpc_code code, const char *message)
{
    (void)call;
    (void)code;
    (void)message;
    chat *c = arg;
    free(c->kept);
    free(c);
}

static void on_chat(rpc_call *call, void *arg)
{
    static const rpc_call_events events = {.on_message = chat_message,
                                           .on_drain = chat_drain,
                                           .on_half_close = chat_half_close,
                                           .on_done = chat_done};
    chat *c = calloc(1, sizeof *c);
    c->f = arg;
    const char *who = rpc_call_metadata(call, "x-who");
    if (who != NULL)
        assert_int_equal(rpc_call_add_metadata(call, "x-hello", who), ZK_OK);
    rpc_call_set_events(call, &events, c);
}

static void hang_done(rpc_call *call, void *arg, rpc_code code, const char *message)
{
    (void)call;
    (void)message;
    rpc_fixture *f = arg;
    f->hanging--;
    f->hang_ended++;
    f->hang_code = code;
}

static void on_hang(rpc_call *call, void *arg)
{
    static const rpc_call_events events = {.on_done = hang_done};
    rpc_fixture *f = arg;
    f->hanging++;
    rpc_call_set_events(call, &events, f);
}

// ---- Fixture ----

void fixture_server(rpc_fixture *f, const rpc_tls_options *tls, const rpc_limits *limits)
{
    memset(f, 0, sizeof *f);
    rpc_server_options o = {.host = "127.0.0.1", .tls = tls};
    if (limits != NULL)
        o.limits = *limits;
    assert_int_equal(rpc_loop_open(&f->loop), ZK_OK);
    assert_int_equal(rpc_server_open(&f->server, f->loop, &o), ZK_OK);
    assert_int_equal(rpc_server_add_unary(f->server, "/test.Test/Echo", on_echo, f), ZK_OK);
    assert_int_equal(rpc_server_add(f->server, "/test.Test/Sum", on_sum, f), ZK_OK);
    assert_int_equal(rpc_server_add(f->server, "/test.Test/Count", on_count, f), ZK_OK);
    assert_int_equal(rpc_server_add(f->server, "/test.Test/Chat", on_chat, f), ZK_OK);
    assert_int_equal(rpc_server_add(f->server, "/test.Test/Hang", on_hang, f), ZK_OK);
    snprintf(f->url, sizeof f->url, "%s://127.0.0.1:%u", tls != NULL ? "https" : "http",
             rpc_server_port(f->server));
}

void fixture_channel(rpc_fixture *f, const rpc_channel_options *o)
{
    assert_int_equal(rpc_channel_open(&f->channel, f->loop, f->url, o), ZK_OK);
}

void fixture_open(rpc_fixture *f)
{
    fixture_server(f, NULL, NULL);
    fixture_channel(f, NULL);
}

void fixture_close(rpc_fixture *f)
{
    rpc_channel_close(f->channel);
    rpc_server_close(f->server);
    run_for(f, 1); // on_done of what was open
    assert_int_equal(rpc_loop_buffered(f->loop), 0);
    rpc_loop_close(f->loop);
    memset(f, 0, sizeof *f);
}

// ---- Running ----

typedef struct runner {
    rpc_fixture *f;
    bool (*check)(void *arg);
    void *arg;
    rpc_timer tick, limit;
} runner;

static void on_tick(void *arg)
{
    runner *r = arg;
    if (r->check(r->arg))
        rpc_loop_stop(r->f->loop);
    else
        rpc_timer_set(r->f->loop, &r->tick, 1, on_tick, r);
}

static void on_limit(void *arg)
{
    runner *r = arg;
    r->f->timed_out = true;
    rpc_loop_stop(r->f->loop);
}

void run_while_not(rpc_fixture *f, bool (*check)(void *arg), void *arg)
{
    runner r = {.f = f, .check = check, .arg = arg};
    rpc_timer_set(f->loop, &r.tick, 0, on_tick, &r);
    rpc_timer_set(f->loop, &r.limit, TEST_PATIENCE_MS, on_limit, &r);
    rpc_loop_run(f->loop);
    rpc_timer_clear(f->loop, &r.tick);
    rpc_timer_clear(f->loop, &r.limit);
    assert_false(f->timed_out);
}

static bool flag_is_set(void *arg)
{
    return *(const bool *)arg;
}

void run_until(rpc_fixture *f, const bool *flag)
{
    run_while_not(f, flag_is_set, (void *)flag);
}

static bool time_is_over(void *arg)
{
    uint64_t *at = arg;
    return at[1] != 0 && rpc_loop_now_ms((rpc_loop *)(uintptr_t)at[0]) >= at[1];
}

void run_for(rpc_fixture *f, uint64_t ms)
{
    uint64_t at[2] = {(uint64_t)(uintptr_t)f->loop, rpc_loop_now_ms(f->loop) + ms};
    run_while_not(f, time_is_over, at);
}

// ---- Recorder ----

static void record_headers(rpc_call *call, void *arg)
{
    (void)call;
    ((recorder *)arg)->headers = true;
}

static void record_message(rpc_call *call, void *arg, const uint8_t *bytes, size_t n)
{
    recorder *r = arg;
    if (r->n_messages++ == 0)
        memcpy(r->first, bytes, n < sizeof r->first ? n : sizeof r->first);
    r->n_bytes += n;
    for (size_t i = 0; i < n; i += 4096)
        r->sum += bytes[i];
    if (r->pause_after > 0 && r->n_messages >= r->pause_after)
        rpc_pause(call);
}

static void record_drain(rpc_call *call, void *arg)
{
    (void)call;
    ((recorder *)arg)->drained = true;
}

static void record_done(rpc_call *call, void *arg, rpc_code code, const char *message)
{
    (void)call;
    recorder *r = arg;
    assert_false(r->done); // exactly once
    r->done = true;
    r->code = code;
    snprintf(r->message, sizeof r->message, "%s", message);
}

const rpc_call_events recorder_events = {.on_headers = record_headers,
                                         .on_message = record_message,
                                         .on_drain = record_drain,
                                         .on_done = record_done};

void start(rpc_call **out, rpc_fixture *f, const char *path, const rpc_call_options *o, recorder *r)
{
    size_t pause_after = r->pause_after;
    *r = (recorder){.pause_after = pause_after};
    assert_int_equal(rpc_call_start(out, f->channel, path, o, &recorder_events, r), ZK_OK);
}

static void echo_done(void *arg, rpc_code code, const char *message, const uint8_t *bytes, size_t n)
{
    recorder *r = arg;
    if (code == RPC_OK)
        record_message(NULL, r, bytes, n);
    record_done(NULL, r, code, message);
}

rpc_code echo(rpc_fixture *f, const char *text, recorder *r)
{
    *r = (recorder){0};
    assert_int_equal(rpc_unary(f->channel, "/test.Test/Echo", NULL, (const uint8_t *)text,
                               strlen(text), echo_done, r),
                     ZK_OK);
    run_until(f, &r->done);
    return r->code;
}
