// SPDX-License-Identifier: Apache-2.0 OR MIT
// One call: length-prefixed messages in both directions, queue, back-pressure, completion.
//
// Two references belong to the library: "not done" (from call_new until on_done returned) and
// "has a stream" (call_attach to call_detach). All deferred callbacks leave through call_turn, in
// the order backlog, half-close, drain, done.
#include "rpc/rpc_internal.h"

#include <stdarg.h>
#include <stdio.h>

struct rpc_chunk {
    rpc_chunk *next;
    size_t n, at; // at counts the prefix: 0..5+n
    uint8_t prefix[5];
    uint8_t *bytes;
};

enum { PREFIX_BYTES = 5, FIRST_MESSAGE_CAP = 64 * 1024 };

// ---- Metadata ----

void metadata_add(rpc_metadata *m, const char *name, size_t name_n, const char *value,
                  size_t value_n)
{
    size_t need = name_n + value_n + 2;
    if (m->used + need > m->cap) {
        m->cap = 2 * (m->used + need);
        m->text = realloc(m->text, m->cap);
        ZK_ASSERT(m->text != NULL);
    }
    char *p = m->text + m->used;
    memcpy(p, name, name_n);
    p[name_n] = '\0';
    memcpy(p + name_n + 1, value, value_n);
    p[name_n + 1 + value_n] = '\0';
    m->used += need;
    m->n++;
}

const char *metadata_get(const rpc_metadata *m, const char *name)
{
    for (size_t at = 0; at < m->used;) {
        const char *key = m->text + at;
        const char *value = key + strlen(key) + 1;
        if (strcmp(key, name) == 0)
            return value;
        at = (size_t)(value - m->text) + strlen(value) + 1;
    }
    return NULL;
}

void metadata_clear(rpc_metadata *m)
{
    free(m->text);
    *m = (rpc_metadata){0};
}

// ---- Life ----

rpc_call *call_new(rpc_loop *loop, const rpc_limits *limits)
{
    rpc_call *call = rpc_alloc(sizeof *call);
    call->loop = loop;
    call->refs = 1;
    call->queue_end = &call->queue;
    call->deadline_ms = UINT64_MAX;
    call->grpc_status = -1;
    call->max_message_bytes = limits->max_message_bytes;
    call->send_queue_bytes = limits->send_queue_bytes;
    call->max_metadata_bytes = limits->max_metadata_bytes;
    return call;
}

void rpc_call_ref(rpc_call *call)
{
    call->refs++;
}

static void drop_queue(rpc_call *call)
{
    while (call->queue != NULL) {
        rpc_chunk *chunk = call->queue;
        call->queue = chunk->next;
        free(chunk->bytes);
        free(chunk);
    }
    call->queue_end = &call->queue;
    call->queued = 0;
}

static void drop_message(rpc_call *call)
{
    call->loop->buffered -= call->message_cap;
    free(call->message);
    call->message = NULL;
    call->message_cap = call->message_got = call->message_n = 0;
    call->in_message = false;
    call->prefix_n = 0;
}

static void drop_backlog(rpc_call *call)
{
    call->loop->buffered -= call->backlog_cap;
    free(call->backlog);
    call->backlog = NULL;
    call->backlog_n = call->backlog_cap = 0;
}

void rpc_call_unref(rpc_call *call)
{
    ZK_VERIFY(call->refs > 0);
    if (--call->refs > 0)
        return;
    rpc_timer_clear(call->loop, &call->timer);
    drop_queue(call);
    drop_message(call);
    drop_backlog(call);
    call_unhold(call);
    metadata_clear(&call->received);
    metadata_clear(&call->sent);
    free(call->path);
    free(call->text);
    free(call);
}

void call_attach(rpc_call *call, rpc_conn *c, int32_t stream_id)
{
    call->conn = c;
    call->stream_id = stream_id;
    call->peer = c->peer;
    call->prev = NULL;
    call->next = c->calls;
    if (c->calls != NULL)
        c->calls->prev = call;
    c->calls = call;
    c->n_calls++;
    rpc_call_ref(call);
}

void call_detach(rpc_call *call)
{
    rpc_conn *c = call->conn;
    if (c == NULL)
        return;
    if (call->prev != NULL)
        call->prev->next = call->next;
    else
        c->calls = call->next;
    if (call->next != NULL)
        call->next->prev = call->prev;
    call->prev = call->next = NULL;
    c->n_calls--;
    if (call->server != NULL)
        call->server->n_calls--;
    call->server = NULL;
    call->conn = NULL;
    if (c->draining && c->n_calls == 0)
        conn_mark(c);
    rpc_call_unref(call);
}

