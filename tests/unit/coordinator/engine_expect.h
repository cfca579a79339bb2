// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// What tests of the engine say at the end of a scenario.
#include "unit/coordinator/engine_world.h"

enum { LONG_MS = 3600 * 1000 };

static inline world *a_world(void)
{
    return world_new(&(world_options){.seed = 1});
}

// Nobody is stuck, nobody honest is accused, and everything was told once.
static inline void expect_rest(world *w, const char *job)
{
    world_run(w, 60000);
    world_check(w);
    assert_int_equal(world_over_calls(w, job), 1);
    for (size_t k = 0; k < engine_n_workers(world_engine(w)); k++)
        assert_int_equal(strncmp(engine_worker_at(world_engine(w), k)->state, "Computing", 9) == 0,
                         0);
}

static inline void expect_completed(world *w, const char *job)
{
    const char *state = world_finish(w, job, LONG_MS);
    if (strcmp(state, "Completed") != 0)
        fail_msg("%s: %s", state,
                 world_job(w, job)->failure != NULL ? world_job(w, job)->failure->message : "");
    assert_true(world_proof_is_right(w, job));
    expect_rest(w, job);
}

static inline void expect_failed(world *w, const char *job, const char *code)
{
    const char *state = world_finish(w, job, LONG_MS);
    assert_string_equal(state, strcmp(code, "CANCELLED") == 0 ? "Cancelled" : "Failed");
    assert_string_equal(world_job(w, job)->failure->code, code);
    assert_true(world_job(w, job)->failure->message[0] != 0);
    uint8_t sha[32];
    uint64_t bytes;
    assert_false(engine_proof(world_engine(w), job, sha, &bytes));
    expect_rest(w, job);
}

// Runs until the job is in the state. The clock goes in steps of 10 ms.
static inline void run_until(world *w, const char *job, const char *state)
{
    for (int k = 0; k < 100000; k++) {
        if (strcmp(world_job(w, job)->state, state) == 0)
            return;
        world_run(w, 10);
    }
    fail_msg("the job is %s and never %s", world_job(w, job)->state, state);
}

static inline const api_worker_info *worker_info(world *w, const char *id)
{
    for (size_t k = 0; k < engine_n_workers(world_engine(w)); k++)
        if (strcmp(engine_worker_at(world_engine(w), k)->worker_id, id) == 0)
            return engine_worker_at(world_engine(w), k);
    fail_msg("no worker %s", id);
    return NULL;
}

// n honest workers a, b, c ... of 5 units, registered.
static inline void add_workers(world *w, size_t n)
{
    for (size_t k = 0; k < n; k++) {
        char id[2] = {(char)('a' + k), 0};
        world_add(w, id, 5, HONEST);
    }
    world_run(w, 100);
}
