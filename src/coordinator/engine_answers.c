// SPDX-License-Identifier: Apache-2.0 OR MIT
#include "coordinator/engine_internal.h"

#include "base/log.h"

#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>

// The job and the open or closed task that an answer is about, when all names belong together.
static task *find_task(engine *e, const worker *w, const char *job_id, uint64_t id, uint32_t epoch,
                       job **j)
{
    *j = job_by_id(e, job_id);
    task *t = *j != NULL && job_is_running((*j)->state) ? task_by_id(*j, id) : NULL;
    if (t != NULL && t->by == w && t->epoch == epoch)
        return t;
    e->counts.stale_answers++;
    log_debug("coordinator::engine", "an answer that is not waited for", log_str("worker", w->id),
              log_str("job", job_id), log_u64("task", id), log_u64("epoch", epoch));
    return NULL;
}

static void note_progress(engine *e, job *j, worker *w)
{
    w->progress_ms = j->last_progress_ms = e->now_ms;
}

// ---- Failures

static void count_instances(job *j, const task *t, uint32_t *worst)
{
    for (uint32_t i = t->begin; i < t->end; i++) {
        bool missing = task_contributes(t) ? true : j->instances[i].proof == PROOF_NONE;
        if (missing && ++j->instances[i].attempts > *worst)
            *worst = j->instances[i].attempts;
    }
}

bool share_failed(engine *e, job *j, task *t, const char *code, const char *message)
{
    uint32_t worst = 0;
    engine_say(j->last_error, sizeof j->last_error, "%s", message);
    if (t->purpose == FOR_UNITS) {
        for (size_t k = 0; k < j->n_shares; k++)
            if (j->shares[k].first == t->first_unit)
                worst = ++j->shares[k].attempts;
    } else if (t->begin < t->end) {
        count_instances(j, t, &worst);
    } else {
        worst = ++j->final_attempts; // a plan alone, or the final proof
    }
    if (j->aggregator == t->by &&
        (t->purpose == FOR_FINAL || t->purpose == FOR_READY || t->purpose == FOR_SUMS))
        j->aggregator = NULL;
    if (!task_close(e, j, t, TASK_FAILED))
        return false;
    if (worst < e->limits.max_attempts)
        return true;
    job_fail(e, j, code, "tried %u times; the last time: %s", worst, message);
    return false;
}

static void program_failed(engine *e, job *j, task *t, const char *message)
{
    workers_note(&j->program_errors, &j->n_program_errors, t->by);
    engine_say(j->last_error, sizeof j->last_error, "%s", message);
    if (task_close(e, j, t, TASK_MOVED) && j->n_program_errors >= 2)
        job_fail(e, j, "PROGRAM_FAILED", "%s", message);
}

static void input_failed(engine *e, job *j, task *t, const char *message)
{
    workers_note(&j->input_errors, &j->n_input_errors, t->by);
    engine_say(j->last_error, sizeof j->last_error, "%s", message);
    (void)task_close(e, j, t, TASK_MOVED);
}

// Not about the aggregation.
static bool task_about_range(const task *t)
{
    return t->purpose != FOR_FINAL && t->purpose != FOR_READY && t->purpose != FOR_SUMS;
}

