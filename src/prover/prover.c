// SPDX-License-Identifier: Apache-2.0 OR MIT
#include "prover/prover.h"

#include "prover/job_memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bigmem.h"
#include "base/clock.h"

// An instance between the phases.
typedef struct job_instance {
    bool contributed, kept, spilled;
    contribution own;
    whir_commitment commitment; // without the code; the tree has no leaves unless kept
    instance in;                // kept only
    uint64_t held_bytes;        // kept only
} job_instance;

struct zisk_job {
    const zisk_program *program;
    zisk_job_options options;
    zisk_run *run;
    zisk_plan *plan;
    zisk_job_needs needs;
    job_instance *instances;
    size_t n_kept, n_contributed, n_proved;
    uint64_t held_bytes; // by instances kept
    // The contributions whose challenge it is: hashing all of them for every instance would take
    // time that grows with the square of their number.
    contribution *challenged; // NULL before the first proof
    digest challenge;
    zisk_job_times times;
};

static double seconds_since(uint64_t start)
{
    return (double)(clock_monotonic_ns() - start) / NS_PER_SECOND;
}

static void report(const zisk_job *job, job_stage stage, size_t done, size_t of)
{
    if (job->options.progress != NULL)
        job->options.progress(job->options.progress_arg, stage, done, of);
}

status zisk_job_open(zisk_job **out, const zisk_program *program, const vm_input *input,
                     const zisk_job_options *options)
{
    status result = ZK_OK;
    *out = NULL;
    zisk_job *job = calloc(1, sizeof *job);
    FAIL_IF(job == NULL, ZK_ENOMEM, "no memory for a job");
    job->program = program;
    job->options = *options;
    run_options run = {.vm = options->vm};
    run.vm.cancel = options->cancel;
    uint64_t start = clock_monotonic_ns();
    TRY_OUT(zisk_run_new(&job->run, program, input, &run, options->threads));
    TRY_OUT(zisk_plan_new(&job->plan, job->run,
                          options->max_class == 0 ? WHIR_CLASS_26 : options->max_class));
    job->instances = calloc(job->plan->n, sizeof *job->instances);
    FAIL_OUT_IF(job->instances == NULL, ZK_ENOMEM, "no memory for a job");
    job->times.execute = seconds_since(start);
    TRY_OUT(job_memory_plan(&job->needs, job->plan, job->run, options));
    report(job, STAGE_EXECUTE, 1, 1);
    *out = job;
    return ZK_OK;
out:
    zisk_job_close(job);
    return result;
}

static void spill_path(char *path, size_t size, const zisk_job *job, size_t i)
{
    snprintf(path, size, "%s/zisk-%ld-%p-%zu.tree", job->options.spill_dir, (long)getpid(),
             (const void *)job, i);
}

static void forget(zisk_job *job, size_t i)
{
    job_instance *k = &job->instances[i];
    if (k->spilled) {
        char path[4096];
        spill_path(path, sizeof path, job, i);
        (void)unlink(path);
        k->spilled = false;
    }
    whir_clear(&k->commitment);
    if (k->kept) {
        instance_clear(&k->in);
        k->kept = false;
        job->n_kept--;
        job->held_bytes -= k->held_bytes;
    }
}

void zisk_job_close(zisk_job *job)
{
    if (job == NULL)
        return;
    for (size_t i = 0; job->instances != NULL && i < job->plan->n; i++)
        forget(job, i);
    free(job->instances);
    free(job->challenged);
    zisk_plan_free(job->plan);
    zisk_run_free(job->run);
    free(job);
    bigmem_trim(); // the next job may be hours away
}

const zisk_run *zisk_job_run(const zisk_job *job)
{
    return job->run;
}

const zisk_plan *zisk_job_plan(const zisk_job *job)
{
    return job->plan;
}

const zisk_job_needs *zisk_job_memory(const zisk_job *job)
{
    return &job->needs;
}

const zisk_job_times *zisk_job_timing(const zisk_job *job)
{
    return &job->times;
}

static status fill_instance(instance *in, zisk_job *job, size_t i)
{
    uint64_t start = clock_monotonic_ns();
    const plan_instance *p = &job->plan->instances[i];
    TRY(instance_new(in, &job->program->key, &p->header));
    status result = zisk_instance_fill(in, job->run, p, job->options.threads, job->options.cancel);
    if (result != ZK_OK)
        instance_clear(in);
    job->times.fill += seconds_since(start);
    return result;
}

// Whether instance i, just committed, is to stay whole. *more: what that takes of keep_bytes.
static bool may_keep(uint64_t *more, const zisk_job *job, size_t i)
{
    const zisk_job_options *o = &job->options;
    *more =
        job->n_kept == 0 ? 0 : job_memory_to_keep(&job->plan->instances[i], o->spill_dir != NULL);
    if (job->plan->n == 1)
        return true;
    return o->max_memory == 0 ? job->n_kept < o->keep
                              : job->held_bytes + *more <= job->needs.keep_bytes;
}

