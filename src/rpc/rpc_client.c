// SPDX-License-Identifier: Apache-2.0 OR MIT
// Client: a channel to one server, its connection and the calls that wait for it.
//
//        first call                resolved, connected, SETTINGS came
//   IDLE ----------> CONNECTING ----------------------------------> READY
//    ^                 |    ^                                         |
//    |   failed, nobody|    | timer, somebody waits                   | lost, or GOAWAY
//    +-----------------+    |                                         |
//    |                 v    |                                         |
//    |               BACKOFF <------- lost soon after it came up -----+
//    +---------------------------------- lost after a while ----------+
//
// A call that may not wait (wait_for_ready false) ends with the attempt that fails, and at once in
// BACKOFF. A connection that lived shorter than the first pause counts as a failed attempt, so that
// a server that hangs up at once is not hammered.
#include "rpc/rpc_internal.h"

#include <stdio.h>
#include <strings.h>

enum { DEFAULT_PORT = 50051, CALL_PAIRS = 16, FIXED_PAIRS = 10 };

typedef enum channel_state {
    CHANNEL_IDLE,
    CHANNEL_CONNECTING,
    CHANNEL_READY,
    CHANNEL_BACKOFF
} channel_state;

// Outlives the channel when that is closed meanwhile (channel is NULL then).
typedef struct lookup {
    uv_getaddrinfo_t req;
    rpc_channel *channel;
} lookup;

struct rpc_channel {
    rpc_loop *loop;
    rpc_limits limits;
    uint32_t connect_ms, backoff_min_ms, backoff_max_ms;
    void (*on_state)(void *arg, bool connected, const char *reason);
    void *arg;
    char *host, *authority, *authorization, *tls_name;
    char port[8];
    SSL_CTX *tls;
    channel_state state;
    lookup *lookup;
    struct addrinfo *addresses, *next_address;
    rpc_conn *current; // the connection of new calls, or the one being made
    rpc_conn *conns;   // current and draining ones
    rpc_call *waiting, *last_waiting;
    uint32_t backoff_ms; // next pause; 0: none yet
    rpc_timer timer;     // CONNECTING: attempt too slow; BACKOFF: next attempt
    char last_error[256];
};

static void connect_next(rpc_channel *ch);
static void attempt_failed(rpc_channel *ch, const char *reason);

// ---- Waiting calls ----

void channel_call_gone(rpc_call *call)
{
    rpc_channel *ch = call->channel;
    if (call->prev != NULL)
        call->prev->next = call->next;
    else
        ch->waiting = call->next;
    if (call->next != NULL)
        call->next->prev = call->prev;
    else
        ch->last_waiting = call->prev;
    call->prev = call->next = NULL;
    call->waiting = false;
    call->channel = NULL;
}

static void call_wait(rpc_channel *ch, rpc_call *call)
{
    call->channel = ch;
    call->waiting = true;
    call->next = NULL;
    call->prev = ch->last_waiting;
    if (ch->last_waiting != NULL)
        ch->last_waiting->next = call;
    else
        ch->waiting = call;
    ch->last_waiting = call;
}

#define NV(name_, value_)                                                                          \
    (nghttp2_nv)                                                                                   \
    {                                                                                              \
        (uint8_t *)(name_), (uint8_t *)(value_), strlen(name_), strlen(value_),                    \
            NGHTTP2_NV_FLAG_NONE                                                                   \
    }

