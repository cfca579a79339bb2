// SPDX-License-Identifier: Apache-2.0 OR MIT
#include "coordinator/engine_internal.h"

#include "base/log.h"

#include <stdlib.h>
#include <string.h>

// ---- Facts of a job as bytes. The version of the store is theirs.

static status put_plan(byte_buffer *b, const job *j)
{
    TRY(buffer_put_u8(b, j->has_facts));
    TRY(buffer_put_u8(b, (uint8_t)j->facts.digest_bytes));
    TRY(buffer_put(b, j->facts.digest, j->facts.digest_bytes));
    TRY(buffer_put_u32(b, j->facts.n_instances));
    TRY(buffer_put_u64(b, j->facts.steps));
    for (size_t k = 0; k < BUNDLE_PUBLICS; k++)
        TRY(buffer_put_u32(b, j->facts.publics[k]));
    return ZK_OK;
}

static status put_facts(byte_buffer *b, const job *j)
{
    TRY(buffer_put_u8(b, j->has_program));
    TRY(buffer_put(b, j->program.digest, sizeof j->program.digest));
    TRY(buffer_put(b, j->program.key, sizeof j->program.key));
    TRY(buffer_put_u32(b, (uint32_t)j->program.n_words));
    TRY(buffer_put_u64s(b, j->program.words, j->program.n_words));
    TRY(buffer_put_u32(b, j->units));
    TRY(buffer_put_u32(b, j->plan.instance_log_cells));
    TRY(buffer_put_u32(b, j->plan.chunk_log_steps));
    TRY(buffer_put_u64(b, j->plan.max_steps));
    TRY(buffer_put_u64(b, j->started_ms));
    TRY(buffer_put_u64(b, j->ended_ms));
    TRY(put_plan(b, j));
    TRY(buffer_put_u8(b, j->has_proof));
    TRY(buffer_put(b, j->proof_sha256, sizeof j->proof_sha256));
    TRY(buffer_put_u64(b, j->proof_bytes));
    TRY(buffer_put_u32(b, (uint32_t)j->n_assigned));
    for (size_t k = 0; k < j->n_assigned; k++) {
        TRY(buffer_put_u32(b, (uint32_t)strlen(j->assigned[k])));
        TRY(buffer_put_text(b, j->assigned[k]));
    }
    return ZK_OK;
}

status job_record_of(job_record *out, byte_buffer *facts, byte_buffer *request, const job *j)
{
    TRY(put_facts(facts, j));
    uint8_t *packed;
    size_t n;
    TRY(message_pack(&packed, &n, &j->request->base));
    status result = buffer_put(request, packed, n);
    free(packed);
    TRY(result);
    bool failed = j->failure_code != NULL && j->failure_code[0] != 0;
    *out = (job_record){.id = j->id,
                        .state = j->state,
                        .epoch = j->epoch,
                        .created_ms = j->created_ms,
                        .changed_ms = j->changed_ms,
                        .failure_code = failed ? j->failure_code : NULL,
                        .failure_message = failed ? j->failure_message : NULL,
                        .request = request->data,
                        .request_bytes = request->size,
                        .facts = facts->data,
                        .facts_bytes = facts->size,
                        .notified = j->notified};
    return ZK_OK;
}

static status get_flag(bool *out, byte_reader *r)
{
    uint8_t v;
    TRY(reader_u8(&v, r));
    *out = v != 0;
    return ZK_OK;
}

static status get_plan(plan_facts *f, bool *has, byte_reader *r)
{
    uint8_t n;
    TRY(get_flag(has, r));
    TRY(reader_u8(&n, r));
    FAIL_IF(n > PLAN_DIGEST_MAX, ZK_EPARSE, "a plan's digest of %u bytes", n);
    f->digest_bytes = n;
    TRY(reader_copy(f->digest, r, n));
    TRY(reader_u32(&f->n_instances, r));
    FAIL_IF(f->n_instances > JOB_MAX_INSTANCES, ZK_EPARSE, "a plan of %u instances",
            f->n_instances);
    TRY(reader_u64(&f->steps, r));
    for (size_t k = 0; k < BUNDLE_PUBLICS; k++)
        TRY(reader_u32(&f->publics[k], r));
    return ZK_OK;
}

static status get_assigned(job *j, byte_reader *r)
{
    size_t n;
    TRY(reader_count(&n, r, 1U << 20, 4, "workers"));
    for (size_t k = 0; k < n; k++) {
        uint32_t length;
        char text[ID_MAX + 1] = {0};
        TRY(reader_u32(&length, r));
        FAIL_IF(length > ID_MAX, ZK_EPARSE, "a worker's name of %u bytes", length);
        TRY(reader_copy(text, r, length));
        j->assigned = engine_grow(j->assigned, j->n_assigned, sizeof *j->assigned);
        j->assigned[j->n_assigned++] = engine_text(text);
    }
    return ZK_OK;
}

