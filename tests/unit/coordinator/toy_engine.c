// SPDX-License-Identifier: Apache-2.0 OR MIT
// A stand-in for the engine, for tests of the service alone: workers register, jobs are launched
// and cancelled, nothing is proved. What a test wants to see of it is in toy_engine.h.
#include "unit/coordinator/toy_engine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_JOBS = 64, MAX_WORKERS = 64 };

typedef struct toy_job {
    char id[37], state[64];
    uint8_t input[32], sha256[32];
    bool has_input, has_proof;
} toy_job;

typedef struct toy_worker {
    char id[64], address[64];
    uint64_t connection;
    bool lost;
} toy_worker;

struct engine {
    engine_hooks hooks;
    toy_job jobs[MAX_JOBS];
    toy_worker workers[MAX_WORKERS];
    size_t n_jobs, n_workers;
    bool draining;
    api_job_status status;
    api_worker_info info;
};

toy_record toy;
static engine *present;

status engine_open(engine **out, store *s, const engine_limits *limits, const engine_hooks *hooks,
                   uint64_t now_ms)
{
    (void)s;
    (void)limits;
    (void)now_ms;
    *out = calloc(1, sizeof **out);
    FAIL_IF(*out == NULL, ZK_ENOMEM, "no memory");
    (*out)->hooks = *hooks;
    present = *out;
    memset(&toy, 0, sizeof toy);
    return ZK_OK;
}

void engine_close(engine *e)
{
    free(e);
}

void engine_tick(engine *e, uint64_t now_ms, uint64_t *next_ms)
{
    (void)e;
    toy.ticks++;
    *next_ms = now_ms + 1000;
}

static void emit_state(engine *e, toy_job *j, const char *state)
{
    snprintf(j->state, sizeof j->state, "%s", state);
    api_job_event event = API_JOB_EVENT_INIT;
    event.job_id = j->id;
    event.event_case = ZISK__DISTRIBUTED__API__V1__JOB_EVENT__EVENT_STATUS;
    event.status = (api_job_status *)engine_job(e, 0, j->id);
    e->hooks.event(e->hooks.arg, &event);
}

void engine_worker_message(engine *e, uint64_t now_ms, uint64_t connection, const char *address,
                           const api_worker_message *m)
{
    (void)now_ms;
    toy.messages++;
    if (m->payload_case != ZISK__DISTRIBUTED__API__V1__WORKER_MESSAGE__PAYLOAD_REGISTER)
        return;
    if (strcmp(m->register_->worker_id, "refuse me") == 0) {
        e->hooks.close(e->hooks.arg, connection, "not wanted");
        return;
    }
    toy_worker *w = &e->workers[e->n_workers++];
    snprintf(w->id, sizeof w->id, "%s", m->register_->worker_id);
    snprintf(w->address, sizeof w->address, "%s", address);
    w->connection = connection;
    toy.last_connection = connection;
    api_worker_register_response response = API_WORKER_REGISTER_RESPONSE_INIT;
    response.worker_id = w->id;
    response.accepted = 1;
    api_coordinator_message answer = API_COORDINATOR_MESSAGE_INIT;
    answer.payload_case =
        ZISK__DISTRIBUTED__API__V1__COORDINATOR_MESSAGE__PAYLOAD_REGISTER_RESPONSE;
    answer.register_response = &response;
    e->hooks.send(e->hooks.arg, connection, &answer);
}

void engine_lost(engine *e, uint64_t now_ms, uint64_t connection, const char *reason)
{
    (void)now_ms;
    toy.losses++;
    snprintf(toy.lost_reason, sizeof toy.lost_reason, "%s", reason);
    for (size_t i = 0; i < e->n_workers; i++)
        if (e->workers[i].connection == connection)
            e->workers[i].lost = true;
}

void engine_checked(engine *e, uint64_t now_ms, uint64_t ticket, check_verdict verdict,
                    const char *reason)
{
    (void)e;
    (void)now_ms;
    (void)ticket;
    (void)verdict;
    (void)reason;
}

status engine_launch(engine *e, uint64_t now_ms, const api_launch_proof_request *r, char job_id[37],
                     bool *queued)
{
    (void)now_ms;
    FAIL_IF(e->draining, ZK_ECANCELED, "draining");
    FAIL_IF(r->compute_capacity > 100, ZK_ELIMIT, "Insufficient compute capacity");
    toy_job *j = &e->jobs[e->n_jobs++];
    snprintf(j->id, sizeof j->id, "job-%zu", e->n_jobs);
    strcpy(job_id, j->id);
    *queued = r->queue;
    toy.input_bytes = r->input_digest.len;
    j->has_input = r->input_digest.len == 32;
    if (j->has_input) {
        memcpy(toy.input, r->input_digest.data, 32);
        memcpy(j->input, toy.input, 32);
    }
    toy.has_uri = r->_inputs_uri_case != 0;
    emit_state(e, j, r->queue ? "Queued" : "Running (Contributions)");
    return ZK_OK;
}