static void take_failure(engine *e, job *j, task *t, const api_execute_task_response *r)
{
    worker *w = t->by;
    const char *code = r->error_code;
    char why[REASON_BYTES], text[REASON_BYTES + ID_MAX];
    // These two are the codes of the job that fails so, which says them itself.
    bool known = strcmp(code, "PROGRAM_FAILED") == 0 || strcmp(code, "INPUT_ERROR") == 0;
    engine_say(why, sizeof why, "%.200s%s%.40s",
               r->error_message[0] != 0 ? r->error_message : "no reason was given",
               known || code[0] == 0 ? "" : ", ", known ? "" : code);
    engine_say(text, sizeof text, "worker %s: %s", w->id, why);
    log_warn("coordinator::engine", "a task failed", log_str("job", j->id),
             log_str("worker", w->id), log_u64("task", t->id), log_str("code", code),
             log_str("message", r->error_message));
    event_note(e, j, w, "a task failed: %s", why);
    if (j->aggregator == w && !task_about_range(t))
        j->aggregator = NULL;
    if (strcmp(code, "PROGRAM_FAILED") == 0) {
        program_failed(e, j, t, text);
    } else if (strcmp(code, "INPUT_ERROR") == 0) {
        input_failed(e, j, t, text);
    } else if (strcmp(code, "CONTRIBUTION_MISMATCH") == 0) {
        worker_aside(e, w, j, "contradicts its own contribution");
    } else {
        job_note_erred(j, w);
        (void)share_failed(e, j, t, "WORKER_FAILURE", text);
    }
    if (job_is_running(j->state) && w->job == j && tasks_open(j, w) == 0)
        worker_release(e, w);
    job_pump(e, j);
}

// ---- Contributions

static bool read_facts(plan_facts *f, const api_challenges_list *c)
{
    *f = (plan_facts){.n_instances = c->plan_instances, .steps = c->executed_steps};
    const api_witness_exec_info *info = c->witness_info;
    if (c->plan_instances == 0 || c->plan_instances > JOB_MAX_INSTANCES ||
        c->plan_digest.len == 0 || c->plan_digest.len > PLAN_DIGEST_MAX || info == NULL ||
        info->n_publics != BUNDLE_PUBLICS)
        return false;
    memcpy(f->digest, c->plan_digest.data, c->plan_digest.len);
    f->digest_bytes = c->plan_digest.len;
    for (size_t k = 0; k < BUNDLE_PUBLICS; k++) {
        if (info->publics[k] > UINT32_MAX)
            return false;
        f->publics[k] = (uint32_t)info->publics[k];
    }
    return true;
}

// NULL when the list is what the task asked for, by form; else what is wrong.
static const char *check_list(engine *e, const job *j, const task *t, const api_challenges_list *c)
{
    size_t n = c->n_contributions;
    for (size_t k = 0; k < n; k++) {
        uint32_t index = c->contributions[k]->plan_index;
        if (index >= c->plan_instances ||
            (k > 0 && index != c->contributions[k - 1]->plan_index + 1))
            return "a contribution of an instance outside its task";
        if (!e->hooks.contribution_form(e->hooks.arg, j->program.words, j->program.n_words,
                                        j->program.key, c->contributions[k]))
            return "a malformed contribution";
    }
    if (t->purpose == FOR_UNITS)
        return NULL;
    if (n != t->end - t->begin)
        return "not as many contributions as its task has instances";
    if (n > 0 && c->contributions[0]->plan_index != t->begin)
        return "a contribution of an instance outside its task";
    return NULL;
}

static bool store_contribution(engine *e, job *j, worker *w, const api_instance_contribution *c)
{
    const result_record r = {.epoch = j->epoch,
                             .kind = RESULT_CONTRIBUTION,
                             .instance = c->plan_index,
                             .worker = w->id,
                             .data = c->contribution.data,
                             .size = c->contribution.len};
    return store_add_result(e->store, j->id, &r) == ZK_OK;
}

// The index of the first contribution that differs from a stored one; UINT32_MAX: none.
static uint32_t first_difference(const job *j, const api_challenges_list *c)
{
    for (size_t k = 0; k < c->n_contributions; k++) {
        const api_instance_contribution *m = c->contributions[k];
        const instance *i = &j->instances[m->plan_index];
        if (i->contribution != NULL && !same_bytes(i->contribution, i->contribution_bytes,
                                                   m->contribution.data, m->contribution.len))
            return m->plan_index;
    }
    return UINT32_MAX;
}