static void submit_call(rpc_channel *ch, rpc_call *call)
{
    rpc_conn *c = ch->current;
    nghttp2_nv nv[FIXED_PAIRS + CALL_PAIRS];
    size_t n = 0;
    char timeout[16];
    nv[n++] = NV(":method", "POST");
    nv[n++] = NV(":scheme", ch->tls != NULL ? "https" : "http");
    nv[n++] = NV(":path", call->path);
    nv[n++] = NV(":authority", ch->authority);
    nv[n++] = NV("te", "trailers");
    nv[n++] = NV("content-type", "application/grpc");
    nv[n++] = NV("user-agent", "grpc-c-zisk");
    if (call->deadline_ms != UINT64_MAX) {
        rpc_timeout_format(timeout, rpc_call_time_left_ms(call));
        nv[n++] = NV("grpc-timeout", timeout);
    }
    if (ch->authorization != NULL) {
        nv[n] = NV("authorization", ch->authorization);
        nv[n++].flags = NGHTTP2_NV_FLAG_NO_INDEX; // secrets stay out of compression tables
    }
    for (size_t at = 0; at < call->sent.used;) {
        const char *name = call->sent.text + at;
        const char *value = name + strlen(name) + 1;
        nv[n++] = NV(name, value);
        at = (size_t)(value - call->sent.text) + strlen(value) + 1;
    }
    nghttp2_data_provider source = {.source.ptr = call, .read_callback = call_read_queue};
    int32_t id = nghttp2_submit_request(c->session, NULL, nv, n, &source, call);
    if (id < 0) {
        call_complete(call, RPC_UNAVAILABLE, nghttp2_strerror(id));
        if (id == NGHTTP2_ERR_STREAM_ID_NOT_AVAILABLE) { // 2^30 calls: time for a new connection
            c->draining = true;
            channel_conn_draining(ch, c);
        }
        return;
    }
    if (call->waiting)
        channel_call_gone(call);
    call_attach(call, c, id);
    call->started = true;
    conn_mark(c);
}

// ---- States ----

static void fail_impatient(rpc_channel *ch, const char *reason)
{
    for (rpc_call *call = ch->waiting; call != NULL;) {
        rpc_call *next = call->next;
        if (!call->wait_for_ready)
            call_complete(call, RPC_UNAVAILABLE, reason);
        call = next;
    }
}

static void drop_addresses(rpc_channel *ch)
{
    if (ch->addresses != NULL)
        uv_freeaddrinfo(ch->addresses);
    ch->addresses = ch->next_address = NULL;
}

static void on_resolved(uv_getaddrinfo_t *req, int rc, struct addrinfo *found)
{
    lookup *l = req->data;
    rpc_channel *ch = l->channel;
    free(l);
    if (ch == NULL) {
        if (rc == 0)
            uv_freeaddrinfo(found);
        return;
    }
    ch->lookup = NULL;
    if (rc != 0) {
        char reason[300];
        snprintf(reason, sizeof reason, "cannot resolve %s: %s", ch->host, uv_strerror(rc));
        attempt_failed(ch, reason);
        return;
    }
    drop_addresses(ch);
    ch->addresses = ch->next_address = found;
    snprintf(ch->last_error, sizeof ch->last_error, "%s has no address", ch->host);
    connect_next(ch);
}

static void on_attempt_late(void *arg)
{
    rpc_channel *ch = arg;
    if (ch->lookup != NULL) {
        ch->lookup->channel = NULL;
        uv_cancel((uv_req_t *)&ch->lookup->req);
        ch->lookup = NULL;
        attempt_failed(ch, "resolving the name took too long");
    } else if (ch->current != NULL) {
        ch->next_address = NULL; // one budget for all addresses
        conn_fail(ch->current, "connecting to %s took longer than %u ms", ch->current->peer.address,
                  ch->connect_ms);
    }
}

static void start_attempt(rpc_channel *ch)
{
    ch->state = CHANNEL_CONNECTING;
    rpc_timer_set(ch->loop, &ch->timer, ch->connect_ms, on_attempt_late, ch);
    lookup *l = rpc_alloc(sizeof *l);
    l->channel = ch;
    l->req.data = l;
    ch->lookup = l;
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    int rc = uv_getaddrinfo(&ch->loop->uv, &l->req, on_resolved, ch->host, ch->port, &hints);
    if (rc != 0) {
        ch->lookup = NULL;
        free(l);
        attempt_failed(ch, uv_strerror(rc));
    }
}

// Tries the next address; without one the attempt has failed.
static void connect_next(rpc_channel *ch)
{
    struct addrinfo *a = ch->next_address;
    if (a == NULL) {
        attempt_failed(ch, ch->last_error);
        return;
    }
    ch->next_address = a->ai_next;
    rpc_conn *c = conn_connect(ch, ch->loop, &ch->limits, ch->tls, ch->tls_name, a->ai_addr);
    c->next = ch->conns;
    if (ch->conns != NULL)
        ch->conns->prev = c;
    ch->conns = c;
    ch->current = c;
}

