// SPDX-License-Identifier: Apache-2.0 OR MIT
#include "coordinator/engine_internal.h"

#include "base/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

worker *worker_by_id(engine *e, const char *id)
{
    for (size_t k = 0; k < e->n_workers; k++)
        if (strcmp(e->workers[k]->id, id) == 0)
            return e->workers[k];
    return NULL;
}

worker *worker_by_connection(engine *e, uint64_t connection)
{
    for (size_t k = 0; k < e->n_workers; k++)
        if (e->workers[k]->connected && e->workers[k]->connection == connection)
            return e->workers[k];
    return NULL;
}

worker *worker_known(engine *e, const char *id)
{
    worker *w = worker_by_id(e, id);
    if (w != NULL)
        return w;
    w = engine_new(1, sizeof *w);
    w->id = engine_text(id);
    w->address = engine_text("");
    w->version = engine_text("");
    w->state = WORKER_DISCONNECTED;
    w->lost_ms = w->progress_ms = e->now_ms;
    w->session = e->next_session++;
    e->workers = engine_grow(e->workers, e->n_workers, sizeof *e->workers);
    e->workers[e->n_workers++] = w;
    return w;
}

// The tables of job_state.h allow what is asked for here; anything else is a bug of ours.
static void take_step(worker *w, worker_event event)
{
    ZK_ASSERT(worker_step(&w->state, event) == ZK_OK);
}

static size_t count_connected(const engine *e)
{
    size_t n = 0;
    for (size_t k = 0; k < e->n_workers; k++)
        n += e->workers[k]->connected;
    return n;
}

void worker_send(engine *e, worker *w, const api_coordinator_message *m)
{
    if (w->connected)
        e->hooks.send(e->hooks.arg, w->connection, m);
}

static void send_heartbeat(engine *e, worker *w)
{
    Google__Protobuf__Timestamp at = GOOGLE__PROTOBUF__TIMESTAMP__INIT;
    at.seconds = (int64_t)(e->now_ms / 1000);
    at.nanos = (int32_t)(e->now_ms % 1000) * 1000000;
    api_heartbeat beat = API_HEARTBEAT_INIT;
    beat.timestamp = &at;
    api_coordinator_message m = API_COORDINATOR_MESSAGE_INIT;
    m.payload_case = ZISK__DISTRIBUTED__API__V1__COORDINATOR_MESSAGE__PAYLOAD_HEARTBEAT;
    m.heartbeat = &beat;
    w->beat_ms = e->now_ms;
    worker_send(e, w, &m);
}

static void send_registered(engine *e, uint64_t connection, const char *id, bool accepted,
                            const char *text)
{
    Google__Protobuf__Timestamp at = GOOGLE__PROTOBUF__TIMESTAMP__INIT;
    at.seconds = (int64_t)(e->now_ms / 1000);
    at.nanos = (int32_t)(e->now_ms % 1000) * 1000000;
    api_worker_register_response r = API_WORKER_REGISTER_RESPONSE_INIT;
    r.worker_id = (char *)id;
    r.accepted = accepted;
    r.message = (char *)text;
    if (accepted)
        r.registered_at = &at;
    r.heartbeat_timeout_seconds = (uint32_t)((e->limits.heartbeat_timeout_ms + 999) / 1000);
    api_coordinator_message m = API_COORDINATOR_MESSAGE_INIT;
    m.payload_case = ZISK__DISTRIBUTED__API__V1__COORDINATOR_MESSAGE__PAYLOAD_REGISTER_RESPONSE;
    m.register_response = &r;
    e->hooks.send(e->hooks.arg, connection, &m);
    if (!accepted)
        e->hooks.close(e->hooks.arg, connection, text);
}

static void refuse(engine *e, uint64_t connection, const char *id, const char *text)
{
    log_warn("coordinator::engine", "a worker is refused", log_str("worker", id),
             log_str("reason", text));
    send_registered(e, connection, id, false, text);
}

static bool same_identity(const program_identity *a, const program_identity *b)
{
    return memcmp(a->key, b->key, sizeof a->key) == 0 && a->n_words == b->n_words &&
           memcmp(a->words, b->words, a->n_words * sizeof a->words[0]) == 0;
}

