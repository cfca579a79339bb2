// SPDX-License-Identifier: Apache-2.0 OR MIT
#include "coordinator/engine_internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EVENT_INTERVAL_MS = 500 };

// What the last view points to; made anew by each.
typedef struct view {
    api_job_status job;
    api_job_progress progress;
    api_error_response failure;
    api_worker_progress *workers;
    api_worker_progress **worker_list;
    size_t n_workers;
    api_worker_info info;
    api_compute_capacity capacity;
    Google__Protobuf__Timestamp connected, heartbeat;
    char reason[2 * REASON_BYTES];
} view;

static view *fresh_view(engine *e)
{
    if (e->view == NULL)
        e->view = engine_new(1, sizeof *e->view);
    view *v = e->view;
    free(v->workers);
    free(v->worker_list);
    *v = (view){.job = API_JOB_STATUS_INIT,
                .progress = API_JOB_PROGRESS_INIT,
                .failure = API_ERROR_RESPONSE_INIT,
                .info = API_WORKER_INFO_INIT,
                .capacity = API_COMPUTE_CAPACITY_INIT,
                .connected = GOOGLE__PROTOBUF__TIMESTAMP__INIT,
                .heartbeat = GOOGLE__PROTOBUF__TIMESTAMP__INIT};
    return v;
}

void view_free(engine *e)
{
    if (e->view == NULL)
        return;
    free(e->view->workers);
    free(e->view->worker_list);
    free(e->view);
    e->view = NULL;
}

static uint32_t count_contributed(const job *j)
{
    uint32_t n = 0;
    for (uint32_t i = j->low; i < j->high; i++)
        n += j->instances[i].contribution != NULL;
    return n;
}

// Of open tasks, contributions that the workers said they have and did not deliver yet.
static uint32_t count_said(const job *j, const worker *w)
{
    uint32_t n = 0;
    for (size_t k = 0; k < j->n_tasks; k++) {
        const task *t = j->tasks[k];
        if (t->state == TASK_OPEN && (t->purpose == FOR_UNITS || t->purpose == FOR_RANGE) &&
            (w == NULL || t->by == w))
            n += t->done;
    }
    return n;
}

// Before the first contributions the plan is the workers' word: the parts of it that their units
// gave them, or, as long as one of them does not know its part, the steps executed so far.
static void progress_without_plan(api_job_progress *p, const job *j)
{
    uint64_t total = 0, steps = 0;
    bool totals = true;
    for (size_t k = 0; k < j->n_tasks; k++) {
        const task *t = j->tasks[k];
        if (t->purpose != FOR_UNITS || t->state != TASK_OPEN)
            continue;
        totals = totals && t->total > 0;
        total += t->total;
        steps = t->steps > steps ? t->steps : steps;
    }
    p->instances_done = count_said(j, NULL);
    if (totals)
        p->instances_total = total < JOB_MAX_INSTANCES ? (uint32_t)total : JOB_MAX_INSTANCES;
    else
        p->steps_done = steps;
}

static void add_worker(engine *e, view *v, const job *j, worker *w)
{
    (void)e;
    api_worker_progress p = API_WORKER_PROGRESS_INIT;
    p.worker_id = w->id;
    p.phase = (char *)job_phase_name(j->state);
    bool totals = true;
    for (size_t k = 0; k < j->n_tasks; k++) {
        const task *t = j->tasks[k];
        bool counts =
            t->by == w && t->epoch == j->epoch &&
            (t->state == TASK_OPEN || t->state == TASK_DONE) &&
            (j->state == JOB_CONTRIBUTIONS ? task_contributes(t) : t->purpose == FOR_PROOFS);
        if (!counts)
            continue;
        bool of_units = t->purpose == FOR_UNITS && t->state == TASK_OPEN;
        uint32_t total = of_units ? t->total : t->end - t->begin;
        totals = totals && (!of_units || total > 0);
        p.instances_done += t->state == TASK_DONE ? t->end - t->begin : t->done;
        p.instances_total += total;
    }
    if (!totals)
        p.instances_total = 0;
    v->workers = engine_grow(v->workers, v->n_workers, sizeof *v->workers);
    v->workers[v->n_workers++] = p;
}

