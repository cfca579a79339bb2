// SPDX-License-Identifier: Apache-2.0 OR MIT
// Events of jobs: a bounded history of each, and the watchers that follow it.
//
// States and notes stay in the history; of progress only the last, which takes the place of the one
// before. A watcher has a place in the history and sends from there as its peer reads, so a slow
// one misses progress and nothing else. Between two events of progress there are at least
// PROGRESS_MS.
#include "coordinator/service_internal.h"

#include "base/log.h"

#include <stdlib.h>
#include <string.h>

enum {
    MAX_STATES = 512, // of one job: a few an epoch
    MAX_NOTES = 256,
    PROGRESS_MS = 200,
    PUMP_MS = 100,
    WATCHER_QUEUE = 64 << 10 // bytes on their way to a watcher; beyond it gets no progress
};

struct history_item {
    history_item *next;
    job_event_kind kind;
    uint64_t sequence;
    size_t n;
    uint8_t bytes[]; // a JobEvent, packed
};

struct watcher {
    watcher *next;
    service *s;
    service_job *job;
    rpc_call *call;
    uint64_t next_sequence;
    bool slow, finished;
};

// ---- History

void service_forget_history(service_job *j)
{
    while (j->first != NULL) {
        history_item *item = j->first;
        j->first = item->next;
        free(item);
    }
    j->last = NULL;
}

static void remove_first(service_job *j, job_event_kind kind)
{
    history_item *before = NULL;
    for (history_item *item = j->first; item != NULL; before = item, item = item->next)
        if (item->kind == kind) {
            if (before != NULL)
                before->next = item->next;
            else
                j->first = item->next;
            if (j->last == item)
                j->last = before;
            free(item);
            return;
        }
}

static void append(service_job *j, history_item *item)
{
    if (item->kind == JOB_PROGRESSED || (item->kind == JOB_NOTED && j->n_notes == MAX_NOTES) ||
        (item->kind == JOB_STATUS_CHANGED && j->n_states == MAX_STATES))
        remove_first(j, item->kind);
    else if (item->kind == JOB_NOTED)
        j->n_notes++;
    else
        j->n_states++;
    if (j->last != NULL)
        j->last->next = item;
    else
        j->first = item;
    j->last = item;
}

static job_event_kind kind_of(const api_job_event *e)
{
    switch (e->event_case) {
    case ZISK__DISTRIBUTED__API__V1__JOB_EVENT__EVENT_STATUS:
        return JOB_STATUS_CHANGED;
    case ZISK__DISTRIBUTED__API__V1__JOB_EVENT__EVENT_PROGRESS:
        return JOB_PROGRESSED;
    default:
        return JOB_NOTED;
    }
}

static history_item *pack_event(service *s, const api_job_event *e, uint64_t sequence)
{
    Google__Protobuf__Timestamp time = GOOGLE__PROTOBUF__TIMESTAMP__INIT;
    uint64_t now = service_now_ms(s);
    time.seconds = (int64_t)(now / 1000);
    time.nanos = (int32_t)(now % 1000) * 1000000;
    api_job_event full = *e;
    full.sequence = sequence;
    full.time = &time;
    size_t n = protobuf_c_message_get_packed_size(&full.base);
    history_item *item = malloc(sizeof *item + n);
    if (item == NULL) {
        log_error("coordinator::watch", "no memory for an event", log_str("job", e->job_id));
        return NULL;
    }
    item->next = NULL;
    item->kind = kind_of(e);
    item->sequence = sequence;
    item->n = n;
    protobuf_c_message_pack(&full.base, item->bytes);
    return item;
}

static void record(service *s, service_job *j, const api_job_event *e)
{
    history_item *item = pack_event(s, e, j->sequence + 1);
    if (item == NULL)
        return;
    j->sequence++;
    append(j, item);
    if (item->kind == JOB_STATUS_CHANGED && service_state_is_over(e->status->state))
        j->over = true;
}

// ---- Watchers

// Sends what its peer has room for.
static void pump(watcher *w)
{
    w->slow = false;
    for (const history_item *item = w->job->first; item != NULL && !w->finished;
         item = item->next) {
        if (item->sequence < w->next_sequence)
            continue;
        bool skipped = item->kind == JOB_PROGRESSED && rpc_send_queued(w->call) > WATCHER_QUEUE;
        status sent = skipped ? ZK_OK : rpc_send(w->call, item->bytes, item->n);
        if (sent == ZK_ELIMIT) {
            w->slow = true; // on_drain follows
            return;
        }
        if (sent != ZK_OK) {
            w->finished = true; // the call is over
            rpc_cancel(w->call);
            return;
        }
        w->next_sequence = item->sequence + 1;
    }
    if (w->job->over && !w->finished) {
        w->finished = true;
        rpc_finish(w->call, RPC_OK, NULL);
    }
}

static void pump_all(service_job *j)
{
    for (watcher *w = j->watchers; w != NULL; w = w->next)
        if (!w->slow && !w->finished)
            pump(w);
}