// Whether somebody whose word counts gave another key for the same ELF file.
static bool key_contradicts(const engine *e, const program_identity *p, const char *id)
{
    for (size_t k = 0; k < e->n_jobs; k++) {
        const job *j = e->jobs[k];
        if (job_is_running(j->state) && j->has_program &&
            memcmp(j->program.digest, p->digest, sizeof p->digest) == 0)
            return !same_identity(&j->program, p);
    }
    for (size_t k = 0; k < e->n_workers; k++) {
        const worker *w = e->workers[k];
        if (w->connected && w->able && w->state != WORKER_ASIDE && strcmp(w->id, id) != 0 &&
            memcmp(w->program.digest, p->digest, sizeof p->digest) == 0)
            return !same_identity(&w->program, p);
    }
    return false;
}

// NULL when the abilities are well-formed, else what they lack.
static const char *read_abilities(program_identity *out, const api_worker_abilities *a)
{
    *out = (program_identity){0};
    if (a == NULL || !a->instance_proofs)
        return "it does not prove instance by instance: not a worker of this project";
    if (a->program_digest.len != sizeof out->digest || a->program_key.len != sizeof out->key ||
        a->n_key_words == 0 || a->n_key_words > PROGRAM_KEY_MAX_WORDS)
        return "it named no program or no key";
    memcpy(out->digest, a->program_digest.data, sizeof out->digest);
    memcpy(out->key, a->program_key.data, sizeof out->key);
    memcpy(out->words, a->key_words, a->n_key_words * sizeof out->words[0]);
    out->n_words = a->n_key_words;
    return NULL;
}

// Whether the older connection of this worker gives way to a newer one (doc/cluster.md).
static bool older_gives_way(engine *e, worker *w, bool returns)
{
    uint64_t interval = e->limits.heartbeat_timeout_ms / 3;
    bool silent = w->probed_ms > w->heard_ms && e->now_ms > w->probed_ms;
    if (returns || silent || e->now_ms - w->heard_ms > interval)
        return true;
    w->probed_ms = e->now_ms;
    send_heartbeat(e, w);
    return false;
}

static void set_text(char **to, const char *text)
{
    free(*to);
    *to = engine_text(text);
}

static void read_process(uint8_t out[SHA256_BYTES], const api_worker_abilities *a)
{
    memset(out, 0, SHA256_BYTES);
    if (a != NULL && a->process.len > 0)
        memcpy(out, a->process.data, a->process.len < SHA256_BYTES ? a->process.len : SHA256_BYTES);
}

// A worker that was set aside is taken again when it was started anew: another process may be
// another program, or have other memory.
static void note_process(worker *w, const api_worker_abilities *a)
{
    uint8_t process[SHA256_BYTES];
    read_process(process, a);
    bool anew = a != NULL && a->process.len > 0 && memcmp(process, w->process, sizeof process) != 0;
    memcpy(w->process, process, sizeof process);
    if (anew && w->state == WORKER_ASIDE)
        w->state = WORKER_DISCONNECTED; // for job_state.h it is another worker
}

// Only the process that held the older connection may take its place at once: others know the
// worker's id too, and could take its work and its name.
static bool is_same_process(const worker *w, const api_worker_abilities *a)
{
    uint8_t process[SHA256_BYTES];
    read_process(process, a);
    return memcmp(process, w->process, sizeof process) == 0;
}

// The worker as its message describes it. An entry that had been lost goes to the end: the order of
// registration is the order in which workers are chosen.
static worker *enter(engine *e, uint64_t connection, const char *address, const char *id,
                     const api_compute_capacity *capacity, const api_worker_abilities *abilities,
                     bool reconnect)
{
    bool fresh = worker_by_id(e, id) == NULL;
    worker *w = worker_known(e, id);
    note_process(w, abilities);
    if (!fresh && !reconnect && w->job == NULL) {
        size_t at = 0;
        while (e->workers[at] != w)
            at++;
        memmove(&e->workers[at], &e->workers[at + 1], (e->n_workers - at - 1) * sizeof *e->workers);
        e->workers[e->n_workers - 1] = w;
    }
    const char *lack = read_abilities(&w->program, abilities);
    w->units = capacity != NULL ? capacity->compute_units : 0;
    if (lack == NULL && w->units > WORKER_UNITS_MAX)
        lack = "its capacity is out of range: at most 65536 units";
    w->able = lack == NULL;
    engine_say(w->reason, sizeof w->reason, "%s", lack != NULL ? lack : "");
    set_text(&w->address, address);
    char version[VERSION_MAX + 1];
    engine_say(version, sizeof version, "%s", abilities != NULL ? abilities->version : "");
    set_text(&w->version, version);
    w->connected = true;
    w->leaving = false;
    w->connection = connection;
    w->connected_ms = w->heard_ms = w->acked_ms = w->beat_ms = e->now_ms;
    w->probed_ms = 0;
    if (!reconnect) {
        w->session = e->next_session++;
        w->holds[0] = 0;
    }
    return w;
}

