// SPDX-License-Identifier: Apache-2.0 OR MIT
// A worker as doc/cluster.md wants it, with a prover of hashes. It fails the test when the engine
// asks for what a worker of that page could not do.
#include "unit/coordinator/world_internal.h"

#define DOWN(name) ZISK__DISTRIBUTED__API__V1__COORDINATOR_MESSAGE__PAYLOAD_##name
#define UP(name)   ZISK__DISTRIBUTED__API__V1__WORKER_MESSAGE__PAYLOAD_##name

enum { EXECUTE_MS = 200, INSTANCE_MS = 40, AGGREGATE_MS = 30 };

static fake *new_fake(world *w, const char *id, uint32_t units, lie l)
{
    fake *f = calloc(1, sizeof *f);
    assert_non_null(f);
    f->w = w;
    snprintf(f->id, sizeof f->id, "%s", id);
    f->units = units;
    f->lie = l;
    f->program = f->key = 1;
    w->fakes = realloc(w->fakes, (w->n_fakes + 1) * sizeof *w->fakes);
    w->fakes[w->n_fakes++] = f;
    return f;
}

fake *world_add(world *w, const char *id, uint32_t units, lie l)
{
    fake *f = new_fake(w, id, units, l);
    fake_connect(w, f);
    return f;
}

fake *world_add_thief(world *w, const char *id, uint32_t units)
{
    fake *f = new_fake(w, id, units, HONEST);
    f->alive = f->open = true; // so that it reconnects
    f->process = UINT64_MAX;
    fake_connect(w, f);
    return f;
}

size_t world_n_workers(const world *w)
{
    return w->n_fakes;
}

fake *world_worker(world *w, size_t i)
{
    return w->fakes[i];
}

const char *fake_id(const fake *f)
{
    return f->id;
}

lie fake_lie(const fake *f)
{
    return f->lie;
}

void fake_set_lie(fake *f, lie l)
{
    f->lie = l;
}

void fake_set_program(fake *f, uint8_t program, uint8_t key)
{
    f->program = program;
    f->key = key;
}

bool fake_is_alive(const fake *f)
{
    return f->alive;
}

bool fake_is_connected(const fake *f)
{
    return f->connected;
}

bool fake_is_paused(const fake *f)
{
    return f->paused;
}

bool fake_has_left(const fake *f)
{
    return f->leaving;
}

bool fake_is_busy(const fake *f)
{
    return f->n_tasks > 0;
}

bool fake_has_run(const fake *f)
{
    return f->open;
}

void fake_hold_answers(fake *f, bool hold)
{
    f->hold = hold;
}

uint64_t fake_last_task(const fake *f)
{
    return f->last_task;
}

uint64_t fake_task_id(const fake *f)
{
    return f->n_tasks > 0 ? f->tasks[0].id : 0;
}

void fake_freeze(fake *f)
{
    f->alive = false;
    f->life++;
    f->paused = true;
}

static void drop_kept(fake *f, size_t k)
{
    free(f->kept[k].bytes);
    f->n_kept--;
    memmove(&f->kept[k], &f->kept[k + 1], (f->n_kept - k) * sizeof *f->kept);
}

void fake_forget(fake *f)
{
    while (f->n_kept > 0)
        drop_kept(f, f->n_kept - 1);
    free(f->all);
    f->all = NULL;
    f->n_all = 0;
    f->n_tasks = 0;
    f->open = false;
    f->epoch = UINT32_MAX;
    f->job[0] = 0;
    memset(f->committed, 0, sizeof f->committed);
}

void world_to_engine(world *w, fake *f, const api_worker_message *m)
{
    if (!f->connected)
        return;
    struct link *l = world_link(w, f->connection);
    event e = {.kind = TO_ENGINE, .connection = f->connection};
    assert_int_equal(message_pack(&e.bytes, &e.n, &m->base), ZK_OK);
    uint64_t spread = w->o.max_delay_ms - w->o.min_delay_ms + 1;
    e.at = w->now + w->o.min_delay_ms + test_rng_u64(&w->rng) % spread;
    if (e.at < l->last_to_engine)
        e.at = l->last_to_engine;
    l->last_to_engine = e.at;
    world_push(w, e);
}

