// SPDX-License-Identifier: Apache-2.0 OR MIT
#include "coordinator/engine_internal.h"

#include "base/log.h"

#include <stdlib.h>
#include <string.h>

void job_set_facts(job *j, const plan_facts *f)
{
    ZK_ASSERT(j->instances == NULL);
    j->facts = *f;
    j->has_facts = true;
    j->instances = engine_new(f->n_instances, sizeof *j->instances);
    j->accepted = engine_new(f->n_instances, sizeof *j->accepted);
    j->low = 0;
    j->high = f->n_instances;
}

void job_set_contribution(job *j, uint32_t index, const uint8_t *data, size_t n, worker *by)
{
    instance *i = &j->instances[index];
    job_clear_contribution(j, index);
    i->contribution = engine_new(n, 1);
    memcpy(i->contribution, data, n);
    i->contribution_bytes = n;
    i->by = by;
    i->session = by->session;
}

void job_clear_contribution(job *j, uint32_t index)
{
    instance *i = &j->instances[index];
    free(i->contribution);
    i->contribution = NULL;
    i->contribution_bytes = 0;
    i->by = NULL;
}

// Instances that an open task will bring contributions of (or proofs, when `proofs`).
static bool *covered_instances(const job *j, bool proofs)
{
    bool *covered = engine_new(j->facts.n_instances, sizeof *covered);
    for (size_t k = 0; k < j->n_tasks; k++) {
        const task *t = j->tasks[k];
        if (t->state != TASK_OPEN || t->epoch != j->epoch)
            continue;
        bool counts =
            proofs ? t->purpose == FOR_PROOFS || t->purpose == FOR_MOVE : t->purpose == FOR_RANGE;
        if (counts)
            memset(covered + t->begin, true, t->end - t->begin);
    }
    return covered;
}

// How many workers could share what has to be done anew, so that none gets it all.
static uint32_t count_helpers(const engine *e, const job *j)
{
    uint32_t n = 0;
    for (size_t k = 0; k < e->n_workers; k++) {
        const worker *w = e->workers[k];
        n += w->connected && worker_fits(w, j) && (w->job == j || w->state == WORKER_IDLE);
    }
    return n > 0 ? n : 1;
}

// The worker holds what it committed for the whole run, so that it can prove at once.
static bool holds_run(const job *j, const worker *w, uint32_t begin, uint32_t end)
{
    for (uint32_t i = begin; i < end; i++)
        if (j->instances[i].by != w || j->instances[i].session != w->session)
            return false;
    return w->job == j;
}

// False: nobody is there to take it.
static bool assign_run(engine *e, job *j, bool proofs, uint32_t begin, uint32_t end)
{
    worker *own = j->instances[begin].by;
    bool stays = proofs && own != NULL && worker_fits(own, j) && holds_run(j, own, begin, end) &&
                 (own->connected || e->now_ms - own->lost_ms < e->limits.reconnect_grace_ms);
    worker *w = stays ? own : worker_pick(e, j, NULL, 0);
    if (w == NULL)
        return false;
    task_purpose purpose = !proofs                       ? FOR_RANGE
                           : holds_run(j, w, begin, end) ? FOR_PROOFS
                                                         : FOR_MOVE;
    (void)task_add(e, j, w, purpose, begin, end - begin);
    return true;
}

// Gives away all instances of the job that lack a contribution (a proof) and that no open task
// brings. A run ends where the one who contributed changes.
static bool assign_missing(engine *e, job *j, bool proofs)
{
    bool *covered = covered_instances(j, proofs);
    uint32_t helpers = count_helpers(e, j);
    bool all = true;
    for (uint32_t i = j->low; i < j->high && job_is_running(j->state);) {
        const instance *first = &j->instances[i];
        bool there = proofs ? first->proof != PROOF_NONE : first->contribution != NULL;
        if (covered[i] || there) {
            i++;
            continue;
        }
        uint32_t end = i + 1;
        while (end < j->high && !covered[end] && j->instances[end].by == first->by &&
               j->instances[end].session == first->session &&
               (proofs ? j->instances[end].proof == PROOF_NONE
                       : j->instances[end].contribution == NULL))
            end++;
        worker *own = first->by;
        bool in_one = proofs && own != NULL && holds_run(j, own, i, end);
        uint32_t part = in_one ? end - i : (end - i - 1) / helpers + 1;
        for (; i < end && job_is_running(j->state); i += part)
            all &= assign_run(e, j, proofs, i, end - i < part ? end : i + part);
        i = end;
    }
    free(covered);
    return all;
}

