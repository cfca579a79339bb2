// SPDX-License-Identifier: Apache-2.0 OR MIT
#include "worker/worker.h"

#include <openssl/crypto.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>
#include <uv.h>

#include "base/file.h"
#include "base/log.h"
#include "cluster/messages.h"
#include "cluster/metrics_http.h"
#include "worker/answers.h"
#include "worker/link.h"
#include "worker/wire.h"
#include "worker/worker_metrics.h"
#include "worker/work.h"

enum { TICK_MS = 250, STOP_PATIENCE_MS = 5000, TOKEN_BYTES_MAX = 4096 };

struct worker {
    worker_options o;
    rpc_loop *loop;
    worker_link *link;
    work *work;
    transfer *transfer;
    inputs inputs;
    rpc_tls_options tls;
    byte_buffer token;
    api_worker_abilities abilities;
    uint8_t program_key[32], process[16];
    uint64_t key_words[PROGRAM_KEY_MAX_WORDS];
    char proof_system[64];

    api_task_progress **tasks; // of the last reconnect
    size_t tasks_room;

    // Jobs that were released and whose release work has not answered yet: results that were on
    // their way at that moment are dropped, for their files are going.
    struct released *released;

    worker_metrics *metrics;
    metrics_http *http; // NULL: off
    char program_hex[65];
    uint64_t started_ms;

    rpc_timer tick, patience;
    uv_signal_t signals[2];
    bool has_signals;
    bool leaving, stopping, ended, closed;
};

// ---- Released jobs ----

typedef struct released {
    struct released *next;
    char *job;
} released;

static void drop_released(released **at)
{
    released *r = *at;
    *at = r->next;
    free(r->job);
    free(r);
}

// Without memory for the note a result that crosses the release fails, and says so.
static void note_released(worker *w, const char *job)
{
    released *r = calloc(1, sizeof *r);
    if (r != NULL && (r->job = strdup(job)) == NULL) {
        free(r);
        r = NULL;
    }
    if (r == NULL)
        return;
    r->next = w->released;
    w->released = r;
}

// Is it a result of a released job? The answer to the release itself is not, and ends it.
static bool is_released(worker *w, const outbox_entry *e)
{
    for (released **at = &w->released; *at != NULL; at = &(*at)->next)
        if (strcmp((*at)->job, e->task.job) == 0) {
            if (e->releases)
                drop_released(at);
            return !e->releases;
        }
    return false;
}

// ---- Tasks that are still to be delivered ----

static bool is_listed(api_task_progress *const *list, size_t n, uint64_t task_id, const char *job)
{
    for (size_t i = 0; i < n; i++)
        if (list[i]->task_id == task_id && strcmp(list[i]->job_id, job) == 0)
            return true;
    return false;
}

// Tasks in work, then tasks whose results wait. The list is of worker and valid until called again.
static size_t list_tasks(worker *w, api_task_progress *const **tasks)
{
    api_task_progress *const *in_work;
    size_t n = work_tasks(w->work, &in_work);
    for (size_t i = 0; i < w->tasks_room; i++)
        free(w->tasks[i]);
    free(w->tasks);
    size_t room = n + link_results(w->link)->n;
    w->tasks = calloc(room + 1, sizeof *w->tasks);
    w->tasks_room = 0;
    if (w->tasks == NULL) {
        *tasks = in_work;
        return n;
    }
    for (const outbox_entry *e = link_results(w->link)->first; e != NULL; e = e->next) {
        if (e->fleeting || is_listed(in_work, n, e->task.task_id, e->task.job) ||
            is_listed(w->tasks, w->tasks_room, e->task.task_id, e->task.job))
            continue;
        api_task_progress *p = malloc(sizeof *p);
        if (p == NULL)
            continue;
        *p = API_TASK_PROGRESS_INIT;
        p->job_id = e->task.job;
        p->task_id = e->task.task_id;
        p->epoch = e->task.epoch;
        p->task_type = e->task.type;
        w->tasks[w->tasks_room++] = p;
    }
    for (size_t i = 0; i < n; i++) {
        api_task_progress *p = malloc(sizeof *p);
        if (p == NULL)
            continue;
        *p = *in_work[i];
        w->tasks[w->tasks_room++] = p;
    }
    *tasks = w->tasks;
    return w->tasks_room;
}

static size_t tell_tasks(void *arg, api_task_progress *const **tasks, const char **job)
{
    worker *w = arg;
    *job = work_open_job(w->work);
    return list_tasks(w, tasks);
}

