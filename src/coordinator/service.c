// SPDX-License-Identifier: Apache-2.0 OR MIT
// Life of the service: clock, ticks, drain, and what all its files use.
#include "coordinator/service_internal.h"

#include "base/clock.h"
#include "base/log.h"
#include "cluster/api_descriptors.h"

#include <stdlib.h>
#include <string.h>

#define TARGET "coordinator"

enum {
    TICK_SOON_MS = 10,     // many events in a row give one tick
    TICK_LATEST_MS = 1000, // the engine's clock never stands still
    SWEEP_MS = 5 * 60 * 1000,
    SWEEP_SLICE = 64, // blobs that the engine is asked about in one turn
    DRAIN_POLL_MS = 50,
    REFUSALS_LOGGED = 10, // a second
    LAST_CALLS_MS = 2000
};

uint64_t service_now_ms(const service *s)
{
    return s->base_ms + clock_monotonic_ns() / NS_PER_MS;
}

// ---- Ticks ----

static void on_tick(void *arg)
{
    service *s = arg;
    uint64_t now = service_now_ms(s), next = now;
    engine_tick(s->engine, now, &next);
    uint64_t delay = next > now ? next - now : TICK_SOON_MS;
    if (delay > TICK_LATEST_MS)
        delay = TICK_LATEST_MS;
    s->tick_at_ms = now + delay;
    rpc_timer_set(s->o.loop, &s->tick, delay, on_tick, s);
}

void service_touch(service *s)
{
    uint64_t soon = service_now_ms(s) + TICK_SOON_MS;
    if (s->stopping || s->tick_at_ms <= soon)
        return;
    s->tick_at_ms = soon;
    rpc_timer_set(s->o.loop, &s->tick, TICK_SOON_MS, on_tick, s);
}

// ---- Jobs ----

static size_t bucket_of(const char *id)
{
    uint64_t h = 0xcbf29ce484222325ULL; // FNV-1a
    for (; *id != '\0'; id++)
        h = (h ^ (uint8_t)*id) * 0x100000001b3ULL;
    return (size_t)(h % JOB_BUCKETS);
}

service_job *service_job_get(service *s, const char *id, bool make)
{
    service_job **bucket = &s->jobs[bucket_of(id)];
    for (service_job *j = *bucket; j != NULL; j = j->next)
        if (strcmp(j->id, id) == 0)
            return j;
    if (!make || strlen(id) >= JOB_ID_BYTES)
        return NULL;
    service_job *j = calloc(1, sizeof *j);
    if (j == NULL)
        return NULL;
    strcpy(j->id, id);
    j->next = *bucket;
    *bucket = j;
    return j;
}

bool service_state_is_over(const char *state)
{
    for (int k = 0; k < JOB_STATE_COUNT; k++)
        if (strcmp(state, job_state_name((job_state)k)) == 0)
            return job_is_over((job_state)k);
    return false;
}

// ---- Sweeping ----

// First the pool lists what is old, then the engine says what it needs, then the pool removes.
typedef struct sweep_work {
    service *s;
    byte_buffer digests;
    size_t at, kept; // of the digests: asked for, to be removed
} sweep_work;

static void sweep_end(void *arg)
{
    sweep_work *w = arg;
    w->s->sweeping = false;
    buffer_clear(&w->digests);
    free(w);
}

static void sweep_list(void *arg)
{
    sweep_work *w = arg;
    if (artifacts_list_old(&w->digests, w->s->o.artifacts, w->s->o.artifact_age_ms) != ZK_OK)
        buffer_clear(&w->digests);
}

static void sweep_remove(void *arg)
{
    sweep_work *w = arg;
    (void)artifacts_remove_old(w->s->o.artifacts, w->s->o.artifact_age_ms, w->digests.data,
                               w->digests.size / ARTIFACT_DIGEST);
}

static void sweep_listed(void *arg)
{
    sweep_work *w = arg;
    uint8_t *digests = w->digests.data;
    for (int i = 0; i < SWEEP_SLICE && w->at < w->digests.size; i++, w->at += ARTIFACT_DIGEST)
        if (!w->s->stopping && !engine_needs_artifact(w->s->engine, digests + w->at)) {
            memmove(digests + w->kept, digests + w->at, ARTIFACT_DIGEST);
            w->kept += ARTIFACT_DIGEST;
        }
    if (w->at < w->digests.size) {
        rpc_loop_post(w->s->o.loop, sweep_listed, w); // others first
        return;
    }
    w->digests.size = w->kept;
    if (w->kept == 0 || service_io(w->s, sweep_remove, sweep_end, w) != ZK_OK)
        sweep_end(w);
}

