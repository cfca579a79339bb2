// SPDX-License-Identifier: Apache-2.0 OR MIT
#include "unit/coordinator/world_internal.h"

#include "base/log.h"

#include <openssl/sha.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

// ---- Model prover

void model_digest(uint8_t out[32], const char *tag, const void *a, size_t n, uint64_t number)
{
    uint8_t all[32 + 32 + 8] = {0};
    SHA256(a, n, all);
    snprintf((char *)all + 32, 32, "%s", tag);
    memcpy(all + 64, &number, sizeof number);
    SHA256(all, sizeof all, out);
}

void model_contribution(uint8_t out[MODEL_BYTES], const char *data_id, uint32_t index)
{
    memset(out, 0, MODEL_BYTES);
    model_digest(out, "c", data_id, strlen(data_id), index);
    model_digest(out + 32, "d", data_id, strlen(data_id), index);
    out[0] = 'T';
}

void model_proof(uint8_t out[MODEL_PROOF_BYTES], const uint8_t *all, size_t n, uint32_t index)
{
    uint8_t challenge[32];
    SHA256(all, n * MODEL_BYTES, challenge);
    model_digest(out, "p", challenge, 32, index);
    model_digest(out + 32, "q", challenge, 32, index);
}

void model_final(uint8_t out[32], const uint8_t *all, size_t n)
{
    model_digest(out, "f", all, n * MODEL_BYTES, n);
}

uint32_t world_plan(const world *w, const char *data_id)
{
    // Plans differ a little in length.
    return w->o.instances + (uint32_t)(strlen(data_id) % 3);
}

// ---- Events

static bool earlier(const event *a, const event *b)
{
    return a->at != b->at ? a->at < b->at : a->order < b->order;
}

void world_push(world *w, event e)
{
    e.order = w->order++;
    if (w->n_events == w->room) {
        w->room = w->room == 0 ? 256 : 2 * w->room;
        w->events = realloc(w->events, w->room * sizeof *w->events);
        assert_non_null(w->events);
    }
    size_t k = w->n_events++;
    for (; k > 0 && earlier(&e, &w->events[(k - 1) / 2]); k = (k - 1) / 2)
        w->events[k] = w->events[(k - 1) / 2];
    w->events[k] = e;
}

static event pop(world *w)
{
    event first = w->events[0], last = w->events[--w->n_events];
    size_t k = 0;
    for (;;) {
        size_t c = 2 * k + 1;
        if (c >= w->n_events)
            break;
        if (c + 1 < w->n_events && earlier(&w->events[c + 1], &w->events[c]))
            c++;
        if (!earlier(&w->events[c], &last))
            break;
        w->events[k] = w->events[c];
        k = c;
    }
    if (w->n_events > 0)
        w->events[k] = last;
    return first;
}

static uint64_t delay(world *w)
{
    uint64_t spread = w->o.max_delay_ms - w->o.min_delay_ms + 1;
    return w->o.min_delay_ms + test_rng_u64(&w->rng) % spread;
}

struct link *world_link(world *w, uint64_t connection)
{
    for (size_t k = w->n_links; k-- > 0;)
        if (w->links[k].connection == connection)
            return &w->links[k];
    return NULL;
}

known_job *world_known(world *w, const char *id)
{
    for (size_t k = 0; k < w->n_jobs; k++)
        if (strcmp(w->jobs[k].id, id) == 0)
            return &w->jobs[k];
    return NULL;
}

void world_put_artifact(world *w, const uint8_t sha[32])
{
    w->artifacts = realloc(w->artifacts, (w->n_artifacts + 1) * sizeof *w->artifacts);
    memcpy(w->artifacts[w->n_artifacts++], sha, 32);
}

// ---- Hooks

static void note_task(world *w, const api_execute_task_request *r)
{
    w->sent[r->task_type]++;
    w->epochs = realloc(w->epochs, (w->n_epochs + 1) * sizeof *w->epochs);
    w->epochs[w->n_epochs++] = (struct task_epoch){r->task_id, r->epoch};
}

