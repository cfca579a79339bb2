// SPDX-License-Identifier: Apache-2.0 OR MIT
// One connection: socket, optional TLS, HTTP/2 session, keepalive, and its end.
//
// Output is pulled: in its turn a connection asks nghttp2 for frames until nothing is left or the
// kernel takes no more. What the kernel refused is the only output kept (`rest`); while it is
// there nothing more is pulled, so a peer that does not read holds at most one write buffer here.
#include "rpc/rpc_internal.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

enum { LINGER_MS = 250, FLUSH_MAX_BYTES = 2 * 1024 * 1024 };

void peer_from_sockaddr(rpc_peer *p, const struct sockaddr *addr)
{
    char text[INET6_ADDRSTRLEN] = "?";
    memset(p, 0, sizeof *p);
    if (addr->sa_family == AF_INET) {
        const struct sockaddr_in *in = (const struct sockaddr_in *)addr;
        const uint8_t *b = (const uint8_t *)&in->sin_addr;
        inet_ntop(AF_INET, b, text, sizeof text);
        p->ip[10] = p->ip[11] = 0xff;
        memcpy(p->ip + 12, b, 4);
        p->loopback = b[0] == 127;
        snprintf(p->address, sizeof p->address, "%s:%u", text, ntohs(in->sin_port));
    } else if (addr->sa_family == AF_INET6) {
        const struct sockaddr_in6 *in = (const struct sockaddr_in6 *)addr;
        inet_ntop(AF_INET6, &in->sin6_addr, text, sizeof text);
        memcpy(p->ip, &in->sin6_addr, 16);
        p->loopback = IN6_IS_ADDR_LOOPBACK(&in->sin6_addr) ||
                      (IN6_IS_ADDR_V4MAPPED(&in->sin6_addr) && p->ip[12] == 127);
        snprintf(p->address, sizeof p->address, "[%s]:%u", text, ntohs(in->sin6_port));
    }
}

void conn_mark(rpc_conn *c)
{
    if (c->dirty || c->state == CONN_CLOSED)
        return;
    c->dirty = true;
    c->next_dirty = c->loop->dirty;
    c->loop->dirty = c;
}

void conn_fail(rpc_conn *c, const char *format, ...)
{
    if (c->failed || c->state == CONN_CLOSED)
        return;
    if (c->state != CONN_LINGER) { // there the reason is known already
        va_list args;
        va_start(args, format);
        vsnprintf(c->reason, sizeof c->reason, format, args);
        va_end(args);
    }
    c->failed = true;
    conn_mark(c);
}

// ---- End ----

static void on_closed(uv_handle_t *handle)
{
    rpc_conn *c = handle->data;
    free(c->rest);
    free(c);
}

static void tear_down(rpc_conn *c)
{
    rpc_conn_state was = c->state;
    c->state = CONN_CLOSED;
    rpc_timer_clear(c->loop, &c->timer);
    char text[sizeof c->reason + 32];
    snprintf(text, sizeof text, "connection lost: %s", c->reason);
    nghttp2_session *session = c->session;
    c->session = NULL;
    while (c->calls != NULL) {
        rpc_call *call = c->calls;
        call_complete(call, RPC_UNAVAILABLE, text);
        call_detach(call);
    }
    nghttp2_session_del(session);
    rpc_tls_free(c->tls);
    c->tls = NULL;
    rpc_log(c->loop, RPC_LOG_DEBUG, "%s: closed: %s", c->peer.address, c->reason);
    if (c->server != NULL)
        server_conn_gone(c->server, c);
    else if (c->channel != NULL)
        channel_conn_gone(c->channel, c);
    c->server = NULL;
    c->channel = NULL;
    if (was != CONN_CLOSED)
        uv_close((uv_handle_t *)&c->tcp, on_closed);
}

static void on_linger_over(void *arg)
{
    conn_fail(arg, "drained"); // or the reason that conn_terminate noted
}

void conn_terminate(rpc_conn *c, uint32_t http2_error, const char *format, ...)
{
    if (c->failed || c->state == CONN_CLOSED || c->state == CONN_LINGER)
        return;
    va_list args;
    va_start(args, format);
    vsnprintf(c->reason, sizeof c->reason, format, args);
    va_end(args);
    if (c->server != NULL)
        c->server->stats.floods++;
    rpc_log(c->loop, RPC_LOG_WARN, "%s: connection ended: %s", c->peer.address, c->reason);
    c->state = CONN_LINGER;
    nghttp2_session_terminate_session(c->session, http2_error);
    rpc_timer_set(c->loop, &c->timer, LINGER_MS, on_linger_over, c);
    conn_mark(c);
}

