// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// Between engine_world.c (clock, wires, checker, store) and engine_fake.c (workers, prover).
#include "cluster/messages.h"
#include "unit/coordinator/engine_world.h"

enum { MODEL_BYTES = 80, MODEL_PROOF_BYTES = 64, MODEL_KEY_WORDS = 9, MODEL_UNITS_MAX = 1 << 16 };

typedef enum event_kind {
    TO_WORKER,
    TO_ENGINE,
    WORKER_STEP,
    CHECKED,
    TICK,
    LOST,
    CONNECT
} event_kind;

typedef struct event {
    uint64_t at, order;
    event_kind kind;
    uint64_t connection; // messages and losses
    fake *f;             // STEP, CONNECT
    uint64_t life;       // of the fake's process
    uint8_t *bytes;
    size_t n;
    uint64_t ticket;
    bool ok, undecided;
    uint64_t engine_life;
} event;

typedef struct kept_result { // until ResultStored
    uint64_t task;
    uint32_t epoch;
    bool whole;
    uint32_t index;
    uint8_t *bytes;
    size_t n;
} kept_result;

typedef struct fake_task {
    uint64_t id;
    uint32_t epoch;
    int type;
    uint32_t begin, end, at; // instances; at: next one
    uint32_t told;           // numbers that were made up
    bool ranged, begun, last;
    bool have[1024]; // AGGREGATE: digests that came
} fake_task;

struct fake {
    world *w;
    char id[32];
    uint32_t units;
    lie lie;
    uint8_t program, key;
    bool alive, connected, registered, paused, leaving, hold;
    uint64_t connection, life, heard_ms, process;
    // The open job.
    char job[37], data_id[64];
    bool open;
    uint32_t plan_n;
    bool committed[1024];
    uint32_t epoch; // whose contributions it has
    uint8_t *all;   // MODEL_BYTES each
    size_t n_all;
    uint32_t first_all; // plan index of the first
    fake_task tasks[64];
    size_t n_tasks;
    kept_result kept[2048];
    size_t n_kept;
    uint8_t *last;
    size_t n_last;
    uint64_t last_task;
    bool stepping;
    event stash[256]; // messages that came while it was stopped
    size_t n_stash;
};

typedef struct known_job {
    char id[37];
    char data_id[64];
    size_t over_calls;
    bool completed;
    // The checker's memory of one epoch.
    uint32_t epoch;
    bool seen[1024];
    uint32_t forgotten; // epochs before it
} known_job;

struct world {
    world_options o;
    test_rng rng;
    char folder[128];
    store *store;
    engine *engine;
    uint64_t now, order, next_connection, engine_life;
    event *events; // heap
    size_t n_events, room;
    fake **fakes;
    size_t n_fakes;
    known_job *jobs;
    size_t n_jobs;
    uint8_t (*artifacts)[32];
    size_t n_artifacts;
    struct link {
        uint64_t connection, at; // last delivery, per direction
        fake *f;
        bool up, engine_up; // as the wires, as the engine know it
        uint64_t last_to_engine, last_to_worker;
    } * links;
    size_t n_links;
    struct task_epoch {
        uint64_t task;
        uint32_t epoch;
    } * epochs;
    size_t n_epochs;
    struct stored { // proofs that were acknowledged
        char job[37];
        uint32_t epoch, index;
        bool found;
    } * stored;
    size_t n_stored;
    size_t sent[3];
    engine_counts before; // of earlier engines
    bool broken;
    size_t undecided;
};

void world_push(world *w, event e);
struct link *world_link(world *w, uint64_t connection);
void world_to_engine(world *w, fake *f, const api_worker_message *m);
known_job *world_known(world *w, const char *id);
void world_put_artifact(world *w, const uint8_t sha[32]);
uint32_t world_plan(const world *w, const char *data_id);

// The model prover.
void model_contribution(uint8_t out[MODEL_BYTES], const char *data_id, uint32_t index);
void model_digest(uint8_t out[32], const char *tag, const void *a, size_t n, uint64_t number);
void model_proof(uint8_t out[MODEL_PROOF_BYTES], const uint8_t *all, size_t n, uint32_t index);
void model_final(uint8_t out[32], const uint8_t *all, size_t n);

void fake_take(fake *f, const api_coordinator_message *m);
void fake_step(fake *f);
void fake_greet(fake *f);
void fake_forget(fake *f);
