// SPDX-License-Identifier: Apache-2.0 OR MIT
#include "coordinator/engine_internal.h"

#include "base/log.h"

#include <stdlib.h>
#include <string.h>

bool same_facts(const plan_facts *a, const plan_facts *b)
{
    return a->n_instances == b->n_instances && a->steps == b->steps &&
           same_bytes(a->digest, a->digest_bytes, b->digest, b->digest_bytes) &&
           memcmp(a->publics, b->publics, sizeof a->publics) == 0;
}

// ---- Contributions taken back

// In phase 1 nobody has computed with them yet, so they just go; later they stand until another
// worker's differ, which makes a new epoch.
static bool drop_contributions(engine *e, job *j, const worker *w)
{
    for (uint32_t i = 0; j->has_facts && i < j->facts.n_instances; i++) {
        if (j->instances[i].by != w || j->instances[i].contribution == NULL)
            continue;
        if (store_forget_results(e->store, j->id, j->epoch, RESULT_CONTRIBUTION, i) != ZK_OK) {
            job_storage_failed(e, j);
            return false;
        }
        job_clear_contribution(j, i);
    }
    for (size_t k = 0; k < j->n_tasks; k++) {
        task *t = j->tasks[k];
        bool said =
            t->by == w && t->state == TASK_DONE && task_contributes(t) && t->epoch == j->epoch;
        if (said && !task_close(e, j, t, TASK_MOVED))
            return false;
    }
    for (size_t k = 0; k < j->n_shares && j->epoch == 0; k++)
        if (j->shares[k].by == w)
            j->shares[k].done = false;
    j->low = 0;
    j->high = j->facts.n_instances;
    return true;
}

// Ranges of a plan that does not stand any more, and the quarrel about one of its instances:
// whoever is asked about them could only give an answer that looks like a lie. False: the job
// failed.
static bool drop_questions(engine *e, job *j)
{
    for (size_t k = 0; k < j->n_opinions; k++)
        free(j->opinions[k].bytes);
    j->n_opinions = 0;
    j->disputed = false;
    for (size_t k = 0; k < j->n_tasks; k++) {
        task *t = j->tasks[k];
        bool asks = t->state == TASK_OPEN && (t->begin < t->end || t->purpose == FOR_OPINION);
        if (asks && !task_close(e, j, t, TASK_PASSED))
            return false;
    }
    return true;
}

// Nobody is left who said what the facts say. After drop_questions.
static void forget_facts(job *j)
{
    for (uint32_t i = 0; i < j->facts.n_instances; i++)
        free(j->instances[i].contribution);
    free(j->instances);
    free(j->accepted);
    j->instances = NULL;
    j->accepted = NULL;
    j->n_accepted = 0;
    j->has_facts = false;
    j->low = j->high = 0;
}

static void drop_opinions_of(job *j, const worker *w)
{
    size_t kept = 0;
    for (size_t k = 0; k < j->n_votes; k++)
        if (j->votes[k].by != w)
            j->votes[kept++] = j->votes[k];
    j->n_votes = kept;
    workers_drop(j->supporters, &j->n_supporters, w);
}

void worker_aside(engine *e, worker *w, job *j, const char *reason)
{
    if (w->state == WORKER_ASIDE)
        return;
    log_error("coordinator::engine", "a worker is set aside", log_str("worker", w->id),
              log_str("job", j->id), log_str("reason", reason));
    event_note(e, j, w, "set aside: %s", reason);
    ZK_ASSERT(worker_step(&w->state, WORKER_LIED) == ZK_OK);
    engine_say(w->reason, sizeof w->reason, "set aside: %.200s", reason);
    e->counts.set_aside++;
    job *own = w->job;
    bool again = job_is_running(j->state) && job_departure(e, j, w, w->reason);
    if (own != NULL && job_is_running(own->state))
        tasks_move(e, own, w, own == j && again, "was set aside");
    worker_part(e, w);
    worker_cancel(e, w, j->id, reason);
    if (!job_is_running(j->state))
        return;
    drop_opinions_of(j, w);
    if (j->state != JOB_CONTRIBUTIONS || !drop_contributions(e, j, w))
        return;
    if (j->has_facts && j->n_supporters == 0 && j->n_votes == 0 && j->epoch == 0 &&
        drop_questions(e, j)) {
        forget_facts(j);
        (void)job_save(e, j);
    }
}

// ---- Epochs

