// SPDX-License-Identifier: Apache-2.0 OR MIT
#include "coordinator/engine_internal.h"

#include "base/log.h"

#include <stdlib.h>
#include <string.h>

#define SEND_PAYLOAD(name) ZISK__DISTRIBUTED__API__V1__COORDINATOR_MESSAGE__PAYLOAD_##name
#define TASK_TYPE(name)    ZISK__DISTRIBUTED__API__V1__TASK_TYPE__##name
#define TASK_PARAMS(name)  ZISK__DISTRIBUTED__API__V1__EXECUTE_TASK_REQUEST__PARAMS_##name

void batch_begin(engine *e)
{
    e->batch = true;
    e->batch_begun = false;
}

bool batch_write(engine *e, job *j)
{
    if (!e->batch || e->batch_begun)
        return true;
    if (store_begin(e->store) != ZK_OK) {
        job_storage_failed(e, j);
        return false;
    }
    e->batch_begun = true;
    return true;
}

void batch_end(engine *e, job *j)
{
    bool begun = e->batch_begun;
    e->batch = e->batch_begun = false;
    if (begun && store_commit(e->store) != ZK_OK)
        job_storage_failed(e, j);
    for (size_t k = 0; k < j->n_tasks && job_is_running(j->state); k++) {
        if (!j->tasks[k]->unsent)
            continue;
        j->tasks[k]->unsent = false;
        if (j->tasks[k]->state == TASK_OPEN)
            task_send(e, j, j->tasks[k]);
    }
}

task *task_by_id(job *j, uint64_t id)
{
    for (size_t k = 0; k < j->n_tasks; k++)
        if (j->tasks[k]->id == id)
            return j->tasks[k];
    return NULL;
}

bool purpose_contributes(task_purpose p)
{
    return p < FOR_PROOFS;
}

bool task_contributes(const task *t)
{
    return purpose_contributes(t->purpose);
}

static task_record record_of(const job *j, const task *t)
{
    return (task_record){.id = t->id,
                         .job = j->id,
                         .epoch = t->epoch,
                         .purpose = (int)t->purpose,
                         .state = (int)t->state,
                         .worker = t->by->id,
                         .first_unit = t->first_unit,
                         .n_units = t->n_units,
                         .begin = t->begin,
                         .end = t->end};
}

task *task_add(engine *e, job *j, worker *w, task_purpose purpose, uint32_t first, uint32_t n)
{
    if (!batch_write(e, j))
        return NULL;
    task *t = engine_new(1, sizeof *t);
    t->purpose = purpose;
    t->epoch = j->epoch;
    t->by = w;
    t->first_unit = NO_UNIT;
    if (purpose == FOR_UNITS) {
        t->first_unit = first;
        t->n_units = n;
    } else {
        t->begin = first;
        t->end = first + n;
    }
    const task_record r = record_of(j, t);
    if (store_add_task(e->store, &t->id, &r) != ZK_OK) {
        free(t);
        job_storage_failed(e, j);
        return NULL;
    }
    j->tasks = engine_grow(j->tasks, j->n_tasks, sizeof *j->tasks);
    j->tasks[j->n_tasks++] = t;
    worker_reserve(e, w, j);
    if (tasks_open(j, w) == 1)
        w->progress_ms = e->now_ms;
    e->counts.tasks_sent++;
    if (e->batch)
        t->unsent = true;
    else
        task_send(e, j, t);
    return t;
}

bool task_close(engine *e, job *j, task *t, task_state state)
{
    t->state = state;
    if (!batch_write(e, j))
        return false;
    const task_record r = record_of(j, t);
    if (store_change_task(e->store, &r) == ZK_OK)
        return true;
    job_storage_failed(e, j);
    return false;
}

size_t tasks_open(const job *j, const worker *w)
{
    size_t n = 0;
    for (size_t k = 0; k < j->n_tasks; k++)
        n += j->tasks[k]->by == w && j->tasks[k]->state == TASK_OPEN;
    return n;
}

uint32_t tasks_load(const job *j, const worker *w)
{
    uint32_t load = 0;
    for (size_t k = 0; k < j->n_tasks; k++) {
        const task *t = j->tasks[k];
        if (t->by != w || t->state != TASK_OPEN)
            continue;
        uint32_t size = t->purpose == FOR_UNITS ? t->n_units : t->end - t->begin;
        load += size > t->done ? size - t->done : 1;
    }
    return load;
}

bool job_departure(engine *e, job *j, worker *w, const char *why)
{
    bool again = workers_hold(j->departed, j->n_departed, w);
    if (again)
        job_note_erred(j, w);
    else
        workers_note(&j->departed, &j->n_departed, w);
    size_t most = e->limits.max_workers_per_job * e->limits.max_attempts;
    if (++j->departures > most)
        job_fail(e, j, "WORKER_FAILURE",
                 "more than %zu times a worker left it or was set aside; the last time: worker %s "
                 "%.150s",
                 most, w->id, why);
    return again;
}