static bool lists_task(const api_worker_reconnect_request *r, uint64_t id)
{
    for (size_t k = 0; k < r->n_tasks; k++)
        if (r->tasks[k]->task_id == id)
            return true;
    return false;
}

// A job that a returning worker names and that has nothing to do with it any more; NULL: none.
static const char *unwanted_job(engine *e, worker *w, const api_worker_reconnect_request *r)
{
    for (size_t k = 0; k < r->n_tasks; k++) {
        const char *id = r->tasks[k]->job_id;
        job *j = job_by_id(e, id);
        if (j == NULL || !job_is_running(j->state) || (w->job != NULL && w->job != j))
            return id;
        const task *t = task_by_id(j, r->tasks[k]->task_id);
        // A passed task is no harm while the worker has others of the job.
        if (t == NULL || t->by != w || t->state == TASK_MOVED || t->state == TASK_FAILED ||
            (t->state == TASK_PASSED && w->job != j))
            return id;
    }
    return NULL;
}

// Sends what the returning worker does not have; of the final task everything, in case some of it
// was lost on the way.
static void send_again(engine *e, worker *w, const api_worker_reconnect_request *r)
{
    job *j = w->job;
    for (size_t k = 0; k < j->n_tasks && job_is_running(j->state) && w->job == j; k++) {
        task *t = j->tasks[k];
        if (t->by != w || t->state != TASK_OPEN)
            continue;
        if (t->purpose != FOR_PROOFS)
            t->done = 0; // it may begin again, and its progress counts again
        t->steps = 0;
        if (t->purpose == FOR_FINAL) {
            if (t->answered)
                continue; // being checked
            t->n_told = 0;
            t->all_sent = false;
            t->sent_again = true;
            task_feed_aggregator(e, j);
        } else if (!lists_task(r, t->id)) {
            task_send(e, j, t);
        }
    }
}

static void forget_tasks(job *j, const worker *w)
{
    for (size_t k = 0; k < j->n_tasks; k++)
        if (j->tasks[k]->by == w)
            j->tasks[k]->answered = true;
}

// The process knows nothing of its job.
static void start_anew(engine *e, worker *w)
{
    free(w->cancelling);
    w->cancelling = NULL;
    job *j = w->job;
    worker_part(e, w);
    if (j != NULL) {
        tasks_move(e, j, w, true, "was started anew");
        if (job_is_running(j->state))
            forget_tasks(j, w);
        job_pump(e, j);
    }
}

static void resume(engine *e, worker *w, const api_worker_reconnect_request *r)
{
    const char *unwanted = unwanted_job(e, w, r);
    job *j = w->job;
    if (unwanted != NULL) {
        char id[ID_MAX + 1];
        engine_say(id, sizeof id, "%s", unwanted);
        const char *why = "came back with work that moved on";
        if (j != NULL)
            tasks_move(e, j, w, job_departure(e, j, w, why), why);
        worker_part(e, w);
        if (w->state == WORKER_IDLE)
            take_step(w, WORKER_RESERVE);
        worker_cancel(e, w, id, "the coordinator went on without this worker");
        if (j != NULL)
            job_pump(e, j);
        return;
    }
    free(w->cancelling);
    w->cancelling = NULL;
    if (j == NULL) {
        char id[sizeof w->holds];
        engine_say(id, sizeof id, "%s", r->last_known_job_id);
        memcpy(w->holds, id, sizeof id);
        const job *last = job_by_id(e, id);
        if (last == NULL || !job_is_running(last->state))
            workers_drop_run(e, id);
        return;
    }
    // It may have forgotten the job although it came back with other things.
    if (r->n_tasks == 0 && strcmp(r->last_known_job_id, j->id) != 0) {
        start_anew(e, w);
        return;
    }
    take_step(w, WORKER_RESERVE);
    event_note(e, j, w, "back");
    send_again(e, w, r);
    job_pump(e, j);
}

