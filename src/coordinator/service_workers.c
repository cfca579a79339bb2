// SPDX-License-Identifier: Apache-2.0 OR MIT
// Streams of workers: the engine's connections.
//
// A stream has a queue of its own beside the call's, since the engine's messages are never refused;
// a worker that lets it fill is cut off and counts as lost.
#include "coordinator/service_internal.h"

#include "base/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TARGET "coordinator::workers"

enum { FAREWELL_MS = 10 * 1000 };

typedef struct outgoing {
    struct outgoing *next;
    uint8_t *bytes;
    size_t n;
} outgoing;

struct worker_stream {
    worker_stream *next; // of the bucket
    service *s;
    rpc_call *call;
    uint64_t connection;
    char address[64];
    outgoing *queue, **queue_end;
    size_t queued;   // bytes
    rpc_timer timer; // for the first message, then for the last
    bool greeted;    // the engine knows the connection
    bool closed;     // and wants to hear no more of it
    bool finish_due;
    rpc_code finish_code;
    char finish_text[256];
    char lost[128]; // why it was cut off
};

static worker_stream *find_stream(service *s, uint64_t connection)
{
    worker_stream *w = s->streams[connection % STREAM_BUCKETS];
    while (w != NULL && w->connection != connection)
        w = w->next;
    return w;
}

static void drop_queue(worker_stream *w)
{
    while (w->queue != NULL) {
        outgoing *o = w->queue;
        w->queue = o->next;
        free(o->bytes);
        free(o);
    }
    w->queue_end = &w->queue;
    w->queued = 0;
}

static void flush(worker_stream *w)
{
    while (w->queue != NULL) {
        outgoing *o = w->queue;
        status sent = rpc_send(w->call, o->bytes, o->n);
        if (sent == ZK_ELIMIT)
            return; // on_drain follows
        if (sent != ZK_OK) {
            drop_queue(w); // the call is over: on_done follows
            break;
        }
        w->queue = o->next;
        w->queued -= o->n;
        free(o->bytes);
        free(o);
    }
    w->queue_end = &w->queue;
    if (w->finish_due)
        rpc_finish(w->call, w->finish_code, w->finish_text);
}

static void cut_off(worker_stream *w, const char *reason)
{
    snprintf(w->lost, sizeof w->lost, "%s", reason);
    drop_queue(w);
    rpc_cancel(w->call);
}

static void on_farewell_over(void *arg)
{
    cut_off(arg, "it did not take its last messages");
}

static void end_stream(worker_stream *w, rpc_code code, const char *reason)
{
    if (w->finish_due)
        return;
    w->closed = true;
    w->finish_due = true;
    w->finish_code = code;
    snprintf(w->finish_text, sizeof w->finish_text, "%s", reason);
    rpc_timer_set(w->s->o.loop, &w->timer, FAREWELL_MS, on_farewell_over, w);
    flush(w);
}

void service_hook_send(void *arg, uint64_t connection, const api_coordinator_message *m)
{
    service *s = arg;
    worker_stream *w = find_stream(s, connection);
    if (w == NULL || w->closed || w->lost[0] != '\0')
        return;
    outgoing *o = malloc(sizeof *o);
    if (o == NULL || message_pack(&o->bytes, &o->n, &m->base) != ZK_OK) {
        free(o);
        cut_off(w, "no memory for a message to it");
        return;
    }
    o->next = NULL;
    *w->queue_end = o;
    w->queue_end = &o->next;
    w->queued += o->n;
    if (w->queued > s->o.worker_queue_bytes) {
        log_warn(TARGET, "a worker does not take its messages; it is cut off",
                 log_str("address", w->address), log_u64("bytes", w->queued));
        cut_off(w, "it does not take its messages");
        return;
    }
    flush(w);
}

void service_hook_close(void *arg, uint64_t connection, const char *reason)
{
    worker_stream *w = find_stream(arg, connection);
    if (w != NULL)
        end_stream(w, RPC_ABORTED, reason);
}