static void on_backoff_over(void *arg)
{
    rpc_channel *ch = arg;
    ch->state = CHANNEL_IDLE;
    if (ch->waiting != NULL)
        start_attempt(ch);
}

static void back_off(rpc_channel *ch)
{
    ch->state = CHANNEL_BACKOFF;
    uint32_t base = ch->backoff_ms == 0 ? ch->backoff_min_ms : ch->backoff_ms;
    ch->backoff_ms = base > ch->backoff_max_ms / 2 ? ch->backoff_max_ms : 2 * base;
    uint64_t pause = (uint64_t)base * (800 + rpc_random(ch->loop) % 400) / 1000;
    rpc_timer_set(ch->loop, &ch->timer, pause, on_backoff_over, ch);
}

static void attempt_failed(rpc_channel *ch, const char *reason)
{
    if (reason != ch->last_error)
        snprintf(ch->last_error, sizeof ch->last_error, "%s", reason);
    drop_addresses(ch);
    rpc_timer_clear(ch->loop, &ch->timer);
    back_off(ch);
    fail_impatient(ch, ch->last_error);
    if (ch->on_state != NULL)
        ch->on_state(ch->arg, false, ch->last_error);
}

void channel_conn_opened(rpc_channel *ch, rpc_conn *c)
{
    if (c != ch->current || ch->state != CHANNEL_CONNECTING)
        return;
    ch->state = CHANNEL_READY;
    drop_addresses(ch);
    rpc_timer_clear(ch->loop, &ch->timer);
    while (ch->waiting != NULL && ch->current == c)
        submit_call(ch, ch->waiting);
    if (ch->on_state != NULL)
        ch->on_state(ch->arg, true, NULL);
}

void channel_conn_draining(rpc_channel *ch, rpc_conn *c)
{
    if (c != ch->current)
        return;
    if (ch->state == CHANNEL_CONNECTING)
        return; // it never came up; its end will tell
    ch->current = NULL;
    ch->state = CHANNEL_IDLE;
    ch->backoff_ms = 0;
    if (ch->waiting != NULL)
        start_attempt(ch);
    conn_mark(c);
}

void channel_conn_gone(rpc_channel *ch, rpc_conn *c)
{
    if (c->prev != NULL)
        c->prev->next = c->next;
    else
        ch->conns = c->next;
    if (c->next != NULL)
        c->next->prev = c->prev;
    if (c != ch->current)
        return;
    ch->current = NULL;
    snprintf(ch->last_error, sizeof ch->last_error, "%s", c->reason);
    if (ch->state == CHANNEL_CONNECTING) {
        connect_next(ch);
        return;
    }
    uint64_t lived = rpc_loop_now_ms(ch->loop) - c->opened_ms;
    if (lived < ch->backoff_min_ms) {
        back_off(ch);
        fail_impatient(ch, ch->last_error);
    } else {
        ch->backoff_ms = 0;
        ch->state = CHANNEL_IDLE;
        if (ch->waiting != NULL)
            start_attempt(ch);
    }
    if (ch->on_state != NULL)
        ch->on_state(ch->arg, false, ch->last_error);
}

// ---- Calls ----

static bool sendable(const char *name, const char *value)
{
    return nghttp2_check_header_name((const uint8_t *)name, strlen(name)) && name[0] != ':' &&
           strncmp(name, "grpc-", 5) != 0 &&
           nghttp2_check_header_value((const uint8_t *)value, strlen(value));
}

