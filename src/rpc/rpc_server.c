// SPDX-License-Identifier: Apache-2.0 OR MIT
// Server: method table, opening of calls, response headers and trailers, drain.
#include "rpc/rpc_internal.h"

#include <stdio.h>

enum { MAX_PAIRS = 32, EXTRA_PAIRS = 16 };

#define NV(name_, value_, value_n_)                                                                \
    (nghttp2_nv)                                                                                   \
    {                                                                                              \
        (uint8_t *)(name_), (uint8_t *)(value_), strlen(name_), (value_n_), NGHTTP2_NV_FLAG_NONE   \
    }

// ---- Headers and trailers ----

static size_t status_pairs(nghttp2_nv *nv, const rpc_call *call, char number[16],
                           char encoded[3 * RPC_MESSAGE_MAX + 1])
{
    size_t n = 0;
    snprintf(number, 16, "%d", (int)call->code);
    nv[n++] = NV("grpc-status", number, strlen(number));
    size_t length = call->text != NULL ? strnlen(call->text, RPC_MESSAGE_MAX) : 0;
    if (length == RPC_MESSAGE_MAX)
        while (length > 0 && (call->text[length] & 0xc0) == 0x80)
            length--; // cut between characters
    if (length > 0) {
        rpc_percent_encode(encoded, call->text, length);
        nv[n++] = NV("grpc-message", encoded, strlen(encoded));
    }
    return n;
}

void server_submit_trailers(rpc_call *call)
{
    char number[16], encoded[3 * RPC_MESSAGE_MAX + 1];
    nghttp2_nv nv[2];
    size_t n = status_pairs(nv, call, number, encoded);
    nghttp2_submit_trailer(call->conn->session, call->stream_id, nv, n);
}

static size_t extra_pairs(nghttp2_nv *nv, const rpc_metadata *m)
{
    size_t n = 0;
    for (size_t at = 0; at < m->used;) {
        const char *name = m->text + at;
        const char *value = name + strlen(name) + 1;
        nv[n++] = NV(name, value, strlen(value));
        at = (size_t)(value - m->text) + strlen(value) + 1;
    }
    return n;
}

// Response headers; with the status in them when the call is over before it began.
static void submit_response(rpc_call *call)
{
    char number[16], encoded[3 * RPC_MESSAGE_MAX + 1];
    nghttp2_nv nv[MAX_PAIRS];
    size_t n = 0;
    nv[n++] = NV(":status", "200", 3);
    nv[n++] = NV("content-type", "application/grpc", 16);
    nv[n++] = NV("grpc-accept-encoding", "identity", 8);
    n += extra_pairs(nv + n, &call->sent);
    call->started = true;
    if (call->finished && call->queue == NULL) {
        n += status_pairs(nv + n, call, number, encoded);
        call->local_closed = true;
        nghttp2_submit_response(call->conn->session, call->stream_id, nv, n, NULL);
        return;
    }
    nghttp2_data_provider source = {.source.ptr = call, .read_callback = call_read_queue};
    nghttp2_submit_response(call->conn->session, call->stream_id, nv, n, &source);
}

// An answer to something that is not gRPC.
static void submit_http_error(rpc_call *call, const char *http_status, const char *reason)
{
    nghttp2_nv nv[2] = {NV(":status", http_status, 3), NV("content-type", "text/plain", 10)};
    call->started = true;
    call->local_closed = true;
    call->finished = true;
    call->deaf = true;
    nghttp2_submit_response(call->conn->session, call->stream_id, nv, 2, NULL);
    call_complete(call, RPC_UNKNOWN, reason);
}

// ---- Opening ----

