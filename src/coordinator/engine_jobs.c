// SPDX-License-Identifier: Apache-2.0 OR MIT
#include "coordinator/engine_internal.h"

#include "base/log.h"

#include <openssl/rand.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { REQUEST_ID_MAX = 64, DATA_ID_MAX = 256, URI_MAX = 4096, JOB_UNITS_MAX = 1 << 24 };

job *job_by_id(engine *e, const char *id)
{
    for (size_t k = 0; k < e->n_jobs; k++)
        if (strcmp(e->jobs[k]->id, id) == 0)
            return e->jobs[k];
    return NULL;
}

static void free_opinions(opinion **list, size_t *n)
{
    for (size_t k = 0; k < *n; k++)
        free((*list)[k].bytes);
    free(*list);
    *list = NULL;
    *n = 0;
}

static void free_workers(worker ***list, size_t *n)
{
    free(*list);
    *list = NULL;
    *n = 0;
}

void job_drop_work(engine *e, job *j)
{
    if (e != NULL)
        checks_drop(e, j, UINT32_MAX);
    for (size_t k = 0; k < j->n_tasks; k++)
        free(j->tasks[k]);
    free(j->tasks);
    j->tasks = NULL;
    j->n_tasks = 0;
    for (uint32_t i = 0; j->instances != NULL && i < j->facts.n_instances; i++)
        free(j->instances[i].contribution);
    free(j->instances);
    j->instances = NULL;
    free(j->accepted);
    j->accepted = NULL;
    j->n_accepted = 0;
    free(j->shares);
    j->shares = NULL;
    j->n_shares = 0;
    j->aggregator = NULL;
    free_opinions(&j->votes, &j->n_votes);
    free_opinions(&j->opinions, &j->n_opinions);
    free_workers(&j->supporters, &j->n_supporters);
    free_workers(&j->failed, &j->n_failed);
    free_workers(&j->departed, &j->n_departed);
    free_workers(&j->input_errors, &j->n_input_errors);
    free_workers(&j->program_errors, &j->n_program_errors);
}

void job_free(job *j)
{
    job_drop_work(NULL, j);
    for (size_t k = 0; k < j->n_assigned; k++)
        free(j->assigned[k]);
    free(j->assigned);
    free(j->failure_code);
    free(j->failure_message);
    if (j->request != NULL)
        message_free(&j->request->base);
    free(j);
}

void job_join(job *j, const worker *w)
{
    for (size_t k = 0; k < j->n_assigned; k++)
        if (strcmp(j->assigned[k], w->id) == 0)
            return;
    j->assigned = engine_grow(j->assigned, j->n_assigned, sizeof *j->assigned);
    j->assigned[j->n_assigned++] = engine_text(w->id);
}

static status write_job(engine *e, job *j, bool fresh)
{
    status result = ZK_OK;
    byte_buffer facts = buffer_new(), request = buffer_new();
    job_record r;
    TRY_OUT(job_record_of(&r, &facts, &request, j));
    TRY_OUT(fresh ? store_add_job(e->store, &r) : store_change_job(e->store, &r));
out:
    buffer_clear(&facts);
    buffer_clear(&request);
    return result;
}

// The job is over: its workers are told, the rest follows in engine_settle.
static void end_job(engine *e, job *j)
{
    j->ended_ms = j->changed_ms = e->now_ms;
    e->counts.jobs_ended[j->state]++;
    for (size_t k = 0; k < e->n_workers; k++) {
        worker *w = e->workers[k];
        if (w->job == j)
            worker_release(e, w);
    }
    workers_drop_run(e, j->id);
    e->ended = engine_grow(e->ended, e->n_ended, sizeof *e->ended);
    e->ended[e->n_ended++] = j;
    log_info("coordinator::engine", "job ended", log_str("job", j->id),
             log_str("state", job_state_name(j->state)), log_str("code", j->failure_code),
             log_str("message", j->failure_message), log_u64("epoch", j->epoch),
             log_u64("duration_ms", j->ended_ms - j->created_ms));
}

