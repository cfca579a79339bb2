// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// What happens when a job is over: its proof becomes proof_JOBID.bin in the proofs folder, written
// aside, synced and renamed, then the webhook is told, then the engine, which from then on does not
// report the end again. A proof that cannot be saved (a full disk) is tried again until it can.
//
// endings_save writes the file before anybody is told that the job is completed: whoever waits for
// it finds it. When that fails, the job is completed all the same, and the file follows.
//
// Saved proofs are removed after their retention. All on the loop's thread, files on the pool.
#include "coordinator/artifacts.h"
#include "coordinator/service.h"
#include "coordinator/webhook.h"

typedef struct endings endings;

// What is opened belongs to the caller. Copied.
typedef struct endings_options {
    rpc_loop *loop;
    pool *io;
    artifacts *artifacts;
    const char *proofs_dir;  // NULL: proofs are not saved
    uint64_t retention_days; // 0: for ever
    uint64_t retry_ms;       // pause before a proof is saved again; 0: 30 s
    webhook *hook;           // NULL: none. Its `notified` is endings_delivered
    void (*notified)(void *arg, const char *job_id); // the job's end was told to whom it concerns
    void (*delivered)(void *arg, bool ok); // the webhook was told, or it was given up; may be NULL
    void *arg;
} endings_options;

// Makes the proofs folder. ZK_EIO: it cannot be made, or is none.
MUST_CHECK status endings_open(endings **out, const endings_options *o);
// Any thread; disk. Saves the proof of a job that is about to be completed, once it was verified.
void endings_save(endings *e, const char *job_id, const uint8_t proof_sha256[ARTIFACT_DIGEST]);
// The hook `over` of the engine. The file of a job that ended otherwise is removed.
void endings_over(endings *e, const api_job_status *job, const uint8_t *proof_sha256);
// Any thread.
void endings_delivered(void *endings, const char *job_id, bool delivered);
size_t endings_waiting(const endings *e); // jobs whose end was not told yet
void endings_stop(endings *e);            // no timer afterwards; before the loop is closed
void endings_free(endings *e);            // after it; NULL is allowed

// Removes the proofs in `folder` that are older than that. Returns how many. Disk.
size_t endings_sweep(const char *folder, uint64_t retention_days);