static void finish_share(job *j, const task *t)
{
    for (size_t k = 0; t->purpose == FOR_UNITS && k < j->n_shares; k++)
        if (j->shares[k].first == t->first_unit) {
            j->shares[k].done = true;
            j->shares[k].by = t->by;
        }
}

// Stores what is new of the list, with the facts and the task as done: one change of the store.
static bool store_list(engine *e, job *j, task *t, const api_challenges_list *c, bool facts_new)
{
    if (store_begin(e->store) != ZK_OK) {
        job_storage_failed(e, j);
        return false;
    }
    bool ok = true;
    for (size_t k = 0; k < c->n_contributions && ok; k++)
        if (j->instances[c->contributions[k]->plan_index].contribution == NULL)
            ok = store_contribution(e, j, t->by, c->contributions[k]);
    if (!ok)
        job_storage_failed(e, j);
    if (c->n_contributions > 0) {
        t->begin = c->contributions[0]->plan_index;
        t->end = t->begin + (uint32_t)c->n_contributions;
    }
    ok = ok && task_close(e, j, t, TASK_DONE) && (!facts_new || job_save(e, j));
    if (!ok) {
        store_rollback(e->store);
        return false;
    }
    if (store_commit(e->store) == ZK_OK)
        return true;
    job_storage_failed(e, j);
    return false;
}

// A mover's contributions equal the stored ones: now it proves them.
static void go_on_to_proofs(engine *e, job *j, task *t)
{
    uint32_t begin = t->begin, end = t->end;
    for (uint32_t i = begin; i < end; i++) {
        j->instances[i].by = t->by;
        j->instances[i].session = t->by->session;
    }
    while (begin < end && j->instances[begin].proof != PROOF_NONE)
        begin++;
    while (end > begin && j->instances[end - 1].proof != PROOF_NONE)
        end--;
    if (begin < end)
        (void)task_add(e, j, t->by, FOR_PROOFS, begin, end - begin);
}

// The answer is taken as an opinion, or not at all; it is not kept.
static bool pass_answer(engine *e, job *j, task *t)
{
    if (!task_close(e, j, t, TASK_PASSED))
        return false;
    task_tell_stored(e, j, t->by, t->id, NULL);
    return true;
}

static void keep_list(engine *e, job *j, task *t, const api_challenges_list *c, bool facts_new)
{
    worker *w = t->by;
    if (!store_list(e, j, t, c, facts_new))
        return;
    workers_note(&j->supporters, &j->n_supporters, w);
    for (size_t k = 0; k < c->n_contributions; k++) {
        const api_instance_contribution *m = c->contributions[k];
        if (j->instances[m->plan_index].contribution == NULL)
            job_set_contribution(j, m->plan_index, m->contribution.data, m->contribution.len, w);
        if (t->purpose == FOR_AUDIT)
            j->instances[m->plan_index].audited = true;
    }
    finish_share(j, t);
    task_tell_stored(e, j, w, t->id, NULL);
    if (t->purpose == FOR_MOVE)
        go_on_to_proofs(e, j, t);
    else if (t->purpose == FOR_READY)
        (void)task_add(e, j, w, FOR_SUMS, 0, 0);
    event_progress(e, j, true);
}

static void take_list(engine *e, job *j, task *t, const api_challenges_list *c)
{
    worker *w = t->by;
    plan_facts facts;
    if (c == NULL || !read_facts(&facts, c)) {
        worker_aside(e, w, j, "a malformed answer");
        return;
    }
    note_progress(e, j, w);
    if (j->has_facts && !same_facts(&j->facts, &facts)) {
        // The share is done again by whom the election leaves. That the task's range is not in this
        // worker's plan is no lie of its own.
        if (pass_answer(e, j, t))
            election_vote(e, j, w, &facts);
        return;
    }
    const char *bad = check_list(e, j, t, c);
    if (bad != NULL) {
        worker_aside(e, w, j, bad);
        return;
    }
    bool facts_new = !j->has_facts;
    if (facts_new)
        job_set_facts(j, &facts);
    uint32_t differs = first_difference(j, c);
    if (t->purpose == FOR_OPINION || differs != UINT32_MAX) {
        size_t at = t->purpose == FOR_OPINION ? 0 : differs - c->contributions[0]->plan_index;
        const ProtobufCBinaryData *said = &c->contributions[at]->contribution;
        if (!pass_answer(e, j, t))
            return;
        if (t->purpose == FOR_OPINION)
            dispute_opinion(e, j, w, said->data, said->len);
        else
            dispute_open(e, j, differs, w, said->data, said->len);
        return;
    }
    keep_list(e, j, t, c, facts_new);
}