static void reset_proofs(job *j)
{
    for (uint32_t i = 0; i < j->facts.n_instances; i++) {
        j->instances[i].proof = PROOF_NONE;
        j->instances[i].attempts = 0;
        j->instances[i].audited = false;
    }
    j->n_accepted = 0;
    j->total_asked = j->total_ok = j->auditing = false;
    j->aggregator = NULL;
    j->final_attempts = 0;
}

static bool copy_contributions(engine *e, job *j)
{
    for (uint32_t i = 0; i < j->facts.n_instances; i++) {
        const instance *in = &j->instances[i];
        if (in->contribution == NULL)
            continue;
        const result_record r = {.epoch = j->epoch,
                                 .kind = RESULT_CONTRIBUTION,
                                 .instance = i,
                                 .worker = in->by->id,
                                 .data = in->contribution,
                                 .size = in->contribution_bytes};
        if (store_add_result(e->store, j->id, &r) != ZK_OK)
            return false;
    }
    return true;
}

void job_new_epoch(engine *e, job *j, const char *why)
{
    for (size_t k = 0; k < j->n_tasks && job_is_running(j->state); k++)
        if (j->tasks[k]->state == TASK_OPEN)
            (void)task_close(e, j, j->tasks[k], TASK_PASSED);
    if (!job_is_running(j->state))
        return;
    j->epoch++;
    e->counts.epochs_started++;
    checks_drop(e, j, j->epoch);
    reset_proofs(j);
    for (uint32_t i = 0; i < j->facts.n_instances; i++)
        if (j->instances[i].by != NULL && j->instances[i].by->state == WORKER_ASIDE)
            job_clear_contribution(j, i);
    for (size_t k = 0; k < j->n_shares; k++)
        j->shares[k].done = true; // from here on shares are ranges of the plan
    for (size_t k = 0; k < e->n_workers; k++)
        if (e->workers[k]->job == j)
            e->workers[k]->has_epoch = false;
    if (!batch_write(e, j))
        return;
    if (!copy_contributions(e, j)) {
        job_storage_failed(e, j);
        return;
    }
    event_note(e, j, NULL, "epoch %u begins: %s", j->epoch, why);
    job_step_saved(e, j, JOB_NEW_EPOCH);
}

// ---- Opinions: who is believed

// The votes as groups. *best: the largest group's first member, *n_best its size, *tied: another is
// as large.
static void count_opinions(const opinion *list, size_t n, bool about_facts, size_t *best,
                           size_t *n_best, bool *tied)
{
    *best = *n_best = 0;
    *tied = false;
    for (size_t a = 0; a < n; a++) {
        size_t size = 0;
        bool first = true;
        for (size_t b = 0; b < n; b++) {
            bool same = about_facts ? same_facts(&list[a].facts, &list[b].facts)
                                    : same_bytes(list[a].bytes, list[a].n_bytes, list[b].bytes,
                                                 list[b].n_bytes);
            if (same && b < a)
                first = false;
            size += same;
        }
        if (!first)
            continue;
        *tied = size == *n_best;
        if (size > *n_best) {
            *n_best = size;
            *best = a;
            *tied = false;
        }
    }
}

static bool opinion_open(const job *j, task_purpose p)
{
    for (size_t k = 0; k < j->n_tasks; k++)
        if (j->tasks[k]->state == TASK_OPEN && j->tasks[k]->purpose == p)
            return true;
    return false;
}

// Whoever could be asked is at another job, which may wait for workers of this one: so this one
// keeps nobody. An aggregation is begun anew when it is needed.
static void keep_nobody(engine *e, job *j)
{
    for (size_t k = 0; k < j->n_tasks && job_is_running(j->state); k++) {
        task *t = j->tasks[k];
        if (t->state == TASK_OPEN &&
            (t->purpose == FOR_FINAL || t->purpose == FOR_READY || t->purpose == FOR_SUMS))
            (void)task_close(e, j, t, TASK_PASSED);
    }
    j->aggregator = NULL;
    for (size_t k = 0; k < e->n_workers && job_is_running(j->state); k++)
        if (e->workers[k]->job == j && tasks_open(j, e->workers[k]) == 0)
            worker_release(e, e->workers[k]);
}

