// SPDX-License-Identifier: Apache-2.0 OR MIT
// A whole worker with the real prover, told what to do by a coordinator of the test's.
// argv: sha256.elf accelerators-precompiles.elf
#include "unit/prover/open_program.h"
#include "unit/worker/fake_coordinator.h"

#include <openssl/sha.h>
#include <unistd.h>

#include "base/clock.h"
#include "prover/prover.h"
#include "worker/answers.h"
#include "worker/worker.h"

enum { MANY_BYTES = 2300 }; // of input: two instances with class 23

static const char *elf_paths[2];
static zisk_program sha, calls;
static pool *threads;
static char base[] = "/tmp/zisk-worker-XXXXXX";
static uint8_t many[MANY_BYTES];

static int set_up(void **state)
{
    (void)state;
    must(pool_open(&threads, 2));
    open_program(&sha, elf_paths[0], threads);
    open_program(&calls, elf_paths[1], threads);
    for (size_t i = 0; i < sizeof many; i++)
        many[i] = (uint8_t)(i * 7 + 1);
    assert_non_null(mkdtemp(base));
    return 0;
}

// ---- A worker and its coordinator ----

typedef struct world {
    fake_coordinator f;
    worker_config c;
    scratch files;
    uint8_t program_digest[32];
    worker *w;
    size_t at; // next message to look at
    api_contribution_params contribution;
    api_plan_parameters plan;
    api_plan_range range;
    uint32_t units[4];
} world;

static void open_world_with(world *x, const zisk_program *program, bool minimal_memory)
{
    memset(x, 0, sizeof *x);
    fake_open(&x->f);
    must(scratch_open(&x->files, base));
    x->c = (worker_config){.compute_units = 4,
                           .inputs_folder = base,
                           .coordinator_url = x->f.url,
                           .reconnect_interval_seconds = 1,
                           .heartbeat_timeout_seconds = 3600,
                           .shutdown_timeout_seconds = 30,
                           .input_wait_seconds = 0,
                           .witness_stored = 1,
                           .metrics_host = "127.0.0.1",
                           .minimal_memory = minimal_memory};
    worker_options o = {.config = &x->c,
                        .worker_id = "w1",
                        .program = program,
                        .program_digest = x->program_digest,
                        .threads = threads,
                        .scratch = &x->files};
    must(worker_open(&x->w, x->f.loop, &o));
    x->contribution = (api_contribution_params)API_CONTRIBUTION_PARAMS_INIT;
    x->plan = (api_plan_parameters)API_PLAN_PARAMETERS_INIT;
    x->plan.instance_log_cells = 23;
    x->range = (api_plan_range)API_PLAN_RANGE_INIT;
    for (uint32_t i = 0; i < 4; i++)
        x->units[i] = i;
    (void)fake_wait(&x->f, &x->at, FROM_WORKER(REGISTER));
    fake_run(&x->f, 100);
}

static void open_world(world *x, const zisk_program *program)
{
    open_world_with(x, program, false);
}

static void close_world(world *x)
{
    worker_close(x->w);
    fake_close(&x->f);
    worker_free(x->w);
    assert_int_equal(access(x->files.path, F_OK), 0);
    scratch_close(&x->files);
}

static void set_input(world *x, const void *bytes, size_t n)
{
    x->contribution.input_source_case = INPUT_FROM(INPUT_DATA);
    x->contribution.input_data = (ProtobufCBinaryData){n, (uint8_t *)bytes};
    x->contribution.raw_input = true;
}

static api_execute_task_request request(const char *job, uint64_t id, unsigned type)
{
    api_execute_task_request r = API_EXECUTE_TASK_REQUEST_INIT;
    r.worker_id = (char *)"w1";
    r.job_id = (char *)job;
    r.task_id = id;
    r.task_type = type;
    return r;
}

