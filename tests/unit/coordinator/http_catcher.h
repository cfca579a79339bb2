// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// A web server for tests, on loopback: takes one request a connection, keeps it, answers by script.
#include "base/bytes.h"

#include <pthread.h>

enum { CATCHER_MAX = 16 };

typedef struct caught {
    char head[8192]; // request line and headers
    byte_buffer body;
} caught;

typedef struct catcher {
    int fd;
    uint16_t port;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t news;
    caught requests[CATCHER_MAX];
    size_t n;
    // Answer to request i; after the last one 200. NULL: says nothing until the peer goes.
    const char *answers[CATCHER_MAX];
    size_t n_answers;
    bool stop;
} catcher;

void catcher_open(catcher *c);
// Waits for n requests, at most 20 s, and fails the test without them.
void catcher_wait(catcher *c, size_t n);
void catcher_close(catcher *c);
// Value of a header into out; "" when it is not there.
void caught_header(char *out, size_t size, const caught *r, const char *name);