void fake_send(world *w, fake *f, const api_worker_message *m)
{
    world_to_engine(w, f, m);
}

static void send_bytes(fake *f, const uint8_t *bytes, size_t n)
{
    ProtobufCMessage *m;
    assert_int_equal(message_unpack(&m, API_WORKER_MESSAGE_TYPE, bytes, n, MESSAGE_BYTES_MAX),
                     ZK_OK);
    world_to_engine(f->w, f, (api_worker_message *)m);
    message_free(m);
}

void fake_repeat(world *w, fake *f)
{
    (void)w;
    assert_non_null(f->last);
    send_bytes(f, f->last, f->n_last);
}

// A result: kept until ResultStored.
static void deliver(fake *f, const api_worker_message *m, uint64_t task, uint32_t epoch, bool whole,
                    uint32_t index)
{
    assert_true(f->n_kept < sizeof f->kept / sizeof *f->kept);
    kept_result *k = &f->kept[f->n_kept++];
    *k = (kept_result){.task = task, .epoch = epoch, .whole = whole, .index = index};
    assert_int_equal(message_pack(&k->bytes, &k->n, &m->base), ZK_OK);
    free(f->last);
    f->last = malloc(k->n);
    memcpy(f->last, k->bytes, k->n);
    f->n_last = k->n;
    f->last_task = task;
    if (!f->hold)
        world_to_engine(f->w, f, m);
}

// ---- Connections

static void open_link(world *w, fake *f)
{
    f->connected = true;
    f->registered = false;
    f->heard_ms = w->now;
    f->connection = w->next_connection++;
    w->links = realloc(w->links, (w->n_links + 1) * sizeof *w->links);
    w->links[w->n_links++] = (struct link){.connection = f->connection,
                                           .f = f,
                                           .up = true,
                                           .engine_up = true,
                                           .last_to_engine = w->now,
                                           .last_to_worker = w->now};
}

void fake_connect(world *w, fake *f)
{
    if (!f->alive) {
        f->alive = true;
        f->life++;
        f->process = f->life;
        fake_forget(f);
        f->leaving = false;
    }
    open_link(w, f);
    fake_greet(f);
}

void world_register_raw(world *w, fake *f, const api_worker_register_request *r)
{
    open_link(w, f);
    api_worker_message m = API_WORKER_MESSAGE_INIT;
    m.payload_case = UP(REGISTER);
    m.register_ = (api_worker_register_request *)r;
    world_to_engine(w, f, &m);
}

void world_reconnect_raw(world *w, fake *f, const api_worker_reconnect_request *r)
{
    open_link(w, f);
    api_worker_message m = API_WORKER_MESSAGE_INIT;
    m.payload_case = UP(RECONNECT);
    m.reconnect = (api_worker_reconnect_request *)r;
    world_to_engine(w, f, &m);
}

