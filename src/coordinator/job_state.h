// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// States of a job and of a worker, and every step between them. What is not in the tables cannot
// happen: a late or forged message that asks for it is refused and changes nothing.
//
// A job, its rows and columns as in job_transitions; "." is refused:
//
//                      Queued   Contrib. Prove    Aggreg.  Completed Failed Cancelled
//     RESERVED         Contrib. .        .        .        .         .      .
//     ALL_CONTRIBUTED  .        Prove    .        .        .         .      .
//     FIRST_SHARE      .        .        Aggreg.  .        .         .      .
//     PROOF_STORED     .        .        .        Complet. .         .      .
//     SIMULATED        .        .        Complet. .        .         .      .
//     NEW_EPOCH        .        Contrib. Contrib. Contrib. .         .      .
//     FAILURE          Failed   Failed   Failed   Failed   .         .      .
//     CANCEL           Cancel.  Cancel.  Cancel.  Cancel.  .         .      .
//
// RESERVED: workers are reserved. ALL_CONTRIBUTED: one contribution for each instance of the plan.
// FIRST_SHARE: the first worker delivered its share and aggregates; the others still prove.
// PROOF_STORED: the final proof was verified and is on disk. SIMULATED: the one share of a
// simulated node is there, and there is no proof. NEW_EPOCH: a contribution was a lie and is
// replaced, which changes the challenge, so that phase 2 begins again. A share that moves to
// another worker is no step of the job.
//
// A worker:
//
//                      Idle       Computing    Disconnected  Aside
//     CONNECTED        Idle       Computing    Idle          Aside
//     RESERVE          Computing  .            .             .
//     RELEASE          .          Idle         .             .
//     LOST             Disconn.   Disconn.     Disconn.      Aside
//     LIED             Aside      Aside        Aside         Aside
//
// CONNECTED on a worker that is connected is a newer connection of the same worker, whose older one
// is dead. A worker that comes back to a job whose share it still has is reserved anew.
#include "base/status.h"

typedef enum job_state {
    JOB_QUEUED,
    JOB_CONTRIBUTIONS,
    JOB_PROVE,
    JOB_AGGREGATE,
    JOB_COMPLETED,
    JOB_FAILED,
    JOB_CANCELLED,
    JOB_STATE_COUNT
} job_state;

typedef enum job_event {
    JOB_RESERVED,
    JOB_ALL_CONTRIBUTED,
    JOB_FIRST_SHARE,
    JOB_PROOF_STORED,
    JOB_SIMULATED,
    JOB_NEW_EPOCH,
    JOB_FAILURE,
    JOB_CANCEL,
    JOB_EVENT_COUNT
} job_event;

typedef enum worker_state {
    WORKER_IDLE,
    WORKER_COMPUTING,
    WORKER_DISCONNECTED,
    WORKER_ASIDE,
    WORKER_STATE_COUNT
} worker_state;

typedef enum worker_event {
    WORKER_CONNECTED,
    WORKER_RESERVE,
    WORKER_RELEASE,
    WORKER_LOST,
    WORKER_LIED,
    WORKER_EVENT_COUNT
} worker_event;

// Takes the step. ZK_EINVAL where the table has none; *state is then untouched.
MUST_CHECK status job_step(job_state *state, job_event event);
MUST_CHECK status worker_step(worker_state *state, worker_event event);

bool job_is_over(job_state s);    // completed, failed or cancelled
bool job_is_running(job_state s); // has workers

// Names as the API shows them: "Queued", "Running (Contributions)", ..., "Completed"; the phase
// alone, "Contributions", "Prove", "Aggregate", or "None" when the job does not run.
const char *job_state_name(job_state s);
const char *job_phase_name(job_state s);
// "Idle", "Computing(Prove)", "Disconnected", "Set aside"; `job` is the state of the worker's job.
const char *worker_state_name(worker_state s, job_state job);