static void note_stored(world *w, const api_result_stored *s)
{
    for (size_t k = w->n_epochs; k-- > 0;) {
        if (w->epochs[k].task != s->task_id)
            continue;
        w->stored = realloc(w->stored, (w->n_stored + 1) * sizeof *w->stored);
        struct stored *to = &w->stored[w->n_stored];
        *to = (struct stored){.epoch = w->epochs[k].epoch, .index = s->plan_index};
        snprintf(to->job, sizeof to->job, "%s", s->job_id);
        w->n_stored += s->_plan_index_case != 0;
        return;
    }
}

typedef struct look {
    world *w;
    char job[37];
    uint32_t epoch;
} look;

static status find_stored(void *arg, const result_record *r)
{
    look *l = arg;
    for (size_t k = 0; k < l->w->n_stored && r->kind == RESULT_PROOF; k++) {
        struct stored *s = &l->w->stored[k];
        if (strcmp(s->job, l->job) == 0 && s->epoch == l->epoch && s->index == r->instance)
            s->found = true;
    }
    return ZK_OK;
}

static status note_running(void *arg, const job_record *r)
{
    look *l = arg;
    if (!job_is_running(r->state))
        return ZK_OK;
    // One job at a time is enough: the last one that runs.
    snprintf(l->job, sizeof l->job, "%s", r->id);
    l->epoch = r->epoch;
    return ZK_OK;
}

// What was acknowledged is in the store of a coordinator that crashed.
static void check_stored(world *w)
{
    store *s;
    assert_int_equal(store_open(&s, w->folder), ZK_OK);
    look l = {.w = w};
    assert_int_equal(store_each_job(s, note_running, &l), ZK_OK);
    if (l.job[0] != 0)
        assert_int_equal(store_each_result(s, l.job, l.epoch, find_stored, &l), ZK_OK);
    const known_job *j = world_known(w, l.job);
    for (size_t k = 0; k < w->n_stored && l.job[0] != 0; k++) {
        const struct stored *one = &w->stored[k];
        bool simulated = j == NULL || j->epoch == UINT32_MAX;
        if (!simulated && strcmp(one->job, l.job) == 0 && one->epoch == l.epoch && !one->found)
            fail_msg("the proof of instance %u was acknowledged and is not stored", one->index);
    }
    store_close(s);
}

static void hook_send(void *arg, uint64_t connection, const api_coordinator_message *m)
{
    world *w = arg;
    struct link *l = world_link(w, connection);
    assert_non_null(l);
    assert_true(l->engine_up); // the engine must know whom it closed
    if (m->payload_case == ZISK__DISTRIBUTED__API__V1__COORDINATOR_MESSAGE__PAYLOAD_EXECUTE_TASK)
        note_task(w, m->execute_task);
    if (m->payload_case == ZISK__DISTRIBUTED__API__V1__COORDINATOR_MESSAGE__PAYLOAD_RESULT_STORED)
        note_stored(w, m->result_stored);
    if (!l->up)
        return;
    event e = {.kind = TO_WORKER, .connection = connection};
    assert_int_equal(message_pack(&e.bytes, &e.n, &m->base), ZK_OK);
    e.at = w->now + delay(w);
    if (e.at < l->last_to_worker)
        e.at = l->last_to_worker;
    l->last_to_worker = e.at;
    world_push(w, e);
}

static void hook_close(void *arg, uint64_t connection, const char *reason)
{
    world *w = arg;
    (void)reason;
    struct link *l = world_link(w, connection);
    assert_non_null(l);
    assert_true(l->engine_up);
    l->engine_up = false;
    // The worker notices after what was sent.
    event e = {.kind = LOST, .connection = connection, .at = l->last_to_worker + 1};
    if (e.at <= w->now)
        e.at = w->now + 1;
    e.ok = true; // at the worker's end
    world_push(w, e);
}

