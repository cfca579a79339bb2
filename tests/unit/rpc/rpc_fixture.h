// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// What the tests of src/rpc share: a server with one method of each kind, a way to run a loop until
// something happened (never longer than TEST_PATIENCE_MS), and recorders for call events.
//
// Methods of test.Test:
//   Echo    unary: answers the request; text starting with "fail:N:" ends with status N instead
//   Sum     client streaming: answers the number of messages and of bytes, as two u64
//   Count   server streaming: request is two u64 (messages, size); sends as the reader keeps up
//   Chat    both: echoes each message; ends when the client half-closes
//   Hang    never answers
#include "rpc/rpc.h"
#include "unit/test.h"

enum { TEST_PATIENCE_MS = 20000 * TEST_PATIENCE };

typedef struct rpc_fixture {
    rpc_loop *loop;
    rpc_server *server;
    rpc_channel *channel;
    char url[64];
    size_t hanging;        // calls of Hang open now
    size_t hang_ended;     // and how many have ended
    rpc_code hang_code;    // how the last one did
    size_t chat_max_queue; // highest send queue that Chat and Count saw
    bool timed_out;
} rpc_fixture;

typedef struct recorder {
    size_t n_messages, n_bytes;
    uint8_t first[64];
    uint64_t sum; // of all bytes
    bool headers, drained, done;
    rpc_code code;
    char message[256];
    size_t pause_after; // pause when that many messages came, 0: never
} recorder;

extern const rpc_call_events recorder_events;

// The server's side alone; tls may be NULL.
void fixture_server(rpc_fixture *f, const rpc_tls_options *tls, const rpc_limits *limits);
void fixture_channel(rpc_fixture *f, const rpc_channel_options *o);
void fixture_open(rpc_fixture *f); // both, defaults
void fixture_close(rpc_fixture *f);

// Runs the loop until *flag, fails the test when that takes too long.
void run_until(rpc_fixture *f, const bool *flag);
void run_for(rpc_fixture *f, uint64_t ms);
// Runs until check(arg) holds.
void run_while_not(rpc_fixture *f, bool (*check)(void *arg), void *arg);

void start(rpc_call **out, rpc_fixture *f, const char *path, const rpc_call_options *o,
           recorder *r);
// Whole unary call; returns its code.
rpc_code echo(rpc_fixture *f, const char *text, recorder *r);