// ---- Proofs

// Of the job's epoch as it is.
static void check_send(engine *e, const check *c)
{
    const job *j = c->job;
    contribution_list all = contributions_of(j);
    const check_request r = {.ticket = c->ticket,
                             .kind = c->kind,
                             .job = j->id,
                             .epoch = c->epoch,
                             .key_words = j->program.words,
                             .n_key_words = j->program.n_words,
                             .program_key = j->program.key,
                             .publics = j->facts.publics,
                             .contributions =
                                 (const api_instance_contribution *const *)all.pointers,
                             .n_contributions = all.n,
                             .plan_index = c->index,
                             .proof = c->kind == CHECK_PROOF ? c->bytes : NULL,
                             .proof_bytes = c->kind == CHECK_PROOF ? c->n_bytes : 0,
                             .sha256 = c->kind == CHECK_FINAL ? c->sha256 : NULL};
    e->hooks.check(e->hooks.arg, &r);
    contributions_clear(&all);
}

void check_ask(engine *e, job *j, check_kind kind, task *t, uint32_t index, const uint8_t *data,
               size_t n, bool again)
{
    e->checks = engine_grow(e->checks, e->n_checks, sizeof *e->checks);
    check *c = &e->checks[e->n_checks++];
    *c = (check){.ticket = e->next_ticket++,
                 .kind = kind,
                 .job = j,
                 .epoch = j->epoch,
                 .index = index,
                 .task = t != NULL ? t->id : 0,
                 .by = t != NULL ? t->by : NULL,
                 .again = again};
    if (kind == CHECK_PROOF) {
        c->bytes = engine_new(n, 1);
        memcpy(c->bytes, data, n);
        c->n_bytes = n;
    } else if (kind == CHECK_FINAL) {
        memcpy(c->sha256, data, SHA256_BYTES);
    }
    check_send(e, c);
}

void check_undecided(engine *e, check *c, const char *reason)
{
    log_warn("coordinator::engine", "a check could not be done", log_str("job", c->job->id),
             log_u64("instance", c->index), log_str("reason", reason));
    c->due_ms = e->now_ms + CHECK_AGAIN_MS;
    if (++c->undecided >= CHECK_TRIES && job_is_running(c->job->state))
        job_fail(e, c->job, "CHECK_FAILED", "what workers delivered cannot be checked: %.150s",
                 reason);
}

void checks_tick(engine *e, const job *j)
{
    for (size_t k = 0; k < e->n_checks; k++) {
        check *c = &e->checks[k];
        if (c->job != j || c->due_ms == 0 || c->due_ms > e->now_ms)
            continue;
        c->due_ms = 0;
        check_send(e, c);
    }
}

void checks_drop(engine *e, const job *j, uint32_t below_epoch)
{
    e->hooks.forget_checks(e->hooks.arg, j->id, below_epoch);
    size_t kept = 0;
    for (size_t k = 0; k < e->n_checks; k++) {
        check *c = &e->checks[k];
        if (c->job == j && c->epoch < below_epoch)
            free(c->bytes);
        else
            e->checks[kept++] = *c;
    }
    e->n_checks = kept;
}

