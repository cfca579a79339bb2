// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// A coordinator that does what a test tells it: one stream at a time, artifacts in memory. Runs in
// the same loop as the worker under test, on one thread.
#include "rpc/rpc.h"
#include "unit/test.h"
#include "worker/wire.h"

enum { FAKE_PATIENCE_MS = 60000 * TEST_PATIENCE, FAKE_MESSAGES = 1024, FAKE_ARTIFACTS = 16 };

typedef struct fake_artifact {
    uint8_t sha256[32], *bytes;
    size_t n;
} fake_artifact;

typedef struct fake_coordinator {
    rpc_loop *loop;
    rpc_server *server;
    char url[64];
    rpc_call *stream;  // NULL: none
    size_t n_streams;  // opened so far
    unsigned refusals; // registrations to refuse yet
    bool dumb;         // registrations get no answer
    uint32_t heartbeat_timeout_seconds;
    api_worker_message *messages[FAKE_MESSAGES]; // as they came, progress left out
    size_t n_messages;
    size_t n_progress;
    uint64_t most_steps;
    fake_artifact artifacts[FAKE_ARTIFACTS];
    size_t n_artifacts;
    size_t chunk;               // bytes of a download's chunks, 0: 1 MiB
    size_t cut_downloads_after; // bytes, once; 0: never
    bool spoil_downloads;
    unsigned fail_downloads; // so many, with INTERNAL
    rpc_timer patience;
    bool timed_out;
} fake_coordinator;

void fake_open(fake_coordinator *f);
void fake_close(fake_coordinator *f); // server and loop

void fake_run(fake_coordinator *f, uint64_t ms);
// Runs the loop until a message of this kind with a number >= *at arrived; *at is then the number
// after it. Fails the test after FAKE_PATIENCE_MS.
const api_worker_message *fake_wait(fake_coordinator *f, size_t *at, unsigned kind);
// Runs the loop until check(arg) holds.
void fake_until(fake_coordinator *f, bool (*check)(void *arg), void *arg);

void fake_send(fake_coordinator *f, api_coordinator_message *m);
void fake_heartbeat(fake_coordinator *f);
void fake_task(fake_coordinator *f, api_execute_task_request *r);
void fake_stored(fake_coordinator *f, const char *job, uint64_t task, const uint32_t *index);
void fake_cancel(fake_coordinator *f, const char *job);
void fake_cut(fake_coordinator *f); // the stream breaks

void fake_put(fake_coordinator *f, uint8_t sha256[32], const void *bytes, size_t n);
const fake_artifact *fake_find(const fake_coordinator *f, const uint8_t *sha256);
