// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// The tasks of one job over one open zisk_job: contribute, prove, aggregate (doc/cluster.md). No
// threads of its own and no queue: work.h has them.
#include "cluster/api.h"
#include "prover/prover.h"
#include "worker/inputs.h"
#include "worker/outbox.h"

// What all jobs of the process share.
typedef struct job_world {
    const char *worker_id;
    const zisk_program *program;
    pool *threads;
    size_t keep; // instances in memory between the phases; SIZE_MAX: as memory allows
    bool spill;  // everything that waits goes to disk
    bool check;  // every constraint is checked before anything is contributed
    bool print;  // what the guest prints goes to the log
    const scratch *scratch;
    const inputs *inputs;
    transfer *transfer;
    void *arg;
    // A result is ready; the callee owns it. Comes on the working thread, as all of these.
    void (*deliver)(void *arg, outbox_entry *e);
    // How far the present task is.
    void (*progress)(void *arg, size_t done, size_t of, uint64_t steps);
} job_world;

typedef struct open_job open_job;

// `cancel` must outlive it; raised, the present call ends with ZK_ECANCELED.
MUST_CHECK status job_open(open_job **out, const job_world *world, const char *id,
                           const cancel_flag *cancel);
void job_close(open_job *j); // removes its files; NULL is allowed
const char *job_id(const open_job *j);

// Runs one task and delivers its results. On failure the answer is the caller's: *code says which.
MUST_CHECK status job_run_task(open_job *j, const task_name *task,
                               const api_execute_task_request *r, uint64_t received_ms,
                               const char **code);