static bool contributions_true(world *w, const known_job *j, const check_request *r)
{
    if (r->n_contributions != world_plan(w, j->data_id))
        return false;
    for (size_t k = 0; k < r->n_contributions; k++) {
        uint8_t want[MODEL_BYTES];
        model_contribution(want, j->data_id, (uint32_t)k);
        if (memcmp(want, r->contributions[k]->contribution.data, MODEL_BYTES) != 0)
            return false;
    }
    return true;
}

static bool judge(world *w, const check_request *r)
{
    known_job *j = world_known(w, r->job);
    size_t n = r->n_contributions;
    uint8_t *all = malloc(n * MODEL_BYTES + 1);
    for (size_t k = 0; k < n; k++) {
        assert_int_equal(r->contributions[k]->plan_index, k);
        assert_int_equal(r->contributions[k]->contribution.len, MODEL_BYTES);
        memcpy(all + k * MODEL_BYTES, r->contributions[k]->contribution.data, MODEL_BYTES);
    }
    bool ok = false;
    assert_true(r->epoch >= j->forgotten);
    if (j->epoch != r->epoch) {
        memset(j->seen, 0, sizeof j->seen);
        j->epoch = r->epoch;
    }
    if (r->kind == CHECK_PROOF) {
        uint8_t want[MODEL_PROOF_BYTES];
        model_proof(want, all, n, r->plan_index);
        assert_true(r->plan_index < n);
        ok = r->proof_bytes == sizeof want && memcmp(want, r->proof, sizeof want) == 0 &&
             all[r->plan_index * MODEL_BYTES] != 'X';
        j->seen[r->plan_index] |= ok;
    } else if (r->kind == CHECK_TOTAL) {
        ok = contributions_true(w, j, r);
        for (size_t k = 0; k < n; k++)
            assert_true(j->seen[k]); // the checker adds up what it saw
    } else {
        uint8_t want[32];
        model_final(want, all, n);
        ok = memcmp(want, r->sha256, 32) == 0;
    }
    free(all);
    return ok;
}

static void hook_check(void *arg, const check_request *r)
{
    world *w = arg;
    event e = {.kind = CHECKED,
               .at = w->now + delay(w),
               .ticket = r->ticket,
               .undecided = w->undecided > 0,
               .engine_life = w->engine_life};
    if (w->undecided > 0)
        w->undecided--;
    else
        e.ok = judge(w, r);
    world_push(w, e);
}

static void hook_forget(void *arg, const char *job, uint32_t below_epoch)
{
    known_job *j = world_known(arg, job);
    if (j != NULL)
        j->forgotten = below_epoch;
}

static bool hook_form(void *arg, const uint64_t *words, size_t n_words, const uint8_t *key,
                      const api_instance_contribution *c)
{
    (void)arg;
    (void)key;
    assert_int_equal(n_words, MODEL_KEY_WORDS);
    assert_true(words[0] > 0);
    return c->contribution.len == MODEL_BYTES && c->contribution.data[0] != 'G';
}

static bool hook_has_artifact(void *arg, const uint8_t sha[32])
{
    world *w = arg;
    for (size_t k = 0; k < w->n_artifacts; k++)
        if (memcmp(w->artifacts[k], sha, 32) == 0)
            return true;
    return false;
}

static uint64_t hook_artifact_bytes(void *arg, const uint8_t sha[32])
{
    return hook_has_artifact(arg, sha) ? 1000 : 0;
}

