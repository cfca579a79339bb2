// SPDX-License-Identifier: Apache-2.0 OR MIT
// Connection and calls of the client.
#include "coordinator_client.h"

#include "base/file.h"
#include "cluster/messages.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#define API "/zisk.distributed.api.v1.ZiskDistributedApi/"

enum { UNARY_MS = 60000, RETRY_PAUSE_MS = 300 };

// ---- Signals: the first ends calls and lets the command say its word, the second ends the
// process.

typedef struct client_signals {
    uv_signal_t interrupt, terminate;
} client_signals;

static void on_signal(uv_signal_t *handle, int number)
{
    (void)number;
    client *c = handle->data;
    if (c->interrupted)
        _exit(CLIENT_INTERRUPTED);
    c->interrupted = true;
    rpc_loop_stop(c->loop);
}

static bool watch_signals(client *c)
{
    c->signals = calloc(1, sizeof *c->signals);
    if (c->signals == NULL)
        return client_note(c, "CLIENT", "no memory");
    struct uv_loop_s *uv = rpc_loop_uv(c->loop);
    uv_signal_init(uv, &c->signals->interrupt);
    uv_signal_init(uv, &c->signals->terminate);
    c->signals->interrupt.data = c->signals->terminate.data = c;
    if (uv_signal_start(&c->signals->interrupt, on_signal, SIGINT) != 0 ||
        uv_signal_start(&c->signals->terminate, on_signal, SIGTERM) != 0)
        return client_note(c, "CLIENT", "signals cannot be watched");
    return true;
}

// ---- Connection

static void on_state(void *arg, bool connected, const char *reason)
{
    (void)reason;
    client *c = arg;
    c->met |= connected;
}

// A token goes over TLS, or stays on this machine.
static bool read_token(client *c, const char *path)
{
    const char *url = c->config->coordinator_url;
    static const char *const local[] = {"http://127.", "http://localhost", "http://[::1]"};
    bool safe = strncmp(url, "https://", 8) == 0;
    for (size_t i = 0; i < 3; i++)
        safe |= strncmp(url, local[i], strlen(local[i])) == 0;
    if (!safe)
        return client_note(c, "CLIENT",
                           "--token-file would send the token in the clear to %s; use an https:// "
                           "URL",
                           url);
    byte_buffer text = buffer_new();
    if (file_read(&text, path, sizeof c->token - 1) != ZK_OK)
        return client_note_status(c);
    size_t n = 0;
    while (n < text.size && text.data[n] > ' ')
        n++;
    memcpy(c->token, text.data, n);
    c->token[n] = 0;
    buffer_clear(&text);
    return n > 0 ||
           client_note(c, "CLIENT", "%s: the first line, which is the token, is empty", path);
}

bool client_open(client *c, const client_config *settings)
{
    *c = (client){.config = settings};
    if (rpc_loop_open(&c->loop) != ZK_OK)
        return client_note_status(c);
    if (!watch_signals(c) || (settings->token_file != NULL && !read_token(c, settings->token_file)))
        return false;
    rpc_tls_options tls = {.cert_file = settings->tls_cert,
                           .key_file = settings->tls_key,
                           .ca_file = settings->tls_ca};
    bool https = strncmp(settings->coordinator_url, "https://", 8) == 0;
    rpc_channel_options o = {.tls = https ? &tls : NULL,
                             .token = c->token[0] != 0 ? c->token : NULL,
                             .backoff_min_ms = 200,
                             .backoff_max_ms = 5000,
                             .on_state = on_state,
                             .arg = c};
    if (rpc_channel_open(&c->channel, c->loop, settings->coordinator_url, &o) != ZK_OK)
        return client_note_status(c);
    return true;
}

void client_close(client *c)
{
    rpc_channel_close(c->channel);
    if (c->signals != NULL) {
        uv_close((uv_handle_t *)&c->signals->interrupt, NULL);
        uv_close((uv_handle_t *)&c->signals->terminate, NULL);
    }
    rpc_loop_close(c->loop);
    free(c->signals);
    explicit_bzero(c->token, sizeof c->token);
}

// ---- Waiting

static void on_time(void *arg)
{
    rpc_loop_stop(arg);
}

bool client_pause(client *c, uint64_t ms)
{
    rpc_timer timer = {0};
    rpc_timer_set(c->loop, &timer, ms, on_time, c->loop);
    while (!c->interrupted && timer.slot != 0)
        rpc_loop_run(c->loop);
    rpc_timer_clear(c->loop, &timer);
    return !c->interrupted;
}

bool client_may_retry(client *c)
{
    if (c->interrupted || !c->met || strcmp(c->code, "UNAVAILABLE") != 0)
        return false;
    uint64_t now = rpc_loop_now_ms(c->loop), limit = 1000 * c->config->reconnect_seconds;
    if (c->lost_ms == 0) {
        if (limit == 0)
            return false;
        c->lost_ms = now;
        fprintf(stderr, "the coordinator at %s went away (%s); waiting for it, up to %llu s\n",
                c->config->coordinator_url, c->message,
                (unsigned long long)c->config->reconnect_seconds);
    }
    if (now - c->lost_ms >= limit)
        return client_note(
            c, "UNAVAILABLE", "the coordinator at %s did not come back within %llu s",
            c->config->coordinator_url, (unsigned long long)c->config->reconnect_seconds);
    return client_pause(c, RETRY_PAUSE_MS);
}

// ---- Calls

