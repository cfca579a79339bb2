// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// Inside the engine. One job is driven by one function, job_pump (engine_phases.c): it looks at
// what the job lacks and at which open tasks will bring it, and makes up the difference. Whatever
// happens, a loss, a lie, a restart, only marks things as missing and calls it. Whatever fails for
// want of memory for bookkeeping ends the process: the store has everything, and the next engine
// goes on.
//
//     engine.c          open, close, tick, messages of workers handed on, small helpers
//     engine_workers.c  connections, heartbeats, losses, the choice of a worker for a share
//     engine_jobs.c     launch, queue, start, end
//     engine_tasks.c    tasks: stored, sent, closed
//     engine_phases.c   what a running job lacks
//     engine_answers.c  results and failures of tasks, checks
//     engine_lies.c     workers set aside, elections, disputes, audits, epochs
//     engine_restart.c  facts of a job as bytes, loading
//     engine_views.c    what clients see, events
#include "cluster/messages.h"
#include "coordinator/engine.h"
#include "verifier/program_verify.h"

enum {
    SHA256_BYTES = 32,
    PLAN_DIGEST_MAX = 64,
    ID_MAX = 128, // of workers, as text
    VERSION_MAX = 64,
    REASON_BYTES = 256,
    NO_UNIT = UINT32_MAX,
    WORKER_UNITS_MAX = 1 << 16,
    RECONNECT_TASKS_MAX = 1 << 16,
    TICK_MS = 1000,
    FORGET_WORKER_MS = 15 * 60 * 1000,
    ENTRIES_A_WORKER = 4, // of max_total_workers: who is gone is remembered within this
    REQUEST_MAX = 64 << 10
};

typedef struct job job;

typedef struct program_identity {
    uint8_t digest[PROGRAM_DIGEST_BYTES], key[SHA256_BYTES];
    uint64_t words[PROGRAM_KEY_MAX_WORDS];
    size_t n_words;
} program_identity;

typedef struct worker {
    char *id, *address, *version;
    uint32_t units;
    uint8_t process[SHA256_BYTES]; // of the one that runs it, zero-padded
    bool able;                     // sent abilities that are well-formed
    program_identity program;
    worker_state state;
    bool connected, leaving;
    uint64_t connection;
    uint64_t session; // changes when the process behind may have forgotten its job
    uint64_t connected_ms, heard_ms, acked_ms, beat_ms, probed_ms, lost_ms;
    job *job;         // reserved for it
    char holds[37];   // id of the job whose run it may have open; "": none
    char *cancelling; // id of a job whose JobCancelled it has not answered yet
    uint64_t cancelling_ms;
    uint64_t progress_ms; // last progress of any of its tasks
    bool has_epoch;       // it has the contributions of its job's epoch
    char reason[REASON_BYTES];
} worker;

typedef enum task_purpose {
    FOR_UNITS,   // contributions of a range of units
    FOR_RANGE,   // missing contributions of a range of instances
    FOR_MOVE,    // the same again, by a worker that is to prove them
    FOR_PLAN,    // the plan alone: an opinion
    FOR_OPINION, // one instance's contribution: an opinion
    FOR_AUDIT,   // contributions again, to compare
    FOR_READY,   // the plan alone: a worker that is to aggregate
    FOR_PROOFS,  // proofs of a range
    FOR_SUMS,    // no proofs, but the contributions: a worker that is to aggregate
    FOR_FINAL,   // the final proof
    PURPOSE_COUNT
} task_purpose;

typedef enum task_state {
    TASK_OPEN,
    TASK_DONE,
    TASK_FAILED, // counts against its share's attempts
    TASK_MOVED,  // does not
    TASK_PASSED, // an older epoch, or no more needed: the worker may go on with others of the job
    TASK_STATE_COUNT
} task_state;