static void forget_jobs(service *s)
{
    uint64_t now = service_now_ms(s);
    for (size_t b = 0; b < JOB_BUCKETS; b++)
        for (service_job **at = &s->jobs[b]; *at != NULL;) {
            service_job *j = *at;
            if (j->watchers != NULL || engine_job(s->engine, now, j->id) != NULL) {
                at = &j->next;
                continue;
            }
            *at = j->next;
            service_forget_history(j);
            free(j);
        }
}

static void on_sweep(void *arg)
{
    service *s = arg;
    uint64_t period = s->o.artifact_age_ms / 4 < SWEEP_MS ? s->o.artifact_age_ms / 4 : SWEEP_MS;
    rpc_timer_set(s->o.loop, &s->sweep, period + 1, on_sweep, s);
    forget_jobs(s);
    if (s->sweeping)
        return;
    sweep_work *w = calloc(1, sizeof *w);
    if (w == NULL)
        return;
    w->s = s;
    s->sweeping = true;
    if (service_io(s, sweep_list, sweep_listed, w) != ZK_OK)
        sweep_end(w); // next time
}

// ---- Work on the pool ----

typedef struct io_work {
    service *s;
    void (*work)(void *arg);
    void (*done)(void *arg);
    void *arg;
} io_work;

static void io_done(void *arg)
{
    io_work *w = arg;
    w->done(w->arg);
    free(w);
}

static void io_run(void *arg)
{
    io_work *w = arg;
    w->work(w->arg);
    rpc_loop_post(w->s->o.loop, io_done, w);
}

status service_io(service *s, void (*work)(void *arg), void (*done)(void *arg), void *arg)
{
    io_work *w = malloc(sizeof *w);
    FAIL_IF(w == NULL, ZK_ENOMEM, "no memory for work on a file");
    *w = (io_work){.s = s, .work = work, .done = done, .arg = arg};
    pool_submit(s->o.io, io_run, w);
    return ZK_OK;
}

// ---- Requests and answers ----

void *service_request(rpc_call *call, const ProtobufCMessageDescriptor *type, const uint8_t *bytes,
                      size_t n)
{
    ProtobufCMessage *m;
    status s = message_unpack(&m, type, bytes, n, REQUEST_BYTES_MAX);
    if (s == ZK_OK)
        return m;
    rpc_finish(call, s == ZK_ENOMEM ? RPC_RESOURCE_EXHAUSTED : RPC_INVALID_ARGUMENT,
               status_message());
    return NULL;
}

void service_reply(rpc_call *call, const void *message)
{
    uint8_t *bytes;
    size_t n;
    if (message_pack(&bytes, &n, message) != ZK_OK) {
        rpc_finish(call, RPC_RESOURCE_EXHAUSTED, status_message());
        return;
    }
    rpc_reply(call, bytes, n);
    free(bytes);
}

void service_fail(rpc_call *call, status s, const char *message)
{
    static const rpc_code codes[ZK_STATUS_COUNT] = {
        [ZK_OK] = RPC_INTERNAL,
        [ZK_EINVAL] = RPC_INVALID_ARGUMENT,
        [ZK_EPARSE] = RPC_INVALID_ARGUMENT,
        [ZK_EPROTO] = RPC_INVALID_ARGUMENT,
        [ZK_ELIMIT] = RPC_RESOURCE_EXHAUSTED,
        [ZK_ENOMEM] = RPC_RESOURCE_EXHAUSTED,
        [ZK_ECANCELED] = RPC_UNAVAILABLE,
        [ZK_ETIMEOUT] = RPC_DEADLINE_EXCEEDED,
    };
    if (codes[s] == RPC_OK) // this machine's trouble, not the caller's: disk, database
        log_error("coordinator::service", "a call failed", log_str("error", message));
    rpc_finish(call, codes[s] != RPC_OK ? codes[s] : RPC_INTERNAL, message);
}

const api_job_status *service_find_job(service *s, rpc_call *call, const char *id)
{
    const api_job_status *job = engine_job(s->engine, service_now_ms(s), id);
    if (job == NULL)
        rpc_finishf(call, RPC_NOT_FOUND,
                    "there is no job %.64s: it was never launched here, or is forgotten since", id);
    return job;
}