void fake_greet(fake *f)
{
    api_compute_capacity c = API_COMPUTE_CAPACITY_INIT;
    c.compute_units = f->units;
    uint8_t digest[32], key[32];
    uint64_t words[MODEL_KEY_WORDS];
    memset(digest, f->program, sizeof digest);
    memset(key, f->key, sizeof key);
    for (int k = 0; k < MODEL_KEY_WORDS; k++)
        words[k] = f->key;
    api_worker_abilities a = API_WORKER_ABILITIES_INIT;
    a.program_digest = (ProtobufCBinaryData){sizeof digest, digest};
    a.program_key = (ProtobufCBinaryData){sizeof key, key};
    a.key_words = words;
    a.n_key_words = MODEL_KEY_WORDS;
    a.instance_proofs = true;
    a.process = (ProtobufCBinaryData){sizeof f->process, (uint8_t *)&f->process};
    api_worker_message m = API_WORKER_MESSAGE_INIT;
    api_worker_register_request r = API_WORKER_REGISTER_REQUEST_INIT;
    api_worker_reconnect_request again = API_WORKER_RECONNECT_REQUEST_INIT;
    api_task_progress list[64 + 2048], *pointers[64 + 2048];
    size_t n = 0;
    for (size_t k = 0; k < f->n_tasks; k++) {
        list[n] = (api_task_progress)API_TASK_PROGRESS_INIT;
        list[n].job_id = f->job;
        list[n].task_id = f->tasks[k].id;
        list[n].epoch = f->tasks[k].epoch;
        pointers[n] = &list[n];
        n++;
    }
    for (size_t k = 0; k < f->n_kept; k++) {
        list[n] = (api_task_progress)API_TASK_PROGRESS_INIT;
        list[n].job_id = f->job;
        list[n].task_id = f->kept[k].task;
        list[n].epoch = f->kept[k].epoch;
        pointers[n] = &list[n];
        n++;
    }
    if (f->open || n > 0) {
        again.worker_id = f->id;
        again.compute_capacity = &c;
        again.abilities = &a;
        again.last_known_job_id = f->job;
        again.tasks = pointers;
        again.n_tasks = n;
        m.payload_case = UP(RECONNECT);
        m.reconnect = &again;
    } else {
        r.worker_id = f->id;
        r.compute_capacity = &c;
        r.abilities = &a;
        m.payload_case = UP(REGISTER);
        m.register_ = &r;
    }
    world_to_engine(f->w, f, &m);
}

void fake_cut(world *w, fake *f, bool noticed)
{
    if (!f->connected)
        return;
    struct link *l = world_link(w, f->connection);
    l->up = false;
    f->connected = f->registered = false;
    if (f->alive)
        world_push(w, (event){.kind = CONNECT,
                              .f = f,
                              .life = f->life,
                              .at = w->now + 500 + test_rng_u64(&w->rng) % 1500});
    if (noticed)
        world_push(w, (event){.kind = LOST, .connection = l->connection, .at = w->now + 1});
}

void fake_kill(world *w, fake *f)
{
    f->alive = false;
    f->life++;
    fake_cut(w, f, true);
    f->stepping = false;
    f->paused = false;
    for (size_t s = 0; s < f->n_stash; s++)
        free(f->stash[s].bytes);
    f->n_stash = 0;
    fake_forget(f);
}

static void schedule_step(fake *f, uint64_t ms)
{
    if (f->stepping || f->n_tasks == 0 || f->paused || f->lie == STALLS)
        return;
    f->stepping = true;
    world_push(f->w, (event){.kind = WORKER_STEP, .f = f, .life = f->life, .at = f->w->now + ms});
}

void fake_pause(world *w, fake *f, bool pause)
{
    f->paused = pause;
    if (pause)
        return;
    for (size_t s = 0; s < f->n_stash; s++) {
        event e = f->stash[s];
        e.at = w->now;
        world_push(w, e);
    }
    f->n_stash = 0;
    schedule_step(f, 1);
}

void fake_leave(world *w, fake *f)
{
    api_worker_leaving l = API_WORKER_LEAVING_INIT;
    l.reason = (char *)"told to";
    api_worker_message m = API_WORKER_MESSAGE_INIT;
    m.payload_case = UP(LEAVING);
    m.leaving = &l;
    world_to_engine(w, f, &m);
    f->leaving = true;
}

// ---- Answers

static void answer(fake *f, const fake_task *t, api_execute_task_response *r, bool keep)
{
    r->job_id = f->job;
    r->worker_id = f->id;
    r->task_type = (Zisk__Distributed__Api__V1__TaskType)t->type;
    r->epoch = t->epoch;
    r->task_id = t->id;
    api_worker_message m = API_WORKER_MESSAGE_INIT;
    m.payload_case = UP(EXECUTE_TASK_RESPONSE);
    m.execute_task_response = r;
    if (keep)
        deliver(f, &m, t->id, t->epoch, true, 0);
    else
        world_to_engine(f->w, f, &m);
}