void call_schedule(rpc_call *call)
{
    if (call->is_scheduled)
        return;
    call->is_scheduled = true;
    call->next_scheduled = NULL;
    *call->loop->scheduled_end = call;
    call->loop->scheduled_end = &call->next_scheduled;
    rpc_call_ref(call);
}

void rpc_call_set_events(rpc_call *call, const rpc_call_events *events, void *arg)
{
    call->events = *events;
    call->arg = arg;
}

void *rpc_call_arg(const rpc_call *call)
{
    return call->arg;
}

const char *rpc_call_metadata(const rpc_call *call, const char *name)
{
    return metadata_get(&call->received, name);
}

const char *rpc_call_path(const rpc_call *call)
{
    return call->path != NULL ? call->path : "";
}

const rpc_peer *rpc_call_peer(const rpc_call *call)
{
    return &call->peer;
}

uint64_t rpc_call_time_left_ms(const rpc_call *call)
{
    if (call->deadline_ms == UINT64_MAX)
        return UINT64_MAX;
    uint64_t now = rpc_loop_now_ms(call->loop);
    return call->deadline_ms > now ? call->deadline_ms - now : 0;
}

// ---- Sending ----

static void wake_stream(rpc_call *call)
{
    rpc_conn *c = call->conn;
    if (c == NULL || !call->started || call->opening || c->session == NULL)
        return;
    // INVALID_ARGUMENT only says that the source is not waiting.
    (void)nghttp2_session_resume_data(c->session, call->stream_id);
    conn_mark(c);
}

static bool has_room(const rpc_call *call, size_t n)
{
    return call->queued == 0 || call->queued + n <= call->send_queue_bytes;
}

// Half empty, and the refused message fits now.
static bool drain_is_due(const rpc_call *call)
{
    return call->refused && !call->complete && !call->last_queued &&
           call->queued <= call->send_queue_bytes / 2 && has_room(call, call->refused_n);
}

// The queue's answer to a message of n bytes.
static status admit(rpc_call *call, size_t n)
{
    FAIL_IF(n > UINT32_MAX, ZK_EINVAL, "a message of %zu bytes does not fit gRPC's prefix", n);
    FAIL_IF(call->complete || call->last_queued, ZK_ECANCELED, "the call %s is over",
            rpc_call_path(call));
    if (!has_room(call, n)) {
        call->refused = true;
        call->refused_n = n;
        FAIL(ZK_ELIMIT, "the send queue of %s is full (%zu bytes)", rpc_call_path(call),
             call->queued);
    }
    return ZK_OK;
}

status rpc_send_take(rpc_call *call, uint8_t *bytes, size_t n)
{
    status result = ZK_OK;
    rpc_chunk *chunk = NULL;
    TRY_OUT(admit(call, n));
    chunk = rpc_alloc(sizeof *chunk);
    chunk->n = n;
    chunk->prefix[0] = 0; // not compressed
    chunk->prefix[1] = (uint8_t)(n >> 24);
    chunk->prefix[2] = (uint8_t)(n >> 16);
    chunk->prefix[3] = (uint8_t)(n >> 8);
    chunk->prefix[4] = (uint8_t)n;
    chunk->bytes = bytes;
    bytes = NULL;
    *call->queue_end = chunk;
    call->queue_end = &chunk->next;
    call->queued += n + PREFIX_BYTES;
    wake_stream(call);
out:
    free(bytes);
    return result;
}

status rpc_send(rpc_call *call, const uint8_t *bytes, size_t n)
{
    TRY(admit(call, n)); // before the copy
    uint8_t *copy = malloc(n > 0 ? n : 1);
    FAIL_IF(copy == NULL, ZK_ENOMEM, "no memory for a message of %zu bytes", n);
    if (n > 0)
        memcpy(copy, bytes, n);
    TRY(rpc_send_take(call, copy, n));
    return ZK_OK;
}

size_t rpc_send_queued(const rpc_call *call)
{
    return call->queued;
}

void rpc_half_close(rpc_call *call)
{
    if (call->complete || call->last_queued)
        return;
    call->last_queued = true;
    wake_stream(call);
}

void rpc_finish(rpc_call *call, rpc_code code, const char *message)
{
    if (call->complete || call->finished || call->last_queued)
        return;
    call->finished = true;
    call->last_queued = true;
    call->code = code;
    free(call->text);
    call->text = rpc_strdup(message != NULL ? message : "");
    wake_stream(call);
}

