// SPDX-License-Identifier: Apache-2.0 OR MIT
// HTTP/2 frames to calls: the nghttp2 callbacks, and the counters that end hostile connections.
//
// What a peer can make us do for nothing is counted in two token buckets of the connection:
// `resets` (streams that the peer gave up, or made us give up, before their answer; CVE-2023-44487
// and its kin) and `control` (PING, SETTINGS, PRIORITY, RST_STREAM, WINDOW_UPDATE, empty DATA).
// Frames of calls refill `control`, so that what serves a transfer is never held against it.
// Floods of CONTINUATION are nghttp2's own limit (nghttp2_option_set_max_continuations).
#include "rpc/rpc_internal.h"

enum {
    FRAME_BYTES = 64 * 1024,            // largest DATA payload, both directions
    CONNECTION_WINDOW_BYTES = 16 << 20, // never the limit: windows of the streams are
    HEADERS_FATAL_FACTOR = 4            // header lists this many times too large end the connection
};

static bool charge_control(rpc_conn *c, const char *what)
{
    if (rpc_bucket_take(&c->control, rpc_loop_now_ms(c->loop)))
        return true;
    conn_terminate(c, NGHTTP2_ENHANCE_YOUR_CALM, "too many %s frames", what);
    return false;
}

static void charge_reset(rpc_conn *c)
{
    if (!rpc_bucket_take(&c->resets, rpc_loop_now_ms(c->loop)))
        conn_terminate(c, NGHTTP2_ENHANCE_YOUR_CALM, "too many streams given up by the peer");
}

static rpc_call *call_of(nghttp2_session *session, int32_t stream_id)
{
    return nghttp2_session_get_stream_user_data(session, stream_id);
}

// ---- Frames ----

static int on_begin_frame(nghttp2_session *session, const nghttp2_frame_hd *hd, void *user_data)
{
    (void)session;
    rpc_conn *c = user_data;
    switch (hd->type) {
    case NGHTTP2_PING:
        charge_control(c, "PING");
        break;
    case NGHTTP2_SETTINGS:
        charge_control(c, "SETTINGS");
        break;
    case NGHTTP2_PRIORITY:
        charge_control(c, "PRIORITY");
        break;
    case NGHTTP2_RST_STREAM:
        charge_control(c, "RST_STREAM");
        break;
    case NGHTTP2_WINDOW_UPDATE:
        charge_control(c, "WINDOW_UPDATE");
        break;
    case NGHTTP2_DATA:
        if (hd->length == 0 && (hd->flags & NGHTTP2_FLAG_END_STREAM) == 0)
            charge_control(c, "empty DATA");
        else
            rpc_bucket_add(&c->control, 1);
        break;
    case NGHTTP2_HEADERS:
        rpc_bucket_add(&c->control, 1);
        break;
    default:
        break;
    }
    return 0;
}

static int on_begin_headers(nghttp2_session *session, const nghttp2_frame *frame, void *user_data)
{
    rpc_conn *c = user_data;
    if (frame->headers.cat != NGHTTP2_HCAT_REQUEST || c->server == NULL)
        return 0;
    // Streams beyond SETTINGS_MAX_CONCURRENT_STREAMS never come here: nghttp2 refuses them, also
    // before the client has acknowledged our SETTINGS. Of the server's own limit the peer is told,
    // which takes a call too: so there is an end to that.
    if (c->server->n_calls >= 2 * c->server->limits.max_calls) {
        c->server->stats.calls_refused++;
        nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, frame->hd.stream_id,
                                  NGHTTP2_REFUSED_STREAM);
        return 0;
    }
    rpc_call *call = call_new(c->loop, &c->limits);
    call->server = c->server;
    call->server->n_calls++;
    call->server->stats.calls_started++;
    call_attach(call, c, frame->hd.stream_id);
    nghttp2_session_set_stream_user_data(session, frame->hd.stream_id, call);
    return 0;
}

static bool name_is(const uint8_t *name, size_t n, const char *text)
{
    return n == strlen(text) && memcmp(name, text, n) == 0;
}