static void answer_failure(fake *f, const fake_task *t, const char *code, const char *text)
{
    api_execute_task_response r = API_EXECUTE_TASK_RESPONSE_INIT;
    r.error_code = (char *)code;
    r.error_message = (char *)text;
    answer(f, t, &r, false);
}

static void remove_task(fake *f, size_t k)
{
    f->n_tasks--;
    memmove(&f->tasks[k], &f->tasks[k + 1], (f->n_tasks - k) * sizeof *f->tasks);
}

static void make_contribution(const fake *f, uint8_t out[MODEL_BYTES], uint32_t index)
{
    model_contribution(out, f->data_id, index);
    if (f->lie == LIES_CONTRIBUTION || f->lie == LIES_WITNESS || f->lie == LIES_GARBAGE) {
        model_digest(out, f->id, f->data_id, strlen(f->data_id), index);
        out[0] = f->lie == LIES_CONTRIBUTION ? 'X' : f->lie == LIES_WITNESS ? 'B' : 'G';
    }
}

static void answer_contribution(fake *f, fake_task *t)
{
    api_challenges_list c = API_CHALLENGES_LIST_INIT;
    api_witness_exec_info info = API_WITNESS_EXEC_INFO_INIT;
    uint64_t publics[64];
    for (int k = 0; k < 64; k++)
        publics[k] = (uint64_t)k + (f->lie == LIES_PUBLICS);
    info.publics = publics;
    info.n_publics = 64;
    uint8_t digest[32];
    model_digest(digest, f->lie == LIES_PLAN || f->lie == LIES_MORE ? f->id : "plan", f->data_id,
                 strlen(f->data_id), 0);
    c.witness_info = &info;
    c.plan_digest = (ProtobufCBinaryData){sizeof digest, digest};
    c.plan_instances = f->plan_n;
    c.executed_steps = 1000;
    uint32_t n = f->lie == LIES_MORE && t->begin < t->end ? 1 : t->end - t->begin;
    api_instance_contribution list[1024], *pointers[1024];
    static uint8_t bytes[1024][MODEL_BYTES];
    for (uint32_t k = 0; k < n; k++) {
        make_contribution(f, bytes[k], t->begin + k);
        list[k] = (api_instance_contribution)API_INSTANCE_CONTRIBUTION_INIT;
        list[k].plan_index = t->begin + k + (f->lie == LIES_RANGE ? f->plan_n : 0);
        list[k].contribution = (ProtobufCBinaryData){MODEL_BYTES, bytes[k]};
        pointers[k] = &list[k];
    }
    c.contributions = pointers;
    c.n_contributions = n;
    api_execute_task_response r = API_EXECUTE_TASK_RESPONSE_INIT;
    r.success = true;
    r.result_data_case = ZISK__DISTRIBUTED__API__V1__EXECUTE_TASK_RESPONSE__RESULT_DATA_CHALLENGES;
    r.challenges = &c;
    answer(f, t, &r, true);
}

static void answer_proof(fake *f, const fake_task *t, uint32_t index)
{
    uint8_t proof[MODEL_PROOF_BYTES];
    model_proof(proof, f->all, f->n_all, index);
    if (f->lie == LIES_PROOF)
        proof[7] ^= 1;
    api_instance_proof p = API_INSTANCE_PROOF_INIT;
    p.job_id = f->job;
    p.task_id = t->id;
    p.epoch = t->epoch;
    p.plan_index = index;
    p.proof = (ProtobufCBinaryData){sizeof proof, proof};
    api_worker_message m = API_WORKER_MESSAGE_INIT;
    m.payload_case = UP(INSTANCE_PROOF);
    m.instance_proof = &p;
    deliver(f, &m, t->id, t->epoch, false, index);
}