status rpc_call_start(rpc_call **out, rpc_channel *ch, const char *path, const rpc_call_options *o,
                      const rpc_call_events *events, void *arg)
{
    static const rpc_call_options none;
    *out = NULL;
    if (o == NULL)
        o = &none;
    FAIL_IF(path[0] != '/' || !nghttp2_check_header_value((const uint8_t *)path, strlen(path)),
            ZK_EINVAL, "\"%s\" is not a method path", path);
    FAIL_IF(o->n_metadata > CALL_PAIRS, ZK_EINVAL, "more than %d metadata pairs", CALL_PAIRS);
    for (size_t i = 0; i < o->n_metadata; i++)
        FAIL_IF(!sendable(o->metadata[i].name, o->metadata[i].value), ZK_EINVAL,
                "metadata \"%s\" cannot be sent", o->metadata[i].name);
    rpc_call *call = call_new(ch->loop, &ch->limits);
    call->client = true;
    call->path = rpc_strdup(path);
    call->wait_for_ready = o->wait_for_ready;
    for (size_t i = 0; i < o->n_metadata; i++)
        metadata_add(&call->sent, o->metadata[i].name, strlen(o->metadata[i].name),
                     o->metadata[i].value, strlen(o->metadata[i].value));
    if (events != NULL)
        rpc_call_set_events(call, events, arg);
    if (o->deadline_ms > 0)
        call_set_deadline(call, o->deadline_ms);
    *out = call;
    if (ch->state == CHANNEL_READY) {
        submit_call(ch, call);
    } else if (ch->state == CHANNEL_BACKOFF && !call->wait_for_ready) {
        call_complete(call, RPC_UNAVAILABLE, ch->last_error);
    } else {
        call_wait(ch, call);
        if (ch->state == CHANNEL_IDLE)
            start_attempt(ch);
    }
    return ZK_OK;
}

typedef struct unary_call {
    rpc_unary_done_fn *done;
    void *arg;
    uint8_t *bytes;
    size_t n;
    size_t n_messages;
} unary_call;

static void on_answer(rpc_call *call, void *arg, const uint8_t *bytes, size_t n)
{
    unary_call *u = arg;
    if (u->n_messages++ > 0)
        return;
    u->n = n;
    u->bytes = call_take_message(call, bytes, n);
    if (u->bytes == NULL) {
        u->bytes = rpc_alloc(n + 1);
        if (n > 0)
            memcpy(u->bytes, bytes, n);
    }
}

static void on_unary_done(rpc_call *call, void *arg, rpc_code code, const char *message)
{
    unary_call *u = arg;
    if (code == RPC_OK && u->n_messages != 1) {
        code = RPC_INTERNAL;
        message = u->n_messages == 0 ? "the answer has no message" : "more than one answer";
    }
    u->done(u->arg, code, message, code == RPC_OK ? u->bytes : NULL, code == RPC_OK ? u->n : 0);
    call_unhold(call);
    free(u->bytes);
    free(u);
}

status rpc_unary(rpc_channel *ch, const char *path, const rpc_call_options *o, const uint8_t *bytes,
                 size_t n, rpc_unary_done_fn *done, void *arg)
{
    static const rpc_call_events events = {.on_message = on_answer, .on_done = on_unary_done};
    unary_call *u = rpc_alloc(sizeof *u);
    u->done = done;
    u->arg = arg;
    rpc_call *call;
    status s = rpc_call_start(&call, ch, path, o, &events, u);
    if (s != ZK_OK) {
        free(u);
        return s;
    }
    s = rpc_send(call, bytes, n);
    rpc_half_close(call);
    if (s != ZK_OK && s != ZK_ECANCELED) // no memory: done tells, as for every other failure
        rpc_cancel(call);
    return ZK_OK;
}

// ---- Life ----