// ---- Keepalive ----

static void on_silence(void *arg)
{
    rpc_conn *c = arg;
    uint64_t silent = rpc_loop_now_ms(c->loop) - c->last_recv_ms;
    if (silent < c->limits.keepalive_ms) {
        c->keepalive_asked = false;
        rpc_timer_set(c->loop, &c->timer, c->limits.keepalive_ms - silent, on_silence, c);
    } else if (!c->keepalive_asked) {
        c->keepalive_asked = true;
        nghttp2_submit_ping(c->session, NGHTTP2_FLAG_NONE, (const uint8_t *)"keepaliv");
        conn_mark(c);
        rpc_timer_set(c->loop, &c->timer, c->limits.keepalive_wait_ms, on_silence, c);
    } else {
        conn_fail(c, "no answer to a keepalive ping for %u ms", c->limits.keepalive_wait_ms);
    }
}

static void on_handshake_late(void *arg)
{
    rpc_conn *c = arg;
    conn_fail(c, "no HTTP/2 handshake within %u ms", c->limits.handshake_ms);
}

void conn_opened(rpc_conn *c)
{
    if (c->state != CONN_HANDSHAKE)
        return;
    c->state = CONN_OPEN;
    rpc_timer_set(c->loop, &c->timer, c->limits.keepalive_ms, on_silence, c);
    if (c->channel != NULL)
        channel_conn_opened(c->channel, c);
}

// ---- Output ----

static void on_written(uv_write_t *req, int rc)
{
    rpc_conn *c = req->data;
    free(c->rest);
    c->rest = NULL;
    if (c->state == CONN_CLOSED)
        return;
    if (rc != 0)
        conn_fail(c, "write: %s", uv_strerror(rc));
    else
        conn_mark(c);
}

// Hands bytes to the kernel, keeps what it does not take. false: do not pull more now.
static bool push(rpc_conn *c, const uint8_t *bytes, size_t n)
{
    uv_buf_t buf = uv_buf_init((char *)bytes, (unsigned)n);
    int rc = uv_try_write((uv_stream_t *)&c->tcp, &buf, 1);
    if (rc < 0 && rc != UV_EAGAIN) {
        conn_fail(c, "write: %s", uv_strerror(rc));
        return false;
    }
    size_t written = rc > 0 ? (size_t)rc : 0;
    if (c->server != NULL)
        c->server->stats.bytes_out += n;
    if (written == n)
        return true;
    size_t left = n - written;
    c->rest = malloc(left);
    ZK_ASSERT(c->rest != NULL);
    memcpy(c->rest, bytes + written, left);
    buf = uv_buf_init((char *)c->rest, (unsigned)left);
    c->write_req.data = c;
    rc = uv_write(&c->write_req, (uv_stream_t *)&c->tcp, &buf, 1, on_written);
    if (rc != 0) {
        free(c->rest);
        c->rest = NULL;
        conn_fail(c, "write: %s", uv_strerror(rc));
    }
    return false;
}

// Fills out with frames (or TLS records of frames). 0: nothing to send, or the session failed.
static size_t pull(rpc_conn *c, uint8_t *out, size_t size)
{
    size_t used = 0;
    const size_t frame_max = 70 * 1024; // mem_send gives whole frames: 64 KiB and its header
    if (c->tls != NULL)
        used = rpc_tls_drain(c->tls, out, size);
    if (c->tls != NULL && !rpc_tls_ready(c->tls))
        return used;
    while (used + frame_max <= size) {
        const uint8_t *frame;
        ssize_t n = nghttp2_session_mem_send(c->session, &frame);
        if (n < 0) {
            conn_fail(c, "HTTP/2: %s", nghttp2_strerror((int)n));
            break;
        }
        if (n == 0)
            break;
        if (c->tls == NULL) {
            ZK_ASSERT((size_t)n <= size - used);
            memcpy(out + used, frame, (size_t)n);
            used += (size_t)n;
        } else {
            if (!rpc_tls_write(c->tls, frame, (size_t)n)) {
                conn_fail(c, "TLS write failed");
                break;
            }
            used += rpc_tls_drain(c->tls, out + used, size - used);
        }
    }
    return used;
}