static void answer_proofs(fake *f, const fake_task *t)
{
    api_proof_list list = API_PROOF_LIST_INIT;
    api_execute_task_response r = API_EXECUTE_TASK_RESPONSE_INIT;
    r.success = true;
    r.result_data_case = ZISK__DISTRIBUTED__API__V1__EXECUTE_TASK_RESPONSE__RESULT_DATA_PROOFS;
    r.proofs = &list;
    answer(f, t, &r, true);
}

static void answer_final(fake *f, const fake_task *t)
{
    uint8_t sha[32];
    model_final(sha, f->all, f->n_all);
    if (f->lie == LIES_FINAL)
        sha[3] ^= 1;
    world_put_artifact(f->w, sha);
    api_final_proof p = API_FINAL_PROOF_INIT;
    p.sha256 = (ProtobufCBinaryData){sizeof sha, sha};
    api_execute_task_response r = API_EXECUTE_TASK_RESPONSE_INIT;
    r.success = true;
    r.result_data_case = ZISK__DISTRIBUTED__API__V1__EXECUTE_TASK_RESPONSE__RESULT_DATA_FINAL_PROOF;
    r.final_proof = &p;
    answer(f, t, &r, true);
}

static void report(fake *f, const fake_task *t, uint32_t done, uint32_t of, uint64_t steps)
{
    api_task_progress p = API_TASK_PROGRESS_INIT;
    p.job_id = f->job;
    p.task_id = t->id;
    p.epoch = t->epoch;
    p.task_type = (Zisk__Distributed__Api__V1__TaskType)t->type;
    p.instances_done = done;
    p.instances_total = of;
    p.steps_done = steps;
    api_worker_message m = API_WORKER_MESSAGE_INIT;
    m.payload_case = UP(PROGRESS);
    m.progress = &p;
    world_to_engine(f->w, f, &m);
}

// ---- Work

static bool all_there(const fake *f, const fake_task *t)
{
    for (uint32_t k = 0; k < f->plan_n; k++)
        if (!t->have[k])
            return false;
    return true;
}

static bool step_contribution(fake *f, fake_task *t)
{
    if (!t->begun) {
        t->begun = true;
        f->open = true;
        report(f, t, 0, 0, 500); // it executes the program, and then has a plan
        return false;
    }
    if (t->at < t->end) {
        f->committed[t->at++] = true;
        report(f, t, t->at - t->begin, t->end - t->begin, 1000);
        return false;
    }
    answer_contribution(f, t);
    return true;
}

static bool step_proof(fake *f, fake_task *t)
{
    if (t->at < t->end) {
        // What it proves it has committed, in this process.
        assert_true(f->committed[t->at]);
        uint8_t own[MODEL_BYTES];
        make_contribution(f, own, t->at);
        if (memcmp(own, f->all + (t->at - f->first_all) * MODEL_BYTES, MODEL_BYTES) != 0) {
            answer_failure(f, t, "CONTRIBUTION_MISMATCH", "mine differs");
            return true;
        }
        answer_proof(f, t, t->at++);
        return false;
    }
    answer_proofs(f, t);
    return true;
}

// The task to work on: the first that does not wait for more requests.
static size_t next_task(const fake *f)
{
    for (size_t k = 0; k < f->n_tasks; k++)
        if (f->tasks[k].type != 2 || f->tasks[k].last)
            return k;
    return f->n_tasks;
}