static void hook_event(void *arg, const api_job_event *e)
{
    world *w = arg;
    const char *verbose = getenv("WORLD_VERBOSE");
    bool is_note = e->event_case == ZISK__DISTRIBUTED__API__V1__JOB_EVENT__EVENT_NOTE;
    if (is_note && e->note->worker_id[0] != 0) {
        char name[160];
        snprintf(name, sizeof name, "worker %s", e->note->worker_id);
        assert_null(strstr(e->note->text, name)); // clients print it in front
    }
    if (verbose == NULL)
        return;
    if (is_note)
        printf("%8llu %.8s note, %s: %s\n", (unsigned long long)w->now, e->job_id,
               e->note->worker_id, e->note->text);
    else if (e->event_case == ZISK__DISTRIBUTED__API__V1__JOB_EVENT__EVENT_STATUS)
        printf("%8llu %.8s %s, epoch %u %s %s\n", (unsigned long long)w->now, e->job_id,
               e->status->state, e->status->epoch,
               e->status->failure != NULL ? e->status->failure->code : "",
               e->status->failure != NULL ? e->status->failure->message : "");
}

static void hook_over(void *arg, const api_job_status *job, const uint8_t *proof)
{
    world *w = arg;
    known_job *j = world_known(w, job->job_id);
    assert_non_null(j);
    j->over_calls++;
    bool completed = strcmp(job->state, "Completed") == 0;
    assert_true(!j->completed || completed); // never un-said
    j->completed = completed;
    assert_true(completed || proof == NULL);
}

// ---- The world

static void open_engine(world *w)
{
    const engine_hooks hooks = {.arg = w,
                                .send = hook_send,
                                .close = hook_close,
                                .check = hook_check,
                                .forget_checks = hook_forget,
                                .contribution_form = hook_form,
                                .has_artifact = hook_has_artifact,
                                .artifact_bytes = hook_artifact_bytes,
                                .event = hook_event,
                                .over = hook_over};
    for (size_t k = 0; k < w->n_jobs; k++)
        memset(w->jobs[k].seen, 0, sizeof w->jobs[k].seen);
    w->engine_life++;
    if (store_open(&w->store, w->folder) != ZK_OK ||
        engine_open(&w->engine, w->store, &w->o.limits, &hooks, w->now) != ZK_OK)
        fail_msg("%s", status_trail());
    world_push(w, (event){.kind = TICK, .at = w->now, .engine_life = w->engine_life});
}

static void set_default(uint64_t *v, uint64_t to)
{
    if (*v == 0)
        *v = to;
}

world *world_new(const world_options *o)
{
    world *w = calloc(1, sizeof *w);
    w->o = *o;
    engine_limits *l = &w->o.limits;
    if (l->max_workers_per_job == 0)
        l->max_workers_per_job = 1000;
    if (l->max_total_workers == 0)
        l->max_total_workers = 10000;
    set_default(&l->heartbeat_timeout_ms, 30000);
    set_default(&l->reconnect_grace_ms, 20000);
    for (int k = 0; k < 3; k++)
        set_default(&l->phase_timeout_ms[k], 300000);
    set_default(&l->capacity_timeout_ms, 600000);
    if (l->max_attempts == 0)
        l->max_attempts = 3;
    if (l->task_timeouts == 0)
        l->task_timeouts = 100;
    l->plan = (api_plan_parameters)API_PLAN_PARAMETERS_INIT;
    l->plan.instance_log_cells = 22;
    l->plan.max_steps = 10000;
    if (w->o.instances == 0)
        w->o.instances = 12;
    if (w->o.min_delay_ms == 0)
        w->o.min_delay_ms = 1;
    if (w->o.max_delay_ms < w->o.min_delay_ms)
        w->o.max_delay_ms = w->o.min_delay_ms;
    w->rng = (test_rng){o->seed + 1};
    w->now = 1700000000000;
    w->next_connection = 1;
    const char *base = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    snprintf(w->folder, sizeof w->folder, "%s/zisk-world-XXXXXX", base);
    assert_non_null(mkdtemp(w->folder));
    log_config quiet = {.filter = getenv("WORLD_VERBOSE") != NULL ? "debug" : "off", .stream = 1};
    assert_int_equal(log_open(&quiet), ZK_OK);
    open_engine(w);
    return w;
}