static int small_number(const uint8_t *value, size_t n)
{
    int number = 0;
    if (n == 0 || n > 3)
        return -1;
    for (size_t i = 0; i < n; i++) {
        if (value[i] < '0' || value[i] > '9')
            return -1;
        number = number * 10 + (value[i] - '0');
    }
    return number;
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
                     size_t name_n, const uint8_t *value, size_t value_n, uint8_t flags,
                     void *user_data)
{
    (void)flags;
    rpc_conn *c = user_data;
    rpc_call *call = call_of(session, frame->hd.stream_id);
    if (call == NULL)
        return 0;
    rpc_metadata *m = &call->received;
    m->counted += name_n + value_n + 32;
    if (m->counted > call->max_metadata_bytes) {
        m->too_large = true;
        if (m->counted > HEADERS_FATAL_FACTOR * call->max_metadata_bytes)
            conn_terminate(c, NGHTTP2_ENHANCE_YOUR_CALM, "header list above %zu bytes",
                           HEADERS_FATAL_FACTOR * call->max_metadata_bytes);
        return 0;
    }
    if (name_n > 0 && name[0] == ':') {
        if (name_is(name, name_n, ":path") && call->path == NULL) {
            call->path = rpc_alloc(value_n + 1);
            memcpy(call->path, value, value_n);
        } else if (name_is(name, name_n, ":method")) {
            call->method_is_post = name_is(value, value_n, "POST");
        } else if (name_is(name, name_n, ":status")) {
            call->http_status = small_number(value, value_n);
        }
        return 0;
    }
    if (name_is(name, name_n, "content-type")) {
        static const char grpc[] = "application/grpc";
        call->content_is_grpc = value_n >= sizeof grpc - 1 &&
                                memcmp(value, grpc, sizeof grpc - 1) == 0 &&
                                (value_n == sizeof grpc - 1 || value[sizeof grpc - 1] == '+' ||
                                 value[sizeof grpc - 1] == ';');
    } else if (name_is(name, name_n, "grpc-status") && call->client) {
        int number = small_number(value, value_n);
        call->grpc_status = number >= 0 ? number : RPC_UNKNOWN;
    }
    metadata_add(m, (const char *)name, name_n, (const char *)value, value_n);
    return 0;
}

static void client_headers(rpc_conn *c, rpc_call *call, const nghttp2_frame *frame)
{
    bool ends = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
    if (call->http_status >= 100 && call->http_status < 200 && !ends) {
        call->http_status = 0; // informational: the response is still to come
        return;
    }
    if (call->received.too_large) {
        nghttp2_submit_rst_stream(c->session, NGHTTP2_FLAG_NONE, frame->hd.stream_id,
                                  NGHTTP2_CANCEL);
        call_complete(call, RPC_RESOURCE_EXHAUSTED, "the answer's headers are too large");
        return;
    }
    bool first = !call->response_seen;
    call->response_seen = true;
    // Without gRPC in the answer there is a proxy or a web server at the other end.
    if (first && (call->http_status != 200 || !call->content_is_grpc) && call->grpc_status < 0) {
        call->deaf = true;
        if (call->http_status == 200)
            call->http_status = -1;
        return;
    }
    if (first && !ends && !call->complete && call->events.on_headers != NULL)
        call->events.on_headers(call, call->arg);
}

// The peer sent END_STREAM.
static void stream_half_closed(rpc_conn *c, rpc_call *call)
{
    call_remote_closed(call);
    if (call->client && !call->local_closed) {
        // The status is here; what we would still send is of no use to anybody.
        nghttp2_submit_rst_stream(c->session, NGHTTP2_FLAG_NONE, call->stream_id, NGHTTP2_NO_ERROR);
    }
}