void fake_step(fake *f)
{
    f->stepping = false;
    if (f->paused)
        return;
    size_t k = next_task(f);
    if (k == f->n_tasks)
        return;
    fake_task *t = &f->tasks[k];
    if (f->lie == PRETENDS) {
        t->told++;
        report(f, t, t->told, UINT32_MAX, 1000ULL * t->told);
        schedule_step(f, 1000);
        return;
    }
    bool done = false;
    uint64_t ms = INSTANCE_MS;
    if (f->lie == ERRS || f->lie == NO_INPUT || f->lie == CRASHED_GUEST) {
        answer_failure(f, t,
                       f->lie == ERRS       ? "OUT_OF_MEMORY"
                       : f->lie == NO_INPUT ? "INPUT_ERROR"
                                            : "PROGRAM_FAILED",
                       "as the test wants");
        done = true;
    } else if (t->type == 0) {
        ms = t->begun ? INSTANCE_MS : EXECUTE_MS;
        done = step_contribution(f, t);
    } else if (t->type == 1) {
        done = step_proof(f, t);
    } else {
        assert_true(all_there(f, t));
        answer_final(f, t);
        done = true;
        ms = AGGREGATE_MS;
    }
    if (done)
        remove_task(f, k);
    schedule_step(f, ms + test_rng_u64(&f->w->rng) % (ms + 1));
}

static void drop_epochs_before(fake *f, uint32_t epoch)
{
    for (size_t k = f->n_tasks; k-- > 0;)
        if (f->tasks[k].epoch < epoch)
            remove_task(f, k);
    for (size_t k = f->n_kept; k-- > 0;)
        if (f->kept[k].epoch < epoch)
            drop_kept(f, k);
}

static void keep_contributions(fake *f, const api_prove_params *p, uint32_t epoch)
{
    assert_true(p->n_contributions > 0 && p->n_challenges == p->n_contributions);
    free(f->all);
    f->n_all = p->n_contributions;
    f->all = malloc(f->n_all * MODEL_BYTES);
    f->first_all = p->contributions[0]->plan_index;
    for (size_t k = 0; k < f->n_all; k++) {
        assert_int_equal(p->contributions[k]->plan_index, f->first_all + k);
        assert_int_equal(p->contributions[k]->contribution.len, MODEL_BYTES);
        memcpy(f->all + k * MODEL_BYTES, p->contributions[k]->contribution.data, MODEL_BYTES);
        assert_int_equal(p->challenges[k]->n_challenge, 4);
    }
    f->epoch = epoch;
}

// Units are dealt evenly over the instances here, which is one of the cuts that deal_range makes.
static void range_of_units(const fake *f, fake_task *t, const api_contribution_params *p)
{
    uint64_t of = p->job_compute_units;
    assert_true(p->n_worker_allocation > 0 &&
                p->worker_allocation[0] + p->n_worker_allocation <= of);
    for (size_t k = 1; k < p->n_worker_allocation; k++)
        assert_int_equal(p->worker_allocation[k], p->worker_allocation[0] + k);
    t->begin = (uint32_t)(p->worker_allocation[0] * (uint64_t)f->plan_n / of);
    t->end =
        (uint32_t)((p->worker_allocation[0] + p->n_worker_allocation) * (uint64_t)f->plan_n / of);
}

