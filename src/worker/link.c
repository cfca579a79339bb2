// SPDX-License-Identifier: Apache-2.0 OR MIT
#include "worker/link.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/log.h"
#include "cluster/messages.h"
#include "worker/answers.h"
#include "worker/faults.h"
#include "worker/wire.h"

#define STREAM_PATH "/zisk.distributed.api.v1.ZiskDistributedApi/WorkerStream"

enum { MOST_DOUBLINGS = 4, LONGEST_PAUSE_MS = 60000, NO_MEMORY_PAUSE_MS = 1000 };

typedef enum link_state { LINK_WAITING, LINK_CONNECTING, LINK_REGISTERING, LINK_READY } link_state;

struct worker_link {
    link_options o;
    rpc_loop *loop;
    rpc_channel *channel; // of the present attempt
    rpc_channel *old;     // of the last one, closed in the next turn of the loop
    rpc_call *stream;
    link_state state;
    unsigned failures; // since the last registration
    uint64_t heard_ms, patience_ms;
    bool ack_due; // the queue was full
    outbox results;
    rpc_timer retry, watch, reap, again;
    uint64_t random;
    link_counts counts;
};

static void attempt(void *arg);
static void flush(worker_link *l);

// ---- Loss ----

static uint64_t random_below(worker_link *l, uint64_t n)
{
    // xorshift64*: for spreading retries, no secret
    l->random ^= l->random >> 12;
    l->random ^= l->random << 25;
    l->random ^= l->random >> 27;
    return n == 0 ? 0 : (l->random * 0x2545F4914F6CDD1DULL >> 16) % n;
}

static void close_old(void *arg)
{
    worker_link *l = arg;
    rpc_channel_close(l->old);
    l->old = NULL;
}

// Lets go of stream and channel; their events come no more.
static void drop_connection(worker_link *l)
{
    static const rpc_call_events none;
    if (l->stream != NULL)
        rpc_call_set_events(l->stream, &none, NULL);
    l->stream = NULL;
    close_old(l);
    l->old = l->channel;
    l->channel = NULL;
    // Not here: this may run inside a callback of the channel.
    rpc_timer_set(l->loop, &l->reap, 0, close_old, l);
    rpc_timer_clear(l->loop, &l->watch);
    rpc_timer_clear(l->loop, &l->again);
    l->ack_due = false;
}

static uint64_t pause_before_retry(worker_link *l)
{
    uint64_t base = l->o.reconnect_ms;
    if (l->failures == 0) // was registered: back soon, but not all workers at once
        return 50 + random_below(l, base / 2 + 1);
    unsigned doublings = l->failures - 1 < MOST_DOUBLINGS ? l->failures - 1 : MOST_DOUBLINGS;
    uint64_t pause = base << doublings, most = base > LONGEST_PAUSE_MS ? base : LONGEST_PAUSE_MS;
    if (pause > most)
        pause = most;
    return pause / 4 * 3 + random_below(l, pause / 2 + 1);
}

static void lost(worker_link *l, const char *reason)
{
    bool was_ready = l->state == LINK_READY;
    if (was_ready) {
        l->failures = 0;
        l->counts.losses++;
    }
    drop_connection(l);
    l->state = LINK_WAITING;
    uint64_t pause = pause_before_retry(l);
    l->failures++;
    log_warn("worker::link", was_ready ? "connection lost" : "no connection to the coordinator",
             log_str("url", l->o.url), log_str("reason", reason), log_u64("retry_ms", pause),
             log_u64("results_kept", l->results.n));
    rpc_timer_set(l->loop, &l->retry, pause, attempt, l);
    if (was_ready && l->o.changed != NULL)
        l->o.changed(l->o.arg, false);
}

static void watch(void *arg)
{
    worker_link *l = arg;
    uint64_t silent = rpc_loop_now_ms(l->loop) - l->heard_ms;
    if (silent >= l->patience_ms) {
        char reason[96];
        snprintf(reason, sizeof reason, "nothing was heard for %.1f s", (double)silent / 1000);
        lost(l, reason);
        return;
    }
    rpc_timer_set(l->loop, &l->watch, l->patience_ms - silent, watch, l);
}

// ---- Sending ----

// False when it was not taken; then *full says whether on_drain will come.
static bool send_message(worker_link *l, const api_worker_message *m, bool *full)
{
    uint8_t *bytes;
    size_t n;
    *full = false;
    if (l->stream == NULL)
        return false;
    status s = answer_pack(&bytes, &n, m);
    if (s == ZK_OK)
        s = rpc_send_take(l->stream, bytes, n);
    *full = s == ZK_ELIMIT;
    return s == ZK_OK;
}