static void fill_progress(engine *e, view *v, const job *j)
{
    api_job_progress *p = &v->progress;
    p->phase = (char *)job_phase_name(j->state);
    p->phase_elapsed_ms = e->now_ms - j->phase_ms;
    if (j->has_facts && j->instances != NULL) {
        p->instances_total = j->high - j->low;
        p->instances_done = j->state == JOB_CONTRIBUTIONS
                                ? count_contributed(j) + count_said(j, NULL)
                                : (uint32_t)j->n_accepted;
        if (p->instances_done > p->instances_total)
            p->instances_done = p->instances_total;
    } else {
        progress_without_plan(p, j);
    }
    if (p->instances_done > 0 && p->instances_done < p->instances_total)
        p->time_left_ms =
            p->phase_elapsed_ms * (p->instances_total - p->instances_done) / p->instances_done;
    for (size_t k = 0; k < e->n_workers; k++)
        if (e->workers[k]->job == j)
            add_worker(e, v, j, e->workers[k]);
    v->worker_list = engine_new(v->n_workers, sizeof *v->worker_list);
    for (size_t k = 0; k < v->n_workers; k++)
        v->worker_list[k] = &v->workers[k];
    p->workers = v->worker_list;
    p->n_workers = v->n_workers;
}

static uint32_t queue_position(engine *e, const job *j)
{
    if (j->state != JOB_QUEUED)
        return 0;
    queue_order(e);
    for (size_t k = 0; k < e->n_queue; k++)
        if (e->queue[k] == j)
            return (uint32_t)k + 1;
    return 0;
}

static const api_job_status *view_job(engine *e, job *j)
{
    view *v = fresh_view(e);
    api_job_status *s = &v->job;
    s->job_id = j->id;
    s->data_id = j->request->data_id;
    s->phase = (char *)job_phase_name(j->state);
    s->state = (char *)job_state_name(j->state);
    s->assigned_workers = j->assigned;
    s->n_assigned_workers = j->n_assigned;
    uint64_t start = j->started_ms != 0 ? j->started_ms : j->created_ms;
    s->start_time = start / 1000;
    s->duration_ms = (job_is_over(j->state) ? j->ended_ms : e->now_ms) - start;
    if (job_is_running(j->state)) {
        fill_progress(e, v, j);
        s->progress = &v->progress;
    }
    if ((j->state == JOB_FAILED || j->state == JOB_CANCELLED) && j->failure_code != NULL) {
        v->failure.code = j->failure_code;
        v->failure.message = j->failure_message;
        s->failure = &v->failure;
    }
    s->executed_steps = j->has_facts ? j->facts.steps : 0;
    if (j->has_proof) {
        s->proof_bytes = j->proof_bytes;
        s->proof_sha256 = (ProtobufCBinaryData){SHA256_BYTES, j->proof_sha256};
    }
    s->priority = j->request->priority;
    s->compute_capacity = j->request->compute_capacity;
    s->queue_position = queue_position(e, j);
    s->epoch = j->epoch;
    return s;
}

const api_job_status *engine_job(engine *e, uint64_t now_ms, const char *job_id)
{
    if (now_ms > e->now_ms)
        e->now_ms = now_ms;
    job *j = job_by_id(e, job_id);
    return j != NULL ? view_job(e, j) : NULL;
}

size_t engine_n_jobs(const engine *e)
{
    return e->n_jobs;
}

const api_job_status *engine_job_at(engine *e, uint64_t now_ms, size_t i)
{
    if (now_ms > e->now_ms)
        e->now_ms = now_ms;
    return view_job(e, e->jobs[i]);
}

size_t engine_n_queued(const engine *e)
{
    size_t n = 0;
    for (size_t k = 0; k < e->n_jobs; k++)
        n += e->jobs[k]->state == JOB_QUEUED;
    return n;
}

const api_job_status *engine_queued_at(engine *e, uint64_t now_ms, size_t i)
{
    if (now_ms > e->now_ms)
        e->now_ms = now_ms;
    queue_order(e);
    return view_job(e, e->queue[i]);
}

size_t engine_n_workers(const engine *e)
{
    return e->n_workers;
}

static void set_time(Google__Protobuf__Timestamp *t, uint64_t ms)
{
    t->seconds = (int64_t)(ms / 1000);
    t->nanos = (int32_t)(ms % 1000) * 1000000;
}

// Why a worker is not at work.
static void explain(const engine *e, view *v, const worker *w)
{
    const char *why = w->reason;
    if (w->state == WORKER_COMPUTING && w->job == NULL)
        why = "stops a job that is not wanted any more";
    else if (w->state == WORKER_COMPUTING)
        why = "";
    else if (why[0] == 0 && w->units == 0)
        why = "it offers no compute units";
    else if (why[0] == 0 && e->draining)
        why = "the coordinator is shutting down";
    else if (why[0] == 0 && engine_n_queued(e) > 0)
        why = "the next job in the queue needs more capacity, or another program";
    else if (why[0] == 0)
        why = "no job waits";
    engine_say(v->reason, sizeof v->reason, "%s", why);
}