static void take_task(fake *f, const api_execute_task_request *r)
{
    assert_string_equal(r->worker_id, f->id);
    if (strcmp(f->job, r->job_id) != 0) {
        // Only when it was released: nothing of the other job may be left.
        assert_int_equal(f->n_tasks, 0);
        fake_forget(f);
        snprintf(f->job, sizeof f->job, "%s", r->job_id);
        const known_job *j = world_known(f->w, r->job_id);
        snprintf(f->data_id, sizeof f->data_id, "%s",
                 r->contribution_params != NULL && r->task_type == 0
                     ? r->contribution_params->data_id
                     : j->data_id);
        f->plan_n = world_plan(f->w, f->data_id);
        if (f->lie == LIES_PLAN)
            f->plan_n++;
        else if (f->lie == LIES_MORE)
            f->plan_n += 100;
    }
    drop_epochs_before(f, r->epoch);
    for (size_t k = 0; k < f->n_tasks; k++) {
        if (f->tasks[k].id != r->task_id)
            continue;
        assert_int_equal(r->task_type, 2); // only an aggregation comes in parts
        for (size_t i = 0; i < r->agg_params->n_instance_proofs; i++)
            f->tasks[k].have[r->agg_params->instance_proofs[i]->plan_index] = true;
        f->tasks[k].last |= r->agg_params->last_proof && r->agg_params->final_proof;
        schedule_step(f, AGGREGATE_MS);
        return;
    }
    assert_true(f->n_tasks < sizeof f->tasks / sizeof *f->tasks);
    fake_task *t = &f->tasks[f->n_tasks++];
    *t = (fake_task){.id = r->task_id, .epoch = r->epoch, .type = (int)r->task_type};
    if (r->range != NULL) {
        t->begin = r->range->begin;
        t->end = r->range->end;
        assert_true(t->begin <= t->end);
    }
    // A range that is not in its plan: it says what its plan is.
    if (t->end > f->plan_n)
        t->begin = t->end = 0;
    if (r->task_type == 0) {
        assert_int_equal(r->contribution_params->plan->instance_log_cells, 22);
        if (r->range == NULL)
            range_of_units(f, t, r->contribution_params);
    } else if (r->task_type == 1) {
        assert_true(f->open); // it was executed here before
        assert_non_null(r->range);
        keep_contributions(f, r->prove_params, r->epoch);
    } else {
        assert_true(f->open);
        assert_int_equal(f->epoch, r->epoch); // it has the contributions
        for (size_t i = 0; i < r->agg_params->n_instance_proofs; i++)
            t->have[r->agg_params->instance_proofs[i]->plan_index] = true;
        t->last = r->agg_params->last_proof;
    }
    t->at = t->begin;
    schedule_step(f, EXECUTE_MS);
}

static void take_cancelled(fake *f, const api_job_cancelled *c)
{
    if (strcmp(f->job, c->job_id) == 0)
        fake_forget(f);
    api_execute_task_response r = API_EXECUTE_TASK_RESPONSE_INIT;
    r.job_id = c->job_id;
    r.worker_id = f->id;
    r.error_code = (char *)"CANCELLED";
    api_worker_message m = API_WORKER_MESSAGE_INIT;
    m.payload_case = UP(EXECUTE_TASK_RESPONSE);
    m.execute_task_response = &r;
    world_to_engine(f->w, f, &m);
}

static void take_stored(fake *f, const api_result_stored *s)
{
    for (size_t k = f->n_kept; k-- > 0;) {
        kept_result *r = &f->kept[k];
        bool one = s->_plan_index_case != 0;
        if (r->task == s->task_id && (one ? !r->whole && r->index == s->plan_index : true))
            drop_kept(f, k);
    }
}

void fake_take(fake *f, const api_coordinator_message *m)
{
    f->heard_ms = f->w->now;
    switch (m->payload_case) {
    case DOWN(HEARTBEAT): {
        api_heartbeat_ack a = API_HEARTBEAT_ACK_INIT;
        a.worker_id = f->id;
        api_worker_message up = API_WORKER_MESSAGE_INIT;
        up.payload_case = UP(HEARTBEAT_ACK);
        up.heartbeat_ack = &a;
        world_to_engine(f->w, f, &up);
        break;
    }
    case DOWN(REGISTER_RESPONSE):
        if (!m->register_response->accepted)
            break; // the connection ends, and it tries again
        f->registered = true;
        for (size_t k = 0; k < f->n_kept && !f->hold; k++)
            send_bytes(f, f->kept[k].bytes, f->kept[k].n);
        break;
    case DOWN(EXECUTE_TASK):
        assert_true(f->registered);
        take_task(f, m->execute_task);
        break;
    case DOWN(JOB_CANCELLED):
        take_cancelled(f, m->job_cancelled);
        break;
    case DOWN(RESULT_STORED):
        take_stored(f, m->result_stored);
        break;
    default:
        break;
    }
}