void link_send(worker_link *l, const api_worker_message *m)
{
    bool full;
    if (l->state == LINK_READY)
        (void)send_message(l, m, &full);
}

static void acknowledge(worker_link *l)
{
    api_heartbeat_ack ack = API_HEARTBEAT_ACK_INIT;
    ack.worker_id = (char *)l->o.worker_id;
    api_worker_message m = API_WORKER_MESSAGE_INIT;
    m.payload_case = FROM_WORKER(HEARTBEAT_ACK);
    m.heartbeat_ack = &ack;
    (void)send_message(l, &m, &l->ack_due);
}

static void flush_again(void *arg)
{
    flush(arg);
}

// A proof that cannot be read any more is a failure of its task, and said so instead.
static void replace_by_failure(worker_link *l, status s)
{
    outbox_entry *e = l->results.next, *failure;
    log_error("worker", "a proof cannot be delivered", log_str("job", e->task.job),
              log_u64("instance", e->plan_index), LOG_STATUS(s));
    if (answer_failure(&failure, l->o.worker_id, &e->task, TASK_STORAGE, status_message()) == ZK_OK)
        outbox_add(&l->results, failure);
    e->fleeting = true;
    outbox_sent(&l->results);
}

// One entry as a message. ZK_EIO: the file of a proof is lost.
static status send_entry(worker_link *l, const outbox_entry *e, size_t *n)
{
    uint8_t *bytes;
    *n = e->n_bytes;
    if (e->proof_path == NULL)
        return rpc_send(l->stream, e->bytes, *n);
    TRY(answer_load_proof(&bytes, n, e));
    return rpc_send_take(l->stream, bytes, *n);
}

static void flush(worker_link *l)
{
    while (l->state == LINK_READY && l->results.next != NULL) {
        outbox_entry *e = l->results.next;
        size_t n, copies = 1;
        fault_hook(FAULT_SEND, e, &copies);
        status s = send_entry(l, e, &n);
        for (; s == ZK_OK && copies > 1; copies--)
            s = send_entry(l, e, &n);
        if (s == ZK_EIO) {
            replace_by_failure(l, s);
            continue;
        }
        if (s == ZK_ENOMEM)
            rpc_timer_set(l->loop, &l->again, NO_MEMORY_PAUSE_MS, flush_again, l);
        if (s != ZK_OK)
            return; // full: on_drain comes; over: on_done comes
        l->counts.results_sent++;
        l->counts.bytes_out += n;
        outbox_sent(&l->results);
    }
}

void link_deliver(worker_link *l, outbox_entry *e)
{
    outbox_add(&l->results, e);
    flush(l);
}

outbox *link_results(worker_link *l)
{
    return &l->results;
}

// ---- The stream ----

static void say_who(worker_link *l)
{
    api_compute_capacity capacity = API_COMPUTE_CAPACITY_INIT;
    capacity.compute_units = l->o.compute_units;
    api_worker_message m = API_WORKER_MESSAGE_INIT;
    api_worker_register_request anew = API_WORKER_REGISTER_REQUEST_INIT;
    api_worker_reconnect_request again = API_WORKER_RECONNECT_REQUEST_INIT;
    api_task_progress *const *tasks = NULL;
    const char *job = NULL;
    size_t n = l->o.tasks(l->o.arg, &tasks, &job);
    if (n == 0 && job == NULL) {
        anew.worker_id = (char *)l->o.worker_id;
        anew.compute_capacity = &capacity;
        anew.abilities = (api_worker_abilities *)l->o.abilities;
        m.payload_case = FROM_WORKER(REGISTER);
        m.register_ = &anew;
    } else {
        again.worker_id = (char *)l->o.worker_id;
        again.compute_capacity = &capacity;
        again.abilities = (api_worker_abilities *)l->o.abilities;
        again.last_known_job_id = job != NULL ? (char *)job : tasks[n - 1]->job_id;
        again.tasks = (api_task_progress **)tasks;
        again.n_tasks = n;
        m.payload_case = FROM_WORKER(RECONNECT);
        m.reconnect = &again;
    }
    bool full;
    if (!send_message(l, &m, &full)) {
        lost(l, "the registration could not be sent");
        return;
    }
    l->state = LINK_REGISTERING;
}

static void on_headers(rpc_call *call, void *arg)
{
    worker_link *l = arg;
    (void)call;
    l->heard_ms = rpc_loop_now_ms(l->loop);
    if (l->state == LINK_CONNECTING)
        say_who(l);
}

