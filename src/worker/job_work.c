// SPDX-License-Identifier: Apache-2.0 OR MIT
#include "worker/job_work.h"

#include <fcntl.h>
#include <inttypes.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/sysmem.h"
#include "cluster/deal.h"
#include "prover/check_job.h"
#include "worker/aggregate.h"
#include "worker/answers.h"
#include "worker/faults.h"
#include "worker/wire.h"

struct open_job {
    const job_world *world;
    const cancel_flag *cancel;
    char *id;
    char folder[SCRATCH_PATH_MAX]; // partial proofs and spilled trees
    char final_path[SCRATCH_PATH_MAX];
    zisk_job *job; // NULL until the first task asked for contributions
    bool checked;  // --verify-constraints was satisfied
    bool simulated;
    plan_range share; // of the last task with units
    uint32_t rank_id;
    contribution *all; // of the epoch; NULL until a PROVE came
    uint32_t epoch;
    aggregate *final;
    uint64_t final_task; // that `final` is for, or that was delivered
    bool final_done;
    uint8_t final_sha256[SHA256_DIGEST_LENGTH];
    // The present task, for progress.
    size_t done, of;
    uint64_t steps;
};

// What an instance in work takes, and one more for each that is kept: measured with class 26.
#define WORK_BYTES (4ULL << 30)
#define KEPT_BYTES (700ULL << 20)

static void report(open_job *j)
{
    j->world->progress(j->world->arg, j->done, j->of, j->steps);
}

status job_open(open_job **out, const job_world *world, const char *id, const cancel_flag *cancel)
{
    status result = ZK_OK;
    *out = NULL;
    open_job *j = calloc(1, sizeof *j);
    FAIL_OUT_IF(j == NULL, ZK_ENOMEM, "no memory for a job");
    j->world = world;
    j->cancel = cancel;
    j->id = strdup(id);
    FAIL_OUT_IF(j->id == NULL, ZK_ENOMEM, "no memory for a job");
    TRY_OUT(scratch_folder(j->folder, world->scratch, "job"));
    TRY_OUT(scratch_name(j->final_path, world->scratch, "job/final"));
    *out = j;
    j = NULL;
out:
    job_close(j);
    return result;
}

void job_close(open_job *j)
{
    if (j == NULL)
        return;
    aggregate_close(j->final);
    zisk_job_close(j->job);
    if (j->folder[0] != '\0')
        scratch_remove(j->folder);
    free(j->all);
    free(j->id);
    free(j);
}

const char *job_id(const open_job *j)
{
    return j->id;
}

// ---- Execution ----

static void on_steps(void *arg, const vm_progress *p)
{
    open_job *j = arg;
    j->steps = p->steps;
    report(j);
}

static void on_print(void *arg, const uint8_t *bytes, uint64_t n)
{
    (void)arg;
    log_info("prover", "the guest prints", log_bytes("text", bytes, n));
}

// Instances that fit into half of what is free now: another worker may share the machine.
static size_t keep_as_memory_allows(void)
{
    uint64_t room = system_memory_available() / 2;
    return room <= WORK_BYTES ? 0 : (size_t)((room - WORK_BYTES) / KEPT_BYTES);
}