// With units 0 to n - 1 of 4.
static void ask_units(world *x, const char *job, uint64_t id, size_t n)
{
    api_execute_task_request r = request(job, id, TASK_CONTRIBUTE);
    x->contribution.worker_allocation = x->units;
    x->contribution.n_worker_allocation = n;
    x->contribution.job_compute_units = 4;
    x->contribution.plan = &x->plan;
    r.params_case = TASK_PARAMS(CONTRIBUTION_PARAMS);
    r.contribution_params = &x->contribution;
    fake_task(&x->f, &r);
}

static void ask_range(world *x, const char *job, uint64_t id, uint32_t begin, uint32_t end)
{
    api_execute_task_request r = request(job, id, TASK_CONTRIBUTE);
    x->contribution.n_worker_allocation = 0;
    x->contribution.plan = &x->plan;
    x->range.begin = begin;
    x->range.end = end;
    r.range = &x->range;
    r.params_case = TASK_PARAMS(CONTRIBUTION_PARAMS);
    r.contribution_params = &x->contribution;
    fake_task(&x->f, &r);
}

static void ask_proofs(world *x, const char *job, uint64_t id, uint32_t begin, uint32_t end,
                       api_instance_contribution **contributions, size_t n)
{
    api_execute_task_request r = request(job, id, TASK_PROVE);
    api_prove_params p = API_PROVE_PARAMS_INIT;
    p.contributions = contributions;
    p.n_contributions = n;
    x->range.begin = begin;
    x->range.end = end;
    r.range = &x->range;
    r.params_case = TASK_PARAMS(PROVE_PARAMS);
    r.prove_params = &p;
    fake_task(&x->f, &r);
}

static const api_execute_task_response *response(world *x)
{
    return fake_wait(&x->f, &x->at, FROM_WORKER(EXECUTE_TASK_RESPONSE))->execute_task_response;
}

static void check_failed(world *x, uint64_t id, const char *code, const char *part)
{
    const api_execute_task_response *r = response(x);
    assert_int_equal(r->task_id, id);
    assert_false(r->success);
    assert_string_equal(r->error_code, code);
    if (strstr(r->error_message, part) == NULL)
        fail_msg("\"%s\" is not in \"%s\"", part, r->error_message);
    assert_int_not_equal(r->result_data_case, 0); // the original's readers want one
}

// ---- The same job without a cluster ----

enum { MOST = 16 };

typedef struct expected {
    zisk_job *job;
    size_t n;
    contribution all[MOST];
    proof_writer proofs[MOST];
    uint64_t *words;
    size_t n_words;
    uint64_t contribution_words[MOST][16 + MACHINE_MAX_SLOTS];
    api_instance_contribution messages[MOST], *list[MOST];
} expected;

static void prove_alone(expected *e, const void *input, size_t n, uint32_t max_class)
{
    vm_input in;
    size_t n_slots = sha.key.key.machine->n_slots;
    must(vm_input_load(&in, &sha.vm.map, input, n, true));
    zisk_job_options o = {.threads = threads, .keep = MOST, .max_class = max_class};
    must(zisk_job_open(&e->job, &sha, &in, &o));
    vm_input_clear(&in);
    e->n = zisk_job_plan(e->job)->n;
    assert_in_range(e->n, 1, MOST);
    for (size_t i = 0; i < e->n; i++)
        must(zisk_job_contribute(&e->all[i], e->job, i));
    for (size_t i = 0; i < e->n; i++) {
        proof_writer_init(&e->proofs[i]);
        must(zisk_job_prove(&e->proofs[i], e->job, e->all, i));
        bundle_write_contribution(e->contribution_words[i], &e->all[i], n_slots);
        e->messages[i] = (api_instance_contribution)API_INSTANCE_CONTRIBUTION_INIT;
        e->messages[i].plan_index = (uint32_t)i;
        e->messages[i].contribution = (ProtobufCBinaryData){8 * bundle_contribution_words(n_slots),
                                                            (uint8_t *)e->contribution_words[i]};
        e->list[i] = &e->messages[i];
    }
    must(zisk_bundle(&e->words, &e->n_words, &sha, zisk_job_run(e->job)->publics, e->all, e->proofs,
                     e->n));
}