void conn_flush(rpc_conn *c)
{
    if (c->state == CONN_CLOSED)
        return;
    if (c->state == CONN_CONNECTING) {
        if (c->failed)
            tear_down(c);
        return;
    }
    size_t total = 0;
    bool empty = false;
    while (c->rest == NULL && !c->failed && total < FLUSH_MAX_BYTES) {
        size_t n = pull(c, c->loop->write_bytes, RPC_WRITE_BYTES);
        if (n == 0) {
            empty = true;
            break;
        }
        total += n;
        if (!push(c, c->loop->write_bytes, n))
            break;
    }
    if (total >= FLUSH_MAX_BYTES && c->rest == NULL && !c->failed)
        conn_mark(c); // more later; let others have their turn
    if (c->failed) {
        tear_down(c);
        return;
    }
    if (!empty || c->rest != NULL || c->state == CONN_LINGER)
        return;
    bool drained = c->draining && c->n_calls == 0 && (c->last_goaway_sent || c->channel != NULL);
    if (c->tls != NULL && !rpc_tls_ready(c->tls))
        return;
    if (drained ||
        (!nghttp2_session_want_read(c->session) && !nghttp2_session_want_write(c->session))) {
        bool strange = c->channel != NULL && c->state == CONN_HANDSHAKE;
        snprintf(c->reason, sizeof c->reason, "%s",
                 drained   ? "drained"
                 : strange ? "the peer speaks no HTTP/2 (is it the port of another service?)"
                           : "the HTTP/2 session has ended");
        if (c->tls != NULL) {
            rpc_tls_shutdown(c->tls);
            size_t n = rpc_tls_drain(c->tls, c->loop->write_bytes, RPC_WRITE_BYTES);
            uv_buf_t buf = uv_buf_init((char *)c->loop->write_bytes, (unsigned)n);
            (void)uv_try_write((uv_stream_t *)&c->tcp, &buf, 1); // a courtesy
        }
        tear_down(c);
    }
}

// ---- Input ----

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
    (void)suggested;
    rpc_conn *c = handle->data;
    *buf = uv_buf_init((char *)c->loop->read_bytes, RPC_READ_BYTES);
}

static void feed_tls(rpc_conn *c, const uint8_t *bytes, size_t n)
{
    rpc_tls_feed(c->tls, bytes, n);
    bool was_ready = rpc_tls_ready(c->tls);
    while (!c->failed && c->state != CONN_LINGER) {
        size_t got;
        const char *error = "";
        switch (rpc_tls_read(c->tls, c->loop->plain_bytes, RPC_READ_BYTES, &got, &error)) {
        case RPC_TLS_DATA:
            if (!was_ready)
                rpc_tls_identity(c->tls, c->peer.identity, sizeof c->peer.identity);
            was_ready = true;
            if (!session_feed(c, c->loop->plain_bytes, got))
                return;
            break;
        case RPC_TLS_MORE:
            if (!was_ready && rpc_tls_ready(c->tls))
                rpc_tls_identity(c->tls, c->peer.identity, sizeof c->peer.identity);
            return;
        case RPC_TLS_CLOSED:
            conn_fail(c, "closed by the peer");
            return;
        case RPC_TLS_FAILED: {
            // The alert tells the peer why.
            size_t alert = rpc_tls_drain(c->tls, c->loop->write_bytes, RPC_WRITE_BYTES);
            if (alert > 0 && c->rest == NULL) {
                uv_buf_t buf = uv_buf_init((char *)c->loop->write_bytes, (unsigned)alert);
                (void)uv_try_write((uv_stream_t *)&c->tcp, &buf, 1);
            }
            if (c->server != NULL)
                rpc_log(c->loop, RPC_LOG_INFO, "%s: %s", c->peer.address, error);
            conn_fail(c, "%s", error);
            return;
        }
        }
    }
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
    rpc_conn *c = stream->data;
    if (c->failed || c->state == CONN_CLOSED || n == 0)
        return;
    if (n < 0) {
        uv_read_stop(stream);
        bool silent = c->channel != NULL && c->state == CONN_HANDSHAKE;
        if (n == UV_EOF && silent && c->tls != NULL)
            conn_fail(c,
                      "TLS handshake failed: closed by the peer without a word (does it ask for a "
                      "certificate of this side?)");
        else if (n == UV_EOF)
            conn_fail(c, "closed by the peer%s", silent ? " without a word (is it https://?)" : "");
        else
            conn_fail(c, "read: %s", uv_strerror((int)n));
        return;
    }
    c->last_recv_ms = rpc_loop_now_ms(c->loop);
    if (c->server != NULL)
        c->server->stats.bytes_in += (uint64_t)n;
    if (c->state == CONN_LINGER)
        return;
    if (c->tls != NULL)
        feed_tls(c, (const uint8_t *)buf->base, (size_t)n);
    else
        (void)session_feed(c, (const uint8_t *)buf->base, (size_t)n);
    conn_mark(c);
}