static status execute(open_job *j, const api_contribution_params *p, const char **code)
{
    status result = ZK_OK;
    const job_world *w = j->world;
    const vm_map *map = &w->program->vm.map;
    byte_buffer bytes = buffer_new();
    vm_input input = {0};
    FAIL_OUT_IF(p->hints_stream || p->_hints_path_case == HINTS_PATH, ZK_EINVAL,
                "precompile hints are not implemented yet");
    *code = TASK_INPUT_ERROR;
    result = inputs_get(&bytes, w->inputs, p, map->input_bytes, j->cancel);
    if (result == ZK_ETIMEOUT)
        *code = NULL; // the coordinator's trouble, not the input's
    TRY_OUT(result);
    if (p->input_source_case != 0)
        TRY_OUT(vm_input_load(&input, map, bytes.data, bytes.size, p->raw_input));
    *code = NULL;
    zisk_job_options options = {
        .vm = {.progress = on_steps, .progress_arg = j, .print = w->print ? on_print : NULL},
        .keep = w->spill              ? 0
                : w->keep == SIZE_MAX ? keep_as_memory_allows()
                                      : w->keep,
        .spill_dir = w->spill ? j->folder : NULL,
        .share_units = (uint32_t)p->n_worker_allocation,
        .share_of = p->n_worker_allocation == 0 ? 0 : p->job_compute_units,
        .threads = w->threads,
        .cancel = j->cancel,
    };
    if (p->plan != NULL) {
        options.vm.max_steps = p->plan->max_steps;
        options.vm.chunk_log = p->plan->chunk_log_steps;
        options.max_class = p->plan->instance_log_cells;
    }
    result = zisk_job_open(&j->job, w->program, &input, &options);
    if (result == ZK_ELIMIT)
        *code = TASK_PROGRAM_FAILED;
    TRY_OUT(result);
    j->simulated = p->simulated;
    log_info("prover", "executed", log_str("job", j->id),
             log_u64("steps", zisk_job_run(j->job)->steps),
             log_u64("instances", zisk_job_plan(j->job)->n),
             log_f64("seconds", zisk_job_timing(j->job)->execute));
out:
    vm_input_clear(&input);
    buffer_clear(&bytes);
    // These say more than the stage.
    if (result == ZK_ECANCELED || result == ZK_ENOMEM)
        *code = NULL;
    return result;
}

static status check_constraints(open_job *j)
{
    bool ok;
    byte_buffer text = buffer_new();
    status result = ZK_OK;
    TRY_OUT(zisk_check(&ok, &text, zisk_job_run(j->job), zisk_job_plan(j->job), j->world->threads,
                       j->cancel));
    FAIL_OUT_IF(!ok, ZK_EINTERNAL, "the run does not satisfy the constraints: %.*s", (int)text.size,
                (const char *)text.data);
    j->checked = true;
out:
    buffer_clear(&text);
    return result;
}

// ---- Ranges ----

static status deal_units(open_job *j, const api_contribution_params *p)
{
    status result = ZK_OK;
    const zisk_plan *plan = zisk_job_plan(j->job);
    uint64_t *weights = calloc(plan->n, sizeof *weights);
    FAIL_OUT_IF(weights == NULL, ZK_ENOMEM, "no memory for weights");
    for (size_t i = 0; i < plan->n; i++)
        weights[i] = plan->instances[i].weight;
    FAIL_OUT_IF(p->n_worker_allocation == 0, ZK_EPROTO, "the task has neither range nor units");
    for (size_t i = 0; i < p->n_worker_allocation; i++)
        FAIL_OUT_IF(p->worker_allocation[i] != p->worker_allocation[0] + i, ZK_EPROTO,
                    "the units of the task are no range");
    TRY_OUT(deal_range(&j->share, weights, plan->n, p->worker_allocation[0],
                       (uint32_t)p->n_worker_allocation, p->job_compute_units));
out:
    free(weights);
    return result;
}

// The instances that a task is about. False: the plan has none such.
static bool task_range(plan_range *out, const open_job *j, const api_execute_task_request *r)
{
    *out = j->share;
    if (r->range == NULL)
        return true;
    *out = (plan_range){r->range->begin, r->range->end};
    return r->range->begin <= r->range->end && r->range->end <= zisk_job_plan(j->job)->n;
}

// ---- The three kinds of tasks ----

static double seconds_since(uint64_t start)
{
    return (double)(clock_monotonic_ns() - start) / NS_PER_SECOND;
}