void service_end_streams(service *s, const char *reason)
{
    api_shutdown shutdown = API_SHUTDOWN_INIT;
    shutdown.reason = (char *)reason;
    api_coordinator_message m = API_COORDINATOR_MESSAGE_INIT;
    m.payload_case = ZISK__DISTRIBUTED__API__V1__COORDINATOR_MESSAGE__PAYLOAD_SHUTDOWN;
    m.shutdown = &shutdown;
    for (size_t b = 0; b < STREAM_BUCKETS; b++)
        for (worker_stream *w = s->streams[b]; w != NULL; w = w->next) {
            service_hook_send(s, w->connection, &m);
            end_stream(w, RPC_UNAVAILABLE, reason);
        }
}

// ---- Events of the call

static void on_message(rpc_call *call, void *arg, const uint8_t *bytes, size_t n)
{
    worker_stream *w = arg;
    service *s = w->s;
    if (w->closed || w->lost[0] != '\0' || s->stopping)
        return;
    ProtobufCMessage *m;
    if (message_unpack(&m, API_WORKER_MESSAGE_TYPE, bytes, n, MESSAGE_BYTES_MAX) != ZK_OK) {
        log_warn(TARGET, "a malformed message; the stream ends", log_str("address", w->address),
                 log_str("error", status_message()));
        snprintf(w->lost, sizeof w->lost, "it sent a malformed message");
        rpc_finish(call, RPC_INVALID_ARGUMENT, status_message());
        return;
    }
    if (!w->greeted) {
        w->greeted = true;
        rpc_timer_clear(s->o.loop, &w->timer);
    }
    engine_worker_message(s->engine, service_now_ms(s), w->connection, w->address,
                          (const api_worker_message *)m);
    message_free(m);
    service_touch(s);
}

static void on_half_close(rpc_call *call, void *arg)
{
    (void)arg;
    rpc_finish(call, RPC_OK, NULL);
}

static void on_drain(rpc_call *call, void *arg)
{
    (void)call;
    flush(arg);
}

static void on_done(rpc_call *call, void *arg, rpc_code code, const char *message)
{
    (void)call;
    worker_stream *w = arg;
    service *s = w->s;
    worker_stream **at = &s->streams[w->connection % STREAM_BUCKETS];
    while (*at != w)
        at = &(*at)->next;
    *at = w->next;
    s->counts.worker_streams--;
    rpc_timer_clear(s->o.loop, &w->timer);
    drop_queue(w);
    if (w->greeted && !w->closed && !s->stopping) {
        char reason[256];
        if (w->lost[0] != '\0')
            snprintf(reason, sizeof reason, "%s", w->lost);
        else if (code == RPC_OK)
            snprintf(reason, sizeof reason, "it closed its stream");
        else
            snprintf(reason, sizeof reason, "%s: %s", rpc_code_name(code),
                     message != NULL ? message : "");
        engine_lost(s->engine, service_now_ms(s), w->connection, reason);
        service_touch(s);
    }
    free(w);
}

static void on_silence(void *arg)
{
    worker_stream *w = arg;
    snprintf(w->lost, sizeof w->lost, "it did not register");
    rpc_finish(w->call, RPC_DEADLINE_EXCEEDED, "no registration came");
}

static void on_open(rpc_call *call, void *arg)
{
    static const rpc_call_events events = {.on_message = on_message,
                                           .on_half_close = on_half_close,
                                           .on_drain = on_drain,
                                           .on_done = on_done};
    service *s = arg;
    worker_stream *w = calloc(1, sizeof *w);
    if (w == NULL) {
        rpc_finish(call, RPC_RESOURCE_EXHAUSTED, "no memory for another worker");
        return;
    }
    w->s = s;
    w->call = call;
    w->queue_end = &w->queue;
    w->connection = ++s->last_connection;
    snprintf(w->address, sizeof w->address, "%s", rpc_call_peer(call)->address);
    worker_stream **bucket = &s->streams[w->connection % STREAM_BUCKETS];
    w->next = *bucket;
    *bucket = w;
    s->counts.worker_streams++;
    rpc_call_set_events(call, &events, w);
    rpc_timer_set(s->o.loop, &w->timer, s->o.limits.heartbeat_timeout_ms, on_silence, w);
}

status service_add_workers(service *s)
{
    return rpc_server_add(s->server, "/" SERVICE_API "/WorkerStream", on_open, s);
}