static int on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *user_data)
{
    rpc_conn *c = user_data;
    switch (frame->hd.type) {
    case NGHTTP2_SETTINGS:
        if ((frame->hd.flags & NGHTTP2_FLAG_ACK) == 0)
            conn_opened(c);
        return 0;
    case NGHTTP2_PING:
        if ((frame->hd.flags & NGHTTP2_FLAG_ACK) != 0 && c->draining && !c->last_goaway_sent &&
            c->server != NULL && memcmp(frame->ping.opaque_data, "draining", 8) == 0) {
            c->last_goaway_sent = true;
            nghttp2_submit_goaway(session, NGHTTP2_FLAG_NONE,
                                  nghttp2_session_get_last_proc_stream_id(session),
                                  NGHTTP2_NO_ERROR, NULL, 0);
        }
        return 0;
    case NGHTTP2_GOAWAY:
        if (c->channel != NULL) {
            c->draining = true;
            if (frame->goaway.error_code != NGHTTP2_NO_ERROR && !c->failed)
                rpc_log(c->loop, RPC_LOG_WARN, "%s: GOAWAY: %s", c->peer.address,
                        nghttp2_http2_strerror(frame->goaway.error_code));
            channel_conn_draining(c->channel, c);
        }
        return 0;
    case NGHTTP2_RST_STREAM: {
        rpc_call *call = call_of(session, frame->hd.stream_id);
        // A reset after our last frame, or of a call that ended long ago, costs us nothing.
        if (c->server != NULL && call != NULL && !call->local_closed)
            charge_reset(c);
        return 0;
    }
    case NGHTTP2_HEADERS: {
        rpc_call *call = call_of(session, frame->hd.stream_id);
        if (call == NULL)
            return 0;
        if (call->client) {
            client_headers(c, call, frame);
        } else if (frame->headers.cat == NGHTTP2_HCAT_REQUEST) {
            rpc_call_ref(call);
            server_dispatch(call);
            rpc_call_unref(call);
        }
        if ((frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0)
            stream_half_closed(c, call);
        return 0;
    }
    case NGHTTP2_DATA: {
        rpc_call *call = call_of(session, frame->hd.stream_id);
        if (call != NULL && (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0)
            stream_half_closed(c, call);
        return 0;
    }
    default:
        return 0;
    }
}

static int on_data(nghttp2_session *session, uint8_t flags, int32_t stream_id, const uint8_t *bytes,
                   size_t n, void *user_data)
{
    (void)flags;
    rpc_conn *c = user_data;
    rpc_call *call = call_of(session, stream_id);
    nghttp2_session_consume_connection(session, n);
    if (call == NULL || c->state == CONN_LINGER)
        nghttp2_session_consume_stream(session, stream_id, n);
    else
        call_receive(call, bytes, n);
    return 0;
}

static int on_sent(nghttp2_session *session, const nghttp2_frame *frame, void *user_data)
{
    rpc_conn *c = user_data;
    switch (frame->hd.type) {
    case NGHTTP2_DATA:
        rpc_bucket_add(&c->control, 3); // its window updates, and the ping that measures it
        return 0;
    case NGHTTP2_HEADERS: {
        rpc_bucket_add(&c->control, 1);
        rpc_call *call = call_of(session, frame->hd.stream_id);
        if (c->server != NULL && call != NULL && !call->remote_closed &&
            (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0)
            nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, frame->hd.stream_id,
                                      NGHTTP2_NO_ERROR);
        return 0;
    }
    case NGHTTP2_RST_STREAM:
        // Errors that the peer provoked count as if it had reset the stream itself
        // (CVE-2025-8671); our own cancels and refusals do not.
        if (c->server != NULL && frame->rst_stream.error_code != NGHTTP2_NO_ERROR &&
            frame->rst_stream.error_code != NGHTTP2_CANCEL)
            charge_reset(c);
        return 0;
    default:
        return 0;
    }
}

static int on_stream_close(nghttp2_session *session, int32_t stream_id, uint32_t error_code,
                           void *user_data)
{
    (void)user_data;
    rpc_call *call = call_of(session, stream_id);
    if (call == NULL)
        return 0;
    nghttp2_session_set_stream_user_data(session, stream_id, NULL);
    call_stream_closed(call, error_code);
    return 0;
}

static int on_invalid_frame(nghttp2_session *session, const nghttp2_frame *frame, int error,
                            void *user_data)
{
    (void)session;
    (void)error;
    rpc_conn *c = user_data;
    if (frame->hd.type != NGHTTP2_HEADERS) // those end in RST_STREAM, counted when sent
        charge_control(c, "invalid");
    return 0;
}

static ssize_t data_length(nghttp2_session *session, uint8_t frame_type, int32_t stream_id,
                           int32_t session_window, int32_t stream_window, uint32_t peer_frame_max,
                           void *user_data)
{
    (void)session;
    (void)frame_type;
    (void)stream_id;
    (void)session_window;
    (void)stream_window;
    (void)user_data;
    return peer_frame_max < FRAME_BYTES ? (ssize_t)peer_frame_max : FRAME_BYTES;
}

// ---- Life ----

static nghttp2_session_callbacks *make_callbacks(void)
{
    nghttp2_session_callbacks *cb;
    ZK_ASSERT(nghttp2_session_callbacks_new(&cb) == 0);
    nghttp2_session_callbacks_set_on_begin_frame_callback(cb, on_begin_frame);
    nghttp2_session_callbacks_set_on_begin_headers_callback(cb, on_begin_headers);
    nghttp2_session_callbacks_set_on_header_callback(cb, on_header);
    nghttp2_session_callbacks_set_on_frame_recv_callback(cb, on_frame);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(cb, on_data);
    nghttp2_session_callbacks_set_on_frame_send_callback(cb, on_sent);
    nghttp2_session_callbacks_set_on_stream_close_callback(cb, on_stream_close);
    nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(cb, on_invalid_frame);
    nghttp2_session_callbacks_set_data_source_read_length_callback(cb, data_length);
    return cb;
}

status session_open(rpc_conn *c)
{
    nghttp2_session_callbacks *callbacks = make_callbacks();
    nghttp2_option *option;
    ZK_ASSERT(nghttp2_option_new(&option) == 0);
    nghttp2_option_set_no_auto_window_update(option, 1);
    nghttp2_option_set_no_closed_streams(option, 1);
    nghttp2_option_set_max_continuations(option, 8);
    // Ours ends the connection first, with a reason in the log.
    nghttp2_option_set_stream_reset_rate_limit(option, 2 * (uint64_t)c->limits.resets_burst,
                                               2 * (uint64_t)c->limits.resets_per_s);
    int rc = c->server != NULL ? nghttp2_session_server_new2(&c->session, callbacks, c, option)
                               : nghttp2_session_client_new2(&c->session, callbacks, c, option);
    nghttp2_option_del(option);
    nghttp2_session_callbacks_del(callbacks);
    FAIL_IF(rc != 0, ZK_ENOMEM, "cannot start an HTTP/2 session: %s", nghttp2_strerror(rc));

    nghttp2_settings_entry settings[6];
    size_t n = 0;
    settings[n++] = (nghttp2_settings_entry){NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE,
                                             (uint32_t)c->limits.stream_window_bytes};
    settings[n++] = (nghttp2_settings_entry){NGHTTP2_SETTINGS_MAX_FRAME_SIZE, FRAME_BYTES};
    settings[n++] = (nghttp2_settings_entry){NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE,
                                             (uint32_t)c->limits.max_metadata_bytes};
    if (c->server != NULL)
        settings[n++] = (nghttp2_settings_entry){NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS,
                                                 (uint32_t)c->limits.max_streams};
    else
        settings[n++] = (nghttp2_settings_entry){NGHTTP2_SETTINGS_ENABLE_PUSH, 0};
    rc = nghttp2_submit_settings(c->session, NGHTTP2_FLAG_NONE, settings, n);
    if (rc == 0)
        rc = nghttp2_session_set_local_window_size(c->session, NGHTTP2_FLAG_NONE, 0,
                                                   CONNECTION_WINDOW_BYTES);
    FAIL_IF(rc != 0, ZK_EINTERNAL, "cannot send HTTP/2 settings: %s", nghttp2_strerror(rc));
    return ZK_OK;
}

bool session_feed(rpc_conn *c, const uint8_t *bytes, size_t n)
{
    if (c->session == NULL || c->failed)
        return false;
    ssize_t used = nghttp2_session_mem_recv(c->session, bytes, n);
    if (used == NGHTTP2_ERR_BAD_CLIENT_MAGIC)
        conn_fail(c, "the peer does not speak HTTP/2 with prior knowledge");
    else if (used < 0)
        conn_fail(c, "HTTP/2: %s", nghttp2_strerror((int)used));
    return !c->failed;
}