static status get_facts(job *j, const uint8_t *data, size_t n)
{
    byte_reader r = reader_new(data, n);
    size_t n_words;
    TRY(get_flag(&j->has_program, &r));
    TRY(reader_copy(j->program.digest, &r, sizeof j->program.digest));
    TRY(reader_copy(j->program.key, &r, sizeof j->program.key));
    TRY(reader_count(&n_words, &r, PROGRAM_KEY_MAX_WORDS, 8, "words of a key"));
    j->program.n_words = n_words;
    TRY(reader_u64s(j->program.words, &r, n_words));
    TRY(reader_u32(&j->units, &r));
    j->plan = (api_plan_parameters)API_PLAN_PARAMETERS_INIT;
    TRY(reader_u32(&j->plan.instance_log_cells, &r));
    TRY(reader_u32(&j->plan.chunk_log_steps, &r));
    TRY(reader_u64(&j->plan.max_steps, &r));
    TRY(reader_u64(&j->started_ms, &r));
    TRY(reader_u64(&j->ended_ms, &r));
    TRY(get_plan(&j->facts, &j->has_facts, &r));
    TRY(get_flag(&j->has_proof, &r));
    TRY(reader_copy(j->proof_sha256, &r, sizeof j->proof_sha256));
    TRY(reader_u64(&j->proof_bytes, &r));
    TRY(get_assigned(j, &r));
    return reader_finish(&r);
}

// ---- Loading

typedef struct loading {
    engine *e;
    job *j;
} loading;

static status load_job(void *arg, const job_record *r)
{
    engine *e = arg;
    job *j = engine_new(1, sizeof *j);
    e->jobs = engine_grow(e->jobs, e->n_jobs, sizeof *e->jobs);
    e->jobs[e->n_jobs++] = j;
    FAIL_IF(strlen(r->id) >= sizeof j->id, ZK_EPARSE, "the store has a job with the id %s", r->id);
    memcpy(j->id, r->id, strlen(r->id) + 1);
    ProtobufCMessage *request;
    TRY(message_unpack(&request, API_LAUNCH_PROOF_REQUEST_TYPE, r->request, r->request_bytes,
                       MESSAGE_BYTES_MAX));
    j->request = (api_launch_proof_request *)request;
    j->state = r->state;
    j->epoch = r->epoch;
    j->serial = e->next_serial++;
    j->created_ms = r->created_ms;
    j->changed_ms = r->changed_ms;
    j->phase_ms = j->last_progress_ms = e->now_ms;
    if (r->failure_code != NULL) {
        j->failure_code = engine_text(r->failure_code);
        j->failure_message = engine_text(r->failure_message);
    }
    j->notified = r->notified;
    return get_facts(j, r->facts, r->facts_bytes);
}

// A share by units that a task row names; the last row about it says who had it.
static void load_share(job *j, const task *t)
{
    for (size_t k = 0; k < j->n_shares; k++) {
        unit_share *s = &j->shares[k];
        if (s->first != t->first_unit)
            continue;
        s->by = t->by;
        s->done |= t->state == TASK_DONE;
        s->attempts += t->state == TASK_FAILED;
        return;
    }
    j->shares = engine_grow(j->shares, j->n_shares, sizeof *j->shares);
    j->shares[j->n_shares++] = (unit_share){.first = t->first_unit,
                                            .n = t->n_units,
                                            .attempts = t->state == TASK_FAILED,
                                            .done = t->state == TASK_DONE,
                                            .by = t->by};
}

static void load_attempts(job *j, const task *t)
{
    if (t->state != TASK_FAILED || t->epoch != j->epoch || t->purpose == FOR_UNITS)
        return;
    if (t->begin == t->end)
        j->final_attempts++;
    for (uint32_t i = t->begin; j->has_facts && i < t->end && i < j->facts.n_instances; i++)
        j->instances[i].attempts++;
}