// Made once: the tests below only read them.
static expected abc, several;

static int set_up_all(void **state)
{
    (void)set_up(state);
    prove_alone(&abc, "abc", 3, 0);
    prove_alone(&several, many, sizeof many, 23);
    assert_int_equal(abc.n, 1);
    assert_true(several.n >= 2);
    return 0;
}

static void clear_expected(expected *e)
{
    for (size_t i = 0; i < e->n; i++)
        proof_writer_clear(&e->proofs[i]);
    free(e->words);
    zisk_job_close(e->job);
}

static int tear_down(void **state)
{
    (void)state;
    clear_expected(&abc);
    clear_expected(&several);
    zisk_program_close(&sha);
    zisk_program_close(&calls);
    pool_close(threads);
    scratch_remove(base);
    return 0;
}

static void check_contributions(const api_execute_task_response *r, const expected *e, size_t begin,
                                size_t end)
{
    if (!r->success)
        fail_msg("%s: %s", r->error_code, r->error_message);
    assert_int_equal(r->result_data_case, RESULT_DATA(CHALLENGES));
    const api_challenges_list *l = r->challenges;
    const zisk_run *run = zisk_job_run(e->job);
    assert_int_equal(l->plan_instances, e->n);
    assert_int_equal(l->executed_steps, run->steps);
    assert_int_equal(l->plan_digest.len, 32);
    digest plan = zisk_plan_digest(zisk_job_plan(e->job), sha.key.key.hash);
    assert_memory_equal(l->plan_digest.data, plan.e, 32);
    assert_int_equal(l->n_contributions, end - begin);
    assert_int_equal(l->n_challenges, end - begin);
    assert_int_equal(l->witness_info->n_publics, VM_PUBLICS);
    for (size_t i = 0; i < VM_PUBLICS; i++)
        assert_int_equal(l->witness_info->publics[i], run->publics[i]);
    for (size_t i = begin; i < end; i++) {
        const api_instance_contribution *c = l->contributions[i - begin];
        assert_int_equal(c->plan_index, i);
        assert_int_equal(c->contribution.len, e->messages[i].contribution.len);
        assert_memory_equal(c->contribution.data, e->contribution_words[i], c->contribution.len);
        assert_int_equal(l->challenges[i - begin]->airgroup_id, i);
        assert_memory_equal(l->challenges[i - begin]->challenge, e->all[i].root.e, 32);
    }
}

static void check_proof(world *x, const expected *e, size_t i)
{
    const api_instance_proof *p =
        fake_wait(&x->f, &x->at, FROM_WORKER(INSTANCE_PROOF))->instance_proof;
    assert_int_equal(p->plan_index, i);
    assert_int_equal(p->proof.len, 8 * e->proofs[i].n_words);
    assert_memory_equal(p->proof.data, e->proofs[i].words, p->proof.len);
}

// Pieces `first` to `end`, by digest.
static void ask_aggregate(world *x, const expected *e, const char *job, uint64_t id, size_t first,
                          size_t end, bool last)
{
    api_instance_proof proofs[MOST], *list[MOST];
    uint8_t sha256[MOST][32];
    for (size_t i = first; i < end; i++) {
        SHA256((const uint8_t *)e->proofs[i].words, 8 * e->proofs[i].n_words, sha256[i]);
        proofs[i] = (api_instance_proof)API_INSTANCE_PROOF_INIT;
        proofs[i].plan_index = (uint32_t)i;
        proofs[i].sha256 = (ProtobufCBinaryData){32, sha256[i]};
        list[i - first] = &proofs[i];
    }
    api_execute_task_request r = request(job, id, TASK_AGGREGATE);
    api_agg_params p = API_AGG_PARAMS_INIT;
    p.instance_proofs = list;
    p.n_instance_proofs = end - first;
    p.last_proof = p.final_proof = last;
    r.params_case = TASK_PARAMS(AGG_PARAMS);
    r.agg_params = &p;
    fake_task(&x->f, &r);
}