static bool unit_task_open(const job *j, uint32_t first)
{
    for (size_t k = 0; k < j->n_tasks; k++)
        if (j->tasks[k]->purpose == FOR_UNITS && j->tasks[k]->state == TASK_OPEN &&
            j->tasks[k]->first_unit == first)
            return true;
    return false;
}

// Shares by units that nobody is at. False: somebody is lacking.
static bool assign_units(engine *e, job *j)
{
    bool all = true;
    for (size_t k = 0; k < j->n_shares && job_is_running(j->state); k++) {
        unit_share *s = &j->shares[k];
        if (s->done || unit_task_open(j, s->first))
            continue;
        worker *w = s->by;
        if (w == NULL || !w->connected || w->job != j || !worker_fits(w, j) ||
            workers_hold(j->failed, j->n_failed, w) ||
            workers_hold(j->input_errors, j->n_input_errors, w) ||
            workers_hold(j->program_errors, j->n_program_errors, w))
            w = worker_pick(e, j, NULL, 0);
        if (w == NULL) {
            all = false;
            continue;
        }
        s->by = w;
        (void)task_add(e, j, w, FOR_UNITS, s->first, s->n);
    }
    return all;
}

static bool units_done(const job *j)
{
    for (size_t k = 0; k < j->n_shares; k++)
        if (!j->shares[k].done)
            return false;
    return true;
}

void job_narrow(job *j)
{
    if (!job_simulated(j))
        return;
    while (j->low < j->high && j->instances[j->low].contribution == NULL)
        j->low++;
    while (j->high > j->low && j->instances[j->high - 1].contribution == NULL)
        j->high--;
}

static bool contributed(const job *j)
{
    for (uint32_t i = j->low; i < j->high; i++)
        if (j->instances[i].contribution == NULL)
            return false;
    return true;
}

// False: a worker is lacking.
static bool pump_contributions(engine *e, job *j)
{
    if (!units_done(j))
        return assign_units(e, j);
    job_narrow(j);
    if (!contributed(j))
        return assign_missing(e, j, false);
    if (j->n_votes > 0 || j->disputed)
        return true;
    // Tasks that asked for what is there meanwhile.
    for (size_t k = 0; k < j->n_tasks && job_is_running(j->state); k++)
        if (j->tasks[k]->state == TASK_OPEN && task_contributes(j->tasks[k]))
            (void)task_close(e, j, j->tasks[k], TASK_PASSED);
    if (job_is_running(j->state))
        job_step_saved(e, j, JOB_ALL_CONTRIBUTED);
    return true;
}

static bool proved(const job *j)
{
    return j->n_accepted == j->high - j->low;
}

// Whether the worker has delivered proofs of this epoch and nothing is open: it may aggregate.
static bool finished_share(const job *j, const worker *w)
{
    bool some = false;
    for (size_t k = 0; k < j->n_tasks; k++) {
        const task *t = j->tasks[k];
        if (t->by != w)
            continue;
        if (t->state == TASK_OPEN)
            return false;
        some |= t->purpose == FOR_PROOFS && t->state == TASK_DONE && t->epoch == j->epoch;
    }
    return some;
}

static bool proof_task_open(const job *j)
{
    for (size_t k = 0; k < j->n_tasks; k++)
        if (j->tasks[k]->purpose == FOR_PROOFS && j->tasks[k]->state == TASK_OPEN)
            return true;
    return false;
}

static void find_first_finished(engine *e, job *j)
{
    for (size_t k = 0; k < e->n_workers; k++) {
        worker *w = e->workers[k];
        if (w->job != j || !w->connected || !w->has_epoch || !finished_share(j, w))
            continue;
        job_step_saved(e, j, JOB_FIRST_SHARE);
        if (job_is_running(j->state) && task_add(e, j, w, FOR_FINAL, 0, 0) != NULL)
            j->aggregator = w;
        return;
    }
}

static bool preparing_aggregator(const job *j)
{
    for (size_t k = 0; k < j->n_tasks; k++)
        if (j->tasks[k]->state == TASK_OPEN &&
            (j->tasks[k]->purpose == FOR_READY || j->tasks[k]->purpose == FOR_SUMS))
            return true;
    return false;
}