static bool task_has_checks(const engine *e, const job *j, const task *t)
{
    for (size_t k = 0; k < e->n_checks; k++)
        if (e->checks[k].job == j && e->checks[k].task == t->id)
            return true;
    return false;
}

// The worker said that it is through, and no check is out: is all there?
static void finish_proofs(engine *e, job *j, task *t)
{
    if (!t->answered || t->state != TASK_OPEN || task_has_checks(e, j, t))
        return;
    worker *w = t->by;
    for (uint32_t i = t->begin; i < t->end && !job_simulated(j); i++) {
        if (j->instances[i].proof == PROOF_ACCEPTED)
            continue;
        if (j->instances[i].proof == PROOF_CHECKING)
            return; // another worker's copy
        char text[REASON_BYTES];
        engine_say(text, sizeof text, "worker %s did not deliver the proof of instance %u", w->id,
                   i);
        job_note_erred(j, w);
        (void)share_failed(e, j, t, "WORKER_FAILURE", text);
        job_pump(e, j);
        return;
    }
    if (!task_close(e, j, t, TASK_DONE))
        return;
    task_tell_stored(e, j, w, t->id, NULL);
    w->has_epoch = true;
    if (t->purpose == FOR_SUMS)
        (void)task_add(e, j, w, FOR_FINAL, 0, 0);
    for (uint32_t i = t->begin; i < t->end && job_simulated(j); i++)
        j->instances[i].proof = PROOF_ACCEPTED; // nobody will look at them
    job_pump(e, j);
}

// After a check: tasks that only waited for it.
static void finish_answered(engine *e, job *j)
{
    for (size_t k = 0; k < j->n_tasks && job_is_running(j->state); k++)
        if (j->tasks[k]->purpose != FOR_FINAL)
            finish_proofs(e, j, j->tasks[k]);
}

void answer_proof(engine *e, worker *w, const api_instance_proof *p)
{
    job *j;
    task *t = find_task(e, w, p->job_id, p->task_id, p->epoch, &j);
    if (t == NULL)
        return;
    uint32_t index = p->plan_index;
    if (t->epoch != j->epoch || (t->state != TASK_OPEN && t->state != TASK_DONE)) {
        e->counts.stale_answers++;
        if (t->state == TASK_PASSED || t->state == TASK_DONE)
            task_tell_stored(e, j, w, t->id, &index);
        return;
    }
    if (t->purpose != FOR_PROOFS || index < t->begin || index >= t->end) {
        worker_aside(e, w, j, "a proof of an instance outside its task");
        job_pump(e, j);
        return;
    }
    instance *i = &j->instances[index];
    if (i->proof == PROOF_CHECKING)
        return; // acknowledged with the first copy
    if (i->proof == PROOF_ACCEPTED || job_simulated(j)) {
        note_progress(e, j, w);
        task_tell_stored(e, j, w, t->id, &index);
        return;
    }
    if (p->proof.len == 0 || p->proof.len > RESULT_BYTES_MAX) {
        worker_aside(e, w, j, "a proof without bytes");
        job_pump(e, j);
        return;
    }
    note_progress(e, j, w);
    i->proof = PROOF_CHECKING;
    check_ask(e, j, CHECK_PROOF, t, index, p->proof.data, p->proof.len, false);
}

static void accept_proof(engine *e, job *j, const check *c)
{
    instance *i = &j->instances[c->index];
    task *t = task_by_id(j, c->task);
    const result_record r = {.epoch = j->epoch,
                             .kind = RESULT_PROOF,
                             .instance = c->index,
                             .worker = c->by != NULL ? c->by->id : "",
                             .data = c->bytes,
                             .size = c->n_bytes};
    if (!c->again && store_add_result(e->store, j->id, &r) != ZK_OK) {
        i->proof = PROOF_NONE;
        job_storage_failed(e, j);
        return;
    }
    i->proof = PROOF_ACCEPTED;
    SHA256(c->bytes, c->n_bytes, i->sha256);
    j->accepted[j->n_accepted++] = c->index;
    if (t != NULL) {
        t->done++;
        t->begun_ms = e->now_ms;
        task_tell_stored(e, j, c->by, t->id, &c->index);
    }
    finish_answered(e, j);
    if (!job_is_running(j->state))
        return;
    event_progress(e, j, false);
    if (j->n_accepted == j->high - j->low)
        job_pump(e, j);
    else
        task_feed_aggregator(e, j);
}