static bool is_mentioned(const engine *e, const worker *w)
{
    for (size_t k = 0; k < e->n_jobs; k++) {
        const job *j = e->jobs[k];
        if (!job_is_running(j->state))
            continue;
        for (size_t t = 0; t < j->n_tasks; t++)
            if (j->tasks[t]->by == w)
                return true;
        for (uint32_t i = 0; j->has_facts && i < j->facts.n_instances; i++)
            if (j->instances[i].by == w)
                return true;
        for (size_t i = 0; i < j->n_shares; i++)
            if (j->shares[i].by == w)
                return true;
        for (size_t i = 0; i < j->n_votes; i++)
            if (j->votes[i].by == w)
                return true;
        for (size_t i = 0; i < j->n_opinions; i++)
            if (j->opinions[i].by == w)
                return true;
        if (workers_hold(j->supporters, j->n_supporters, w) ||
            workers_hold(j->failed, j->n_failed, w) ||
            workers_hold(j->input_errors, j->n_input_errors, w) ||
            workers_hold(j->program_errors, j->n_program_errors, w))
            return true;
    }
    for (size_t k = 0; k < e->n_checks; k++)
        if (e->checks[k].by == w)
            return true;
    return false;
}

// Entries of workers that are gone and that nothing mentions: those that have been gone for long,
// or all of them, also who was set aside.
static void forget_lost(engine *e, bool all)
{
    size_t kept = 0;
    for (size_t k = 0; k < e->n_workers; k++) {
        worker *w = e->workers[k];
        bool recent = w->state == WORKER_ASIDE || e->now_ms - w->lost_ms < FORGET_WORKER_MS;
        if (w->connected || w->job != NULL || (recent && !all) || is_mentioned(e, w)) {
            e->workers[kept++] = w;
            continue;
        }
        for (size_t a = 0; a < e->n_jobs; a++)
            workers_drop(e->jobs[a]->departed, &e->jobs[a]->n_departed, w);
        free(w->id);
        free(w->address);
        free(w->version);
        free(w->cancelling);
        free(w);
    }
    e->n_workers = kept;
}

// Names are free: whoever registers under ever new ones must not fill the memory.
static bool has_room(engine *e)
{
    size_t most = ENTRIES_A_WORKER * e->limits.max_total_workers;
    if (e->n_workers >= most)
        forget_lost(e, true);
    return e->n_workers < most;
}

void worker_register(engine *e, uint64_t connection, const char *address, const char *id,
                     const api_compute_capacity *capacity, const api_worker_abilities *abilities,
                     const api_worker_reconnect_request *reconnect)
{
    if (id[0] == 0 || strlen(id) > ID_MAX) {
        refuse(e, connection, "", "a worker needs an id of 1 to 128 bytes");
        return;
    }
    if (reconnect != NULL && reconnect->n_tasks > RECONNECT_TASKS_MAX) {
        refuse(e, connection, id, "Registration failed: a worker has at most 65536 tasks");
        return;
    }
    worker *old = worker_by_id(e, id);
    bool returns = old != NULL && reconnect != NULL && is_same_process(old, abilities);
    if (old != NULL && old->connected && !older_gives_way(e, old, returns)) {
        char text[REASON_BYTES];
        snprintf(text, sizeof text,
                 "Registration failed: worker %s is still connected; if that connection is dead, "
                 "the next try succeeds, else this worker needs an id of its own",
                 id);
        refuse(e, connection, id, text);
        return;
    }
    program_identity p;
    if (read_abilities(&p, abilities) == NULL && key_contradicts(e, &p, id)) {
        refuse(e, connection, id,
               "Registration failed: other workers gave another key for the same ELF file");
        return;
    }
    if ((old == NULL || !old->connected) &&
        (count_connected(e) >= e->limits.max_total_workers || (old == NULL && !has_room(e)))) {
        char text[REASON_BYTES];
        engine_say(text, sizeof text, "Maximum concurrent connections reached: (%zu)",
                   e->limits.max_total_workers);
        refuse(e, connection, id, text);
        return;
    }
    if (old != NULL && old->connected) {
        uint64_t older = old->connection;
        worker_lost(e, old, "replaced by a newer connection");
        e->hooks.close(e->hooks.arg, older, "replaced by a newer connection");
    }
    worker *w = enter(e, connection, address, id, capacity, abilities, reconnect != NULL);
    take_step(w, WORKER_CONNECTED);
    (*(reconnect != NULL ? &e->counts.reconnections : &e->counts.registrations))++;
    log_info("coordinator::engine", "worker registered", log_str("worker", id),
             log_str("address", address), log_u64("units", w->units),
             log_bool("reconnection", reconnect != NULL));
    send_registered(e, connection, id, true,
                    reconnect != NULL ? "Reconnection successful" : "Registration successful");
    if (w->state == WORKER_ASIDE)
        return;
    if (reconnect != NULL) {
        resume(e, w, reconnect);
        return;
    }
    start_anew(e, w);
}