static status load_task(void *arg, const task_record *r)
{
    loading *l = arg;
    engine *e = l->e;
    job *j = l->j;
    FAIL_IF(r->purpose < 0 || r->purpose >= PURPOSE_COUNT || r->state < 0 ||
                r->state >= TASK_STATE_COUNT,
            ZK_EPARSE, "the store has a task %llu of unknown kind", (unsigned long long)r->id);
    // Of tasks that are through only the last epoch's matter, and older ones may be about a plan
    // that was a lie.
    bool matters = r->epoch == j->epoch && (r->state == TASK_OPEN || r->state == TASK_DONE);
    uint32_t n = j->has_facts ? j->facts.n_instances : 0;
    FAIL_IF(matters && (r->begin > r->end || r->end > n), ZK_EPARSE,
            "the store has a task %llu about instances that its job has not",
            (unsigned long long)r->id);
    task *t = engine_new(1, sizeof *t);
    *t = (task){.id = r->id,
                .purpose = (task_purpose)r->purpose,
                .state = (task_state)r->state,
                .epoch = r->epoch,
                .by = worker_known(e, r->worker),
                .first_unit = r->first_unit,
                .n_units = r->n_units,
                .begin = r->begin,
                .end = r->end,
                // Whether a worker still is at a task that was taken from it is not stored.
                .answered = r->state == TASK_DONE};
    job_join(j, t->by);
    j->tasks = engine_grow(j->tasks, j->n_tasks, sizeof *j->tasks);
    j->tasks[j->n_tasks++] = t;
    if (t->purpose == FOR_UNITS)
        load_share(j, t);
    load_attempts(j, t);
    if (t->state == TASK_DONE && task_contributes(t) && t->epoch == j->epoch)
        workers_note(&j->supporters, &j->n_supporters, t->by);
    if (t->state == TASK_DONE && t->epoch == j->epoch && !task_contributes(t) &&
        t->purpose != FOR_FINAL)
        t->by->has_epoch = true;
    if (t->state == TASK_OPEN) {
        t->by->job = j;
        memcpy(t->by->holds, j->id, sizeof t->by->holds);
        if (t->purpose == FOR_FINAL || t->purpose == FOR_READY || t->purpose == FOR_SUMS)
            j->aggregator = t->by;
    }
    return ZK_OK;
}

static status load_result(void *arg, const result_record *r)
{
    loading *l = arg;
    job *j = l->j;
    if (!j->has_facts || r->instance >= j->facts.n_instances)
        return ZK_OK;
    if (r->kind == RESULT_CONTRIBUTION) {
        job_set_contribution(j, r->instance, r->data, r->size, worker_known(l->e, r->worker));
        // Whether that worker still holds what it committed is not known: it is asked once more.
        j->instances[r->instance].session = 0;
    } else if (r->kind == RESULT_PROOF) {
        // Checked again: the sums of the checker were in memory.
        j->instances[r->instance].proof = PROOF_CHECKING;
        check_ask(l->e, j, CHECK_PROOF, NULL, r->instance, r->data, r->size, true);
    }
    return ZK_OK;
}

static int by_first_unit(const void *a, const void *b)
{
    const unit_share *x = a, *y = b;
    return x->first < y->first ? -1 : x->first > y->first;
}

// What asked for opinions is gone with the questions.
static status close_questions(engine *e, job *j)
{
    for (size_t k = 0; k < j->n_tasks; k++) {
        task *t = j->tasks[k];
        bool question =
            t->purpose == FOR_PLAN || t->purpose == FOR_OPINION || t->purpose == FOR_AUDIT;
        if (t->state != TASK_OPEN || !question)
            continue;
        t->state = TASK_PASSED;
        const task_record r = {
            .id = t->id, .state = (int)t->state, .begin = t->begin, .end = t->end};
        TRY(store_change_task(e->store, &r));
    }
    return ZK_OK;
}

static status load_running(engine *e, job *j)
{
    loading l = {e, j};
    if (j->has_facts) {
        const plan_facts f = j->facts;
        job_set_facts(j, &f);
    }
    TRY(store_each_task(e->store, j->id, load_task, &l));
    if (j->n_shares > 1)
        qsort(j->shares, j->n_shares, sizeof *j->shares, by_first_unit);
    for (size_t k = 0; k < j->n_shares && j->epoch > 0; k++)
        j->shares[k].done = true;
    TRY(close_questions(e, j));
    // Contributions first: the proofs are checked under all of them.
    TRY(store_each_result(e->store, j->id, j->epoch, load_result, &l));
    if (j->state != JOB_CONTRIBUTIONS)
        job_narrow(j);
    return ZK_OK;
}

status engine_load(engine *e)
{
    TRY(store_each_job(e->store, load_job, e));
    size_t running = 0;
    for (size_t k = 0; k < e->n_jobs; k++) {
        if (!job_is_running(e->jobs[k]->state))
            continue;
        TRY(load_running(e, e->jobs[k]));
        running++;
    }
    if (e->n_jobs > 0)
        log_info("coordinator::engine", "jobs are loaded", log_u64("jobs", e->n_jobs),
                 log_u64("running", running));
    return ZK_OK;
}