static rpc_code authorize(void *arg, rpc_call *call, const char **message)
{
    service *s = arg;
    const rpc_peer *peer = rpc_call_peer(call);
    rpc_code code = access_check(s->o.access, service_now_ms(s), rpc_call_path(call), peer,
                                 rpc_call_metadata(call, "authorization"), message);
    uint64_t second = service_now_ms(s) / 1000;
    if (code == RPC_OK)
        return code;
    if (second != s->refusals_second)
        s->refusals = 0;
    s->refusals_second = second;
    if (s->refusals++ < REFUSALS_LOGGED)
        log_info(TARGET "::access", "call refused", log_str("method", rpc_call_path(call)),
                 log_str("address", peer->address), log_str("code", rpc_code_name(code)));
    return code;
}

static void call_ended(void *arg, const rpc_call *call, rpc_code code, uint64_t ms)
{
    service *s = arg;
    const char *slash = strrchr(rpc_call_path(call), '/');
    if (s->o.call_ended != NULL && slash != NULL)
        s->o.call_ended(s->o.arg, slash + 1, code, (double)ms / 1000);
}

// ---- Hooks ----

static void hook_check(void *arg, const check_request *r)
{
    service *s = arg;
    s->o.check(s->o.arg, r);
}

static void hook_forget_checks(void *arg, const char *job, uint32_t below_epoch)
{
    service *s = arg;
    s->o.forget_checks(s->o.arg, job, below_epoch);
}

static bool hook_contribution_form(void *arg, const uint64_t *key_words, size_t n_key_words,
                                   const uint8_t *program_key, const api_instance_contribution *c)
{
    service *s = arg;
    return s->o.contribution_form(s->o.arg, key_words, n_key_words, program_key, c);
}

static bool hook_has_artifact(void *arg, const uint8_t sha256[32])
{
    service *s = arg;
    char path[ARTIFACT_PATH];
    return artifacts_find(s->o.artifacts, sha256, path, NULL);
}

static uint64_t hook_artifact_bytes(void *arg, const uint8_t sha256[32])
{
    service *s = arg;
    char path[ARTIFACT_PATH];
    uint64_t size;
    return artifacts_find(s->o.artifacts, sha256, path, &size) ? size : 0;
}

static void hook_over(void *arg, const api_job_status *job, const uint8_t *proof_sha256)
{
    service *s = arg;
    s->o.over(s->o.arg, job, proof_sha256);
}

void service_checked(service *s, uint64_t ticket, check_verdict verdict, const char *reason)
{
    if (s->stopping)
        return;
    engine_checked(s->engine, service_now_ms(s), ticket, verdict, reason);
    service_touch(s);
}

void service_notified(service *s, const char *job_id)
{
    engine_notified(s->engine, job_id);
}

// ---- Life ----

static void free_texts(service *s)
{
    free((char *)s->o.name);
    free((char *)s->o.version);
    free((char *)s->o.proof_system);
    free((char *)s->o.inputs_folder);
}

static status copy_text(const char **text)
{
    if (*text == NULL)
        return ZK_OK;
    char *copy = strdup(*text);
    *text = copy;
    FAIL_IF(copy == NULL, ZK_ENOMEM, "no memory for the service");
    return ZK_OK;
}

static status copy_options(service *s, const service_options *o)
{
    s->o = *o;
    s->o.name = s->o.version = s->o.proof_system = s->o.inputs_folder = NULL;
    s->o.name = o->name;
    TRY(copy_text(&s->o.name));
    s->o.version = o->version;
    TRY(copy_text(&s->o.version));
    s->o.proof_system = o->proof_system;
    TRY(copy_text(&s->o.proof_system));
    s->o.inputs_folder = o->inputs_folder;
    TRY(copy_text(&s->o.inputs_folder));
    if (s->o.worker_queue_bytes == 0)
        s->o.worker_queue_bytes = SERVICE_WORKER_QUEUE;
    if (s->o.artifact_age_ms == 0)
        s->o.artifact_age_ms = SERVICE_ARTIFACT_AGE_MS;
    if (s->o.transfers_max == 0)
        s->o.transfers_max = SERVICE_TRANSFERS_MAX;
    if (s->o.downloads_bytes == 0)
        s->o.downloads_bytes = SERVICE_DOWNLOADS_BYTES;
    if (s->o.upload_idle_ms == 0)
        s->o.upload_idle_ms = SERVICE_UPLOAD_IDLE_MS;
    return ZK_OK;
}