static void refuse_proof(engine *e, job *j, const check *c, const char *reason)
{
    j->instances[c->index].proof = PROOF_NONE;
    char text[REASON_BYTES];
    engine_say(text, sizeof text, "its proof of instance %u was refused: %.150s", c->index, reason);
    if (c->again) {
        log_warn("coordinator::engine", "a stored proof is refused and will be asked for again",
                 log_str("job", j->id), log_u64("instance", c->index), log_str("reason", reason));
        if (store_forget_results(e->store, j->id, j->epoch, RESULT_PROOF, c->index) != ZK_OK)
            job_storage_failed(e, j);
    } else {
        worker_aside(e, c->by, j, text);
    }
    finish_answered(e, j);
    job_pump(e, j);
}

// ---- The end

static void take_final(engine *e, job *j, task *t, const api_final_proof *f)
{
    if (!t->all_sent || f == NULL || f->sha256.len != SHA256_BYTES) {
        job_note_erred(j, t->by);
        (void)share_failed(e, j, t, "WORKER_FAILURE",
                           f == NULL || f->sha256.len != SHA256_BYTES
                               ? "an answer without the digest of a final proof"
                               : "a final proof before all parts were there");
        job_pump(e, j);
        return;
    }
    if (!e->hooks.has_artifact(e->hooks.arg, f->sha256.data)) {
        job_note_erred(j, t->by);
        (void)share_failed(e, j, t, "WORKER_FAILURE", "the final proof was not uploaded");
        job_pump(e, j);
        return;
    }
    note_progress(e, j, t->by);
    if (t->answered)
        return; // being checked
    t->answered = true;
    check_ask(e, j, CHECK_FINAL, t, 0, f->sha256.data, 0, false);
}

static void accept_final(engine *e, job *j, const check *c)
{
    task *t = task_by_id(j, c->task);
    j->has_proof = true;
    memcpy(j->proof_sha256, c->sha256, SHA256_BYTES);
    j->proof_bytes =
        e->hooks.artifact_bytes != NULL ? e->hooks.artifact_bytes(e->hooks.arg, c->sha256) : 0;
    if (t != NULL && t->state == TASK_OPEN)
        t->state = TASK_DONE; // its row goes with the job
    job_complete(e, j);
    if (j->state == JOB_COMPLETED)
        task_tell_stored(e, j, c->by, c->task, NULL);
    else
        j->has_proof = false;
}

void answer_checked(engine *e, check *c, bool ok, const char *reason)
{
    job *j = c->job;
    if (!job_is_running(j->state) || c->epoch != j->epoch)
        return;
    if (c->kind == CHECK_PROOF && ok) {
        accept_proof(e, j, c);
    } else if (c->kind == CHECK_PROOF) {
        refuse_proof(e, j, c, reason);
    } else if (c->kind == CHECK_TOTAL && ok) {
        j->total_ok = true;
        job_pump(e, j);
    } else if (c->kind == CHECK_TOTAL) {
        event_note(e, j, NULL, "all proofs are accepted and do not fit together: %s", reason);
        j->auditing = true;
        job_pump(e, j);
    } else if (ok) {
        accept_final(e, j, c);
    } else {
        char text[REASON_BYTES];
        engine_say(text, sizeof text, "its final proof was refused: %.150s", reason);
        worker_aside(e, c->by, j, text);
        job_pump(e, j);
    }
}

// ---- Messages