static toy_job *find_job(engine *e, const char *id)
{
    for (size_t i = 0; i < e->n_jobs; i++)
        if (strcmp(e->jobs[i].id, id) == 0)
            return &e->jobs[i];
    return NULL;
}

status engine_cancel(engine *e, uint64_t now_ms, const char *job_id, const char *reason)
{
    (void)now_ms;
    (void)reason;
    toy_job *j = find_job(e, job_id);
    FAIL_IF(j == NULL, ZK_EINVAL, "no such job");
    emit_state(e, j, "Cancelled");
    return ZK_OK;
}

void toy_note(const char *job, const char *text)
{
    api_job_note note = API_JOB_NOTE_INIT;
    note.text = (char *)text;
    api_job_event event = API_JOB_EVENT_INIT;
    event.job_id = (char *)job;
    event.event_case = ZISK__DISTRIBUTED__API__V1__JOB_EVENT__EVENT_NOTE;
    event.note = &note;
    present->hooks.event(present->hooks.arg, &event);
}

void toy_progress(const char *job)
{
    static api_job_progress progress;
    progress = API_JOB_PROGRESS_INIT;
    api_job_event event = API_JOB_EVENT_INIT;
    event.job_id = (char *)job;
    event.event_case = ZISK__DISTRIBUTED__API__V1__JOB_EVENT__EVENT_PROGRESS;
    event.progress = &progress;
    present->hooks.event(present->hooks.arg, &event);
}

void toy_complete(const char *job, const uint8_t sha256[32])
{
    toy_job *j = find_job(present, job);
    if (j == NULL)
        abort();
    memcpy(j->sha256, sha256, 32);
    j->has_proof = true;
    emit_state(present, j, "Completed");
}

void engine_notified(engine *e, const char *job_id)
{
    (void)e;
    (void)job_id;
}

bool engine_drain(engine *e)
{
    e->draining = true;
    return !toy.busy;
}

const api_job_status *engine_job(engine *e, uint64_t now_ms, const char *job_id)
{
    (void)now_ms;
    static api_job_progress progress;
    toy_job *j = find_job(e, job_id);
    if (j == NULL)
        return NULL;
    progress = API_JOB_PROGRESS_INIT;
    e->status = API_JOB_STATUS_INIT;
    e->status.job_id = j->id;
    e->status.state = j->state;
    e->status.progress = &progress;
    if (j->has_proof)
        e->status.proof_sha256 = (ProtobufCBinaryData){.len = 32, .data = j->sha256};
    return &e->status;
}

size_t engine_n_jobs(const engine *e)
{
    return e->n_jobs;
}

const api_job_status *engine_job_at(engine *e, uint64_t now_ms, size_t i)
{
    return engine_job(e, now_ms, e->jobs[i].id);
}

static size_t queued(const engine *e, size_t nth)
{
    for (size_t i = 0; i < e->n_jobs; i++)
        if (strcmp(e->jobs[i].state, "Queued") == 0 && nth-- == 0)
            return i;
    return e->n_jobs;
}

size_t engine_n_queued(const engine *e)
{
    size_t n = 0;
    while (queued(e, n) < e->n_jobs)
        n++;
    return n;
}

const api_job_status *engine_queued_at(engine *e, uint64_t now_ms, size_t i)
{
    return engine_job_at(e, now_ms, queued(e, i));
}

size_t engine_n_workers(const engine *e)
{
    return e->n_workers;
}

const api_worker_info *engine_worker_at(engine *e, size_t i)
{
    e->info = API_WORKER_INFO_INIT;
    e->info.worker_id = e->workers[i].id;
    e->info.address = e->workers[i].address;
    e->info.state = e->workers[i].lost ? "Disconnected" : "Idle";
    return &e->info;
}

void engine_system_status(const engine *e, api_system_status *out)
{
    out->total_workers = (uint32_t)e->n_workers;
}

bool engine_proof(const engine *e, const char *job_id, uint8_t sha256[32], uint64_t *bytes)
{
    const toy_job *j = find_job((engine *)e, job_id);
    if (j == NULL || !j->has_proof)
        return false;
    memcpy(sha256, j->sha256, 32);
    *bytes = 0;
    return true;
}

bool engine_needs_artifact(const engine *e, const uint8_t sha256[32])
{
    for (size_t i = 0; i < e->n_jobs; i++) {
        const toy_job *j = &e->jobs[i];
        bool over = strcmp(j->state, "Completed") == 0;
        if ((j->has_input && !over && memcmp(j->input, sha256, 32) == 0) ||
            (j->has_proof && memcmp(j->sha256, sha256, 32) == 0))
            return true;
    }
    return false;
}

void engine_get_counts(const engine *e, engine_counts *out)
{
    (void)e;
    memset(out, 0, sizeof *out);
}