static status run_contribute(open_job *j, const task_name *task, const api_execute_task_request *r,
                             uint64_t received_ms, const char **code)
{
    status result = ZK_OK;
    uint64_t start = clock_monotonic_ns();
    contribution *own = NULL;
    outbox_entry *answer;
    plan_range range;
    FAIL_OUT_IF(r->params_case != TASK_PARAMS(CONTRIBUTION_PARAMS), ZK_EPROTO,
                "a contribution task without its parameters");
    const api_contribution_params *p = r->contribution_params;
    if (j->job == NULL)
        TRY_OUT(execute(j, p, code));
    if (j->world->check && !j->checked)
        TRY_OUT(check_constraints(j));
    if (r->range == NULL) {
        TRY_OUT(deal_units(j, p));
        j->rank_id = p->rank_id;
    }
    // Somebody's plan is longer: the answer says how long this one is, and contributes nothing.
    if (!task_range(&range, j, r))
        range = (plan_range){0, 0};
    j->of = range.end - range.begin;
    report(j);
    own = calloc(j->of + 1, sizeof *own);
    FAIL_OUT_IF(own == NULL, ZK_ENOMEM, "no memory for contributions");
    for (size_t i = range.begin; i < range.end; i++) {
        TRY_OUT(zisk_job_contribute(&own[i - range.begin], j->job, i));
        j->done++;
        report(j);
        log_debug("prover", "committed", log_str("job", j->id), log_u64("instance", i));
        fault_hook(FAULT_INSTANCE_DONE, (void *)task, NULL);
    }
    contributions_answer a = {.job = j->job,
                              .key = &j->world->program->key.key,
                              .contributions = own,
                              .begin = range.begin,
                              .end = range.end,
                              .rank_id = j->rank_id,
                              .received_ms = received_ms,
                              .seconds = seconds_since(start)};
    TRY_OUT(answer_contributions(&answer, j->world->worker_id, task, &a));
    j->world->deliver(j->world->arg, answer);
out:
    free(own);
    return result;
}

// The contributions of the epoch. In a simulated job there are those of the share alone; the rest
// stays zero, and no proof comes of it.
static status take_contributions(open_job *j, const api_prove_params *p, uint32_t epoch)
{
    const zisk_plan *plan = zisk_job_plan(j->job);
    const proof_key *key = &j->world->program->key.key;
    FAIL_IF(!j->simulated && p->n_contributions != plan->n, ZK_EPROTO,
            "the job has %zu contributions, the plan of this worker %zu instances",
            p->n_contributions, plan->n);
    contribution *all = calloc(plan->n, sizeof *all);
    FAIL_IF(all == NULL, ZK_ENOMEM, "no memory for %zu contributions", plan->n);
    for (size_t i = 0; i < plan->n; i++)
        all[i].index = (uint32_t)i;
    for (size_t i = 0; i < p->n_contributions; i++) {
        const api_instance_contribution *m = p->contributions[i];
        size_t at = j->simulated ? m->plan_index : i;
        status s = at >= plan->n ? ZK_EPROTO : contribution_read(&all[at], m, key, (uint32_t)at);
        if (s != ZK_OK) {
            free(all);
            return s;
        }
    }
    free(j->all);
    j->all = all;
    j->epoch = epoch;
    return ZK_OK;
}

static bool same_contribution(const open_job *j, const contribution *a, const contribution *b)
{
    size_t n_slots = j->world->program->key.key.machine->n_slots;
    uint64_t x[16 + MACHINE_MAX_SLOTS], y[16 + MACHINE_MAX_SLOTS];
    bundle_write_contribution(x, a, n_slots);
    bundle_write_contribution(y, b, n_slots);
    return memcmp(x, y, 8 * bundle_contribution_words(n_slots)) == 0;
}

static void proof_path(char out[SCRATCH_PATH_MAX], const open_job *j, const uint8_t sha256[32])
{
    int n = snprintf(out, SCRATCH_PATH_MAX, "%s/", j->folder);
    for (int i = 0; i < SHA256_DIGEST_LENGTH && n + 3 < SCRATCH_PATH_MAX; i++)
        n += snprintf(out + n, 3, "%02x", sha256[i]);
}

// What lives no longer than the process needs no sync.
static status write_file(const char *path, const void *data, size_t n)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    FAIL_IF(fd < 0, ZK_EIO, "cannot make %s: %m", path);
    size_t done = 0;
    while (done < n) {
        ssize_t k = write(fd, (const uint8_t *)data + done, n - done);
        if (k <= 0) {
            status s = status_fail(ZK_EIO, __FILE__, __LINE__, "", "cannot write %s: %m", path);
            close(fd);
            return s;
        }
        done += (size_t)k;
    }
    close(fd);
    return ZK_OK;
}

