// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// A cluster in memory around a real engine and a real store: workers that follow doc/cluster.md
// word by word (and complain when the engine does not), a prover whose proofs are hashes, wires
// with delays, and a clock. Faults are calls. Everything follows from the seed.
#include "coordinator/engine.h"
#include "unit/test.h"

typedef enum lie {
    HONEST,
    LIES_CONTRIBUTION, // a contribution that nobody can prove
    LIES_WITNESS,      // one whose proof is fine, but the bus does not add up
    LIES_PLAN,
    LIES_MORE, // a plan of many more instances, of which it contributes one at a time
    LIES_PUBLICS,
    LIES_PROOF,
    LIES_FINAL,
    LIES_GARBAGE,
    LIES_RANGE,    // a plan index outside its task
    ERRS,          // every task fails with OUT_OF_MEMORY
    NO_INPUT,      // INPUT_ERROR
    CRASHED_GUEST, // PROGRAM_FAILED
    STALLS,        // takes tasks and does nothing
    PRETENDS       // takes tasks, does nothing, and reports a little more every second
} lie;

typedef struct world world;
typedef struct fake fake; // a worker

typedef struct world_options {
    uint64_t seed;
    uint64_t min_delay_ms, max_delay_ms; // of a message; order is kept within a connection
    uint32_t instances;                  // of a plan
    engine_limits limits;                // zeroes: defaults
} world_options;

world *world_new(const world_options *o);
void world_free(world *w);

engine *world_engine(world *w);
uint64_t world_now(const world *w);
test_rng *world_rng(world *w);
// Runs events up to `ms` from now.
void world_run(world *w, uint64_t ms);
// Runs until the job is over, at most `ms`. Returns its state's name.
const char *world_finish(world *w, const char *job, uint64_t ms);
// The engine crashes and is opened again over the same store.
void world_restart(world *w);
// The same, and the clock was set back meanwhile; it is right again after the engine's first tick.
void world_restart_set_back(world *w, uint64_t ms);

fake *world_add(world *w, const char *id, uint32_t units, lie l);
// Another process that knows the id and says that it reconnects.
fake *world_add_thief(world *w, const char *id, uint32_t units);
size_t world_n_workers(const world *w);
fake *world_worker(world *w, size_t i);
const char *fake_id(const fake *f);
lie fake_lie(const fake *f);
void fake_set_lie(fake *f, lie l);
void fake_set_program(fake *f, uint8_t program, uint8_t key);
void fake_connect(world *w, fake *f);
void fake_cut(world *w, fake *f, bool noticed); // the connection breaks; unnoticed: by the engine
void fake_kill(world *w, fake *f);              // the process; fake_connect starts a new one
void fake_pause(world *w, fake *f, bool pause);
void fake_leave(world *w, fake *f);
bool fake_is_alive(const fake *f);
bool fake_is_connected(const fake *f);
bool fake_is_paused(const fake *f);
bool fake_has_left(const fake *f);
bool fake_is_busy(const fake *f); // has tasks
bool fake_has_run(const fake *f); // holds the run of a job
void fake_hold_answers(fake *f, bool hold);
// Sends the answer again that it sent last.
void fake_repeat(world *w, fake *f);
// Sends an arbitrary message now.
void fake_send(world *w, fake *f, const api_worker_message *m);
uint64_t fake_last_task(const fake *f); // that it delivered something of; 0: none
uint64_t fake_task_id(const fake *f);   // of the first that it has; 0: none
void fake_freeze(fake *f);              // it never does anything again, and nobody is told
// A connection of its own with this first message.
void world_register_raw(world *w, fake *f, const api_worker_register_request *r);
void world_reconnect_raw(world *w, fake *f, const api_worker_reconnect_request *r);

// Launches; fails the test when the engine does not take it.
void world_launch(world *w, char job[37], const char *data_id, uint32_t units, uint32_t minimum,
                  bool queue, uint32_t priority);
status world_try_launch(world *w, char job[37], const api_launch_proof_request *r);

// From here on every write to the store fails, or no more.
void world_break_store(world *w, bool broken);

// The next n checks find no memory.
void world_undecided(world *w, size_t n);

const api_job_status *world_job(world *w, const char *job);
bool world_proof_is_right(world *w, const char *job);
engine_counts world_counts(world *w); // over all restarts
void world_check(world *w);           // invariants that hold at any moment
void world_print(world *w);           // workers and jobs, for people
void world_check_queue(world *w);     // no job waits for capacity that is idle
// Kinds of tasks that the engine sent so far: tasks[task_type].
size_t world_tasks_sent(const world *w, int task_type);
size_t world_over_calls(const world *w, const char *job);
uint32_t world_forgotten(const world *w, const char *job); // epochs below it, by the checker
size_t world_results(const world *w, const char *job, uint32_t epoch); // that are stored