static void set_failure(job *j, const char *code, const char *message)
{
    free(j->failure_code);
    free(j->failure_message);
    j->failure_code = engine_text(code);
    j->failure_message = engine_text(message);
}

void job_storage_failed(engine *e, job *j)
{
    log_error("coordinator::engine", "the store of jobs failed", log_str("job", j->id),
              LOG_STATUS(ZK_EIO));
    if (job_is_over(j->state))
        return;
    set_failure(j, "STORAGE_FAILURE", status_message());
    ZK_ASSERT(job_step(&j->state, JOB_FAILURE) == ZK_OK);
    j->unsaved = true; // engine_settle and each tick try again
    end_job(e, j);
}

bool job_save(engine *e, job *j)
{
    j->changed_ms = e->now_ms;
    if (!batch_write(e, j))
        return false;
    if (write_job(e, j, false) == ZK_OK)
        return true;
    job_storage_failed(e, j);
    return false;
}

void job_fail(engine *e, job *j, const char *code, const char *format, ...)
{
    if (job_is_over(j->state))
        return;
    char text[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    engine_mend(text);
    set_failure(j, code, text);
    ZK_ASSERT(job_step(&j->state, JOB_FAILURE) == ZK_OK);
    j->unsaved = true;
    end_job(e, j);
}

void job_begin_phase(engine *e, job *j)
{
    j->phase_ms = j->last_progress_ms = e->now_ms;
    event_status(e, j);
}

void job_step_saved(engine *e, job *j, job_event event)
{
    ZK_ASSERT(job_step(&j->state, event) == ZK_OK);
    if (job_save(e, j))
        job_begin_phase(e, j);
}

void job_complete(engine *e, job *j)
{
    job_event event = job_simulated(j) ? JOB_SIMULATED : JOB_PROOF_STORED;
    job_state before = j->state;
    ZK_ASSERT(job_step(&j->state, event) == ZK_OK);
    j->changed_ms = j->ended_ms = e->now_ms;
    if (write_job(e, j, false) != ZK_OK) {
        j->state = before;
        job_storage_failed(e, j);
        return;
    }
    end_job(e, j);
}

// Writes the end of a job whose row does not say it yet. Nobody is told before.
static void save_end(engine *e, job *j)
{
    if (!j->unsaved)
        return;
    if (write_job(e, j, false) == ZK_OK)
        j->unsaved = false;
    else
        log_warn("coordinator::engine", "the end of a job is not stored yet", log_str("job", j->id),
                 LOG_STATUS(ZK_EIO));
}

void engine_settle(engine *e)
{
    do {
        for (size_t k = 0; k < e->n_ended; k++) {
            job *j = e->ended[k];
            save_end(e, j);
            job_drop_work(e, j);
            event_status(e, j);
            job_tell_over(e, j);
        }
        e->n_ended = 0;
        jobs_schedule(e);
    } while (e->n_ended > 0);
}

void job_tell_over(engine *e, job *j)
{
    if (!job_is_over(j->state) || j->notified || j->told_over || j->unsaved)
        return;
    j->told_over = true;
    e->hooks.over(e->hooks.arg, engine_job(e, e->now_ms, j->id),
                  j->has_proof ? j->proof_sha256 : NULL);
}

void engine_notified(engine *e, const char *job_id)
{
    job *j = job_by_id(e, job_id);
    if (j == NULL || j->notified)
        return;
    j->notified = true;
    if (write_job(e, j, false) != ZK_OK)
        log_warn("coordinator::engine", "a notification may be repeated after a restart",
                 log_str("job", job_id), LOG_STATUS(ZK_EIO));
}

// ---- Launch

static status check_request_form(engine *e, const api_launch_proof_request *r)
{
    FAIL_IF(r->compute_capacity == 0, ZK_EINVAL, "Compute capacity must be greater than zero");
    FAIL_IF(r->minimal_compute_capacity > r->compute_capacity, ZK_EINVAL,
            "Minimal compute capacity must not exceed compute capacity");
    FAIL_IF(r->compute_capacity > JOB_UNITS_MAX, ZK_EINVAL, "at most %d compute units",
            JOB_UNITS_MAX);
    FAIL_IF(strlen(r->data_id) > DATA_ID_MAX, ZK_EINVAL, "data_id has more than %d bytes",
            DATA_ID_MAX);
    FAIL_IF(r->request_id.len > REQUEST_ID_MAX, ZK_EINVAL, "request_id has more than %d bytes",
            REQUEST_ID_MAX);
    FAIL_IF(r->program_digest.len != 0 && r->program_digest.len != PROGRAM_DIGEST_BYTES, ZK_EINVAL,
            "program_digest has %zu bytes instead of %d", r->program_digest.len,
            PROGRAM_DIGEST_BYTES);
    FAIL_IF(r->hints_mode != ZISK__DISTRIBUTED__API__V1__HINTS_MODE__HINTS_MODE_NONE, ZK_EINVAL,
            "hints are not supported yet: launch without them");
    if (r->input_digest.len > 0) {
        FAIL_IF(r->input_digest.len != SHA256_BYTES, ZK_EINVAL,
                "input_digest has %zu bytes instead of %d", r->input_digest.len, SHA256_BYTES);
        FAIL_IF(!e->hooks.has_artifact(e->hooks.arg, r->input_digest.data), ZK_EINVAL,
                "no input with this digest was uploaded");
        return ZK_OK;
    }
    FAIL_IF(r->inputs_mode == ZISK__DISTRIBUTED__API__V1__INPUT_MODE__INPUT_MODE_DATA, ZK_EINVAL,
            "Invalid request: Input mode is Data but no input was uploaded");
    if (r->inputs_mode == ZISK__DISTRIBUTED__API__V1__INPUT_MODE__INPUT_MODE_PATH) {
        FAIL_IF(r->_inputs_uri_case == 0 || r->inputs_uri[0] == 0, ZK_EINVAL,
                "Invalid request: Input mode is Uri but inputs_uri is missing");
        FAIL_IF(strlen(r->inputs_uri) > URI_MAX, ZK_EINVAL, "inputs_uri has more than %d bytes",
                URI_MAX);
    }
    return ZK_OK;
}

bool job_simulated(const job *j)
{
    return j->request->_simulated_node_case != 0;
}

// A simulated node's unit range: that of worker number simulated_node of as many as it takes.
static status simulated_share(engine *e, const api_launch_proof_request *r, worker **w,
                              uint32_t *first, uint32_t *n)
{
    FAIL_IF(r->queue, ZK_EINVAL, "a simulated node does not wait in the queue");
    size_t connected = 0;
    for (size_t k = 0; k < e->n_workers; k++) {
        if (!e->workers[k]->connected)
            continue;
        connected++;
        *w = e->workers[k];
    }
    FAIL_IF(connected != 1, ZK_EINVAL,
            "Simulated mode can only be used when there is exactly one worker connected");
    FAIL_IF((*w)->state != WORKER_IDLE || !(*w)->able || (*w)->units == 0 || (*w)->leaving,
            ZK_ELIMIT, "Insufficient compute capacity: the one worker is not free");
    uint64_t begin = (uint64_t)r->simulated_node * (*w)->units;
    FAIL_IF(begin >= r->compute_capacity, ZK_EINVAL,
            "Simulated mode index %u is out of range: %u units are %u nodes of %u",
            r->simulated_node, r->compute_capacity, (r->compute_capacity - 1) / (*w)->units + 1,
            (*w)->units);
    *first = (uint32_t)begin;
    uint32_t left = r->compute_capacity - *first;
    *n = left < (*w)->units ? left : (*w)->units;
    return ZK_OK;
}

static status copy_request(api_launch_proof_request **out, const api_launch_proof_request *r)
{
    uint8_t *bytes;
    size_t n;
    TRY(message_pack(&bytes, &n, &r->base));
    ProtobufCMessage *copy = NULL;
    status result = message_unpack(&copy, API_LAUNCH_PROOF_REQUEST_TYPE, bytes, n, REQUEST_MAX);
    free(bytes);
    FAIL_IF(result == ZK_ELIMIT, ZK_EINVAL, "a request of %zu bytes, the most is %d", n,
            (int)REQUEST_MAX);
    *out = (api_launch_proof_request *)copy;
    return result;
}

static status make_id(char out[37])
{
    uint8_t b[16];
    FAIL_IF(RAND_bytes(b, sizeof b) != 1, ZK_EIO, "the system gives no random numbers");
    b[6] = (uint8_t)((b[6] & 0x0F) | 0x40);
    b[8] = (uint8_t)((b[8] & 0x3F) | 0x80);
    char *to = out;
    for (int k = 0; k < 16; k++)
        to += sprintf(to, k == 4 || k == 6 || k == 8 || k == 10 ? "-%02x" : "%02x", b[k]);
    return ZK_OK;
}

// Reserves and starts. The job is in the store already; its tasks go there before they are sent.
static void start_job(engine *e, job *j, worker *const *workers, const uint32_t *first,
                      const uint32_t *n, size_t n_shares, uint32_t units)
{
    j->has_program = true;
    j->program = workers[0]->program;
    j->units = units;
    j->started_ms = e->now_ms;
    j->shares = engine_new(n_shares, sizeof *j->shares);
    j->n_shares = n_shares;
    for (size_t k = 0; k < n_shares; k++)
        j->shares[k] = (unit_share){.first = first[k], .n = n[k], .by = workers[k]};
    for (size_t k = 0; k < n_shares; k++)
        job_join(j, workers[k]);
    batch_begin(e);
    job_step_saved(e, j, JOB_RESERVED);
    for (size_t k = 0; k < n_shares && job_is_running(j->state); k++)
        (void)task_add(e, j, workers[k], FOR_UNITS, first[k], n[k]);
    batch_end(e, j);
    log_info("coordinator::engine", "job started", log_str("job", j->id),
             log_u64("workers", n_shares), log_u64("units", units));
}

// Workers for the request among the free ones: *n of them, in order of registration.
static status choose(engine *e, const api_launch_proof_request *r, worker ***chosen,
                     worker_share **shares, size_t *n)
{
    status result = ZK_OK;
    *n = 0;
    *shares = engine_new(e->n_workers, sizeof **shares);
    *chosen = engine_new(e->n_workers, sizeof **chosen);
    worker_offer *offers = engine_new(e->n_workers, sizeof *offers);
    for (size_t k = 0; k < e->n_workers; k++) {
        const worker *w = e->workers[k];
        bool is_free = w->state == WORKER_IDLE && w->able && !w->leaving;
        offers[k].units = is_free ? w->units : 0;
        memcpy(offers[k].program, w->program.digest, PROGRAM_DIGEST_BYTES);
    }
    const capacity_request c = {.units = r->compute_capacity,
                                .minimal_units = r->minimal_compute_capacity,
                                .max_workers = e->limits.max_workers_per_job,
                                .program =
                                    r->program_digest.len > 0 ? r->program_digest.data : NULL};
    TRY_OUT(workers_choose(*shares, n, offers, e->n_workers, &c));
    for (size_t k = 0; k < *n; k++)
        (*chosen)[k] = e->workers[(*shares)[k].offer];
out:
    free(offers);
    return result;
}

static void start_chosen(engine *e, job *j, worker *const *chosen, const worker_share *shares,
                         size_t n)
{
    uint32_t *first = engine_new(n, sizeof *first), *count = engine_new(n, sizeof *count),
             units = 0;
    for (size_t k = 0; k < n; k++) {
        first[k] = shares[k].first_unit;
        count[k] = shares[k].n_units;
        units += count[k];
    }
    start_job(e, j, chosen, first, count, n, units);
    free(first);
    free(count);
}

// Whether a waiting job may need the workers that this request wants: then it goes first.
static bool stands_behind(const api_launch_proof_request *r, const api_launch_proof_request *ahead)
{
    return r->program_digest.len == 0 || ahead->program_digest.len == 0 ||
           memcmp(r->program_digest.data, ahead->program_digest.data, PROGRAM_DIGEST_BYTES) == 0;
}

static int queue_compare(const void *a, const void *b)
{
    const job *x = *(job *const *)a, *y = *(job *const *)b;
    if (x->request->priority != y->request->priority)
        return x->request->priority > y->request->priority ? -1 : 1;
    return x->serial < y->serial ? -1 : x->serial > y->serial;
}

void queue_order(engine *e)
{
    e->n_queue = 0;
    for (size_t k = 0; k < e->n_jobs; k++) {
        if (e->jobs[k]->state != JOB_QUEUED)
            continue;
        e->queue = engine_grow(e->queue, e->n_queue, sizeof *e->queue);
        e->queue[e->n_queue++] = e->jobs[k];
    }
    if (e->n_queue > 1)
        qsort(e->queue, e->n_queue, sizeof *e->queue, queue_compare);
}

static bool has_idle_worker(const engine *e)
{
    for (size_t k = 0; k < e->n_workers; k++)
        if (e->workers[k]->state == WORKER_IDLE && e->workers[k]->able)
            return true;
    return false;
}

void jobs_schedule(engine *e)
{
    if (e->draining || !has_idle_worker(e))
        return;
    queue_order(e);
    for (size_t k = 0; k < e->n_queue; k++) {
        job *j = e->queue[k];
        bool blocked = false;
        for (size_t a = 0; a < k && !blocked; a++)
            blocked =
                e->queue[a]->state == JOB_QUEUED && stands_behind(j->request, e->queue[a]->request);
        if (blocked)
            continue;
        worker **chosen;
        worker_share *shares;
        size_t n;
        if (choose(e, j->request, &chosen, &shares, &n) == ZK_OK)
            start_chosen(e, j, chosen, shares, n);
        free(chosen);
        free(shares);
    }
}

static job *find_request(engine *e, const ProtobufCBinaryData *request_id)
{
    for (size_t k = 0; k < e->n_jobs; k++) {
        const ProtobufCBinaryData *other = &e->jobs[k]->request->request_id;
        if (request_id->len > 0 &&
            same_bytes(other->data, other->len, request_id->data, request_id->len))
            return e->jobs[k];
    }
    return NULL;
}

static status add_job(engine *e, const api_launch_proof_request *r, job **out)
{
    job *j = engine_new(1, sizeof *j);
    status result = ZK_OK;
    TRY_OUT(make_id(j->id));
    TRY_OUT(copy_request(&j->request, r));
    j->state = JOB_QUEUED;
    j->created_ms = j->changed_ms = e->now_ms;
    j->plan = e->limits.plan;
    TRY_OUT(write_job(e, j, true));
    e->jobs = engine_grow(e->jobs, e->n_jobs, sizeof *e->jobs);
    e->jobs[e->n_jobs++] = j;
    j->serial = e->next_serial++;
    *out = j;
    return ZK_OK;
out:
    job_free(j);
    return result;
}

static status launch_simulated(engine *e, const api_launch_proof_request *r, job **out)
{
    worker *w = NULL;
    uint32_t first = 0, n = 0;
    TRY(simulated_share(e, r, &w, &first, &n));
    TRY(add_job(e, r, out));
    start_job(e, *out, &w, &first, &n, 1, r->compute_capacity);
    return ZK_OK;
}

static status launch(engine *e, const api_launch_proof_request *r, job **out)
{
    if (r->_simulated_node_case != 0)
        return launch_simulated(e, r, out);
    queue_order(e);
    bool behind = false;
    for (size_t k = 0; k < e->n_queue && !behind; k++)
        behind = stands_behind(r, e->queue[k]->request);
    FAIL_IF(behind && !r->queue, ZK_ELIMIT,
            "Insufficient compute capacity: %zu jobs wait for it; launch with `queue` to wait too",
            e->n_queue);
    if (behind)
        return add_job(e, r, out);
    worker **chosen;
    worker_share *shares;
    size_t n;
    status result = choose(e, r, &chosen, &shares, &n);
    if (result == ZK_ELIMIT && r->queue)
        result = add_job(e, r, out);
    else if (result == ZK_OK && (result = add_job(e, r, out)) == ZK_OK)
        start_chosen(e, *out, chosen, shares, n);
    free(chosen);
    free(shares);
    return result;
}

status engine_launch(engine *e, uint64_t now_ms, const api_launch_proof_request *r, char job_id[37],
                     bool *queued)
{
    if (now_ms > e->now_ms)
        e->now_ms = now_ms;
    *queued = false;
    job *j = find_request(e, &r->request_id);
    if (j == NULL) {
        FAIL_IF(e->draining, ZK_ECANCELED, "the coordinator is shutting down");
        TRY(check_request_form(e, r));
        TRY(launch(e, r, &j));
        if (j->state == JOB_QUEUED)
            event_status(e, j);
    }
    memcpy(job_id, j->id, sizeof j->id);
    *queued = j->state == JOB_QUEUED;
    engine_settle(e);
    return ZK_OK;
}

status engine_cancel(engine *e, uint64_t now_ms, const char *job_id, const char *reason)
{
    if (now_ms > e->now_ms)
        e->now_ms = now_ms;
    job *j = job_by_id(e, job_id);
    FAIL_IF(j == NULL, ZK_EINVAL, "there is no job %s", job_id);
    if (job_is_over(j->state))
        return ZK_OK;
    job_state before = j->state;
    ZK_ASSERT(job_step(&j->state, JOB_CANCEL) == ZK_OK);
    set_failure(j, "CANCELLED", reason != NULL && reason[0] != 0 ? reason : "cancelled");
    j->changed_ms = j->ended_ms = e->now_ms;
    status result = write_job(e, j, false);
    if (result != ZK_OK) {
        // The client is told that it did not work; the job goes on.
        j->state = before;
        j->ended_ms = 0;
        set_failure(j, "", "");
        return status_forward(result, __FILE__, __LINE__, "write_job(e, j, false)");
    }
    end_job(e, j);
    engine_settle(e);
    return ZK_OK;
}

bool engine_drain(engine *e)
{
    e->draining = true;
    for (size_t k = 0; k < e->n_jobs; k++)
        if (job_is_running(e->jobs[k]->state))
            return false;
    return true;
}

// By the job's phase: contributions are made again in phase 2 by whoever moves in.
static const char *timeout_code(const job *j, const task *t)
{
    return j->state == JOB_CONTRIBUTIONS ? "PHASE1_TIMEOUT"
           : t->purpose == FOR_FINAL     ? "PHASE3_TIMEOUT"
                                         : "PHASE2_TIMEOUT";
}

// The worker's oldest task that it can be working on; NULL when it waits for us.
static task *current_task(job *j, const worker *w)
{
    for (size_t k = 0; k < j->n_tasks; k++) {
        task *t = j->tasks[k];
        bool waits = t->answered || t->unsent || (t->purpose == FOR_FINAL && !t->all_sent);
        if (t->by == w && t->state == TASK_OPEN && !waits)
            return t;
    }
    return NULL;
}

// A lost worker has its grace for silence, but not without end: it may come back and go for ever.
static void stop_stalled(engine *e, job *j, worker *w)
{
    task *t = current_task(j, w);
    if (t == NULL) {
        w->progress_ms = e->now_ms;
        return;
    }
    if (t->begun_ms == 0)
        t->begun_ms = e->now_ms;
    unsigned phase = task_contributes(t) ? 0 : t->purpose == FOR_FINAL ? 2 : 1;
    uint64_t timeout = e->limits.phase_timeout_ms[phase];
    uint64_t silent = e->now_ms - w->progress_ms, lasted = e->now_ms - t->begun_ms;
    bool too_long = lasted > timeout * e->limits.task_timeouts;
    if (!too_long && (!w->connected || silent <= timeout))
        return;
    char why[REASON_BYTES], text[REASON_BYTES + ID_MAX];
    engine_say(why, sizeof why, "%s %llu ms",
               too_long ? "did not end its task, whatever it reported, within"
                        : "made no progress for",
               (unsigned long long)(too_long ? lasted : silent));
    engine_say(text, sizeof text, "worker %s %s", w->id, why);
    const char *code = timeout_code(j, t);
    if (j->aggregator == w)
        j->aggregator = NULL;
    event_note(e, j, w, "%s; its tasks move", why);
    for (size_t k = 0; k < j->n_tasks && job_is_running(j->state); k++) {
        task *own = j->tasks[k];
        if (own->by == w && own->state == TASK_OPEN) {
            e->counts.tasks_moved++;
            (void)share_failed(e, j, own, code, text);
        }
    }
    if (!job_is_running(j->state))
        return;
    job_note_erred(j, w);
    worker_part(e, w);
    worker_cancel(e, w, j->id, "no progress");
    job_pump(e, j);
}

static void tick_running(engine *e, job *j)
{
    for (size_t k = 0; k < e->n_workers && job_is_running(j->state); k++)
        if (e->workers[k]->job == j)
            stop_stalled(e, j, e->workers[k]);
    if (job_is_running(j->state)) {
        checks_tick(e, j);
        job_pump(e, j);
    }
    if (job_is_running(j->state) && j->waiting_ms != 0 &&
        e->now_ms - j->waiting_ms > e->limits.capacity_timeout_ms)
        job_fail(e, j, "CAPACITY_LOST", "no worker for a share of the job for %llu ms%s%s",
                 (unsigned long long)(e->now_ms - j->waiting_ms),
                 j->last_error[0] != 0 ? "; the last trouble: " : "", j->last_error);
}

static void forget_old(engine *e)
{
    size_t kept = 0;
    for (size_t k = 0; k < e->n_jobs; k++) {
        job *j = e->jobs[k];
        bool old = job_is_over(j->state) && j->notified && e->limits.job_retention_ms != 0 &&
                   engine_since(e, j->changed_ms) > e->limits.job_retention_ms;
        if (old && store_remove_job(e->store, j->id) == ZK_OK)
            job_free(j);
        else
            e->jobs[kept++] = j;
    }
    e->n_jobs = kept;
}

// Results of epochs that ended, and of a job that is over, are needed no more. A slice a tick, so
// that nobody waits for the disk; also what an earlier coordinator left.
static void sweep_results(engine *e, job *j)
{
    uint32_t below = j->unsaved ? 0 : job_is_over(j->state) ? UINT32_MAX : j->epoch;
    bool more;
    if (j->swept < below && store_forget_epochs(&more, e->store, j->id, below) == ZK_OK && !more)
        j->swept = below;
}

void jobs_tick(engine *e)
{
    for (size_t k = 0; k < e->n_jobs; k++) {
        job *j = e->jobs[k];
        sweep_results(e, j);
        uint64_t limit = j->request->queue_seconds;
        if (j->state == JOB_QUEUED && limit != 0 && engine_since(e, j->created_ms) / 1000 >= limit)
            job_fail(e, j, "QUEUE_TIMEOUT", "no capacity within %llu seconds",
                     (unsigned long long)limit);
        else if (job_is_running(j->state))
            tick_running(e, j);
        else if (j->unsaved) {
            save_end(e, j);
            job_tell_over(e, j);
        }
    }
    engine_settle(e);
    forget_old(e);
}