void answer_response(engine *e, worker *w, const api_execute_task_response *r)
{
    if (!r->success && strcmp(r->error_code, "CANCELLED") == 0) {
        worker_cancelled(e, w, r->job_id);
        return;
    }
    job *j;
    task *t = find_task(e, w, r->job_id, r->task_id, r->epoch, &j);
    if (t == NULL)
        return;
    if (t->state != TASK_OPEN) { // open ones are of this epoch
        t->answered = true;
        if (t->state != TASK_DONE)
            e->counts.stale_answers++;
        if (t->state == TASK_DONE || t->state == TASK_PASSED)
            task_tell_stored(e, j, w, t->id, NULL);
        return;
    }
    if (!r->success) {
        t->answered = true;
        take_failure(e, j, t, r);
        return;
    }
    bool has = r->result_data_case != 0;
    if (task_contributes(t)) {
        has = r->result_data_case ==
              ZISK__DISTRIBUTED__API__V1__EXECUTE_TASK_RESPONSE__RESULT_DATA_CHALLENGES;
        t->answered = true;
        take_list(e, j, t, has ? r->challenges : NULL);
        job_pump(e, j);
    } else if (t->purpose == FOR_FINAL) {
        has = r->result_data_case ==
              ZISK__DISTRIBUTED__API__V1__EXECUTE_TASK_RESPONSE__RESULT_DATA_FINAL_PROOF;
        take_final(e, j, t, has ? r->final_proof : NULL);
    } else {
        note_progress(e, j, w);
        t->answered = true;
        finish_proofs(e, j, t);
    }
}

// Instances that a worker can be through with in a task.
static uint32_t instances_of(const job *j, const task *t)
{
    if (t->purpose == FOR_UNITS)
        return JOB_MAX_INSTANCES; // the plan is known with the answer
    return t->purpose == FOR_FINAL ? j->high - j->low : t->end - t->begin;
}

// Only what grows is progress, and only as far as the task goes: a worker that repeats itself
// stalls, and one that makes up numbers comes to their end. Proofs count when they come.
void answer_progress(engine *e, worker *w, const api_task_progress *p)
{
    job *j;
    task *t = find_task(e, w, p->job_id, p->task_id, p->epoch, &j);
    if (t == NULL || t->state != TASK_OPEN)
        return;
    uint32_t most = instances_of(j, t);
    t->total = p->instances_total < most ? p->instances_total : most;
    uint32_t done = p->instances_done < t->total ? p->instances_done : t->total;
    uint64_t steps = p->steps_done;
    if (j->plan.max_steps != 0 && steps > j->plan.max_steps)
        steps = j->plan.max_steps;
    bool grows = t->purpose != FOR_PROOFS && (done > t->done || steps > t->steps);
    if (grows) {
        t->done = done > t->done ? done : t->done;
        t->steps = steps > t->steps ? steps : t->steps;
        note_progress(e, j, w);
    }
    event_progress(e, j, false);
}

void answer_error(engine *e, worker *w, const api_worker_error *r)
{
    job *j = w->job;
    log_warn("coordinator::engine", "a worker reports an error", log_str("worker", w->id),
             log_str("job", r->job_id), log_str("message", r->error_message));
    if (j == NULL || strcmp(j->id, r->job_id) != 0)
        return;
    job_note_erred(j, w);
    char text[REASON_BYTES];
    engine_say(text, sizeof text, "worker %s: %.150s", w->id, r->error_message);
    for (size_t k = 0; k < j->n_tasks && job_is_running(j->state); k++)
        if (j->tasks[k]->by == w && j->tasks[k]->state == TASK_OPEN)
            (void)share_failed(e, j, j->tasks[k], "WORKER_FAILURE", text);
    if (job_is_running(j->state)) {
        worker_part(e, w);
        worker_cancel(e, w, j->id, "its tasks moved after an error");
    }
    job_pump(e, j);
}