// Asks one more worker. False: nobody is there now. The job fails when nobody will ever be.
static bool ask_another(engine *e, job *j, task_purpose p, const opinion *list, size_t n,
                        uint32_t first, uint32_t count)
{
    worker **asked = NULL;
    size_t n_asked = 0;
    for (size_t k = 0; k < n; k++)
        workers_note(&asked, &n_asked, list[k].by);
    worker *w = worker_pick(e, j, asked, n_asked);
    bool some_day = w != NULL || worker_exists(e, j, asked, n_asked);
    free(asked);
    if (w != NULL) {
        event_note(e, j, w, "asked for its opinion");
        (void)task_add(e, j, w, p, first, count);
        return true;
    }
    bool waited = j->waiting_ms != 0 && e->now_ms - j->waiting_ms > e->limits.capacity_timeout_ms;
    if (!some_day || waited)
        job_fail(e, j, "CONTRIBUTIONS_DISAGREE",
                 "workers disagree and there is no other worker to ask");
    else if (j->waiting_ms == 0)
        j->waiting_ms = e->now_ms;
    keep_nobody(e, j);
    return false;
}

// ---- Elections: about the plan

void election_vote(engine *e, job *j, worker *w, const plan_facts *f)
{
    event_note(e, j, w, "sees another plan than the others");
    drop_opinions_of(j, w);
    j->votes = engine_grow(j->votes, j->n_votes, sizeof *j->votes);
    j->votes[j->n_votes++] = (opinion){.by = w, .facts = *f};
}

static bool plan_answers_open(const job *j)
{
    for (size_t k = 0; k < j->n_tasks; k++) {
        const task *t = j->tasks[k];
        if (t->state != TASK_OPEN || !task_contributes(t))
            continue;
        bool voted = workers_hold(j->supporters, j->n_supporters, t->by);
        for (size_t v = 0; v < j->n_votes; v++)
            voted |= j->votes[v].by == t->by;
        if (!voted)
            return true;
    }
    return false;
}

static void elect(engine *e, job *j, const opinion *all, size_t n, size_t best)
{
    plan_facts facts = all[best].facts;
    bool changed = !same_facts(&facts, &j->facts);
    worker **losers = NULL, **winners = NULL;
    size_t n_losers = 0, n_winners = 0;
    for (size_t k = 0; k < n; k++) {
        if (same_facts(&all[k].facts, &facts))
            workers_note(&winners, &n_winners, all[k].by);
        else
            workers_note(&losers, &n_losers, all[k].by);
    }
    j->n_votes = 0;
    if (changed && job_is_running(j->state)) {
        bool later = j->state != JOB_CONTRIBUTIONS || j->epoch > 0;
        // All contributions were to another plan.
        for (uint32_t i = 0; i < j->facts.n_instances; i++)
            job_clear_contribution(j, i);
        if (store_forget_results(e->store, j->id, j->epoch, RESULT_CONTRIBUTION, UINT32_MAX) !=
            ZK_OK)
            job_storage_failed(e, j);
        for (size_t k = 0; k < j->n_tasks && job_is_running(j->state); k++) {
            task *t = j->tasks[k];
            if (t->state == TASK_DONE && task_contributes(t) && t->epoch == j->epoch)
                (void)task_close(e, j, t, TASK_PASSED);
        }
        if (job_is_running(j->state))
            (void)drop_questions(e, j);
        forget_facts(j);
        job_set_facts(j, &facts);
        for (size_t k = 0; k < j->n_shares && !later; k++)
            j->shares[k].done = false;
        if (later && job_is_running(j->state))
            job_new_epoch(e, j, "the plan was a lie");
        else if (job_is_running(j->state))
            (void)job_save(e, j);
    }
    free(j->supporters);
    j->supporters = winners;
    j->n_supporters = n_winners;
    for (size_t k = 0; k < n_losers; k++)
        worker_aside(e, losers[k], j, "its plan differs from that of the majority");
    free(losers);
}

static bool settle_election(engine *e, job *j)
{
    if (j->n_votes == 0)
        return true;
    size_t n = j->n_supporters + j->n_votes;
    opinion *all = engine_new(n, sizeof *all);
    for (size_t k = 0; k < j->n_supporters; k++)
        all[k] = (opinion){.by = j->supporters[k], .facts = j->facts};
    memcpy(all + j->n_supporters, j->votes, j->n_votes * sizeof *all);
    size_t best, n_best;
    bool tied;
    count_opinions(all, n, true, &best, &n_best, &tied);
    bool settled = false;
    if (plan_answers_open(j)) {
        // They are opinions too.
    } else if (n_best >= 2 && !tied) {
        elect(e, j, all, n, best);
        settled = true;
    } else {
        (void)ask_another(e, j, FOR_PLAN, all, n, 0, 0);
    }
    free(all);
    return settled;
}

// ---- Disputes: about one contribution