static status prove_one(open_job *j, const task_name *task, size_t i)
{
    status result = ZK_OK;
    proof_writer w;
    outbox_entry *answer;
    uint8_t sha256[SHA256_DIGEST_LENGTH];
    char path[SCRATCH_PATH_MAX];
    proof_writer_init(&w);
    TRY_OUT(zisk_job_prove(&w, j->job, j->all, i));
    fault_hook(FAULT_PROOF, w.words, &w.n_words);
    if (!j->simulated) {
        SHA256((const uint8_t *)w.words, 8 * w.n_words, sha256);
        proof_path(path, j, sha256);
        TRY_OUT(write_file(path, w.words, 8 * w.n_words));
        TRY_OUT(answer_instance_proof(&answer, task, (uint32_t)i, path, sha256));
        j->world->deliver(j->world->arg, answer);
    }
    j->done++;
    report(j);
    log_debug("prover", "proved", log_str("job", j->id), log_u64("instance", i));
out:
    proof_writer_clear(&w);
    return result;
}

static status run_prove(open_job *j, const task_name *task, const api_execute_task_request *r,
                        const char **code)
{
    plan_range range;
    contribution own;
    outbox_entry *answer;
    FAIL_IF(r->params_case != TASK_PARAMS(PROVE_PARAMS), ZK_EPROTO,
            "a proving task without its parameters");
    FAIL_IF(j->job == NULL, ZK_EPROTO, "this worker has not executed job %s", j->id);
    FAIL_IF(!task_range(&range, j, r), ZK_EPROTO, "instances %u to %u of a plan of %zu",
            r->range->begin, r->range->end, zisk_job_plan(j->job)->n);
    j->of = range.end - range.begin;
    report(j);
    status s = take_contributions(j, r->prove_params, r->epoch);
    if (s == ZK_EPROTO)
        *code = TASK_CONTRIBUTION_MISMATCH;
    TRY(s);
    for (size_t i = range.begin; i < range.end; i++) {
        TRY(zisk_job_contribute(&own, j->job, i));
        if (!same_contribution(j, &own, &j->all[i])) {
            *code = TASK_CONTRIBUTION_MISMATCH;
            FAIL(ZK_EPROTO, "the contribution of instance %zu in the job is not this worker's", i);
        }
    }
    for (size_t i = range.begin; i < range.end; i++) {
        TRY(prove_one(j, task, i));
        fault_hook(FAULT_INSTANCE_DONE, (void *)task, NULL);
    }
    TRY(answer_proofs(&answer, j->world->worker_id, task, j->rank_id, range.begin, range.end));
    j->world->deliver(j->world->arg, answer);
    return ZK_OK;
}

// One partial proof into its place: given, made here, or fetched.
static status take_piece(open_job *j, const api_instance_proof *p)
{
    status result = ZK_OK;
    byte_buffer bytes = buffer_new();
    char path[SCRATCH_PATH_MAX];
    FAIL_OUT_IF(p->plan_index >= aggregate_n(j->final), ZK_EPROTO, "a proof of instance %u of %zu",
                p->plan_index, aggregate_n(j->final));
    if (aggregate_has(j->final, p->plan_index))
        goto out; // told again after a reconnect
    if (p->proof.len > 0) {
        TRY_OUT(aggregate_put(j->final, p->plan_index, p->proof.data, p->proof.len));
        goto out;
    }
    FAIL_OUT_IF(p->sha256.len != SHA256_DIGEST_LENGTH, ZK_EPROTO,
                "instance %u has neither proof nor digest", p->plan_index);
    size_t size = aggregate_proof_bytes(j->final, p->plan_index);
    proof_path(path, j, p->sha256.data);
    bool own = access(path, R_OK) == 0;
    if (!own)
        TRY_OUT(transfer_download(j->world->transfer, path, p->sha256.data, size, j->cancel));
    TRY_OUT(file_read(&bytes, path, size));
    uint8_t sha256[SHA256_DIGEST_LENGTH];
    SHA256(bytes.data, bytes.size, sha256);
    FAIL_OUT_IF(memcmp(sha256, p->sha256.data, sizeof sha256) != 0, ZK_EIO,
                "the disk changed the proof in %s", path);
    TRY_OUT(aggregate_put(j->final, p->plan_index, bytes.data, bytes.size));
    if (!own)
        (void)unlink(path);
out:
    buffer_clear(&bytes);
    return result;
}

