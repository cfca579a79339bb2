// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// What the files of the service share.
#include "cluster/messages.h"
#include "coordinator/service.h"

#define SERVICE_API "zisk.distributed.api.v1.ZiskDistributedApi"

enum {
    JOB_ID_BYTES = 37,
    STREAM_BUCKETS = 1024,
    JOB_BUCKETS = 1024,
    REQUEST_BYTES_MAX = 1 << 20 // of requests other than a worker's messages
};

typedef struct worker_stream worker_stream;
typedef struct watcher watcher;
typedef struct history_item history_item;

// What the service knows of a job beside the engine.
typedef struct service_job {
    struct service_job *next;
    char id[JOB_ID_BYTES];
    // Events in order; of progress only the last.
    history_item *first, *last;
    size_t n_states, n_notes;
    uint64_t sequence; // of the last event
    bool over;         // the last event was told
    bool progress_waits;
    uint64_t progress_at_ms; // when the last one went out
    watcher *watchers;
} service_job;

struct service {
    service_options o;
    rpc_server *server;
    engine *engine;
    uint64_t start_ms, base_ms; // realtime at open; minus the monotonic clock
    rpc_timer tick, sweep, pump, drain;
    uint64_t tick_at_ms;
    bool stopping, draining, sweeping, pump_set;
    uint64_t drain_until_ms;
    void (*drained)(void *arg);
    void *drained_arg;
    worker_stream *streams[STREAM_BUCKETS]; // by connection
    uint64_t last_connection;
    uint64_t refusals_second, refusals; // calls refused in that second
    service_job *jobs[JOB_BUCKETS];     // by id
    service_counts counts;
    size_t downloads_bytes; // that downloads may hold at present
};

// ---- service.c

// Due soon: the engine was told something and may want to act.
void service_touch(service *s);
service_job *service_job_get(service *s, const char *id, bool make); // NULL: none, or no memory
// work(arg) on the pool, then done(arg) on the loop's thread.
MUST_CHECK status service_io(service *s, void (*work)(void *arg), void (*done)(void *arg),
                             void *arg);

// Unpacks a request; on failure the call is finished and NULL returned.
void *service_request(rpc_call *call, const ProtobufCMessageDescriptor *type, const uint8_t *bytes,
                      size_t n);
void service_reply(rpc_call *call, const void *message);
// Finishes the call with the code that fits a failed status, and its message.
void service_fail(rpc_call *call, status s, const char *message);
// A job that the engine knows, or the call is finished with NOT_FOUND.
const api_job_status *service_find_job(service *s, rpc_call *call, const char *id);
bool service_state_is_over(const char *state);

// ---- service_views.c, service_launch.c, service_workers.c, service_watch.c, service_bulk.c

MUST_CHECK status service_add_views(service *s);
MUST_CHECK status service_add_launch(service *s);

MUST_CHECK status service_add_workers(service *s);
void service_hook_send(void *arg, uint64_t connection, const api_coordinator_message *m);
void service_hook_close(void *arg, uint64_t connection, const char *reason);
// Tells all workers to come back later, and ends their streams.
void service_end_streams(service *s, const char *reason);

MUST_CHECK status service_add_watch(service *s);
void service_hook_event(void *arg, const api_job_event *e);
void service_end_watchers(service *s, const char *reason);
void service_forget_history(service_job *j); // no watcher is left

MUST_CHECK status service_add_bulk(service *s);