// ---- Start ----

static rpc_conn *conn_new(rpc_loop *loop, const rpc_limits *limits, const struct sockaddr *addr)
{
    rpc_conn *c = rpc_alloc(sizeof *c);
    uint64_t now = rpc_loop_now_ms(loop);
    c->loop = loop;
    c->limits = *limits;
    c->last_recv_ms = now;
    peer_from_sockaddr(&c->peer, addr);
    rpc_bucket_init(&c->resets, limits->resets_burst, limits->resets_per_s, now);
    rpc_bucket_init(&c->control, limits->control_burst, limits->control_per_s, now);
    uv_tcp_init(&loop->uv, &c->tcp);
    c->tcp.data = c;
    return c;
}

// The socket is connected: TLS or HTTP/2 begins.
static void conn_start(rpc_conn *c)
{
    c->state = CONN_HANDSHAKE;
    c->opened_ms = rpc_loop_now_ms(c->loop);
    uv_tcp_nodelay(&c->tcp, 1);
    rpc_timer_set(c->loop, &c->timer, c->limits.handshake_ms, on_handshake_late, c);
    if (session_open(c) != ZK_OK) {
        conn_fail(c, "%s", status_message());
        return;
    }
    int rc = uv_read_start((uv_stream_t *)&c->tcp, on_alloc, on_read);
    if (rc != 0) {
        conn_fail(c, "read: %s", uv_strerror(rc));
        return;
    }
    if (c->channel != NULL && c->tls != NULL) { // the client speaks first
        feed_tls(c, (const uint8_t *)"", 0);
    }
    conn_mark(c);
}

rpc_conn *conn_accept(rpc_server *s, SSL_CTX *tls, int fd, const struct sockaddr *addr)
{
    rpc_conn *c = conn_new(s->loop, &s->limits, addr);
    c->server = s;
    c->peer.tls = tls != NULL;
    if (tls != NULL)
        c->tls = rpc_tls_new(tls, true, NULL);
    int rc = uv_tcp_open(&c->tcp, fd);
    if (rc != 0) {
        c->state = CONN_HANDSHAKE;
        close(fd);
        conn_fail(c, "cannot use the socket: %s", uv_strerror(rc));
        return c;
    }
    conn_start(c);
    return c;
}

static void on_connected(uv_connect_t *req, int rc)
{
    rpc_conn *c = req->data;
    if (c->state == CONN_CLOSED || c->failed)
        return;
    if (rc != 0) {
        conn_fail(c, "cannot connect to %s: %s", c->peer.address, uv_strerror(rc));
        return;
    }
    conn_start(c);
}

rpc_conn *conn_connect(rpc_channel *ch, rpc_loop *loop, const rpc_limits *limits, SSL_CTX *tls,
                       const char *tls_name, const struct sockaddr *addr)
{
    rpc_conn *c = conn_new(loop, limits, addr);
    c->channel = ch;
    c->peer.tls = tls != NULL;
    c->state = CONN_CONNECTING;
    if (tls != NULL)
        c->tls = rpc_tls_new(tls, false, tls_name);
    c->connect_req.data = c;
    int rc = uv_tcp_connect(&c->connect_req, &c->tcp, addr, on_connected);
    if (rc != 0)
        conn_fail(c, "cannot connect to %s: %s", c->peer.address, uv_strerror(rc));
    return c;
}

void conn_drain(rpc_conn *c)
{
    if (c->draining || c->failed || c->state == CONN_CLOSED || c->state == CONN_LINGER)
        return;
    if (c->state != CONN_OPEN) {
        conn_fail(c, "the server is draining");
        return;
    }
    // RFC 9113 section 6.8: announce first, name the last stream one round trip later, so that
    // calls on their way are still served.
    c->draining = true;
    nghttp2_submit_shutdown_notice(c->session);
    nghttp2_submit_ping(c->session, NGHTTP2_FLAG_NONE, (const uint8_t *)"draining");
    conn_mark(c);
}

void conn_expire(rpc_conn *c)
{
    if (c->failed || c->state != CONN_OPEN)
        return;
    c->draining = true;
    if (!c->last_goaway_sent)
        nghttp2_submit_goaway(c->session, NGHTTP2_FLAG_NONE,
                              nghttp2_session_get_last_proc_stream_id(c->session), NGHTTP2_NO_ERROR,
                              NULL, 0);
    c->last_goaway_sent = true;
    rpc_timer_set(c->loop, &c->timer, LINGER_MS, on_linger_over, c);
    conn_mark(c);
}
