// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// A service over the stand-in for the engine, and a client of it on the same loop over loopback.
#include "unit/base/scratch.h"
#include "unit/coordinator/toy_engine.h"
#include "unit/test.h"

#include "base/file.h"
#include "cluster/messages.h"
#include "coordinator/service_internal.h"

#define API "/" SERVICE_API "/"

enum { PATIENCE_MS = 20000 };

typedef struct fixture {
    char folder[SCRATCH_PATH];
    rpc_loop *loop;
    store *jobs;
    artifacts *blobs;
    access_list *access;
    pool *io;
    service *service;
    rpc_channel *channel;
    bool timed_out;
} fixture;

#define OK(expr)                                                                                   \
    do {                                                                                           \
        if ((expr) != ZK_OK)                                                                       \
            fail_msg("%s: %s", #expr, status_message());                                           \
    } while (0)

typedef struct answer {
    bool done;
    rpc_code code;
    char message[512];
    uint8_t *bytes;
    size_t n;
} answer;

// A streaming call; what came, message by message.
typedef struct stream {
    rpc_call *call;
    answer end;
    ProtobufCMessage *got[4096];
    size_t n, drains;
    const ProtobufCMessageDescriptor *type;
    bool headers;
} stream;

void open_service(fixture *f, service_options *o);
void close_service(fixture *f);
void run_until(fixture *f, bool (*check)(void *arg), void *arg);
void run_turns(fixture *f, int turns);
void *call(fixture *f, answer *a, const char *path, const void *request,
           const ProtobufCMessageDescriptor *type);
void expect(fixture *f, rpc_code code, const char *says, const char *path, const void *request);
stream *open_stream(fixture *f, const char *path, const ProtobufCMessageDescriptor *type);
void stream_send(stream *s, const void *message);
bool stream_over(void *arg);
bool stream_has_one(void *arg);
bool stream_has_headers(void *arg);
void stream_free(stream *s);
char *launch(fixture *f, const api_launch_proof_request *r);
void say_hello(stream *s, const char *id);