static status serve(service *s)
{
    rpc_server_options options = s->o.server;
    options.authorize = authorize;
    options.authorize_arg = s;
    options.ended = call_ended;
    options.ended_arg = s;
    TRY(rpc_server_open(&s->server, s->o.loop, &options));
    TRY(service_add_views(s));
    TRY(service_add_launch(s));
    TRY(service_add_workers(s));
    TRY(service_add_watch(s));
    TRY(service_add_bulk(s));
    TRY(rpc_health_add(s->server));
    rpc_health_set(s->server, "", true);
    rpc_health_set(s->server, SERVICE_API, true);
    rpc_descriptor_set set = {.bytes = api_descriptors, .n = api_descriptors_n};
    return rpc_reflection_add(s->server, &set, 1);
}

status service_open(service **out, const service_options *o)
{
    *out = NULL;
    status result = ZK_OK;
    service *s = calloc(1, sizeof *s);
    FAIL_IF(s == NULL, ZK_ENOMEM, "no memory for the service");
    s->start_ms = clock_realtime_ns() / NS_PER_MS;
    s->base_ms = s->start_ms - clock_monotonic_ns() / NS_PER_MS;
    TRY_OUT(copy_options(s, o));
    const engine_hooks hooks = {.arg = s,
                                .send = service_hook_send,
                                .close = service_hook_close,
                                .check = hook_check,
                                .forget_checks = hook_forget_checks,
                                .contribution_form = hook_contribution_form,
                                .has_artifact = hook_has_artifact,
                                .artifact_bytes = hook_artifact_bytes,
                                .event = service_hook_event,
                                .over = hook_over};
    TRY_OUT(engine_open(&s->engine, s->o.jobs, &s->o.limits, &hooks, service_now_ms(s)));
    TRY_OUT(serve(s));
    on_tick(s);
    on_sweep(s);
    *out = s;
    return ZK_OK;
out:
    service_stop(s);
    service_free(s);
    return result;
}

uint16_t service_port(const service *s)
{
    return rpc_server_port(s->server);
}

rpc_server *service_server(service *s)
{
    return s->server;
}

engine *service_engine(service *s)
{
    return s->engine;
}

bool service_draining(const service *s)
{
    return s->draining;
}

void service_get_counts(const service *s, service_counts *out)
{
    *out = s->counts;
}

// ---- Drain ----

static void on_drained(void *arg)
{
    service *s = arg;
    s->drained(s->drained_arg);
}

static void on_drain(void *arg)
{
    service *s = arg;
    uint64_t now = service_now_ms(s);
    bool idle = engine_drain(s->engine);
    if (!idle && now < s->drain_until_ms) {
        rpc_timer_set(s->o.loop, &s->drain, DRAIN_POLL_MS, on_drain, s);
        return;
    }
    if (!idle)
        log_warn(TARGET, "jobs are still running; they go on when the coordinator is back");
    s->stopping = true; // workers that go now are not lost: they keep their tasks and come back
    rpc_timer_clear(s->o.loop, &s->tick);
    service_end_streams(s, "the coordinator is shutting down");
    service_end_watchers(s, "the coordinator is shutting down");
    rpc_server_drain(s->server, LAST_CALLS_MS, on_drained, s);
}

void service_drain(service *s, uint64_t timeout_ms, void (*done)(void *arg), void *arg)
{
    if (s->draining)
        return;
    s->draining = true;
    s->drained = done;
    s->drained_arg = arg;
    s->drain_until_ms = service_now_ms(s) + timeout_ms;
    rpc_health_set(s->server, "", false);
    rpc_health_set(s->server, SERVICE_API, false);
    on_drain(s);
}

void service_stop(service *s)
{
    s->stopping = true;
    rpc_timer_clear(s->o.loop, &s->tick);
    rpc_timer_clear(s->o.loop, &s->sweep);
    rpc_timer_clear(s->o.loop, &s->pump);
    rpc_timer_clear(s->o.loop, &s->drain);
    rpc_server_close(s->server);
    s->server = NULL;
}

void service_free(service *s)
{
    if (s == NULL)
        return;
    engine_close(s->engine);
    for (size_t b = 0; b < JOB_BUCKETS; b++)
        while (s->jobs[b] != NULL) {
            service_job *j = s->jobs[b];
            s->jobs[b] = j->next;
            service_forget_history(j);
            free(j);
        }
    free_texts(s);
    free(s);
}