void tasks_move(engine *e, job *j, worker *w, bool counting, const char *why)
{
    if (j->aggregator == w)
        j->aggregator = NULL;
    size_t moved = 0;
    for (size_t k = 0; k < j->n_tasks && job_is_running(j->state); k++) {
        task *t = j->tasks[k];
        if (t->by != w || t->state != TASK_OPEN)
            continue;
        moved++;
        e->counts.tasks_moved++;
        if (!counting) {
            (void)task_close(e, j, t, TASK_MOVED);
            continue;
        }
        char text[REASON_BYTES];
        engine_say(text, sizeof text, "worker %s %s", w->id, why);
        (void)share_failed(e, j, t, "WORKER_FAILURE", text);
    }
    if (moved > 0)
        event_note(e, j, w, "%zu of its tasks moved: it %s", moved, why);
}

static void send_request(engine *e, job *j, task *t, api_execute_task_request *r)
{
    r->worker_id = t->by->id;
    r->job_id = j->id;
    r->epoch = t->epoch;
    r->task_id = t->id;
    api_coordinator_message m = API_COORDINATOR_MESSAGE_INIT;
    m.payload_case = SEND_PAYLOAD(EXECUTE_TASK);
    m.execute_task = r;
    worker_send(e, t->by, &m);
}

static void set_input(api_contribution_params *p, const api_launch_proof_request *r)
{
    if (r->input_digest.len > 0) {
        p->input_source_case =
            ZISK__DISTRIBUTED__API__V1__CONTRIBUTION_PARAMS__INPUT_SOURCE_INPUT_DIGEST;
        p->input_digest = r->input_digest;
    } else if (r->inputs_mode == ZISK__DISTRIBUTED__API__V1__INPUT_MODE__INPUT_MODE_PATH) {
        p->input_source_case =
            ZISK__DISTRIBUTED__API__V1__CONTRIBUTION_PARAMS__INPUT_SOURCE_INPUT_PATH;
        p->input_path = r->inputs_uri;
    }
}

// Position of the share among all, as the original's workers like to know; 0 of 1 for a range.
static void set_rank(api_contribution_params *p, const job *j, const task *t)
{
    p->total_workers = 1;
    if (t->purpose != FOR_UNITS)
        return;
    p->total_workers = (uint32_t)j->n_shares;
    for (size_t k = 0; k < j->n_shares; k++)
        if (j->shares[k].first == t->first_unit)
            p->rank_id = (uint32_t)k;
}

static void send_contribution(engine *e, job *j, task *t)
{
    api_contribution_params p = API_CONTRIBUTION_PARAMS_INIT;
    p.data_id = j->request->data_id;
    set_input(&p, j->request);
    set_rank(&p, j, t);
    p.job_compute_units = j->units;
    p.plan = &j->plan;
    p.simulated = job_simulated(j);
    p.raw_input = j->request->raw_input;
    api_plan_range range = API_PLAN_RANGE_INIT;
    range.begin = t->begin;
    range.end = t->end;
    api_execute_task_request r = API_EXECUTE_TASK_REQUEST_INIT;
    uint32_t *units = NULL;
    if (t->purpose == FOR_UNITS) {
        units = engine_new(t->n_units, sizeof *units);
        for (uint32_t k = 0; k < t->n_units; k++)
            units[k] = t->first_unit + k;
        p.worker_allocation = units;
        p.n_worker_allocation = t->n_units;
    } else {
        r.range = &range;
    }
    r.task_type = TASK_TYPE(PARTIAL_CONTRIBUTION);
    r.params_case = TASK_PARAMS(CONTRIBUTION_PARAMS);
    r.contribution_params = &p;
    send_request(e, j, t, &r);
    free(units);
}

// The root among a contribution's words (verifier/bundle.h): for the original's readers, who expect
// words here. Nobody trusts them.
enum { ROOT_WORD = 2, ROOT_WORDS = 4 };

static void set_challenge(api_challenges *c, uint64_t words[ROOT_WORDS], const instance *i)
{
    *c = API_CHALLENGES_INIT;
    c->challenge = words;
    if (i->contribution_bytes < (ROOT_WORD + ROOT_WORDS) * sizeof *words)
        return;
    memcpy(words, i->contribution + ROOT_WORD * sizeof *words, ROOT_WORDS * sizeof *words);
    c->n_challenge = ROOT_WORDS;
}