// Splits http[s]://host[:port][/] into the channel. Brackets around IPv6 addresses go.
static status parse_url(rpc_channel *ch, const char *url, bool *https)
{
    const char *p;
    if (strncmp(url, "http://", 7) == 0) {
        *https = false;
        p = url + 7;
    } else if (strncmp(url, "https://", 8) == 0) {
        *https = true;
        p = url + 8;
    } else {
        FAIL(ZK_EINVAL, "\"%s\" is not http://HOST:PORT or https://HOST:PORT", url);
    }
    size_t n = strcspn(p, "/");
    FAIL_IF(p[n] == '/' && p[n + 1] != '\0', ZK_EINVAL, "\"%s\" has a path: give http://HOST:PORT",
            url);
    const char *host = p;
    size_t host_n, at;
    if (p[0] == '[') {
        const char *end = memchr(p, ']', n);
        FAIL_IF(end == NULL, ZK_EINVAL, "\"%s\" has an unclosed [", url);
        host = p + 1;
        host_n = (size_t)(end - host);
        at = host_n + 2;
    } else {
        host_n = strcspn(p, ":/");
        at = host_n;
    }
    FAIL_IF(host_n == 0 || host_n > 253, ZK_EINVAL, "\"%s\" has no host", url);
    unsigned long port = DEFAULT_PORT;
    if (at < n) {
        FAIL_IF(p[at] != ':', ZK_EINVAL, "\"%s\" is not http://HOST:PORT", url);
        char *end;
        port = strtoul(p + at + 1, &end, 10);
        FAIL_IF(end != p + n || end == p + at + 1 || port == 0 || port > 65535, ZK_EINVAL,
                "\"%s\" has a bad port", url);
    }
    ch->host = rpc_alloc(host_n + 1);
    memcpy(ch->host, host, host_n);
    snprintf(ch->port, sizeof ch->port, "%lu", port);
    ch->authority = rpc_alloc(host_n + 16);
    snprintf(ch->authority, host_n + 16, p[0] == '[' ? "[%s]:%lu" : "%s:%lu", ch->host, port);
    FAIL_IF(!nghttp2_check_authority((const uint8_t *)ch->authority, strlen(ch->authority)),
            ZK_EINVAL, "\"%s\" has a bad host", url);
    return ZK_OK;
}

static void channel_free(rpc_channel *ch)
{
    drop_addresses(ch);
    free(ch->host);
    free(ch->authority);
    if (ch->authorization != NULL)
        OPENSSL_cleanse(ch->authorization, strlen(ch->authorization));
    free(ch->authorization);
    free(ch->tls_name);
    SSL_CTX_free(ch->tls);
    free(ch);
}

status rpc_channel_open(rpc_channel **out, rpc_loop *loop, const char *url,
                        const rpc_channel_options *o)
{
    static const rpc_channel_options none;
    static const rpc_tls_options system_tls;
    status result = ZK_OK;
    bool https = false;
    *out = NULL;
    if (o == NULL)
        o = &none;
    rpc_channel *ch = rpc_alloc(sizeof *ch);
    ch->loop = loop;
    ch->limits = rpc_limits_filled(&o->limits);
    ch->connect_ms = o->connect_ms > 0 ? o->connect_ms : 10000;
    ch->backoff_min_ms = o->backoff_min_ms > 0 ? o->backoff_min_ms : 500;
    ch->backoff_max_ms = o->backoff_max_ms > 0 ? o->backoff_max_ms : 30000;
    ch->on_state = o->on_state;
    ch->arg = o->arg;
    TRY_OUT(parse_url(ch, url, &https));
    if (o->token != NULL) {
        size_t n = strlen(o->token) + 8;
        ch->authorization = rpc_alloc(n);
        snprintf(ch->authorization, n, "Bearer %s", o->token);
        FAIL_OUT_IF(!nghttp2_check_header_value((const uint8_t *)ch->authorization, n - 1),
                    ZK_EINVAL, "the token holds characters that cannot be sent");
    }
    if (https) {
        const rpc_tls_options *tls = o->tls != NULL ? o->tls : &system_tls;
        ch->tls_name = rpc_strdup(tls->peer_name != NULL ? tls->peer_name : ch->host);
        TRY_OUT(rpc_tls_client_context(&ch->tls, tls));
    } else {
        FAIL_OUT_IF(o->tls != NULL, ZK_EINVAL, "TLS options need an https:// address, not %s", url);
    }
    *out = ch;
    ch = NULL;
out:
    if (ch != NULL)
        channel_free(ch);
    return result;
}

void rpc_channel_close(rpc_channel *ch)
{
    if (ch == NULL)
        return;
    rpc_timer_clear(ch->loop, &ch->timer);
    while (ch->waiting != NULL)
        call_complete(ch->waiting, RPC_CANCELLED, "the channel was closed");
    if (ch->lookup != NULL) {
        ch->lookup->channel = NULL;
        uv_cancel((uv_req_t *)&ch->lookup->req);
    }
    for (rpc_conn *c = ch->conns; c != NULL; c = c->next) {
        for (rpc_call *call = c->calls; call != NULL; call = call->next)
            call_complete(call, RPC_CANCELLED, "the channel was closed");
        c->channel = NULL;
        conn_fail(c, "the channel was closed");
    }
    channel_free(ch);
}
