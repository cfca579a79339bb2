// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// The coordinator's mind: workers, jobs, tasks, and what to do next (doc/cluster.md).
//
// It has no sockets, threads or clock. Events come in by the functions below, each with the time;
// what follows goes out by the hooks, and to the store before anybody is told. So a test can run
// a cluster of any size through any sequence of losses, lies and restarts, and a crash is the end
// of an engine with a new one opened over the same store.
//
// One thread. Hooks are called from inside the functions and must not call back into the engine
// (queue it). Messages given to hooks live as long as the call.
//
// States of jobs and workers: job_state.h. A connection is a number that the caller never uses
// twice; a worker has at most one at a time.
#include "cluster/api.h"
#include "coordinator/choose.h"
#include "coordinator/job_store.h"

typedef struct engine engine;

typedef struct engine_limits {
    size_t max_workers_per_job, max_total_workers;
    uint64_t heartbeat_timeout_ms;
    uint64_t reconnect_grace_ms;  // a lost worker keeps its tasks so long
    uint64_t phase_timeout_ms[3]; // contributions, prove, aggregate: from the last progress
    // A task lasts so many of them at most, since its beginning or the last proof of it that was
    // accepted: all other progress is the worker's word.
    uint32_t task_timeouts;
    uint64_t capacity_timeout_ms; // a running job waits so long for any worker
    uint64_t job_retention_ms;    // jobs that are over are forgotten; 0: never
    uint32_t max_attempts;        // of one share in one epoch
    api_plan_parameters plan;     // of new jobs
} engine_limits;

// What the engine asks to have checked; the answer is engine_checked with the same ticket.
typedef enum check_kind {
    CHECK_PROOF, // one instance, under the contributions of its epoch
    CHECK_TOTAL, // all instances accepted: is the sum over the bus zero?
    CHECK_FINAL, // the proof file
    CHECK_KIND_COUNT
} check_kind;

// UNDECIDED says nothing about the worker: memory or the disk failed. The engine asks again after
// CHECK_AGAIN_MS, under the same ticket; after CHECK_TRIES the job fails.
typedef enum check_verdict { CHECK_REFUSED, CHECK_ACCEPTED, CHECK_UNDECIDED } check_verdict;
enum { CHECK_AGAIN_MS = 1000, CHECK_TRIES = 60 };

typedef struct check_request {
    uint64_t ticket;
    check_kind kind;
    const char *job;
    uint32_t epoch;
    const uint64_t *key_words; // as the workers gave them; their digest is program_key
    size_t n_key_words;
    const uint8_t *program_key;                            // 32 bytes
    const uint32_t *publics;                               // 64
    const api_instance_contribution *const *contributions; // plan order
    size_t n_contributions;
    uint32_t plan_index;  // PROOF
    const uint8_t *proof; // PROOF
    size_t proof_bytes;
    const uint8_t *sha256; // FINAL: 32 bytes, an artifact
} check_request;

typedef enum job_event_kind { JOB_STATUS_CHANGED, JOB_PROGRESSED, JOB_NOTED } job_event_kind;

typedef struct engine_hooks {
    void *arg;
    // To a worker. Never refused: the caller queues, and closes a connection whose queue is full.
    void (*send)(void *arg, uint64_t connection, const api_coordinator_message *m);
    // Ends a worker's stream after what was sent. No engine_lost follows.
    void (*close)(void *arg, uint64_t connection, const char *reason);
    // Everything behind the pointers is copied before it returns.
    void (*check)(void *arg, const check_request *r);
    // Of this job, nothing of epochs before `below_epoch` will be checked any more.
    void (*forget_checks)(void *arg, const char *job, uint32_t below_epoch);
    // Is this a contribution of the program's machine, by form? Synchronous and cheap.
    bool (*contribution_form)(void *arg, const uint64_t *key_words, size_t n_key_words,
                              const uint8_t *program_key, const api_instance_contribution *c);
    // Bytes of an artifact exist (an uploaded input, a final proof)?
    bool (*has_artifact)(void *arg, const uint8_t sha256[32]);
    // Its size; NULL: the engine knows no sizes of proofs.
    uint64_t (*artifact_bytes)(void *arg, const uint8_t sha256[32]);
    // For watchers. The event is complete but for `sequence` and `time`.
    void (*event)(void *arg, const api_job_event *e);
    // A job ended and is stored as such: save the proof, notify. `proof` is NULL unless Completed
    // with one. Called again after a restart until engine_notified.
    void (*over)(void *arg, const api_job_status *job, const uint8_t *proof_sha256);
} engine_hooks;

// Loads the jobs of the store, which the engine then uses alone. Both structs are copied.
MUST_CHECK status engine_open(engine **out, store *s, const engine_limits *limits,
                              const engine_hooks *hooks, uint64_t now_ms);
void engine_close(engine *e); // as a crash would: nothing is told to anybody. NULL is allowed

// Clocks: `now_ms` is since 1970 and must not go backwards by more than it did at earlier calls.
// engine_tick does what is due; *next_ms: when to call it again at the latest.
void engine_tick(engine *e, uint64_t now_ms, uint64_t *next_ms);

// ---- Workers. `address` is for people. The first message of a connection must be register or
// reconnect, else the connection is closed.
void engine_worker_message(engine *e, uint64_t now_ms, uint64_t connection, const char *address,
                           const api_worker_message *m);
void engine_lost(engine *e, uint64_t now_ms, uint64_t connection, const char *reason);

// ---- Checks. The reason is that of a check that was not accepted.
void engine_checked(engine *e, uint64_t now_ms, uint64_t ticket, check_verdict verdict,
                    const char *reason);

// ---- Clients. ZK_EINVAL: a bad request; ZK_ELIMIT: too little capacity; ZK_ECANCELED: draining;
// ZK_EIO: it could not be stored. job_id has room for 37 bytes.
MUST_CHECK status engine_launch(engine *e, uint64_t now_ms, const api_launch_proof_request *r,
                                char job_id[37], bool *queued);
// ZK_EINVAL: no such job. A job that is over stays as it is.
MUST_CHECK status engine_cancel(engine *e, uint64_t now_ms, const char *job_id, const char *reason);
// The job's end was told to whom it concerns (webhook): `over` is not called for it again.
void engine_notified(engine *e, const char *job_id);
// No more launches; queued jobs stay in the store. True when no job is running.
bool engine_drain(engine *e);

// ---- Views. What is given lives until the next call of a function of the engine.
const api_job_status *engine_job(engine *e, uint64_t now_ms, const char *job_id); // NULL: none
size_t engine_n_jobs(const engine *e);
const api_job_status *engine_job_at(engine *e, uint64_t now_ms, size_t i); // by age
size_t engine_n_queued(const engine *e);
const api_job_status *engine_queued_at(engine *e, uint64_t now_ms, size_t i); // next first
size_t engine_n_workers(const engine *e);
const api_worker_info *engine_worker_at(engine *e, size_t i); // by registration
void engine_system_status(const engine *e, api_system_status *out);
// The final proof of a completed job; false: none.
bool engine_proof(const engine *e, const char *job_id, uint8_t sha256[32], uint64_t *bytes);

// Does a job still need this artifact (its input, its proof)? Others may be removed when old.
bool engine_needs_artifact(const engine *e, const uint8_t sha256[32]);

typedef struct engine_counts { // since the engine was opened
    uint64_t registrations, reconnections, losses, set_aside, tasks_sent, tasks_moved;
    uint64_t stale_answers, epochs_started, jobs_ended[JOB_STATE_COUNT];
} engine_counts;
void engine_get_counts(const engine *e, engine_counts *out);