typedef struct task {
    uint64_t id;
    task_purpose purpose;
    task_state state;
    uint32_t epoch;
    worker *by;
    uint32_t first_unit, n_units, begin, end;
    bool answered;        // the worker is through with it; checks may still be out
    bool all_sent;        // AGGREGATE: the last request went out
    bool sent_again;      // AGGREGATE: to a worker that came back and may do it twice
    bool unsent;          // waits for the end of the batch
    size_t n_told;        // AGGREGATE: digests that went out, in order of acceptance
    uint32_t done, total; // as the worker says, within what the task has
    uint64_t steps;
    uint64_t begun_ms; // the worker's first turn at it, or its last accepted proof; 0: not yet
} task;

typedef enum proof_state { PROOF_NONE, PROOF_CHECKING, PROOF_ACCEPTED } proof_state;

typedef struct instance {
    uint8_t *contribution;
    size_t contribution_bytes;
    worker *by; // who contributed it, and in which session
    uint64_t session;
    proof_state proof;
    uint8_t sha256[SHA256_BYTES]; // of the accepted proof
    uint32_t attempts;
    bool audited;
} instance;

typedef struct unit_share {
    uint32_t first, n, attempts;
    bool done;
    worker *by; // had it last
} unit_share;

typedef struct plan_facts {
    uint8_t digest[PLAN_DIGEST_MAX];
    size_t digest_bytes;
    uint32_t n_instances;
    uint32_t publics[BUNDLE_PUBLICS];
    uint64_t steps;
} plan_facts;

// What workers say that cannot all be true: about the plan, or about one contribution.
typedef struct opinion {
    worker *by;
    plan_facts facts; // of an election
    uint8_t *bytes;   // of a dispute
    size_t n_bytes;
} opinion;

struct job {
    char id[37];
    job_state state;
    uint32_t epoch;
    uint64_t serial; // by age
    uint64_t created_ms, changed_ms, started_ms, phase_ms, ended_ms;
    char *failure_code, *failure_message;
    api_launch_proof_request *request;
    bool notified, unsaved, told_over;
    uint32_t swept; // stored results of epochs before it are gone

    // Facts, stored with the job.
    bool has_program;
    program_identity program;
    uint32_t units; // that it is cut into
    api_plan_parameters plan;
    bool has_facts;
    plan_facts facts;
    bool has_proof;
    uint8_t proof_sha256[SHA256_BYTES];
    uint64_t proof_bytes;

    // Of a running job.
    unit_share *shares;
    size_t n_shares;
    instance *instances;
    uint32_t low, high; // of the plan that the job is about; all but for a simulated node
    task **tasks;
    size_t n_tasks;
    uint32_t *accepted; // plan indices in order of acceptance
    size_t n_accepted;
    worker *aggregator;
    uint32_t final_attempts;
    bool total_asked, total_ok, auditing;
    opinion *votes; // against the facts
    size_t n_votes;
    worker **supporters; // of the facts
    size_t n_supporters;
    bool disputed;
    uint32_t disputed_index;
    opinion *opinions; // [0] is what is stored
    size_t n_opinions;
    worker **failed; // erred on this job, the latest last: others are preferred
    size_t n_failed;
    worker **departed; // see job_departure; those that the engine has not forgotten
    size_t n_departed, departures;
    worker **input_errors, **program_errors;
    size_t n_input_errors, n_program_errors;
    char last_error[REASON_BYTES];
    uint64_t waiting_ms; // since when it lacks a worker, 0: it does not
    uint64_t event_ms;   // last progress event
    uint64_t last_progress_ms;
    bool pumping, pump_again;

    char **assigned; // names, in order
    size_t n_assigned;
};

typedef struct check {
    uint64_t ticket;
    check_kind kind;
    job *job;
    uint32_t epoch, index;
    uint64_t task;
    worker *by;
    uint8_t *bytes; // PROOF
    size_t n_bytes;
    uint8_t sha256[SHA256_BYTES];
    bool again;         // stored before a restart
    uint32_t undecided; // how often
    uint64_t due_ms;    // to be asked again then; 0: it is being checked
} check;