static bool has_task(worker *w, const api_execute_task_request *r)
{
    api_task_progress *const *tasks;
    size_t n = list_tasks(w, &tasks);
    return is_listed(tasks, n, r->task_id, r->job_id);
}

// ---- Messages ----

static void on_task(worker *w, api_coordinator_message *m)
{
    const api_execute_task_request *r = m->execute_task;
    if (w->leaving) {
        log_debug("worker", "a task came too late", log_str("job", r->job_id),
                  log_u64("task", r->task_id)); // WorkerLeaving moves it
    } else if (r->task_type != TASK_AGGREGATE && has_task(w, r)) {
        log_debug("worker", "a task came again", log_str("job", r->job_id),
                  log_u64("task", r->task_id));
    } else {
        work_give(w->work, m);
        return;
    }
    message_free(&m->base);
}

static void on_stored(worker *w, const api_result_stored *s)
{
    bool one = s->_plan_index_case == STORED_INDEX;
    (void)outbox_stored(link_results(w->link), s->job_id, s->task_id, one ? &s->plan_index : NULL);
}

static void on_message(void *arg, api_coordinator_message *m)
{
    worker *w = arg;
    switch (m->payload_case) {
    case TO_WORKER(EXECUTE_TASK):
        on_task(w, m);
        return;
    case TO_WORKER(JOB_CANCELLED):
        log_info("worker", "released from a job", log_str("job", m->job_cancelled->job_id),
                 log_str("reason", m->job_cancelled->reason));
        outbox_drop_job(link_results(w->link), m->job_cancelled->job_id);
        note_released(w, m->job_cancelled->job_id);
        work_cancel(w->work, m->job_cancelled->job_id);
        break;
    case TO_WORKER(RESULT_STORED):
        on_stored(w, m->result_stored);
        break;
    case TO_WORKER(SHUTDOWN):
        log_info("worker", "the coordinator goes away for a while",
                 log_str("reason", m->shutdown->reason));
        break;
    case TO_WORKER(STREAM_DATA):
        log_warn("worker", "hints are not implemented yet and were dropped",
                 log_str("job", m->stream_data->job_id));
        break;
    default:
        log_debug("worker", "a message of a kind unknown here");
        break;
    }
    message_free(&m->base);
}

static void on_result(void *arg, outbox_entry *e)
{
    worker *w = arg;
    if (w->closed || is_released(w, e)) {
        outbox_entry_free(e);
        return;
    }
    link_deliver(w->link, e);
}

// ---- Time and signals ----

static void stop(worker *w);

static void on_tick(void *arg)
{
    worker *w = arg;
    const api_task_progress *p = work_moved(w->work);
    if (p != NULL && link_ready(w->link)) {
        api_worker_message m = API_WORKER_MESSAGE_INIT;
        m.payload_case = FROM_WORKER(PROGRESS);
        m.progress = (api_task_progress *)p;
        link_send(w->link, &m);
    }
    if (w->leaving && !w->stopping) {
        api_task_progress *const *tasks;
        if (list_tasks(w, &tasks) == 0 && link_results(w->link)->n == 0)
            stop(w);
    }
    rpc_timer_set(w->loop, &w->tick, TICK_MS, on_tick, w);
}

static void on_stopped(void *arg)
{
    worker *w = arg;
    w->ended = true;
    if (!w->closed)
        rpc_loop_stop(w->loop);
}

// The working thread does not end: a bug, and still no reason to stay or to leave files behind.
static void on_patience_over(void *arg)
{
    const worker *w = arg;
    log_error("worker", "the work does not stop; the process ends without it");
    scratch_remove(w->o.scratch->path);
    _exit(EXIT_FAILURE);
}

static void stop(worker *w)
{
    w->stopping = true;
    work_stop(w->work);
    rpc_timer_set(w->loop, &w->patience, STOP_PATIENCE_MS, on_patience_over, w);
}

static void on_grace_over(void *arg)
{
    worker *w = arg;
    log_warn("worker", "out of time: what is under way is given up");
    stop(w);
}

static void say_leaving(worker *w)
{
    api_worker_leaving leaving = API_WORKER_LEAVING_INIT;
    leaving.reason = (char *)"the worker was told to stop";
    leaving.grace_period_seconds = (uint32_t)w->o.config->shutdown_timeout_seconds;
    api_worker_message m = API_WORKER_MESSAGE_INIT;
    m.payload_case = FROM_WORKER(LEAVING);
    m.leaving = &leaving;
    link_send(w->link, &m);
}