static void progress_of(service *s, service_job *j)
{
    const api_job_status *job = engine_job(s->engine, service_now_ms(s), j->id);
    j->progress_waits = false;
    if (job == NULL || job->progress == NULL || j->over)
        return;
    api_job_event e = API_JOB_EVENT_INIT;
    e.job_id = j->id;
    e.event_case = ZISK__DISTRIBUTED__API__V1__JOB_EVENT__EVENT_PROGRESS;
    e.progress = job->progress;
    j->progress_at_ms = service_now_ms(s);
    record(s, j, &e);
    pump_all(j);
}

static void pump_later(service *s);

// Progress that came too early.
static void on_pump(void *arg)
{
    service *s = arg;
    s->pump_set = false;
    bool again = false;
    uint64_t now = service_now_ms(s);
    for (size_t b = 0; b < JOB_BUCKETS; b++)
        for (service_job *j = s->jobs[b]; j != NULL; j = j->next) {
            if (j->progress_waits && now - j->progress_at_ms >= PROGRESS_MS)
                progress_of(s, j);
            again |= j->progress_waits;
        }
    if (again)
        pump_later(s);
}

static void pump_later(service *s)
{
    if (s->pump_set)
        return;
    s->pump_set = true;
    rpc_timer_set(s->o.loop, &s->pump, PUMP_MS, on_pump, s);
}

void service_hook_event(void *arg, const api_job_event *e)
{
    service *s = arg;
    service_job *j = service_job_get(s, e->job_id, true);
    if (kind_of(e) == JOB_STATUS_CHANGED && s->o.status_changed != NULL)
        s->o.status_changed(s->o.arg, e->status);
    if (j == NULL)
        return;
    if (kind_of(e) == JOB_PROGRESSED) {
        uint64_t now = service_now_ms(s);
        if (j->watchers == NULL)
            return; // JobStatus has it for whoever asks
        if (now - j->progress_at_ms < PROGRESS_MS) {
            j->progress_waits = true;
            pump_later(s);
            return;
        }
        j->progress_at_ms = now;
        j->progress_waits = false;
    }
    record(s, j, e);
    pump_all(j);
}

void service_end_watchers(service *s, const char *reason)
{
    for (size_t b = 0; b < JOB_BUCKETS; b++)
        for (service_job *j = s->jobs[b]; j != NULL; j = j->next)
            for (watcher *w = j->watchers; w != NULL; w = w->next) {
                w->finished = true;
                rpc_finish(w->call, RPC_UNAVAILABLE, reason);
            }
}

static void on_drain(rpc_call *call, void *arg)
{
    (void)call;
    watcher *w = arg;
    if (!w->finished)
        pump(w);
}

static void on_done(rpc_call *call, void *arg, rpc_code code, const char *message)
{
    (void)call;
    (void)code;
    (void)message;
    watcher *w = arg;
    watcher **at = &w->job->watchers;
    while (*at != w)
        at = &(*at)->next;
    *at = w->next;
    w->s->counts.watchers--;
    free(w);
}

// The state as it is now, for those who did not see it come about.
static bool send_snapshot(watcher *w, const api_job_status *job)
{
    api_job_event e = API_JOB_EVENT_INIT;
    e.job_id = w->job->id;
    e.event_case = ZISK__DISTRIBUTED__API__V1__JOB_EVENT__EVENT_STATUS;
    e.status = (api_job_status *)job;
    history_item *item = pack_event(w->s, &e, w->job->sequence);
    bool sent = item != NULL && rpc_send(w->call, item->bytes, item->n) == ZK_OK;
    free(item);
    return sent;
}

static void on_watch(rpc_call *call, void *arg, const uint8_t *bytes, size_t n)
{
    static const rpc_call_events events = {.on_drain = on_drain, .on_done = on_done};
    service *s = arg;
    api_watch_job_request *request = service_request(call, API_WATCH_JOB_REQUEST_TYPE, bytes, n);
    if (request == NULL)
        return;
    bool from_start = request->from_start;
    const api_job_status *job = service_find_job(s, call, request->job_id);
    service_job *j = job != NULL ? service_job_get(s, job->job_id, true) : NULL;
    message_free(&request->base);
    if (job == NULL)
        return;
    watcher *w = j != NULL ? calloc(1, sizeof *w) : NULL;
    if (w == NULL) {
        rpc_finish(call, RPC_RESOURCE_EXHAUSTED, "no memory for another watcher");
        return;
    }
    if (j->first == NULL) { // from before this process: its history begins with what is
        api_job_event e = API_JOB_EVENT_INIT;
        e.job_id = j->id;
        e.event_case = ZISK__DISTRIBUTED__API__V1__JOB_EVENT__EVENT_STATUS;
        e.status = (api_job_status *)job;
        record(s, j, &e);
    }
    *w = (watcher){.s = s, .job = j, .call = call, .next = j->watchers};
    j->watchers = w;
    s->counts.watchers++;
    rpc_call_set_events(call, &events, w);
    if (!from_start) {
        w->next_sequence = j->sequence + 1;
        if (!send_snapshot(w, job)) {
            w->finished = true;
            rpc_finish(call, RPC_RESOURCE_EXHAUSTED, "no memory for an event");
            return;
        }
    }
    pump(w);
}

status service_add_watch(service *s)
{
    return rpc_server_add_unary(s->server, "/" SERVICE_API "/WatchJob", on_watch, s);
}