static void close_engine(world *w)
{
    engine_counts c;
    engine_get_counts(w->engine, &c);
    uint64_t *to = (uint64_t *)&w->before, *from = (uint64_t *)&c;
    for (size_t k = 0; k < sizeof c / sizeof *to; k++)
        to[k] += from[k];
    engine_close(w->engine);
    store_close(w->store);
}

engine_counts world_counts(world *w)
{
    engine_counts c;
    engine_get_counts(w->engine, &c);
    uint64_t *to = (uint64_t *)&c, *from = (uint64_t *)&w->before;
    for (size_t k = 0; k < sizeof c / sizeof *to; k++)
        to[k] += from[k];
    return c;
}

void world_free(world *w)
{
    world_break_store(w, false);
    engine_close(w->engine);
    store_close(w->store);
    char command[160];
    snprintf(command, sizeof command, "rm -r '%s'", w->folder);
    assert_int_equal(system(command), 0);
    for (size_t k = 0; k < w->n_events; k++)
        free(w->events[k].bytes);
    for (size_t k = 0; k < w->n_fakes; k++) {
        fake_forget(w->fakes[k]);
        for (size_t s = 0; s < w->fakes[k]->n_stash; s++)
            free(w->fakes[k]->stash[s].bytes);
        free(w->fakes[k]->last);
        free(w->fakes[k]);
    }
    free(w->fakes);
    free(w->events);
    free(w->jobs);
    free(w->artifacts);
    free(w->links);
    free(w->epochs);
    free(w->stored);
    free(w);
}

engine *world_engine(world *w)
{
    return w->engine;
}

uint64_t world_now(const world *w)
{
    return w->now;
}

test_rng *world_rng(world *w)
{
    return &w->rng;
}

static void break_connection(world *w, struct link *l, bool noticed)
{
    l->up = false;
    fake *f = l->f;
    if (f->connected && f->connection == l->connection) {
        f->connected = f->registered = false;
        if (f->alive)
            world_push(w, (event){.kind = CONNECT,
                                  .f = f,
                                  .life = f->life,
                                  .at = w->now + 500 + test_rng_u64(&w->rng) % 1500});
    }
    if (noticed && l->engine_up)
        world_push(w, (event){.kind = LOST, .connection = l->connection, .at = w->now + delay(w)});
}

void world_restart(world *w)
{
    close_engine(w);
    check_stored(w);
    for (size_t k = 0; k < w->n_links; k++) {
        w->links[k].engine_up = false;
        if (w->links[k].up)
            break_connection(w, &w->links[k], false);
    }
    open_engine(w);
}

void world_restart_set_back(world *w, uint64_t ms)
{
    uint64_t now = w->now, next;
    w->now -= ms;
    world_restart(w);
    engine_tick(w->engine, w->now, &next);
    w->now = now;
}

