// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// Proving a run in three calls, for one machine or for any number of workers.
//
//     zisk_job_open(&job, program, input, &options);       execute, plan: the same everywhere
//     zisk_job_contribute(job, i) for my instances i       phase 1, any order
//     ... all contributions are exchanged ...
//     zisk_job_prove(&writer, job, all, i) for mine        phase 2, any order
//     zisk_bundle(&words, ...)                             phase 3: one file
//
// A worker may prove an instance that another one contributed: it contributes it first, which gives
// the same root. Contributions and proofs depend on program, input and class only. Proofs are not
// zero-knowledge: they may leak parts of the input.
#include "prover/plan.h"
#include "verifier/bundle.h"
#include "verifier/program_verify.h"

typedef enum job_stage { STAGE_EXECUTE, STAGE_CONTRIBUTE, STAGE_PROVE, STAGE_COUNT } job_stage;

typedef struct zisk_job_options {
    vm_options vm;      // limits and printing of the run; cancel and sink are the job's own
    uint32_t max_class; // 0: WHIR_CLASS_26
    // Between the phases instances stay whole, in the order of contribution, as long as the
    // estimate of the peak stays within max_memory bytes; 0: `keep` instances, and no limit.
    uint64_t max_memory;
    size_t keep;
    // What this process is to have of the job, in units of all: estimates and the room that the
    // spill folder must have are for such a part of the instances. 0: all of it.
    uint32_t share_units, share_of;
    const char *spill_dir; // where trees wait for phase 2; NULL: in memory
    pool *threads;
    const cancel_flag *cancel;
    // Called when an instance is done with a stage; may be NULL.
    void (*progress)(void *arg, job_stage stage, size_t done, size_t of);
    void *progress_arg;
} zisk_job_options;

typedef struct zisk_job_times {
    double execute, fill, commit, gkr, zerocheck, opening; // seconds, summed over instances
} zisk_job_times;

// Estimates, made when the plan is there.
typedef struct zisk_job_needs {
    uint64_t memory;     // bytes at the peak
    uint64_t spill;      // bytes in the spill folder
    size_t kept;         // instances that stay whole
    uint64_t keep_bytes; // for those after the first
} zisk_job_needs;

typedef struct zisk_job zisk_job;

// The program must outlive the job; the input need not. What does not fit is told here, before the
// long work: ZK_ELIMIT (max_memory), ZK_ENOMEM (the system's memory), ZK_EIO (the spill folder).
MUST_CHECK status zisk_job_open(zisk_job **out, const zisk_program *program, const vm_input *input,
                                const zisk_job_options *options);
void zisk_job_close(zisk_job *job); // NULL is allowed; removes spill files

const zisk_run *zisk_job_run(const zisk_job *job);
const zisk_plan *zisk_job_plan(const zisk_job *job);
const zisk_job_needs *zisk_job_memory(const zisk_job *job);
const zisk_job_times *zisk_job_timing(const zisk_job *job);

// Phase 1 of instance i. The first call does the work, later ones give the same answer.
MUST_CHECK status zisk_job_contribute(contribution *out, zisk_job *job, size_t i);

// Phase 2 of instance i under the challenge of all contributions (as many as the plan has). Appends
// the proof's words. ZK_EINVAL when `all` holds another contribution for i than this job's own.
MUST_CHECK status zisk_job_prove(proof_writer *w, zisk_job *job, const contribution *all, size_t i);

// The whole proof file from the proofs in order. *words is allocated (free).
MUST_CHECK status zisk_bundle(uint64_t **words, size_t *n_words, const zisk_program *program,
                              const uint32_t publics[VM_PUBLICS], const contribution *contributions,
                              const proof_writer *proofs, size_t n);

// What a verifier needs to know of the program: 4 elements, printed as 64 hex digits.
digest zisk_program_key(const zisk_program *p);