static void on_changed(void *arg, bool registered)
{
    worker *w = arg;
    worker_metrics_connection(w->metrics, registered);
    while (w->released != NULL) // answers that were lost are not waited for
        drop_released(&w->released);
    if (registered && w->leaving)
        say_leaving(w);
}

void worker_leave(worker *w)
{
    if (w->stopping)
        return;
    if (w->leaving) {
        log_warn("worker", "told twice to stop: what is under way is given up");
        stop(w);
        return;
    }
    w->leaving = true;
    uint64_t grace = w->o.config->shutdown_timeout_seconds;
    log_info("worker", "leaving: no new tasks", log_u64("grace_seconds", grace));
    say_leaving(w);
    rpc_timer_set(w->loop, &w->patience, 1000 * grace, on_grace_over, w);
}

static void on_signal(uv_signal_t *handle, int number)
{
    (void)number;
    worker_leave(handle->data);
}

// ---- Metrics ----

static void on_task_ended(void *arg, uint32_t type, const char *code, double seconds)
{
    const worker *w = arg;
    if (!w->closed)
        worker_metrics_task(w->metrics, type, code, seconds);
}

static status render(void *arg, byte_buffer *out)
{
    worker *w = arg;
    work_counts counts;
    work_get_counts(w->work, &counts);
    api_task_progress *const *tasks;
    const transfer_counts *bytes = transfer_get_counts(w->transfer);
    worker_view view = {.version = config_version(),
                        .worker_id = w->o.worker_id,
                        .program = w->program_hex,
                        .capacity_units = (uint32_t)w->o.config->compute_units,
                        .computing = work_open_job(w->work) != NULL,
                        .tasks_waiting = work_tasks(w->work, &tasks),
                        .results_waiting = link_results(w->link)->n,
                        .jobs = counts.jobs,
                        .instances = counts.instances,
                        .steps = counts.steps,
                        .bytes_down = bytes->bytes_in,
                        .bytes_up = bytes->bytes_out,
                        .uptime_ms = rpc_loop_now_ms(w->loop) - w->started_ms};
    return worker_metrics_render(out, w->metrics, &view);
}

static bool is_healthy(void *arg, byte_buffer *out)
{
    const worker *w = arg;
    const char *text = w->leaving             ? "leaving\n"
                       : !link_ready(w->link) ? "no connection to the coordinator\n"
                                              : "ok\n";
    return buffer_put_text(out, text) == ZK_OK && !w->leaving && link_ready(w->link);
}

static status open_metrics(worker *w)
{
    const worker_config *c = w->o.config;
    for (size_t i = 0; i < 32; i++)
        snprintf(w->program_hex + 2 * i, 3, "%02x", w->o.program_digest[i]);
    w->started_ms = rpc_loop_now_ms(w->loop);
    TRY(worker_metrics_new(&w->metrics));
    if (c->metrics_port == 0)
        return ZK_OK;
    metrics_http_options o = {.loop = w->loop,
                              .host = c->metrics_host,
                              .port = (uint16_t)c->metrics_port,
                              .render = render,
                              .healthy = is_healthy,
                              .arg = w};
    return metrics_http_open(&w->http, &o);
}

// ---- Life ----

static status read_token(worker *w)
{
    const char *path = w->o.config->token_file;
    if (path == NULL)
        return ZK_OK;
    TRY(file_read(&w->token, path, TOKEN_BYTES_MAX));
    while (w->token.size > 0 && w->token.data[w->token.size - 1] <= ' ')
        w->token.size--;
    FAIL_IF(w->token.size == 0, ZK_EPARSE, "there is no token in %s", path);
    return buffer_put_u8(&w->token, 0);
}

static status fill_abilities(worker *w)
{
    FAIL_IF(getrandom(w->process, sizeof w->process, 0) != sizeof w->process, ZK_EIO,
            "no random numbers: %m");
    const zisk_program *p = w->o.program;
    const proof_key *key = &p->key.key;
    digest_bytes(w->program_key, zisk_program_key(p));
    snprintf(w->proof_system, sizeof w->proof_system, "%s, protocol %d, file %d", key->hash->name,
             PROTOCOL_VERSION, BUNDLE_VERSION);
    w->abilities = API_WORKER_ABILITIES_INIT;
    w->abilities.program_digest.data = (uint8_t *)w->o.program_digest;
    w->abilities.program_digest.len = 32;
    w->abilities.program_key.data = w->program_key;
    w->abilities.program_key.len = sizeof w->program_key;
    w->abilities.proof_system = w->proof_system;
    w->abilities.version = (char *)config_version();
    w->abilities.instance_proofs = true;
    w->abilities.key_words = w->key_words;
    w->abilities.n_key_words = program_key_write(w->key_words, key, p->vm.map.abi, p->vm.entry);
    w->abilities.process.data = w->process;
    w->abilities.process.len = sizeof w->process;
    return ZK_OK;
}