static const rpc_method *find_method(const rpc_server *s, const char *path)
{
    size_t low = 0, high = s->n_methods;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(path, s->methods[middle].path);
        if (order == 0)
            return &s->methods[middle];
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

static void open_unary(rpc_call *call, const rpc_method *method);

static void open_method(rpc_call *call)
{
    rpc_server *s = call->server;
    if (s->n_calls > s->limits.max_calls) { // this one is counted
        s->stats.calls_refused++;
        rpc_finishf(call, RPC_RESOURCE_EXHAUSTED, "%zu calls are open, the most there may be",
                    s->limits.max_calls);
        return;
    }
    if (call->received.too_large) {
        rpc_finishf(call, RPC_RESOURCE_EXHAUSTED, "request headers above %zu bytes",
                    call->max_metadata_bytes);
        return;
    }
    const char *encoding = rpc_call_metadata(call, "grpc-encoding");
    if (encoding != NULL && strcmp(encoding, "identity") != 0) {
        rpc_finish(call, RPC_UNIMPLEMENTED, "only grpc-encoding identity is supported");
        return;
    }
    const char *timeout = rpc_call_metadata(call, "grpc-timeout");
    uint64_t ms;
    if (timeout != NULL) {
        if (!rpc_timeout_parse(&ms, timeout)) {
            rpc_finish(call, RPC_INVALID_ARGUMENT, "grpc-timeout cannot be read");
            return;
        }
        call_set_deadline(call, ms);
    }
    const rpc_method *method = find_method(s, rpc_call_path(call));
    if (method == NULL) {
        rpc_finishf(call, RPC_UNIMPLEMENTED, "unknown method %.200s", rpc_call_path(call));
        return;
    }
    call->ended = s->ended;
    call->ended_arg = s->ended_arg;
    call->opened_ms = rpc_loop_now_ms(call->loop);
    if (s->authorize != NULL) {
        const char *message = NULL;
        rpc_code code = s->authorize(s->authorize_arg, call, &message);
        if (code != RPC_OK) {
            rpc_finish(call, code, message);
            return;
        }
    }
    if (method->unary != NULL)
        open_unary(call, method);
    else
        method->open(call, method->arg);
}

void server_dispatch(rpc_call *call)
{
    if (call->server == NULL || call->complete)
        return;
    if (!call->received.too_large && !call->method_is_post) {
        submit_http_error(call, "405", "HTTP method is not POST");
        return;
    }
    if (!call->received.too_large && !call->content_is_grpc) {
        submit_http_error(call, "415", "content-type is not application/grpc");
        return;
    }
    call->opening = true;
    open_method(call);
    call->opening = false;
    if (call->conn != NULL && call->conn->session != NULL) {
        if (call->finished)
            call->deaf = true; // refused: what still comes is thrown away
        submit_response(call);
        conn_mark(call->conn);
    }
}

status rpc_call_add_metadata(rpc_call *call, const char *name, const char *value)
{
    FAIL_IF(!call->opening, ZK_EINVAL, "response headers of %s are already sent",
            rpc_call_path(call));
    FAIL_IF(call->sent.n >= EXTRA_PAIRS, ZK_ELIMIT, "more than %d response headers", EXTRA_PAIRS);
    FAIL_IF(!nghttp2_check_header_name((const uint8_t *)name, strlen(name)) || name[0] == ':' ||
                !nghttp2_check_header_value((const uint8_t *)value, strlen(value)),
            ZK_EINVAL, "metadata \"%s\" cannot be sent", name);
    metadata_add(&call->sent, name, strlen(name), value, strlen(value));
    return ZK_OK;
}

// ---- Unary methods ----

typedef struct unary {
    rpc_unary_fn *fn;
    void *arg;
    uint8_t *bytes;
    size_t n;
    bool has_message;
} unary;

static void unary_message(rpc_call *call, void *arg, const uint8_t *bytes, size_t n)
{
    unary *u = arg;
    if (u->has_message) {
        rpc_finish(call, RPC_UNIMPLEMENTED, "more than one request message for a unary method");
        return;
    }
    u->has_message = true;
    u->n = n;
    u->bytes = call_take_message(call, bytes, n);
    if (u->bytes == NULL) { // it came in one piece: small
        u->bytes = rpc_alloc(n + 1);
        if (n > 0)
            memcpy(u->bytes, bytes, n);
    }
}

static void unary_half_close(rpc_call *call, void *arg)
{
    unary *u = arg;
    if (!u->has_message) {
        rpc_finish(call, RPC_UNIMPLEMENTED, "no request message for a unary method");
        return;
    }
    // The handler may set events of its own; then it will not need ours any more.
    unary mine = *u;
    u->bytes = NULL;
    mine.fn(call, mine.arg, mine.bytes, mine.n);
    free(mine.bytes);
    call_unhold(call);
    if (call->events.on_half_close != unary_half_close)
        free(u);
}

static void unary_done(rpc_call *call, void *arg, rpc_code code, const char *message)
{
    (void)call;
    (void)code;
    (void)message;
    unary *u = arg;
    free(u->bytes);
    free(u);
}

static void open_unary(rpc_call *call, const rpc_method *method)
{
    static const rpc_call_events events = {
        .on_message = unary_message, .on_half_close = unary_half_close, .on_done = unary_done};
    unary *u = rpc_alloc(sizeof *u);
    u->fn = method->unary;
    u->arg = method->arg;
    rpc_call_set_events(call, &events, u);
}

// ---- Life ----

static status add_method(rpc_server *s, const char *path, rpc_method method)
{
    const char *second = path[0] == '/' ? strchr(path + 1, '/') : NULL;
    FAIL_IF(second == NULL || second == path + 1 || second[1] == '\0', ZK_EINVAL,
            "\"%s\" is not /service/method", path);
    FAIL_IF(find_method(s, path) != NULL, ZK_EINVAL, "method %s is there already", path);
    s->methods = realloc(s->methods, (s->n_methods + 1) * sizeof *s->methods);
    ZK_ASSERT(s->methods != NULL);
    size_t at = s->n_methods++;
    for (; at > 0 && strcmp(s->methods[at - 1].path, path) > 0; at--)
        s->methods[at] = s->methods[at - 1];
    method.path = rpc_strdup(path);
    s->methods[at] = method;
    return ZK_OK;
}

status rpc_server_add(rpc_server *s, const char *path, rpc_open_fn *open, void *arg)
{
    TRY(add_method(s, path, (rpc_method){.open = open, .arg = arg}));
    return ZK_OK;
}

status rpc_server_add_unary(rpc_server *s, const char *path, rpc_unary_fn *fn, void *arg)
{
    TRY(add_method(s, path, (rpc_method){.unary = fn, .arg = arg}));
    return ZK_OK;
}

static void server_free(rpc_server *s)
{
    for (size_t i = 0; i < s->n_methods; i++)
        free(s->methods[i].path);
    free(s->methods);
    health_free(s->health);
    reflection_free(s->reflection);
    SSL_CTX_free(s->tls);
    free(s);
}

status rpc_server_open(rpc_server **out, rpc_loop *loop, const rpc_server_options *o)
{
    status result = ZK_OK;
    *out = NULL;
    rpc_server *s = rpc_alloc(sizeof *s);
    s->loop = loop;
    s->limits = rpc_limits_filled(&o->limits);
    s->authorize = o->authorize;
    s->authorize_arg = o->authorize_arg;
    s->ended = o->ended;
    s->ended_arg = o->ended_arg;
    if (o->tls != NULL)
        TRY_OUT(rpc_tls_server_context(&s->tls, o->tls));
    TRY_OUT(listener_open(s, o->host != NULL ? o->host : "0.0.0.0", o->port));
    *out = s;
    s = NULL;
out:
    if (s != NULL)
        server_free(s);
    return result;
}

uint16_t rpc_server_port(const rpc_server *s)
{
    return s->port;
}

void rpc_server_get_stats(const rpc_server *s, rpc_server_stats *out)
{
    *out = s->stats;
    out->connections = s->n_conns;
    out->calls = s->n_calls;
}

status rpc_server_reload_tls(rpc_server *s, const rpc_tls_options *tls)
{
    FAIL_IF(s->tls == NULL, ZK_EINVAL, "this server was started without TLS");
    SSL_CTX *fresh;
    TRY(rpc_tls_server_context(&fresh, tls));
    SSL_CTX_free(s->tls); // connections hold references of their own
    s->tls = fresh;
    return ZK_OK;
}

int64_t rpc_server_certificate_s(const rpc_server *s)
{
    int days = 0, seconds = 0;
    const X509 *certificate = SSL_CTX_get0_certificate(s->tls);
    ZK_ASSERT(certificate != NULL);
    if (ASN1_TIME_diff(&days, &seconds, NULL, X509_get0_notAfter(certificate)) != 1)
        return 0; // no date: nobody accepts it
    return 86400LL * days + seconds;
}

void server_conn_gone(rpc_server *s, rpc_conn *c)
{
    if (c->prev != NULL)
        c->prev->next = c->next;
    else
        s->conns = c->next;
    if (c->next != NULL)
        c->next->prev = c->prev;
    s->n_conns--;
    if (s->draining && s->n_conns == 0 && s->drain_done != NULL) {
        void (*done)(void *) = s->drain_done;
        s->drain_done = NULL;
        rpc_timer_clear(s->loop, &s->drain_timer);
        done(s->drain_arg);
    }
}

static void on_grace_over(void *arg)
{
    rpc_server *s = arg;
    for (rpc_conn *c = s->conns; c != NULL; c = c->next) {
        for (rpc_call *call = c->calls; call != NULL; call = call->next) {
            rpc_finish(call, RPC_UNAVAILABLE, "the server is shutting down");
            call_complete(call, RPC_UNAVAILABLE, "the server is shutting down");
        }
        conn_expire(c);
    }
}

static void on_drained_at_once(void *arg)
{
    rpc_server *s = arg;
    void (*done)(void *) = s->drain_done;
    s->drain_done = NULL;
    if (done != NULL)
        done(s->drain_arg);
}

void rpc_server_drain(rpc_server *s, uint32_t grace_ms, void (*done)(void *arg), void *arg)
{
    if (s->draining)
        return;
    s->draining = true;
    s->drain_done = done;
    s->drain_arg = arg;
    listener_close(s);
    server_health_shutdown(s);
    if (s->n_conns == 0) {
        rpc_timer_set(s->loop, &s->drain_timer, 0, on_drained_at_once, s);
        return;
    }
    for (rpc_conn *c = s->conns; c != NULL; c = c->next)
        conn_drain(c);
    rpc_timer_set(s->loop, &s->drain_timer, grace_ms, on_grace_over, s);
}

void rpc_server_close(rpc_server *s)
{
    if (s == NULL)
        return;
    listener_close(s);
    rpc_timer_clear(s->loop, &s->drain_timer);
    for (rpc_conn *c = s->conns; c != NULL; c = c->next) {
        for (rpc_call *call = c->calls; call != NULL; call = call->next) {
            call_complete(call, RPC_UNAVAILABLE, "the server was closed");
            call->server = NULL;
        }
        c->server = NULL;
        conn_fail(c, "the server was closed");
    }
    server_free(s);
}