static void on_registered(worker_link *l, const api_worker_register_response *r)
{
    if (!r->accepted) {
        l->counts.refusals++;
        char reason[512];
        snprintf(reason, sizeof reason, "the coordinator refuses this worker: %s", r->message);
        lost(l, reason);
        return;
    }
    l->state = LINK_READY;
    l->failures = 0;
    l->counts.connects++;
    // The coordinator's heartbeats come by its own timeout: shorter patience would be a mistake.
    uint64_t told = 1000 * (uint64_t)r->heartbeat_timeout_seconds;
    l->patience_ms = told > l->o.heartbeat_timeout_ms ? told : l->o.heartbeat_timeout_ms;
    log_info("worker::link", "registered", log_str("worker", l->o.worker_id),
             log_str("url", l->o.url), log_str("answer", r->message),
             log_u64("results_kept", l->results.n));
    outbox_rewind(&l->results);
    if (l->o.changed != NULL)
        l->o.changed(l->o.arg, true);
    flush(l);
}

static void on_message(rpc_call *call, void *arg, const uint8_t *bytes, size_t n)
{
    worker_link *l = arg;
    if (call != l->stream)
        return;
    ProtobufCMessage *unpacked;
    l->heard_ms = rpc_loop_now_ms(l->loop);
    l->counts.messages_in++;
    if (message_unpack(&unpacked, API_COORDINATOR_MESSAGE_TYPE, bytes, n, MESSAGE_BYTES_MAX) !=
        ZK_OK) {
        char reason[640];
        snprintf(reason, sizeof reason, "the coordinator sent what is no message: %s",
                 status_message());
        lost(l, reason);
        return;
    }
    api_coordinator_message *m = (api_coordinator_message *)unpacked;
    switch (m->payload_case) {
    case TO_WORKER(HEARTBEAT):
        acknowledge(l);
        break;
    case TO_WORKER(REGISTER_RESPONSE):
        if (l->state == LINK_REGISTERING)
            on_registered(l, m->register_response);
        break;
    default:
        if (l->state == LINK_READY) {
            l->o.message(l->o.arg, m);
            return;
        }
        break;
    }
    message_free(unpacked);
}

static void on_drain(rpc_call *call, void *arg)
{
    worker_link *l = arg;
    if (call != l->stream)
        return;
    if (l->ack_due)
        acknowledge(l);
    flush(l);
}

static void on_done(rpc_call *call, void *arg, rpc_code code, const char *message)
{
    worker_link *l = arg;
    if (call != l->stream)
        return;
    char reason[640];
    if (code == RPC_OK)
        snprintf(reason, sizeof reason, "the coordinator ended the stream");
    else
        snprintf(reason, sizeof reason, "%s: %s", rpc_code_name(code), message);
    lost(l, reason);
}

static void attempt(void *arg)
{
    static const rpc_call_events events = {.on_headers = on_headers,
                                           .on_message = on_message,
                                           .on_drain = on_drain,
                                           .on_done = on_done};
    worker_link *l = arg;
    rpc_channel_options options = {.tls = l->o.tls, .token = l->o.token};
    l->state = LINK_CONNECTING;
    l->patience_ms = l->o.heartbeat_timeout_ms;
    l->heard_ms = rpc_loop_now_ms(l->loop);
    status s = rpc_channel_open(&l->channel, l->loop, l->o.url, &options);
    if (s == ZK_OK)
        s = rpc_call_start(&l->stream, l->channel, STREAM_PATH, NULL, &events, l);
    if (s != ZK_OK) {
        lost(l, status_message());
        return;
    }
    rpc_timer_set(l->loop, &l->watch, l->patience_ms, watch, l);
}

// ---- Life ----

status link_open(worker_link **out, rpc_loop *loop, const link_options *options)
{
    *out = NULL;
    worker_link *l = calloc(1, sizeof *l);
    FAIL_IF(l == NULL, ZK_ENOMEM, "no memory for a link");
    l->o = *options;
    l->loop = loop;
    outbox_init(&l->results);
    if (getrandom(&l->random, sizeof l->random, 0) != sizeof l->random || l->random == 0)
        l->random = (uint64_t)(uintptr_t)l | 1;
    rpc_timer_set(loop, &l->retry, 0, attempt, l);
    *out = l;
    return ZK_OK;
}

void link_close(worker_link *l)
{
    if (l == NULL)
        return;
    drop_connection(l);
    rpc_timer_clear(l->loop, &l->retry);
    rpc_timer_clear(l->loop, &l->reap);
    close_old(l);
    outbox_clear(&l->results);
    free(l);
}

bool link_ready(const worker_link *l)
{
    return l->state == LINK_READY;
}

const link_counts *link_get_counts(const worker_link *l)
{
    return &l->counts;
}