contribution_list contributions_of(const job *j)
{
    size_t n = j->high - j->low;
    contribution_list l = {engine_new(n, sizeof *l.items), engine_new(n, sizeof *l.pointers), n};
    for (size_t k = 0; k < n; k++) {
        const instance *i = &j->instances[j->low + k];
        l.items[k] = API_INSTANCE_CONTRIBUTION_INIT;
        l.items[k].plan_index = j->low + (uint32_t)k;
        l.items[k].contribution = (ProtobufCBinaryData){i->contribution_bytes, i->contribution};
        l.pointers[k] = &l.items[k];
    }
    return l;
}

void contributions_clear(contribution_list *l)
{
    free(l->items);
    free(l->pointers);
}

static void send_proof_task(engine *e, job *j, task *t)
{
    contribution_list all = contributions_of(j);
    size_t n = all.n;
    api_challenges *challenges = engine_new(n, sizeof *challenges);
    api_challenges **challenge_list = engine_new(n, sizeof *challenge_list);
    uint64_t(*words)[ROOT_WORDS] = engine_new(n, sizeof *words);
    for (size_t k = 0; k < n; k++) {
        set_challenge(&challenges[k], words[k], &j->instances[j->low + k]);
        challenge_list[k] = &challenges[k];
    }
    api_prove_params p = API_PROVE_PARAMS_INIT;
    p.challenges = challenge_list;
    p.n_challenges = n;
    p.contributions = all.pointers;
    p.n_contributions = n;
    api_plan_range range = API_PLAN_RANGE_INIT;
    range.begin = t->begin;
    range.end = t->end;
    api_execute_task_request r = API_EXECUTE_TASK_REQUEST_INIT;
    r.range = &range;
    r.task_type = TASK_TYPE(PROVE);
    r.params_case = TASK_PARAMS(PROVE_PARAMS);
    r.prove_params = &p;
    send_request(e, j, t, &r);
    contributions_clear(&all);
    free(words);
    free(challenge_list);
    free(challenges);
}

task *task_final(job *j)
{
    for (size_t k = j->n_tasks; k-- > 0;)
        if (j->tasks[k]->purpose == FOR_FINAL && j->tasks[k]->state == TASK_OPEN)
            return j->tasks[k];
    return NULL;
}

void task_feed_aggregator(engine *e, job *j)
{
    task *t = task_final(j);
    bool last = j->total_ok && j->n_accepted == j->high - j->low;
    if (t == NULL || t->unsent || t->all_sent || !t->by->connected ||
        (t->n_told == j->n_accepted && !last))
        return;
    size_t n = j->n_accepted - t->n_told;
    api_instance_proof *proofs = engine_new(n, sizeof *proofs);
    api_instance_proof **list = engine_new(n, sizeof *list);
    for (size_t k = 0; k < n; k++) {
        uint32_t index = j->accepted[t->n_told + k];
        proofs[k] = API_INSTANCE_PROOF_INIT;
        proofs[k].job_id = j->id;
        proofs[k].task_id = t->id;
        proofs[k].epoch = j->epoch;
        proofs[k].plan_index = index;
        proofs[k].sha256 = (ProtobufCBinaryData){SHA256_BYTES, j->instances[index].sha256};
        list[k] = &proofs[k];
    }
    api_proof_list none = API_PROOF_LIST_INIT;
    api_agg_params p = API_AGG_PARAMS_INIT;
    p.agg_proofs = &none; // the original's workers want it there
    p.instance_proofs = list;
    p.n_instance_proofs = n;
    p.last_proof = p.final_proof = last;
    api_execute_task_request r = API_EXECUTE_TASK_REQUEST_INIT;
    r.task_type = TASK_TYPE(AGGREGATE);
    r.params_case = TASK_PARAMS(AGG_PARAMS);
    r.agg_params = &p;
    t->n_told = j->n_accepted;
    t->all_sent = last;
    if (last)
        t->by->progress_ms = e->now_ms;
    send_request(e, j, t, &r);
    free(list);
    free(proofs);
}

void task_send(engine *e, job *j, task *t)
{
    if (task_contributes(t))
        send_contribution(e, j, t);
    else if (t->purpose == FOR_FINAL)
        task_feed_aggregator(e, j);
    else
        send_proof_task(e, j, t);
}

void task_tell_stored(engine *e, job *j, worker *w, uint64_t task_id, const uint32_t *index)
{
    api_result_stored s = API_RESULT_STORED_INIT;
    s.job_id = j->id;
    s.task_id = task_id;
    if (index != NULL) {
        s._plan_index_case = ZISK__DISTRIBUTED__API__V1__RESULT_STORED___PLAN_INDEX_PLAN_INDEX;
        s.plan_index = *index;
    }
    api_coordinator_message m = API_COORDINATOR_MESSAGE_INIT;
    m.payload_case = SEND_PAYLOAD(RESULT_STORED);
    m.result_stored = &s;
    worker_send(e, w, &m);
}