static status deliver_final(open_job *j, const task_name *task, uint64_t steps)
{
    outbox_entry *answer;
    TRY(answer_final(&answer, j->world->worker_id, task, j->final_sha256, steps));
    j->world->deliver(j->world->arg, answer);
    return ZK_OK;
}

static status run_aggregate(open_job *j, const task_name *task, const api_execute_task_request *r)
{
    FAIL_IF(r->params_case != TASK_PARAMS(AGG_PARAMS), ZK_EPROTO,
            "an aggregation task without its parameters");
    const api_agg_params *p = r->agg_params;
    FAIL_IF(p->compressed, ZK_EINVAL, "compressed proofs are not implemented yet");
    FAIL_IF(j->job == NULL || j->all == NULL || j->epoch != r->epoch || j->simulated, ZK_EPROTO,
            "this worker has no contributions of epoch %u of job %s", r->epoch, j->id);
    const zisk_run *run = zisk_job_run(j->job);
    bool last = p->last_proof || p->final_proof;
    if (j->final_done && j->final_task == task->task_id) {
        if (last)
            TRY(deliver_final(j, task, run->steps));
        return ZK_OK;
    }
    if (j->final == NULL || j->final_task != task->task_id) {
        aggregate_close(j->final);
        j->final = NULL;
        j->final_done = false;
        TRY(aggregate_open(&j->final, j->final_path, j->world->program, run->publics, j->all,
                           zisk_job_plan(j->job)->n));
        j->final_task = task->task_id;
    }
    for (size_t i = 0; i < p->n_instance_proofs; i++) {
        TRY(take_piece(j, p->instance_proofs[i]));
        fault_hook(FAULT_INSTANCE_DONE, (void *)task, NULL);
    }
    j->of = aggregate_n(j->final);
    for (size_t i = 0; i < j->of; i++)
        j->done += aggregate_has(j->final, i);
    report(j);
    if (!last)
        return ZK_OK;
    TRY(aggregate_verify(j->final));
    size_t n_words;
    uint64_t *words = aggregate_words(j->final, &n_words);
    fault_hook(FAULT_FINAL, words, &n_words);
    aggregate_digest(j->final_sha256, j->final);
    char name[128];
    snprintf(name, sizeof name, "the proof of job %.64s", j->id);
    TRY(transfer_upload(j->world->transfer, j->final_path, j->final_sha256, name, j->cancel));
    TRY(deliver_final(j, task, run->steps));
    j->final_done = true;
    aggregate_close(j->final);
    j->final = NULL;
    return ZK_OK;
}

status job_run_task(open_job *j, const task_name *task, const api_execute_task_request *r,
                    uint64_t received_ms, const char **code)
{
    status s;
    *code = NULL;
    j->done = j->of = 0;
    j->steps = 0;
    fault_hook(FAULT_TASK, (void *)task, NULL);
    switch (r->task_type) {
    case TASK_CONTRIBUTE:
        s = run_contribute(j, task, r, received_ms, code);
        break;
    case TASK_PROVE:
        s = run_prove(j, task, r, code);
        break;
    case TASK_AGGREGATE:
        s = run_aggregate(j, task, r);
        break;
    default:
        s = status_fail(ZK_EPROTO, __FILE__, __LINE__, "", "a task of unknown type %d",
                        (int)r->task_type);
        break;
    }
    if (s != ZK_OK && *code == NULL)
        *code = task_code(s);
    return s;
}