// False: nobody is there to aggregate.
static bool ensure_aggregator(engine *e, job *j)
{
    if (task_final(j) != NULL || preparing_aggregator(j))
        return true;
    worker *w = j->aggregator;
    for (size_t k = 0; k < e->n_workers && w == NULL; k++) {
        worker *own = e->workers[k];
        if (own->job == j && own->connected && own->has_epoch && worker_fits(own, j) &&
            !workers_hold(j->failed, j->n_failed, own))
            w = own;
    }
    if (w == NULL)
        w = worker_pick(e, j, NULL, 0);
    if (w == NULL)
        return false;
    j->aggregator = w;
    bool ready = w->job == j && w->has_epoch;
    (void)task_add(e, j, w, ready ? FOR_FINAL : FOR_READY, 0, 0);
    return true;
}

// Who has nothing to do and will not get the next phase's work goes.
static void release_finished(engine *e, job *j)
{
    for (size_t k = 0; k < e->n_workers; k++) {
        worker *w = e->workers[k];
        if (w->job == j && w != j->aggregator && tasks_open(j, w) == 0)
            worker_release(e, w);
    }
}

static void ask_total(engine *e, job *j)
{
    if (!proved(j) || j->total_asked)
        return;
    j->total_asked = true;
    check_ask(e, j, CHECK_TOTAL, NULL, 0, NULL, 0, false);
}

static bool pump_proofs(engine *e, job *j)
{
    bool all = true;
    if (!j->auditing)
        all = assign_missing(e, j, true);
    if (job_simulated(j)) {
        bool through = job_is_running(j->state);
        for (uint32_t i = j->low; i < j->high; i++)
            through = through && j->instances[i].proof == PROOF_ACCEPTED;
        if (through)
            job_complete(e, j);
        return all;
    }
    if (job_is_running(j->state) && j->state == JOB_PROVE)
        find_first_finished(e, j);
    // All proofs can be there without a finished share: after a restart, or when the finisher left.
    if (job_is_running(j->state) && j->state == JOB_PROVE && proved(j) && !proof_task_open(j))
        job_step_saved(e, j, JOB_FIRST_SHARE);
    if (!job_is_running(j->state))
        return true;
    if (j->state == JOB_AGGREGATE && !j->auditing)
        all &= ensure_aggregator(e, j);
    if (!job_is_running(j->state))
        return true;
    ask_total(e, j);
    if (j->auditing)
        all &= audit_pump(e, j);
    if (job_is_running(j->state))
        release_finished(e, j);
    return all;
}

// Nobody takes a share: because all said that program or input is at fault?
static void believe_all(engine *e, job *j)
{
    worker **all = NULL;
    size_t n = 0;
    for (size_t k = 0; k < j->n_program_errors; k++)
        workers_note(&all, &n, j->program_errors[k]);
    for (size_t k = 0; k < j->n_input_errors; k++)
        workers_note(&all, &n, j->input_errors[k]);
    if (n > 0 && !worker_exists(e, j, all, n))
        job_fail(e, j, j->n_program_errors > 0 ? "PROGRAM_FAILED" : "INPUT_ERROR", "%s",
                 j->last_error);
    free(all);
}

static void pump_once(engine *e, job *j)
{
    bool all = true;
    job_state before;
    do {
        before = j->state;
        if (!lies_settle(e, j) || !job_is_running(j->state))
            return;
        all = j->state == JOB_CONTRIBUTIONS ? pump_contributions(e, j) : pump_proofs(e, j);
    } while (job_is_running(j->state) && j->state != before);
    if (job_is_running(j->state) && !all)
        believe_all(e, j);
    if (!job_is_running(j->state))
        return;
    if (all)
        j->waiting_ms = 0;
    else if (j->waiting_ms == 0)
        j->waiting_ms = e->now_ms;
}

void job_pump(engine *e, job *j)
{
    if (!job_is_running(j->state))
        return;
    if (j->pumping) {
        j->pump_again = true;
        return;
    }
    j->pumping = true;
    do {
        j->pump_again = false;
        batch_begin(e);
        pump_once(e, j);
        batch_end(e, j);
        if (job_is_running(j->state))
            task_feed_aggregator(e, j);
    } while (j->pump_again && job_is_running(j->state));
    j->pumping = false;
}