static void take_event(world *w, event *e)
{
    struct link *l = e->connection != 0 ? world_link(w, e->connection) : NULL;
    switch (e->kind) {
    case TO_WORKER: {
        fake *f = l->f;
        if (!l->up || !f->connected || f->connection != e->connection)
            break;
        if (f->paused) {
            assert_true(f->n_stash < sizeof f->stash / sizeof *f->stash);
            f->stash[f->n_stash++] = *e;
            e->bytes = NULL;
            break;
        }
        ProtobufCMessage *m;
        assert_int_equal(
            message_unpack(&m, API_COORDINATOR_MESSAGE_TYPE, e->bytes, e->n, MESSAGE_BYTES_MAX),
            ZK_OK);
        fake_take(f, (api_coordinator_message *)m);
        message_free(m);
        break;
    }
    case TO_ENGINE:
        if (!l->engine_up)
            break;
        {
            ProtobufCMessage *m;
            assert_int_equal(
                message_unpack(&m, API_WORKER_MESSAGE_TYPE, e->bytes, e->n, MESSAGE_BYTES_MAX),
                ZK_OK);
            engine_worker_message(w->engine, w->now, e->connection, "10.0.0.1:1",
                                  (api_worker_message *)m);
            message_free(m);
        }
        break;
    case WORKER_STEP:
        if (e->life == e->f->life && e->f->alive)
            fake_step(e->f);
        break;
    case CHECKED:
        if (e->engine_life == w->engine_life)
            engine_checked(w->engine, w->now, e->ticket,
                           e->undecided ? CHECK_UNDECIDED
                           : e->ok      ? CHECK_ACCEPTED
                                        : CHECK_REFUSED,
                           e->ok ? "" : "by the model");
        break;
    case TICK:
        if (e->engine_life == w->engine_life) {
            uint64_t next;
            engine_tick(w->engine, w->now, &next);
            assert_true(next > w->now);
            world_push(w, (event){.kind = TICK, .at = next, .engine_life = w->engine_life});
        }
        break;
    case LOST:
        if (e->ok) { // the worker sees that the engine closed
            if (l->up)
                break_connection(w, l, false);
        } else if (l->engine_up) {
            l->engine_up = false;
            engine_lost(w->engine, w->now, e->connection, "connection reset");
        }
        break;
    case CONNECT:
        if (e->life == e->f->life && e->f->paused)
            world_push(w, (event){.kind = CONNECT, .f = e->f, .life = e->life, .at = w->now + 500});
        else if (e->life == e->f->life && e->f->alive && !e->f->connected && !e->f->leaving)
            fake_connect(w, e->f);
        break;
    }
    free(e->bytes);
}

void world_run(world *w, uint64_t ms)
{
    uint64_t until = w->now + ms;
    while (w->n_events > 0 && w->events[0].at <= until) {
        event e = pop(w);
        if (e.at > w->now)
            w->now = e.at;
        take_event(w, &e);
    }
    w->now = until;
}

const char *world_finish(world *w, const char *job, uint64_t ms)
{
    uint64_t until = w->now + ms;
    while (w->now < until) {
        const char *state = world_job(w, job)->state;
        if (strcmp(state, "Completed") == 0 || strcmp(state, "Failed") == 0 ||
            strcmp(state, "Cancelled") == 0)
            break;
        world_run(w, 50);
    }
    return world_job(w, job)->state;
}

const api_job_status *world_job(world *w, const char *job)
{
    const api_job_status *s = engine_job(w->engine, w->now, job);
    assert_non_null(s);
    return s;
}

status world_try_launch(world *w, char job[37], const api_launch_proof_request *r)
{
    bool queued;
    // A job may end before the call returns, and then hook_over has to know it.
    status s = engine_launch(w->engine, w->now, r, job, &queued);
    if (s != ZK_OK || world_known(w, job) != NULL)
        return s;
    w->jobs = realloc(w->jobs, (w->n_jobs + 1) * sizeof *w->jobs);
    known_job *j = &w->jobs[w->n_jobs++];
    *j = (known_job){.epoch = UINT32_MAX};
    snprintf(j->id, sizeof j->id, "%s", job);
    snprintf(j->data_id, sizeof j->data_id, "%s", r->data_id);
    return s;
}

void world_launch(world *w, char job[37], const char *data_id, uint32_t units, uint32_t minimum,
                  bool queue, uint32_t priority)
{
    api_launch_proof_request r = API_LAUNCH_PROOF_REQUEST_INIT;
    r.data_id = (char *)data_id;
    r.compute_capacity = units;
    r.minimal_compute_capacity = minimum;
    r.queue = queue;
    r.priority = priority;
    if (world_try_launch(w, job, &r) != ZK_OK)
        fail_msg("%s", status_message());
}