static void check_final(world *x, const expected *e, uint64_t id)
{
    const api_execute_task_response *r = response(x);
    assert_int_equal(r->task_id, id);
    if (!r->success)
        fail_msg("%s: %s", r->error_code, r->error_message);
    assert_int_equal(r->result_data_case, RESULT_DATA(FINAL_PROOF));
    assert_int_equal(r->final_proof->executed_steps, zisk_job_run(e->job)->steps);
    assert_int_equal(r->final_proof->sha256.len, 32);
    const fake_artifact *a = fake_find(&x->f, r->final_proof->sha256.data);
    assert_non_null(a);
    assert_int_equal(a->n, 8 * e->n_words);
    assert_memory_equal(a->bytes, e->words, a->n);
}

// ---- Tests ----

static void one_worker_gives_the_proof_of_zisk_prove(void **state)
{
    (void)state;
    world x;
    expected *e = &abc;
    open_world(&x, &sha);
    const api_worker_message *m = x.f.messages[0];
    assert_int_equal(m->register_->compute_capacity->compute_units, 4);
    assert_true(m->register_->abilities->instance_proofs);
    assert_int_equal(m->register_->abilities->process.len, 16);
    digest key = zisk_program_key(&sha);
    assert_memory_equal(m->register_->abilities->program_key.data, key.e, 32);
    program_key opened;
    must(program_key_open(&opened, m->register_->abilities->key_words,
                          m->register_->abilities->n_key_words, key));
    program_key_close(&opened);

    set_input(&x, "abc", 3);
    x.plan.instance_log_cells = 0; // the default
    ask_units(&x, "job", 1, 4);
    check_contributions(response(&x), e, 0, 1);
    fake_stored(&x.f, "job", 1, NULL);
    ask_proofs(&x, "job", 2, 0, 1, e->list, 1);
    check_proof(&x, e, 0);
    const api_execute_task_response *r = response(&x);
    assert_true(r->success);
    assert_int_equal(r->result_data_case, RESULT_DATA(PROOFS));
    assert_int_equal(r->proofs->n_proofs, 1);
    assert_int_equal(r->proofs->proofs[0]->n_values, 0);
    ask_aggregate(&x, e, "job", 3, 0, 1, true); // its own proof, from its own disk
    check_final(&x, e, 3);
    assert_true(x.f.n_progress >= 1); // only the latest state goes out, so quick tasks share one
    close_world(&x);
}