void rpc_finishf(rpc_call *call, rpc_code code, const char *format, ...)
{
    char text[RPC_MESSAGE_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    rpc_finish(call, code, text);
}

void rpc_reply(rpc_call *call, const uint8_t *bytes, size_t n)
{
    status s = rpc_send(call, bytes, n);
    if (s == ZK_OK)
        rpc_finish(call, RPC_OK, NULL);
    else if (s != ZK_ECANCELED)
        rpc_finish(call, RPC_RESOURCE_EXHAUSTED, status_message());
}

ssize_t call_read_queue(nghttp2_session *session, int32_t stream_id, uint8_t *buf, size_t length,
                        uint32_t *flags, nghttp2_data_source *source, void *user_data)
{
    (void)session;
    (void)stream_id;
    (void)user_data;
    rpc_call *call = source->ptr;
    size_t used = 0;
    while (used < length && call->queue != NULL) {
        rpc_chunk *chunk = call->queue;
        const uint8_t *from;
        size_t left;
        if (chunk->at < PREFIX_BYTES) {
            from = chunk->prefix + chunk->at;
            left = PREFIX_BYTES - chunk->at;
        } else {
            from = chunk->bytes + (chunk->at - PREFIX_BYTES);
            left = chunk->n + PREFIX_BYTES - chunk->at;
        }
        size_t take = left < length - used ? left : length - used;
        memcpy(buf + used, from, take);
        used += take;
        chunk->at += take;
        call->queued -= take;
        if (chunk->at == chunk->n + PREFIX_BYTES) {
            call->queue = chunk->next;
            if (call->queue == NULL)
                call->queue_end = &call->queue;
            free(chunk->bytes);
            free(chunk);
        }
    }
    if (drain_is_due(call))
        call_schedule(call);
    if (call->queue == NULL && call->last_queued) {
        *flags |= NGHTTP2_DATA_FLAG_EOF;
        if (!call->client) { // server: trailers end the stream
            *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
            server_submit_trailers(call);
        }
        call->local_closed = true;
        return (ssize_t)used;
    }
    return used > 0 ? (ssize_t)used : NGHTTP2_ERR_DEFERRED;
}

// ---- Receiving ----

// Ends a call because of what its peer sent.
static void refuse(rpc_call *call, rpc_code code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static void refuse(rpc_call *call, rpc_code code, const char *format, ...)
{
    char text[RPC_MESSAGE_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    call->deaf = true;
    drop_message(call);
    if (!call->client) {
        drop_queue(call);
        rpc_finish(call, code, text);
    } else if (call->conn != NULL) {
        nghttp2_submit_rst_stream(call->conn->session, NGHTTP2_FLAG_NONE, call->stream_id,
                                  NGHTTP2_CANCEL);
        conn_mark(call->conn);
    }
    call_complete(call, code, text);
}

// Makes room for more bytes of the message in assembly: what has come decides, not what the
// prefix announced, so that an announcement costs the announcer nothing less than it costs us.
static bool grow_message(rpc_call *call, size_t need)
{
    if (need <= call->message_cap)
        return true;
    size_t cap = call->message_cap == 0 ? FIRST_MESSAGE_CAP : 2 * call->message_cap;
    if (cap < need)
        cap = need;
    if (cap > call->message_n)
        cap = call->message_n;
    size_t more = cap - call->message_cap;
    rpc_loop *loop = call->loop;
    uint8_t *grown = NULL;
    if (loop->buffered <= loop->budget && more <= loop->budget - loop->buffered)
        grown = realloc(call->message, cap);
    if (grown == NULL) {
        refuse(call, RPC_RESOURCE_EXHAUSTED,
               "no memory for a message of %zu bytes: %zu of %zu bytes are in use by messages "
               "being received; try again later",
               call->message_n, loop->buffered, loop->budget);
        return false;
    }
    call->message = grown;
    loop->buffered += more;
    call->message_cap = cap;
    return true;
}

static void deliver(rpc_call *call, const uint8_t *bytes, size_t n)
{
    call->in_message = false;
    call->prefix_n = 0;
    if (call->events.on_message != NULL && (!call->complete || call->clean))
        call->events.on_message(call, call->arg, bytes, n);
}

// Takes bytes of the stream as long as the call wants them; returns how many.
static size_t take(rpc_call *call, const uint8_t *bytes, size_t n)
{
    size_t used = 0;
    call->taking = true;
    while (used < n && !call->paused && !call->deaf) {
        if (!call->in_message) {
            size_t part = PREFIX_BYTES - call->prefix_n;
            if (part > n - used)
                part = n - used;
            memcpy(call->prefix + call->prefix_n, bytes + used, part);
            call->prefix_n += part;
            used += part;
            if (call->prefix_n < PREFIX_BYTES)
                break;
            const uint8_t *p = call->prefix;
            if (p[0] != 0) {
                refuse(call, p[0] == 1 ? RPC_UNIMPLEMENTED : RPC_INTERNAL,
                       p[0] == 1 ? "compressed messages are not supported; send identity"
                                 : "bad message prefix: flag byte %u",
                       p[0]);
                break;
            }
            call->message_n = (size_t)p[1] << 24 | (size_t)p[2] << 16 | (size_t)p[3] << 8 | p[4];
            if (call->message_n > call->max_message_bytes) {
                refuse(call, RPC_RESOURCE_EXHAUSTED,
                       "message length too large: found %zu bytes, the limit is: %zu bytes",
                       call->message_n, call->max_message_bytes);
                break;
            }
            call->in_message = true;
            call->message_got = 0;
        }
        size_t left = call->message_n - call->message_got;
        if (call->message_got == 0 && left <= n - used) { // whole and in one piece: no copy
            used += left;
            deliver(call, bytes + used - left, left);
            continue;
        }
        size_t part = left < n - used ? left : n - used;
        if (part == 0)
            break; // the prefix was the last that came
        if (!grow_message(call, call->message_got + part))
            break;
        memcpy(call->message + call->message_got, bytes + used, part);
        call->message_got += part;
        used += part;
        if (call->message_got == call->message_n) {
            deliver(call, call->message, call->message_n);
            drop_message(call);
        }
    }
    // A message of no bytes is complete with its prefix, which may be the last thing that came.
    if (used == n && call->in_message && call->message_n == 0 && !call->paused && !call->deaf)
        deliver(call, call->prefix, 0);
    call->taking = false;
    return call->deaf ? n : used;
}

static void consume(rpc_call *call, size_t n)
{
    if (call->conn == NULL || n == 0 || call->conn->session == NULL)
        return;
    nghttp2_session_consume_stream(call->conn->session, call->stream_id, n);
    conn_mark(call->conn);
}

void call_receive(rpc_call *call, const uint8_t *bytes, size_t n)
{
    size_t used = 0;
    rpc_call_ref(call);
    if (call->complete || call->deaf)
        used = n;
    else if (call->backlog_n == 0)
        used = take(call, bytes, n);
    consume(call, used);
    size_t rest = n - used;
    if (rest > 0) { // bounded by the stream's window, which is not renewed for these
        if (call->backlog_n + rest > call->backlog_cap) {
            size_t cap = 2 * (call->backlog_n + rest);
            call->backlog = realloc(call->backlog, cap);
            ZK_ASSERT(call->backlog != NULL);
            call->loop->buffered += cap - call->backlog_cap;
            call->backlog_cap = cap;
        }
        memcpy(call->backlog + call->backlog_n, bytes + used, rest);
        call->backlog_n += rest;
    }
    rpc_call_unref(call);
}

static void take_backlog(rpc_call *call)
{
    // Detached while it is worked on: callbacks may pause, resume or end the call.
    size_t n = call->backlog_n;
    if (n == 0 || call->paused)
        return;
    size_t used = take(call, call->backlog, n);
    consume(call, used);
    call->backlog_n = n - used;
    if (call->backlog_n == 0)
        drop_backlog(call);
    else
        memmove(call->backlog, call->backlog + used, call->backlog_n);
}

uint8_t *call_take_message(rpc_call *call, const uint8_t *bytes, size_t n)
{
    if (n == 0 || bytes != call->message)
        return NULL;
    uint8_t *taken = call->message;
    call->held += call->message_cap;
    call->message = NULL;
    call->message_cap = 0;
    return taken;
}

void call_unhold(rpc_call *call)
{
    call->loop->buffered -= call->held;
    call->held = 0;
}

void rpc_pause(rpc_call *call)
{
    call->paused = true;
}

void rpc_resume(rpc_call *call)
{
    call->paused = false;
    if (!call->taking)
        call_schedule(call);
}

void call_remote_closed(rpc_call *call)
{
    call->remote_closed = true;
    call_schedule(call);
}

// ---- Ending ----

void call_complete(rpc_call *call, rpc_code code, const char *text)
{
    if (call->complete)
        return;
    call->complete = true;
    if (!call->finished || code != call->code) {
        call->code = code;
        char *copy = rpc_strdup(text != NULL ? text : ""); // text may be call->text
        free(call->text);
        call->text = copy;
    }
    rpc_timer_clear(call->loop, &call->timer);
    if (call->waiting)
        channel_call_gone(call);
    if (!call->clean) {
        call->deaf = true;
        if (!call->taking) {
            size_t unread = call->backlog_n;
            drop_backlog(call);
            consume(call, unread);
        }
    }
    if (call->client)
        drop_queue(call);
    call_schedule(call);
}

static void reset_stream(rpc_call *call, uint32_t http2_error)
{
    if (call->conn == NULL || call->conn->session == NULL)
        return;
    nghttp2_submit_rst_stream(call->conn->session, NGHTTP2_FLAG_NONE, call->stream_id, http2_error);
    conn_mark(call->conn);
}

void rpc_cancel(rpc_call *call)
{
    if (call->complete)
        return;
    drop_queue(call);
    if (!call->client && call->opening) {
        rpc_finish(call, RPC_CANCELLED, "cancelled by the server");
        return;
    }
    reset_stream(call, NGHTTP2_CANCEL);
    call_complete(call, RPC_CANCELLED, "cancelled by this side");
}

static void on_deadline(void *arg)
{
    rpc_call *call = arg;
    if (call->complete)
        return;
    if (call->client) {
        reset_stream(call, NGHTTP2_CANCEL);
    } else if (call->local_closed) {
        return; // the status is on its way: the end of the stream tells
    } else {
        // The status goes out even when the queue is stuck behind a closed window: trailers are
        // not flow controlled. What was queued is pointless now.
        drop_queue(call);
        call->finished = false;
        call->last_queued = false;
        rpc_finish(call, RPC_DEADLINE_EXCEEDED, "deadline exceeded");
        call->deaf = true;
    }
    call_complete(call, RPC_DEADLINE_EXCEEDED, "deadline exceeded");
}

void call_set_deadline(rpc_call *call, uint64_t ms_from_now)
{
    rpc_timer_set(call->loop, &call->timer, ms_from_now, on_deadline, call);
    call->deadline_ms = call->timer.due_ms;
}

void call_stream_closed(rpc_call *call, uint32_t http2_error)
{
    call->remote_closed = true;
    if (!call->client) {
        if (call->finished && call->local_closed)
            call_complete(call, call->code, call->text);
        else
            call_complete(call, RPC_CANCELLED, "cancelled by the client");
    } else if (call->grpc_status >= 0) {
        const char *text = metadata_get(&call->received, "grpc-message");
        char plain[RPC_MESSAGE_MAX];
        rpc_percent_decode(plain, sizeof plain, text != NULL ? text : "",
                           text != NULL ? strlen(text) : 0);
        bool torn = call->prefix_n > 0 || call->in_message;
        // Bytes of a paused call may still be in the backlog: torn is judged before them.
        call->clean = !call->complete;
        if (call->grpc_status == RPC_OK && torn && call->backlog_n == 0)
            call_complete(call, RPC_INTERNAL, "the stream ended inside a message");
        else
            call_complete(call,
                          call->grpc_status < RPC_CODE_COUNT ? (rpc_code)call->grpc_status
                                                             : RPC_UNKNOWN,
                          plain);
    } else if (http2_error != NGHTTP2_NO_ERROR) {
        char text[96];
        snprintf(text, sizeof text, "the peer reset the stream: %s",
                 nghttp2_http2_strerror(http2_error));
        call_complete(call, rpc_code_of_reset(http2_error), text);
    } else if (call->http_status != 0 && call->http_status != 200) {
        char text[64];
        snprintf(text, sizeof text, "HTTP status %d instead of a gRPC answer", call->http_status);
        call_complete(call, rpc_code_of_http(call->http_status), text);
    } else {
        call_complete(call, RPC_INTERNAL, "the stream ended without a status");
    }
    call_detach(call);
}

void call_turn(rpc_call *call)
{
    if (!call->deaf)
        take_backlog(call);
    if (call->remote_closed && call->backlog_n == 0 && !call->half_close_told && !call->complete &&
        !call->deaf && !call->client) {
        call->half_close_told = true;
        if (call->prefix_n > 0 || call->in_message)
            refuse(call, RPC_INVALID_ARGUMENT, "the request stream ended inside a message");
        else if (call->events.on_half_close != NULL)
            call->events.on_half_close(call, call->arg);
    }
    if (drain_is_due(call)) {
        call->refused = false;
        if (call->events.on_drain != NULL)
            call->events.on_drain(call, call->arg);
    }
    bool waits_for_reader = call->clean && call->backlog_n > 0;
    if (call->complete && !call->done_told && !waits_for_reader) {
        call->done_told = true;
        if (call->events.on_done != NULL)
            call->events.on_done(call, call->arg, call->code, call->text);
        if (call->ended != NULL)
            call->ended(call->ended_arg, call, call->code,
                        rpc_loop_now_ms(call->loop) - call->opened_ms);
        rpc_call_unref(call);
    }
}