void worker_lost(engine *e, worker *w, const char *reason)
{
    if (!w->connected)
        return;
    log_warn("coordinator::engine", "worker lost", log_str("worker", w->id),
             log_str("reason", reason));
    w->connected = false;
    w->lost_ms = e->now_ms;
    take_step(w, WORKER_LOST);
    e->counts.losses++;
    if (w->state != WORKER_ASIDE)
        engine_say(w->reason, sizeof w->reason, "%s", reason);
    if (w->job != NULL)
        event_note(e, w->job, w, "lost: %s", reason);
}

void worker_leaving(engine *e, worker *w, const char *reason)
{
    w->leaving = true;
    engine_say(w->reason, sizeof w->reason, "leaving%s%s", reason[0] != 0 ? ": " : "", reason);
    job *j = w->job;
    if (j == NULL)
        return;
    event_note(e, j, w, "leaves");
    tasks_move(e, j, w, job_departure(e, j, w, "leaves"), "leaves");
    if (w->job == j) {
        worker_part(e, w);
        worker_cancel(e, w, j->id, "this worker leaves");
    }
    job_pump(e, j);
}

void worker_reserve(engine *e, worker *w, job *j)
{
    if (w->job == j)
        return;
    if (w->state == WORKER_IDLE)
        take_step(w, WORKER_RESERVE);
    w->job = j;
    memcpy(w->holds, j->id, sizeof w->holds);
    w->has_epoch = false;
    w->progress_ms = e->now_ms;
    job_join(j, w);
}

void worker_part(engine *e, worker *w)
{
    w->job = NULL;
    w->has_epoch = false;
    w->session = e->next_session++; // another job may come in between
}

// A task was taken from the worker, and it may be at it.
static bool works_in_vain(const job *j, const worker *w)
{
    for (size_t k = 0; k < j->n_tasks; k++)
        if (j->tasks[k]->by == w && (!j->tasks[k]->answered || j->tasks[k]->sent_again))
            return true;
    return false;
}

void worker_release(engine *e, worker *w)
{
    job *j = w->job;
    worker_part(e, w);
    if (w->state != WORKER_COMPUTING || w->cancelling != NULL)
        return;
    if (works_in_vain(j, w))
        worker_cancel(e, w, j->id, "nothing is left to do for this worker");
    else
        take_step(w, WORKER_RELEASE);
}

void worker_cancel(engine *e, worker *w, const char *job_id, const char *reason)
{
    if (w->state == WORKER_COMPUTING) {
        free(w->cancelling);
        w->cancelling = engine_text(job_id);
        w->cancelling_ms = e->now_ms;
    }
    if (strcmp(w->holds, job_id) == 0)
        w->holds[0] = 0;
    api_job_cancelled c = API_JOB_CANCELLED_INIT;
    c.job_id = (char *)job_id;
    c.reason = (char *)reason;
    api_coordinator_message m = API_COORDINATOR_MESSAGE_INIT;
    m.payload_case = ZISK__DISTRIBUTED__API__V1__COORDINATOR_MESSAGE__PAYLOAD_JOB_CANCELLED;
    m.job_cancelled = &c;
    worker_send(e, w, &m);
}

void workers_drop_run(engine *e, const char *job_id)
{
    for (size_t k = 0; k < e->n_workers; k++)
        if (job_id[0] != 0 && strcmp(e->workers[k]->holds, job_id) == 0)
            worker_cancel(e, e->workers[k], job_id, "the job is over");
}

void worker_cancelled(engine *e, worker *w, const char *job_id)
{
    (void)e;
    if (w->cancelling == NULL || strcmp(w->cancelling, job_id) != 0)
        return;
    free(w->cancelling);
    w->cancelling = NULL;
    if (w->state == WORKER_COMPUTING && w->job == NULL)
        take_step(w, WORKER_RELEASE);
}