// Several instances: shares by units and by range, the rest of the proofs from others, in pieces;
// the connection breaks in between; a second epoch over the same open job.
static void shares_moves_and_aggregation(void **state)
{
    (void)state;
    world x;
    expected *e = &several;
    uint8_t unused[32];
    open_world(&x, &sha);
    set_input(&x, many, sizeof many);
    ask_range(&x, "job", 1, 0, 0); // the plan alone
    check_contributions(response(&x), e, 0, 0);
    ask_range(&x, "job", 2, 1, 2);
    check_contributions(response(&x), e, 1, 2);
    ask_proofs(&x, "job", 3, 1, 2, e->list, e->n);
    // While it proves, the connection breaks: the task is named, the result comes afterwards.
    fake_run(&x.f, 100);
    fake_cut(&x.f);
    const api_worker_reconnect_request *again =
        fake_wait(&x.f, &x.at, FROM_WORKER(RECONNECT))->reconnect;
    assert_string_equal(again->last_known_job_id, "job");
    bool named = false;
    for (size_t i = 0; i < again->n_tasks; i++)
        named = named || again->tasks[i]->task_id == 3;
    assert_true(named);
    check_proof(&x, e, 1);
    assert_true(response(&x)->success);
    uint32_t index = 1;
    fake_stored(&x.f, "job", 1, NULL);
    fake_stored(&x.f, "job", 2, NULL);
    fake_stored(&x.f, "job", 3, &index);
    fake_stored(&x.f, "job", 3, NULL);

    // Not delivered proofs of others: fetched by digest. First a part, then all of it again.
    for (size_t i = 0; i < e->n; i++)
        if (i != 1)
            fake_put(&x.f, unused, e->proofs[i].words, 8 * e->proofs[i].n_words);
    ask_aggregate(&x, e, "job", 4, 0, 2, false);
    fake_run(&x.f, 300);
    fake_cut(&x.f);
    again = fake_wait(&x.f, &x.at, FROM_WORKER(RECONNECT))->reconnect;
    assert_int_equal(again->n_tasks, 1); // an aggregation that waits for more
    assert_int_equal(again->tasks[0]->task_id, 4);
    fake_run(&x.f, 100);
    ask_aggregate(&x, e, "job", 4, 0, e->n, true);
    check_final(&x, e, 4);
    fake_stored(&x.f, "job", 4, NULL);
    fake_cancel(&x.f, "job"); // it is over, and its run is given back
    assert_string_equal(response(&x)->error_code, "CANCELLED");
    ask_proofs(&x, "job", 5, 0, 1, e->list, e->n);
    check_failed(&x, 5, "INTERNAL", "has not executed");
    close_world(&x);
}

// A new epoch ends what is under way for an older one, and the job stays open.
static void a_later_epoch_ends_earlier_tasks(void **state)
{
    (void)state;
    world x;
    expected *e = &several;
    open_world_with(&x, &sha, true); // what waits is on disk, and read again for each try
    set_input(&x, many, sizeof many);
    ask_range(&x, "job", 1, 0, 1);
    check_contributions(response(&x), e, 0, 1);
    ask_proofs(&x, "job", 2, 0, 1, e->list, e->n);
    ask_proofs(&x, "job", 3, 0, 1, e->list, e->n); // waits in the queue
    fake_run(&x.f, 20);
    api_execute_task_request r = request("job", 4, TASK_PROVE);
    api_prove_params p = API_PROVE_PARAMS_INIT;
    p.contributions = e->list;
    p.n_contributions = e->n;
    x.range.end = 1;
    r.range = &x.range;
    r.params_case = TASK_PARAMS(PROVE_PARAMS);
    r.prove_params = &p;
    r.epoch = 1;
    fake_task(&x.f, &r);
    // Task 2 may have been through before the news came; task 3 has not.
    const api_instance_proof *proof;
    do {
        proof = fake_wait(&x.f, &x.at, FROM_WORKER(INSTANCE_PROOF))->instance_proof;
        assert_int_not_equal(proof->task_id, 3);
    } while (proof->task_id == 2);
    assert_int_equal(proof->task_id, 4);
    assert_int_equal(proof->epoch, 1);
    assert_memory_equal(proof->proof.data, e->proofs[0].words, proof->proof.len);
    const api_execute_task_response *last = response(&x);
    assert_true(last->success);
    assert_int_equal(last->task_id, 4);
    close_world(&x);
}

static void refuses_an_aggregation_that_does_not_verify(void **state)
{
    (void)state;
    world x;
    expected *e = &abc;
    uint8_t unused[32];
    open_world(&x, &sha);
    set_input(&x, "abc", 3);
    x.plan.instance_log_cells = 0;
    ask_range(&x, "job", 1, 0, 0);
    (void)response(&x);
    ask_aggregate(&x, e, "job", 2, 0, 1, true);
    check_failed(&x, 2, "INTERNAL", "no contributions of epoch");
    ask_proofs(&x, "job", 3, 0, 0, e->list, 1); // the contributions alone
    assert_true(response(&x)->success);
    ask_aggregate(&x, e, "job", 4, 0, 1, true); // the coordinator has it not
    check_failed(&x, 4, "INTERNAL", "NOT_FOUND");
    ask_aggregate(&x, e, "job", 5, 0, 0, true);
    check_failed(&x, 5, "INTERNAL", "missing");
    e->proofs[0].words[e->proofs[0].n_words / 2] ^= 1;
    fake_put(&x.f, unused, e->proofs[0].words, 8 * e->proofs[0].n_words);
    ask_aggregate(&x, e, "job", 6, 0, 1, true);
    const api_execute_task_response *r = response(&x);
    assert_int_equal(r->task_id, 6);
    assert_false(r->success);
    assert_int_equal(x.f.n_artifacts, 1); // nothing was uploaded
    close_world(&x);
}