static void found(client_stream *s)
{
    rpc_timer_clear(s->c->loop, &s->patience);
    if (s->c->lost_ms != 0)
        fprintf(stderr, "the coordinator is back\n");
    s->c->lost_ms = 0;
}

static void on_headers(rpc_call *call, void *arg)
{
    (void)call;
    found(arg);
}

static void on_message(rpc_call *call, void *arg, const uint8_t *bytes, size_t n)
{
    client_stream *s = arg;
    ProtobufCMessage *m;
    if (s->stopped)
        return;
    if (message_unpack(&m, s->type, bytes, n, MESSAGE_BYTES_MAX) != ZK_OK) {
        client_note(s->c, "DATA_LOSS", "the coordinator's answer to %s: %s", s->method,
                    status_message());
    } else if (s->take(s, m)) {
        return;
    }
    s->stopped = true;
    rpc_cancel(call);
}

static void on_drain(rpc_call *call, void *arg)
{
    (void)call;
    client_stream *s = arg;
    if (s->drain != NULL && !s->stopped)
        s->drain(s);
}

static void note_end(client_stream *s, rpc_code code, const char *message)
{
    client *c = s->c;
    if (code == RPC_UNAVAILABLE && !c->met && strncmp(message, "TLS ", 4) == 0)
        client_note(c, "UNAVAILABLE",
                    "no agreement with the coordinator at %s: %s (--tls-ca, --tls-cert)",
                    c->config->coordinator_url, message);
    else if (code == RPC_UNAVAILABLE && !c->met)
        client_note(c, "UNAVAILABLE",
                    "cannot reach a coordinator at %s: %s; is it running there? `zisk-coordinator` "
                    "starts one, --coordinator-url names another",
                    c->config->coordinator_url, message);
    else if (code == RPC_UNIMPLEMENTED)
        client_note(c, "UNIMPLEMENTED", "%s: the server at %s does not know %s; is it another one?",
                    message, c->config->coordinator_url, s->method);
    else if (code == RPC_UNAUTHENTICATED)
        client_note(c, "UNAUTHENTICATED", "%s (--token-file, --tls-cert)", message);
    else
        client_note(c, rpc_code_name(code), "%s",
                    message != NULL && message[0] != 0 ? message
                                                       : "the coordinator gave no reason");
}

static void on_done(rpc_call *call, void *arg, rpc_code code, const char *message)
{
    (void)call;
    client_stream *s = arg;
    s->done = true;
    s->result = code;
    rpc_timer_clear(s->c->loop, &s->patience);
    if (!s->stopped && code != RPC_OK)
        note_end(s, code, message);
    rpc_loop_stop(s->c->loop);
}

static void out_of_patience(void *arg)
{
    client_stream *s = arg;
    s->stopped = true;
    client_note(s->c, "UNAVAILABLE", "the coordinator does not answer");
    rpc_cancel(s->call);
}

bool client_stream_run(client_stream *s)
{
    static const rpc_call_events events = {.on_headers = on_headers,
                                           .on_message = on_message,
                                           .on_drain = on_drain,
                                           .on_done = on_done};
    client *c = s->c;
    char path[128];
    snprintf(path, sizeof path, API "%s", s->method);
    s->done = s->stopped = s->ended = false;
    s->patience = (rpc_timer){0};
    c->code[0] = 0;
    if (c->interrupted)
        return false;
    rpc_call_options o = {.wait_for_ready = c->lost_ms != 0};
    if (rpc_call_start(&s->call, c->channel, path, &o, &events, s) != ZK_OK)
        return client_note_status(c);
    uint64_t patience = UNARY_MS;
    if (c->lost_ms != 0) {
        uint64_t end = c->lost_ms + 1000 * c->config->reconnect_seconds;
        uint64_t now = rpc_loop_now_ms(c->loop);
        patience = end > now ? end - now : 1;
    }
    rpc_timer_set(c->loop, &s->patience, patience, out_of_patience, s);
    if (s->request != NULL) {
        uint8_t *bytes;
        size_t n;
        if (message_pack(&bytes, &n, s->request) != ZK_OK ||
            rpc_send_take(s->call, bytes, n) != ZK_OK) {
            s->stopped = true;
            client_note_status(c);
            rpc_cancel(s->call);
        }
        rpc_half_close(s->call);
    } else {
        s->open(s);
    }
    bool canceled = false;
    while (!s->done) {
        rpc_loop_run(c->loop);
        if (c->interrupted && !s->done && !canceled) {
            canceled = s->stopped = true;
            rpc_cancel(s->call);
        }
    }
    s->call = NULL;
    return !c->interrupted && (s->ended || (!s->stopped && s->result == RPC_OK));
}

static bool take_one(client_stream *s, ProtobufCMessage *m)
{
    message_free(s->arg);
    s->arg = m;
    return true;
}

bool client_call(client *c, const char *method, const ProtobufCMessage *request,
                 const ProtobufCMessageDescriptor *type, void *answer)
{
    client_stream s = {
        .c = c, .method = method, .request = request, .type = type, .take = take_one};
    bool ok;
    do {
        message_free(s.arg);
        s.arg = NULL;
        ok = client_stream_run(&s);
    } while (!ok && client_may_retry(c));
    if (ok && s.arg == NULL)
        ok = client_note(c, "DATA_LOSS", "the coordinator's answer to %s is empty", method);
    if (!ok) {
        message_free(s.arg);
        s.arg = NULL;
    }
    *(void **)answer = s.arg;
    return ok;
}