static void add_opinion(job *j, worker *w, const uint8_t *data, size_t n)
{
    j->opinions = engine_grow(j->opinions, j->n_opinions, sizeof *j->opinions);
    opinion *o = &j->opinions[j->n_opinions++];
    *o = (opinion){.by = w, .bytes = engine_new(n, 1), .n_bytes = n};
    memcpy(o->bytes, data, n);
}

void dispute_open(engine *e, job *j, uint32_t index, worker *w, const uint8_t *data, size_t n)
{
    event_note(e, j, w, "gives another contribution of instance %u", index);
    if (j->disputed)
        return; // one at a time; this one comes up again when its share is done again
    const instance *i = &j->instances[index];
    j->disputed = true;
    j->disputed_index = index;
    add_opinion(j, i->by, i->contribution, i->contribution_bytes);
    add_opinion(j, w, data, n);
}

void dispute_opinion(engine *e, job *j, worker *w, const uint8_t *data, size_t n)
{
    (void)e;
    if (j->disputed)
        add_opinion(j, w, data, n);
}

static void end_dispute(engine *e, job *j, size_t best)
{
    const opinion *truth = &j->opinions[best];
    bool stored_lies =
        !same_bytes(truth->bytes, truth->n_bytes, j->opinions[0].bytes, j->opinions[0].n_bytes);
    worker **losers = NULL;
    size_t n_losers = 0;
    for (size_t k = 0; k < j->n_opinions; k++)
        if (!same_bytes(j->opinions[k].bytes, j->opinions[k].n_bytes, truth->bytes, truth->n_bytes))
            workers_note(&losers, &n_losers, j->opinions[k].by);
    for (size_t k = 0; k < j->n_opinions; k++)
        free(j->opinions[k].bytes);
    j->n_opinions = 0;
    j->disputed = false;
    for (size_t k = 0; k < n_losers; k++)
        worker_aside(e, losers[k], j, "its contribution differs from that of other workers");
    free(losers);
    if (stored_lies && job_is_running(j->state) && j->state != JOB_CONTRIBUTIONS)
        job_new_epoch(e, j, "a contribution was a lie");
}

static bool settle_dispute(engine *e, job *j)
{
    if (!j->disputed)
        return true;
    // A worker that was set aside meanwhile has no say.
    size_t standing = 0, last = 0;
    for (size_t k = 0; k < j->n_opinions; k++)
        if (j->opinions[k].by->state != WORKER_ASIDE) {
            standing++;
            last = k;
        }
    size_t best, n_best;
    bool tied;
    count_opinions(j->opinions, j->n_opinions, false, &best, &n_best, &tied);
    if (standing == 1) {
        end_dispute(e, j, last);
        return true;
    }
    if (opinion_open(j, FOR_OPINION))
        return false;
    if (n_best >= 2 && !tied) {
        end_dispute(e, j, best);
        return true;
    }
    (void)ask_another(e, j, FOR_OPINION, j->opinions, j->n_opinions, j->disputed_index, 1);
    return false;
}

bool lies_settle(engine *e, job *j)
{
    bool election = settle_election(e, j);
    if (!job_is_running(j->state))
        return false;
    bool dispute = settle_dispute(e, j);
    return election && dispute && job_is_running(j->state);
}

// ---- Audits

static bool under_audit(const job *j, uint32_t index)
{
    for (size_t k = 0; k < j->n_tasks; k++) {
        const task *t = j->tasks[k];
        if (t->purpose == FOR_AUDIT && t->state == TASK_OPEN && index >= t->begin && index < t->end)
            return true;
    }
    return false;
}

bool audit_pump(engine *e, job *j)
{
    bool open = false, waits = false;
    for (uint32_t i = j->low; i < j->high && job_is_running(j->state);) {
        uint32_t end = i + 1;
        worker *by = j->instances[i].by;
        if (j->instances[i].audited || under_audit(j, i)) {
            open |= !j->instances[i].audited;
            i = end;
            continue;
        }
        while (end < j->high && j->instances[end].by == by && !j->instances[end].audited &&
               !under_audit(j, end))
            end++;
        worker *other = worker_pick(e, j, &by, 1);
        if (other != NULL) {
            (void)task_add(e, j, other, FOR_AUDIT, i, end - i);
            open = true;
        } else {
            waits |= worker_exists(e, j, &by, 1);
        }
        i = end;
    }
    if (!job_is_running(j->state) || open)
        return true;
    if (waits)
        keep_nobody(e, j);
    else
        job_fail(e, j, "PROOF_REJECTED",
                 "all proofs are accepted, the sum over the bus is not zero, and no worker's "
                 "contributions differ from another's");
    return !waits;
}