status zisk_job_contribute(contribution *out, zisk_job *job, size_t i)
{
    FAIL_IF(i >= job->plan->n, ZK_EINVAL, "instance %zu of a plan of %zu", i, job->plan->n);
    job_instance *k = &job->instances[i];
    if (k->contributed) {
        *out = k->own;
        return ZK_OK;
    }
    status result = ZK_OK;
    instance in = {0};
    TRY(fill_instance(&in, job, i));
    uint64_t start = clock_monotonic_ns();
    TRY_OUT(instance_commit(&k->own, &k->commitment, &in, (uint32_t)i, job->options.threads,
                            job->options.cancel));
    job->times.commit += seconds_since(start);
    // The opening encodes again: cheaper than twice the memory while GKR runs.
    whir_drop_code(&k->commitment);
    uint64_t more;
    if (may_keep(&more, job, i)) {
        k->in = in;
        in = (instance){0};
        k->kept = true;
        k->held_bytes = more;
        job->n_kept++;
        job->held_bytes += more;
    } else {
        merkle_drop_leaves(&k->commitment.tree);
        if (job->options.spill_dir != NULL) {
            char path[4096];
            spill_path(path, sizeof path, job, i);
            TRY_OUT(merkle_write(&k->commitment.tree, path));
            k->spilled = true;
            merkle_clear(&k->commitment.tree);
        }
    }
    k->contributed = true;
    report(job, STAGE_CONTRIBUTE, ++job->n_contributed, job->plan->n);
    *out = k->own;
out:
    if (result != ZK_OK)
        whir_clear(&k->commitment);
    instance_clear(&in);
    return result;
}

static bool same_contribution(const contribution *a, const contribution *b)
{
    contribution_elements x, y;
    contribution_to_elements(&x, a);
    contribution_to_elements(&y, b);
    return memcmp(&x, &y, sizeof x) == 0;
}

// The global challenge over all contributions, hashed anew when they are not those of the last
// call.
static status global_challenge(digest *out, zisk_job *job, const contribution *all)
{
    size_t bytes = job->plan->n * sizeof *all;
    if (job->challenged == NULL || memcmp(job->challenged, all, bytes) != 0) {
        fe publics[VM_PUBLICS];
        for (int j = 0; j < VM_PUBLICS; j++)
            publics[j] = job->run->publics[j];
        free(job->challenged);
        job->challenged = malloc(bytes);
        FAIL_IF(job->challenged == NULL, ZK_ENOMEM, "no memory for %zu contributions",
                job->plan->n);
        memcpy(job->challenged, all, bytes);
        job->challenge =
            job_challenge(&job->program->key.key, publics, VM_PUBLICS, all, job->plan->n);
    }
    *out = job->challenge;
    return ZK_OK;
}

status zisk_job_prove(proof_writer *w, zisk_job *job, const contribution *all, size_t i)
{
    contribution own;
    TRY(zisk_job_contribute(&own, job, i));
    FAIL_IF(!same_contribution(&own, &all[i]), ZK_EINVAL,
            "the contribution of instance %zu in the job is not the one of this machine", i);
    job_instance *k = &job->instances[i];
    status result = ZK_OK;
    instance in = {0};
    if (k->spilled) {
        char path[4096];
        spill_path(path, sizeof path, job, i);
        merkle_clear(&k->commitment.tree); // read before, when an earlier call was canceled
        TRY_OUT(merkle_read(&k->commitment.tree, job->program->key.key.hash, path));
    }
    const instance *filled = &k->in;
    if (!k->kept) {
        TRY_OUT(fill_instance(&in, job, i));
        filled = &in;
    }
    digest challenge;
    TRY_OUT(global_challenge(&challenge, job, all));
    instance_times times;
    TRY_OUT(instance_prove(w, filled, &k->commitment, challenge, &own, job->options.threads,
                           job->options.cancel, &times));
    job->times.gkr += times.gkr;
    job->times.zerocheck += times.zerocheck;
    job->times.opening += times.opening;
    forget(job, i);
    k->contributed = false; // a second proof of it starts anew
    report(job, STAGE_PROVE, ++job->n_proved, job->plan->n);
out:
    instance_clear(&in);
    return result;
}

status zisk_bundle(uint64_t **words, size_t *n_words, const zisk_program *program,
                   const uint32_t publics[VM_PUBLICS], const contribution *contributions,
                   const proof_writer *proofs, size_t n)
{
    const proof_key *key = &program->key.key;
    size_t total = bundle_head_words(key->machine->n_slots, n);
    for (size_t i = 0; i < n; i++)
        total += proofs[i].n_words;
    *words = malloc(total * sizeof **words);
    FAIL_IF(*words == NULL, ZK_ENOMEM, "no memory for a proof of %zu bytes", 8 * total);
    *n_words = total;
    bundle_write_head(*words, key, program->vm.map.abi, program->vm.entry, publics, contributions,
                      n);
    size_t at = bundle_head_words(key->machine->n_slots, n);
    for (size_t i = 0; i < n; i++) {
        memcpy(*words + at, proofs[i].words, proofs[i].n_words * sizeof **words);
        at += proofs[i].n_words;
    }
    return ZK_OK;
}

digest zisk_program_key(const zisk_program *p)
{
    return p->key.key.digest;
}