static void failures_have_their_codes(void **state)
{
    (void)state;
    world x;
    expected *e = &abc;
    open_world(&x, &sha);
    x.plan.instance_log_cells = 0;
    x.contribution.input_source_case = INPUT_FROM(INPUT_PATH);
    x.contribution.input_path = (char *)"nothing";
    ask_units(&x, "a", 1, 4);
    check_failed(&x, 1, "INPUT_ERROR", "nothing");
    x.contribution.input_path = (char *)"/etc/passwd";
    ask_units(&x, "a", 2, 4);
    check_failed(&x, 2, "INPUT_ERROR", "outside");
    set_input(&x, "abc", 3);
    x.contribution.raw_input = false;
    ask_units(&x, "a", 3, 4);
    check_failed(&x, 3, "INPUT_ERROR", "8");
    set_input(&x, "abc", 3);
    x.plan.max_steps = 100;
    ask_units(&x, "a", 4, 4);
    check_failed(&x, 4, "PROGRAM_FAILED", "100");
    x.plan.max_steps = 0;
    x.plan.instance_log_cells = 25;
    ask_units(&x, "a", 5, 4);
    check_failed(&x, 5, "INTERNAL", "class");
    x.plan.instance_log_cells = 0;
    ask_units(&x, "a", 6, 0);
    check_failed(&x, 6, "INTERNAL", "units");
    x.units[2] = 3;
    ask_units(&x, "a", 7, 3);
    check_failed(&x, 7, "INTERNAL", "range");
    x.units[2] = 2;
    ask_range(&x, "a", 8, 0, 2); // others have a longer plan: this is how long it is here
    check_contributions(response(&x), e, 0, 0);
    ask_proofs(&x, "a", 80, 0, 2, e->list, 1);
    check_failed(&x, 80, "INTERNAL", "plan of 1");
    x.contribution.hints_stream = true;
    ask_units(&x, "other", 9, 4);
    check_failed(&x, 9, "INTERNAL", "hints");
    x.contribution.hints_stream = false;
    ask_proofs(&x, "other", 10, 0, 1, e->list, 1);
    check_failed(&x, 10, "INTERNAL", "executed");
    // A root that is not this worker's, and a plan of another length.
    ask_range(&x, "a", 11, 0, 0);
    assert_true(response(&x)->success);
    e->contribution_words[0][3] ^= 1;
    ask_proofs(&x, "a", 12, 0, 1, e->list, 1);
    check_failed(&x, 12, "CONTRIBUTION_MISMATCH", "not this worker's");
    e->contribution_words[0][3] ^= 1;
    ask_proofs(&x, "a", 13, 0, 1, e->list, 0);
    check_failed(&x, 13, "CONTRIBUTION_MISMATCH", "0 contributions");
    uint64_t class_word = e->contribution_words[0][0];
    e->contribution_words[0][0] = 1;
    ask_proofs(&x, "a", 14, 0, 0, e->list, 1);
    check_failed(&x, 14, "CONTRIBUTION_MISMATCH", "unknown parameter class 1");
    e->contribution_words[0][0] = class_word;
    e->contribution_words[0][1] = 77;
    ask_proofs(&x, "a", 15, 0, 1, e->list, 1);
    check_failed(&x, 15, "CONTRIBUTION_MISMATCH", "malformed");
    close_world(&x);
}