const api_worker_info *engine_worker_at(engine *e, size_t i)
{
    view *v = fresh_view(e);
    worker *w = e->workers[i];
    api_worker_info *info = &v->info;
    info->worker_id = w->id;
    info->state = (char *)worker_state_name(w->state, w->job != NULL ? w->job->state : JOB_QUEUED);
    v->capacity.compute_units = w->units;
    info->compute_capacity = &v->capacity;
    set_time(&v->connected, w->connected_ms);
    set_time(&v->heartbeat, w->acked_ms);
    info->connected_at = &v->connected;
    info->last_heartbeat = &v->heartbeat;
    info->address = w->address;
    if (w->able)
        info->program_digest = (ProtobufCBinaryData){PROGRAM_DIGEST_BYTES, w->program.digest};
    info->version = w->version;
    explain(e, v, w);
    info->reason = v->reason;
    info->job_id = w->job != NULL ? w->job->id : (char *)"";
    return info;
}

void engine_system_status(const engine *e, api_system_status *out)
{
    *out = (api_system_status)API_SYSTEM_STATUS_INIT;
    for (size_t k = 0; k < e->n_workers; k++) {
        const worker *w = e->workers[k];
        out->total_workers++;
        if (w->connected)
            out->compute_capacity += w->units;
        out->idle_workers += w->state == WORKER_IDLE;
        out->busy_workers += w->state == WORKER_COMPUTING;
    }
    for (size_t k = 0; k < e->n_jobs; k++) {
        out->active_jobs += job_is_running(e->jobs[k]->state);
        out->queued_jobs += e->jobs[k]->state == JOB_QUEUED;
    }
}

bool engine_proof(const engine *e, const char *job_id, uint8_t sha256[32], uint64_t *bytes)
{
    const job *j = job_by_id((engine *)e, job_id);
    if (j == NULL || j->state != JOB_COMPLETED || !j->has_proof)
        return false;
    memcpy(sha256, j->proof_sha256, SHA256_BYTES);
    *bytes = j->proof_bytes;
    return true;
}

bool engine_needs_artifact(const engine *e, const uint8_t sha256[32])
{
    for (size_t k = 0; k < e->n_jobs; k++) {
        const job *j = e->jobs[k];
        const ProtobufCBinaryData *input = &j->request->input_digest;
        if (!job_is_over(j->state) && same_bytes(input->data, input->len, sha256, SHA256_BYTES))
            return true;
        if (j->has_proof && memcmp(j->proof_sha256, sha256, SHA256_BYTES) == 0)
            return true;
    }
    for (size_t k = 0; k < e->n_checks; k++)
        if (e->checks[k].kind == CHECK_FINAL &&
            memcmp(e->checks[k].sha256, sha256, SHA256_BYTES) == 0)
            return true;
    return false;
}

// ---- Events

static void send_event(engine *e, job *j, api_job_event *event)
{
    event->job_id = j->id;
    if (e->hooks.event != NULL)
        e->hooks.event(e->hooks.arg, event);
}

void event_status(engine *e, job *j)
{
    api_job_event event = API_JOB_EVENT_INIT;
    event.event_case = ZISK__DISTRIBUTED__API__V1__JOB_EVENT__EVENT_STATUS;
    event.status = (api_job_status *)view_job(e, j);
    send_event(e, j, &event);
}

void event_progress(engine *e, job *j, bool at_once)
{
    if (!job_is_running(j->state) || (!at_once && e->now_ms - j->event_ms < EVENT_INTERVAL_MS))
        return;
    j->event_ms = e->now_ms;
    const api_job_status *s = view_job(e, j);
    api_job_event event = API_JOB_EVENT_INIT;
    event.event_case = ZISK__DISTRIBUTED__API__V1__JOB_EVENT__EVENT_PROGRESS;
    event.progress = s->progress;
    send_event(e, j, &event);
}

void event_note(engine *e, job *j, const worker *w, const char *format, ...)
{
    char text[2 * REASON_BYTES];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    engine_mend(text);
    api_job_note note = API_JOB_NOTE_INIT;
    if (w != NULL)
        note.worker_id = w->id;
    note.text = text;
    api_job_event event = API_JOB_EVENT_INIT;
    event.event_case = ZISK__DISTRIBUTED__API__V1__JOB_EVENT__EVENT_NOTE;
    event.note = &note;
    send_event(e, j, &event);
}