struct engine {
    store *store;
    engine_limits limits;
    engine_hooks hooks;
    uint64_t now_ms, opened_ms;
    worker **workers; // by registration
    size_t n_workers;
    job **jobs; // by age
    size_t n_jobs;
    job **queue; // scratch of the order
    size_t n_queue;
    check *checks;
    size_t n_checks;
    uint64_t next_ticket, next_session, next_serial;
    job **ended; // what follows an end waits until nothing of the job is in use
    size_t n_ended;
    bool draining, opened;
    bool batch, batch_begun; // see batch_begin
    engine_counts counts;
    struct view *view;
};

// ---- engine.c
void *engine_grow(void *array, size_t n, size_t item_bytes); // room for n + 1 items
void *engine_new(size_t n, size_t item_bytes);               // zeroes
char *engine_text(const char *text);
// What was cut within a character is no UTF-8, and no client could read the message it stands in.
void engine_mend(char *text);
void engine_say(char *to, size_t size, const char *format, ...) // cuts
    __attribute__((format(printf, 3, 4)));
// Milliseconds since a time of the store, 0 when it is ahead: the machine's clock may have been set
// back while no coordinator ran.
uint64_t engine_since(const engine *e, uint64_t ms);
bool same_bytes(const uint8_t *a, size_t a_n, const uint8_t *b, size_t b_n);
bool workers_hold(worker *const *list, size_t n, const worker *w);
void workers_note(worker ***list, size_t *n, worker *w); // appends unless it is there
void workers_drop(worker **list, size_t *n, const worker *w);
void job_note_erred(job *j, worker *w);

// ---- engine_workers.c
worker *worker_by_id(engine *e, const char *id);
worker *worker_by_connection(engine *e, uint64_t connection);
worker *worker_known(engine *e, const char *id); // makes a disconnected one when there is none
void worker_register(engine *e, uint64_t connection, const char *address, const char *id,
                     const api_compute_capacity *capacity, const api_worker_abilities *abilities,
                     const api_worker_reconnect_request *reconnect);
void worker_lost(engine *e, worker *w, const char *reason); // its connection is gone
void worker_leaving(engine *e, worker *w, const char *reason);
void workers_tick(engine *e);
void worker_send(engine *e, worker *w, const api_coordinator_message *m);
// The worker's job has nothing for it any more. What it still works on without need is stopped
// first.
void worker_release(engine *e, worker *w);
void worker_part(engine *e,
                 worker *w); // it has no job any more, and what it held of it is not relied on
void worker_reserve(engine *e, worker *w, job *j);
// Told that the job is not wanted; it is free when it has answered.
void worker_cancel(engine *e, worker *w, const char *job_id, const char *reason);
void worker_cancelled(engine *e, worker *w, const char *job_id); // its answer
// The job is over: who still holds its run is told, and nobody waits for the answer.
void workers_drop_run(engine *e, const char *job_id);
// May take tasks of the job, some day or now.
bool worker_fits(const worker *w, const job *j);
// For a share of the job: an idle worker, else the least loaded of the job; none of `excluded`.
// NULL: nobody now.
worker *worker_pick(engine *e, job *j, worker *const *excluded, size_t n_excluded);
// Is there anybody, free or not, who could be asked some day?
bool worker_exists(engine *e, job *j, worker *const *excluded, size_t n_excluded);