static void a_program_that_cannot_be_proved_fails_its_task(void **state)
{
    (void)state;
    world x;
    open_world(&x, &calls);
    ask_units(&x, "a", 1, 4);
    check_failed(&x, 1, "PROGRAM_FAILED", "pc");
    close_world(&x);
}

// Canceled at many moments; each time the worker is soon free, and the next job is as ever.
static void cancels_soon_whatever_it_does(void **state)
{
    (void)state;
    world x;
    expected *e = &several;
    open_world(&x, &sha);
    set_input(&x, many, sizeof many);
    uint64_t worst = 0;
    char job[16];
    for (unsigned k = 0; k < 6; k++) {
        snprintf(job, sizeof job, "job%u", k);
        ask_range(&x, job, k, 0, 1);
        if (k % 2 == 1) {
            assert_true(response(&x)->success);
            ask_proofs(&x, job, 100 + k, 0, 1, e->list, e->n);
        }
        fake_run(&x.f, 20 + 60 * (uint64_t)k);
        uint64_t start = clock_monotonic_ns();
        fake_cancel(&x.f, job);
        const api_execute_task_response *r;
        do // what was ready before the cancel may come first
            r = response(&x);
        while (r->success);
        uint64_t took = clock_monotonic_ns() - start;
        worst = took > worst ? took : worst;
        assert_string_equal(r->error_code, "CANCELLED");
        assert_string_equal(r->job_id, job);
    }
    printf("slowest cancel: %llu ms\n", (unsigned long long)(worst / NS_PER_MS));
    assert_true(worst < 20 * NS_PER_SECOND); // on a machine that does much else
    fake_cancel(&x.f, "never heard of");     // is answered as well: this worker is free
    assert_string_equal(response(&x)->error_code, "CANCELLED");
    ask_range(&x, "last", 99, 0, 1);
    check_contributions(response(&x), e, 0, 1);
    close_world(&x);
}

static void leaves_when_told(void **state)
{
    (void)state;
    world x;
    open_world(&x, &sha);
    set_input(&x, "abc", 3);
    x.plan.instance_log_cells = 0;
    ask_units(&x, "job", 1, 4);
    fake_run(&x.f, 50);
    worker_leave(x.w);
    (void)fake_wait(&x.f, &x.at, FROM_WORKER(LEAVING));
    const api_execute_task_response *r = response(&x); // what was under way is delivered
    assert_true(r->success);
    ask_units(&x, "job", 2, 4); // too late
    fake_stored(&x.f, "job", 1, NULL);
    rpc_loop_run(x.f.loop); // the worker stops the loop when it has nothing left
    assert_int_equal(x.f.n_messages, x.at);
    close_world(&x);
}

static void leaves_at_once_when_told_twice(void **state)
{
    (void)state;
    world x;
    open_world(&x, &sha);
    set_input(&x, many, sizeof many);
    ask_units(&x, "job", 1, 4);
    fake_run(&x.f, 50);
    worker_leave(x.w);
    worker_leave(x.w);
    rpc_loop_run(x.f.loop);
    close_world(&x);
}

int main(int argc, char **argv)
{
    assert_int_equal(argc, 3);
    elf_paths[0] = argv[1];
    elf_paths[1] = argv[2];
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_worker_gives_the_proof_of_zisk_prove),
        cmocka_unit_test(shares_moves_and_aggregation),
        cmocka_unit_test(a_later_epoch_ends_earlier_tasks),
        cmocka_unit_test(refuses_an_aggregation_that_does_not_verify),
        cmocka_unit_test(failures_have_their_codes),
        cmocka_unit_test(a_program_that_cannot_be_proved_fails_its_task),
        cmocka_unit_test(cancels_soon_whatever_it_does),
        cmocka_unit_test(leaves_when_told),
        cmocka_unit_test(leaves_at_once_when_told_twice),
    };
    return cmocka_run_group_tests(tests, set_up_all, tear_down);
}