bool worker_fits(const worker *w, const job *j)
{
    return w->able && w->units > 0 && !w->leaving && w->state != WORKER_ASIDE &&
           memcmp(w->program.digest, j->program.digest, sizeof w->program.digest) == 0;
}

static bool may_take(const worker *w, const job *j, worker *const *excluded, size_t n_excluded)
{
    return w->connected && worker_fits(w, j) && !workers_hold(excluded, n_excluded, w) &&
           !workers_hold(j->input_errors, j->n_input_errors, w) &&
           !workers_hold(j->program_errors, j->n_program_errors, w);
}

worker *worker_pick(engine *e, job *j, worker *const *excluded, size_t n_excluded)
{
    size_t n_of_job = 0;
    for (size_t k = 0; k < e->n_workers; k++)
        n_of_job += e->workers[k]->job == j;
    // Who is only asked for an opinion is one more than a job may have.
    bool may_join = n_excluded > 0 || n_of_job < e->limits.max_workers_per_job;
    worker *best = NULL;
    uint32_t best_load = 0;
    for (size_t k = 0; k < e->n_workers; k++) {
        worker *w = e->workers[k];
        if (!may_take(w, j, excluded, n_excluded) || workers_hold(j->failed, j->n_failed, w))
            continue;
        if (w->state == WORKER_IDLE && may_join)
            return w;
        if (w->job != j || w->state != WORKER_COMPUTING)
            continue;
        uint32_t load = tasks_load(j, w);
        if (best == NULL || load < best_load) {
            best = w;
            best_load = load;
        }
    }
    if (best != NULL || j->n_failed == 0)
        return best;
    // Who erred is tried again when there is nobody else, or when the others stay away for long:
    // the one whose error is the oldest, so that one who always errs does not use up the attempts.
    worker **others = NULL;
    size_t n_others = 0;
    for (size_t k = 0; k < n_excluded; k++)
        workers_note(&others, &n_others, excluded[k]);
    for (size_t k = 0; k < j->n_failed; k++)
        workers_note(&others, &n_others, j->failed[k]);
    bool patient =
        j->waiting_ms == 0 || e->now_ms - j->waiting_ms < e->limits.capacity_timeout_ms / 2;
    patient = patient && worker_exists(e, j, others, n_others);
    free(others);
    for (size_t k = 0; k < j->n_failed && !patient; k++) {
        worker *w = j->failed[k];
        if (may_take(w, j, excluded, n_excluded) && ((w->state == WORKER_IDLE && may_join) ||
                                                     (w->state == WORKER_COMPUTING && w->job == j)))
            return w;
    }
    return NULL;
}

bool worker_exists(engine *e, job *j, worker *const *excluded, size_t n_excluded)
{
    // After a start everybody may be on the way back.
    if (e->now_ms - e->opened_ms < e->limits.reconnect_grace_ms)
        return true;
    for (size_t k = 0; k < e->n_workers; k++) {
        const worker *w = e->workers[k];
        bool here = w->connected || e->now_ms - w->lost_ms < e->limits.reconnect_grace_ms;
        if (here && worker_fits(w, j) && !workers_hold(excluded, n_excluded, w))
            return true;
    }
    return false;
}

static void drop_connection(engine *e, worker *w, const char *reason)
{
    uint64_t connection = w->connection;
    worker_lost(e, w, reason);
    e->hooks.close(e->hooks.arg, connection, reason);
}

void workers_tick(engine *e)
{
    for (size_t k = 0; k < e->n_workers; k++) {
        worker *w = e->workers[k];
        if (w->connected && e->now_ms - w->heard_ms > e->limits.heartbeat_timeout_ms)
            drop_connection(e, w, "no sign of life within the heartbeat timeout");
        if (w->connected && w->cancelling != NULL &&
            e->now_ms - w->cancelling_ms > e->limits.heartbeat_timeout_ms)
            drop_connection(e, w, "no answer to a cancelled job within the heartbeat timeout");
        if (w->connected && e->now_ms - w->beat_ms >= e->limits.heartbeat_timeout_ms / 3)
            send_heartbeat(e, w);
        job *j = w->job;
        if (!w->connected && j != NULL && e->now_ms - w->lost_ms >= e->limits.reconnect_grace_ms) {
            tasks_move(e, j, w, true, "did not come back");
            worker_part(e, w);
            job_pump(e, j);
        }
    }
    forget_lost(e, false);
}