// ---- engine_jobs.c
job *job_by_id(engine *e, const char *id);
void job_free(job *j);
void job_drop_work(engine *e, job *j); // what only a running job needs
bool job_save(engine *e, job *j);      // false: the job has failed for it
void job_fail(engine *e, job *j, const char *code, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
void job_storage_failed(engine *e, job *j); // after a failure of the store
void job_step_saved(engine *e, job *j, job_event event);
void job_complete(engine *e, job *j);
void job_begin_phase(engine *e, job *j);
void jobs_schedule(engine *e);
void engine_settle(engine *e); // at the end of every event: what ended is told, the queue moves
void jobs_tick(engine *e);
void queue_order(engine *e);
void job_join(job *j, const worker *w); // notes the name

// ---- engine_tasks.c
// Until batch_end, changes of the job's rows are one, and tasks are sent after it.
void batch_begin(engine *e);
void batch_end(engine *e, job *j);
bool batch_write(engine *e, job *j); // before a change; false: the job has failed
task *task_by_id(job *j, uint64_t id);
// Stores and sends. NULL when it could not be stored: the job has failed.
task *task_add(engine *e, job *j, worker *w, task_purpose purpose, uint32_t first, uint32_t n);
void task_send(engine *e, job *j, task *t);
bool task_close(engine *e, job *j, task *t, task_state state); // false: not stored, job failed
// The worker leaves the job, is set aside, or came back when its work had moved on. True: it did so
// before, and what it had counts as tried. So that it ends at some time, the job fails when
// that happens more often than all its workers together may fail.
bool job_departure(engine *e, job *j, worker *w, const char *why);
// All open tasks of the worker; counting: TASK_FAILED rather than TASK_MOVED.
void tasks_move(engine *e, job *j, worker *w, bool counting, const char *why);
size_t tasks_open(const job *j, const worker *w);
uint32_t tasks_load(const job *j, const worker *w); // instances left to do
bool task_contributes(const task *t);               // its answer is a ChallengesList
bool purpose_contributes(task_purpose p);
void task_tell_stored(engine *e, job *j, worker *w, uint64_t task_id, const uint32_t *index);
void task_feed_aggregator(engine *e, job *j); // digests that it does not have yet
task *task_final(job *j);                     // the open one

// The contributions of the job's instances as messages, which point to those of the job.
typedef struct contribution_list {
    api_instance_contribution *items, **pointers;
    size_t n;
} contribution_list;

contribution_list contributions_of(const job *j);
void contributions_clear(contribution_list *l);

// ---- engine_phases.c
void job_pump(engine *e, job *j);
void job_set_facts(job *j, const plan_facts *f);
void job_set_contribution(job *j, uint32_t index, const uint8_t *data, size_t n, worker *by);
void job_clear_contribution(job *j, uint32_t index);
bool job_simulated(const job *j);
void job_narrow(job *j); // a simulated node is about its own stretch of the plan

// ---- engine_answers.c
void answer_response(engine *e, worker *w, const api_execute_task_response *r);
void answer_proof(engine *e, worker *w, const api_instance_proof *p);
void answer_progress(engine *e, worker *w, const api_task_progress *p);
void answer_error(engine *e, worker *w, const api_worker_error *r);
void answer_checked(engine *e, check *c, bool ok, const char *reason);
void check_ask(engine *e, job *j, check_kind kind, task *t, uint32_t index, const uint8_t *data,
               size_t n, bool again);
void check_undecided(engine *e, check *c, const char *reason);   // once more later
void checks_tick(engine *e, const job *j);                       // those that are due
void checks_drop(engine *e, const job *j, uint32_t below_epoch); // of epochs before it
bool share_failed(engine *e, job *j, task *t, const char *code, const char *message);

// ---- engine_lies.c
void worker_aside(engine *e, worker *w, job *j, const char *reason);
bool same_facts(const plan_facts *a, const plan_facts *b);
void election_vote(engine *e, job *j, worker *w, const plan_facts *f);
void dispute_open(engine *e, job *j, uint32_t index, worker *w, const uint8_t *data, size_t n);
void dispute_opinion(engine *e, job *j, worker *w, const uint8_t *data, size_t n);
bool lies_settle(engine *e, job *j); // true: nothing is open
void job_new_epoch(engine *e, job *j, const char *why);
bool audit_pump(engine *e, job *j); // false: who could be asked is not there

// ---- engine_restart.c
status job_record_of(job_record *out, byte_buffer *facts, byte_buffer *request, const job *j);
status engine_load(engine *e);

// ---- engine_views.c
void event_status(engine *e, job *j);
void event_progress(engine *e, job *j, bool at_once);
void event_note(engine *e, job *j, const worker *w, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
void job_tell_over(engine *e, job *j);
void view_free(engine *e);