bool world_proof_is_right(world *w, const char *job)
{
    const known_job *j = world_known(w, job);
    uint8_t sha[32], want[32];
    uint64_t bytes;
    if (!engine_proof(w->engine, job, sha, &bytes) || bytes != 1000)
        return false;
    uint32_t n = world_plan(w, j->data_id);
    uint8_t *all = malloc(n * MODEL_BYTES);
    for (uint32_t k = 0; k < n; k++)
        model_contribution(all + k * MODEL_BYTES, j->data_id, k);
    model_final(want, all, n);
    free(all);
    return memcmp(sha, want, 32) == 0;
}

size_t world_tasks_sent(const world *w, int type)
{
    return w->sent[type];
}

size_t world_over_calls(const world *w, const char *job)
{
    return world_known((world *)w, job)->over_calls;
}

uint32_t world_forgotten(const world *w, const char *job)
{
    return world_known((world *)w, job)->forgotten;
}

static status count_result(void *arg, const result_record *r)
{
    (void)r;
    ++*(size_t *)arg;
    return ZK_OK;
}

size_t world_results(const world *w, const char *job, uint32_t epoch)
{
    size_t n = 0;
    assert_int_equal(store_each_result(w->store, job, epoch, count_result, &n), ZK_OK);
    return n;
}

void world_break_store(world *w, bool broken)
{
    if (broken == w->broken)
        return;
    w->broken = broken;
    // As a full disk: no file may be written at all.
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = broken ? 0 : limit.rlim_max;
    (void)signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

void world_print(world *w)
{
    for (size_t k = 0; k < engine_n_workers(w->engine); k++) {
        const api_worker_info *i = engine_worker_at(w->engine, k);
        const fake *f = NULL;
        for (size_t x = 0; x < w->n_fakes; x++)
            if (strcmp(w->fakes[x]->id, i->worker_id) == 0)
                f = w->fakes[x];
        printf("%s %s (lie %d, job %.8s, %zu tasks, %zu kept) %.8s: %s\n", i->worker_id, i->state,
               f != NULL ? (int)f->lie : -1, f != NULL ? f->job : "", f != NULL ? f->n_tasks : 0,
               f != NULL ? f->n_kept : 0, i->job_id, i->reason);
    }
    for (size_t k = 0; k < engine_n_jobs(w->engine); k++) {
        const api_job_status *s = engine_job_at(w->engine, w->now, k);
        printf("%.8s %s epoch %u, %u of %u\n", s->job_id, s->state, s->epoch,
               s->progress != NULL ? s->progress->instances_done : 0,
               s->progress != NULL ? s->progress->instances_total : 0);
    }
}

void world_check_queue(world *w)
{
    if (engine_n_queued(w->engine) == 0)
        return;
    uint32_t idle = 0;
    size_t n = 0;
    for (size_t k = 0; k < engine_n_workers(w->engine); k++) {
        const api_worker_info *info = engine_worker_at(w->engine, k);
        if (strcmp(info->state, "Idle") == 0 && strstr(info->reason, "leaving") == NULL) {
            idle += info->compute_capacity->compute_units;
            n++;
        }
    }
    // All launches of the simulation are content with one unit.
    assert_true(idle == 0 && n == 0);
}

void world_undecided(world *w, size_t n)
{
    w->undecided = n;
}

void world_check(world *w)
{
    for (size_t k = 0; k < engine_n_workers(w->engine); k++) {
        const api_worker_info *info = engine_worker_at(w->engine, k);
        bool computing = strncmp(info->state, "Computing", 9) == 0;
        // Whoever computes has a job, or is stopping one; whoever does not has none, unless it is
        // away and may come back to it.
        if (info->job_id[0] == 0)
            assert_true(!computing || strstr(info->reason, "stops a job") != NULL);
        else
            assert_true(computing || strcmp(info->state, "Disconnected") == 0);
        if (!computing)
            assert_true(info->reason[0] != 0);
        if (strcmp(info->state, "Set aside") == 0) {
            for (size_t f = 0; f < w->n_fakes; f++)
                if (strcmp(w->fakes[f]->id, info->worker_id) == 0)
                    assert_true(w->fakes[f]->lie != HONEST);
        }
    }
}