static status open_parts(worker *w)
{
    const worker_config *c = w->o.config;
    w->tls = (rpc_tls_options){.cert_file = c->tls_cert,
                               .key_file = c->tls_key,
                               .ca_file = c->tls_ca,
                               .peer_name = c->tls_name};
    bool tls = strncmp(c->coordinator_url, "https:", 6) == 0;
    TRY(read_token(w));
    const char *token = w->token.size > 0 ? (const char *)w->token.data : NULL;
    const rpc_tls_options *tls_options = tls ? &w->tls : NULL;
    TRY(transfer_open(&w->transfer, w->loop, c->coordinator_url, tls_options, token));
    char cache[SCRATCH_PATH_MAX];
    TRY(scratch_folder(cache, w->o.scratch, "inputs"));
    TRY(inputs_open(&w->inputs, c->inputs_folder, 1000 * c->input_wait_seconds, cache,
                    w->transfer));
    TRY(fill_abilities(w));
    work_options work_settings = {
        .world = {.worker_id = w->o.worker_id,
                  .program = w->o.program,
                  .threads = w->o.threads,
                  .keep = c->witness_stored == CONFIG_UNSET ? SIZE_MAX : c->witness_stored,
                  .spill = c->minimal_memory,
                  .check = c->verify_constraints,
                  .print = c->verbose >= LEVEL_INFO - LEVEL_ERROR,
                  .scratch = w->o.scratch,
                  .inputs = &w->inputs,
                  .transfer = w->transfer},
        .arg = w,
        .deliver = on_result,
        .ended = on_task_ended,
        .stopped = on_stopped,
    };
    TRY(work_open(&w->work, w->loop, &work_settings));
    link_options link_settings = {.url = c->coordinator_url,
                                  .tls = tls_options,
                                  .token = token,
                                  .worker_id = w->o.worker_id,
                                  .compute_units = (uint32_t)c->compute_units,
                                  .abilities = &w->abilities,
                                  .reconnect_ms = 1000 * c->reconnect_interval_seconds,
                                  .heartbeat_timeout_ms = 1000 * c->heartbeat_timeout_seconds,
                                  .arg = w,
                                  .message = on_message,
                                  .tasks = tell_tasks,
                                  .changed = on_changed};
    TRY(link_open(&w->link, w->loop, &link_settings));
    return open_metrics(w);
}

status worker_open(worker **out, rpc_loop *loop, const worker_options *options)
{
    *out = NULL;
    worker *w = calloc(1, sizeof *w);
    FAIL_IF(w == NULL, ZK_ENOMEM, "no memory for a worker");
    w->o = *options;
    w->loop = loop;
    status s = open_parts(w);
    *out = w; // also on failure: the posts of the working thread still point here
    if (s != ZK_OK)
        return s;
    static const int numbers[2] = {SIGTERM, SIGINT};
    for (int i = 0; i < 2; i++) {
        uv_signal_init(rpc_loop_uv(loop), &w->signals[i]);
        w->signals[i].data = w;
        uv_signal_start(&w->signals[i], on_signal, numbers[i]);
    }
    w->has_signals = true;
    rpc_timer_set(loop, &w->tick, TICK_MS, on_tick, w);
    return ZK_OK;
}

void worker_close(worker *w)
{
    if (w == NULL)
        return;
    w->closed = true;
    rpc_timer_clear(w->loop, &w->tick);
    rpc_timer_clear(w->loop, &w->patience);
    for (int i = 0; i < 2 && w->has_signals; i++)
        uv_close((uv_handle_t *)&w->signals[i], NULL);
    metrics_http_close(w->http);
    work_close(w->work);
    link_close(w->link);
    transfer_close(w->transfer);
    w->http = NULL;
    w->work = NULL;
    w->link = NULL;
    w->transfer = NULL;
}

void worker_free(worker *w)
{
    if (w == NULL)
        return;
    for (size_t i = 0; i < w->tasks_room; i++)
        free(w->tasks[i]);
    free(w->tasks);
    if (w->token.data != NULL)
        OPENSSL_cleanse(w->token.data, w->token.size);
    buffer_clear(&w->token);
    worker_metrics_free(w->metrics);
    while (w->released != NULL)
        drop_released(&w->released);
    free(w);
}
